"""Forty appraisals of a generated office are reviewed in a real browser, twelve of them one by one, in few clicks."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

import pytest
from playwright.sync_api import Browser, Page, expect

from models.columns import table_of
from models.people import Assignment, Person
from services import findings
from services.appraisals import act_many
from services.unit_of_work import UnitOfWork
from tests.services.builders import DIRECTOR, ESCORT, SECURITY, assignment, build_office, noon, open_quarter
from tests.services.conftest import uow
from tests.services.playing import Play
from tests.web.browsing import PASSWORD, Pages
from tests.web.conftest import served
from web.server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

__all__ = ["uow"]

CASES, TO_READ, MOST_CLICKS = 40, 12, 60
COUNTER = """addEventListener("click", (event) => {
  if (event.isTrusted) localStorage.setItem("clicks", Number(localStorage.getItem("clicks") || 0) + 1);
}, true);
addEventListener("keydown", (event) => {
  if ("jkar".includes(event.key) && !event.target.matches("input, textarea"))
    localStorage.setItem("clicks", Number(localStorage.getItem("clicks") || 0) + 1);
}, true);"""
"""Counts what a hand does, a key of the page like a click; what a script clicks is not counted."""


def crowd(uow: UnitOfWork) -> Play:
    """Make an office with forty escorts, all of them submitted to the director, twelve with a deduction."""
    office = build_office(uow)
    superior = office.people[SECURITY]
    numbers = [str(2000 + place) for place in range(CASES - 1)]
    with uow.write() as tx:
        for number in numbers:
            row = {"number": number, "name": f"Guard {number}", "language": "en", "joined": dt.date(2020, 1, 1)}
            person = tx.insert(table_of(Person), row | {"left": None, "erased_at": None})
            held = assignment(person, office.posts["escort"], office.unit, manager=superior, in_charge=superior)
            tx.insert(table_of(Assignment), held)
    open_quarter(uow, office)
    play = Play(uow, office)
    for place, number in enumerate(numbers[:TO_READ]):
        findings.add(
            uow,
            actor=play.who(SECURITY),
            now=noon(4, 1),
            number=number,
            rule="E3.1",
            happened=dt.date(2026, 2, 3),
            amount=Fraction(5 + place % 6),
            reason="seen at the gate",
        )
    codes = [f"2026Q1/{number}" for number in [*numbers, ESCORT]]
    for action, day in (("start", 1), ("submit", 2)):
        act_many(uow, actor=play.who(SECURITY), now=noon(4, day), appraisals=codes, action=action)
    return play


@pytest.fixture
def crowded(uow: UnitOfWork) -> Iterator[tuple[Pages, str]]:
    """The pages of that office on a port of their own, and their address."""
    pages = served(crowd(uow))
    with PageServer(pages.app, host="127.0.0.1", port=0) as server:
        yield pages, server.address


@pytest.fixture
def counted(chromium: Browser) -> Iterator[Page]:
    """A window that counts clicks."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(COUNTER)
    yield context.new_page()
    context.close()


def log_in(window: Page, address: str, number: str) -> None:
    window.goto(f"{address}/login")
    window.locator("[name=number]").fill(number)
    window.locator("[name=password]").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("My work")


def approve(window: Page) -> None:
    window.get_by_label("Your password once more").click()
    window.keyboard.type(PASSWORD)
    window.keyboard.press("Enter")
    expect(window.get_by_role("status").last).to_contain_text("is done.")


def test_forty_are_reviewed_in_sixty_clicks_at_most(counted: Page, crowded: tuple[Pages, str]) -> None:
    pages, address = crowded
    pages.account(DIRECTOR)
    log_in(counted, address, DIRECTOR)
    counted.goto(f"{address}/review")
    counted.evaluate("localStorage.removeItem('clicks')")
    expect(counted.get_by_role("heading", name=f"Needs an eye ({TO_READ})")).to_be_visible()
    counted.get_by_role("link", name="Look through them one by one").click()
    for place in range(TO_READ):
        expect(counted.get_by_role("heading", name="Why this needs an eye")).to_be_visible()
        if place == 0:  # one is struck before it is approved, one goes back, the others are approved as they are
            counted.get_by_text("Change or strike F").click()
            counted.locator(".revise textarea").click()
            counted.keyboard.type("The gate was not his that day.")
            counted.get_by_role("button", name="Strike it").click()
            expect(counted.get_by_text("The gate was not his that day.").first).to_be_visible()
            approve(counted)
        elif place == 1:
            counted.keyboard.press("r")
            counted.keyboard.type("What does the log of the gate say?")
            counted.get_by_role("button", name="Return for correction").click()
        elif place == 2:
            counted.keyboard.press("a")
            counted.keyboard.type(PASSWORD)
            counted.keyboard.press("Enter")
        else:
            approve(counted)
    expect(counted.get_by_role("heading", name="Why this needs an eye")).to_have_count(0)
    counted.get_by_role("link", name="All cases").click()
    counted.get_by_role("link", name=f"Approve {CASES - TO_READ} without a deduction").click()
    counted.get_by_label("Your password once more").click()
    counted.keyboard.type(PASSWORD)
    counted.get_by_role("button", name="Approve those ticked").click()
    expect(counted.get_by_role("status").last).to_contain_text(f"{CASES - TO_READ} appraisals are approved.")
    clicks = int(counted.evaluate("localStorage.getItem('clicks')"))
    stages = pages.play.rows("SELECT stage, count(*) AS many FROM appraisal GROUP BY stage")
    assert {row.stage: row.many for row in stages if row.stage in {"signoff", "review"}} == {"signoff": CASES - 1}
    assert clicks + CASES - TO_READ >= CASES - 1
    assert clicks <= MOST_CLICKS, clicks
