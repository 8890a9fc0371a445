"""One appraisal on a page: facts at once, judgement at release, and the acts with their consequences."""

import datetime as dt
import html
import re

from sqlalchemy import select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from services.appraisal_view import MOST_PAST
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, noon, open_quarter
from tests.services.counting import sent
from tests.services.playing import APPROVED, SUBMITTED, Play
from tests.web.browsing import PASSWORD, Pages, words_of
from tests.web.conftest import served
from web.readers import Words, readers

PATH = f"/appraisals/2026Q1/{CLERK}"
CODE = f"/appraisals/2026Q1/{CLERK}@clerical"


def test_before_the_release_the_person_sees_facts_and_no_judgement(pages: Pages) -> None:
    pages.play.bring("scoring")
    pages.play.deduct("C3.1", "4")
    pages.play.act(PERSONNEL, "submit", at=SUBMITTED)
    page = pages.browser(CLERK).get(PATH)
    said = words_of(page)
    assert "found at the weekly check" in said
    assert "not released yet" in said
    assert "Total" not in said
    assert "−4" not in page.text
    assert "−4" in pages.browser(DIRECTOR).get(PATH).text
    pages.play.act(DIRECTOR, "approve", at=APPROVED)
    page = pages.browser(CLERK).get(PATH)
    assert "Total: 96" in words_of(page)
    assert "−4" in page.text
    assert "recorded 4, counted 4" in words_of(page)
    assert "Without it the total would be 100" in words_of(page)


