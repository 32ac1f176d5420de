"""Time stamps in a bundle, made by a real authority: over the log's own signatures, and of an authority one trusts."""

import pytest
from rfc3161_client import TimestampRequestBuilder

from tests.audit.logbook import BEGINNING, Logbook, some_leaves
from tests.authority import Authority, made_in
from watchlist.audit.verifier import Known, Note, stamped, verify
from watchlist.ports.seal import Stamp


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return made_in(tmp_path_factory.mktemp("authority"))


def a_stamp(authority: Authority, size: int, message: bytes) -> Stamp:
    request = TimestampRequestBuilder().data(message).build()
    return Stamp(size, BEGINNING, "authority", authority.reply(request.as_bytes()))


@pytest.fixture
def log():
    return Logbook(some_leaves(20), [7, 20])


def over(log: Logbook, number: int) -> bytes:
    return stamped(Note.parse(log.notes[number].note.encode()), log.signer.keys)


def found(log, path, authority):
    log.export(path)
    report = verify(path, Known(authorities=authority.root))
    assert not any("stamps" in one for one in report.not_checked)
    return [(one.what, one.file, one.detail.partition(":")[0]) for one in report.findings]


def test_a_stamp_of_a_trusted_authority_holds(log, tmp_path, authority):
    log.kept_stamps = [a_stamp(authority, 7, over(log, 0)), a_stamp(authority, 20, over(log, 1))]
    assert found(log, tmp_path / "bundle.tar", authority) == []


def test_a_stamp_of_another_text_does_not(log, tmp_path, authority):
    """Of the note with a witness's line too: nobody could tell later which of them were there."""
    whole = log.notes[0].note.encode()
    log.kept_stamps = [a_stamp(authority, 7, over(log, 1)), a_stamp(authority, 7, whole)]
    assert found(log, tmp_path / "bundle", authority) == [
        ("unproven", "stamps/7-1.tsr", "the time stamp does not hold"),
        ("unproven", "stamps/7-2.tsr", "the time stamp does not hold"),
    ]


def test_a_stamp_of_another_authority_or_of_no_checkpoint_does_not(log, tmp_path, authority):
    other = made_in(tmp_path / "other")
    log.kept_stamps = [
        a_stamp(other, 7, over(log, 0)),
        a_stamp(authority, 8, over(log, 0)),
        Stamp(20, BEGINNING, "authority", b"no token"),
    ]
    assert [one[:2] for one in found(log, tmp_path / "bundle", authority)] == [
        ("unproven", "stamps/20-1.tsr"),
        ("unproven", "stamps/7-1.tsr"),
        ("unproven", "stamps/8-1.tsr"),
    ]
