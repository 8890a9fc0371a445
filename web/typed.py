"""From what stands in the fields of a form to values: days and exact figures."""

import datetime as dt
from fractions import Fraction

from scoring.numbers import parse_decimal
from services.errors import Malformed
from web.forms import Form


class Mistyped(Malformed):
    """What stands in one field cannot be read; `field` names it, so that the sentence stands beside it."""

    def __init__(self, field: str, sentence: str, code: str = "bad-field") -> None:
        super().__init__(sentence, code)
        self.field = field


def day_in(form: Form, field: str) -> dt.date:
    """Return the day that stands in a field.

    Raises:
        Mistyped: it is empty or no day.
    """
    text = form.get(field)
    if not text:
        raise Mistyped(field, "A day is missing; write it like 2026-02-03.")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Mistyped(field, f"{text[:20]!r} is no day; write it like 2026-02-03.") from error


def maybe_day_in(form: Form, field: str) -> dt.date | None:
    """Return the day that stands in a field, or None where it is empty."""
    return day_in(form, field) if form.get(field) else None


def maybe_figure_in(form: Form, field: str) -> Fraction | None:
    """Return the exact figure that stands in a field, or None where it is empty.

    Raises:
        Mistyped: it is no plain decimal.
    """
    text = form.get(field)
    if not text:
        return None
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise Mistyped(field, f"{text[:20]!r} is no figure; write it like 4 or 2.5.") from error


def beside(error: Exception) -> dict[str, str]:
    """Return the sentence by the name of the field it belongs to, for `form.failed`; nothing for other errors."""
    return {error.field: str(error)} if isinstance(error, Mistyped) else {}
