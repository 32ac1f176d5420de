"""After an erasure nothing of the person is left to find: one person, one service, from her alert to her erasure (P6).

Searched for every value in clear, in every encoding: dumps of both databases, the data folder with the heap and the
write-ahead log, the service's log, everything that it answers and says afterwards, and a backup from before. Her keys
are in a store of their own: what the backup holds is then tried against every key that is left.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pypdf import PdfReader

from tests.acceptance.marked import dump, owner, table
from tests.acceptance.searched import Trace, traces_of
from tests.acceptance.service import Office, Service, Somebody, service
from tests.acceptance.story import person, proposal, rpps, today
from tests.acceptance.test_restore import dumped
from watchlist.adapters.erasure_journal import FileErasureJournal
from watchlist.application.access_export import access_export
from watchlist.bootstrap import master_key_in, open_house
from watchlist.domain.erasure import ErasureKind
from watchlist.settings import Settings

FAMILY, USAGE, GIVEN = "Échampard-Vœurdric", "Kroumirac d'Ostrevant", "Ysoline Bréhandine"
BORN, BORN_AT, RPPS = "1913-02-21", "Trifouillancourt", rpps(876543)
SUMMARY, RELEVANT, NOTE = "alerte-zigouillette", "motif-bourrichonne", "note-escampettoire"
EVIDENCE, DIGEST, AMOUNT = "pièce-carambouillée", "7be3c1" * 10 + "feed", "765432.19"
WEIGHED = dict.fromkeys(("gravity", "evidence", "harm", "alternatives", "term_reason"), "balance-tintamarrée")
NAMING = f"appel-croquignolet : {FAMILY} a rappelé"
ELSEWHERE = f"appel-falbalaté : {USAGE} aussi"
TOLD = f"témoignage-abracadabré : {GIVEN} {FAMILY} me l'a dit"
DETAILS, DECIDED = "demande-papillonnée", "décision-froufroutée"
PERSONAL = [
    FAMILY, USAGE, GIVEN, BORN, BORN_AT, RPPS, SUMMARY, RELEVANT, NOTE, EVIDENCE, DIGEST, AMOUNT, *WEIGHED.values(),
    NAMING, ELSEWHERE, TOLD, DETAILS, DECIDED,
]  # fmt: skip
LUCE = {"kind": "person", "role": "insured", "family_name": "Martin", "given_names": "Luce"}
"""Whom she is taken for."""
STAYS = 2
"""The number of the person who shares a case with her."""
Row = tuple[UUID, str, bytes]
"""Of the vault: owner, field and ciphertext."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Her, and what names her by a random id."""

    subject: str
    own: str
    """A case of hers alone."""
    entry: str
    shared: str
    """A case of two, which stays."""
    text: str
    """A note of that case that names her."""
    elsewhere: tuple[str, str]
    """A case that is not hers at all, and a note of it that names her."""
    request: str
    """Of the other person, who names her in it; it was answered by a letter."""
    mistaken: str
    """The request of whom she was taken for, for a while: the letter of then told of both."""

    @property
    def owners(self) -> list[UUID]:
        return [UUID(self.subject), UUID(self.own)]


@dataclass(frozen=True, slots=True)
class Before:
    """What there was before the erasure, and what it could be opened with then."""

    at: datetime
    backup: bytes
    """The register's, by pg_dump."""
    handed_out: list[bytes]
    """An access export, a letter, the answers that told of her."""
    screened: list[bool]
    found: list[str]
    opened: list[bytes]
    """What the keys of that day open of the backup."""
    look_ups: list[bytes]
    """The rows that found her, as their bytes stand in the heap."""
    in_the_heap: int
    """How many of those, and of her ciphertexts, were found in the files of the tables."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The service after the erasure, and everything that is known of before."""

    running: Service
    office: Office
    dpo: Somebody
    store: str
    """The key store."""
    matter: Matter
    before: Before


# The story ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def erased(cluster: str) -> Iterator[Erased]:
    with (
        _store(cluster) as store,
        service(WATCHLIST_KEYS_DATABASE_URL=store, WATCHLIST_LOG_LEVEL="DEBUG") as made,
    ):
        running = made.start()
        office, dpo = Office.hired(running), running.hire("dpo")
        matter = _a_matter(office, dpo)
        before = _looked_at(running, office, dpo, store, matter)
        _erased_by_decision(running, office, dpo, matter)
        yield Erased(running, office, dpo, store, matter, before)


