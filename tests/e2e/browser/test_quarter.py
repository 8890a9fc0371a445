"""Seven people play a quarter through the pages alone: opened, stated, scored, returned, objected to, decided, signed.

Each has a window of his own: at a desk or on a phone, with JavaScript or without, in English or Chinese. The plays
share the combinations among them, so that every one of the eight is somebody's.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from config.clock import SimulatedClock
from config.settings import IN_MEMORY, load_settings
from config.wiring import Wiring
from services.unit_of_work import UnitOfWork
from tasks.embedded import Embedded
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECURITY,
    VICE,
    build_office,
    noon,
)
from tests.services.closing import RATED, close, exclude, release
from tests.services.conftest import uow
from tests.services.playing import Play
from tests.web.browsing import PASSWORD, Pages
from web.app import create_app
from web.server import PageServer

__all__ = ["uow"]

SEVEN = (OFFICER, CLERK, PERSONNEL, DIRECTOR, VICE, PRESIDENT, ESCORT)
COMBINATIONS = tuple(itertools.product((1280, 390), (True, False), ("en", "zh")))
CODE = f"2026Q1/{CLERK}@clerical"


@dataclass
class Stage:
    """The pages, the worker behind them, and a window for each person."""

    chromium: Browser
    pages: Pages
    embedded: Embedded | None
    address: str
    shift: int
    windows: dict[str, Page] = field(default_factory=dict)
    _contexts: list[BrowserContext] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def play(self) -> Play:
        """The office, to look at what was written."""
        return self.pages.play

    def window(self, number: str) -> Page:
        """Return the window of a person, who is logged in by the page of the login."""
        if number in self.windows:
            return self.windows[number]
        width, scripts, language = COMBINATIONS[(SEVEN.index(number) + self.shift) % len(COMBINATIONS)]
        context = self.chromium.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
        context.add_cookies([{"name": "appraise_language", "value": language, "url": self.address}])
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("request", lambda sent: None if sent.url.startswith(self.address) else self.wrong.append(sent.url))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("response", lambda got: self.wrong.append(f"{got.url}: {got.status}") if got.status >= 400 else None)
        self._contexts.append(context)
        self.windows[number] = page
        self.pages.account(number)
        page.goto(f"{self.address}/login")
        page.locator("[name=number]").fill(number)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").click()
        expect(page.locator(".me")).to_contain_text(number)
        return page

    def at(self, number: str, path: str) -> Page:
        """Let somebody look at a page."""
        page = self.window(number)
        page.goto(self.address + path)
        return page

    def press(self, page: Page, selector: str, **fields: str) -> None:
        """Fill in a form and send it by its first button; it must not be refused."""
        form = page.locator(selector)
        for name, value in fields.items():
            form.locator(f"[name={name}]").first.fill(value)
        form.locator("button").first.click()
        expect(page.locator("[role=alert]")).to_have_count(0)

    def work_off(self) -> None:
        """Let the worker do all that is owed."""
        assert self.embedded is not None
        self.embedded.ring()
        self.embedded.drain()

    def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def stage(chromium: Browser, uow: UnitOfWork, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """An office before its first quarter, its pages and its worker."""
    clock = SimulatedClock(noon(1, 5))
    settings = load_settings({"broker_url": IN_MEMORY, "worker_threads": 1})
    wiring = Wiring(settings, uow.engine, uow, clock, None)
    pages = Pages(create_app(wiring), Play(uow, build_office(uow)), clock)
    with (
        PageServer(pages.app, host="127.0.0.1", port=0) as server,
        Embedded(settings, wiring, clock=False) as embedded,
    ):
        made = Stage(chromium, pages, embedded, server.address, request.param)
        yield made
        made.close()


def opened(stage: Stage) -> None:
    page = stage.at(OFFICER, "/cycles/new")
    page.locator("[name=code]").fill("2026Q1")
    rule = page.locator("[name=rubric]").first
    if not rule.is_checked():
        rule.check()
    page.locator("main form button").last.click()
    page.locator("button[value=look]").click()
    page.locator("button[value=open]").click()
    stage.work_off()
    assert stage.play.appraisal(CLERK).stage == "draft"


def scored(stage: Stage) -> None:
    page = stage.at(CLERK, "/")
    page.locator(f"a.btn[href='/appraisals/{CODE}']").click()
    stage.press(page, "#act-state", comment="A quiet quarter.\nOnce I was late.")
    stage.pages.clock.set(noon(4, 2))
    page = stage.at(PERSONNEL, f"/scoring/{CODE}")
    form = page.locator("[id='a-C3.1']")
    page.locator("details", has=form).last.locator("summary").first.click()
    for name, value in {"happened": "2026-02-03", "amount": "4", "reason": "found at the weekly check"}.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button").first.click()
    expect(page.locator("#total")).to_contain_text("96")
    stage.press(page, "#act-submit")
    assert stage.play.appraisal(CLERK).stage == "review"


def reviewed(stage: Stage) -> None:
    stage.pages.clock.set(noon(4, 3))
    page = stage.at(DIRECTOR, f"/review/{CODE}")
    stage.press(page, "#act-return", comment="What does the log say?")
    assert stage.play.appraisal(CLERK).stage == "scoring"
    stage.press(stage.at(PERSONNEL, f"/scoring/{CODE}"), "#act-submit", comment="The log says the same.")
    page = stage.at(CLERK, f"/appraisals/{CODE}")
    expect(page.locator("main")).not_to_contain_text("96")
    page = stage.at(DIRECTOR, f"/review/{CODE}")
    stage.press(page, "#act-approve", password=PASSWORD)
    assert stage.play.appraisal(CLERK).stage == "signoff"


def objected(stage: Stage) -> None:
    stage.pages.clock.set(noon(4, 7))
    page = stage.at(CLERK, f"/appraisals/{CODE}")
    expect(page.locator("#score")).to_contain_text("96")
    page.locator("#act-object [name=line]").first.check()
    stage.press(page, "#act-object", comment="The log is of the day before.")
    page = stage.at(VICE, "/")
    page.locator(f"a.btn[href='/appeals/{CODE}']").click()
    page.locator("#act-decide [type=radio][value=strike]").first.check()
    page.locator("#act-decide [name=comment]").fill("The log is of the day before indeed.")
    page.locator("#act-decide button").first.click()
    stage.work_off()
    row = stage.play.appraisal(CLERK)
    assert (row.stage, row.outcome) == ("closed", "decided")
    expect(stage.at(CLERK, f"/appraisals/{CODE}").locator("#score")).to_contain_text("100")


def others(stage: Stage) -> None:
    """For those who are nobody's window the services are asked; one is brought as far as his own answer."""
    play = stage.play
    for number in RATED:
        if number not in {CLERK, ESCORT}:
            close(play.uow, play.office, number, now=noon(4, 2))
    exclude(play.uow, play.office, SECURITY, now=noon(4, 2))
    release(play.uow, play.office, ESCORT, now=noon(4, 2))


