"""A person logs in, sends the own statement and logs out, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.services.builders import CLERK
from tests.web.browsing import PASSWORD, Pages

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def log_in(window: Page, address: str, number: str) -> None:
    window.goto(f"{address}/login")
    window.get_by_label("Employee number").fill(number)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("My work")


def test_the_own_statement_is_sent(window: Page, served_pages: tuple[Pages, str]) -> None:
    pages, address = served_pages
    pages.account(CLERK)
    log_in(window, address, CLERK)
    window.get_by_role("link", name="Send own statement").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("My appraisal")
    form = window.locator("#act-state")
    form.get_by_label("Your words").fill("My quarter.")
    form.get_by_role("button", name="Send own statement").click()
    expect(window.get_by_role("status").last).to_contain_text("Done: you sent the own statement.")
    assert pages.play.appraisal(CLERK).stage == "scoring"
    window.get_by_role("button", name="Log out").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Log in")


def test_no_page_is_wider_than_the_window(window: Page, served_pages: tuple[Pages, str]) -> None:
    pages, address = served_pages
    pages.play.bring("signoff")
    pages.account(CLERK)
    log_in(window, address, CLERK)
    for path in ("/", f"/appraisals/2026Q1/{CLERK}"):
        window.goto(address + path)
        box = window.locator("body").bounding_box()
        assert box is not None
        size = window.viewport_size
        assert size is not None
        for element in window.locator("main .card, header, h1").all():
            there = element.bounding_box()
            assert there is None or there["x"] + there["width"] <= size["width"] + 1, path
