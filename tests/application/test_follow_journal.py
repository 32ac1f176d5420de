"""The erasure journal is followed before anything is served: what a restore brings back is erased again (P6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.application.test_erase import differences, found, is_gone
from tests.letters import CONTACTS
from tests.stories import MASTER, MONDAY, ORGANISATION, RPPS, Story, a_person, ask
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.embedded_postgres import SUPERUSER
from watchlist.adapters.erasure_journal import FileErasureJournal
from watchlist.adapters.letter_press import TypstPress
from watchlist.adapters.postgres.certificates import PostgresCertificates
from watchlist.application.case_file import read_case
from watchlist.application.case_texts import redact_text
from watchlist.application.erase import erase_subject
from watchlist.application.exercise_rights import (
    Received,
    answer_request,
    decide_request,
    receive_request,
)
from watchlist.application.follow_journal import JournalBehind, follow_journal
from watchlist.application.letters import Writing
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.open_case import qualify_alert
from watchlist.application.rebuild_journal import rebuild_journal
from watchlist.application.rights_letters import read_reply
from watchlist.application.work_on_case import add_note
from watchlist.bootstrap import build
from watchlist.domain import refusals
from watchlist.domain.erasure import ErasureKind, JournalEntry
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.reply import ReplyKind
from watchlist.domain.rights_request import Right
from watchlist.ports.erasure_journal import JournalLine, JournalThere

EVENT_STORE = (
    "events", "commands", "vault", "subjects", "subject_tokens", "cases", "inscriptions", "inscription_history",
    "answerable", "stolen_tokens", "imported_lines", "case_references", "imports", "erasures",
)  # fmt: skip
KEY_STORE = ("watchlist_keys.data_keys",)


class Backup:
    """The rows of some tables, as they were, put back as an owner of the database does."""

    def __init__(self, url: str, tables: tuple[str, ...]) -> None:
        self._url, self._tables = url, [sql.Identifier(*_place(table)) for table in tables]
        with psycopg.connect(url) as conn:
            self._rows = [self._copy_of(conn, table) for table in self._tables]

    def _copy_of(self, conn: Any, table: sql.Identifier) -> bytes:
        with conn.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copied:
            return b"".join(copied)

    def restore(self) -> None:
        with psycopg.connect(self._url) as conn:
            conn.execute("SET session_replication_role = replica")
            conn.execute("ALTER TABLE watchlist.events DISABLE TRIGGER events_are_immutable")
            conn.execute("ALTER TABLE watchlist_keys.data_keys DISABLE TRIGGER USER")
            for table, rows in zip(self._tables, self._rows, strict=True):
                conn.execute(sql.SQL("DELETE FROM {}").format(table))
                with conn.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copied:
                    copied.write(rows)
            conn.execute("ALTER TABLE watchlist.events ENABLE ALWAYS TRIGGER events_are_immutable")
            conn.execute("ALTER TABLE watchlist_keys.data_keys ENABLE TRIGGER USER")


def _place(table: str) -> list[str]:
    return table.split(".") if "." in table else ["watchlist", table]


@pytest.fixture
def superuser_url(database_url: str) -> str:
    return make_conninfo(database_url, user=SUPERUSER) if "watchlist_owner" in database_url else database_url


class AMomentBefore(FileErasureJournal):
    """Its lines are older than what is recorded after them, as they are where a clock goes on by itself."""

    def append(self, owners: Sequence[tuple[ErasureKind, UUID]], at: datetime) -> list[JournalEntry]:
        return super().append(owners, at - timedelta(milliseconds=1))


@pytest.fixture
def journal(tmp_path: Path) -> FileErasureJournal:
    return AMomentBefore(tmp_path / "erasures.journal")


@pytest.fixture
def register(database_url: str, journal: FileErasureJournal) -> Iterator[Story]:
    with build(database_url, MASTER, ManualClock(MONDAY), journal=journal) as house:
        yield Story(house)


def test_with_nothing_restored_there_is_nothing_to_do(register: Story) -> None:
    erase_subject(register.desk, ask(), register.subject())
    before = register.house.register.position()
    assert follow_journal(register.desk) == 0
    assert register.house.register.position() == before


def test_a_restored_event_store_is_erased_again_whatever_state_it_was_in(
    register: Story, superuser_url: str
) -> None:
    subject, case, entry = register.listed(a_person("Lefèvre", "Anne", RPPS))
    proposed = register.subject(a_person("Durand", "Zoé"))
    register.propose(register.case(proposed), proposed)
    alert = register.alert(register.subject(a_person("Petit", "Luc")))
    backup = Backup(superuser_url, EVENT_STORE)
    erase_subject(register.desk, ask(), subject)
    erase_subject(register.desk, ask(), proposed)
    qualify_alert(register.desk, ask(), alert, False, "rien")
    backup.restore()
    assert register.answers(RPPS) == {entry}
    told: list[tuple[int, int | None]] = []
    follow_journal(register.desk, lambda done, total: told.append((done, total)))
    assert register.answers(RPPS) == set()
    assert found(register) == set()
    assert is_gone(register, subject, case, proposed, alert)
    assert differences(register) == []
    assert told == [(5, 5)]
    inscription = register.desk.case(case, ORGANISATION).inscription(entry)
    assert inscription.delisting_ground is DelistingGround.ERASURE_UPHELD
    bases = {row["basis"] for row in register.rows("SELECT basis FROM erasures")}
    assert bases == {"restored"}
    assert follow_journal(register.desk) == 0


def test_restored_keys_are_destroyed_again(register: Story, superuser_url: str) -> None:
    subject, case, _ = register.listed()
    backup = Backup(superuser_url, KEY_STORE)
    erase_subject(register.desk, ask(), subject)
    backup.restore()
    assert set(register.desk.keyring.keys([subject, case])) == {subject, case}
    assert follow_journal(register.desk) == 2
    assert is_gone(register, subject, case)
    assert differences(register) == []


def test_both_stores_restored_are_erased_again(register: Story, superuser_url: str) -> None:
    subject, case, _ = register.listed(a_person("Lefèvre", "Anne", RPPS))
    stays = register.subject(a_person("Durand", "Zoé"))
    shared = register.case(subject, stays)
    backup = Backup(superuser_url, EVENT_STORE + KEY_STORE)
    erase_subject(register.desk, ask(), subject)
    backup.restore()
    follow_journal(register.desk)
    assert is_gone(register, subject, case)
    assert register.desk.case(shared, ORGANISATION).subjects_now() == [stays]
    assert differences(register) == []


def test_a_restored_text_that_was_redacted_is_deleted_again(register: Story, superuser_url: str) -> None:
    case = register.case(register.subject())
    add_note(register.desk, ask(), case, "Mme Untel a rappelé")
    backup = Backup(superuser_url, EVENT_STORE)
    text = read_case(register.desk, case, ORGANISATION)["notes"][0]["text_ids"]["text"]
    redact_text(register.desk, ask(), case, text, "elle a rappelé", "effacement")
    backup.restore()
    assert follow_journal(register.desk) == 1
    note = read_case(register.desk, case, ORGANISATION)["notes"][0]
    assert (note["text"], note["redacted"]) == (None, True)
    assert register.rows("SELECT FROM vault WHERE ref = %b", text) == []
    assert differences(register) == []


def test_a_restored_letter_that_told_of_somebody_erased_is_deleted_again(
    register: Story, superuser_url: str
) -> None:
    """Whom she was taken for stays; in the backup they are one still."""
    stays, erased = register.subject(a_person("Durand", "Zoé")), register.subject(a_person("Lefèvre", "Anne"))
    merge_subjects(register.desk, ask(), stays, erased, "doublon")
    register.case(stays)
    today = MONDAY.date()
    request = receive_request(register.desk, ask(), Received(Right.ACCESS, stays, today)).id
    decide_request(register.desk, ask(), request, True, "c'est son droit")
    writing = Writing(TypstPress(), CONTACTS)
    answer_request(register.desk, ask(), request, writing=writing)
    backup = Backup(superuser_url, (*EVENT_STORE, *KEY_STORE, "rights_requests"))
    split_subjects(register.desk, ask(), stays, erased, "ce n'est pas elle")
    erase_subject(register.desk, ask(), erased)
    backup.restore()
    assert follow_journal(register.desk) > 0
    assert is_gone(register, erased)
    with pytest.raises(refusals.LetterErased):
        read_reply(register.desk, writing, request, ReplyKind.ANSWER, ORGANISATION)
    kept = {row.field for row in register.desk.vault.rows_of(stays).values()}
    assert kept.isdisjoint({"letter", "letter_document", "letter_key"})
    assert differences(register) == []
    assert follow_journal(register.desk) == 0


def test_what_the_restored_backup_never_knew_is_no_obstacle(
    register: Story, journal: FileErasureJournal
) -> None:
    journal.append([(kind, uuid4()) for kind in ErasureKind], MONDAY)
    assert follow_journal(register.desk) == 0


@pytest.mark.parametrize("left", [0, 1])
def test_a_journal_that_is_missing_or_too_short_opens_nothing(
    register: Story, journal: FileErasureJournal, left: int
) -> None:
    for number in range(2):
        erase_subject(register.desk, ask(), register.subject(a_person("Nom", "Un" * (number + 1))))
    kept = journal.path.read_bytes().splitlines(keepends=True)[:left]
    journal.path.write_bytes(b"".join(kept))
    with pytest.raises(
        JournalBehind, match=f"has {left} lines and erasure 2 is recorded: restore the journal"
    ):
        follow_journal(register.desk)


def test_the_journal_of_another_register_opens_nothing(register: Story, journal: FileErasureJournal) -> None:
    erase_subject(register.desk, ask(), register.subject())
    journal.path.unlink()
    journal.append([(ErasureKind.SUBJECT, UUID(int=7))], MONDAY)
    with pytest.raises(JournalBehind, match="line 1 of the erasure journal is not the one that is recorded"):
        follow_journal(register.desk)


# A lost journal -------------------------------------------------------------------------------


def test_a_lost_journal_is_rebuilt_from_the_certificates_and_followed(
    register: Story, journal: FileErasureJournal, superuser_url: str
) -> None:
    subject, case, _ = register.listed(a_person("Lefèvre", "Anne", RPPS))
    stays = register.case(register.subject(a_person("Durand", "Zoé")))
    add_note(register.desk, ask(), stays, "Mme Untel a rappelé")
    text = read_case(register.desk, stays, ORGANISATION)["notes"][0]["text_ids"]["text"]
    backup = Backup(superuser_url, KEY_STORE)
    erase_subject(register.desk, ask(), subject)
    redact_text(register.desk, ask(), stays, text, "appel", "effacement")
    was = [(entry.kind, entry.owner) for entry in journal.after()]
    journal.path.unlink()
    certificates = PostgresCertificates(register.house.pool)
    assert rebuild_journal(register.desk, certificates) == 3
    assert [(entry.kind, entry.owner) for entry in journal.after()] == was
    assert follow_journal(register.desk) == 0
    assert differences(register) == []
    # and it does what a journal is for
    backup.restore()
    assert follow_journal(register.desk) == 2
    assert is_gone(register, subject, case)
    erase_subject(register.desk, ask(), register.subject(a_person("Petit", "Luc")))
    assert follow_journal(register.desk) == 0


def test_a_journal_that_is_there_is_not_rebuilt(register: Story, journal: FileErasureJournal) -> None:
    erase_subject(register.desk, ask(), register.subject())
    before = journal.path.read_bytes()
    with pytest.raises(JournalThere, match="not written over"):
        rebuild_journal(register.desk, PostgresCertificates(register.house.pool))
    assert journal.path.read_bytes() == before
    assert follow_journal(register.desk) == 0


def test_a_rebuilding_that_a_crash_interrupted_is_done_again(
    register: Story, journal: FileErasureJournal
) -> None:
    for number in range(3):
        erase_subject(register.desk, ask(), register.subject(a_person("Nom", "Un" * (number + 1))))
    journal.path.unlink()

    def crashing(lines: Sequence[JournalLine]) -> list[JournalEntry]:
        journal.begin(lines)
        raise RuntimeError("killed between the file and the register")

    certificates = PostgresCertificates(register.house.pool)
    with pytest.raises(RuntimeError, match="killed"):
        certificates.journal_again(crashing)
    with pytest.raises(JournalBehind):
        follow_journal(register.desk)
    assert rebuild_journal(register.desk, certificates) == 3
    assert follow_journal(register.desk) == 0


def test_with_nothing_erased_there_is_nothing_to_rebuild(
    register: Story, journal: FileErasureJournal
) -> None:
    assert rebuild_journal(register.desk, PostgresCertificates(register.house.pool)) == 0
    assert journal.length() == 0