@contextmanager
def _store(cluster: str) -> Iterator[str]:
    """A database for keys alone."""
    name = sql.Identifier(f"test_{uuid4().hex}")
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield make_conninfo(cluster, dbname=name.as_string().strip('"'))
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _herself() -> dict[str, Any]:
    return {
        "kind": "person",
        "role": "health_professional",
        "family_name": FAMILY,
        "usage_name": USAGE,
        "given_names": GIVEN,
        "birth_date": BORN,
        "birth_place": BORN_AT,
        "identifiers": [{"scheme": "rpps", "value": RPPS}],
    }


def _a_matter(office: Office, dpo: Somebody) -> Matter:
    anne = office.investigator
    her, other = (anne.made("/subjects", body)["id"] for body in (_herself(), person(STAYS)))
    own, shared = _case(anne, her, alone=True), _case(anne, her, other)
    hers = _listed(office, own, proposal(her) | {"proportionality": WEIGHED})
    _listed(office, shared, proposal(other))
    anne.made(f"/cases/{own}/notes", {"text": NOTE})
    anne.made(f"/cases/{own}/evidence", {"description": EVIDENCE, "sha256": DIGEST})
    anne.made(f"/cases/{shared}/notes", {"text": NAMING})
    text = anne.get(f"/cases/{shared}")["notes"][0]["text_ids"]["text"]
    elsewhere = _case(anne, other)
    anne.made(f"/cases/{elsewhere}/notes", {"text": ELSEWHERE})
    there = anne.get(f"/cases/{elsewhere}")["notes"][0]["text_ids"]["text"]
    request = _answered_by_letter(dpo, other, TOLD)
    return Matter(her, own, hers, shared, text, (elsewhere, there), request, _mistaken(office, dpo, her))


def _mistaken(office: Office, dpo: Somebody, her: str) -> str:
    """She is taken for another, who is told everything that is held of both; that was a mistake."""
    luce = office.investigator.made("/subjects", LUCE)["id"]
    for turn in ("merge", "split"):
        if turn == "split":
            request = _answered_by_letter(dpo, luce, "qu'avez-vous sur moi ?")
        asked = {"duplicate_id": her, "reason": "une erreur"}
        office.investigator.made(f"/subjects/{luce}/{turn}", asked, 200)
    letter = dpo.get(f"/rights-requests/{request}/letters/answer")
    assert traces_of([FAMILY, RPPS], json.dumps(letter, ensure_ascii=False).encode())
    return request


def _answered_by_letter(dpo: Somebody, subject: str, details: str) -> str:
    """Access was asked for, and given by the letter that is kept."""
    asked = {"kind": "access", "subject_id": subject, "received_on": today().isoformat(), "details": details}
    request: str = dpo.made("/rights-requests", asked)["id"]
    dpo.made(f"/rights-requests/{request}/decision", {"granted": True, "reason": "c'est son droit"}, 200)
    dpo.made(f"/rights-requests/{request}/answer", {}, 200)
    return request


def _listed(office: Office, case: str, proposed: dict[str, Any]) -> str:
    entry: str = office.investigator.made(f"/cases/{case}/inscriptions", proposed)["inscription_id"]
    office.supervisor.made(f"/inscriptions/{entry}/approval", {}, 200)
    return entry


def _case(anne: Somebody, *subjects: str, alone: bool = False) -> str:
    raised: dict[str, Any] = {"subject_ids": subjects, "raised_on": today().isoformat(), "source": "control"}
    texts = (SUMMARY, RELEVANT) if alone else ("facturation à vérifier", "pièces concordantes")
    amount = {"amount_at_stake": {"amount": AMOUNT, "currency": "EUR"}} if alone else {}
    case: str = anne.made("/cases", raised | amount | {"summary": texts[0]})["id"]
    anne.made(f"/cases/{case}/qualification", {"relevant": True, "reason": texts[1]}, 200)
    return case


