import datetime as dt
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Absence, Assignment, Person, ReportingOverride, Unit
from services.errors import NotFound, Refused
from services.reporting import assessor_of, assessors_of, load_office, resolve_assignment, roles_for
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    VICE,
    TinyOffice,
    assignment,
    build_office,
    open_quarter,
)
from tests.services.counting import Counting, statements

__all__ = ["statements"]

ON = dt.date(2026, 2, 16)
ASSIGNMENT = table_of(Assignment)

HOLDERS = {
    DIRECTOR: (VICE, PRESIDENT, SECRETARY),
    SECURITY: (DIRECTOR, PRESIDENT, SECRETARY),
    PERSONNEL: (DIRECTOR, PRESIDENT, SECRETARY),
    OFFICER: (PERSONNEL, DIRECTOR, VICE),
    CLERK: (PERSONNEL, DIRECTOR, VICE),
    ESCORT: (SECURITY, DIRECTOR, VICE),
}


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    return build_office(uow)


def holders(uow: UnitOfWork, office: TinyOffice, number: str, on: dt.date = ON) -> tuple[str, ...]:
    names = {person: name for name, person in office.people.items()}
    with uow.read() as tx:
        found = resolve_assignment(load_office(tx, on), roles_for(tx, on), office.assignments[number])
    return tuple(names[one.person] for one in (found.assessor, found.reviewer, found.decider) if one is not None)


def write(uow: UnitOfWork, table: Any, **values: Any) -> int:
    with uow.write() as tx:
        return tx.insert(table_of(table), values)


@pytest.mark.parametrize("number", HOLDERS)
def test_who_scores_reviews_and_decides_follows_from_the_records(
    uow: UnitOfWork, office: TinyOffice, number: str
) -> None:
    assert holders(uow, office, number) == HOLDERS[number]


def test_a_protected_absence_passes_the_score_to_the_next_in_the_line(uow: UnitOfWork, office: TinyOffice) -> None:
    write(uow, Absence, person_id=office.people[PERSONNEL], kind="protected", valid_from=ON, valid_to=ON)
    assert holders(uow, office, CLERK) == (DIRECTOR, VICE, SECRETARY)
    assert holders(uow, office, CLERK, ON + dt.timedelta(days=1)) == HOLDERS[CLERK]


def test_ordinary_leave_changes_no_holder(uow: UnitOfWork, office: TinyOffice) -> None:
    write(uow, Absence, person_id=office.people[PERSONNEL], kind="leave", valid_from=ON, valid_to=ON)
    assert holders(uow, office, CLERK) == HOLDERS[CLERK]


def test_who_left_holds_nothing_from_the_day_after(uow: UnitOfWork, office: TinyOffice) -> None:
    person = table_of(Person)
    with uow.write() as tx:
        tx.run(update(person).where(person.c.id == office.people[PERSONNEL]).values(left=ON))
    assert holders(uow, office, CLERK) == HOLDERS[CLERK]
    assert holders(uow, office, CLERK, ON + dt.timedelta(days=1))[0] == DIRECTOR


def test_an_override_names_a_holder_for_its_days(uow: UnitOfWork, office: TinyOffice) -> None:
    write(
        uow,
        ReportingOverride,
        assignment_id=office.assignments[CLERK],
        role="assessor",
        person_id=office.people[SECURITY],
        valid_from=ON,
        valid_to=ON,
    )
    assert holders(uow, office, CLERK)[0] == SECURITY
    assert holders(uow, office, CLERK, ON + dt.timedelta(days=1))[0] == PERSONNEL


def test_an_acting_holder_has_the_powers_of_the_post(uow: UnitOfWork, office: TinyOffice) -> None:
    acting = assignment(
        office.people[SECURITY], office.posts["director"], office.unit, first=ON, last=ON, kind="acting"
    )
    write(uow, Assignment, **acting)
    assert holders(uow, office, CLERK)[1] == SECURITY


def test_who_moved_keeps_the_line_of_the_assignment_that_ended(uow: UnitOfWork, office: TinyOffice) -> None:
    ended = assignment(
        office.people[ESCORT],
        office.posts["clerical"],
        office.unit,
        in_charge=office.people[PERSONNEL],
        first=dt.date(2026, 1, 1),
        last=dt.date(2026, 1, 31),
    )
    old = write(uow, Assignment, **ended)
    with uow.read() as tx:
        office_now = load_office(tx, ON)
        with pytest.raises(NotFound, match="was not in force on 2026-02-16"):
            resolve_assignment(office_now, roles_for(tx, ON), old)
        since = load_office(tx, ON, since=dt.date(2026, 1, 1))
        assert since.office.holders == office_now.office.holders
        found = resolve_assignment(since, roles_for(tx, ON), old)
    assert found.assessor is not None
    assert found.assessor.person == office.people[PERSONNEL]


def test_units_give_their_heads_from_the_own_one_upward(uow: UnitOfWork, office: TinyOffice) -> None:
    unit = table_of(Unit)
    below = write(uow, Unit, code="guard", name="Guard", parent_id=office.unit, head_id=office.people[SECURITY])
    with uow.write() as tx:
        tx.run(update(unit).where(unit.c.id == office.unit).values(head_id=office.people[DIRECTOR]))
        tx.run(update(ASSIGNMENT).where(ASSIGNMENT.c.id == office.assignments[ESCORT]).values(unit_id=below))
    with uow.read() as tx:
        reporting = load_office(tx, ON).reporting[office.assignments[ESCORT]]
    assert reporting.unit_heads == (office.people[SECURITY], office.people[DIRECTOR])
    assert reporting.manager_of_manager == office.people[DIRECTOR]


def test_the_office_is_read_in_as_many_statements_for_many_as_for_few(
    uow: UnitOfWork, office: TinyOffice, statements: Counting
) -> None:
    def read() -> int:
        with statements() as sent, uow.read() as tx:
            load_office(tx, ON)
        return len([one for one in sent if not one.startswith(("BEGIN", "PRAGMA"))])

    few = read()
    with uow.write() as tx:
        for number in range(40):
            row = {"number": f"7{number:03}", "name": "Guard", "language": "en"}
            person = tx.insert(table_of(Person), row)
            tx.insert(ASSIGNMENT, assignment(person, office.posts["escort"], office.unit))
    assert read() == few <= 5


def test_once_open_the_holder_is_the_one_frozen_in_the_roster(uow: UnitOfWork, office: TinyOffice) -> None:
    open_quarter(uow, office)
    with uow.write() as tx:
        tx.run(
            update(ASSIGNMENT)
            .where(ASSIGNMENT.c.id == office.assignments[CLERK])
            .values(in_charge_id=office.people[SECURITY])
        )
    with uow.read() as tx:
        assert assessor_of(tx, office.assignments[CLERK], ON) == office.people[PERSONNEL]
        # The next quarter has no cycle yet: the line as it is now says who scores.
        assert assessor_of(tx, office.assignments[CLERK], dt.date(2026, 4, 1)) == office.people[SECURITY]
        many = assessors_of(tx, [office.assignments[CLERK], office.assignments[ESCORT]], ON)
    assert many == {
        office.assignments[CLERK]: office.people[PERSONNEL],
        office.assignments[ESCORT]: office.people[SECURITY],
    }


def test_without_a_workflow_nobody_knows_who_scores(uow: UnitOfWork) -> None:
    with uow.read() as tx, pytest.raises(Refused, match="No workflow is published"):
        assessor_of(tx, 1, ON)
