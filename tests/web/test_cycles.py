"""The cycle today: who is where, who is late, and what HR does about it without leaving the page."""

import pytest
from sqlalchemy import text

from services import cycle_board, cycle_tasks
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, SECURITY, noon
from tests.services.counting import sent
from tests.web.browsing import Pages, words_of

PATH = f"/cycles/{QUARTER}"
MAY = noon(5, 6)


def later(pages: Pages) -> None:
    """Let the first stages be over, with the sessions still alive."""
    pages.clock.set(MAY)


def task_of(pages: Pages, number: str = CLERK) -> str:
    return f"W{pages.play.item(number).id}"


def test_the_funnel_counts_by_stage_and_unit_and_lists_who_is_late(pages: Pages) -> None:
    pages.play.bring("scoring")
    later(pages)
    page = pages.browser(OFFICER).get(PATH)
    said = words_of(page)
    assert "Where everybody is" in said
    assert "Appraisals by stage" in said
    assert f"Person {CLERK} ({CLERK}) Office scoring" in said.replace("Scoring", "scoring")
    assert f"Person {PERSONNEL} ({PERSONNEL})" in said
    assert "never" in said


def test_hr_sees_nothing_late_of_itself_and_its_superiors_and_the_approver_sees_all(pages: Pages) -> None:
    later(pages)
    mine = words_of(pages.browser(OFFICER).get(PATH))
    assert f"({ESCORT}) Office" in mine
    assert f"({OFFICER}) Office" not in mine
    assert f"({PERSONNEL}) Office" not in mine
    whole = words_of(pages.browser(PRESIDENT).get(PATH))
    assert f"({OFFICER}) Office" in whole


def test_nobody_else_sees_it(pages: Pages) -> None:
    for path in ("/cycles", PATH, f"{PATH}/monday", f"{PATH}/task"):
        assert pages.browser(ESCORT).get(path).status_code == 404


def test_everybody_is_reminded_by_one_button(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(OFFICER)
    page = browser.get(PATH)
    answer = browser.send(page, f"{PATH}/remind", whom="everybody")
    assert answer.status_code == 303
    assert "Reminded:" in words_of(browser.get(answer.headers["location"]))
    rows = pages.play.rows("SELECT DISTINCT person_id FROM message WHERE kind = 'reminded'")
    assert pages.play.office.people[PERSONNEL] in {row.person_id for row in rows}


def test_more_time_is_given_and_a_bad_day_stands_beside_what_was_typed(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    page = browser.get(PATH)
    wrong = browser.send(page, f"{PATH}/extend", people=CLERK, until="next week", reason="The audit week.")
    assert wrong.status_code == 422
    assert "'next week' is no day" in wrong.text.replace("&#39;", "'")
    assert "The audit week." in wrong.text
    answer = browser.send(wrong, f"{PATH}/extend", people=CLERK, until="2026-05-20", reason="The audit week.")
    assert answer.headers["location"] == f"{PATH}?done=extended&n=1"
    assert (
        pages.play.item().due_at.startswith("2026-05-20")
        if isinstance(pages.play.item().due_at, str)
        else (pages.play.item().due_at.date().isoformat() == "2026-05-20")
    )


def test_a_holder_is_replaced_and_a_task_is_held_and_goes_on(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(OFFICER)
    item = task_of(pages)
    page = browser.get(f"{PATH}/task?item={item}")
    assert "What you can do" in words_of(page)
    refused = browser.send(page, f"{PATH}/replace", number=CLERK, reason="Ill for a week.")
    assert refused.status_code == 403
    assert "Ill for a week." in refused.text
    answer = browser.send(page, f"{PATH}/replace", number=SECURITY, reason="Ill for a week.")
    assert answer.status_code == 303, words_of(answer)
    assert pages.play.item().holder_id == pages.play.office.people[SECURITY]
    held = browser.send(browser.get(answer.headers["location"]), f"{PATH}/hold", reason="Under investigation.")
    page = browser.get(held.headers["location"])
    assert "On hold" in words_of(page)
    assert pages.play.item().due_at is None
    browser.send(page, f"{PATH}/release", reason="It is over.")
    assert pages.play.item().due_at is not None


def test_the_monday_list_is_there_as_text(pages: Pages) -> None:
    pages.play.bring("scoring")
    later(pages)
    browser = pages.browser(OFFICER)
    page = browser.get(f"{PATH}/monday")
    assert f"- Person {CLERK} ({CLERK}): Scoring, with Person {PERSONNEL} ({PERSONNEL})," in page.text


def test_somebody_is_taken_out_and_in_again(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    page = browser.get(PATH)
    assert browser.send(page, f"{PATH}/withdraw", number=ESCORT, reason="").status_code == 422
    answer = browser.send(page, f"{PATH}/withdraw", number=ESCORT, reason="On loan.")
    assert answer.headers["location"] == f"{PATH}?done=withdrawn&n=1"
    assert pages.play.appraisal(ESCORT).outcome == "not-rated"


@pytest.mark.parametrize("item", ["W999999", "x", "W0"])
def test_a_task_that_is_not_there_is_said_to_be_none(pages: Pages, item: str) -> None:
    page = pages.browser(OFFICER).get(f"{PATH}/task?item={item}")
    assert page.status_code in {200, 422}
    assert "Act on it" in words_of(page) or "There is no open task" in words_of(page)


def test_the_lists_go_on_page_by_page_in_few_statements(pages: Pages) -> None:
    play = pages.play
    asked = {"actor": play.office.actor(PRESIDENT), "now": MAY, "cycle": QUARTER}
    with sent(play.uow.engine) as statements:
        whole = cycle_tasks.tasks(play.uow, **asked)
    assert len(statements) <= 8, statements
    seen, after = [], None
    while True:
        page = cycle_tasks.tasks(play.uow, **asked, after=after, most=2)
        seen += [task.item for task in page.tasks]
        after = page.after
        if after is None:
            break
    assert seen == [task.item for task in whole.tasks]
    assert len(seen) == len(set(seen)) > 2
    with sent(play.uow.engine) as statements:
        board = cycle_board.board(play.uow, **asked)
    assert len(statements) <= 8, statements
    assert board.appraisals == sum(sum(unit.stages.values()) for unit in board.units) > 0


def test_who_is_away_under_protection_is_in_no_list_of_the_late(pages: Pages) -> None:
    play = pages.play
    asked = {"actor": play.office.actor(PRESIDENT), "now": MAY, "cycle": QUARTER}
    before = {task.holder_number for task in cycle_tasks.tasks(play.uow, **asked).tasks}
    assert DIRECTOR in before
    with play.uow.write() as tx:
        tx.run(
            text(
                "INSERT INTO absence (person_id, kind, valid_from, valid_to)"
                " VALUES (:person, 'protected', :first, NULL)"
            ),
            {"person": play.office.people[DIRECTOR], "first": "2026-05-01"},
        )
    after = {task.holder_number for task in cycle_tasks.tasks(play.uow, **asked).tasks}
    assert before - after == {DIRECTOR}
