"""The figures of a year: each person's, from the signed results of its periods (R14), by the arithmetic in scoring."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, select

from models.appraisals import PersonResult
from models.columns import table_of
from models.cycles import Roster
from scoring.errors import LedgerError
from scoring.result import Step
from scoring.rollup import Mean, Period, period_mean, period_steps
from services import years
from services.cycles import created_with
from services.errors import Refused
from services.person_results import APPRAISAL, PersonRow
from services.plan_form import YearRule
from services.plan_periods import period_at
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState

PERSON_RESULT = table_of(PersonResult)
ROSTER = table_of(Roster)

_RESULTS = (
    select(PERSON_RESULT.c.person_id, PERSON_RESULT.c.total)
    .where(PERSON_RESULT.c.cycle_id == bindparam("cycle"))
    .order_by(PERSON_RESULT.c.revision)
)
_IN_ROSTER = select(ROSTER.c.person_id).where(ROSTER.c.cycle_id == bindparam("cycle")).distinct()
_OUTSTANDING = select(func.count(APPRAISAL.c.person_id.distinct())).where(
    APPRAISAL.c.cycle_id == bindparam("cycle"),
    ~exists(
        select(PERSON_RESULT.c.id).where(
            PERSON_RESULT.c.cycle_id == APPRAISAL.c.cycle_id, PERSON_RESULT.c.person_id == APPRAISAL.c.person_id
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Year:
    """A year with its rule, its periods in their order, and what each weighs by its code."""

    rule: YearRule
    cycles: tuple[Row[Any], ...]
    weights: Mapping[str, Fraction]

    def figure(self, found: Mapping[str, Fraction | str]) -> tuple[Mean | None, tuple[Step, ...]]:
        """Return a person's figure, None where no period counts, and its steps.

        `found` has by the code of a period his points or, as a code, why there are none; see `scoring.rollup.Period`.
        """
        periods = [self._period(cycle.code, found.get(cycle.code, "no-part")) for cycle in self.cycles]
        rule = self.rule
        try:
            mean = period_mean(periods, digits=rule.digits, rounding=rule.rounding, window=rule.window)
        except LedgerError:
            return None, (*period_steps(periods), {"code": "not-rated"})
        return mean, mean.steps

    def _period(self, code: str, found: Fraction | str) -> Period:
        weight = self.weights[code]
        return Period(code, None, weight, found) if isinstance(found, str) else Period(code, found, weight)


def load_year(tx: Transaction, cycle_id: int) -> Year | None:
    """Return a year, or None where the cycle is none. Two statements for a year, one for another cycle."""
    return year_of(tx, cycle_id, created_with(tx, cycle_id))


def year_of(tx: Transaction, cycle_id: int, created: Mapping[str, Any]) -> Year | None:
    """Return the same from what the event says that created the cycle; one statement for a year."""
    rule = years.rule_of(created)
    if rule is None:
        return None
    every = years.every_of(created)
    cycles = years.periods_of(tx, cycle_id)
    one = Fraction(1)
    weights = {cycle.code: rule.weights.get(period_at(every, cycle.period_from).label, one) for cycle in cycles}
    return Year(rule, cycles, weights)


def of_year(tx: Transaction, year: Year) -> Iterator[PersonRow]:
    """Yield each person's result of a year in the order of ids, from the signed results in force of its periods.

    Whoever has no result in any period is not in it. Two statements for each period.
    """
    found: dict[int, dict[str, Fraction | str]] = {}
    for cycle in year.cycles:
        for row in tx.all(_RESULTS, {"cycle": cycle.id}):
            found.setdefault(row.person_id, {})[cycle.code] = "not-rated" if row.total is None else row.total
    for cycle in year.cycles:
        for row in tx.all(_IN_ROSTER, {"cycle": cycle.id}):
            if row.person_id in found:
                why = "not-rated" if cycle.state == CycleState.FINAL else "not-yet"
                found[row.person_id].setdefault(cycle.code, why)
    for person_id in sorted(found):
        mean, steps = year.figure(found[person_id])
        yield PersonRow(person_id, None if mean is None else mean.total, None, _json(steps))


def demand_complete(tx: Transaction, row: Row[Any], year: Year, on: dt.date) -> None:
    """Let pass only a year that is over, with every period signed and nobody's result outstanding.

    Raises:
        Refused: it is not; the sentence says what is missing.
    """
    if on <= row.period_to:
        raise Refused(f"The year {row.code} ends on {row.period_to}; it can be proposed after that.", "year-not-over")
    open_ = [cycle.code for cycle in year.cycles if cycle.state != CycleState.FINAL]
    if open_ or not year.cycles:
        what = f"{', '.join(open_)} not signed" if open_ else "it has no period"
        raise Refused(f"The year {row.code} is not complete: {what}.", "year-incomplete")
    for cycle in year.cycles:
        if left := tx.scalar(_OUTSTANDING, {"cycle": cycle.id}):
            noun = "person has" if left == 1 else "people have"
            raise Refused(
                f"{left} {noun} no result in {cycle.code} yet, being on hold or under appeal; the year {row.code} "
                "waits for them.",
                "year-incomplete",
            )


def _json(steps: Iterable[Step]) -> str:
    return json.dumps(list(steps), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
