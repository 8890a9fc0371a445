"""Whose cases stand on a judge's lists: his own, and those of whom he stands in for today, where he may stand in.

The rules are those of `services.delegations.unfit`, written as a condition, so that a list of any length takes no more
statements for them.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, or_, select

from models.columns import table_of
from models.findings import Finding
from models.people import Delegation
from services.access import CONFLICT, PARTY, superiors_of
from services.actors import Actor
from services.standing import APPRAISAL, CYCLE, MOVE, PERSON, WORK_ITEM
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

DELEGATION = table_of(Delegation)
FINDING = table_of(Finding)
HOLDER = PERSON.alias("stood_for")
_ME = PERSON.alias("substitute")
_ON = bindparam("on", type_=DELEGATION.c.valid_from.type)

_FOR = (
    select(DELEGATION.c.person_id, DELEGATION.c.valid_to, HOLDER.c.name, HOLDER.c.number)
    .join(HOLDER, HOLDER.c.id == DELEGATION.c.person_id)
    .join(_ME, _ME.c.id == DELEGATION.c.delegate_id)
    .where(
        DELEGATION.c.delegate_id == bindparam("person"),
        or_(DELEGATION.c.role.is_(None), DELEGATION.c.role == bindparam("role")),
        DELEGATION.c.valid_from <= _ON,
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= _ON),
        or_(_ME.c.left.is_(None), _ME.c.left >= _ON),
    )
    .order_by(DELEGATION.c.valid_to, DELEGATION.c.id)
)


@dataclass(frozen=True, slots=True)
class StandsFor:
    """For whom somebody acts, by name and number, and the last day of it; None where it has none."""

    holder: str
    last: dt.date | None


@dataclass(frozen=True, slots=True)
class StandIns:
    """For whom a judge stands in today, by id, and what `waits_for` asks of the database."""

    people: Mapping[int, StandsFor]
    values: Mapping[str, Any]

    def of(self, row: Row[Any], person: int | None) -> StandsFor | None:
        """Return for whom the case of a row with `holder_id` is decided, None where it is his own."""
        return None if row.holder_id == person else self.people.get(row.holder_id)


def stand_ins(tx: Transaction, actor: Actor, role: Role, on: dt.date) -> StandIns:
    """Return for whom somebody stands in as a role on a day; two statements. Nobody does by proxy."""
    rows = [] if actor.typed_by is not None or actor.person_id is None else _rows(tx, actor.person_id, role, on)
    people = {row.person_id: StandsFor(f"{row.name} ({row.number})", row.valid_to) for row in rows}
    above = superiors_of(tx, actor.person_id, on) if people and actor.person_id is not None else frozenset[int]()
    holders = [one for one in (actor.person_id, *sorted(people)) if one is not None]
    values = {"person": actor.person_id, "holders": holders, "above": sorted(above), "on": on}
    return StandIns(people, {**values, "role": role.value})


def _rows(tx: Transaction, person_id: int, role: Role, on: dt.date) -> list[Row[Any]]:
    return list(tx.all(_FOR, {"person": person_id, "role": role.value, "on": on}))


def waits_for() -> ColumnElement[bool]:
    """Return the condition that an open work item waits for the person, or for one whom he may stand in for.

    He may not in his own appraisal nor in a superior's, nor where he has a part, has acted in another part, or one of
    the two has a declared interest in the other. The statement has appraisal, cycle and work item.
    """
    me, role = bindparam("person", type_=PERSON.c.id.type), bindparam("role", type_=MOVE.c.role.type)
    interest = exists().where(
        or_(
            and_(CONFLICT.c.person_id == me, CONFLICT.c.other_id == APPRAISAL.c.person_id),
            and_(CONFLICT.c.other_id == me, CONFLICT.c.person_id == APPRAISAL.c.person_id),
        ),
        CONFLICT.c.valid_from <= _ON,
        or_(CONFLICT.c.valid_to.is_(None), CONFLICT.c.valid_to >= _ON),
    )
    part = exists().where(PARTY.c.appraisal_id == APPRAISAL.c.id, PARTY.c.person_id == me, PARTY.c.to_at.is_(None))
    acted = exists().where(
        MOVE.c.appraisal_id == APPRAISAL.c.id,
        or_(MOVE.c.actor_id == me, MOVE.c.on_behalf_of == me),
        MOVE.c.role != role,
    )
    recorded = exists().where(
        FINDING.c.assignment_id == APPRAISAL.c.assignment_id,
        FINDING.c.counted_on.between(CYCLE.c.period_from, CYCLE.c.period_to),
        FINDING.c.recorded_by == me,
        role != Role.ASSESSOR.value,
    )
    return and_(
        WORK_ITEM.c.holder_id.in_(bindparam("holders", expanding=True)),
        or_(
            WORK_ITEM.c.holder_id == me,
            and_(
                APPRAISAL.c.person_id != me,
                APPRAISAL.c.person_id.not_in(bindparam("above", expanding=True)),
                ~part,
                ~acted,
                ~recorded,
                ~interest,
            ),
        ),
    )
