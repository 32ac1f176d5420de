"""Seeds listed entries: decided by the domain, painted by the pictures' own row functions, copied in bulk.

What the verbs would leave, several times faster: each event has an instant of its own, as if every one had been
a command, and `watchlist replay --check` finds no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from msgspec import structs
from psycopg import sql

from bench import population
from watchlist.adapters.postgres import painter
from watchlist.adapters.postgres.connections import service_conninfo
from watchlist.application.follow_procedure import OpenedProcedure, sealed_procedure
from watchlist.application.register_subject import begin_subject
from watchlist.application.work import Ask, Work
from watchlist.bootstrap import House
from watchlist.domain import periods
from watchlist.domain.aggregate import Act, Event
from watchlist.domain.case import Case, Ending, Proposal
from watchlist.domain.case_events import Source
from watchlist.domain.case_memory import Alert
from watchlist.domain.inscription import Ground
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.subject import Role, Subject
from watchlist.domain.vault_field import VaultField
from watchlist.projections import rows
from watchlist.projections.replay import HistoryRow

CHUNK = 2_500
ORGANISATIONS = 10
SPAN = timedelta(days=4 * 365)
"""The entries were inscribed in the last four years, for five: all listed today, and none six years later."""
ANNE, BRUNO = UUID(int=0xA), UUID(int=0xB)
ASSESSMENT = msgspec.json.encode(
    {
        "gravity": "repeated",
        "evidence": "claims compared",
        "harm": "12,000",
        "alternatives": "none",
        "term_reason": "-",
    }
)

Row = tuple[Any, ...]


def organisation_of(number: int) -> str:
    return f"MUTUELLE{number % ORGANISATIONS}"


COLUMNS = {
    "events": ("originator_id", "originator_version", "topic", "state", "recorded_at"),
    "vault": ("ref", "owner", "field", "ciphertext"),
    "subject_tokens": ("digest", "subject_id", "organisation", "given", "answers"),
    "subjects": rows.SubjectRow.__struct_fields__,
    "cases": rows.CaseRow.__struct_fields__,
    "inscriptions": rows.InscriptionRow.__struct_fields__,
    "letters": rows.LetterRow.__struct_fields__,
    "inscription_history": (*rows.Standing.__struct_fields__, "recorded_from", "recorded_until"),
}


@dataclass
class _Copied:
    """Rows by table, each in the order of its COLUMNS."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def into(self, conn: psycopg.Connection[Any]) -> None:
        for name, found in self.rows.items():
            columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[name]))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), columns)
            with conn.cursor().copy(statement) as copy:
                for row in found:
                    copy.write_row(row)


def seed(
    house: House, entries: int, progress: Callable[[int], None], span: timedelta = SPAN, beginning: int = 0
) -> None:
    """`entries` subjects, each in a case of its own, each listed; numbers of the population from `beginning` on."""
    began = datetime.now(UTC) - span - timedelta(days=1)
    with psycopg.connect(service_conninfo(house.conninfo)) as conn:
        for first in range(0, entries, CHUNK):
            numbers = range(first, min(first + CHUNK, entries))
            instants = [(beginning + number, began + span * (number / entries)) for number in numbers]
            _seed_chunk(house, conn, instants)
            conn.commit()
            progress(numbers.stop)


def _seed_chunk(
    house: House, conn: psycopg.Connection[Any], instants: Iterable[tuple[int, datetime]]
) -> None:
    copied, listed = _Copied(), []
    matters = [_Matter(house, number, at) for number, at in instants]
    keys = house.keyring.create([id for matter in matters for id in matter.owners])
    for matter in matters:
        matter.happen(keys)
        matter.copy_to(copied)
        listed.append(matter.inscription_id)
    copied.into(conn)
    conn.execute(painter.SQL["answer"], (listed,))


