"""`watchlist migrate`, `doctor` and `config show`: what is configured, reachable, late."""

from __future__ import annotations

import argparse
import asyncio
import platform
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib import metadata

import psycopg
from psycopg.rows import dict_row

from watchlist.adapters import letter_press
from watchlist.adapters.postgres import migrate as migrations
from watchlist.adapters.postgres.easel_schema import look_ups_beside
from watchlist.adapters.postgres.standby import REMEDIES, Standing
from watchlist.application import cosign, stamp
from watchlist.application import operators as verbs
from watchlist.application.erasures import standing_of_erasures
from watchlist.application.tidy_keys import lost_keys, orphans
from watchlist.bootstrap import House, apply, database, open_house
from watchlist.cli.terminal import tell
from watchlist.domain.refusals import PastChanged, Refusal
from watchlist.domain.schedule import SCHEDULE
from watchlist.ports.job_runs import JobRun
from watchlist.settings import CONTACTS, Settings

LATE = timedelta(minutes=10)
"""The sweep runs every minute; what is due for longer shows that no scheduler runs."""
SECOND = "%Y-%m-%dT%H:%M:%SZ"
EVERY = 1_000_000
"""More than there are of anything that falls due."""
LIBRARIES = ("eventsourcing", "psycopg", "fastapi", "uvicorn", "apscheduler", "msgspec", "cryptography")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("migrate", help="apply the migrations that the database lacks")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=migrate)
    parser = commands.add_parser(
        "doctor", help="what is configured, reachable, late; exits 1 when something is"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=doctor)
    parser = commands.add_parser("config", help="the settings in force")
    actions = parser.add_subparsers(dest="action", required=True)
    show = actions.add_parser("show", help="with secrets masked")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=config_show)


def migrate(settings: Settings, args: argparse.Namespace) -> int:
    with database(settings) as conninfo:
        applied = migrations.migrate(conninfo)
    facts = {"applied": applied}
    if settings.keys_database_url is not None:
        facts["applied_to_key_store"] = apply(settings.keys_database_url, migrations.KEY_STORE)
    lines = [f"{what.replace('_', ' ')} {name}" for what, names in facts.items() for name in names]
    tell(facts, args.json, "\n".join(lines) or "nothing to apply")
    return 0


def config_show(settings: Settings, args: argparse.Namespace) -> int:
    shown = settings.shown()
    tell(shown, args.json, "\n".join(f"{name}={value}" for name, value in shown.items()))
    return 0


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    detail: str
    warning: bool = False
    """Nothing is broken or late, and somebody should know."""

    @property
    def mark(self) -> str:
        return "FAIL" if not self.ok else "warn" if self.warning else "ok  "


def doctor(settings: Settings, args: argparse.Namespace) -> int:
    findings = [Finding("versions", True, _versions())]
    try:
        with open_house(settings) as house:
            findings += _examined(house)
    except Exception as error:
        findings.append(Finding("database", False, _of_ours(error)))
    well = all(finding.ok for finding in findings)
    text = "\n".join(f"{f.mark} {f.what}: {f.detail}" for f in findings)
    report = {"ok": well, "settings": settings.shown(), "findings": [asdict(f) for f in findings]}
    tell(report, args.json, text)
    return 0 if well else 1


def _erasures(house: House) -> Finding:
    """P6: complete once the last backup of the key has expired; unfinished for long, something keeps failing."""
    standing = standing_of_erasures(house.desk, house.key_horizon)
    unfinished = house.pictures.unfinished_erasures(house.clock.now() - LATE)
    told = (
        f"{standing.complete} complete, {standing.awaiting} await the expiry of backups"
        f"{f' until {standing.complete_on}' if standing.complete_on else ''}"
        f"{', and that what a rebuild left is cleared' if standing.copied else ''}"
        f", journal of {house.desk.journal.length()} lines; {unfinished} unfinished for more than {LATE}"
    )
    return Finding("erasures", not unfinished, told)


