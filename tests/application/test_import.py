"""An existing list is brought in: line by line, once, in whole chunks, and by two persons (L7)."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from stdnum import luhn

from watchlist.adapters.clock import ManualClock
from watchlist.application import import_list
from watchlist.application.delist import delist
from watchlist.application.follow_procedure import EndedProcedure, end_procedure
from watchlist.application.import_file import COLUMNS, read_file
from watchlist.application.import_list import ImportReport, approve_import, finish_imports, submit_import
from watchlist.application.inscribe import Amendment, amend, reject, withdraw
from watchlist.application.inscribe import approve as approve_one
from watchlist.application.open_case import close_case
from watchlist.application.receipt import Receipt
from watchlist.application.register_subject import record_death, register_subject
from watchlist.application.sweep import sweep
from watchlist.application.work import Ask
from watchlist.bootstrap import House, build
from watchlist.domain import refusals
from watchlist.domain.case import Case
from watchlist.domain.case_events import ClosingOutcome
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Person
from watchlist.domain.import_batch import ImportIncomplete
from watchlist.domain.inscription import DelistingGround, State
from watchlist.domain.procedure import Outcome
from watchlist.domain.subject import Role

ORGANISATION = "SEVEANE"
ANNE, BRUNO, CHLOE = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)
"""Anne submits, Bruno approves."""
TODAY = datetime(2025, 3, 14, 9, tzinfo=UTC)


class Killed(Exception):
    """What a test throws to stop an import between two chunks."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TODAY)


@pytest.fixture
def house(database_url: str, clock: ManualClock) -> Iterator[House]:
    with build(database_url, b"k" * 32, clock) as house:
        yield house


def ask(by: UUID = ANNE, organisation: str = ORGANISATION, **more: Any) -> Ask:
    return Ask(by, organisation, **more)


def rpps(number: int) -> str:
    digits = f"{1_000_000_000 + number}"
    return digits + luhn.calc_check_digit(digits)


def a_line(number: int = 1, **cells: str) -> dict[str, str]:
    """A health professional, listed two years ago for sixty months."""
    line = dict.fromkeys(COLUMNS, "") | {
        "kind": "person",
        "role": "health_professional",
        "family_name": f"Exemple{number}",
        "given_names": "Camille",
        "birth_date": "1970-01-02",
        "rpps": rpps(number),
        "case_reference": f"D-{number}",
        "grounds": "overbilling",
        "inscribed_on": "2023-03-14",
        "term_months": "60",
    }
    return line | cells


def procedure(opened_on: str, court: str = "TJ de Lyon", reference: str = "23/1") -> dict[str, str]:
    return {
        "procedure_kind": "prosecution",
        "procedure_court": court,
        "procedure_reference": reference,
        "procedure_opened_on": opened_on,
    }


def a_file(*lines: dict[str, str], delimiter: str = ",", end: str = "\r\n", bom: bool = False) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def many(count: int, first: int = 1) -> bytes:
    return a_file(*(a_line(number) for number in range(first, first + count)))


def submit(house: House, *lines: dict[str, str], **more: Any) -> ImportReport:
    return submit_import(house.desk, more.pop("ask", ask()), a_file(*lines), "liste.csv", **more)


def approve(house: House, report: ImportReport, by: UUID = BRUNO) -> Receipt:
    assert report.import_id is not None
    return approve_import(house.desk, ask(by), report.import_id)


def codes(report: ImportReport) -> list[tuple[int, str | None, str]]:
    return [(refused.line, refused.field, refused.code) for refused in report.refused]


def listed(house: House) -> list[dict[str, Any]]:
    return house.pictures.current_list(ORGANISATION, house.clock.now(), limit=10_000)


def count(house: House, table: str) -> int:
    with house.pool.connection() as conn:
        found = conn.execute(f"SELECT count(*) AS n FROM {table}".encode()).fetchone()
    assert found is not None
    return found["n"]


def row_counts(house: House) -> dict[str, int]:
    with house.pool.connection() as conn:
        tables = conn.execute(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
            " WHERE schemaname IN ('watchlist', 'watchlist_keys')"
            " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"  # a month is read by the whole
        ).fetchall()
    return {row["name"]: count(house, row["name"]) for row in tables}


