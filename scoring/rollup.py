"""Several assignments into a person's figure of a period (domain.md, section 5), explained like any score."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from scoring.errors import LedgerError
from scoring.numbers import RoundingMode, round_to, to_decimal
from scoring.result import Step

Mode = Literal["working-days", "main-post", "given-weights"]
_NOTHING = Fraction(0)


class Part(NamedTuple):
    """One assignment's result: days are working days held in the period; the weight is that of the assignment."""

    id: str
    working_days: int
    weight: Fraction | None
    total: Fraction
    main: bool = True


@dataclass(frozen=True, slots=True)
class Mean:
    """A person's figure, in points, rounded as the rubric says, with its steps."""

    total: Fraction
    steps: tuple[Step, ...]


def person_mean(parts: Iterable[Part], *, mode: Mode, digits: int, rounding: RoundingMode) -> Mean:
    """Return the mean of a person's assignments.

    `working-days` weights by days held, `given-weights` by the assignments' weights; `main-post` takes the main posts
    only, by days held where there were several one after another. Raises LedgerError where there is nothing to weigh.
    """
    weighed = [(part, _weight(part, mode)) for part in parts]
    counted = [(part, weight) for part, weight in weighed if weight is not None]
    weights = sum((weight for _, weight in counted), _NOTHING)
    if weights <= 0:
        sentence = f"No assignment has a weight under `{mode}`; give days, weights or a main post."
        raise LedgerError(sentence, code="nothing-to-weigh", where="assignments")
    total = sum((weight * part.total for part, weight in counted), _NOTHING)
    rounded = round_to(total / weights, digits, rounding)
    steps = [_step(part, weight) for part, weight in weighed]
    figures = {"sum": to_decimal(total), "weights": to_decimal(weights), "total": to_decimal(rounded)}
    steps.append({"code": "mean", **figures, "digits": digits, "mode": rounding})
    return Mean(rounded, tuple(steps))


def _weight(part: Part, mode: Mode) -> Fraction | None:
    if mode == "main-post" and not part.main:
        return None
    weight = part.weight if mode == "given-weights" else Fraction(part.working_days)
    if weight is None or weight < 0:
        sentence = f"The assignment {part.id} has no weight of 0 or more; give it one or weigh by working days."
        raise LedgerError(sentence, code="no-weight", where=part.id)
    return weight


def _step(part: Part, weight: Fraction | None) -> Step:
    step: Step = {"code": "part-left-out", "id": part.id, "total": to_decimal(part.total)}
    return step if weight is None else {**step, "code": "part", "weight": to_decimal(weight)}


class Period(NamedTuple):
    """A person's figure of one period of a year; without one the period is left out, and `why` says why, as a code."""

    id: str
    total: Fraction | None
    weight: Fraction = Fraction(1)
    why: str = "not-rated"


def period_mean(periods: Iterable[Period], *, digits: int, rounding: RoundingMode, window: int | None = None) -> Mean:
    """Return the figure of a year from its periods in their order (R14): the mean by weights, without those left out.

    With `window` only so many periods count, the last ones, whether a person was rated in them or not. Raises
    LedgerError where a weight is below 0, or nothing is left to weigh.
    """
    given = list(periods)
    early = 0 if window is None else max(len(given) - window, 0)
    seen = [period._replace(total=None, why="outside-window") for period in given[:early]] + given[early:]
    for period in seen:
        if period.weight < 0:
            raise LedgerError(f"The period {period.id} has a weight below 0.", code="no-weight", where=period.id)
    counted = [(period.weight, period.total) for period in seen if period.total is not None]
    weights = sum((weight for weight, _ in counted), _NOTHING)
    if weights <= 0:
        raise LedgerError("No period of the year counts.", code="nothing-to-weigh", where="periods")
    total = sum((weight * figure for weight, figure in counted), _NOTHING)
    rounded = round_to(total / weights, digits, rounding)
    figures = {"sum": to_decimal(total), "weights": to_decimal(weights), "total": to_decimal(rounded)}
    steps = [*period_steps(seen), {"code": "mean", **figures, "digits": digits, "mode": rounding}]
    return Mean(rounded, tuple(steps))


def period_steps(periods: Iterable[Period]) -> tuple[Step, ...]:
    """Return a step for each period: its figure and weight, or why it is left out."""
    return tuple(
        {"code": "period-left-out", "id": period.id, "why": period.why}
        if period.total is None
        else {"code": "period", "id": period.id, "total": to_decimal(period.total), "weight": to_decimal(period.weight)}
        for period in periods
    )
