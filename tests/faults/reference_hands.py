"""How parts change hands in a simulated year, told again: passed on for an absence, and back when it is over (5b)."""

import datetime as dt
from typing import TYPE_CHECKING

from tests.faults.reference_parts import ASSESSOR, DECIDER, REVIEWER
from tests.faults.reference_rows import Case, Item, Notice

if TYPE_CHECKING:
    from tests.faults.reference_obligations import Reference

JUDGED = {"scoring": ASSESSOR, "review": REVIEWER, "appeal": DECIDER}
OPENING = ("your-turn", "passed-upward", "returned", "objection-made")
AT_ONCE = ("passed-upward", "returned", "objection-made")
REMINDERS = ("due-soon", "due-today", "overdue")


class Hands:
    """The parts of all appraisals of a reference, on their way to another and back."""

    def __init__(self, reference: "Reference") -> None:
        self.all = reference

    def lend(self, case: Case, role: str, was: int, why: str) -> None:
        """A part went to another since the records say so."""
        case.lent.setdefault(role, []).append((was, why))
        self._counted(case, role, was, case.parts[role])

    def decide(self, case: Case, role: str, was: int, becomes: int) -> None:
        """A part went to another because days were over: it does not come back."""
        case.lent[role] = []
        self._counted(case, role, was, becomes)

    def _counted(self, case: Case, role: str, was: int, becomes: int) -> None:
        case.former.add(was)
        case.times[role, becomes] = case.times.get((role, becomes), 0) + 1

    def take_over(self, item: Item, person: int, role: str, now: dt.datetime) -> None:
        """An open turn goes to another, whose days begin anew; who had it before is told once that it is his again."""
        item.holder, item.asleep = person, False
        self._begin_anew(item, now)
        told = any(one.state != "cancelled" for one in self._told(item, person))
        if not self._revive(item, person) and told:
            times = item.case.times[role, person]
            key = f"work-item/{{item}}/person/{person}/your-turn/{times}"
            self.all.owe(Notice("your-turn", person, key, item))

    def give_back(self, today: dt.date, now: dt.datetime) -> None:
        """What was passed on for an absence that is over goes back, and what nobody could take wakes."""
        back = {
            one.id
            for one in self.all.people.values()
            if any(kind == "protected" and last < today for kind, _, last in one.away)
            and not one.is_away(today, "protected")
        }
        for case in self.all.open:
            item = case.item
            if item.asleep and item.holder in back and item.holder != case.person and item.due is not None:
                item.asleep = False
                self._begin_anew(item, now)
                self._revive(item, item.holder)
            if case.former & back:
                self._give_back(case, today, now)

    def _give_back(self, case: Case, today: dt.date, now: dt.datetime) -> None:
        for role in (ASSESSOR, REVIEWER, DECIDER):
            present = case.parts[role]
            turn = JUDGED.get(case.stage) == role
            if not turn and present in case.typed.get(role, ()):
                continue
            lenders = [who for who, why in case.lent.get(role, ()) if why == "absent" and who != present]
            found = next((who for who in lenders if self._may(case, role, who, today)), None)
            if found is None:
                continue
            case.parts[role], case.lent[role] = found, []
            self._counted(case, role, present, found)
            if turn and case.item.holder == present:
                self.take_over(case.item, found, role, now)
            if present not in case.parts.values():
                self.all.stop(present, case)

    def _may(self, case: Case, role: str, person: int, today: dt.date) -> bool:
        seat = self.all.seat(case, today, case.judged)
        if not seat.fits(person, role, case.parts):
            return False
        if role == DECIDER:
            return True
        scores = person if role == ASSESSOR else case.parts[ASSESSOR]
        reviews = person if role == REVIEWER else case.parts[REVIEWER]
        above = seat.line[seat.level(scores, seat.usual[0]) + 1 :]
        unknown = role == ASSESSOR and seat.level(reviews, -1) < 0
        return reviews in above or reviews == self.all.chiefs.secretary or unknown

    def _begin_anew(self, item: Item, now: dt.datetime) -> None:
        fresh = self.all.term(item.stage, now)
        self.all.set_due(item, fresh if item.due is None else max(item.due, fresh), now)

    def _told(self, item: Item, person: int) -> list[Notice]:
        return [one for one in self.all.notices if one.item is item and one.person == person and one.kind in OPENING]

    def _revive(self, item: Item, person: int) -> int:
        mine = [one for one in self.all.notices if one.item is item and one.person == person and one.stopped]
        again = [one for one in mine if one.state == "cancelled" and one.kind in (*OPENING, *REMINDERS)]
        for one in again:
            one.state, one.stopped = "queued", False
            if one.kind in AT_ONCE:
                self.all.outgoing.append(one)
            else:
                self.all.waiting.setdefault(person, []).append(one)
        return sum(one.kind in OPENING for one in again)