def all_cases(house: House) -> list[Case]:
    with house.pool.connection() as conn:
        rows = conn.execute("SELECT case_id FROM cases").fetchall()
    return [house.desk.case(row["case_id"], ORGANISATION) for row in rows]


def the_case(house: House) -> Case:
    (case,) = all_cases(house)
    return case


# L7: dates, terms, procedures -----------------------------------------------------------------


def test_an_imported_entry_keeps_its_original_date_and_takes_effect_when_approved(
    house: House, clock: ManualClock
) -> None:
    report = submit(house, a_line())
    assert (report.accepted, report.refused) == (1, ())
    assert listed(house) == []
    receipt = approve(house, report)
    (entry,) = listed(house)
    assert receipt["approved"] == 1
    assert receipt.id == report.import_id
    assert (entry["inscribed_on"], entry["last_listed_day"]) == (date(2023, 3, 14), date(2028, 3, 14))
    clock.move_to(datetime(2028, 3, 14, 22, 59, tzinfo=UTC))
    assert len(listed(house)) == 1
    clock.move_to(datetime(2028, 3, 14, 23, tzinfo=UTC))
    assert listed(house) == []


def test_the_events_say_import_inherited_file_and_line(house: House) -> None:
    report = submit(house, a_line(1, kind="nonsense"), a_line(2))
    case = the_case(house)
    (inscription,) = case.inscriptions.values()
    assert inscription.proportionality is None
    assert inscription.provenance is not None
    assert inscription.provenance.import_id == case.import_id == report.import_id
    opened = house.desk.open_sealed(case.id, [inscription.provenance.line, case.reference])
    assert opened[inscription.provenance.line.ref] == b'{"file":"liste.csv","line":3}'
    assert opened[case.reference.ref] == b"D-2"


def test_a_letter_is_due_a_month_after_the_approval(house: House) -> None:
    approve(house, submit(house, a_line()))
    with house.pool.connection() as conn:
        (row,) = conn.execute("SELECT letter_due_at FROM inscriptions").fetchall()
    assert row["letter_due_at"] == datetime(2025, 4, 14, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"inscribed_on": "2025-03-15"}, ("inscribed_on", "date_in_the_future")),
        ({"inscribed_on": "2020-03-13"}, ("inscribed_on", "term_elapsed")),
        ({"inscribed_on": "2020-03-14"}, None),
        ({"inscribed_on": "2025-03-14"}, None),
        ({"inscribed_on": "2025-02-13", "term_months": "1"}, ("inscribed_on", "term_elapsed")),
        ({"inscribed_on": "2025-02-14", "term_months": "1"}, None),
        ({"inscribed_on": "2020-03-13"} | procedure("2025-03-13"), None),
        ({"inscribed_on": "2020-03-13"} | procedure("2025-03-14"), ("inscribed_on", "term_elapsed")),
        ({"inscribed_on": "2015-06-01"} | procedure("2020-06-01"), None),
        ({"inscribed_on": "2015-06-01"} | procedure("2020-06-02"), ("inscribed_on", "term_elapsed")),
        (procedure("2025-03-15"), ("procedure_opened_on", "date_in_the_future")),
        ({"birth_date": "2025-03-15"}, ("birth_date", "date_in_the_future")),
    ],
)
def test_a_line_is_neither_future_nor_elapsed_unless_a_procedure_holds_it(
    house: House, cells: dict[str, str], expected: tuple[str, str] | None
) -> None:
    report = submit(house, a_line(**cells))
    assert codes(report) == ([(2, *expected)] if expected else [])
    assert report.accepted == (0 if expected else 1)


def test_an_elapsed_entry_held_by_its_procedure_is_listed_until_it_ends(
    house: House, clock: ManualClock
) -> None:
    approve(house, submit(house, a_line(inscribed_on="2019-06-01", **procedure("2022-01-10"))))
    (entry,) = listed(house)
    case = the_case(house)
    assert entry["held_by"] == list(case.procedures)
    sweep(house.desk)
    clock.advance(days=1)
    ended = EndedProcedure(Outcome.CONVICTED, date(2025, 3, 15), "art. 8 CPP", date(2031, 3, 15))
    end_procedure(house.desk, ask(), case.id, entry["held_by"][0], ended)
    assert listed(house) == []


