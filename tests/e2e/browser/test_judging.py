"""A sheet is filled in, approved, objected to and decided in a real browser, with scripts and without."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser.test_review import log_in
from tests.services.builders import CLERK, DIRECTOR, PERSONNEL, VICE
from tests.services.playing import ANSWERED
from tests.web.browsing import PASSWORD, Pages

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

CODE = f"2026Q1/{CLERK}@clerical"


def as_wide_as_the_window(window: Page) -> None:
    size = window.viewport_size
    assert size is not None
    for element in window.locator("main .card, header, h1").all():
        there = element.bounding_box()
        assert there is None or there["x"] + there["width"] <= size["width"] + 1, window.url


def test_a_deduction_is_scored_approved_and_struck_on_appeal(window: Page, served_pages: tuple[Pages, str]) -> None:
    pages, address = served_pages
    play = pages.play
    play.bring("scoring")
    for number in (PERSONNEL, DIRECTOR, VICE):
        pages.account(number)

    log_in(window, address, PERSONNEL)
    window.locator(f"a[href='/scoring/{CODE}']").click()
    as_wide_as_the_window(window)
    window.get_by_text("A file is not filed").first.click()
    form = window.locator("form[action$='/record']:has([value='C3.1'])")
    form.locator("[name=happened]").fill("2026-02-03")
    form.get_by_label("Points by slider").fill("5")
    form.locator("[name=reason]").fill("Two files lay on the table.")
    form.get_by_role("button", name="Recalculate").click()
    expect(window.get_by_text("With this entry: 95 instead of 100.")).to_be_visible()
    expect(window.get_by_text("Not saved yet")).to_be_visible()
    window.locator("form[action$='/record']:has([value='C3.1'])").get_by_role("button", name="Record it").click()
    expect(window.get_by_role("heading", name="Total: 95 / 100")).to_be_visible()
    expect(window.get_by_text("Saved 2026-04-01")).to_be_visible()
    window.get_by_role("button", name="Submit the score").click()
    expect(window.get_by_role("status").last).to_contain_text("is done.")
    window.get_by_role("button", name="Log out").click()

    log_in(window, address, DIRECTOR)
    window.locator(f"a[href='/review/{CODE}']").click()
    expect(window.get_by_role("heading", name="Why this needs an eye")).to_be_visible()
    as_wide_as_the_window(window)
    window.get_by_label("Your password once more").fill(PASSWORD)
    window.get_by_role("button", name="Approve").click()
    expect(window.get_by_text("Nothing waits for your review.")).to_be_visible()
    window.get_by_role("button", name="Log out").click()

    (row,) = play.rows("SELECT id FROM finding")
    play.act(CLERK, "object", at=ANSWERED, reason="They were not mine.", lines={f"F{row.id}": None})
    log_in(window, address, VICE)
    window.locator(f"a[href='/appeals/{CODE}']").click()
    expect(window.get_by_text("They were not mine.")).to_be_visible()
    as_wide_as_the_window(window)
    window.get_by_label("Strike it").check()
    window.locator("#act-decide").get_by_label("Why").fill("The list of the room shows it.")
    window.get_by_role("button", name="Recalculate").click()
    expect(window.get_by_text("With these decisions: 100 instead of 95.")).to_be_visible()
    window.get_by_role("button", name="Decide the appeal").click()
    expect(window.get_by_role("status").last).to_contain_text("Done: you decided the appeal.")
    assert play.appraisal().stage == "closed"
    assert play.total() == 100
