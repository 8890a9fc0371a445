"""Pictures of each page, at a desk and on a phone: `python -m tests.e2e.browser.screenshots`.

The demonstration is played in a folder that is thrown away, its pages are served, and each person logs in by his door.
"""

import argparse
import io
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from cli import play, play_judgement, play_running
from cli.demo import FIRST_MOMENT, ZONE
from cli.theatre import Theatre, prepare

FOLDER = Path(__file__).parents[3] / "docs" / "screenshots"
WIDTHS = {"desk": (1280, 860), "phone": (390, 844)}
SCREENS = 2
"""How much of a long page a picture shows, in heights of the window."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")

EMPLOYEE, ASSESSOR, DIRECTOR, DECIDER, HR, PRESIDENT, AUDITOR, OPERATOR = (
    "1015", "1005", "1004", "1002", "1007", "1001", "1003", "1013",
)  # fmt: skip
PAGES: Sequence[tuple[str, str | None, str]] = (
    ("doors", None, "/demo"),
    ("login", None, "/login"),
    ("my-work", DIRECTOR, "/"),
    ("my-work-nothing-owed", AUDITOR, "/"),
    ("my-appraisal", EMPLOYEE, "/appraisals/2026Q2/1015"),
    ("my-appraisal-closed", EMPLOYEE, "/appraisals/2026Q1/1015"),
    ("record", ASSESSOR, "/record"),
    ("record-link", ASSESSOR, "/record/link?document=D3"),
    ("record-duties", ASSESSOR, "/record/duties"),
    ("scoring-list", ASSESSOR, "/scoring"),
    ("scoring-sheet", ASSESSOR, "/scoring/2026Q2/1016@escort"),
    ("review-list", DIRECTOR, "/review"),
    ("review-case", DIRECTOR, "/review/2026Q2/1021@escort"),
    ("appeal", DECIDER, "/appeals/2026Q2/1019@escort"),
    ("cycles", HR, "/cycles"),
    ("cycle-today", HR, "/cycles/2026Q2"),
    ("cycle-monday", HR, "/cycles/2026Q2/monday"),
    ("cycle-new", HR, "/cycles/new"),
    ("cycle-results", HR, "/cycles/2026Q1/results"),
    ("correction", HR, "/corrections/2026Q1/1015@escort"),
    ("organisation", HR, "/organisation"),
    ("people", HR, "/people"),
    ("person", HR, "/people/1015"),
    ("rules", HR, "/rules"),
    ("rules-table", HR, "/rules/bank-office-completed"),
    ("rules-edit", HR, "/rules/bank-office-completed/edit"),
    ("flows", HR, "/flows"),
    ("flow", HR, "/flows/quarterly"),
    ("form-print", EMPLOYEE, "/appraisals/2026Q1/1015@escort/print"),
    ("audit", AUDITOR, "/audit"),
    ("audit-chain", AUDITOR, "/audit/chain"),
    ("operations", OPERATOR, "/operations"),
    ("failures", OPERATOR, "/failures"),
    ("not-found", EMPLOYEE, "/appraisals/2026Q2/1001"),
)
"""Name of the picture, as whom, and the page."""


@contextmanager
def demonstration(folder: Path) -> Iterator[str]:
    """Play the demonstration in a folder that does not exist yet, serve it, and yield the address."""
    prepare(folder, fresh=False)
    opened: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    def told(address: str) -> None:
        opened.append(address)
        ready.set()

    with Theatre(folder, Console(file=io.StringIO()), FIRST_MOMENT, ZONE) as stage:
        for scene in (*play.SCENES, *play_judgement.SCENES, *play_running.SCENES):
            scene(stage)
        house = threading.Thread(target=stage.open_house, args=("127.0.0.1", 0, stop, told))
        house.start()
        try:
            if not ready.wait(60):
                raise RuntimeError("The pages did not open within a minute.")
            yield opened[0]
        finally:
            stop.set()
            house.join(30)


def take(browser: Browser, address: str, *, only: str, languages: Sequence[str], dark: bool, to: Path) -> list[str]:
    """Write the pictures whose name begins with `only`; return what did not answer with 200 or 404."""
    wrong = []
    to.mkdir(parents=True, exist_ok=True)
    for language in languages:
        for size, (width, height) in WIDTHS.items():
            for who in dict.fromkeys(person for name, person, _ in PAGES if name.startswith(only)):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if dark else "light",
                    timezone_id=ZONE,
                )
                context.add_cookies([{"name": "appraise_language", "value": language, "url": address}])
                page = context.new_page()
                if who is not None:
                    page.goto(f"{address}/demo/{who}")
                    page.locator("main form button").click()
                for name, person, path in PAGES:
                    if person != who or not name.startswith(only):
                        continue
                    answer = page.goto(address + path)
                    if answer is None or answer.status not in {200, 404}:
                        wrong.append(f"{name}: {path} answers {None if answer is None else answer.status}")
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    if wide > width:
                        wrong.append(f"{name}: {path} is {wide} pixels wide in a window of {width}")
                    tail = ("" if language == "en" else f"-{language}") + ("-dark" if dark else "")
                    file = to / f"{name}-{size}{tail}.png"
                    tall = min(SCREENS * height, page.evaluate("document.documentElement.scrollHeight"))
                    clip = {"x": 0, "y": 0, "width": width, "height": tall}
                    page.screenshot(path=file, full_page=True, clip=clip)
                context.close()
    return wrong


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; 1 if a page does not answer or is wider than its window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="pictures whose name begins so")
    parser.add_argument("--language", action="append", choices=("en", "zh"), help="by default English")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--address", help="pages of a demonstration that is open already")
    chosen = parser.parse_args(arguments)
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.stderr.write("There is no Chromium on the PATH and CHROMIUM is not set.\n")
        return 6
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        how = {"only": chosen.only, "languages": chosen.language or ["en"], "dark": chosen.dark, "to": chosen.to}
        if chosen.address:
            wrong = take(browser, chosen.address, **how)
        else:
            with demonstration(Path(folder) / "demo") as address:
                wrong = take(browser, address, **how)
        browser.close()
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
