"""What every erasure journal keeps, the file's and the one in memory (P6)."""

import json
import multiprocessing
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from watchlist.adapters.erasure_journal import FileErasureJournal, MemoryErasureJournal
from watchlist.domain.erasure import ErasureKind
from watchlist.ports.erasure_journal import ErasureJournal, JournalDamaged, JournalLine, JournalThere

NOON = datetime(2021, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(params=["file", "memory"])
def journal(request, tmp_path) -> ErasureJournal:
    return FileErasureJournal(tmp_path / "data" / "j") if request.param == "file" else MemoryErasureJournal()


def some(count: int) -> list[tuple[ErasureKind, UUID]]:
    return [(ErasureKind.SUBJECT, uuid4()) for _ in range(count)]


def test_an_empty_journal_has_no_lines(journal):
    assert journal.length() == 0
    assert list(journal.after()) == []
    assert journal.append([], NOON) == []
    assert journal.length() == 0


def test_what_is_appended_is_read_in_its_order_from_behind_a_line_on(journal):
    first = journal.append(some(2), NOON)
    second = journal.append([(ErasureKind.CASE, uuid4())], NOON)
    assert [entry.sequence for entry in [*first, *second]] == [1, 2, 3]
    assert list(journal.after()) == [*first, *second]
    assert list(journal.after(2)) == second
    assert journal.length() == 3


def test_a_line_names_owner_kind_and_instant_and_is_proven_by_its_digest(journal):
    owner = uuid4()
    (entry,) = journal.append([(ErasureKind.IMPORT, owner)], NOON)
    assert (entry.owner, entry.kind, entry.at, len(entry.digest)) == (owner, ErasureKind.IMPORT, NOON, 64)
    assert len({e.digest for e in [entry, *journal.append(some(3), NOON)]}) == 4


def test_an_owner_may_be_appended_twice(journal):
    owner = some(1)
    journal.append(owner, NOON)
    journal.append(owner, NOON)
    assert journal.length() == 2


# The file's own -------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path) -> FileErasureJournal:
    journal = FileErasureJournal(tmp_path / "journal")
    journal.append(some(3), NOON)
    return journal


def test_a_journal_is_read_by_another_process_that_opens_it(file):
    assert list(FileErasureJournal(file.path).after()) == list(file.after())


def test_it_holds_random_ids_and_instants_and_is_its_owners_alone(file):
    for line in file.path.read_text("ascii").splitlines():
        assert set(json.loads(line)) == {"sequence", "kind", "owner", "at", "previous"}
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", [b"{", b'{"sequence":4,"kind":"subject","owner":"', b"\x00" * 40])
def test_a_last_line_that_a_crash_tore_is_no_line_and_is_written_over(file, torn):
    whole = list(file.after())
    with open(file.path, "ab") as raw:
        raw.write(torn)
    assert file.length() == 3
    assert list(file.after()) == whole
    (entry,) = file.append(some(1), NOON)
    assert entry.sequence == 4
    assert list(file.after()) == [*whole, entry]


def lines(file: FileErasureJournal) -> list[bytes]:
    return file.path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        pytest.param(lambda ls: [ls[0], b"x" * len(ls[1][:-1]) + b"\n", ls[2]], 1, id="not a line"),
        pytest.param(lambda ls: [ls[0], ls[2]], 1, id="a line is missing"),
        pytest.param(lambda ls: [ls[1], ls[2]], 0, id="the first is missing"),
        pytest.param(
            lambda ls: [ls[0], ls[1].replace(b"subject", b"case"), ls[2]], 2, id="a line was changed"
        ),
        pytest.param(lambda ls: [*ls, b"\n"], 3, id="an empty line"),
    ],
)
def test_any_other_damage_is_refused_with_its_place(file, damage, place):
    damaged = damage(lines(file))
    file.path.write_bytes(b"".join(damaged))
    at = sum(map(len, damaged[:place]))
    with pytest.raises(JournalDamaged, match=f"at byte {at} "):
        list(file.after())


def test_nothing_is_appended_behind_a_line_that_cannot_be_read(file):
    with open(file.path, "ab") as raw:
        raw.write(b"nonsense\n")
    with pytest.raises(JournalDamaged):
        file.append(some(1), NOON)


def append_many(path, times):
    journal = FileErasureJournal(path)
    for _ in range(times):
        journal.append(some(2), NOON)


def test_several_processes_append_and_no_line_is_lost(tmp_path):
    path = tmp_path / "journal"
    processes = [multiprocessing.Process(target=append_many, args=(path, 25)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    entries = list(FileErasureJournal(path).after())
    assert [entry.sequence for entry in entries] == list(range(1, 201))


# Written again --------------------------------------------------------------------------------


def erased(count: int) -> list[JournalLine]:
    return [(kind, owner, NOON) for kind, owner in some(count)]


def test_a_lost_journal_is_written_again_and_goes_on(journal):
    given = erased(3)
    entries = journal.begin(given)
    assert [(entry.kind, entry.owner, entry.at) for entry in journal.after()] == given
    (fourth,) = journal.append(some(1), NOON)
    assert list(journal.after()) == [*entries, fourth]


def test_a_journal_that_has_lines_is_not_written_over(journal):
    journal.append(some(2), NOON)
    kept = list(journal.after())
    for given in ([], erased(1), erased(5)):
        with pytest.raises(JournalThere):
            journal.begin(given)
    assert list(journal.after()) == kept


@pytest.mark.parametrize("left", [0, 5, 200, 10_000])
def test_what_a_crash_left_of_it_is_gone_on_from(tmp_path, left):
    journal, given = FileErasureJournal(tmp_path / "journal"), erased(3)
    entries = journal.begin(given)
    journal.path.write_bytes(journal.path.read_bytes()[:left])
    assert journal.begin(given) == entries
    assert list(journal.after()) == entries
