"""The master key that is kept in the data folder, when no other place is configured."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from watchlist.adapters.ciphers import new_key

FILE = "master.key"


class MasterKeyMissing(Exception):
    """The database holds keys wrapped by a master key that is not here; one is never made again silently."""


def master_key(folder: Path, database_has_keys: bool) -> str:
    """The key in base64: read from the folder, or made there for a database that has no keys yet."""
    path = folder / FILE
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        if database_has_keys:
            raise MasterKeyMissing(
                f"{path} is missing and the database holds keys: restore it, or set WATCHLIST_MASTER_KEY_FILE"
            ) from None
    return _make(path)


def _make(path: Path) -> str:
    """Written whole or not at all; a second process that makes one at the same time reads the first's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    text = base64.b64encode(new_key()).decode()
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        text = path.read_text("ascii").strip()
    finally:
        draft.unlink()
    return text