def _looked_at(running: Service, office: Office, dpo: Somebody, store: str, matter: Matter) -> Before:
    letters = {one["inscription_id"]: one["letter_id"] for one in dpo.get("/letters")["items"]}
    letter = f"/letters/{letters[matter.entry]}"
    dpo.made(f"{letter}/sent", {"sent_on": today().isoformat(), "channel": "registered_post"}, 200)
    printed = dpo.ask("GET", f"{letter}/pdf").content
    handed_out = [
        _words(printed),
        json.dumps(dpo.get(letter)).encode(),
        json.dumps(_export(running, matter)).encode(),
        json.dumps(office.investigator.get(f"/subjects/{matter.subject}")).encode(),
        json.dumps(office.investigator.get(f"/cases/{matter.own}")).encode(),
    ]
    backup = dump(running, "watchlist")
    look_ups = _look_ups(running, matter)
    hers = _stored(_vault(backup, matter))
    return Before(
        at=datetime.now(UTC),
        backup=backup,
        handed_out=handed_out,
        screened=screened(office),
        found=found(office),
        opened=opened(_vault(backup, matter), keys(running, store)),
        look_ups=look_ups,
        in_the_heap=len(in_the_heap(running, look_ups + hers)),
    )


def _erased_by_decision(running: Service, office: Office, dpo: Somebody, matter: Matter) -> None:
    """She asks, the texts that name her are searched and redacted, it is granted, she is told."""
    received = {"kind": "erasure", "subject_id": matter.subject, "received_on": today().isoformat()}
    request = f"/rights-requests/{dpo.made('/rights-requests', received | {'details': DETAILS})['id']}"
    granted = {"granted": True, "reason": DECIDED}
    refused = dpo.post(f"{request}/decision", granted)
    assert (refused.status_code, refused.json()["code"]) == (409, "texts_name_the_subject")
    naming = running.run("erase", "--find-texts", matter.subject, "--json").told["items"]
    (details,) = (one["text_id"] for one in naming if one.get("request_id") == matter.request)
    assert {(one["case_id"], one["text_id"]) for one in naming if one["text_id"] != details} == {
        (matter.shared, matter.text),
        matter.elsewhere,
    }
    for one in naming:
        redacted = {"text_id": one["text_id"], "text": "la personne a rappelé", "reason": "effacement"}
        if one["text_id"] == details:
            dpo.made(f"/rights-requests/{matter.request}/redactions", redacted)
        else:
            office.investigator.made(f"/cases/{one['case_id']}/redactions", redacted)
    dpo.made(f"{request}/decision", granted, 200)
    dpo.made(f"{request}/answer", {}, 200)


# What is asked --------------------------------------------------------------------------------


def screened(office: Office) -> list[bool]:
    """By her number, by her birth name, by her usage name; and who stays."""
    asked = {
        "number": {"identifiers": [{"scheme": "rpps", "value": RPPS}]},
        "name": {"family_name": FAMILY, "given_names": GIVEN, "birth_date": BORN},
        "usage": {"family_name": USAGE, "given_names": GIVEN, "birth_date": BORN},
        "stays": {"identifiers": person(STAYS)["identifiers"]},
    }
    body = {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": asked}
    results = office.integrator.made("/screenings", body, 200)["results"]
    return [results[key]["hit"] for key in asked]


def found(office: Office) -> list[str]:
    """By whom knows all of her, and by whom knows only a name or the number."""
    ids = []
    for asked in (
        {"family_name": FAMILY, "given_names": GIVEN, "birth_date": BORN},
        {"family_name": USAGE},
        {"identifiers": [{"scheme": "rpps", "value": RPPS}]},
    ):
        answer = office.investigator.made("/subjects/search", asked, 200)
        ids.append(",".join(one["subject_id"] for one in answer["items"]))
    return ids


def _export(running: Service, matter: Matter) -> dict[str, Any]:
    with open_house(Settings.from_environment(running.environment)) as house:
        return access_export(house.desk, UUID(matter.subject), "GRPM")


def _words(pdf: bytes) -> bytes:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).encode()


def keys(running: Service, store: str) -> list[bytes]:
    """Every key of a subject or a case that is left, unwrapped."""
    master = master_key_in(running.data)
    with psycopg.connect(store) as conn:
        rows = conn.execute("SELECT owner, wrapped FROM watchlist_keys.data_keys WHERE wrapped IS NOT NULL")
        return [master.unwrap(wrapped, owner.bytes) for owner, wrapped in rows]


def opened(rows: Iterable[Row], keys: Iterable[bytes]) -> list[bytes]:
    """What any of these keys opens of any of these rows."""
    values, known = [], list(keys)
    for one, field, raw in rows:
        for key in known:
            try:
                values.append(AESGCM(key).decrypt(raw[:12], raw[12:], one.bytes + field.encode()))
            except InvalidTag:
                continue
    return values


