"""The short phrases that are filled into mails, in English and Chinese, and how days, moments and links are written."""

import datetime as dt
import urllib.parse
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass

from services.outbox_messages import ClaimedMessage
from services.unit_of_work import Transaction
from workflow.vocabulary import DayKind

_PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "working": "{} working days",
        "calendar": "{} days",
        "deduct": "{} points, fixed by the rule",
        "award": "{} points of reward, fixed by the rule",
        "judged": "decided by scoring, within what the rule allows",
        "none": "none",
        "no-due": "none",
        "moment": "%Y-%m-%d %H:%M",
        "day": "%Y-%m-%d",
        "list": ", ",
    },
    "zh": {
        "working": "{}个工作日",
        "calendar": "{}日",
        "deduct": "{}分，由条款规定",
        "award": "加{}分，由条款规定",
        "judged": "由评分人在条款范围内确定",
        "none": "无",
        "no-due": "无",
        "moment": "%Y年%m月%d日 %H:%M",
        "day": "%Y年%m月%d日",
        "list": "、",
    },
}


@dataclass(frozen=True, slots=True)
class Look:
    """One message being looked at: for whom, in which language and zone, on which day."""

    tx: Transaction
    message: ClaimedMessage
    language: str
    zone: zoneinfo.ZoneInfo
    base_url: str
    on: dt.date

    def phrase(self, name: str) -> str:
        """Return a short phrase in the person's language."""
        return _PHRASES[self.language][name]

    def moment(self, at: dt.datetime | None, form: str = "moment") -> str:
        """Return a moment as people there write it."""
        return self.phrase("no-due") if at is None else at.astimezone(self.zone).strftime(self.phrase(form))

    def day(self, day: dt.date) -> str:
        """Return a day as people there write it."""
        return day.strftime(self.phrase("day"))

    def days(self, kind: str, count: int) -> str:
        """Return a count of days with their kind."""
        return self.phrase("working" if kind == DayKind.WORKING else "calendar").format(count)

    def link(self, *parts: str) -> str:
        """Return an absolute link; it begins with the configured address and nothing else (G16)."""
        return "/".join((self.base_url, *(urllib.parse.quote(part, safe="/@") for part in parts)))
