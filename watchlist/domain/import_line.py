"""One line of an imported list: what it says, and whether it may be taken over (L7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from watchlist.domain import refusals
from watchlist.domain.identifiers import Identifier, listed_keys
from watchlist.domain.identity import Identity, Person, is_identified, normalised
from watchlist.domain.inscription import Ground, require_term
from watchlist.domain.procedure import Kind, require_past
from watchlist.domain.retention import Term
from watchlist.domain.subject import Role


class AlreadyImported(refusals.Conflict):
    """This line was imported before, from this file or another; it is not imported again (L7).

    fr: Cette ligne a déjà été importée, de ce fichier ou d'un autre ; elle ne l'est pas une seconde
    fois (L7).
    """


@dataclass(frozen=True, slots=True)
class LineProcedure:
    """A procedure that comes with a line: ongoing, since a list has no column for its end."""

    kind: Kind
    court: str
    reference: str
    opened_on: date


@dataclass(frozen=True, slots=True, repr=False)
class ImportLine:
    """What a line says; its repr shows nothing."""

    number: int
    """Where a person sees it in the file: the header is line 1."""
    role: Role
    identity: Identity
    case_reference: str
    grounds: tuple[Ground, ...]
    inscribed_on: date
    term_months: int
    procedure: LineProcedure | None = None

    def __repr__(self) -> str:
        return f"ImportLine({self.number}, sealed)"

    @property
    def identity_key(self) -> str:
        """The identity in the form in which two lines are one: the exact identifiers, else the name."""
        keys = sorted(f"{key.scheme}:{key.value}" for key in exact_keys(self.identity))
        return "|".join(keys) or name_key(self.identity)


def require_importable(line: ImportLine, at: datetime) -> None:
    """L7: nothing in the future, and no term that has elapsed unless a procedure of the line holds it."""
    if isinstance(line.identity, Person) and line.identity.birth_date is not None:
        require_past(line.identity.birth_date, at, "birth_date")
    require_past(line.inscribed_on, at, "inscribed_on")
    if line.procedure is not None:
        require_past(line.procedure.opened_on, at, "procedure_opened_on")
    if not is_identified(line.identity):
        raise refusals.SubjectNotIdentified()
    _require_not_elapsed(line, at)


def _require_not_elapsed(line: ImportLine, at: datetime) -> None:
    term = Term(line.inscribed_on, require_term(line.term_months))
    if at < term.elapses_at:
        return
    if line.procedure is None or line.procedure.opened_on > term.last_listed_day:
        raise refusals.TermElapsed("inscribed_on")


def exact_keys(identity: Identity) -> list[Identifier]:
    """The identifiers by which one subject is told from all others (S4: no member number)."""
    return [key for identifier in identity.identifiers for key in listed_keys(identifier)]


def name_key(identity: Identity) -> str:
    """A person's names and full birth date, as they are compared; empty without the full birth date."""
    if not isinstance(identity, Person) or identity.birth_date is None:
        return ""
    names = normalised(identity.family_name), normalised(identity.given_names)
    return "|".join((*names, identity.birth_date.isoformat()))
