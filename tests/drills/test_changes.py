"""Everything is killed while the list changes: no change is lost, told twice, or told out of order (S8)."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance.moving import moved_whatever_is_killed, taken_in_the_end
from tests.acceptance.service import Office, service
from tests.receiver import a_receiver

KILLED = 4


def test_no_change_is_lost_or_out_of_order_however_often_everything_is_killed(
    drill_report: Callable[..., None],
) -> None:
    with service(WATCHLIST_WEBHOOK_PRIVATE_ADDRESSES="1") as made, a_receiver() as receiver:
        running = made.start()
        told = moved_whatever_is_killed(running, Office.hired(running), receiver, KILLED)
        taken_in_the_end(running, receiver, told)
        taken = [message.id for message in receiver.messages]
    drill_report(
        "no change is lost or out of order however often everything is killed",
        killed=KILLED,
        changes=len(told),
        lost=len({item["id"] for item in told} - set(taken)),
        duplicated=len(told) - len({item["id"] for item in told}),
        sent_again=len(taken) - len(set(taken)),
    )
