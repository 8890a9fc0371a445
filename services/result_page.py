"""The results of a cycle a page at a time, with last quarter's beside them, found by number, name or initials."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from models.columns import table_of
from models.cycles import Cycle
from services import naming, view_log
from services.access import granted_roles
from services.actors import Actor
from services.errors import Malformed, Refused
from services.grants import today
from services.people_search import PERSON, matching
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, IN_FORCE, POST
from services.results import SEES_TABLE, Result, read_results
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import CycleState

CYCLE = table_of(Cycle)
PAGE = 50

_CHOSEN = (
    select(APPRAISAL.c.id, APPRAISAL.c.person_id, PERSON.c.number)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        or_(
            PERSON.c.number > bindparam("number"),
            and_(PERSON.c.number == bindparam("number"), APPRAISAL.c.id > bindparam("last")),
        ),
    )
    .order_by(PERSON.c.number, APPRAISAL.c.id)
    .limit(PAGE + 1)
)
# The period just before, of periods that end on one day the shortest: the quarter and not the year.
_BEFORE = (
    select(CYCLE.c.id)
    .where(CYCLE.c.state == CycleState.FINAL.value, CYCLE.c.period_to < bindparam("first"))
    .order_by(CYCLE.c.period_to.desc(), CYCLE.c.period_from.desc())
    .limit(1)
    .scalar_subquery()
)
_LAST = (
    select(CYCLE.c.code, PERSON.c.number, POST.c.code.label("post"), FINAL.c.total, FINAL.c.grade)
    .select_from(
        FINAL.join(APPRAISAL, APPRAISAL.c.id == FINAL.c.appraisal_id)
        .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
        .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    )
    .where(
        APPRAISAL.c.cycle_id == _BEFORE,
        APPRAISAL.c.person_id.in_(bindparam("people", expanding=True)),
        FINAL.c.total.is_not(None),
        IN_FORCE,
    )
    .order_by(PERSON.c.number, APPRAISAL.c.id)
)


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of results. `last` has the signed figures of the period before: (total, grade) by number and post."""

    code: str
    state: str
    rows: tuple[Result, ...]
    last: Mapping[tuple[str, str], tuple[Fraction, str | None]]
    last_code: str | None
    after: str | None


def result_page(
    uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str, words: str = "", after: str = ""
) -> ResultPage:
    """Return results by employee number, 50 at a time, as far as the viewer may see them; at most 10 statements.

    What is signed of the period before is released, so whoever sees the table sees it too (`services.sight`).

    Raises:
        NotFound: there is no such cycle.
        Malformed: `after` is none of ours.
        Refused: the viewer sees no table of a cycle.
    """
    number, _, last = after.partition("~")
    if last and not (last.isascii() and last.isdigit() and len(last) <= len(str(2**62))):
        raise Malformed(f"{after[:40]!r} is no place in this list; begin at its first page.", "bad-place")
    with uow.read() as tx:
        if granted_roles(tx, viewer.person_id, today(tx, now)).isdisjoint(SEES_TABLE):
            raise Refused("Only HR, the approver and auditors see the results of a whole cycle.", "not-hr")
        row = naming.cycle(tx, cycle)
        statement = _CHOSEN.where(matching(words)) if words else _CHOSEN
        values: dict[str, Any] = {"cycle": row.id, "number": number, "last": int(last or 0)}
        found = tx.all(statement, values)
        shown = found[:PAGE]
        rows = read_results(tx, viewer=viewer, now=now, cycle=cycle, only=[one.id for one in shown])
        people = sorted({one.person_id for one in shown})
        before = tx.all(_LAST, {"people": people, "first": row.period_from})
    if any(one.total is not None for one in rows):
        view_log.look(uow, viewer=viewer, now=now, kind=view_log.RESULT_TABLE, object_id=row.id)
    return ResultPage(
        row.code,
        row.state,
        rows,
        {(one.number, one.post): (one.total, one.grade) for one in before},
        before[0].code if before else None,
        f"{shown[-1].number}~{shown[-1].id}" if len(found) > PAGE else None,
    )
