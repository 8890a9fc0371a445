"""What other rules would have made of the ledgers of the last period that is final; nothing is written or released."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import bindparam, select

from models.columns import table_of
from models.cycles import Cycle
from models.rubrics import Definition
from scoring.errors import ScoringError
from scoring.rubric import Rubric
from scoring.score import score
from services import ledgers
from services.access import granted_roles
from services.actors import Actor
from services.errors import Refused
from services.grants import today
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, IN_FORCE, POST
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import CycleState, Role

CYCLE = table_of(Cycle)
DEFINITION = table_of(Definition)
MOST = 100
"""Ledgers that are scored again at most: the first of the period by unit."""

_LAST = (
    select(CYCLE.c.id, CYCLE.c.code, CYCLE.c.period_from, CYCLE.c.period_to)
    .where(
        CYCLE.c.state == CycleState.FINAL.value,
        CYCLE.c.id.in_(
            select(APPRAISAL.c.cycle_id)
            .join(DEFINITION, DEFINITION.c.id == APPRAISAL.c.rubric_id)
            .where(DEFINITION.c.name == bindparam("name"))
        ),
    )
    .order_by(CYCLE.c.period_to.desc(), CYCLE.c.period_from.desc())
    .limit(1)
)
_FINALS = (
    select(APPRAISAL.c.id, APPRAISAL.c.assignment_id, POST.c.code.label("post"), FINAL.c.total)
    .select_from(
        FINAL.join(APPRAISAL, APPRAISAL.c.id == FINAL.c.appraisal_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    )
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"), FINAL.c.total.is_not(None), IN_FORCE)
    .order_by(APPRAISAL.c.unit_no, APPRAISAL.c.id)
    .limit(MOST)
)


@dataclass(frozen=True, slots=True)
class Effect:
    """How many of the ledgers of a period come out the same, higher or lower; `unscored` these rules cannot score.

    `mean` is the average change in points of those that were scored; nobody's own figure is in it.
    """

    code: str
    same: int
    higher: int
    lower: int
    unscored: int
    mean: Fraction | None


def effect(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, rubric: Rubric) -> Effect | None:
    """Return what a rubric would have made of the last final period of its name; None where there is none. For HR.

    At most 100 ledgers are read, in at most four statements each.

    Raises:
        Refused: the actor is no HR officer.
    """
    with uow.read() as tx:
        if granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint({Role.HR, Role.SYSTEM}):
            raise Refused("Only HR tries rules on the ledgers of a period.", "not-hr")
        cycle = tx.first(_LAST, {"name": rubric.id})
        if cycle is None:
            return None
        changes: list[Fraction] = []
        unscored = 0
        for row in tx.all(_FINALS, {"cycle": cycle.id}):
            ledger = ledgers.load_ledger(
                tx,
                assignment_id=row.assignment_id,
                period_from=cycle.period_from,
                period_to=cycle.period_to,
                calendar=rubric.settings.calendar,
                appraisal_id=row.id,
            )
            try:
                changes.append(score(rubric, row.post, ledger).total - row.total)
            except ScoringError:
                unscored += 1  # a clause that was used is gone, or its amount is out of the new range
    mean = round(sum(changes, Fraction(0)) / len(changes), 2) if changes else None
    return Effect(
        cycle.code,
        sum(change == 0 for change in changes),
        sum(change > 0 for change in changes),
        sum(change < 0 for change in changes),
        unscored,
        mean,
    )
