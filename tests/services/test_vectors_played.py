"""The vectors of domain.md, section 4, each played by people: recorded, submitted, approved, accepted, signed as final.

Each deputy for security of one office stands for one vector, on the catalogue exactly as the source has it. There is
one director in an office, so that his vectors take an office each.
"""

import datetime as dt
from collections.abc import Callable
from fractions import Fraction

import pytest
from sqlalchemy import select

from models.appraisals import Appraisal, Final, FinalItem
from models.columns import table_of
from models.people import Grant, Person
from services import desk, duties, findings, launch
from services.appraisals import act
from services.errors import Refused
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECRETARY,
    SECURITY,
    VICE,
    granted,
    noon,
    site,
)
from tests.services.closing import END, finalise
from tests.services.planning import Plan
from tests.services.playing import ANSWERED, APPROVED, FEBRUARY, SUBMITTED, Play

FAITHFUL = "bank-office"
HR = SECRETARY
UNFINISHED = dict.fromkeys((CLERK, ESCORT, SECURITY), "the source is cut before this post")
LET_THROUGH = {"personnel-officer": "forty points are better than none"}

Deeds = Callable[["Vector"], None]
Figures = tuple[int, int, int, int, int]


class Vector:
    """One person of an office and who scores him; what is recorded about him is said in short words."""

    def __init__(self, play: Play, number: str, assessor: str) -> None:
        self.play, self.number, self.assessor = play, number, assessor

    def found(
        self, rule: str, amount: int | None = None, document: str | None = None, incident: str | None = None
    ) -> None:
        """The assessor records a finding of February."""
        findings.add(
            self.play.uow,
            actor=self.play.who(self.assessor),
            now=noon(4, 1),
            number=self.number,
            rule=rule,
            happened=FEBRUARY,
            amount=None if amount is None else Fraction(amount),
            document=document,
            incident=None if incident is None else f"{incident} of {self.number}",
            reason="seen on the day",
        )

    def inspected(self, *months: int) -> None:
        """The person records whole inspections."""
        for month in months:
            self.play.inspect(self.number, month)

    def missed(self, *months: int) -> None:
        """The assessor confirms that months were missed."""
        for month in months:
            self._decide(duties.confirm, month)

    def excused(self, month: int) -> None:
        """The assessor excuses a month."""
        self._decide(duties.excuse, month)

    def circular(self) -> str:
        """A circular of the superior bank that hazards are about."""
        return self.play.document(f"circular about {self.number}", "circular")

    def commendation(self) -> str:
        """A commendation by the superior bank."""
        return self.play.document(f"commendation of {self.number}", "commendation")

    def acts(self, by: str, action: str, at: dt.datetime) -> None:
        """Somebody moves the appraisal."""
        act(self.play.uow, actor=self.play.who(by), now=at, appraisal=f"{QUARTER}/{self.number}", action=action)

    def closes(self, reviewer: str) -> None:
        """The appraisal goes its whole way: scored, reviewed, accepted."""
        self.acts(self.assessor, "start", noon(4, 1))
        self.acts(self.assessor, "submit", SUBMITTED)
        self.acts(reviewer, "approve", APPROVED)
        self.acts(self.number, "accept", ANSWERED)

    def _decide(self, decision: Callable[..., int], month: int) -> None:
        decision(
            self.play.uow,
            actor=self.play.who(self.assessor),
            now=noon(4, 1),
            number=self.number,
            rule="A1.1",
            month=f"2026-{month:02}",
            reason="said at the weekly meeting",
        )


def s5(who: Vector) -> None:
    who.inspected(1, 3)
    who.missed(2)


def s6(who: Vector) -> None:
    who.inspected(1)
    who.play.inspect(who.number, 3, coverage="0.8")
    who.missed(2, 3)


def s7(who: Vector) -> None:
    who.inspected(1, 2, 3)
    circular = who.circular()
    for _hazard in range(3):
        who.found("A1.7", document=circular)


def s8(who: Vector) -> None:
    s5(who)
    who.found("A1.7", document=who.circular())
    who.found("A1.8", document=who.commendation())


