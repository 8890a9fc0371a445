"""How many rows the pages of every day read on PostgreSQL beside a thousand times as many people (EXPLAIN ANALYZE)."""

import pytest
from sqlalchemy import func, select

from models.metadata import METADATA
from services import cycles, launch, opening_view, operations_view, staff_letter
from services.appraisal_view import lay_open
from services.delegations import delegate
from services.my_work import my_work
from services.one_reading import OneReading, one_reading
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, QUARTER, RUBRIC, SECRETARY, SECURITY, ZONE, noon
from tests.services.explaining import MOST_ROWS, analysed, beyond, explained
from tests.services.multiplying import OFFICE, multiply
from tests.services.playing import Play

pytestmark = [pytest.mark.whole, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]

NOW = noon(4, 3)
NEXT = "2026Q2"
COPIES = 1000
GROWN = frozenset(
    (
        *("person", "assignment", "roster", "appraisal", "party", "work_item", "move"),
        *("score", "finding", "duty_record", "message"),
    )
)
"""Tables of which more than two thousand rows are not the viewer's."""


@pytest.fixture
def large(play: Play) -> Play:
    """An office of ten thousand people, and ten times as many who have left, with an open quarter and a roster."""
    play.inspect(SECURITY, 1)
    for month in (2, 3):
        play.confirm(SECURITY, month)
    play.deduct("C3.1", 4)
    play.deduct("A5.1", 4, of=SECURITY)
    last = NOW.date().replace(month=5)
    delegate(play.uow, actor=play.who(DIRECTOR), now=noon(4, 1), number=SECRETARY, first=noon(4, 1).date(), last=last)
    play.bring("signoff")
    play.bring("review", of=ESCORT)
    asked = {"actor": play.who(OFFICER), "now": NOW}
    cycles.new(play.uow, **asked, code=NEXT, rubrics=[RUBRIC])
    launch.dry_run(play.uow, **asked, cycle=NEXT)
    multiply(play.uow, OFFICE, COPIES)
    multiply(play.uow, {"person"}, 9)
    analysed(play.uow)
    with play.uow.read() as tx:
        for table in GROWN:
            assert tx.scalar(select(func.count()).select_from(METADATA.tables[table])) > MOST_ROWS, table
    return play


def look_at_work(reading: OneReading, play: Play, number: str) -> None:
    my_work(reading, actor=play.who(number), now=NOW, zone=ZONE, calendar="CN")


def look_at_appraisal(reading: OneReading, play: Play, number: str, of: str) -> None:
    lay_open(reading, actor=play.who(number), now=NOW, appraisal=f"{QUARTER}/{of}")


def look_at_opening(reading: OneReading, play: Play, code: str) -> None:
    asked = {"actor": play.who(OFFICER), "now": NOW}
    opening_view.opening(reading, **asked, cycle=code)
    staff_letter.draft(reading, **asked, code=code)


def test_no_statement_of_a_page_reads_more_than_two_thousand_rows_or_a_growing_table_whole(large: Play) -> None:
    looks = {
        **{f"work of {one}": (look_at_work, one) for one in (CLERK, DIRECTOR, SECRETARY, SECURITY, OFFICER)},
        **{f"clerk, by {one}": (look_at_appraisal, one, CLERK) for one in (CLERK, DIRECTOR, OFFICER)},
        **{f"escort, by {one}": (look_at_appraisal, one, ESCORT) for one in (ESCORT, SECRETARY)},
        **{f"opening of {code}": (look_at_opening, code) for code in (QUARTER, NEXT)},
        "operations": (lambda reading, play: operations_view.operations(reading, actor=play.who(OFFICER), now=NOW),),
    }
    faults = []
    for name, (look, *which) in looks.items():
        reading = one_reading(large.uow)
        try:
            found = explained(large.uow, lambda: look(reading, large, *which))  # noqa: B023 - asked at once
        finally:
            reading.end()
        assert 1 <= len(found) <= 8, (name, [one.statement for one in found])
        faults += [f"{name}: {said}" for said in beyond(found, growing=GROWN)]
    assert not faults, "\n".join(faults)
