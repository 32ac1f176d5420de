"""Dossiers over HTTP: for auditors and one's own DPO, in JSON and on paper; reading one is logged."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import uuid4

from pypdf import PdfReader

from api.answered.dossiers import Dossier
from tests.api.conftest import PERSON, Office
from tests.api.test_accesses import seen_by
from watchlist.adapters.clock import ManualClock
from watchlist.application.sweep import sweep
from watchlist.audit.verifier import Checkpoint, Note, VerifierKey, leaf_hash, root_by_inclusion
from watchlist.bootstrap import House


def dossier(office: Office, subject: str, role: str = "auditor", query: str = "") -> dict[str, Any]:
    answer = getattr(office, role).get(f"/audit/dossiers/{subject}{query}")
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def words(pdf: bytes) -> str:
    """As they are read: without its line breaks, and without the places where a long word may break."""
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return re.sub(r"[\s\u200b]+", "", text)


def test_an_auditor_reads_who_was_listed_by_whose_decision_and_checks_the_proofs(
    house: House, office: Office, clock: ManualClock
) -> None:
    subject, _, inscription = office.entry()
    clock.advance(days=2)
    told = dossier(office, subject, query="?day=2026-03-03")
    Dossier.model_validate_json(office.auditor.get(f"/audit/dossiers/{subject}?day=2026-03-03").content)
    assert (told["listed"], told["complete"]) == ("whole_day", True)
    assert told["in_words"]["fr"] == "Le 3 mars 2026, à Paris, la personne était inscrite toute la journée."
    assert told["entries"][0]["inscription_id"] == inscription
    assert told["identity"]["fields"]["family_name"] == PERSON["family_name"]
    note = Note.parse(told["checkpoint"].encode())
    assert note.signed_by(VerifierKey.parse(told["keys"][0]))
    for proof in told["proofs"]:
        path = [bytes.fromhex(step) for step in proof["path"]]
        leaf = leaf_hash(proof["leaf"].encode())
        root = root_by_inclusion(leaf, proof["leaf_index"], proof["tree_size"], path)
        assert root == Checkpoint.parse(note.text).root
    assert seen_by(house, "compile_a_dossier") == {subject}


def test_who_stands_in_the_same_case_is_in_the_access_log_too(house: House, office: Office) -> None:
    subject, other = office.subject(), office.subject(family_name="Autrement", identifiers=[])
    assert subject != other
    office.case(subject, other)
    told = dossier(office, subject)
    assert any(other in proof["leaf"] for proof in told["proofs"])
    assert seen_by(house, "compile_a_dossier") == {subject, other}


def test_a_dpo_reads_its_own_organisations_and_nobody_elses(office: Office, other_office: Office) -> None:
    subject, _, _ = office.entry()
    assert dossier(office, subject, "dpo")["listed"] == "part_of_day"
    for path in (f"/audit/dossiers/{subject}", f"/audit/dossiers/{subject}/pdf"):
        assert other_office.dpo.get(path).status_code == 404
        assert other_office.auditor.get(path).status_code == 200
        assert office.investigator.get(path).status_code == 403
    assert office.auditor.get(f"/audit/dossiers/{uuid4()}").status_code == 404


def test_no_dossier_is_made_of_a_day_to_come(office: Office) -> None:
    subject = office.subject()
    answer = office.auditor.get(f"/audit/dossiers/{subject}?day=2026-03-03")
    assert (answer.status_code, answer.json()["code"]) == (422, "date_in_the_future")
    assert dossier(office, subject, query="?day=2026-03-01")["entries"] == []


def test_on_paper_it_says_the_same_with_the_leaves_it_cites(office: Office, clock: ManualClock) -> None:
    subject, _, inscription = office.entry()
    clock.advance(days=2)
    told = dossier(office, subject, query="?day=2026-03-03")
    answer = office.auditor.get(f"/audit/dossiers/{subject}/pdf?day=2026-03-03")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{subject}-2026-03-03.pdf"'
    text = words(answer.content)
    cited = {step["position"] for step in told["entries"][0]["steps"]} | {told["identity"]["position"]}
    in_words = (told["in_words"]["fr"], told["not_proven"]["fr"])
    for said in (*in_words, inscription, "surfacturation présumée", "Delatour", *told["keys"]):
        assert re.sub(r"\s+", "", said) in text, said
    leaves = {int(proof["leaf"].split(":")[1].split(",")[0]): proof for proof in told["proofs"]}
    for position in cited:
        assert re.sub(r"\s+", "", leaves[position]["leaf"]) in text
        assert all(step in text for step in leaves[position]["path"])


def test_on_paper_an_erased_person_is_not_named(house: House, office: Office) -> None:
    subject = office.subject()
    case = office.case(subject, qualified=False)
    body = {"relevant": False, "reason": "x"}
    office.investigator.made(f"/cases/{case}/qualification", body, 200)
    assert sweep(house.desk).subjects_erased == 1
    answer = office.auditor.get(f"/audit/dossiers/{subject}/pdf")
    assert answer.status_code == 200, answer.text
    text = words(answer.content)
    assert "prouvesasituationsansladésigner" in text
    assert "Delatour" not in text
