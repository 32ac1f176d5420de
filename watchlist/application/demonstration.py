"""Load a demonstration: six years of fictitious matters, told through the verbs with a clock that is moved.

Nobody here exists: family names end in -Exemple, -Fictif, -Modèle or -Essai, and numbers come from ranges that
look reserved (RPPS in 1099, FINESS and ADELI of a department 99, SIREN in 999). The same seed tells the same
matters; only the random ids differ.
"""

from __future__ import annotations

import csv
import hashlib
import heapq
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from stdnum import luhn

from watchlist.application.delist import delist, restrict
from watchlist.application.demonstration_team import VISITS, Team, work_off
from watchlist.application.desk import Desk
from watchlist.application.exercise_rights import (
    DeferredPart,
    Received,
    answer_request,
    decide_request,
    extend_request,
    receive_request,
)
from watchlist.application.follow_procedure import (
    EndedProcedure,
    OpenedProcedure,
    end_procedure,
    open_procedure,
)
from watchlist.application.import_file import COLUMNS
from watchlist.application.import_list import approve_import, submit_import
from watchlist.application.inscribe import Deferral, Proposed, approve, propose, reject, withdraw
from watchlist.application.letters import Writing
from watchlist.application.merge_subjects import merge_subjects
from watchlist.application.open_case import RaisedAlert, close_case, qualify_alert, raise_alert
from watchlist.application.register_subject import record_death, register_subject
from watchlist.application.sweep import sweep
from watchlist.application.work_on_case import add_evidence, add_note, record_victim
from watchlist.domain import periods
from watchlist.domain.access import Part
from watchlist.domain.case_events import ClosingOutcome, Source
from watchlist.domain.correspondence import LetterKind, letter_id
from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Identity, Organisation, Person
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.procedure import Kind, Outcome
from watchlist.domain.rights_request import Right
from watchlist.domain.subject import Role

SEVEANE = "SEVEANE"
MUTUELLE = "DEMO-MUTUELLE"
MONTHS = 72
SEED = 20240229
NOBODY = UUID(int=0)

Progress = Callable[[int, int], None]
Story = Iterator[datetime]
"""Yields the instant at which it goes on."""

FAMILIES = (
    "Aubry", "Besson", "Charpentier", "D'Aubigny", "de La Tour", "Delmas", "Évrard", "Faucher", "Garnier",
    "Hélier", "Imbert", "Jacquet", "Kermadec", "Lefèvre", "Le Goff", "Marchand", "Nivelle", "Œuvrard",
    "Pichon", "Quentin", "Roussel", "Saint-Clair", "Tessier", "Urbain", "Vasseur", "Wagner", "Yvon",
)  # fmt: skip
SUFFIXES = ("Exemple", "Fictif", "Modèle", "Essai")
GIVEN = (
    "Adèle", "Bastien", "Camille", "Denis", "Élodie", "Félix", "Gaëlle", "Hugo", "Inès", "Jean-Marc",
    "Karine", "Léo", "Maëlys", "Noël", "Odile", "Paul", "Quitterie", "Rémi", "Sophie", "Thaïs", "Yann", "Zoé",
)  # fmt: skip
PLACES = ("Lyon", "Nantes", "Ajaccio", "Lille", "Fort-de-France", "Strasbourg", "Pau", "Rennes")
COURTS = ("Tribunal judiciaire de Lyon", "Tribunal judiciaire de Nantes", "Tribunal judiciaire de Lille")
FIRMS = ("Optique", "Centre dentaire", "Audition", "Pharmacie", "Ambulances", "Orthopédie")
SUMMARIES = (
    "Actes facturés un jour de fermeture du cabinet (dossier fictif).",
    "Même facture présentée à deux organismes (dossier fictif).",
    "Montures facturées sans ordonnance correspondante (dossier fictif).",
    "Ordonnance dont la date semble modifiée (dossier fictif).",
)
ASSESSMENT = {
    "gravity": "Faits présumés répétés sur plusieurs mois.",
    "evidence": "Factures, ordonnances et réponses aux demandes de justificatifs concordantes.",
    "harm": "Préjudice estimé au-delà du seuil fixé par la procédure interne.",
    "alternatives": "Rappel des règles et récupération amiable tentés sans effet.",
    "term_reason": "Durée proportionnée à la gravité et à la répétition des faits présumés.",
}
GROUNDS_OF_PERSONS = tuple(ground for ground in DelistingGround if ground is not DelistingGround.TERM_ELAPSED)


