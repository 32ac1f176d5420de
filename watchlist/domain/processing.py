"""The record of processing (GDPR, art. 30): all that is held of a person, why, for how long, and who gets it.

One row for each thing held. What is sealed has a row for its VaultField, so nothing is sealed that nobody described;
what is kept in clear, or only as a keyed form, has a row for the table it is in. docs/privacy.md shows this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from watchlist.domain.identity import Organisation, Person
from watchlist.domain.vault_field import VaultField

V = VaultField


class Purpose(StrEnum):
    """Why it is processed."""

    INVESTIGATE = "to investigate presumed fraud against the organisations' health covers"
    LIST = "to list persons presumed to have committed fraud, for a term, and to answer screenings"
    RIGHTS = "to keep the rights of persons and to answer for what was done"
    ACCESS = "to let authorised persons in, each with their own rights, and to answer for what was done"


class Basis(StrEnum):
    """What makes it lawful. French terms where they are the law's own."""

    LEGITIMATE_INTEREST = "intérêt légitime (RGPD, art. 6.1.f): preventing fraud against the covers"
    OFFENCES = (
        "intérêt légitime (RGPD, art. 6.1.f), and for data on offences RGPD, art. 10 with "
        "loi Informatique et Libertés, art. 46: one's own rights before the courts as a presumed victim"
    )
    OBLIGATION = (
        "obligation légale (RGPD, art. 6.1.c): security, accountability and rights (art. 5.2, 12 to 22, 32)"
    )


class Persons(StrEnum):
    """Whose data it is."""

    SUBJECTS = "subjects: health professionals, beneficiaries, insured persons, intermediaries, others"
    NAMED = "subjects, and whoever a text names"
    VICTIMS = "victims of identity theft"
    STAFF = "operators: persons habilitated by an organisation"


class Recipients(StrEnum):
    """Who can read it."""

    OWNER = "investigators, supervisors and DPO of the organisation that owns it; auditors"
    OWNER_AND_COURTS = (
        "investigators, supervisors and DPO of the organisation that owns it; auditors; judicial authorities and "
        "officers of the court, by hand"
    )
    SCREENING = "nobody as it is: it is compared, and a payment operator learns hit or no hit (S1)"
    LISTED = "the organisation that owns it; auditors; payment operators as hit or no hit (S1)"
    ADMINS = "admins of the organisation; auditors see the random id alone"
    NOBODY = "nobody: it is compared, never shown"
    GUARDIANS = "auditors; the DPO of the organisation that asked, or that owns the entry"
    REVIEWER = "integrators and DPO of the organisation that reviewed the hit; auditors"
    ASKER_AND_OWNER = (
        "integrators and DPO of the organisation that asked; investigators, supervisors and DPO of the organisation "
        "that owns the entry; auditors"
    )
    ASKER = (
        "the organisation that was told of the hit; auditors; the DPO of the organisation that owns the entry"
    )


class Key(StrEnum):
    """Under which key it is unreadable."""

    SUBJECT = "the subject's key (AES-256-GCM)"
    CASE = "the case's key (AES-256-GCM)"
    IMPORT = "the import's key (AES-256-GCM)"
    LOOKUP = "keyed form (HMAC-SHA-256, look-up key), not reversible"
    DIGEST = "SHA-256 of a random secret, not reversible"
    CLEAR = "in clear: codes, dates and random ids"
    CLEAR_NAME = "in clear"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long it is kept: the rule's mark, what it says, and the function that computes the end, if one does."""

    mark: str
    says: str
    computed_by: str | None = None
    """None: it ends with what it belongs to, or when a person decides."""


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that is held of a person."""

    name: str
    """A VaultField's value, or what it is called in its table."""
    what: str
    where: str
    """`vault`, or the table that keeps it."""
    key: Key
    purpose: Purpose
    basis: Basis
    persons: Persons
    kept: Rule
    recipients: Recipients
    parts: tuple[str, ...] = ()
    """The fields of an identity, which are sealed together."""


VAULT = "vault"

