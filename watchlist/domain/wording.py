"""Codes in words, French and English: what a person is told, never more than presumed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.procedure import Kind, Outcome


class Words(Struct, frozen=True):
    """One thing in both languages, beside its code where it has one."""

    fr: str
    en: str
    code: str | None = None


GROUNDS: Mapping[StrEnum, tuple[str, str]] = {
    Ground.FICTITIOUS_SERVICES: ("prestations présumées fictives", "presumed fictitious services"),
    Ground.OVERBILLING: ("surfacturation présumée", "presumed overbilling"),
    Ground.SUBSTITUTION: ("substitution présumée de prestations", "presumed substitution of services"),
    Ground.FORGED_DOCUMENTS: ("documents présumés faux ou falsifiés", "presumed forged documents"),
    Ground.IDENTITY_MISUSE: ("usage présumé indu d'une identité", "presumed misuse of an identity"),
    Ground.UNDUE_THIRD_PARTY_PAYMENT: (
        "tiers payant présumé obtenu indûment",
        "third-party payment presumed to be undue",
    ),
    Ground.COLLUSION: ("entente présumée", "presumed collusion"),
    Ground.FALSE_DECLARATION: ("déclaration présumée fausse", "presumed false declaration"),
}
DELISTING_GROUNDS: Mapping[StrEnum, tuple[str, str]] = {
    DelistingGround.TERM_ELAPSED: ("durée d'inscription écoulée", "the term has elapsed"),
    DelistingGround.ORGANISATION_DECISION: ("décision de l'organisme", "decision of the organisation"),
    DelistingGround.REPAID: ("sommes remboursées", "repaid"),
    DelistingGround.INACCURATE: ("inscription inexacte", "inaccurate"),
    DelistingGround.OBJECTION_UPHELD: ("opposition accueillie", "objection upheld"),
    DelistingGround.ERASURE_UPHELD: ("demande d'effacement accueillie", "erasure upheld"),
    DelistingGround.COURT_DECISION: ("décision de justice", "court decision"),
    DelistingGround.DECEASED: ("décès", "death"),
}
SOURCES: Mapping[StrEnum, tuple[str, str]] = {
    Source.CONTROL: ("contrôle de l'organisme", "control by the organisation"),
    Source.DATA_ANALYSIS: ("analyse de données", "data analysis"),
    Source.COMPLAINT: ("réclamation", "complaint"),
    Source.PARTNER: ("partenaire", "partner"),
    Source.TIP_OFF: ("signalement", "tip-off"),
    Source.AUTHORITY: ("autorité", "authority"),
    Source.OTHER: ("autre", "other"),
}
KINDS: Mapping[StrEnum, tuple[str, str]] = {
    Kind.CRIMINAL_COMPLAINT: ("plainte pénale", "criminal complaint"),
    Kind.PROSECUTION: ("poursuites pénales", "prosecution"),
    Kind.CIVIL_SUIT: ("action civile", "civil suit"),
}
OUTCOMES: Mapping[StrEnum, tuple[str, str]] = {
    Outcome.CONVICTED: ("condamnation", "conviction"),
    Outcome.ACQUITTED: ("relaxe ou acquittement", "acquittal"),
    Outcome.DISMISSED: ("classement ou non-lieu", "dismissal"),
    Outcome.SETTLED: ("transaction", "settlement"),
    Outcome.WITHDRAWN: ("désistement", "withdrawal"),
    Outcome.JUDGMENT: ("jugement", "judgment"),
}
CLOSINGS: Mapping[StrEnum, tuple[str, str]] = {
    ClosingOutcome.ESTABLISHED: (
        "faits tenus pour établis par l'organisme",
        "facts held established by the organisation",
    ),
    ClosingOutcome.NOT_ESTABLISHED: ("faits non établis", "facts not established"),
    ClosingOutcome.SETTLED: ("accord trouvé", "settled"),
    ClosingOutcome.REFERRED: ("transmis à une autorité", "referred to an authority"),
    ClosingOutcome.ABANDONED: ("abandonné", "abandoned"),
}
_ALL: Mapping[type[StrEnum], Mapping[StrEnum, tuple[str, str]]] = {
    Ground: GROUNDS,
    DelistingGround: DELISTING_GROUNDS,
    Source: SOURCES,
    Kind: KINDS,
    Outcome: OUTCOMES,
    ClosingOutcome: CLOSINGS,
}


def in_words(code: StrEnum) -> Words:
    """The code, and what a person is told of it."""
    fr, en = _ALL[type(code)][code]
    return Words(fr, en, code.value)


def in_words_if_any(code: StrEnum | None) -> Words | None:
    return None if code is None else in_words(code)
