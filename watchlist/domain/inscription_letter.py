"""What a person is told of their inscription, and of its end (L12, art. 14)."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from watchlist.domain.case_events import Source
from watchlist.domain.correspondence import Template
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.letter import (
    PRESUMED,
    WHO_IS_TOLD,
    Heading,
    Letter,
    Section,
    complaint_section,
    in_french,
    letter,
    months_in_french,
    rights_section,
)

GROUNDS = {
    Ground.FICTITIOUS_SERVICES: "des soupçons de facturation de prestations qui n'auraient pas été réalisées",
    Ground.OVERBILLING: "des soupçons de facturation au-delà de ce qui aurait été réalisé ou dû",
    Ground.SUBSTITUTION: "des soupçons de facturation d'une prestation à la place d'une autre",
    Ground.FORGED_DOCUMENTS: "des soupçons d'usage de documents falsifiés",
    Ground.IDENTITY_MISUSE: "des soupçons d'usage de l'identité d'une autre personne",
    Ground.UNDUE_THIRD_PARTY_PAYMENT: (
        "des soupçons de recours au tiers payant sans que les conditions en soient réunies"
    ),
    Ground.COLLUSION: "des soupçons d'entente entre plusieurs personnes pour obtenir des paiements non dus",
    Ground.FALSE_DECLARATION: "des soupçons de déclaration inexacte",
}
"""L6: each ground of the closed list, as it is told to the person."""

SOURCES = {
    Source.CONTROL: "d'un contrôle",
    Source.DATA_ANALYSIS: "d'une analyse de données",
    Source.COMPLAINT: "d'une réclamation",
    Source.PARTNER: "d'un organisme partenaire",
    Source.TIP_OFF: "d'un signalement",
    Source.AUTHORITY: "d'une autorité",
    Source.OTHER: "d'une autre source, que nous vous préciserons sur demande",
}
"""Art. 14.2.f: where the data come from; never who gave them."""

ENDS = {
    DelistingGround.TERM_ELAPSED: "La durée de l'inscription est écoulée.",
    DelistingGround.ORGANISATION_DECISION: "L'organisme qui avait demandé l'inscription a décidé d'y mettre fin.",
    DelistingGround.REPAID: (
        "Les sommes en cause ont été réglées. Ce règlement ne vaut pas reconnaissance des faits présumés."
    ),
    DelistingGround.INACCURATE: (
        "Des éléments sur lesquels reposait l'inscription se sont révélés inexacts. Nous vous prions de bien "
        "vouloir accepter nos excuses."
    ),
    DelistingGround.OBJECTION_UPHELD: "Votre opposition a été acceptée.",
    DelistingGround.ERASURE_UPHELD: "Votre demande d'effacement a été acceptée.",
    DelistingGround.COURT_DECISION: "Une décision de justice met fin à l'inscription.",
    DelistingGround.DECEASED: "Le décès de la personne inscrite nous a été signalé.",
}
"""L9: each ground, in words fit for the person."""

RECIPIENTS = (
    "les organismes assureurs membres du registre ;",
    "l'opérateur de tiers payant ;",
    "les intermédiaires d'assurance ;",
    "les organismes sociaux et professionnels ;",
    "les autorités judiciaires, les médiateurs, les auxiliaires de justice et officiers ministériels ;",
    "les tiers autorisés par la loi ;",
    "l'Agence de lutte contre la fraude à l'assurance (ALFA) ;",
    "les personnes qui auraient subi un préjudice, ou leurs représentants.",
)
"""S8: those of the policy, each for its own mission only."""


class InscriptionFacts(Struct, frozen=True):
    """What is known of an entry on the day it is told."""

    organisation: str
    inscribed_on: date
    term_months: int
    last_listed_day: date
    grounds: tuple[Ground, ...]
    source: Source | None
    imported: bool
    held: bool
    """Whether a procedure is ongoing that holds the entry, or will when its term elapses."""
    restricted: bool


class DelistingFacts(Struct, frozen=True):
    """What has ended, when and why."""

    inscription: InscriptionFacts
    ended_on: date
    """The last day on which it was listed, at whatever hour it ended."""
    ground: DelistingGround
    was_held: bool
    """Whether a procedure held it past its term."""
    informed: bool
    """Whether the inscription was told before; if not, this letter tells it (art. 14)."""


def inscription_letter(heading: Heading, facts: InscriptionFacts) -> Letter:
    """L12: facts, purpose, legal basis, term, recipients, rights, DPO, CNIL."""
    return letter(
        Template.INSCRIPTION_1,
        heading,
        "Information sur votre inscription sur une liste de fraudes présumées",
        (
            f"À la demande de l'organisme {facts.organisation}, votre nom figure depuis le "
            f"{in_french(facts.inscribed_on)} sur une liste de fraudes présumées à l'assurance complémentaire "
            "santé. Cette lettre vous dit pourquoi, pour combien de temps, qui peut le savoir et quels sont vos "
            "droits.",
        ),
        (
            ("Inscription", f"depuis le {in_french(facts.inscribed_on)}"),
            ("Durée", months_in_french(facts.term_months)),
            ("Dernier jour", in_french(facts.last_listed_day)),
            ("Demandée par", f"organisme {facts.organisation}"),
        ),
        (
            _facts_section(facts),
            _purpose_section(),
            _term_section(facts, heading.dated),
            _recipients_section(facts),
            rights_section(heading.contacts),
            complaint_section(),
        ),
    )


def delisting_letter(heading: Heading, facts: DelistingFacts) -> Letter:
    """What ended, when and why, and who is told; all of the inscription too when it was never told."""
    entry = facts.inscription
    told_before = (
        () if facts.informed else (_told_late(entry), _purpose_section(), _recipients_section(entry))
    )
    return letter(
        Template.DELISTING_1,
        heading,
        "Fin de votre inscription sur une liste de fraudes présumées",
        (
            f"Votre nom figurait depuis le {in_french(entry.inscribed_on)}, à la demande de l'organisme "
            f"{entry.organisation}, sur une liste de fraudes présumées à l'assurance complémentaire santé. "
            "Cette inscription a pris fin. Cette lettre ne dit rien d'une inscription qu'un autre organisme aurait "
            "demandée.",
        ),
        (
            ("Inscription", f"du {in_french(entry.inscribed_on)} au {in_french(facts.ended_on)}"),
            ("Demandée par", f"organisme {entry.organisation}"),
        ),
        (
            Section("Pourquoi elle a pris fin", (ENDS[facts.ground], *_after_a_hold(facts), _NO_FINDING)),
            *told_before,
            _who_is_told(),
            _kept_section(),
            rights_section(heading.contacts),
            complaint_section(),
        ),
    )


_NO_FINDING = (
    "Les faits restaient présumés : l'inscription n'était ni une sanction ni une condamnation, et sa fin n'est pas une "
    "appréciation de votre conduite."
)


def _after_a_hold(facts: DelistingFacts) -> tuple[str, ...]:
    if not facts.was_held:
        return ()
    return (
        "Elle avait été maintenue au-delà de sa durée parce qu'une procédure judiciaire était en "
        "cours dans ce dossier ; "
        "ce maintien a cessé.",
    )


def _grounds(facts: InscriptionFacts) -> tuple[str, ...]:
    last = len(facts.grounds) - 1
    return tuple(GROUNDS[ground] + (" ;" if i < last else ".") for i, ground in enumerate(facts.grounds))


def _facts_section(facts: InscriptionFacts) -> Section:
    return Section(
        "Ce qui a conduit à cette inscription",
        ("L'inscription repose sur :",),
        _grounds(facts),
        (PRESUMED, _origin(facts)),
    )


def _origin(facts: InscriptionFacts) -> str:
    decided = (
        "Elle a été proposée par une personne habilitée et approuvée par une seconde, après "
        "examen de sa proportionnalité."
    )
    if facts.imported:
        decided = (
            "Elle a été reprise d'une liste antérieure, et cette reprise a été approuvée par "
            "une seconde personne."
        )
    came = "" if facts.source is None else f" Les informations proviennent {SOURCES[facts.source]}."
    return (
        f"{decided}{came} La liste contient votre identité, vos numéros professionnels ou d'organisme "
        "s'il y en a, ces motifs "
        "et ces dates. Elle ne contient aucune donnée de santé."
    )


def _purpose_section() -> Section:
    return Section(
        "À quoi sert cette liste",
        (
            "Elle sert à prévenir et à rechercher les fraudes présumées à l'assurance complémentaire "
            "santé, et à éviter que "
            "des sommes soient payées sans être dues. Son fondement est l'intérêt légitime des organismes assureurs et "
            "de leurs assurés à être protégés contre la fraude (article 6, paragraphe\u00a01, "
            "point\u00a0f, du règlement général "
            "sur la protection des données).",
            "Rien n'est décidé automatiquement : lorsqu'un organisme apprend que votre nom figure sur la liste, une "
            "personne examine la situation avant toute décision.",
        ),
    )


def _term_section(facts: InscriptionFacts, today: date) -> Section:
    last = in_french(facts.last_listed_day)
    rule = (
        "Si une procédure judiciaire qui vous concerne dans ce dossier est en cours ce jour-là, l'inscription est "
        "maintenue jusqu'à ce que cette procédure soit définitivement terminée."
    )
    said: tuple[str, ...]
    if facts.held and today > facts.last_listed_day:
        said = (
            f"L'inscription a été décidée pour {months_in_french(facts.term_months)}, jusqu'au {last} inclus. Elle est "
            "maintenue au-delà parce qu'une procédure judiciaire qui vous concerne est en cours dans ce dossier ; elle "
            "prendra fin quand cette procédure sera définitivement terminée. Ce maintien est réexaminé chaque année.",
        )
    else:
        said = (
            f"L'inscription dure {months_in_french(facts.term_months)}. Son dernier jour est le {last} ; elle prend "
            "ensuite fin d'elle-même, sans que vous ayez rien à demander.",
            rule + (" Une telle procédure est en cours à la date de cette lettre." if facts.held else ""),
        )
    limited = (
        "À la date de cette lettre, l'inscription est limitée : elle n'est communiquée à personne. Sa durée continue "
        "de courir.",
    )
    return Section("Pour combien de temps", said + (limited if facts.restricted else ()))


def _recipients_section(facts: InscriptionFacts) -> Section:
    return Section(
        "Qui peut en avoir connaissance",
        (
            "Les organismes qui interrogent la liste avant un paiement apprennent seulement si votre "
            "nom y figure ; ils ne "
            "reçoivent ni motif, ni montant, ni date. Peuvent être destinataires d'informations, "
            "chacun pour sa mission :",
        ),
        RECIPIENTS,
        ("Vous pouvez demander quels destinataires ont effectivement été informés.",),
    )


def _told_late(facts: InscriptionFacts) -> Section:
    return Section(
        "Ce qui avait conduit à cette inscription",
        (
            "Ces informations ne vous avaient pas été adressées auparavant ; les voici. L'inscription "
            f"avait été décidée pour {months_in_french(facts.term_months)} et reposait sur :",
        ),
        _grounds(facts),
        (PRESUMED, _origin(facts)),
    )


def _who_is_told() -> Section:
    return Section(
        "Qui en est averti",
        (WHO_IS_TOLD,),
    )


def _kept_section() -> Section:
    return Section(
        "Ce que deviennent vos données",
        (
            "L'inscription ne donne plus lieu à aucune réponse. Le dossier est conservé cinq ans au "
            "plus après sa clôture "
            "ou, si une procédure judiciaire a été engagée, jusqu'à ce que celle-ci soit terminée et la prescription "
            "acquise. Il est ensuite effacé.",
        ),
    )
