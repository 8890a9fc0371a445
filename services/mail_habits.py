"""How an organisation wants its mails: when the digest goes out, when nothing does, and whether amounts may be told."""

import datetime as dt
import json
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from services import calendars, naming
from services.errors import Malformed
from services.messages import DIGEST, Kind, Policy, kind_of
from services.unit_of_work import Transaction

SETTING = "mail"
"""The setting of the organisation that keeps its habits."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FREE = "free"
"""Stands among the quiet days for every day that is no working day of the organisation."""

DIGEST_AT = dt.time(8, 0)
OVERDUE_EVERY = 2
_MOST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Habits:
    """The settings. Times are by the clock on the wall of the organisation.

    From `quiet_from` to `quiet_to` (past midnight where it is the earlier) and on `quiet_days` nothing is sent.
    `overdue_every` counts working days from one reminder of what is late to the next, 1 to 60. Without `figures` no
    mail has an amount in it, not even one that a rule fixes. `policies` says for some kinds, against the table of
    kinds, whether a mail in doubt is held or sent again.
    """

    digest_at: dt.time = DIGEST_AT
    quiet_from: dt.time | None = None
    quiet_to: dt.time | None = None
    quiet_days: frozenset[str] = frozenset()
    overdue_every: int = OVERDUE_EVERY
    figures: bool = True
    policies: tuple[tuple[str, str], ...] = ()

    def policy_of(self, kind: Kind) -> str:
        """Return what becomes of a mail of a kind after a doubt: as the organisation has set, else as the kind has."""
        return dict(self.policies).get(kind.name, kind.policy)

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of them."""
        return {
            "digest-at": f"{self.digest_at:%H:%M}",
            "quiet-from": None if self.quiet_from is None else f"{self.quiet_from:%H:%M}",
            "quiet-to": None if self.quiet_to is None else f"{self.quiet_to:%H:%M}",
            "quiet-days": sorted(self.quiet_days),
            "overdue-every": self.overdue_every,
            "figures": self.figures,
            "policies": dict(self.policies),
        }


def habits_from(kept: Mapping[str, Any]) -> Habits:
    """Return the habits that a mapping holds, with the defaults where it holds none.

    Raises:
        Malformed: a value is none of its kind; the sentence says which.
    """
    days = frozenset(kept.get("quiet-days") or ())
    unknown = sorted(days - {*WEEKDAYS, FREE})
    if unknown:
        raise Malformed(
            f"{unknown[0]!r} is no quiet day; write {', '.join(WEEKDAYS)}, or {FREE} for days that are not worked.",
            "quiet-day",
        )
    quiet = (_time(kept.get("quiet-from"), "quiet-from"), _time(kept.get("quiet-to"), "quiet-to"))
    if (quiet[0] is None) != (quiet[1] is None) or (quiet[0] is not None and quiet[0] == quiet[1]):
        raise Malformed("Quiet hours have a beginning and another end, such as 20:00-07:00.", "quiet-hours")
    every = kept.get("overdue-every", OVERDUE_EVERY)
    if isinstance(every, bool) or not isinstance(every, int) or not 1 <= every <= _MOST_DAYS:
        raise Malformed(f"What is late is repeated every 1 to {_MOST_DAYS} working days.", "overdue-every")
    digest_at = _time(kept.get("digest-at"), "digest-at") or DIGEST_AT
    policies = tuple(sorted(dict(kept.get("policies") or {}).items()))
    for kind, policy in policies:
        if kind_of(kind).name == DIGEST or policy not in set(Policy):
            raise Malformed(
                f"{kind}={policy} sets nothing: name a kind that `appraise mail kinds` lists, and hold or resend.",
                "policy",
            )
    found = Habits(digest_at, *quiet, days, every, bool(kept.get("figures", True)), policies)
    if _within(found, digest_at):
        raise Malformed(f"The digest would go out at {digest_at:%H:%M}, within the quiet hours.", "quiet-digest")
    if frozenset(WEEKDAYS) <= days:
        raise Malformed("If every day is quiet, no mail ever goes out; leave one.", "quiet-day")
    return found


def of(tx: Transaction) -> Habits:
    """Return the habits of the organisation; the defaults where it has set none, or is not there yet."""
    row = _organisation(tx)
    return Habits() if row is None else habits_from(json.loads(row.settings).get(SETTING, {}))


def quiet(tx: Transaction, now: dt.datetime) -> bool:
    """Tell whether nothing may be sent at `now`."""
    row = _organisation(tx)
    if row is None:
        return False
    habits = of(tx)
    local = now.astimezone(zoneinfo.ZoneInfo(row.zone))
    return _within(habits, local.time()) or _quiet_day(tx, row, habits, local.date())


def digest_due(tx: Transaction, now: dt.datetime) -> dt.date | None:
    """Return the day of which digests may go out at `now`, or None before their hour and on quiet days."""
    row = _organisation(tx)
    if row is None:
        return None
    habits = of(tx)
    local = now.astimezone(zoneinfo.ZoneInfo(row.zone))
    if local.time() < habits.digest_at or quiet(tx, now):
        return None
    return local.date()


def first_day_of_week(tx: Transaction, day: dt.date) -> dt.date:
    """Return the first working day of a day's week on which mails go out, or its Monday where there is none."""
    row = naming.organisation(tx)
    habits, closures = of(tx), calendars.closures(tx)
    monday = day - dt.timedelta(days=day.weekday())
    for one in (monday + dt.timedelta(days=step) for step in range(7)):
        if calendars.is_working_day(row.calendar, one, closures) and not _quiet_day(tx, row, habits, one):
            return one
    return monday


def local_day(tx: Transaction, moment: dt.datetime) -> dt.date:
    """Return the calendar day of a moment in the organisation's zone."""
    return moment.astimezone(zoneinfo.ZoneInfo(naming.organisation(tx).zone)).date()


def _quiet_day(tx: Transaction, row: Row[Any], habits: Habits, day: dt.date) -> bool:
    if WEEKDAYS[day.weekday()] in habits.quiet_days:
        return True
    return FREE in habits.quiet_days and not calendars.is_working_day(row.calendar, day, calendars.closures(tx))


def _within(habits: Habits, time: dt.time) -> bool:
    first, last = habits.quiet_from, habits.quiet_to
    if first is None or last is None:
        return False
    return first <= time < last if first < last else time >= first or time < last


def _time(kept: Any, name: str) -> dt.time | None:
    if kept is None:
        return None
    try:
        return dt.time.fromisoformat(str(kept)).replace(tzinfo=None)
    except ValueError as error:
        raise Malformed(f"{name}: {kept!r} is no time of day; write it like 08:00.", "bad-time") from error


def _organisation(tx: Transaction) -> Row[Any] | None:
    return next(iter(tx.once(naming.ANY_ORGANISATION)), None)