def test_the_own_statement_is_sent_and_shown(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(PATH)
    said = words_of(page)
    assert readers(Words.FACTS, "en") in said
    assert "Then: Scoring. It is the turn of Person 1006 (1006), who is told." in said
    assert "You can take it back for 1 working day, as long as nobody has opened it." in said
    answer = browser.send(page, f"{CODE}/state", comment="<b>What I did</b> \u202eabc")
    assert answer.headers["location"] == f"{CODE}?done=state"
    page = browser.get(answer.headers["location"])
    assert "Done: you sent the own statement." in words_of(page)
    assert "&lt;b&gt;What I did&lt;/b&gt;" in page.text
    assert pages.play.appraisal(CLERK).stage == "scoring"


def test_a_stale_form_is_a_friendly_conflict_that_keeps_what_was_typed(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(PATH)
    pages.play.act(PERSONNEL, "start", at=noon(4, 1))
    answer = browser.send(page, f"{CODE}/state", comment="A long text of mine.")
    assert answer.status_code == 409
    assert "A long text of mine." in answer.text
    assert browser.send(answer, f"{CODE}/state").status_code == 303


def test_a_double_click_acts_once(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(PATH)
    assert browser.send(page, f"{CODE}/state", comment="Once.").status_code == 303
    assert browser.send(page, f"{CODE}/state", comment="Once.").status_code in {403, 409}
    assert len(pages.play.moves(CLERK)) == 1


def test_an_objection_without_a_reason_is_refused_beside_what_was_typed(pages: Pages) -> None:
    pages.play.bring("signoff")
    browser = pages.browser(CLERK)
    answer = browser.send(browser.get(PATH), f"{CODE}/object", comment="")
    assert answer.status_code == 403
    assert "needs a reason" in words_of(answer)


def test_accepting_asks_for_the_password_once_more(pages: Pages) -> None:
    pages.play.bring("signoff")
    browser = pages.browser(CLERK)
    page = browser.get(PATH)
    assert "Total" in words_of(page)
    wrong = browser.send(page, f"{CODE}/accept", comment="Agreed.", password="not mine at all")
    assert wrong.status_code == 403
    assert "The password is not right; nothing was done." in words_of(wrong)
    assert "Agreed." in wrong.text
    assert pages.play.appraisal(CLERK).stage == "signoff"
    assert browser.send(page, f"{CODE}/accept", password=PASSWORD).status_code == 303
    assert pages.play.appraisal(CLERK).stage == "closed"


def test_the_setting_says_whether_it_does(play: Play) -> None:
    pages = served(play, password_again=False)
    pages.play.bring("signoff")
    browser = pages.browser(CLERK)
    page = browser.get(PATH)
    assert "Your password once more" not in words_of(page)
    assert browser.send(page, f"{CODE}/accept").status_code == 303


def test_the_line_of_stages_names_who_and_until_when(pages: Pages) -> None:
    pages.play.bring("review")
    said = words_of(pages.browser(DIRECTOR).get(PATH))
    assert "Scoring Person 1006 (1006) 2026-04-02 12:00" in said
    assert "Review Person 1004 (1004) until 2026-04-" in said


def test_a_link_of_somebody_else_leads_nowhere(pages: Pages) -> None:
    answer = pages.browser("1009").get(PATH)
    assert answer.status_code == 404
    assert "There is no appraisal 2026Q1/1008, or it is not yours to see." in words_of(answer)


def test_looking_is_written_down_for_the_holder_alone_and_not_for_a_program_that_fetches_beforehand(
    pages: Pages,
) -> None:
    def seen() -> bool:
        (row,) = pages.play.rows("SELECT seen_at FROM work_item WHERE closed_at IS NULL AND stage = 'review'")
        return row.seen_at is not None

    pages.play.bring("review")
    pages.browser(CLERK).get(PATH)
    director = pages.browser(DIRECTOR)
    director.get(PATH, **{"sec-purpose": "prefetch"})
    director.client.head(PATH)
    assert not seen()
    director.get(PATH)
    assert seen()


def test_other_quarters_are_listed_with_their_total_once_it_is_released(pages: Pages) -> None:
    pages.play.bring("closed")
    open_quarter(pages.play.uow, pages.play.office, code="2026Q2", now=noon(4, 1))
    said = words_of(pages.browser(CLERK).get(f"/appraisals/2026Q2/{CLERK}"))
    assert "Other quarters 2026Q1 Closed Total: 100 · Excellent" in said
    assert "Other quarters" not in words_of(pages.browser(DIRECTOR).get(f"/appraisals/2026Q2/{CLERK}"))


def test_more_past_quarters_than_one_list_has_follow_on_the_next(pages: Pages) -> None:
    cycle, appraisal = table_of(Cycle), table_of(Appraisal)
    with pages.play.uow.write() as tx:
        of_cycle = dict(tx.all(select(cycle))[0]._mapping)
        person = pages.play.office.people[CLERK]
        of_clerk = dict(tx.all(select(appraisal).where(appraisal.c.person_id == person))[0]._mapping)
        del of_cycle["id"], of_clerk["id"]
        planned = {"state": "planned", "version": 0, "opened_at": None}
        for number in range(MOST_PAST + 1):
            # Two begin on one day, as a quarter and a year do.
            days = {"period_from": dt.date(2025, 12 - number // 2, 1), "period_to": dt.date(2025, 12, 31), **planned}
            made = tx.insert(cycle, {**of_cycle, **days, "code": f"Q{number}"})
            tx.insert(appraisal, {**of_clerk, "cycle_id": made})
    browser = pages.browser(CLERK)
    path = f"/appraisals/2026Q1/{CLERK}@clerical"
    first = browser.get(path)
    assert "Earlier quarters" in words_of(first)
    link = html.unescape(first.text.partition(f"{path}?past=")[2].partition('#past"')[0])
    second = browser.get(f"{path}?past={link}")
    assert "Earlier quarters" not in words_of(second)
    pattern = f"/appraisals/(Q[0-9]+)/{CLERK}@clerical"
    lists = [re.findall(pattern, page.text.partition('id="past"')[2]) for page in (first, second)]
    assert [len(one) for one in lists] == [MOST_PAST, 1]
    assert sorted(lists[0] + lists[1]) == [f"Q{number}" for number in range(MOST_PAST + 1)]
    assert browser.get(f"{path}?past=soon").status_code == 422
    assert "Other quarters" not in words_of(pages.browser(DIRECTOR).get(f"{path}?past={link}"))


def test_a_page_takes_the_same_few_statements_however_many_appraisals_there_are(pages: Pages) -> None:
    pages.play.bring("signoff")
    counts = {}
    for number in (CLERK, DIRECTOR, OFFICER):
        browser = pages.browser(number)
        browser.get(PATH)
        with sent(pages.play.uow.engine) as statements:
            assert browser.get(PATH).status_code == 200
        counts[number] = len(statements)
    assert max(counts.values()) <= 26, counts
