"""`appraise workitem` and `appraise person changed`: work in other hands, and people who do not sit still."""

import pytest

from tests.cli.conftest import Terminal

APRIL = "2026-04-01T09:00"
MARCH = "2026-03-02T09:00"


def owed(terminal: Terminal, by: str, appraisal: str, *, at: str = APRIL) -> str:
    """The work item of an appraisal on somebody's list."""
    items = terminal.ok("work", "--as", by, "--json", at=at).json
    return str(next(item["item"] for item in items if item["appraisal"].startswith(appraisal)))


@pytest.fixture
def scoring(quarter: Terminal) -> Terminal:
    """The clerk's appraisal is being scored by 1006."""
    quarter.ok("act", "2026Q1/1008", "start", "--as", "1006", at=APRIL)
    return quarter


def test_a_work_item_is_given_to_somebody_else(scoring: Terminal) -> None:
    mine = owed(scoring, "1006", "2026Q1/1008")
    assert mine in scoring.ok("work", "--as", "1006", at=APRIL).out
    ran = scoring.ok("workitem", "reassign", mine, "--to", "1005", "--reason", "ill", "--as", "1007", at=APRIL)
    assert ran.out.startswith(f"{mine} is with 1005 now, who is told once; it is due 2026-04-")
    assert owed(scoring, "1005", "2026Q1/1008") == mine
    done = scoring.ok(
        *("workitem", "reassign", "2026Q1/1008", "--to", "1003", "--reason", "ill too", "--as", "1007", "--json"),
        at=APRIL,
    )
    assert done.json["to"] == "1003"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("W77", "--to", "1005", "--reason", "ill"), 4, "There is no work item W77"),
        (("77", "--to", "1005", "--reason", "ill"), 2, "write W and its number"),
        (("2026Q1/1008", "--to", "1008", "--reason", "ill"), 3, "is the person appraised"),
        (("2026Q1/1008", "--to", "1004", "--reason", "ill"), 3, "nobody has two"),
        (("2026Q1/1008", "--to", "4711", "--reason", "ill"), 4, "Nobody has the employee number 4711"),
        (("2026Q1/1008", "--to", "1005", "--reason", " "), 2, "needs a reason"),
        (("2026Q1/1009", "--to", "1005", "--reason", "ill"), 3, "nobody can give"),
        (("2026Q1/1008", "--to", "1005"), 2, "--reason"),
    ],
)
def test_what_cannot_be_reassigned_is_said_in_a_sentence(
    scoring: Terminal, words: tuple[str, ...], code: int, says: str
) -> None:
    ran = scoring("workitem", "reassign", *words, "--as", "1007", at=APRIL)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_substitute_is_named_and_acts(scoring: Terminal) -> None:
    given = ("--to", "1005", "--from", "2026-04-02", "--until", "2026-04-09", "--as", "1006")
    ran = scoring.ok("workitem", "delegate", *given, at=APRIL)
    assert ran.out == "1005 stands in for 1006 from 2026-04-02 to 2026-04-09 (all roles).\n"
    shown = scoring.ok("show", "2026Q1/1008", "--as", "1008", at=APRIL).out
    assert "Substitute: Person 1005 (1005) <- 1006, 2026-04-02 - 2026-04-09" in shown
    assert "(substitute)" in scoring.ok("work", "--as", "1005", at="2026-04-02T09:00").out
    assert scoring("act", "2026Q1/1008", "submit", "--as", "1005", at=APRIL).code == 4
    assert "version 2" in scoring.ok("act", "2026Q1/1008", "submit", "--as", "1005", at="2026-04-02T09:00").out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("2026Q1/1008", "--to", "1008", "--from", "2026-04-02", "--until", "2026-04-03"), 3, "the person appraised"),
        (("--to", "1005", "--from", "2026-04-02", "--until", "2026-04-01"), 3, "before it begins"),
        (("--to", "1005", "--from", "2026-03-02", "--until", "2026-04-01"), 3, "in the past"),
        (("--to", "1005", "--from", "soon", "--until", "2026-04-01"), 2, "is no day"),
        (("--to", "4711", "--from", "2026-04-02", "--until", "2026-04-03"), 4, "4711"),
        (("--to", "1005", "--from", "2026-04-02", "--until", "2026-04-03", "--role", "hr"), 2, "can be delegated"),
    ],
)
def test_a_delegation_that_cannot_be(scoring: Terminal, words: tuple[str, ...], code: int, says: str) -> None:
    ran = scoring("workitem", "delegate", *words, "--as", "1006", at=APRIL)
    assert ran.code == code, ran.err
    assert says in ran.err


