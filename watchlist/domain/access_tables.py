"""An export of everything held of a person, as tables that the person can read (P3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from watchlist.domain.letter import Section, Table, in_french, instant_in_french

LABELS = {
    "subject": "Votre identité", "subjects": "Vos identités", "identity": "Identité", "identities": "Identités",
    "family_name": "Nom de naissance", "usage_name": "Nom d'usage", "given_names": "Prénoms", "name": "Dénomination",
    "birth_date": "Date de naissance", "birth_place": "Lieu de naissance", "identifiers": "Identifiants",
    "scheme": "Type d'identifiant", "value": "Valeur", "kind": "Nature", "role": "Qualité", "organisation": "Organisme",
    "cases": "Dossiers", "case_id": "Dossier n°", "alert": "Alerte", "state": "État", "source": "Source",
    "raised_on": "Alerte du", "opened_at": "Ouvert le", "opened_on": "Ouverte le", "closed_at": "Clos le",
    "closing_outcome": "Issue", "outcome": "Issue", "summary": "Résumé", "amount_at_stake": "Montant en cause",
    "amount": "Montant", "currency": "Monnaie", "notes": "Notes", "text": "Texte", "at": "Le", "evidence": "Pièces",
    "description": "Description", "sha256": "Empreinte de la pièce", "procedures": "Procédures judiciaires",
    "procedure_id": "Procédure n°", "court": "Juridiction", "reference": "Référence", "ended_on": "Terminée le",
    "limitation_ends_on": "Prescription acquise le", "inscriptions": "Inscriptions", "inscription_id": "Inscription n°",
    "grounds": "Motifs", "term_months": "Durée en mois", "inscribed_on": "Inscrit depuis le",
    "last_listed_day": "Dernier jour", "listed_until": "Inscrit jusqu'au", "delisted_at": "Radié le",
    "delisting_ground": "Motif de la radiation", "restricted": "Limitée", "held_by": "Maintenue par",
    "proportionality": "Examen de proportionnalité", "gravity": "Gravité", "harm": "Préjudice",
    "alternatives": "Autres mesures envisagées", "term_reason": "Raison de la durée", "letters": "Lettres",
    "sent_on": "Envoyée le", "channel": "Envoyée par", "disclosures": "Communications", "recipient": "Destinataire",
    "recipients": "Destinataires", "purpose": "Finalité", "purposes": "Finalités", "accesses": "Consultations",
    "retention": "Conservation", "basis": "Fondement", "requests": "Vos demandes", "received_on": "Reçue le",
    "registered_at": "Enregistré le", "deceased": "Décès enregistré", "died_on": "Décès le", "reason": "Motif",
    "qualification_reason": "Motif de la qualification", "history": "Historique", "subject_id": "Personne n°",
    "exported_at": "Établi le", "processing": "Le traitement", "archived": "Archivé",
    "rectifications": "Rectifications", "occasion": "Occasion", "told": "Ce qui a été dit",
    "consultations": "Consultations",
}  # fmt: skip
"""The fields of an export in French; one that is not here is shown under its own name."""

WORDS = {
    "person": "personne physique", "health_professional": "professionnel de santé", "beneficiary": "bénéficiaire",
    "insured": "assuré", "intermediary": "intermédiaire", "other": "autre", "rpps": "RPPS", "adeli": "ADELI",
    "finess": "FINESS", "siren": "SIREN", "siret": "SIRET", "amc_member": "numéro d'adhérent",
    "control": "contrôle", "data_analysis": "analyse de données", "complaint": "réclamation",
    "partner": "organisme partenaire", "tip_off": "signalement", "authority": "autorité",
    "under_investigation": "en cours d'examen", "closed": "clos", "dismissed": "classé sans suite",
    "lapsed": "périmé", "purged": "purgé", "proposed": "proposée", "active": "en cours", "ended": "terminée",
    "rejected": "rejetée", "withdrawn": "retirée", "delisted": "radiée", "fictitious_services":
    "présomption de prestations fictives", "overbilling": "présomption de surfacturation", "substitution":
    "présomption de substitution de prestation", "forged_documents": "présomption d'usage de documents falsifiés",
    "identity_misuse": "présomption d'usage de l'identité d'autrui", "undue_third_party_payment":
    "présomption de tiers payant indu", "collusion": "présomption d'entente", "false_declaration":
    "présomption de déclaration inexacte", "term_elapsed": "durée écoulée", "organisation_decision":
    "décision de l'organisme", "repaid": "sommes réglées", "inaccurate": "inexactitude", "objection_upheld":
    "opposition acceptée", "erasure_upheld": "effacement accepté", "court_decision": "décision de justice",
    "third_party_payment": "tiers payant", "claim_control": "contrôle d'une demande de remboursement",
    "partnership_admission": "admission à un partenariat", "criminal_complaint": "plainte pénale",
    "prosecution": "poursuites", "civil_suit": "action civile", "established": "faits retenus par l'organisme",
    "not_established": "faits non retenus", "settled": "règlement amiable", "referred": "transmis",
    "abandoned": "abandonné", "post": "courrier", "registered_post": "lettre recommandée",
    "hit": "réponse positive à une interrogation", "detail": "réponse à une question sur une interrogation",
    "by_hand": "communication", "investigation": "instruction d'un dossier", "data_protection":
    "protection des données", "audit": "contrôle interne", "insurer": "organisme d'assurance", "third_party_payer":
    "opérateur de tiers payant", "social_or_professional_body": "organisme social ou professionnel",
    "judicial_authority": "autorité judiciaire", "mediator": "médiateur", "officer_of_the_court":
    "auxiliaire de justice ou officier ministériel", "authorised_third_party": "tiers autorisé", "alfa": "ALFA",
    "victim": "victime ou son représentant",
}  # fmt: skip
"""The codes that stand as values, in French."""

NOT_KNOWN = "non renseigné"
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Row = tuple[str, str]


def tables_of(export: Mapping[str, Any]) -> tuple[Section, ...]:
    """A section for each part of an export; what has no parts of its own comes first."""
    plain = {name: part for name, part in export.items() if not _has_parts(part)}
    parts = {name: part for name, part in export.items() if _has_parts(part)}
    first = (Section("Vos données", tables=_tables("Généralités", plain)),) if plain else ()
    return first + tuple(_section(label(name), part) for name, part in parts.items())


def label(name: str) -> str:
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def shown(value: Any, name: str = "") -> str:
    """A value as it is read; a text stays as it was written."""
    if value is None or value == "":
        return NOT_KNOWN
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, datetime):
        return instant_in_french(value)
    if isinstance(value, date):
        return in_french(value)
    if isinstance(value, str):
        return _read(value, name)
    return str(value)


_TEXTS = frozenset(
    ("text", "summary", "description", "reason", "name", "family_name", "given_names", "reference", "court")
)
"""Fields that people wrote: no word of theirs is taken for a code."""


def _read(text: str, name: str) -> str:
    if name in _TEXTS:
        return text
    try:
        if _DAY.fullmatch(text):
            return in_french(date.fromisoformat(text))
        if _INSTANT.fullmatch(text):
            return instant_in_french(datetime.fromisoformat(text))
    except ValueError:
        return text
    return WORDS.get(text, text)


def _has_parts(part: object) -> bool:
    return isinstance(part, Mapping) or (isinstance(part, list | tuple) and any(map(_has_parts, part)))


def _section(heading: str, part: Any) -> Section:
    if isinstance(part, Mapping):
        return Section(heading, tables=_tables(heading, part))
    if not part:
        return Section(heading, ("Aucune donnée.",))
    tables = [table for n, one in enumerate(part, 1) for table in _tables(f"{heading} ({n})", one)]
    return Section(heading, tables=tuple(tables))


def _tables(caption: str, part: Any) -> tuple[Table, ...]:
    """One table of what is plain, then those of its lists of parts."""
    own = Table(caption, tuple(_rows(part)))
    below = tuple(_below(caption, part)) if isinstance(part, Mapping) else ()
    return (own, *below) if own.rows else below


def _below(caption: str, part: Mapping[str, Any], prefix: str = "") -> Iterator[Table]:
    for name, value in part.items():
        title = prefix + label(name)
        if isinstance(value, Mapping):
            yield from _below(caption, value, f"{title}, ")
        elif _has_parts(value):
            for number, one in enumerate(value, 1):
                yield from _tables(f"{caption}, {title.lower()} ({number})", one)


def _rows(part: Any, prefix: str = "", name: str = "") -> Iterator[Row]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            title = prefix + label(key)
            if isinstance(value, Mapping):
                yield from _rows(value, f"{title}, ")
            elif not _has_parts(value):
                yield title, _listed(value, key)
    else:
        yield "Valeur", _listed(part, name)


def _listed(value: Any, name: str) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(shown(one, name) for one in value) or "aucun"
    return shown(value, name)
