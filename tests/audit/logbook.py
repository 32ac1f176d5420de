"""A sealed log in memory, to make bundles of: whatever its leaves, and whoever signs it."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchlist.application.export_events import Exported, export_events
from watchlist.audit.tree import consistency_spans
from watchlist.audit.verifier import (
    COSIGNATURE,
    SIGNATURE,
    Checkpoint,
    Note,
    Peaks,
    Signature,
    VerifierKey,
    leaf_hash,
    node_hash,
    root_of,
)
from watchlist.ports.seal import Inclusion, Published, Stamp

ORIGIN = "watchlist.invalid/test"
BEGINNING = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Key:
    """A key of a log or of a witness, always the same for a seed."""

    def __init__(self, seed: int, name: str = ORIGIN, kind: int = SIGNATURE) -> None:
        self._secret = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = VerifierKey(name, kind, self._secret.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        return Signature(self.public.name, self.public.id, self._secret.sign(text.encode()))

    def cosign(self, text: str, at: int) -> Signature:
        signed = self._secret.sign(b"cosignature/v1\ntime %d\n" % at + text.encode())
        return Signature(self.public.name, self.public.id, at.to_bytes(8, "big") + signed)


WITNESS = Key(9, "witness.invalid", COSIGNATURE)


class Signer:
    def __init__(self, *keys: Key) -> None:
        self._keys = keys

    @property
    def keys(self) -> list[VerifierKey]:
        return [key.public for key in self._keys]

    def sign(self, text: str) -> Note:
        return Note(text, tuple(key.sign(text) for key in self._keys))


def an_event(number: int, at: datetime = BEGINNING) -> bytes:
    """A line as in GET /audit/events, with gaps between the positions."""
    recorded_at = (at + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
    row = {
        "position": 2 * number + 1,
        "recorded_at": recorded_at,
        "topic": "case:noted",
        "stream": str(UUID(int=number // 3)),
        "version": number % 3 + 1,
        "state": {"at": recorded_at, "by": str(UUID(int=7)), "note": f"{number:04}"},
    }
    return json.dumps(row, separators=(",", ":")).encode()


def a_digest(day: int) -> bytes:
    row = {
        "digest": "accesses",
        "day": str(date(2026, 3, 1) + timedelta(days=day)),
        "rows": day,
        "sha256": leaf_hash(b"%d" % day).hex(),
    }
    return json.dumps(row, separators=(",", ":")).encode()


def some_leaves(count: int) -> list[bytes]:
    return [a_digest(number // 10) if number % 10 == 9 else an_event(number) for number in range(count)]


class Logbook:
    """Leaves, and a checkpoint at each of the sizes; behind the ports SealedLog and SealedLeaves."""

    def __init__(
        self,
        leaves: Sequence[bytes],
        sizes: Sequence[int],
        signer: Signer | None = None,
        witness: Key | None = WITNESS,
    ) -> None:
        self.all = list(leaves)
        self.signer = signer or Signer(Key(1))
        self.witness = witness
        self.witnesses = [str(witness.public)] if witness else []
        self.kept_stamps: list[Stamp] = []
        self.notes = [self._publish(size) for size in sizes]

    def _publish(self, size: int) -> Published:
        root = root_of(map(leaf_hash, self.all[:size]))
        note = self.signer.sign(Checkpoint(ORIGIN, size, root).text())
        if self.witness:
            note = Note(note.text, (*note.signatures, self.witness.cosign(note.text, 1_772_355_600 + size)))
        return Published(size, root, BEGINNING + timedelta(minutes=size), 2 * size - 1, str(note))

    def latest(self) -> Published | None:
        return self.notes[-1] if self.notes else None

    def published(self, after: int = 0, limit: int = 1000) -> list[Published]:
        return [one for one in self.notes if one.size > after][:limit]

    def inclusion(self, position: int, size: int | None = None) -> Inclusion | None:
        size = size or self.notes[-1].size
        index = next(at for at, leaf in enumerate(self.all) if leaf.startswith(b'{"position":%d,' % position))
        path = tuple(path_of(index, [leaf_hash(leaf) for leaf in self.all[:size]]))
        return Inclusion(index, size, self.all[index], path)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        leaves = [leaf_hash(leaf) for leaf in self.all]
        return tuple(root_of(leaves[span.begin : span.end]) for span in consistency_spans(old, new))

    def stamps(self, after: int = 0, limit: int = 1000) -> list[Stamp]:
        return [one for one in self.kept_stamps if one.size > after][:limit]

    def keys(self) -> list[str]:
        return [str(key) for key in reversed(self.signer.keys)]

    def leaves(self, first: int, count: int) -> list[bytes]:
        return self.all[first : first + count]

    def export(self, path: Path, until: int | None = None) -> Exported:
        return export_events(self, self, self.signer, path, until=until, witnesses=self.witnesses)

    def dossier(self, *positions: int) -> dict[str, object]:
        proofs = [self.inclusion(position) for position in positions]
        return {
            "proofs": [
                {
                    "leaf": proof.leaf.decode(),
                    "leaf_index": proof.leaf_index,
                    "tree_size": proof.tree_size,
                    "path": [step.hex() for step in proof.path],
                }
                for proof in proofs
                if proof
            ],
            "checkpoint": self.notes[-1].note,
            "keys": self.keys(),
            "facts": {"listed": True, "day": "2026-03-02", "words": "présumé"},
        }


def path_of(index: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1, as it is written there."""
    if len(hashes) == 1:
        return []
    half = _half(len(hashes))
    if index < half:
        return [*path_of(index, hashes[:half]), mth(hashes[half:])]
    return [*path_of(index - half, hashes[half:]), mth(hashes[:half])]


def proof_between(old: int, hashes: list[bytes], whole: bool = True) -> list[bytes]:
    """RFC 9162, 2.1.4.1, as it is written there."""
    if old == len(hashes):
        return [] if whole else [mth(hashes)]
    half = _half(len(hashes))
    if old <= half:
        return [*proof_between(old, hashes[:half], whole), mth(hashes[half:])]
    return [*proof_between(old - half, hashes[half:], False), mth(hashes[:half])]


def mth(hashes: list[bytes]) -> bytes:
    """The root, by its definition (RFC 9162, 2.1.1)."""
    if len(hashes) == 1:
        return hashes[0]
    half = _half(len(hashes))
    return node_hash(mth(hashes[:half]), mth(hashes[half:]))


def _half(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def note_text(size: int, leaves: Sequence[bytes]) -> str:
    peaks = Peaks()
    for leaf in leaves[:size]:
        peaks.add(leaf_hash(leaf))
    return f"{ORIGIN}\n{size}\n{base64.b64encode(peaks.root()).decode()}\n"
