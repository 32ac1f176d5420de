"""What the rights desk writes: access, refusal, acceptance, extension, the lifting of a restriction (P1-P5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from watchlist.domain.access import Part
from watchlist.domain.access_tables import tables_of
from watchlist.domain.correspondence import Template
from watchlist.domain.letter import (
    WHO_IS_TOLD,
    Contacts,
    Heading,
    Letter,
    Section,
    complaint_section,
    how_to_write,
    in_french,
    letter,
)
from watchlist.domain.rights_request import CONTESTING, Right


class Request(Struct, frozen=True):
    """What was asked, when it was received, and of which organisation: it answers for no other's entries (C6)."""

    kind: Right
    received_on: date
    organisation: str


class Deferred(Struct, frozen=True):
    """P3: a part of an access answer that waits: which, why, and until it is looked at again."""

    part: str
    reason: str
    review_on: date


class Entries(Struct, frozen=True):
    """What became of the organisation's entries by a request: those its decision ended, those that stand after it."""

    ended: int = 0
    ended_on: date | None = None
    """None: it ended none."""
    freed: bool = False
    """Whether one is on the list that nothing restricts but the request, until this answer."""
    kept_back: bool = False
    """Whether one is on the list that something else restricts too."""


NO_ENTRIES = Entries()

PARTS = {
    Part.IDENTITY: "Votre identité",
    Part.CASES: "Dossiers",
    Part.SUMMARY: "Résumé du dossier",
    Part.NOTES: "Notes du dossier",
    Part.EVIDENCE: "Pièces du dossier",
    Part.PROCEDURES: "Procédures judiciaires",
    Part.INSCRIPTIONS: "Inscriptions",
    Part.VICTIM_RECORDS: "Usurpation d'identité",
    Part.OTHER: "Autres mentions du dossier",
    Part.RECIPIENTS: "Destinataires",
    Part.CONSULTATIONS: "Consultations",
}
"""The parts of an access answer, as the person is told of them; never which case (P3)."""

ASKED = {
    Right.ACCESS: "d'accès à vos données",
    Right.RECTIFICATION: "de rectification de vos données",
    Right.ERASURE: "d'effacement de vos données",
    Right.RESTRICTION: "de limitation du traitement de vos données",
    Right.OBJECTION: "d'opposition au traitement de vos données",
    Right.PORTABILITY: "de portabilité de vos données",
    Right.DIRECTIVES: "relative aux directives sur le sort des données après le décès",
}

ARTICLES = {
    Right.ACCESS: "article 15 du règlement général sur la protection des données (RGPD)",
    Right.RECTIFICATION: "article 16 du règlement général sur la protection des données (RGPD)",
    Right.ERASURE: "article 17 du règlement général sur la protection des données (RGPD)",
    Right.RESTRICTION: "article 18 du règlement général sur la protection des données (RGPD)",
    Right.OBJECTION: "article 21 du règlement général sur la protection des données (RGPD)",
    Right.PORTABILITY: "article 20 du règlement général sur la protection des données (RGPD)",
    Right.DIRECTIVES: "article 85 de la loi du 6 janvier 1978",
}

PORTABILITY_REFUSED = (
    "Le droit à la portabilité n'existe que pour les données que vous avez fournies vous-même et qui "
    "sont traitées avec "
    "votre consentement ou pour un contrat. Les données de ce registre sont traitées sur un autre fondement, l'intérêt "
    "légitime des organismes assureurs à se protéger contre la fraude présumée. Ce droit ne s'y applique donc pas."
)
"""P4: the one reason, the same for everybody."""

GRANTED = {
    Right.RECTIFICATION: (
        "Vos données sont corrigées",
        "L'organisme {organisation} a corrigé les données que vous signaliez. Ce qu'il a inscrit sur la liste se "
        "cherche désormais avec les données corrigées.",
        WHO_IS_TOLD,
    ),
    Right.ERASURE: (
        "Vos données sont effacées",
        "Les données que l'organisme {organisation} détenait à votre sujet ont été effacées. Nous ne pouvons plus les "
        "lire, et aucune recherche ne les retrouve. Il n'en subsiste que des dates et des numéros de gestion qui ne "
        "permettent pas de vous identifier.",
        "Les copies de sauvegarde deviennent illisibles au plus tard à l'expiration des sauvegardes des clés. "
        + WHO_IS_TOLD,
    ),
    Right.OBJECTION: (
        "Votre opposition est acceptée",
        "Nous avons accepté votre opposition : {ended}.",
        WHO_IS_TOLD,
    ),
    Right.RESTRICTION: (
        "Le traitement de vos données est limité",
        "Ce que l'organisme {organisation} a inscrit à votre sujet sur la liste des fraudes présumées est conservé, "
        "mais n'est communiqué à personne tant que dure cette limitation. La durée d'une inscription continue de "
        "courir.",
        "Nous vous écrirons avant de lever cette limitation. " + WHO_IS_TOLD,
    ),
    Right.DIRECTIVES: (
        "Les directives sont enregistrées",
        "L'organisme {organisation} a enregistré les directives sur le sort des données après le décès, et les "
        "appliquera.",
        "La personne que les directives désignent pour leur exécution ou, à défaut, les héritiers peuvent en demander "
        "la mise en œuvre (article 85 de la loi du 6 janvier 1978).",
    ),
}
"""What each accepted request changed, of what that organisation holds: a heading, what was done, what follows."""

