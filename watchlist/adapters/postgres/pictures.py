"""The pictures, read: what verbs ask before they decide, and what people look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from watchlist.adapters.postgres.connections import Connection, borrowed
from watchlist.adapters.postgres.easel_schema import look_ups_beside
from watchlist.adapters.postgres.migrate import migrations
from watchlist.adapters.postgres.queries import queries
from watchlist.adapters.postgres.standings import Standings
from watchlist.domain.schedule import DeadlineKind
from watchlist.domain.standing import Moment
from watchlist.domain.tokens import Token
from watchlist.ports.registry import FIRST as FIRST
from watchlist.ports.registry import CertificateRow
from watchlist.tracing import span

SQL = queries("pictures.sql")
Due = tuple[datetime, UUID, str]
"""A deadline's place among them: instant, id of what is due, kind."""
FIRST_DUE: Due = (datetime.min.replace(tzinfo=UTC), FIRST, "")


def _for_each_kind(name: str) -> bytes:
    """That query on the view of every kind of deadline, united."""
    return b" UNION ALL ".join(_of_a_kind(name, kind) for kind in DeadlineKind)


def _of_a_kind(name: str, kind: DeadlineKind) -> bytes:
    return SQL[name].replace(b"{view}", b"due_%b" % kind.encode()).replace(b"{kind}", b"'%b'" % kind.encode())


DEADLINES = SQL["deadlines"].replace(b"{kinds}", _for_each_kind("deadlines_of_a_kind"))
DEADLINES_COUNTED = _for_each_kind("deadlines_counted_of_a_kind")
FALLING_DUE = {kind: _of_a_kind("falling_due", kind) for kind in DeadlineKind}


