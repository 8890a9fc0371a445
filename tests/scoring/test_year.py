"""Periods into a year: against a reference in Python's own decimals, and the properties that any mean has."""

import decimal
import re
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import LedgerError
from scoring.explain import explain_steps
from scoring.numbers import RoundingMode, round_to, to_decimal
from scoring.rollup import Mean, Period, period_mean

MODES = {
    "half-up": decimal.ROUND_HALF_UP,
    "half-even": decimal.ROUND_HALF_EVEN,
    "half-down": decimal.ROUND_HALF_DOWN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
    "ceiling": decimal.ROUND_CEILING,
    "floor": decimal.ROUND_FLOOR,
}
TOTALS = st.none() | st.integers(-20_000, 130_000).map(lambda number: Fraction(number, 1000))
WEIGHTS = st.integers(0, 400).map(lambda number: Fraction(number, 100))
PERIODS = st.lists(
    st.builds(Period, st.sampled_from(["Q1", "Q2", "Q3"]), TOTALS, WEIGHTS, st.just("not-rated")),
    min_size=1,
    max_size=12,
)
DIGITS = st.integers(0, 6)
ROUNDING = st.sampled_from(sorted(MODES))


def quarters(*totals: int | str | None, weights: tuple[int, ...] = ()) -> list[Period]:
    """The four quarters of 2026 with these points; None was not rated."""
    return [
        Period(
            f"2026Q{place}", None if total is None else Fraction(total), Fraction((weights or (1, 1, 1, 1))[place - 1])
        )
        for place, total in enumerate(totals, start=1)
    ]


def year(periods: list[Period], digits: int = 2, window: int | None = None) -> Mean:
    return period_mean(periods, digits=digits, rounding="half-up", window=window)


def reference(periods: list[Period], digits: int, rounding: str) -> Decimal | None:
    """The same mean by `decimal`, with 80 digits of precision and its own rounding."""
    with decimal.localcontext(prec=80):
        exact = [
            (Decimal(to_decimal(period.weight)), Decimal(to_decimal(period.total)))
            for period in periods
            if period.total is not None
        ]
        weights = sum((weight for weight, _ in exact), Decimal(0))
        if not weights:
            return None
        mean = sum((weight * total for weight, total in exact), Decimal(0)) / weights
        return mean.quantize(Decimal(1).scaleb(-digits), rounding=MODES[rounding])


def test_every_rounding_has_its_reference() -> None:
    assert set(MODES) == set(get_args(RoundingMode))


@given(periods=PERIODS, digits=DIGITS, rounding=ROUNDING)
def test_the_figure_is_that_of_the_reference(periods: list[Period], digits: int, rounding: RoundingMode) -> None:
    wanted = reference(periods, digits, rounding)
    if wanted is None:
        with pytest.raises(LedgerError, match="No period of the year counts"):
            period_mean(periods, digits=digits, rounding=rounding)
    else:
        assert period_mean(periods, digits=digits, rounding=rounding).total == Fraction(wanted)


@given(periods=PERIODS, digits=DIGITS, rounding=ROUNDING, factor=st.integers(1, 50), data=st.data())
def test_order_scale_and_what_is_left_out_change_nothing(
    periods: list[Period], digits: int, rounding: RoundingMode, factor: int, data: st.DataObject
) -> None:
    if reference(periods, digits, rounding) is None:
        return
    total = period_mean(periods, digits=digits, rounding=rounding).total
    shuffled = data.draw(st.permutations(periods))
    scaled = [period._replace(weight=period.weight * factor) for period in periods]
    rated = [period for period in periods if period.total is not None]
    for other in (shuffled, scaled, rated, [*periods, Period("Q4", None, Fraction(7))]):
        assert period_mean(other, digits=digits, rounding=rounding).total == total


@given(periods=PERIODS, digits=DIGITS, rounding=ROUNDING)
def test_the_figure_lies_between_the_lowest_and_the_highest(
    periods: list[Period], digits: int, rounding: RoundingMode
) -> None:
    if reference(periods, digits, rounding) is None:
        return
    figures = [period.total for period in periods if period.total is not None and period.weight]
    total = period_mean(periods, digits=digits, rounding=rounding).total
    step = Fraction(1, 10**digits)
    assert min(figures) - step < total < max(figures) + step


@given(periods=PERIODS, window=st.integers(1, 12))
def test_a_window_counts_the_last_periods_only(periods: list[Period], window: int) -> None:
    if reference(periods[-window:], 2, "half-up") is None:
        with pytest.raises(LedgerError):
            year(periods, window=window)
    else:
        assert year(periods, window=window).total == year(periods[-window:]).total


def test_the_mean_the_weights_and_the_window_of_four_quarters() -> None:
    assert year(quarters(90, 94, 97, 100)).total == Fraction("95.25")
    assert year(quarters(90, None, 97, 100)).total == Fraction("95.67")
    assert year(quarters(90, 94, 97, 100, weights=(1, 1, 1, 3))).total == Fraction("96.83")
    assert year(quarters(90, 94, 97, 100), window=2).total == Fraction("98.5")
    assert year(quarters(90, 94, 97, "100.005"), digits=0).total == 95


@given(periods=PERIODS, window=st.none() | st.integers(1, 12), language=st.sampled_from(["en", "zh"]))
def test_the_year_can_be_worked_out_from_its_sentences(
    periods: list[Period], window: int | None, language: str
) -> None:
    seen = [period._replace(id=f"P{chr(65 + place)}") for place, period in enumerate(periods)]
    try:
        mean = year(seen, window=window)
    except LedgerError:
        return
    lines = explain_steps(mean.steps, "zh" if language == "zh" else "en")
    pairs = [re.findall(r"-?[0-9.]*[0-9]", line) for line in lines[:-1]]
    weighed = [(Fraction(points), Fraction(weight)) for points, weight in (pair for pair in pairs if pair)]
    total = sum(points * weight for points, weight in weighed) / sum(weight for _, weight in weighed)
    assert round_to(total, 2, "half-up") == mean.total
    assert len(lines) == len(seen) + 1


def test_why_a_period_is_left_out_is_said_in_words() -> None:
    lines = explain_steps(year([*quarters(90, None), Period("2026Q3", None, why="no-part")]).steps)
    assert lines == (
        "Period 2026Q1: 90 points, weight 1.",
        "Period 2026Q2: left out, since nothing was rated.",
        "Period 2026Q3: left out, since there was no appraisal.",
        "Mean: 90 divided by 1, rounded (half-up, 2 digits), is 90 points.",
    )


def test_a_weight_below_zero_is_refused() -> None:
    with pytest.raises(LedgerError, match="The period 2026Q2 has a weight below 0"):
        year(quarters(90, 94, weights=(1, -1)))
