import decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.numbers import RoundingMode, parse_decimal, round_to, to_decimal

MODES: dict[RoundingMode, str] = {
    "half-up": decimal.ROUND_HALF_UP,
    "half-even": decimal.ROUND_HALF_EVEN,
    "half-down": decimal.ROUND_HALF_DOWN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
    "ceiling": decimal.ROUND_CEILING,
    "floor": decimal.ROUND_FLOOR,
}


@pytest.mark.parametrize(
    "text", ["1e3", "1E-2", "+5", " 5", "5 ", "", ".5", "5.", "1/3", "nan", "inf", "٣", "0.1234567", "5,5"]
)
def test_anything_but_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a plain decimal"):
        parse_decimal(text)


@pytest.mark.parametrize("value", [5, 5.0, None, True, Fraction(5)])
def test_a_figure_without_quotes_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a decimal in quotes"):
        parse_decimal(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "written"),
    [("97.00", "97"), ("97.50", "97.5"), ("-0.125", "-0.125"), ("100", "100"), ("0.000001", "0.000001"), ("-0", "0")],
)
def test_figures_are_written_without_exponent_or_trailing_zeros(text: str, written: str) -> None:
    assert to_decimal(parse_decimal(text)) == written


def test_a_figure_without_finite_decimal_must_be_rounded_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="round it first"):
        to_decimal(Fraction(1, 3))


@given(st.decimals(min_value=-10_000, max_value=10_000, places=6))
def test_writing_and_reading_give_the_same_figure_back(value: decimal.Decimal) -> None:
    assert parse_decimal(to_decimal(Fraction(value))) == Fraction(value)


@given(st.decimals(min_value=-100, max_value=100, places=3), st.integers(0, 3), st.sampled_from(sorted(MODES)))
def test_rounding_is_that_of_the_decimal_module(value: decimal.Decimal, digits: int, mode: RoundingMode) -> None:
    expected = value.quantize(decimal.Decimal(1).scaleb(-digits), rounding=MODES[mode])
    assert round_to(Fraction(value), digits, mode) == Fraction(expected)
