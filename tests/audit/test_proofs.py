"""Trees, proofs and notes, against the definitions of RFC 9162 and of C2SP, and against whoever bends them."""

import base64
import hashlib

import pytest

from tests.audit.logbook import ORIGIN, WITNESS, Key, mth, path_of, proof_between
from watchlist.audit.verifier import (
    COSIGNATURE,
    EMPTY_ROOT,
    SIGNATURE,
    Broken,
    Checkpoint,
    Note,
    Peaks,
    Signature,
    VerifierKey,
    leaf_hash,
    node_hash,
    require_consistent,
    root_by_inclusion,
    root_of,
    unbase64,
)

SIZES = range(1, 34)
HASHES = [leaf_hash(bytes([number])) for number in range(40)]
LOG = Key(1)


def test_hashes_are_those_that_everybody_computes():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )
    assert Peaks().root() == EMPTY_ROOT == root_of([])


@pytest.mark.parametrize("size", SIZES)
def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_its_definition(size):
    peaks = Peaks()
    for leaf in HASHES[:size]:
        peaks.add(leaf)
    assert (peaks.size, peaks.root()) == (size, mth(HASHES[:size]))
    assert root_of(HASHES[:size]) == mth(HASHES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_an_inclusion_proof_leads_to_the_root_and_no_other_does(size):
    root = mth(HASHES[:size])
    for index in range(size):
        path = path_of(index, HASHES[:size])
        assert root_by_inclusion(HASHES[index], index, size, path) == root
        with pytest.raises(Broken, match="too long"):
            root_by_inclusion(HASHES[index], index, size, [*path, root])
        if path:
            with pytest.raises(Broken, match="too short"):
                root_by_inclusion(HASHES[index], index, size, path[:-1])
            assert root_by_inclusion(HASHES[index], index, size, [HASHES[-1], *path[1:]]) != root
    for index in (-1, size, size + 1):
        with pytest.raises(Broken, match=f"leaf {index} is not in a tree of {size}"):
            root_by_inclusion(HASHES[0], index, size, [])


@pytest.mark.parametrize("new", SIZES)
def test_a_consistency_proof_holds_for_its_two_trees_alone(new):
    root = mth(HASHES[:new])
    for old in range(1, new):
        path, old_root = proof_between(old, HASHES[:new]), mth(HASHES[:old])
        require_consistent(old, old_root, new, root, path)
        for broken in (
            [*path, root],
            path[:-1],
            [HASHES[-1], *path[1:]],
            [*path[:-1], HASHES[-1]],
            [],
        ):
            with pytest.raises(Broken):
                require_consistent(old, old_root, new, root, broken)
        for other in ((HASHES[-1], root), (old_root, HASHES[-1])):
            with pytest.raises(Broken):
                require_consistent(old, other[0], new, other[1], path)
        with pytest.raises(Broken, match="wrong order"):
            require_consistent(new, root, old, old_root, path)
    require_consistent(new, root, new, root, [])
    require_consistent(0, EMPTY_ROOT, new, root, [])
    for old, old_root, proof in (
        (new, HASHES[-1], []),
        (new, root, [root]),
        (0, root, []),
        (0, EMPTY_ROOT, [root]),
        (-1, root, []),
    ):
        with pytest.raises(Broken):
            require_consistent(old, old_root, new, root, proof)


def test_what_is_wrong_with_a_proof_is_said():
    path, old, new = proof_between(3, HASHES[:7]), mth(HASHES[:3]), mth(HASHES[:7])
    said = [
        (path[:-1], "the trees of 3 and 7 leaves are not one history"),
        ([*path, new], "the proof between the trees of 3 and 7 leaves is too long"),
        ([], "the proof between the trees of 3 and 7 leaves is too short"),
    ]
    for proof, words in said:
        with pytest.raises(Broken, match=words):
            require_consistent(3, old, 7, new, proof)
    with pytest.raises(Broken, match="the trees of 7 and 7 leaves differ"):
        require_consistent(7, old, 7, new, [])


# Notes ----------------------------------------------------------------------------------------


def test_base64_is_read_as_it_is_written_alone():
    assert unbase64("AAE=") == b"\x00\x01"
    for odd in ("AAE", "AAF=", "AA E=", "AAE=\n", "AAE==", "é", "A"):
        with pytest.raises(Broken):
            unbase64(odd)


def test_a_key_has_the_number_that_c2sp_gives_it():
    """The example of C2SP signed-note."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = VerifierKey.parse(text)
    assert (key.name, key.kind, key.id.hex()) == ("PeterNeumann", SIGNATURE, "c74f20a3")
    assert str(key) == text
    assert key.numbered == "PeterNeumann+c74f20a3"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    note = Note.parse(
        (
            "If you think cryptography is the answer to your problem,\n"
            f"then you don't know what your problem is.\n\n— PeterNeumann {signature}\n"
        ).encode()
    )
    assert note.signed_by(key) == note.signatures[0]
    assert str(note).endswith("RyyBwJnAM=\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        f"{LOG.public.name}+00000000+{str(LOG.public).rpartition('+')[2]}",
        f"+{LOG.public.id.hex()}+{str(LOG.public).rpartition('+')[2]}",
        f"other+{LOG.public.id.hex()}+{str(LOG.public).rpartition('+')[2]}",
        str(VerifierKey(ORIGIN, 2, LOG.public.public)),
        str(VerifierKey(ORIGIN, SIGNATURE, LOG.public.public[:31])),
        str(VerifierKey(ORIGIN, SIGNATURE, LOG.public.public + b"0")),
    ],
)
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(Broken):
        VerifierKey.parse(text)


def test_a_signature_holds_for_its_text_and_its_key_alone():
    text = f"{ORIGIN}\n1\n"
    signed = LOG.sign(text)
    assert LOG.public.holds(text.encode(), signed.value)
    assert not LOG.public.holds(text.encode() + b"x", signed.value)
    assert not LOG.public.holds(text.encode(), signed.value[:-1])
    assert not Key(2).public.holds(text.encode(), signed.value)


def test_a_witness_signs_the_time_with_the_text():
    """C2SP tlog-cosignature: `cosignature/v1`, `time`, and the note."""
    text = f"{ORIGIN}\n1\n"
    line = WITNESS.cosign(text, 1_772_355_600)
    assert line.cosigned_at == 1_772_355_600
    assert len(line.value) == 72
    assert WITNESS.public.kind == COSIGNATURE
    assert WITNESS.public.holds(text.encode(), line.value)
    later = Signature(line.name, line.id, (1_772_355_601).to_bytes(8, "big") + line.value[8:])
    assert not WITNESS.public.holds(text.encode(), later.value)
    for value in (line.value[:-1], line.value + b"0", line.value[8:], b""):
        assert not WITNESS.public.holds(text.encode(), value)


def test_a_note_finds_the_signature_of_a_key_or_none():
    text = f"{ORIGIN}\n1\n"
    note = Note(text, (Key(3).sign(text), LOG.sign(text)))
    assert Note.parse(str(note).encode()) == note
    assert note.signed_by(LOG.public) == note.signatures[1]
    assert note.signed_by(Key(4).public) is None
    forged = Note("other\n", note.signatures)
    with pytest.raises(Broken, match=f"the signature of {ORIGIN} does not hold"):
        forged.signed_by(LOG.public)
    # a key of the same name, or of the same number, is another
    named = Note(text, (Signature("other", LOG.public.id, b"1" * 64), Signature(ORIGIN, b"1234", b"1" * 64)))
    assert named.signed_by(LOG.public) is None


GOOD = "— name " + base64.b64encode(b"12345678").decode()


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"\xff\n\n" + GOOD.encode() + b"\n",
        b"text\n" + GOOD.encode() + b"\n",
        b"text\n\n" + GOOD.encode(),
        b"text\n\n",
        f"text\n\n- name {GOOD[7:]}\n".encode(),
        f"text\n\n—  {GOOD[7:]}\n".encode(),
        f"text\n\n— na+me {GOOD[7:]}\n".encode(),
        "text\n\n— name MTIzNA==\n".encode(),
        "text\n\n— name\n".encode(),
    ],
)
def test_what_is_no_note_is_refused(written):
    with pytest.raises(Broken):
        Note.parse(written)


def test_the_shortest_note_is_one():
    assert Note.parse(f"text\n\n{GOOD}\n".encode()) == Note("text\n", (Signature("name", b"1234", b"5678"),))
    assert Note.parse("text\n\n— name MTIzNDU=\n".encode()).signatures[0].value == b"5"


def test_a_checkpoint_is_read_as_it_is_written_alone():
    root = hashlib.sha256(b"x").digest()
    made = Checkpoint(ORIGIN, 7, root, ("more", "and more"))
    assert Checkpoint.parse(made.text()) == made
    assert Checkpoint.parse(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text()).size == 0
    encoded = base64.b64encode(root).decode()
    for odd in (
        f"{ORIGIN}\n7\n",
        f"\n7\n{encoded}\n",
        f"{ORIGIN}\n07\n{encoded}\n",
        f"{ORIGIN}\n-7\n{encoded}\n",
        f"{ORIGIN}\n٧\n{encoded}\n",
        f"{ORIGIN}\n{'7' * 5000}\n{encoded}\n",
        f"{ORIGIN}\n²\n{encoded}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(root[:31]).decode()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(root + b'0').decode()}\n",
        f"{ORIGIN}\n7\n{encoded}",
    ):
        with pytest.raises(Broken):
            Checkpoint.parse(odd)
