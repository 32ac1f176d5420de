"""A witness cosigns what continues the history it saw, and nothing else (T4)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.sealed import ORIGIN, LogKey, MemorySealedLog
from tests.stories import MONDAY
from watchlist.audit.verifier import (
    COSIGNATURE,
    EMPTY_ROOT,
    SIGNATURE,
    Broken,
    Checkpoint,
    Note,
    VerifierKey,
    stamped,
    unbase64,
)
from watchlist.audit.witness import (
    MOST_STEPS,
    Evidence,
    Refused,
    Request,
    Seen,
    WitnessKey,
    named,
    require_continued,
    require_known,
    signer_of,
    trusted_logs,
    with_cosignatures,
)

# Published by others, to the letter ---------------------------------------------------------------

NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The key and the note of the documentation of Go's note package, which the form comes from."""
NEUMANNS = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_SUM = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa"
    " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1"
    " jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
"""The example of C2SP tlog-cosignature, whose text says `time 1679315147`."""
ADD_CHECKPOINT = (
    "old 20852014\n"
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
    "\n"
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa"
    " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
"""The example of C2SP tlog-witness."""


@pytest.mark.parametrize("published", [NEUMANN, GO_SUM])
def test_keys_that_others_published_are_read_with_their_number(published):
    assert str(VerifierKey.parse(published)) == published


def test_a_note_that_others_published_holds():
    assert Note.parse(NEUMANNS.encode()).signed_by(VerifierKey.parse(NEUMANN)) is not None
    with pytest.raises(Broken, match="does not hold"):
        Note.parse(NEUMANNS.replace("know", "see").encode()).signed_by(VerifierKey.parse(NEUMANN))


def test_the_published_example_of_a_cosignature_says_its_time():
    witness = Note.parse(COSIGNED.encode()).signatures[1]
    assert (witness.name, witness.cosigned_at) == ("witness.example.com/w1", 1679315147)
    assert len(witness.value) == 8 + 64


def test_the_published_example_of_a_request_is_read_and_written_alike():
    request = Request.parse(ADD_CHECKPOINT.encode())
    assert (request.old, len(request.path), request.checkpoint.size) == (20852014, 4, 20852163)
    assert request.checkpoint.origin == "example.com/behind-the-sofa"
    assert request.body() == ADD_CHECKPOINT.encode()


def test_a_cosignature_is_over_two_lines_and_the_text():
    key = WitnessKey.made("witness.test/1")
    made = key.cosign("a\n1\nroot\n", 1679315147)
    at, signature = made.value[:8], made.value[8:]
    assert at == (1679315147).to_bytes(8, "big")
    signed = b"cosignature/v1\ntime 1679315147\na\n1\nroot\n"
    Ed25519PublicKey.from_public_bytes(key.public.public).verify(signature, signed)
    assert made.id == hashlib.sha256(b"witness.test/1\n\x04" + key.public.public).digest()[:4]
    assert key.public.holds(b"a\n1\nroot\n", made.value)


# What it decides ----------------------------------------------------------------------------------


@pytest.fixture
def log() -> MemorySealedLog:
    log = MemorySealedLog()
    log.grow("a", "b", "c")
    log.publish(MONDAY)
    return log


def trusting(log: MemorySealedLog) -> dict[str, list[VerifierKey]]:
    return {ORIGIN: [key.public for key in log.signing]}


def asked(log: MemorySealedLog, old: int) -> Request:
    latest = log.latest()
    assert latest is not None
    return Request.made(old, log.consistency(old, latest.size), latest.note.encode())


def saw(log: MemorySealedLog) -> Seen:
    latest = log.latest()
    assert latest is not None
    return Seen(latest.size, latest.root)


def refusal(decide: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        decide()
    return refused.value


def test_a_log_is_first_seen_at_any_size(log):
    require_continued(asked(log, 0), Seen())


@pytest.mark.parametrize("more", [1, 2, 5, 13, 61, 300])
def test_what_continues_is_cosigned_at_every_size(log, more):
    for _ in range(4):
        before = saw(log)
        log.grow(*(f"leaf {n}" for n in range(more)))
        log.publish(MONDAY)
        require_continued(asked(log, before.size), before)


def test_the_same_checkpoint_again_is_cosigned_again(log):
    require_continued(asked(log, 3), saw(log))


def test_whoever_asks_from_another_size_is_told_which_was_seen(log):
    before = saw(log)
    log.grow("d")
    log.publish(MONDAY)
    told = refusal(lambda: require_continued(asked(log, 2), before))
    assert (told.status, told.says, told.evidence) == (409, "3", None)
    assert refusal(lambda: require_continued(asked(log, 0), before)).says == "3"


def test_a_history_that_was_rewritten_and_signed_again_is_refused(log):
    before = saw(log)
    log.rewrite(1, "another b")
    log.grow("d", "e")
    log.publish(MONDAY)
    told = refusal(lambda: require_continued(asked(log, 3), before))
    assert (told.status, told.evidence) == (422, Evidence.CONTRADICTION)
    assert asked(log, 3).note.signed_by(log.signing[0].public), "though its own key signed it"


def test_another_tree_of_the_same_size_is_refused(log):
    before = saw(log)
    log.rewrite(2, "another c")
    told = refusal(lambda: require_continued(asked(log, 3), before))
    assert (told.status, told.says, told.evidence) == (409, "3", Evidence.CONTRADICTION)
    from_elsewhere = refusal(lambda: require_continued(asked(log, 0), before))
    assert from_elsewhere.evidence is Evidence.CONTRADICTION, (
        "two notes prove it, whatever is asked with them"
    )


def test_what_anybody_can_write_around_a_true_note_is_not_evidence(log):
    """The note that was cosigned is nobody's secret, and neither is the next one before the log brings it."""
    before, note = saw(log), log.latest().note.encode()
    step = b"s" * 32
    told = refusal(lambda: require_continued(Request.made(3, (step,), note), before))
    assert (told.status, told.evidence) == (400, None)
    log.grow("d", "e", "f", "g")
    log.publish(MONDAY)
    path, note = log.consistency(3, 7), log.latest().note.encode()
    for wrong in ((), path[:-1], (*path, step), (step,) * MOST_STEPS):
        told = refusal(lambda wrong=wrong: require_continued(Request.made(3, wrong, note), before))
        assert (told.status, told.evidence) == (400, None)
    for at in range(len(path)):
        wrong = (*path[:at], step, *path[at + 1 :])
        told = refusal(lambda wrong=wrong: require_continued(Request.made(3, wrong, note), before))
        assert (told.status, told.evidence) == (422, Evidence.DOUBT)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_from_a_whole_tree_another_history_is_only_doubted(size):
    """Its proof has not the root that was seen, so it cannot show another one."""
    log = MemorySealedLog()
    log.grow(*(f"leaf {n}" for n in range(size)))
    log.publish(MONDAY)
    before = saw(log)
    log.rewrite(0, "another leaf")
    log.grow("more")
    log.publish(MONDAY)
    told = refusal(lambda: require_continued(asked(log, size), before))
    assert (told.status, told.evidence) == (422, Evidence.DOUBT)


def test_a_log_that_went_back_is_refused(log):
    before = saw(log)
    log.leaves = log.leaves[:2]
    log.checkpoints = {}
    log.publish(MONDAY)
    told = refusal(lambda: require_continued(asked(log, 2), before))
    assert (told.status, told.says) == (409, "3")


def test_a_proof_from_nothing_is_empty(log):
    request = Request.made(0, (b"x" * 32,), log.latest().note.encode())
    assert refusal(lambda: require_continued(request, Seen())).status == 400


def test_an_empty_tree_has_the_root_of_one():
    log = MemorySealedLog()
    log.publish(MONDAY)
    require_continued(asked(log, 0), Seen())
    text = Checkpoint(ORIGIN, 0, b"\0" * 32).text()
    note = str(Note(text, (log.signing[0].sign(text),))).encode()
    assert refusal(lambda: require_continued(Request.made(0, (), note), Seen())).status == 409
    assert EMPTY_ROOT.hex().startswith("e3b0c442")


def test_a_log_that_is_not_known_is_not_cosigned(log):
    assert refusal(lambda: require_known(asked(log, 0), {})).status == 404


def test_a_checkpoint_that_no_known_key_signed_is_not_cosigned(log):
    assert refusal(lambda: require_known(asked(log, 0), {ORIGIN: [LogKey().public]})).status == 403


def test_a_signature_that_does_not_hold_is_none(log):
    text = Checkpoint(ORIGIN, 3, b"\0" * 32).text()
    note = str(Note(text, asked(log, 0).note.signatures)).encode()
    assert refusal(lambda: require_known(Request.made(0, (), note), trusting(log))).status == 403


def test_signatures_of_others_are_ignored(log):
    log.signing.insert(0, LogKey("somebody.test"))
    log.publish(MONDAY)
    assert require_known(asked(log, 0), {ORIGIN: [log.signing[1].public]}) == ORIGIN


def test_while_the_log_rotates_either_key_is_enough(log):
    old = log.signing[0]
    log.signing.append(LogKey())
    log.publish(MONDAY)
    assert require_known(asked(log, 0), {ORIGIN: [old.public]}) == ORIGIN
    assert require_known(asked(log, 0), {ORIGIN: [log.signing[1].public]}) == ORIGIN


def test_nothing_is_proven_from_a_larger_tree(log):
    assert refusal(lambda: require_known(asked(log, 4), trusting(log))).status == 400


# How it is asked ----------------------------------------------------------------------------------

NOTE = COSIGNED.encode()
STEP = base64.b64encode(b"s" * 32)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 1\n",
        NOTE,
        b"old -1\n\n" + NOTE,
        b"old 01\n\n" + NOTE,
        b"old  1\n\n" + NOTE,
        b"old \xc2\xb2\n\n" + NOTE,
        b"old " + b"9" * 5000 + b"\n\n" + NOTE,
        b"new 1\n\n" + NOTE,
        b"old 1\r\n\n" + NOTE,
        b"old 1\n" + STEP[:-4] + b"\n\n" + NOTE,
        b"old 1\n" + STEP[:-1] + b"\n\n" + NOTE,
        b"old 1\n" + (STEP + b"\n") * (MOST_STEPS + 1) + b"\n" + NOTE,
        b"old 1\n\n" + NOTE[:-1],
        b"old 1\n\n" + NOTE.replace(b"20852163", b"020852163"),
        b"old 1\n\n" + NOTE.replace(b"20852163", b"9" * 5000),
        b"old 1\n\n" + NOTE.replace(b"CsUY", b"****"),
        b"old 1\n\n\xff" + NOTE,
        b"old 1\n\nno checkpoint\n\n" + NOTE.partition(b"\n\n")[2],
    ],
)
def test_a_request_that_is_not_written_as_the_protocol_says_is_broken(body):
    with pytest.raises(Broken):
        Request.parse(body)


