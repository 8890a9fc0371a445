"""Until when a person can write his own side beside each finding about him."""

import datetime as dt
from collections.abc import Iterable, Mapping

from services.calendars import add_working_days, closures
from services.finding_shapes import FindingView
from services.finding_writing import NO_DISCLOSURE
from services.standing import Standing, local_day
from services.unit_of_work import Transaction


def reply_days(tx: Transaction, standing: Standing, findings: Iterable[FindingView]) -> Mapping[str, dt.date]:
    """Return, by line, the last day on which a reply is taken, for the findings to which one is taken today.

    One statement, none where nothing is recorded; the same days as `findings.reply` counts.
    """
    counting = [one for one in findings if one.counts]
    if not counting:
        return {}
    row, closed = standing.row, closures(tx)
    days = (standing.lifecycle.disclosure or NO_DISCLOSURE).reply_working_days
    last = {
        one.code: add_working_days(row.calendar, local_day(one.recorded_at, row.zone), days, closed) for one in counting
    }
    return {code: day for code, day in last.items() if day >= standing.today}
