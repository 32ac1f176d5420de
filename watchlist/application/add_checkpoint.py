"""Cosign a checkpoint, once it continues what this witness saw of its log (C2SP tlog-witness, `add-checkpoint`)."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from watchlist.audit.verifier import Broken, Checkpoint, Note, Signature
from watchlist.audit.witness import (
    Evidence,
    Refused,
    Request,
    Seen,
    Trusted,
    WitnessKey,
    require_continued,
    require_known,
    with_cosignatures,
)
from watchlist.ports.clock import Clock
from watchlist.ports.witness import WitnessMemory

log = logging.getLogger("watchlist.witness")


@dataclass(slots=True)
class Witnessing:
    """One witness at work, for all who ask it in this process."""

    key: WitnessKey
    logs: Trusted
    memory: WitnessMemory
    clock: Clock
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def add(self, body: bytes) -> str:
        """The line that cosigns, or Refused. Between what was seen and what is kept nobody else is let in."""
        try:
            request = Request.parse(body)
        except Broken as broken:
            raise Refused(400, str(broken)) from None
        origin = require_known(request, self.logs)
        with self._one_at_a_time:
            try:
                require_continued(request, self.seen(origin))
            except Refused as refused:
                self._remember(refused, origin, request, body)
                raise
            return self._cosigned(origin, request).line()

    def seen(self, origin: str) -> Seen:
        last = self.memory.last(origin)
        if last is None:
            return Seen()
        checkpoint = Checkpoint.parse(Note.parse(last.encode()).text)
        return Seen(checkpoint.size, checkpoint.root)

    def _cosigned(self, origin: str, request: Request) -> Signature:
        """Kept with the signatures of the log's that are trusted, and no others: what anybody adds is not published."""
        text = request.note.text
        signature = self.key.cosign(text, int(self.clock.now().timestamp()))
        keys = {(key.name, key.id) for key in self.logs[origin]}
        own = tuple(one for one in request.note.signatures if (one.name, one.id) in keys)
        self.memory.keep(origin, with_cosignatures(str(Note(text, own)), [signature.line()]))
        return signature

    def _remember(self, refused: Refused, origin: str, request: Request, body: bytes) -> None:
        text, size = request.note.text, request.checkpoint.size
        if refused.evidence is Evidence.CONTRADICTION:
            log.error("a checkpoint of %d leaves contradicts the one that was cosigned: both are kept", size)
            self.memory.keep_contradiction(origin, text, body)
        elif refused.evidence is Evidence.DOUBT:
            log.warning(
                "a checkpoint of %d leaves came with a proof that does not hold: kept as it came", size
            )
            self.memory.keep_doubted(origin, text, body)
