"""My work in a bounded number of statements: what I owe, what I wait for, for whom I stand in, and when I am away."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Text, bindparam, literal, or_, select, union_all

from models.columns import table_of
from models.findings import Finding
from models.people import Absence, Delegation
from scoring.errors import ScoringError
from services import calendars
from services.access import CONFLICT, PARTY, superiors_asked, superiors_of
from services.actors import Actor
from services.definitions import lifecycle_of
from services.duty_calendar import DutyMonthView, months_of
from services.errors import Refused
from services.ledgers import asks as ledger_asked
from services.ledgers import state, state_asked
from services.one_reading import ahead
from services.rubric_in_force import covering_asked, rubric_asked, rubric_in_force
from services.sight import Relation, seen
from services.standing import APPRAISAL, ASSIGNMENT, CYCLE, MOVE, PERSON, POST, local_day
from services.turn_rows import MOST, OWED, WAITED, following, page_of
from services.unit_of_work import Statement, Transaction, UnitOfWork
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import JUDGING_ROLES, Role

ABSENCE = table_of(Absence)
DELEGATION = table_of(Delegation)
FINDING = table_of(Finding)
_HOLDER = PERSON.alias("holder")
_DELEGATE = PERSON.alias("delegate")


_DELEGATIONS = (
    select(
        DELEGATION.c.person_id,
        DELEGATION.c.role,
        DELEGATION.c.valid_from,
        DELEGATION.c.valid_to,
        _HOLDER.c.name.label("holder_name"),
        _HOLDER.c.number.label("holder_number"),
        _DELEGATE.c.name.label("delegate_name"),
        _DELEGATE.c.number.label("delegate_number"),
        _DELEGATE.c.left.label("delegate_left"),
    )
    .join(_HOLDER, _HOLDER.c.id == DELEGATION.c.person_id)
    .join(_DELEGATE, _DELEGATE.c.id == DELEGATION.c.delegate_id)
    .where(
        or_(DELEGATION.c.person_id == bindparam("person"), DELEGATION.c.delegate_id == bindparam("person")),
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= bindparam("on")),
        # One that was ended before it began is none.
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= DELEGATION.c.valid_from),
    )
    .order_by(DELEGATION.c.valid_from, DELEGATION.c.id)
)
_HELD = (
    select(ASSIGNMENT.c.id.label("assignment"), POST.c.id, POST.c.code, ABSENCE.c.valid_from, ABSENCE.c.valid_to)
    .select_from(PERSON)
    .outerjoin(
        ASSIGNMENT,
        (ASSIGNMENT.c.person_id == PERSON.c.id)
        & (ASSIGNMENT.c.kind == "regular")
        & (ASSIGNMENT.c.valid_from <= bindparam("on"))
        & or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("on")),
    )
    .outerjoin(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .outerjoin(
        ABSENCE,
        (ABSENCE.c.person_id == PERSON.c.id) & or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
    )
    .where(PERSON.c.id == bindparam("person"))
    .order_by(ABSENCE.c.valid_from, POST.c.id)
)
"""The posts that a person holds today, each with each of his absences that is not over."""
_PARTS = select(PARTY.c.appraisal_id).where(
    PARTY.c.person_id == bindparam("person"),
    PARTY.c.to_at.is_(None),
    PARTY.c.appraisal_id.in_(bindparam("appraisals", expanding=True)),
)
_ACTED = union_all(
    select(MOVE.c.appraisal_id, MOVE.c.role).where(
        or_(MOVE.c.actor_id == bindparam("person"), MOVE.c.on_behalf_of == bindparam("person")),
        MOVE.c.appraisal_id.in_(bindparam("appraisals", expanding=True)),
    ),
    # Who recorded a finding has acted as an assessor (`services.handover.acted_in`).
    select(APPRAISAL.c.id, literal(Role.ASSESSOR.value, Text))
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(FINDING, FINDING.c.assignment_id == APPRAISAL.c.assignment_id)
    .where(
        FINDING.c.counted_on.between(CYCLE.c.period_from, CYCLE.c.period_to),
        FINDING.c.recorded_by == bindparam("person"),
        APPRAISAL.c.id.in_(bindparam("appraisals", expanding=True)),
    ),
)
_INTERESTS = select(CONFLICT.c.person_id, CONFLICT.c.other_id).where(
    or_(CONFLICT.c.person_id == bindparam("person"), CONFLICT.c.other_id == bindparam("person")),
    CONFLICT.c.valid_from <= bindparam("on"),
    or_(CONFLICT.c.valid_to.is_(None), CONFLICT.c.valid_to >= bindparam("on")),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that is somebody's: whose appraisal, what, until when, and the word for what is done first.

    `days_left` are working days, negative when late, None without a deadline. `on_behalf_of` names for whom.
    """

    appraisal: str
    person: str
    stage: str
    role: str
    wording: Mapping[str, str]
    due_at: dt.datetime | None
    days_left: int | None
    label: Mapping[str, str] | None
    own: bool
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Substitution:
    """Who stands in for whom, in which role (None for all), on which days; `mine` when the person is away himself."""

    holder: str
    delegate: str
    role: str | None
    first: dt.date
    last: dt.date | None
    mine: bool


