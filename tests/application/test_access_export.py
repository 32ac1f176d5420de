"""A person is told everything that is held of them, and nothing of anybody else (P3)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.letters import CONTACTS
from tests.stories import (
    ANNE,
    ANOTHER,
    BRUNO,
    MONDAY,
    ORGANISATION,
    PAYER,
    RPPS,
    Story,
    a_person,
    a_story,
    ask,
    rpps,
    screened_hits,
)
from watchlist.adapters.letter_press import TypstPress
from watchlist.application.access_export import access_export
from watchlist.application.access_records import seals_of
from watchlist.application.case_file import read_case
from watchlist.application.case_texts import redact_text
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.disclose import Communication, disclose_by_hand
from watchlist.application.erase import erase_subject
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.inscribe import Amendment, Deferral, Proposed, amend, approve, propose, reject
from watchlist.application.letters import Posting, Writing, record_sent
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import RaisedAlert, close_case, qualify_alert, raise_alert
from watchlist.application.purge_case import purge_case
from watchlist.application.register_subject import record_death, rectify_subject
from watchlist.application.told_of import consultations_of, recipients_of
from watchlist.application.work_on_case import add_evidence, add_note, add_subject, record_victim
from watchlist.domain import refusals
from watchlist.domain.access import Consulted, Deferred, Disclosed, Part
from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.correspondence import Channel, LetterKind, letter_id
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Organisation, Person
from watchlist.domain.inscription import PROPORTIONALITY, DelistingGround
from watchlist.domain.retention import NEVER
from watchlist.domain.trace import Recipient

GOLDEN = Path(__file__).parent / "golden" / "access_export.json"
DURAND = Person("Durand", "Paul", date(1981, 5, 6), identifiers=(rpps(77),))
LATER = date(2021, 6, 1)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def export(story: Story, subject_id: UUID, *deferred: Deferred, **more: Any) -> dict[str, Any]:
    return access_export(story.desk, subject_id, ORGANISATION, deferred, **more)


def flat(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


def a_whole_story(story: Story) -> tuple[UUID, UUID, UUID]:
    """Anne: rectified, listed with a deferred letter, restricted, lifted, delisted; with Durand in one case."""
    anne = story.subject(a_person("Lefèvre", "Anne", RPPS))
    durand = story.subject(DURAND)
    better = Person("Lefèvre", "Anne Marie", date(1970, 1, 2), usage_name="Petit", identifiers=(RPPS,))
    rectify_subject(story.desk, ask(), anne, better, "acte de naissance reçu", 1)
    raised = RaisedAlert(
        (anne, durand), date(2021, 3, 1), Source.TIP_OFF, "factures en double", "1234.56 EUR"
    )
    case = raise_alert(story.desk, ask(), raised).id
    qualify_alert(story.desk, ask(), case, True, "trois assurés confirment")
    add_note(story.desk, ask(), case, "Mme Lefèvre entendue")
    add_note(story.desk, ask(), case, "M. DURAND nie les faits")
    add_evidence(story.desk, ask(), case, "factures de mars", "0" * 64)
    procedure = story.open_procedure(case, anne)
    story.end_procedure(case, procedure)
    proposed = Proposed(("overbilling", "forged_documents"), 60, dict.fromkeys(PROPORTIONALITY, "pesé"))
    entry = propose(story.desk, ask(), case, anne, proposed).id
    version = story.desk.case(case, ORGANISATION).version
    amend(story.desk, ask(), entry, Amendment(term_months=24), version)
    approve(story.desk, ask(BRUNO), entry, Deferral("enquête en cours", LATER))
    restrict(story.desk, ask(BRUNO), entry, "exactitude contestée")
    lift_restriction(story.desk, ask(BRUNO), entry, "vérifiée")
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé en totalité")
    close_case(story.desk, ask(), case, ClosingOutcome.SETTLED)
    return anne, durand, case


# The shape ------------------------------------------------------------------------------------


def test_an_export_is_what_it_always_was(story: Story) -> None:
    anne, _, _ = a_whole_story(story)
    told = export(story, anne, disclosures=[Disclosed(MONDAY, "AUTRE", "hit", "S-1/q1")])
    assert _without_ids(json.dumps(told, ensure_ascii=False, indent=2)) == GOLDEN.read_text("utf-8").rstrip(
        "\n"
    )


def _without_ids(text: str) -> str:
    seen: dict[str, str] = {}
    return re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}", lambda found: seen.setdefault(found[0], f"id {len(seen) + 1}"), text
    )


def test_the_same_records_at_the_same_instant_are_the_same_bytes(story: Story) -> None:
    anne, _, _ = a_whole_story(story)
    told = export(story, anne)
    assert json.dumps(told) == json.dumps(export(story, anne))
    assert json.loads(json.dumps(told)) == told


# Everything -----------------------------------------------------------------------------------


def test_everything_that_was_sealed_of_a_person_alone_is_told(story: Story) -> None:
    subject, case, entry = story.listed(a_person("Seule", "Anne", RPPS))
    restrict(story.desk, ask(BRUNO), entry, "contestée")
    lift_restriction(story.desk, ask(BRUNO), entry, "vérifiée")
    story.end_procedure(case, story.open_procedure(case, subject))
    add_evidence(story.desk, ask(), case, "factures", "a" * 64)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")
    story.clock.advance(hours=1)
    add_evidence(story.desk, ask(), case, "nouvelles factures", "b" * 64)
    second = story.propose(case, subject).id
    reject(story.desk, ask(BRUNO), second, "trop tôt")
    record_death(story.desk, ask(), subject, date(2021, 3, 10))

    told = flat(export(story, subject))
    streams = story.desk.log.streams([subject, case])
    opened = story.desk.open_all((e.originator_id, s) for e in _all(streams) for s in seals_of(e))
    texts = [value.decode() for value in opened.values() if not value.startswith(b"{")]
    assert len(texts) > 10
    assert [text for text in texts if json.dumps(text, ensure_ascii=False) not in told] == []


def _all(streams: dict[UUID, list[Any]]) -> list[Any]:
    return [event for stream in streams.values() for event in stream]


def test_every_version_of_an_identity_is_told_with_what_changed_and_why(story: Story) -> None:
    subject = story.subject(a_person("Lefevre", "Anne", RPPS))
    story.clock.advance(days=3)
    rectify_subject(story.desk, ask(), subject, a_person("Lefèvre", "Anne", RPPS), "état civil", 1)

    first, second = export(story, subject)["identity"]["versions"]
    assert first["values"]["family_name"] == "Lefevre"
    assert first["recorded_at"] == "2021-03-15T09:00:00Z"
    assert second["values"]["family_name"] == "Lefèvre"
    assert second["recorded_at"] == "2021-03-18T09:00:00Z"
    assert second["changed"] == ["family_name"]
    assert second["reason"] == {"text": "état civil", "withheld": None}
    assert second["values"]["identifiers"] == [{"scheme": "rpps", "value": RPPS.value}]


def test_closed_cases_are_told_with_the_end_of_their_retention(story: Story) -> None:
    subject = story.subject()
    close_case(story.desk, ask(), story.case(subject), ClosingOutcome.NOT_ESTABLISHED)
    (case,) = export(story, subject)["cases"]
    assert case["state"] == "closed"
    assert case["closing_outcome"]["code"] == "not_established"
    assert case["retention"]["rule"] == "C2"
    assert case["retention"]["ends_at"] == "2026-03-15T23:00:00Z"


def test_an_alert_is_told_with_its_six_months(story: Story) -> None:
    subject = story.subject()
    story.alert(subject)
    told = export(story, subject)
    assert told["cases"][0]["retention"]["rule"] == "C1"
    assert told["cases"][0]["retention"]["ends_at"] == "2021-09-15T22:00:00Z"
    assert told["identity"]["retention"]["ends_at"] == "2021-09-15T22:00:00Z"


def test_no_end_is_told_that_nobody_knows(story: Story) -> None:
    subject, case, _ = story.listed()
    story.open_procedure(case, subject)
    told = export(story, subject)
    (entry,) = told["cases"][0]["inscriptions"]
    assert entry["retention"]["ends_at"] is None
    assert entry["held_by"] == [told["cases"][0]["procedures"][0]["procedure_id"]]
    assert told["cases"][0]["retention"]["ends_at"] is None
    assert told["identity"]["retention"]["ends_at"] is None
    assert NEVER.isoformat()[:4] not in flat(told)


def test_an_entry_is_told_with_its_grounds_in_words_and_its_assessment(story: Story) -> None:
    subject, _, _ = story.listed()
    (entry,) = export(story, subject)["cases"][0]["inscriptions"]
    (proposal,) = entry["proposals"]
    assert proposal["grounds"] == [
        {"fr": "surfacturation présumée", "en": "presumed overbilling", "code": "overbilling"}
    ]
    assert set(proposal["proportionality"]) == set(PROPORTIONALITY)
    assert (entry["inscribed_on"], entry["last_listed_day"]) == ("2021-03-15", "2026-03-15")
    assert entry["letter"] == {"due_at": "2021-04-15T22:00:00Z", "deferral_reason": None, "review_on": None}


def test_what_has_ended_is_told_as_ended_though_nobody_swept(story: Story) -> None:
    subject, _, _ = story.listed(months=1)
    story.clock.move_to(datetime(2021, 4, 20, tzinfo=UTC))
    assert export(story, subject)["cases"][0]["inscriptions"][0]["state"] == "ended"


def test_a_withdrawn_proposal_is_told(story: Story) -> None:
    from watchlist.application.inscribe import withdraw

    subject = story.subject()
    case = story.case(subject)
    withdraw(story.desk, ask(), story.propose(case, subject).id)
    told = export(story, subject)["cases"][0]
    assert told["inscriptions"][0]["state"] == "withdrawn"
    assert [one["what"] for one in told["other"]] == ["inscription.withdrawn"]


def test_an_imported_entry_is_told_with_where_it_comes_from(story: Story) -> None:
    csv = (
        "kind,role,family_name,given_names,birth_date,case_reference,grounds,inscribed_on,term_months\n"
        "person,health_professional,Ancienne,Léa,1970-01-02,D-17,overbilling,2020-06-01,60\n"
    )
    report = submit_import(story.desk, ask(), csv.encode(), "liste 2020.csv")
    assert report.import_id is not None
    approve_import(story.desk, ask(BRUNO), report.import_id)
    subject = UUID(str(story.rows("SELECT subject_id FROM subjects")[0]["subject_id"]))
    case = export(story, subject)["cases"][0]
    assert case["source"] is None
    assert case["summary"]["reference"]["text"] == "D-17"
    (entry,) = case["inscriptions"]
    assert entry["imported_from"]["text"] == "liste 2020.csv, 2"
    assert entry["proposals"][0]["proportionality"] is None
    assert entry["inscribed_on"] == "2020-06-01"


# Several persons in one case ------------------------------------------------------------------


def test_of_two_in_one_case_each_is_told_only_their_own(story: Story) -> None:
    anne, durand, case = a_whole_story(story)
    hers, his = flat(export(story, anne)), flat(export(story, durand))
    for secret in ("Durand", "DURAND", rpps(77).value, "1981", str(durand)):
        assert secret not in hers
    for secret in ("Lefèvre", "Petit", RPPS.value, str(anne)):
        assert secret not in his
    told = export(story, durand)["cases"][0]
    assert (told["inscriptions"], told["procedures"], told["victim_records"]) == ([], [], [])
    assert told["case_id"] == str(case)


def test_a_text_that_names_another_is_withheld_and_says_why(story: Story) -> None:
    anne, durand, _ = a_whole_story(story)
    own, of_another = export(story, anne)["cases"][0]["notes"]
    assert own["text"] == {"text": "Mme Lefèvre entendue", "withheld": None}
    assert of_another["text"] == {"text": None, "withheld": "third_party"}
    assert [n["text"]["withheld"] for n in export(story, durand)["cases"][0]["notes"]] == [
        "third_party",
        None,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "le Dr durand a signé",
        "RPPS 10 00 00 00 77 7",
        "DU-RAND",
        "vu Ｄｕｒａｎｄ",
        "signé « Paul Durand, époux »",
    ],
)
def test_another_is_recognised_however_it_is_written(story: Story, text: str) -> None:
    assert rpps(77).value == "10000000777"
    anne, durand = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(DURAND)
    case = story.case(anne, durand)
    add_note(story.desk, ask(), case, text)
    assert export(story, anne)["cases"][0]["notes"][0]["text"] == {"text": None, "withheld": "third_party"}


def test_an_earlier_name_of_another_still_names_them(story: Story) -> None:
    anne, durand = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(DURAND)
    case = story.case(anne, durand)
    add_note(story.desk, ask(), case, "vu M. Durand")
    rectify_subject(story.desk, ask(), durand, Person("Duval", "Paul", date(1981, 5, 6)), "mariage", 1)
    assert export(story, anne)["cases"][0]["notes"][0]["text"]["withheld"] == "third_party"


def test_an_organisation_in_the_case_is_another_too(story: Story) -> None:
    anne, clinic = story.subject(), story.subject(Organisation("SARL Clinique du Parc"))
    case = story.case(anne, clinic)
    add_note(story.desk, ask(), case, "facture de la clinique du parc")
    assert export(story, anne)["cases"][0]["notes"][0]["text"]["withheld"] == "third_party"


def test_a_procedure_tells_only_the_end_for_the_person(story: Story) -> None:
    anne, durand = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(DURAND)
    case = story.case(anne, durand)
    both, his = story.open_procedure(case, anne, durand), story.open_procedure(case, durand)
    story.end_procedure(case, his)
    (procedure,) = export(story, anne)["cases"][0]["procedures"]
    assert procedure["procedure_id"] == str(both)
    assert procedure["ongoing"]
    assert procedure["ends"] == []


def test_nobody_of_the_staff_is_in_it(story: Story) -> None:
    anne, _, _ = a_whole_story(story)
    told = flat(export(story, anne))
    assert str(ANNE) not in told
    assert str(BRUNO) not in told


def test_another_organisation_is_told_nothing(story: Story) -> None:
    subject = story.subject()
    with pytest.raises(refusals.NoSuchSubject):
        access_export(story.desk, subject, ANOTHER)


# Merged, split, victims, purged ---------------------------------------------------------------


def test_what_is_held_of_a_duplicate_is_held_of_the_person(story: Story) -> None:
    survivor, duplicate = (
        story.subject(a_person("Lefèvre", "Anne", RPPS)),
        story.subject(a_person("Lefebvre")),
    )
    case = story.case(duplicate)
    add_note(story.desk, ask(), case, "vu Mme Lefebvre")
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    told = export(story, survivor)
    assert [v["values"]["family_name"] for v in told["identity"]["versions"]] == ["Lefèvre", "Lefebvre"]
    assert told["identity"]["merged"][0]["subject_id"] == str(duplicate)
    assert told["identity"]["merged"][0]["reason"]["text"] == "même personne"
    assert told["cases"][0]["case_id"] == str(case)
    assert told["cases"][0]["notes"][0]["text"]["text"] == "vu Mme Lefebvre"
    assert export(story, duplicate) == told


def test_after_a_split_each_is_another_again(story: Story) -> None:
    survivor, duplicate = (
        story.subject(a_person("Lefèvre", "Anne", RPPS)),
        story.subject(a_person("Durand", "Luc")),
    )
    case = story.case(duplicate)
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    split_subjects(story.desk, ask(), survivor, duplicate, "ce n'est pas M. Durand")
    told = export(story, survivor)
    assert told["cases"] == []
    assert told["identity"]["merged"] == []
    assert "Durand" not in flat(told)
    assert export(story, duplicate)["cases"][0]["case_id"] == str(case)


def test_entries_of_a_duplicate_are_the_persons(story: Story) -> None:
    duplicate, _, entry = story.listed(a_person("Lefebvre"))
    survivor = story.subject(a_person("Lefèvre", "Anne", RPPS))
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    assert export(story, survivor)["cases"][0]["inscriptions"][0]["inscription_id"] == str(entry)


def test_a_purged_case_is_told_by_its_dates_and_without_its_texts(story: Story) -> None:
    subject = story.subject()
    case = story.alert(subject)
    add_note(story.desk, ask(), case, "à revoir")
    qualify_alert(story.desk, ask(), case, False, "")
    purge_case(story.desk, ask(), case)
    (told,) = export(story, subject)["cases"]
    assert told["state"] == "purged"
    assert told["purged_at"] == "2021-03-15T09:00:00Z"
    assert told["summary"]["summary"] == {"text": None, "withheld": "erased"}
    assert told["notes"] == [{"at": "2021-03-15T09:00:00Z", "text": {"text": None, "withheld": "erased"}}]
    assert told["retention"]["rule"] == "C5"
    assert export(story, subject)["identity"]["versions"][0]["values"]["family_name"] == "Lefèvre"


def test_a_victim_is_told_what_was_stolen_and_the_presumed_author_is_not(story: Story) -> None:
    author, victim = story.subject(DURAND), story.subject(a_person("Lefèvre", "Anne", RPPS))
    case = story.case(author)
    record_victim(story.desk, ask(), victim, case, (RPPS,), "plainte déposée")
    (told,) = export(story, victim)["cases"]
    assert told["victim_records"] == [
        {
            "at": "2021-03-15T09:00:00Z",
            "stolen": [{"scheme": "rpps", "value": RPPS.value}],
            "reason": {"text": "plainte déposée", "withheld": None},
        }
    ]
    assert export(story, author)["cases"][0]["victim_records"] == []
    assert RPPS.value not in flat(export(story, author))


def test_a_victim_that_is_merged_stays_one(story: Story) -> None:
    author, victim = story.subject(DURAND), story.subject(a_person("Lefebvre"))
    survivor = story.subject(a_person("Lefèvre", "Anne", RPPS))
    case = story.case(author)
    record_victim(story.desk, ask(), victim, case, (), "plainte déposée")
    merge_subjects(story.desk, ask(), survivor, victim, "même personne")
    assert len(export(story, survivor)["cases"][0]["victim_records"]) == 1
    with pytest.raises(refusals.VictimNotListed):
        story.propose(case, survivor)


def test_one_who_is_victim_in_one_case_and_presumed_author_in_another_is_told_both(story: Story) -> None:
    both, _, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    story.clock.advance(hours=1)
    case = story.case(story.subject(DURAND))
    record_victim(story.desk, ask(), both, case, (RPPS,), "plainte")
    listed, stolen = export(story, both)["cases"]
    assert (len(listed["inscriptions"]), len(listed["victim_records"])) == (1, 0)
    assert (len(stolen["inscriptions"]), len(stolen["victim_records"])) == (0, 1)


def test_a_merged_subject_is_not_recorded_as_a_victim_by_its_former_id(story: Story) -> None:
    survivor, duplicate = (
        story.subject(a_person("Lefèvre", "Anne", RPPS)),
        story.subject(a_person("Lefebvre")),
    )
    case = story.case(story.subject(DURAND))
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    with pytest.raises(refusals.SubjectMerged):
        record_victim(story.desk, ask(), duplicate, case, (), "plainte")


def test_the_death_of_a_person_is_told_to_whom_it_may_concern(story: Story) -> None:
    subject = story.subject()
    record_death(story.desk, ask(), subject, date(2021, 3, 10))
    told = export(story, subject)["identity"]
    assert told["deceased"]
    assert told["died_on"]["text"] == "2021-03-10"


# Recipients and readings ----------------------------------------------------------------------


def test_recipients_and_readings_are_those_that_were_recorded(story: Story) -> None:
    subject = story.subject()
    assert (export(story, subject)["recipients"], export(story, subject)["consultations"]) == ([], [])
    disclosed = [Disclosed(MONDAY + timedelta(days=n), "AUTRE", "hit", f"S-{n}") for n in (1, 0)]
    told = export(
        story, subject, disclosures=disclosed, consultations=[Consulted(MONDAY, ORGANISATION, "case")]
    )
    assert [one["reference"] for one in told["recipients"]] == ["S-0", "S-1"]
    assert told["consultations"] == [
        {"at": "2021-03-15T09:00:00Z", "organisation": ORGANISATION, "purpose": "case"}
    ]


def test_a_person_is_told_to_whom_and_why_their_data_were_given_and_never_by_whom_they_were_read(
    story: Story,
) -> None:
    subject, case, _ = story.listed(a_person("Seule", "Anne", RPPS))
    with_durand = story.case(subject, story.subject(DURAND))
    (screening_id,) = screened_hits(story, RPPS)
    for told, of_case in (("l'inscription", case), ("avec Paul Durand", with_durand)):
        story.clock.advance(minutes=1)
        made = Communication(subject, Recipient.ALFA, "art. 6", told, date(2021, 3, 15), "Mme Untel", of_case)
        disclose_by_hand(story.desk, ask(), made)
    told = export(
        story,
        subject,
        disclosures=recipients_of(story.desk, [subject]),
        consultations=consultations_of(story.desk, [subject]),
    )
    hit, by_hand, naming_another = told["recipients"]
    assert (hit["recipient"], hit["occasion"], hit["reference"]) == (PAYER, "hit", str(screening_id))
    assert (by_hand["recipient"], by_hand["occasion"]) == ("alfa", "by_hand")
    assert by_hand["told"] == {"text": "l'inscription", "withheld": None}
    assert naming_another["told"] == {"text": None, "withheld": "third_party"}
    assert told["consultations"] == [
        {"at": "2021-03-15T09:00:00Z", "organisation": PAYER, "purpose": "third_party_payment"}
    ]
    assert str(ANNE) not in flat(told)
    assert "Untel" not in flat(told)


# Deferred -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", Part)
def test_a_deferred_part_is_named_with_its_reason_and_without_its_content(story: Story, part: Part) -> None:
    anne, _, _ = a_whole_story(story)
    told = export(story, anne, Deferred(part, "enquête à préserver", LATER))
    section = told.get(part) if part in told else told["cases"][0][part]
    assert section == {"deferred": part.value, "reason": "enquête à préserver", "review_on": "2021-06-01"}


def test_one_case_can_wait_and_the_others_are_told(story: Story) -> None:
    subject = story.subject()
    told_case = story.case(subject)
    story.clock.advance(hours=1)
    waiting = story.case(subject)
    told = export(story, subject, Deferred(Part.CASES, "enquête", LATER, waiting))
    assert told["cases"][0]["case_id"] == str(told_case)
    assert told["cases"][1] == {"deferred": "cases", "reason": "enquête", "review_on": "2021-06-01"}
    assert str(waiting) not in flat(told)


def test_the_notes_of_one_case_can_wait(story: Story) -> None:
    subject = story.subject()
    cases = [story.case(subject), story.case(subject)]
    for case in cases:
        add_note(story.desk, ask(), case, "une note")
    told = export(story, subject, Deferred(Part.NOTES, "enquête", LATER, cases[1]))
    notes = {one["case_id"]: one["notes"] for one in told["cases"]}
    assert isinstance(notes[str(cases[0])], list)
    assert notes[str(cases[1])]["deferred"] == "notes"


@pytest.mark.parametrize(
    ("deferred", "refusal"),
    [
        (Deferred(Part.NOTES, " ", LATER), refusals.DeferralWithoutReason),
        (Deferred(Part.NOTES, "enquête", date(2021, 3, 15)), refusals.DeferralWithoutReason),
        (Deferred(Part.IDENTITY, "enquête", LATER, UUID(int=1)), refusals.PartOfNoCase),
    ],
)
def test_nothing_waits_without_a_reason_and_a_day_to_come(
    story: Story, deferred: Deferred, refusal: type[refusals.Refusal]
) -> None:
    subject = story.subject()
    with pytest.raises(refusal):
        export(story, subject, deferred)


def test_a_subject_of_a_case_it_was_added_to_later_is_told_of_it(story: Story) -> None:
    anne, late = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(DURAND)
    case = story.case(anne)
    add_subject(story.desk, ask(), case, late)
    assert export(story, late)["cases"][0]["case_id"] == str(case)


def test_a_member_number_of_another_is_theirs(story: Story) -> None:
    member = Identifier("amc_member", "12345678/00012345")
    anne, insured = (
        story.subject(a_person("Lefèvre", "Anne", RPPS)),
        story.subject(a_person("Roy", "Léo", member)),
    )
    case = story.case(anne, insured)
    add_note(story.desk, ask(), case, "adhérent 00012345, roi du tiers payant")
    assert export(story, anne)["cases"][0]["notes"][0]["text"]["withheld"] == "third_party"


def test_a_letter_that_was_sent_is_told_to_whom_it_was_written_alone(story: Story) -> None:
    anne, durand = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(DURAND)
    case = story.case(anne, durand)
    entry = story.inscribe(case, anne)
    letter = letter_id(entry, LetterKind.INSCRIPTION)
    posting = Posting(MONDAY.date(), Channel.REGISTERED_POST)
    record_sent(story.desk, Writing(TypstPress(), CONTACTS), ask(), letter, posting)
    (told,) = export(story, anne)["cases"][0]["inscriptions"][0]["letters_sent"]
    assert "Lefèvre" in str(told["content"])
    assert "letter.sent" not in [one["what"] for one in export(story, anne)["cases"][0]["other"]]
    assert export(story, durand)["cases"][0]["other"] == []
    assert "Madame, Monsieur" not in flat(export(story, durand))


def test_of_a_redacted_text_only_what_replaced_it_is_told(story: Story) -> None:
    anne = story.subject(a_person("Lefèvre", "Anne", RPPS))
    case = story.case(anne)
    add_note(story.desk, ask(), case, "un tiers a appelé")
    text = read_case(story.desk, case, ORGANISATION)["notes"][0]["text_ids"]["text"]
    redact_text(story.desk, ask(), case, text, "appel", "nomme un tiers")
    told = export(story, anne)["cases"][0]
    assert told["notes"][0]["text"]["text"] == "appel"


def test_beside_a_victim_that_was_erased_the_other_is_still_told(story: Story) -> None:
    anne, victim = story.subject(a_person("Lefèvre", "Anne", RPPS)), story.subject(DURAND)
    case = story.case(anne, victim)
    record_victim(story.desk, ask(), victim, case, (rpps(78),), "usurpation")
    erase_subject(story.desk, ask(), victim)
    told = flat(export(story, anne))
    assert str(case) in told
    assert rpps(78).value not in told
