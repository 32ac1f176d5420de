"""Seal keys are read in two forms, sign notes as they are published, and never show themselves."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from watchlist.audit.signer import NotASealKey, Signer, seeds_in
from watchlist.audit.verifier import Checkpoint, Note, VerifierKey

OLD, NEW = b"o" * 32, b"n" * 32
ROOT = bytes(range(32))


def pem(seed: bytes) -> str:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def in_base64(*seeds: bytes) -> str:
    return "".join(base64.b64encode(seed).decode() + "\n" for seed in seeds)


def test_keys_are_read_from_base64_and_from_pem_the_newest_first() -> None:
    assert seeds_in(in_base64(NEW, OLD)) == seeds_in(pem(NEW) + pem(OLD)) == (NEW, OLD)


@pytest.mark.parametrize(
    "text",
    ["", "no", in_base64(b"short"), in_base64(OLD, OLD), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
     generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()],
)  # fmt: skip
def test_what_is_no_seal_key_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(NotASealKey) as refused:
        seeds_in(text)
    assert str(refused.value) == ""


def test_whoever_trusts_the_old_key_follows_to_the_new_one() -> None:
    old, both, new = (Signer("log.example/a", seeds) for seeds in ((OLD,), (NEW, OLD), (NEW,)))
    note = Note.parse(str(both.note(7, ROOT)).encode())
    assert Checkpoint.parse(note.text) == Checkpoint("log.example/a", 7, ROOT)
    assert all(note.signed_by(VerifierKey.parse(str(key))) for key in [*old.keys, *new.keys])
    assert old.signed(note)
    assert new.signed(note)
    assert not new.signed(old.note(7, ROOT))
    assert not Signer("log.example/b", (OLD,)).signed(note)


def test_a_signature_that_does_not_hold_is_none() -> None:
    signer = Signer("log.example/a", (OLD,))
    note = signer.note(7, ROOT)
    assert not signer.signed(Note(note.text.replace("7", "8"), note.signatures))


def test_a_signer_shows_nothing_of_its_keys() -> None:
    assert repr(Signer("log.example/a", (OLD,))) == "Signer(log.example/a, 1 keys, sealed)"