def _vault(backup: bytes, matter: Matter | None = None) -> list[Row]:
    """Her rows and her case's, and the texts elsewhere that named her, as a dump has them; or all rows."""
    kept = []
    for line in table(backup, "vault").splitlines()[1:]:
        ref, one, field, raw = line.decode().split("\t")
        if matter is None or UUID(one) in matter.owners or ref in (matter.text, matter.elsewhere[1]):
            kept.append((UUID(one), field, bytes.fromhex(raw.removeprefix("\\\\x"))))
    return kept


def _stored(rows: Iterable[Row]) -> list[bytes]:
    """How each ciphertext begins: a long one goes on elsewhere."""
    return [raw[:500] for _, _, raw in rows]


def _look_ups(running: Service, matter: Matter) -> list[bytes]:
    with owner(running) as conn:
        asked = (UUID(matter.subject), UUID(matter.entry))
        found = conn.execute(
            "SELECT digest FROM watchlist.subject_tokens WHERE subject_id = %s"
            " UNION SELECT digest FROM watchlist.answerable WHERE inscription_id = %s",
            asked,
        )
        return [bytes(digest) for digest in found]


def in_the_heap(running: Service, values: Iterable[bytes]) -> set[bytes]:
    """Those that stand in a file of a table or of an index; the write-ahead log goes by itself."""
    with owner(running) as conn:
        conn.execute("CHECKPOINT")
    files = (running.data / "postgres" / "data" / "base").rglob("*")
    heap = [path.read_bytes() for path in files if path.is_file()]
    return {value for value in values if any(value in raw for raw in heap)}


def traces(places: bytes | Path | Iterable[bytes]) -> list[Trace]:
    return traces_of(PERSONAL, places)


# Before: the search can fail ------------------------------------------------------------------


def test_before_it_everything_was_held_found_and_told(erased: Erased) -> None:
    before, matter = erased.before, erased.matter
    assert before.screened == [True, True, True, True]
    assert before.found == [matter.subject] * 3
    not_yet_or_elsewhere = {DETAILS, DECIDED, ELSEWHERE, TOLD}
    told = {trace.value for trace in traces(before.handed_out)}
    assert told == set(PERSONAL) - not_yet_or_elsewhere
    letter, *documents = before.handed_out
    assert all(traces(told) for told in documents)
    assert traces_of([FAMILY, GIVEN], letter)


def test_before_it_the_keys_opened_what_the_backup_holds(erased: Erased) -> None:
    values = {trace.value for trace in traces(erased.before.opened)}
    assert {FAMILY, RPPS, NOTE, EVIDENCE, DIGEST, NAMING, ELSEWHERE} <= values
    of_others = opened(_vault(erased.before.backup), keys(erased.running, erased.store))
    assert TOLD in {trace.value for trace in traces(of_others)}


def test_a_planted_file_is_found_where_nothing_else_is(erased: Erased) -> None:
    planted = erased.running.data / "planted"
    planted.write_text(" ".join(PERSONAL), "utf-8")
    found = traces(erased.running.folder)
    planted.unlink()
    assert {trace.value for trace in found} == set(PERSONAL)
    assert {trace.place for trace in found} == {str(planted)}


# After: nothing is left -----------------------------------------------------------------------


def test_nothing_of_her_is_in_a_dump_of_any_database(erased: Erased) -> None:
    dumps = [dump(erased.running, name) for name in ("watchlist", "postgres")]
    assert traces([*dumps, dumped(erased.store)]) == []


def test_nothing_of_her_is_in_the_data_folder_or_the_logs(erased: Erased) -> None:
    with owner(erased.running) as conn:
        conn.execute("CHECKPOINT")
    assert "DEBUG" in erased.running.said()
    assert traces(erased.running.folder) == []


def test_nothing_of_her_is_in_the_backup_from_before(erased: Erased) -> None:
    assert erased.matter.subject.encode() in erased.before.backup
    assert traces(erased.before.backup) == []


