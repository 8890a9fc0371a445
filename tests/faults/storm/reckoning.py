"""What was owed, reckoned anew from work items, moves and deadlines, and compared with what the mail server took.

A small reference of its own: it knows the calendar, what opens, when somebody is reminded, and by which name a notice
goes. It reads no message, no digest and no line of the planner, and imports nothing of the product.

What is open is known at the end of each step of the clock, when everything that the step owed is done. A notice is
`certain` where nothing could have made it needless before it went out: what a digest holds goes out in the step it was
promised in or, where the digest of the day was gone already, in the next. One that somebody's act could have overtaken
is `possible`: it may arrive, once.
"""

import datetime as dt
import functools
import hashlib
import hmac
import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import holidays

from tests.faults.storm.facts import Facts, Turn
from tests.faults.storm.sink import Taken

ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
MORNING = dt.time(8, 0)
NUDGE, REPEAT = -2, 2
"""Working days before a deadline, and from one reminder of what is late to the next."""
IN_DIGESTS = frozenset({"your-turn", "due-soon", "due-today", "overdue", "objection-noted", "duty-missing"})
NEVER_AGAIN = IN_DIGESTS - {"your-turn"} | {"passed-on", "monday-list", "failures"}
"""Kinds that are never sent again after a doubt; every other is."""
ENDS_RATED = ("accept", "conclude", "conclude-refused", "decide")
"""Actions that end an appraisal with a result."""
STAYS_LATE = "appeal"
"""The stage whose deadline has no consequence, so that whoever is late is told so again and again."""


@dataclass(slots=True)
class Owed:
    """Identities of notices with their kinds: those that must have gone out, and those that may have."""

    certain: dict[str, str] = field(default_factory=dict)
    possible: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a storm comes to; `unasked` mails had nobody who was owed them."""

    owed: int = 0
    delivered: int = 0
    in_doubt: int = 0
    missing: int = 0
    doubled: int = 0
    unasked: int = 0
    wrong: tuple[str, ...] = ()
    """The identities of what is missing or doubled, and the names of what nobody was owed."""

    def __add__(self, other: "Counts") -> "Counts":
        """Return what two storms come to."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class _Line:
    key: str
    kind: str
    person: int
    step: int
    kept: bool
    """Whether it was still needed at the end of its step."""
    kept_on: bool
    """Whether it was still needed at the end of the next step; False where there was none."""


def reckon(facts: Facts) -> Owed:
    """Return what was owed."""
    owed = Owed()
    lines = [*_opened(facts), *_reminders(facts), *_others(facts), *_signed(facts)]
    certain = _surely_in_their_step(lines)
    for line in lines:
        at_once = line.kind not in IN_DIGESTS
        sure = line.kept and (at_once or line.kept_on or (line.step, line.person) in certain)
        sure = sure and not _is_away(facts, line.person, line.step)
        (owed.certain if sure else owed.possible)[line.key] = line.kind
    for held in facts.ever:
        key, kind = _opening(held)
        owed.possible.setdefault(key, kind)
        for times in range(2, _times(facts, held) + 1):
            owed.possible.setdefault(_again(held, times), "your-turn")
    for key, kind in _lists(facts):
        owed.possible.setdefault(key, kind)
    for key in owed.certain:
        owed.possible.pop(key, None)
    return owed


def compare(
    owed: Owed, record: Sequence[Taken], key: bytes, *, doubted: Collection[str], unsettled: Collection[str]
) -> Counts:
    """Compare what was owed with what a mail server took.

    `key` keys the names that stand in mails. `doubted` are identities that were once in doubt, of notices or
    of the digests that held them; `unsettled` those that are in doubt now: the only thing that is taken from messages,
    and it excuses nothing but the absence of one that is held, or the return of one that is sent again after a doubt.
    """
    named = {name_of(key, identity): identity for identity in (*owed.certain, *owed.possible)}
    kinds = {**owed.possible, **owed.certain}
    in_doubt = {name_of(key, identity) for identity in doubted}
    arrived: Counter[str] = Counter()
    again: set[str] = set()
    unasked = []
    for mail in record:
        identities = [named[name] for name in mail.notices if name in named]
        unasked += [name for name in mail.notices if name not in named]
        arrived.update(identities)
        if any(kinds[identity] not in NEVER_AGAIN for identity in identities):
            again.update(one for one in identities if mail.name in in_doubt or one in doubted)
    excused = {one for one, times in arrived.items() if times > 1 and one in again}
    doubled = sorted(one for one, times in arrived.items() if times > 1 and one not in excused)
    absent = [one for one in owed.certain if one not in arrived]
    waiting = [one for one in absent if one in unsettled]
    missing = sorted(one for one in absent if one not in unsettled)
    return Counts(
        owed=len(owed.certain),
        delivered=len(owed.certain) - len(absent),
        in_doubt=len(waiting) + len(excused),
        missing=len(missing),
        doubled=len(doubled),
        unasked=len(unasked),
        wrong=(
            *(f"missing: {one}" for one in missing),
            *(f"doubled: {one}" for one in doubled),
            *(f"unasked: {one}" for one in unasked),
        ),
    )


