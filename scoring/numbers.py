"""Exact figures: decimals on paper, fractions inside, named rounding, never binary floats (domain.md, reading 11)."""

import re
from fractions import Fraction
from typing import Literal

RoundingMode = Literal["half-up", "half-even", "half-down", "up", "down", "ceiling", "floor"]

DIGITS = 6
"""Decimals a figure may be written with: figures are stored in millionths."""

_DECIMAL = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?", re.ASCII)


def parse_decimal(text: str) -> Fraction:
    """Read a plain decimal such as `10` or `97.5`, at most twelve digits before the point and six after it.

    Raises ValueError, with a sentence, on anything else: exponents, a leading plus, spaces, fractions.
    """
    if not isinstance(text, str):
        raise ValueError(f'{text!r} is not a decimal in quotes; write it like "97.5".')  # noqa: TRY004 - callers catch one kind
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f'"{text}" is not a plain decimal with at most {DIGITS} decimals; write it like "97.5".')
    return Fraction(text)


def to_decimal(value: Fraction) -> str:
    """Write a figure exactly, without exponent or trailing zeros: 97, not 97.00.

    Raises ValueError if the figure has no finite decimal; such a figure must be rounded first.
    """
    numerator, denominator = value.numerator, value.denominator
    if denominator == 1:
        return str(numerator)
    twos = fives = 0
    rest = denominator
    while rest % 2 == 0:
        rest //= 2
        twos += 1
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    if rest != 1:
        raise ValueError(f"{value} has no finite decimal; round it first.")
    places = max(twos, fives)
    scaled = abs(numerator) * 10**places // denominator
    whole, part = divmod(scaled, 10**places)
    return f"{'-' if numerator < 0 else ''}{whole}.{part:0{places}d}"


def round_to(value: Fraction, digits: int, mode: RoundingMode) -> Fraction:
    """Round to `digits` decimals.

    `half-up` takes ties away from zero, `half-down` towards it, `half-even` to the even digit; `up` is away from zero,
    `down` towards it, `ceiling` and `floor` towards plus and minus infinity.
    """
    scale = 10**digits
    if scale % value.denominator == 0:
        return value
    return Fraction(_whole(value * scale, mode), scale)


def _whole(scaled: Fraction, mode: RoundingMode) -> int:
    below = scaled.numerator // scaled.denominator
    towards, away = (below + 1, below) if scaled < 0 else (below, below + 1)
    plain = {"floor": below, "ceiling": below + 1, "down": towards, "up": away}
    if mode in plain:
        return plain[mode]
    twice = 2 * abs(scaled - towards)
    if twice != 1:
        return away if twice > 1 else towards
    even = towards if towards % 2 == 0 else away
    return {"half-up": away, "half-down": towards, "half-even": even}[mode]
