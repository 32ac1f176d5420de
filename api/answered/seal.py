"""What is answered of the sealed log: checkpoints of it and proofs (T4). Hashes are in hexadecimal."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.answered.common import Page
from api.fields import Answered, Position

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["ab" * 32])]
Size = Annotated[int, Field(ge=0, examples=[1280], description="of a tree: how many leaves it has")]
Note = Annotated[
    str,
    Field(
        examples=["watchlist.invalid/0f8c...\n1280\nq83v...=\n\n— watchlist.invalid/0f8c... Mk0vAQ...=\n"],
        description="the signed note (C2SP tlog-checkpoint), with the cosignatures that have come",
    ),
]
Key = Annotated[str, Field(examples=["watchlist.invalid/0f8c...+3b7a91c2+AaX1...="])]


class CheckpointItem(Answered):
    tree_size: Size
    root: Hash
    at: datetime = Field(description="when it was published")
    position: Position = Field(description="of the last event that it covers; 0: none")
    note: Note


class CheckpointView(CheckpointItem):
    origin: str = Field(description="what the log is named", examples=["watchlist.invalid/0f8c..."])
    keys: list[Key] = Field(
        description="the public keys that ever signed, the oldest first; compare them with those that you keep"
    )


class CheckpointPage(Page):
    items: list[CheckpointItem]


class InclusionProof(Answered):
    """That an event is in the tree: the path leads from the leaf's hash to the root of the checkpoint (RFC 9162)."""

    position: Position
    leaf_index: int = Field(ge=0, description="its place among the leaves; positions have gaps", examples=[7])
    tree_size: Size
    leaf: str = Field(description="the exact bytes that are hashed: the event's line of GET /v1/audit/events")
    leaf_hash: Hash = Field(description="SHA-256 of a zero byte and the leaf")
    path: list[Hash]
    checkpoint: Note | None = Field(description="null: no checkpoint of that very size was published")


class ConsistencyProof(Answered):
    """That the larger tree begins with the smaller one (RFC 9162)."""

    from_: Size = Field(alias="from")
    to: Size
    path: list[Hash]


class SealKeys(Answered):
    origin: str | None = Field(
        description="null: nothing was sealed yet", examples=["watchlist.invalid/0f8c..."]
    )
    keys: list[Key] = Field(description="as notes name them, the oldest first")
