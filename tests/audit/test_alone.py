"""The verifier is one file: it runs where nothing of ours is, without a network, a database or settings."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from tests.audit.logbook import Logbook, some_leaves
from watchlist.__main__ import main
from watchlist.audit import verifier

ALONE = Path(verifier.__file__)
GUARD = """
import runpy, socket, sys

class Ours:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("watchlist", "api", "scheduler", "psycopg", "msgspec", "rich", "rfc3161_client"):
            raise ImportError(name)

def closed(*_, **__):
    raise OSError("no network here")

sys.meta_path.insert(0, Ours())
socket.socket = socket.create_connection = socket.getaddrinfo = closed
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The file by itself in a folder: no packages but `cryptography`, no environment, no network."""
    shutil.copy(ALONE, folder / "verifier.py")
    command = [sys.executable, "-I", "-c", GUARD, str(folder / "verifier.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={}, cwd=folder, check=False)


def test_it_verifies_on_a_machine_where_nothing_of_ours_is(tmp_path):
    log = Logbook(some_leaves(30), [30])
    log.export(tmp_path / "bundle")
    log.export(tmp_path / "bundle.tar")
    for form in ("bundle", "bundle.tar"):
        done = alone(tmp_path, form, "--key", log.keys()[0])
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout.startswith("all right: 30 leaves")
    (tmp_path / "bundle" / "leaves.ndjson").write_bytes(b"")
    done = alone(tmp_path, "bundle")
    assert done.returncode == 1
    assert "missing: leaves.ndjson, line 1, byte 0, leaf 0: leaves 0 to 29" in done.stdout


def test_without_its_library_time_stamps_are_said_not_to_be_checked(tmp_path):
    log = Logbook(some_leaves(5), [5])
    log.kept_stamps = [_a_stamp()]
    log.export(tmp_path / "bundle")
    (tmp_path / "root.pem").write_text("")
    done = alone(tmp_path, "bundle", "--tsa-root", "root.pem")
    assert done.returncode == 0, done
    assert "not checked: 1 time stamps: rfc3161_client is not installed" in done.stdout


def _a_stamp():
    from tests.audit.logbook import BEGINNING
    from watchlist.ports.seal import Stamp

    return Stamp(5, BEGINNING, "authority", b"token")


def test_it_imports_nothing_but_the_standard_library_and_cryptography():
    imported = set()
    for node in ast.walk(ast.parse(ALONE.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").split(".")[0])
    assert imported - sys.stdlib_module_names == {"cryptography", "rfc3161_client"}


def test_the_command_reads_no_settings(tmp_path, monkeypatch, capsys):
    Logbook(some_leaves(30), [30]).export(tmp_path / "bundle")
    monkeypatch.setenv("WATCHLIST_PORT", "not a port")
    monkeypatch.setenv("DATABASE_URL", "nowhere")
    assert main(["verify", str(tmp_path / "bundle"), "--json"]) == 0
    assert '"right": true' in capsys.readouterr().out
