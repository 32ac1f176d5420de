"""Each command, on an outside PostgreSQL, beside a service that runs on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.acceptance.service import Service, service
from tests.acceptance.story import hits, rpps, today
from watchlist.__main__ import main

COMMANDS = (
    "serve", "migrate", "doctor", "demo", "import", "sweep", "replay", "erase", "privacy", "config show",
    "operator add", "operator leave", "operator list", "key issue", "key list", "key rotate", "key revoke", "roles",
    "export-events", "verify", "dossier", "report", "rebuild", "seal", "stamp", "witness serve", "witness key",
    "keyring status", "keyring rotate-master", "keyring rewrap", "keyring rotate-lookup", "keyring tidy",
)  # fmt: skip
HEADER = (
    "kind,role,family_name,usage_name,given_names,birth_date,birth_place,name,rpps,adeli,finess,siren,siret,"
    "case_reference,grounds,inscribed_on,term_months,"
    "procedure_kind,procedure_court,procedure_reference,procedure_opened_on"
)
INSCRIBED_ON = today() - timedelta(days=100)


def line(number: int, inscribed_on: date = INSCRIBED_ON, months: int = 60, digits: str = "") -> str:
    return (
        f"person,health_professional,Exemple,,Camille,1970-02-28,,,{digits or rpps(number)},,,,,"
        f"D-{number},overbilling|collusion,{inscribed_on.isoformat()},{months},,,,"
    )


@pytest.fixture(scope="module")
def outside(cluster: str) -> Iterator[Service]:
    """The settings of an empty database on a server that is not ours to start; nothing runs yet."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with service(DATABASE_URL=make_conninfo(cluster, dbname=name)) as made:
            yield made
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def migrations(outside: Service) -> list[str]:
    applied: list[str] = outside.run("migrate", "--json").told["applied"]
    return applied


@pytest.fixture(scope="module")
def running(outside: Service, migrations: list[str]) -> Service:
    assert migrations
    return outside.start()


# Help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: watchlist {command} ")


def test_every_command_is_in_the_help_and_another_is_refused(outside: Service) -> None:
    said = outside.run("--help")
    assert said.status == 0
    assert {command.split()[0] for command in COMMANDS} <= set(said.out.split())
    assert outside.run("no-such-command").status == 2


# The database ---------------------------------------------------------------------------------


def test_migrations_are_applied_once(outside: Service, migrations: list[str]) -> None:
    assert migrations == sorted(migrations)
    assert len(migrations) > 0
    assert outside.run("migrate").out == "nothing to apply\n"


def test_a_service_on_an_outside_database_starts_no_server_of_its_own(running: Service) -> None:
    assert running.postmaster() is None
    assert not (running.data / "postgres").exists()
    report = running.run("doctor", "--json").told
    assert report["ok"]
    assert report["settings"]["DATABASE_URL"] == "(set)"


# People and keys ------------------------------------------------------------------------------