def _surely_in_their_step(lines: Sequence[_Line]) -> set[tuple[int, int]]:
    """Return step and person where the digest of the step must hold what was promised in it.

    Of two notices for one person the first may call forth the digest and the second come too late for it; and what is
    left over from the day before may call it forth, too.
    """
    promised: dict[int, Counter[int]] = defaultdict(Counter)
    for line in lines:
        if line.kind in IN_DIGESTS:
            promised[line.step][line.person] += 1
    sure: set[tuple[int, int]] = set()
    left_over: set[int] = set()
    for step in range(max(promised, default=-1) + 1):
        alone = {person for person, count in promised[step].items() if count == 1} - left_over
        sure |= {(step, person) for person in alone}
        left_over = set(promised[step]) - alone
    return sure


def _opened(facts: Facts) -> Iterator[_Line]:
    """Yield who was told that it is his turn."""
    before: Mapping[int, Turn] = {}
    # Whoever held it on two evenings that follow each other was told of it, since the digest of the second had it.
    told: set[tuple[int, int]] = set()
    for step, evening in enumerate(facts.evenings):
        for item, held in evening.held.items():
            if item not in before or before[item].holder != held.holder:
                key, kind = _opening(held)
                again = any((item, held.holder) == (one.item, one.holder) for one in _earlier(facts, step, item))
                if again:
                    key, kind = _again(held, _times(facts, held, evening.at)), "your-turn"
                kept = not again or (item, held.holder) in told
                yield _Line(key, kind, held.holder, step, kept=kept, kept_on=_is_kept(facts, step + 1, held))
            elif not (_is_away(facts, held.holder, step) or _is_away(facts, held.holder, step - 1)):
                told.add((item, held.holder))
        before = evening.held
    seen = {(held.item, held.holder) for evening in facts.evenings for held in evening.held.values()}
    for held in facts.ever:
        # Opened and closed within one step.
        if (held.item, held.holder) not in seen:
            key, kind = _opening(held)
            yield _Line(key, kind, held.holder, _step(facts, held.opened), kept=False, kept_on=False)


def _earlier(facts: Facts, step: int, item: int) -> Iterator[Turn]:
    return (evening.held[item] for evening in facts.evenings[:step] if item in evening.held)


def _times(facts: Facts, held: Turn, until: dt.datetime | None = None) -> int:
    """Return how often the part in which an item lies was whose it is."""
    return sum(
        (part.appraisal, part.stage, part.person) == (held.appraisal, held.stage, held.holder)
        and (until is None or part.since <= until)
        for part in facts.parts
    )


def _is_away(facts: Facts, person: int, step: int) -> bool:
    """Tell whether somebody was away or gone on the day of a step, or of the one after it."""
    days = [evening.at.astimezone(ZONE).date() for evening in facts.evenings[max(step, 0) : max(step, 0) + 2]]
    return any(
        one.person == person and one.first <= day and (one.last is None or day <= one.last)
        for one in facts.away
        for day in days
    )


def _again(held: Turn, times: int) -> str:
    return f"work-item/{held.item}/person/{held.holder}/your-turn/{times}"


def _step(facts: Facts, at: dt.datetime) -> int:
    later = (number for number, evening in enumerate(facts.evenings) if evening.at >= at)
    return next(later, len(facts.evenings) - 1)


def _opening(held: Turn) -> tuple[str, str]:
    if held.stage == "signoff":
        kind = "released"
    else:
        kind = {
            "pass-on": "passed-upward",
            "object": "objection-made",
            "return": "returned",
            "send-back": "returned",
        }.get(held.action, "your-turn")
    return f"work-item/{held.item}/person/{held.holder}/{kind}/1", kind


def _is_kept(facts: Facts, step: int, held: Turn, *, due: bool = False) -> bool:
    """Tell whether an item was still open, with the same holder and perhaps the same deadline, at the end of a step."""
    if step >= len(facts.evenings):
        return False
    now = facts.evenings[step].held.get(held.item)
    return now is not None and now.holder == held.holder and (not due or now.due == held.due)