class Pictures:
    """Keeps the port Registry, and answers the reading routes."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def rows(self, name: str, params: Any = None) -> list[DictRow]:
        with span(name), borrowed(self._pool) as conn:
            return conn.execute(SQL[name], params, prepare=True).fetchall()

    def stream(self, name: str, params: Any, size: int = 1000) -> Iterator[DictRow]:
        """Rows as they come, in bounded memory."""
        with borrowed(self._pool) as conn, conn.transaction(), conn.cursor(name) as cursor:
            cursor.itersize = size
            yield from cursor.execute(SQL[name], params)

    # The port ---------------------------------------------------------------------------------

    def case_of(self, inscription_id: UUID) -> UUID | None:
        found = self.rows("case_of", (inscription_id,))
        return found[0]["case_id"] if found else None

    def case_of_letter(self, letter_id: UUID) -> UUID | None:
        found = self.rows("case_of_letter", (letter_id,))
        return found[0]["case_id"] if found else None

    def hit_told_at(self, letter_id: UUID) -> datetime | None:
        found = self.rows("hit_told_at", (letter_id,))
        return found[0]["hit_told_at"] if found else None

    def subject_with(self, organisation: str, digests: Sequence[bytes]) -> UUID | None:
        found = self.rows("subject_with", (list(digests), organisation))
        return found[0]["subject_id"] if found else None

    def has_open_entry(self, subject_id: UUID) -> bool:
        return bool(self.rows("open_entry", (subject_id,)))

    def cases_about(self, subject_id: UUID) -> list[UUID]:
        return [row["id"] for row in self.rows("cases_about", {"subject_id": subject_id})]

    def cases_ever_about(self, subject_ids: Sequence[UUID]) -> list[UUID]:
        return [row["id"] for row in self.rows("cases_ever_about", {"subjects": list(subject_ids)})]

    def has_open_request(self, subject_ids: Iterable[UUID]) -> bool:
        return bool(self.rows("open_request", (list(subject_ids),)))

    def requests_of(self, subject_ids: Sequence[UUID]) -> list[UUID]:
        return self._ids("requests_of", list(subject_ids))

    def due_entries(self, at: datetime, limit: int) -> list[UUID]:
        return list(dict.fromkeys(self._ids("due_entries", at, limit)))

    def due_alerts(self, at: datetime, limit: int) -> list[UUID]:
        return self._ids("due_alerts", at, limit)

    def due_cases(self, at: datetime, limit: int) -> list[UUID]:
        return self._ids("due_cases", at, limit)

    def falling_due(self, kind: DeadlineKind, until: datetime) -> list[tuple[UUID, str]]:
        found = self._composed(FALLING_DUE[kind], {"until": until})
        return [(row["id"], row["organisation"]) for row in found]

    def due_requested_erasures(self, limit: int) -> list[UUID]:
        return self._ids("due_requested_erasures", limit)

    def due_subjects(self, at: datetime, limit: int) -> list[UUID]:
        return self._ids("due_subjects", at, limit)

    def subjects_left_by(self, case_ids: Sequence[UUID], at: datetime) -> int:
        counted: int = self.rows("subjects_left_by", {"cases": list(case_ids), "at": at})[0]["n"]
        return counted

    def erasing_subjects(self, limit: int) -> list[UUID]:
        return self._ids("erasing_subjects", limit)

    def due_imports(self, limit: int) -> list[UUID]:
        return self._ids("due_imports", limit)

    def naming(self, subject_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, datetime | None]]:
        found = self.rows("naming", (list(subject_ids),))
        return [(row["subject_id"], row["case_id"], row["purged_at"]) for row in found]

    def forgotten(self, owners: Sequence[UUID]) -> set[UUID]:
        return set(self._ids("forgotten", list(owners)))

    def last_journalled(self) -> tuple[int, str] | None:
        found = self.rows("last_journalled")
        return (found[0]["journal_sequence"], found[0]["journal_digest"]) if found else None

    def unfinished_erasures(self, decided_before: datetime) -> int:
        counted: int = self.rows("unfinished_erasures", (decided_before,))[0]["n"]
        return counted

    def certificates(
        self, organisation: str | None, after: UUID = FIRST, limit: int = 100
    ) -> list[CertificateRow]:
        page = {"organisation": organisation, "after": after, "limit": limit}
        return [CertificateRow(**row) for row in self.rows("certificates", page)]

    def erasures_standing(self, destroyed_before: datetime) -> tuple[int, int, datetime | None]:
        row = self.rows("erasures_standing", {"before": destroyed_before})[0]
        return row["complete"], row["awaiting"], row["last"]

    def look_ups_beside(self) -> bool:
        with borrowed(self._pool) as conn:
            return bool(look_ups_beside(conn))

    def certificate(self, owner: UUID) -> CertificateRow | None:
        found = self.rows("certificate", (owner,))
        return CertificateRow(**found[0]) if found else None

    def due_purges(self, limit: int) -> list[UUID]:
        return self._ids("due_purges", limit)

    def imported(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        return {bytes(row["digest"]) for row in self.rows("imported", (list(fingerprints),))}

    def case_referenced(self, digests: Sequence[bytes]) -> dict[bytes, UUID]:
        return {bytes(r["digest"]): r["case_id"] for r in self.rows("case_referenced", (list(digests),))}

    def proposed_by_import(self, import_id: UUID, limit: int) -> list[UUID]:
        return self._ids("proposed_by_import", import_id, limit)

    def unfinished_imports(self) -> list[tuple[UUID, str, UUID]]:
        rows = self.rows("unfinished_imports")
        return [(row["import_id"], row["organisation"], row["approved_by"]) for row in rows]

    def _ids(self, name: str, *params: Any) -> list[UUID]:
        return [row["id"] for row in self.rows(name, params)]

    # What people look at ----------------------------------------------------------------------

    def current_list(
        self, organisation: str | None, at: datetime, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """The list now, of one organisation or of all (None), by inscription id."""
        return self.rows(
            "current_list", {"organisation": organisation, "at": at, "after": after, "limit": limit}
        )

    def list_as_of(
        self, organisation: str | None, at: datetime, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """The list as it was recorded up to `at`, and stood at `at`; asked again, the same."""
        return Standings(self._pool).listed(organisation, Moment.as_we_knew_it(at), after, limit)

    def inscriptions(
        self, organisation: str | None, state: str | None, at: datetime, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """Inscriptions by id, whatever became of them; `state_now` is their state at `at`."""
        return self.rows(
            "inscriptions",
            {"organisation": organisation, "state": state, "at": at, "after": after, "limit": limit},
        )

    def letters(
        self, organisation: str, state: str | None, at: datetime, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """Letters by id; `state` is how they stand at `at`."""
        return self.rows(
            "letters",
            {"organisation": organisation, "state": state, "at": at, "after": after, "limit": limit},
        )

    def cases(
        self, organisation: str | None, state: str | None, after: UUID = FIRST, limit: int = 100
    ) -> list[DictRow]:
        """Cases by id."""
        return self.rows(
            "cases", {"organisation": organisation, "state": state, "after": after, "limit": limit}
        )

    def rights_requests(
        self,
        organisation: str,
        state: str | None = None,
        kind: str | None = None,
        due_before: date | None = None,
        after: UUID = FIRST,
        limit: int = 100,
    ) -> list[DictRow]:
        """Requests of persons by id; `due_before` leaves out what is due on that day or later."""
        page = {"organisation": organisation, "state": state, "kind": kind, "due_before": due_before}
        return self.rows("rights_requests", {**page, "after": after, "limit": limit})

    def imports(self, organisation: str | None, after: UUID = FIRST, limit: int = 100) -> list[DictRow]:
        """Imports by id."""
        return self.rows("imports", {"organisation": organisation, "after": after, "limit": limit})

    def import_(self, organisation: str | None, import_id: UUID) -> DictRow | None:
        found = self.rows("import", {"organisation": organisation, "id": import_id})
        return found[0] if found else None

    def subjects_found(
        self, organisation: str, digests: Sequence[bytes], limit: int
    ) -> list[tuple[UUID, list[Token]]]:
        """Who is known under which of these digests, by most of them first."""
        page = {"organisation": organisation, "digests": list(digests), "limit": limit}
        return [
            (row["subject_id"], [Token(*pair) for pair in zip(row["digests"], row["given"], strict=True)])
            for row in self.rows("subjects_found", page)
        ]

    def deadlines(
        self, organisation: str | None, until: datetime, after: Due = FIRST_DUE, limit: int = 100
    ) -> list[DictRow]:
        """What falls due until that instant, soonest first, from behind `after` on."""
        due_at, id, kind = after
        page = {"organisation": organisation, "until": until, "limit": limit}
        return self._composed(DEADLINES, page | {"due_at": due_at, "id": id, "kind": kind})

    def deadlines_counted(self, at: datetime) -> list[DictRow]:
        """By kind: what is overdue at that instant, and what a procedure holds past its day."""
        return self._composed(DEADLINES_COUNTED, {"at": at})

    def _composed(self, query: bytes, params: dict[str, Any]) -> list[DictRow]:
        with borrowed(self._pool) as conn:
            return conn.execute(query, params, prepare=True).fetchall()

    def events(self, after: int, until: int, limit: int = 1000) -> list[DictRow]:
        """The log as it is recorded, by position: after, and until inclusive."""
        return self.rows("events", {"after": after, "until": until, "limit": limit})

    def history_of(self, stream: UUID, after: int = 0, limit: int = 100) -> list[DictRow]:
        """The events of one stream, from behind a version on."""
        return self.rows("history_of", {"stream": stream, "after": after, "limit": limit})

    def late_migrations(self) -> list[str]:
        """What this version knows and the database lacks."""
        applied = {row["name"] for row in self.rows("applied_migrations")}
        return [migration.name for migration in migrations() if migration.name not in applied]

    def position(self) -> int:
        """The position of the last event, 0 when there is none."""
        position: int = self.rows("position")[0]["position"]
        return position