def test_an_operator_is_added_once_listed_and_leaves(outside: Service, migrations: list[str]) -> None:
    somebody = ("operator", "add", "--operator", "Anne Exemple", "--organisation", "PROBTP", "--json")
    added, again = outside.run(*somebody).told, outside.run(*somebody).told
    assert (added["name"], added["organisation"], added["left_at"]) == ("Anne Exemple", "PROBTP", None)
    assert again == added
    left = outside.run("operator", "leave", added["id"], "--json").told
    assert left == {**added, "left_at": left["left_at"]}
    assert left["left_at"] is not None
    assert outside.run("operator", "list", "--organisation", "PROBTP", "--json").told["items"] == [left]
    issue = ("key", "issue", "--operator", "Anne Exemple", "--role", "auditor", "--organisation", "PROBTP")
    assert "operator_left" in outside.run(*issue).line
    assert "no_such_operator" in outside.run("operator", "leave", str(UUID(int=1))).line


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(
    outside: Service, migrations: list[str]
) -> None:
    issue = ("key", "issue", "--operator", "Bruno Exemple", "--role", "dpo", "--organisation", "MUTEX")
    issued = outside.run(*issue, "--json").told
    assert set(issued) == {"key", "id"}
    assert issued["key"].startswith(issued["id"])
    mine = ("key", "list", "--organisation", "MUTEX")
    said = outside.run(*mine, "--json")
    (item,) = said.told["items"]
    assert (item["id"], item["role"], item["operator"]) == (issued["id"], "dpo", "Bruno Exemple")
    assert item["revoked_at"] is None
    assert issued["key"].partition(".")[2] not in said.out
    revoked = outside.run("key", "revoke", issued["id"], "--json").told
    assert outside.run("key", "revoke", issued["id"], "--json").told == revoked
    assert revoked["revoked_at"] is not None
    assert outside.run(*mine).out == f"{issued['id']}  MUTEX  dpo  Bruno Exemple  revoked\n"
    assert "key list" in outside.run("key", "revoke", "0123456789abcdef").line
    assert (
        outside.run("key", "issue", "--operator", "x", "--role", "owner", "--organisation", "X").status == 2
    )


def test_a_key_is_narrowed_and_rotated(outside: Service, migrations: list[str]) -> None:
    issue = ("key", "issue", "--operator", "Claire Exemple", "--role", "integrator", "--organisation", "ROTA")
    older = outside.run(*issue, "--scope", "screenings", "--scope", "changes", "--sandbox", "--json").told
    newer = outside.run("key", "rotate", older["id"], "--grace-days", "3", "--json").told
    assert newer["key"].startswith(newer["id"])
    listed = ("key", "list", "--organisation", "ROTA")
    items = {item["id"]: item for item in outside.run(*listed, "--json").told["items"]}
    assert items[newer["id"]]["rotated_from"] == older["id"]
    for item in items.values():
        assert (item["scopes"], item["sandbox"], item["last_used_at"]) == (
            ["changes", "screenings"],
            True,
            None,
        )
    assert items[older["id"]]["expires_soon"]
    said = outside.run(*listed).out
    assert "never used  changes screenings  sandbox  expires soon: " in said
    assert "rotation" in outside.run("key", "rotate", newer["id"]).line
    assert "key list" in outside.run("key", "rotate", "0123456789abcdef").line
    assert outside.run(*issue[:-3], "dpo", *issue[-2:], "--sandbox").line


def test_the_roles_are_told_without_a_database(outside: Service) -> None:
    told = outside.run("roles", "--json").told
    screen = next(one for one in told if one["operation"] == "POST /v1/screenings")
    assert (screen["roles"], screen["scopes"]) == (["integrator"], ["screenings"])
    assert outside.run("roles").out.startswith("| operation | investigator |")


# An existing list, brought in and swept -------------------------------------------------------


