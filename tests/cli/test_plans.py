"""`appraise plan`: added, shown, removed, the letter; and the clock that opens by it."""

import pytest

from tests.cli.conftest import Terminal

ADD = (
    "plan",
    "add",
    "office",
    "--every",
    "quarter",
    "--working-day",
    "3",
    "--unit",
    "office",
    "--rubric",
    "bank-office-completed",
)
HR = ("--as", "1007")


@pytest.fixture
def planned(office: Terminal) -> Terminal:
    """The office with a plan whose quarters make a year."""
    office.ok(*ADD, "--except", "1009=on loan to the branch", "--year", *HR)
    return office


def test_a_plan_is_added_shown_listed_and_removed(office: Terminal) -> None:
    added = office.ok(*ADD, *HR)
    assert added.out == (
        "The plan office opens 2026Q1 on 2026-04-03; HR hears of what stands in its way from 2026-03-20 on.\n"
        "Next: appraise plan letter office\n"
    )
    assert "Next: 2026Q1 on 2026-04-03; HR hears of it from 2026-03-20 on." in office.ok("plan", "show", "office").out
    (row,) = office.ok("plan", "list", "--json").json
    assert (row["plan"], row["active"], row["next"], row["opens"]) == ("office", True, "2026Q1", "2026-04-03")
    assert "2026Q1" in office.ok("plan", "list").out
    assert office.ok("plan", "remove", "office", *HR).out == "The plan office is removed.\n"
    assert "It was removed and opens nothing." in office.ok("plan", "show", "office").out
    assert office("plan", "remove", "office", *HR).code == 4


def test_the_clock_plans_tells_and_opens(planned: Terminal) -> None:
    before = planned.ok("tick", "--at", "2026-03-19T09:00", "--json", at=None).json
    assert "plans.open" in before["jobs"]
    assert planned.ok("cycle", "list", "--json", at=None).json == []
    planned.ok("tick", "--at", "2026-03-20T09:00", at=None)
    states = {row["code"]: row["state"] for row in planned.ok("cycle", "list", "--json", at=None).json}
    assert states == {"2026": "open", "2026Q1": "planned"}
    assert "plans.open" not in planned.ok("tick", "--json", at=None).json["jobs"]
    planned.ok("tick", "--at", "2026-04-03T09:00", at=None)
    status = planned.ok("cycle", "status", "2026Q1", *HR, "--json", at=None).json
    assert (status["state"], status["roster"]) == ("open", {"left-out": 1, "rated": 5})
    assert sum(status["stages"].values()) == 5
    assert planned("cycle", "open", "2026Q1", *HR, at=None).code == 3
    year = planned.ok("cycle", "results", "2026", *HR, "--json", at=None).json
    assert {row["total"] for row in year} == {None}
    assert "0/1" in planned.ok("cycle", "results", "2026", *HR, at=None).out
    explained = planned.ok("explain", "2026/1008", "--person", "--as", "1008", at=None).out
    assert explained == "Period 2026Q1: not counted yet, since its result is not signed.\nNothing was rated.\n"


def test_a_removed_plan_says_which_cycles_wait(planned: Terminal) -> None:
    planned.ok("tick", "--at", "2026-03-20T09:00", at=None)
    ran = planned.ok("plan", "remove", "office", *HR, at=None)
    assert "2026Q1 is planned and waits for you: `appraise cycle open 2026Q1`" in ran.out
    planned.ok("tick", "--at", "2026-04-03T09:00", at=None)
    states = {row["code"]: row["state"] for row in planned.ok("cycle", "list", "--json", at=None).json}
    assert states["2026Q1"] == "planned"


def test_the_letter_is_drafted_in_both_languages(planned: Terminal) -> None:
    english = planned.ok("plan", "letter", "office", *HR).out
    assert english.startswith("Appraisal 2026Q1: dates and rights\n\nDear colleagues,\n")
    chinese = planned.ok("plan", "letter", "office", "--language", "zh", "--json", *HR).json
    assert (chinese["cycle"], chinese["subject"]) == ("2026Q1", "2026Q1考核：时间安排与您的权利")
    assert planned("plan", "letter", "office", "--as", "1008").code == 3


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--unit", "cellar"), 4, "There is no unit 'cellar'; there are: office."),
        (("--workflow", "yearly"), 4, "There is no published workflow yearly"),
        (("--rubric", "poetry"), 4, "There is no published rubric poetry"),
        (("--calendar", "ATLANTIS"), 3, "There is no working calendar 'ATLANTIS'"),
        (("--zone", "Asia/Shangai"), 2, "There is no time zone 'Asia/Shangai'"),
        (("--zone", "../etc"), 2, "There is no time zone '../etc'"),
        (("--every", "week"), 2, "A plan opens a cycle every month, quarter, half-year"),
        (("--except", "1009"), 2, "--except '1009' is incomplete"),
        (("--except", "4711=gone"), 4, "Nobody has the employee number 4711."),
        (("--working-day", "0"), 2, "not on 0"),
        (("--from", "2019Q1"), 2, "2019Q1 is long over"),
        (("--year-weight", "Q1=1"), 2, "belong to --year"),
        (("--year", "--year-weight", "Q1=much"), 2, "--year-weight Q1"),
        (("--year", "--year-rounding", "sideways"), 2, "The rounding of a year"),
        (("--year", "--year-digits", "9"), 2, "The digits of a year"),
        (("--year", "--year-window", "0"), 2, "The window of a year"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(
    office: Terminal, words: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = office(*ADD, *words, *HR)
    assert ran.code == code, ran.err
    assert sentence in ran.err
    assert ran.err.count("\n") == 1
    assert office.ok("plan", "list", "--json").json == []


def test_an_overlapping_plan_is_refused(planned: Terminal) -> None:
    ran = planned("plan", "add", "months", *ADD[3:], *HR)
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert "The plan office opens cycles for people of office already" in ran.err
    again = planned(*ADD, *HR)
    assert (again.code, "There is a plan office already" in again.err) == (5, True)


def test_a_cycle_made_by_hand_can_belong_to_a_year(planned: Terminal) -> None:
    planned.ok("tick", "--at", "2026-03-20T09:00", at=None)
    new = ("cycle", "new", "2026Q2", "--rubric", "bank-office-completed")
    planned.ok(*new, "--year", "2026", *HR, at=None)
    ran = planned("cycle", "new", "2026Q3", *new[3:], "--year", "2031", *HR, at=None)
    assert (ran.code, ran.err.count("\n")) == (4, 1)
