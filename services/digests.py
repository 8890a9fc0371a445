"""One mail a person and day that holds everything due: promised by the planner, made and looked at again at sending.

What comes up after the digest of a day went out waits for the next one. Notices keep the identity they were promised
under; the digest is one more row, which they are bound to when it is handed over.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, bindparam, cast, exists, literal, select

from models.columns import UtcDateTime, table_of
from models.outbox import Job, Message
from models.workitems import WorkItem
from services import mail_digest_rows as rows
from services.mail_facts import Needed, NotNeeded, look
from services.mail_habits import digest_due
from services.mail_words import SECTIONS, phrase
from services.messages import DIGEST
from services.outbox import Promise, promise_many, promise_selected
from services.outbox_messages import COLUMNS, ClaimedMessage, as_message
from services.unit_of_work import Transaction

MESSAGE = table_of(Message)
JOB = table_of(Job)
WORK_ITEM = table_of(WorkItem)
_THAT_DAYS = MESSAGE.alias("that_days")

_WAITS = (MESSAGE.c.state == "queued", MESSAGE.c.due_at.is_(None), MESSAGE.c.digest_id.is_(None))
_OF_THE_DAY = literal("digest/person/") + cast(MESSAGE.c.person_id, String) + literal("/") + bindparam("day")
_PEOPLE = (
    select(MESSAGE.c.person_id, _OF_THE_DAY.label("dedupe_key"))
    .where(*_WAITS, ~exists().where(_THAT_DAYS.c.dedupe_key == _OF_THE_DAY))
    .distinct()
)
_ANY = _PEOPLE.limit(1)
_WAITING = select(*COLUMNS).where(*_WAITS, MESSAGE.c.person_id == bindparam("person")).order_by(MESSAGE.c.id)
_BOUND = (
    select(*COLUMNS)
    .where(MESSAGE.c.digest_id == bindparam("digest"), MESSAGE.c.state == "in-doubt")
    .order_by(MESSAGE.c.id)
)


# While these are not done, the list of the day is not yet what it will be: a cycle opens, or the clock acts on what is
# over. One that was tried in vain is tried again soon, and ends after a few times.
_UNDER_WAY = (
    select(JOB.c.id)
    .where(
        JOB.c.name.in_(("cycle.open-chunk", "appraisals.skip-statement", "deadlines.run-out")),
        JOB.c.due_at.is_not(None),
    )
    .limit(1)
)
# Another planner may be at work on these, and what it notes is not to be seen yet: the last one to end promises.
_NOT_PLANNED = (
    select(WORK_ITEM.c.id)
    .where(WORK_ITEM.c.next_action_at.is_not(None), WORK_ITEM.c.next_action_at <= bindparam("now", type_=UtcDateTime()))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a digest: the notice whose words are used, and what it is about."""

    message: ClaimedMessage
    needed: Needed


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest holds, the most urgent first, and every notice that goes out with it."""

    entries: tuple[Entry, ...]
    lines: tuple[ClaimedMessage, ...]

    @property
    def language(self) -> str:
        """The language of the person."""
        return self.entries[0].needed.language

    def summary(self) -> str:
        """Return how much there is of each kind, the most urgent first."""
        sections = [entry.needed.found.section for entry in self.entries]
        counted = [
            phrase(self.language, section).format(sections.count(section))
            for section in SECTIONS
            if section in sections
        ]
        return phrase(self.language, "list").join(counted)


def promise_digests(tx: Transaction, *, now: dt.datetime) -> int:
    """Promise the digest of the day to everybody for whom something waits; return how many are new.

    None before the hour of the digest and on quiet days, and none while a cycle is being opened: whoever scores sixty
    people is told of all of them, and not of the first; none before the clock did what follows from missed deadlines,
    so that nobody is told he is late with what was passed on. Whoever had his of the day gets the next one tomorrow.
    """
    day = day_of(tx, now)
    if day is None:
        return 0
    occasion = day.isoformat()
    return promise_selected(tx, _PEOPLE, {"day": occasion}, kind=DIGEST, payload={"occasion": occasion}, now=now)


def promise_extra(tx: Transaction, people: Sequence[int], occasion: str, *, now: dt.datetime) -> int:
    """Promise a digest out of turn, as when HR reminds by hand; `occasion` is part of its identity."""
    return promise_many(tx, [_promise(person, occasion) for person in people], now=now)


def waiting(tx: Transaction, *, now: dt.datetime) -> bool:
    """Tell whether a digest may go out now that is not promised yet."""
    day = day_of(tx, now)
    return day is not None and tx.first(_ANY, {"day": day.isoformat()}) is not None


def gather(tx: Transaction, digest: ClaimedMessage, *, now: dt.datetime, base_url: str) -> Digest | NotNeeded:
    """Return what a digest holds now; notices that nobody needs any more are cancelled, each with its reason.

    One that was in doubt before holds the same notices again and no new ones, since its Message-ID is the same. Two
    about one work item are one thing to do: the words are those of the more urgent.
    """
    entries: dict[Any, Entry] = {}
    lines = []
    found = tx.all(_BOUND, {"digest": digest.id}) or tx.all(_WAITING, {"person": digest.person_id})
    for row in found:
        message = as_message(row, attempt=digest.attempt, fence=digest.fence)
        try:
            needed = look(tx, message, now=now, base_url=base_url)
        except (LookupError, TypeError, ValueError) as error:
            rows.fail(tx, message, type(error).__name__, now=now)
            continue
        if isinstance(needed, NotNeeded):
            rows.drop(tx, message.id, needed.code)
            continue
        lines.append(message)
        about = ("item", message.work_item_id) if message.work_item_id is not None else ("message", message.id)
        entry = Entry(message, needed)
        if about not in entries or _boldness(entry) < _boldness(entries[about]):
            entries[about] = entry
    if not entries:
        return NotNeeded("nothing-left")
    ordered = sorted(entries.values(), key=_urgency)
    return Digest(tuple(ordered), tuple(lines))


def still_needed(tx: Transaction, digest: Digest, *, now: dt.datetime, base_url: str) -> bool:
    """Tell whether everything that the digest says still holds."""
    return all(isinstance(look(tx, line, now=now, base_url=base_url), Needed) for line in digest.lines)


def day_of(tx: Transaction, now: dt.datetime) -> dt.date | None:
    """Return the day whose digests may go out now, or None: too early, a quiet day, or the day is not ready for it."""
    day = digest_due(tx, now)
    if day is None or tx.first(_UNDER_WAY) is not None or tx.first(_NOT_PLANNED, {"now": now}) is not None:
        return None
    return day


def _promise(person: int, occasion: str) -> Promise:
    return Promise(DIGEST, person, f"digest/person/{person}/{occasion}", payload={"occasion": occasion})


def _urgency(entry: Entry) -> tuple[int, int, int]:
    found = entry.needed.found
    return SECTIONS.index(found.section), found.days, entry.message.id


_BOLD = ("overdue", "due-today", "due-soon", "reminded")


def _boldness(entry: Entry) -> tuple[int, int]:
    kind = entry.message.kind
    return (_BOLD.index(kind) if kind in _BOLD else len(_BOLD)), -entry.message.id
