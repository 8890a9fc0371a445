"""The office of a storm: a quarter that is opened, acted in and moved through by the clock, while processes die."""

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update

from config.audit_keys import create_audit_keys
from config.clock import SimulatedClock
from config.settings import Settings
from config.wiring import Wiring, sender_of
from models.columns import UtcDateTime, table_of
from models.database import open_database
from models.history import Move
from models.outbox import Job, Message
from models.workitems import WorkItem
from services import cycles, failures, findings, launch, practice_clock
from services.access import APPRAISAL, PARTY
from services.actors import SYSTEM
from services.errors import AppraiseError, Conflict, Environment
from services.unit_of_work import UnitOfWork
from tasks.unfinished import unfinished
from tests.faults.constants import FIRST
from tests.faults.crowd import hire
from tests.faults.staging import LONG_AGO
from tests.faults.storm.acts import act_as_usual
from tests.faults.storm.changes import JUDGED, Changes, judging, passing_holders
from tests.faults.storm.closing import Closing
from tests.faults.storm.facts import Evening, Facts, Moved, Part, Turn
from tests.faults.storm.harms import Fleet, Weather, chosen
from tests.faults.storm.reckoning import ZONE, is_working_day
from tests.services.builders import (
    CLERK,
    OFFICER,
    PERSONNEL,
    QUARTER,
    RUBRIC,
    SECURITY,
    build_office,
    noon,
)
from tests.services.closing import vouch
from tests.services.playing import Play

JOB, MESSAGE, ITEM, MOVE = table_of(Job), table_of(Message), table_of(WorkItem), table_of(Move)
OPENING = noon(4, 1)
CHUNK = 5
CALM = 0.7
"""Seconds after which, when nothing happens any more and something is left, the time passes that it rests."""
SECONDS = 120.0
_HELD = (ITEM.c.id, ITEM.c.holder_id, ITEM.c.due_at, ITEM.c.stage, ITEM.c.action, ITEM.c.appraisal_id, ITEM.c.opened_at)
_ITEMS = select(*_HELD, ITEM.c.closed_at, ITEM.c.closed_by_seq).order_by(ITEM.c.id)
_RESTING = {
    "mails": select(func.count()).select_from(MESSAGE).where(MESSAGE.c.due_at.is_not(None)),
    "jobs": select(func.count()).select_from(JOB).where(JOB.c.due_at.is_not(None)),
}
LEASE = 600
"""Seconds; no claim ends by itself in a storm, so that what may be sent twice is known."""
LATER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def _ending(table: Any) -> Any:
    """Tell what of a table rests, or was claimed before a moment."""
    ends = or_(table.c.lease_until.is_(None), table.c.lease_until < bindparam("ends", type_=UtcDateTime()))
    return and_(table.c.due_at.is_not(None), ends)


_LAPSE = [
    update(table)
    .where(table.c.id.in_(select(table.c.id).where(_ending(table)).with_for_update(skip_locked=True)))
    .values(due_at=LONG_AGO)
    for table in (JOB, MESSAGE)
]
_TAKEN = select(MESSAGE.c.dedupe_key).where(_ending(MESSAGE), MESSAGE.c.state.in_(("claimed", "in-doubt")))
_DOUBTED = select(MESSAGE.c.dedupe_key).where(MESSAGE.c.state == "in-doubt")
_LEFT_IN_DOUBT = _DOUBTED.where(or_(MESSAGE.c.lease_until.is_(None), MESSAGE.c.due_at.is_(None)))


_PAUSE = threading.Event()


class Restless(AssertionError):  # noqa: N818 - it is what becomes of a storm
    """What the clock asked for was not done long after everything stood again; the message says what is left."""


Acting = Callable[["Stage", dt.datetime, random.Random], None]
"""What people do on a day, chosen by chance."""


