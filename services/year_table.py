"""The results of a year as a viewer may see them: what he sees of each period, put together."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.appraisals import PersonResult
from models.columns import table_of
from models.people import Person
from scoring.numbers import parse_decimal
from scoring.result import Step
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.errors import NotFound
from services.grants import today
from services.results import SEES_TABLE, Result, read_results
from services.unit_of_work import Transaction, UnitOfWork
from services.year_results import Year, load_year
from workflow.vocabulary import CycleState, Outcome, RosterStatus

PERSON = table_of(Person)
PERSON_RESULT = table_of(PersonResult)

_SIGNED = (
    select(PERSON.c.number, PERSON_RESULT.c.total, PERSON_RESULT.c.steps)
    .join(PERSON, PERSON.c.id == PERSON_RESULT.c.person_id)
    .where(PERSON_RESULT.c.cycle_id == bindparam("cycle"))
    .order_by(PERSON_RESULT.c.revision)
)
_NUMBER = select(PERSON.c.number).where(PERSON.c.id == bindparam("person"))
_UNRATED = {RosterStatus.NOT_RATED.value, RosterStatus.LEFT_OUT.value}


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


def year_results(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str) -> tuple[YearResult, ...] | None:
    """Return the results of a year by employee number, as far as the viewer may see them; None of another cycle.

    Raises:
        NotFound: there is no such cycle, or nothing of it is the viewer's to see.
    """
    with uow.read() as tx:
        return read_year(tx, viewer=viewer, now=now, cycle=cycle)


def read_year(tx: Transaction, *, viewer: Actor, now: dt.datetime, cycle: str) -> tuple[YearResult, ...] | None:
    """Return what `year_results` returns, in the caller's transaction."""
    row = naming.cycle(tx, cycle)
    year = load_year(tx, row.id)
    if year is None:
        return None
    whole = not granted_roles(tx, viewer.person_id, today(tx, now)).isdisjoint(SEES_TABLE)
    # Who judges one of several posts does not see the mean, and so nobody's year but his own.
    own = None if viewer.person_id is None else tx.scalar(_NUMBER, {"person": viewer.person_id})
    names: dict[str, str] = {}
    found: dict[str, dict[str, Fraction | str]] = {}
    for period in year.cycles:
        for result in _seen(tx, viewer, now, period.code):
            if not whole and result.number != own:
                continue
            names[result.number] = result.name
            figures = found.setdefault(result.number, {})
            figure = _figure(result, final=period.state == CycleState.FINAL)
            # Of several posts one may be rated and another not: then the mean of those rated counts.
            if not isinstance(figures.get(period.code), Fraction):
                figures[period.code] = figure
    final = row.state == CycleState.FINAL
    signed = {one.number: one for one in tx.all(_SIGNED, {"cycle": row.id})} if final else {}
    rows = [_row(year, number, names[number], found[number], signed.get(number)) for number in sorted(found)]
    if not rows and not whole:
        raise NotFound(f"There is no cycle {cycle}, or nothing of it is yours to see.", "unknown-cycle")
    return tuple(rows)


def _seen(tx: Transaction, viewer: Actor, now: dt.datetime, cycle: str) -> tuple[Result, ...]:
    try:
        return read_results(tx, viewer=viewer, now=now, cycle=cycle)
    except NotFound:  # in this period there is nothing for him to see; in another there may be
        return ()


def _figure(result: Result, *, final: bool) -> Fraction | str:
    """Return a person's points of a period, or why there are none."""
    if result.person_total is not None:
        return result.person_total
    if result.stage in _UNRATED or result.outcome == Outcome.NOT_RATED:
        return "not-rated" if final else "not-yet"
    return "not-yet"


def _row(
    year: Year, number: str, name: str, found: Mapping[str, Fraction | str], signed: Row[Any] | None
) -> YearResult:
    mean, steps = year.figure(found)
    total = None if mean is None else mean.total
    # What was signed is shown to whoever sees all that it was made of, and as it was signed.
    shown = signed is not None and "not-yet" not in found.values()
    if signed is not None and shown:
        total, steps = signed.total, tuple(json.loads(signed.steps))
    figures = {str(step["id"]): parse_decimal(step["total"]) for step in steps if step["code"] == "period"}
    return YearResult(number, name, total, len(figures), len(year.cycles), figures, steps, final=shown)
