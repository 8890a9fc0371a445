"""Open parts of who left, is away under protection, moved, has an interest or is acted for go to who takes over (5b).

What is to be passed on follows from the records and the day alone, so it makes no difference whether somebody enters a
change on the day, in advance or by an import: the act itself passes on what is due already, the first planning of each
day the rest. Doing it again does nothing.
"""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Row, and_, bindparam, cast, exists, literal, null, or_, select, union_all, update

from models.columns import table_of
from models.people import Absence, ConflictOfInterest
from services import naming
from services.access import PARTY
from services.actors import SYSTEM, Actor
from services.definitions import workflow_of
from services.handover import Handover, acted_in, hand_over, holders_of, stop_mails
from services.reporting import OfficeData, load_office
from services.standing import APPRAISAL, ASSIGNMENT, CYCLE, PERSON, WORK_ITEM, Standing, load, local_day
from services.strays import take_strays
from services.unit_of_work import Transaction, UnitOfWork
from workflow.replacing import succeed
from workflow.vocabulary import JUDGING_ROLES, LAST_STAGE, CycleState

ABSENCE = table_of(Absence)
CONFLICT = table_of(ConflictOfInterest)
ACTING = ASSIGNMENT.alias("acting")
RENEWED = ASSIGNMENT.alias("renewed")

LOOKS_BACK = dt.timedelta(days=400)
"""How long after a change its parts are looked for: every first planning of a day looks, so a year is ample."""

_ON: BindParameter[Any] = bindparam("on", type_=ASSIGNMENT.c.valid_from.type)
_SINCE: BindParameter[Any] = bindparam("since", type_=ASSIGNMENT.c.valid_from.type)
_BEFORE: BindParameter[Any] = bindparam("before", type_=ASSIGNMENT.c.valid_from.type)
# A bare NULL is a text to PostgreSQL, once two of them have met in a union.
_NOBODY, _NEVER = cast(null(), PERSON.c.id.type), cast(null(), ASSIGNMENT.c.valid_from.type)


def _in_force(table: Any) -> Any:
    return and_(table.c.valid_from <= _ON, or_(table.c.valid_to.is_(None), table.c.valid_to >= _ON))


def _because(why: str, person: Any, condition: Any, *, about: Any = _NOBODY, day: Any = _NEVER) -> Any:
    """Select people who hold something no more: only what is about `about`, and only what is older than `day`."""
    return select(person.label("person_id"), literal(why).label("why"), about.label("about"), day.label("day")).where(
        condition
    )


# Read from the small tables first: the cost follows what changed lately, not how many parts there are.
_CHANGED = union_all(
    _because("left", PERSON.c.id, PERSON.c.left.between(_SINCE, _BEFORE)),
    _because("absent", ABSENCE.c.person_id, and_(ABSENCE.c.kind == "protected", _in_force(ABSENCE))),
    _because("recused", CONFLICT.c.person_id, _in_force(CONFLICT), about=CONFLICT.c.other_id),
    _because("recused", CONFLICT.c.other_id, _in_force(CONFLICT), about=CONFLICT.c.person_id),
    _because(
        "moved",
        ASSIGNMENT.c.person_id,
        and_(
            ASSIGNMENT.c.kind == "regular",
            ASSIGNMENT.c.main.is_(True),
            ASSIGNMENT.c.valid_to.between(_SINCE, _BEFORE),
            ~exists(
                select(RENEWED.c.id).where(
                    RENEWED.c.person_id == ASSIGNMENT.c.person_id,
                    RENEWED.c.post_id == ASSIGNMENT.c.post_id,
                    RENEWED.c.kind == "regular",
                    _in_force(RENEWED),
                )
            ),
        ),
        day=ASSIGNMENT.c.valid_to,
    ),
    _because(
        "acting",
        ASSIGNMENT.c.person_id,
        and_(
            ASSIGNMENT.c.kind == "regular",
            _in_force(ASSIGNMENT),
            ACTING.c.post_id == ASSIGNMENT.c.post_id,
            ACTING.c.kind == "acting",
            ACTING.c.person_id != ASSIGNMENT.c.person_id,
            ACTING.c.valid_from >= _SINCE,
            _in_force(ACTING),
        ),
        day=ACTING.c.valid_from,
    ),
)
_PARTS = (
    select(PARTY.c.appraisal_id, PARTY.c.person_id, PARTY.c.from_at, APPRAISAL.c.person_id.label("appraisee"))
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        PARTY.c.person_id.in_(bindparam("people", expanding=True)),
        PARTY.c.to_at.is_(None),
        PARTY.c.role.in_([role.value for role in JUDGING_ROLES]),
        APPRAISAL.c.stage != LAST_STAGE,
        CYCLE.c.state.not_in((CycleState.CANCELLED.value, CycleState.PLANNED.value)),
    )
    .order_by(PARTY.c.appraisal_id)
)
_BATCH = 500
_HOLD = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.appraisal_id == bindparam("appraisal"),
        WORK_ITEM.c.holder_id == bindparam("person"),
        WORK_ITEM.c.role.in_([role.value for role in JUDGING_ROLES]),
        WORK_ITEM.c.closed_at.is_(None),
    )
    .values(next_action_at=None)
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A part that nobody without another part is left for: it holds, and stands first on HR's list."""

    appraisal: str
    role: str
    holder: int
    why: str