def test_a_list_is_imported_line_by_line_approved_and_swept_when_due(running: Service) -> None:
    """One story, in the order in which a person lives it."""
    file = running.folder / "liste.csv"
    wrong = line(2, digits="10990000020")
    file.write_text("\n".join([HEADER, line(1), wrong, line(3, INSCRIBED_ON, 6), ""]), "utf-8-sig")
    bring = ("import", str(file), "--organisation", "GRPM", "--operator", "Anne Exemple")

    dry = running.run(*bring, "--dry-run", "--json")
    assert dry.status == 1
    report = json.loads(dry.out)
    assert (report["import_id"], report["accepted"]) == (None, 2)
    (refused,) = report["refused"]
    assert (refused["line"], refused["field"], refused["code"]) == (3, "rpps", "check_failed")
    assert "10990000020" not in dry.out + dry.err
    assert running.run("replay", "--json").told["position"] == 0

    real = running.run(*bring)
    assert real.status == 1
    assert real.out.startswith("line 3: rpps: ")
    assert "2 entries proposed" in real.out
    import_id = real.out.split()[-1]
    again = running.run(*bring, "--json")
    assert again.status == 1
    assert [(one["line"], one["code"]) for one in json.loads(again.out)["refused"]] == [
        (2, "already_imported"),
        (3, "check_failed"),
        (4, "already_imported"),
    ]
    file.write_text("\n".join([HEADER, line(4), ""]))
    assert running.run(*bring, "--json").told["accepted"] == 1

    with ThreadPoolExecutor(2) as commands:
        submitter = commands.submit(running.hire, "supervisor", "Anne Exemple")
        supervisor, integrator = commands.map(running.hire, ("supervisor", "integrator"))
    assert submitter.result().post(f"/imports/{import_id}/approval").status_code == 403
    assert hits(integrator, 1, 3) == [False, False]
    supervisor.made(f"/imports/{import_id}/approval", {}, 200)
    assert hits(integrator, 1, 2, 3, 4) == [True, False, True, False]

    ends = {item["last_listed_day"] for item in supervisor.get("/list")["items"]}
    soonest, latest = sorted(map(date.fromisoformat, ends))
    untils = (soonest - timedelta(days=1), soonest, latest)
    with ThreadPoolExecutor(2) as commands:
        assert list(commands.map(lambda until: _due(running, until), untils)) == [0, 1, 2]
    assert (
        running.run("sweep").out
        == "0 entries delisted; 0 alerts, 0 cases, 0 imports purged; 0 subjects erased\n"
    )
    assert hits(integrator, 1, 3) == [True, True]
    checked = running.run("replay", "--check")
    assert checked.status == 0, checked.out


def _due(running: Service, until: date) -> int:
    told = running.run("sweep", "--dry-run", "--until", until.isoformat(), "--json").told
    assert told["dry_run"]
    delisted: int = told["delisted"]
    return delisted


def test_reports_and_dossiers_are_told_on_the_command_line(running: Service, tmp_path: Path) -> None:
    told = running.run("report", "four_eyes", "--json").told
    assert (told["report"], told["rule"]) == ("four_eyes", "L5")
    nobody = running.run("dossier", str(uuid4()), "--day", "2024-02-29", "--out", str(tmp_path / "d.json"))
    assert nobody.status == 1
    assert "subject_not_found" in nobody.err or "no such subject" in nobody.err
    assert not (tmp_path / "d.json").exists()


def test_a_file_that_cannot_be_read_is_said_in_one_line(outside: Service, migrations: list[str]) -> None:
    whose = ("--organisation", "GRPM", "--operator", "Anne Exemple")
    assert "cannot be read" in outside.run("import", str(Path("nowhere.csv")), *whose).line
    other = outside.folder / "other.csv"
    other.write_bytes(b"\xff\xfe\x00")
    assert "file_not_utf8" in outside.run("import", str(other), *whose).line


def test_a_sweep_of_days_to_come_is_only_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--until", "2099-12-31"]) == 1
    assert "--dry-run" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--as-of", "2026-03-16T00:00:00Z"]])
def test_what_was_known_is_asked_of_an_instant_that_is_not_after_it(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--known-at", "2026-03-15T00:00:00Z", *more]) == 1
    assert "--as-of" in capsys.readouterr().err


@pytest.mark.parametrize("instant", ["2026-03-15T22:59:59", "yesterday"])
def test_an_instant_without_its_offset_is_refused(instant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--as-of", instant])
    assert ended.value.code == 2
    assert "--as-of" in capsys.readouterr().err


def test_the_record_of_processing_is_printed_without_a_database() -> None:
    with service(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as nowhere:
        held = nowhere.run("privacy", "--json").told
        printed = nowhere.run("privacy")
    assert {"identity", "note", "proportionality"} <= {one["name"] for one in held}
    assert printed.out.count("\n") == len(held) + 2