def test_a_term_that_elapses_before_the_approval_is_rejected_with_its_code(
    house: House, clock: ManualClock
) -> None:
    report = submit(house, a_line(1, inscribed_on="2020-03-14"), a_line(2))
    clock.advance(days=1)
    receipt = approve(house, report)
    assert receipt["approved"] == 1
    assert [rejected.code for rejected in receipt["rejected"]] == ["term_elapsed"]
    states = {i.state for case in all_cases(house) for i in case.inscriptions.values()}
    assert states == {State.REJECTED, State.ACTIVE}
    assert house.desk.registry.unfinished_imports() == []


def test_lines_of_one_case_with_the_same_procedure_are_named_by_it_together(house: House) -> None:
    same = {"case_reference": "D-1"} | procedure("2024-01-10")
    other = {"case_reference": "D-1"} | procedure("2024-01-10", reference="24/9")
    approve(house, submit(house, a_line(1, **same), a_line(2, **same), a_line(3, **other)))
    case = the_case(house)
    assert sorted(len(p.names) for p in case.procedures.values()) == [1, 2]
    assert len(case.subject_ids) == 3


# Who it is ------------------------------------------------------------------------------------


def test_a_subject_known_by_an_exact_identifier_is_not_registered_again(house: House) -> None:
    known = register_subject(
        house.desk,
        ask(),
        Role.HEALTH_PROFESSIONAL,
        Person("EXEMPLE1", "Camille Anne", date(1970, 1, 2), identifiers=(Identifier("rpps", rpps(1)),)),
    )
    submit(house, a_line(1), a_line(2))
    assert count(house, "subjects") == 2
    assert house.desk.registry.cases_about(known.id)


def test_a_line_that_adds_to_a_known_identity_is_refused_rather_than_taken_in_part(house: House) -> None:
    """An accepted line answers under all that it says."""
    of_old = Person("Exemple1", "Camille", identifiers=(Identifier("rpps", rpps(1)),))
    register_subject(house.desk, ask(), Role.HEALTH_PROFESSIONAL, of_old)
    siren = "73282932" + luhn.calc_check_digit("73282932")
    report = submit(
        house, a_line(1), a_line(2, rpps=""), a_line(2, case_reference="D-3"), a_line(4, siren=siren)
    )
    assert codes(report) == [(2, "identity", "identity_adds"), (4, "identity", "identity_adds")]
    assert report.accepted == 2


def test_another_organisation_s_subject_is_unknown(house: House) -> None:
    submit(house, a_line(1), ask=ask(organisation="DEMO-MUTUELLE"))
    submit(house, a_line(1))
    assert count(house, "subjects") == 2
    assert count(house, "cases") == 2


def test_one_person_in_two_cases_of_a_file_is_one_subject(house: House) -> None:
    nameless = {"rpps": "", "family_name": "Lefèvre", "given_names": "Zoé"}
    submit(
        house,
        a_line(1),
        a_line(1, case_reference="D-2"),
        a_line(3, **nameless),
        a_line(4, **nameless | {"family_name": "LEFEVRE", "given_names": "ZOE"}),
    )
    assert count(house, "subjects") == 2
    assert count(house, "inscriptions") == 4


def test_a_shared_identifier_never_inscribes_somebody_else(house: House) -> None:
    finess = "750000004"
    finess = finess[:-1] + luhn.calc_check_digit(finess[:-1])
    report = submit(house, a_line(1, finess=finess), a_line(2, finess=finess))
    assert report.accepted == 2
    assert count(house, "subjects") == 2
    again = submit(house, a_line(1, finess=finess, birth_date="1980-05-05", case_reference="D-9"))
    assert codes(again) == [(2, "rpps", "identifier_of_another")]


def test_homonyms_with_different_rpps_are_two_subjects(house: House) -> None:
    submit(house, a_line(1, family_name="Martin"), a_line(2, family_name="Martin"))
    assert count(house, "subjects") == 2


