"""The master key: where it comes from, how several of them rotate, and that none of it is ever shown."""

import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stories import at_once
from watchlist.adapters import ciphers
from watchlist.adapters import master_key as files
from watchlist.adapters.ciphers import Tampered
from watchlist.adapters.master_key import (
    FILE,
    MasterKeys,
    MasterKeyUnavailable,
    header_of,
    keep_first,
    master_key,
    printed_by,
    put_first,
)
from watchlist.bootstrap import key_of, master_key_in
from watchlist.settings import Settings, SettingsError, decoded_keys

OLD, NEW = b"o" * 32, b"n" * 32
KEY = b"k" * 32
SECRET = base64.b64encode(b"s" * 32).decode()


def in_base64(*keys: bytes) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys)


def python(program: str) -> str:
    return f'{sys.executable} -c "{program}"'


# Several of them ------------------------------------------------------------------------------


def test_the_first_wraps_and_the_others_only_open() -> None:
    wrapped = MasterKeys([OLD]).wrap(KEY, b"p")
    rotated = MasterKeys([NEW, OLD])
    assert rotated.unwrap(wrapped, b"p") == KEY
    again = rotated.wrap(KEY, b"p")
    assert again.startswith(header_of(NEW))
    assert MasterKeys([NEW]).unwrap(again, b"p") == KEY
    for stranger, what in ((MasterKeys([OLD]), again), (MasterKeys([NEW]), wrapped)):
        with pytest.raises(Tampered):
            stranger.unwrap(what, b"p")


def test_what_a_key_is_wrapped_under_is_told_without_telling_the_master_key() -> None:
    wrapped = MasterKeys([OLD]).wrap(KEY, b"p")
    assert (len(wrapped), wrapped[0], header_of(OLD)) == (69, 1, wrapped[:9])
    assert header_of(OLD) != header_of(NEW)
    assert OLD not in wrapped
    assert repr(MasterKeys([OLD, NEW])) == "MasterKeys(2, sealed)"


def test_a_key_of_the_released_form_opens_under_any_of_them() -> None:
    bare = ciphers.wrap(OLD, KEY, b"p")
    assert len(bare) == 60
    assert MasterKeys([NEW, OLD]).unwrap(bare, b"p") == KEY
    with pytest.raises(Tampered):
        MasterKeys([NEW]).unwrap(bare, b"p")


def test_a_flipped_bit_anywhere_is_told() -> None:
    master = MasterKeys([NEW, OLD])
    wrapped = master.wrap(KEY, b"p")
    for at in range(len(wrapped)):
        with pytest.raises(Tampered):
            master.unwrap(wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :], b"p")
    for length in (0, 9, 60, 68):
        with pytest.raises(Tampered):
            master.unwrap(wrapped[:length], b"p")


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
def test_a_master_key_has_32_bytes(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKeys(keys)


# As settings ----------------------------------------------------------------------------------


def test_several_are_given_one_a_line() -> None:
    given = Settings.from_environment({"WATCHLIST_MASTER_KEY": f"{in_base64(NEW, OLD)}\n\n"})
    assert given.master_key == (NEW, OLD)
    assert key_of(given, "unused").headers == [header_of(NEW), header_of(OLD)]


def test_a_file_of_several_is_read(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(in_base64(NEW, OLD) + "\n")
    given = Settings.from_environment({"WATCHLIST_MASTER_KEY_FILE": str(tmp_path / "keys")})
    assert given.master_key == (NEW, OLD)


@pytest.mark.parametrize("text", ["", "\n", "AAAA", SECRET + "\nnot base64 é", SECRET + "\nAAAA"])
def test_what_is_no_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="one key a line") as told:
        decoded_keys(text, "WATCHLIST_MASTER_KEY")
    assert SECRET[:-2] not in str(told.value)
    assert "not base64" not in str(told.value)


def test_it_comes_from_one_place() -> None:
    with pytest.raises(SettingsError, match="not both"):
        Settings.from_environment({"WATCHLIST_MASTER_KEY": SECRET, "WATCHLIST_MASTER_KEY_COMMAND": "kms"})


def test_no_secret_is_in_what_is_shown() -> None:
    command = f"kms --token {SECRET}"
    given = Settings.from_environment(
        {
            "WATCHLIST_MASTER_KEY_COMMAND": command,
            "WATCHLIST_KEYS_DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
        }
    )
    assert SECRET not in repr(given)
    assert SECRET not in str(given.shown())
    assert given.shown()["WATCHLIST_MASTER_KEY_COMMAND"] == "(set)"
    assert given.shown()["WATCHLIST_KEYS_DATABASE_URL"] == "(set)"


# Of a command ---------------------------------------------------------------------------------


def test_a_command_hands_it_out() -> None:
    given = Settings(master_key_command=python(f"print('{SECRET}')"))
    assert key_of(given, "unused").headers == [header_of(b"s" * 32)]


def test_a_command_is_run_without_a_shell() -> None:
    assert printed_by("echo $HOME `id` ; ls").strip() == "$HOME `id` ; ls"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param("/no/such/kms", "cannot be started", id="it is not there"),
        pytest.param("'unbalanced", "cannot be started", id="it cannot be split"),
        pytest.param("", "cannot be started", id="it is empty"),
        pytest.param(python(f"import sys; print('{SECRET}'); sys.exit(3)"), "status 3", id="it fails"),
        pytest.param(python("import os; os.kill(os.getpid(), 9)"), "status -9", id="it is killed"),
    ],
)
def test_a_command_that_hands_out_nothing_is_told(
    command: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MasterKeyUnavailable, match=told) as error:
        printed_by(command)
    assert SECRET not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_what_a_command_says_on_the_side_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    printed_by(python(f"import sys; print('{SECRET}', file=sys.stderr)"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("printed", ["print('garbage')", "print()", "import os; os.write(1, b'\\xff\\xfe')"])
def test_a_command_that_prints_garbage_is_told_and_the_garbage_is_not(printed: str) -> None:
    with pytest.raises(SettingsError, match="WATCHLIST_MASTER_KEY_COMMAND prints") as error:
        key_of(Settings(master_key_command=python(printed)), "unused")
    assert "garbage" not in str(error.value)


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    # given a command that ends while a child of its own holds its output open
    pid_file = tmp_path / "pid"
    program = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); "
        f"open('{pid_file}', 'w').write(str(child.pid))"
    )
    began = time.monotonic()
    with pytest.raises(MasterKeyUnavailable, match="within 2 seconds"):
        printed_by(python(program), seconds=2)
    assert time.monotonic() - began < 30
    stat = Path(f"/proc/{pid_file.read_text()}/stat")
    deadline = time.monotonic() + 10
    while stat.exists() and stat.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


