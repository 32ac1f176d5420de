"""An export is whole or is not there, is what was sealed, and takes what the database has (T4)."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.audit.logbook import BEGINNING, Key, Logbook, some_leaves
from tests.audit.logbook import Signer as Signers
from tests.sealed import MemorySealedLog
from tests.stories import Story, a_house
from watchlist.adapters.embedded_postgres import SUPERUSER
from watchlist.adapters.postgres.sealed_leaves import PostgresSealedLeaves
from watchlist.application import export_events as module
from watchlist.application.export_events import (
    BundleThere,
    NoRoom,
    NothingSealed,
    NotWhatWasSealed,
    export_events,
)
from watchlist.audit import bundle
from watchlist.audit.signer import Signer
from watchlist.audit.verifier import LEAVES, Known, VerifierKey, leaf_hash, verify
from watchlist.ports.seal import Stamp


def test_an_export_goes_over_nothing(tmp_path):
    log = Logbook(some_leaves(5), [5])
    (tmp_path / "there").write_text("mine")
    with pytest.raises(BundleThere):
        log.export(tmp_path / "there")
    assert [one.name for one in tmp_path.iterdir()] == ["there"]


def test_an_export_may_end_at_an_earlier_checkpoint(tmp_path):
    log = Logbook(some_leaves(30), [7, 20, 30])
    assert log.export(tmp_path / "a", until=29).size == 20
    assert log.export(tmp_path / "b", until=20).size == 20
    assert log.export(tmp_path / "c", until=99).size == 30
    assert (verify(tmp_path / "a").right, verify(tmp_path / "a").size) == (True, 20)
    with pytest.raises(NothingSealed):
        log.export(tmp_path / "d", until=6)
    with pytest.raises(NothingSealed):
        Logbook([], []).export(tmp_path / "d")


def test_many_leaves_checkpoints_and_stamps_are_read_page_by_page(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3)
    log = Logbook(some_leaves(20), range(1, 21))
    log.kept_stamps = [
        Stamp(size, BEGINNING, name, b"token") for size in (2, 5, 5, 5, 6, 9) for name in ("a",)
    ]
    assert log.export(tmp_path / "bundle", until=8).size == 8
    report = verify(tmp_path / "bundle")
    assert (report.right, report.leaves, report.checkpoints) == (True, 8, 8)
    names = sorted(one.name for one in (tmp_path / "bundle" / "stamps").iterdir())
    assert names == ["2-1.tsr", "5-1.tsr", "5-2.tsr", "5-3.tsr", "6-1.tsr"]


def test_what_is_not_what_was_sealed_is_not_exported(tmp_path):
    log = Logbook(some_leaves(20), [20])
    log.all[3] = log.all[4]
    with pytest.raises(NotWhatWasSealed, match="20 leaves"):
        log.export(tmp_path / "bundle")
    del log.all[3:]
    with pytest.raises(NotWhatWasSealed):
        log.export(tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_what_no_key_that_is_held_signed_is_not_exported(tmp_path):
    """Whoever has the database alone can publish their own key in it, and sign with it what they made of the log."""
    log = Logbook(some_leaves(30), [7, 30], Signers(Key(2)))
    real = Signers(Key(1))
    for until in (None, 7):
        with pytest.raises(NotWhatWasSealed, match="not signed by a key that is held"):
            export_events(log, log, real, tmp_path / "bundle", until=until)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_checkpoint_of_a_dropped_key_is_exported_when_the_last_one_continues_it(tmp_path):
    log = Logbook(some_leaves(30), [7], Signers(Key(1)))
    log.signer = Signers(Key(2))
    log.notes.append(log._publish(30))
    log.consistency = MemorySealedLog(leaves=list(map(leaf_hash, log.all))).consistency
    assert log.export(tmp_path / "bundle", until=7).size == 7
    forged = log.notes[0]
    log.notes[0] = replace(forged, root=b"r" * 32)
    log.consistency = lambda old, new: ()
    with pytest.raises(NotWhatWasSealed, match="does not continue"):
        log.export(tmp_path / "other", until=7)


def test_a_key_that_has_not_signed_yet_is_among_the_keys_of_a_bundle(tmp_path):
    """Between a rotation and the next checkpoint: it signs the manifest already."""
    log = Logbook(some_leaves(30), [30], Signers(Key(1)))
    old, log.signer = log.signer, Signers(Key(2), Key(1))
    log.keys = lambda: list(map(str, old.keys))
    log.export(tmp_path / "bundle")
    assert verify(tmp_path / "bundle", Known((Key(1).public,))).findings == []
    kept = (tmp_path / "bundle" / "keys.txt").read_text().splitlines()
    assert kept == [str(Key(1).public), str(Key(2).public), *log.witnesses]


@pytest.mark.parametrize("form", ["bundle", "bundle.tar"])
def test_a_disk_that_fills_up_leaves_nothing(tmp_path, form, monkeypatch):
    log = Logbook(some_leaves(20), [20])

    def full(*_: object) -> list[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((log, "leaves") if form == "bundle" else (bundle, "padding")), full)
    with pytest.raises(NoRoom, match="no room"):
        log.export(tmp_path / form)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_an_error_of_its_own(tmp_path, monkeypatch):
    def forbidden(*_: object) -> bytes:
        raise PermissionError(errno.EACCES, "forbidden")

    monkeypatch.setattr(bundle, "padding", forbidden)
    with pytest.raises(PermissionError):
        Logbook(some_leaves(5), [5]).export(tmp_path / "bundle.tar")
    assert list(tmp_path.iterdir()) == []


def test_somebody_who_was_faster_keeps_what_is_there(tmp_path, monkeypatch):
    log = Logbook(some_leaves(5), [5])
    read = log.leaves

    def meanwhile(first: int, count: int) -> list[bytes]:
        (tmp_path / "bundle").mkdir(exist_ok=True)
        return read(first, count)

    monkeypatch.setattr(log, "leaves", meanwhile)
    with pytest.raises(BundleThere, match="meanwhile"):
        log.export(tmp_path / "bundle")
    assert list((tmp_path / "bundle").iterdir()) == []


# From the database ----------------------------------------------------------------------------


@pytest.fixture
def house(database_url):
    with a_house(database_url) as made:
        yield made


def export(house, path: Path):
    house.sealer.seal()
    keys = house.sealed_log.keys()
    signer = Signer(VerifierKey.parse(keys[0]).name, house.sealer.keys.seeds(begun=True))
    return export_events(house.sealed_log, PostgresSealedLeaves(house.pool), signer, path)


def test_what_the_service_recorded_is_verified_without_it(house, tmp_path):
    story = Story(house)
    story.listed()
    exported = export(house, tmp_path / "bundle.tar")
    report = verify(tmp_path / "bundle.tar", Known((VerifierKey.parse(house.sealed_log.keys()[0]),)))
    assert report.findings == []
    assert (report.size, report.root) == (exported.size, exported.root.hex())
    assert report.last_position == exported.position == house.pictures.position()


def test_an_export_holds_the_lines_of_the_log(house, tmp_path):
    story = Story(house)
    story.listed()
    export(house, tmp_path / "bundle")
    leaves = (tmp_path / "bundle" / LEAVES).read_bytes().splitlines()
    positions = [told["position"] for told in map(json.loads, leaves) if "position" in told]
    rows = house.pictures.events(0, house.pictures.position())
    assert positions == [row["position"] for row in rows]
    pages = PostgresSealedLeaves(house.pool)
    assert [leaf for at in range(len(leaves)) for leaf in pages.leaves(at, 1)] == leaves
    assert pages.leaves(1, 2) == leaves[1:3]
    assert pages.leaves(len(leaves), 5) == []


def test_an_event_that_the_owner_of_the_database_changed_is_not_exported(house, tmp_path, database_url):
    Story(house).listed()
    house.sealer.seal()
    with psycopg.connect(database_url, user=SUPERUSER, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("ALTER TABLE watchlist.events DISABLE TRIGGER ALL")
        owner.execute("DELETE FROM watchlist.events WHERE notification_id = 2")
    with pytest.raises(NotWhatWasSealed):
        export(house, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []
