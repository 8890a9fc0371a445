"""Moments in words and in the zones of who reads them."""

import datetime as dt
import zoneinfo

from web.words import Language, catalogue

_DAY = dt.timedelta(days=1)


def in_words(moment: dt.datetime, now: dt.datetime, zone: zoneinfo.ZoneInfo, language: Language) -> str:
    """Return how far away the day of a moment is in a zone: "today", "in 3 days", "2 days ago"."""
    words = catalogue(language)
    days = (moment.astimezone(zone).date() - now.astimezone(zone).date()) // _DAY
    named = {0: words.gettext("today"), 1: words.gettext("tomorrow"), -1: words.gettext("yesterday")}
    if days in named:
        return named[days]
    if days > 0:
        return words.ngettext("in %(num)s day", "in %(num)s days", days) % {"num": days}
    return words.ngettext("%(num)s day ago", "%(num)s days ago", -days) % {"num": -days}


def shown(moment: dt.datetime, zone: zoneinfo.ZoneInfo, own: zoneinfo.ZoneInfo | None) -> str:
    """Return a moment in the organisation's zone; where the viewer's own clock differs, with his beside it."""
    office = moment.astimezone(zone)
    said = f"{office:%Y-%m-%d %H:%M}"
    if own is None or moment.astimezone(own).utcoffset() == office.utcoffset():
        return said
    return f"{moment.astimezone(own):%Y-%m-%d %H:%M} ({said} {zone.key})"


def zone_of(name: str | None) -> zoneinfo.ZoneInfo | None:
    """Return the zone that a browser named, or None where it is none."""
    if not name or name not in zoneinfo.available_timezones():
        return None
    return zoneinfo.ZoneInfo(name)
