"""Passing a part on when its days are over: who takes it, and who thereby reviews and decides (domain.md, section 5).

The answer is worked out from the office of today by the one place that knows roles; nobody gets two parts, nobody one
in his own appraisal. What is passed on stands in the move that does it, from whom and to whom.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update

from models.columns import UtcDateTime, table_of
from models.people import Delegation
from services.access import PARTY
from services.definitions import workflow_of
from services.errors import Refused
from services.reporting import OfficeData, load_office
from services.standing import MOVE, Standing
from services.unit_of_work import Transaction
from workflow.form import RolesForm
from workflow.parts import Resolution
from workflow.roles import handed, upward
from workflow.search import Search
from workflow.vocabulary import JUDGING_ROLES, Effect, PassTo

DELEGATION = table_of(Delegation)

_MOVES = (
    select(MOVE.c.action, MOVE.c.from_stage, MOVE.c.to_stage, MOVE.c.role, MOVE.c.actor_id, MOVE.c.on_behalf_of)
    .where(MOVE.c.appraisal_id == bindparam("appraisal"))
    .order_by(MOVE.c.seq)
)
_SUBSTITUTES = (
    select(DELEGATION.c.delegate_id)
    .where(
        DELEGATION.c.person_id == bindparam("person"),
        or_(DELEGATION.c.role.is_(None), DELEGATION.c.role == bindparam("role")),
        DELEGATION.c.valid_from <= bindparam("on"),
        or_(DELEGATION.c.valid_to.is_(None), DELEGATION.c.valid_to >= bindparam("on")),
    )
    .order_by(DELEGATION.c.id)
)
_END_PART = (
    update(PARTY)
    .where(
        PARTY.c.appraisal_id == bindparam("of_appraisal"),
        PARTY.c.role == bindparam("of_role"),
        PARTY.c.person_id == bindparam("of_person"),
        PARTY.c.to_at.is_(None),
    )
    .values(to_at=bindparam("at", type_=UtcDateTime()))
)


@dataclass(frozen=True, slots=True)
class Handed:
    """Who has which part from now on, what changed by role (from whom, to whom), and by which step of the workflow."""

    holders: Mapping[str, int]
    changed: Mapping[str, tuple[int | None, int]]
    step: PassTo


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything that the resolution looks at, read once for all its steps."""

    tx: Transaction
    standing: Standing
    role: str
    holders: Mapping[str, int]
    roles: RolesForm
    office: OfficeData
    acted: Mapping[str, frozenset[int]]

    def resolved(self, step: PassTo) -> Resolution:
        """Return who has which part when it is passed on by one step."""
        reporting = self.office.reporting[self.standing.row.assignment_id]
        office = self.office.office
        if step is PassTo.NEXT_IN_LINE:
            return upward(self.roles, reporting, office, self.holders, self.role, acted=self.acted)
        if step is PassTo.UNIT_HEAD:
            named = [head for head in reporting.unit_heads if head is not None]
        else:
            asked = {"person": self.holders.get(self.role), "role": self.role, "on": self.standing.today}
            named = [row.delegate_id for row in self.tx.all(_SUBSTITUTES, asked)]
            position = self.standing.lifecycle.stage(self.standing.stage).substitute
            if position is not None:
                named += [one for one, _ in Search(self.roles, reporting, office, {}).people_at(position)]
        return handed(
            self.roles, reporting, office, holders=self.holders, role=self.role, candidates=named, acted=self.acted
        )


def next_holder(tx: Transaction, standing: Standing) -> Handed:
    """Return to whom the part of the present stage goes, and which other parts change with it; nothing is written.

    Raises:
        Refused: nobody without another part is left (`nobody-left`), or the workflow leaves it to HR (`with-hr`).
    """
    stage = standing.lifecycle.stage(standing.stage)
    role = stage.holder
    if role not in JUDGING_ROLES:
        raise Refused(f"The part of {role} is passed to nobody.", "unknown-role")
    moves = tx.all(_MOVES, {"appraisal": standing.id})
    holders = {part: people[0] for part, people in standing.parts.holders.items() if part in JUDGING_ROLES and people}
    office = load_office(tx, standing.today, since=standing.row.period_from)
    if standing.row.assignment_id not in office.reporting:
        raise Refused("The assignment is not in the organisation's records any more.", "nobody-left")
    roles = workflow_of(tx, standing.row.workflow_id, standing.row.workflow_digest).roles
    asked = _Asked(tx, standing, role, holders, roles, office, _acted(moves))
    for step in _steps_left(stage.pass_to, _times(standing, moves)):
        if step is PassTo.HR:
            raise Refused("By the workflow it now lies with HR to name somebody.", "with-hr")
        found = asked.resolved(step).people
        changed = {part: (holders.get(part), person) for part, person in found.items() if holders.get(part) != person}
        if role in changed:
            return Handed(found, changed, step)
    raise Refused("Nobody without another part is left to take it.", "nobody-left")


def _steps_left(steps: Sequence[PassTo], done: int) -> Sequence[PassTo]:
    """Return the steps that are left; up the line it goes on as long as there is somebody."""
    return steps[done:] or [step for step in steps[-1:] if step is PassTo.NEXT_IN_LINE]


def _times(standing: Standing, moves: Sequence[Row[Any]]) -> int:
    """Return how often the part was passed on since the stage was entered: each round begins with the first step."""
    times = 0
    for row in moves:
        if row.from_stage != row.to_stage:
            times = 0
            continue
        form = standing.lifecycle.move(row.from_stage, row.action)
        times += form is not None and Effect.HAND_ON in form.effects
    return times


def _acted(moves: Sequence[Row[Any]]) -> dict[str, frozenset[int]]:
    acted: dict[str, frozenset[int]] = {}
    for row in moves:
        person = row.on_behalf_of if row.on_behalf_of is not None else row.actor_id
        if row.role in JUDGING_ROLES and person is not None:
            acted[row.role] = acted.get(row.role, frozenset()) | {person}
    return acted


def write_parts(tx: Transaction, standing: Standing, given: Handed, at: dt.datetime) -> None:
    """End the parts that are passed on and write the new ones; the former holders keep theirs as ended."""
    tx.run(
        _END_PART,
        [
            {"of_appraisal": standing.id, "of_role": part, "of_person": old, "at": at}
            for part, (old, _) in given.changed.items()
        ],
    )
    tx.insert_many(
        PARTY,
        [
            {
                "appraisal_id": standing.id,
                "person_id": person,
                "role": part,
                "seat": 1,
                "source": str(given.step),
                "from_at": at,
                "to_at": None,
            }
            for part, (_, person) in given.changed.items()
        ],
    )
