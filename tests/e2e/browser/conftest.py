"""A real Chromium on the pages of a real server. $CHROMIUM or the PATH say where it is."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.services.conftest import play, postgresql_office, sqlite_office
from tests.services.playing import Play
from tests.web.browsing import Pages
from tests.web.conftest import served
from web.server import PageServer

__all__ = ["play", "postgresql_office", "sqlite_office"]

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium without a window. Where there is none the tests are said not to have run; with CI set they fail."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing = "browser tests NOT RUN: there is no Chromium on the PATH and CHROMIUM is not set"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def served_pages(play: Play) -> Iterator[tuple[Pages, str]]:
    """The pages of the tiny office on a port of their own, and their address."""
    pages = served(play)
    with PageServer(pages.app, host="127.0.0.1", port=0) as server:
        yield pages, server.address


@pytest.fixture(params=[(1280, True), (390, True), (390, False)], ids=["desk", "phone", "phone-without-javascript"])
def window(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window: at a desk and on a phone, with JavaScript and without. A foreign request or a script error fails."""
    width, scripts = request.param
    context = chromium.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda sent: None if sent.url.startswith("http://127.0.0.1:") else wrong.append(sent.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" and "40" not in said.text else None)
    yield page
    context.close()
    assert wrong == []
