"""An import takes effect when a second person approves it, once (L5, L7)."""

from uuid import uuid4

import pytest

from tests.domain.builders import ANNE, BRUNO, CHLOE, act, moment, replayed, sealed
from watchlist.domain import refusals
from watchlist.domain.import_batch import ImportBatch


def submitted() -> ImportBatch:
    return ImportBatch.submit(act("2020-06-01", ANNE), uuid4(), sealed(), accepted=98, refused=2)


def test_a_batch_counts_its_lines_and_waits():
    batch = submitted()
    assert (batch.accepted, batch.refused) == (98, 2)
    assert (batch.submitted_by, batch.submitted_at) == (ANNE, moment("2020-06-01"))
    assert batch.approved_by is None


def test_whoever_submitted_a_batch_cannot_approve_it():
    with pytest.raises(refusals.FourEyes):
        submitted().approve(act("2020-06-02", ANNE))


def test_a_batch_is_approved_once():
    batch = submitted()
    batch.approve(act("2020-06-02", BRUNO))
    assert batch.approved_by == BRUNO
    for person in (BRUNO, CHLOE):
        with pytest.raises(refusals.BatchAlreadyApproved):
            batch.approve(act("2020-06-03", person))


def test_a_batch_is_what_its_events_say():
    batch = submitted()
    batch.approve(act("2020-06-02", BRUNO))
    assert {**vars(replayed(batch)), "pending": None} == {**vars(batch), "pending": None}
