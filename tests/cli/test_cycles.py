"""`appraise cycle`: planned, opened with problems and choices, joined, left, cancelled, shown."""

from tests.cli.conftest import Terminal

NEW = ("cycle", "new", "2026Q1", "--rubric", "bank-office-completed", "--as", "1007")


def test_a_cycle_is_planned_and_opened_in_one_process(office: Terminal) -> None:
    assert "2026Q1 is planned, from 2026-01-01 to 2026-03-31." in office.ok(*NEW).out
    ran = office.ok("cycle", "open", "2026Q1", "--as", "1007")
    assert "2026Q1 is open: 6 appraisals." in ran.out
    status = office.ok("cycle", "status", "2026Q1", "--as", "1007", "--json").json
    assert status["state"] == "open"
    assert sum(status["stages"].values()) == 6