def test_a_subject_twice_in_one_case_is_already_proposed(house: House) -> None:
    report = submit(house, a_line(1), a_line(1), a_line(1, inscribed_on="2024-01-01"))
    assert report.accepted == 1
    assert [(r.line, r.code) for r in report.refused] == [(3, "already_proposed"), (4, "already_proposed")]


def test_a_dead_subject_is_not_inscribed(house: House) -> None:
    known = register_subject(
        house.desk,
        ask(),
        Role.OTHER,
        Person("Exemple1", "Camille", date(1970, 1, 2), identifiers=(Identifier("rpps", rpps(1)),)),
    )
    record_death(house.desk, ask(), known.id, date(2024, 1, 1))
    assert codes(submit(house, a_line(1))) == [(2, "subject_id", "subject_deceased")]
    assert count(house, "cases") == 0


def test_a_case_that_was_closed_takes_no_more_lines(house: House) -> None:
    approve(house, submit(house, a_line(1)))
    close_case(house.desk, ask(), the_case(house).id, ClosingOutcome.ESTABLISHED)
    assert codes(submit(house, a_line(2, case_reference="D-1"))) == [(2, None, "case_is_closed")]


# Once -----------------------------------------------------------------------------------------


def test_the_same_file_is_not_imported_again(house: House) -> None:
    lines = [a_line(number, **procedure("2024-01-10")) for number in range(1, 6)]
    first = submit(house, *lines)
    before = row_counts(house)
    again = submit(house, *lines)
    assert (again.accepted, again.already_imported) == (0, 5)
    assert again.import_id == first.import_id
    assert row_counts(house) == before
    approve(house, first)
    assert submit(house, *lines).already_imported == 5
    assert len(listed(house)) == 5


def test_the_same_list_in_another_writing_is_not_imported_again(house: House) -> None:
    submit(house, a_line(1), a_line(2, rpps="", family_name="Lefèvre"))
    other = a_file(
        a_line(1, inscribed_on="14/03/2023", rpps=" 1000 0000-" + rpps(1)[8:]),
        a_line(2, rpps="", family_name="LEFEVRE", birth_date="02/01/1970"),
        delimiter=";",
        bom=True,
    )
    report = submit_import(house.desk, ask(CHLOE), other, "autre.csv")
    assert (report.accepted, report.already_imported, report.import_id) == (0, 2, None)


def test_a_corrected_file_imports_what_was_refused_and_nothing_twice(house: House) -> None:
    wrong = a_line(2, rpps="10000000002")
    first = submit(house, a_line(1), wrong, a_line(3))
    assert codes(first) == [(3, "rpps", "check_failed")]
    corrected = submit(house, a_line(1), a_line(2), a_line(3))
    assert (corrected.accepted, corrected.already_imported) == (1, 2)
    assert corrected.import_id != first.import_id
    assert approve(house, first)["approved"] == 2
    assert approve(house, corrected)["approved"] == 1
    assert len(listed(house)) == 3


def test_a_line_corrected_after_it_was_taken_is_not_taken_twice(house: House) -> None:
    submit(house, a_line(1, rpps=""))
    report = submit(house, a_line(1, rpps="", birth_place="Lyon", given_names="CAMILLE"))
    assert (report.accepted, [r.code for r in report.refused]) == (0, ["already_imported"])
    assert count(house, "subjects") == 1


def test_an_entry_that_ended_is_not_revived_by_its_line(house: House) -> None:
    approve(house, submit(house, a_line(1)))
    (entry,) = listed(house)
    delist(house.desk, ask(BRUNO), entry["inscription_id"], DelistingGround.REPAID, "remboursé")
    report = submit(house, a_line(1), a_line(1, inscribed_on="2024-01-01"))
    assert [r.code for r in report.refused] == ["already_imported", "new_evidence_needed"]
    assert listed(house) == []


def test_a_repeated_command_gives_the_same_answer(house: House) -> None:
    command = ask(command_id=uuid4(), mac=b"m")
    first = submit(house, a_line(1), a_line(2, kind="?"), ask=command)
    assert submit(house, a_line(1), a_line(2, kind="?"), ask=command) == first
    assert first.accepted == 1


# The file -------------------------------------------------------------------------------------


