"""My work: what somebody owes, what he waits for, and what comes next when nothing is owed."""

import datetime as dt
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from models.columns import table_of
from models.workitems import WorkItem
from services import delegations, findings, people
from services.my_work import my_work
from services.turn_rows import MOST
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY, noon
from tests.services.counting import sent
from tests.services.playing import SUBMITTED
from tests.web.browsing import Pages, words_of


def test_what_is_owed_stands_there_with_its_days_and_one_button(pages: Pages) -> None:
    page = pages.browser(CLERK).get("/")
    said = words_of(page)
    assert "What I owe Person 1008 (1008) · own statement by Person 1008 (1008) 2026Q1/1008@clerical" in said
    assert "working days late" in said or "working day left" in said or "working days left" in said
    assert f'href="/appraisals/2026Q1/{CLERK}@clerical">Send own statement' in page.text


def test_who_owes_nothing_is_told_what_he_waits_for(pages: Pages) -> None:
    pages.play.bring("scoring")
    pages.play.act(CLERK, "state", at=noon(4, 1), reason="My quarter.")
    said = words_of(pages.browser(CLERK).get("/"))
    assert "Nothing is owed. The next turn among what you wait for ends on 2026-04-" in said
    assert "What I wait for My appraisal · scored by Person 1006 (1006)" in said


def test_who_judges_is_led_to_the_page_of_his_stage(pages: Pages) -> None:
    pages.play.bring("scoring")
    assert f'href="/scoring/2026Q1/{CLERK}@clerical">Score' in pages.browser(PERSONNEL).get("/").text
    pages.play.bring("review", of=ESCORT)
    pages.play.bring("review", of=OFFICER)
    page = pages.browser(DIRECTOR).get("/")
    assert f'href="/review/2026Q1/{ESCORT}@escort">Review' in page.text
    assert "Review 2 one by one" in words_of(page)


def test_a_list_takes_few_statements_however_much_is_owed(pages: Pages) -> None:
    counts = {}
    for number in (ESCORT, PERSONNEL, DIRECTOR):
        browser = pages.browser(number)
        browser.get("/")
        with sent(pages.play.uow.engine) as statements:
            assert browser.get("/").status_code == 200
        counts[number] = len(statements)
    assert max(counts.values()) <= 8, counts


def test_the_president_who_has_no_post_with_duties_sees_his_page(pages: Pages) -> None:
    assert pages.browser(PRESIDENT).get("/").status_code == 200


def test_who_stands_in_sees_what_he_does_for_the_other_and_until_when(pages: Pages) -> None:
    pages.play.bring("scoring")
    office, uow = pages.play.office, pages.play.uow
    now = pages.clock.now()
    delegations.delegate(
        uow, actor=office.actor(PERSONNEL), now=now, number=ESCORT, first=now.date(), last=dt.date(2026, 4, 10)
    )
    said = words_of(pages.browser(ESCORT).get("/"))
    assert "Person 1008 (1008) · scored by Person 1006 (1006) for Person 1006 (1006)" in said
    assert "You stand in for Person 1006 (1006): 2026-04-01 – 2026-04-10" in said
    said = words_of(pages.browser(PERSONNEL).get("/"))
    assert "Person 1009 (1009) stands in for you: 2026-04-01 – 2026-04-10" in said


def test_a_substitute_is_not_shown_the_review_of_what_he_recorded_himself(pages: Pages) -> None:
    pages.clock.set(SUBMITTED)
    office, uow, now = pages.play.office, pages.play.uow, SUBMITTED
    asked: dict[str, Any] = {"now": now, "number": SECURITY, "first": now.date(), "last": dt.date(2026, 4, 10)}
    delegations.delegate(uow, actor=office.actor(PERSONNEL), **asked)
    delegations.delegate(uow, actor=office.actor(DIRECTOR), **asked)
    turn = "Person 1008 (1008) · reviewed by Person 1004 (1004) for Person 1004 (1004)"
    pages.play.bring("review")
    assert turn in words_of(pages.browser(SECURITY).get("/"))
    pages.play.act(DIRECTOR, "return", at=now, reason="What does the log say?")
    recorded: dict[str, Any] = {"happened": dt.date(2026, 2, 3), "amount": Fraction(4), "reason": "late"}
    findings.add(uow, actor=office.actor(SECURITY), now=now, number=CLERK, rule="C3.1", **recorded)
    pages.play.act(PERSONNEL, "submit", at=now, reason="It says so.")
    assert turn not in words_of(pages.browser(SECURITY).get("/"))


def test_who_is_away_reads_from_when_to_when(pages: Pages) -> None:
    people.record_absence(
        pages.play.uow,
        actor=pages.play.office.actor(OFFICER),
        now=pages.clock.now(),
        number=ESCORT,
        kind="leave",
        first=dt.date(2026, 4, 8),
        last=dt.date(2026, 4, 9),
    )
    assert "You are away from 2026-04-08 to 2026-04-09." in words_of(pages.browser(ESCORT).get("/"))


def test_what_does_not_stand_on_the_first_page_stands_on_the_next(pages: Pages) -> None:
    play = pages.play
    pages.play.bring("scoring")
    with play.uow.write() as tx:
        items = table_of(WorkItem)
        open_items = select(items).where(items.c.closed_at.is_(None), items.c.role == "assessor")
        copied = dict(tx.all(open_items)[0]._mapping)
        del copied["id"]
    owner = play.office.people[PERSONNEL]
    late = (None, noon(4, 9), noon(4, 8))
    with play.uow.write() as tx:
        for place in range(MOST + 6):
            moments = {"opened_at": noon(4, 1), "next_action_at": None, "due_at": late[place % 3], "seen_at": None}
            tx.insert(items, {**copied, **moments, "noticed_at": None, "seat": place + 2})
    (open_,) = play.rows("SELECT count(*) AS found FROM work_item WHERE closed_at IS NULL AND holder_id = :p", p=owner)
    asked = {"actor": play.who(PERSONNEL), "now": noon(4, 1), "zone": "Asia/Shanghai", "calendar": "CN"}
    first = my_work(play.uow, **asked)
    assert len(first.owed) == MOST
    second = my_work(play.uow, **asked, owed_after=first.after_owed or "")
    assert len(first.owed) + len(second.owed) == open_.found
    due = [one.due_at for one in (*first.owed, *second.owed)]
    assert due == sorted(due, key=lambda at: (at is None, at or noon(1, 1)))
    assert second.after_owed is None
    browser = pages.browser(PERSONNEL)
    page = browser.get("/")
    assert "?owed=" in page.text
    following = browser.get(f"/?{urlencode({'owed': first.after_owed})}")
    assert "First page" in words_of(following)
    assert "?owed=" not in following.text
    for wrong in ("soon", "~x", "2026-04-01~1", "~-1"):
        assert browser.get(f"/?{urlencode({'owed': wrong})}").status_code == 422, wrong
