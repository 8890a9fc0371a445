"""`cycle extend|overdue`, `workitem hold|release`, `calendar show`: what they print, and how they refuse."""

import pytest

from tests.cli.conftest import Terminal

HR = ("--as", "1007")
TICK = "2026-01-12T09:00"
LATE = "2026-01-21T09:00"


@pytest.fixture
def scoring(quarter: Terminal) -> Terminal:
    """The quarter with every scoring begun: the statements' days are over."""
    quarter.ok("tick", "--at", TICK, at=None)
    return quarter


def item_of(terminal: Terminal, number: str, by: str) -> str:
    owed = terminal.ok("work", "--as", by, "--json", at=None).json
    return next(str(one["item"]) for one in owed if f"/{number}@" in one["appraisal"])


def test_a_deadline_is_extended_and_the_answer_names_the_old_one(scoring: Terminal) -> None:
    why = ("--until", "2026-01-30", "--reason", "the audit week")
    ran = scoring.ok("cycle", "extend", "2026Q1", "--person", "1008", *why, *HR, at=None)
    assert ran.out.startswith("1 deadline in 2026Q1 moved to 2026-01-30.\n")
    assert "2026Q1/1008@clerical, scoring: was 2026-01-19 18:00" in ran.out
    more = scoring.ok("cycle", "extend", "2026Q1", "--stage", "scoring", *why, *HR, "--json", at=None).json
    assert {one["why"] for one in more["left"]} == {"later-already", "own-or-superior"}
    assert len(more["moved"]) == 2


def test_the_overdue_list_names_who_is_late(scoring: Terminal) -> None:
    assert scoring.ok("cycle", "overdue", "2026Q1", *HR, at=None).out == "Nothing in 2026Q1 is late.\n"
    ran = scoring.ok("cycle", "overdue", "2026Q1", *HR, at=LATE)
    assert "2026Q1/1008@clerical" in ran.out
    late = scoring.ok("cycle", "overdue", "2026Q1", "--json", *HR, at=LATE).json
    assert {(one["days"], one["stuck"]) for one in late} == {(2, None)}


def test_a_work_item_is_held_and_released(scoring: Terminal) -> None:
    item = item_of(scoring, "1008", "1006")
    ran = scoring.ok("workitem", "hold", item, "--reason", "in dispute", *HR, at=None)
    assert ran.out == f"{item} (2026Q1/1008@clerical) is on hold: in dispute\n"
    assert scoring("workitem", "hold", item, "--reason", "in dispute", *HR, at=None).code == 3
    ran = scoring.ok("workitem", "release", item, "--reason", "settled", *HR, at=None)
    assert ran.out == f"{item} (2026Q1/1008@clerical) is released and is due 2026-01-19 18:00.\n"
    held = scoring.ok("workitem", "hold", item, "--reason", "again", *HR, "--json", at=None).json
    assert (held["item"], held["due_at"]) == (item, None)
    assert scoring.ok("workitem", "release", item, "--reason", "ok", *HR, "--json", at=None).json["stage"] == "scoring"


def test_the_calendar_shows_a_month_a_year_and_another_country(quarter: Terminal) -> None:
    ran = quarter.ok("calendar", "show", "--month", "2026-05", at=None)
    assert ran.out.startswith("CN, 2026-05-01 to 2026-05-31: 19 working days, 12 free.")
    assert "Labor Day" in ran.out
    assert "make-up" in ran.out
    year = quarter.ok("calendar", "show", "--year", "2026", "--calendar", "DE-BY", "--json", at=None).json
    assert year["calendar"] == "DE-BY"
    assert len(year["days"]) == 365
    assert "2026-01-04" in quarter.ok("calendar", "show", at=None).out, "the Sunday worked for the New Year"


def test_a_dry_run_of_an_opening_warns_of_a_long_weekend(office: Terminal) -> None:
    office.ok("cycle", "new", "2026Q2", "--rubric", "bank-office-completed", *HR, at="2026-04-01T09:00")
    ran = office.ok("cycle", "open", "2026Q2", "--dry-run", *HR, at="2026-04-28T09:00")
    assert "warning long-weekend: 5 free days in a row, 2026-05-01 to 2026-05-05, lie in “" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("cycle", "extend", "2026Q1", "--person", "1008", "--until", "2026-01-09"), 2, "2026-01-09 is over"),
        (("cycle", "extend", "2026Q1", "--person", "1008", "--until", "soon"), 2, "is no day"),
        (("cycle", "extend", "2026Q1", "--until", "2026-01-30"), 2, "Say whose deadline is meant"),
        (("cycle", "extend", "2026Q1", "--stage", "appeal", "--until", "2026-01-30"), 3, "nobody in it is meant"),
        (("cycle", "extend", "2026Q1", "--stage", "lunch", "--until", "2026-01-30"), 2, "no stage 'lunch'"),
        (("cycle", "extend", "2026Q1", "--unit", "moon", "--until", "2026-01-30"), 4, "There is no unit moon"),
        (("cycle", "extend", "2027Q1", "--unit", "moon", "--until", "2026-01-30"), 4, "There is no cycle 2027Q1"),
        (("cycle", "extend", "2026Q1", "--person", "1007", "--until", "2026-01-30"), 3, "of his own appraisal"),
        (("workitem", "hold", "77"), 2, "does not name a work item"),
        (("workitem", "hold", "W999"), 4, "no open work item W999"),
        (("workitem", "release", "W1"), 4, "no open work item W1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(scoring: Terminal, words: tuple[str, ...], code: int, said: str) -> None:
    ran = scoring(*words, "--reason", "a reason", *HR, at=None)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--calendar", "XX"), 3, "There is no working calendar 'XX'"),
        (("--month", "2026-13"), 2, "cannot be read"),
        (("--year", "MMXXVI"), 2, "cannot be read"),
        (("--year", "2026", "--month", "2026-05"), 2, "not both"),
    ],
)
def test_a_calendar_that_there_is_not(quarter: Terminal, words: tuple[str, ...], code: int, said: str) -> None:
    ran = quarter("calendar", "show", *words, at=None)
    assert (ran.code, ran.err.count("\n")) == (code, 1)
    assert said in ran.err