def test_a_file_as_excel_writes_it_is_read(house: House) -> None:
    lines = [a_line(n, inscribed_on="29/02/2024", procedure_court="") for n in (1, 2)]
    report = submit_import(house.desk, ask(), a_file(*lines, delimiter=";", bom=True), "excel.csv")
    assert (report.accepted, report.refused) == (2, ())
    approve(house, report)
    assert {entry["last_listed_day"] for entry in listed(house)} == {date(2029, 2, 28)}


def test_columns_may_stand_in_another_order_and_optional_ones_be_absent() -> None:
    header = "term_months,inscribed_on,grounds,case_reference,rpps,given_names,family_name,role,kind"
    line = f"12,2024-01-02,overbilling|collusion,D-1,{rpps(1)},Anne,Exemple,insured,person"
    (read,) = read_file(f"{header}\n{line}\n".encode()).lines
    assert [str(ground) for ground in read.grounds] == ["overbilling", "collusion"]
    assert (read.term_months, read.number) == (12, 2)


def test_lines_are_numbered_as_a_person_sees_them() -> None:
    two_lines_long = a_line(1, **procedure("2024-01-01", court="TJ de\nLyon"))
    text = a_file(two_lines_long, a_line(2, role="pope"), a_line(3))
    head, *rest = text.split(b"\r\n")
    read = read_file(b"\r\n".join([head, b"", rest[0], b"," * (len(COLUMNS) - 1), *rest[1:]]))
    assert [(r.line, r.field) for r in read.refused] == [(6, "role")]
    assert [line.number for line in read.lines] == [3, 7]
    assert read.lines[0].procedure is not None
    assert read.lines[0].procedure.court == "TJ de Lyon"


@pytest.mark.parametrize(
    ("cells", "field", "code"),
    [
        ({"kind": ""}, "kind", "field_missing"),
        ({"kind": "Person"}, "kind", "unknown_code"),
        ({"role": "doctor"}, "role", "unknown_code"),
        ({"family_name": ""}, "family_name", "field_missing"),
        ({"given_names": " "}, "given_names", "field_missing"),
        ({"family_name": "x" * 201}, "family_name", "field_too_long"),
        ({"procedure_court": "x" * 2001}, "procedure_court", "field_too_long"),
        ({"case_reference": "x" * 2001}, "case_reference", "field_too_long"),
        ({"family_name": "=cmd|' /C calc'!A0"}, "family_name", "formula_refused"),
        ({"case_reference": "@SUM(1)"}, "case_reference", "formula_refused"),
        ({"family_name": "a\x07b"}, "family_name", "control_character"),
        ({"name": "SARL Exemple"}, "name", "field_not_for_kind"),
        ({"kind": "organisation", "name": "SARL"}, "family_name", "field_not_for_kind"),
        ({"birth_date": "1970-02-30"}, "birth_date", "date_malformed"),
        ({"birth_date": "02-01-1970"}, "birth_date", "date_malformed"),
        ({"birth_date": "19700102"}, "birth_date", "date_malformed"),
        ({"inscribed_on": "45000"}, "inscribed_on", "date_malformed"),
        ({"inscribed_on": ""}, "inscribed_on", "field_missing"),
        ({"term_months": "61"}, "term_months", "term_out_of_range"),
        ({"term_months": "0"}, "term_months", "term_out_of_range"),
        ({"term_months": "cinq"}, "term_months", "term_out_of_range"),
        ({"grounds": ""}, "grounds", "grounds_missing"),
        ({"grounds": "overbilling|overbilling"}, "grounds", "grounds_missing"),
        ({"grounds": "he is guilty"}, "grounds", "unknown_ground"),
        ({"case_reference": ""}, "case_reference", "field_missing"),
        ({"rpps": "1E+10"}, "rpps", "malformed_identifier"),
        ({"rpps": "10000001917"}, "rpps", "check_failed"),
        ({"siret": "185057800334456"}, "siret", "malformed_identifier"),
        ({"family_name": "1 85 05 78 006 084 91"}, "family_name", "nir_refused"),
        ({"procedure_court": "TJ"}, "procedure_kind", "procedure_incomplete"),
        ({"rpps": "", "birth_date": ""}, "birth_date", "field_missing"),
    ],
)
def test_a_line_is_refused_with_its_field_and_code_and_never_its_value(
    cells: dict[str, str], field: str, code: str
) -> None:
    row = a_line(**cells)
    if "procedure_court" in cells and len(cells["procedure_court"]) > 10:
        row |= procedure("2024-01-01") | cells
    read = read_file(a_file(a_line(8), row))
    assert (3, field, code) in [(r.line, r.field, r.code) for r in read.refused]
    assert [line.number for line in read.lines] == [2]
    for value in filter(None, cells.values()):
        assert all(len(value) < 5 or value not in r.detail for r in read.refused)


