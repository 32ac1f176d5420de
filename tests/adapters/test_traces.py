"""The access log and the register of disclosures: written in groups, append-only, kept by the month (T1, S6, S8)."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from scheduler.jobs.turn_access_log import turn_the_access_log
from tests.stories import (
    BRUNO,
    MONDAY,
    ORGANISATION,
    PAYER,
    Story,
    a_person,
    a_story,
    an_asking,
    ask,
    at_once,
    open_screening,
    rpps,
)
from watchlist.adapters.postgres.locks import WRITE_LOCK
from watchlist.adapters.postgres.traces import PostgresTraces
from watchlist.application.delist import delist
from watchlist.application.register_subject import rectify_subject
from watchlist.application.rotate_lookups import rotate_lookups
from watchlist.application.screen import Screening
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.refusals import Busy
from watchlist.domain.trace import Access, Hit
from watchlist.settings import Settings, SettingsError


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def body(*numbers: int, purpose: str = "third_party_payment") -> bytes:
    subjects = {f"q{n}": {"identifiers": [{"scheme": "rpps", "value": rpps(n).value}]} for n in numbers}
    return json.dumps({"purpose": purpose, "file_reference": "LOT-1", "subjects": subjects}).encode()


def answered(story: Story, *bodies: bytes, organisation: str = PAYER) -> list[dict[str, Any]]:
    async def all_at_once() -> list[bytes]:
        asking = an_asking(organisation)
        async with open_screening(story.house) as screening:
            return await asyncio.gather(*(screening.answer(one, asking) for one in bodies))

    return [json.loads(answer) for answer in asyncio.run(all_at_once())]


def test_a_screening_without_a_hit_says_who_asked_and_never_for_whom(story: Story) -> None:
    (answer,) = answered(story, body(1, 2))
    (row,) = story.rows("SELECT * FROM accesses")
    assert row["screening_id"] == UUID(answer["screening_id"])
    assert (row["organisation"], row["operation"], row["role"]) == (PAYER, "screen", "integrator")
    assert (row["reference"], row["purpose"], row["asked"], row["hits"]) == (
        "LOT-1",
        "third_party_payment",
        2,
        0,
    )
    assert (row["at"], row["key_id"], row["request_id"]) == (MONDAY, "0123456789abcdef", "request-1")
    assert row["subject_ids"] == []
    assert story.count("disclosures") == story.count("hits") == 0


def test_a_hit_is_a_disclosure_and_the_access_names_its_subject_only(story: Story) -> None:
    subject, case, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    (answer,) = answered(story, body(1, 2))
    assert answer["results"] == {"q1": {"hit": True}, "q2": {"hit": False}}
    (row,) = story.rows("SELECT * FROM accesses")
    assert (row["asked"], row["hits"], row["subject_ids"]) == (2, 1, [subject])
    (told,) = story.rows("SELECT * FROM disclosures")
    assert (told["kind"], told["recipient"], told["organisation"]) == ("hit", "third_party_payer", PAYER)
    assert (told["owner"], told["subject_id"], told["case_id"]) == (ORGANISATION, subject, case)
    assert (told["inscription_id"], str(told["screening_id"])) == (entry, answer["screening_id"])
    (hit,) = story.rows("SELECT * FROM hits")
    assert (hit["key"], hit["inscription_id"], hit["stands"], hit["generation"]) == ("q1", entry, True, 1)
    assert hit["disclosure_id"] == told["disclosure_id"]


def test_screenings_that_come_together_are_written_together(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    answers = answered(story, *(body(n % 3) for n in range(60)))
    assert [answer["results"][f"q{n % 3}"]["hit"] for n, answer in enumerate(answers)] == [
        n % 3 == 1 for n in range(60)
    ]
    rows = story.rows("SELECT xmin::text AS written_by, screening_id, hits FROM accesses")
    assert {str(row["screening_id"]) for row in rows} == {answer["screening_id"] for answer in answers}
    assert sum(row["hits"] for row in rows) == story.count("disclosures") == 20
    assert len({row["written_by"] for row in rows}) < 12


def some_hits(many: int) -> list[Hit]:
    """Of an entry that answers nothing any more: what is told of them is nothing, what is written the access."""
    entry = uuid4()
    return [Hit(f"q{n}", entry, (b"d" * 16,), (), 1, b"question") for n in range(many)]


def test_what_goes_together_is_counted_in_rows(story: Story) -> None:
    """Screenings with many hits do not add up to one long statement that every one of them waits for."""

    async def written(*hits: int) -> None:
        traces = PostgresTraces(story.house.conninfo)
        await traces.open()
        access = Access(MONDAY, an_asking())
        await asyncio.gather(*(traces.write_hits(access, some_hits(many)) for many in hits))
        await traces.close()

    asyncio.run(written(600, 600, 300, 2000, 1, 1))
    groups = story.rows("SELECT count(*) AS n FROM accesses GROUP BY xmin ORDER BY xmin::text::bigint")
    assert [row["n"] for row in groups] == [1, 2, 1, 2]


def test_who_comes_when_too_much_waits_is_refused_and_the_others_are_written(story: Story) -> None:
    async def outcomes() -> list[frozenset[tuple[str, UUID]] | BaseException]:
        traces = PostgresTraces(story.house.conninfo)
        await traces.open()
        access, hits = Access(MONDAY, an_asking()), some_hits(30_000)
        found = await asyncio.gather(
            *(traces.write_hits(access, hits) for _ in range(5)),
            traces.write(access),
            return_exceptions=True,
        )
        await traces.write_hits(access, hits)  # when they are written, there is room again
        await traces.close()
        return found

    found = asyncio.run(outcomes())
    assert [isinstance(one, Busy) for one in found] == [False, False, False, True, True, False]
    assert story.count("accesses") == 5


# Told of a hit, or of none ---------------------------------------------------------------------


def test_a_hit_that_a_command_overtook_is_not_told(story: Story) -> None:
    """Between the question and its disclosure the entry ends: whoever asks is told no hit, and nothing is written."""
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    answer = _answered_meanwhile(story, lambda: end(story, entry))
    assert answer["results"] == {"q1": {"hit": False}}
    assert story.count("disclosures") == story.count("hits") == 0
    (row,) = story.rows("SELECT * FROM accesses")
    assert (row["asked"], row["hits"], row["subject_ids"]) == (1, 0, [])


def test_a_hit_whose_identity_changed_meanwhile_is_not_told(story: Story) -> None:
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", rpps(1)))

    def rectify() -> None:
        another = a_person("Lefèvre", "Anne", rpps(2))
        rectify_subject(story.desk, ask(), subject, another, "erreur de saisie", 1)

    assert _answered_meanwhile(story, rectify)["results"] == {"q1": {"hit": False}}
    assert story.count("disclosures") == 0


def test_a_hit_is_told_though_the_look_up_key_rotated_meanwhile(story: Story) -> None:
    """Its digests compare with nothing any more, and the entry still answers: silence would be a wrong no hit."""
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    answer = _answered_meanwhile(story, lambda: rotate_lookups(story.desk, story.house.rotation, grace=0))
    assert answer["results"] == {"q1": {"hit": True}}
    assert story.count("disclosures") == 1


@pytest.mark.parametrize(("given_names", "told"), [("Anne", 1), ("Anne Marie Zoé", 1), ("Paul", 0)])
def test_given_names_are_compared_again_as_the_rule_compares_them(
    story: Story, given_names: str, told: int
) -> None:
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne Marie"))
    asked = {"q1": {"family_name": "Lefevre", "given_names": "Anne Marie", "birth_date": "1970-01-02"}}
    envelope = json.dumps({"purpose": "claim_control", "file_reference": "D-1", "subjects": asked}).encode()

    def rectify() -> None:
        rectify_subject(story.desk, ask(), subject, a_person("Lefèvre", given_names), "erreur", 1)

    answer = _answered_meanwhile(story, rectify, envelope)
    assert answer["results"] == {"q1": {"hit": bool(told)}}
    assert [row["recipient"] for row in story.rows("SELECT recipient FROM disclosures")] == ["insurer"] * told


def end(story: Story, entry: UUID) -> None:
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")


def _answered_meanwhile(
    story: Story, command: Callable[[], object], envelope: bytes | None = None
) -> dict[str, Any]:
    """Screened; once the list was asked and before anything is told, the command is carried out."""

    async def asked() -> bytes:
        async with open_screening(story.house) as screening:
            overtaken = Screening(screening.lookups, screening.index, _Overtaken(screening.traces, command))
            return await overtaken.answer(envelope or body(1), an_asking())

    answer: dict[str, Any] = json.loads(asyncio.run(asked()))
    return answer


class _Overtaken:
    """Traces that are written after something else was."""

    def __init__(self, traces: Any, command: Callable[[], object]) -> None:
        self._traces, self._command = traces, command

    async def write(self, access: Access) -> None:
        await self._traces.write(access)

    async def write_hits(self, access: Access, hits: Sequence[Hit]) -> frozenset[tuple[str, UUID]]:
        await asyncio.to_thread(self._command)
        told: frozenset[tuple[str, UUID]] = await self._traces.write_hits(access, hits)
        return told


def test_a_pair_that_was_found_to_be_a_homonym_hits_no_more_at_that_organisation(story: Story) -> None:
    _, _, entry = story.listed(a_person("Lefèvre", "Anne", rpps(1)))
    answered(story, body(1))
    question = story.rows("SELECT question FROM hits")[0]["question"]
    with story.house.pool.connection() as conn:
        conn.execute("INSERT INTO homonyms VALUES (%s, %s, %s, gen_random_uuid())", (PAYER, question, entry))
    (again,) = answered(story, body(1))
    assert again["results"] == {"q1": {"hit": False}}
    (elsewhere,) = answered(story, body(1), organisation="ANOTHER")
    assert elsewhere["results"] == {"q1": {"hit": True}}
    assert story.count("disclosures") == 2


def test_the_same_question_is_known_however_it_is_spelled(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne Marie", rpps(1)))
    for family_name, given_names in (("Lefèvre", "Anne Marie"), ("LEFEVRE", "anne-marie")):
        asked = {
            "q": {
                "birth_date": "1970-01-02",
                "given_names": given_names,
                "family_name": family_name,
                "identifiers": [{"scheme": "rpps", "value": rpps(1).value}],
            }
        }
        envelope = {"purpose": "claim_control", "file_reference": "D-1", "subjects": asked}
        answered(story, json.dumps(envelope).encode())
    assert len({bytes(row["question"]) for row in story.rows("SELECT question FROM hits")}) == 1


# Waiting, and not ------------------------------------------------------------------------------


def test_an_answer_without_a_hit_does_not_wait_for_those_who_record(story: Story) -> None:
    story.listed(a_person("Lefèvre", "Anne", rpps(1)))

    async def asked() -> tuple[bool, bool, bytes]:
        async with open_screening(story.house) as screening:
            with psycopg.connect(story.house.conninfo) as recording:
                recording.execute("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
                hit = asyncio.create_task(screening.answer(body(1), an_asking()))
                none = asyncio.create_task(screening.answer(body(2), an_asking()))
                await asyncio.wait([none], timeout=4)
                stood = none.done(), hit.done()
            return *stood, await hit

    without, with_hit, told = asyncio.run(asked())
    assert (without, with_hit) == (True, False)
    assert json.loads(told)["results"] == {"q1": {"hit": True}}


def test_what_cannot_be_written_is_busy_for_everybody_who_waited_and_for_nobody_after(story: Story) -> None:
    access = Access(MONDAY, an_asking())

    async def written() -> list[BaseException | None]:
        traces = PostgresTraces(story.house.conninfo)
        await traces.open()
        try:
            revoke(story, "REVOKE INSERT ON watchlist.accesses FROM watchlist_service")
            told = await asyncio.gather(*(traces.write(access) for _ in range(5)), return_exceptions=True)
            revoke(story, "GRANT INSERT ON watchlist.accesses TO watchlist_service")
            await traces.write(access)
            return list(told)
        finally:
            await traces.close()

    assert {type(error) for error in asyncio.run(written())} == {Busy}
    assert story.count("accesses") == 1


def test_traces_that_are_closed_are_busy(story: Story) -> None:
    traces = PostgresTraces(story.house.conninfo)
    with pytest.raises(Busy):
        asyncio.run(traces.write(Access(MONDAY, an_asking())))


def revoke(story: Story, statement: str) -> None:
    with psycopg.connect(story.house.conninfo, autocommit=True) as owner:
        owner.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET at = now()",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "DROP TABLE {}",
    ],
)
@pytest.mark.parametrize("table", ["accesses", "disclosures"])
def test_the_service_only_adds_to_its_registers(story: Story, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), story.house.pool.connection() as conn:
        conn.execute(statement.format(table).encode())


# The months of the log -------------------------------------------------------------------------


def months(story: Story) -> list[str]:
    rows = story.rows(
        "SELECT c.relname AS n FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'watchlist.accesses'::regclass AND c.relname <> 'accesses_unsorted' ORDER BY 1"
    )
    return [row["n"].removeprefix("accesses_") for row in rows]


def write_at(story: Story, *instants: datetime) -> None:
    async def written() -> None:
        traces = PostgresTraces(story.house.conninfo)
        await traces.open()
        await asyncio.gather(*(traces.write(Access(at, an_asking())) for at in instants))
        await traces.close()

    asyncio.run(written())


def test_a_month_is_made_ahead_and_takes_what_waited_for_it(story: Story) -> None:
    edge = datetime(2021, 4, 1, tzinfo=UTC)
    write_at(story, MONDAY, edge - timedelta(microseconds=1), edge)
    assert turn_the_access_log(story.house) == "made 3 months of the access log, dropped 0"
    assert months(story)[:3] == ["2021_03", "2021_04", "2021_05"]
    kept_in = story.rows("SELECT tableoid::regclass::text AS month FROM accesses ORDER BY at")
    assert [row["month"] for row in kept_in] == ["accesses_2021_03", "accesses_2021_03", "accesses_2021_04"]
    assert turn_the_access_log(story.house) is None


def test_a_month_is_dropped_once_it_was_kept_for_as_long_as_is_set(story: Story) -> None:
    write_at(story, MONDAY, datetime(2020, 11, 30, tzinfo=UTC))
    turn_the_access_log(story.house)
    story.clock.move_to(datetime(2022, 3, 31, 23, 59, tzinfo=UTC))
    turn_the_access_log(story.house)
    assert ("2021_03" in months(story), story.count("accesses")) == (True, 1)
    story.clock.move_to(datetime(2022, 4, 1, tzinfo=UTC))
    turn_the_access_log(story.house)
    assert ("2021_03" in months(story), story.count("accesses")) == (False, 0)


def test_no_clock_and_no_row_makes_the_log_forget_its_last_six_months(story: Story) -> None:
    """A clock that is years ahead, a row dated in the future, or somebody who acts as the service."""
    now = datetime.now(UTC)
    write_at(story, now, now - timedelta(days=150), now + timedelta(days=900))
    story.house.registers.make_months(now - timedelta(days=180))
    kept = story.count("accesses")
    story.house.registers.forget_months(now + timedelta(days=5000))
    assert story.count("accesses") == kept == 3


def test_a_scheduler_whose_clock_is_years_ahead_for_a_while_forgets_no_recent_month(story: Story) -> None:
    now = datetime.now(UTC)
    write_at(story, now, now - timedelta(days=150))
    story.house.registers.make_months(now - timedelta(days=180))
    ahead = now + timedelta(days=1100)
    write_at(story, ahead)
    story.clock.move_to(ahead)
    turn_the_access_log(story.house)
    assert [row["at"] for row in story.rows("SELECT at FROM accesses ORDER BY at")] == [
        now - timedelta(days=150),
        now,
        ahead,
    ]


def test_two_who_turn_the_log_at_once_make_each_month_once(story: Story) -> None:
    turned = at_once([lambda: story.house.registers.make_months(MONDAY)] * 4)
    assert sorted(made for made in turned if isinstance(made, int)) == [0, 0, 0, 3]


@pytest.mark.parametrize(("given", "months"), [(None, 12), ("6", 6), ("36", 36)])
def test_the_log_is_kept_for_twelve_months_unless_another_period_is_set(
    given: str | None, months: int
) -> None:
    environment = {} if given is None else {"WATCHLIST_ACCESS_LOG_MONTHS": given}
    assert Settings.from_environment(environment).access_log_months == months


@pytest.mark.parametrize("given", ["5", "37", "a year", "-12"])
def test_the_log_is_kept_for_six_to_thirty_six_months(given: str) -> None:
    with pytest.raises(SettingsError, match="from 6 to 36"):
        Settings.from_environment({"WATCHLIST_ACCESS_LOG_MONTHS": given})
