"""The results of a year as a viewer may see them, page by page: what he sees of each period, put together."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, and_, bindparam, cast, exists, null, or_, select, union_all

from models.appraisals import PersonResult
from models.columns import BIGINT, Points, table_of
from scoring.numbers import parse_decimal
from scoring.result import Step
from services.actors import Actor
from services.cycle_frame import Frame, frame
from services.name_search import PERSON, matching
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, IN_FORCE, POST, ROSTER
from services.result_rows import place
from services.results import SEES_TABLE, nothing_seen
from services.unit_of_work import Transaction, UnitOfWork
from services.year_results import Year, year_of
from workflow.vocabulary import CycleState, Outcome, RosterStatus

PERSON_RESULT = table_of(PersonResult)
PAGE = 50
_BATCH = 500
"""People that are read at once where a whole year is asked for."""

_LATER = PERSON_RESULT.alias("later_result")
_NEWEST = ~exists().where(
    _LATER.c.cycle_id == PERSON_RESULT.c.cycle_id,
    _LATER.c.person_id == PERSON_RESULT.c.person_id,
    _LATER.c.revision > PERSON_RESULT.c.revision,
)
_CYCLES: Any = bindparam("cycles", expanding=True)
_PEOPLE: Any = bindparam("people", expanding=True)
_LEFT_OUT = (
    ROSTER.c.cycle_id.in_(_CYCLES),
    ROSTER.c.status.in_((RosterStatus.NOT_RATED.value, RosterStatus.LEFT_OUT.value)),
)
_CHOSEN = (
    select(PERSON.c.id, PERSON.c.number, PERSON.c.name)
    .where(
        PERSON.c.number > bindparam("number"),
        or_(
            exists().where(APPRAISAL.c.person_id == PERSON.c.id, APPRAISAL.c.cycle_id.in_(_CYCLES)),
            exists().where(
                ASSIGNMENT.c.person_id == PERSON.c.id, ROSTER.c.assignment_id == ASSIGNMENT.c.id, *_LEFT_OUT
            ),
        ),
    )
    .order_by(PERSON.c.number)
    .limit(bindparam("limit", type_=BIGINT))
)
_PARTS = union_all(
    select(
        APPRAISAL.c.person_id,
        APPRAISAL.c.cycle_id,
        POST.c.code.label("post"),
        APPRAISAL.c.outcome,
        FINAL.c.id.label("final_id"),
        PERSON_RESULT.c.total,
    )
    .select_from(
        APPRAISAL.join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .outerjoin(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE))
        .outerjoin(
            PERSON_RESULT,
            and_(
                PERSON_RESULT.c.cycle_id == APPRAISAL.c.cycle_id,
                PERSON_RESULT.c.person_id == APPRAISAL.c.person_id,
                _NEWEST,
            ),
        )
    )
    .where(APPRAISAL.c.person_id.in_(_PEOPLE), APPRAISAL.c.cycle_id.in_(_CYCLES)),
    select(
        ROSTER.c.person_id,
        ROSTER.c.cycle_id,
        POST.c.code,
        ROSTER.c.status,
        cast(null(), BIGINT),
        cast(null(), Points()),
    )
    .select_from(
        ASSIGNMENT.join(ROSTER, ROSTER.c.assignment_id == ASSIGNMENT.c.id).join(POST, POST.c.id == ROSTER.c.post_id)
    )
    .where(
        ASSIGNMENT.c.person_id.in_(_PEOPLE),
        *_LEFT_OUT,
        ~exists().where(APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id),
    ),
)
_SIGNED = select(PERSON_RESULT.c.person_id, PERSON_RESULT.c.total, PERSON_RESULT.c.steps).where(
    PERSON_RESULT.c.cycle_id == bindparam("cycle"), PERSON_RESULT.c.person_id.in_(_PEOPLE), _NEWEST
)
_UNRATED = {Outcome.NOT_RATED.value, RosterStatus.NOT_RATED.value, RosterStatus.LEFT_OUT.value}


@dataclass(frozen=True, slots=True)
class YearResult:
    """One person's year, in points; empty where no period counts. `counted` of `periods` have a signed figure.

    `figures` are the points of each period by its code; `final` tells that the year itself is signed.
    """

    number: str
    name: str
    total: Fraction | None
    counted: int
    periods: int
    figures: Mapping[str, Fraction]
    steps: tuple[Step, ...]
    final: bool = False


@dataclass(frozen=True, slots=True)
class YearPage:
    """People of a year by number. Behind `after` there are more, None where there are none; `periods` are codes.

    `others` tells that a figure of somebody else than the one at the keyboard is among them.
    """

    rows: tuple[YearResult, ...]
    periods: tuple[str, ...]
    after: str | None
    others: bool


def year_results(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str) -> tuple[YearResult, ...] | None:
    """Return the results of a year by employee number, as far as the viewer may see them; None of another cycle.

    Raises:
        NotFound: there is no such cycle, or nothing of it is the viewer's to see.
    """
    with uow.read() as tx:
        at = frame(tx, viewer=viewer, now=now, cycle=cycle)
        year = year_of(tx, at.cycle.id, at.created)
        if year is None:
            return None
        found = tuple(row for page in _pages(tx, at, year, viewer) for row in page.rows)
    if not found and at.granted.isdisjoint(SEES_TABLE):
        raise nothing_seen(cycle)
    return found


def of_person(
    tx: Transaction, *, viewer: Actor, now: dt.datetime, cycle: str, number: str
) -> tuple[YearResult, ...] | None:
    """Return what the viewer may see of one person in a year, nobody or him; None of another cycle."""
    at = frame(tx, viewer=viewer, now=now, cycle=cycle)
    year = year_of(tx, at.cycle.id, at.created)
    return None if year is None else _page(tx, at, year, viewer, narrow=(PERSON.c.number == number,), limit=1).rows


def read_year(tx: Transaction, at: Frame, viewer: Actor, *, words: str = "", after: str = "") -> YearPage | None:
    """Return 50 people of a year, of those that `words` find and behind a place; None of another cycle.

    At most four statements; none for another cycle.

    Raises:
        Malformed: `after` is no place in the list.
    """
    year = year_of(tx, at.cycle.id, at.created)
    if year is None:
        return None
    narrow = (matching(words),) if words else ()
    return _page(tx, at, year, viewer, narrow=narrow, after=after, limit=PAGE)


def _pages(tx: Transaction, at: Frame, year: Year, viewer: Actor) -> Iterator[YearPage]:
    after: str | None = ""
    while after is not None:
        page = _page(tx, at, year, viewer, after=after, limit=_BATCH)
        yield page
        after = page.after


def _page(
    tx: Transaction,
    at: Frame,
    year: Year,
    viewer: Actor,
    *,
    narrow: Sequence[Any] = (),
    after: str = "",
    limit: int,
) -> YearPage:
    if at.granted.isdisjoint(SEES_TABLE):
        # Who judges one of several posts does not see the mean, and so nobody's year but his own.
        narrow = (*narrow, PERSON.c.id == viewer.person_id)
    asked = {"cycles": [cycle.id for cycle in year.cycles], "number": place(after)[0], "limit": limit + 1}
    chosen = tx.all(_CHOSEN.where(*narrow), asked)
    shown = chosen[:limit]
    people = {"people": [row.id for row in shown]}
    found = _figures(tx, year, people) if shown else {}
    over = bool(shown) and at.cycle.state == CycleState.FINAL
    signed = {one.person_id: one for one in tx.all(_SIGNED, {**people, "cycle": at.cycle.id})} if over else {}
    rows = [(row.id, _row(year, row, found[row.id], signed.get(row.id))) for row in shown]
    return YearPage(
        tuple(row for _, row in rows),
        tuple(cycle.code for cycle in year.cycles),
        f"{shown[-1].number}@" if len(chosen) > limit else None,
        any(row.figures and person != viewer.actor_id for person, row in rows),
    )


def _figures(tx: Transaction, year: Year, people: Mapping[str, Any]) -> dict[int, dict[str, Fraction | str]]:
    """Return by person and code of the period his points, or why there are none."""
    cycles = {cycle.id: cycle for cycle in year.cycles}
    found: dict[int, dict[str, Fraction | str]] = {}
    parts = tx.all(_PARTS, {**people, "cycles": list(cycles)})
    for part in sorted(parts, key=lambda part: part.post):
        period = cycles[part.cycle_id]
        figures = found.setdefault(part.person_id, {})
        # Of several posts one may be rated and another not: then the mean of those rated counts.
        if not isinstance(figures.get(period.code), Fraction):
            figures[period.code] = _figure(part, final=period.state == CycleState.FINAL)
    return found


def _figure(part: Row[Any], *, final: bool) -> Fraction | str:
    if part.outcome in _UNRATED:
        return "not-rated" if final else "not-yet"
    figure: Fraction | None = part.total
    return figure if final and part.final_id is not None and figure is not None else "not-yet"


def _row(year: Year, person: Row[Any], found: Mapping[str, Fraction | str], signed: Row[Any] | None) -> YearResult:
    mean, steps = year.figure(found)
    total = None if mean is None else mean.total
    # What was signed is shown to whoever sees all that it was made of, and as it was signed.
    shown = signed is not None and "not-yet" not in found.values()
    if signed is not None and shown:
        total, steps = signed.total, tuple(json.loads(signed.steps))
    figures = {str(step["id"]): parse_decimal(step["total"]) for step in steps if step["code"] == "period"}
    return YearResult(person.number, person.name, total, len(figures), len(year.cycles), figures, steps, final=shown)
