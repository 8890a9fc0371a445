"""Open parts of who left, is away under protection, moved, has an interest or is acted for go to who takes over (5b).

What is to be passed on follows from the records and the day alone, so it makes no difference whether somebody enters a
change on the day, in advance or by an import: the act itself passes on what is due already, the first planning of each
day the rest. Doing it again does nothing. Before that, what was passed on for an absence that is over goes back.
"""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from services import naming
from services.access import PARTY
from services.actors import SYSTEM, Actor
from services.definitions import workflow_of
from services.handover import Handover, acted_in, hand_over, holders_of, stop_mails
from services.losses import LOOKS_BACK, changed, concerns
from services.reporting import OfficeData, load_office
from services.returning import give_back
from services.standing import APPRAISAL, CYCLE, WORK_ITEM, Standing, load, local_day
from services.strays import take_strays
from services.unit_of_work import Transaction, UnitOfWork
from workflow.replacing import succeed
from workflow.vocabulary import JUDGING_ROLES, LAST_STAGE, CycleState

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
        give_back(tx, now)
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
    found = changed(tx, day, people)
    losses: dict[int, dict[int, str]] = {}
    ids = sorted(found)
    for start in range(0, len(ids), _BATCH):
        for part in tx.all(_PARTS, {"people": ids[start : start + _BATCH]}):
            why = next((row.why for row in found[part.person_id] if concerns(row, part, zone)), None)
            if why is not None:
                losses.setdefault(part.appraisal_id, {}).setdefault(part.person_id, str(why))
    return losses


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
