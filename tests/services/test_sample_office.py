"""The sample organisation resolves: who scores, reviews and decides for each of the eight posts, and the odd cases."""

import datetime as dt

import pytest

from catalog.shelf import organisation_bytes, rubric_text, workflow_text
from services import calendars, definitions, organisation_import
from services.actors import SYSTEM
from services.organisation_state import snapshot
from services.reporting import load_office, resolve_assignment
from services.unit_of_work import UnitOfWork
from workflow.definition import load_definition
from workflow.parts import Resolution

NOW = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)
NORMAL_DAY = dt.date(2026, 3, 20)
"""Nobody acts for anybody on this day."""


@pytest.fixture
def sample(uow: UnitOfWork) -> UnitOfWork:
    """The sample organisation, imported."""
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=organisation_bytes("sample"), where="sample.xlsx")
    return uow


def resolved(uow: UnitOfWork, on: dt.date) -> dict[tuple[str, str], Resolution]:
    """Every regular assignment of the quarter, by number and post."""
    roles = load_definition(workflow_text("quarterly"), where="quarterly.toml").roles
    with uow.read() as tx:
        office = load_office(tx, on, since=FIRST)
        numbers = {person_id: number for number, person_id in snapshot(tx).people.items()}
    return {
        (numbers[row.person_id], row.post): resolve_assignment(office, roles, row.id)
        for row in office.assignments.values()
        if row.kind == "regular"
    }


def holders(uow: UnitOfWork, on: dt.date, number: str, post: str) -> tuple[str, ...]:
    with uow.read() as tx:
        numbers = {person_id: person for person, person_id in snapshot(tx).people.items()}
    found = resolved(uow, on)[number, post]
    people = (found.assessor, found.reviewer, found.decider)
    return tuple("-" if holder is None else f"{numbers[holder.person]} {holder.source}" for holder in people)


@pytest.mark.parametrize(
    ("number", "post", "expected"),
    [
        ("1004", "director", ("1002 line", "1001 line", "1003 line")),
        ("1005", "deputy-security", ("1004 line", "1001 line", "1003 line")),
        ("1006", "deputy-personnel", ("1004 line", "1001 line", "1003 line")),
        ("1007", "personnel-officer", ("1006 line", "1004 line", "1002 line")),
        ("1008", "clerical", ("1006 line", "1004 line", "1002 line")),
        ("1012", "logistics", ("1005 line", "1004 line", "1002 line")),
        ("1015", "escort", ("1005 line", "1004 line", "1002 line")),
        ("1023", "cash-driver", ("1005 line", "1004 line", "1002 line")),
        ("1034", "escort", ("1004 vacancy", "1002 vacancy", "1003 reserve")),
    ],
)
def test_who_scores_reviews_and_decides(sample: UnitOfWork, number: str, post: str, expected: tuple[str, ...]) -> None:
    assert holders(sample, NORMAL_DAY, number, post) == expected


def test_the_acting_deputy_scores_for_the_one_in_hospital_and_never_himself(sample: UnitOfWork) -> None:
    assert holders(sample, LAST, "1008", "clerical") == ("1012 acting", "1004 line", "1002 line")
    assert holders(sample, LAST, "1012", "logistics") == ("1005 line", "1004 line", "1002 line")


def test_everybody_with_a_post_of_the_rubric_has_three_holders_of_his_own(sample: UnitOfWork) -> None:
    published = definitions.publish_rubric(
        sample, actor=SYSTEM, now=NOW, text=rubric_text("bank-office-completed"), where="bank-office-completed.toml"
    )
    with sample.read() as tx:
        posts = {post.id for post in definitions.rubric_of(tx, published.id).posts}
    found = {key: one for key, one in resolved(sample, LAST).items() if key[1] in posts}

    assert {post for _, post in found} == posts
    for (number, _), resolution in found.items():
        assert not resolution.blocked, (number, resolution.problems)
        assert len({*resolution.people.values()}) == 3


def test_the_mover_held_the_posts_37_and_22_working_days(sample: UnitOfWork) -> None:
    with sample.read() as tx:
        own = calendars.closures(tx)
        rows = [row.values for key, row in snapshot(tx).of("assignments").items() if key[0] == "1027"]

    days = [
        len(calendars.working_days("CN", max(row["from"], FIRST), min(row["to"] or LAST, LAST), own)) for row in rows
    ]

    assert days == [37, 22]


def test_the_two_of_one_name_are_two_people(sample: UnitOfWork) -> None:
    with sample.read() as tx:
        people = snapshot(tx).of("people")

    assert people["1015",].values["name"] == people["1016",].values["name"] == "张伟"
    assert people["1015",].id != people["1016",].id
