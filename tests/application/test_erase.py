"""Purged, erased, redacted: at its date, by decision, and once whatever is killed or runs at once (C2, C5, P6)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.stories import (
    ANNE,
    ANOTHER,
    MASTER,
    MONDAY,
    ORGANISATION,
    PAYER,
    RPPS,
    Story,
    a_house,
    a_person,
    a_story,
    ask,
    at_once,
    rpps,
    screened_hits,
)
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.erasure_journal import FileErasureJournal
from watchlist.adapters.postgres.keyring import PostgresKeyring
from watchlist.application.case_file import read_case, read_subject
from watchlist.application.case_texts import redact_text, texts_naming
from watchlist.application.delist import delist
from watchlist.application.disclose import Communication, disclose_by_hand, read_disclosure
from watchlist.application.erase import erase_subject
from watchlist.application.erasures import finish_erasures, read_erasure, read_erasures, standing_of_erasures
from watchlist.application.follow_journal import follow_journal
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.inscribe import reject
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import close_case, qualify_alert
from watchlist.application.register_subject import (
    identity_of,
    record_death,
    rectify_subject,
    register_subject,
)
from watchlist.application.replay import check
from watchlist.application.search_subjects import Wanted, search_subjects
from watchlist.application.search_texts import search_texts, subject_to_search_for
from watchlist.application.sweep import due, sweep
from watchlist.application.work import Erased
from watchlist.application.work_on_case import add_note, add_subject, record_victim
from watchlist.bootstrap import build
from watchlist.domain import refusals
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.subject import Role
from watchlist.domain.trace import Recipient

BIRTH = date(1970, 1, 2)
FIVE_YEARS = datetime(2026, 3, 15, 23, 0, tzinfo=UTC)
SIX_MONTHS = datetime(2021, 9, 15, 22, 0, tzinfo=UTC)


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told
        assert differences(told) == []


def differences(register: Story) -> list[object]:
    return list(check(register.desk, register.house.snapshots)[1])


def closed_case(register: Story, *subjects: UUID) -> UUID:
    case = register.case(*subjects)
    close_case(register.desk, ask(), case, ClosingOutcome.SETTLED)
    return case


def sealed_values(register: Story, owner: UUID) -> int:
    return int(register.rows("SELECT count(*) AS n FROM vault WHERE owner = %b", owner)[0]["n"])


def is_gone(register: Story, *owners: UUID) -> bool:
    """No key, no ciphertext, and no look-up."""
    kept = register.rows("SELECT FROM subject_tokens WHERE subject_id = ANY(%b)", list(owners))
    return not (kept or register.desk.keyring.keys(owners) or any(sealed_values(register, o) for o in owners))


def found(register: Story, family_name: str = "Lefèvre") -> set[UUID]:
    wanted = Wanted((RPPS,), ((family_name, None),), BIRTH)
    return {one["subject_id"] for one in search_subjects(register.desk, ORGANISATION, wanted)}


# At their date --------------------------------------------------------------------------------


def test_a_closed_case_and_whom_it_retained_go_at_its_date(register: Story) -> None:
    subject = register.subject(a_person("Lefèvre", "Anne", RPPS))
    case = closed_case(register, subject)
    register.clock.move_to(FIVE_YEARS - timedelta(seconds=1))
    assert sweep(register.desk).purged == 0
    assert found(register) == {subject}
    register.clock.move_to(FIVE_YEARS)
    report = sweep(register.desk)
    assert (report.cases_purged, report.subjects_erased, report.failed) == (1, 1, [])
    assert is_gone(register, case, subject)
    assert found(register) == set()
    assert sweep(register.desk).purged == 0


def test_a_case_with_a_term_that_elapses_that_day_is_delisted_then_purged(register: Story) -> None:
    subject, case, entry = register.listed(a_person("Lefèvre", "Anne", RPPS))
    close_case(register.desk, ask(), case, ClosingOutcome.ESTABLISHED)
    register.clock.move_to(FIVE_YEARS)
    report = sweep(register.desk)
    assert (report.delisted, report.cases_purged, report.subjects_erased) == (1, 1, 1)
    inscription = register.desk.case(case, ORGANISATION).inscription(entry)
    assert inscription.delisting_ground is DelistingGround.TERM_ELAPSED
    assert register.answers(RPPS) == set()
    assert is_gone(register, subject)


def test_a_subject_is_retained_while_another_case_names_it(register: Story) -> None:
    subject = register.subject()
    closed_case(register, subject)
    register.case(subject)
    register.clock.move_to(FIVE_YEARS)
    report = sweep(register.desk)
    assert (report.cases_purged, report.subjects_erased) == (1, 0)


def test_a_subject_that_no_case_ever_named_goes_six_months_after_its_registration(register: Story) -> None:
    subject = register.subject()
    register.clock.move_to(SIX_MONTHS - timedelta(seconds=1))
    assert sweep(register.desk).subjects_erased == 0
    register.clock.move_to(SIX_MONTHS)
    assert sweep(register.desk).subjects_erased == 1
    assert is_gone(register, subject)


def test_those_merged_into_a_subject_are_retained_and_erased_with_it(register: Story) -> None:
    survivor, duplicate = register.subject(), register.subject(a_person("Durand", "Zoé", rpps(7)))
    case = closed_case(register, duplicate)
    merge_subjects(register.desk, ask(), survivor, duplicate, "doublon")
    register.clock.move_to(SIX_MONTHS)
    assert sweep(register.desk).subjects_erased == 0
    register.clock.move_to(FIVE_YEARS)
    assert sweep(register.desk).subjects_erased == 1
    assert is_gone(register, survivor, duplicate, case)


def test_those_that_were_split_again_are_each_retained_by_their_own_cases(register: Story) -> None:
    survivor, duplicate = register.subject(), register.subject(a_person("Durand", "Zoé", rpps(7)))
    register.case(duplicate)
    merge_subjects(register.desk, ask(), survivor, duplicate, "doublon")
    split_subjects(register.desk, ask(), survivor, duplicate, "erreur")
    register.clock.move_to(SIX_MONTHS)
    assert sweep(register.desk).subjects_erased == 1
    assert register.desk.subject(survivor, ORGANISATION).is_erased
    assert not register.desk.subject(duplicate, ORGANISATION).is_erasing


def test_after_any_downtime_everything_is_caught_up_in_bounded_batches(register: Story) -> None:
    for number in range(7):
        closed_case(register, register.subject(a_person("Nom", "Un", rpps(number))))
        register.alert(register.subject(a_person("Nom", "Deux", rpps(100 + number))))
    register.clock.move_to(FIVE_YEARS + timedelta(days=900))
    told: list[int] = []
    report = sweep(register.desk, limit=3, progress=told.append)
    assert (report.alerts_purged, report.cases_purged, report.subjects_erased) == (7, 7, 14)
    assert told == sorted(told)
    assert told[-1] == 28


def test_a_dry_run_counts_what_would_go_and_records_nothing(register: Story) -> None:
    subject, case, _ = register.listed(months=12)
    close_case(register.desk, ask(), case, ClosingOutcome.ESTABLISHED)
    register.alert(subject)
    register.subject(a_person("Durand", "Zoé"))
    before = register.house.register.position()
    later = due(register.desk, FIVE_YEARS)
    assert (later.delisted, later.alerts_purged, later.cases_purged, later.subjects_erased) == (1, 1, 1, 2)
    sooner = due(register.desk, SIX_MONTHS)
    assert (sooner.alerts_purged, sooner.cases_purged, sooner.subjects_erased) == (1, 0, 1)
    assert register.house.register.position() == before
    register.clock.move_to(FIVE_YEARS)
    assert sweep(register.desk) == later


def test_one_subject_that_cannot_be_erased_keeps_no_other(
    register: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = [register.subject(a_person("Nom", "Un", rpps(number))) for number in range(4)]
    register.clock.move_to(SIX_MONTHS)
    destroy = PostgresKeyring.destroy

    def failing(self: PostgresKeyring, owners: Iterable[UUID]) -> int:
        if subjects[1] in (wanted := list(owners)):
            raise RuntimeError("broken")
        return destroy(self, wanted)

    with monkeypatch.context() as broken:
        broken.setattr(PostgresKeyring, "destroy", failing)
        assert sweep(register.desk).failed == [subjects[1]]
    assert is_gone(register, subjects[0], *subjects[2:])
    assert register.desk.subject(subjects[1], ORGANISATION).is_erasing
    assert sweep(register.desk).failed == []
    assert is_gone(register, *subjects)


IMPORTED = (
    b"kind,role,family_name,usage_name,given_names,birth_date,birth_place,name,rpps,adeli,finess,siren,siret,"
    b"case_reference,grounds,inscribed_on,term_months,procedure_kind,procedure_court,procedure_reference,"
    b"procedure_opened_on\n"
    b"person,health_professional,Martin,,Paul,1970-01-02,,,,,,,,REF-1,overbilling,2020-06-01,60,,,,\n"
)


def test_an_import_goes_with_the_last_of_its_cases(register: Story) -> None:
    imported = submit_import(register.desk, ask(), IMPORTED, "liste Martin.csv").import_id
    assert imported is not None
    approve_import(register.desk, ask(UUID(int=0xB)), imported)
    case = UUID(str(register.rows("SELECT case_id FROM cases")[0]["case_id"]))
    close_case(register.desk, ask(), case, ClosingOutcome.ESTABLISHED)
    register.clock.move_to(FIVE_YEARS)
    report = sweep(register.desk)
    assert (report.cases_purged, report.subjects_erased, report.imports_purged) == (1, 1, 1)
    assert is_gone(register, imported, case)
    assert (register.count("imported_lines"), register.count("case_references")) == (0, 0)
    assert sweep(register.desk).purged == 0


def test_what_will_be_erased_is_a_deadline(register: Story) -> None:
    alone, named = register.subject(), register.subject(a_person("Durand", "Zoé"))
    register.case(named)
    (row,) = register.rows("SELECT * FROM deadlines WHERE kind = 'subject_erasure'")
    assert (row["kind"], row["id"], row["subject_id"], row["due_at"]) == (
        "subject_erasure",
        alone,
        alone,
        SIX_MONTHS,
    )


# Erased ---------------------------------------------------------------------------------------


def test_nothing_finds_or_opens_an_erased_subject_and_its_skeleton_stays(register: Story) -> None:
    subject = register.subject(a_person("Lefèvre", "Anne", RPPS))
    erase_subject(register.desk, ask(), subject)
    assert found(register) == set()
    assert identity_of(register.desk, register.desk.subject(subject, ORGANISATION)) is None
    view = read_subject(register.desk, subject, ORGANISATION)
    assert (view["erased"], view["id"], view["kind"], "family_name" in view) == (
        True,
        subject,
        "person",
        False,
    )
    for attempt in (
        lambda: record_death(register.desk, ask(), subject, BIRTH),
        lambda: register.alert(subject),
        lambda: add_subject(register.desk, ask(), register.case(register.subject()), subject),
        lambda: record_victim(
            register.desk, ask(), subject, register.case(register.subject()), (RPPS,), "raison"
        ),
    ):
        with pytest.raises(refusals.SubjectIsErased):
            attempt()


def test_of_an_erased_subject_it_stays_known_who_was_told_and_when_and_nothing_of_what(
    register: Story,
) -> None:
    """S8: the questions that it answered go with it, and the words of what was told by hand."""
    subject, _, _ = register.listed(a_person("Lefèvre", "Anne", RPPS))
    (screening_id,) = screened_hits(register, RPPS)
    made = Communication(subject, Recipient.ALFA, "art. 6", "son inscription", MONDAY.date(), "Mme Untel")
    by_hand = disclose_by_hand(register.desk, ask(), made).id
    before = register.rows("SELECT * FROM disclosures ORDER BY disclosure_id")
    erase_subject(register.desk, ask(), subject)
    assert register.count("hits") == 0
    assert register.rows("SELECT * FROM disclosures ORDER BY disclosure_id") == before
    assert [(row["organisation"], row["screening_id"]) for row in before] == [
        (PAYER, screening_id),
        (None, None),
    ]
    assert register.rows("SELECT FROM vault WHERE owner = %b", subject) == []
    read = read_disclosure(register.desk, by_hand, None)
    assert (read["recipient"], read["told"], read["legal_basis"], read["recipient_name"]) == (
        "alfa",
        None,
        None,
        None,
    )
    with pytest.raises(refusals.SubjectIsErased):
        disclose_by_hand(register.desk, ask(), made)


def test_the_questions_that_a_purged_cases_entries_answered_go_with_it(register: Story) -> None:
    subject, case, entry = register.listed(a_person("Lefèvre", "Anne", RPPS))
    register.case(subject)
    screened_hits(register, RPPS)
    delist(register.desk, ask(), entry, DelistingGround.REPAID, "remboursé")
    close_case(register.desk, ask(), case, ClosingOutcome.SETTLED)
    assert register.count("hits") == 1
    register.clock.move_to(FIVE_YEARS)
    sweep(register.desk)
    assert (register.count("hits"), register.count("disclosures")) == (0, 1)


def test_nothing_is_recorded_as_told_once_an_erasure_was_decided_meanwhile(register: Story) -> None:
    subject = register.subject(a_person("Lefèvre", "Anne", RPPS))
    made = Communication(subject, Recipient.ALFA, "art. 6", "rien", MONDAY.date())
    told = at_once(
        [
            lambda: erase_subject(register.desk, ask(), subject),
            *[lambda: disclose_by_hand(register.desk, ask(), made)] * 3,
        ]
    )
    refused = [one for one in told if isinstance(one, Exception)]
    assert all(isinstance(one, (refusals.SubjectIsErased, Erased)) for one in refused)
    assert register.rows("SELECT FROM vault WHERE owner = %b", subject) == []


def test_the_same_person_inscribed_later_is_a_new_subject(register: Story) -> None:
    person = a_person("Lefèvre", "Anne", RPPS)
    before, case, entry = register.listed(person)
    erase_subject(register.desk, ask(), before)
    after, _, again = register.listed(person)
    assert after != before
    assert register.answers(RPPS) == {again}
    assert found(register) == {after}
    assert register.desk.case(case, ORGANISATION).inscription(entry).subject_id == before


def test_an_erased_subjects_list_of_old_dates_is_still_there(register: Story) -> None:
    _, _, entry = register.listed()
    register.clock.advance(days=30)
    subject = register.rows("SELECT subject_id FROM inscriptions")[0]["subject_id"]
    erase_subject(register.desk, ask(), subject)
    was = register.house.pictures.list_as_of(None, MONDAY + timedelta(days=10))
    assert [row["inscription_id"] for row in was] == [entry]
    assert register.on_the_list() == set()


# By decision ----------------------------------------------------------------------------------


def test_an_erasure_by_decision_takes_what_the_cases_hold_of_the_subject(register: Story) -> None:
    person = a_person("Lefèvre", "Anne", RPPS)
    subject, case, entry = register.listed(person)
    request = uuid4()
    receipt = erase_subject(register.desk, ask(), subject, request)
    assert (receipt.id, receipt["state"]) == (subject, "erased")
    assert is_gone(register, subject, case)
    inscription = register.desk.case(case, ORGANISATION).inscription(entry)
    assert inscription.delisting_ground is DelistingGround.ERASURE_UPHELD
    assert register.desk.case(case, ORGANISATION).purge_basis == "erasure_upheld"
    assert register.answers(RPPS, person=("Lefèvre", "Anne", BIRTH)) == set()


def test_a_case_with_another_subject_stays_and_is_its_alone(register: Story) -> None:
    gone, stays = (
        register.subject(a_person("Lefèvre", "Anne", RPPS)),
        register.subject(a_person("Durand", "Zoé")),
    )
    case = register.case(gone, stays)
    kept = register.inscribe(case, stays)
    proposed = register.propose(case, gone).id
    erase_subject(register.desk, ask(), gone)
    after = register.desk.case(case, ORGANISATION)
    assert after.subjects_now() == [stays]
    assert after.inscription(proposed).state == "withdrawn"
    assert register.on_the_list() == {kept}
    assert sealed_values(register, case) > 0


def test_the_same_erasure_asked_again_is_answered_alike(register: Story) -> None:
    subject, _, _ = register.listed()
    asked = ask()
    first = erase_subject(register.desk, asked, subject)
    assert erase_subject(register.desk, asked, subject) == first
    assert erase_subject(register.desk, ask(), subject)["state"] == "erased"


def test_no_erasure_while_a_procedure_or_its_limitation_runs(register: Story) -> None:
    subject, case, _ = register.listed()
    procedure = register.open_procedure(case, subject)
    for state in ("procedure_ongoing", "limitation_running"):
        with pytest.raises(refusals.ProcedureForbidsErasure) as refused:
            erase_subject(register.desk, ask(), subject)
        assert refused.value.state == state
        if state == "procedure_ongoing":
            register.end_procedure(case, procedure)
    register.clock.advance(days=1)
    assert erase_subject(register.desk, ask(), subject)["state"] == "erased"


def test_another_organisation_erases_nobody_of_ours(register: Story) -> None:
    subject = register.subject()
    with pytest.raises(refusals.NoSuchSubject):
        erase_subject(register.desk, ask(organisation=ANOTHER), subject)


def test_an_erased_victims_stolen_numbers_go_and_another_victims_stay(register: Story) -> None:
    author = register.subject(a_person("Durand", "Zoé", RPPS, rpps(1)))
    victims = [register.subject(a_person("Lefèvre", "Anne")), register.subject(a_person("Petit", "Luc"))]
    case = register.case(author, *victims)
    for victim, number in zip(victims, (RPPS, rpps(1)), strict=True):
        record_victim(register.desk, ask(), victim, case, (number,), "usurpation")
    entry = register.inscribe(case, author)
    assert register.answers(RPPS, rpps(1)) == set()
    erase_subject(register.desk, ask(), victims[0])
    assert register.answers(RPPS) == {entry}
    assert register.answers(rpps(1)) == set()


# Texts that name it ---------------------------------------------------------------------------


def shared_case(register: Story) -> tuple[UUID, UUID]:
    gone = register.subject(a_person("Lefèvre", "Anne", RPPS))
    stays = register.subject(a_person("Durand", "Zoé"))
    return gone, register.case(gone, stays)


def test_an_erasure_is_refused_until_the_texts_that_name_the_subject_are_redacted(register: Story) -> None:
    gone, case = shared_case(register)
    add_note(register.desk, ask(), case, "Mme LEFEVRE a rappelé")
    add_note(register.desk, ask(), case, "rien à signaler")
    with pytest.raises(refusals.TextsNameTheSubject) as refused:
        erase_subject(register.desk, ask(), gone)
    ((named_case, text),) = refused.value.texts
    notes = read_case(register.desk, case, ORGANISATION)["notes"]
    assert (named_case, text) == (case, notes[0]["text_ids"]["text"])
    redact_text(register.desk, ask(), case, text, "la personne a rappelé", "effacement")
    erase_subject(register.desk, ask(), gone)
    notes = read_case(register.desk, case, ORGANISATION)["notes"]
    assert [(note["text"], note["redacted"]) for note in notes] == [
        ("la personne a rappelé", True),
        ("rien à signaler", False),
    ]


def test_a_text_with_the_name_from_before_a_rectification_names_the_subject_too(register: Story) -> None:
    gone, case = shared_case(register)
    add_note(register.desk, ask(), case, "Mme Lefèvre a rappelé")
    married = a_person("Petitjean", "Anne", RPPS)
    rectify_subject(register.desk, ask(), gone, married, "mariage", 1)
    with pytest.raises(refusals.TextsNameTheSubject):
        erase_subject(register.desk, ask(), gone)


def test_texts_of_cases_that_are_not_the_subjects_are_searched_before(register: Story) -> None:
    gone, own = shared_case(register)
    other = register.case(register.subject(a_person("Roy", "Luc")))
    for case, text in ((other, "vu avec Mme LEFEVRE"), (other, "rien"), (own, "Anne Lefèvre nie")):
        add_note(register.desk, ask(), case, text)
    purged = register.alert(register.subject(a_person("Petit", "Luc")))
    add_note(register.desk, ask(), purged, "Lefèvre")
    qualify_alert(register.desk, ask(), purged, False, "rien")
    told: list[int] = []
    subject = subject_to_search_for(register.desk, gone)
    found = list(search_texts(register.desk, subject, [own, other, purged, uuid4()], told.append))
    notes = {case: read_case(register.desk, case, ORGANISATION)["notes"] for case in (own, other)}
    assert found == [(case, notes[case][0]["text_ids"]["text"]) for case in (own, other)]
    assert told == [1, 2, 3, 4]


def test_a_merged_subject_is_searched_for_as_the_one_that_stands_for_it(register: Story) -> None:
    gone, case = shared_case(register)
    duplicate = register.subject(a_person("Lefebvre", "Anne"))
    merge_subjects(register.desk, ask(), gone, duplicate, "doublon")
    add_note(register.desk, ask(), case, "Mme Lefebvre a rappelé")
    subject = subject_to_search_for(register.desk, duplicate)
    assert subject.id == gone
    assert len(list(search_texts(register.desk, subject, [case], lambda done: None))) == 1
    with pytest.raises(refusals.NoSuchSubject):
        subject_to_search_for(register.desk, case)
    erase_subject(register.desk, ask(), lone := register.subject(a_person("Seul", "Luc")))
    with pytest.raises(refusals.SubjectIsErased):
        subject_to_search_for(register.desk, lone)


def test_texts_that_the_file_does_not_show_are_searched_too(register: Story) -> None:
    gone, case = shared_case(register)
    register.open_procedure(case, *register.desk.case(case, ORGANISATION).subject_ids[1:])
    entry = register.propose(case, gone).id
    reject(register.desk, ask(UUID(int=0xB)), entry, "Anne Lefèvre est une homonyme")
    with pytest.raises(refusals.TextsNameTheSubject) as refused:
        erase_subject(register.desk, ask(), gone)
    ((_, text),) = refused.value.texts
    redact_text(register.desk, ask(), case, text, "une homonyme", "effacement")
    assert erase_subject(register.desk, ask(), gone)["state"] == "erased"


def test_what_a_redacted_text_said_is_deleted_and_certified(register: Story) -> None:
    _, case = shared_case(register)
    add_note(register.desk, ask(), case, "Mme LEFEVRE a rappelé")
    text = read_case(register.desk, case, ORGANISATION)["notes"][0]["text_ids"]["text"]
    kept = redact_text(register.desk, ask(), case, text, "elle a rappelé", "effacement").id
    assert register.rows("SELECT FROM vault WHERE ref = %b", text) == []
    assert read_erasure(register.desk, text, ORGANISATION, timedelta(30))["kind"] == "text"
    with pytest.raises(refusals.AlreadyRedacted):
        redact_text(register.desk, ask(), case, text, "encore", "effacement")
    with pytest.raises(refusals.NoSuchText):
        redact_text(register.desk, ask(), case, uuid4(), "autre", "effacement")
    assert redact_text(register.desk, ask(), case, kept, "appel", "effacement").id != kept


def test_an_assessment_is_redacted_text_by_text(register: Story) -> None:
    gone, case = shared_case(register)
    entry = register.propose(case, register.desk.case(case, ORGANISATION).subject_ids[1])
    view = read_case(register.desk, case, ORGANISATION)["inscriptions"][0]
    text = view["text_ids"]["proportionality"]
    with pytest.raises(refusals.ProportionalityMissing):
        redact_text(register.desk, ask(), case, text, "rien", "effacement")
    five = {**view["proportionality"], "harm": "occulté"}
    redact_text(register.desk, ask(), case, text, msgspec.json.encode(five).decode(), "effacement")
    after = read_case(register.desk, case, ORGANISATION)["inscriptions"][0]
    assert (after["proportionality"], after["redacted"], after["inscription_id"]) == (five, True, entry.id)
    assert texts_naming(register.desk, register.desk.case(case, ORGANISATION), [a_person()]) == []
    assert gone


# Certified ------------------------------------------------------------------------------------


def test_a_certificate_identifies_nobody_and_says_when_it_is_complete(register: Story) -> None:
    subject, case, _ = register.listed()
    erase_subject(register.desk, ask(), subject)
    told = {one["id"]: one for one in read_erasures(register.desk, ORGANISATION, timedelta(days=30))}
    assert set(told) == {subject, case}
    certificate = told[subject]
    assert certificate["complete_on"] == date(2021, 4, 14)
    assert (certificate["kind"], certificate["basis"], certificate["rule"]) == ("subject", "request", "P6")
    assert (certificate["sealed_values"], told[case]["sealed_values"]) == (1, 3)
    assert {entry.sequence for entry in register.desk.journal.after()} == {
        one["journal_sequence"] for one in told.values()
    }
    events = register.house.pictures.events(certificate["position"] - 1, certificate["position"])
    assert [event["topic"] for event in events] == ["subject.erased"]
    with pytest.raises(refusals.NoSuchErasure):
        read_erasure(register.desk, subject, ANOTHER, timedelta(days=30))


def test_erasures_are_complete_once_the_backups_of_the_keys_have_expired(register: Story) -> None:
    erase_subject(register.desk, ask(), register.subject())
    standing = standing_of_erasures(register.desk, timedelta(days=30))
    assert (standing.complete, standing.awaiting, standing.complete_on) == (0, 1, date(2021, 4, 14))
    register.clock.advance(days=30)
    standing = standing_of_erasures(register.desk, timedelta(days=30))
    assert (standing.complete, standing.awaiting, standing.complete_on) == (1, 0, None)


# At once --------------------------------------------------------------------------------------


def test_three_sweeps_at_once_erase_each_once(register: Story, database_url: str) -> None:
    subjects = [register.subject(a_person("Nom", "Un", rpps(number))) for number in range(30)]
    cases = [closed_case(register, subject) for subject in subjects]
    register.clock.move_to(FIVE_YEARS)

    def another(_: int) -> tuple[int, int]:
        with a_house(database_url, ManualClock(FIVE_YEARS)) as house:
            reports = [sweep(house.desk, limit=4) for _ in range(5)]
            return sum(r.cases_purged for r in reports), sum(r.subjects_erased for r in reports)

    with ThreadPoolExecutor(3) as pool:
        counted = list(pool.map(another, range(3)))
    assert [sum(column) for column in zip(*counted, strict=True)] == [30, 30]
    assert is_gone(register, *subjects, *cases)


def test_a_command_at_the_same_time_as_an_erasure_is_recorded_before_it_or_refused(register: Story) -> None:
    for number in range(12):
        subject = register.subject(a_person("Nom", "Un", rpps(number)))
        case = register.case(subject)
        erased, *others = at_once(_at_the_same_time(register, subject, case))
        assert not isinstance(erased, Exception), erased
        assert all(isinstance(o, refusals.Conflict | Erased) or not isinstance(o, Exception) for o in others)
        named = register.desk.registry.naming([subject])
        assert all(purged_at is not None for _, _, purged_at in named)
        assert is_gone(register, subject, case)


def _at_the_same_time(register: Story, subject: UUID, case: UUID) -> list[Callable[[], object]]:
    return [
        lambda: erase_subject(register.desk, ask(), subject),
        lambda: register.alert(subject),
        lambda: add_note(register.desk, ask(), case, "une note"),
        lambda: record_death(register.desk, ask(), subject, BIRTH),
        lambda: register.propose(case, subject),
    ]


def test_a_subject_named_by_a_new_case_while_the_sweep_decides_is_retained(register: Story) -> None:
    for number in range(10):
        subject = register.subject(a_person("Nom", "Un", rpps(number)))
        closed_case(register, subject)
    register.clock.move_to(FIVE_YEARS)
    subjects = [row["subject_id"] for row in register.rows("SELECT subject_id FROM subjects")]
    at_once([lambda: sweep(register.desk, limit=3), *(lambda s=s: register.alert(s) for s in subjects)])
    for subject in subjects:
        retained = any(purged is None for _, _, purged in register.desk.registry.naming([subject]))
        assert register.desk.subject(subject, ORGANISATION).is_erasing is not retained


# Killed ---------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from uuid import UUID
from tests import stories
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.erasure_journal import FileErasureJournal
from watchlist.adapters.postgres import recorder
from watchlist.application.erase import erase_subject
from watchlist.application.sweep import sweep
from watchlist.bootstrap import build

url, journal, now, what, step, subject = sys.argv[1:]

class Killer:
    def __init__(self, wrapped, name, when):
        self.wrapped, self.name, self.when = wrapped, name, when
    def __getattr__(self, name):
        found = getattr(self.wrapped, name)
        if name != self.name:
            return found
        def killing(*args, **named):
            if self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            found(*args, **named)
            os.kill(os.getpid(), signal.SIGKILL)
        return killing

class Recordings:
    def __init__(self, log, number):
        self.log, self.left = log, number
    def __getattr__(self, name):
        return getattr(self.log, name)
    def record(self, aggregates, work):
        if any(aggregate.pending for aggregate in aggregates):
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.log.record(aggregates, work)

from dataclasses import replace
clock = ManualClock(datetime.fromisoformat(now))
with build(url, stories.MASTER, clock, journal=FileErasureJournal(Path(journal))) as house:
    desk = house.desk
    part, _, when = step.partition(" ")
    if part == "journal":
        desk = replace(desk, journal=Killer(desk.journal, "append", when))
    elif part == "keys":
        desk = replace(desk, keyring=Killer(desk.keyring, "destroy", when))
    else:
        desk = replace(desk, log=Recordings(desk.log, int(when)))
    house.desk = desk
    if what == "sweep":
        sweep(desk)
    elif what == "register":
        stories.Story(house).listed(stories.a_person("Martin", "Luc", stories.rpps(42)))
    else:
        erase_subject(desk, stories.ask(), UUID(subject))
"""
STEPS = ("journal before", "journal after", "keys before", "keys after")


