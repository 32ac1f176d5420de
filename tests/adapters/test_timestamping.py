"""A stamp is kept only when it holds: its signature up to a trusted root, the digest, and the nonce (RFC 3161)."""

from __future__ import annotations

import hashlib
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.authority import Authority, an_authority, made_in
from watchlist.adapters.timestamping import Rfc3161Timestamping, roots_in
from watchlist.ports.witness import Unanswered

MESSAGE = b"register.test/log\n3\nroot\n\n\xe2\x80\x94 register.test/log signature\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with an_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture(autouse=True)
def _as_it_should(authority: Authority) -> None:
    authority.answer = None


def asking(authority: Authority) -> Rfc3161Timestamping:
    return Rfc3161Timestamping(authority.url, roots_in(authority.root), seconds=5)


def test_a_stamp_says_when_and_others_can_verify_it(authority: Authority, tmp_path: Path):
    stamped = asking(authority).stamp(MESSAGE)
    assert abs(stamped.at - datetime.now(UTC)) < timedelta(seconds=5)
    assert stamped.authority == f"127.0.0.1:{authority.port}/tsa"
    (tmp_path / "token").write_bytes(stamped.token)
    (tmp_path / "message").write_bytes(MESSAGE)
    given = (
        "-data",
        str(tmp_path / "message"),
        "-in",
        str(tmp_path / "token"),
        "-CAfile",
        str(authority.root),
    )
    subprocess.run(["openssl", "ts", "-verify", *given], check=True, capture_output=True)


def test_the_authority_learns_a_digest_and_nothing_else(authority: Authority):
    asking(authority).stamp(MESSAGE)
    assert b"register.test" not in authority.asked[-1]


def test_the_secret_part_of_an_address_is_not_kept(authority: Authority):
    url = authority.url.replace("http://", "http://user:secret@") + "?key=secret"
    stamped = Rfc3161Timestamping(url, roots_in(authority.root)).stamp(MESSAGE)
    assert stamped.authority == f"127.0.0.1:{authority.port}/tsa"


def test_a_stamp_under_another_root_is_none(authority: Authority, tmp_path: Path):
    another = made_in(tmp_path / "another")
    authority.answer = lambda query: (200, another.reply(query))
    with pytest.raises(Unanswered, match="does not hold"):
        asking(authority).stamp(MESSAGE)


def test_a_stamp_of_something_else_is_none(authority: Authority):
    taken: list[bytes] = []
    authority.answer = lambda query: (
        200,
        taken[0] if taken else taken.append(authority.reply(query)) or taken[0],
    )
    asking(authority).stamp(b"something else")
    with pytest.raises(Unanswered, match="does not hold"):
        asking(authority).stamp(MESSAGE)


def test_a_stamp_that_was_given_before_is_none(authority: Authority):
    """The nonce: nobody answers with an old one."""
    first = asking(authority).stamp(MESSAGE)
    authority.answer = lambda _: (200, first.token)
    with pytest.raises(Unanswered, match="does not hold"):
        asking(authority).stamp(MESSAGE)


@pytest.mark.parametrize("part", ["digest", "time", "signature"])
def test_what_was_changed_in_a_stamp_is_found(authority: Authority, part: str):
    """Of what is signed; parts of the answer that nobody signs are covered where it is published."""

    def changed(query: bytes) -> tuple[int, bytes]:
        whole = bytearray(authority.reply(query))
        time = b"%d" % datetime.now(UTC).year
        places = {
            "digest": whole.find(hashlib.sha512(MESSAGE).digest()),
            "time": whole.find(time),
            "signature": -1,
        }
        whole[places[part]] ^= 1
        return 200, bytes(whole)

    authority.answer = changed
    with pytest.raises(Unanswered, match="does not hold"):
        asking(authority).stamp(MESSAGE)


@pytest.mark.parametrize(
    "answered", [(500, b""), (302, b""), (200, b""), (200, b"no stamp"), (200, b"x" * 70_000)]
)
def test_what_is_no_stamp_is_unanswered(authority: Authority, answered: tuple[int, bytes]):
    authority.answer = lambda _: answered
    with pytest.raises(Unanswered):
        asking(authority).stamp(MESSAGE)


def test_an_authority_that_is_down_is_unanswered(authority: Authority):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with pytest.raises(Unanswered, match="ConnectError"):
            Rfc3161Timestamping(url, roots_in(authority.root)).stamp(MESSAGE)


def test_an_authority_that_hangs_is_unanswered(authority: Authority):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Unanswered, match="Timeout"):
            Rfc3161Timestamping(url, roots_in(authority.root), seconds=0.3).stamp(MESSAGE)
