"""What people do in a simulated year, by a seed: the service is called and the reference is told the same."""

import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from services import delegations, extensions, findings, lives, mail_desk
from services.actors import Actor
from services.appraisals import Words, act
from services.extensions import Cohort
from tests.faults.reference_days import EVENING, between
from tests.faults.reference_parts import ASSESSOR
from tests.faults.reference_rows import Case, Item, Person
from tests.faults.year_office import PERIODS, Office

NEVER = {"draft": 0.25, "scoring": 0.04, "review": 0.03, "signoff": 0.3, "appeal": 0.2}
"""How many of the turns of each stage are never taken: the clock must do what follows."""
DAILY = 0.45
"""How likely somebody takes a turn on a working day."""
NOON_BEFORE = dt.time(10)


@dataclass
class Acts:
    """Everybody of an office, acting at ten o'clock on working days."""

    office: Office
    chance: random.Random
    pace: float = 1.0
    """How many times more often than in a large office people leave and fall ill, so that a small one has some too."""
    counts: Counter[str] = field(default_factory=Counter)
    lazy: set[Item] = field(default_factory=set)
    seen: set[Item] = field(default_factory=set)
    findings: dict[Case, list[str]] = field(default_factory=dict)
    read: set[Item] = field(default_factory=set)
    returned: set[Case] = field(default_factory=set)
    stands_in: list[tuple[int, int, dt.date, dt.date]] = field(default_factory=list)
    bounced_rows: dict[str, int] = field(default_factory=dict)

    def day(self, today: dt.date) -> None:
        """Let everybody do what he does on a working day."""
        now = self.office.days.at(today, NOON_BEFORE)
        self._operator(now)
        self._lives(today, now)
        self._extensions(today, now)
        for item in [case.item for case in self.office.reference.open]:
            if item.closed is None and item.id:
                self._turn(item, today, now)

    def _person(self, person: int) -> Person:
        return self.office.people[person]

    def _taker(self, item: Item, today: dt.date) -> int | None:
        """Who takes a turn today: its holder, or who stands in for him; None where nobody does."""
        holder = self._person(item.holder)
        own = item.holder == item.case.person
        if holder.left is not None and holder.left < today and not own:
            return None
        if holder.is_away(today, "leave") or holder.is_away(today, "protected"):
            for person, substitute, first, last in self.stands_in:
                away = self._person(substitute)
                here = not away.is_gone(today) and not away.is_away(today, "leave")
                # Who had another part, or an own one, may not stand in; it is HR's deputy and the like.
                if person == item.holder and first <= today <= last and not own and here:
                    return substitute if substitute != item.case.person else None
            return None
        return item.holder

    def _turn(self, item: Item, today: dt.date, now: dt.datetime) -> None:
        if item not in self.seen:
            self.seen.add(item)
            if self.chance.random() < NEVER[item.stage]:
                self.lazy.add(item)
        if item.stage == "signoff" and self._delivered_by_hand(item, today, now):
            return
        typed = self._taker(item, today)
        if item in self.lazy or item.asleep or typed is None or self.chance.random() > DAILY:
            return
        case = item.case
        if item.stage == "draft":
            boss = self._person(case.parts[ASSESSOR])
            starts = self.chance.random() < 0.2 and not (boss.is_gone(today) or boss.is_away(today, "leave"))
            if starts:
                self._act(case, "start", now, boss.id)
            else:
                self._act(case, "state", now, case.person)
        elif item.stage == "scoring":
            self._score(item, typed, now)
        elif item.stage == "review":
            back = case not in self.returned and self.chance.random() < 0.08
            if back:
                self.returned.add(case)
            reason = "Look again." if back else None
            self._act(case, "return" if back else "approve", now, typed, reason=reason)
        elif item.stage == "signoff":
            self._answer(item, now)
        else:
            lines = dict.fromkeys(self.findings[case], "keep")
            self._act(case, "decide", now, typed, reason="It was so.", lines=lines)

    def _score(self, item: Item, typed: int, now: dt.datetime) -> None:
        case = item.case
        clerk = self._person(case.person)
        if clerk.post == "clerical" and case not in self.findings and self.chance.random() < 0.25 and not clerk.left:
            period = PERIODS[case.cycle]
            happened = period[0] + dt.timedelta(days=self.chance.randrange(60))
            found = findings.add(
                self.office.uow,
                actor=Actor(typed),
                now=now,
                number=clerk.number,
                rule="C2.2",
                happened=happened,
                reason="passed on without a signature",
            )
            self.findings[case] = [found.code]
            self.office.reference.found(case, found.code, item.holder, typed)
            self.counts["findings"] += 1
        self._act(case, "submit", now, typed)

    def _answer(self, item: Item, now: dt.datetime) -> None:
        case = item.case
        if item.noticed is None:
            return
        if item not in self.read and self.chance.random() < 0.2:
            self.read.add(item)
            self._move(case, "read", now, case.person)
            self.office.reference.noticed(case, now)
            return
        lines = dict.fromkeys(self.findings.get(case, ()))
        if lines and case.person != self.office.hr and self.chance.random() < 0.6 and (item.due or now) > now:
            reason = "I was not there."
            self._act(case, "object", now, case.person, reason=reason, lines=lines)
        else:
            self._act(case, "accept", now, case.person)

    def _delivered_by_hand(self, item: Item, today: dt.date, now: dt.datetime) -> bool:
        """HR brings the result to who has no address, and to who comes back after he could not be reached."""
        person = self._person(item.holder)
        back = item.asleep and not person.is_away(today, "protected")
        unreachable = not person.has_address and item.noticed is None and not item.asleep
        if not (back or (unreachable and self.chance.random() < 0.5)) or person.id == self.office.hr:
            return False
        self._move(item.case, "deliver", now, self.office.hr, reason="By hand.", witness="Chen, at the desk")
        self.office.reference.noticed(item.case, now)
        return True

    def _act(self, case: Case, action: str, now: dt.datetime, typed: int, **brought: Any) -> None:
        """Let somebody act: the holder of the turn, who stands in for him, or the scorer who starts early."""
        by = typed if action == "start" else case.item.holder
        self._move(case, action, now, typed, **brought)
        self.office.reference.act(case, action, now, by=by, typed=typed)

    def _move(self, case: Case, action: str, now: dt.datetime, typed: int, **brought: Any) -> None:
        words = Words(comment=brought.get("reason"), witness=brought.get("witness"), lines=brought.get("lines"))
        act(self.office.uow, actor=Actor(typed), now=now, appraisal=case.id, action=action, words=words)
        self.counts[action] += 1

    def _operator(self, now: dt.datetime) -> None:
        for notice in list(self.office.reference.bounced):
            row = self.bounced_rows.pop(notice.key)
            mail_desk.retry(self.office.uow, actor=Actor(self.office.hr), now=now, mail=f"M{row}")
            self.office.reference.retried(notice)
            self.counts["mails tried again"] += 1

    def _lives(self, today: dt.date, now: dt.datetime) -> None:
        office = self.office
        for person in [*office.deputies[1:], *office.staff]:
            if person.left is not None or any(last >= today for _, _, last in person.away):
                continue
            lot = self.chance.random() / self.pace
            if lot < 0.0002:
                self._leaves(person, self._before_work(today, 10), now)
            elif lot < 0.0005:
                self._away(person, today, self._before_work(today, self.chance.randrange(8, 30)), now, protected=True)
            elif lot < 0.0035:
                first = office.days.after(today, 2)
                last = self._before_work(first, self.chance.randrange(2, 7))
                self._away(person, first, last, now, protected=False)
                if person.post != "clerical":
                    self._substitute(person, first, last, now)

    def _before_work(self, first: dt.date, days: int) -> dt.date:
        """The day before the `days`-th working day after a day."""
        return self.office.days.after(first, days) - dt.timedelta(days=1)

    def _leaves(self, person: Person, last: dt.date, now: dt.datetime) -> None:
        lives.left(self.office.uow, actor=Actor(self.office.hr), now=now, number=person.number, last=last)
        person.left = last
        self.counts["leavers"] += 1

    def _away(self, person: Person, first: dt.date, last: dt.date, now: dt.datetime, *, protected: bool) -> None:
        reference = self.office.reference
        told = {"number": person.number, "first": first, "last": last, "protected": protected}
        lives.absent(self.office.uow, actor=Actor(self.office.hr), now=now, reason="away", **told)  # type: ignore[arg-type]
        person.away.append(("protected" if protected else "leave", first, last))
        if protected:
            for case in [one for one in reference.open if one.person == person.id and one.stage == "signoff"]:
                reference.out_of_reach(case)
            reference.gone(person.id, now)
        self.counts["protected absences" if protected else "leaves"] += 1

    def _substitute(self, person: Person, first: dt.date, last: dt.date, now: dt.datetime) -> None:
        others = [
            one
            for one in self.office.deputies
            if one is not person and one.left is None and not any(day in between(first, last) for *_, day in one.away)
        ]
        if not others:
            return
        other = self.chance.choice(others)
        delegations.delegate(
            self.office.uow,
            actor=Actor(self.office.hr),
            now=now,
            number=other.number,
            holder=person.number,
            first=first,
            last=last,
        )
        row = len(self.stands_in) + 1
        self.stands_in.append((person.id, other.id, first, last))
        self.office.reference.delegated(other.id, row, last)
        self.counts["delegations"] += 1

    def _extensions(self, today: dt.date, now: dt.datetime) -> None:
        reference = self.office.reference
        for code in PERIODS:
            cases = [case for case in reference.open if case.cycle == code and case.item.id]
            clerks = [case for case in cases if self._person(case.person).post == "clerical"]
            if not clerks or self.chance.random() > 0.06:
                continue
            some = self.chance.sample(clerks, max(1, len(clerks) // 20))
            far = dt.date(2026, 3, 31) if code == "2025Q4" else self.office.days.after(today, 8)
            until = self.office.days.at(far, EVENING)
            moved = [one.item for one in some if one.item.due is not None and one.item.due < until and until > now]
            if not moved:
                continue
            extensions.extend(
                self.office.uow,
                actor=Actor(self.office.hr),
                now=now,
                cycle=code,
                cohort=Cohort(people=[self._person(one.person).number for one in some]),
                until=far,
                reason="The office moves house.",
            )
            reference.extend(moved, far, now)
            self.counts["extensions"] += 1
