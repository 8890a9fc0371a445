"""`appraise cycle`: planned, opened with problems and choices, left, cancelled, shown."""

import io
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from catalog.shelf import rubric_text
from models.columns import table_of
from models.cycles import Roster
from models.people import Contact, Organisation
from services import definitions
from services.actors import SYSTEM
from tests.cli.conftest import OPENED_AT, Terminal
from tests.services.builders import BEFORE

HR = ("--as", "1007")
NEW = ("cycle", "new", "2026Q1", "--rubric", "bank-office-completed", *HR)


def test_a_cycle_is_planned_and_opened_in_one_process(office: Terminal) -> None:
    assert "2026Q1 is planned, from 2026-01-01 to 2026-03-31." in office.ok(*NEW).out
    ran = office.ok("cycle", "open", "2026Q1", *HR)
    assert "2026Q1 is open: 6 appraisals." in ran.out
    status = office.ok("cycle", "status", "2026Q1", *HR, "--json").json
    assert status["state"] == "open"
    assert sum(status["stages"].values()) == 6


def test_new_prints_the_rubric_of_each_post_as_json(office: Terminal) -> None:
    created = office.ok(*NEW, "--json").json
    assert created["rubrics"]["director"] == "bank-office-completed@1"
    assert (created["period_from"], created["period_to"]) == ("2026-01-01", "2026-03-31")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("2026Q5", "--rubric", "bank-office-completed"), 2, "names no period"),
        (("spring", "--rubric", "bank-office-completed", "--from", "2026-03-01"), 2, "belong together"),
        (
            ("spring", "--rubric", "bank-office-completed", "--from", "2026-03-31", "--to", "2026-03-01"),
            2,
            "before it begins",
        ),
        (("2026Q1", "--rubric", "office-of-the-moon"), 4, "office-of-the-moon"),
        (("2025Q1", "--rubric", "bank-office-completed"), 3, "no rule judges the past"),
    ],
)
def test_a_cycle_that_cannot_be_planned_is_refused_in_a_sentence(
    office: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = office("cycle", "new", *words, *HR)
    assert ran.code == code
    assert said in ran.err
    assert office.ok("cycle", "list", "--json").json == []


def test_the_same_cycle_twice_is_a_conflict(office: Terminal) -> None:
    office.ok(*NEW)
    assert office(*NEW).code == 5


def test_only_hr_plans_and_opens(office: Terminal) -> None:
    assert office("cycle", "new", "2026Q1", "--rubric", "bank-office-completed", "--as", "1009").code == 3
    office.ok(*NEW)
    ran = office("cycle", "open", "2026Q1", "--as", "1009")
    assert (ran.code, ran.err) == (3, "Only an HR officer may open a cycle.\n")


def test_opening_twice_is_refused(quarter: Terminal) -> None:
    ran = quarter("cycle", "open", "2026Q1", *HR)
    assert ran.code == 3
    assert "open" in ran.err
    assert quarter("cycle", "open", "2026Q1", "--dry-run", *HR).code == 3


@pytest.fixture
def faithful(office: Terminal) -> Terminal:
    """The office with a cycle planned on the catalogue as the source has it, which is incomplete."""
    with office.opened() as wiring:
        text = rubric_text("bank-office")
        definitions.publish_rubric(wiring.uow, actor=SYSTEM, now=BEFORE, text=text, where="bank-office")
    office.ok("cycle", "new", "2026Q1", "--rubric", "bank-office", *HR)
    return office


def test_the_faithful_catalogue_refuses_to_open_and_says_who_and_what_to_do(faithful: Terminal) -> None:
    ran = faithful("cycle", "open", "2026Q1", *HR)
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert "error incomplete-rubric" in ran.out
    assert "--override-incomplete" in ran.out
    report = faithful.ok("cycle", "open", "2026Q1", "--dry-run", *HR, "--json").json
    posts = {problem["post"] for problem in report["problems"] if problem["code"] == "incomplete-rubric"}
    assert posts == {"personnel-officer", "clerical", "escort"}
    assert all(problem["mend"] for problem in report["problems"])


def test_people_left_out_and_posts_overridden_open_it_and_the_reasons_are_shown(faithful: Terminal) -> None:
    choices = ("--leave-out", "1008=on loan", "--leave-out", "1009=guards are scored by the company")
    override = ("--override-incomplete", "personnel-officer=agreed with the union")
    opened = faithful.ok("cycle", "open", "2026Q1", *choices, *override, *HR)
    assert "Left out: 1008, because: on loan" in opened.out
    status = faithful.ok("cycle", "status", "2026Q1", *HR)
    assert "guards are scored by the company" in status.out
    assert (
        "The rubric counts by an override: agreed with the union"
        in faithful.ok("show", "2026Q1/1007", "--as", "1007").out
    )
    assert faithful("show", "2026Q1/1008", "--as", "1008").code == 4


@pytest.mark.parametrize("choice", ["1008", "1008=", "=no reason"])
def test_a_choice_without_a_reason_is_malformed(faithful: Terminal, choice: str) -> None:
    ran = faithful("cycle", "open", "2026Q1", "--leave-out", choice, *HR)
    assert ran.code == 2
    assert choice in ran.err


def test_a_choice_about_nobody_is_not_found(faithful: Terminal) -> None:
    assert faithful("cycle", "open", "2026Q1", "--leave-out", "7777=on loan", *HR).code == 4
    assert faithful("cycle", "open", "2026Q1", "--override-incomplete", "astronaut=agreed", *HR).code == 4


def test_somebody_without_an_address_is_a_warning_and_the_cycle_opens(office: Terminal, people: dict[str, int]) -> None:
    contact = table_of(Contact)
    with office.opened() as wiring, wiring.uow.write() as tx:
        tx.run(delete(contact).where(contact.c.person_id == people["1009"]))
    office.ok(*NEW)
    ran = office.ok("cycle", "open", "2026Q1", *HR)
    assert "warning no-email (1)" in ran.out
    assert "1009 has no e-mail address." in ran.out


def test_with_the_worker_off_the_opening_waits_for_one(office: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    office.ok(*NEW)
    monkeypatch.setenv("APPRAISE_WORKER", "off")
    assert "waits for a worker" in office.ok("cycle", "open", "2026Q1", *HR).out
    assert office.ok("cycle", "status", "2026Q1", *HR, "--json").json["stages"] == {}
    monkeypatch.setenv("APPRAISE_WORKER", "on")
    office.ok("tick")
    assert sum(office.ok("cycle", "status", "2026Q1", *HR, "--json").json["stages"].values()) == 6


def test_somebody_is_taken_out_with_a_reason_and_nothing_is_deleted(quarter: Terminal) -> None:
    ran = quarter.ok("cycle", "withdraw", "2026Q1", "1009", "--reason", "left the bank", *HR)
    assert ran.out == "2026Q1/1009@escort is closed as not rated: left the bank\n"
    shown = quarter.ok("show", "2026Q1/1009", *HR, "--json").json
    assert (shown["stage"], shown["outcome"]) == ("closed", "not-rated")
    again = quarter("cycle", "withdraw", "2026Q1", "1009", "--reason", "left the bank", *HR)
    assert again.code == 3


def test_hr_takes_out_neither_itself_nor_a_superior(quarter: Terminal) -> None:
    for number in ("1007", "1006", "1004"):
        assert quarter("cycle", "withdraw", "2026Q1", number, "--reason", "tired", *HR).code == 3


def test_a_cancelled_cycle_admits_nothing(quarter: Terminal) -> None:
    assert quarter("cycle", "cancel", "2026Q1", "--reason", "", *HR).code == 3
    quarter.ok("cycle", "cancel", "2026Q1", "--reason", "wrong rubric", *HR)
    assert quarter.ok("cycle", "list", "--json").json[0]["state"] == "cancelled"
    ran = quarter("act", "2026Q1/1009", "state", "--comment", "My quarter.", "--as", "1009")
    assert ran.code == 3
    assert "cancelled" in ran.err


def test_status_is_not_for_everybody(quarter: Terminal) -> None:
    assert quarter("cycle", "status", "2026Q1", "--as", "1009").code == 3
    assert quarter("cycle", "status", "2027Q1", *HR).code == 4
    assert "Waiting for the own statement  6" in quarter.ok("cycle", "status", "2026Q1", *HR).out


def test_the_status_names_who_is_late_in_the_zone_of_the_office(quarter: Terminal) -> None:
    late = quarter.ok("cycle", "status", "2026Q1", *HR, at="2026-01-20T09:00").out
    assert "Person 1009 (1009)" in late
    assert "2026-01-08 18:00" in late


def test_words_come_in_chinese_where_the_setting_says_so(quarter: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_LANGUAGE", "zh")
    assert "环节" in quarter.ok("cycle", "status", "2026Q1", *HR).out
    assert "提交自述" in quarter.ok("work", "--as", "1009").out


def test_an_early_proposal_is_refused_and_says_what_is_left(quarter: Terminal) -> None:
    ran = quarter("cycle", "propose", "2026Q1", *HR)
    assert ran.code == 3
    assert "6 in “Own statement”" in ran.err


def test_nothing_set_aside_is_nothing_to_retry(quarter: Terminal) -> None:
    assert quarter.ok("cycle", "retry", "2026Q1", *HR).out == "Nothing of 2026Q1 is set aside.\n"
    told = quarter.ok("cycle", "retry", "2026Q1", *HR, "--json").json
    assert told == {"cycle": "2026Q1", "taken_up": 0, "opened": 0}


def test_who_was_left_out_can_join_later(office: Terminal) -> None:
    office.ok(*NEW)
    office.ok("cycle", "open", "2026Q1", "--leave-out", "1008=on loan", *HR)
    assert office.ok("cycle", "enrol", "2026Q1", "1008", *HR).out == "2026Q1/1008@clerical is open.\n"
    assert office.ok("show", "2026Q1/1008", "--as", "1008", "--json").json["stage"] == "draft"
    assert office("cycle", "enrol", "2026Q1", "1008", *HR).code == 3
    assert office("cycle", "enrol", "2026Q1", "7777", *HR).code == 4


def test_what_was_set_aside_is_tried_again_or_left_out(office: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    office.ok(*NEW)
    monkeypatch.setenv("APPRAISE_WORKER", "off")
    office.ok("cycle", "open", "2026Q1", *HR)
    roster = table_of(Roster)
    with office.opened() as wiring, wiring.uow.write() as tx:
        first, second = [row.id for row in tx.all(select(roster.c.id).order_by(roster.c.id.desc()).limit(2))]
        tx.run(update(roster).where(roster.c.id.in_((first, second))).values(status="set-aside"))
    monkeypatch.setenv("APPRAISE_WORKER", "on")
    office.ok("tick")
    assert sum(office.ok("cycle", "status", "2026Q1", *HR, "--json").json["stages"].values()) == 4
    office.ok("cycle", "withdraw", "2026Q1", "1009", "--reason", "left the bank", *HR)
    assert office.ok("cycle", "retry", "2026Q1", *HR).out == "1 of 1 opened.\n"
    status = office.ok("cycle", "status", "2026Q1", *HR, "--json").json
    assert sum(status["stages"].values()) == 5
    assert [(left["number"], left["reason"]) for left in status["left_out"]] == [("1009", "left the bank")]


def test_a_bar_is_drawn_on_a_terminal(office: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    office.ok(*NEW)
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    office.ok("cycle", "open", "2026Q1", *HR)
    assert "Opening 2026Q1" in screen.getvalue()


def test_whatever_nobody_thought_of_is_one_sentence_and_a_file(office: Terminal) -> None:
    with office.opened() as wiring, wiring.uow.write() as tx:
        tx.run(update(table_of(Organisation)).values(settings="no JSON"))
    ran = office("cycle", "list", at=None)
    assert ran.code == 1
    assert ran.err.startswith("Something unexpected happened (JSONDecodeError); nothing was half-written.")
    assert "Traceback" in Path("appraise-error.log").read_text(encoding="utf-8")


def test_without_an_organisation_a_command_says_what_to_do(nothing: Terminal) -> None:
    ran = nothing("cycle", "list", at=None)
    assert (ran.code, ran.out.splitlines()[0].split()) == (0, ["Appraisal", "cycle", "State", "From", "To"])
    assert nothing("cycle", "status", "2026Q1", *HR, at=None).code == 4
    assert nothing("cycle", "list", at=OPENED_AT).code == 3