# In the data folder ---------------------------------------------------------------------------


def lines(folder: Path) -> list[str]:
    return (folder / FILE).read_text().split()


def test_a_new_one_comes_first_and_the_old_ones_stay_until_they_are_dropped(tmp_path: Path) -> None:
    first = master_key(tmp_path, database_has_keys=False).strip()
    put_first(tmp_path)
    assert lines(tmp_path)[1:] == [first]
    newest = lines(tmp_path)[0]
    assert keep_first(tmp_path) == 1
    assert lines(tmp_path) == [newest]
    assert keep_first(tmp_path) == 0
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_several_who_put_one_first_at_once_lose_none(tmp_path: Path) -> None:
    master_key(tmp_path, database_has_keys=False)
    program = (
        "import sys, pathlib; from watchlist.adapters.master_key import put_first;"
        "put_first(pathlib.Path(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=environment) for _ in range(3)
    ]
    assert [process.wait(30) for process in started] == [0] * 3
    assert len(set(lines(tmp_path))) == 4


def test_killed_before_the_new_file_is_in_its_place_the_old_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = master_key(tmp_path, database_has_keys=False)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            put_first(tmp_path)
    assert master_key(tmp_path, database_has_keys=True) == before
    put_first(tmp_path)
    assert len(lines(tmp_path)) == 2


def test_a_running_process_wraps_under_the_new_one_as_soon_as_it_is_there(tmp_path: Path) -> None:
    master_key(tmp_path, database_has_keys=False)
    running = master_key_in(tmp_path)
    old = running.wrap(KEY, b"p")
    put_first(tmp_path)
    rotated = master_key_in(tmp_path)
    assert running.unwrap(rotated.wrap(KEY, b"p"), b"p") == KEY
    assert running.wrap(KEY, b"p").startswith(rotated.headers[0])
    assert rotated.unwrap(old, b"p") == KEY
    keep_first(tmp_path)
    with pytest.raises(Tampered):
        master_key_in(tmp_path).unwrap(old, b"p")


def test_a_file_that_cannot_be_seen_for_a_while_changes_nothing(tmp_path: Path) -> None:
    master_key(tmp_path, database_has_keys=False)
    running = master_key_in(tmp_path)
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    wrapped = running.wrap(KEY, b"p")
    assert running.unwrap(wrapped, b"p") == KEY
    assert not (tmp_path / FILE).exists()


def test_several_who_start_together_make_one(tmp_path: Path) -> None:
    made = at_once([lambda: files.master_key(tmp_path / "new", False)])
    assert {str(text).strip() for text in made} == set(lines(tmp_path / "new"))