def test_who_has_an_interest_is_replaced(scoring: Terminal) -> None:
    ran = scoring.ok("workitem", "recuse", "2026Q1/1008", "--reason", "my niece", "--as", "1006", at=APRIL)
    assert ran.out == "Your interest is recorded; 3 parts passed to others.\n"
    assert owed(scoring, "1004", "2026Q1/1008")
    assert "niece" not in scoring.ok("show", "2026Q1/1008", "--as", "1008", at=APRIL).out
    again = scoring("workitem", "recuse", "2026Q1/1008", "--reason", "my niece", "--as", "1006", at=APRIL)
    assert again.code == 4


def test_a_preview_shows_everything_and_the_act_does_it(scoring: Terminal) -> None:
    words = ("person", "changed", "1006", "left", "--on", "2026-03-31", "--as", "1003")
    assert scoring(*words, at=APRIL).code == 3
    words = ("person", "changed", "1005", "left", "--on", "2026-03-31", "--as", "1007")
    shown = scoring.ok(*words, "--dry-run", at=APRIL).out
    assert shown.startswith("1005 left (2026-03-31): nothing is written, this would follow.")
    assert "goes on: 2026Q1/1005@deputy-security" in shown
    assert "2026Q1/1009@escort" in shown
    mine = scoring.ok("work", "--as", "1004", "--json", at=APRIL).json
    assert [item["appraisal"] for item in mine] == ["2026Q1/1004@director"]
    done = scoring.ok(*words, "--json", at=APRIL).json
    assert not done["preview"]
    assert {(one["role"], one["was"], one["now"]) for one in done["passed"]} == {
        ("assessor", "1005", "1004"),
        ("reviewer", "1004", "1002"),
        ("decider", "1002", "1003"),
    }


def test_each_change_says_what_followed(quarter: Terminal) -> None:
    def changed(*words: str) -> str:
        return quarter.ok("person", "changed", *words, "--as", "1007", at=MARCH).out

    moved = changed(
        "1009",
        "moved",
        "--post",
        "clerical",
        "--unit",
        "office",
        "--from",
        "2026-03-02",
        "--manager",
        "1006",
        "--in-charge",
        "1006",
    )
    assert "opened: 2026Q1/1009@clerical" in moved
    acting = changed("1005", "acting", "--post", "deputy-personnel", "--unit", "office", "--from", "2026-03-02")
    assert "2026Q1/1008@clerical" in acting
    absent = changed(
        "1008", "absent", "--from", "2026-01-19", "--until", "2026-07-01", "--protected", "--reason", "secret"
    )
    assert "closed as not rated: 2026Q1/1008@clerical" in absent
    assert "secret" not in absent
    died = changed("1009", "died", "--on", "2026-03-01")
    assert "closed as not rated: 2026Q1/1009@escort" in died
    assert quarter.ok("audit", "verify", at=MARCH).code == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("1009", "promoted"), 2, "There is no change 'promoted'"),
        (("1009", "left"), 2, "left needs --on"),
        (("1009", "left", "--on", "2026-03-02", "--post", "clerical"), 2, "left has no --post"),
        (("1009", "absent", "--from", "2026-03-02", "--until", "2026-03-01"), 3, "before it begins"),
        (("1009", "died", "--on", "2026-03-05"), 3, "lies in the future"),
        (("4711", "died", "--on", "2026-03-01"), 4, "4711"),
        (("1007", "left", "--on", "2026-03-05"), 3, "for himself"),
        (("1009", "moved", "--post", "gardener", "--unit", "office", "--from", "2026-03-02"), 3, "gardener"),
        (("1009", "moved", "--post", "clerical", "--unit", "office", "--from", "2026-02-30"), 2, "is no day"),
    ],
)
def test_a_change_that_cannot_be(quarter: Terminal, words: tuple[str, ...], code: int, says: str) -> None:
    ran = quarter("person", "changed", *words, "--as", "1007", at=MARCH)
    assert ran.code == code, ran.err
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_what_follows_from_changes_of_people_is_shown_and_set(quarter: Terminal) -> None:
    shown = quarter.ok("person", "settings", "--as", "1007", at=MARCH).out
    assert "come-back" in shown
    given = ("--returned", "stay", "--minimum-days", "20", "--as", "1007", "--json")
    changed = quarter.ok("person", "settings", *given, at=MARCH).json
    assert (changed["returned"], changed["minimum-working-days"], changed["moved"]) == ("stay", 20, "pass-on")
    assert "stay" in quarter.ok("person", "settings", "--as", "1007", at=MARCH).out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--returned", "perhaps", "--as", "1007"), 2, "returned is come-back or stay, and not 'perhaps'."),
        (("--away-percent", "0", "--as", "1007"), 2, "away-percent is a whole number from 1 to 99, and not 0."),
        (("--minimum-days", "many", "--as", "1007"), 2, "'--minimum-days'"),
        (("--moved", "keep", "--as", "1008"), 3, "hr"),
    ],
)
def test_what_is_no_setting_of_people_is_said_in_a_sentence(
    quarter: Terminal, words: tuple[str, ...], code: int, says: str
) -> None:
    ran = quarter("person", "settings", *words, at=MARCH)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert "Traceback" not in ran.err
