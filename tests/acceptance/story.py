"""What is told to the service: fictitious persons, their cases, and who is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from stdnum import luhn

from tests.acceptance.service import Somebody

LISTED, UNLISTED = 1, 2
"""Who is listed where nothing else is said, and who is not."""
PARIS = ZoneInfo("Europe/Paris")
PROPORTIONALITY = {
    "gravity": "repeated",
    "evidence": "documents",
    "harm": "money",
    "alternatives": "warned before",
    "term_reason": "repetition",
}


def rpps(number: int) -> str:
    body = f"1099{number:06d}"
    return body + luhn.calc_check_digit(body)


def number_of(rpps: str) -> int:
    """The other way round, for the demonstration's persons, who have numbers of the same range."""
    return int(rpps[4:10])


def person(number: int) -> dict[str, Any]:
    return {
        "kind": "person",
        "role": "health_professional",
        "family_name": f"Exemple {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[number % 26]}",
        "given_names": "Camille",
        "birth_date": "1970-02-28",
        "identifiers": [{"scheme": "rpps", "value": rpps(number)}],
    }


def today(now: datetime | None = None) -> date:
    return (now or datetime.now(UTC)).astimezone(PARIS).date()


def proposal(subject: str) -> dict[str, Any]:
    return {
        "subject_id": subject,
        "grounds": ["overbilling"],
        "term_months": 60,
        "proportionality": PROPORTIONALITY,
    }


def procedure(subject: str, opened_on: date) -> dict[str, Any]:
    return {
        "kind": "criminal_complaint",
        "court": "TJ Lyon",
        "reference": "24/01234",
        "opened_on": opened_on.isoformat(),
        "subject_ids": [subject],
    }


def deferring() -> dict[str, Any]:
    """An approval whose letter waits: a hit that is told before it would make it late (L12)."""
    review_on = today() + timedelta(days=60)
    return {"notice_deferral": {"reason": "an investigation", "review_on": review_on.isoformat()}}


@dataclass(frozen=True, slots=True)
class Entry:
    """A listed subject, as the answers named it."""

    number: int
    subject: str
    case: str
    inscription: str
    inscribed_on: date
    last_listed_day: date
    listed_until: datetime


def qualified_case(investigator: Somebody, number: int) -> tuple[str, str]:
    """A subject, and a qualified case of it."""
    subject = investigator.made("/subjects", person(number))["id"]
    raised = {"subject_ids": [subject], "raised_on": today().isoformat(), "source": "control", "summary": "s"}
    case = investigator.made("/cases", raised)["id"]
    investigator.made(f"/cases/{case}/qualification", {"relevant": True, "reason": "documents"}, 200)
    return subject, case


def listed(investigator: Somebody, supervisor: Somebody, number: int) -> Entry:
    subject, case = qualified_case(investigator, number)
    inscription = investigator.made(f"/cases/{case}/inscriptions", proposal(subject))["inscription_id"]
    approved = supervisor.made(f"/inscriptions/{inscription}/approval", deferring(), 200)
    return Entry(
        number,
        subject,
        case,
        inscription,
        date.fromisoformat(approved["inscribed_on"]),
        date.fromisoformat(approved["last_listed_day"]),
        datetime.fromisoformat(approved["listed_until"]),
    )


def question(*numbers: int) -> dict[str, Any]:
    subjects = {f"q{n}": {"identifiers": [{"scheme": "rpps", "value": rpps(n)}]} for n in numbers}
    return {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}


def hits(integrator: Somebody, *numbers: int) -> list[bool]:
    """Whether each of these persons is listed; an answer that is no answer fails."""
    answer = integrator.made("/screenings", question(*numbers), 200)
    return [answer["results"][f"q{n}"]["hit"] for n in numbers]
