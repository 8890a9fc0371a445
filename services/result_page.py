"""The results of a cycle a page at a time, last quarter's beside them, found by number, part of a name or initials."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import bindparam, select

from models.columns import table_of
from models.cycles import Cycle
from services import view_log
from services.actors import Actor
from services.cycle_frame import Frame, frame
from services.errors import Refused
from services.name_search import PERSON
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, IN_FORCE, POST
from services.result_rows import Asking, page_of_results
from services.results import SEES_TABLE, Result
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState

CYCLE = table_of(Cycle)
PAGE = 50

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
    """A page of results. `last` has the signed figures of the period before: (total, grade) by number and post.

    `noted` tells that there are figures of others on it, which puts the look on record.
    """

    cycle_id: int
    code: str
    state: str
    rows: tuple[Result, ...]
    last: Mapping[tuple[str, str], tuple[Fraction, str | None]]
    last_code: str | None
    after: str | None
    noted: bool


def result_page(
    uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str, words: str = "", after: str = ""
) -> ResultPage:
    """Return results by employee number, 50 at a time, as far as the viewer may see them; at most 5 statements.

    What is signed of the period before is released, so whoever sees the table sees it too (`services.sight`).

    Raises:
        NotFound: there is no such cycle.
        Malformed: `after` is none of ours.
        Refused: the viewer sees no table of a cycle.
    """
    with uow.read() as tx:
        at = table_frame(tx, viewer=viewer, now=now, cycle=cycle)
        page = read_page(tx, at, viewer, words=words, after=after)
    note(uow, page, viewer=viewer, now=now)
    return page


def table_frame(tx: Transaction, *, viewer: Actor, now: dt.datetime, cycle: str) -> Frame:
    """Return a cycle for who sees the table of a whole one; one statement.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer sees no table of a cycle.
    """
    at = frame(tx, viewer=viewer, now=now, cycle=cycle)
    if at.granted.isdisjoint(SEES_TABLE):
        raise Refused("Only HR, the approver and auditors see the results of a whole cycle.", "not-hr")
    return at


def read_page(tx: Transaction, at: Frame, viewer: Actor, *, words: str = "", after: str = "") -> ResultPage:
    """Return what `result_page` returns, in the caller's transaction; two statements, and one for HR."""
    asking = Asking(words=words, after=after, limit=PAGE, opened_only=True)
    found = page_of_results(tx, at, viewer, asking)
    people = sorted(set(found.people))
    before = tx.all(_LAST, {"people": people, "first": at.cycle.period_from}) if people else ()
    return ResultPage(
        at.cycle.id,
        at.cycle.code,
        at.cycle.state,
        found.rows,
        {(one.number, one.post): (one.total, one.grade) for one in before},
        before[0].code if before else None,
        found.after,
        found.others_figures(viewer),
    )


def note(uow: UnitOfWork, page: ResultPage, *, viewer: Actor, now: dt.datetime) -> None:
    """Write that somebody was shown figures of others, if he was; at most one statement."""
    if page.noted:
        view_log.look(uow, viewer=viewer, now=now, kind=view_log.RESULT_TABLE, object_id=page.cycle_id)