def test_every_wrong_cell_of_a_line_is_told_at_once() -> None:
    read = read_file(a_file(a_line(role="x", rpps="1", term_months="99", inscribed_on="?")))
    assert {r.field for r in read.refused} == {"role", "rpps", "term_months", "inscribed_on"}


def test_a_line_without_term_is_for_sixty_months() -> None:
    (line,) = read_file(a_file(a_line(term_months=""))).lines
    assert line.term_months == 60


def test_an_organisation_is_read_and_needs_an_identifier(house: House) -> None:
    firm = dict.fromkeys(("family_name", "given_names", "birth_date", "rpps"), "")
    firm |= {"kind": "organisation", "name": "Optique Exemple"}
    report = submit(house, a_line(1, **firm), a_line(2, **firm, siren="732829320"))
    assert codes(report) == [(2, None, "subject_not_identified")]
    assert report.accepted == 1


HEADER = ",".join(COLUMNS).encode()


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"", "file_without_header", "file"),
        (b"\xef\xbb\xbf", "file_without_header", "file"),
        ("kind;rôle".encode("latin-1"), "file_not_utf8", "file"),
        ("kind".encode("utf-16"), "file_not_utf8", "file"),
        (HEADER + b"\nper\0son", "file_not_utf8", "file"),
        (HEADER.replace(b"case_reference", b"reference"), "column_unknown", "header"),
        (HEADER.replace(b"case_reference,", b""), "column_missing", "case_reference"),
        (HEADER.replace(b"kind", b"Kind", 1), "column_unknown", "header"),
        (HEADER + b",rpps", "column_unknown", "header"),
        (HEADER + b",nir", "nir_refused", "header"),
        (HEADER + b'\n"person,' + b"x" * 10, "file_not_csv", "file"),
        (HEADER + b"\n" + b"x" * 200_000, "file_not_csv", "file"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(content: bytes, code: str, field: str) -> None:
    with pytest.raises(refusals.Malformed) as refused:
        read_file(content)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.french


def test_a_file_without_header_does_not_tell_a_name_in_its_refusal() -> None:
    with pytest.raises(refusals.Malformed) as refused:
        read_file(b"person,insured,Durand,,Anne\n")
    assert "Durand" not in refused.value.detail + str(refused.value)


def test_a_line_with_missing_cells_is_refused() -> None:
    read = read_file(HEADER + b"\nperson,insured\n")
    assert [(r.line, r.field, r.code) for r in read.refused] == [(2, None, "cells_missing")]


# Whole, or not --------------------------------------------------------------------------------


def killed_after(done: int) -> Any:
    def progress(now: int, total: int) -> None:
        if now >= done:
            raise Killed

    return progress


def test_killed_between_chunks_it_cannot_be_approved_and_the_same_file_continues_it(house: House) -> None:
    file = many(400)
    with pytest.raises(Killed):
        submit_import(house.desk, ask(), file, "l.csv", progress=killed_after(300))
    begun = house.pictures.rows("imports", {"organisation": None, "after": UUID(int=0), "limit": 9})
    (interrupted,) = [row["import_id"] for row in begun]
    assert count(house, "inscriptions") == 300
    with pytest.raises(ImportIncomplete):
        approve_import(house.desk, ask(BRUNO), interrupted)
    assert listed(house) == []
    report = submit_import(house.desk, ask(CHLOE), file, "l.csv")
    assert (report.import_id, report.accepted, report.refused) == (interrupted, 400, ())
    assert count(house, "inscriptions") == 400
    for who in (ANNE, CHLOE):
        with pytest.raises(refusals.FourEyes):
            approve_import(house.desk, ask(who), interrupted)
    assert approve(house, report)["approved"] == 400
    assert len(listed(house)) == 400


def test_killed_before_the_last_event_only_that_is_left_to_do(house: House) -> None:
    file = many(10)
    with pytest.raises(Killed):
        submit_import(house.desk, ask(), file, "l.csv", progress=killed_after(10))
    assert submit_import(house.desk, ask(), file, "l.csv").accepted == 10
    assert count(house, "subjects") == 10


def test_a_dry_run_of_an_interrupted_import_counts_all_its_lines(house: House) -> None:
    file = many(200)
    with pytest.raises(Killed):
        submit_import(house.desk, ask(), file, "l.csv", progress=killed_after(150))
    assert submit_import(house.desk, ask(), file, "l.csv", dry_run=True).accepted == 200


def test_persons_without_identifier_are_not_doubled_in_a_case_after_a_kill(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_list, "CHUNK", 2)
    lines = [a_line(n, rpps="", case_reference="D") for n in range(1, 6)]
    lines.append(a_line(1, rpps="", case_reference="D", inscribed_on="2024-01-01"))
    with pytest.raises(Killed):
        submit(house, *lines, progress=killed_after(2))
    report = submit(house, *lines)
    assert report.accepted == 5
    assert [(r.line, r.code) for r in report.refused] == [(7, "already_proposed")]
    assert count(house, "subjects") == 5
    assert len(the_case(house).subject_ids) == 5


def test_two_imports_of_one_file_at_once_import_it_once(house: House) -> None:
    file, start = many(600), Barrier(2)

    def run(who: UUID) -> ImportReport:
        start.wait()
        return submit_import(house.desk, ask(who), file, "l.csv")

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, (ANNE, CHLOE)))
    assert count(house, "inscriptions") == count(house, "subjects") == count(house, "cases") == 600
    assert {report.import_id for report in reports} == {reports[0].import_id}
    assert sorted((r.accepted, r.already_imported) for r in reports) == [(0, 600), (600, 0)]
    assert approve(house, reports[0])["approved"] == 600


