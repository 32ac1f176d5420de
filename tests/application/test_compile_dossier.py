"""Dossiers on a real database: how somebody stood on a day, what proves it, and nothing of whom was erased."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.adapters.test_sealed_log import rewritten
from tests.stories import (
    ANNE,
    ANOTHER,
    BRUNO,
    MONDAY,
    ORGANISATION,
    RPPS,
    Story,
    a_house,
    a_person,
    a_story,
    ask,
    screened_hits,
)
from watchlist.adapters.codec import EventCodec
from watchlist.adapters.seal_key import GivenSealKeys
from watchlist.application.attention import watching
from watchlist.application.compile_dossier import compile_dossier
from watchlist.application.delist import delist, restrict
from watchlist.application.erase import erase_subject
from watchlist.application.merge_subjects import merge_subjects, split_subjects
from watchlist.application.register_subject import rectify_subject
from watchlist.application.replay import check
from watchlist.audit.verifier import Checkpoint, Note, VerifierKey, leaf_hash, root_by_inclusion
from watchlist.domain import dossier, refusals
from watchlist.domain.dossier import Entered, Listed, Person
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.subject import Subject

View = dict[str, Any]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as story:
        yield story


def compiled(
    story: Story, subject_id: UUID, day: str | None = None, scope: str | None = None, identified: bool = True
) -> View:
    """As it is answered: JSON, read again."""
    asked = None if day is None else date.fromisoformat(day)
    view = compile_dossier(story.desk, story.house.proving, subject_id, asked, scope, identified)
    made: View = msgspec.json.decode(msgspec.json.encode(view))
    return made


def require_included(proof: View, told: View) -> None:
    """Or Broken: as an auditor checks one, from the dossier alone."""
    note, key = Note.parse(told["checkpoint"].encode()), VerifierKey.parse(told["keys"][0])
    assert note.signed_by(key) is not None
    said = Checkpoint.parse(note.text)
    path = [bytes.fromhex(step) for step in proof["path"]]
    leaf = leaf_hash(proof["leaf"].encode())
    root = root_by_inclusion(leaf, proof["leaf_index"], proof["tree_size"], path)
    assert (said.size, said.root) == (proof["tree_size"], root)


def test_a_listed_subject_is_listed_the_whole_day_with_who_decided_it(story: Story):
    subject, case, entry = story.listed()
    story.clock.advance(days=3)
    told = compiled(story, subject, "2021-03-16")
    assert (told["listed"], told["answered"], told["complete"]) == ("whole_day", "whole_day", True)
    (found,) = told["entries"]
    assert (found["inscription_id"], found["case_id"]) == (str(entry), str(case))
    assert (found["proposed_by"], found["approved_by"]) == (str(ANNE), str(BRUNO))
    assert (found["grounds"], found["grounds_version"], found["inscribed_on"]) == (
        ["overbilling"],
        1,
        "2021-03-15",
    )
    steps = [step["what"] for step in found["steps"]]
    assert steps == ["case.qualified", "inscription.proposed", "inscription.approved"]
    assert told["learnt_later"] == {"steps": [], "told": []}


def test_on_the_day_of_the_approval_it_is_listed_from_the_instant_it_was_recorded(story: Story):
    story.clock.move_to(datetime.fromisoformat("2021-03-15T09:00:00+00:00"))
    subject, _, _ = story.listed()
    story.clock.advance(days=1)
    told = compiled(story, subject, "2021-03-15")
    assert told["listed"] == "part_of_day"
    (span,) = told["spans"]
    assert span["from"] == told["entries"][0]["listed_since"]
    assert span["until"] == "2021-03-15T23:00:00Z"
    assert compiled(story, subject, "2021-03-14")["listed"] == "not_at_all"


def test_a_delisting_ends_the_day_in_the_middle_and_is_no_news_of_the_day_before(story: Story):
    subject, _, entry = story.listed()
    story.clock.advance(days=2)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")
    story.clock.advance(days=2)
    day = compiled(story, subject, "2021-03-17")
    assert day["listed"] == "part_of_day"
    assert day["entries"][0]["state"] == "delisted"
    before = compiled(story, subject, "2021-03-16")
    assert (before["listed"], before["entries"][0]["state"]) == ("whole_day", "active")
    (later,) = before["learnt_later"]["steps"]
    assert (later["what"], later["facts"]["ground"]) == ("inscription.delisted", "repaid")


def test_a_restricted_entry_is_listed_and_was_not_to_be_answered(story: Story):
    subject, _, entry = story.listed()
    story.clock.advance(days=1)
    restrict(story.desk, ask(BRUNO), entry, "contestée")
    story.clock.advance(days=2)
    told = compiled(story, subject, "2021-03-17")
    assert (told["listed"], told["answered"]) == ("whole_day", "not_at_all")
    assert told["entries"][0]["spans"][0]["restricted"] is True


def test_past_its_term_an_entry_is_listed_while_a_procedure_holds_it(story: Story):
    subject, case, _ = story.listed(months=1)
    procedure = story.open_procedure(case, subject)
    story.clock.move_to(datetime.fromisoformat("2021-05-03T10:00:00+00:00"))
    held = compiled(story, subject, "2021-04-20")
    assert held["listed"] == "whole_day"
    assert held["entries"][0]["held_by"] == [str(procedure)]
    assert held["entries"][0]["spans"][0]["held"] is True
    story.end_procedure(case, procedure)
    story.clock.advance(days=1)
    assert compiled(story, subject, "2021-05-03")["listed"] == "part_of_day"
    assert compiled(story, subject, "2021-04-20")["listed"] == "whole_day"


def test_a_hit_that_was_told_by_then_is_in_it_and_a_later_one_apart(story: Story):
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    (first,) = screened_hits(story, RPPS)
    story.clock.advance(days=2)
    (second,) = screened_hits(story, RPPS)
    told = compiled(story, subject, "2021-03-15")
    assert [(one["organisation"], one["screening_id"]) for one in told["told"]] == [("TPG", str(first))]
    assert [one["screening_id"] for one in told["learnt_later"]["told"]] == [str(second)]


def test_an_entry_of_a_duplicate_found_later_is_told_as_learnt_since(story: Story):
    survivor, (duplicate, _, _) = story.subject(a_person("Durand")), story.listed(a_person("Durant"))
    story.clock.advance(days=2)
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    story.clock.advance(days=2)
    before = compiled(story, survivor, "2021-03-16")
    assert before["listed"] == "not_at_all"
    assert (before["entries"][0]["known_as_theirs_then"], before["entries"][0]["theirs_now"]) == (False, True)
    assert before["subjects_then"] == [str(survivor)]
    assert "subject.absorbed" in {step["what"] for step in before["learnt_later"]["steps"]}
    assert compiled(story, survivor, "2021-03-18")["listed"] == "whole_day"
    assert compiled(story, duplicate, "2021-03-16")["listed"] == "whole_day"
    split_subjects(story.desk, ask(), survivor, duplicate, "erreur")
    story.clock.advance(days=2)
    between = compiled(story, survivor, "2021-03-18")
    assert (between["listed"], between["entries"][0]["theirs_now"]) == ("whole_day", False)
    assert compiled(story, survivor, "2021-03-20")["entries"] == []


def leaves_of(told: View) -> list[View]:
    return [msgspec.json.decode(proof["leaf"]) for proof in told["proofs"]]


def test_once_a_merge_is_undone_the_case_of_the_other_one_is_not_shown(story: Story):
    survivor, own, _ = story.listed(a_person("Durand"))
    duplicate, others, _ = story.listed(a_person("Durant"))
    story.clock.advance(days=2)
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    story.clock.advance(days=2)
    split_subjects(story.desk, ask(), survivor, duplicate, "erreur")
    story.clock.advance(days=2)
    between = {leaf["stream"] for leaf in leaves_of(compiled(story, survivor, "2021-03-18"))}
    assert between == {str(survivor), str(duplicate), str(own), str(others)}, "then they were one"
    for asked, theirs in ((survivor, own), (duplicate, others)):
        for day in ("2021-03-16", "2021-03-20"):
            shown = {leaf["stream"] for leaf in leaves_of(compiled(story, asked, day))}
            assert shown == {str(asked), str(theirs)}


def test_what_was_decided_of_a_person_in_the_others_case_stays_theirs_when_the_merge_is_undone(story: Story):
    survivor, (duplicate, case, _) = story.subject(a_person("Durand")), story.listed(a_person("Durant"))
    merge_subjects(story.desk, ask(), survivor, duplicate, "même personne")
    procedure = story.open_procedure(case, survivor)
    split_subjects(story.desk, ask(), survivor, duplicate, "erreur")
    story.clock.advance(days=2)
    (opened,) = (
        leaf
        for leaf in leaves_of(compiled(story, survivor, "2021-03-16"))
        if leaf["topic"] == "case.procedure_opened"
    )
    assert opened["state"]["procedure_id"] == str(procedure)


def test_whoever_stands_in_a_leaf_that_is_shown_was_looked_at(story: Story):
    first, second = story.subject(a_person("Durand")), story.subject(a_person("Martin"))
    case = story.case(first, second)
    story.inscribe(case, first)
    merged = story.subject(a_person("Durant"))
    merge_subjects(story.desk, ask(), first, merged, "même personne")
    split_subjects(story.desk, ask(), first, merged, "erreur")
    story.clock.advance(days=2)
    with watching() as attention:
        compiled(story, first, "2021-03-16")
    assert attention.subjects == {first, merged}
    assert case in attention.owners


def test_a_dossier_says_that_which_cases_there_are_is_not_proven_by_it(story: Story):
    """Two rows of the pictures hide a case: the dossier is signed, and says what it takes from them."""
    subject, _, _ = story.listed()
    story.clock.advance(days=3)
    with story.house.pool.connection() as conn:
        conn.execute("UPDATE inscriptions SET subject_id = gen_random_uuid()")
        conn.execute("UPDATE cases SET subject_ids = '{}'")
    told = compiled(story, subject, "2021-03-16")
    assert told["listed"] == "not_at_all"
    assert "does not prove that there is no other case" in told["not_proven"]["en"]
    assert "ne prouve pas qu'il n'en existe pas d'autre" in told["not_proven"]["fr"]
    _, differences = check(story.desk, story.house.snapshots)
    assert {difference.table for difference in differences} >= {"cases", "inscriptions"}


def test_every_fact_has_its_leaf_and_can_be_made_again_from_the_leaves_alone(story: Story):
    story.listed(a_person("Autre"))
    subject, case, entry = story.listed()
    story.clock.advance(days=1)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "remboursé")
    told = compiled(story, subject, "2021-03-15")
    for proof in told["proofs"]:
        require_included(proof, told)
    assert told["not_sealed"] == []
    leaves = {leaf["position"]: leaf for leaf in (msgspec.json.decode(p["leaf"]) for p in told["proofs"])}
    for step in (*told["entries"][0]["steps"], *told["learnt_later"]["steps"]):
        leaf = leaves[step["position"]]
        assert (leaf["topic"], leaf["stream"], leaf["version"]) == (
            step["what"],
            step["stream"],
            step["version"],
        )
        assert leaf["state"].items() >= (step["facts"] | {"by": step["by"], "at": step["at"]}).items()
        assert leaf["recorded_at"] == step["recorded_at"]
    streams = _again(leaves)
    assert {id for id, told_again in streams.items() if _whole(told_again)} == {subject, case}
    person = Person(frozenset({subject}), frozenset({subject}))
    day = dossier.day_of(date(2021, 3, 15), story.clock.now())
    again = dossier.standing_on([streams[case]], person, day)
    assert msgspec.json.decode(msgspec.json.encode(again.entries)) == told["entries"]
    assert again.listed == told["listed"]


def _again(leaves: dict[int, View]) -> dict[UUID, list[Entered]]:
    codec, streams = EventCodec(), {}
    for position, leaf in sorted(leaves.items()):
        stream = UUID(leaf["stream"])
        event = codec.decode(leaf["topic"], stream, leaf["version"], msgspec.json.encode(leaf["state"]))
        at = datetime.fromisoformat(leaf["recorded_at"])
        streams.setdefault(stream, []).append(Entered(position, at, event))
    return streams


def _whole(history: list[Entered]) -> bool:
    return [one.event.originator_version for one in history] == list(range(1, len(history) + 1))


def test_the_identity_is_the_one_that_its_leaf_commits_to(story: Story):
    subject, _, _ = story.listed(a_person("Lefèvre", "Anne", RPPS))
    told = compiled(story, subject)
    identity = told["identity"]
    assert identity["fields"]["family_name"] == "Lefèvre"
    assert identity["fields"]["identifiers"] == [{"scheme": "rpps", "value": RPPS.value}]
    (leaf,) = (
        found
        for found in (msgspec.json.decode(proof["leaf"]) for proof in told["proofs"])
        if found["position"] == identity["position"]
    )
    nonce = base64.b64decode(identity["nonce"])
    mac = hmac.digest(nonce, identity["value"].encode(), hashlib.sha256)
    assert base64.b64encode(mac).decode() == leaf["state"]["identity"]["commitment"] == identity["commitment"]


def test_the_identity_is_the_one_that_was_known_that_day(story: Story):
    subject, _, _ = story.listed(a_person("Lefebvre"))
    story.clock.advance(days=2)
    rectify_subject(story.desk, ask(), subject, a_person("Lefèvre"), "faute de frappe", 1)
    story.clock.advance(days=1)
    told = compiled(story, subject, "2021-03-16")
    assert told["identity"]["fields"]["family_name"] == "Lefebvre"
    (later,) = told["learnt_later"]["steps"]
    assert (later["what"], later["facts"]["fields"]) == ("subject.rectified", ["family_name"])
    assert compiled(story, subject, "2021-03-18")["identity"]["fields"]["family_name"] == "Lefèvre"


def test_who_may_know_no_identity_is_given_none(story: Story):
    subject, _, _ = story.listed(a_person("Lefèvre"))
    identity = compiled(story, subject, identified=False)["identity"]
    assert (identity["erased"], identity["nonce"], identity["value"], identity["fields"]) == (
        False,
        None,
        None,
        None,
    )


def test_the_log_signs_every_byte_of_a_dossier(story: Story):
    subject, _, _ = story.listed()
    view = compile_dossier(story.desk, story.house.proving, subject, None, None)
    told = msgspec.json.decode(msgspec.json.encode(view))
    signature = Note.parse(told.pop("signature").encode())
    rest = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    assert signature.text == f"watchlist-dossier/v1\n{hashlib.sha256(rest).hexdigest()}\n"
    assert signature.signed_by(VerifierKey.parse(told["keys"][0]))


def test_another_organisations_subject_is_not_there(story: Story):
    subject, _, _ = story.listed()
    assert compiled(story, subject, scope=ORGANISATION)["listed"]
    for scope, id in ((ANOTHER, subject), (None, uuid4())):
        with pytest.raises(refusals.NoSuchSubject):
            compiled(story, id, scope=scope)


def test_a_case_is_no_subject_and_no_day_is_to_come(story: Story):
    subject, case, _ = story.listed()
    with pytest.raises(refusals.NoSuchSubject):
        compiled(story, case)
    with pytest.raises(refusals.DateInTheFuture):
        compiled(story, subject, "2021-03-16")


def test_today_is_told_as_far_as_it_is_over(story: Story):
    subject, _, _ = story.listed()
    told = compiled(story, subject)
    assert (told["day"], told["complete"], told["listed"]) == ("2021-03-15", False, "part_of_day")
    assert "the day is not over" in told["in_words"]["en"]


def test_what_is_recorded_is_sealed_before_it_is_told_and_what_is_not_is_said(story: Story):
    subject, _, _ = story.listed()
    told = compiled(story, subject)
    assert (told["not_sealed"], len(told["proofs"])) == ([], 5)
    story.clock.advance(days=1)
    story.desk.log.record([_noted(story, subject)], story.desk.new_work(ask()))
    not_sealing = replace(story.house.proving, seal=lambda: None)
    later = compile_dossier(story.desk, not_sealing, subject, None, None)
    assert (len(later["not_sealed"]), len(later["proofs"])) == (1, 5)
    assert later["checkpoint"] == told["checkpoint"]


def _noted(story: Story, subject: UUID) -> Subject:
    found = story.desk.subject(subject, ORGANISATION)
    found.contest(story.desk.new_work(ask()).act, uuid4())
    return found


def test_of_an_erased_person_the_standing_is_proven_and_nobody_named(story: Story):
    subject, _, entry = story.listed(a_person("Lefèvre", "Anne", RPPS))
    story.clock.advance(days=2)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.INACCURATE, "erreur sur Lefèvre")
    erase_subject(story.desk, ask(), subject)
    told = compiled(story, subject, "2021-03-16")
    assert (told["listed"], told["identity"]["erased"]) == ("whole_day", True)
    assert (told["identity"]["value"], told["identity"]["nonce"]) == (None, None)
    for proof in told["proofs"]:
        require_included(proof, told)
    assert "subject.erased" in {step["what"] for step in told["learnt_later"]["steps"]}
    said = msgspec.json.encode(told).decode().lower()
    assert not [word for word in ("lefèvre", "lefevre", RPPS.value, "1970") if word in said]


def test_the_listed_of_a_dossier_is_what_a_list_as_of_an_instant_said(story: Story):
    subject, _, entry = story.listed()
    story.clock.advance(days=2)
    restrict(story.desk, ask(BRUNO), entry, "contestée")
    story.clock.advance(days=2)
    delist(story.desk, ask(BRUNO), entry, DelistingGround.REPAID, "x")
    story.clock.advance(days=2)
    for day in range(14, 21):
        told = compiled(story, subject, f"2021-03-{day}")
        noon = datetime.fromisoformat(f"2021-03-{day}T12:00:00+00:00")
        listed = {row["inscription_id"] for row in story.house.pictures.list_as_of(None, noon)}
        covers = [s for s in told["spans"] if s["from"] <= noon.strftime("%Y-%m-%dT%H:%M:%SZ") < s["until"]]
        assert (entry in listed) == bool(covers), day
    assert MONDAY.day == 15
    assert told["listed"] == Listed.NOT_AT_ALL


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = 3",
        "UPDATE seal_leaves SET sources = array_replace(sources, 3, 99)",
        "UPDATE seal_tiles SET hashes = set_byte(hashes, 70, 255 - get_byte(hashes, 70))",
    ],
)
def test_no_dossier_of_a_changed_past_is_signed(story: Story, database_url: str, change: str):
    """Though what changed is not what was sealed last, and sealing goes on."""
    subject, _, _ = story.listed(a_person("Martin", "Anne"))
    story.listed(a_person("Durand", "Paul"))
    story.house.sealer.seal()
    rewritten(database_url, change)
    with pytest.raises(refusals.PastChanged):
        compiled(story, subject)


def test_a_key_that_has_not_signed_yet_is_among_the_keys_of_a_dossier(database_url: str):
    """Between a rotation and the next checkpoint: it signs the dossier already."""
    old, new = b"o" * 32, b"n" * 32
    with a_house(database_url, seal_keys=GivenSealKeys((old,))) as house:
        subject, _, _ = Story(house).listed()
        house.sealer.seal()
    with a_house(database_url, seal_keys=GivenSealKeys((new, old))) as house:
        told = compiled(Story(house), subject)
        signature = Note.parse(told["signature"].encode())
        assert all(signature.signed_by(VerifierKey.parse(key)) for key in told["keys"])
        assert (len(told["keys"]), len(signature.signatures)) == (2, 2)
        assert told["keys"][0] == house.sealed_log.keys()[0]
