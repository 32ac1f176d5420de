"""What of an access may wait, by which name; and an export as a person reads it (P3)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from tests.letters import asked, heading, text_of
from watchlist.domain.access import WHOLE, Deferred, Part, deferred_by, part_named
from watchlist.domain.access_reading import readable
from watchlist.domain.rights_letter import PARTS, access_answer

CASE = UUID(int=7)
LATER = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("identity", (Part.IDENTITY, None)),
        ("cases", (Part.CASES, None)),
        ("notes", (Part.NOTES, None)),
        ("cases.notes", (Part.NOTES, None)),
        (f"cases.{CASE.hex}", (Part.CASES, CASE)),
        (f"cases.{CASE.hex}.evidence", (Part.EVIDENCE, CASE)),
        ("cases.identity", None),
        ("identity.birth_date", None),
        (f"cases.{CASE.hex}.recipients", None),
        ("cases.", None),
        ("les_notes", None),
    ],
)
def test_a_part_has_its_names(name: str, means: tuple[Part, UUID | None] | None) -> None:
    assert part_named(name) == means


def test_a_name_that_nobody_can_read_makes_everything_wait() -> None:
    assert deferred_by("cases.notes", "enquête", LATER) == [Deferred(Part.NOTES, "enquête", LATER)]
    assert [one.part for one in deferred_by("les_notes", "enquête", LATER)] == list(WHOLE)


def test_every_part_is_named_to_the_person() -> None:
    assert set(PARTS) == set(Part)


def read(**export: object) -> str:
    return text_of(access_answer(heading(), asked(), readable(export)))


def test_what_is_withheld_or_waits_is_said_where_it_would_stand() -> None:
    text = read(
        summary={"summary": {"text": None, "withheld": "third_party"}},
        notes=[
            {"text": {"text": "closed", "withheld": None}},
            {"text": {"text": None, "withheld": "erased"}},
        ],
        cases=[{"evidence": {"deferred": "evidence", "reason": "enquête", "review_on": "2026-09-01"}}],
    )
    assert "Résumé | non communiqué : ce texte concerne une autre personne" in text
    assert "Texte | closed" in text
    assert "Texte | effacé" in text
    assert "Pièces | communiqué plus tard" in text


def test_codes_are_told_in_words_and_retention_with_its_end() -> None:
    text = read(
        purpose={"fr": "lutte contre la fraude", "en": "x", "code": None},
        identity={
            "usage_name": "active",
            "changed": ["birth_date"],
            "retention": {"rule": "C2", "fr": "cinq ans", "en": "x", "ends_at": "2026-03-15T23:00:00Z"},
        },
        other={"retention": {"rule": "C5", "fr": "effacées", "en": "x", "ends_at": None}},
    )
    assert "Finalité | lutte contre la fraude" in text
    assert "Nom d'usage | active" in text
    assert "Champs modifiés | Date de naissance" in text
    assert "Conservation | cinq ans (jusqu'au 16 mars 2026 à 0 h 00)" in text
    assert "Conservation | effacées" in text


def test_an_earlier_letter_is_told_by_its_words_without_its_tables() -> None:
    letter = {
        "title": "Un titre",
        "opening": ["Un début."],
        "summary": [["Quoi", "ceci"]],
        "sections": [
            {
                "heading": "Une partie",
                "paragraphs": ["Un texte."],
                "items": ["Un point"],
                "after": ["Une fin."],
            }
        ],
    }
    text = read(requests=[{"letters_sent": [{"sent_on": "2026-03-02", "content": letter}]}])
    assert "Contenu | Un titre\nUn début.\nQuoi : ceci\nUne partie\nUn texte.\nUn point\nUne fin." in text


def test_the_instant_of_an_export_is_not_in_the_letter_which_has_its_day() -> None:
    assert readable({"made_at": "2026-03-02T12:00:00Z", "format": 1}) == {}


def test_what_was_not_recorded_is_not_told_as_nobody() -> None:
    text = read(recipients=None, consultations=None)
    assert "Destinataires | non enregistré" in text
    assert "Consultations | non enregistré" in text
    nobody = read(recipients=[], consultations=[])
    assert "Destinataires | aucun" in nobody
    assert "Consultations | aucun" in nobody


def test_recipients_and_consultations_that_were_recorded_are_told_one_by_one() -> None:
    hit = {
        "at": "2026-03-02T12:00:00Z",
        "recipient": "PROBTP",
        "occasion": "screening",
        "reference": "S-1/q1",
    }
    reading = {"at": "2026-03-03T12:00:00Z", "organisation": "GRPM", "purpose": "audit"}
    text = read(recipients=[hit], consultations=[reading])
    assert "Destinataire | PROBTP" in text
    assert "Le | 3 mars 2026 à 13 h 00" in text
    assert "non enregistré" not in text