UNTIL_NO_CASE = Rule(
    "P6",
    "while a case that is kept concerns the subject; then erased, its key destroyed",
    "watchlist.domain.case.Case.data_end_at",
)
WITH_CASE = Rule(
    "C2",
    "five years from the closing of the case, or until its procedures and their limitation have ended; "
    "an alert six months (C1)",
    "watchlist.domain.retention.case_data_end_at",
)
ALERT = Rule(
    "C1",
    "six months for an alert that is not qualified; not relevant: at once; qualified: with the case (C2)",
    "watchlist.domain.retention.alert_ends_at",
)
WHILE_LISTED = Rule(
    "L1",
    "60 months at most from the inscription, unless a judicial procedure naming the subject is then ongoing",
    "watchlist.domain.retention.entry_ends_at",
)
SKELETON = Rule(
    "C5", "a skeleton of codes, dates and random ids stays: it leads to nobody once the key is gone"
)
WITH_IMPORT = Rule("L7", "with the import, as long as a case of it is kept")
ACCOUNTABLE = Rule("T2", "rights end at once on leaving; the name as long as an event names the random id")
ONE_DAY = Rule("T4", "24 hours: to give a repeated command the same answer")

ACCESS_LOG = Rule(
    "T1",
    "12 months, or 6 to 36 as it is set; by whole months",
    "watchlist.domain.retention.accesses_kept_since",
)
TOLD_OF_CHANGES = Rule(
    "P6",
    "12 months, or 6 to 36, as long as the access log; by whole months",
    "watchlist.domain.retention.accesses_kept_since",
)
USE = Rule("S6", "28 days, as long as a habit is told from it")
DISCLOSED = Rule("S8", "who was told and when stays as random ids, which lead to nobody once the key is gone")
WEBHOOK_MADE = Rule("T2", "until the webhook is removed")
WITH_ENTRY = Rule("S8", "until the entry's case or its subject is erased: the text then goes, its key or not")
ANSWERED_HIT = Rule("S8", "until the entry's case or its subject is erased")

IDENTITY_PARTS = tuple(sorted({field.name for kind in (Person, Organisation) for field in fields(kind)}))


def _sealed(
    key: Key, persons: Persons, kept: Rule, recipients: Recipients, **what: tuple[Purpose, Basis, str]
) -> Iterator[Held]:
    for name, (purpose, basis, text) in what.items():
        field = VaultField(name)
        parts = IDENTITY_PARTS if field is V.IDENTITY else ()
        yield Held(field.value, text, VAULT, key, purpose, basis, persons, kept, recipients, parts)


_INVESTIGATED = Purpose.INVESTIGATE, Basis.OFFENCES
_LISTED = Purpose.LIST, Basis.OFFENCES
_RIGHTS = Purpose.RIGHTS, Basis.OBLIGATION

