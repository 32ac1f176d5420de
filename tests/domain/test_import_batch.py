"""An import takes effect when a second person approves it, whole, and once (L5, L7)."""

from uuid import uuid4

import pytest

from tests.domain.builders import ANNE, BRUNO, CHLOE, act, moment, replayed, sealed
from watchlist.domain import refusals
from watchlist.domain.import_batch import ImportBatch, ImportComplete, ImportIncomplete


def submitted() -> ImportBatch:
    return ImportBatch.submit(act("2020-06-01", ANNE), uuid4(), sealed(), accepted=98, refused=2)


def begun() -> ImportBatch:
    batch = ImportBatch.begin(act("2020-06-01", ANNE), uuid4(), sealed())
    batch.take(act("2020-06-01", ANNE), 500)
    return batch


def test_a_batch_counts_its_lines_and_waits():
    batch = submitted()
    assert (batch.accepted, batch.refused) == (98, 2)
    assert (batch.submitted_by, batch.submitted_at) == (ANNE, moment("2020-06-01"))
    assert batch.approved_by is None


def test_a_list_comes_in_parts_and_is_whole_once_completed():
    batch = begun()
    batch.take(act("2020-06-01", ANNE), 120)
    assert not batch.is_submitted
    batch.complete(act("2020-06-01", ANNE), refused=7)
    assert (batch.accepted, batch.refused, batch.is_submitted) == (620, 7, True)


def test_an_interrupted_import_is_not_approved():
    with pytest.raises(ImportIncomplete):
        begun().approve(act("2020-06-02", BRUNO))


def test_a_whole_import_takes_no_more_lines():
    with pytest.raises(ImportComplete):
        submitted().take(act("2020-06-02"), 1)
    with pytest.raises(ImportComplete):
        submitted().complete(act("2020-06-02"), refused=0)


def test_whoever_submitted_a_batch_cannot_approve_it():
    with pytest.raises(refusals.FourEyes):
        submitted().approve(act("2020-06-02", ANNE))


def test_whoever_brought_any_part_of_it_cannot_approve_it():
    batch = begun()
    batch.take(act("2020-06-02", BRUNO), 10)
    batch.complete(act("2020-06-03", ANNE), refused=0)
    for person in (ANNE, BRUNO):
        with pytest.raises(refusals.FourEyes):
            batch.approve(act("2020-06-04", person))
    batch.approve(act("2020-06-04", CHLOE))
    assert batch.approved_by == CHLOE


def test_a_batch_is_approved_once():
    batch = submitted()
    batch.approve(act("2020-06-02", BRUNO))
    for person in (BRUNO, CHLOE):
        with pytest.raises(refusals.BatchAlreadyApproved):
            batch.approve(act("2020-06-03", person))


def test_a_batch_is_what_its_events_say():
    batch = begun()
    batch.complete(act("2020-06-02", ANNE), refused=1)
    batch.approve(act("2020-06-03", BRUNO))
    assert {**vars(replayed(batch)), "pending": None} == {**vars(batch), "pending": None}
