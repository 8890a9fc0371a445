"""How many statements a page costs, the login among them: few, and as many beside ten times as much of others."""

from collections.abc import Mapping

import pytest

from services import cycles, launch
from services.delegations import delegate
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    RUBRIC,
    SECRETARY,
    SECURITY,
    noon,
)
from tests.services.counting import sent
from tests.services.multiplying import OFFICE, PERIODS, earlier, multiply
from tests.services.playing import Play
from tests.web.browsing import Browser, Pages

MOST = 9
"""Eight of the services, and the one that tells who is logged in."""
NEXT = "2026Q2"

LOOKS = (
    (SECURITY, "/"),
    (CLERK, "/"),
    (DIRECTOR, "/"),
    (SECRETARY, "/"),
    *((number, f"/appraisals/{QUARTER}/{CLERK}") for number in (CLERK, DIRECTOR, PERSONNEL, OFFICER, PRESIDENT)),
    *((number, f"/appraisals/{QUARTER}/{ESCORT}") for number in (ESCORT, DIRECTOR, SECRETARY, OFFICER)),
    *((number, f"/appraisals/{QUARTER}/{SECURITY}") for number in (SECURITY, DIRECTOR)),
    (OFFICER, "/operations"),
    (OFFICER, f"/cycles/{QUARTER}/opening"),
    (OFFICER, f"/cycles/{NEXT}/opening"),
    (PRESIDENT, f"/cycles/{NEXT}/opening"),
)
"""The person, his assessor, his reviewer, who stands in, HR, the approver; one with monthly duties; the operator."""


def busy(play: Play) -> None:
    """Give everybody something to look at: findings, missed months, a substitute, a released judgement, a plan."""
    play.inspect(SECURITY, 1)
    for month in (2, 3):
        play.confirm(SECURITY, month)
    circular = play.document("2026-3", "circular")
    play.deduct("A1.7", of=SECURITY, document=circular, incident="night")
    play.deduct("C3.1", 4)
    play.deduct("C3.1", 3)
    now = noon(4, 1)
    last = now.date().replace(month=5)
    delegate(play.uow, actor=play.who(DIRECTOR), now=now, number=SECRETARY, first=now.date(), last=last)
    play.bring("signoff")
    play.bring("review", of=ESCORT)
    asked = {"actor": play.who(OFFICER), "now": now}
    cycles.new(play.uow, **asked, code=NEXT, rubrics=[RUBRIC])
    launch.dry_run(play.uow, **asked, cycle=NEXT)


def costs(pages: Pages, browsers: Mapping[str, Browser]) -> dict[tuple[str, str], list[str]]:
    """Return what each look sends, once what never changes was read."""
    found = {}
    for number, path in LOOKS:
        first = browsers[number].get(path)
        assert first.status_code == 200, (number, path, first.text)
        with sent(pages.play.uow.engine) as statements:
            assert browsers[number].get(path).status_code == 200
        found[number, path] = statements
    return found


@pytest.mark.whole
def test_pages_send_few_statements_and_no_more_beside_ten_times_as_many_people_and_periods(pages: Pages) -> None:
    play = pages.play
    busy(play)
    browsers = {number: pages.browser(number) for number in dict.fromkeys(number for number, _ in LOOKS)}
    small = {look: len(statements) for look, statements in costs(pages, browsers).items()}
    assert max(small.values()) <= MOST, small
    multiply(play.uow, OFFICE, 9)
    assert {look: len(statements) for look, statements in costs(pages, browsers).items()} == small
    multiply(play.uow, PERIODS, 3, earlier(play.uow))
    assert {look: len(statements) for look, statements in costs(pages, browsers).items()} == small
