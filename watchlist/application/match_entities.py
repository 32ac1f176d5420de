"""Match entities: the investigators' search, for case tools that speak the open convention of matching.

A batch is answered query by query: one that cannot be read has its own status, and the others are answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.application.search_subjects import Certainty, Wanted, search_subjects
from watchlist.domain import entity_example as examples
from watchlist.domain import identity as identities
from watchlist.domain.entity_example import Example, UnreadableExample
from watchlist.domain.identity import Identity
from watchlist.domain.subject import Subject

DATASET = "watchlist"
"""The one dataset there is: the subjects of one's own organisation (C6)."""
ALGORITHM = "keyed-tokens"
MATCHES_FROM = 0.7
"""The score from which a result is called a match; a name alone never is (S3)."""

SAID = {
    Certainty.CERTAIN: "An exact identifier of a scheme that is told apart.",
    Certainty.STRONG: "Family name, given names and full birth date agree.",
    Certainty.POSSIBLE: "Something agrees; a person must look.",
}


def match_entities(
    desk: Desk,
    organisation: str,
    queries: Mapping[str, Mapping[str, Any]],
    limit: int,
    threshold: float = MATCHES_FROM,
    cutoff: float = 0.0,
) -> dict[str, dict[str, Any]]:
    """For each query at most `limit` subjects of that organisation, best first, none below `cutoff`."""
    return {
        key: _answer(desk, organisation, query, limit, threshold, cutoff) for key, query in queries.items()
    }


def _answer(
    desk: Desk, organisation: str, query: Mapping[str, Any], limit: int, threshold: float, cutoff: float
) -> dict[str, Any]:
    try:
        example = examples.read(query)
        wanted = _wanted(example)
    except UnreadableExample as error:
        return _told(400, [], code=error.code, field=error.field, detail=error.detail)
    found = [one for one in search_subjects(desk, organisation, wanted) if one["score"] >= cutoff]
    known = _identities(desk, [one["subject_id"] for one in found])
    results = [
        _result(one, known[one["subject_id"]], threshold)
        for one in found
        if one["subject_id"] in known and examples.fits(example, known[one["subject_id"]])
    ]
    return _told(200, results[:limit], total=len(results))


def _told(status: int, results: list[dict[str, Any]], total: int = 0, **problem: str) -> dict[str, Any]:
    return {
        "status": status,
        "results": results,
        "total": {"value": total, "relation": "eq"},
        **problem,
    }


def _wanted(example: Example) -> Wanted:
    """What the search looks for; raises UnreadableExample."""
    if not examples.says_something(example):
        detail = "Give a name, or an identifier of a scheme that is held here."
        raise UnreadableExample("nothing_asked", "properties", detail)
    whole = example.values(*examples.WHOLE)
    organisation = None if example.schema == examples.PERSON or not whole else whole[0]
    if examples.SCHEMAS[example.schema] == "Organization":
        return Wanted(examples.identifiers(example), name=organisation)
    return Wanted(
        examples.identifiers(example),
        examples.names(example),
        examples.birth_date(example),
        organisation,
    )


def _identities(desk: Desk, subject_ids: Sequence[UUID]) -> dict[UUID, Identity]:
    """Who they are; whoever is erased, or about to be, is left out."""
    found = desk.log.load(subject_ids)
    subjects = [one for one in found.values() if isinstance(one, Subject) and not one.is_erasing]
    opened = desk.open_all([(one.id, one.identity) for one in subjects])
    return {
        one.id: identities.decode(opened[one.identity.ref]) for one in subjects if one.identity.ref in opened
    }


def _result(found: Mapping[str, Any], identity: Identity, threshold: float) -> dict[str, Any]:
    score: float = found["score"]
    certainty: Certainty = found["certainty"]
    return {
        "id": found["subject_id"],
        "caption": examples.caption(identity),
        "schema": examples.schema_of(identity),
        "properties": examples.properties_of(identity),
        "datasets": [DATASET],
        "referents": [],
        "score": score,
        "match": score >= threshold,
        "features": dict.fromkeys(found["reasons"], score),
        "explanations": {reason: {"score": score, "detail": SAID[certainty]} for reason in found["reasons"]},
        "certainty": certainty,
    }
