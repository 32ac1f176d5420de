"""Screening: hit or no hit, line by line, and nothing else (S1-S5, S9, L3, L9)."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stories import BRUNO, MONDAY, Story, a_story, an_asking, ask, open_screening, rpps
from watchlist.application.delist import delist, lift_restriction, restrict
from watchlist.application.merge_subjects import merge_subjects
from watchlist.application.register_subject import record_death, rectify_subject
from watchlist.application.screening_request import (
    BatchSize,
    MalformedKey,
    MalformedScreening,
    RepeatedKey,
    read_envelope,
)
from watchlist.application.work_on_case import record_victim
from watchlist.domain.identifiers import parse
from watchlist.domain.identity import Organisation, Person
from watchlist.domain.inscription import DelistingGround
from watchlist.domain.refusals import (
    Busy,
    IdentifierOfAnother,
    Malformed,
    SubjectDeceased,
    SubjectNotIdentified,
)

LISTED = Person(
    "de La Tour", "Jean-Pierre Marie", date(1970, 1, 31), usage_name="Œuvrard", identifiers=(rpps(1),)
)
HIT, NO_HIT = {"hit": True}, {"hit": False}


@pytest.fixture
def register(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as told:
        yield told


def body(subjects: Any) -> bytes:
    return json.dumps(
        {"purpose": "third_party_payment", "file_reference": "LOT-1", "subjects": subjects}
    ).encode()


def answers(register: Story, *bodies: bytes) -> list[dict[str, Any]]:
    async def all_at_once() -> list[bytes]:
        async with open_screening(register.house) as screening:
            return await asyncio.gather(*(screening.answer(one, an_asking()) for one in bodies))

    return [json.loads(answer) for answer in asyncio.run(all_at_once())]


def screened(register: Story, **subjects: Any) -> dict[str, Any]:
    results: dict[str, Any] = answers(register, body(subjects))[0]["results"]
    return results


def identified(scheme: str, value: str) -> dict[str, Any]:
    return {"identifiers": [{"scheme": scheme, "value": value}]}


def named(family_name: str, given_names: str, birth_date: str = "1970-01-31") -> dict[str, Any]:
    return {
        "kind": "person",
        "family_name": family_name,
        "given_names": given_names,
        "birth_date": birth_date,
    }


def test_an_exact_identifier_hits_however_it_is_spaced(register: Story) -> None:
    register.listed(LISTED)
    value = rpps(1).value
    spaced = " ".join(value[i : i + 3] for i in range(0, 11, 3))
    found = screened(
        register,
        a=identified("rpps", value),
        b=identified("rpps", spaced),
        c=identified("rpps", rpps(2).value),
    )
    assert found == {"a": HIT, "b": HIT, "c": NO_HIT}


def test_a_siret_also_asks_its_siren_and_not_the_other_way_round(register: Story) -> None:
    register.listed(Organisation("Cabinet Exemple", (parse("siren", "732829320"),)))
    register.listed(Organisation("Autre", (parse("siret", "44306184100047"),)))
    found = screened(register, a=identified("siret", "73282932000074"), b=identified("siren", "443061841"))
    assert found == {"a": HIT, "b": NO_HIT}


@pytest.mark.parametrize(
    ("family_name", "given_names", "expected"),
    [
        ("DE LA TOUR", "JEAN PIERRE MARIE", HIT),
        ("Delatour", "Marie", HIT),
        ("La Tour", "pierre jean", HIT),
        ("de-la-tour", "Jean-Pierre, Marie, Paul", HIT),
        ("oeuvrard", "jean", HIT),
        ("Latours", "Jean", NO_HIT),
        ("de La Tour", "Paul", NO_HIT),
        ("de La Tour", "Jean Paul", NO_HIT),
    ],
)
def test_a_name_hits_with_its_full_birth_date_whatever_its_spelling_of_signs(
    register: Story, family_name: str, given_names: str, expected: dict[str, bool]
) -> None:
    register.listed(LISTED)
    found = screened(
        register,
        same_day=named(family_name, given_names),
        another_day=named(family_name, given_names, "1970-01-30"),
    )
    assert found == {"same_day": expected, "another_day": NO_HIT}


def test_a_query_with_both_asks_both_and_either_hits(register: Story) -> None:
    register.listed(LISTED)
    found = screened(
        register,
        by_name=named("de La Tour", "Jean") | identified("rpps", rpps(2).value),
        by_number=named("Inconnu", "Paul") | identified("rpps", rpps(1).value),
    )
    assert found == {"by_name": HIT, "by_number": HIT}


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({}, "nothing_asked", "identifiers"),
        ({"identifiers": []}, "nothing_asked", "identifiers"),
        ({"family_name": "Exemple", "given_names": "Camille"}, "incomplete_person", "birth_date"),
        ({"family_name": "Exemple"}, "incomplete_person", "given_names"),
        (named("''", "Camille"), "malformed", "family_name"),
        (named("Exemple", "-"), "malformed", "given_names"),
        (named("Exemple", "Camille", "31/01/1970"), "malformed", "birth_date"),
        (named("Exemple", "Camille") | {"kind": "organisation"}, "malformed", "kind"),
        (identified("nir", "1850175123456"), "nir_refused", "identifiers[0]"),
        (identified("amc_member", "12345678/1234"), "key_not_alone", "identifiers"),
        (identified("rpps", "10000001917"), "check_failed", "identifiers[0]"),
        (identified("rpps", "123"), "malformed_identifier", "identifiers[0]"),
        (identified("passport", "123"), "unknown_scheme", "identifiers[0]"),
        ({"surname": "Exemple"}, "malformed", "body"),
        (5, "malformed", "body"),
        (None, "malformed", "body"),
    ],
)
def test_a_malformed_line_is_an_error_for_that_line_and_never_a_no_hit(
    register: Story, asked: Any, code: str, field: str
) -> None:
    register.listed(LISTED)
    found = screened(register, bad=asked, good=identified("rpps", rpps(1).value))
    assert found["good"] == HIT
    assert (found["bad"]["error"]["code"], found["bad"]["error"]["field"]) == (code, field)


@pytest.mark.parametrize(
    "line",
    [
        '{"identifiers":[{"scheme":"rpps","value":"%s"}],"identifiers":[]}',
        '{"identifiers" :[{"scheme":"rpps","value":"%s"}],"identifiers":[{"scheme":"rpps","value":"%s"}]}',
        '{"identifiers":[{"scheme":"rpps","value":"%s","value" : "%s"}]}',
        '{"identifiers":[{"scheme":"rpps","value":"%s"}],"identifier\\u0073":[]}',
    ],
)
def test_a_field_given_twice_is_an_error_for_its_line(register: Story, line: str) -> None:
    register.listed(LISTED)
    values = (rpps(1).value, rpps(2).value)[: line.count("%s")]
    envelope = body({"a": {}}).replace(b"{}", (line % values).encode())
    assert answers(register, envelope)[0]["results"]["a"]["error"]["code"] == "malformed"


def test_three_malformed_lines_leave_the_other_9997_answered(register: Story) -> None:
    register.listed(LISTED)
    subjects = {f"q{n}": identified("rpps", rpps(n).value) for n in range(1, 10_001)}
    for n in (1000, 5000, 9999):
        subjects[f"q{n}"] = identified("rpps", "12345")
    found = screened(register, **subjects)
    assert sum("hit" in result for result in found.values()) == 9997
    assert [key for key, result in found.items() if result == HIT] == ["q1"]


def test_the_answer_says_hit_or_no_hit_and_its_own_reference_only(register: Story) -> None:
    register.listed(LISTED)
    answer = answers(register, body({"a": identified("rpps", rpps(1).value)}))[0]
    assert set(answer) == {"screening_id", "answered_at", "position", "results", "review_required"}
    assert answer["review_required"] is True
    assert answer["position"] == register.house.register.position()


def test_an_entry_answers_until_midnight_in_paris_though_nobody_swept(register: Story) -> None:
    register.listed(LISTED)
    asked = identified("rpps", rpps(1).value)
    register.clock.move_to(datetime(2026, 3, 15, 22, 59, 59, 999999, tzinfo=UTC))
    assert screened(register, a=asked) == {"a": HIT}
    register.clock.move_to(datetime(2026, 3, 15, 23, 0, tzinfo=UTC))
    assert screened(register, a=asked) == {"a": NO_HIT}
    register.clock.move_to(datetime(2026, 4, 15, 23, 0, tzinfo=UTC))
    assert screened(register, a=asked) == {"a": NO_HIT}


def test_what_is_proposed_delisted_or_restricted_is_answered_like_the_unknown(register: Story) -> None:
    asked = {"a": identified("rpps", rpps(1).value), "b": named("de La Tour", "Jean")}
    subject = register.subject(LISTED)
    case = register.case(subject)
    assert screened(register, **asked) == {"a": NO_HIT, "b": NO_HIT}
    entry = register.inscribe(case, subject)
    assert screened(register, **asked) == {"a": HIT, "b": HIT}
    restrict(register.desk, ask(BRUNO), entry, "contested")
    assert screened(register, **asked) == {"a": NO_HIT, "b": NO_HIT}
    lift_restriction(register.desk, ask(BRUNO), entry, "settled")
    assert screened(register, **asked) == {"a": HIT, "b": HIT}
    delist(register.desk, ask(BRUNO), entry, DelistingGround.REPAID, "repaid")
    assert screened(register, **asked) == {"a": NO_HIT, "b": NO_HIT}


def test_a_held_entry_still_answers_and_stops_when_its_procedure_ends(register: Story) -> None:
    subject, case, _ = register.listed(LISTED)
    procedure = register.open_procedure(case, subject)
    register.clock.move_to(MONDAY + timedelta(days=365 * 7))
    assert screened(register, a=identified("rpps", rpps(1).value)) == {"a": HIT}
    register.end_procedure(case, procedure)
    assert screened(register, a=identified("rpps", rpps(1).value)) == {"a": NO_HIT}


def test_a_rectified_identity_answers_under_its_new_form_only(register: Story) -> None:
    subject, _, _ = register.listed(LISTED)
    rectified = Person("Autre", "Jean", date(1970, 1, 31), identifiers=(rpps(3),))
    rectify_subject(register.desk, ask(), subject, rectified, "a mistake", 1)
    found = screened(
        register,
        old_name=named("de La Tour", "Jean"),
        old_number=identified("rpps", rpps(1).value),
        new_name=named("Autre", "Jean"),
        new_number=identified("rpps", rpps(3).value),
    )
    assert found == {"old_name": NO_HIT, "old_number": NO_HIT, "new_name": HIT, "new_number": HIT}


def test_a_stolen_identifier_is_no_key_to_the_entries_of_that_case(register: Story) -> None:
    _, case, _ = register.listed(LISTED)
    victim = register.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    record_victim(register.desk, ask(), victim, case, (rpps(1),), "stolen")
    found = screened(
        register,
        stolen=identified("rpps", rpps(1).value),
        author=named("de La Tour", "Jean"),
        victim=named("Victime", "Paule", "1960-05-05"),
    )
    assert found == {"stolen": NO_HIT, "author": HIT, "victim": NO_HIT}


def test_many_at_once_each_get_their_own_answer(register: Story) -> None:
    for n in range(10):
        register.listed(Person("Exemple", "Camille", date(1970, 1, 1), identifiers=(rpps(n),)))
    asked = [body({"a": identified("rpps", rpps(n).value)}) for n in range(200)]
    found = [answer["results"]["a"] for answer in answers(register, *asked)]
    assert found == [HIT] * 10 + [NO_HIT] * 190


@pytest.mark.parametrize(
    ("envelope", "refusal"),
    [
        (b"", MalformedScreening),
        (b"[]", MalformedScreening),
        (b'{"purpose":"curiosity","file_reference":"x","subjects":{}}', MalformedScreening),
        (b'{"purpose":"claim_control","subjects":{"a":{}}}', MalformedScreening),
        (b'{"purpose":"claim_control","file_reference":"","subjects":{"a":{}}}', MalformedScreening),
        (b'{"purpose":"claim_control","file_reference":"x","subjects":{},"more":1}', MalformedScreening),
        (body({}), BatchSize),
        (body({f"q{n}": {} for n in range(10_001)}), BatchSize),
        (body({"a b": {}}), MalformedKey),
        (body({"": {}}), MalformedKey),
        (body({"a" * 65: {}}), MalformedKey),
        (b'{"purpose":"claim_control","file_reference":"x","subjects":{"a":{},"a":{}}}', RepeatedKey),
        (b'{"purpose":"claim_control","file_reference":"x","subjects":{"a":{},"\\u0061":{}}}', RepeatedKey),
        (b'{"purpose":"claim_control","file_reference":"x","subjects":{"a":1,"a":{}}}', RepeatedKey),
    ],
)
def test_an_envelope_that_is_wrong_is_refused_as_a_whole(envelope: bytes, refusal: type[Malformed]) -> None:
    with pytest.raises(refusal):
        read_envelope(envelope)


keys = st.sampled_from(["a", "b", "c", "\\u0061", "\\u0062"])
values = st.sampled_from(["{}", "1", '{"identifiers":[]}', '{"x":{"a":{}}}', '"a\\":{"', '"b"'])


@given(st.lists(st.tuples(keys, values), min_size=1, max_size=6))
def test_a_repeated_key_is_always_found(pairs: list[tuple[str, str]]) -> None:
    lines = ",".join(f'"{key}" : {value}' for key, value in pairs)
    envelope = f'{{"purpose":"claim_control","file_reference":"x","subjects":{{{lines}}}}}'.encode()
    decoded = [json.loads(f'"{key}"') for key, _ in pairs]
    if len(set(decoded)) == len(decoded):
        assert set(read_envelope(envelope).subjects) == set(decoded)
    else:
        with pytest.raises(RepeatedKey):
            read_envelope(envelope)


def test_when_the_database_cannot_be_asked_the_answer_is_unknown(register: Story) -> None:
    async def unanswered() -> None:
        await register.house.index.open()
        await register.house.index.close()
        with pytest.raises(Busy):
            await register.house.screening.answer(body({"a": identified("rpps", rpps(1).value)}), an_asking())

    asyncio.run(unanswered())


@pytest.mark.parametrize(
    "line",
    [
        b'{"family_name":"\xff"}',
        b'{"family_name":"\\u0041\xff"}',
        b'{"family_name":"\\u0041","birth_date":' + b"9" * 5000 + b"}",
        b"{" * 2000,
        b'{"identifiers":[' + b",".join([b'{"scheme":"rpps","value":"1"}'] * 21) + b"]}",
    ],
)
def test_whatever_bytes_are_sent_the_answer_is_a_refusal_or_an_error_for_the_line(
    register: Story, line: bytes
) -> None:
    envelope = body({"a": {}}).replace(b"{}", line)
    try:
        (answer,) = answers(register, envelope)
    except MalformedScreening:
        return
    assert answer["results"]["a"]["error"]["code"] == "malformed"


def test_merged_persons_who_contradict_each_other_are_refused(register: Story) -> None:
    one = register.subject(LISTED)
    other = register.subject(Person("Autre", "Zoé", date(1980, 1, 1), identifiers=(rpps(5),)))
    with pytest.raises(IdentifierOfAnother):
        merge_subjects(register.desk, ask(), one, other, "a slip")


def test_a_listed_subject_is_not_emptied_of_what_it_is_found_by(register: Story) -> None:
    subject, _, _ = register.listed(LISTED)
    with pytest.raises(SubjectNotIdentified):
        rectify_subject(register.desk, ask(), subject, Person("de La Tour", "Jean"), "a slip", 1)
    assert screened(register, a=identified("rpps", rpps(1).value)) == {"a": HIT}


def test_a_stolen_siret_is_no_key_to_its_siren_either(register: Story) -> None:
    siren, siret = parse("siren", "732829320"), parse("siret", "73282932000074")
    _, case, _ = register.listed(Organisation("Cabinet Exemple", (siren, siret)))
    victim = register.subject(Person("Victime", "Paule", date(1960, 5, 5)))
    record_victim(register.desk, ask(), victim, case, (siret,), "stolen")
    assert screened(register, a=identified("siret", siret.value)) == {"a": NO_HIT}


def test_a_subject_that_changed_while_it_was_decided_on_is_decided_on_again(
    register: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = register.subject(LISTED)
    case = register.case(subject)
    proposal = register.propose(case, subject).id
    meanwhile = iter([lambda: record_death(register.desk, ask(), subject, date(2021, 1, 1))])
    loaded = type(register.desk).subject

    def loaded_then_dead(desk: object, id: object, *rest: object) -> object:
        found = loaded(desk, id, *rest)
        for happens in meanwhile:
            happens()
        return found

    monkeypatch.setattr(type(register.desk), "subject", loaded_then_dead)
    with pytest.raises(SubjectDeceased):
        register.approve(proposal)
