"""A sealed log in memory over the real log: every event a leaf, sealed when that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.routers.audit import lines
from watchlist.adapters.postgres.pictures import Pictures
from watchlist.application.compile_dossier import Proving
from watchlist.audit import verifier
from watchlist.audit.verifier import SIGNATURE, Checkpoint, Note, Signature, VerifierKey
from watchlist.bootstrap import House
from watchlist.ports.seal import Inclusion, Published, Stamp

ORIGIN = "log.example/watchlist"


class SealedInMemory:
    """Keeps the port SealedLog."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._private = Ed25519PrivateKey.generate()
        self.key = VerifierKey(ORIGIN, SIGNATURE, self._private.public_key().public_bytes_raw())
        self._leaves: list[bytes] = []
        self._positions: dict[int, int] = {}
        self._published: list[Published] = []

    def seal(self) -> None:
        """Everything that was recorded by now, and one checkpoint over it."""
        last = max(self._positions, default=0)
        found = b"".join(lines(self._pictures, last, self._pictures.position(), None)).splitlines()
        for line in found:
            self._positions[int(line.partition(b",")[0].rpartition(b":")[2])] = len(self._leaves)
            self._leaves.append(line)
        if found:
            self._publish()

    def _publish(self) -> None:
        root = verifier.root_of(map(verifier.leaf_hash, self._leaves))
        text = Checkpoint(ORIGIN, len(self._leaves), root).text()
        note = Note(text, (Signature(ORIGIN, self.key.id, self._private.sign(text.encode())),))
        at = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
        position = max(self._positions)
        self._published.append(Published(len(self._leaves), root, at, position, str(note)))

    def latest(self) -> Published | None:
        return self._published[-1] if self._published else None

    def published(self, after: int = 0, limit: int = 1000) -> list[Published]:
        return [one for one in self._published if one.size > after][:limit]

    def inclusion(self, position: int, size: int | None = None) -> Inclusion | None:
        latest = self.latest()
        size = size or (latest.size if latest else 0)
        index = self._positions.get(position)
        if index is None or index >= size:
            return None
        hashes = [verifier.leaf_hash(leaf) for leaf in self._leaves[:size]]
        return Inclusion(index, size, self._leaves[index], tuple(_path(index, hashes)))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        raise NotImplementedError

    def stamps(self, after: int = 0, limit: int = 1000) -> list[Stamp]:
        return []

    def keys(self) -> Sequence[str]:
        return [str(self.key)]


def _path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1, as it is written there."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*_path(index, hashes[:split]), verifier.root_of(hashes[split:])]
    return [*_path(index - split, hashes[split:]), verifier.root_of(hashes[:split])]


def seal(house: House) -> SealedInMemory:
    """Let that house prove its log from now on."""
    sealed = SealedInMemory(house.pictures)
    house.proving = Proving(sealed, sealed.seal)
    return sealed


def require_included(proof: dict, checkpoint: str, key: VerifierKey) -> None:
    """Or Broken: as an auditor checks one, from the dossier alone."""
    note = Note.parse(checkpoint.encode())
    assert note.signed_by(key) is not None
    said = Checkpoint.parse(note.text)
    path = [bytes.fromhex(step) for step in proof["path"]]
    leaf = verifier.leaf_hash(proof["leaf"].encode())
    root = verifier.root_by_inclusion(leaf, proof["leaf_index"], proof["tree_size"], path)
    assert (said.size, said.root) == (proof["tree_size"], root)
