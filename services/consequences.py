"""What follows from a change of a person while cycles run, gathered in one transaction, written or taken back."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, select

from services import naming
from services.actors import Actor
from services.appraisals import Words, take
from services.effects import after_move
from services.enrolment import let_through
from services.errors import Malformed, Refused
from services.grants import demand, today
from services.moving import write_steps
from services.roster import Choices, draw
from services.standing import APPRAISAL, CYCLE, PERSON, Standing, load
from services.successions import PassedOn, pass_on
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import LAST_STAGE, CycleState, Effect, Role, RosterStatus

_OWN = (
    select(APPRAISAL.c.id, APPRAISAL.c.cycle_id, APPRAISAL.c.assignment_id, CYCLE.c.code.label("cycle"))
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        APPRAISAL.c.person_id == bindparam("person"),
        APPRAISAL.c.stage != LAST_STAGE,
        CYCLE.c.state.not_in((CycleState.CANCELLED.value, CycleState.PLANNED.value)),
    )
    .order_by(APPRAISAL.c.id)
)
_NUMBERS = select(PERSON.c.id, PERSON.c.number).where(PERSON.c.id.in_(bindparam("people", expanding=True)))


@dataclass(frozen=True, slots=True)
class PassedPart:
    """A part that went to somebody else: of which appraisal, the work item that went along, and the two people."""

    appraisal: str
    role: str
    item: str | None
    was: str
    now: str
    why: str


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed from a change, or would follow.

    `opened`, `closed` (as not rated) and `goes_on` name appraisals of the person himself; `passed` what he judged and
    others judge now; `stuck` what nobody is left for; `mails` counts those that stopped; `notes` are sentences.
    """

    number: str
    change: str
    day: dt.date
    preview: bool
    opened: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    goes_on: tuple[str, ...] = ()
    passed: tuple[PassedPart, ...] = ()
    stuck: tuple[str, ...] = ()
    mails: int = 0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class PersonChange:
    """One act in one transaction, and what has followed from it so far."""

    tx: Transaction
    actor: Actor
    now: dt.datetime
    person: Row[Any]
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    passed: list[PassedPart] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mails: int = 0

    @property
    def today(self) -> dt.date:
        """The day it is in the organisation's zone."""
        return today(self.tx, self.now)

    @property
    def own(self) -> Sequence[Row[Any]]:
        """The open appraisals of the person."""
        return self.tx.all(_OWN, {"person": self.person.id})

    def close(self, appraisals: Sequence[int], reason: str) -> None:
        """Close appraisals of the person as not rated, by the move that every workflow has for it."""
        if appraisals:
            standings = load(self.tx, appraisals, self.actor, self.now)
            self.move(standings, Effect.CLOSE_NOT_RATED, reason)
            self.closed += [standing.code for standing in standings]

    def move(self, standings: Sequence[Standing], effect: Effect, reason: str) -> None:
        """Make, in some appraisals, the move that has an effect, with a reason."""
        words = Words(comment=reason)
        taken = [
            take(self.tx, one, action=action_with(one, effect), words=words, actor=self.actor, now=self.now)
            for one in standings
        ]
        write_steps(self.tx, [one.step for one in taken])
        for one in taken:
            after_move(one)

    def unrated(self) -> dict[int, str]:
        """Return which open appraisals of the person fall out by days served or away, with the reason's code."""
        found: dict[int, str] = {}
        for cycle in dict.fromkeys(row.cycle for row in self.own):
            row = naming.cycle(self.tx, cycle)
            if row.state != CycleState.OPEN:
                continue
            drawn = draw(self.tx, row, self.today, Choices(override_incomplete=let_through(self.tx, row.id)))
            out = {
                one["assignment_id"]: str(one["reason_code"])
                for one in drawn.rows
                if one["person_id"] == self.person.id and one["status"] == RosterStatus.NOT_RATED
            }
            found |= {
                int(one.id): out[one.assignment_id]
                for one in self.own
                if one.cycle == cycle and one.assignment_id in out
            }
        return found

    def close_unrated(self) -> None:
        """Close what is not rated because too few days were served, or most of them were spent away."""
        by_reason: dict[str, list[int]] = {}
        for appraisal, code in self.unrated().items():
            by_reason.setdefault(code, []).append(appraisal)
        for code, appraisals in by_reason.items():
            self.close(appraisals, _WHY_UNRATED[code])

    def pass_on(self, who: frozenset[int], *, on: dt.date, why: str | None = None, later: bool = True) -> None:
        """Pass on what some people judge, if the day has come; else say that it follows on that day."""
        if later and on > self.today:
            self.notes.append(f"What is judged there is passed on when {on} comes; `--dry-run` shows it.")
            return
        self.take_in(pass_on(self.tx, actor=self.actor, now=self.now, on=on, people=who, why=why))

    def take_in(self, done: PassedOn) -> None:
        """Add what was passed on and what is stuck, with people by their numbers."""
        ids = {one for handover in done.handovers for one in (handover.was, handover.now)}
        names = {row.id: row.number for row in self.tx.all(_NUMBERS, {"people": sorted(ids)})} if ids else {}
        self.passed += [
            PassedPart(one.appraisal, one.role, one.item, names[one.was], names[one.now], one.why)
            for one in done.handovers
        ]
        self.stuck += [f"{one.appraisal} ({one.role})" for one in done.stuck]
        self.mails += sum(one.mails for one in done.handovers)

    def followed(self, change: str, day: dt.date, *, preview: bool) -> Followed:
        """Return what followed."""
        going = tuple(standing.code for standing in self.standings())
        return Followed(
            self.person.number,
            change,
            day,
            preview,
            tuple(self.opened),
            tuple(self.closed),
            going,
            tuple(self.passed),
            tuple(self.stuck),
            self.mails,
            tuple(self.notes),
        )

    def standings(self) -> Sequence[Standing]:
        """Return where the open appraisals of the person stand."""
        ids = [int(row.id) for row in self.own]
        return load(self.tx, ids, self.actor, self.now) if ids else ()