@dataclass(frozen=True, slots=True)
class PassedOn:
    """What was passed on, and what is stuck."""

    handovers: tuple[Handover, ...] = ()
    stuck: tuple[Stuck, ...] = ()


def pass_on_due(uow: UnitOfWork, *, now: dt.datetime, planned: dt.datetime | None) -> PassedOn:
    """Pass on what became due since the last planning, once a day: nothing where `planned` lies on the same day."""
    with uow.read() as tx:
        row = tx.first(naming.ANY_ORGANISATION)
        if row is None or (planned is not None and local_day(planned, row.zone) >= local_day(now, row.zone)):
            return PassedOn()
    with uow.write() as tx:
        take_strays(tx, now)
        return pass_on(tx, actor=SYSTEM, now=now)


def pass_on(
    tx: Transaction,
    *,
    actor: Actor,
    now: dt.datetime,
    on: dt.date | None = None,
    people: frozenset[int] | None = None,
    why: str | None = None,
) -> PassedOn:
    """Pass on every open part whose holder may not, or does not, hold it any more.

    `on` is the day the records are read for, by default today; `people` are those whose parts are looked at, by default
    everybody; `why`, where given, stands as the reason of all that is passed on.
    """
    zone = naming.organisation(tx).zone
    day = on or local_day(now, zone)
    losses = _losses(tx, day, zoneinfo.ZoneInfo(zone), people)
    return _pass_on(tx, losses, actor=actor, now=now, day=day, why=why) if losses else PassedOn()


def _losses(
    tx: Transaction, day: dt.date, zone: zoneinfo.ZoneInfo, people: frozenset[int] | None
) -> dict[int, dict[int, str]]:
    """Return, by appraisal, who can hold nothing of it any more, and why."""
    changed: dict[int, list[Row[Any]]] = {}
    for row in tx.all(_CHANGED, {"on": day, "since": day - LOOKS_BACK, "before": day - dt.timedelta(days=1)}):
        if people is None or row.person_id in people:
            changed.setdefault(row.person_id, []).append(row)
    losses: dict[int, dict[int, str]] = {}
    ids = sorted(changed)
    for start in range(0, len(ids), _BATCH):
        for part in tx.all(_PARTS, {"people": ids[start : start + _BATCH]}):
            why = next((row.why for row in changed[part.person_id] if _concerns(row, part, zone)), None)
            if why is not None:
                losses.setdefault(part.appraisal_id, {}).setdefault(part.person_id, str(why))
    return losses


def _concerns(change: Row[Any], part: Row[Any], zone: zoneinfo.ZoneInfo) -> bool:
    """Tell whether a change takes a part: one got after a move, or while somebody acted already, was got knowing it."""
    if change.about is not None and change.about != part.appraisee:
        return False
    if change.day is None:
        return True
    got = part.from_at.astimezone(zone).date()
    day = change.day if isinstance(change.day, dt.date) else dt.date.fromisoformat(str(change.day))
    return bool(got <= day if change.why == "moved" else got < day)


def _pass_on(
    tx: Transaction,
    losses: Mapping[int, Mapping[int, str]],
    *,
    actor: Actor,
    now: dt.datetime,
    day: dt.date,
    why: str | None,
) -> PassedOn:
    """Pass on, in each appraisal, the parts of those who can hold none of it any more; `losses` says why, by person.

    A part that moves because another one did has the same reason.
    """
    handovers: list[Handover] = []
    stuck: list[Stuck] = []
    office = load_office(tx, day, since=day - LOOKS_BACK)
    for standing in load(tx, sorted(losses), actor, now):
        lost = losses[standing.id]
        holders = holders_of(standing)
        found = _successors(tx, standing, office, holders, frozenset(lost))
        reasons = [lost[person] for person in holders.values() if person in lost]
        fallback = why or (reasons[0] if reasons else "passed")
        if found is None:
            stuck += _stuck(tx, standing, holders, lost)
            continue
        for role, person in found.items():
            was = holders[role]
            if person != was:
                code = why or lost.get(was, fallback)
                handovers.append(
                    hand_over(tx, standing, role=role, was=was, becomes=person, why=code, actor=actor, now=now)
                )
    return PassedOn(tuple(handovers), tuple(stuck))


def _stuck(tx: Transaction, standing: Standing, holders: Mapping[str, int], lost: Mapping[int, str]) -> list[Stuck]:
    """Let the parts hold that nobody is left for: nobody is reminded of what he can no longer do."""
    for person in lost:
        tx.run(_HOLD, {"appraisal": standing.id, "person": person})
        stop_mails(tx, person, why="nobody-left", appraisal_id=standing.id)
    return [Stuck(standing.code, role, person, lost[person]) for role, person in holders.items() if person in lost]


def _successors(
    tx: Transaction, standing: Standing, office: OfficeData, holders: Mapping[str, int], gone: frozenset[int]
) -> dict[str, int] | None:
    """Return who holds each part afterwards, or None where nobody is left."""
    reporting = office.reporting.get(standing.row.assignment_id)
    if reporting is None:
        return None
    roles = workflow_of(tx, standing.row.workflow_id, standing.row.workflow_digest).roles
    found = succeed(roles, reporting, office.office, holders, gone, acted=acted_in(tx, standing))
    return None if found.problems else found.people