def test_nothing_of_her_is_in_what_is_answered_and_said(erased: Erased) -> None:
    office, matter = erased.office, erased.matter
    answers = []
    then = erased.before.at.isoformat().replace("+00:00", "Z")
    for path in (
        f"/subjects/{matter.subject}",
        f"/subjects/{matter.subject}/standing?as_of={then}",
        f"/cases/{matter.own}?as_of={then}",
        f"/cases/{matter.shared}?as_of={then}",
        f"/list/difference?from={then}&to={datetime.now(UTC).isoformat(timespec='seconds').replace('+00:00', 'Z')}",
        f"/cases/{matter.own}",
        f"/cases/{matter.own}/history",
        f"/cases/{matter.shared}",
        f"/cases/{matter.shared}/history",
        f"/inscriptions/{matter.entry}",
        "/cases",
        "/inscriptions",
        "/list",
        f"/list?as_of={then}",
        "/audit/events",
    ):
        answers.append(office.auditor.ask("GET", path))
    for path in ("/letters", "/rights-requests", "/erasures", "/deadlines?until=2090-01-01"):
        answers.append(erased.dpo.ask("GET", path))
    ids = [one["request_id"] for one in erased.dpo.get("/rights-requests")["items"]]
    answers += [erased.dpo.ask("GET", f"/rights-requests/{id}") for id in ids]
    assert {answer.status_code for answer in answers} == {200}
    assert traces([answer.content for answer in answers]) == []
    assert traces(list(_said(erased))) == []


def _said(erased: Erased) -> Iterator[bytes]:
    for command in (
        ("replay", "--json"),
        ("replay", "--check", "--json"),
        ("replay", "--as-of", erased.before.at.isoformat(), "--json"),
        ("sweep", "--json"),
        ("erase", "--complete", "--json"),
        ("keyring", "status", "--json"),
        ("doctor", "--json"),
        ("config", "show"),
    ):
        said = erased.running.run(*command, WATCHLIST_LOG_LEVEL="DEBUG")
        # what a doctor finds late: others were told of as hits before their letters went (L12)
        assert said.status == 0 or command[0] == "doctor", (command, said.err)
        yield (said.out + said.err).encode()


# After: nobody finds her ----------------------------------------------------------------------


def test_screening_and_search_know_her_no_more(erased: Erased) -> None:
    assert screened(erased.office) == [False, False, False, True]
    assert found(erased.office) == ["", "", ""]


def test_access_finds_a_skeleton_and_no_new_request_is_taken(erased: Erased) -> None:
    view = erased.office.investigator.get(f"/subjects/{erased.matter.subject}")
    assert (view["erased"], "family_name" in view, "identifiers" in view) == (True, False, False)
    asked = {"kind": "access", "subject_id": erased.matter.subject, "received_on": today().isoformat()}
    refused = erased.dpo.post("/rights-requests", asked)
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_subject")
    export = _export(erased.running, erased.matter)
    assert [version["values"] for version in export["identity"]["versions"]] == [None]
    assert traces(json.dumps(export, ensure_ascii=False).encode()) == []