def test_two_files_that_overlap_at_once_import_no_line_twice(house: House) -> None:
    files, start = [many(300, 1), many(300, 151)], Barrier(2)

    def run(file: bytes) -> ImportReport:
        start.wait()
        return submit_import(house.desk, ask(), file, "l.csv")

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, files))
    assert sum(report.accepted for report in reports) == count(house, "inscriptions") == 450
    assert count(house, "subjects") == 450


def test_a_dry_run_reports_the_same_and_writes_nothing(house: House) -> None:
    submit(house, a_line(9))
    lines = [a_line(1), a_line(1), a_line(2, rpps="1"), a_line(9), a_line(3, inscribed_on="2011-01-01")]
    before = row_counts(house)
    dry = submit(house, *lines, dry_run=True)
    assert row_counts(house) == before
    wet = submit(house, *lines)
    assert dry.import_id is None
    assert (dry.accepted, dry.refused) == (wet.accepted, wet.refused)
    assert [r.line for r in wet.refused] == [3, 4, 5, 6]


# Approved -------------------------------------------------------------------------------------


def test_an_import_is_approved_by_a_second_person_once(house: House) -> None:
    report = submit(house, a_line(1))
    with pytest.raises(refusals.FourEyes):
        approve(house, report, ANNE)
    with pytest.raises(refusals.NoSuchImport):
        approve_import(house.desk, ask(BRUNO, "DEMO-MUTUELLE"), report.import_id)
    with pytest.raises(refusals.NoSuchImport):
        approve_import(house.desk, ask(BRUNO), uuid4())
    approve(house, report)
    for who in (BRUNO, CHLOE):
        with pytest.raises(refusals.BatchAlreadyApproved):
            approve(house, report, who)


def test_a_repeated_approval_gives_the_same_answer(house: House) -> None:
    report, command = submit(house, a_line(1), a_line(2)), ask(BRUNO, command_id=uuid4(), mac=b"m")
    assert report.import_id is not None
    answers = [approve_import(house.desk, command, report.import_id) for _ in range(2)]
    assert [(a.id, a["approved"], a["rejected"]) for a in answers] == [(report.import_id, 2, [])] * 2


