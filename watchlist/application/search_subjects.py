"""Search subjects: who of one's own organisation resembles this, and why (C6).

By keyed tokens: exact identifiers, names with the birth date, names alone. A name alone is never more
than possible (S3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from watchlist.application.desk import Desk
from watchlist.domain.identifiers import Identifier, listed_keys
from watchlist.domain.identity import family_forms, normalised
from watchlist.domain.tokens import Question, Token, Tokenizer

MOST = 100
"""How many are told: whoever gets more knows too little to ask."""


class Certainty(StrEnum):
    CERTAIN = "certain"
    STRONG = "strong"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of whom one looks for; any part may be missing."""

    identifiers: tuple[Identifier, ...] = ()
    names: tuple[tuple[str, str | None], ...] = ()
    """Family names, birth or usage, each with the given names that go with it."""
    birth_date: date | None = None
    name: str | None = None
    """An organisation's."""


@dataclass(frozen=True, slots=True)
class Clue:
    """One reason to take a subject for the one that is looked for, and what it is worth."""

    reasons: tuple[str, ...]
    score: float
    certainty: Certainty


SAME_NAME_AND_GIVEN = Clue(("family_name", "given_names", "birth_date"), 0.9, Certainty.STRONG)
SAME_NAME_AND_DATE = Clue(("family_name", "birth_date"), 0.6, Certainty.POSSIBLE)
SAME_NAME = Clue(("name",), 0.4, Certainty.POSSIBLE)
SAME_FAMILY_NAME = Clue(("family_name",), 0.3, Certainty.POSSIBLE)


def search_subjects(desk: Desk, organisation: str, wanted: Wanted) -> list[dict[str, Any]]:
    """At most MOST subjects of that organisation, best first: subject_id, score, certainty, reasons."""
    return desk.looked_up(lambda: _found(desk, organisation, wanted))


def _found(desk: Desk, organisation: str, wanted: Wanted) -> list[dict[str, Any]]:
    tokenizer = desk.tokenizer
    strong = dict(_with_proof(tokenizer, wanted))
    weak = dict(_by_name(tokenizer, wanted))
    clues: dict[UUID, set[Clue]] = {}
    for digests in (strong, weak):
        for subject_id, tokens in desk.registry.subjects_found(organisation, list(digests), MOST):
            found = (_clue(tokenizer, wanted, digests[t.digest], t) for t in tokens)
            clues.setdefault(subject_id, set()).update(found)
    ranked = sorted(clues.items(), key=lambda item: (-_best(item[1]).score, item[0]))
    return [_told(subject_id, found) for subject_id, found in ranked[:MOST]]


def _with_proof(tokenizer: Tokenizer, wanted: Wanted) -> Iterator[tuple[bytes, Clue]]:
    for identifier in wanted.identifiers:
        for key in listed_keys(identifier):
            yield tokenizer.of_identifier(key), Clue((key.scheme,), 1.0, Certainty.CERTAIN)
    if wanted.birth_date is not None:
        for name, _ in wanted.names:
            for digest in tokenizer.of_names(name, wanted.birth_date):
                yield digest, SAME_NAME_AND_DATE


def _by_name(tokenizer: Tokenizer, wanted: Wanted) -> Iterator[tuple[bytes, Clue]]:
    for name, _ in wanted.names:
        for form in family_forms(name):
            yield tokenizer.of_family(form), SAME_FAMILY_NAME
    if wanted.name is not None:
        yield tokenizer.digest("trade name", normalised(wanted.name)), SAME_NAME


def _clue(tokenizer: Tokenizer, wanted: Wanted, clue: Clue, token: Token) -> Clue:
    """The same, or better when the given names that go with that name agree too."""
    if clue is not SAME_NAME_AND_DATE or wanted.birth_date is None:
        return clue
    for name, given in wanted.names:
        if given and token.digest in tokenizer.of_names(name, wanted.birth_date):
            asked = tokenizer.of_given(given, wanted.birth_date)
            if Question(given=asked).is_met_by([token]):
                return SAME_NAME_AND_GIVEN
    return clue


def _best(clues: Iterable[Clue]) -> Clue:
    return max(clues, key=lambda clue: clue.score)


def _told(subject_id: UUID, clues: set[Clue]) -> dict[str, Any]:
    best = _best(clues)
    ranked = sorted(clues, key=lambda clue: (-clue.score, clue.reasons))
    return {
        "subject_id": subject_id,
        "score": best.score,
        "certainty": best.certainty,
        "reasons": list(dict.fromkeys(reason for clue in ranked for reason in clue.reasons)),
    }