def _seal(house: House) -> Finding:
    """T4: what waits for long shows that no scheduler seals, or that what was sealed has changed."""
    count, since = house.sealed_log.unsealed()
    last = house.sealed_log.latest()
    said = (
        f"{last.size} leaves, last checkpoint {last.at:%Y-%m-%dT%H:%M:%SZ}" if last else "no checkpoint yet"
    )
    changed = any(
        run.job == "seal" and run.failed_last and run.failure == PastChanged.__name__
        for run in house.job_runs.all()
    )
    if changed:
        said = f"{said}; {PastChanged.english} `watchlist seal --check` compares"
    late = since is not None and house.clock.now() - since > LATE
    return Finding("seal", not (changed or late), f"{said}; {count} events in none")


def _webhooks(house: House) -> Finding:
    """S8: who is not reached is to be called; what is late at a live one shows that no courier runs."""
    stands = house.webhooks.stands(house.clock.now() - LATE)
    told = (
        f"{stands.live} live, {stands.failing} failing, {stands.disabled} disabled by their receiver;"
        f" {stands.unsent} changes unsent, {stands.late} due for more than {LATE}"
    )
    return Finding("webhooks", not (stands.failing or stands.late), told)


def witnesses_examined(house: House) -> list[Finding]:
    """T4: one that is late does not answer; one that differs saw another history, which somebody has to look at."""
    now, found = house.clock.now(), []
    for one in cosign.standings(house.cosigning, house.witnesses):
        told = f"cosigned {one.size} leaves" + (f" at {one.cosigned_at:{SECOND}}" if one.cosigned_at else "")
        if one.differs_since is not None:
            told += f"; ALARM: it saw another history, since {one.differs_since:{SECOND}} (docs/sealing.md)"
        found.append(Finding(f"witness {one.witness}", not cosign.is_late(one, now), told))
    return found


def _stamps(house: House) -> list[Finding]:
    if house.timestamping is None:
        return []
    standing = house.cosigning.stamp_standing()
    late = stamp.is_late(standing, house.clock.now())
    told = f"{standing.size} leaves at {standing.stamped_at:{SECOND}}" if standing.stamped_at else "none yet"
    return [Finding("time stamps", not late, told)]


def _of_ours(error: Exception) -> str:
    """Our own errors say what to do; of another's, only the kind is told."""
    own = type(error).__module__.split(".")[0] == "watchlist" and not isinstance(error, Refusal)
    return str(error) if own else type(error).__name__


def _versions() -> str:
    ours = f"watchlist {_installed('watchlist')}, Python {platform.python_version()}"
    return ours + "".join(f", {name} {metadata.version(name)}" for name in LIBRARIES)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _examined(house: House) -> list[Finding]:
    with psycopg.connect(house.conninfo, row_factory=dict_row) as conn:
        row = conn.execute(
            "SELECT clock_timestamp() AS now, current_setting('server_version') AS version"
        ).fetchone()
    assert row is not None
    skew = abs((row["now"] - house.clock.now()).total_seconds())
    return [
        Finding(
            "database", True, f"PostgreSQL {row['version']}, log at position {house.register.position()}"
        ),
        Finding("clock", skew <= 2, f"{skew:.3f} s off the database's"),
        Finding("migrations", True, f"{len(migrations.migrations())} applied, none missing"),
        *_keys_examined(house),
        _letter_press(),
        _contacts(house),
        _habilitations(house),
        *_issuers(house),
        *_deadlines(house),
        _erasures(house),
        _seal(house),
        _jobs(house),
        _webhooks(house),
        *witnesses_examined(house),
        *_stamps(house),
        _alarms(house),
        *_replica(house),
        *rebuilds_examined(house),
    ]


def _replica(house: House) -> list[Finding]:
    """A replica that may not answer is a fault of the set-up: the primary answers, and has all to do."""
    standing = house.replica_now()
    if standing is None:
        return []
    remedy = REMEDIES.get(standing)
    detail = standing.value.replace("_", " ") + (f": {remedy}" if remedy else "")
    return [Finding("replica", standing is Standing.SERVED, detail)]


def rebuilds_examined(house: House) -> list[Finding]:
    with house.pool.connection() as conn:
        left = ", ".join(look_ups_beside(conn))
    remedy = "finish it, or `watchlist erase --complete`"
    told = f"{left} beside the register, with look-ups: {remedy}; no erasure is complete until then (P6)"
    return [Finding("rebuild", True, told, warning=True)] if left else []


