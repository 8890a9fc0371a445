"""What the reference of a simulated year keeps: people, appraisals, turns, notices and mails. Nothing of services."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.reference_parts import Parts


@dataclass(eq=False)
class Person:
    """Somebody of the office; `away` has kind, first and last day of each absence."""

    id: int
    number: str
    post: str
    boss: int | None = None
    has_address: bool = True
    left: dt.date | None = None
    away: list[tuple[str, dt.date, dt.date]] = field(default_factory=list)

    def is_away(self, day: dt.date, kind: str) -> bool:
        """Whether an absence of a kind is recorded for a day."""
        return any(kind == one and first <= day <= last for one, first, last in self.away)

    def is_gone(self, day: dt.date) -> bool:
        """Whether somebody can hold no part on a day."""
        return self.is_away(day, "protected") or (self.left is not None and self.left < day)


@dataclass(eq=False)
class Item:
    """One turn of one person. `asleep` while nothing is asked of it; `seen` is up to when its reminders are told."""

    case: "Case"
    stage: str
    round: int
    holder: int
    action: str
    opened: dt.datetime
    id: int = 0
    due: dt.datetime | None = None
    noticed: dt.datetime | None = None
    closed: dt.datetime | None = None
    extended: dt.datetime | None = None
    seen: dt.datetime | None = None
    asleep: bool = False
    told: set[int] = field(default_factory=set)
    ran: set[dt.datetime] = field(default_factory=set)
    coming: Iterator[tuple[str, dt.datetime, str]] | None = None
    head: tuple[str, dt.datetime, str] | None = None


@dataclass(eq=False)
class Case:
    """One appraisal."""

    cycle: str
    person: int
    parts: Parts
    stage: str = "draft"
    id: int = 0
    seq: int = 0
    round: int = 1
    items: list[Item] = field(default_factory=list)
    moved: dict[str, set[int]] = field(default_factory=dict)
    judged: dict[str, set[int]] = field(default_factory=dict)
    """Who made judging moves, by role; and who judged in any way: also for another, also by recording a finding."""
    typed: dict[str, set[int]] = field(default_factory=dict)
    """Who made or typed judging moves, by role."""
    lent: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """From whom each part went to its holder since somebody decided about it, and why, the oldest first."""
    former: set[int] = field(default_factory=set)
    times: dict[tuple[str, int], int] = field(default_factory=dict)
    """How often each part has been whose."""

    @property
    def item(self) -> Item:
        """The open turn."""
        return self.items[-1]


@dataclass(eq=False)
class Notice:
    """One thing to be told; `text` becomes the identity under which it is owed, once the ids of the rows are known."""

    kind: str
    person: int
    text: str
    item: Item | None = None
    case: Case | None = None
    last: dt.date | None = None
    state: str = "queued"
    stopped: bool = False
    """Whether it was cancelled because the part went to another, or because of an absence."""

    @property
    def key(self) -> str:
        """Under which it is owed once."""
        return self.text.format(item=self.item.id if self.item else "", case=self.case.id if self.case else "")


@dataclass(frozen=True)
class Mail:
    """What must lie at the mail server: to whom, under which identity, holding which notices."""

    person: int
    key: str
    lines: frozenset[str]
