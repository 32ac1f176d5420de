"""The look-up key rotates while everything goes on: nobody is ever answered wrongly (decision 0016, S3, L3)."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.stories import (
    BRUNO,
    Story,
    a_house,
    a_person,
    a_story,
    an_asking,
    ask,
    at_once,
    open_screening,
    rpps,
)
from watchlist.application.delist import delist, restrict
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.merge_subjects import merge_subjects
from watchlist.application.purge_case import purge_case
from watchlist.application.register_subject import rectify_subject, register_subject
from watchlist.application.replay import check
from watchlist.application.rotate_lookups import Rotation, RotationReport, rotate_lookups
from watchlist.application.search_subjects import Wanted, search_subjects
from watchlist.application.tidy_keys import lost_keys
from watchlist.application.work_on_case import record_victim
from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.subject import Role

HEADER = (
    "kind,role,family_name,usage_name,given_names,birth_date,birth_place,name,rpps,adeli,finess,siren,siret,"
    "case_reference,grounds,inscribed_on,term_months,"
    "procedure_kind,procedure_court,procedure_reference,procedure_opened_on"
)


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def rotate(register: Story, rotation: Rotation | None = None) -> RotationReport:
    return rotate_lookups(register.desk, rotation or register.house.rotation, grace=0)


def screened(house: Any, *identifiers: Identifier) -> list[bool]:
    """Asked as the service asks, by a process that knows of no rotation yet."""
    subjects = {
        f"q{n}": {"identifiers": [{"scheme": i.scheme, "value": i.value}]} for n, i in enumerate(identifiers)
    }
    body = {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}

    async def ask_once() -> bytes:
        async with open_screening(house) as screening:
            return bytes(await screening.answer(json.dumps(body).encode(), an_asking()))

    results = json.loads(asyncio.run(ask_once()))["results"]
    return [results[f"q{n}"]["hit"] for n in range(len(identifiers))]


def found(story: Story, *identifiers: Identifier) -> list[UUID]:
    return [one["subject_id"] for one in search_subjects(story.desk, "GROUPAMA", Wanted(identifiers))]


def generations(register: Story, table: str) -> set[int]:
    return {row["generation"] for row in register.rows(f"SELECT DISTINCT generation FROM {table}")}


def states(register: Story) -> dict[int, str]:
    return register.house.rotation.states()


def tell(register: Story) -> tuple[UUID, UUID, UUID]:
    """Entries of a bit of every kind: merged, restricted, delisted, with a victim's stolen identifier."""
    subject, case, entry = register.listed(a_person("Lefèvre", "Anne", rpps(1), rpps(2)))
    victim = register.subject(a_person("Durand"))
    record_victim(register.desk, ask(), victim, case, (rpps(2),), "usurpation")
    survivor, _, _ = register.listed(a_person("Moyen", "Luc", rpps(6)))
    duplicate, _, _ = register.listed(a_person("Moyen", "Luc Marie"))
    merge_subjects(register.desk, ask(), survivor, duplicate, "doublon")
    _, _, restricted = register.listed(a_person("Petit", "Luc", rpps(3)))
    restrict(register.desk, ask(BRUNO), restricted, "contestée")
    _, _, over = register.listed(a_person("Grand", "Luc", rpps(4)))
    delist(register.desk, ask(BRUNO), over, DelistingGround.REPAID, "remboursé")
    register.subject(a_person("Petit", "Zoé", rpps(5)))
    return subject, case, entry


# What it does ---------------------------------------------------------------------------------


def test_after_a_rotation_everything_is_found_under_the_new_key_alone(register: Story) -> None:
    tell(register)
    before = register.desk.tokenizer.digest("one")
    counted = {table: register.count(table) for table in ("subject_tokens", "answerable", "stolen_tokens")}
    report = rotate(register)
    assert (report.generation, report.resumed, report.destroyed) == (2, False, [1])
    assert states(register) == {1: "destroyed", 2: "current"}
    assert register.desk.tokenizer.digest("one") != before
    assert {table: register.count(table) for table in counted} == counted
    assert all(generations(register, table) == {2} for table in counted)
    assert screened(register.house, *map(rpps, range(1, 6))) == [True, False, False, False, False]
    assert check(register.desk, register.house.snapshots)[1] == []
    assert 1 not in register.house.keyring.lookup_keys()