def test_a_letter_that_was_sent_to_her_is_printed_no_more(erased: Erased) -> None:
    hers = [
        one for one in erased.dpo.get("/letters")["items"] if one["inscription_id"] == erased.matter.entry
    ]
    assert hers
    for letter in hers:
        for path in ("", "/pdf"):
            answer = erased.dpo.ask("GET", f"/letters/{letter['letter_id']}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "letter_erased")


def test_no_letter_that_told_of_her_is_kept_for_anybody(erased: Erased) -> None:
    for request in (erased.matter.request, erased.matter.mistaken):
        letters = erased.dpo.get(f"/rights-requests/{request}/letters")["items"]
        assert [(one["kind"], one["state"]) for one in letters] == [("answer", "sent")]
        for path in ("", "/pdf"):
            answer = erased.dpo.ask("GET", f"/rights-requests/{request}/letters/answer{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "letter_erased")
    told = erased.dpo.get(f"/rights-requests/{erased.matter.request}")
    assert told["details"] == "la personne a rappelé"


# After: what happened can still be told -------------------------------------------------------


def test_the_skeleton_of_her_case_is_still_read(erased: Erased) -> None:
    file = erased.office.investigator.get(f"/cases/{erased.matter.own}")
    (entry,) = file["inscriptions"]
    assert (file["state"], entry["delisting_ground"]) == ("purged", "erasure_upheld")
    topics = [one["topic"] for one in erased.office.auditor.events() if one["stream"] == erased.matter.own]
    assert (topics[0], topics[-1]) == ("case.alert_raised", "case.purged")


def test_the_case_of_two_is_the_other_persons_and_its_text_says_nothing_of_her(erased: Erased) -> None:
    file = erased.office.investigator.get(f"/cases/{erased.matter.shared}")
    assert (file["notes"][0]["text"], file["notes"][0]["redacted"]) == ("la personne a rappelé", True)
    assert erased.matter.subject not in file["subject_ids"]


def test_the_list_of_before_still_has_her_entry(erased: Erased) -> None:
    at = erased.before.at.isoformat()
    listed = erased.office.auditor.get(f"/list?as_of={at.replace('+00:00', 'Z')}")["items"]
    told = erased.running.run("replay", "--as-of", at, "--json").told["items"]
    for items in (listed, told):
        (entry,) = (one for one in items if one["inscription_id"] == erased.matter.entry)
        assert entry["subject_id"] == erased.matter.subject
    assert erased.matter.entry not in {
        one["inscription_id"] for one in erased.office.auditor.get("/list")["items"]
    }


def test_a_replay_finds_no_difference(erased: Erased) -> None:
    assert erased.running.run("replay", "--check", "--json").told["same"] is True


# After: nothing opens what was kept elsewhere -------------------------------------------------


def test_no_key_that_is_left_opens_what_the_backup_holds_of_her(erased: Erased) -> None:
    """But of the texts that were redacted, whose cases' keys live: the journal deletes those after a restore."""
    left = keys(erased.running, erased.store)
    hers = [row for row in _vault(erased.before.backup, erased.matter) if row[0] in erased.matter.owners]
    assert len(hers) == 13
    assert left
    assert opened(hers, left) == []
    journal = FileErasureJournal(erased.running.data / "erasures.journal")
    texts = {entry.owner for entry in journal.after() if entry.kind is ErasureKind.TEXT}
    assert {UUID(erased.matter.text), UUID(erased.matter.elsewhere[1])} < texts


def test_nothing_of_her_is_in_any_value_that_the_register_can_still_open(erased: Erased) -> None:
    rows = _vault(dump(erased.running, "watchlist"))
    values = opened(rows, keys(erased.running, erased.store))
    assert len(values) == len(rows)
    assert traces_of([str(person(STAYS)["family_name"])], values)
    assert traces(values) == []


def test_her_look_ups_and_ciphertexts_are_cleared_from_the_files_of_the_tables(erased: Erased) -> None:
    everything = erased.before.look_ups + _stored(_vault(erased.before.backup, erased.matter))
    assert erased.before.in_the_heap == len(set(everything))
    told = erased.running.run("erase", "--complete", "--json").told
    assert (told["unfinished"], told["key_store_cleared"], told["not_cleared"]) == (0, True, [])
    assert in_the_heap(erased.running, everything) == set()


def test_a_table_that_is_busy_is_left_and_told(erased: Erased) -> None:
    with owner(erased.running) as conn, conn.transaction():
        conn.execute("LOCK TABLE watchlist.subject_tokens IN ACCESS SHARE MODE")
        told = erased.running.run("erase", "--complete", "--json").told
        assert (told["key_store_cleared"], told["not_cleared"]) == (True, ["watchlist.subject_tokens"])
    assert erased.running.run("erase", "--complete", "--json").told["not_cleared"] == []


def test_no_key_of_hers_is_made_again_by_whatever_runs(erased: Erased) -> None:
    assert erased.running.end() == 0
    erased.running.start()
    for command in (("sweep",), ("replay", "--check"), ("erase", "--complete"), ("keyring", "tidy")):
        assert erased.running.run(*command).status == 0
    with psycopg.connect(erased.store) as conn:
        rows = conn.execute(
            "SELECT owner, wrapped FROM watchlist_keys.data_keys WHERE owner = ANY(%s) ORDER BY owner",
            (erased.matter.owners,),
        ).fetchall()
    assert rows == [(owner, None) for owner in sorted(erased.matter.owners)]
    assert screened(erased.office) == [False, False, False, True]
    assert traces(erased.running.folder) == []


def test_the_same_person_registered_again_is_a_new_subject(erased: Erased) -> None:
    again = erased.office.investigator.made("/subjects", _herself())["id"]
    assert again != erased.matter.subject
    assert found(erased.office) == [again] * 3
    assert screened(erased.office) == [False, False, False, True]
    assert erased.office.investigator.get(f"/subjects/{erased.matter.subject}")["erased"] is True
