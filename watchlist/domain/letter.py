"""Letter: what is written to a person, in French and in plain words; facts in, text out.

A letter is a value: the same facts give the same letter, and its template prints it the same way for good. Nobody is
called guilty in one: facts are presumed, and whoever reads is told so.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from watchlist.domain import periods
from watchlist.domain.correspondence import Template
from watchlist.domain.identity import Identity, Person


class Contacts(Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for the register, and how they are reached. These are the demonstration's: nobody's."""

    controller: str = "Organisme de démonstration (fictif)"
    controller_address: str = "1 rue de l'Exemple, 00000 Démonstration (adresse fictive)"
    controller_email: str = "registre@demonstration.invalid"
    dpo: str = "Délégué à la protection des données de démonstration (fictif)"
    dpo_address: str = "2 rue de l'Exemple, 00000 Démonstration (adresse fictive)"
    dpo_email: str = "dpo@demonstration.invalid"

    @property
    def are_fictitious(self) -> bool:
        return self == Contacts()


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """Two columns: what something is, and what is held."""

    caption: str
    rows: tuple[tuple[str, str], ...]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A heading, what is said under it, a list, what is said of the list, and tables: in that order."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


class Letter(Struct, frozen=True, forbid_unknown_fields=True):
    """All that is printed; the template decides where, and adds nothing but heads of columns and page numbers."""

    template: Template
    dated: date
    title: str
    reference: str
    sender: tuple[str, ...]
    addressee: tuple[str, ...]
    date_line: str
    salutation: str
    opening: tuple[str, ...]
    summary: tuple[tuple[str, str], ...]
    """The few facts to find at a glance: what, and its value."""
    sections: tuple[Section, ...]
    closing: str
    signature: tuple[str, ...]
    footer: str
    language: str = "fr"


class Heading(Struct, frozen=True):
    """What every letter begins with: its reference, its day, to whom, and who answers."""

    id: UUID
    dated: date
    addressee: tuple[str, ...]
    contacts: Contacts


SALUTATION = "Madame, Monsieur,"
CLOSING = "Nous vous prions d'agréer, Madame, Monsieur, l'expression de nos salutations distinguées."
PRESUMED = (
    "Il s'agit de faits présumés. L'inscription n'est ni une sanction ni une condamnation ; elle ne préjuge "
    "d'aucune décision de justice, et vous bénéficiez de la présomption d'innocence."
)
RIGHTS = (
    "obtenir une copie des données qui vous concernent (accès) ;",
    "faire corriger celles qui sont inexactes ou incomplètes (rectification) ;",
    "vous opposer à leur utilisation, pour des raisons tenant à votre situation (opposition) ;",
    "demander qu'elles soient effacées (effacement) ;",
    "demander que leur utilisation soit limitée (limitation) ;",
    "si vous êtes une personne physique, dire ce qu'elles deviendront après votre décès (directives).",
)
CNIL = (
    "Si notre réponse ne vous convient pas, ou à tout moment, vous pouvez adresser une réclamation à la Commission "
    "nationale de l'informatique et des libertés (CNIL), 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, "
    "www.cnil.fr, ou saisir un juge."
)
WHO_IS_TOLD = (
    "Seuls sont avertis les organismes auxquels il avait été répondu, quand ils interrogeaient la liste, que votre nom "
    "y figure, et pour lesquels cette réponse change. Ils apprennent qu'elle a changé, jamais pourquoi."
)
"""S8: who was told of a hit, when it stops or resumes; a hit that another entry keeps up does neither."""
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def in_french(day: date) -> str:
    """1er mars 2026, 15 mars 2026."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number} {_MONTHS[day.month - 1]} {day.year}"


def instant_in_french(instant: datetime) -> str:
    """An instant as a clock on a wall in Paris shows it."""
    local = instant.astimezone(periods.PARIS)
    return f"{in_french(local.date())} à {local.hour} h {local.minute:02}"


def months_in_french(months: int) -> str:
    """60 mois (5 ans)."""
    years, rest = divmod(months, 12)
    if rest or not years:
        return f"{months} mois"
    return f"{months} mois ({years} an{'s' if years > 1 else ''})"


def addressee(identity: Identity) -> tuple[str, ...]:
    """To whom: the register holds no postal address, whoever posts the letter writes it."""
    if isinstance(identity, Person):
        return (f"{identity.given_names} {identity.usage_name or identity.family_name}",)
    return (identity.name,)


def letter(
    template: Template,
    heading: Heading,
    title: str,
    opening: tuple[str, ...],
    summary: tuple[tuple[str, str], ...],
    sections: tuple[Section, ...],
) -> Letter:
    """The parts that every letter has, around its own."""
    contacts = heading.contacts
    return Letter(
        template=template,
        dated=heading.dated,
        title=title,
        reference=f"Référence : {heading.id}",
        sender=(contacts.controller, contacts.controller_address, contacts.controller_email),
        addressee=heading.addressee,
        date_line=f"Le {in_french(heading.dated)}",
        salutation=SALUTATION,
        opening=opening,
        summary=summary,
        sections=sections,
        closing=CLOSING,
        signature=(contacts.controller,),
        footer=f"{contacts.controller}, {contacts.controller_address}",
    )


def rights_section(contacts: Contacts) -> Section:
    """Art. 14: the rights, and how they are exercised."""
    return Section(
        "Vos droits et comment les exercer",
        ("Vous pouvez à tout moment :",),
        RIGHTS,
        (
            "Dès que vous vous opposez à l'inscription ou en contestez l'exactitude, elle n'est plus communiquée à "
            "personne tant que votre demande n'a pas reçu de réponse. Le droit à la portabilité ne s'applique pas, "
            "parce que le traitement repose sur l'intérêt légitime.",
            *how_to_write(contacts),
        ),
    )


def how_to_write(contacts: Contacts) -> tuple[str, ...]:
    return (
        f"Pour exercer vos droits, écrivez à {contacts.controller}, {contacts.controller_address}, ou à "
        f"{contacts.controller_email}, en rappelant la référence de cette lettre. Vous recevrez une réponse dans un "
        "délai d'un mois, qui peut être prolongé de deux mois si la demande est complexe ; nous vous "
        "le dirions alors par écrit. C'est gratuit.",
        "Vous pouvez aussi vous adresser au délégué à la protection des données : "
        f"{contacts.dpo}, {contacts.dpo_address}, {contacts.dpo_email}.",
    )


def complaint_section() -> Section:
    return Section("Si vous n'êtes pas d'accord", (CNIL,))
