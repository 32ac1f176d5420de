"""What is wrong with an approval, by persons; and samples that are the same in any language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from watchlist.domain.report import REPORTS, Approval, Hand, Report, Unseconded, unseconded
from watchlist.domain.retention import purged_late
from watchlist.domain.sampling import rank

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANNE, BRUNO, TWIN = Hand(UUID(int=1), "anne"), Hand(UUID(int=2), "bruno"), Hand(UUID(int=3), "anne")
LEFT = Hand(UUID(int=2), "bruno", AT)


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        (Approval(AT, BRUNO, ANNE, ANNE), []),
        (Approval(AT, ANNE, ANNE, BRUNO), [Unseconded.BY_PROPOSER]),
        (Approval(AT, ANNE, BRUNO, ANNE), [Unseconded.BY_AMENDER]),
        (Approval(AT, ANNE, BRUNO, BRUNO, importer=ANNE), [Unseconded.BY_IMPORTER]),
        (Approval(AT, TWIN, ANNE, BRUNO), [Unseconded.SAME_PERSON]),
        (Approval(AT, BRUNO, ANNE, ANNE, importer=TWIN), []),
        (Approval(AT, LEFT, ANNE, ANNE), [Unseconded.HAD_LEFT]),
        (Approval(AT - timedelta(seconds=1), LEFT, ANNE, ANNE), []),
        (Approval(AT, Hand(UUID(int=4), None), Hand(UUID(int=5), None), ANNE), []),
    ],
)
def test_an_approval_is_by_a_second_person_who_has_the_right_to_it(approval: Approval, why: list[Unseconded]):
    assert unseconded(approval) == why


def test_a_purge_is_late_from_a_day_after_it_was_due():
    day = timedelta(days=1)
    assert not purged_late(AT, AT + day, AT + 9 * day)
    assert purged_late(AT, AT + day + timedelta(microseconds=1), AT)
    assert not purged_late(AT, None, AT + day)
    assert purged_late(AT, None, AT + 2 * day)


def test_a_rank_is_the_digest_of_seed_colon_and_id():
    """`printf 'audit:00000000-0000-0000-0000-000000000001' | sha256sum`"""
    assert rank("audit", UUID(int=1)) == RANK


def test_every_report_says_its_rule_in_both_languages():
    assert set(REPORTS) == set(Report)
    assert all(one.rule and one.fr and one.en for one in REPORTS.values())


RANK = "6634b21e608484c1e3a92f868e821a91e5484fa08cb46ec9ac9175ddfffada2d"
