"""A dossier on paper: the same facts in French, and the proofs as they can be typed in again (T3).

Nobody is called guilty in one: what is told is that somebody was listed, on facts that are presumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct

from watchlist.domain.aggregate import SCHEDULER
from watchlist.domain.dossier import Day, EntryStanding, Listed, Step
from watchlist.domain.letter import (
    Contacts,
    Section,
    Table,
    in_french,
    instant_in_french,
    months_in_french,
)
from watchlist.domain.wording import DELISTING_GROUNDS, GROUNDS, KINDS, OUTCOMES, Words

TEMPLATE = "dossier-1"
"""Released: what was printed under it is printed by it again."""
TITLE = "Dossier de preuve : situation d'une personne à une date"
PRESUMED = (
    "Une inscription repose sur des faits présumés. Elle n'est ni une sanction ni une condamnation, et la personne "
    "bénéficie de la présomption d'innocence."
)
HOW_TO_CHECK = (
    "Chaque fait ci-dessus porte la position de son événement dans le journal du registre. La feuille de cet "
    "événement est reproduite ci-dessous telle qu'elle a été scellée, avec le chemin qui mène, de son empreinte "
    "SHA-256, à la racine de l'arbre (RFC 9162) que signe le point de contrôle. Comparez la clé avec celle qui a été "
    "publiée. Le dossier en JSON contient toutes les feuilles, aussi celles d'où aucun fait n'est cité."
)
NOT_PROVEN = Words(
    "Les communications viennent du registre des communications, dont une empreinte par jour est scellée ; elles ne "
    "sont pas des événements. Que rien d'autre n'a été enregistré après la dernière feuille d'une suite, seul le "
    "journal entier le montre. Quels dossiers de fraude concernent la personne est pris dans les tables du registre, "
    "que « watchlist replay --check » compare avec le journal : ce document ne prouve pas qu'il n'en existe pas "
    "d'autre, ni donc qu'il n'existe pas d'autre inscription.",
    "Disclosures come from the register of disclosures, of which one digest a day is sealed; they are no events. That "
    "nothing else was recorded after the last leaf of a stream, only the whole log shows. Which cases concern the "
    "person is taken from the register's pictures, which `watchlist replay --check` compares with the log: this "
    "dossier does not prove that there is no other case, nor thus that there is no other entry.",
)
"""Told in every dossier: what its leaves do not prove by themselves."""
_MUCH: Mapping[Listed, tuple[str, str]] = {
    Listed.WHOLE_DAY: ("toute la journée", "the whole day"),
    Listed.PART_OF_DAY: ("une partie de la journée", "part of the day"),
    Listed.NOT_AT_ALL: ("à aucun moment de la journée", "at no moment of the day"),
}
_INSCRIBED: Mapping[Listed, str] = {
    Listed.WHOLE_DAY: "était inscrite toute la journée",
    Listed.PART_OF_DAY: "était inscrite une partie de la journée",
    Listed.NOT_AT_ALL: "n'était inscrite à aucun moment de la journée",
}
_ANSWERED: Mapping[Listed, str] = {
    Listed.WHOLE_DAY: "pouvait être communiquée toute la journée",
    Listed.PART_OF_DAY: "ne pouvait être communiquée qu'une partie de la journée",
    Listed.NOT_AT_ALL: "ne pouvait être communiquée à aucun moment de la journée",
}
STEPS: Mapping[str, str] = {
    "case.qualified": "alerte jugée pertinente",
    "case.closed": "dossier clos",
    "case.data_expired": "durée de conservation du dossier atteinte",
    "case.purged": "données du dossier effacées",
    "case.subject_followed": "fusion ou séparation de personnes suivie par le dossier",
    "case.subject_detached": "personne effacée, détachée du dossier",
    "case.victim_recorded": "victime d'usurpation d'identité enregistrée",
    "case.procedure_opened": "procédure judiciaire ouverte",
    "case.procedure_ended": "procédure judiciaire terminée",
    "inscription.proposed": "inscription proposée",
    "inscription.amended": "proposition modifiée",
    "inscription.withdrawn": "proposition retirée",
    "inscription.rejected": "proposition rejetée",
    "inscription.approved": "inscription approuvée",
    "inscription.restricted": "inscription limitée (art. 18)",
    "inscription.restriction_lifted": "limitation levée",
    "inscription.contested": "inscription contestée par la personne",
    "inscription.contest_settled": "contestation réglée",
    "inscription.delisted": "désinscription",
    "inscription.hold_reviewed": "maintien réexaminé",
    "letter.sent": "lettre envoyée à la personne",
    "letter.deferred": "lettre différée",
    "subject.registered": "personne enregistrée",
    "subject.rectified": "identité rectifiée",
    "subject.merged_into": "personne fusionnée avec une autre",
    "subject.absorbed": "doublon reconnu",
    "subject.split": "fusion annulée",
    "subject.released": "doublon séparé",
    "subject.death_recorded": "décès enregistré",
    "subject.contested": "demande de la personne : limitation",
    "subject.settled": "demande de la personne : limitation terminée",
    "subject.text_redacted": "texte caviardé",
    "subject.erasure_decided": "effacement décidé",
    "subject.erased": "données effacées",
}
KINDS_TOLD = {"hit": "réponse positive", "detail": "précisions données", "by_hand": "communication manuelle"}
RECIPIENTS = {
    "insurer": "assureur",
    "third_party_payer": "opérateur de tiers payant",
    "intermediary": "intermédiaire",
    "social_or_professional_body": "organisme social ou professionnel",
    "judicial_authority": "autorité judiciaire",
    "mediator": "médiateur",
    "officer_of_the_court": "auxiliaire de justice",
    "authorised_third_party": "tiers autorisé",
    "alfa": "ALFA",
    "victim": "victime ou son représentant",
}
IDENTITY = {
    "family_name": "Nom de naissance",
    "usage_name": "Nom d'usage",
    "given_names": "Prénoms",
    "birth_date": "Date de naissance",
    "birth_place": "Lieu de naissance",
    "name": "Dénomination",
}


class PrintedProof(Struct, frozen=True):
    """One leaf, and the way from it to the root, as they are typed in again."""

    leaf: str
    leaf_index: int
    tree_size: int
    path: tuple[str, ...]


class DossierPaper(Struct, frozen=True):
    """All that is printed."""

    dated: date
    title: str
    reference: str
    sender: tuple[str, ...]
    date_line: str
    opening: tuple[str, ...]
    summary: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    proofs: tuple[PrintedProof, ...]
    proofs_heading: str
    proofs_opening: tuple[str, ...]
    checkpoint: str
    keys: tuple[str, ...]
    footer: str
    language: str = "fr"


def in_words(listed: Listed, answered: Listed, day: Day) -> Words:
    """The answer in a sentence: listed, never more."""
    fr = f"Le {in_french(day.day)}, à Paris, la personne {_INSCRIBED[listed]}"
    en = f"On {day.day.isoformat()}, in Paris, the person was listed {_MUCH[listed][1]}"
    if answered is not listed:
        fr += f" ; limitée, l'inscription {_ANSWERED[answered]}"
        en += f"; restricted, the entry could be answered {_MUCH[answered][1]}"
    if not day.complete:
        fr, en = f"{fr} (la journée n'est pas finie)", f"{en} (the day is not over)"
    return Words(f"{fr}.", f"{en}.", listed.value)


def dossier_paper(view: Mapping[str, Any], contacts: Contacts, dated: date) -> DossierPaper:
    """The paper of a compiled dossier; nothing is told that is not in it."""
    cited = {entry_step.position for entry in view["entries"] for entry_step in entry.steps}
    cited |= {later.position for later in view["learnt_later"]["steps"]} | {view["identity"]["position"]}
    return DossierPaper(
        dated=dated,
        title=TITLE,
        reference=f"Référence : {view['subject_id']}",
        sender=(contacts.controller, contacts.controller_address, contacts.controller_email),
        date_line=f"Établi le {in_french(dated)}",
        opening=(view["in_words"].fr, PRESUMED),
        summary=_summary(view),
        sections=tuple(_sections(view)),
        proofs=tuple(_proofs(view, cited)),
        proofs_heading="Preuves d'inclusion",
        proofs_opening=(HOW_TO_CHECK, view["not_proven"]["fr"], *_not_sealed(view)),
        checkpoint=view["checkpoint"] or "",
        keys=tuple(view["keys"]),
        footer=f"{contacts.controller}, {contacts.controller_address}",
    )


def _summary(view: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    identity = view["identity"]
    whom = "données effacées" if identity["erased"] else str(view["subject_id"])
    rows = [
        ("Jour demandé", in_french(view["day"])),
        ("Personne", whom),
        ("Organisme", view["organisation"]),
    ]
    since = [entry.listed_since for entry in view["entries"] if entry.spans]
    if since:
        rows.append(("Inscrite depuis", in_french_or_none(min(since))))
    return tuple(rows)


def in_french_or_none(instant: Any) -> str:
    return "–" if instant is None else instant_in_french(instant)


def _sections(view: Mapping[str, Any]) -> Iterable[Section]:
    yield _identity_section(view["identity"])
    yield from (_entry_section(entry) for entry in view["entries"])
    yield _told_section("Qui en a été averti jusqu'à ce jour", view["told"])
    later = view["learnt_later"]
    if later["steps"] or later["told"]:
        yield Section(
            "Ce qui n'a été enregistré qu'après ce jour",
            ("Rien de ce qui suit ne change la situation à la date demandée.",),
            tables=(
                _steps("Enregistré ensuite", later["steps"]),
                _tellings("Communiqué ensuite", later["told"]),
            ),
        )


def _identity_section(identity: Mapping[str, Any]) -> Section:
    if identity["erased"]:
        words = (
            "Les données de la personne ont été effacées : ce dossier prouve sa situation sans la désigner."
        )
        return Section("Identité", (words,))
    if identity["fields"] is None:
        return Section("Identité", ("L'identité n'est pas communiquée dans ce dossier.",))
    fields = identity["fields"]
    rows = [(IDENTITY[name], str(fields[name])) for name in IDENTITY if fields.get(name)]
    rows += [(one["scheme"].upper(), one["value"]) for one in fields["identifiers"]]
    rows += [
        ("Valeur enregistrée", identity["value"]),
        ("Nonce (base64)", identity["nonce"]),
        ("Engagement (base64)", identity["commitment"]),
        ("Position", str(identity["position"])),
    ]
    words = (
        "Telle qu'elle était connue ce jour-là. L'engagement que contient l'événement est HMAC-SHA-256 de la valeur "
        "enregistrée, sous ce nonce."
    )
    return Section("Identité", (words,), tables=(Table("Identité", tuple(rows)),))


def _entry_section(entry: EntryStanding) -> Section:
    return Section(
        f"Inscription {entry.inscription_id}",
        (),
        tables=(Table("Situation ce jour-là", tuple(_entry_rows(entry))), _steps("Décisions", entry.steps)),
    )


def _entry_rows(entry: EntryStanding) -> Iterable[tuple[str, str]]:
    yield "Inscrite", _MUCH[entry.listed][0]
    for span in entry.spans:
        more = ", limitée" if span.restricted else ""
        more += ", maintenue par une procédure judiciaire" if span.held else ""
        yield "De – à", f"{instant_in_french(span.since)} – {instant_in_french(span.until)}{more}"
    yield "Motifs présumés", " ; ".join(GROUNDS[ground][0] for ground in entry.grounds)
    yield "Liste des motifs", f"version {entry.grounds_version}"
    yield "Durée", months_in_french(entry.term_months)
    if entry.inscribed_on and entry.last_listed_day:
        yield "Date d'inscription", in_french(entry.inscribed_on)
        yield "Dernier jour prévu", in_french(entry.last_listed_day)
    yield "Proposée par", str(entry.proposed_by)
    if entry.last_amended_by != entry.proposed_by:
        yield "Modifiée en dernier par", str(entry.last_amended_by)
    if entry.approved_by:
        yield "Approuvée par", str(entry.approved_by)
    if entry.imported:
        yield "Origine", "reprise d'une liste existante (L7)"
    if not entry.known_as_theirs_then:
        yield "Rattachement", "reconnue plus tard comme concernant cette personne (C8)"
    if not entry.theirs_now:
        yield "Rattachement", "séparée depuis de cette personne (C8)"


def _steps(caption: str, steps: Iterable[Step]) -> Table:
    return Table(
        caption,
        tuple(
            (
                f"Position {one.position}, {instant_in_french(one.recorded_at)}",
                f"{STEPS.get(one.what, one.what)}{_facts(one.facts)}, par {_by(one.by)}, forme {one.format}",
            )
            for one in steps
        ),
    )


def _by(operator: UUID) -> str:
    return "le registre lui-même" if operator == SCHEDULER else str(operator)


def _facts(facts: Mapping[str, Any]) -> str:
    """The codes that matter to a reader, in words."""
    found = facts.get("ground")
    words = [fr for code, (fr, _) in DELISTING_GROUNDS.items() if code.value == found]
    words += [fr for code, (fr, _) in KINDS.items() if code.value == facts.get("kind")]
    words += [fr for code, (fr, _) in OUTCOMES.items() if code.value == facts.get("outcome")]
    return f" ({', '.join(words)})" if words else ""


def _told_section(heading: str, told: Iterable[Mapping[str, Any]]) -> Section:
    rows = list(told)
    if not rows:
        return Section(heading, ("Personne, d'après le registre des communications.",))
    return Section(heading, tables=(_tellings("Communications", rows),))


def _tellings(caption: str, told: Iterable[Mapping[str, Any]]) -> Table:
    return Table(
        caption,
        tuple(
            (
                instant_in_french(one["at"]),
                f"{KINDS_TOLD[one['kind']]} à {one['organisation'] or RECIPIENTS[one['recipient']]}"
                + (f", interrogation {one['screening_id']}" if one["screening_id"] else ""),
            )
            for one in told
        ),
    )


def _proofs(view: Mapping[str, Any], cited: set[int]) -> Iterable[PrintedProof]:
    for one in view["proofs"]:
        if _position(one["leaf"]) in cited:
            yield PrintedProof(one["leaf"], one["leaf_index"], one["tree_size"], tuple(one["path"]))


def _position(leaf: str) -> int:
    """A leaf begins with its position."""
    return int(leaf.removeprefix('{"position":').partition(",")[0])


def _not_sealed(view: Mapping[str, Any]) -> tuple[str, ...]:
    if not view["not_sealed"]:
        return ()
    which = ", ".join(map(str, view["not_sealed"]))
    return (f"Pas encore scellés, donc sans preuve dans ce document : positions {which}.",)
