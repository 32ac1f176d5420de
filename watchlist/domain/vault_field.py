"""VaultField: what a value in the vault is. Nothing is sealed under any other name.

A name is part of what every ciphertext is bound to: it never changes, and a new one needs its row in processing.py.
"""

from __future__ import annotations

from enum import StrEnum


class VaultField(StrEnum):
    # Of a subject, under the subject's key
    IDENTITY = "identity"
    REASON = "reason"
    DIED_ON = "died_on"
    REQUEST_DETAILS = "request_details"
    DIRECTIVES = "directives"
    REQUEST_EXTENSION = "request_extension"
    REQUEST_DECISION = "request_decision"
    REQUEST_DEFERRAL = "request_deferral"
    REQUEST_ANSWER = "request_answer"
    REQUEST_LIFTING = "request_lifting"
    LETTER = "letter"
    LETTER_DOCUMENT = "letter_document"
    DISCLOSURE = "disclosure"
    REVIEW_NOTE = "review_note"
    DETAIL_QUESTION = "detail_question"
    DETAIL_ANSWER = "detail_answer"
    DETAIL_REFUSAL = "detail_refusal"
    # Of a case, under the case's key
    SUMMARY = "summary"
    AMOUNT_AT_STAKE = "amount_at_stake"
    CASE_REFERENCE = "case_reference"
    QUALIFICATION = "qualification"
    NOTE = "note"
    EVIDENCE = "evidence"
    SHA256 = "sha256"
    STOLEN = "stolen"
    VICTIM_REASON = "victim_reason"
    COURT = "court"
    REFERENCE = "reference"
    LIMITATION_BASIS = "limitation_basis"
    LINE = "line"
    PROPORTIONALITY = "proportionality"
    REJECTION = "rejection"
    NOTICE_DEFERRAL = "notice_deferral"
    RESTRICTION = "restriction"
    LIFTING = "lifting"
    DELISTING = "delisting"
    REDACTION = "redaction"
    LETTER_DEFERRAL = "letter_deferral"
    HOLD_REVIEW = "hold_review"
    # Of an import, under the import's key
    FILE = "file"
