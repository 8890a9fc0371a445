"""The pages of HR and of the approver in a real browser: at a desk and on a phone, with scripts and without."""

import pytest
from playwright.sync_api import Page

from tests.services.builders import CLERK, OFFICER, PRESIDENT, QUARTER
from tests.web.browsing import PASSWORD, Pages

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
OFFICE = (
    "/cycles",
    f"/cycles/{QUARTER}",
    f"/cycles/{QUARTER}/task",
    f"/cycles/{QUARTER}/monday",
    f"/cycles/{QUARTER}/opening",
    f"/cycles/{QUARTER}/results",
    "/cycles/new",
    "/organisation",
    "/people",
    f"/people/{CLERK}",
    "/rules",
    "/rules/bank-office-completed",
    "/rules/bank-office-completed/edit?post=clerical",
    "/flows/quarterly",
    "/operations",
)
APPROVER = ("/audit", "/audit?what=powers", f"/cycles/{QUARTER}/results")


def test_no_page_is_wider_than_its_window_or_breaks_a_rule_of_the_browser(
    served_pages: tuple[Pages, str], window: Page
) -> None:
    pages, address = served_pages
    for number, paths in ((OFFICER, OFFICE), (PRESIDENT, APPROVER)):
        pages.account(number)
        window.context.clear_cookies()
        window.goto(f"{address}/login")
        window.fill("#f-number", number)
        window.fill("#f-password", PASSWORD)
        window.click("main button")
        for path in paths:
            answer = window.goto(address + path)
            assert answer is not None
            assert answer.status == 200, path
            wide = window.evaluate(
                "[...document.querySelectorAll('body *')]"
                ".filter(one => !one.closest('.table-responsive table, svg, .pages ul') &&"
                " one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
                ".map(one => `${one.tagName}.${one.className}`)"
            )
            assert wide == [], path
            over = window.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, (path, over)
            assert window.locator("h1").count() == 1, path
            ids = window.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
            assert len(ids) == len(set(ids)), path
            bare = window.evaluate(
                "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
                ".filter(one => !one.labels.length).map(one => one.name)"
            )
            assert bare == [], path
