"""The short phrases that are filled into mails, in English and Chinese, and how days, moments and links are written."""

import datetime as dt
import urllib.parse
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass

from services import calendars
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
        "late": "{} working days late",
        "late-one": "1 working day late",
        "late-today": "less than one working day late",
        "left": "{} working days left",
        "left-one": "1 working day left",
        "left-today": "due today",
        "left-none": "less than one working day left",
        "no-left": "no deadline yet",
        "withheld": "see the record",
        "overdue": "{} overdue",
        "due-today": "{} due today",
        "due-soon": "{} due soon",
        "duty": "{} to record",
        "turn": "{} new",
        "news": "{} to know",
        "title-overdue": "Overdue",
        "title-due-today": "Due today",
        "title-due-soon": "Due soon",
        "title-duty": "Not recorded yet",
        "title-turn": "Your turn",
        "title-news": "To know",
        "never": "never",
        "deadline": "Due: {}",
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
        "late": "已逾期{}个工作日",
        "late-one": "已逾期1个工作日",
        "late-today": "逾期不足1个工作日",
        "left": "还剩{}个工作日",
        "left-one": "还剩1个工作日",
        "left-today": "今日到期",
        "left-none": "剩余不足1个工作日",
        "no-left": "尚无截止日期",
        "withheld": "请查看记录",
        "overdue": "逾期{}项",
        "due-today": "今日到期{}项",
        "due-soon": "即将到期{}项",
        "duty": "待登记{}项",
        "turn": "新待办{}项",
        "news": "知悉{}项",
        "title-overdue": "已逾期",
        "title-due-today": "今日到期",
        "title-due-soon": "即将到期",
        "title-duty": "尚未登记",
        "title-turn": "轮到您办理",
        "title-news": "请知悉",
        "never": "从未",
        "deadline": "截止：{}",
    },
}


SECTIONS = ("overdue", "due-today", "due-soon", "duty", "turn", "news")
"""The parts of a digest in the order of urgency; also the names of their phrases."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a work item is due, and what a calendar says of it; `over` takes it out of the calendar again."""

    item_id: int
    due_at: dt.datetime
    title: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a message names: its values, the rows of one that lists something, and how urgent it is.

    `section` is one of `SECTIONS`, `days` the working days left, negative when late; both place a line in a digest.
    """

    values: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...] = ()
    section: str = "news"
    days: int = 0
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """A message that nobody needs any more, and why, as a short code."""

    code: str


def phrase(language: str, name: str) -> str:
    """Return a short phrase in `en` or `zh`."""
    return _PHRASES[language][name]


@dataclass(frozen=True, slots=True)
class Look:
    """One message being looked at: for whom, in which language and zone, on which day."""

    tx: Transaction
    message: ClaimedMessage
    language: str
    zone: zoneinfo.ZoneInfo
    base_url: str
    on: dt.date
    now: dt.datetime
    calendar: str
    figures: bool = True

    def phrase(self, name: str) -> str:
        """Return a short phrase in the person's language."""
        return phrase(self.language, name)

    def moment(self, at: dt.datetime | None, form: str = "moment") -> str:
        """Return a moment as people there write it."""
        return self.phrase("no-due") if at is None else at.astimezone(self.zone).strftime(self.phrase(form))

    def day(self, day: dt.date) -> str:
        """Return a day as people there write it."""
        return day.strftime(self.phrase("day"))

    def days(self, kind: str, count: int) -> str:
        """Return a count of days with their kind."""
        return self.phrase("working" if kind == DayKind.WORKING else "calendar").format(count)

    def working_days_left(self, due_at: dt.datetime) -> int:
        """Return the working days from today to the day of a deadline; negative when it has passed."""
        due = due_at.astimezone(self.zone).date()
        first, last = sorted((self.on, due))
        between = calendars.working_days(self.calendar, first, last, calendars.closures(self.tx)) - {first}
        return len(between) if due >= self.on else -len(between)

    def left(self, due_at: dt.datetime | None) -> str:
        """Return in words how long there is until a deadline, or since."""
        if due_at is None:
            return self.phrase("no-left")
        days = self.working_days_left(due_at)
        word = "late" if due_at < self.now else "left"
        if days == 0:
            today = word == "late" or due_at.astimezone(self.zone).date() == self.on
            return self.phrase(f"{word}-today" if today else "left-none")
        return self.phrase(f"{word}-one") if abs(days) == 1 else self.phrase(word).format(abs(days))

    def link(self, *parts: str) -> str:
        """Return an absolute link; it begins with the configured address and nothing else (G16)."""
        return "/".join((self.base_url, *(urllib.parse.quote(part, safe="/@") for part in parts)))
