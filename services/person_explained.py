"""A person's result of a cycle in plain sentences: the mean over the assignments, explained like any score."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Literal

from sqlalchemy import bindparam, select

from models.appraisals import PersonResult
from models.columns import table_of
from scoring.explain import explain_steps
from scoring.result import Step
from services import naming
from services.actors import Actor
from services.errors import NotFound
from services.results import read_results
from services.unit_of_work import UnitOfWork, use_case
from services.year_table import YearResult, of_person

PERSON_RESULT = table_of(PersonResult)
_STEPS = (
    select(PERSON_RESULT.c.steps)
    .where(PERSON_RESULT.c.cycle_id == bindparam("cycle"), PERSON_RESULT.c.person_id == bindparam("person"))
    .order_by(PERSON_RESULT.c.revision.desc())
    .limit(1)
)


@use_case("result.explain")
def explain_person(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    cycle: str,
    number: str,
    language: Literal["en", "zh"] = "en",
) -> tuple[str, ...]:
    """Return the steps of a person's result: the assignments with their working days, of a year its periods.

    A year that is not signed yet is explained as far as its periods are.

    Raises:
        NotFound: there is no such result, it is not signed yet, or it is not the viewer's to see.
    """
    with uow.read() as tx:
        year = of_person(tx, viewer=actor, now=now, cycle=cycle, number=number)
        if year is not None:
            return explain_steps(_of_year(year, number, cycle), language)
        rows = [row for row in read_results(tx, viewer=actor, now=now, cycle=cycle) if row.number == number]
        steps = None
        if any(row.person_total is not None for row in rows):
            found = {"cycle": naming.cycle(tx, cycle).id, "person": naming.person(tx, number).id}
            steps = tx.scalar(_STEPS, found)
        if steps is None:
            raise _unseen(number, cycle)
        return explain_steps(json.loads(steps), language)


def _of_year(year: Iterable[YearResult], number: str, cycle: str) -> tuple[Step, ...]:
    found = next((row for row in year if row.number == number), None)
    if found is None:
        raise _unseen(number, cycle)
    return found.steps


def _unseen(number: str, cycle: str) -> NotFound:
    return NotFound(f"There is no result of {number} in {cycle}, or it is not yours to see.", "no-result")
