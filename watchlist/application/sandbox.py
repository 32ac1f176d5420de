"""Screen in the sandbox: read, asked and answered as everything is, of test identifiers (domain/sandbox.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from watchlist.application.screen import Screening
from watchlist.domain import sandbox
from watchlist.domain.identifiers import Identifier
from watchlist.domain.refusals import Busy
from watchlist.domain.tokens import Named, Token, Tokenizer
from watchlist.domain.trace import Access, Hit
from watchlist.ports.clock import Clock
from watchlist.ports.keys import Lookups
from watchlist.ports.screening import Found


def sandbox_screening(lookups: Lookups, clock: Clock) -> Screening:
    return Screening(lookups, SandboxIndex(lookups, clock), NoTraces())


class SandboxIndex:
    """Keeps the port ListIndex, and knows nobody."""

    def __init__(self, lookups: Lookups, clock: Clock) -> None:
        self._lookups, self._clock = lookups, clock

    async def find(self, digests: Sequence[bytes], organisation: str) -> Found:
        tokenizer = self._lookups.now.asked
        asked = frozenset(digests)
        if not asked.isdisjoint(_of(tokenizer, sandbox.FAILS, sandbox.PERSON_FAILS)):
            raise Busy()
        hits = _of(tokenizer, sandbox.HITS, sandbox.PERSON_HITS)
        tokens = {digest: [token] for digest, token in hits.items() if digest in asked}
        return Found(tokens, self._clock.now(), 0, tokenizer.generation)


class NoTraces:
    """Keeps the port Traces: nobody was asked about, and nobody disclosed."""

    async def write(self, access: Access) -> None: ...

    async def write_hits(self, access: Access, hits: Sequence[Hit]) -> frozenset[tuple[str, UUID]]:
        return frozenset((hit.key, hit.inscription_id) for hit in hits)


def _of(
    tokenizer: Tokenizer, identifiers: Sequence[Identifier], person: sandbox.Person
) -> Mapping[bytes, Token]:
    """Under what an entry of theirs would answer."""
    named = tokenizer.question((), Named.of(*person))
    given = b"".join(sorted(named.given))
    exact = {digest: None for one in identifiers for digest in [tokenizer.of_identifier(one)]}
    under: dict[bytes, bytes | None] = {**exact, **dict.fromkeys(named.names, given)}
    return {digest: Token(digest, known, entry=sandbox.ENTRY) for digest, known in under.items()}