class _Matter:
    """One subject and its case, from registration to inscription; each fifth with a procedure that has ended."""

    def __init__(self, house: House, number: int, at: datetime) -> None:
        self._house = house
        self._number = number
        self._at = at
        self.inscription_id = uuid4()
        self.owners = uuid4(), uuid4()
        self._events: list[Event] = []

    def happen(self, keys: dict[UUID, bytes]) -> None:
        self._work = work = Work(self._act(ANNE), Ask(ANNE, ""), self._house.keyring, self._house.desk.cipher)
        subject_id, case_id = self.owners
        work.keys = {id: keys[id] for id in self.owners}
        subject = begin_subject(
            self._house.desk, work, subject_id, Role.HEALTH_PROFESSIONAL, population.person(self._number)
        )
        self._keep(subject)
        summary = work.seal(case_id, VaultField.SUMMARY, "Claims doubled within a quarter.")
        alert = Alert(periods.civil_date(self._at), Source.CONTROL, summary, None)
        case = Case.raise_alert(self._act(ANNE), case_id, alert, [subject_id])
        self._keep(case)
        case.qualify(
            self._act(ANNE), work.seal(case_id, VaultField.QUALIFICATION, "Confirmed by the care recipients.")
        )
        self._keep(case)
        proposal = Proposal(
            (Ground.OVERBILLING,), 60, work.seal(case_id, VaultField.PROPORTIONALITY, ASSESSMENT)
        )
        case.propose(self._act(ANNE), self.inscription_id, subject_id, subject, proposal)
        self._keep(case)
        case.approve(self._act(BRUNO), self.inscription_id, subject)
        self._keep(case)
        self._history = [self._standing(case)]
        if self._number % 5 == 0:
            self._go_to_court(case)
        self._subject, self._case = subject, case

    def _go_to_court(self, case: Case) -> None:
        day, procedure_id = periods.civil_date(self._at), uuid4()
        opened = OpenedProcedure(Kind.CRIMINAL_COMPLAINT, "TJ Paris", "24/0001", day, tuple(case.subject_ids))
        case.open_procedure(self._act(ANNE), procedure_id, sealed_procedure(self._work, case.id, opened))
        self._keep(case)
        self._history.append(self._standing(case))
        basis = self._work.seal(case.id, VaultField.LIMITATION_BASIS, "art. 8 CPP")
        case.end_procedure(self._act(ANNE), procedure_id, Ending(Outcome.SETTLED, day, basis, day))
        self._keep(case)
        self._history.append(self._standing(case))

    def _act(self, by: UUID) -> Act:
        """A second after the one before."""
        self._at += timedelta(seconds=1)
        return Act(self._at, by, organisation_of(self._number))

    def _keep(self, aggregate: Subject | Case) -> None:
        self._events += aggregate.collect_events()

    def _standing(self, case: Case) -> HistoryRow:
        standing = rows.standing(case, case.inscription(self.inscription_id))
        assert standing is not None
        return HistoryRow(standing, self._at)

    def copy_to(self, copied: _Copied) -> None:
        codec, into = self._house.register.codec, copied.rows
        for event in self._events:
            stored = codec.to_stored_event(event)
            into["events"].append(
                (stored.originator_id, stored.originator_version, stored.topic, stored.state, event.at)
            )
        into["vault"] += [structs.astuple(row) for row in self._work.sealed]
        for owner in self._work.subject_tokens:
            into["subject_tokens"] += [
                (token.digest, owner.subject_id, owner.organisation, token.given, token.answers)
                for token in owner.tokens
            ]
        inscription = self._case.inscription(self.inscription_id)
        retained = structs.replace(rows.subject_row(self._subject), data_end_at=None)
        into["subjects"].append(structs.astuple(retained))
        into["cases"].append(structs.astuple(rows.case_row(self._case)))
        into["inscriptions"].append(structs.astuple(rows.inscription_row(self._case, inscription)))
        into["letters"] += [structs.astuple(row) for row in rows.letter_rows(self._case, inscription)]
        for earlier, later in pairwise(self._history):
            earlier.recorded_until = later.recorded_from
        into["inscription_history"] += [
            (*structs.astuple(row.standing), row.recorded_from, row.recorded_until) for row in self._history
        ]
