"""The last checkpoint is stamped once a day, as the log signed it; nobody is asked whom no setting names (T4)."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from api import lateness
from scheduler.jobs.cosign import have_it_cosigned, have_it_stamped
from scheduler.jobs.sweep import RunsElsewhere
from tests.authority import Authority, an_authority
from tests.stories import Story, a_house
from watchlist.__main__ import main
from watchlist.adapters.clock import ManualClock
from watchlist.adapters.timestamping import Rfc3161Timestamping, roots_in
from watchlist.application.stamp import stamp
from watchlist.audit.witness import WitnessKey, with_cosignatures
from watchlist.bootstrap import timestamping_of
from watchlist.ports.seal import Stamp
from watchlist.ports.witness import Unanswered
from watchlist.settings import Settings, SettingsError


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with an_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture
def story(database_url: str, authority: Authority) -> Iterator[Story]:
    """At the hour of the authority, which is the machine's."""
    authority.answer = None
    authority.asked.clear()
    with a_house(database_url, ManualClock(datetime.now(UTC))) as house:
        house.timestamping = Rfc3161Timestamping(authority.url, roots_in(authority.root))
        yield Story(house)


def kept(story: Story) -> list[Stamp]:
    return story.house.sealed_log.stamps()


def test_before_anything_is_sealed_nothing_is_stamped(story, authority):
    assert have_it_stamped(story.house) is None
    assert stamp(story.house.sealed_log, story.house.cosigning, story.house.timestamping) is None
    assert authority.asked == []
    assert not lateness.stamp_is_late(story.house)


def test_the_bytes_that_are_stamped_are_the_note_as_the_log_signed_it(story, authority, tmp_path):
    """Whoever cosigned since: anybody verifies it with openssl alone."""
    story.subject()
    published = story.house.sealer.seal()
    text = published.note.partition("\n\n")[0] + "\n"
    witness = WitnessKey.made("w.test/1").cosign(text, 5).line()
    story.house.cosigning.cosigned(published.size, witness, story.clock.now())
    latest = story.house.sealed_log.latest()
    assert latest.note == with_cosignatures(published.note, [witness])
    assert have_it_stamped(story.house) == "the checkpoint of 1 leaves was stamped"
    (made,) = kept(story)
    (tmp_path / "note").write_text(published.note)
    (tmp_path / "token").write_bytes(made.token)
    given = ("-data", str(tmp_path / "note"), "-in", str(tmp_path / "token"), "-CAfile", str(authority.root))
    subprocess.run(["openssl", "ts", "-verify", *given], check=True, capture_output=True)


def test_one_a_day_when_there_is_something_new(story, authority):
    story.subject()
    story.house.sealer.seal()
    have_it_stamped(story.house)
    story.subject()
    story.house.sealer.seal()
    assert have_it_stamped(story.house) is None, "it is not a day since"
    story.clock.advance(hours=24)
    assert have_it_stamped(story.house) is not None
    story.clock.advance(hours=24)
    assert have_it_stamped(story.house) is None, "nothing is new"
    assert [one.size for one in kept(story)] == [1, 2]
    assert len(authority.asked) == 2


def test_at_once_on_demand(story):
    story.subject()
    story.house.sealer.seal()
    for _ in range(2):
        assert stamp(story.house.sealed_log, story.house.cosigning, story.house.timestamping).size == 1


def test_an_authority_that_is_down_is_asked_again_and_late_after_two_days(story, authority):
    story.subject()
    story.house.sealer.seal()
    authority.answer = lambda _: (503, b"")
    with pytest.raises(Unanswered):
        have_it_stamped(story.house)
    assert kept(story) == []
    assert not lateness.stamp_is_late(story.house)
    story.clock.advance(days=2, seconds=1)
    assert "stamp" in lateness.late(story.house)
    authority.answer = None
    have_it_stamped(story.house)
    assert "stamp" not in lateness.late(story.house)


def test_two_schedulers_do_not_ask_twice(story):
    with story.house.register.alone("stamp"), pytest.raises(RunsElsewhere):
        have_it_stamped(story.house)