def accepted(stage: Stage) -> None:
    page = stage.at(ESCORT, f"/appraisals/2026Q1/{ESCORT}@escort")
    stage.press(page, "#act-accept", password=PASSWORD)
    assert stage.play.appraisal(ESCORT).stage == "closed"


def signed(stage: Stage) -> None:
    stage.pages.clock.set(noon(4, 8))
    page = stage.at(OFFICER, "/cycles/2026Q1/results")
    page.locator("button[name=table][value=whole]").click()
    page = stage.at(PRESIDENT, "/cycles/2026Q1/results")
    check = page.locator("code").first.inner_text()
    stage.press(page, "form[action='/cycles/2026Q1/approve']", password=PASSWORD)
    stage.work_off()
    page = stage.at(OFFICER, "/cycles/2026Q1/results")
    expect(page.locator("code").first).to_have_text(check)
    (row,) = stage.play.rows("SELECT state FROM cycle")
    assert row.state == "final"


def played(stage: Stage) -> None:
    for scene in (opened, others, scored, reviewed, objected, accepted, signed):
        scene(stage)
    assert set(stage.windows) == set(SEVEN)
    assert stage.wrong == []


@pytest.mark.browser
@pytest.mark.whole
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
@pytest.mark.parametrize("stage", [0, pytest.param(3, marks=pytest.mark.long)], indirect=True, ids=["first", "second"])
def test_a_quarter_is_played_through_the_pages(stage: Stage) -> None:
    played(stage)


def test_the_plays_share_every_combination_among_them() -> None:
    drawn = {COMBINATIONS[(place + shift) % len(COMBINATIONS)] for place in range(len(SEVEN)) for shift in (0, 3)}
    assert drawn == set(COMBINATIONS)
