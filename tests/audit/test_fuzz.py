"""Whatever is changed in a bundle is found, and where it was changed; ten thousand changes are a drill."""

import random
from pathlib import Path

import pytest

from tests.audit.changes import Drawn
from tests.audit.logbook import BEGINNING, WITNESS, Key, Logbook, Signer, some_leaves
from watchlist.audit.verifier import Known, verify
from watchlist.ports.seal import Stamp

FORMS = ("bundle", "bundle.tar")
BROUGHT = ("nothing", "checkpoints", "everything")
CHANGES = 250
OLD, NEW = Key(1), Key(2)


def a_logbook() -> Logbook:
    """Of a witness, and of two keys, the newer of which signed nothing at first; nobody reads its stamps."""
    log = Logbook(some_leaves(25), [7], Signer(OLD))
    log.signer = Signer(NEW, OLD)
    log.notes += [log._publish(20), log._publish(25)]
    tokens = b"\x30\x82\x01\x00\n\x00\xff" * 20, b"\x30\x03another"
    log.kept_stamps = [Stamp(20, BEGINNING, "authority", token) for token in tokens]
    return log


def what_is_brought(brought: str, log: Logbook, folder: Path) -> Known:
    """By the auditor; the newest key alone, so that for the first checkpoint they rely on the bundle's."""
    if brought == "nothing":
        return Known()
    kept = []
    for one in log.notes:
        kept.append(folder / f"{one.size}.note")
        kept[-1].write_text(one.note)
    if brought == "checkpoints":
        return Known(earlier=tuple(kept))
    return Known((NEW.public,), (WITNESS.public,), tuple(kept))


@pytest.mark.parametrize("brought", BROUGHT)
@pytest.mark.parametrize("form", FORMS)
def test_every_change_of_a_bundle_is_found_where_it_was_made(tmp_path, form, brought):
    log = a_logbook()
    log.export(tmp_path / form)
    known = what_is_brought(brought, log, tmp_path)
    drawn, chance = Drawn(tmp_path / form, known), random.Random(form + brought)
    for _ in range(CHANGES):
        change = drawn.change(chance)
        report = drawn.judged(change)
        assert not report.right, change
        assert drawn.misplaced(change, report) == [], change
    assert verify(tmp_path / form, known).right
