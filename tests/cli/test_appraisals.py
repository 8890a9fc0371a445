"""`appraise work|show|act|explain`: one appraisal on its way, as each of its people sees it."""

import pytest
from sqlalchemy import Update, update

from models.columns import table_of
from models.people import Grant, Organisation
from services import tokens
from tests.cli.conftest import Terminal
from tests.services.builders import granted

CODE = "2026Q1/1009"
JANUARY = "2026-01-06T10:00"
APRIL = "2026-04-01T09:00"


def deducted(terminal: Terminal) -> str:
    """Record a finding about the director and return its name."""
    ran = terminal.ok(
        *("finding", "add", "1004", "D1.1", "--on", "2026-01-05", "--amount", "4", "--reason", "late", "--as", "1002"),
        "--json",
        at=JANUARY,
    )
    return str(ran.json["code"])


def real_data() -> Update:
    """Make the office a real one, where nobody acts without a token."""
    return update(table_of(Organisation)).values(kind="live")


def act(terminal: Terminal, action: str, by: str, *more: str, number: str = "1004", at: str = APRIL) -> None:
    """Move the director's appraisal, or that of another."""
    terminal.ok("act", f"2026Q1/{number}", action, "--as", by, *more, at=at)


def released(terminal: Terminal) -> str:
    """Bring the director's appraisal, with one deduction of 4 points, to the sign-off."""
    finding = deducted(terminal)
    act(terminal, "state", "1004", "--comment", "My quarter.", "--rating", "D1=10")
    act(terminal, "submit", "1002")
    act(terminal, "approve", "1001")
    return finding


def test_work_lists_what_is_owed_with_the_days_left_and_what_can_be_done(quarter: Terminal) -> None:
    listed = quarter.ok("work", "--as", "1009").out
    assert "2026Q1/1009@escort" in listed
    assert "2026-01-08 18:00" in listed
    assert "3 working days" in listed
    assert "state (Send own statement)" in listed
    assert "own statement by Person 1009 (1009)" in listed
    assert quarter.ok("work", "--as", "1001").out == "Nothing waits for you.\n"


@pytest.mark.parametrize(
    ("day", "left"), [("2026-01-08", "today"), ("2026-01-07", "1 working day "), ("2026-01-12", "2 working days late")]
)
def test_work_counts_working_days_and_says_what_is_late(quarter: Terminal, day: str, left: str) -> None:
    assert left in quarter.ok("work", "--as", "1009", at=f"{day}T10:00").out