@dataclass
class Stage:
    """An office with its processes, and what happened in it. `owner` lets time pass beside them."""

    fleet: Fleet
    play: Play
    wiring: Wiring
    clock: SimulatedClock
    owner: UnitOfWork
    chance: random.Random
    evenings: list[Evening] = field(default_factory=list)
    ever: set[Turn] = field(default_factory=set)
    extended: list[tuple[int, Turn]] = field(default_factory=list)
    findings: list[tuple[int, int]] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)
    acts: Counter[str] = field(default_factory=Counter)
    changed: Changes = field(default_factory=Changes)
    closing: Closing = field(default_factory=Closing)

    def step(self, at: dt.datetime, harms: dict[str, int], acting: Acting | None = None) -> None:
        """Let the clock go to a moment, people act and harms be done, and wait until all that is owed is done.

        Where it is not said who acts, everybody does what he does on a working day; at first the cycle is opened.

        Raises:
            Restless: it is not, long after the last harm.
        """
        weather = Weather(self.fleet, chosen(self.chance, harms, first=not self.evenings) if harms else ())
        choices = self.chance.random()
        weather.start()
        self.insist(lambda: practice_clock.set_clock(self.play.uow, now=at, at=at))
        self.clock.set(at)
        if not self.evenings:
            hr = self.play.who(OFFICER)
            self.attempt("open", lambda: launch.open_cycle(self.play.uow, actor=hr, now=at, cycle=QUARTER, chunk=CHUNK))
        else:
            (acting or act_as_usual)(self, at, random.Random(choices))  # noqa: S311 - a seeded choice, not a secret
        weather.wait()
        self.fleet.mend()
        self._settle()
        held = {turn.item: turn for turn, closed in self.turns() if closed is None}
        self.ever.update(turn for turn, _ in self.turns())
        self.evenings.append(Evening(at, held))

    def lapse(self, before: dt.datetime = LATER) -> None:
        """Let the time pass that what was refused rests, and that claims last which are older than a moment.

        What is in doubt then is remembered, and what is claimed: whoever holds it may be alive and put it in doubt.
        """
        ended = {"ends": before + dt.timedelta(seconds=LEASE)}

        def lapse() -> set[str]:
            with self.owner.write() as tx:
                taken = {row.dedupe_key for row in tx.all(_TAKEN, ended)}
                for statement in _LAPSE:
                    tx.run(statement, ended)
            return taken

        self.doubted |= self.insist(lapse)

    def facts(self) -> Facts:
        """Return what the reckoning reads."""
        office = self.play.office
        of_person = select(MOVE, APPRAISAL.c.person_id).join(APPRAISAL, APPRAISAL.c.id == MOVE.c.appraisal_id)
        items, parts = self.rows(_ITEMS), self.rows(select(PARTY))
        closed = {(row.appraisal_id, row.closed_by_seq): row.holder_id for row in items}
        moved = []
        for move in self.rows(of_person):
            was = closed.get((move.appraisal_id, move.seq))
            still = [
                part for part in parts
                if part.appraisal_id == move.appraisal_id and part.person_id == was
                and (part.to_at is None or part.to_at > move.at)
            ]  # fmt: skip
            moved.append(Moved(move.appraisal_id, move.person_id, move.seq, move.action, move.at, was, not still))
        return Facts(
            evenings=self.evenings,
            ever=self.ever | passing_holders(items, parts),
            moved=moved,
            extended=self.extended,
            findings=self.findings,
            officers=[office.people[OFFICER]],
            duties=[(office.assignments[SECURITY], office.people[SECURITY])],
            parts=[Part(one.appraisal_id, JUDGED[one.role], one.person_id, one.from_at) for one in judging(parts)],
            away=self.changed.away,
            left=self.changed.left,
            signing=self.closing.signing,
            final=self.closing.final,
        )

    def unsettled(self) -> set[str]:
        """Return the identities of what is in doubt now."""
        return {row.dedupe_key for row in self.rows(_DOUBTED)}

    def turns(self) -> list[tuple[Turn, dt.datetime | None]]:
        return [(Turn(*row[: len(_HELD)]), row.closed_at) for row in self.rows(_ITEMS)]

    def number(self, person: int) -> str:
        """Return the number of a person."""
        return next(number for number, one in self.play.office.people.items() if one == person)

    def about(self, turn: Turn) -> str:
        """Return the number of whom a turn is about."""
        (row,) = self.rows(select(APPRAISAL.c.person_id).where(APPRAISAL.c.id == turn.appraisal))
        return self.number(row.person_id)

    def attempt(self, name: str, attempt: Callable[[], Any]) -> Any:
        """Do something as a person does; return None where a rule refuses it or somebody was faster."""
        try:
            done = self.insist(attempt)
        except AppraiseError as error:
            self.acts[f"{name} refused: {error.code}"] += 1
            return None
        self.acts[name] += 1
        return done

    def insist(self, attempt: Callable[[], Any]) -> Any:
        """Do it again as long as the database is away; what was done though nobody heard of it is refused then."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                return attempt()
            except (Environment, Conflict) as error:
                if time.monotonic() > end or (isinstance(error, Conflict) and error.code != "busy"):
                    raise
                self.acts["told that the database is away"] += 1

    def rows(self, statement: Any) -> Sequence[Any]:
        def read() -> Sequence[Any]:
            with self.owner.read() as tx:
                return tx.all(statement)

        found: Sequence[Any] = self.insist(read)
        return found

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Wait until nothing is owed; what rests, and what a process that died has claimed, is given its time."""
        end = time.monotonic() + SECONDS
        lapse_at = time.monotonic() + CALM
        while left := self._left():
            if time.monotonic() > end:
                raise Restless(f"After {SECONDS:g} seconds this is left: {left}.")
            self.fleet.mend()
            if time.monotonic() > lapse_at:
                self._retry()
                self.lapse(self.fleet.harmed_at)
                lapse_at = time.monotonic() + CALM
            _PAUSE.wait(0.03)

    def _left(self) -> dict[str, int]:
        self.doubted.update(row.dedupe_key for row in self.rows(_LEFT_IN_DOUBT))
        left = {**self.insist(lambda: unfinished(self.wiring)), "failed": len(self._failed())}
        left |= {name: self.rows(statement)[0][0] for name, statement in _RESTING.items()}
        return {name: count for name, count in left.items() if count}

    def _failed(self) -> list[failures.Failed]:
        found = failures.list_failures(self.play.uow, actor=SYSTEM, now=self.clock.now())
        return [one for one in found if one.said != "in-doubt"]

    def _retry(self) -> None:
        """Let the operator try again what failed for good, as he does once the mail server is well."""
        who: dict[str, Any] = {"actor": SYSTEM, "now": self.clock.now()}
        for failed in self._failed():
            self.attempt("retry", lambda failed=failed: failures.retry(self.play.uow, failure=failed.code, **who))


