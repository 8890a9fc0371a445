"""What is owed on each day of a simulated year, told again by a small program of its own: nothing of services is here.

It is told what people did and what changed for them, and each time the clock of the product looks, it is asked what the
clock must have done: which moves, which parts passed on, which notices to whom, which mails. All from the rules of
domain.md (5, 5b) and reliability.md (G4, G5, G7); only ids of rows are taken over once the rows are found to be alike.
"""

import datetime as dt

from tests.faults.reference_days import DAY, EVENING, Days, between
from tests.faults.reference_hands import Hands
from tests.faults.reference_parts import ASSESSOR, DECIDER, REVIEWER, Acted, Chiefs, Seat
from tests.faults.reference_rows import Case, Item, Mail, Notice, Person

APPRAISEE = "appraisee"
HOLDERS = {"draft": APPRAISEE, "scoring": ASSESSOR, "review": REVIEWER, "signoff": APPRAISEE, "appeal": DECIDER}
TERMS = {"draft": 3, "scoring": 5, "review": 3, "appeal": 5}
ANSWER_DAYS = 5
GOES_TO = {
    ("draft", "state"): "scoring",
    ("draft", "start"): "scoring",
    ("draft", "skip"): "scoring",
    ("scoring", "submit"): "review",
    ("scoring", "pass-on"): "scoring",
    ("review", "return"): "scoring",
    ("review", "approve"): "signoff",
    ("review", "pass-on"): "review",
    ("signoff", "accept"): "closed",
    ("signoff", "conclude"): "closed",
    ("signoff", "object"): "appeal",
    ("appeal", "decide"): "closed",
}
ACTS_AS = {"start": ASSESSOR, "submit": ASSESSOR, "return": REVIEWER, "approve": REVIEWER, "decide": DECIDER}
TOLD_BY = {"pass-on": "passed-upward", "return": "returned", "object": "objection-made", "approve": "released"}
IN_DIGEST = {"your-turn", "due-soon", "due-today", "overdue", "objection-noted"}
OF_A_DEADLINE = ("due-soon", "due-today", "overdue")
MINIMUM_DAYS = 10


