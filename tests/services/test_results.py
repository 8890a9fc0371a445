import datetime as dt
from fractions import Fraction

import pytest

from services import audit_trail, cycles, launch, opening
from services.access import GRANT
from services.actors import SYSTEM
from services.appraisals import Words
from services.distribution import Bar, Counted, spread
from services.errors import Malformed, NotFound, Refused
from services.results import Result, results
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
    RUBRIC,
    SECRETARY,
    SECURITY,
    VICE,
    TinyOffice,
    build_office,
    granted,
    move,
    noon,
    open_quarter,
)
from tests.services.closing import END, RATED, close_all, deduct, finalise, release
from tests.services.counting import Counting


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    built = build_office(uow)
    open_quarter(uow, built)
    deduct(uow, built, CLERK, "C3.1", 4)
    deduct(uow, built, DIRECTOR, "D1.1", 4)
    return built


def seen(uow: UnitOfWork, office: TinyOffice, number: str) -> dict[str, Result]:
    return {row.number: row for row in results(uow, viewer=office.actor(number), now=END, cycle=QUARTER)}


def totals(uow: UnitOfWork, office: TinyOffice, number: str) -> dict[str, Fraction | None]:
    return {found: row.total for found, row in seen(uow, office, number).items()}


def test_the_final_table_comes_by_employee_number_with_stages_in_words(uow: UnitOfWork, office: TinyOffice) -> None:
    close_all(uow, office)
    finalise(uow, office)

    rows = results(uow, viewer=office.actor(PRESIDENT), now=END, cycle=QUARTER)

    assert [row.number for row in rows] == [DIRECTOR, SECURITY, PERSONNEL, OFFICER, CLERK, ESCORT]
    assert [row.total for row in rows] == [96, None, 100, 100, 96, 100]
    assert [row.final for row in rows] == [True, False, True, True, True, True]
    assert [row.person_total for row in rows] == [96, None, 100, 100, 96, 100]
    assert rows[0].wording == {"en": "closed (accepted)", "zh": "已结束 (本人同意)"}
    assert rows[1].wording["en"] == "closed (not rated)"
    assert rows[4].code == f"{QUARTER}/{CLERK}@clerical"


def test_while_the_cycle_runs_the_figures_are_provisional_and_stages_name_their_holder(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="start")
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="submit")

    rows = seen(uow, office, PRESIDENT)

    assert (rows[CLERK].total, rows[CLERK].final, rows[CLERK].person_total) == (96, False, None)
    assert rows[CLERK].wording["en"] == "reviewed by Person 1004 (1004)"
    assert rows[ESCORT].total is None


def test_each_sees_his_own_row_from_release_and_the_rows_he_judges(uow: UnitOfWork, office: TinyOffice) -> None:
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="start")
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="submit")
    assert totals(uow, office, CLERK) == {CLERK: None}
    assert totals(uow, office, PERSONNEL) == {PERSONNEL: None, OFFICER: None, CLERK: 96}
    assert totals(uow, office, DIRECTOR)[CLERK] == 96
    assert CLERK not in seen(uow, office, VICE)

    move(uow, office, END, number=CLERK, by=DIRECTOR, action="approve")

    assert totals(uow, office, CLERK) == {CLERK: 96}
    with pytest.raises(NotFound, match="nothing of it is yours to see"):
        seen(uow, office, SECRETARY)
    with pytest.raises(NotFound, match="There is no cycle 2027Q1"):
        results(uow, viewer=office.actor(CLERK), now=END, cycle="2027Q1")


def test_who_decides_an_appeal_sees_the_row_from_the_appeal_on(uow: UnitOfWork, office: TinyOffice) -> None:
    release(uow, office, CLERK)
    assert CLERK not in seen(uow, office, VICE)

    words = Words(comment="It was filed.", lines={"F1": None})
    move(uow, office, END, number=CLERK, by=CLERK, action="object", words=words)

    assert totals(uow, office, VICE)[CLERK] == 96