def days(chance: random.Random) -> Sequence[dt.datetime]:
    """Return the mornings of a quarter's appraisals; sometimes nobody is there for days, and deadlines pass."""
    found, day = [], OPENING.astimezone(ZONE).date()
    while day < dt.date(2026, 6, 5):
        day += dt.timedelta(days=chance.choice((1, 1, 1, 1, 1, 4)))
        if is_working_day(day) or chance.random() < 0.2:  # now and then a day that is not worked
            found.append(dt.datetime.combine(day, dt.time(9), ZONE).astimezone(dt.UTC))
    return found


def prepare(uow: UnitOfWork, people: int) -> tuple[Play, list[tuple[int, int]]]:
    """Build an office with so many clerks more, plan its quarter and record two findings; nothing is open."""
    play = Play(uow, build_office(uow))
    hire(play, people)
    vouch(uow)
    cycles.new(uow, actor=play.who(OFFICER), now=noon(1, 5), code=QUARTER, rubrics=[RUBRIC])
    return play, [_deducted(play, number) for number in (CLERK, str(FIRST))]


def _deducted(play: Play, number: str) -> tuple[int, int]:
    """Let the assessor record a finding about a clerk; return its id and the person's."""
    recorded = findings.add(
        play.uow,
        actor=play.who(PERSONNEL),
        now=noon(2, 20),
        number=number,
        rule="C3.1",
        happened=dt.date(2026, 2, 3),
        amount=Fraction(4),
        reason="It was found at the weekly check.",
    )
    return int(recorded.code[1:]), play.office.people[number]


def set_stage(settings: Settings, fleet: Fleet, seed: int, people: int) -> Stage:
    """Set the stage on a migrated database, with an audit key of its own."""
    owner = open_database(settings.database_owner_url)
    keys = create_audit_keys(settings.audit_key_file)
    beside = UnitOfWork(owner, keys)
    play, found = prepare(beside, people)
    engine = open_database(settings.database_url)
    uow, clock = UnitOfWork(engine, keys), SimulatedClock(noon(3, 31))
    play.uow = uow
    practice_clock.set_clock(uow, now=clock.now(), at=clock.now())
    wiring = Wiring(settings, engine, uow, clock, sender_of(settings))
    chance = random.Random(seed)  # noqa: S311 - a seeded choice, not a secret
    stage = Stage(fleet, play, wiring, clock, beside, chance, findings=found)
    fleet.lapse = stage.lapse
    return stage
