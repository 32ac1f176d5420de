"""Whatever is changed in a bundle is found, and where it was changed; ten thousand changes are a drill."""

import random

import pytest

from tests.audit.changes import Drawn
from tests.audit.logbook import BEGINNING, Key, Logbook, Signer, some_leaves
from watchlist.audit.verifier import verify
from watchlist.ports.seal import Stamp

FORMS = ("bundle", "bundle.tar")
CHANGES = 250


def a_logbook() -> Logbook:
    """Of two keys and a witness, with stamps whose tokens nobody reads."""
    log = Logbook(some_leaves(25), [7, 20, 25], Signer(Key(2), Key(1)))
    tokens = b"\x30\x82\x01\x00\n\x00\xff" * 20, b"\x30\x03another"
    log.kept_stamps = [Stamp(20, BEGINNING, "authority", token) for token in tokens]
    return log


@pytest.mark.parametrize("form", FORMS)
def test_every_change_of_a_bundle_is_found_where_it_was_made(tmp_path, form):
    a_logbook().export(tmp_path / form)
    drawn, chance = Drawn(tmp_path / form), random.Random(form)
    for _ in range(CHANGES):
        change = drawn.change(chance)
        report = drawn.judged(change)
        assert not report.right, change
        assert drawn.misplaced(change, report) == [], change
    assert verify(tmp_path / form).right
