"""Letters: which are due, what each says, its PDF; that it was sent, or that it waits (L12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import Response

from api.answered.letters import DeferralReceipt, LetterItem, LetterRead, Letters, SendingReceipt
from api.asked import LetterDeferral, Sending
from api.errand import Protection, TheHouse, json_answer
from api.fields import Id
from api.operator import Asker, allowed
from api.paging import Pages
from api.pdf import PDF, AsPrintedNow, Pdf, printed
from api.routes import COMMANDS, LISTS, READS, router
from watchlist.application import letters
from watchlist.application.letters import Posting
from watchlist.domain import periods
from watchlist.domain.correspondence import LetterState
from watchlist.domain.operator import Role

routes = router("letters", "/letters")

DataProtection = Annotated[Asker, Depends(allowed(Role.DPO))]


@routes.get("", response_model=Letters, responses=LISTS)
def list_letters(
    asker: DataProtection, house: TheHouse, pages: Pages, state: LetterState | None = None
) -> Response:
    """The letters of one's organisation, by id: due, late, deferred, sent; or not due any more."""
    at = house.clock.now()
    found = house.pictures.letters(asker.organisation, state, at, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["letter_id"], _item)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    # What is due at 00:00 had the whole day before: that is its last day.
    late_from = row["late_from"]
    due_on = None if late_from is None else periods.civil_date(late_from - timedelta(microseconds=1))
    return {name: row.get(name) for name in LetterItem.model_fields} | {"due_on": due_on}


@routes.get("/{letter_id}", response_model=LetterRead, responses=READS)
def read_a_letter(letter_id: Id, asker: DataProtection, house: TheHouse) -> Response:
    """What a letter says: as it was sent; before that, as it would be sent today."""
    view = letters.read_letter(house.desk, house.writing, letter_id, asker.organisation)
    return json_answer(view, version=view["version"])


@routes.get("/{letter_id}/pdf", response_class=Pdf, responses=PDF)
def print_a_letter(
    letter_id: Id,
    asker: DataProtection,
    house: TheHouse,
    as_printed_now: AsPrintedNow = False,
) -> Response:
    """The letter to post, or the very document that was sent."""
    found = letters.print_letter(house.desk, house.writing, letter_id, asker.organisation, as_printed_now)
    return printed(letter_id, *found)


@routes.post("/{letter_id}/sent", response_model=SendingReceipt, responses=COMMANDS)
def record_a_sending(letter_id: Id, body: Sending, errand: Protection, house: TheHouse) -> Response:
    """The letter went out: it is kept as it reads now, dated that day. Record it on the day you print it."""
    posting = Posting(body.sent_on, body.channel)
    return errand.tell(lambda desk, ask: letters.record_sent(desk, house.writing, ask, letter_id, posting))


@routes.post("/{letter_id}/deferral", response_model=DeferralReceipt, responses=COMMANDS)
def defer_a_letter(letter_id: Id, body: LetterDeferral, errand: Protection) -> Response:
    """The letter waits, for a reason, until a day on which that is reviewed: within six months."""
    return errand.tell(
        lambda desk, ask: letters.defer_letter(desk, ask, letter_id, body.reason, body.review_on)
    )
