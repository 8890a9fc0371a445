"""What HR looks at before a cycle opens: everybody's roles as drawn up, who will be told, the check of its rules."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, case, exists, func, select

from models.columns import table_of
from models.cycles import CycleRubric, Roster
from models.people import Contact
from models.rubrics import Definition
from scoring.check import check
from scoring.errors import Problem
from services import naming
from services.access import granted_roles, grants_asked
from services.actors import Actor
from services.definitions import rubric_of
from services.errors import Refused
from services.grants import today
from services.one_reading import ahead
from services.people_search import PERSON, POST
from services.staff_letter import letter_asked
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import Role, RosterStatus

CONTACT = table_of(Contact)
CYCLE_RUBRIC = table_of(CycleRubric)
DEFINITION = table_of(Definition)
ROSTER = table_of(Roster)
ASSESSOR, REVIEWER, DECIDER = PERSON.alias("assessor"), PERSON.alias("reviewer"), PERSON.alias("decider")
PAGE = 50
MOST = 2000
"""How much of a roster is counted by how it stands."""

_ROWS = (
    select(
        ROSTER.c.id,
        ROSTER.c.status,
        ROSTER.c.reason_code,
        ROSTER.c.working_days,
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
        *(
            column
            for role, table in (("assessor", ASSESSOR), ("reviewer", REVIEWER), ("decider", DECIDER))
            for column in (table.c.name.label(role), table.c.number.label(f"{role}_number"))
        ),
    )
    .select_from(
        ROSTER.join(PERSON, PERSON.c.id == ROSTER.c.person_id)
        .join(POST, POST.c.id == ROSTER.c.post_id)
        .outerjoin(ASSESSOR, ASSESSOR.c.id == ROSTER.c.assessor_id)
        .outerjoin(REVIEWER, REVIEWER.c.id == ROSTER.c.reviewer_id)
        .outerjoin(DECIDER, DECIDER.c.id == ROSTER.c.decider_id)
    )
    .where(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.id > bindparam("after"))
    .order_by(ROSTER.c.id)
    .limit(PAGE + 1)
)
# Whoever has a statement to write is told first, else his assessor.
_FIRST = case((ROSTER.c.statement, ROSTER.c.person_id), else_=ROSTER.c.assessor_id)
_REACHED = exists(select(CONTACT.c.id).where(CONTACT.c.person_id == _FIRST, CONTACT.c.valid_to.is_(None)))
_TOLD = select(
    func.count(_FIRST.distinct()).label("people"), func.count(case((_REACHED, _FIRST)).distinct()).label("mailed")
).where(ROSTER.c.cycle_id == bindparam("cycle"), ROSTER.c.status == RosterStatus.RATED.value)
_COUNTED = (
    select(ROSTER.c.status)
    # As a range, so that PostgreSQL finds the order only in the index of cycles and passes over no other cycle's rows.
    .where(ROSTER.c.cycle_id.between(bindparam("cycle"), bindparam("cycle")))
    .order_by(ROSTER.c.cycle_id, ROSTER.c.id)
    .limit(MOST)
    .subquery("counted")
)
_COUNTS = select(_COUNTED.c.status, func.count().label("number")).group_by(_COUNTED.c.status)
_RUBRICS = (
    select(DEFINITION.c.id, DEFINITION.c.name, DEFINITION.c.version, DEFINITION.c.digest)
    .where(
        DEFINITION.c.id.in_(select(CYCLE_RUBRIC.c.definition_id).where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle")))
    )
    .order_by(DEFINITION.c.name, DEFINITION.c.version)
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A cycle before it opens. `told` people are told at the opening, `mailed` of them by mail, if that was asked.

    `counts` says how many of the roster stand how; of one with more than 2,000 people it counts the first 2,000, and
    `more` is True. `rules` are name and version of each rubric with what its check says; `rows` a page of the roster
    as drawn up.
    """

    code: str
    state: str
    period_from: dt.date
    period_to: dt.date
    counts: Mapping[str, int]
    more: bool
    told: int
    mailed: int
    rules: tuple[tuple[str, tuple[Problem, ...]], ...]
    rows: tuple[Row[Any], ...]
    after: int | None


def opening(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str, after: int = 0, told: bool = False
) -> Opening:
    """Return what is known of a cycle before it opens, in a bounded number of statements once its rules were read.

    `told` counts who will be told, which goes through the whole roster; only who is about to open needs it.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer runs nothing.
    """
    with uow.read() as tx:
        on = today(tx, now)
        ahead(tx, grants_asked(actor.person_id, on), naming.cycle_asked(cycle))
        roles = granted_roles(tx, actor.person_id, on)
        if roles.isdisjoint({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM}):
            raise Refused("Only HR, the approver and auditors see a cycle before it opens.", "not-hr")
        row = naming.cycle(tx, cycle)
        of_it, from_there = {"cycle": row.id}, {"cycle": row.id, "after": after}
        letter = letter_asked(row) if Role.HR in roles else []
        ahead(tx, (_ROWS, from_there), (_COUNTS, of_it), (_RUBRICS, of_it), *letter)
        counted = tx.first(_TOLD, of_it) if told else None
        rows = tx.all(_ROWS, from_there)
        shown = rows[:PAGE]
        counts = {one.status: one.number for one in tx.all(_COUNTS, of_it)}
        return Opening(
            row.code,
            row.state,
            row.period_from,
            row.period_to,
            counts,
            sum(counts.values()) == MOST,
            0 if counted is None else counted.people,
            0 if counted is None else counted.mailed,
            tuple(
                (f"{one.name}@{one.version}", check(rubric_of(tx, one.id, one.digest), period_from=row.period_from))
                for one in tx.all(_RUBRICS, of_it)
            ),
            tuple(shown),
            shown[-1].id if len(rows) > PAGE else None,
        )