def _letter_press() -> Finding:
    """L12: an extra; without it letters are deferred, and it is their lateness that fails."""
    version = letter_press.version()
    if version is not None:
        return Finding("letter press", True, f"typst {version}")
    remedy = ".venv/bin/pip install 'watchlist[letters]'"
    return Finding("letter press", True, f"absent, no letter can be printed or sent: {remedy}", warning=True)


def _contacts(house: House) -> Finding:
    """L12: a warning wherever it is, since an empty register owes nobody a letter yet."""
    if not house.writing.contacts.are_fictitious:
        return Finding("contacts", True, "letters name those of the settings")
    told = (
        "letters name the demonstration's fictitious controller and DPO: before anybody real is listed, set "
        f"{', '.join(CONTACTS)}"
    )
    return Finding("contacts", True, told, warning=True)


def _jobs(house: House) -> Finding:
    """Told, and no fault of its own: what a job leaves undone is late above."""
    return Finding("jobs", True, ", ".join(map(_ended, house.job_runs.all())) or "none has run yet")


def _ended(run: JobRun) -> str:
    at = f"succeeded at {run.succeeded_at:%Y-%m-%dT%H:%M:%SZ}" if run.succeeded_at else "never succeeded"
    return f"{run.job} {at}{f' and then failed ({run.failure})' if run.failed_last else ''}"


def _alarms(house: House) -> Finding:
    """S6: unusual use of the screening waits for somebody to look at it; it is no fault of the service."""
    waiting = house.usage.open_alarms()
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(waiting.items())) or "none"
    return Finding("unusual use", True, f"{told} not looked at yet (S6)")


def _deadlines(house: House) -> list[Finding]:
    """Everything that falls due; what is late fails, whether the sweep left it undone or a person did."""
    now = house.clock.now()
    at_once = {row["kind"]: row for row in house.pictures.deadlines_counted(now)}
    by_now = {row["kind"]: row for row in house.pictures.deadlines_counted(now - LATE)}
    findings = []
    for kind, duty in SCHEDULE.items():
        late = (by_now if duty.by_machine else at_once)[kind]["late"]
        said = f"{late} late, {at_once[kind]['held']} held past their day ({duty.rule})"
        if late and not duty.by_machine:
            said = f"{said}: {duty.en}"
        findings.append(Finding(kind.replace("_", " "), not late, said))
    return findings


def _issuers(house: House) -> list[Finding]:
    """Whether the keys of each identity provider can be had; nothing is loaded for it when there is none."""
    if not house.issuers:
        return []
    from watchlist.adapters.identity_provider import IdentityProviders

    answering = asyncio.run(IdentityProviders(house.issuers, house.clock).answering())
    said = {
        True: "its keys can be had",
        False: "its keys cannot be had: check its address, and that it answers",
    }
    return [Finding(f"identity provider {url}", ok, said[ok]) for url, ok in answering.items()]


def _habilitations(house: House) -> Finding:
    """T2: what waits for an admin; nothing fails for it."""
    now, months = house.clock.now(), house.habilitation_months
    held = verbs.habilitations(house.operators, house.clock)
    late = sum(1 for one in held if (due := one.review_due_at(months)) is not None and due <= now)
    ending = sum(1 for key, _ in verbs.list_keys(house.operators) if key.expires_soon(now))
    return Finding("habilitations", True, f"{late} reviews late, {ending} keys expire within 30 days (T2)")


def _keys_examined(house: House) -> list[Finding]:
    """P6: a lost key is not an erasure; a key of nobody, or a rotation that was interrupted, waits for somebody."""
    lost = lost_keys(house.desk, house.register)
    closed = house.keyring.unopenable()
    left = 0 if house.keyring.travels else sum(1 for _ in orphans(house.keyring, house.register))
    states = house.rotation.states()
    rotating = "arriving" in states.values() or house.rotation.unforgotten()
    where = "in a store of their own" if house.keys_conninfo else "in the register's database"
    return [
        Finding(
            "keys",
            not lost and not closed,
            f"{where}, {lost} lost, {closed} under a master key that is not here, {left} of nobody",
        ),
        Finding(
            "look-ups",
            True,
            f"key {max(states)} is arriving: `watchlist keyring rotate-lookup` goes on"
            if rotating
            else f"key {max(states)} is asked",
        ),
    ]
