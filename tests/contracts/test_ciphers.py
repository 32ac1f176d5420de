"""What every Cipher keeps: a value opens only as what it was sealed as, and a change to it is told."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.adapters import ciphers
from watchlist.adapters.ciphers import Tampered, new_key, unwrap, wrap
from watchlist.domain.commitment import NONCE_BYTES, Sealed, commitment_to, proves

OWNER, REF = uuid4(), uuid4()
KEY = new_key()
VALUE = "né Lefèvre".encode()


@pytest.fixture(params=[ciphers], ids=["AES-GCM"])
def cipher(request):
    return request.param


def flipped(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


@given(st.binary(max_size=500))
def test_what_was_sealed_opens(value):
    sealed, ciphertext = ciphers.seal(KEY, OWNER, "note", REF, value)
    assert ciphers.open_sealed(KEY, OWNER, "note", sealed, ciphertext) == value
    assert sealed.ref == REF


def test_the_same_value_is_never_sealed_alike(cipher):
    (one, first), (other, second) = (cipher.seal(KEY, OWNER, "note", REF, VALUE) for _ in range(2))
    assert one.commitment != other.commitment
    assert first != second
    assert VALUE not in first


def test_a_value_is_bound_to_its_owner_its_field_and_its_key(cipher):
    sealed, ciphertext = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    for key, owner, field in (
        (KEY, uuid4(), "note"),
        (KEY, OWNER, "summary"),
        (KEY, OWNER, ""),
        (new_key(), OWNER, "note"),
    ):
        with pytest.raises(Tampered):
            cipher.open_sealed(key, owner, field, sealed, ciphertext)


def test_a_flipped_bit_anywhere_is_told(cipher):
    sealed, ciphertext = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    for at in range(len(ciphertext)):
        with pytest.raises(Tampered):
            cipher.open_sealed(KEY, OWNER, "note", sealed, flipped(ciphertext, at))


@pytest.mark.parametrize("length", [0, 5, 12, 20, 40])
def test_a_shortened_ciphertext_is_told(cipher, length):
    sealed, ciphertext = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    with pytest.raises(Tampered):
        cipher.open_sealed(KEY, OWNER, "note", sealed, ciphertext[:length])


def test_a_value_of_the_same_owner_and_field_is_not_taken_for_another(cipher):
    first, _ = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    _, second = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    with pytest.raises(Tampered, match="not the one"):
        cipher.open_sealed(KEY, OWNER, "note", first, second)


def test_a_flipped_commitment_is_told(cipher):
    sealed, ciphertext = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    with pytest.raises(Tampered):
        cipher.open_sealed(KEY, OWNER, "note", Sealed(REF, flipped(sealed.commitment, 0)), ciphertext)


def test_a_refusal_to_open_shows_nothing(cipher):
    sealed, ciphertext = cipher.seal(KEY, OWNER, "note", REF, VALUE)
    with pytest.raises(Tampered) as told:
        cipher.open_sealed(KEY, uuid4(), "note", sealed, ciphertext)
    assert "Lef" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_commitment_proves_its_value_and_no_other():
    nonce = bytes(NONCE_BYTES)
    sealed = Sealed(REF, commitment_to(VALUE, nonce))
    assert proves(sealed, VALUE, nonce)
    assert not proves(sealed, VALUE + b"s", nonce)
    assert not proves(sealed, VALUE, b"1" * NONCE_BYTES)


def test_a_wrapped_key_opens_under_its_master_and_for_its_purpose_only():
    master, key = new_key(), new_key()
    wrapped = wrap(master, key, b"purpose")
    assert unwrap(master, wrapped, b"purpose") == key
    for other, purpose in ((new_key(), b"purpose"), (master, b"another")):
        with pytest.raises(Tampered):
            unwrap(other, wrapped, purpose)
    for at in range(len(wrapped)):
        with pytest.raises(Tampered):
            unwrap(master, flipped(wrapped, at), b"purpose")
