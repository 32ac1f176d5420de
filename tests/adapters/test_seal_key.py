"""The seal keys come from a setting or from the data folder, and are never shown (T4)."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from watchlist.adapters.seal_key import FILE, FileSealKeys, GivenSealKeys
from watchlist.bootstrap import seal_keys_of
from watchlist.domain.refusals import NoSealKey
from watchlist.settings import Settings, SettingsError

SEED = b"s" * 32
TEXT = base64.b64encode(SEED).decode()


def test_a_setting_holds_them_and_shows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{TEXT}\n")
    for given in ({"WATCHLIST_SEAL_KEY": TEXT}, {"WATCHLIST_SEAL_KEY_FILE": str(file)}):
        settings = Settings.from_environment(given)
        keys = seal_keys_of(settings)
        assert keys.seeds(begun=True) == (SEED,)
        assert TEXT not in f"{settings!r}{settings.shown()}{keys!r}"


@pytest.mark.parametrize("text", ["no key", TEXT[:-8], f"{TEXT}\n{TEXT}"])
def test_what_is_no_key_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"WATCHLIST_SEAL_KEY": text})
    assert text not in str(refused.value)


@pytest.mark.parametrize("origin", ["two words", "a+b", "é", "a\nb", "x" * 256])
def test_a_log_is_named_as_notes_can_name_it(origin: str) -> None:
    with pytest.raises(SettingsError):
        Settings.from_environment({"WATCHLIST_LOG_ORIGIN": origin})


def test_a_file_is_made_for_a_log_that_was_never_signed_and_for_no_other(tmp_path: Path) -> None:
    keys = FileSealKeys(tmp_path)
    with pytest.raises(NoSealKey):
        keys.seeds(begun=True)
    assert not (tmp_path / FILE).exists()
    (first,) = keys.seeds(begun=False)
    assert keys.seeds(begun=True) == keys.seeds(begun=False) == (first,)
    keys.put_first()
    assert keys.seeds(begun=True)[1:] == (first,)
    assert keys.keep_first() == 1
    assert first not in keys.seeds(begun=True)


@pytest.mark.parametrize("text", [b"", b"no key", b"\xff"])
def test_a_file_that_holds_no_key_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE).write_bytes(text)
    with pytest.raises(NoSealKey):
        FileSealKeys(tmp_path).seeds(begun=False)


def test_a_house_that_nobody_keeps_has_a_key_of_its_own() -> None:
    one, other = GivenSealKeys(), GivenSealKeys()
    assert one.seeds(begun=True) == one.seeds(begun=False) != other.seeds(begun=False)
