"""A year of half-years, quarters or months: made by the plan, shown as it grows, signed by two, explained, verified."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Absence, Assignment, Unit
from services import (
    calendars,
    corrections,
    cycles,
    exports,
    findings,
    late_entries,
    launch,
    naming,
    plans,
    verification,
    year_table,
)
from services.actors import SYSTEM
from services.appraisals import Words, act
from services.errors import AppraiseError, NotFound, Refused
from services.finalising import approve, propose, refuse
from services.person_explained import explain_person
from services.plan_form import YearRule
from services.plan_periods import Every, days_of, periods
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY
from tests.services.closing import JUDGES, vouch, write
from tests.services.standing_orders import Planned, at

FIRST, SECOND = dt.date(2026, 7, 3), dt.date(2027, 1, 6)
"""The third working days after the two halves of 2026 in China."""

RULES = {CLERK: "C3.1", ESCORT: "E3.1"}


@dataclass
class Year(Planned):
    """The clerk and the escort, alone in a unit whose half-years make a year."""

    def half(self, day: dt.date, *, unrated: str | None = None) -> str:
        """Open the period that opens on a day, bring everybody to the end, and sign it; return its code."""
        (code,) = self.tick(day).opened
        self.work_off()
        for row in self.rows(
            "SELECT p.number FROM appraisal a JOIN person p ON p.id = a.person_id JOIN cycle c ON c.id = a.cycle_id"
            " WHERE c.code = :code",
            code=code,
        ):
            self.close(code, row.number, day, rated=row.number != unrated)
        self.sign(code, day)
        return code

    def close(self, code: str, number: str, day: dt.date, *, rated: bool = True) -> None:
        """Bring one appraisal to its end."""
        assessor, reviewer = JUDGES[number]
        steps = [(assessor, "start"), (assessor, "submit"), (reviewer, "approve"), (number, "accept")]
        for by, action in steps if rated else [(OFFICER, "exclude")]:
            act(
                self.uow,
                actor=self.office.actor(by),
                now=at(day, 10),
                appraisal=f"{code}/{number}",
                action=action,
                words=None if rated else Words(comment="Long sick leave."),
            )

    def sign(self, code: str, day: dt.date) -> None:
        """Propose, sign and write a table."""
        propose(self.uow, actor=self.office.actor(OFFICER), now=at(day, 11), cycle=code)
        signed = approve(self.uow, actor=self.office.actor(PRESIDENT), now=at(day, 12), cycle=code)
        write(self.uow, signed, now=at(day, 12))

    def deduct(self, number: str, day: dt.date, amount: int) -> None:
        """Record a finding about somebody on the day it happened."""
        findings.add(
            self.uow,
            actor=self.office.actor(JUDGES[number][0]),
            now=at(day, 12),
            number=number,
            rule=RULES[number],
            happened=day,
            amount=Fraction(amount),
            reason="It was found at the weekly check.",
        )

    def results(self, by: str = OFFICER, day: dt.date = SECOND) -> dict[str, Any]:
        """The year as somebody sees it, by employee number."""
        rows = year_table.year_results(self.uow, viewer=self.office.actor(by), now=at(day, 13), cycle="2026")
        return {row.number: row for row in rows or ()}

    def explained(self, number: str, by: str, language: Any = "en") -> tuple[str, ...]:
        """The year of somebody in sentences."""
        return explain_person(
            self.uow, actor=self.office.actor(by), now=at(SECOND, 13), cycle="2026", number=number, language=language
        )


def with_plan(uow: UnitOfWork, **values: Any) -> Year:
    """Put the two into a unit and plan its half-years."""
    year = Year.standing(uow)
    with uow.write() as tx:
        below = tx.insert(
            table_of(Unit), {"code": "staff", "name": "Staff", "parent_id": year.office.unit, "head_id": None}
        )
        table = table_of(Assignment)
        held = [year.office.assignments[number] for number in (CLERK, ESCORT)]
        tx.run(update(table).where(table.c.id.in_(held)).values(unit_id=below))
    plans.remove(uow, actor=year.office.actor(OFFICER), now=at(dt.date(2026, 1, 5), 13), code="office")
    year.add("staff", **{"every": "half-year", "unit": "staff", "year": YearRule(), **values})
    return year


@pytest.fixture
def year(uow: UnitOfWork) -> Year:
    return with_plan(uow)


def test_the_year_is_made_with_its_first_period_and_is_its_parent(year: Year) -> None:
    year.tick(FIRST)
    rows = {row.code: row for row in year.rows("SELECT id, code, state, parent_id FROM cycle")}
    assert (rows["2026"].state, rows["2026H1"].state) == ("open", "open")
    assert rows["2026H1"].parent_id == rows["2026"].id
    year.tick(SECOND)
    assert {row.parent_id for row in year.rows("SELECT parent_id FROM cycle WHERE code <> '2026'")} == {rows["2026"].id}
    vouch(year.uow)
    assert year.work_off() == 4
    assert verification.verify(year.uow).faults == ()


def test_the_year_is_the_mean_of_its_signed_periods_shown_as_it_grows_and_signed_by_two(year: Year) -> None:
    year.deduct(CLERK, dt.date(2026, 2, 3), 5)
    year.half(FIRST)
    grown = year.results(day=FIRST)
    assert (grown[CLERK].total, grown[CLERK].counted, grown[CLERK].periods) == (95, 1, 1)
    year.deduct(CLERK, dt.date(2026, 9, 3), 4)
    year.half(SECOND)
    before = year.results()
    assert {number: row.total for number, row in before.items()} == {CLERK: Fraction("95.5"), ESCORT: 100}
    assert not any(row.final for row in before.values())
    proposal = propose(year.uow, actor=year.office.actor(OFFICER), now=at(SECOND, 14), cycle="2026")
    assert (proposal.rows, proposal.persons) == (0, 2)
    with pytest.raises(AppraiseError):
        approve(year.uow, actor=year.office.actor(OFFICER), now=at(SECOND, 15), cycle="2026")
    signed = approve(year.uow, actor=year.office.actor(PRESIDENT), now=at(SECOND, 15), cycle="2026")
    assert write(year.uow, signed, now=at(SECOND, 15)).persons == 2
    assert year.states()["2026"] == "final"
    after = year.results()
    assert {number: (row.total, row.final) for number, row in after.items()} == {
        CLERK: (Fraction("95.5"), True),
        ESCORT: (100, True),
    }
    told = year.rows("SELECT dedupe_key FROM message WHERE kind = 'result-final' ORDER BY id")
    assert len(told) == 6
    assert year.explained(CLERK, CLERK) == (
        "Period 2026H1: 95 points, weight 1.",
        "Period 2026H2: 96 points, weight 1.",
        "Mean: 191 divided by 2, rounded (half-up, 2 digits), is 95.5 points.",
    )
    vouch(year.uow)
    assert verification.verify(year.uow).faults == ()


def openings(uow: UnitOfWork, every: Every) -> list[dt.date]:
    """The days on which the periods of 2026 open: the third working day after each."""
    with uow.read() as tx:
        closures = calendars.closures(tx)
    whole = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
    return [days_of(period, 3, "CN", closures).opening for period in periods(every, *whole)]


@pytest.mark.parametrize(
    ("every", "with_less", "mean", "said"),
    [
        (Every.QUARTER, ("2026Q1", "2026Q3"), Fraction("97.75"), "391 divided by 4"),
        (Every.MONTH, ("2026-02", "2026-09"), Fraction("99.25"), "1191 divided by 12"),
    ],
)
def test_the_year_is_the_mean_of_its_quarters_and_of_its_months(
    uow: UnitOfWork, every: Every, with_less: tuple[str, str], mean: Fraction, said: str
) -> None:
    year = with_plan(uow, every=every.value)
    found = {dt.date(2026, 2, 3): 5, dt.date(2026, 9, 10): 4}
    days = openings(uow, every)
    assert (len(days), days[-1]) == (12 // every.months, SECOND)
    for day in days:
        for happened in [one for one in found if one < day]:
            year.deduct(CLERK, happened, found.pop(happened))
        year.half(day)
    year.sign("2026", SECOND)
    after = year.results()
    assert (after[CLERK].total, after[CLERK].periods, after[CLERK].final) == (mean, len(days), True)
    assert {code: points for code, points in after[CLERK].figures.items() if points != 100} == dict(
        zip(with_less, (95, 96), strict=True)
    )
    assert (after[ESCORT].total, after[ESCORT].final) == (100, True)
    lines = year.explained(CLERK, CLERK)
    assert len(lines) == len(days) + 1
    assert f"Period {with_less[1]}: 96 points, weight 1." in lines
    assert lines[-1].startswith(f"Mean: {said}, rounded (half-up, 2 digits), is ")
    vouch(year.uow)
    assert verification.verify(year.uow).faults == ()


def test_weights_and_rounding_are_those_of_the_plan(uow: UnitOfWork) -> None:
    rule = YearRule(weights={"H1": Fraction(1), "H2": Fraction(2)}, digits=0, rounding="down")
    year = with_plan(uow, year=rule)
    year.deduct(CLERK, dt.date(2026, 2, 3), 5)
    year.half(FIRST)
    year.half(SECOND)
    assert year.results()[CLERK].total == 98
    assert year.explained(CLERK, OFFICER)[-1] == "Mean: 295 divided by 3, rounded (down, 0 digits), is 98 points."


def test_a_protected_absence_leaves_its_period_out_and_says_only_that_nothing_was_rated(year: Year) -> None:
    absence = {
        "person_id": year.office.people[CLERK],
        "kind": "protected",
        "valid_from": dt.date(2026, 1, 10),
        "valid_to": dt.date(2026, 6, 20),
    }
    with year.uow.write() as tx:
        tx.insert(table_of(Absence), absence)
    year.half(FIRST)
    assert year.results(day=FIRST)[CLERK].total is None
    year.deduct(CLERK, dt.date(2026, 9, 3), 4)
    year.half(SECOND)
    assert year.results()[CLERK].total == 96
    lines = year.explained(CLERK, CLERK)
    assert lines[0] == "Period 2026H1: left out, since nothing was rated."
    assert year.explained(CLERK, CLERK, "zh")[0] == "2026H1：未予考核，不计入。"


def test_who_was_closed_as_not_rated_all_year_has_no_figure_and_an_explanation(year: Year) -> None:
    year.half(FIRST, unrated=ESCORT)
    year.half(SECOND, unrated=ESCORT)
    assert year.results()[ESCORT].total is None
    assert year.explained(ESCORT, ESCORT)[-1] == "Nothing was rated."
    year.sign("2026", SECOND)
    assert year.results()[ESCORT].total is None
    vouch(year.uow)
    assert verification.verify(year.uow).faults == ()


def test_everybody_sees_his_own_year_and_nobody_that_of_those_he_judges(year: Year) -> None:
    year.half(FIRST)
    assert set(year.results(CLERK, FIRST)) == {CLERK}
    assert set(year.results(PRESIDENT, FIRST)) == {CLERK, ESCORT}
    for judge in (PERSONNEL, SECURITY, DIRECTOR):
        with pytest.raises(NotFound, match="or nothing of it is yours to see"):
            year.results(judge, FIRST)
        with pytest.raises(NotFound):
            year.explained(CLERK, judge)
    with pytest.raises(NotFound, match="There is no result of 1009 in 2026, or it is not yours to see"):
        year.explained(ESCORT, CLERK)


def test_a_year_is_proposed_when_it_is_over_and_complete(year: Year) -> None:
    hr = year.office.actor(OFFICER)
    year.half(FIRST)
    with pytest.raises(Refused, match="The year 2026 ends on 2026-12-31; it can be proposed after that"):
        propose(year.uow, actor=hr, now=at(FIRST, 14), cycle="2026")
    year.tick(SECOND)
    with pytest.raises(Refused, match="The year 2026 is not complete: 2026H2 not signed"):
        propose(year.uow, actor=hr, now=at(SECOND, 14), cycle="2026")
    assert year.states()["2026"] == "open"


def test_a_refused_year_can_be_proposed_anew(year: Year) -> None:
    year.half(FIRST)
    year.half(SECOND)
    propose(year.uow, actor=year.office.actor(OFFICER), now=at(SECOND, 14), cycle="2026")
    refuse(year.uow, actor=year.office.actor(PRESIDENT), now=at(SECOND, 14), cycle="2026", reason="not yet")
    year.sign("2026", SECOND)
    assert year.states()["2026"] == "final"
    with pytest.raises(AppraiseError):
        late_entries.propose_late(year.uow, actor=year.office.actor(OFFICER), now=at(SECOND, 15), cycle="2026")


def test_a_signed_year_stays_as_it_was_signed_when_a_period_is_corrected(year: Year) -> None:
    year.half(FIRST)
    year.deduct(CLERK, dt.date(2026, 9, 3), 4)
    year.half(SECOND)
    year.sign("2026", SECOND)
    told = year.explained(CLERK, CLERK)
    for act_, by in ((corrections.propose_correction, OFFICER), (corrections.approve_correction, PRESIDENT)):
        more = {"lines": {"F1": "strike"}, "reason": "wrong person"} if by == OFFICER else {}
        act_(year.uow, actor=year.office.actor(by), now=at(SECOND, 15), appraisal=f"2026H2/{CLERK}", **more)
    period = explain_person(year.uow, actor=year.office.actor(CLERK), now=at(SECOND, 16), cycle="2026H2", number=CLERK)
    assert period[-1].endswith("is 100 points.")
    assert (year.results()[CLERK].total, year.results()[CLERK].figures["2026H2"]) == (98, 96)
    assert year.explained(CLERK, CLERK) == told
    vouch(year.uow)
    assert verification.verify(year.uow).faults == ()


def test_a_period_made_by_hand_can_belong_to_the_year(year: Year) -> None:
    year.half(FIRST)
    hr = year.office.actor(OFFICER)
    made = cycles.new(
        year.uow,
        actor=hr,
        now=at(FIRST),
        code="2026H2",
        rubrics=["bank-office-completed"],
        year="2026",
    )
    with year.uow.read() as tx:
        assert naming.cycle(tx, "2026H2").parent_id == naming.cycle(tx, "2026").id
    assert year.tick(SECOND).opened == ()
    assert launch.open_cycle(year.uow, actor=hr, now=at(SECOND), cycle=made.code).report.counts["rated"] == 6
    with pytest.raises(NotFound, match="There is no year 2031"):
        cycles.new(year.uow, actor=hr, now=at(FIRST), code="2026H1-b", rubrics=[], period=made_of(made), year="2031")
    with pytest.raises(Refused, match="The cycle 2026H1 is no open year"):
        cycles.new(year.uow, actor=hr, now=at(FIRST), code="2026H1-b", rubrics=[], period=made_of(made), year="2026H1")


def made_of(made: cycles.Created) -> tuple[dt.date, dt.date]:
    """The period of a cycle."""
    return made.period_from, made.period_to


def test_a_year_is_not_exported_as_if_it_had_appraisals(year: Year, tmp_path: Path) -> None:
    year.tick(FIRST)
    with pytest.raises(Refused, match="2026 is a year and has no appraisals; export its periods"):
        exports.export(
            year.uow, actor=year.office.actor(OFFICER), now=at(FIRST), cycle="2026", path=tmp_path / "year.csv"
        )
    assert not (tmp_path / "year.csv").exists()


def test_a_cycle_that_is_no_year_has_no_year_table(year: Year) -> None:
    year.tick(FIRST)
    assert year_table.year_results(year.uow, viewer=SYSTEM, now=at(FIRST), cycle="2026H1") is None
