"""Every new checkpoint is cosigned by its witnesses; one that saw another history raises an alarm (T4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.sealed import ORIGIN, LogKey, MemorySealedLog
from tests.stories import MONDAY, Story, a_story
from watchlist.adapters.witness_folder import WitnessFolder
from watchlist.application.add_checkpoint import Witnessing
from watchlist.application.cosign import Answer, Cosigner, is_late, standings, witnesses_in
from watchlist.audit.verifier import Broken, Note
from watchlist.audit.witness import Refused, WitnessKey, named
from watchlist.cli.database import witnesses_examined
from watchlist.ports.seal import Published
from watchlist.ports.witness import Reply, Unanswered, WitnessAddress

FIRST, SECOND = "https://first.test", "https://second.test"


class InProcess:
    """Keeps the port WitnessPost: witnesses of this process, and some that are down or answer nonsense."""

    def __init__(self) -> None:
        self.at: dict[str, Witnessing | Callable[[bytes], Reply]] = {}
        self.asked: list[str] = []

    def add_checkpoint(self, url: str, body: bytes) -> Reply:
        self.asked.append(url)
        there = self.at.get(url)
        if there is None:
            raise Unanswered("ConnectError")
        if not isinstance(there, Witnessing):
            return there(body)
        try:
            return Reply(200, there.add(body).encode())
        except Refused as refused:
            return Reply(refused.status, f"{refused.says}\n".encode())


class Town:
    """A log whose checkpoints are in the database, and two witnesses of it."""

    def __init__(self, story: Story, folders: list[WitnessFolder]) -> None:
        self.story, self.log, self.post = story, MemorySealedLog(), InProcess()
        self.kept = story.house.cosigning
        trusted = {ORIGIN: [key.public for key in self.log.signing]}
        self.witnesses = [
            Witnessing(folder.key(f"witness.test/{n}"), trusted, folder, story.clock)
            for n, folder in enumerate(folders, 1)
        ]
        self.post.at = dict(zip((FIRST, SECOND), self.witnesses, strict=True))

    @property
    def addresses(self) -> list[WitnessAddress]:
        urls = (FIRST, SECOND)
        return [
            WitnessAddress(str(one.key.public), url) for one, url in zip(self.witnesses, urls, strict=True)
        ]

    def publish(self, *leaves: str) -> Published:
        self.log.grow(*leaves)
        return self.keep(self.log.publish(self.story.clock.now()))

    def keep(self, one: Published) -> Published:
        with self.story.house.pool.connection() as conn:
            conn.execute(
                b"INSERT INTO checkpoints VALUES (%b, %b, %b, %b, %b) ON CONFLICT DO NOTHING",
                (one.size, one.root, one.at, one.position, one.note),
            )
        return one

    def cosign(self) -> list[Answer]:
        """By every witness; what is kept is then under the checkpoints."""
        answers = Cosigner(self.log, self.kept, self.post, self.story.clock, self.addresses).run()
        rows = self.story.rows("SELECT size, line FROM cosignatures")
        self.log.lines = {
            row["size"]: [one["line"] for one in rows if one["size"] == row["size"]] for row in rows
        }
        return list(answers.values())

    def pass_by(self, **time: int) -> None:
        self.story.clock.move_to(self.story.clock.now() + timedelta(**time))

    def late(self) -> list[bool]:
        now = self.story.clock.now()
        return [is_late(standing, now) for standing in standings(self.kept, self.addresses)]


@pytest.fixture
def town(database_url: str, tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as open, a_story(database_url) as story:
        folders = [open.enter_context(WitnessFolder(tmp_path / name)) for name in ("first", "second")]
        yield Town(story, folders)


def test_before_the_first_checkpoint_nobody_is_asked(town):
    assert town.cosign() == []
    assert town.post.asked == []
    assert town.late() == [False, False]


def test_every_witness_cosigns_the_last_checkpoint_and_the_note_says_so(town):
    town.publish("a", "b", "c")
    assert town.cosign() == [Answer.COSIGNED] * 2
    town.publish("d", "e", "f", "g")
    town.publish("h")
    assert town.cosign() == [Answer.COSIGNED] * 2
    note = Note.parse(town.log.latest().note.encode())
    assert all(note.signed_by(one.key.public) for one in town.witnesses)
    assert [one.seen(ORIGIN).size for one in town.witnesses] == [8, 8]
    assert town.story.rows("SELECT DISTINCT size FROM cosignatures ORDER BY size") == [
        {"size": 3},
        {"size": 8},
    ]


def test_what_was_cosigned_is_not_asked_for_again(town):
    town.publish("a")
    town.cosign()
    town.post.asked.clear()
    assert town.cosign() == [Answer.CURRENT] * 2
    assert town.post.asked == []


def test_whoever_was_asked_by_somebody_else_is_asked_again_from_the_size_it_names(town):
    """Its answer got lost, or the log came back from a backup that lacks the cosignature."""
    town.publish("a", "b", "c")
    town.cosign()
    with psycopg.connect(town.story.house.conninfo) as owner:
        owner.execute("ALTER TABLE watchlist.cosignatures DISABLE TRIGGER sealed_is_not_emptied")
        owner.execute("TRUNCATE watchlist.cosignatures")
    town.log.lines = {}
    town.publish("d", "e")
    assert town.cosign() == [Answer.COSIGNED] * 2
    assert town.post.asked.count(FIRST) == 3


def test_a_witness_that_is_down_is_late_and_holds_up_no_other(town):
    town.publish("a")
    del town.post.at[FIRST]
    assert town.cosign() == [Answer.LATE, Answer.COSIGNED]
    assert town.late() == [False, False]
    town.pass_by(minutes=11)
    assert town.late() == [True, False]
    town.post.at[FIRST] = town.witnesses[0]
    assert town.cosign() == [Answer.COSIGNED, Answer.CURRENT]
    assert town.late() == [False, False]


def test_a_history_that_was_rewritten_and_signed_again_raises_an_alarm(town, caplog):
    town.publish("a", "b", "c")
    town.cosign()
    town.log.rewrite(1, "another b")
    town.log.lines = {}
    town.pass_by(minutes=1)
    town.publish("d")
    with caplog.at_level(logging.ERROR, "watchlist.witness"):
        assert town.cosign() == [Answer.DIFFERS] * 2
    assert sum("ALARM" in line for line in caplog.messages) == 2
    assert town.late() == [True, True]
    assert town.story.rows("SELECT witness, size, seen FROM witness_refusals ORDER BY witness") == [
        {"witness": named(one.key.public), "size": 4, "seen": 3} for one in town.witnesses
    ]
    town.story.house.witnesses = tuple(town.addresses)
    first, _ = witnesses_examined(town.story.house)
    assert not first.ok
    assert "cosigned 3 leaves" in first.detail
    assert "ALARM: it saw another history, since 2021-03-15T09:01:00Z" in first.detail
    town.pass_by(minutes=1)
    town.publish("e")
    assert town.cosign() == [Answer.DIFFERS] * 2
    assert town.story.count("witness_refusals") == 2, "one alarm, as long as it lasts"


def test_a_rewritten_history_of_the_same_size_is_found_by_the_line_that_does_not_hold(town):
    town.publish("a", "b", "c")
    town.cosign()
    town.log.rewrite(1, "another b")
    assert town.cosign() == [Answer.DIFFERS] * 2
    assert town.late() == [True, True]


def test_the_same_without_the_lines_is_found_by_the_witness(town):
    town.publish("a", "b", "c")
    town.cosign()
    town.log.rewrite(1, "another b")
    town.log.lines = {}
    assert Cosigner(town.log, town.kept, town.post, town.story.clock, town.addresses).run() == {
        one.name: Answer.DIFFERS for one in town.addresses
    }


def test_a_log_that_lost_its_end_is_found_at_once(town):
    """A standby that took over without the last seconds, or a backup of yesterday."""
    town.publish("a", "b", "c")
    town.publish("d", "e")
    town.cosign()
    town.log.leaves = town.log.leaves[:3]
    del town.log.checkpoints[5]
    town.log.lines = {}
    assert town.cosign() == [Answer.DIFFERS] * 2
    assert {row["seen"] for row in town.story.rows("SELECT seen FROM witness_refusals")} == {5}


def test_the_alarm_ends_when_the_witness_cosigns_again(town):
    town.publish("a")
    town.cosign()
    true = town.post.at[FIRST]
    town.pass_by(minutes=1)
    town.publish("b")
    town.post.at[FIRST] = lambda _: Reply(422, b"\n")
    town.cosign()
    assert town.late() == [True, False]
    town.pass_by(minutes=1)
    town.post.at[FIRST] = true
    assert town.cosign() == [Answer.COSIGNED, Answer.CURRENT]
    assert town.late() == [False, False]
    assert town.story.count("witness_refusals") == 1


def test_a_cosignature_that_does_not_hold_is_not_kept(town):
    latest = town.publish("a")
    key = town.witnesses[0].key
    text = Note.parse(latest.note.encode()).text
    now = int(MONDAY.timestamp())
    for answered in (
        key.cosign(text + "b\n", now).line(),
        key.cosign(text, now + 3600).line(),
        WitnessKey.made(key.name).cosign(text, now).line(),
        "",
        "nonsense\n",
        "— a b\n" * 10,
    ):
        town.post.at[FIRST] = lambda _, answered=answered: Reply(200, answered.encode())
        assert town.cosign()[0] is Answer.LATE
    town.post.at[FIRST] = lambda _: Reply(200, b"\xff\xfe")
    assert town.cosign()[0] is Answer.LATE
    assert town.kept.cosigned_by(named(key.public)) == 0


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(403, b""), Answer.UNKNOWN),
        (Reply(404, b""), Answer.UNKNOWN),
        (Reply(400, b""), Answer.LATE),
        (Reply(429, b""), Answer.LATE),
        (Reply(500, b""), Answer.LATE),
        (Reply(302, b""), Answer.LATE),
        (Reply(409, b"no size\n"), Answer.LATE),
        (Reply(409, b"\xff\n"), Answer.LATE),
        (Reply(409, b"9" * 5000), Answer.LATE),
        (Reply(409, b"7\n"), Answer.DIFFERS),
    ],
)
def test_whatever_else_is_answered_is_told_apart(town, reply, answer):
    town.publish("a", "b", "c")
    town.post.at[FIRST] = lambda _: reply
    assert town.cosign()[0] is answer


def test_a_witness_that_names_another_size_each_time_is_given_up_for_now(town):
    town.publish("a", "b", "c")
    sizes = iter((1, 2, 1, 2, 1, 2))
    town.post.at[FIRST] = lambda _: Reply(409, f"{next(sizes)}\n".encode())
    assert town.cosign()[0] is Answer.LATE


def test_a_witness_that_forgot_what_it_cosigned_is_said(town, caplog):
    town.publish("a", "b", "c")
    town.cosign()
    (note,) = town.witnesses[0].memory.folder.glob("*.note")
    note.unlink()
    town.publish("d")
    with caplog.at_level(logging.ERROR, "watchlist.witness"):
        assert town.cosign() == [Answer.COSIGNED] * 2
    assert "forgot" in caplog.text


@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET at = now()", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["watchlist.witness_refusals", "watchlist.cosignatures"])
def test_nobody_takes_back_an_alarm_or_a_cosignature(town, table, change):
    town.publish("a")
    town.cosign()
    town.kept.refused("somebody", 1, None, MONDAY)
    statement = change.format(table).encode()
    with town.story.house.pool.connection() as service, pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute(statement)
    with psycopg.connect(town.story.house.conninfo) as owner, pytest.raises(psycopg.Error):
        owner.execute(statement)
    assert town.story.count("witness_refusals") == 1
    assert town.story.count("cosignatures") == 2


# Who is asked -------------------------------------------------------------------------------------


def test_witnesses_are_named_by_key_and_address():
    one, two = WitnessKey.made("w.test/1").public, WitnessKey.made("w.test/2").public
    expected = (WitnessAddress(str(one), "https://a.test"), WitnessAddress(str(two), "http://b.test/w"))
    assert witnesses_in(f"{one} https://a.test\n\n  {two}  http://b.test/w \n") == expected
    assert witnesses_in(f"{one} https://a.test,{two} http://b.test/w") == expected
    assert [address.name for address in expected] == ["w.test/1", "w.test/2"]


def test_what_names_no_witness_is_refused():
    key = WitnessKey.made("w.test/1").public
    for text in (
        "nonsense",
        str(key),
        f"{key} ftp://a.test",
        f"{LogKey().public} https://a.test",
        f"{key} https://a.test\n{WitnessKey.made('w.test/1').public} https://b.test",
    ):
        with pytest.raises(Broken):
            witnesses_in(text)
