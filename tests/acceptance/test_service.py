"""One service for one whole story; then it is stopped, killed, started twice and started wrongly."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import pytest

from tests.acceptance.service import (
    ROLES,
    Office,
    Service,
    Somebody,
    crossable,
    family_of,
    lives,
    service,
    soon,
)
from tests.acceptance.story import (
    deferring,
    hits,
    listed,
    number_of,
    person,
    procedure,
    proposal,
    qualified_case,
    rpps,
    today,
)
from watchlist.settings import CONTACTS

SECRET = "a-word-that-nobody-may-read"
ELSEWHERE = f"postgresql://somebody:{SECRET}@127.0.0.1:1/none?connect_timeout=3"
KEY = "aDRrM3NlY3JldHNlY3JldHNlY3JldHNlY3JldHMhISE="


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    """Started from nothing, without the demonstration; every test leaves it running."""
    with service() as made:
        yield made.start()


@pytest.fixture(scope="module")
def office(running: Service) -> Office:
    return Office.hired(running)


# The story ------------------------------------------------------------------------------------


@dataclass
class Witness:
    """Notes what the list is, and when; to ask later what it was."""

    office: Office
    seen: list[tuple[datetime, list[dict[str, Any]]]] = field(default_factory=list)

    def looks(self) -> list[dict[str, Any]]:
        now = self.office.auditor.get("/list")["items"]
        self.seen.append((datetime.now(UTC), now))
        return now


def test_from_an_alert_to_the_list_and_off_it_and_what_it_was_in_between(
    running: Service, office: Office
) -> None:
    investigator, supervisor, integrator = office.investigator, office.supervisor, office.integrator
    witness = Witness(office)
    assert office.auditor.events() == []
    assert witness.looks() == []
    subject, case = qualified_case(investigator, 1)
    proposed = investigator.made(f"/cases/{case}/inscriptions", proposal(subject))
    assert proposed["state"] == "proposed"
    inscription = proposed["inscription_id"]
    assert witness.looks() == []
    assert hits(integrator, 1, 2) == [False, False]

    proposer_as_supervisor = running.hire("supervisor", "the investigator")
    refused = proposer_as_supervisor.post(f"/inscriptions/{inscription}/approval")
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    approved = supervisor.made(f"/inscriptions/{inscription}/approval", deferring(), 200)
    assert approved["inscribed_on"] == today().isoformat()
    (item,) = witness.looks()
    assert (item["inscription_id"], item["last_listed_day"]) == (inscription, approved["last_listed_day"])
    assert item["held_by"] == []
    assert hits(integrator, 1, 2) == [True, False]

    opened = investigator.made(f"/cases/{case}/procedures", procedure(subject, today()))
    (item,) = witness.looks()
    assert item["held_by"] == [opened["procedure_id"]]
    gone = supervisor.made(
        f"/inscriptions/{inscription}/delisting", {"ground": "repaid", "reason": "all was paid"}, 200
    )
    assert gone["state"] == "delisted"
    assert hits(integrator, 1, 2) == [False, False]
    assert witness.looks() == []

    with ThreadPoolExecutor(2) as commands:
        checked = commands.submit(_checked, running)
        replayed = commands.map(lambda seen: _replayed(running, seen[0]), witness.seen)
        for (at, then), told in zip(witness.seen, replayed, strict=True):
            assert office.auditor.get(f"/list?as_of={_written(at)}")["items"] == then
            assert told == {item["inscription_id"]: item["held_by"] for item in then}
        assert checked.result()
    events = office.auditor.events()
    assert [event["topic"] for event in events] == [
        "subject.registered",
        "case.alert_raised",
        "case.qualified",
        "inscription.proposed",
        "inscription.approved",
        "case.procedure_opened",
        "inscription.delisted",
    ]
    assert [event["stream"] for event in events] == [subject] + [case] * 6
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions))
    assert events[-1]["position"] == gone["position"]
    assert "Exemple" not in json.dumps(events)
    assert rpps(1) not in json.dumps(events)


def _replayed(running: Service, at: datetime) -> dict[str, list[str]]:
    """As we knew it; by what is known now the same were listed: nothing here was imported, and nobody was merged."""
    asked = ("replay", "--as-of", _written(at), "--json")
    items = running.run(*asked).told["items"]
    known = running.run(*asked, "--known-at", _written(datetime.now(UTC))).told["items"]
    assert [item["inscription_id"] for item in known] == [item["inscription_id"] for item in items]
    return {item["inscription_id"]: item["held_by"] for item in items}


def _checked(running: Service) -> bool:
    checked = running.run("replay", "--check", "--json").told
    return checked["same"] and checked["differences"] == []


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


# Ended and started again ----------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_ends_well_leaves_no_process_and_keeps_everything(
    running: Service, office: Office, number: signal.Signals
) -> None:
    listed(office.investigator, office.supervisor, 10 + number)
    before = office.auditor.events(), office.auditor.get("/list")
    assert running.process is not None
    family = family_of(running.process.pid)
    assert running.postmaster() in family
    assert len(family) > 3
    assert running.end(number) == 0
    assert [pid for pid in family if lives(pid)] == []
    assert running.postmaster() is None
    running.start()
    assert (office.auditor.events(), office.auditor.get("/list")) == before
    assert hits(office.integrator, 10 + number) == [True]


def test_killed_it_starts_again_and_nothing_acknowledged_is_lost(running: Service, office: Office) -> None:
    _, case = qualified_case(office.investigator, 20)
    acknowledged: list[int] = []
    writers = 4

    def write() -> None:
        try:
            while True:
                acknowledged.append(
                    office.investigator.made(f"/cases/{case}/notes", {"text": "t"})["position"]
                )
        except httpx.TransportError:
            return

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    assert soon(lambda: len(acknowledged) >= 40, 30)
    assert running.process is not None
    family = family_of(running.process.pid)
    running.process.kill()
    running.process.wait()
    for thread in threads:
        thread.join()
    assert soon(lambda: not any(lives(pid) for pid in family))
    running.start()
    notes = [e["position"] for e in office.auditor.events() if e["topic"] == "case.note_added"]
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(notes)
    assert len(notes) <= len(acknowledged) + writers
    assert _checked(running)


def test_a_second_service_on_the_same_folder_says_so_and_the_first_goes_on(running: Service) -> None:
    said = running.run("serve").line
    assert "already runs" in said
    assert str(running.data) in said
    assert running.is_ready()


def test_without_its_master_key_it_refuses_to_start_and_says_how_to_go_on(
    running: Service, office: Office
) -> None:
    kept = running.data / "master.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    running.end()
    away = kept.rename(running.folder / "away")
    said = running.run("serve").line
    assert str(kept) in said
    assert "WATCHLIST_MASTER_KEY_FILE" in said
    assert not kept.exists()
    away.rename(kept)
    running.start()
    assert office.investigator.get("/me")["role"] == "investigator"


def test_a_healthy_service_passes_its_doctor(running: Service, office: Office) -> None:
    report = running.run("doctor", "--json").told
    assert report["ok"]
    found = {finding["what"]: finding for finding in report["findings"]}
    assert {what for what, finding in found.items() if finding["ok"]} >= {"database", "clock", "letter press"}
    assert found["letter press"]["detail"].startswith("typst ")
    assert found["contacts"]["warning"]


def test_the_doctor_warns_of_fictitious_contacts_until_the_settings_name_others(running: Service) -> None:
    ours = dict.fromkeys(CONTACTS, "registre@exemple.invalid")
    assert "WATCHLIST_DPO_EMAIL" in running.run("doctor").out
    assert "ok   contacts: letters name those of the settings" in running.run("doctor", **ours).out


def test_a_revoked_key_and_a_leavers_keys_open_nothing_within_a_second(
    running: Service, office: Office
) -> None:
    with ThreadPoolExecutor(2) as commands:
        revoked, leaver = commands.map(running.hire, ("integrator", "investigator"), ("one", "two"))
        leaver_id = leaver.get("/me")["operator_id"]

        def ends(somebody: Somebody, *command: str) -> list[int]:
            """What is answered a second after the command, to somebody who never stopped asking."""
            with _asking(somebody):
                assert running.run(*command).status == 0
                time.sleep(1)
                return [somebody.ask("GET", "/me").status_code for _ in range(3)]

        answers = [
            commands.submit(ends, revoked, "key", "revoke", revoked.key_id),
            commands.submit(ends, leaver, "operator", "leave", leaver_id),
        ]
        assert [answer.result() for answer in answers] == [[401] * 3] * 2
    assert office.investigator.ask("GET", "/me").status_code == 200


class _asking:  # noqa: N801
    """Somebody keeps asking, so that the answer about their key is as fresh as it gets."""

    def __init__(self, somebody: Somebody) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(somebody,))

    def _ask(self, somebody: Somebody) -> None:
        while not self._stop.wait(0.05):
            somebody.ask("GET", "/me")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


# Started wrongly ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stopped() -> Iterator[Service]:
    """A folder in which nothing was started yet."""
    with crossable() as folder:
        yield Service(folder)


def test_a_port_in_use_is_said_before_anything_is_made(stopped: Service) -> None:
    with socket() as taken:
        taken.bind(("127.0.0.1", stopped.port))
        taken.listen()
        said = stopped.run("serve").line
    assert f"127.0.0.1:{stopped.port}" in said
    assert "PORT=" in said
    assert not (stopped.data / "postgres").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("WATCHLIST_PORT", "eighty", id="port"),
        pytest.param("WATCHLIST_DEMO", "perhaps", id="flag"),
        pytest.param("WATCHLIST_MASTER_KEY", SECRET, id="master key"),
        pytest.param("WATCHLIST_MASTER_KEY_FILE", "/nowhere/at/all", id="master key's file"),
        pytest.param("DATABASE_URL", f"postgresql://somebody:{SECRET}@[", id="malformed database"),
        pytest.param("DATABASE_URL", ELSEWHERE, id="database that is not there"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_without_its_value(
    stopped: Service, variable: str, value: str
) -> None:
    said = stopped.run("serve", **{variable: value}).line
    assert variable in said
    assert value not in said
    assert SECRET not in said


def test_the_settings_are_shown_with_secrets_masked(stopped: Service) -> None:
    secrets = {"DATABASE_URL": ELSEWHERE, "WATCHLIST_MASTER_KEY": KEY}
    shown = stopped.run("config", "show", **secrets)
    told = stopped.run("config", "show", "--json", **secrets)
    assert told.told["WATCHLIST_PORT"] == stopped.port
    assert f"WATCHLIST_DATA={stopped.data}" in shown.out
    for said in (shown, told):
        assert said.status == 0
        assert SECRET not in said.out + said.err
        assert KEY not in said.out + said.err
        assert "DATABASE_URL" in said.out


# With the demonstration -----------------------------------------------------------------------


def test_the_demonstration_is_loaded_once_and_usable_with_its_keys() -> None:
    with service(WATCHLIST_DEMO="1") as demo:
        demo.start()
        keys = demo.data / "demo-keys.json"
        shown = demo.data / "demo-examples.json"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (keys, shown)] == [0o600] * 2
        assert keys.stat().st_uid == os.geteuid()
        held = {role: Somebody(demo.http, key) for role, key in _read(keys).items()}
        assert set(held) == {*ROLES, "dpo", "admin"}
        assert {role: one.get("/me")["role"] for role, one in held.items()} == {role: role for role in held}
        events = len(held["auditor"].events())
        assert events > 100
        assert held["supervisor"].get("/list")["items"]
        assert held["investigator"].get("/cases")["items"]
        assert held["dpo"].get("/deadlines")["items"]
        known, unknown = (number_of(_read(shown)[f"{which}_rpps"]) for which in ("listed", "unlisted"))
        assert hits(held["integrator"], known, unknown) == [True, False]
        examined = demo.run("doctor")
        assert examined.status == 0, examined.out
        assert "warn contacts: letters name the demonstration's fictitious" in examined.out
        assert held["investigator"].post("/subjects", person(999_999)).status_code == 201
        demo.end(signal.SIGTERM)
        demo.start()
        assert len(held["auditor"].events()) == events + 1
        assert "is not empty" in demo.run("demo").line


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read