@dataclass(frozen=True, slots=True)
class MyWork:
    """Everything on a person's first page. `after_owed` and `after_waited` are where the lists go on."""

    owed: tuple[Turn, ...]
    waited: tuple[Turn, ...]
    after_owed: str | None
    after_waited: str | None
    substitutions: tuple[Substitution, ...]
    away: tuple[tuple[dt.date, dt.date | None], ...]
    duties: tuple[DutyMonthView, ...]
    """The scheduled duties of his post that are still open this month; none for who holds several posts, or no post."""


def my_work(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    zone: str,
    calendar: str,
    owed_after: str = "",
    waited_after: str = "",
) -> MyWork:
    """Return what a person owes and waits for, the most urgent first, with a bounded number of statements.

    What he may do for others by delegation is among it, where he may stand in. `zone` and `calendar` are the
    organisation's; `owed_after` and `waited_after` are where the page before ended.

    Raises:
        Malformed: one of them is no place of ours.
    """
    on = local_day(now, zone)
    who = {"person": actor.person_id, "on": on}
    with uow.read() as tx:
        ahead(tx, (_DELEGATIONS, who), (_HELD, who), (calendars.CLOSURES, {}))
        delegations, held = tx.all(_DELEGATIONS, who), tx.all(_HELD, who)
        principals = _principals(delegations, actor.person_id, on)
        post = _only_post(held)
        owing = page_of(OWED, {"people": [actor.person_id, *principals]}, owed_after)
        waiting = page_of(WAITED, {"person": actor.person_id}, waited_after)
        ahead(tx, owing, waiting, *_ledger_asked(post, on))
        items, waited = tx.all(*owing), tx.all(*waiting)
        mine = [row for row in items[:MOST] if row.holder_id == actor.person_id]
        others = [row for row in items[:MOST] if row.role in principals.get(row.holder_id, ())]
        ahead(tx, *_fit_asked(others, actor.person_id, on), *_rules_asked(tx, post, on))
        fit = _fit(tx, others, actor.person_id, on) if others else []
        made = _Made(tx, zone, calendar, calendars.closures(tx), on, actor.person_id)
        return MyWork(
            tuple([made.turn(row) for row in mine] + [made.turn(row, for_other=True) for row in fit]),
            tuple(made.turn(row) for row in waited[:MOST]),
            following(items),
            following(waited),
            tuple(_substitution(row, actor.person_id) for row in delegations),
            tuple(dict.fromkeys((row.valid_from, row.valid_to) for row in held if row.valid_from is not None)),
            _open_duties(tx, post, on) if post is not None else (),
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """Makes turns of rows."""

    tx: Transaction
    zone: str
    calendar: str
    closures: calendars.Closures
    on: dt.date
    person: int | None

    def turn(self, row: Row[Any], *, for_other: bool = False) -> Turn:
        lifecycle = lifecycle_of(self.tx, row.workflow_id, row.digest)
        holder = f"{row.holder_name} ({row.holder_number})"
        return Turn(
            f"{row.cycle}/{row.number}@{row.post}",
            f"{row.name} ({row.number})",
            row.stage,
            row.role,
            {name: lifecycle.wording(row.stage, name, holder=holder) for name in ("en", "zh")},
            row.due_at,
            None if row.due_at is None else self._left(local_day(row.due_at, self.zone)),
            _label(lifecycle, row.stage, row.role),
            row.person_id == self.person,
            holder if for_other else None,
        )

    def _left(self, due: dt.date) -> int:
        first, last = sorted((self.on, due))
        between = calendars.working_days(self.calendar, first, last, self.closures) - {first}
        return len(between) if due >= self.on else -len(between)


def _only_post(held: Sequence[Row[Any]]) -> Row[Any] | None:
    """Return the one post that a person holds; whoever holds several has no one list of duties."""
    found = list({row.assignment: row for row in held if row.assignment is not None}.values())
    return found[0] if len(found) == 1 else None


def _ledger_asked(post: Row[Any] | None, on: dt.date) -> list[tuple[Statement, dict[str, Any]]]:
    """Return what tells by which rules a post has duties."""
    return [] if post is None else [state_asked(post.assignment, on), covering_asked(post.id, on)]


def _rules_asked(tx: Transaction, post: Row[Any] | None, on: dt.date) -> list[tuple[Statement, dict[str, Any]]]:
    """Return what is asked for those rules."""
    return [] if post is None else [rubric_asked(tx, state(tx, post.assignment, on), post.id)]


def _open_duties(tx: Transaction, post: Row[Any], on: dt.date) -> tuple[DutyMonthView, ...]:
    """Return the duties of this month that are still open; they are facts, which everybody sees of himself."""
    at = state(tx, post.assignment, on)
    try:
        force = rubric_in_force(tx, at, post_id=post.id, post=post.code)
        if not seen(Relation.APPRAISEE, released=False).facts or not force.rubric.post(post.code).duties:
            return ()
        ahead(tx, *ledger_asked(at.assignment_id, force.period_from, force.period_to, at.appraisal_id))
        months = months_of(tx, at, force, post=post.code, today=on)
    except (Refused, ScoringError):
        return ()  # without a rubric the post has no duties either
    return tuple(one for one in months if one.month == f"{on:%Y-%m}" and one.state == "pending")


def _label(lifecycle: Lifecycle, stage: str, role: str) -> Mapping[str, str] | None:
    """Return the word for the first act of a role in a stage that takes nothing back."""
    acts = (move for move in lifecycle.actions(stage) if role in move.who and "own-last-act" not in move.guards)
    found = next(acts, None)
    return None if found is None else dict(found.label)


def _principals(rows: Sequence[Row[Any]], person: int | None, on: dt.date) -> dict[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    every = frozenset(role.value for role in JUDGING_ROLES)
    for row in rows:
        left = row.delegate_left is not None and row.delegate_left < on
        if row.person_id != person and row.valid_from <= on and not left:
            roles = every if row.role is None else frozenset({row.role})
            found[row.person_id] = found.get(row.person_id, frozenset()) | roles
    return found


def _fit(tx: Transaction, rows: Sequence[Row[Any]], person: int | None, on: dt.date) -> list[Row[Any]]:
    """Return the turns of others in which a person may stand in, by the rules of `services.delegations.unfit`."""
    asked = _about(rows, person, on)
    parts = {row.appraisal_id for row in tx.all(_PARTS, asked)}
    acted = {(row.appraisal_id, row.role) for row in tx.all(_ACTED, asked)}
    near = {one for row in tx.all(_INTERESTS, asked) for one in (row.person_id, row.other_id)}
    above = superiors_of(tx, person, on) if person is not None else frozenset()
    return [
        row
        for row in rows
        if row.person_id not in near | above | {person}
        and row.id not in parts
        and not any(place == row.id and role != row.role for place, role in acted)
    ]


def _fit_asked(rows: Sequence[Row[Any]], person: int | None, on: dt.date) -> list[tuple[Statement, dict[str, Any]]]:
    """Return what `_fit` asks of the database; nothing for no turns of others."""
    asked = _about(rows, person, on)
    return [(_PARTS, asked), (_ACTED, asked), (_INTERESTS, asked), superiors_asked(person, on)] if rows else []


def _about(rows: Sequence[Row[Any]], person: int | None, on: dt.date) -> dict[str, Any]:
    return {"person": person, "appraisals": [row.id for row in rows], "on": on}


def _substitution(row: Row[Any], person: int | None) -> Substitution:
    return Substitution(
        f"{row.holder_name} ({row.holder_number})",
        f"{row.delegate_name} ({row.delegate_number})",
        row.role,
        row.valid_from,
        row.valid_to,
        row.person_id == person,
    )