def test_a_process_that_has_not_noticed_is_answered_rightly(register: Story, database_url: str) -> None:
    tell(register)
    with a_house(database_url) as another:
        # given another process that knows the first key only, when the key was rotated twice
        assert screened(another, rpps(1)) == [True]
        rotate(register)
        rotate(register)
        # then
        assert another.desk.tokenizer.generation == 1
        assert screened(another, rpps(1), rpps(2)) == [True, False]
        assert another.desk.tokenizer.generation == 3


def test_a_search_by_a_process_that_has_not_noticed_finds_them(register: Story, database_url: str) -> None:
    subject, _, _ = tell(register)
    with a_story(database_url) as another:
        rotate(register)
        assert found(another, rpps(1)) == [subject]


@pytest.mark.parametrize("moment", ["arriving", "over"])
def test_a_command_of_a_process_that_has_not_noticed_is_decided_again(
    register: Story, database_url: str, moment: str
) -> None:
    subject, _, _ = tell(register)
    with a_story(database_url) as another:
        register.house.rotation.begin() if moment == "arriving" else rotate(register)
        # then whoever is known is known again, and whoever is new is written as all are now
        known = a_person("Lefèvre", "Anne", rpps(1))
        assert register_subject(another.desk, ask(), Role.OTHER, known).id == subject
        another.subject(a_person("Neuf", "Luc", rpps(9)))
        written = {1, 2} if moment == "arriving" else {2}
        rows = register.rows(
            "SELECT subject_id, array_agg(DISTINCT generation) AS g FROM subject_tokens GROUP BY 1"
        )
        assert {frozenset(row["g"]) for row in rows} <= {frozenset({1}), frozenset(written)}
        assert found(another, rpps(9)) == found(register, rpps(9)) != []
    rotate(register)
    assert check(register.desk, register.house.snapshots)[1] == []


def test_two_rotations_at_once_are_one(register: Story) -> None:
    tell(register)
    reports = at_once([lambda: rotate(register)] * 2)
    assert sorted(report.alone for report in reports if isinstance(report, RotationReport)) == [False, True]
    assert states(register) == {1: "destroyed", 2: "current"}


def test_what_is_not_a_persons_look_up_does_not_rotate(register: Story) -> None:
    before = register.desk.lookups.now.requests.digest("idempotency", "key")
    rotate(register)
    assert register.desk.lookups.now.requests.digest("idempotency", "key") == before
    assert before != register.desk.tokenizer.digest("idempotency", "key")


# Killed, and resumed --------------------------------------------------------------------------

STEPS = ("begin", "fill_subjects", "fill_case", "unequal", "flip", "forget_retired", "destroy_keys")


class Killed(Exception):
    """The process was killed here."""


class Mortal:
    """The real rotation, killed before or after one of its steps."""

    def __init__(self, rotation: Rotation, step: str, after: bool) -> None:
        self._rotation, self._step, self._after = rotation, step, after

    def __getattr__(self, name: str) -> Any:
        done: Callable[..., Any] = getattr(self._rotation, name)
        if name != self._step:
            return done

        def killed(*args: Any) -> Any:
            if self._after:
                outcome = done(*args)
                if name == "forget_retired":
                    next(outcome)
            raise Killed

        return killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_it_answers_rightly_and_goes_on(
    register: Story, database_url: str, step: str, after: bool
) -> None:
    subject, _, _ = tell(register)
    with pytest.raises(Killed):
        rotate(register, Mortal(register.house.rotation, step, after))
    with a_story(database_url) as later:
        expected = [True, False, False, False, False]
        assert screened(later.house, *map(rpps, range(1, 6))) == expected
        assert screened(register.house, *map(rpps, range(1, 6))) == expected
        assert found(later, rpps(1)) == [subject]
        later.listed(a_person("Neuf", "Luc", rpps(9)))
        assert check(later.desk, later.house.snapshots)[1] == []
        report = rotate(later)
        assert report.generation == (2 if report.resumed else 3 if step in ("destroy_keys",) else 2)
        assert set(states(later).values()) == {"destroyed", "current"}
        assert screened(register.house, *map(rpps, (1, 2, 3, 4, 5, 9))) == [*expected, True]
        assert check(later.desk, later.house.snapshots)[1] == []