def _reminders(facts: Facts) -> Iterator[_Line]:
    """Yield who was reminded of a deadline: of several that passed while nobody planned, the last alone."""
    for step in range(1, len(facts.evenings)):
        before, now = facts.evenings[step - 1], facts.evenings[step]
        for held in before.held.values():
            passed = [one for one in _occasions(held, now.at) if before.at < one[0] <= now.at]
            if not passed:
                continue
            _, kind, occurrence = passed[-1]
            key = f"work-item/{held.item}/person/{held.holder}/{kind}/{occurrence}"
            # Where being late has a consequence, the clock acts first, and nobody is told that he is late.
            acts = kind == "overdue" and held.stage != STAYS_LATE
            kept, kept_on = (_is_kept(facts, at, held, due=True) for at in (step, step + 1))
            yield _Line(key, kind, held.holder, step, kept=kept and not acts, kept_on=kept_on)


def _occasions(held: Turn, until: dt.datetime) -> Iterator[tuple[dt.datetime, str, str]]:
    if held.due is None:
        return
    day = held.due.astimezone(ZONE).date()
    stamp = day.isoformat()
    yield _morning(_shifted(day, NUDGE)), "due-soon", stamp
    yield _morning(day), "due-today", stamp
    repeat, late = 1, _shifted(day, 1)
    while _morning(late) <= until:
        yield _morning(late), "overdue", f"{stamp}+{repeat}"
        repeat += 1
        late = _shifted(day, 1 + REPEAT * (repeat - 1))


def _others(facts: Facts) -> Iterator[_Line]:
    """Yield what moves, HR's acts, findings and the calendar told people."""
    for step, held in facts.extended:
        until = held.due.astimezone(dt.UTC).isoformat() if held.due is not None else ""
        key = f"work-item/{held.item}/person/{held.holder}/deadline-moved/{until}"
        yield _Line(key, "deadline-moved", held.holder, step, kept=_is_kept(facts, step, held), kept_on=False)
    for move in facts.moved:
        where, step = f"appraisal/{move.appraisal}/{move.seq}", _step(facts, move.at)
        if move.action == "conclude":
            key = f"{where}/accepted-by-silence"
            yield _Line(key, "accepted-by-silence", move.appraisee, step, kept=True, kept_on=True)
        if move.action == "pass-on" and move.was is not None:
            key = f"{where}/passed-on/person/{move.was}"
            yield _Line(key, "passed-on", move.was, step, kept=move.lost, kept_on=False)
        if move.action == "object":
            for officer in facts.officers:
                key = f"{where}/objection-noted/person/{officer}"
                yield _Line(key, "objection-noted", officer, step, kept=False, kept_on=False)
    for number, person in facts.findings:
        yield _Line(f"finding-recorded/F{number}", "finding-recorded", person, 0, kept=True, kept_on=True)
    for step, evening in enumerate(facts.evenings):
        for assignment, person in facts.duties:
            month = f"{evening.at.astimezone(ZONE):%Y-%m}"
            key = f"duty/{assignment}/A1.1/{month}/person/{person}/duty-missing"
            yield _Line(key, "duty-missing", person, step, kept=False, kept_on=False)


def _signed(facts: Facts) -> Iterator[_Line]:
    """Yield who was to sign the result table, and who was told his result when it was signed."""
    for signing in facts.signing:
        key = f"cycle/{signing.cycle}/table/{signing.number}/to-sign/{signing.approver}"
        kept = not any(step <= signing.step for step, _ in facts.final)
        yield _Line(key, "to-sign", signing.approver, signing.step, kept=kept, kept_on=False)
    for step, cycle in facts.final:
        for person in _rated(facts):
            here = person not in facts.left
            yield _Line(f"result-final/{cycle}/{person}/1", "result-final", person, step, kept=here, kept_on=here)


def _rated(facts: Facts) -> Iterator[int]:
    """Yield whose appraisal ended with a result, and not by being left out."""
    last = {move.appraisal: move for move in sorted(facts.moved, key=lambda move: move.seq)}
    yield from (move.appraisee for move in last.values() if move.action in ENDS_RATED)


def _lists(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield what may go out besides: the list of who is late, once a week, and that something failed, once a day."""
    for evening in facts.evenings:
        day = evening.at.astimezone(ZONE).date()
        week = day.isocalendar()
        for officer in facts.officers:
            yield f"monday-list/{week.year}-W{week.week:02}/person/{officer}", "monday-list"
            yield f"failures/{day}/person/{officer}", "failures"


def _morning(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, MORNING, ZONE).astimezone(dt.UTC)


def _shifted(day: dt.date, count: int) -> dt.date:
    """Return the working day so many working days after a day, before it for a negative count."""
    step = dt.timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_working_day(day)
    return day


def is_working_day(day: dt.date) -> bool:
    """Tell whether a day is worked in China."""
    return bool(_china(day.year).is_working_day(day))


@functools.cache
def _china(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("CN", years=year, expand=False)


def name_of(key: bytes, identity: str) -> str:
    return hmac.new(key, b"message-id\n" + identity.encode(), hashlib.sha256).hexdigest()[:40]
