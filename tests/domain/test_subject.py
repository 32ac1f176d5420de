"""A subject registered, rectified, merged, split, deceased (C8, P5)."""

import pytest

from tests.domain.builders import ANNE, a_subject, act, moment, replayed, sealed
from watchlist.domain import refusals


def merged():
    survivor, duplicate = a_subject(), a_subject()
    survivor.merge(act("2020-01-06"), duplicate, sealed())
    return survivor, duplicate


def test_a_subject_belongs_to_the_organisation_that_registered_it():
    subject = a_subject("2020-01-06", by=ANNE)
    assert (subject.organisation, subject.registered_at) == ("GROUPAMA", moment("2020-01-06"))
    assert not subject.is_deceased


def test_a_rectification_decides_anew_whether_the_subject_is_identified():
    subject = a_subject(identified=False)
    assert not subject.is_identified
    identity = sealed()
    subject.rectify(act("2020-01-06"), identity, True, ("birth_date",), sealed())
    assert subject.is_identified
    assert subject.identity == identity


def test_a_merge_is_recorded_by_both():
    survivor, duplicate = merged()
    assert duplicate.merged_into == survivor.id
    assert survivor.absorbed == {duplicate.id}
    assert [len(subject.pending) for subject in (survivor, duplicate)] == [2, 2]


def test_a_merge_can_be_undone_and_done_again():
    survivor, duplicate = merged()
    survivor.split(act("2020-01-07"), duplicate, sealed())
    assert (survivor.absorbed, duplicate.merged_into) == (set(), None)
    duplicate.merge(act("2020-01-08"), survivor, sealed())
    assert survivor.merged_into == duplicate.id


def test_a_subject_is_not_merged_with_itself():
    subject = a_subject()
    with pytest.raises(refusals.SameSubject):
        subject.merge(act("2020-01-06"), subject, sealed())


def test_a_merged_subject_stands_for_nothing_any_more():
    survivor, duplicate = merged()
    on = act("2020-01-07")
    for attempt in (
        lambda: duplicate.rectify(on, sealed(), True, (), sealed()),
        lambda: duplicate.record_death(on, sealed()),
        lambda: duplicate.merge(on, a_subject(), sealed()),
        lambda: a_subject().merge(on, duplicate, sealed()),
        lambda: survivor.merge(on, duplicate, sealed()),
    ):
        with pytest.raises(refusals.SubjectMerged):
            attempt()


def test_whoever_absorbed_another_is_not_merged_away():
    survivor, _ = merged()
    with pytest.raises(refusals.SubjectMerged):
        a_subject().merge(act("2020-01-07"), survivor, sealed())


def test_only_what_was_merged_is_split_and_from_its_survivor():
    survivor, duplicate = merged()
    for this, from_that in ((a_subject(), survivor), (duplicate, a_subject())):
        with pytest.raises(refusals.NotMerged):
            from_that.split(act("2020-01-07"), this, sealed())


def test_a_death_is_recorded_once():
    subject = a_subject()
    subject.record_death(act("2020-01-06"), sealed())
    assert subject.is_deceased
    with pytest.raises(refusals.SubjectDeceased):
        subject.record_death(act("2020-01-07"), sealed())


def test_a_subject_is_what_its_events_say():
    survivor, duplicate = merged()
    survivor.rectify(act("2020-01-07"), sealed(), False, ("family_name",), sealed())
    survivor.record_death(act("2020-01-08"), sealed())
    for subject in (survivor, duplicate):
        again = replayed(subject)
        assert {**vars(again), "pending": None} == {**vars(subject), "pending": None}


def test_events_out_of_order_are_not_remembered():
    survivor, _ = merged()
    registered, absorbed = survivor.pending
    with pytest.raises(TypeError, match="cannot begin"):
        absorbed.mutate(None)
    again = registered.mutate(None)
    with pytest.raises(ValueError, match="version 1"):
        again.remember(registered)