RECORD: tuple[Held, ...] = (
    *_sealed(
        Key.SUBJECT,
        Persons.SUBJECTS,
        UNTIL_NO_CASE,
        Recipients.OWNER,
        identity=(Purpose.LIST, Basis.LEGITIMATE_INTEREST, "who the subject is, every version of it"),
        reason=(
            *_RIGHTS,
            "why it was rectified, merged or split, or a text of it or of its requests redacted",
        ),
        died_on=(*_RIGHTS, "the day of death"),
        request_details=(*_RIGHTS, "what the person wrote when exercising a right"),
        directives=(*_RIGHTS, "directives for after death"),
        request_extension=(*_RIGHTS, "why the answer to a request takes longer"),
        request_decision=(*_RIGHTS, "why a request was granted or refused"),
        request_deferral=(*_RIGHTS, "which part of the file is given later, and why"),
        request_answer=(*_RIGHTS, "what was answered to a request"),
        request_lifting=(*_RIGHTS, "why a requested restriction was lifted"),
        letter=(*_RIGHTS, "what a letter said when it was sent"),
        letter_document=(*_RIGHTS, "digest of that letter as it was printed"),
        letter_key=(*_RIGHTS, "key to what a letter told of cases"),
        disclosure=(
            *_RIGHTS,
            "what was told of the subject by hand, on which legal basis, and to whom by name",
        ),
        detail_refusal=(*_RIGHTS, "why a question about an entry was not answered"),
    ),
    *_sealed(
        Key.SUBJECT,
        Persons.NAMED,
        WITH_ENTRY,
        Recipients.REVIEWER,
        review_note=(*_RIGHTS, "what a person noted when they reviewed a hit"),
    ),
    *_sealed(
        Key.SUBJECT,
        Persons.NAMED,
        WITH_ENTRY,
        Recipients.ASKER_AND_OWNER,
        detail_question=(*_LISTED, "what was asked about an entry by whoever was told of a hit"),
    ),
    *_sealed(
        Key.SUBJECT,
        Persons.NAMED,
        UNTIL_NO_CASE,
        Recipients.ASKER_AND_OWNER,
        detail_answer=(*_LISTED, "what the organisation that owns the entry told them"),
    ),
    *_sealed(
        Key.CASE,
        Persons.NAMED,
        ALERT,
        Recipients.OWNER,
        summary=(*_INVESTIGATED, "what the alert says"),
        amount_at_stake=(*_INVESTIGATED, "the amount at stake"),
        qualification=(*_INVESTIGATED, "why the alert was found relevant"),
    ),
    *_sealed(
        Key.CASE,
        Persons.NAMED,
        WITH_CASE,
        Recipients.OWNER,
        case_reference=(*_INVESTIGATED, "the reference the case had in the list it was imported from"),
        note=(*_INVESTIGATED, "notes of the investigation"),
        evidence=(*_INVESTIGATED, "description of a piece of evidence; the document stays outside"),
        sha256=(*_INVESTIGATED, "digest of that document"),
        line=(*_LISTED, "file and line an imported entry comes from"),
        proportionality=(
            *_LISTED,
            "assessment of proportionality: gravity, evidence, harm, alternatives, term",
        ),
        rejection=(*_LISTED, "why a proposal was rejected"),
        notice_deferral=(*_RIGHTS, "why the information letter was deferred"),
        restriction=(*_RIGHTS, "why the entry was restricted"),
        lifting=(*_RIGHTS, "why the restriction was lifted"),
        delisting=(*_RIGHTS, "why the entry was delisted"),
        redaction=(*_RIGHTS, "why a text was redacted"),
        letter_deferral=(*_RIGHTS, "why a letter was deferred"),
        letter_case=(*_RIGHTS, "what a letter told of the case; readable with the subject's key too"),
        hold_review=(*_RIGHTS, "why an entry held past its term stays held"),
    ),
    *_sealed(
        Key.CASE,
        Persons.NAMED,
        WITH_CASE,
        Recipients.OWNER_AND_COURTS,
        court=(*_INVESTIGATED, "court of a judicial procedure"),
        reference=(*_INVESTIGATED, "reference of a judicial procedure"),
        limitation_basis=(*_INVESTIGATED, "legal basis of the limitation that keeps the case"),
    ),
    *_sealed(
        Key.CASE,
        Persons.VICTIMS,
        WITH_CASE,
        Recipients.OWNER,
        stolen=(Purpose.RIGHTS, Basis.LEGITIMATE_INTEREST, "identifiers that were stolen"),
        victim_reason=(Purpose.RIGHTS, Basis.LEGITIMATE_INTEREST, "why the subject is taken for a victim"),
    ),
    *_sealed(
        Key.IMPORT,
        Persons.NAMED,
        WITH_IMPORT,
        Recipients.OWNER,
        file=(*_LISTED, "name of the imported file"),
    ),
    Held(
        "digest, given",
        "look-ups of the registry: identifiers, names with the birth date, given names",
        "subject_tokens",
        Key.LOOKUP,
        Purpose.INVESTIGATE,
        Basis.LEGITIMATE_INTEREST,
        Persons.SUBJECTS,
        UNTIL_NO_CASE,
        Recipients.NOBODY,
    ),
    Held(
        "digest, given",
        "look-ups of screenings: of the entries that are answered now, and only those",
        "answerable",
        Key.LOOKUP,
        *_LISTED,
        Persons.SUBJECTS,
        WHILE_LISTED,
        Recipients.SCREENING,
    ),
    Held(
        "digest",
        "identifiers recorded as stolen, which are no key to that case's entries",
        "stolen_tokens",
        Key.LOOKUP,
        Purpose.RIGHTS,
        Basis.LEGITIMATE_INTEREST,
        Persons.VICTIMS,
        WITH_CASE,
        Recipients.NOBODY,
    ),
    Held(
        "fingerprint",
        "lines that were imported, so that none is imported twice",
        "imported_lines",
        Key.LOOKUP,
        *_LISTED,
        Persons.SUBJECTS,
        WITH_IMPORT,
        Recipients.NOBODY,
    ),
    Held(
        "digest",
        "references of imported cases, so that lines of one case meet",
        "case_references",
        Key.LOOKUP,
        *_LISTED,
        Persons.SUBJECTS,
        WITH_IMPORT,
        Recipients.NOBODY,
    ),
    Held(
        "state",
        "what was recorded and when: codes, dates, random ids, and commitments to what is in the vault",
        "events",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        SKELETON,
        Recipients.OWNER,
    ),
    Held(
        "kind, role, deceased",
        "picture of a subject",
        "subjects",
        Key.CLEAR,
        *_INVESTIGATED,
        Persons.SUBJECTS,
        UNTIL_NO_CASE,
        Recipients.OWNER,
    ),
    Held(
        "state, source, dates",
        "picture of a case",
        "cases",
        Key.CLEAR,
        *_INVESTIGATED,
        Persons.SUBJECTS,
        SKELETON,
        Recipients.OWNER,
    ),
    Held(
        "state, grounds, term, dates",
        "picture of an inscription",
        "inscriptions",
        Key.CLEAR,
        *_LISTED,
        Persons.SUBJECTS,
        WHILE_LISTED,
        Recipients.LISTED,
    ),
    Held(
        "kind, state, received_on, due_on",
        "picture of a person's request",
        "rights_requests",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        SKELETON,
        Recipients.OWNER,
    ),
    Held(
        "kind, deferred_to, sent_on, channel, template",
        "picture of a letter",
        "letters",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        SKELETON,
        Recipients.OWNER,
    ),
    Held(
        "term, dates, restricted",
        "the list as of any instant",
        "inscription_history",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        SKELETON,
        Recipients.LISTED,
    ),
    Held(
        "name",
        "who may act",
        "operators",
        Key.CLEAR_NAME,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        ACCOUNTABLE,
        Recipients.ADMINS,
    ),
    Held(
        "key_id, role, secret_sha256, issued_at, expires_at, revoked_at, scopes, sandbox, last_used_at",
        "API keys of an operator",
        "api_keys",
        Key.DIGEST,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        ACCOUNTABLE,
        Recipients.ADMINS,
    ),
    Held(
        "holder, roles, first_seen_at, last_used_at",
        "who comes with a token of an identity provider",
        "token_holders",
        Key.LOOKUP,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        ACCOUNTABLE,
        Recipients.NOBODY,
    ),
    Held(
        "at, reviewed_by",
        "reviews of habilitations, by random id",
        "habilitation_reviews",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        ACCOUNTABLE,
        Recipients.ADMINS,
    ),
    Held(
        "submitted_by, approved_by",
        "who brought an import and who approved it, by random id",
        "imports",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        SKELETON,
        Recipients.OWNER,
    ),
    Held(
        "answer, mac",
        "what a command answered (codes, dates, random ids) and a keyed digest of what it asked",
        "commands",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        ONE_DAY,
        Recipients.NOBODY,
    ),
    Held(
        "operator_id, organisation, hour, asked, hits, refused, fresh, looked, sequential",
        "how much each client screens by the hour, so that sweeping is noticed; never whom",
        "usage",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        USE,
        Recipients.NOBODY,
    ),
    Held(
        "operator_id, organisation, kind, day, hour, number, acknowledged_by",
        "alarms of unusual use of the screening",
        "alarms",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        ACCESS_LOG,
        Recipients.GUARDIANS,
    ),
    Held(
        "operator_id, organisation, role, operation, request_id, reference, purpose, at",
        "access log: who asked, when, by which operation, for which file",
        "accesses",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        ACCESS_LOG,
        Recipients.GUARDIANS,
    ),
    Held(
        "subject_ids",
        "access log: the random ids of the subjects hit or opened, never of whom was searched for in vain",
        "accesses",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        ACCESS_LOG,
        Recipients.GUARDIANS,
    ),
    Held(
        "at, kind, recipient, organisation, owner, subject_id, inscription_id, screening_id, purpose, told_on",
        "register of disclosures: which hit, or what else, was told to whom and when",
        "disclosures",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        DISCLOSED,
        Recipients.GUARDIANS,
    ),
    Held(
        "digests, given, question",
        "what was asked when an entry answered, so that whoever asked is told when it stops",
        "hits",
        Key.LOOKUP,
        *_RIGHTS,
        Persons.SUBJECTS,
        ANSWERED_HIT,
        Recipients.NOBODY,
    ),
    Held(
        "at, kind, screening_id, key",
        "that a hit stopped or resumed, by the asker's own reference",
        "changes",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        TOLD_OF_CHANGES,
        Recipients.ASKER,
    ),
    Held(
        "operator_id, at",
        "who acknowledged that, by random id",
        "change_acknowledgements",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        TOLD_OF_CHANGES,
        Recipients.GUARDIANS,
    ),
    Held(
        "made_by, made_at",
        "who had an organisation's changes sent somewhere, by random id",
        "webhooks",
        Key.CLEAR,
        Purpose.ACCESS,
        Basis.OBLIGATION,
        Persons.STAFF,
        WEBHOOK_MADE,
        Recipients.ASKER,
    ),
    Held(
        "operator_id, outcome, at",
        "what a person found when they reviewed a hit",
        "reviews",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        DISCLOSED,
        Recipients.GUARDIANS,
    ),
    Held(
        "key, subject_id",
        "which question of a screening was reviewed, by the asker's own reference",
        "reviewed_hits",
        Key.CLEAR,
        *_RIGHTS,
        Persons.SUBJECTS,
        ANSWERED_HIT,
        Recipients.REVIEWER,
    ),
    Held(
        "at, organisation, owner, subject_id, inscription_id, screening_id, state, answered_at",
        "that a question was asked about an entry, and whether it was answered",
        "detail_requests",
        Key.CLEAR,
        *_LISTED,
        Persons.SUBJECTS,
        DISCLOSED,
        Recipients.ASKER_AND_OWNER,
    ),
    Held(
        "key",
        "which question of a screening it was about, by the asker's own reference",
        "detail_requests",
        Key.CLEAR,
        *_LISTED,
        Persons.SUBJECTS,
        ANSWERED_HIT,
        Recipients.REVIEWER,
    ),
    Held(
        "question",
        "questions that were found to be about somebody else than the entry, so that they hit no more there",
        "homonyms",
        Key.LOOKUP,
        *_RIGHTS,
        Persons.SUBJECTS,
        ANSWERED_HIT,
        Recipients.NOBODY,
    ),
)