# While others work ----------------------------------------------------------------------------


def test_nobody_is_missed_while_subjects_are_registered_listed_and_screened(
    register: Story, database_url: str
) -> None:
    # given some who are listed, and processes that register, list, rectify and screen others all the while
    for n in range(20):
        register.listed(a_person(f"Nom{n}", "Luc", rpps(n)))
    over = threading.Event()
    listed = list(range(20))
    errors: list[Any] = []

    def work(first: int) -> None:
        with a_story(database_url) as story:
            for n in range(first, first + 40):
                if over.is_set():
                    return
                subject, _, _ = story.listed(a_person(f"Nom{n}", "Luc", rpps(n)))
                rectify_subject(story.desk, ask(), subject, a_person(f"Autre{n}", "Luc", rpps(n)), "e", 1)
                listed.append(n)

    def screen() -> None:
        with a_story(database_url) as story:
            while not over.is_set():
                asked = list(listed)
                answers = screened(story.house, *map(rpps, asked), rpps(9999))
                if answers != [True] * len(asked) + [False]:
                    errors.append(answers)

    def turn() -> list[RotationReport]:
        try:
            return [rotate(register) for _ in range(3)]
        finally:
            over.set()

    outcomes = at_once([lambda: work(100), lambda: work(200), screen, screen, turn])
    # then every screening found everybody, and nothing is left of the old generations
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert errors == []
    assert states(register) == {1: "destroyed", 2: "destroyed", 3: "destroyed", 4: "current"}
    assert len(listed) > 20
    assert screened(register.house, *map(rpps, listed)) == [True] * len(listed)
    assert check(register.desk, register.house.snapshots)[1] == []


class Interrupted:
    """The real rotation; before the look-ups that were read are kept, somebody does something."""

    def __init__(self, rotation: Rotation, step: str, meanwhile: Callable[[], object]) -> None:
        self._rotation, self._step, self._meanwhile = rotation, step, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        done = getattr(self._rotation, name)

        def interrupted(*args: Any) -> Any:
            if name == self._step and self._meanwhile:
                self._meanwhile.pop()()
            return done(*args)

        return interrupted


def test_an_identity_rectified_while_it_is_read_is_found_as_it_is_now(
    register: Story, database_url: str
) -> None:
    subject, _, _ = register.listed(a_person("Lefèvre", "Anne", rpps(1)))
    with a_story(database_url) as another:

        def rectify() -> None:
            rectify_subject(another.desk, ask(), subject, a_person("Lefèvre", "Anne", rpps(2)), "e", 1)

        rotate(register, Interrupted(register.house.rotation, "fill_subjects", rectify))
    assert screened(register.house, rpps(1), rpps(2)) == [False, True]
    assert check(register.desk, register.house.snapshots)[1] == []


def test_a_victim_recorded_while_the_key_rotates_hides_nothing_that_was_stolen_before(
    register: Story, database_url: str
) -> None:
    """L10: of one case, one identifier was stolen before the new key arrived and one after."""
    _, case, _ = register.listed(a_person("Lefèvre", "Anne", rpps(1), rpps(2), rpps(3)))
    victim = register.subject(a_person("Durand"))
    record_victim(register.desk, ask(), victim, case, (rpps(2),), "usurpation")
    with a_story(database_url) as another:

        def steal() -> None:
            record_victim(another.desk, ask(), victim, case, (rpps(3),), "usurpation")

        rotate(register, Interrupted(register.house.rotation, "cases_lacking", steal))
    assert screened(register.house, rpps(1), rpps(2), rpps(3)) == [True, False, False]
    assert check(register.desk, register.house.snapshots)[1] == []


def test_a_case_purged_while_it_is_read_gets_no_look_ups_again(register: Story, database_url: str) -> None:
    case = register.alert(register.subject())
    record_victim(register.desk, ask(), register.subject(a_person("Durand")), case, (rpps(2),), "usurpation")
    register.clock.advance(days=200)
    with a_story(database_url) as another:
        another.clock.advance(days=200)

        def purge() -> None:
            from watchlist.application.sweep import sweep

            assert sweep(another.desk).alerts_purged == 1

        rotate(register, Interrupted(register.house.rotation, "fill_case", purge))
    assert register.count("stolen_tokens") == 0


