"""That a multiplied office is one: as many of everything as there are copies, each referring to its own."""

from tests.services.builders import CLERK
from tests.services.multiplying import OFFICE, PERIODS, earlier, multiply
from tests.services.playing import Play

COUNTED = "SELECT (SELECT count(*) FROM person) AS people, (SELECT count(*) FROM appraisal) AS appraisals"


def test_copies_of_an_office_hang_together_and_leave_the_first_alone(play: Play) -> None:
    play.deduct("C3.1", 5)
    play.bring("closed")
    before, moves = play.appraisal(), play.moves()
    (counted,) = play.rows(COUNTED)
    multiply(play.uow, OFFICE, 9)
    assert play.rows(COUNTED) == [(10 * counted.people, 10 * counted.appraisals)]
    assert (play.appraisal(), play.moves()) == (before, moves)
    apart = "SELECT a.id FROM appraisal a JOIN assignment s ON s.id = a.assignment_id WHERE s.person_id <> a.person_id"
    assert play.rows(apart) == []
    steps = play.rows(
        "SELECT p.number, s.total, f.rule FROM appraisal a JOIN person p ON p.id = a.person_id"
        " JOIN score s ON s.id = a.score_id JOIN sheet h ON h.id = s.sheet_id AND h.appraisal_id = a.id"
        " JOIN finding f ON f.assignment_id = a.assignment_id ORDER BY p.id"
    )
    assert [row.number for row in steps] == [CLERK, *(f"{CLERK}-{9 * copy}" for copy in range(1, 10))]
    assert {(row.total, row.rule) for row in steps} == {(95_000_000, "C3.1")}
    play.bring("review", of="1009")


def test_copies_of_a_period_are_the_same_peoples(play: Play) -> None:
    multiply(play.uow, PERIODS, 4, earlier(play.uow))
    assert [row.code for row in play.rows("SELECT code FROM cycle ORDER BY id")] == [
        "2026Q1",
        *(f"2026Q1-{copy}" for copy in range(1, 5)),
    ]
    assert [
        row.period_from for row in play.rows("SELECT CAST(period_from AS TEXT) AS period_from FROM cycle ORDER BY id")
    ][:2] == ["2026-01-01", "2025-09-23"]
    own = play.rows("SELECT cycle_id FROM appraisal WHERE person_id = :person", person=play.office.people[CLERK])
    assert len({row.cycle_id for row in own}) == 5