NOBODYS = frozenset(
    {
        "vault",
        "data_keys",
        "lookup_keys",
        "organisations",
        "erasures",
        "letters_to_paint",
        "job_runs",
        "lookup_generations",
        "rate_buckets",
        "change_sequences",
        "webhook_secrets",
        "webhook_deliveries",
        "webhook_attempts",
        "seal_tiles",
        "seal_leaves",
        "seal_digests",
        "seal_keys",
        "checkpoints",
        "cosignatures",
        "stamps",
        "witness_refusals",
    }
)
"""Tables that hold nothing of a person by themselves: the vault's rows are told field by field; keys are keys."""

HEADER = ("what", "name", "where", "under which key", "purpose", "legal basis", "whose", "kept", "recipients")


def table(record: tuple[Held, ...] = RECORD) -> str:
    """The record as a Markdown table, in its order."""
    lines = [HEADER, tuple("---" for _ in HEADER), *(_cells(held) for held in record)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(held: Held) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in (held.parts or held.name.split(", ")))
    kept = f"{held.kept.says} ({held.kept.mark})"
    if held.kept.computed_by:
        kept += f": `{held.kept.computed_by}`"
    told = f"`{held.name}`: {names}" if held.parts else names
    texts = held.purpose, held.basis, held.persons
    return (held.what, told, f"`{held.where}`", held.key, *texts, kept, held.recipients)