# What cannot be made again --------------------------------------------------------------------


def test_while_a_key_is_lost_the_old_look_ups_stay(register: Story, database_url: str) -> None:
    subject, _, _ = tell(register)
    with psycopg.connect(database_url) as conn:
        conn.execute("CREATE TABLE aside AS SELECT * FROM watchlist_keys.data_keys")
        conn.execute("TRUNCATE watchlist_keys.data_keys")
        conn.execute("INSERT INTO watchlist_keys.data_keys SELECT * FROM aside WHERE owner <> %b", (subject,))
    assert lost_keys(register.desk, register.house.register) == 1
    with pytest.raises(refusals.LookupsIncomplete):
        rotate(register)
    assert states(register) == {1: "current", 2: "arriving"}
    assert screened(register.house, rpps(1)) == [True]
    # when the key is restored, the rotation goes on
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO watchlist_keys.data_keys SELECT * FROM aside WHERE owner = %b", (subject,))
    assert rotate(register).resumed
    assert screened(register.house, rpps(1)) == [True]


def test_who_was_erased_has_nothing_to_be_found_by(register: Story) -> None:
    subject = register.subject(a_person("Lefèvre", "Anne", rpps(1)))
    register.house.keyring.destroy([subject])
    rotate(register)
    assert register.rows("SELECT FROM subject_tokens WHERE subject_id = %b", subject) == []


def test_a_case_that_was_purged_is_known_by_no_reference_any_more(register: Story) -> None:
    assert purge_case is not None
    text = a_file(line(1))
    done = submit_import(register.desk, ask(), text, "liste.csv")
    assert done.accepted == 1
    rotate(register)
    assert generations(register, "case_references") == {2}


# Imports --------------------------------------------------------------------------------------


def line(number: int) -> str:
    return (
        f"person,health_professional,Exemple{number},,Camille,1970-02-28,,,{rpps(number).value},,,,,"
        f"D-{number},overbilling,2021-01-15,60,,,,"
    )


def a_file(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


def test_what_was_imported_before_a_rotation_is_known_after_it(register: Story) -> None:
    report = submit_import(register.desk, ask(), a_file(line(1), line(2)), "liste.csv")
    assert report.import_id is not None
    approve_import(register.desk, ask(BRUNO), report.import_id)
    rotated = rotate(register)
    # then the old key stays for that alone
    assert (rotated.destroyed, rotated.kept_for_imports) == ([], [1])
    assert generations(register, "imported_lines") == {1}
    again = submit_import(register.desk, ask(), a_file(line(2), line(3)), "corrigée.csv")
    assert (again.accepted, again.already_imported) == (1, 1)
    assert generations(register, "imported_lines") == {1, 2}
    assert screened(register.house, rpps(1), rpps(2), rpps(3)) == [True, True, False]
    # and goes with them
    with register.house.pool.connection() as conn:
        conn.execute("DELETE FROM imported_lines WHERE generation = 1")
    assert register.house.rotation.destroy_keys() == [1]
    assert rotate(register).generation == 3


def test_an_import_interrupted_before_a_rotation_is_completed_after_it(register: Story) -> None:
    text = a_file(*map(line, range(1, 200)))

    def kill(done: int, total: int) -> None:
        if done > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit_import(register.desk, ask(), text, "liste.csv", progress=kill)
    rotate(register)
    report = submit_import(register.desk, ask(), text, "liste.csv")
    assert (report.accepted, report.already_imported) == (199, 0)
    assert register.count("imports") == 1


def test_a_dry_run_of_a_process_that_has_not_noticed_knows_what_was_imported(
    register: Story, database_url: str
) -> None:
    with a_story(database_url) as another:
        rotate(register)
        submit_import(register.desk, ask(), a_file(line(1)), "liste.csv")
        dry = submit_import(another.desk, ask(), a_file(line(1), line(2)), "autre.csv", dry_run=True)
        assert (dry.accepted, dry.already_imported) == (1, 1)