def test_the_longest_proof_is_read():
    body = b"old 1\n" + (STEP + b"\n") * MOST_STEPS + b"\n" + NOTE
    assert len(Request.parse(body).path) == MOST_STEPS


# Its key ------------------------------------------------------------------------------------------


def test_a_key_is_written_on_a_line_and_read_again():
    key = WitnessKey.made("witness.test/1")
    assert WitnessKey.parse(key.written()) == key
    assert key.public.kind == COSIGNATURE
    assert "PRIVATE" not in repr(key)
    assert repr(key) == "WitnessKey(name='witness.test/1')"


def test_what_was_changed_in_a_key_is_no_key():
    written = WitnessKey.made("witness.test/1").written()
    for changed in (written[:-1], written.replace("/1+", "/2+"), "x" + written, written.upper(), ""):
        with pytest.raises(Broken):
            WitnessKey.parse(changed)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_has_no_blank_and_no_plus(name):
    with pytest.raises(Broken):
        WitnessKey.made(name)


def test_a_witness_is_no_log():
    with pytest.raises(Broken):
        trusted_logs([WitnessKey.made("witness.test/1").public])
    keys = [LogKey().public, LogKey().public]
    assert trusted_logs(keys) == {ORIGIN: keys}
    assert keys[0].kind == SIGNATURE