ITS_OWN = (
    "Cette réponse vaut pour ce que l'organisme {organisation} détient et a inscrit sur la liste ; chaque organisme "
    "membre du registre répond de ce qui est à lui."
)
"""C6: the answer of one organisation says nothing of another's, nor whether there is any."""

CONTESTED_FACTS = (
    "Les faits à l'origine d'un dossier restent présumés : rien de ce qui précède ne préjuge d'une "
    "décision de justice, et "
    "vous bénéficiez de la présomption d'innocence."
)

OF_THE_DEAD = (
    "Les faits à l'origine d'un dossier restent présumés : rien de ce qui précède ne préjuge d'une décision de "
    "justice, et la personne décédée bénéficie de la présomption d'innocence."
)
"""P5: directives are asked about once somebody died; whoever reads the answer is not the one presumed."""


def written_for(deceased: tuple[str, ...]) -> tuple[str, ...]:
    """P5: to whoever exercises the rights of somebody who died; the register does not know who that is."""
    return ("À la personne qui exerce les droits de", *deceased)


def access_answer(
    heading: Heading,
    request: Request,
    export: Mapping[str, Any],
    deferred: tuple[Deferred, ...] = (),
    reason: str | None = None,
) -> Letter:
    """P3: everything held, as readable tables; what waits is said, with why and until when."""
    told = (_held(request, bool(deferred)), _NOT_INCLUDED, *((reason,) if reason else ()), _its_own(request))
    return letter(
        Template.ACCESS_1,
        heading,
        "Réponse à votre demande d'accès à vos données",
        _opening(request),
        _summary(request, "acceptée" if not deferred else "acceptée en partie"),
        (
            Section("Notre réponse", (*told, CONTESTED_FACTS)),
            *_deferred_section(deferred),
            *tables_of(export),
            *_end(heading.contacts),
        ),
    )


def refusal(
    heading: Heading, request: Request, reason: str | None = None, entries: Entries = NO_ENTRIES
) -> Letter:
    """Refused, with the reason; portability always with the same (P4)."""
    why = PORTABILITY_REFUSED if request.kind is Right.PORTABILITY else reason
    if not why:
        raise ValueError("a refusal says its reason")
    return letter(
        Template.REFUSAL_1,
        heading,
        f"Réponse à votre demande {ASKED[request.kind]}",
        _opening(request),
        _summary(request, "refusée"),
        (
            Section(
                "Notre réponse",
                (
                    (
                        f"Nous ne pouvons pas donner suite à votre demande ({ARTICLES[request.kind]}), "
                        "pour la raison suivante."
                    ),
                    why,
                    _its_own(request),
                    _presumed(request),
                ),
            ),
            *_end_of_the_contest(heading, request, entries, granted=False),
            *_end(heading.contacts),
        ),
    )


def grant(
    heading: Heading, request: Request, reason: str | None = None, entries: Entries = NO_ENTRIES
) -> Letter:
    """Accepted: what was done, and what follows from it."""
    headline, done, follows = GRANTED[request.kind]
    done = done.format(organisation=request.organisation, ended=_ended(request, entries))
    return letter(
        Template.GRANT_1,
        heading,
        f"Réponse à votre demande {ASKED[request.kind]}",
        _opening(request),
        _summary(request, "acceptée"),
        (
            Section(
                headline,
                (done, *((reason,) if reason else ()), follows, _its_own(request), _presumed(request)),
            ),
            *_end_of_the_contest(heading, request, entries, granted=True),
            *_end(heading.contacts),
        ),
    )


def extension(heading: Heading, request: Request, reason: str, due_on: date) -> Letter:
    """P1: two more months, reasoned, told within the first."""
    return letter(
        Template.EXTENSION_1,
        heading,
        f"Votre demande {ASKED[request.kind]} : délai de réponse",
        _opening(request),
        (*_summary(request, "en cours d'examen"), ("Réponse au plus tard le", in_french(due_on))),
        (
            Section(
                "Pourquoi ce délai",
                (
                    "Nous avons besoin de plus d'un mois pour vous répondre (article 12, paragraphe 3, du règlement "
                    "général sur la protection des données), pour la raison suivante.",
                    reason,
                    (
                        f"Vous recevrez notre réponse au plus tard le {in_french(due_on)}. Vous n'avez "
                        "rien à faire d'ici là."
                    ),
                    *_until_then(request),
                    _presumed(request),
                ),
            ),
            *_end(heading.contacts),
        ),
    )


