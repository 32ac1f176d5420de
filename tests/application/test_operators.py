"""Keys narrowed, rotated and seen in use; tokens whose holder is the operator of that name; reviews (T2, L5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.stories import Story, a_story, at_once
from watchlist.application import operators as verbs
from watchlist.application.admit import NOTED_EVERY, note_holder_use, note_key_use, operator_of
from watchlist.application.operators import Grant, IssuedKey, holder_of
from watchlist.domain.operator import Role
from watchlist.domain.passport import NotAdmitted, Passport, Reason
from watchlist.domain.scope import Scope

GRPM = "GRPM"
DAY = timedelta(days=1)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    with a_story(database_url) as story:
        yield story


def issued(story: Story, name: str = "Camille Roche", **grant: Any) -> IssuedKey:
    return verbs.grant_key(
        story.house.operators, story.clock, name, GRPM, Grant(**{"role": Role.INTEGRATOR, **grant})
    )


def rotated(story: Story, key_id: str, **how: Any) -> IssuedKey:
    return verbs.rotate_key(story.house.operators, story.clock, key_id, **how)


def opens(story: Story, key: IssuedKey) -> bool:
    return refusal(story, key) is None


def refusal(story: Story, key: IssuedKey) -> Reason | None:
    try:
        holder_of(story.house.operators, story.clock, key.presented)
    except NotAdmitted as refused:
        return refused.reason
    return None


# Keys -----------------------------------------------------------------------------------------


def test_a_key_keeps_what_it_was_narrowed_to(story):
    key = issued(story, scopes=frozenset({Scope.SCREENINGS}), sandbox=True)
    held, _ = holder_of(story.house.operators, story.clock, key.presented)
    assert (held.scopes, held.sandbox, held.family) == ({Scope.SCREENINGS}, True, held.key_id)
    whole, _ = holder_of(story.house.operators, story.clock, issued(story).presented)
    assert (whole.scopes, whole.sandbox) == (None, False)


def test_a_narrowed_key_keeps_something_and_the_sandbox_is_an_integrators(story):
    with pytest.raises(verbs.NothingInScope):
        issued(story, scopes=frozenset())
    with pytest.raises(verbs.SandboxRole):
        issued(story, role=Role.INVESTIGATOR, sandbox=True)


def test_every_reason_not_to_open_is_told_apart(story):
    key = issued(story, expires_at=story.clock.now() + DAY)
    prefix = key.presented.partition(".")[0]
    assert refusal(story, replace(key, presented="x")) is Reason.MALFORMED
    assert refusal(story, replace(key, presented=f"{'0' * 16}.{'A' * 43}")) is Reason.UNKNOWN_KEY
    assert refusal(story, replace(key, presented=f"{prefix}.{'A' * 43}")) is Reason.WRONG
    story.clock.advance(days=1)
    assert refusal(story, key) is Reason.EXPIRED
    other = issued(story)
    verbs.revoke_key(story.house.operators, story.clock, other.key.key_id)
    assert refusal(story, other) is Reason.REVOKED
    verbs.leave(story.house.operators, story.clock, key.operator.operator_id)
    assert refusal(story, other) is Reason.LEFT


def test_both_keys_of_a_rotation_open_until_the_older_expires(story):
    older = issued(story, scopes=frozenset({Scope.SCREENINGS}), sandbox=True)
    newer = rotated(story, older.key.key_id)
    assert (newer.key.scopes, newer.key.sandbox, newer.key.role) == (
        older.key.scopes,
        True,
        Role.INTEGRATOR,
    )
    assert (newer.key.rotated_from, newer.key.family) == (older.key.key_id, older.key.key_id)
    story.clock.advance(days=6)
    assert opens(story, older)
    assert opens(story, newer)
    story.clock.advance(days=1)
    assert refusal(story, older) is Reason.EXPIRED
    assert opens(story, newer)


def test_the_grace_is_ones_own_to_choose_and_never_makes_a_key_live_longer(story):
    at_once_gone = issued(story)
    rotated(story, at_once_gone.key.key_id, grace=timedelta(0))
    assert refusal(story, at_once_gone) is Reason.EXPIRED
    short = issued(story, expires_at=story.clock.now() + DAY)
    rotated(story, short.key.key_id, grace=timedelta(days=30))
    story.clock.advance(days=1)
    assert refusal(story, short) is Reason.EXPIRED
    with pytest.raises(verbs.GraceOutOfRange):
        rotated(story, short.key.key_id, grace=timedelta(days=91))


def test_a_successor_lives_as_long_as_its_predecessor_was_issued_for(story):
    older = issued(story, expires_at=story.clock.now() + 90 * DAY)
    story.clock.advance(days=80)
    assert rotated(story, older.key.key_id).key.expires_at == story.clock.now() + 90 * DAY
    unending = issued(story)
    assert rotated(story, unending.key.key_id).key.expires_at is None
    ending = issued(story)
    told = story.clock.now() + DAY
    assert rotated(story, ending.key.key_id, expires_at=told).key.expires_at == told
    with pytest.raises(verbs.KeyExpiresInThePast):
        rotated(story, ending.key.key_id, expires_at=story.clock.now())


def test_two_keys_of_one_rotation_live_at_once_and_no_third(story):
    first = issued(story)
    second = rotated(story, first.key.key_id)
    for either in (first, second):
        with pytest.raises(verbs.RotationUnderWay):
            rotated(story, either.key.key_id)
    story.clock.advance(days=7)
    third = rotated(story, second.key.key_id)
    assert third.key.family == first.key.key_id
    with pytest.raises(verbs.KeyNotLive):
        rotated(story, first.key.key_id)


def test_a_successor_that_was_lost_is_revoked_and_made_again(story):
    older = issued(story)
    lost = rotated(story, older.key.key_id)
    verbs.revoke_key(story.house.operators, story.clock, lost.key.key_id)
    assert opens(story, rotated(story, older.key.key_id))
    with pytest.raises(verbs.KeyNotLive):
        rotated(story, lost.key.key_id)


def test_however_many_rotate_at_once_there_is_one_successor(story):
    older = issued(story)
    outcomes = at_once([lambda: rotated(story, older.key.key_id)] * 6)
    assert sum(isinstance(one, IssuedKey) for one in outcomes) == 1
    assert {type(one) for one in outcomes} == {IssuedKey, verbs.RotationUnderWay}
    assert story.house.operators.live_keys(older.key.key_id, story.clock.now()) == 2


def test_a_leavers_key_is_not_rotated_and_another_organisations_is_not_there(story):
    key = issued(story)
    with pytest.raises(verbs.NoSuchKey):
        rotated(story, key.key.key_id, organisation="PROBTP")
    verbs.leave(story.house.operators, story.clock, key.operator.operator_id)
    with pytest.raises(verbs.OperatorLeft):
        rotated(story, key.key.key_id)


def test_nothing_makes_a_key_live_longer_not_even_the_service(story):
    key = issued(story, expires_at=story.clock.now() + DAY)
    for later in ("NULL", "expires_at + interval '1 second'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            story.rows(f"UPDATE api_keys SET expires_at = {later} WHERE key_id = %b", key.key.key_id)
    for column in ("role = 'admin'", "scopes = NULL", "operator_id = gen_random_uuid()", "sandbox = false"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            story.rows(f"UPDATE api_keys SET {column}")


# Last use -------------------------------------------------------------------------------------


def test_the_last_use_of_a_key_is_known_to_about_a_minute(story):
    key = issued(story)

    def used() -> Any:
        note_key_use(story.house.operators, story.clock, key.key)
        return holder_of(story.house.operators, story.clock, key.presented)[0].last_used_at

    first = story.clock.now()
    assert used() == first
    story.clock.advance(seconds=59)
    assert used() == first
    story.clock.advance(seconds=1)
    assert used() == first + NOTED_EVERY


def test_a_use_that_is_noted_late_revives_nothing(story):
    key = issued(story)
    verbs.revoke_key(story.house.operators, story.clock, key.key.key_id)
    note_key_use(story.house.operators, story.clock, key.key)
    assert story.rows("SELECT last_used_at FROM api_keys")[0]["last_used_at"] is None


# Tokens ---------------------------------------------------------------------------------------


def a_passport(story: Story, **changes: Any) -> Passport:
    usual = Passport(
        "https://idp.example",
        "camille",
        "Camille Roche",
        frozenset({Role.INVESTIGATOR}),
        GRPM,
        True,
        story.clock.now() + timedelta(minutes=5),
    )
    return replace(usual, **changes)


def known(story: Story, passport: Passport) -> Any:
    requests = story.desk.lookups.now.requests
    return operator_of(story.house.operators, story.clock, requests, passport)[0]


def test_whoever_comes_first_with_a_token_becomes_an_operator_and_stays_the_same(story):
    camille = known(story, a_passport(story))
    assert (camille.name, camille.organisation) == ("Camille Roche", GRPM)
    assert known(story, a_passport(story, name="Camille Roche-Martin")) == camille
    assert known(story, a_passport(story, subject="sacha", name="Sacha")) != camille


def test_a_person_with_a_key_and_a_token_is_one_operator(story):
    by_key = issued(story, "Camille  ROCHE").operator
    assert known(story, a_passport(story)).operator_id == by_key.operator_id


def test_the_same_person_elsewhere_is_another_organisations_operator(story):
    assert known(story, a_passport(story)) != known(story, a_passport(story, organisation="PROBTP"))


def test_the_issuers_name_for_a_person_is_nowhere_in_clear(story):
    known(story, a_passport(story, subject="c.roche@groupama.example"))
    kept = story.rows("SELECT t::text AS row FROM token_holders t")[0]["row"]
    assert "roche" not in kept
    assert len(story.rows("SELECT holder FROM token_holders")[0]["holder"]) == 16


def test_an_organisation_that_nobody_named_is_not_made_known_by_a_token(story):
    with pytest.raises(NotAdmitted) as raised:
        known(story, a_passport(story, organisation_is_named=False))
    assert raised.value.reason is Reason.ORGANISATION
    issued(story, "Somebody else")
    assert known(story, a_passport(story, organisation_is_named=False))


def test_a_leaver_comes_back_neither_by_the_same_token_nor_by_another_account(story):
    camille = known(story, a_passport(story))
    verbs.leave(story.house.operators, story.clock, camille.operator_id)
    for subject in ("camille", "camille-2"):
        with pytest.raises(NotAdmitted) as raised:
            known(story, a_passport(story, subject=subject))
        assert raised.value.reason is Reason.LEFT


def test_however_many_first_requests_make_one_operator(story):
    found = at_once([lambda: known(story, a_passport(story))] * 6)
    assert len({operator.operator_id for operator in found}) == 1
    assert story.count("token_holders") == 1


# Reviews (T2) ---------------------------------------------------------------------------------


def habilitation(story: Story, operator: Any) -> Any:
    found = story.house.operators.habilitations(GRPM, story.clock.now(), verbs.FIRST_OPERATOR, 100)
    return next(one for one in found if one.operator.operator_id == operator.operator_id)


def test_what_an_operator_holds_is_shown_with_its_last_use(story):
    key = issued(story)
    issued(story, role=Role.DPO, expires_at=story.clock.now() + DAY)
    camille = known(story, a_passport(story, roles=frozenset({Role.SUPERVISOR})))
    held = habilitation(story, camille)
    assert held.live_keys == 2
    assert set(held.roles) == {Role.INTEGRATOR, Role.DPO, Role.SUPERVISOR}
    story.clock.advance(days=1)
    note_key_use(story.house.operators, story.clock, key.key)
    held = habilitation(story, camille)
    assert (held.live_keys, held.last_used_at) == (1, story.clock.now())
    story.clock.advance(days=1)
    requests = story.desk.lookups.now.requests
    note_holder_use(story.house.operators, story.clock, requests, a_passport(story))
    held = habilitation(story, camille)
    assert held.last_used_at == story.clock.now()
    assert set(held.roles) == {Role.INTEGRATOR, Role.INVESTIGATOR}


def test_nothing_is_held_by_who_left(story):
    camille = issued(story).operator
    known(story, a_passport(story))
    verbs.leave(story.house.operators, story.clock, camille.operator_id)
    held = habilitation(story, camille)
    assert (held.live_keys, held.roles, held.review_due_at()) == (0, (), None)


def test_a_review_makes_the_next_one_due_a_year_later(story):
    camille, admin = issued(story).operator, issued(story, "Admin", role=Role.ADMIN).operator
    first_due = habilitation(story, camille).review_due_at()
    story.clock.advance(days=400)
    assert first_due < story.clock.now()
    reviewed = verbs.review_habilitation(
        story.house.operators, story.clock, camille.operator_id, admin.operator_id, GRPM
    )
    assert reviewed.reviewed_at == story.clock.now()
    assert reviewed.review_due_at() > story.clock.now() + timedelta(days=364)


def test_a_review_is_of_ones_own_organisation_and_of_nobody_who_left(story):
    camille = issued(story).operator
    house = story.house
    with pytest.raises(verbs.NoSuchOperator):
        verbs.review_habilitation(
            house.operators, story.clock, camille.operator_id, camille.operator_id, "PROBTP"
        )
    verbs.leave(house.operators, story.clock, camille.operator_id)
    with pytest.raises(verbs.OperatorLeft):
        verbs.review_habilitation(house.operators, story.clock, camille.operator_id, camille.operator_id)
