"""Every page of the demonstration's kinds, by axe-core: labels, headings, landmarks and contrast, in light and dark."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from services import people
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, VICE, noon
from tests.web.browsing import PASSWORD, Pages

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
PAGES = {
    CLERK: ("/", f"/appraisals/2026Q1/{CLERK}", "/people", "/rules", "/flows"),
    PERSONNEL: ("/record", "/scoring", f"/scoring/2026Q1/{OFFICER}"),
    DIRECTOR: ("/review", f"/review/2026Q1/{ESCORT}"),
    VICE: (f"/appeals/2026Q1/{CLERK}",),
    OFFICER: ("/cycles", "/cycles/2026Q1", "/cycles/new", "/cycles/2026Q1/results", "/organisation", "/operations"),
    PRESIDENT: ("/cycles/2026Q1/results", "/audit", "/audit/chain"),
}


@pytest.fixture(params=["light", "dark"])
def plain(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window whose pages take axe's script."""
    context = chromium.new_context(
        viewport={"width": 390 if request.param == "dark" else 1280, "height": 800},
        color_scheme=request.param,
        bypass_csp=True,
    )
    yield context.new_page()
    context.close()


def wrong(window: Page) -> list[str]:
    found: list[Any] = Axe().run(window, options=OPTIONS).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def test_no_page_has_a_fault_that_axe_knows(plain: Page, served_pages: tuple[Pages, str]) -> None:
    pages, address = served_pages
    play = pages.play
    play.bring("appeal", lines={play.deduct("C3.1", 4): None})
    play.bring("review", of=ESCORT)
    play.bring("scoring", of=OFFICER)
    people.grant(
        play.uow,
        actor=play.office.actor(OFFICER),
        now=pages.clock.now(),
        number=PRESIDENT,
        role="auditor",
        first=noon(4, 1).date(),
    )
    plain.goto(f"{address}/login")
    faults = {"/login": wrong(plain)}
    for number, paths in PAGES.items():
        pages.account(number)
        plain.context.clear_cookies()
        plain.goto(f"{address}/login")
        plain.locator("[name=number]").fill(number)
        plain.locator("[name=password]").fill(PASSWORD)
        plain.locator("main form button").click()
        for path in paths:
            answer = plain.goto(address + path)
            assert answer is not None
            assert answer.status == 200, (number, path)
            faults[path] = wrong(plain)
    assert {path: found for path, found in faults.items() if found} == {}


def test_the_check_finds_what_is_wrong(plain: Page, served_pages: tuple[Pages, str]) -> None:
    _, address = served_pages
    plain.goto(f"{address}/login")
    plain.evaluate("document.querySelector('label').remove()")
    plain.evaluate("document.querySelector('h1').style.cssText = 'color: #999; background: #888'")
    assert {fault.partition(":")[0] for fault in wrong(plain)} >= {"label", "color-contrast"}
