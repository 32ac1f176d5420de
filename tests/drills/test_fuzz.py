"""Ten thousand random changes of an export: all detected, none blamed on the wrong position."""

from collections import Counter
from itertools import product

from tests.audit.changes import Drawn
from tests.audit.test_fuzz import BROUGHT, FORMS, a_logbook, what_is_brought
from watchlist.audit.verifier import verify

CHANGES = 10_002
"""As many for each form and for each thing that the auditor brings along."""


def test_of_ten_thousand_changes_every_one_is_found_where_it_was_made(tmp_path, chance, drill_report):
    kinds: Counter[str] = Counter()
    undetected, misplaced, changes = [], [], 0
    for form, brought in product(FORMS, BROUGHT):
        (folder := tmp_path / brought).mkdir(exist_ok=True)
        log = a_logbook()
        log.export(folder / form)
        known = what_is_brought(brought, log, folder)
        drawn = Drawn(folder / form, known)
        for _ in range(CHANGES // len(FORMS) // len(BROUGHT)):
            change = drawn.change(chance)
            report = drawn.judged(change)
            changes += 1
            kinds[change.kind] += 1
            if report.right:
                undetected.append(change)
            if drawn.misplaced(change, report):
                misplaced.append((change, report.findings))
        assert verify(folder / form, known).right
    counts = {"detected": changes - len(undetected), "misplaced": len(misplaced)}
    drill_report("changes of a bundle", changes=changes, **counts, **kinds)
    assert undetected == []
    assert misplaced == []