@dataclass(slots=True)
class Demonstration:
    """What was loaded, and what is worth looking at first (ids and numbers of nobody)."""

    subjects: int = 0
    cases: int = 0
    entries: int = 0
    listed_rpps: str = ""
    """Hits now, in both organisations."""
    unlisted_rpps: str = ""
    """A subject whose entry was delisted: no hit."""
    restricted_rpps: str = ""
    victim_rpps: str = ""
    """Stolen: recorded in a case, never a hit."""
    listed_person: dict[str, str] = field(default_factory=dict)
    """Without any number: hits by family name, given names and full birth date."""
    held_entry: UUID | None = None
    """Past its term, held by a procedure that is ongoing."""
    ended_entry: UUID | None = None
    """Ended last midnight, by itself; answered no more from then on, and recorded by the sweep."""
    due_entry: UUID | None = None
    """Its term elapses within days."""
    proposed_entry: UUID | None = None
    """Waits for a supervisor."""
    open_alert: UUID | None = None
    expiring_alert: UUID | None = None
    waiting_import: UUID | None = None
    """Waits for a second person."""
    due_letter: UUID | None = None
    """To a person who was listed lately: to be sent, or deferred, within the month."""
    open_request: UUID | None = None
    """A person objects to being listed: the entry answers no hit until the request was answered."""


@dataclass(slots=True)
class Matter:
    """One case about one subject, and its entry."""

    team: Team
    identity: Identity
    subject_id: UUID = NOBODY
    case_id: UUID = NOBODY
    entry_id: UUID = NOBODY


def load_demonstration(
    desk: Desk,
    writing: Writing,
    move_to: Callable[[datetime], None],
    operators: Mapping[str, UUID],
    now: datetime,
    progress: Progress | None = None,
) -> Demonstration:
    """Tell everything up to `now`; `move_to` moves the desk's clock, which ends at `now`.

    `operators` has `investigator`, `supervisor` and `dpo` for SEVEANE and, after a `DEMO-MUTUELLE/`, those of the
    other organisation; for a role that is missing, a random id acts. The database is empty before. At `now` things
    are due and nothing is late, with a press or without one.
    """
    teller = _Teller(desk, writing, move_to, operators, now)
    return teller.tell(progress or (lambda done, total: None))


