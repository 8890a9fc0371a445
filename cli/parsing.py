"""From what people type in options to values: days, amounts, NUMBER=REASON, lines."""

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction

from scoring.numbers import parse_decimal
from services.errors import Malformed


def day_of(text: str, option: str) -> dt.date:
    """Return the day that `option` names.

    Raises:
        Malformed: it is no day.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{option}: {text!r} is no day; write it like 2026-02-03.", "bad-day") from error


def optional_day(text: str | None, option: str) -> dt.date | None:
    """Return the day that `option` names, or None where it is absent."""
    return None if text is None else day_of(text, option)


def figure_of(text: str, option: str) -> Fraction:
    """Return the exact figure that `option` names.

    Raises:
        Malformed: it is no plain decimal.
    """
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise Malformed(f"{option}: {error}", "bad-figure") from error


def optional_figure(text: str | None, option: str) -> Fraction | None:
    """Return the exact figure that `option` names, or None where it is absent."""
    return None if text is None else figure_of(text, option)


def pairs(values: Sequence[str], option: str, form: str) -> dict[str, str]:
    """Return NAME=TEXT of a repeated option as a mapping; `form` shows how to write it.

    Raises:
        Malformed: one has no name or no text, or a name comes twice.
    """
    found: dict[str, str] = {}
    for value in values:
        name, mark, text = (part.strip() for part in value.partition("="))
        if not (name and mark and text):
            raise Malformed(f"{option} {value!r} is incomplete; write it like {form}.", "bad-pair")
        if name in found:
            raise Malformed(f"{option} names {name} twice; write it once.", "twice")
        found[name] = text
    return found


def lines_of(values: Sequence[str]) -> dict[str, str | None]:
    """Return `F12`, `F12=keep`, `F12=strike` or `F12=3` of repeated --line options as a mapping.

    Raises:
        Malformed: a line is named twice, or its decision is none of these.
    """
    found: dict[str, str | None] = {}
    for value in values:
        line, mark, decision = (part.strip() for part in value.partition("="))
        if not line or (mark and not decision):
            raise Malformed(f"--line {value!r} is incomplete; write F12, F12=keep, F12=strike or F12=3.", "bad-line")
        if decision and decision not in {"keep", "strike"}:
            figure_of(decision, f"--line {line}")
        if line in found:
            raise Malformed(f"--line names {line} twice; write it once.", "twice")
        found[line] = decision or None
    return found
