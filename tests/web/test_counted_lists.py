"""The lists of the API are cut by the database: eight statements at most, as many for many people as for few."""

import pytest

from services import result_rows
from services.result_rows import Asking
from services.results import results
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PRESIDENT, QUARTER, SECRETARY, noon
from tests.services.closing import close_all, finalise
from tests.services.counting import sent
from tests.services.multiplying import OFFICE, multiply
from tests.services.playing import Play
from tests.web.browsing import Pages
from tests.web.programs import Program

MOST = 8
"""Statements of a list, one of which asks whose token it is."""
FEW = 9
LISTS = {
    "people": "/people",
    "people of a unit": "/people?unit=office",
    "documents": "/documents",
    "documents of a kind": "/documents?kind=circular",
    "own findings": "/findings",
    "findings of somebody": f"/findings?number={CLERK}",
    "findings of a document": "/documents/D1/findings",
    "results": f"/cycles/{QUARTER}/results",
    "results that are signed": f"/cycles/{QUARTER}/results?final=true",
}
AUDIT = {"a stream": "/audit/streams/org", "the chain of an appraisal": f"/appraisals/{QUARTER}/{CLERK}/audit"}
NUMBERED = {"document": {"number": "t.number || '-' || copies.k"}}


@pytest.fixture
def closed(pages: Pages) -> Pages:
    """The office with two findings that refer to a circular, and a signed quarter."""
    play = pages.play
    circular = play.document("2026-3", "circular")
    for rule, of in (("C3.1", CLERK), ("E3.1", ESCORT)):
        play.deduct(rule, 5, of=of, document=circular)
    close_all(play.uow, play.office)
    finalise(play.uow, play.office)
    pages.clock.set(noon(4, 12))
    return pages


def statements(program: Program, path: str) -> list[str]:
    """Return the statements of a whole request."""
    with sent(program.pages.play.uow.engine) as found:
        answer = program.get(path)
    assert answer.status_code == 200, answer.text
    return found


@pytest.mark.parametrize("number", [OFFICER, CLERK, DIRECTOR])
def test_a_list_takes_eight_statements_at_most_and_no_more_for_ten_times_as_many(closed: Pages, number: str) -> None:
    program = Program(closed, number)
    seen = {name: path for name, path in LISTS.items() if program.get(path).status_code == 200}
    if number == OFFICER:
        assert seen == LISTS
        seen |= AUDIT
    few = {name: len(statements(program, path)) for name, path in seen.items()}
    multiply(closed.play.uow, OFFICE, FEW, NUMBERED)
    many = {name: len(statements(program, path)) for name, path in seen.items()}
    assert many == few
    assert max(many.values()) <= MOST, many


def every(play: Play, number: str, **asked: object) -> list[tuple[str, str, str]]:
    """Return the whole table in pages of two, each row by number, post and stage."""
    found: list[tuple[str, str, str]] = []
    after: str | None = ""
    while after is not None:
        asking = Asking(after=after, limit=2, **asked)
        page = result_rows.results_page(
            play.uow, viewer=play.office.actor(number), now=noon(4, 12), cycle=QUARTER, asking=asking
        )
        found += [(row.number, row.post, row.stage) for row in page.rows]
        after = page.after
    return found


@pytest.mark.parametrize("number", [OFFICER, PRESIDENT, DIRECTOR, CLERK])
def test_the_pages_of_the_results_are_the_whole_table(closed: Pages, number: str) -> None:
    play = closed.play
    whole = results(play.uow, viewer=play.office.actor(number), now=noon(4, 12), cycle=QUARTER)
    assert every(play, number) == [(row.number, row.post, row.stage) for row in whole]
    for final in (True, False):
        kept = [(row.number, row.post, row.stage) for row in whole if row.final == final]
        assert every(play, number, final=final) == kept


def test_who_sees_nothing_of_a_cycle_is_told_that_there_is_none(closed: Pages) -> None:
    program = Program(closed, SECRETARY)
    assert program.get(f"/cycles/{QUARTER}/results").status_code == 404
    assert program.get(f"/cycles/{QUARTER}/results?after=1005").status_code == 422
    assert Program(closed, CLERK).get(f"/cycles/{QUARTER}/results?after=9999@z").json()["items"] == []
