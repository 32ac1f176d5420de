"""The whole service as a machine that Hypothesis plays with: commands, the same again, crashes, sweeps, erasures.

After every step it must answer what the model says, and tell of every instant what it told before. A rule that comes
later (a rebuild, a seal) is one more method, and one more call in `at_the_end`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.acceptance.searched import traces_of
from tests.application.test_as_of import Row, by_replay, by_rows
from tests.application.test_import import a_file, a_line
from tests.application.test_rebuild import rebuilt
from tests.conftest import _create, _drop
from tests.drills.crashes import STEPS, Crashes
from tests.drills.model import Entry, Hold, Model
from tests.stories import A_PROPOSAL, ANNE, BRUNO, ORGANISATION, a_person, a_story, rpps
from watchlist.adapters.postgres.sealed_log_examined import examined
from watchlist.application.case_file import read_subject
from watchlist.application.check_seal import check_seal
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.desk import Desk
from watchlist.application.erase import erase_subject
from watchlist.application.follow_procedure import (
    EndedProcedure,
    OpenedProcedure,
    end_procedure,
    open_procedure,
)
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.inscribe import Proposed, approve, propose
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import RaisedAlert, close_case, qualify_alert, raise_alert
from watchlist.application.receipt import Receipt
from watchlist.application.register_subject import rectify_subject, register_subject
from watchlist.application.replay import check, replay
from watchlist.application.sweep import sweep
from watchlist.application.work import Ask, Erased
from watchlist.application.work_on_case import add_evidence, add_note, record_victim
from watchlist.audit.verifier import require_consistent
from watchlist.domain import periods, refusals
from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.identifiers import Identifier
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.standing import Moment
from watchlist.domain.subject import Role
from watchlist.ports.keys import KeyStanding
from watchlist.ports.seal import Published

WHICH = st.integers(0, 7)
WAITS = st.sampled_from([timedelta(seconds=1), timedelta(hours=7), timedelta(days=20), timedelta(days=100)])
LONG_WAITS = st.sampled_from([timedelta(days=190), timedelta(days=5 * 366)])
CRASHES = st.tuples(st.sampled_from(STEPS), st.integers(1, 3))
Verb = Callable[[Desk, Ask], Receipt]


def _sent(receipt: Receipt) -> bytes:
    """As it is answered."""
    return msgspec.json.encode(receipt.body(), order="sorted")


class WholeService(RuleBasedStateMachine):
    cluster: ClassVar[str]
    template: ClassVar[str]
    counted: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        name = _create(self.cluster, self.template)
        self.closing.callback(_drop, self.cluster, name)
        conninfo = make_conninfo(self.cluster, dbname=name)
        self.story = self.closing.enter_context(a_story(conninfo))
        self.desk, self.clock, self.model = self.story.desk, self.story.clock, Model()
        self.crashes = Crashes(self.story, conninfo)
        self.closing.enter_context(self.crashes.installed())
        self.subjects: list[UUID] = []
        self.cases: list[UUID] = []
        self.proposed: list[tuple[UUID, UUID, UUID, int]] = []
        self.done: list[tuple[Verb, Ask, Receipt]] = []
        self.told: dict[Moment, list[Row]] = {}
        self.published: list[Published] = []
        self.owner = conninfo
        self.secrets: dict[UUID, list[str]] = {}
        self.number = 0

    # How a command is given -------------------------------------------------------------------

    def give(self, verb: Verb, by: UUID = ANNE) -> Receipt | None:
        """Once, whatever crashes under it; None when a rule refuses it: then nothing happened."""
        asked, before = Ask(by, ORGANISATION, uuid4(), b"the body"), self._position()
        try:
            receipt = self._through_crashes(verb, asked)
        except (refusals.Refusal, Erased):
            self.counted["refused"] += 1
            return None
        if self._position() > before:
            self.counted["acknowledged"] += 1
            self.done.append((verb, asked, receipt))
        return receipt

    def _through_crashes(self, verb: Verb, asked: Ask) -> Receipt:
        try:
            return verb(self.desk, asked)
        except refusals.Unavailable:
            self.counted["tried again"] += 1
            self.crashes.disarm()
            return verb(self.desk, asked)

    def _position(self) -> int:
        return self.house.register.position()

    @property
    def house(self) -> Any:
        return self.story.house

    def _today(self) -> date:
        return periods.civil_date(self.clock.now())

    def _subject(self, which: int) -> UUID:
        if not self.subjects:
            self.register(which)
        return self.subjects[which % len(self.subjects)]

    def _case(self, which: int) -> UUID:
        if not self.cases:
            self.inscribe(which)
        return self.cases[which % len(self.cases)]

    def _entry(self, which: int) -> Entry | None:
        entries = list(self.model.entries.values())
        return entries[-1 - which % len(entries)] if entries else None

    def _secret(self, owner: UUID | None = None) -> str:
        """A word that nobody else has, and that must never be read in a table."""
        self.number += 1
        word = f"Quidam{self.number:05d}zyx"
        if owner is not None:
            self.secrets.setdefault(owner, []).append(word)
        return word

    def _a_number(self) -> Identifier:
        """Two who differ by RPPS are not one; two who differ by ADELI may be."""
        self.number += 1
        return rpps(self.number) if self.number % 3 == 0 else Identifier("adeli", f"75{self.number:07d}")

    # Commands ---------------------------------------------------------------------------------

    @rule(which=WHICH)
    def register(self, which: int) -> None:
        name, number = self._secret(), self._a_number()
        person = a_person(name, "Anne", number)
        receipt = self.give(lambda desk, ask: register_subject(desk, ask, Role.HEALTH_PROFESSIONAL, person))
        assert receipt is not None, "a new person is registered"
        self.subjects.append(receipt.id)
        self.model.numbers[receipt.id] = number
        self.secrets[receipt.id] = [name]

    @rule(which=WHICH)
    def rectify(self, which: int) -> None:
        subject, number = self._subject(which), self._a_number()
        person = a_person(self._secret(subject), "Anne", number)
        version = self._version(subject)
        if self.give(lambda desk, ask: rectify_subject(desk, ask, subject, person, "erreur", version)):
            self.model.numbers[subject] = number

    def _version(self, subject: UUID) -> int:
        return self.story.rows("SELECT version FROM subjects WHERE subject_id = %b", subject)[0]["version"]

    @rule(which=WHICH, qualified=st.sampled_from([True, True, True, False]))
    def open(self, which: int, qualified: bool) -> None:
        self._open(self._subject(which), self._subject(which + 1), qualified=qualified)

    def _open(self, *subjects: UUID, qualified: bool = True) -> None:
        raised = RaisedAlert(tuple(dict.fromkeys(subjects)), self._today(), Source.CONTROL, self._secret())
        receipt = self.give(lambda desk, ask: raise_alert(desk, ask, raised))
        if receipt is None:
            return
        self.cases.append(receipt.id)
        if qualified:
            reason = self._secret()
            self.give(lambda desk, ask: qualify_alert(desk, ask, receipt.id, True, reason))

    @rule(which=WHICH)
    def note(self, which: int) -> None:
        case, text = self._case(which), self._secret()
        self.give(lambda desk, ask: add_note(desk, ask, case, text))
        self.give(lambda desk, ask: add_evidence(desk, ask, case, text, "0" * 64))

    @rule(which=WHICH, other=WHICH, months=st.sampled_from([1, 12, 60]))
    def propose(self, which: int, other: int, months: int) -> None:
        subject, case = self._subject(which), self._case(other)
        proposal = Proposed(A_PROPOSAL.grounds, months, A_PROPOSAL.proportionality)
        receipt = self.give(lambda desk, ask: propose(desk, ask, case, subject, proposal))
        if receipt is not None:
            self.proposed.append((receipt.id, case, subject, months))

    @rule(which=WHICH)
    def inscribe(self, which: int) -> None:
        """The way on to the list, in one step: the rest of the machine needs somebody there."""
        self.register(which)
        self._open(self.subjects[-1])
        self.propose(len(self.subjects) - 1, len(self.cases) - 1, (1, 12, 60)[which % 3])
        self.approve(0)

    @rule(which=WHICH)
    def approve(self, which: int) -> None:
        if not self.proposed:
            return
        id, case, subject, months = self.proposed[-1 - which % len(self.proposed)]
        if self.give(lambda desk, ask: approve(desk, ask, id), BRUNO):
            self.model.entries[id] = Entry(id, case, subject, self._today(), months)

    @rule(which=WHICH)
    def bring(self, which: int) -> None:
        """L7: a line of an existing list; on the list from the approval on, its term from its own date."""
        self.number += 1
        day = self._today() - timedelta(days=which * 11)
        name = self._secret()
        line = a_line(90_000 + self.number, family_name=name, inscribed_on=day.isoformat(), term_months="12")
        try:
            report = submit_import(self.desk, Ask(ANNE, ORGANISATION), a_file(line), "liste.csv")
        except refusals.Unavailable:
            return
        batch = report.import_id
        assert batch is not None
        assert self.give(lambda desk, ask: approve_import(desk, ask, batch), BRUNO), "a batch is approved"
        (row,) = self.story.rows("SELECT * FROM inscriptions WHERE import_id = %b", batch)
        subject = row["subject_id"]
        self.subjects.append(subject)
        self.cases.append(row["case_id"])
        self.secrets[subject] = [name]
        self.model.numbers[subject] = Identifier("rpps", line["rpps"])
        self.model.entries[row["inscription_id"]] = Entry(
            row["inscription_id"], row["case_id"], subject, day, 12
        )

    @rule(which=WHICH)
    def restrict(self, which: int) -> None:
        entry = self._entry(which)
        if entry and self.give(lambda desk, ask: restrict(desk, ask, entry.id, "contestée"), BRUNO):
            entry.restricted = True

    @rule(which=WHICH)
    def lift(self, which: int) -> None:
        entry = self._entry(which)
        if entry and self.give(lambda desk, ask: lift_restriction(desk, ask, entry.id, "non"), BRUNO):
            entry.restricted = False

    @rule(which=WHICH)
    def delist(self, which: int) -> None:
        entry, ground = self._entry(which), DelistingGround.REPAID
        if entry and self.give(lambda desk, ask: delist(desk, ask, entry.id, ground, "payé"), BRUNO):
            entry.over = True

    @rule(which=WHICH)
    def go_to_court(self, which: int) -> None:
        entry = self._entry(which)
        if entry is None:
            return
        now, case, subject = self.clock.now(), entry.case, entry.subject
        opened = OpenedProcedure(Kind.PROSECUTION, "TJ de Paris", self._secret(), self._today(), (subject,))
        receipt = self.give(lambda desk, ask: open_procedure(desk, ask, case, opened))
        if receipt is not None:
            id = UUID(str(receipt["procedure_id"])) if "procedure_id" in receipt.facts else receipt.id
            self.model.holds[id] = Hold(id, case, subject, now)

    @rule(which=WHICH)
    def end_in_court(self, which: int) -> None:
        ongoing = [hold for hold in self.model.holds.values() if hold.until is None]
        if not ongoing:
            return
        hold, today = ongoing[which % len(ongoing)], self._today()
        ended = EndedProcedure(Outcome.ACQUITTED, today, "art. 8 CPP", today)
        if self.give(lambda desk, ask: end_procedure(desk, ask, hold.case, hold.id, ended)):
            hold.until = self.clock.now()

    @rule(which=WHICH)
    def close(self, which: int) -> None:
        case = self._case(which)
        self.give(lambda desk, ask: close_case(desk, ask, case, ClosingOutcome.SETTLED))

    @rule(which=WHICH, other=WHICH)
    def merge(self, which: int, other: int) -> None:
        survivor, duplicate = self._subject(which), self._subject(other)
        if self.give(lambda desk, ask: merge_subjects(desk, ask, survivor, duplicate, "la même")):
            self.model.what_has_ended_stays_ended(self.clock.now())
            self.model.merged[duplicate] = survivor

    @rule(which=WHICH)
    def split(self, which: int) -> None:
        merged = list(self.model.merged.items())
        if not merged:
            return
        duplicate, survivor = merged[which % len(merged)]
        if self.give(lambda desk, ask: split_subjects(desk, ask, survivor, duplicate, "une autre")):
            self.model.what_has_ended_stays_ended(self.clock.now())
            del self.model.merged[duplicate]

    @rule(which=WHICH, other=WHICH, whose=WHICH)
    def steal(self, which: int, other: int, whose: int) -> None:
        """L10: a victim, and the number that was stolen; the thief is listed under it, perhaps."""
        case, victim = self._case(which), self._subject(other)
        number = self.model.numbers[self._subject(whose)]
        if self.give(lambda desk, ask: record_victim(desk, ask, victim, case, (number,), "plainte")):
            self.model.stolen.append((case, number, victim))

    @rule(which=WHICH)
    def erase(self, which: int) -> None:
        """P6: by decision."""
        subject = self._subject(which)
        if self.give(lambda desk, ask: erase_subject(desk, ask, subject)):
            self.model.erase(subject)
            self._nothing_is_left_of_the_erased()

    # The same again, crashes, time ------------------------------------------------------------

    @rule(which=st.integers(0, 1000))
    def again(self, which: int) -> None:
        """A command that was acknowledged, sent again however late: the same answer, and nothing recorded."""
        if not self.done:
            return
        verb, asked, receipt = self.done[which % len(self.done)]
        before = self._position()
        self.crashes.disarm()
        answered = verb(self.desk, asked)
        if (
            "approved" in receipt.facts
        ):  # of a batch: that answers how many it had, and takes effect in several parts
            assert (answered.id, answered.version) == (receipt.id, receipt.version)
        else:
            assert _sent(answered) == _sent(receipt), (answered, receipt)
        self.counted["sent again"] += 1
        self.counted["duplicated"] += self._position() - before
        assert self._position() == before

    @rule(crash=CRASHES)
    def crash(self, crash: tuple[str, int]) -> None:
        """Under the next command."""
        self.crashes.arm(*crash)

    @rule(wait=WAITS)
    def wait(self, wait: timedelta) -> None:
        self.clock.move_to(self.clock.now() + wait)

    @rule(wait=LONG_WAITS)
    def wait_long(self, wait: timedelta) -> None:
        """Until alerts lapse and terms elapse, or everything does."""
        self.clock.move_to(self.clock.now() + wait)

    @rule()
    def sweep(self) -> None:
        """L4: what has ended is recorded once, however often a sweep was interrupted; what is over goes (C2, P6)."""
        try:
            report = sweep(self.desk)
        except refusals.Unavailable:
            report = None
        self.crashes.disarm()
        if report is None or report.failed:
            self.counted["tried again"] += 1
            report = sweep(self.desk)
        assert (report.alone, report.failed) == (True, [])
        again = sweep(self.desk)
        assert (again.delisted, again.purged) == (0, 0)
        for row in self.story.rows("SELECT subject_id AS id FROM subjects WHERE erasing"):
            assert not any(self.model.is_listed(e, self.clock.now()) for e in self._entries_of(row["id"]))
            self.model.erase(row["id"])
        self._nothing_is_left_of_the_erased()

    def _entries_of(self, subject: UUID) -> list[Entry]:
        whose = self.model.whose(subject)
        return [entry for entry in self.model.entries.values() if self.model.whose(entry.subject) == whose]

    @rule()
    def seal(self) -> None:
        """T4: what was published is kept, to be held against whatever comes later."""
        self.crashes.disarm()
        published = self.house.sealer.seal()
        if published is not None:
            self.published.append(published)

    @rule()
    def rebuild(self) -> None:
        """The pictures painted again are the live ones, and everything goes on with them."""
        self.crashes.disarm()
        report = rebuilt(self.story, self.owner)
        assert report.swapped
        assert not report.rows_different
        self.counted["rebuilt"] += 1

    @rule()
    def tell_the_list(self) -> None:
        """What is told of an instant is noted, to be asked again."""
        moment = Moment.as_we_knew_it(self.clock.now())
        self.told[moment] = by_rows(self.story, moment)
        self.clock.advance(seconds=1)

    # What must always hold --------------------------------------------------------------------

    @invariant()
    def screening_answers_what_the_model_says(self) -> None:
        now = self.clock.now()
        for number in set(self.model.numbers.values()):
            assert self.story.answers(number) == self.model.answers(number, now), number
        assert self.story.on_the_list() == self.model.listed(now)

    @invariant()
    def a_case_lists_a_subject_once(self) -> None:
        """L8, from the aggregates that made them: whoever stands for it today."""
        twice = self.story.rows(
            "SELECT case_id FROM inscriptions WHERE state IN ('proposed', 'active')"
            " GROUP BY case_id, subject_id HAVING count(*) > 1"
        )
        assert twice == []

    def _nothing_is_left_of_the_erased(self) -> None:
        erased = [id for id in self.model.erased if id in self.secrets]
        if not erased:
            return
        for id in erased:
            assert read_subject(self.desk, id, None)["erased"]
        standing = self.desk.keyring.standing(erased)
        assert set(standing.values()) == {KeyStanding.DESTROYED}
        for table, column in (("vault", "owner"), ("subject_tokens", "subject_id")):
            found = self.story.rows(f"SELECT count(*) AS n FROM {table} WHERE {column} = ANY(%b)", erased)
            assert found == [{"n": 0}], table

    def _no_secret_is_written_anywhere(self) -> None:
        words = [word for words in self.secrets.values() for word in words]
        with self.house.pool.connection() as conn:
            tables = conn.execute(
                "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'watchlist'"
                " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
            ).fetchall()
            rows = [
                str(row).encode()
                for table in tables
                for row in conn.execute(
                    sql.SQL("SELECT t::text AS row FROM {} t").format(sql.Identifier(table["name"]))
                )
            ]
        assert words == [] or traces_of(words, b"\n".join(rows)) == []

    # At the end -------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self.at_the_end()
        finally:
            self.closing.close()

    def at_the_end(self) -> None:
        self.crashes.disarm()
        _, differences = check(self.desk, self.house.snapshots)
        assert differences == []
        self._what_was_told_is_told_again()
        self._what_was_published_is_of_this_history()
        self._what_was_acknowledged_is_there()
        self._no_secret_is_written_anywhere()
        self.counted["crashes"] += self.crashes.struck
        self.counted["events"] += self.story.count("events")
        self.counted["instants told again"] += len(self.told)
        self.counted["stories"] += 1
        self.counted["erased"] += len(self.model.erased)

    def _what_was_told_is_told_again(self) -> None:
        """As-of is monotone: nothing recorded later changed what was known then; the log says the same."""
        whole = replay(self.house.snapshots)
        for moment, rows in self.told.items():
            assert by_rows(self.story, moment) == by_replay(whole, moment) == rows
        for moment in list(self.told)[:2]:
            later = Moment(moment.at, self.clock.now())
            assert by_replay(replay(self.house.snapshots, moment.at), moment) == self.told[moment]
            assert by_rows(self.story, later) == by_replay(whole, later)

    def _what_was_published_is_of_this_history(self) -> None:
        """Every checkpoint that was ever published is the beginning of the log as it is sealed now."""
        self.seal()
        if not self.published:
            return
        last, log = self.published[-1], self.house.sealed_log
        for old in self.published:
            proof = log.consistency(old.size, last.size)
            require_consistent(old.size, old.root, last.size, last.root, proof)
        with examined(self.house.pool) as examination:
            assert check_seal(examination, (), date.min) == []
        self.counted["checkpoints"] += len(self.published)

    def _what_was_acknowledged_is_there(self) -> None:
        kept = {row["command_id"] for row in self.story.rows("SELECT command_id FROM commands")}
        lost = {asked.command_id for _, asked, _ in self.done} - kept
        self.counted["lost"] += len(lost)
        assert not lost
