"""Letters for tests: one of every kind, about one fictitious person."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from watchlist.domain.case_events import Source
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.inscription_letter import (
    DelistingFacts,
    InscriptionFacts,
    delisting_letter,
    inscription_letter,
)
from watchlist.domain.letter import Contacts, Heading, Letter
from watchlist.domain.rights_letter import (
    GRANTED,
    Deferred,
    Entries,
    Request,
    access_answer,
    extension,
    grant,
    refusal,
    restriction_to_be_lifted,
)
from watchlist.domain.rights_request import Right

CONTACTS = Contacts(
    "Organisme Exemple",
    "1 rue des Lilas, 75000 Paris",
    "registre@exemple.invalid",
    "Déléguée Exemple",
    "2 rue des Lilas, 75000 Paris",
    "dpo@exemple.invalid",
)
REFERENCE = UUID("7f3e2a54-3b0e-4f0e-9d6e-0c5a9a3f1b7d")
EXPORT: dict[str, Any] = {
    "exported_at": "2026-03-02T12:05:00Z",
    "subject": {
        "family_name": "Delatour",
        "birth_date": "1970-02-28",
        "identifiers": [{"scheme": "rpps", "value": "10000001916"}],
    },
    "cases": [
        {
            "state": "closed",
            "summary": "Une ligne\nune autre",
            "proportionality": {"gravity": "répétée"},
            "notes": [{"at": "2026-01-01T23:30:00Z", "text": "closed"}],
        }
    ],
    "disclosures": [],
}


def heading(*addressee: str, dated: date = date(2026, 3, 2)) -> Heading:
    return Heading(REFERENCE, dated, addressee or ("Marie Claude Delatour",), CONTACTS)


def facts(**changes: Any) -> InscriptionFacts:
    known: dict[str, Any] = {
        "organisation": "GRPM",
        "inscribed_on": date(2026, 3, 1),
        "term_months": 60,
        "last_listed_day": date(2031, 3, 1),
        "grounds": (Ground.FICTITIOUS_SERVICES, Ground.OVERBILLING),
        "source": Source.CONTROL,
        "imported": False,
        "held": False,
        "restricted": False,
    }
    return InscriptionFacts(**known | changes)


def ended(ground: DelistingGround = DelistingGround.TERM_ELAPSED, **changes: Any) -> DelistingFacts:
    known: dict[str, Any] = {
        "inscription": facts(),
        "ended_on": date(2031, 3, 1),
        "ground": ground,
        "was_held": False,
        "informed": True,
    }
    return DelistingFacts(**known | changes)


def asked(kind: Right = Right.ACCESS) -> Request:
    return Request(kind, date(2026, 2, 1), "GRPM")


DEFERRED = (Deferred("Notes du dossier", "Une vérification est en cours.", date(2026, 9, 1)),)


def every_letter() -> list[Letter]:
    """Each ground, source, kind and circumstance at least once."""
    to = heading()
    written = [inscription_letter(to, facts(grounds=(ground,))) for ground in Ground]
    written += [inscription_letter(to, facts(source=source)) for source in (*Source, None)]
    written += [inscription_letter(to, facts(imported=True, held=True, restricted=True))]
    written += [inscription_letter(heading(dated=date(2032, 1, 5)), facts(held=True))]
    for ground in DelistingGround:
        written += [
            delisting_letter(to, ended(ground, was_held=True, informed=told)) for told in (True, False)
        ]
    written += [refusal(to, asked(kind), "Une raison.") for kind in Right]
    written += [grant(to, asked(kind), "Une raison.") for kind in GRANTED]
    stands = Entries(1, date(2026, 2, 20), freed=True, kept_back=True)
    written += [refusal(to, asked(Right.OBJECTION), "Une raison.", stands)]
    written += [grant(to, asked(Right.OBJECTION), "Une raison.", stands)]
    for kind in Right:
        written.append(extension(to, asked(kind), "Une raison.", date(2026, 5, 4)))
        written.append(restriction_to_be_lifted(to, asked(kind), "Une raison.", date(2026, 5, 4)))
    written += [
        access_answer(to, asked(), EXPORT),
        access_answer(to, asked(), EXPORT, DEFERRED, "Une raison."),
    ]
    return written


def text_of(letter: Letter) -> str:
    """All its words, one part a line."""
    lines = [letter.title, *letter.sender, *letter.addressee, letter.date_line, letter.reference]
    lines += [letter.salutation, *letter.opening, *(f"{name} : {value}" for name, value in letter.summary)]
    for section in letter.sections:
        lines += [f"## {section.heading}", *section.paragraphs, *(f"- {item}" for item in section.items)]
        lines += section.after
        for table in section.tables:
            lines += [f"[{table.caption}]", *(f"{name} | {value}" for name, value in table.rows)]
    return "\n".join([*lines, letter.closing, *letter.signature, letter.footer])