class Reference:
    """The office, its appraisals, and what is owed. `hr` runs cycles and looks after the mails."""

    def __init__(self, days: Days, people: dict[int, Person], chiefs: Chiefs, hr: int) -> None:
        self.days, self.people, self.chiefs, self.hr = days, people, chiefs, hr
        self.cases: list[Case] = []
        self.open: list[Case] = []
        self.notices: list[Notice] = []
        self.outgoing: list[Notice] = []
        self.waiting: dict[int, list[Notice]] = {}
        self.bounced: list[Notice] = []
        self.clock_moves: list[tuple[Case, int, str]] = []
        self.periods: dict[str, tuple[dt.date, dt.date]] = {}
        self.opens_on_working_day = 1
        self.lengthened = 0
        """How often somebody's own days ended later, since he was away on some of them."""
        self.last: dt.datetime | None = None
        self._digest_on: dict[int, dt.date] = {}
        self._rounds_on: dt.date | None = None
        self._once: set[str] = set()
        self._listed: dict[str, set[frozenset[tuple[int, str]]]] = {}
        self._plans_on: dt.date | None = None
        self._opened: set[str] = set()
        self.hands = Hands(self)

    # What people did, and what changed for them.

    def act(
        self, case: Case, action: str, now: dt.datetime, *, by: int | None = None, typed: int | None = None
    ) -> None:
        """Somebody moved an appraisal: `by` is whose act it is, `typed` who did it for him."""
        role = ACTS_AS.get(action)
        if role is not None and by is not None:
            case.moved.setdefault(role, set()).add(by)
            case.judged.setdefault(role, set()).update({by, typed or by})
            case.typed.setdefault(role, set()).update({by, typed or by})
        old = case.item
        self._move(case, action, now)
        if by is not None and typed not in {None, by}:
            self.owe(Notice("proxy-entry", by, f"proxy-entry/move/{{case}}/{case.seq}", case=case))
        if action == "object" and case.person != self.hr:
            key = f"appraisal/{{case}}/{case.seq}/objection-noted/person/{self.hr}"
            self.owe(Notice("objection-noted", self.hr, key, case=case))
        elif action == "decide":
            self.owe(Notice("appeal-decided", case.person, f"appeal-decided/{{case}}/{case.seq}", case=case))
        elif action == "conclude":
            key = f"appraisal/{{case}}/{case.seq}/accepted-by-silence"
            self.owe(Notice("accepted-by-silence", case.person, key, case=case))
        elif action == "pass-on" and old.holder not in case.parts.values():
            key = f"appraisal/{{case}}/{case.seq}/passed-on/person/{old.holder}"
            self.owe(Notice("passed-on", old.holder, key, old, case))

    def noticed(self, case: Case, now: dt.datetime) -> None:
        """A move proved that somebody knows his result: he read it, or delivery is recorded."""
        case.seq += 1
        if case.item.noticed is None:
            self._prove(case.item, now)

    def out_of_reach(self, case: Case) -> None:
        """It is recorded that somebody who must answer cannot be reached: his days stand still."""
        case.seq += 1
        case.item.noticed, case.item.asleep = None, True
        self.set_due(case.item, None, None)
        self.stop(case.person, case)

    def found(self, case: Case, code: str, by: int, typed: int) -> None:
        """A finding was recorded; the person is told at once, and whoever it was recorded for."""
        case.judged.setdefault(ASSESSOR, set()).update({by, typed})
        if typed != by:
            self.owe(Notice("proxy-entry", by, f"proxy-entry/finding/{code[1:]}"))
        self.owe(Notice("finding-recorded", case.person, f"finding-recorded/{code}"))

    def extend(self, items: list[Item], until: dt.date, now: dt.datetime) -> None:
        """Deadlines were moved by HR: reminders of the old ones that wait fall away."""
        for item in items:
            item.extended = self.days.at(until, EVENING)
            self.set_due(item, item.extended, now)
            for line in [one for one in self.waiting.get(item.holder, []) if one.item is item]:
                if line.kind in OF_A_DEADLINE:
                    self.drop(line)
            key = f"work-item/{{item}}/person/{item.holder}/deadline-moved/{item.extended.isoformat()}"
            self.owe(Notice("deadline-moved", item.holder, key, item))

    def gone(self, person: int, now: dt.datetime) -> None:
        """What somebody scores goes to who takes over, now."""
        day = self.days.local(now)
        for case in self.open:
            if case.parts[ASSESSOR] != person:
                continue
            parts = self.seat(case, day, case.judged, also=person).without(case.parts, person)
            item = case.item
            if parts is None:
                # Nobody is reminded of what he can no longer do; it stands first on HR's list.
                item.asleep = item.asleep or item.holder == person != case.person
                self.stop(person, case)
                continue
            was, case.parts = case.parts, parts
            why = "absent" if self.people[person].is_away(day, "protected") else "left"
            for role in (one for one in parts if parts[one] != was[one]):
                self.hands.lend(case, role, was[role], why)
            role = HOLDERS[case.stage]
            if role != APPRAISEE and item.holder != parts[role]:
                self.hands.take_over(item, parts[role], role, now)
            for one in set(was.values()) - set(parts.values()):
                self.stop(one, case)

    def delegated(self, substitute: int, row: int, last: dt.date) -> None:
        """Somebody stands in for another up to a day."""
        self.owe(Notice("delegated", substitute, f"delegated/{row}/{last}", last=last))

    def retried(self, notice: Notice) -> None:
        """The operator lets a mail that bounced be sent again."""
        self.bounced.remove(notice)
        notice.state = "queued"
        self.outgoing.append(notice)

    # What the clock must do.

    def tick(self, now: dt.datetime) -> None:
        """Everything that has come due up to `now`; the mails of it are in `outgoing`."""
        today = self.days.local(now)
        if self.last is None or self.days.local(self.last) < today:
            self.hands.give_back(today, now)
            for person in [one.id for one in self.people.values() if one.is_gone(today)]:
                self.gone(person, now)
        if self._plans_on != today:
            self._plans_on = today
            if self.days.works(today):
                self._work_off_plan(today, now)
        while True:
            self._remind(now, today)
            if not self._run_out(now, today):
                break
        self._promise_rounds(today)
        self.last = now

    def deliver(self, now: dt.datetime, broken: frozenset[int] = frozenset()) -> list[Mail]:
        """Hand everything over that is still needed; return the mails. Addresses that are `broken` refuse for good."""
        today, mails = self.days.local(now), []
        outgoing, self.outgoing = self.outgoing, []
        for notice in outgoing:
            lines = []
            if notice.kind == "digest":
                lines = self.waiting.pop(notice.person, [])
                lines = [line for line in lines if self._still_needed(line, now, today)]
            if not (lines if notice.kind == "digest" else self._still_needed(notice, now, today)):
                notice.state = "cancelled"
                continue
            state = "sent" if self.people[notice.person].has_address else "listed"
            if notice.person in broken:
                state = "failed"
                self.bounced.append(notice)
            for one in (notice, *lines):
                one.state = state
            if state == "sent":
                mails.append(Mail(notice.person, notice.key, frozenset(line.key for line in lines)))
                if notice.kind == "released" and notice.item is not None and notice.item.noticed is None:
                    self._prove(notice.item, now)
        return mails

    def late(self, now: dt.datetime) -> list[Item]:
        """Whose deadlines have passed; whoever is away under protection is never late."""
        today = self.days.local(now)
        return [
            item
            for item in (case.item for case in self.open)
            if not item.asleep
            and item.due is not None
            and item.due < now
            and not self.people[item.holder].is_away(today, "protected")
            and not self.people[item.case.person].is_away(today, "protected")
        ]

    def _work_off_plan(self, today: dt.date, now: dt.datetime) -> None:
        for code, (first, last) in self.periods.items():
            opening = self.days.after(last, self.opens_on_working_day)
            if code in self._opened or self.days.after(opening, -10) > today:
                continue
            rated = [one for one in self.people.values() if self._is_rated(one, first, last)]
            if today >= opening:
                self._opened.add(code)
                for person in rated:
                    self._open(code, person, today, now)
                continue
            gone = {one.id for one in self.people.values() if one.is_gone(today)}
            problems = {(one.id, "no-email") for one in rated if not one.has_address}
            listed = frozenset(problems | {(one.id, "passed") for one in rated if one.boss in gone})
            if listed not in self._listed.setdefault(code, set()):
                self._listed[code].add(listed)
                self.owe(Notice("opening-problems", self.hr, f"{code}/{len(self._listed[code])}"))

    def _is_rated(self, one: Person, first: dt.date, last: dt.date) -> bool:
        if one.id in {self.chiefs.president, self.chiefs.vice, self.chiefs.secretary}:
            return False
        held = [day for day in between(first, min(last, one.left or last)) if self.days.works(day)]
        away = [day for day in held if one.is_away(day, "protected")]
        return len(held) >= MINIMUM_DAYS and 2 * len(away) <= len(held)

    def _open(self, code: str, person: Person, today: dt.date, now: dt.datetime) -> None:
        case = Case(code, person.id, {})
        parts = self.seat(case, today, {}).opened()
        if parts is None:
            raise AssertionError(f"Nobody is left for {code} of {person.number}; the year is not told for that.")
        case.parts = parts
        case.times = dict.fromkeys(parts.items(), 1)
        self.cases.append(case)
        self.open.append(case)
        self._new_item(case, "open", now)

    def seat(self, case: Case, day: dt.date, acted: Acted, also: int | None = None) -> Seat:
        person = self.people[case.person]
        out = {one.id for one in self.people.values() if one.is_gone(day)} | {also}
        return Seat(self.chiefs, person.id, person.post, person.boss, frozenset(one for one in out if one), acted)

    def _remind(self, now: dt.datetime, today: dt.date) -> None:
        for item in [case.item for case in self.open]:
            if item.asleep:
                continue
            if item.holder not in item.told:
                item.told.add(item.holder)
                kind = TOLD_BY.get(item.action, "your-turn")
                self.owe(Notice(kind, item.holder, f"work-item/{{item}}/person/{item.holder}/{kind}/1", item))
            passed = []
            while item.coming is not None and item.head is not None and item.head[1] <= now:
                passed += [item.head] if item.seen is None or item.head[1] > item.seen else []
                item.head = next(item.coming)
            item.seen = now
            if not passed or self.people[item.holder].is_away(today, "protected"):
                continue
            for kind, at, occurrence in passed:
                key = f"work-item/{{item}}/person/{item.holder}/{kind}/{occurrence}"
                # Of several that were missed one is told; nobody is told he is late before the clock did what follows.
                early = at < passed[-1][1] or (kind == "overdue" and self._runs_out(item, now, today))
                self.owe(Notice(kind, item.holder, key, item, state="cancelled" if early else "queued"))

    def _runs_out(self, item: Item, now: dt.datetime, today: dt.date) -> bool:
        if item.asleep or item.due is None or item.due >= now or item.due in item.ran or item.stage == "appeal":
            return False
        own = HOLDERS[item.stage] == APPRAISEE
        return not (own and self.people[item.holder].is_away(today, "protected"))

    def _run_out(self, now: dt.datetime, today: dt.date) -> bool:
        over = [item for item in (case.item for case in self.open) if self._runs_out(item, now, today)]
        for item in over:
            case = item.case
            item.ran.add(item.due or now)
            if HOLDERS[item.stage] == APPRAISEE:
                longer = self._given_more(item, today)
                if longer is not None:
                    self.lengthened += 1
                    self.set_due(item, longer, now)
                else:
                    self._by_clock(case, "skip" if item.stage == "draft" else "conclude", now)
                continue
            role = HOLDERS[item.stage]
            parts = self.seat(case, today, case.moved).passed_up(case.parts, role)
            if parts is not None and parts[role] != case.parts[role]:
                for one in (one for one in parts if parts[one] != case.parts[one]):
                    self.hands.decide(case, one, case.parts[one], parts[one])
                case.parts = parts
                self._by_clock(case, "pass-on", now)
        return bool(over)

    def _given_more(self, item: Item, today: dt.date) -> dt.datetime | None:
        """Until when somebody's own days run, without those he was away; None where that is no longer than now."""
        assert item.due is not None
        answers = item.stage == "signoff"
        kinds = {"leave", "protected"} if answers else {"protected"}
        start = self.days.local(item.noticed if answers and item.noticed else item.opened + DAY)
        away = frozenset(
            day
            for kind, first, last in self.people[item.holder].away
            if kind in kinds
            for day in between(max(first, start), min(last, today))
        )
        if not away:
            return None
        day = start if answers else start - DAY
        due = self.days.at(self.days.after(day, ANSWER_DAYS if answers else TERMS["draft"], away), EVENING)
        if answers and item.extended is not None and item.extended > due:
            due = item.extended
        due = max(due, item.due)
        if self.days.local(due) in away:
            due = self.days.at(self.days.after(self.days.local(due), 1, away), EVENING)
        return due if due > item.due else None

    def _by_clock(self, case: Case, action: str, now: dt.datetime) -> None:
        self.act(case, action, now)
        self.clock_moves.append((case, case.seq, action))

    def _promise_rounds(self, today: dt.date) -> None:
        if self.bounced:
            self._owe_once(Notice("failures", self.hr, f"failures/{today}/person/{self.hr}"))
        first = self.days.first_of_week(today)
        if today == first or (self._rounds_on is not None and today > first > self._rounds_on):
            year, week, _ = today.isocalendar()
            self._owe_once(Notice("monday-list", self.hr, f"monday-list/{year}-W{week:02}/person/{self.hr}"))
        self._rounds_on = today
        for person, lines in self.waiting.items():
            if lines and self._digest_on.get(person) != today:
                self._digest_on[person] = today
                self.owe(Notice("digest", person, f"digest/person/{person}/{today}"))

    def _owe_once(self, notice: Notice) -> None:
        if notice.text not in self._once:
            self._once.add(notice.text)
            self.owe(notice)

    def owe(self, notice: Notice) -> None:
        self.notices.append(notice)
        if notice.state == "cancelled":
            return
        if notice.kind in IN_DIGEST:
            self.waiting.setdefault(notice.person, []).append(notice)
        else:
            self.outgoing.append(notice)

    def _needed(self, notice: Notice, now: dt.datetime, today: dt.date) -> bool:
        item, person = notice.item, self.people[notice.person]
        if notice.kind == "monday-list":
            return bool(self.late(now))
        if notice.kind == "failures":
            return bool(self.bounced)
        if notice.kind == "delegated":
            return notice.last is not None and today <= notice.last and not person.is_gone(today)
        if notice.kind == "objection-noted":
            return notice.case is not None and notice.case.stage == "appeal"
        if notice.kind == "passed-on" or item is None:
            here = person.left is None or today <= person.left
            return here or notice.kind not in {"passed-on", "proxy-entry"}
        if item.closed is not None or item.holder != notice.person:
            return False
        if notice.kind not in OF_A_DEADLINE:
            return True
        if item.due is None or person.is_away(today, "protected"):
            return False
        return self._is_near(notice, item, now, today)

    def _is_near(self, notice: Notice, item: Item, now: dt.datetime, today: dt.date) -> bool:
        if item.due is None:
            return False
        day = self.days.local(item.due)
        near = {"due-soon": self.days.after(day, -2) <= today, "due-today": day <= today, "overdue": item.due < now}
        return near[notice.kind]

    def _still_needed(self, notice: Notice, now: dt.datetime, today: dt.date) -> bool:
        """Whether it is needed; what is not is cancelled, and may come again where only the part or the person went."""
        if self._needed(notice, now, today):
            return True
        item = notice.item
        notice.state = "cancelled"
        if item is not None and item.closed is None:
            away = notice.kind in OF_A_DEADLINE and self.people[notice.person].is_away(today, "protected")
            notice.stopped = item.holder != notice.person or (away and self._is_near(notice, item, now, today))
        return False

    def stop(self, person: int, case: Case) -> None:
        """What somebody is still to be told about an appraisal stops."""
        for line in [one for one in self.waiting.get(person, []) if case in {one.case, one.item and one.item.case}]:
            self.drop(line)
            line.stopped = True
        for notice in [one for one in self.outgoing if one.person == person and one.item in case.items]:
            notice.state, notice.stopped = "cancelled", True
            self.outgoing.remove(notice)

    def drop(self, line: Notice) -> None:
        line.state = "cancelled"
        self.waiting[line.person].remove(line)

    def _prove(self, item: Item, now: dt.datetime) -> None:
        item.noticed, item.asleep = now, False
        self.set_due(item, self.days.at(self.days.after(self.days.local(now), ANSWER_DAYS), EVENING), now)

    def term(self, stage: str, now: dt.datetime) -> dt.datetime:
        return self.days.at(self.days.after(self.days.local(now), TERMS[stage]), EVENING)

    def _move(self, case: Case, action: str, now: dt.datetime) -> None:
        case.item.closed = now
        case.stage = GOES_TO[case.stage, action]
        case.seq += 1
        case.round += action == "return"
        if case.stage == "closed":
            self.open.remove(case)
        else:
            self._new_item(case, action, now)

    def _new_item(self, case: Case, action: str, now: dt.datetime) -> None:
        holder = case.person if HOLDERS[case.stage] == APPRAISEE else case.parts[HOLDERS[case.stage]]
        item = Item(case, case.stage, case.round, holder, action, now)
        case.items.append(item)
        self.set_due(item, None if case.stage == "signoff" else self.term(case.stage, now), now)

    def set_due(self, item: Item, due: dt.datetime | None, now: dt.datetime | None) -> None:
        item.due = due
        item.seen = now or item.seen
        item.coming = None if due is None else self.days.reminders(due)
        item.head = None if item.coming is None else next(item.coming)