# The note that is published -----------------------------------------------------------------------


def test_cosignatures_stand_behind_those_of_the_log_each_once_and_by_name(log):
    signed = log.latest().note
    lines = [
        WitnessKey.made(f"w.test/{n}").cosign(Note.parse(signed.encode()).text, 5).line() for n in (2, 1)
    ]
    whole = with_cosignatures(signed, [*lines, lines[0]])
    assert whole == signed + lines[1] + lines[0]
    assert with_cosignatures(whole, lines) == whole
    assert [signature.name for signature in Note.parse(whole.encode()).signatures] == [
        ORIGIN,
        "w.test/1",
        "w.test/2",
    ]


def test_a_stamp_is_over_what_the_log_signed_whoever_cosigned_since(log):
    signed, key = log.latest().note, WitnessKey.made("w.test/1")
    whole = with_cosignatures(signed, [key.cosign(Note.parse(signed.encode()).text, 5).line()])
    assert stamped(Note.parse(whole.encode()), [key.public for key in log.signing]) == signed.encode()


def test_a_line_says_whose_it_is():
    key = WitnessKey.made("w.test/1")
    assert signer_of(key.cosign("text\n", 5).line()) == named(key.public) == f"w.test/1+{key.public.id.hex()}"
    assert unbase64(STEP.decode()) == b"s" * 32