def test_hr_sees_all_but_of_itself_and_its_superiors_no_more_than_they_do_themselves(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    move(uow, office, END, number=DIRECTOR, by=VICE, action="start")
    move(uow, office, END, number=DIRECTOR, by=VICE, action="submit")
    move(uow, office, END, number=ESCORT, by=SECURITY, action="start")
    move(uow, office, END, number=ESCORT, by=SECURITY, action="submit")

    assert totals(uow, office, OFFICER) == {**dict.fromkeys((*RATED, SECURITY)), ESCORT: 100}
    assert totals(uow, office, DIRECTOR)[DIRECTOR] is None

    move(uow, office, END, number=DIRECTOR, by=PRESIDENT, action="approve")

    assert totals(uow, office, DIRECTOR)[DIRECTOR] == 96
    assert totals(uow, office, OFFICER)[DIRECTOR] == 96


def test_a_judge_of_one_does_not_read_the_rest_out_of_the_mean(uow: UnitOfWork, office: TinyOffice) -> None:
    close_all(uow, office)
    finalise(uow, office)

    assert seen(uow, office, PERSONNEL)[CLERK].person_total is None
    assert seen(uow, office, CLERK)[CLERK].person_total == 96


def test_who_was_left_out_stands_in_the_table_without_the_reason(uow: UnitOfWork) -> None:
    office = build_office(uow)
    hr = office.actor(OFFICER)
    cycles.new(uow, actor=hr, now=noon(1, 5), code=QUARTER, rubrics=[RUBRIC])
    choices = Choices(leave_out={ESCORT: "Seconded to another bank."})
    opened = launch.open_cycle(uow, actor=hr, now=noon(1, 5), cycle=QUARTER, choices=choices)
    for first, last in opened.ranges:
        at = noon(1, 5).isoformat()
        opening.open_chunk(uow, now=noon(1, 5), cycle=opened.cycle_id, first=first, last=last, at=at)

    row = seen(uow, office, PRESIDENT)[ESCORT]

    assert (row.stage, row.total, row.outcome) == ("left-out", None, None)
    assert seen(uow, office, ESCORT).keys() == {ESCORT}
    assert ESCORT not in seen(uow, office, SECURITY)


def test_the_table_takes_a_constant_number_of_statements(
    uow: UnitOfWork, office: TinyOffice, statements: Counting
) -> None:
    with statements() as before:
        seen(uow, office, OFFICER)
    close_all(uow, office)
    with statements() as after:
        seen(uow, office, OFFICER)

    assert len(before) == len(after) <= 12


def test_a_distribution_has_every_step_between_the_lowest_and_the_highest() -> None:
    counted = [
        Counted(14, "basic", 2, Fraction(74)),
        Counted(18, "good", 1, Fraction(92)),
        Counted(20, "excellent", 1, Fraction(100)),
    ]

    found = spread(counted)

    assert found.count == 4
    assert [(bar.label, bar.count) for bar in found.steps] == [
        ("70-75", 2),
        ("75-80", 0),
        ("80-85", 0),
        ("85-90", 0),
        ("90-95", 1),
        ("95-100", 0),
        ("100-105", 1),
    ]
    assert found.grades == (Bar("excellent", 1), Bar("good", 1), Bar("basic", 2))
    assert spread([]).steps == ()


def test_chains_are_shown_to_those_who_may_read_them_and_judgement_only_where_it_is_open(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    with uow.write() as tx:
        tx.insert(GRANT, granted(office.people[SECRETARY], "auditor"))
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="start")
    move(uow, office, END, number=CLERK, by=PERSONNEL, action="submit")
    code = f"{QUARTER}/{CLERK}"

    def show(number: str, name: str) -> tuple[audit_trail.Entry, ...]:
        return audit_trail.show(uow, viewer=office.actor(number), now=END, name=name)

    assert [entry.what for entry in show(CLERK, code)] == ["draft -> scoring: start", "scoring -> review: submit"]
    assert [entry.actor for entry in show(CLERK, code)] == [PERSONNEL, PERSONNEL]
    assert {entry.payload for entry in show(CLERK, code)} == {None}
    submitted = show(SECRETARY, code)[1].payload
    assert submitted is not None
    assert "score" in submitted
    with pytest.raises(NotFound):
        show(ESCORT, code)
    assert [entry.what for entry in show(SECRETARY, f"cycle:{QUARTER}")] == ["created", "opened"]
    assert audit_trail.show(uow, viewer=SYSTEM, now=END, name="org")[0].at < END - dt.timedelta(days=90)
    with pytest.raises(Refused, match="Only auditors, the approver and HR"):
        show(ESCORT, "org")
    with pytest.raises(NotFound):
        show(OFFICER, f"ledger:{office.assignments[DIRECTOR]}")
    with pytest.raises(NotFound):
        show(SECRETARY, "ledger:999")
    with pytest.raises(Malformed, match="names no chain"):
        show(SECRETARY, "everything")