def restriction_to_be_lifted(heading: Heading, request: Request, reason: str, lifted_on: date) -> Letter:
    """P2: the person is told before a restriction is lifted."""
    return letter(
        Template.LIFTING_1,
        heading,
        "Fin prochaine de la limitation du traitement de vos données",
        (
            f"À la suite de votre demande {ASKED[request.kind]}, reçue le {in_french(request.received_on)}, le "
            f"traitement de vos données avait été limité : ce que l'organisme {request.organisation} a inscrit à votre "
            "sujet sur la liste des fraudes présumées n'était communiqué à personne.",
        ),
        (
            ("Votre demande", f"reçue le {in_french(request.received_on)}"),
            ("Fin de la limitation", in_french(lifted_on)),
        ),
        (
            Section(
                "Ce qui va changer",
                (
                    f"Cette limitation sera levée le {in_french(lifted_on)}, pour la raison suivante.",
                    reason,
                    f"À partir de ce jour, si une inscription demandée par l'organisme {request.organisation} est "
                    "encore en cours et n'est pas limitée pour une autre raison, les organismes qui interrogent la "
                    "liste apprendront de nouveau que votre nom y figure. Une inscription qui a pris fin entre-temps "
                    "ne revit pas.",
                    CONTESTED_FACTS,
                ),
            ),
            *_end(heading.contacts),
        ),
    )


_NOT_INCLUDED = (
    "N'y figurent ni les données d'autres personnes, ni les noms des personnes qui travaillent sur ces dossiers. Les "
    "heures sont celles de Paris."
)


def _opening(request: Request) -> tuple[str, ...]:
    received = in_french(request.received_on)
    return (f"Nous avons reçu le {received} votre demande {ASKED[request.kind]}.",)


def _summary(request: Request, decision: str) -> tuple[tuple[str, str], ...]:
    return ("Votre demande", f"reçue le {in_french(request.received_on)}"), ("Notre réponse", decision)


def _held(request: Request, in_part: bool) -> str:
    what = "les" if in_part else "toutes les"
    but = (", sauf les parties indiquées sous « Ce qui vous sera communiqué plus tard »") if in_part else ""
    return (
        f"Vous trouverez ci-après {what} données que l'organisme {request.organisation} détient à votre sujet, "
        f"archives comprises{but}."
    )


def _presumed(request: Request) -> str:
    return OF_THE_DEAD if request.kind is Right.DIRECTIVES else CONTESTED_FACTS


def _its_own(request: Request) -> str:
    return ITS_OWN.format(organisation=request.organisation)


def _until_then(request: Request) -> tuple[str, ...]:
    """P2: only of what restricts from its receipt on; a restriction that is asked for is not granted yet."""
    if request.kind not in CONTESTING:
        return ()
    own = f"ce que l'organisme {request.organisation} a inscrit à votre sujet sur la liste"
    return (f"D'ici là, {own} n'est communiqué à personne.",)


def _ended(request: Request, entries: Entries) -> str:
    """L9: what the decision did, and on which day; not what stands today, nor what others did."""
    if entries.ended_on is None:
        return f"aucune inscription demandée par l'organisme {request.organisation} n'était alors en cours"
    what, have = (
        ("l'inscription demandée", "a") if entries.ended == 1 else ("les inscriptions demandées", "ont")
    )
    return f"{what} par l'organisme {request.organisation} {have} pris fin le {in_french(entries.ended_on)}"


def _end_of_the_contest(
    heading: Heading, request: Request, entries: Entries, granted: bool
) -> tuple[Section, ...]:
    """P2, art. 18(3): that what restricted until this answer ends with it, from when, and what stands then."""
    if request.kind not in CONTESTING:
        return ()
    told = (
        f"Depuis l'enregistrement de votre demande, ce que l'organisme {request.organisation} a inscrit à votre sujet "
        "sur la liste n'était communiqué à personne (article 18 du RGPD). Cette limitation prend fin avec la présente "
        f"réponse, à partir du {in_french(heading.dated)}."
    )
    stands = entries.freed or entries.kept_back
    return (
        Section(
            "Fin de la limitation",
            (
                told,
                *((_FREED,) if entries.freed else ()),
                *((_KEPT_BACK,) if entries.kept_back else ()),
                *(() if stands else (_NOTHING_STANDS,)),
                *((_NOT_ENDED,) if stands and granted and request.kind is Right.OBJECTION else ()),
            ),
        ),
    )


_FREED = (
    "Une inscription que cet organisme a demandée est en cours : à partir de cette date, les organismes qui "
    "interrogent la liste peuvent apprendre que votre nom y figure."
)
_KEPT_BACK = (
    "Une inscription que cet organisme a demandée est en cours et reste limitée pour une autre raison : elle n'est "
    "communiquée à personne tant que dure cette autre limitation."
)
_NOTHING_STANDS = "Aucune inscription que cet organisme a demandée n'est en cours."
_NOT_ENDED = "Cette inscription n'est pas de celles que la décision sur votre opposition a fait cesser."


def _deferred_section(deferred: tuple[Deferred, ...]) -> tuple[Section, ...]:
    if not deferred:
        return ()
    items = tuple(
        f"{one.part} : {one.reason} Nous réexaminerons ce report le {in_french(one.review_on)}."
        for one in deferred
    )
    return (Section("Ce qui vous sera communiqué plus tard", (), items),)


def _end(contacts: Contacts) -> tuple[Section, ...]:
    return Section("Pour nous écrire", how_to_write(contacts)), complaint_section()
