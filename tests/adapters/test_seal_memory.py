"""What was signed binds the owner of the database: a log that was cut back, or begun anew, is not signed (T4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.adapters.test_sealed_log import checked, rewritten
from tests.stories import MONDAY, Story, a_house, a_person, rpps
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.postgres.sealed_log import OneExtension
from watchlist.adapters.seal_key import FileSealKeys, GivenSealKeys
from watchlist.adapters.seal_memory import FILE, FileSealMemory
from watchlist.bootstrap import House
from watchlist.domain.refusals import NoSealKey, NoSealMemory, PastChanged
from watchlist.ports.seal import Published

KEYS = GivenSealKeys((b"k" * 32,))
Open = Callable[[], House]
EMPTIED = ";".join(
    f"DELETE FROM {table}"
    for table in ("checkpoints", "seal_tiles", "seal_leaves", "seal_digests", "seal_keys")
)
OTHER_PAST = "UPDATE events SET recorded_at = recorded_at - interval '3 days'"


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Open:
    """The house as a process finds it that starts now, with the same data folder."""

    def opened() -> House:
        return a_house(database_url, seal_keys=KEYS, seal_memory=FileSealMemory(tmp_path))

    return opened


def listed(house: House, number: int) -> Published:
    Story(house).listed(a_person("Martin", "Anne", rpps(number)))
    published = house.sealer.seal()
    assert published is not None
    return published


def cut_back_to(published: Published) -> str:
    return (
        f"DELETE FROM checkpoints WHERE size > {published.size};"
        f"UPDATE seal_tiles SET hashes = substr(hashes, 1, 32 * {published.size});"
        f"UPDATE seal_leaves SET sources = sources[:{published.size}]"
    )


def test_a_log_that_was_cut_back_and_changed_behind_is_not_signed(opened: Open, database_url: str):
    with opened() as house:
        first = listed(house, 1)
        listed(house, 2)
    behind = f"{OTHER_PAST} WHERE notification_id > {first.position}"
    rewritten(database_url, f"{cut_back_to(first)};{behind}")
    with opened() as house, pytest.raises(PastChanged):
        house.sealer.seal()


def test_a_log_that_was_cut_back_with_its_events_is_not_signed(opened: Open, database_url: str):
    with opened() as house:
        first = listed(house, 1)
        listed(house, 2)
    rewritten(
        database_url, f"{cut_back_to(first)};DELETE FROM events WHERE notification_id > {first.position}"
    )
    with opened() as house, pytest.raises(PastChanged):
        house.sealer.seal()


@pytest.mark.parametrize("change", [OTHER_PAST, "DELETE FROM events WHERE notification_id > 3"])
def test_a_log_that_was_emptied_is_not_begun_anew(opened: Open, database_url: str, change: str):
    with opened() as house:
        listed(house, 1)
    rewritten(database_url, f"{EMPTIED};{change}")
    with opened() as house:
        with pytest.raises(PastChanged):
            house.sealer.seal()
        assert house.sealed_log.latest() is None


def test_a_longer_log_of_another_past_is_not_signed(opened: Open, database_url: str, tmp_path: Path):
    """Signed by a machine that had nothing to remember: a machine that has sees it."""
    with opened() as house:
        listed(house, 1)
    rewritten(database_url, f"{EMPTIED};{OTHER_PAST}")
    with a_house(database_url, seal_keys=KEYS) as house:
        listed(house, 2)
    with opened() as house, pytest.raises(PastChanged):
        house.sealer.seal()


def test_a_machine_that_signed_less_goes_on_from_where_others_are(opened: Open, database_url: str):
    with opened() as house:
        listed(house, 1)
    with a_house(database_url, seal_keys=KEYS) as house:
        listed(house, 2)
    with opened() as house:
        assert listed(house, 3).size == 15
        assert checked(Story(house)) == []


@pytest.mark.parametrize("before", [0, 1])
def test_what_was_signed_before_a_crash_is_published_after_it_as_it_was(
    opened: Open, monkeypatch: pytest.MonkeyPatch, before: int
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with opened() as house:
        for number in range(before):
            listed(house, number)
        Story(house).listed(a_person("Martin", "Anne", rpps(8)))
        with monkeypatch.context() as patched:
            patched.setattr(OneExtension, "publish", killed)
            with pytest.raises(KeyboardInterrupt):
                house.sealer.seal()
        signed = house.sealer.memory.last()
    assert signed is not None
    with opened() as house:
        Story(house).listed(a_person("Martin", "Anne", rpps(9)))
        last = house.sealer.seal()
        assert [one.note for one in house.sealed_log.published()][before] == signed.note
        assert last is not None
        assert last.size == signed.size + 5
        assert checked(Story(house)) == []


def test_after_a_restore_it_is_begun_from_what_came_back_when_somebody_asks(opened: Open, database_url: str):
    with opened() as house:
        first = listed(house, 1)
        second = listed(house, 2)
    gone = f"DELETE FROM events WHERE notification_id > {first.position}"
    rewritten(database_url, f"{cut_back_to(first)};{gone}")
    with opened() as house:
        with pytest.raises(PastChanged):
            house.sealer.seal()
        before, now = house.sealer.begin_after_restore()
        assert (before, now) == (second, first)
        assert listed(house, 3).size == 10
    rewritten(database_url, EMPTIED)
    with opened() as house:
        house.sealer.begin_after_restore()
        assert house.sealer.seal() is not None


def test_a_key_that_is_gone_is_not_made_again_for_a_log_that_was_emptied(database_url: str, tmp_path: Path):
    keys, memory = FileSealKeys(tmp_path), FileSealMemory(tmp_path)
    with a_house(database_url, seal_keys=keys, seal_memory=memory) as house:
        listed(house, 1)
        (tmp_path / "seal.key").unlink()
        rewritten(database_url, EMPTIED)
        with pytest.raises(NoSealKey):
            house.sealer.seal()


@pytest.mark.parametrize("text", [b"", b"{}", b'{"at":"2021-03-15T09:00:00Z","position":1,"note":"x"}'])
def test_a_memory_that_cannot_be_read_signs_nothing(opened: Open, tmp_path: Path, text: bytes):
    (tmp_path / FILE).write_bytes(text)
    with opened() as house, pytest.raises(NoSealMemory):
        house.sealer.seal()


def test_a_memory_that_cannot_be_kept_signs_nothing(database_url: str, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder" / "seal.signed").mkdir(parents=True)
    memory = FileSealMemory(tmp_path / "folder")
    with pytest.raises(NoSealMemory):
        memory.last()
    signed = Published(1, b"r" * 32, MONDAY, 1, "note")
    for given in (signed, None):
        with pytest.raises(NoSealMemory):
            memory.keep(given)
    with pytest.raises(NoSealMemory):
        FileSealMemory(tmp_path / "file").keep(signed)


def test_a_clock_that_is_ahead_seals_no_day_that_is_not_over(database_url: str):
    with a_house(database_url, ManualClock(datetime.now(UTC) + timedelta(days=3)), seal_keys=KEYS) as house:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO watchlist.accesses (at, access_id, operation, operator_id, organisation, role,"
                " request_id, asked, hits, subject_ids) VALUES (now(), gen_random_uuid(), 'x', gen_random_uuid(),"
                " 'o', 'r', 'q', 0, 0, '{}')"
            )
        house.sealer.seal()
        assert Story(house).count("seal_digests") == 0
