"""Entries on behalf of who has no address: what waits, and what is typed in with day, witness and reason."""

import pytest
from sqlalchemy import text

from models.columns import table_of
from models.people import Grant
from services import proxy_work
from tests.services.builders import CLERK, ESCORT, OFFICER, SECURITY, granted, noon
from tests.services.counting import sent
from tests.web.browsing import Browser, Pages, words_of


@pytest.fixture
def typist(pages: Pages) -> Browser:
    """The deputy for security, who may type for others; the clerk has no address."""
    with pages.play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(pages.play.office.people[SECURITY], "proxy"))
        tx.run(
            text("UPDATE contact SET valid_to = :day WHERE person_id = :person"),
            {"day": "2026-03-01", "person": pages.play.office.people[CLERK]},
        )
    return pages.browser(SECURITY)


def test_what_waits_is_listed_in_few_statements_and_for_nobody_else(pages: Pages, typist: Browser) -> None:
    said = words_of(typist.get("/proxy"))
    assert f"Person {CLERK} ({CLERK})" in said
    assert f"Person {ESCORT} ({ESCORT})" not in said
    assert f"Person {ESCORT} ({ESCORT})" in words_of(typist.get(f"/proxy?number={ESCORT}"))
    assert pages.browser(OFFICER).get("/proxy").status_code == 404
    with sent(pages.play.uow.engine) as statements:
        proxy_work.to_type(pages.play.uow, actor=pages.play.office.actor(SECURITY), now=noon(4, 1))
    assert len(statements) <= 4, statements


def test_an_entry_is_the_persons_own_act_and_shown_as_typed(pages: Pages, typist: Browser) -> None:
    page = typist.get(f"/proxy?item=W{pages.play.item().id}")
    filled = {"action": "state", "comment": "My quarter.", "day": "2026-03-31", "witness": "Person 1002"}
    refused = typist.send(page, "/proxy", **filled, reason="")
    assert refused.status_code == 422
    assert "My quarter." in refused.text
    done = typist.send(page, "/proxy", **filled, reason="He has no desk.")
    assert done.headers["location"] == "/proxy?done=yes", words_of(done)
    moved = pages.play.moves()[-1]
    assert (moved.action, moved.on_behalf_of is not None) == ("state", True)
    shown = words_of(pages.browser(OFFICER).get(f"/appraisals/2026Q1/{CLERK}"))
    assert f"entered by Person {SECURITY} ({SECURITY})" in shown


def test_the_scan_of_the_paper_is_kept_with_the_entry(pages: Pages, typist: Browser) -> None:
    page = typist.get(f"/proxy?item=W{pages.play.item().id}")
    filled = {"action": "state", "comment": "My quarter.", "day": "2026-03-31", "reason": "He has no desk."}
    wrong = typist.send_files(page, "/proxy", ("scan.pdf", b"MZ"), **filled)
    assert wrong.status_code == 422
    assert "scan.pdf is not what its name says" in words_of(wrong)
    assert "My quarter." in wrong.text
    assert pages.play.moves() == []
    done = typist.send_files(page, "/proxy", ("scan.pdf", b"%PDF-1.7"), **filled)
    assert done.headers["location"] == "/proxy?done=yes", words_of(done)
    (row,) = pages.play.rows("SELECT added_by, on_behalf_of FROM attachment")
    people = pages.play.office.people
    assert (row.added_by, row.on_behalf_of) == (people[SECURITY], people[CLERK])
    assert "scan.pdf" in words_of(pages.browser(CLERK).get(f"/appraisals/2026Q1/{CLERK}"))


@pytest.mark.parametrize("item", ["W999999", "x", "W0"])
def test_a_task_that_is_none_is_said_to_be_none(typist: Browser, item: str) -> None:
    assert typist.get(f"/proxy?item={item}").status_code in {404, 422}


def test_nobody_types_into_his_own_task(pages: Pages, typist: Browser) -> None:
    assert typist.get(f"/proxy?item=W{pages.play.item(SECURITY).id}").status_code == 404