def test_work_and_show_speak_chinese(quarter: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_LANGUAGE", "zh")
    listed = quarter.ok("work", "--as", "1009", at="2026-01-12T10:00").out
    assert listed.split("\n", 1)[0].split() == [
        "待办事项",
        "考核表",
        "被考核人",
        "环节",
        "截止日期",
        "剩余期限",
        "可办理",
    ]
    assert "2 工作日 逾期" in listed
    assert "\n您可以: state (提交自述)" in quarter.ok("show", "2026Q1/1009", "--as", "1009").out


def test_work_says_what_stands_in_the_way(quarter: Terminal) -> None:
    act(quarter, "state", "1005", "--comment", "My quarter.", number="1005")
    blocked = quarter.ok("work", "--as", "1004", at=APRIL).out
    assert "2026Q1/1005@deputy-security submit: Confirm or excuse first" in blocked
    assert "A1.1:2026-01" in blocked
    items = quarter.ok("work", "--as", "1004", "--json", at=APRIL).json
    mine = next(item for item in items if item["appraisal"] == "2026Q1/1005@deputy-security")
    assert [action["action"] for action in mine["actions"] if action["blocked"]] == ["submit"]


def test_an_appraisal_is_named_shortly_and_answered_in_full(quarter: Terminal) -> None:
    moved = quarter.ok("act", CODE, "state", "--comment", "My quarter.", "--as", "1009", "--json").json
    assert (moved["code"], moved["from_stage"], moved["to_stage"]) == ("2026Q1/1009@escort", "draft", "scoring")
    assert quarter.ok("show", "2026Q1/1009@escort", "--as", "1009", "--json").json["stage"] == "scoring"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("act", CODE, "submit", "--as", "1009"), 3, "Submit the score"),
        (("act", CODE, "submit", "--as", "1005"), 3, ""),
        (("act", CODE, "dance", "--as", "1009"), 2, "There is no action 'dance'"),
        (("act", CODE, "state", "--as", "1008"), 4, "There is no appraisal 2026Q1/1009"),
        (("act", "2026Q1/7777", "state", "--as", "1009"), 4, "There is no appraisal 2026Q1/7777"),
        (("act", "1009", "state", "--as", "1009"), 2, "does not name an appraisal"),
        (("act", "state", "--as", "1009"), 2, "Name an appraisal before the action"),
        (("act", CODE, "state", "--as", "7777"), 4, "Nobody has the employee number 7777."),
        (("act", CODE, "state"), 2, "--as"),
        (("act", CODE, "state", "--version", "3", "--as", "1009"), 5, "has changed since you looked"),
        (("act", CODE, "state", "--rating", "E1", "--as", "1009"), 2, "--rating 'E1' is incomplete"),
        (("act", CODE, "state", "--rating", "E1=much", "--as", "1009"), 2, "not a plain decimal"),
        (("show", CODE, "--as", "1008"), 4, "There is no appraisal 2026Q1/1009"),
        (("explain", CODE, "--as", "1008"), 4, "There is no appraisal 2026Q1/1009"),
        (("explain", CODE, "--as", "1009"), 3, "not released"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    quarter: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = quarter(*words)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""
    assert quarter.ok("show", CODE, "--as", "1009", "--json").json["version"] == 0


def test_twice_and_out_of_order_are_refused(quarter: Terminal) -> None:
    act(quarter, "state", "1004", "--comment", "My quarter.")
    again = quarter("act", "2026Q1/1004", "state", "--comment", "Again.", "--as", "1004", at=APRIL)
    assert (again.code, again.err) == (3, "You have already sent your statement.\n")
    assert quarter("act", "2026Q1/1004", "accept", "--as", "1004", at=APRIL).code == 3


def test_judgement_is_shown_at_its_release_and_by_no_road_before(quarter: Terminal) -> None:
    finding = deducted(quarter)
    act(quarter, "state", "1004", "--comment", "My quarter.", "--rating", "D1=10")
    early = quarter.ok("show", "2026Q1/1004", "--as", "1004", at=APRIL)
    assert "not released" in early.out
    assert "Total" not in early.out
    act(quarter, "submit", "1002")
    moved = quarter.ok("act", "2026Q1/1004", "approve", "--as", "1001", at=APRIL)
    assert moved.out == "2026Q1/1004@director approve: Review -> Sign-off, version 3\n"
    shown = quarter.ok("show", "2026Q1/1004", "--as", "1004", at=APRIL).out
    assert "Total: 96" in shown
    assert f"{finding}       D1.1  2026-01-05  -4" in shown
    assert "object (Object to lines)" in shown
    assert "1. 2026-04-01 09:00 Person 1004 (1004) sent the own statement: My quarter." in shown


def test_a_total_is_explained_line_by_line_in_both_languages(quarter: Terminal) -> None:
    finding = released(quarter)
    lines = quarter.ok("explain", "2026Q1/1004", "--as", "1004", at=APRIL).out
    assert lines.startswith(f"{finding}, rule D1.1, 2026-01-05")
    assert "Total: 96 of 100 points." in lines
    assert "96" in quarter.ok("explain", "2026Q1/1004", "--language", "zh", "--as", "1004", at=APRIL).out
    explained = quarter.ok("explain", "2026Q1/1004", "--as", "1004", "--json", at=APRIL).json
    assert (explained["total"], explained["max"]) == ("96", "100")
    assert explained["lines"] == lines.splitlines()


def test_an_objection_is_decided_line_by_line_and_never_worse(quarter: Terminal) -> None:
    finding = released(quarter)
    objection = ("act", "2026Q1/1004", "object", "--as", "1004")
    assert quarter(*objection, "--comment", "no", at=APRIL).code == 3
    assert quarter(*objection, "--line", finding, at=APRIL).code == 3
    assert quarter(*objection, "--line", "F99", "--comment", "no", at=APRIL).code == 3
    assert quarter(*objection, "--line", f"{finding}=", "--comment", "no", at=APRIL).code == 2
    quarter.ok(*objection, "--line", finding, "--comment", "It was the other department.", at=APRIL)
    decision = ("act", "2026Q1/1004", "decide", "--comment", "heard both", "--as", "1003")
    assert quarter(*decision, "--line", f"{finding}=5", at=APRIL).code == 3
    assert quarter(*decision, "--line", f"{finding}=oops", at=APRIL).code == 2
    done = quarter.ok(*decision, "--line", f"{finding}=3", at=APRIL)
    assert "total 97" in done.out
    shown = quarter.ok("show", "2026Q1/1004", "--as", "1004", at=APRIL).out
    assert "closed (decided on appeal)" in shown
    assert f"{finding} lowered: 3, 2026-04-01 09:00: heard both" in shown


def test_a_refusal_needs_a_witness_who_is_shown(quarter: Terminal) -> None:
    for action, by in (("state", "1009"), ("submit", "1005"), ("approve", "1004")):
        act(quarter, action, by, "--comment", "done", number="1009")
    refusal = ("act", CODE, "refuse", "--comment", "would not take the paper", "--as", "1007")
    assert quarter(*refusal, at=APRIL).code == 3
    quarter.ok(*refusal, "--witness", "Person 1008", at=APRIL)
    assert "(witness: Person 1008)" in quarter.ok("show", CODE, "--as", "1007", at=APRIL).out


def test_many_are_moved_at_once_and_those_refused_are_named(quarter: Terminal) -> None:
    for number, assessor in (("1008", "1006"), ("1009", "1005")):
        act(quarter, "state", number, "--comment", "done", number=number)
        act(quarter, "submit", assessor, number=number)
    ran = quarter("act", "2026Q1/1008", "2026Q1/1009", "2026Q1/1007", "approve", "--as", "1004", at=APRIL)
    assert ran.code == 3
    assert ran.err == "2 moved, 1 set aside.\n"
    assert "2026Q1/1007@personnel-officer is set aside: " in ran.out
    assert quarter.ok("show", CODE, "--as", "1005", "--json", at=APRIL).json["stage"] == "signoff"
    both = quarter.ok("act", "--many", "2026Q1/1008,2026Q1/1009", "take-back", "--as", "1004", "--json", at=APRIL)
    assert [moved["to_stage"] for moved in both.json["moved"]] == ["review", "review"]
    assert quarter("act", "--many", "2026Q1/1008,2026Q1/1009", "strike", "--line", "F1", "--as", "1004").code == 2


def test_real_data_need_a_token_and_a_proxy_entry_shows_who_typed_and_why(
    quarter: Terminal, monkeypatch: pytest.MonkeyPatch, people: dict[str, int]
) -> None:
    with quarter.opened() as wiring:
        with wiring.uow.write() as tx:
            tx.run(real_data())
            tx.insert(table_of(Grant), granted(people["1008"], "proxy"))
        clerk, guard = (tokens.new(wiring.uow, now=wiring.now(), number=number) for number in ("1008", "1009"))
    assert quarter("show", CODE, "--as", "1009", at=None).code == 3
    assert quarter("work", at=APRIL).code == 3
    monkeypatch.setenv("APPRAISE_TOKEN", guard)
    assert quarter.ok("show", CODE, "--json", at=None).json["stage"] == "draft"
    assert quarter("show", CODE, "--as", "1005", at=None).code == 3
    monkeypatch.setenv("APPRAISE_TOKEN", clerk)
    statement = ("act", CODE, "state", "--comment", "I kept the vault.", "--as", "1009")
    assert quarter(*statement, at=None).code == 3
    quarter.ok(*statement, "--reason", "he has no desk", at=None)
    monkeypatch.setenv("APPRAISE_TOKEN", guard)
    shown = quarter.ok("show", CODE, at=None).out
    assert "Person 1009 (1009) sent the own statement (entered by Person 1008 (1008): he has no desk)" in shown
    monkeypatch.setenv("APPRAISE_TOKEN", "guessed")
    assert (
        quarter("show", CODE, at=None).err
        == "This token is not valid, or not any more; ask the operator for a new one.\n"
    )
