"""Parts that were passed on for an absence under protection go back when the person is there again (domain.md, 5b).

With the first planning after the absence, and as an ordinary handing over by the system: whoever stood in keeps sight
of what he did, and whoever is back is told once, with his days begun anew. Only what is open goes back: a part in which
whoever stood in made his move, and whose turn is over, stays with him. What HR gave to somebody, and what was passed
upward because days were over, stays where it is.
"""

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select, update

from models.columns import UtcDateTime
from services import life_settings, naming
from services.access import PARTY
from services.actors import SYSTEM
from services.definitions import workflow_of
from services.handover import Handover, acted_in, days_anew, hand_over, holders_of, moved_in
from services.life_settings import COME_BACK
from services.losses import ABSENCE, LOOKS_BACK, changed, concerns
from services.reporting import OfficeData, load_office
from services.standing import APPRAISAL, CYCLE, WORK_ITEM, Standing, load, local_day
from services.told_again import revive
from services.unit_of_work import Transaction
from workflow.errors import WorkflowError
from workflow.replacing import demand_fit
from workflow.vocabulary import JUDGING_ROLES, LAST_STAGE, CycleState

BACK = "back"
"""Stands as the reason of a part that went back."""
_BY_RECORDS = frozenset({"absent", "left", "recused", "moved", "acting", "died"})
"""Reasons of what was passed on because the records say so, and not by a decision about this part."""
_DAY = ABSENCE.c.valid_to.type
_AGAIN = ABSENCE.alias("again")
_PRESENT = ~(
    select(_AGAIN.c.id)
    .where(
        _AGAIN.c.person_id == ABSENCE.c.person_id,
        _AGAIN.c.kind == "protected",
        _AGAIN.c.valid_from <= bindparam("on", type_=_DAY),
        or_(_AGAIN.c.valid_to.is_(None), _AGAIN.c.valid_to >= bindparam("on", type_=_DAY)),
    )
    .exists()
)
_BACK = (
    select(ABSENCE.c.person_id)
    .where(
        ABSENCE.c.kind == "protected",
        ABSENCE.c.valid_to.between(bindparam("since", type_=_DAY), bindparam("before", type_=_DAY)),
        _PRESENT,
    )
    .distinct()
)
_RUNNING = and_(
    APPRAISAL.c.stage != LAST_STAGE,
    CYCLE.c.state.not_in((CycleState.CANCELLED.value, CycleState.PLANNED.value)),
)
_LENT = (
    select(PARTY.c.appraisal_id)
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        PARTY.c.person_id.in_(bindparam("people", expanding=True)),
        PARTY.c.to_at.is_not(None),
        PARTY.c.role.in_([role.value for role in JUDGING_ROLES]),
        _RUNNING,
    )
    .distinct()
    .order_by(PARTY.c.appraisal_id)
)
_PARTS = (
    select(PARTY, APPRAISAL.c.person_id.label("appraisee"))
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .where(PARTY.c.appraisal_id.in_(bindparam("appraisals", expanding=True)), PARTY.c.seat == 1)
    .order_by(PARTY.c.id)
)
_ASLEEP = (
    select(WORK_ITEM.c.id, WORK_ITEM.c.appraisal_id, WORK_ITEM.c.holder_id, WORK_ITEM.c.due_at)
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        WORK_ITEM.c.holder_id.in_(bindparam("people", expanding=True)),
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.next_action_at.is_(None),
        WORK_ITEM.c.due_at.is_not(None),
        WORK_ITEM.c.role.in_([role.value for role in JUDGING_ROLES]),
        _RUNNING,
    )
    .order_by(WORK_ITEM.c.id)
)
_WAKE = (
    update(WORK_ITEM)
    .where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None))
    .values(due_at=bindparam("due", type_=UtcDateTime()), next_action_at=bindparam("at", type_=UtcDateTime()))
)
_BATCH = 500


def give_back(tx: Transaction, now: dt.datetime) -> tuple[Handover, ...]:
    """Give back what is open and was passed on for an absence that is over, and wake what lay still meanwhile.

    Running it again does nothing; whoever may not have his part any more is looked at again on the next day.
    """
    zone = naming.organisation(tx).zone
    day = local_day(now, zone)
    span = {"on": day, "since": day - LOOKS_BACK, "before": day - dt.timedelta(days=1)}
    back = sorted(row.person_id for row in tx.all(_BACK, span))
    handovers: list[Handover] = []
    for start in range(0, len(back), _BATCH):
        people = back[start : start + _BATCH]
        _wake(tx, people, now)
        if life_settings.of(tx).returned == COME_BACK:
            handovers += _give_back(tx, people, day, now)
    return tuple(handovers)


