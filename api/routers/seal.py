"""The sealed log, for auditors: checkpoints and proofs (T4). None of it is of a person; reading it is logged (T3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import PlainTextResponse, Response

from api.answered.seal import (
    CheckpointPage,
    CheckpointView,
    ConsistencyProof,
    InclusionProof,
    SealKeys,
)
from api.errand import TheHouse, json_answer
from api.operator import Asker, allowed
from api.paging import Pages
from api.routes import LISTS, READS, problems, router
from watchlist.audit.verifier import VerifierKey, leaf_hash
from watchlist.bootstrap import House
from watchlist.domain import refusals
from watchlist.domain.operator import Role
from watchlist.ports.seal import Published

routes = router("audit", "/audit")

Auditor = Annotated[Asker, Depends(allowed(Role.AUDITOR))]
NOTE = "text/plain"
LARGEST = 2**63 - 1


@routes.get("/checkpoint", response_model=CheckpointView, responses=READS)
def read_a_checkpoint(
    asker: Auditor,
    house: TheHouse,
    request: Request,
    size: Annotated[int | None, Query(ge=1, le=LARGEST, description="an earlier one, of that size")] = None,
) -> Response:
    """The last one that was published, or an earlier one; with Accept: text/plain the signed note itself."""
    return _told(house, request, house.sealed_log.at_size(size))


@routes.post("/checkpoint", response_model=CheckpointView, responses=READS)
def seal_now(asker: Auditor, house: TheHouse, request: Request) -> Response:
    """Seals at once what is recorded; answers the last checkpoint, a new one when there was something new."""
    house.sealer.seal()
    return _told(house, request, house.sealed_log.latest())


def _told(house: House, request: Request, published: Published | None) -> Response:
    if published is None:
        raise refusals.NoSuchCheckpoint()
    if _wants_the_note(request.headers.get("accept", "")):
        return PlainTextResponse(published.note)
    keys = house.sealed_log.keys()
    return json_answer({"origin": _origin(keys), **_shown(published), "keys": keys})


def _wants_the_note(accept: str) -> bool:
    """Named, and JSON is not."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return NOTE in named and "application/json" not in named


def _origin(keys: Sequence[str]) -> str | None:
    return VerifierKey.parse(keys[0]).name if keys else None


def _shown(published: Published) -> Mapping[str, Any]:
    return {
        "tree_size": published.size,
        "root": published.root.hex(),
        "at": published.at,
        "position": published.position,
        "note": published.note,
    }


@routes.get("/checkpoints", response_model=CheckpointPage, responses=LISTS)
def list_checkpoints(asker: Auditor, house: TheHouse, pages: Pages) -> Response:
    """All that were published, by size."""
    found = house.sealed_log.published(int(pages.after or 0), pages.fetch)
    return pages.answer(found, lambda one: one.size, _shown)


@routes.get("/keys", response_model=SealKeys, responses=LISTS)
def list_seal_keys(asker: Auditor, house: TheHouse) -> Response:
    """The public keys that sign, and those that did: to be compared with those that were published elsewhere."""
    keys = house.sealed_log.keys()
    return json_answer({"origin": _origin(keys), "keys": keys})


# Proofs ---------------------------------------------------------------------------------------


@routes.get("/proofs/inclusion", response_model=InclusionProof, responses=problems(404, 409))
def prove_inclusion(
    asker: Auditor,
    house: TheHouse,
    position: Annotated[int, Query(ge=1, le=LARGEST, description="of the event")],
    tree_size: Annotated[
        int | None,
        Query(ge=1, le=LARGEST, description="of the tree that it is proven in; the last one published"),
    ] = None,
) -> Response:
    """That an event is in the tree, and has not changed since."""
    _require_reached(house, tree_size=tree_size)
    found = house.sealed_log.inclusion(position, tree_size)
    if found is None:
        raise _not_proven(house, position, tree_size)
    published = house.sealed_log.at_size(found.tree_size)
    return json_answer(
        {
            "position": position,
            "leaf_index": found.leaf_index,
            "tree_size": found.tree_size,
            "leaf": found.leaf.decode(),
            "leaf_hash": leaf_hash(found.leaf).hex(),
            "path": [step.hex() for step in found.path],
            "checkpoint": published.note if published else None,
        }
    )


def _not_proven(house: House, position: int, tree_size: int | None) -> refusals.Refusal:
    """Sealed later than that tree, not sealed yet, or no event at all."""
    if not house.pictures.events(position - 1, position):
        return refusals.NoSuchEvent("position")
    if tree_size is not None and house.sealed_log.inclusion(position) is not None:
        return refusals.EventNotInTree("tree_size")
    return refusals.NotSealedYet("position")


@routes.get("/proofs/consistency", response_model=ConsistencyProof, responses=problems())
def prove_consistency(
    asker: Auditor,
    house: TheHouse,
    since: Annotated[int, Query(alias="from", ge=0, le=LARGEST, description="size of the smaller tree")],
    to: Annotated[int, Query(ge=0, le=LARGEST, description="size of the larger tree")],
) -> Response:
    """That nothing of the smaller tree was changed, taken away or put elsewhere in the larger one."""
    _require_reached(house, **{"from": since, "to": to})
    if since > to:
        raise refusals.SizesReversed("from")
    path = house.sealed_log.consistency(since, to)
    return json_answer({"from": since, "to": to, "path": [step.hex() for step in path]})


def _require_reached(house: House, **sizes: int | None) -> None:
    reached = house.sealed_log.size()
    for name, size in sizes.items():
        if size is not None and size > reached:
            raise refusals.SizeNotReached(name)
