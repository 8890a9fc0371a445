"""Demonstration data open without a password: on the loopback, in demonstration data, by a key that works once."""

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from services import demo_doors
from services.errors import Refused
from tests.services.builders import CLERK, ESCORT, PERSONNEL
from tests.web.browsing import ADDRESS, Browser, Pages, words_of
from tests.web.conftest import served

PATH = f"/demo/{CLERK}"


def browser_at(pages: Pages, address: str = "127.0.0.1") -> Browser:
    return Browser(
        TestClient(
            pages.app,
            base_url=ADDRESS,
            headers={"origin": ADDRESS, "sec-fetch-site": "same-origin"},
            follow_redirects=False,
            client=(address, 50000),
        )
    )


def became(pages: Pages, kind: str) -> None:
    with pages.play.uow.engine.connect().execution_options(appraise_write=True) as connection, connection.begin():
        connection.execute(text("UPDATE organisation SET kind = :kind"), {"kind": kind})


@pytest.fixture
def demonstration(pages: Pages) -> Pages:
    became(pages, "demo")
    return pages


def test_one_button_logs_in_and_works_once(demonstration: Pages) -> None:
    browser = browser_at(demonstration)
    page = browser.get(PATH)
    assert "Look as Person 1008 (1008)" in words_of(page)
    assert browser.send(page, PATH).headers["location"] == "/"
    assert "Person 1008 (1008)" in words_of(browser.get("/"))
    again = browser_at(demonstration).send(page, PATH)
    assert again.status_code == 403
    assert "pressed already" in words_of(again)


def test_looking_at_a_door_writes_nothing(demonstration: Pages) -> None:
    browser_at(demonstration).get(PATH)
    assert demonstration.play.rows("SELECT 1 FROM account UNION ALL SELECT 1 FROM login_key") == []


def test_a_key_fits_its_own_door_alone_and_not_for_long(demonstration: Pages) -> None:
    pages = demonstration
    key = demo_doors.look(pages.play.uow, number=CLERK).key
    at, rest = key.split("-", 1)
    for number, tried in ((ESCORT, key), (CLERK, f"{int(at) + 1}-{rest}"), (CLERK, ""), (CLERK, "x"), (CLERK, "1--")):
        with pytest.raises(Refused, match="too old"):
            demo_doors.enter(pages.play.uow, now=pages.clock.now(), number=number, key=tried)


@pytest.mark.parametrize("kind", ["live", "practice"])
def test_other_data_have_no_doors(pages: Pages, kind: str) -> None:
    became(pages, kind)
    browser = browser_at(pages)
    for path in ("/demo", PATH):
        assert browser.get(path).status_code == 404
    assert browser.post(PATH, {"key": "x"}).status_code == 404


def test_who_sits_elsewhere_finds_no_door(demonstration: Pages) -> None:
    assert browser_at(demonstration, "10.0.0.7").get(PATH).status_code == 404
    elsewhere = served(demonstration.play, base_url="https://appraise.bank.example")
    client = TestClient(elsewhere.app, base_url="https://appraise.bank.example", client=("127.0.0.1", 50000))
    assert client.get(PATH).status_code == 404


def test_the_session_of_the_one_before_ends(demonstration: Pages) -> None:
    browser = browser_at(demonstration)
    for number in (CLERK, PERSONNEL):
        browser.send(browser.get(f"/demo/{number}"), f"/demo/{number}")
    assert f"({PERSONNEL})" in words_of(browser.get("/"))
    (row,) = demonstration.play.rows("SELECT count(*) AS n FROM session WHERE ended_at IS NULL")
    assert row.n == 1