def _wake(tx: Transaction, people: Sequence[int], now: dt.datetime) -> None:
    """Let the clock run again for what nobody was left to take: the days begin anew, and what was stopped is told."""
    asleep = tx.all(_ASLEEP, {"people": people})
    standings = {one.id: one for one in load(tx, sorted({row.appraisal_id for row in asleep}), SYSTEM, now)}
    for row in asleep:
        due = days_anew(tx, standings[row.appraisal_id], row.due_at, now)
        tx.run(_WAKE, {"item": row.id, "due": due, "at": now})
        revive(tx, item=row.id, person=row.holder_id)
        tx.ring()


@dataclass(frozen=True, slots=True)
class _Returns:
    """What tells whether somebody may have a part of an appraisal again, read once for all of them."""

    tx: Transaction
    office: OfficeData
    losses: Mapping[int, Sequence[Row[Any]]]
    zone: zoneinfo.ZoneInfo

    def may_hold(
        self, standing: Standing, part: Row[Any], holders: Mapping[str, int], acted: Mapping[str, frozenset[int]]
    ) -> bool:
        """Tell whether who had a part may have it again: here, no interest, in his post, no other part."""
        reporting = self.office.reporting.get(standing.row.assignment_id)
        if reporting is None or any(concerns(loss, part, self.zone) for loss in self.losses.get(part.person_id, ())):
            return False
        roles = workflow_of(self.tx, standing.row.workflow_id, standing.row.workflow_digest).roles
        try:
            demand_fit(
                roles, reporting, self.office.office, holders, role=part.role, person=part.person_id, acted=acted
            )
        except WorkflowError:
            return False
        return True


def _give_back(tx: Transaction, people: Sequence[int], day: dt.date, now: dt.datetime) -> Iterator[Handover]:
    appraisals = [int(row.appraisal_id) for row in tx.all(_LENT, {"people": people})]
    if not appraisals:
        return
    zone = zoneinfo.ZoneInfo(naming.organisation(tx).zone)
    returns = _Returns(tx, load_office(tx, day, since=day - LOOKS_BACK), changed(tx, day), zone)
    for start in range(0, len(appraisals), _BATCH):
        some = appraisals[start : start + _BATCH]
        parts: dict[int, list[Row[Any]]] = {}
        for row in tx.all(_PARTS, {"appraisals": some}):
            parts.setdefault(row.appraisal_id, []).append(row)
        for standing in load(tx, some, SYSTEM, now):
            yield from _of_one(returns, standing, parts[standing.id], now)


def _of_one(returns: _Returns, standing: Standing, parts: Sequence[Row[Any]], now: dt.datetime) -> Iterator[Handover]:
    """Give back the parts of one appraisal, the score first: who reviews then follows from who scores."""
    tx = returns.tx
    holders, acted = holders_of(standing), acted_in(tx, standing)
    moved = moved_in(tx, standing)
    turn = standing.lifecycle.stage(standing.stage).holder
    for role in JUDGING_ROLES:
        present = holders.get(role)
        if present is None or (turn != role and present in moved.get(role, ())):
            continue
        for part in _lenders(parts, role):
            if part.person_id != present and returns.may_hold(standing, part, holders, acted):
                yield hand_over(
                    tx, standing, role=role, was=present, becomes=part.person_id, why=BACK, actor=SYSTEM, now=now
                )
                holders[role] = part.person_id
                break


def _lenders(parts: Sequence[Row[Any]], role: str) -> list[Row[Any]]:
    """Return the parts from which a role went away for an absence, the oldest first; up to the last decision about it.

    A part begins at the moment in which the one before it ends.
    """
    of_role = [part for part in parts if part.role == role]
    present = next((part for part in of_role if part.to_at is None), None)
    lenders: list[Row[Any]] = []
    while present is not None and present.source in _BY_RECORDS:
        before = [part for part in of_role if part.to_at == present.from_at and part.id < present.id]
        former = before[-1] if before else None
        if former is not None and present.source == "absent":
            lenders.append(former)
        present = former
    return lenders[::-1]