def s9(who: Vector) -> None:
    who.missed(1, 2, 3)
    for rule in ("A1.2", "A1.3", "A1.4", "A1.5"):
        who.found(rule, incident=rule)
    who.found("A1.8", document=who.commendation())


def s10(who: Vector) -> None:
    who.inspected(1, 2, 3)
    who.found("A1.8", document=who.commendation())


def s11(who: Vector) -> None:
    who.inspected(1, 2, 3)


def s15(who: Vector) -> None:
    who.inspected(1, 3)
    who.excused(2)


def s16(who: Vector) -> None:
    who.inspected(3)


def s17(who: Vector) -> None:
    who.inspected(1, 2)
    who.play.inspect(who.number, 3, day=10, coverage="0.6")
    who.play.inspect(who.number, 3, day=20, coverage="0.5")
    who.missed(3)


def s18(who: Vector) -> None:
    who.inspected(1, 2)
    who.play.inspect(who.number, 3, day=10, sites=("north",))
    who.play.inspect(who.number, 3, day=20, sites=("south",))


def s19(who: Vector) -> None:
    who.inspected(1, 2, 3)
    who.found("A1.2", incident="night")
    who.found("A1.3", incident="night")
    who.found("A1.7", document=who.circular(), incident="night")


def s20(who: Vector) -> None:
    who.inspected(1, 2, 3)
    commendation = who.commendation()
    who.found("A1.8", document=commendation)
    who.found("A1.8", document=commendation)


def s13(who: Vector) -> None:
    for amount in (3, 5, 4):
        who.found("P1.1", amount)


DEPUTIES: dict[str, tuple[Deeds, Figures]] = {
    "2005": (s5, (10, 10, 0, 40, 90)),
    "2006": (s6, (20, 20, 0, 30, 80)),
    "2007": (s7, (30, 10, 0, 40, 90)),
    "2008": (s8, (20, 20, 10, 30, 90)),
    "2009": (s9, (70, 50, 10, 0, 60)),
    "2010": (s10, (0, 0, 10, 50, 110)),
    "2011": (s11, (0, 0, 0, 50, 100)),
    "2015": (s15, (0, 0, 0, 50, 100)),
    "2016": (s16, (0, 0, 0, 50, 100)),
    "2017": (s17, (10, 10, 0, 40, 90)),
    "2018": (s18, (0, 0, 0, 50, 100)),
    "2019": (s19, (30, 10, 0, 40, 90)),
    "2020": (s20, (0, 0, 10, 50, 110)),
}
"""By employee number what happens to a deputy, and A1's recorded, counted, reward and score with the total."""


@pytest.fixture
def plan(uow: UnitOfWork) -> Plan:
    """The office with a quarter planned on the faithful catalogue, and an HR officer whom it does not score."""
    made = Plan.made(uow, rubric=FAITHFUL)
    with uow.write() as tx:
        tx.insert(table_of(Grant), granted(made.office.people[HR], "hr"))
    return made


def opened(plan: Plan) -> Play:
    """Open the quarter with the incomplete posts answered for."""
    choices = Choices(leave_out=UNFINISHED, override_incomplete=LET_THROUGH)
    assert all(not chunk.aside for chunk in plan.run(plan.open(choices, by=HR)))
    return Play(plan.uow, plan.office)


def final_figures(play: Play, item: str) -> dict[str, tuple[Fraction, ...]]:
    """Return by employee number the final figures of an item and the total."""
    appraisal, final, row, person = (table_of(table) for table in (Appraisal, Final, FinalItem, Person))
    read = (
        select(person.c.number, row.c.recorded, row.c.counted, row.c.reward, row.c.score, final.c.total)
        .select_from(
            final.join(appraisal, appraisal.c.id == final.c.appraisal_id)
            .join(person, person.c.id == appraisal.c.person_id)
            .join(row, row.c.final_id == final.c.id)
        )
        .where(row.c.item == item)
    )
    with play.uow.read() as tx:
        return {number: tuple(figures) for number, *figures in tx.all(read)}


