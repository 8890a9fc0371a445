"""The pages about a whole cycle send as many statements for a large office as for a small one, and at most eight."""

import pytest
from sqlalchemy import update

from models import guards
from services import years
from services.actors import SYSTEM
from services.cycles import CYCLE
from services.plan_form import YearRule
from services.plan_periods import Every
from tests.services.builders import CLERK, OFFICER, PRESIDENT, QUARTER, noon, open_quarter
from tests.services.closing import close_all, deduct, finalise
from tests.services.counting import sent
from tests.services.multiplying import OFFICE, multiply
from tests.services.owning import as_owner
from tests.web.browsing import Browser, Pages, words_of

MOST = 8
"""Statements of a page, one of which asks who is logged in."""
FEW = 9
"""Copies of the office: ten offices in each cycle."""
MAY = noon(5, 6)
PAGES = {
    "results that are signed": f"/cycles/{QUARTER}/results",
    "results beside last quarter's": "/cycles/2026Q2/results",
    "results that are searched": f"/cycles/{QUARTER}/results?q={CLERK}",
    "the year": "/cycles/2026/results",
    "the cycle today": "/cycles/2026Q2",
    "the cycle today in a unit": "/cycles/2026Q2?unit=office",
    "the open tasks": "/cycles/2026Q2/task",
    "the Monday list": "/cycles/2026Q2/monday",
}


@pytest.fixture
def quarters(pages: Pages) -> Pages:
    """The office in May, with a signed quarter and an open one, both of one year."""
    play = pages.play
    deduct(play.uow, play.office, CLERK, "C3.1", 4)
    close_all(play.uow, play.office)
    finalise(play.uow, play.office)
    open_quarter(play.uow, play.office, code="2026Q2", now=noon(4, 13))
    with play.uow.write() as tx:
        year = years.year_of(
            tx,
            actor=SYSTEM,
            now=noon(4, 13),
            code="2026",
            year=2026,
            every=Every.QUARTER,
            rule=YearRule(),
            workflow="quarterly",
        )
    with as_owner(play.uow) as connection:  # as if a plan had made them
        guards.remove(connection)
        connection.execute(update(CYCLE).where(CYCLE.c.code.in_((QUARTER, "2026Q2"))).values(parent_id=year))
        guards.install(connection)
    pages.clock.set(MAY)
    return pages


def counted(pages: Pages, browser: Browser, path: str) -> list[str]:
    """Return the statements of a whole request."""
    with sent(pages.play.uow.engine) as statements:
        answer = browser.get(path)
    assert answer.status_code == 200, words_of(answer)
    return statements


@pytest.mark.parametrize("number", [OFFICER, PRESIDENT])
def test_a_page_takes_eight_statements_at_most_and_no_more_for_ten_times_as_many(quarters: Pages, number: str) -> None:
    browser = quarters.browser(number)
    for path in PAGES.values():  # what is read once in a process is read
        assert browser.get(path).status_code == 200
    small = {name: counted(quarters, browser, path) for name, path in PAGES.items()}
    multiply(quarters.play.uow, OFFICE, FEW)
    large = {name: counted(quarters, browser, path) for name, path in PAGES.items()}
    assert {name: len(found) for name, found in large.items()} == {name: len(found) for name, found in small.items()}
    assert max(map(len, large.values())) <= MOST, {name: len(found) for name, found in large.items()}