def test_an_approval_that_was_killed_is_finished_by_the_scheduler(house: House) -> None:
    report = submit_import(house.desk, ask(), many(400), "l.csv")
    with pytest.raises(Killed):
        approve_import(house.desk, ask(BRUNO), report.import_id, progress=killed_after(100))
    assert 0 < len(listed(house)) < 400
    assert [found[0] for found in house.desk.registry.unfinished_imports()] == [report.import_id]
    with pytest.raises(refusals.BatchAlreadyApproved):
        approve(house, report, CHLOE)
    assert finish_imports(house.desk) == 400 - 150
    assert len(listed(house)) == 400
    assert finish_imports(house.desk) == 0


def test_an_approval_that_was_killed_is_resumed_by_who_approved(house: House) -> None:
    report = submit_import(house.desk, ask(), many(400), "l.csv")
    with pytest.raises(Killed):
        approve_import(house.desk, ask(BRUNO), report.import_id, progress=killed_after(100))
    approve(house, report)
    assert len(listed(house)) == 400


def test_what_was_decided_by_hand_before_the_approval_stays_so(house: House) -> None:
    report = submit(house, a_line(1), a_line(2), a_line(3))
    with house.pool.connection() as conn:
        rows = conn.execute("SELECT inscription_id, case_id FROM inscriptions").fetchall()
    withdraw(house.desk, ask(), rows[0]["inscription_id"])
    reject(house.desk, ask(CHLOE), rows[1]["inscription_id"], "doublon")
    receipt = approve(house, report)
    assert (receipt["approved"], receipt["rejected"]) == (1, [])


def test_an_imported_proposal_is_decided_with_its_batch_only(house: House) -> None:
    submit(house, a_line(1))
    with house.pool.connection() as conn:
        row = conn.execute("SELECT inscription_id, case_id FROM inscriptions").fetchone()
    assert row is not None
    version = house.desk.case(row["case_id"], ORGANISATION).version
    with pytest.raises(refusals.WaitsForItsImport):
        amend(house.desk, ask(BRUNO), row["inscription_id"], Amendment(term_months=12), version)
    with pytest.raises(refusals.WaitsForItsImport):
        approve_one(house.desk, ask(BRUNO), row["inscription_id"])


def test_a_procedure_of_an_impossible_year_is_refused_for_its_line(house: House) -> None:
    report = submit(house, a_line(1, **procedure("0001-01-01")), a_line(2))
    assert codes(report) == [(2, "procedure_opened_on", "date_out_of_range")]
    assert approve(house, report)["approved"] == 1


def test_two_approvals_at_once_take_effect_once(house: House) -> None:
    report = submit_import(house.desk, ask(), many(200), "l.csv")
    start = Barrier(2)

    def run(who: UUID) -> int:
        start.wait()
        try:
            return approve(house, report, who)["approved"]
        except refusals.BatchAlreadyApproved:
            return 0

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, (BRUNO, CHLOE))) == [0, 200]
    assert len(listed(house)) == 200


def test_nothing_personal_is_in_the_events(house: House) -> None:
    submit(house, a_line(1, family_name="Zyxwvut", **procedure("2024-01-01", "TJ de Quimper")))
    with house.pool.connection() as conn:
        states = b" ".join(bytes(row["state"]) for row in conn.execute("SELECT state FROM events"))
    for value in (b"Zyxwvut", b"Quimper", b"D-1", b"liste.csv", rpps(1).encode()):
        assert value not in states


def test_five_thousand_lines_within_seconds(house: House) -> None:
    told: list[tuple[int, int]] = []
    began = time.perf_counter()
    report = submit_import(
        house.desk, ask(), many(5000), "l.csv", progress=lambda done, total: told.append((done, total))
    )
    submitted = time.perf_counter()
    receipt = approve(house, report)
    approved = time.perf_counter()
    print(f"\n{5000 / (submitted - began):.0f} lines/s in, {5000 / (approved - submitted):.0f} approved/s")
    assert (report.accepted, receipt["approved"]) == (5000, 5000)
    assert told[-1] == (5000, 5000)
    assert approved - began < 20
