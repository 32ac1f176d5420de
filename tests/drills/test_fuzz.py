"""Ten thousand random changes of an export: all detected, none blamed on the wrong position."""

from collections import Counter

from tests.audit.changes import Drawn
from tests.audit.test_fuzz import FORMS, a_logbook
from watchlist.audit.verifier import verify

CHANGES = 10_000


def test_of_ten_thousand_changes_every_one_is_found_where_it_was_made(tmp_path, chance, drill_report):
    kinds: Counter[str] = Counter()
    undetected, misplaced = [], []
    for form in FORMS:
        a_logbook().export(tmp_path / form)
        drawn = Drawn(tmp_path / form)
        for _ in range(CHANGES // len(FORMS)):
            change = drawn.change(chance)
            report = drawn.judged(change)
            kinds[change.kind] += 1
            if report.right:
                undetected.append(change)
            if drawn.misplaced(change, report):
                misplaced.append((change, report.findings))
        assert verify(tmp_path / form).right
    counts = {"detected": CHANGES - len(undetected), "misplaced": len(misplaced)}
    drill_report("changes of a bundle", changes=CHANGES, **counts, **kinds)
    assert undetected == []
    assert misplaced == []
