"""`appraise calendar`: which days are worked, and why."""

import calendar
import datetime as dt
from collections import Counter
from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import JsonOption, print_json, print_table, say
from cli.session import session
from services.errors import Malformed

group = new_group()


@group.callback()
def calendar_() -> None:
    """Working days, holidays, make-up days, closures."""


@group.command("show", epilog="Example: appraise calendar show --month 2026-05 --calendar CN")
def show(
    context: typer.Context,
    *,
    year: Annotated[str | None, typer.Option("--year", help="A whole year: its days out of the ordinary.")] = (None),
    month: Annotated[str | None, typer.Option("--month", help="A month, such as 2026-05; every day of it.")] = None,
    code: Annotated[
        str | None,
        typer.Option("--calendar", metavar="CC", help="A country, or a part; else your own."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show which days are worked: holidays, make-up days and the organisation's own closures."""
    from services import working_calendar

    if year is not None and month is not None:
        raise Malformed("Give --year or --month, not both.", "year-and-month")
    shared = session(context)
    first, last = _span(year, month, shared.now().astimezone(shared.zone).date())
    name, days = working_calendar.days(shared.uow, first=first, last=last, calendar=code)
    if json:
        print_json({"calendar": name, "days": days})
        return
    ordinary = {working_calendar.Kind.WORKING, working_calendar.Kind.WEEKEND}
    shown = [day for day in days if month is not None or day.kind not in ordinary]
    counted = Counter(day.worked for day in days)
    say(f"{name}, {first} to {last}: {counted[True]} working days, {counted[False]} free.")
    rows = [
        (day.day, calendar.day_abbr[day.day.weekday()], day.kind.value, "yes" if day.worked else "no", day.name)
        for day in shown
    ]
    print_table("", ("Day", "", "What", "Worked", "Name"), rows)


def _span(year: str | None, month: str | None, today: dt.date) -> tuple[dt.date, dt.date]:
    try:
        if month is not None:
            first = dt.date.fromisoformat(f"{month}-01")
            return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
        number = today.year if year is None else int(year)
        return dt.date(number, 1, 1), dt.date(number, 12, 31)
    except ValueError as error:
        said = f"--month: {month!r}" if month is not None else f"--year: {year!r}"
        raise Malformed(f"{said} cannot be read; write 2026-05 or 2026.", "bad-day") from error