class _Cast:
    """Invents persons, organisations and their numbers, each once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._made = 0

    def _number(self, prefix: str, digits: int) -> str:
        self._made += 1
        body = f"{prefix}{self._made:0{digits}d}"
        return body + luhn.calc_check_digit(body)

    def rpps(self) -> Identifier:
        return Identifier("rpps", self._number("1099", 6))

    def finess(self) -> Identifier:
        return Identifier("finess", self._number("99", 6))

    def siren(self) -> Identifier:
        return Identifier("siren", self._number("999", 5))

    def siret(self, siren: Identifier) -> Identifier:
        body = f"{siren.value}0001"
        return Identifier("siret", body + luhn.calc_check_digit(body))

    def person(self, *identifiers: Identifier) -> Person:
        family = f"{self._random.choice(FAMILIES)}-{self._random.choice(SUFFIXES)}"
        born = date(1950, 1, 1) + timedelta(days=self._random.randrange(18_000))
        return Person(
            family, self._random.choice(GIVEN), born, None, self._random.choice(PLACES), identifiers
        )

    def professional(self) -> Person:
        return self.person(self.rpps())

    def firm(self) -> Organisation:
        siren = self.siren()
        name = f"{self._random.choice(FIRMS)} {self._random.choice(SUFFIXES)} {self._random.choice(PLACES)}"
        return Organisation(name, (siren, self.siret(siren), self.finess()))

    def anyone(self) -> Identity:
        drawn = self._random.random()
        if drawn < 0.65:
            return self.professional()
        return self.firm() if drawn < 0.85 else self.person()


class _Teller:
    def __init__(
        self,
        desk: Desk,
        writing: Writing,
        move_to: Callable[[datetime], None],
        operators: Mapping[str, UUID],
        now: datetime,
    ) -> None:
        self.desk, self.writing, self.move_to, self.now = desk, writing, move_to, now
        self.today = periods.civil_date(now)
        self.random = Random(SEED)  # noqa: S311  (a demonstration is meant to be foreseen)
        self.cast = _Cast(self.random)
        self.seveane = _team(SEVEANE, operators, "")
        self.mutuelle = _team(MUTUELLE, operators, f"{MUTUELLE}/")
        self.teams = {team.organisation: team for team in (self.seveane, self.mutuelle)}
        self.shown = Demonstration()

    def tell(self, progress: Progress) -> Demonstration:
        """All stories at once, in the order of time: the log has no other."""
        stories = list(self._stories())
        waiting = [(self._begun(story), place, story) for place, story in enumerate(stories)]
        heapq.heapify(waiting)
        clock, done = waiting[0][0], 0
        while waiting:
            when, place, story = heapq.heappop(waiting)
            clock = max(clock, min(when, self.now))
            self.move_to(clock)
            following = next(story, None)
            if following is None:
                done += 1
                progress(done, len(stories))
            else:
                heapq.heappush(waiting, (following, place, story))
        self.move_to(self.now)
        sweep(self.desk)
        work_off(self.desk, self.writing, self.teams)
        return self.shown

    @staticmethod
    def _begun(story: Story) -> datetime:
        return next(story)

    # When -------------------------------------------------------------------------------------

    def day(self, months: int, days: int = 0) -> date:
        """So many months and days before today."""
        return periods.months_after(self.today, -months) - timedelta(days=days)

    def at(self, day: date) -> datetime:
        """In office hours, and never later than now."""
        minutes = self.random.randrange(9 * 60, 18 * 60)
        return min(periods.start_of_day(day) + timedelta(minutes=minutes), self.now)

    # What happens -----------------------------------------------------------------------------

    def _stories(self) -> Iterator[Story]:
        yield self._sweeps()
        yield self._visits()
        yield from self._ordinary()
        yield from self._remarkable()
        yield from self._ended()
        yield from self._held()
        yield from self._not_listed()
        yield from self._alerts()
        yield from self._persons()
        yield from self._requests()
        yield from self._imports()

    def _ordinary(self) -> Iterator[Story]:
        """Entries that are on the list today, of every age and term."""
        for place in range(110):
            team = self.mutuelle if place % 4 == 3 else self.seveane
            months = self.random.randrange(1, 58)
            terms = [term for term in (60, 60, 60, 36, 24) if term > months + 1]
            on = self.day(months, self.random.randrange(28))
            closing = self.random.random() < 0.5
            yield self._listed(self._matter(team), on, self.random.choice(terms), closing=closing)

    def _remarkable(self) -> Iterator[Story]:
        both = self.cast.professional()
        self.shown.listed_rpps = _rpps(both)
        for team in (self.seveane, self.mutuelle):
            yield self._listed(Matter(team, both), self.day(20), 60)
        person = self.cast.person()
        yield self._listed(Matter(self.seveane, person), self.day(9), 24)
        self.shown.listed_person = {
            "family_name": person.family_name,
            "given_names": person.given_names,
            "birth_date": person.birth_date.isoformat() if person.birth_date else "",
        }
        for days in (2, 4, 9, 25):
            yield self._due_soon(days)
        for days in (1, 5, 11):
            yield self._told_soon(days)
        yield self._deferred()

    def _ended(self) -> Iterator[Story]:
        for place in range(24):
            team = self.mutuelle if place % 3 == 2 else self.seveane
            term = self.random.choice((60, 36, 24, 12))
            yield self._listed(self._matter(team), self.day(self.random.randrange(term + 1, 71)), term)
        for place, ground in enumerate(GROUNDS_OF_PERSONS * 2):
            team = self.mutuelle if place % 4 == 3 else self.seveane
            yield self._delisted(self._matter(team), self.day(self.random.randrange(8, 55)), ground)
        yield self._ended_last_midnight()

    def _held(self) -> Iterator[Story]:
        for place in range(5):
            yield self._held_past_term(self.day(62 + 2 * place), ends_on=None)
        yield self._held_past_term(self.day(68), ends_on=self.day(2))
        yield self._held_past_term(self.day(64), ends_on=None, restricted=True)
        for months in (5, 17, 33):
            yield self._with_procedure(self.day(months))

    def _not_listed(self) -> Iterator[Story]:
        for days in (1, 3, 6, 12, 20):
            yield self._proposed(self._matter(self.seveane), self.day(0, days), self._wait)
        yield self._proposed(self._matter(self.mutuelle), self.day(0, 4), self._wait)
        for months in (3, 14, 40):
            yield self._proposed(self._matter(self.seveane), self.day(months), self._rejected)
            yield self._proposed(self._matter(self.seveane), self.day(months + 1), self._withdrawn)
        for months in (4, 21, 38):
            yield self._restricted(self.day(months))
        for months in (1, 2, 4, 7, 10, 13, 19, 26):
            yield self._investigated(self.day(months), closes=False)
        for months in (6, 18, 30, 45, 59):
            yield self._investigated(self.day(months, 24), closes=True)

    def _alerts(self) -> Iterator[Story]:
        for days in (0, 1, 2, 5, 9, 17, 30, 44, 71, 110):
            yield self._alert(self.day(0, days))
        for days in (2, 6):
            yield self._alert(self.day(6) + timedelta(days=days), expiring=True)
        for months in (8, 23, 37):
            yield self._alert(self.day(months))
        for months in (1, 3, 9, 15, 22, 28, 35, 50):
            yield self._dismissed(self.day(months))

    def _persons(self) -> Iterator[Story]:
        yield self._merged(self.day(11))
        yield self._merged(self.day(27))
        yield self._victim(self.day(7))
        yield self._died(self.day(16))

    def _requests(self) -> Iterator[Story]:
        yield self._asks(Right.ACCESS, 9)
        yield self._asks(Right.OBJECTION, 4)
        yield self._asks(Right.RECTIFICATION, 38, self._extended)
        yield self._asks(Right.ACCESS, 75, self._given)
        yield self._asks(Right.ERASURE, 200, self._refused)

    def _imports(self) -> Iterator[Story]:
        yield self._imported(self.seveane, self.day(14), 60)
        yield self._imported(self.mutuelle, self.day(25), 25)
        yield self._import_waiting(self.seveane, self.day(0, 1), 8)

    # One matter -------------------------------------------------------------------------------

    def _matter(self, team: Team) -> Matter:
        return Matter(team, self.cast.anyone())

    def _opened(self, matter: Matter, raised_on: date) -> Story:
        """Up to an alert."""
        self._register(matter)
        alert = RaisedAlert(
            (matter.subject_id,),
            raised_on,
            self.random.choice(list(Source)),
            self.random.choice(SUMMARIES),
            f"{self.random.randrange(800, 90_000)}.00 EUR",
        )
        matter.case_id = raise_alert(self.desk, matter.team.investigates(), alert).id
        self.shown.cases += 1
        yield self.at(raised_on + timedelta(days=8))

    def _register(self, matter: Matter) -> None:
        role = Role.HEALTH_PROFESSIONAL if matter.identity.identifiers else Role.BENEFICIARY
        receipt = register_subject(self.desk, matter.team.investigates(), role, matter.identity)
        matter.subject_id = receipt.id
        self.shown.subjects += receipt.created

    def _qualified(self, matter: Matter, raised_on: date) -> Story:
        yield self.at(raised_on)
        yield from self._opened(matter, raised_on)
        ask = matter.team.investigates
        qualify_alert(self.desk, ask(), matter.case_id, True, "Anomalie confirmée sur pièces.")
        digest = hashlib.sha256(matter.case_id.bytes).hexdigest()
        add_evidence(self.desk, ask(), matter.case_id, "Factures du semestre (fictives).", digest)

    def _propose(self, matter: Matter, term: int) -> None:
        grounds = tuple(str(g) for g in self.random.sample(list(Ground), self.random.choice((1, 1, 2))))
        made = Proposed(grounds, term, ASSESSMENT)
        receipt = propose(self.desk, matter.team.investigates(), matter.case_id, matter.subject_id, made)
        matter.entry_id = receipt.id
        self.shown.entries += 1

    def _listed(self, matter: Matter, on: date, term: int, *, closing: bool = False) -> Story:
        """Inscribed on that day."""
        yield from self._qualified(matter, on - timedelta(days=21))
        yield self.at(on - timedelta(days=5))
        self._propose(matter, term)
        yield self.at(on)
        approve(self.desk, matter.team.decides(), matter.entry_id)
        closed_on = on + timedelta(days=25)
        if closing and closed_on < self.today:
            yield self.at(closed_on)
            close_case(self.desk, matter.team.investigates(), matter.case_id, ClosingOutcome.ESTABLISHED)

    def _told_soon(self, days: int) -> Story:
        """L12: listed lately; the letter is due, and not late."""
        matter = self._matter(self.seveane)
        yield from self._listed(matter, self.day(0, days), 36)
        self.shown.due_letter = letter_id(matter.entry_id, LetterKind.INSCRIPTION)

    def _deferred(self) -> Story:
        """L12: the letter waits, so that an investigation is not given away."""
        matter, on = self._matter(self.seveane), self.day(0, 15)
        yield from self._qualified(matter, on - timedelta(days=21))
        self._propose(matter, 60)
        yield self.at(on)
        deferral = Deferral(
            "Enquête en cours : perquisition à venir (fictif).", self.today + timedelta(days=30)
        )
        approve(self.desk, matter.team.decides(), matter.entry_id, deferral)

    def _due_soon(self, days: int) -> Story:
        matter = Matter(self.seveane, self.cast.professional())
        last_listed_day = self.today + timedelta(days=days)
        yield from self._listed(matter, periods.months_after(last_listed_day, -60), 60)
        self.shown.due_entry = self.shown.due_entry or matter.entry_id

    # How it ends ------------------------------------------------------------------------------

    def _delisted(self, matter: Matter, on: date, ground: DelistingGround) -> Story:
        yield from self._listed(matter, on, 60)
        ends_on = on + timedelta(days=self.random.randrange(60, 180))
        if ground is DelistingGround.DECEASED:
            yield self.at(ends_on - timedelta(days=3))
            died_on = ends_on - timedelta(days=9)
            record_death(self.desk, matter.team.investigates(), matter.subject_id, died_on)
        yield self.at(ends_on)
        delist(self.desk, matter.team.decides(), matter.entry_id, ground, "Décision motivée (fictive).")
        if isinstance(matter.identity, Person) and matter.identity.identifiers:
            self.shown.unlisted_rpps = _rpps(matter.identity)

    def _ended_last_midnight(self) -> Story:
        """Its last listed day was yesterday; four years back, also when that was the 29th of February."""
        matter = Matter(self.seveane, self.cast.professional())
        yesterday = self.today - timedelta(days=1)
        yield from self._listed(matter, periods.months_after(yesterday, -48), 48)
        self.shown.ended_entry = matter.entry_id

    def _sweeps(self) -> Story:
        """L4: what a scheduler would have done; the last one is when everything is told."""
        for months in range(MONTHS, 0, -2):
            yield periods.start_of_day(self.day(months))
            sweep(self.desk)

    def _visits(self) -> Story:
        """What persons do about what falls due; the last time is when everything is told."""
        day = self.day(MONTHS)
        while day < self.today:
            yield periods.start_of_day(day) + timedelta(hours=18)
            work_off(self.desk, self.writing, self.teams)
            day += VISITS

    # Procedures -------------------------------------------------------------------------------

    def _open_procedure(self, matter: Matter, opened_on: date) -> UUID:
        reference = f"F{opened_on:%y}/{self.random.randrange(1000, 9999)}"
        opened = OpenedProcedure(
            self.random.choice((Kind.CRIMINAL_COMPLAINT, Kind.CIVIL_SUIT)),
            self.random.choice(COURTS),
            reference,
            opened_on,
            (matter.subject_id,),
        )
        return open_procedure(self.desk, matter.team.investigates(), matter.case_id, opened).id

    def _with_procedure(self, on: date) -> Story:
        """A complaint that a prosecution continues; the term still runs."""
        matter = self._matter(self.seveane)
        yield from self._listed(matter, on, 60)
        opened_on = on + timedelta(days=30)
        yield self.at(opened_on)
        complaint = self._open_procedure(matter, opened_on)
        yield self.at(opened_on + timedelta(days=90))
        prosecution = OpenedProcedure(
            Kind.PROSECUTION,
            self.random.choice(COURTS),
            "PQ/0001",
            opened_on + timedelta(days=88),
            (matter.subject_id,),
            continues=complaint,
        )
        open_procedure(self.desk, matter.team.investigates(), matter.case_id, prosecution)

    def _held_past_term(self, on: date, ends_on: date | None, restricted: bool = False) -> Story:
        """L1: its term has elapsed, a procedure was then ongoing."""
        matter = Matter(self.seveane, self.cast.professional())
        yield from self._listed(matter, on, 60)
        opened_on = on + timedelta(days=900)
        yield self.at(opened_on)
        procedure_id = self._open_procedure(matter, opened_on - timedelta(days=4))
        if restricted:
            yield self.at(self.day(1))
            restrict(
                self.desk, matter.team.decides(), matter.entry_id, "Opposition en cours d'examen (fictif)."
            )
        elif ends_on is None:
            self.shown.held_entry = matter.entry_id
        else:
            yield self.at(ends_on)
            self._end_procedure(matter, procedure_id, ends_on)

    def _end_procedure(self, matter: Matter, procedure_id: UUID, ends_on: date) -> None:
        ended = EndedProcedure(
            Outcome.CONVICTED,
            ends_on,
            "Article 8 du code de procédure pénale",
            periods.years_after(ends_on, 6),
        )
        end_procedure(self.desk, matter.team.investigates(), matter.case_id, procedure_id, ended)

    # Not on the list --------------------------------------------------------------------------

    def _proposed(self, matter: Matter, on: date, decide: Callable[[Matter], None]) -> Story:
        yield from self._qualified(matter, on - timedelta(days=15))
        yield self.at(on)
        self._propose(matter, 60)
        yield self.at(on + timedelta(days=4))
        decide(matter)

    def _wait(self, matter: Matter) -> None:
        if matter.team is self.seveane:
            self.shown.proposed_entry = matter.entry_id

    def _rejected(self, matter: Matter) -> None:
        reject(self.desk, matter.team.decides(), matter.entry_id, "Éléments insuffisants (fictif).")

    def _withdrawn(self, matter: Matter) -> None:
        withdraw(self.desk, matter.team.investigates(), matter.entry_id)

    def _restricted(self, on: date) -> Story:
        matter = Matter(self.seveane, self.cast.professional())
        yield from self._listed(matter, on, 60)
        yield self.at(on + timedelta(days=60))
        restrict(self.desk, matter.team.decides(), matter.entry_id, "Exactitude contestée (fictif).")
        self.shown.restricted_rpps = _rpps(matter.identity)

    def _investigated(self, on: date, *, closes: bool) -> Story:
        matter = self._matter(self.seveane)
        yield from self._qualified(matter, on)
        yield self.at(on + timedelta(days=12))
        add_note(self.desk, matter.team.investigates(), matter.case_id, "Justificatifs demandés (fictif).")
        if closes:
            yield self.at(on + timedelta(days=50))
            close_case(self.desk, matter.team.investigates(), matter.case_id, ClosingOutcome.NOT_ESTABLISHED)

    # Alerts -----------------------------------------------------------------------------------

    def _alert(self, raised_on: date, *, expiring: bool = False) -> Story:
        matter = self._matter(self.seveane)
        yield self.at(raised_on)
        yield from self._opened(matter, raised_on)
        if expiring:
            self.shown.expiring_alert = matter.case_id
        elif raised_on > self.day(5):
            self.shown.open_alert = matter.case_id

    def _dismissed(self, raised_on: date) -> Story:
        matter = self._matter(self.seveane)
        yield self.at(raised_on)
        yield from self._opened(matter, raised_on)
        qualify_alert(self.desk, matter.team.investigates(), matter.case_id, False, "")

    # Persons ----------------------------------------------------------------------------------

    def _merged(self, on: date) -> Story:
        """C8: registered once by name, once by number."""
        known = self.cast.professional()
        named = Matter(self.seveane, Person(known.family_name, known.given_names, known.birth_date))
        matter = Matter(self.seveane, known)
        yield from self._listed(matter, on, 60)
        yield from self._qualified(named, on + timedelta(days=40))
        yield self.at(on + timedelta(days=60))
        ask = self.seveane.investigates()
        merge_subjects(self.desk, ask, matter.subject_id, named.subject_id, "Même personne (fictif).")

    def _victim(self, on: date) -> Story:
        """L10: an impostor was listed with a number that turned out to be a professional's."""
        stolen = self.cast.rpps()
        impostor = Matter(self.seveane, self.cast.person(stolen))
        victim = Matter(self.seveane, self.cast.person())
        yield from self._listed(impostor, on, 36)
        yield self.at(on + timedelta(days=45))
        self._register(victim)
        ask, reason = self.seveane.investigates(), "Son numéro a servi à son insu (fictif)."
        record_victim(self.desk, ask, victim.subject_id, impostor.case_id, (stolen,), reason)
        self.shown.victim_rpps = stolen.value

    def _died(self, on: date) -> Story:
        """P5: the entry is for review."""
        matter = Matter(self.seveane, self.cast.professional())
        yield from self._listed(matter, on, 60)
        yield self.at(self.day(0, 6))
        record_death(self.desk, self.seveane.investigates(), matter.subject_id, self.day(0, 10))

    # Rights -----------------------------------------------------------------------------------

    def _asks(self, right: Right, days: int, then: Callable[[Team, UUID], None] | None = None) -> Story:
        """P1: a listed person exercises a right, so many days ago; what nobody decided yet is due."""
        matter = Matter(self.seveane, self.cast.professional())
        yield from self._listed(matter, self.day(14), 60)
        received_on = self.day(0, days)
        yield self.at(received_on)
        received = Received(right, matter.subject_id, received_on)
        request_id = receive_request(self.desk, matter.team.informs(), received).id
        if then is None:
            self.shown.open_request = request_id
            return
        yield self.at(received_on + timedelta(days=20))
        then(matter.team, request_id)

    def _extended(self, team: Team, request_id: UUID) -> None:
        told_on = periods.civil_date(self.desk.clock.now())
        reason = "Des vérifications sont nécessaires (fictif)."
        extend_request(self.desk, team.informs(), request_id, reason, told_on)

    def _given(self, team: Team, request_id: UUID) -> None:
        """P3: all but the notes, which would give an investigation away."""
        waits = DeferredPart(Part.NOTES, "Enquête en cours (fictif).", self.today + timedelta(days=40))
        decide_request(self.desk, team.informs(), request_id, True, "Demande fondée (fictif).", (waits,))
        answer_request(self.desk, team.informs(), request_id)

    def _refused(self, team: Team, request_id: UUID) -> None:
        decide_request(self.desk, team.informs(), request_id, False, "Conservation nécessaire (fictif).")
        answer_request(self.desk, team.informs(), request_id)

    # Imports ----------------------------------------------------------------------------------

    def _imported(self, team: Team, on: date, lines: int) -> Story:
        yield self.at(on)
        import_id = self._submit(team, on, lines)
        yield self.at(on + timedelta(days=2))
        approve_import(self.desk, team.decides(), import_id)

    def _import_waiting(self, team: Team, on: date, lines: int) -> Story:
        yield self.at(on)
        self.shown.waiting_import = self._submit(team, on, lines)

    def _submit(self, team: Team, on: date, lines: int) -> UUID:
        file = self._list_of(on, lines)
        report = submit_import(self.desk, team.investigates(), file, f"liste-{on.isoformat()}.csv")
        self.shown.entries += report.accepted
        self.shown.subjects += report.accepted
        self.shown.cases += report.accepted
        if report.import_id is None:
            raise ValueError("the demonstration's own list was refused")
        return report.import_id

    def _list_of(self, on: date, lines: int) -> bytes:
        """An older list, as a spreadsheet writes it; its last line is held by a procedure past its term."""
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, delimiter=";")
        writer.writeheader()
        for number in range(1, lines + 1):
            inscribed_on = periods.months_after(on, -self.random.randrange(2, 50))
            writer.writerow(self._row(f"{on:%Y%m}-{number:03d}", inscribed_on))
        held_on = periods.months_after(on, -70)
        writer.writerow(
            self._row(f"{on:%Y%m}-000", held_on) | self._ongoing(periods.months_after(held_on, 30))
        )
        return out.getvalue().encode("utf-8-sig")

    def _row(self, reference: str, inscribed_on: date) -> dict[str, str]:
        person = self.cast.professional()
        return {
            "kind": "person",
            "role": "health_professional",
            "family_name": person.family_name,
            "given_names": person.given_names,
            "birth_date": f"{person.birth_date:%d/%m/%Y}",
            "rpps": _rpps(person),
            "case_reference": reference,
            "grounds": str(self.random.choice(list(Ground))),
            "inscribed_on": f"{inscribed_on:%d/%m/%Y}",
            "term_months": "60",
        }

    def _ongoing(self, opened_on: date) -> dict[str, str]:
        return {
            "procedure_kind": "prosecution",
            "procedure_court": self.random.choice(COURTS),
            "procedure_reference": "PQ/0002",
            "procedure_opened_on": opened_on.isoformat(),
        }


def _team(organisation: str, operators: Mapping[str, UUID], prefix: str) -> Team:
    return Team(
        organisation,
        operators.get(f"{prefix}investigator") or uuid4(),
        operators.get(f"{prefix}supervisor") or uuid4(),
        operators.get(f"{prefix}dpo") or uuid4(),
    )


def _rpps(identity: Identity) -> str:
    return next((number.value for number in identity.identifiers if number.scheme == "rpps"), "")