def kill_at(step: str, what: str, url: str, journal: Path, now: datetime, subject: UUID) -> None:
    arguments = [url, str(journal), now.isoformat(), what, step, str(subject)]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr


@pytest.fixture
def journalled(database_url: str, tmp_path: Path) -> Iterator[tuple[Story, str, Path]]:
    path = tmp_path / "erasures.journal"
    with build(database_url, MASTER, ManualClock(MONDAY), journal=FileErasureJournal(path)) as house:
        yield Story(house), database_url, path


@pytest.mark.parametrize("step", [*STEPS, *(f"record {n}" for n in range(1, 6))])
def test_a_sweep_killed_between_any_two_steps_is_finished_by_the_next(
    journalled: tuple[Story, str, Path], step: str
) -> None:
    """Records: the alert lapses, the case expires, both are purged; the subjects are decided on, and erased."""
    register, url, journal = journalled
    subject, other = register.subject(a_person("Lefèvre", "Anne", RPPS)), register.subject(a_person("Durand"))
    case, alert = closed_case(register, subject), register.alert(other)
    kill_at(step, "sweep", url, journal, FIVE_YEARS, subject)
    register.clock.move_to(FIVE_YEARS)
    assert differences(register) == []
    read_case(register.desk, case, ORGANISATION)
    follow_journal(register.desk)
    assert differences(register) == []
    assert sweep(register.desk).failed == []
    assert is_gone(register, subject, other, case, alert)
    assert differences(register) == []
    assert register.rows("SELECT FROM erasures WHERE completed_at IS NULL OR basis = 'restored'") == []
    bases = {one["basis"] for one in read_erasures(register.desk, None, timedelta(days=30))}
    assert bases == {"retention", "alert_expired"}


