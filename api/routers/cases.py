"""Cases: an alert is raised, qualified, worked on, followed through the courts and closed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from api.answered.cases import (
    CaseFile,
    CaseReceipt,
    Cases,
    EvidenceReceipt,
    History,
    ProcedureReceipt,
    RedactionReceipt,
)
from api.answered.common import Receipt
from api.answered.lists import ProposalReceipt
from api.asked import (
    Closing,
    EndOfProcedure,
    Money,
    NewCase,
    NewEvidence,
    NewInscription,
    NewNote,
    NewProcedure,
    Qualification,
    Redaction,
    SubjectOfCase,
)
from api.errand import Investigation, TheHouse, json_answer
from api.fields import Id, Instant
from api.moments import require_past
from api.operator import Reader
from api.paging import Pages
from api.routes import COMMANDS, LISTS, READS, router
from watchlist.application import inscribe, open_case, work_on_case
from watchlist.application.case_file import event_view, find_case, read_case
from watchlist.application.case_texts import redact_text
from watchlist.application.follow_procedure import (
    EndedProcedure,
    OpenedProcedure,
    end_procedure,
    open_procedure,
)
from watchlist.domain.case_memory import CaseState

routes = router("cases", "/cases")

SHOWN = (
    "case_id",
    "version",
    "organisation",
    "state",
    "source",
    "raised_on",
    "import_id",
    "opened_at",
    "closed_at",
    "last_active_at",
    "subject_ids",
)


@routes.post("", status_code=201, response_model=CaseReceipt, responses=COMMANDS)
def raise_an_alert(body: NewCase, errand: Investigation) -> Response:
    """Raise an alert: a new case, in state `alert`."""
    raised = open_case.RaisedAlert(
        tuple(dict.fromkeys(body.subject_ids)),
        body.raised_on,
        body.source,
        body.summary,
        _amount(body.amount_at_stake),
    )
    return errand.make(lambda desk, ask: open_case.raise_alert(desk, ask, raised))


def _amount(money: Money | None) -> str | None:
    return None if money is None else f"{money.amount} {money.currency}"


@routes.get("", response_model=Cases, responses=LISTS)
def list_cases(asker: Reader, house: TheHouse, pages: Pages, state: CaseState | None = None) -> Response:
    """The cases of one's organisation (auditors: of all), by id."""
    found = house.pictures.cases(asker.scope, state and state.value, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["case_id"], lambda row: {name: row[name] for name in SHOWN})


@routes.get("/{case_id}", response_model=CaseFile, responses=READS)
def read_a_case(
    case_id: Id,
    asker: Reader,
    house: TheHouse,
    as_of: Annotated[Instant | None, Query(description="as it had been recorded by that instant")] = None,
) -> Response:
    """The case file: everything of it, opened. As of an instant: in codes as it was, its texts as held today."""
    if as_of is not None:
        require_past(as_of, "as_of", house)
        house.standings.settle(as_of)
    view = read_case(house.desk, case_id, asker.scope, as_of)
    return json_answer(view, version=view["version"] if as_of is None else None)


@routes.get("/{case_id}/history", response_model=History, responses=READS)
def read_the_history_of_a_case(case_id: Id, asker: Reader, house: TheHouse, pages: Pages) -> Response:
    """What was recorded of the case, in codes, dates and random ids, in its order."""
    find_case(house.desk, case_id, asker.scope)
    found = house.pictures.history_of(case_id, int(pages.after or 0), pages.fetch)
    return pages.answer(found, lambda row: row["version"], _recorded)


def _recorded(row: dict[str, Any]) -> dict[str, Any]:
    names = ("position", "recorded_at", "topic", "version")
    return {**{name: row[name] for name in names}, **event_view(bytes(row["state"]))}


@routes.post("/{case_id}/qualification", response_model=CaseReceipt, responses=COMMANDS)
def qualify_an_alert(case_id: Id, body: Qualification, errand: Investigation) -> Response:
    """Relevant: a case under investigation. Not relevant: its data are purged at once."""
    return errand.tell(
        lambda desk, ask: open_case.qualify_alert(desk, ask, case_id, body.relevant, body.reason)
    )


@routes.post("/{case_id}/subjects", response_model=Receipt, responses=COMMANDS)
def add_a_subject_to_a_case(case_id: Id, body: SubjectOfCase, errand: Investigation) -> Response:
    """One more subject of the case; one it has already changes nothing."""
    return errand.tell(lambda desk, ask: work_on_case.add_subject(desk, ask, case_id, body.subject_id))


@routes.post("/{case_id}/notes", status_code=201, response_model=Receipt, responses=COMMANDS)
def add_a_note(case_id: Id, body: NewNote, errand: Investigation) -> Response:
    """A note of the investigation."""
    return errand.make(lambda desk, ask: work_on_case.add_note(desk, ask, case_id, body.text))


@routes.post("/{case_id}/evidence", status_code=201, response_model=EvidenceReceipt, responses=COMMANDS)
def add_evidence(case_id: Id, body: NewEvidence, errand: Investigation) -> Response:
    """A description and the digest of a document that stays outside."""
    return errand.make(
        lambda desk, ask: work_on_case.add_evidence(desk, ask, case_id, body.description, body.sha256)
    )


@routes.post("/{case_id}/redactions", status_code=201, response_model=RedactionReceipt, responses=COMMANDS)
def redact_a_text(case_id: Id, body: Redaction, errand: Investigation) -> Response:
    """Replace a text of the case; what it said is deleted for good. Its id is in `text_ids` of the case file."""
    return errand.make(
        lambda desk, ask: redact_text(desk, ask, case_id, body.text_id, body.text, body.reason)
    )


@routes.post("/{case_id}/procedures", status_code=201, response_model=ProcedureReceipt, responses=COMMANDS)
def open_a_procedure(case_id: Id, body: NewProcedure, errand: Investigation) -> Response:
    """A judicial procedure: while it is ongoing for a subject, it holds that subject's entry."""
    opened = OpenedProcedure(
        body.kind, body.court, body.reference, body.opened_on, tuple(body.subject_ids), body.continues
    )
    return errand.make(lambda desk, ask: open_procedure(desk, ask, case_id, opened))


@routes.post("/{case_id}/procedures/{procedure_id}/end", response_model=ProcedureReceipt, responses=COMMANDS)
def end_a_procedure(case_id: Id, procedure_id: Id, body: EndOfProcedure, errand: Investigation) -> Response:
    """The procedure has definitively ended, for some or all of those it names."""
    subject_ids = None if body.subject_ids is None else tuple(body.subject_ids)
    ended = EndedProcedure(
        body.outcome, body.ended_on, body.limitation.basis, body.limitation.ends_on, subject_ids
    )
    return errand.tell(lambda desk, ask: end_procedure(desk, ask, case_id, procedure_id, ended))


@routes.post("/{case_id}/closing", response_model=CaseReceipt, responses=COMMANDS)
def close_a_case(case_id: Id, body: Closing, errand: Investigation) -> Response:
    """Close the case; its entries stay."""
    return errand.tell(lambda desk, ask: open_case.close_case(desk, ask, case_id, body.outcome))


@routes.post("/{case_id}/inscriptions", status_code=201, response_model=ProposalReceipt, responses=COMMANDS)
def propose_an_inscription(case_id: Id, body: NewInscription, errand: Investigation) -> Response:
    """Propose a subject of the case for the list; a second person approves it."""
    proposed = inscribe.Proposed(tuple(body.grounds), body.term_months, body.proportionality.model_dump())
    return errand.make(lambda desk, ask: inscribe.propose(desk, ask, case_id, body.subject_id, proposed))
