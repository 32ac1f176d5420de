"""The schedule: everything that falls due, under which rule, and whether the machine or a person sees to it.

When each one falls due is a function of retention.py or of periods.py; here it is named, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class DeadlineKind(StrEnum):
    DELISTING = "delisting"
    ALERT_PURGE = "alert_purge"
    CASE_PURGE = "case_purge"
    SUBJECT_ERASURE = "subject_erasure"
    CASE_INACTIVE = "case_inactive"
    DEATH_REVIEW = "death_review"
    HOLD_REVIEW = "hold_review"
    LETTER = "letter"
    DELISTING_LETTER = "delisting_letter"
    RIGHTS_REQUEST = "rights_request"
    ACCESS_DEFERRAL = "access_deferral"
    DETAIL_REQUEST = "detail_request"


class Duty(Struct, frozen=True):
    """What is to be done when something falls due."""

    rule: str
    """The mark of the rule in domain.md."""
    by_machine: bool
    """Whether the sweep does it; otherwise a person has to."""
    fr: str
    en: str


SCHEDULE: Mapping[DeadlineKind, Duty] = {
    DeadlineKind.DELISTING: Duty(
        "L1",
        True,
        "L'inscription prend fin, sauf procédure judiciaire en cours.",
        "The entry ends, unless a judicial procedure holds it.",
    ),
    DeadlineKind.ALERT_PURGE: Duty(
        "C1",
        True,
        "L'alerte non qualifiée en six mois est purgée.",
        "The alert that was not qualified within six months is purged.",
    ),
    DeadlineKind.CASE_PURGE: Duty(
        "C2",
        True,
        "Les données du dossier sont purgées, cinq ans après sa clôture ou après procédure et prescription.",
        "The case's data are purged, five years after its closing or after procedure and limitation.",
    ),
    DeadlineKind.SUBJECT_ERASURE: Duty(
        "P6",
        True,
        "La personne qu'aucun dossier ne retient plus est effacée.",
        "The subject whom no case retains any more is erased.",
    ),
    DeadlineKind.CASE_INACTIVE: Duty(
        "C7",
        False,
        "Le dossier sans activité depuis douze mois est à clore ou à reprendre.",
        "The case in which nothing happened for twelve months is to be closed or taken up again.",
    ),
    DeadlineKind.DEATH_REVIEW: Duty(
        "P5",
        False,
        "L'inscription d'une personne décédée est à réexaminer.",
        "The entry of a person who died is to be reviewed.",
    ),
    DeadlineKind.HOLD_REVIEW: Duty(
        "L13",
        False,
        "L'inscription maintenue au-delà de son terme est à réexaminer chaque année.",
        "The entry held past its term is to be reviewed every year.",
    ),
    DeadlineKind.LETTER: Duty(
        "L12",
        False,
        "La personne inscrite est à informer, ou le report à motiver de nouveau.",
        "The person listed is to be informed, or the deferral to be reasoned anew.",
    ),
    DeadlineKind.DELISTING_LETTER: Duty(
        "L12",
        False,
        "La personne désinscrite est à informer.",
        "The person delisted is to be informed.",
    ),
    DeadlineKind.RIGHTS_REQUEST: Duty(
        "P1",
        False,
        "Une réponse est due à la personne qui exerce ses droits.",
        "An answer is due to the person who exercises their rights.",
    ),
    DeadlineKind.ACCESS_DEFERRAL: Duty(
        "P3",
        False,
        "La communication différée d'une partie du dossier est à réexaminer.",
        "A part of the file whose communication was deferred is to be reviewed.",
    ),
    DeadlineKind.DETAIL_REQUEST: Duty(
        "C6",
        False,
        "Une réponse, ou un refus, est dû à l'organisme qui interroge sur une inscription.",
        "An answer, or a refusal, is due to the organisation that asks about an entry.",
    ),
}