_WHY_UNRATED = {
    "protected-absence": "Most of the period was spent away.",
    "below-minimum-service": "Too few working days were served in this post.",
    "left": "The part served until the last day is not assessed.",
    "died": "The appraisal ends here.",
}
"""What stands on the form, for each code of the roster; of an absence nobody reads more (domain.md, 5b)."""


class _Undone(Exception):  # noqa: N818 - it is no fault: it takes a preview back
    def __init__(self, followed: Followed) -> None:
        super().__init__()
        self.followed = followed


def _take_back(followed: Followed) -> None:
    raise _Undone(followed)


def carry_out(
    uow: UnitOfWork,
    act: Callable[[PersonChange], None],
    change: str,
    day: dt.date,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    preview: bool,
    own: bool = False,
    roles: tuple[Role, ...] = (Role.HR, Role.OPERATOR),
) -> Followed:
    """Run an act in one transaction, and take all of it back where it was a preview.

    `own` lets somebody do it for himself; `roles` are the grants of which the actor needs one.

    Raises:
        Malformed: the person's data is erased.
        NotFound: there is no such person.
        Refused: the actor may not, or it is himself.
    """
    try:
        with uow.write() as tx:
            demand(tx, actor, now, roles, "record what changes for people")
            person = naming.person(tx, number)
            if person.erased_at is not None:
                raise Malformed(f"The data of {number} is erased; nothing changes for him any more.", "erased")
            if not own and person.id in {actor.person_id, actor.typed_by}:
                raise Refused("Nobody may decide this for himself; another officer or the operator must do it.", "own")
            one = PersonChange(tx, actor, now, person)
            act(one)
            followed = one.followed(change, day, preview=preview)
            if preview:
                _take_back(followed)
    except _Undone as undone:
        return undone.followed
    return followed


def action_with(standing: Standing, effect: Effect) -> str:
    """Return the action that has an effect where an appraisal stands.

    Raises:
        Refused: the workflow has none there.
    """
    for move in standing.lifecycle.actions(standing.stage):
        if effect in move.effects:
            return str(move.action)
    raise Refused(
        f"The workflow of {standing.code} has no move for this in the stage {standing.stage}; close it by hand.",
        "no-move",
    )