def test_the_deputies_and_the_personnel_officer_end_with_the_figures_of_their_vectors(plan: Plan) -> None:
    for code in ("north", "south"):
        site(plan.uow, code)
    director, in_charge = plan.office.people[DIRECTOR], plan.office.people[PERSONNEL]
    for number in DEPUTIES:
        first = dt.date(2026, 2, 16) if number == "2016" else dt.date(2020, 1, 1)
        plan.hire(number, "deputy-security", manager=director, first=first)
    plan.hire("2013", "personnel-officer", manager=in_charge, in_charge=in_charge)
    play = opened(plan)

    for number, (deeds, _) in DEPUTIES.items():
        who = Vector(play, number, DIRECTOR)
        deeds(who)
        who.closes(PRESIDENT)
    officer = Vector(play, "2013", PERSONNEL)
    s13(officer)
    officer.closes(DIRECTOR)
    for number, assessor, reviewer in (
        (DIRECTOR, VICE, PRESIDENT),
        (PERSONNEL, DIRECTOR, PRESIDENT),
        (OFFICER, PERSONNEL, DIRECTOR),
    ):
        Vector(play, number, assessor).closes(reviewer)
    finalise(play.uow, play.office)

    assert final_figures(play, "A1") == {number: figures for number, (_, figures) in DEPUTIES.items()}
    assert final_figures(play, "P1")["2013"] == (12, 12, 0, 28, 28)
    score, _ = desk.explain(play.uow, actor=play.who("2011"), now=END, appraisal=f"{QUARTER}/2011")
    assert "item-without-rule" in {warning["code"] for warning in score["warnings"]}
    score, _ = desk.explain(play.uow, actor=play.who("2019"), now=END, appraisal=f"{QUARTER}/2019")
    assert [step["code"] for step in score["steps"]].count("overlap") == 2
    score, _ = desk.explain(play.uow, actor=play.who("2013"), now=END, appraisal=f"{QUARTER}/2013")
    assert "sum-not-max" in {warning["code"] for warning in score["warnings"]}


@pytest.mark.parametrize(
    ("vector", "recorded", "total"),
    [
        ("s1", [], 100),
        ("s2", [("D1.1", 4), ("D2.1", 7)], 89),
        ("s4", [("D1.1", 3)] * 4, 90),
    ],
)
def test_the_director_ends_with_the_total_of_his_vector(
    play: Play, vector: str, recorded: list[tuple[str, int]], total: int
) -> None:
    who = Vector(play, DIRECTOR, VICE)
    for rule, amount in recorded:
        who.found(rule, amount)
    who.closes(PRESIDENT)
    assert (vector, play.appraisal(DIRECTOR).stage, play.total(DIRECTOR)) == (vector, "closed", total)


def test_s3_an_amount_outside_the_range_never_enters(play: Play) -> None:
    who = Vector(play, DIRECTOR, VICE)
    with pytest.raises(Refused, match=r"D1\.1 takes 3 to 5 points; 6 is outside"):
        who.found("D1.1", 6)
    who.closes(PRESIDENT)
    assert play.total(DIRECTOR) == 100


def test_s12_the_faithful_catalogue_does_not_open(plan: Plan) -> None:
    with pytest.raises(launch.OpeningRefused) as refused:
        plan.open(Choices(leave_out=UNFINISHED), by=HR)
    assert "40 of 100 points" in " ".join(problem.text for problem in refused.value.report.errors)
    assert plan.rows("SELECT id FROM appraisal") == []


def test_s14_on_10_february_the_months_that_are_not_over_are_pending(play: Play) -> None:
    today = noon(2, 10)
    duties.record(
        play.uow,
        actor=play.who(SECURITY),
        now=today,
        number=SECURITY,
        rule="A1.1",
        month="2026-01",
        day=dt.date(2026, 1, 20),
        coverage=Fraction(1),
        evidence="the log of inspections",
    )
    score, _ = desk.explain(play.uow, actor=play.who(DIRECTOR), now=today, appraisal=f"{QUARTER}/{SECURITY}")
    assert score["total"] == "100"
    assert [step["month"] for step in score["steps"] if step["code"] == "duty-pending"] == ["2026-02", "2026-03"]
