"""Until when a stage is due, in the organisation's calendar and zone; the rule itself is the workflow's."""

import datetime as dt
import zoneinfo

from services import calendars
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import DayKind


def due_at(
    tx: Transaction, *, calendar: str, zone: str, lifecycle: Lifecycle, stage: str, start: dt.datetime
) -> dt.datetime | None:
    """Return when a stage that starts (or of which notice is proven) at `start` is due; None where it has no days.

    The day of the start is not counted; the moment is the definition's time of day in the organisation's zone.
    """
    form = lifecycle.stage(stage)
    if form.days is None:
        return None
    zone_info = zoneinfo.ZoneInfo(zone)
    day = start.astimezone(zone_info).date()
    if form.day_kind == DayKind.WORKING:
        last = calendars.add_working_days(calendar, day, form.days, calendars.closures(tx))
    else:
        last = day + dt.timedelta(days=form.days)
    return dt.datetime.combine(last, lifecycle.due_at, zone_info).astimezone(dt.UTC)
