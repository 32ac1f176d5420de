"""Have the last checkpoint cosigned by the witnesses, and stamped once a day, where the settings name any (T4)."""

from __future__ import annotations

from scheduler.jobs.sweep import RunsElsewhere
from watchlist.adapters.witness_post import HttpWitnessPost
from watchlist.application.cosign import Answer, Cosigner
from watchlist.application.stamp import stamp_when_due
from watchlist.bootstrap import House

SAID = frozenset(Answer) - {Answer.CURRENT, Answer.COSIGNED}


def have_it_cosigned(house: House) -> str | None:
    if not house.witnesses:
        return None
    cosigner = Cosigner(house.sealed_log, house.cosigning, HttpWitnessPost(), house.clock, house.witnesses)
    with house.register.alone("cosign") as alone:
        if not alone:
            raise RunsElsewhere()
        answers = cosigner.run()
    return ", ".join(f"witness {name} {answer}" for name, answer in answers.items() if answer in SAID) or None


def have_it_stamped(house: House) -> str | None:
    if house.timestamping is None:
        return None
    with house.register.alone("stamp") as alone:
        if not alone:
            raise RunsElsewhere()
        made = stamp_when_due(house.sealed_log, house.cosigning, house.timestamping, house.clock)
    return f"the checkpoint of {made.size} leaves was stamped" if made else None
