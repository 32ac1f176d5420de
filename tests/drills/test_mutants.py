"""Small wrong changes of what must not be wrong: the rules of retention, and the verifier. Tests notice them."""

import json
import os
import subprocess
import sys

import pytest

from tests.drills.mutation import ROOT
from tests.drills.reviewed_mutants import REVIEWED

TESTS = {
    "watchlist.domain.retention": ["tests/domain/test_retention_exactly.py"],
    "watchlist.audit.verifier": [
        "tests/audit/test_proofs.py",
        "tests/audit/test_bundle.py",
        "tests/audit/test_fuzz.py",
    ],
}


@pytest.mark.parametrize("module", TESTS)
def test_tests_notice_what_is_changed(module, tmp_path, drill_report):
    """In a process of its own, that has imported nothing of what the other tests did to it."""
    told = tmp_path / "told.json"
    command = [sys.executable, "-m", "tests.drills.mutation", module, *TESTS[module]]
    environment = os.environ | {"WATCHLIST_MUTANTS": str(told), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert told.exists(), done.stdout
    counts = json.loads(told.read_text())
    survived = set(counts["survived"])
    reviewed = set(REVIEWED[module])
    drill_report(
        f"mutants of {module.rpartition('.')[2]}",
        mutants=counts["mutants"],
        killed=counts["killed"],
        equivalent=len(survived & reviewed),
        survived=len(survived - reviewed),
        seconds=counts["seconds"],
    )
    assert sorted(survived - reviewed) == []
    assert sorted(reviewed - survived) == [], "noticed by a test: no longer to be listed"
