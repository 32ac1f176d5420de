"""A witness as somebody runs it elsewhere: a process of its own, with a key and a memory of its own (T4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from prometheus_client import generate_latest

from api import lateness
from api.metrics import Metrics
from scheduler.jobs.cosign import have_it_cosigned
from tests.acceptance.service import PASSED_ON, PATIENCE, ROOT, Somebody, free_port, service, soon
from tests.authority import an_authority
from tests.sealed import ORIGIN, LogKey, MemorySealedLog
from tests.stories import MONDAY, Story, a_house
from watchlist.adapters.clock import SystemClock
from watchlist.audit.signer import Signer
from watchlist.audit.verifier import Note, VerifierKey, leaf_hash, root_of
from watchlist.audit.witness import Request, WitnessKey
from watchlist.bootstrap import House
from watchlist.ports.seal import Published as Checkpointed
from watchlist.ports.witness import WitnessAddress

SOMEBODY = {
    "kind": "person",
    "role": "health_professional",
    "family_name": "Lefèvre",
    "given_names": "Anne",
    "birth_date": "1970-01-02",
}
ENVIRONMENT = {
    **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": str(ROOT),
    # it reads none of the service's settings: these would stop every other command
    "WATCHLIST_PORT": "none",
    "WATCHLIST_MASTER_KEY_FILE": "/nowhere",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
}


@pytest.fixture
def log() -> MemorySealedLog:
    log = MemorySealedLog()
    log.grow("a", "b", "c")
    log.publish(MONDAY)
    return log


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchlist", "witness", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def running(folder: Path, log: MemorySealedLog, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "watchlist", "witness", "serve", "--state", str(folder)),
            *("--log", str(log.signing[0].public), "--port", str(port)),
        ],
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert soon(lambda: answers(port) or process.poll() is not None, PATIENCE)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    except httpx.TransportError:
        return False


def ask(log: MemorySealedLog, old: int, port: int) -> httpx.Response:
    latest = log.latest()
    assert latest is not None
    body = Request.made(old, log.consistency(old, latest.size), latest.note.encode()).body()
    return httpx.post(f"http://127.0.0.1:{port}/add-checkpoint", content=body, timeout=10)


def test_a_witness_that_was_killed_still_refuses_a_rewritten_history(tmp_path, log):
    folder, port = tmp_path / "w", free_port()
    printed = command("key", "--state", str(folder), "--name", "witness.test/1")
    key = VerifierKey.parse(printed.stdout.strip())
    with running(folder, log, port) as process:
        line = ask(log, 0, port).text
        assert Note.parse((log.latest().note + line).encode()).signed_by(key) is not None
        assert command("key", "--state", str(folder)).stdout.strip() == str(key)
        second = command("serve", "--state", str(folder), "--log", str(log.signing[0].public), "--port", "0")
        assert (second.returncode, second.stderr.count("\n")) == (1, 1)
        assert "already runs" in second.stderr
        process.send_signal(signal.SIGKILL)
        process.wait()
    log.rewrite(0, "another a")
    log.grow("d")
    log.publish(MONDAY)
    with running(folder, log, port) as process:
        assert ask(log, 0, port).text == "3\n"
        assert ask(log, 3, port).status_code == 422
        published = httpx.get(f"http://127.0.0.1:{port}/checkpoint/{ORIGIN}").text
        assert Note.parse(published.encode()).signed_by(key) is not None
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_the_log_and_its_witness_in_two_processes(tmp_path, database_url, log):
    """The real log over HTTP; then its past is rewritten under it, and its own key signs that."""
    folder, port = tmp_path / "w", free_port()
    key = command("key", "--state", str(folder), "--name", "witness.test/1").stdout.strip()
    with a_house(database_url, SystemClock()) as house:
        story = Story(house)
        house.witnesses = (WitnessAddress(key, f"http://127.0.0.1:{port}/"),)
        story.subject()
        house.sealer.seal()
        assert have_it_cosigned(house) == "witness witness.test/1 late"
        log.signing = [Published(VerifierKey.parse(house.sealed_log.keys()[0]))]
        with running(folder, log, port):
            assert have_it_cosigned(house) is None
            for _ in range(5):
                story.subject()
            house.sealer.seal()
            assert have_it_cosigned(house) is None
            latest = house.sealed_log.latest()
            cosigned = Note.parse(latest.note.encode())
            assert cosigned.signed_by(VerifierKey.parse(key)) is not None
            origin = cosigned.text.split("\n")[0]
            assert httpx.get(f"http://127.0.0.1:{port}/checkpoint/{origin}").text == latest.note
            assert not lateness.witness_is_late(house)

            rewritten(house, latest)
            house.sealer.begin_after_restore()  # whoever holds the key holds what it signed last too
            story.subject()
            house.sealer.seal()
            assert have_it_cosigned(house) == "witness witness.test/1 differs"
            assert "witness" in lateness.late(house)
            assert 'watchlist_witness_differs{witness="witness.test/1' in scraped(house)
            standing = httpx.get(f"http://127.0.0.1:{port}/").json()["logs"][0]
            assert (standing["size"], standing["contradictions"]) == (latest.size, 1)


@pytest.mark.slow
def test_a_service_has_its_checkpoints_cosigned_and_stamped(tmp_path, log):
    """As it is run: the service, a witness and an authority, each a process or a server of its own."""
    folder, port = tmp_path / "w", free_port()
    key = command("key", "--state", str(folder), "--name", "witness.test/1").stdout.strip()
    with an_authority(tmp_path / "authority") as authority:
        settings = {
            "WATCHLIST_WITNESSES": f"{key} http://127.0.0.1:{port}",
            "WATCHLIST_TSA_URL": authority.url,
            "WATCHLIST_TSA_ROOT": str(authority.root),
        }
        with service(**settings) as served:
            served.start()
            auditor, investigator = served.hire("auditor"), served.hire("investigator")
            investigator.made("/subjects", SOMEBODY)
            log.signing = [
                Published(VerifierKey.parse(auditor.made("/audit/checkpoint", status=200)["keys"][0]))
            ]
            with running(folder, log, port):
                witness = VerifierKey.parse(key)
                assert soon(lambda: Note.parse(note_of(auditor)).signed_by(witness) is not None, PATIENCE)
                stamped = served.run("stamp", "--json").told
                assert stamped["size"] == auditor.get("/audit/checkpoint")["tree_size"]
                told = served.run("doctor", "--json").told["findings"]
                found = {finding["what"]: finding["ok"] for finding in told}
                assert found[f"witness {witness.name}+{witness.id.hex()}"]
                assert found["time stamps"]


def note_of(auditor: Somebody) -> bytes:
    note: str = auditor.get("/audit/checkpoint")["note"]
    return note.encode()


@dataclass
class Published:
    """A key of which only the public half is known."""

    public: VerifierKey


def rewritten(house: House, latest: Checkpointed) -> None:
    """What a database administrator with the log's key can do: other tiles, and the checkpoints signed again."""
    (seed,) = house.sealer.keys.seeds(begun=True)
    origin = Note.parse(latest.note.encode()).text.split("\n")[0]
    with psycopg.connect(house.conninfo) as owner:
        for table in ("seal_tiles", "checkpoints", "cosignatures"):
            owner.execute(f"ALTER TABLE watchlist.{table} DISABLE TRIGGER USER".encode())
        (true,) = owner.execute(b"SELECT hashes FROM watchlist.seal_tiles WHERE level = 0").fetchone()
        leaves = [*(leaf_hash(b"another %d" % number) for number in range(latest.size - 1)), true[-32:]]
        note = str(Signer(origin, [seed]).note(latest.size, root_of(leaves)))
        owner.execute(b"UPDATE watchlist.seal_tiles SET hashes = %b WHERE level = 0", (b"".join(leaves),))
        owner.execute(b"DELETE FROM watchlist.cosignatures")
        owner.execute(
            b"UPDATE watchlist.checkpoints SET root = %b, note = %b WHERE size = %b",
            (root_of(leaves), note, latest.size),
        )


def scraped(house: House) -> str:
    return generate_latest(Metrics(house).registry).decode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--log", "nonsense"), "is the public key of a log"),
        (("serve", "--log", str(WitnessKey.made("w/1").public)), "is a witness's key"),
        (("serve", "--log", str(LogKey().public), "--host", "192.0.2.1"), "cannot listen on 192.0.2.1:8900"),
        (("key", "--name", "a name"), "has no blanks"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, arguments, said):
    done = command(*arguments, "--state", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