def test_nobody_changes_a_stamp(story):
    story.subject()
    story.house.sealer.seal()
    have_it_stamped(story.house)
    for change in (b"DELETE FROM watchlist.stamps", b"UPDATE watchlist.stamps SET at = now()"):
        with story.house.pool.connection() as service, pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute(change)
        with psycopg.connect(story.house.conninfo) as owner, pytest.raises(psycopg.Error):
            owner.execute(change)


# What the settings say ----------------------------------------------------------------------------


def test_nothing_outside_is_called_unless_the_settings_name_it(database_url, monkeypatch):
    """Data stay in France: no witness and no authority by default, and no socket is opened for one."""

    def refused(*_: object) -> None:
        raise AssertionError("somebody outside was called")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    settings = Settings.from_environment({})
    assert (settings.witnesses, timestamping_of(settings)) == ((), None)
    with a_house(database_url) as house:
        Story(house).subject()
        house.sealer.seal()
        assert have_it_cosigned(house) is None
        assert have_it_stamped(house) is None
        house.clock.advance(days=30)
        assert not lateness.witness_is_late(house)
        assert not lateness.stamp_is_late(house)


def test_on_the_command_line_it_is_said_what_to_set(monkeypatch, capsys):
    monkeypatch.delenv("WATCHLIST_TSA_URL", raising=False)
    assert main(["stamp"]) == 1
    assert "WATCHLIST_TSA_URL and WATCHLIST_TSA_ROOT" in capsys.readouterr().err


def test_an_authority_needs_its_roots(authority: Authority, tmp_path: Path):
    given = {"WATCHLIST_TSA_URL": authority.url, "WATCHLIST_TSA_ROOT": str(authority.root)}
    assert timestamping_of(Settings.from_environment(given)) is not None
    with pytest.raises(SettingsError, match="WATCHLIST_TSA_ROOT too"):
        Settings.from_environment({"WATCHLIST_TSA_URL": authority.url})
    with pytest.raises(SettingsError, match="http"):
        Settings.from_environment(given | {"WATCHLIST_TSA_URL": "ftp://a.test"})
    for root in (tmp_path / "none", tmp_path / "empty"):
        (tmp_path / "empty").write_text("nothing")
        with pytest.raises(SettingsError, match="PEM"):
            timestamping_of(Settings.from_environment(given | {"WATCHLIST_TSA_ROOT": str(root)}))


def test_witnesses_are_named_by_the_variable_or_its_file(tmp_path: Path):
    key = WitnessKey.made("w.test/1").public
    (tmp_path / "witnesses").write_text(f"{key} https://w.test\n")
    for given in (
        {"WATCHLIST_WITNESSES": f"{key} https://w.test"},
        {"WATCHLIST_WITNESSES_FILE": str(tmp_path / "witnesses")},
    ):
        (witness,) = Settings.from_environment(given).witnesses
        assert (witness.key, witness.url) == (str(key), "https://w.test")
        assert Settings.from_environment(given).shown()["WATCHLIST_WITNESSES"] == "w.test/1"
    with pytest.raises(SettingsError, match="vkey url"):
        Settings.from_environment({"WATCHLIST_WITNESSES": "https://w.test"})


def test_the_secret_part_of_an_address_is_not_shown():
    given = {"WATCHLIST_TSA_URL": "https://user:secret@a.test", "WATCHLIST_TSA_ROOT": "/root.pem"}
    assert "secret" not in str(Settings.from_environment(given).shown())
    assert "secret" not in repr(Settings.from_environment(given))


def test_a_stamp_of_hours_ago_is_no_reason_to_hurry():
    from watchlist.application.stamp import is_late
    from watchlist.ports.witness import StampStanding

    now = datetime.now(UTC)
    assert not is_late(StampStanding(1, now, None), now + timedelta(days=30))
    assert not is_late(StampStanding(0, None, now), now + timedelta(days=2))
    assert is_late(StampStanding(1, now, now), now + timedelta(days=2, seconds=1))