@pytest.mark.parametrize("step", [*STEPS, "record 1", "record 2"])
def test_an_erasure_by_decision_killed_between_any_two_steps_is_finished(
    journalled: tuple[Story, str, Path], step: str
) -> None:
    register, url, journal = journalled
    subject, case, _ = register.listed(a_person("Lefèvre", "Anne", RPPS))
    kill_at(step, "erase", url, journal, MONDAY, subject)
    assert differences(register) == []
    decided = register.desk.subject(subject, ORGANISATION).is_erasing
    assert decided is (step != "record 1")
    assert (found(register) == set()) is decided
    if not decided:
        erase_subject(register.desk, ask(), subject)
    finish_erasures(register.desk)
    assert is_gone(register, subject, case)
    assert differences(register) == []


@pytest.mark.parametrize("step", [f"record {n}" for n in range(1, 6)])
def test_registering_and_listing_killed_before_any_record_leaves_nothing_half_done(
    journalled: tuple[Story, str, Path], step: str
) -> None:
    register, url, journal = journalled
    kill_at(step, "register", url, journal, MONDAY, UUID(int=0))
    assert differences(register) == []
    for row in register.rows("SELECT subject_id FROM subjects"):
        assert read_subject(register.desk, row["subject_id"], ORGANISATION)["erased"] is False
    keys = register.rows("SELECT owner FROM watchlist_keys.data_keys")
    streams = register.rows("SELECT DISTINCT originator_id AS owner FROM events")
    assert {row["owner"] for row in keys} == {row["owner"] for row in streams}
    assert register.listed(a_person("Martin", "Luc", rpps(42)))


# How fast -------------------------------------------------------------------------------------


def test_a_thousand_subjects_are_erased_in_a_few_seconds(register: Story) -> None:
    for number in range(1000):
        register_subject(
            register.desk, ask(ANNE), Role.HEALTH_PROFESSIONAL, a_person(f"Nom{number}", "Un", rpps(number))
        )
    register.clock.move_to(SIX_MONTHS)
    began = perf_counter()
    assert sweep(register.desk).subjects_erased == 1000
    assert perf_counter() - began < 5
