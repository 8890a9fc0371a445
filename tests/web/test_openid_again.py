"""Showing again at the provider who one is, before what cannot be undone; and what was typed before a login ran out."""

from collections.abc import Iterator

import pytest

from tests.services.builders import CLERK, ESCORT
from tests.services.playing import Play
from tests.web.browsing import PASSWORD, Browser, Pages, words_of
from tests.web.openid_provider import Provider, provider
from tests.web.test_openid import at_provider, change, events, log_in, reasons, settings, with_clerk

PATH = f"/appraisals/2026Q1/{CLERK}"
CODE = f"{PATH}@clerical"
AGAIN = "/login/openid?again=1"


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture
def office(play: Play, there: Provider) -> Pages:
    """The application with the provider; the clerk has an account without a password, and a result to answer."""
    pages = with_clerk(play, **settings(there))
    play.bring("signoff")
    return pages


def logged_in(office: Pages) -> Browser:
    browser = office.browser()
    assert log_in(browser).status_code == 303
    return browser


def test_accepting_asks_to_show_again_who_one_is(office: Pages, there: Provider) -> None:
    browser = logged_in(office)
    page = browser.get(PATH)
    assert "Show at Bank ID who you are" in words_of(page)
    assert 'name="password"' not in page.text
    refused = browser.send(page, f"{CODE}/accept", comment="Agreed.")
    assert refused.status_code == 403
    assert "Show at Bank ID who you are and then press the button here again" in words_of(refused)
    assert "Agreed." in refused.text
    shown = log_in(browser, AGAIN)
    assert shown.headers["location"] == "/login/openid/done"
    assert "It was confirmed by Bank ID." in words_of(browser.get("/login/openid/done"))
    assert (there.asked[-1]["prompt"], there.asked[-1]["max_age"]) == ("login", "0")
    assert "You have just shown at Bank ID who you are" in words_of(browser.get(PATH))
    assert browser.send(refused, f"{CODE}/accept", comment="Agreed.").status_code == 303
    assert office.play.appraisal(CLERK).stage == "closed"
    person = office.play.office.people[CLERK]
    assert events(office) == [
        ("login", {"person": person, "by": "openid"}),
        ("login-confirmed", {"person": person, "by": "openid"}),
    ]


def refused_again(office: Pages, browser: Browser, why: str) -> None:
    answer = log_in(browser, AGAIN)
    assert answer.status_code == 403
    assert reasons(office)[-1][1] == why
    assert browser.send(browser.get(PATH), f"{CODE}/accept").status_code == 403
    assert office.play.appraisal(CLERK).stage == "signoff"


def test_to_be_known_to_the_provider_from_before_is_not_enough(office: Pages, there: Provider) -> None:
    browser = logged_in(office)
    there.auth_age = 3600
    refused_again(office, browser, "auth-time")


def test_a_provider_that_does_not_say_when_is_not_believed(office: Pages, there: Provider) -> None:
    browser = logged_in(office)
    there.lie = lambda claims: {name: value for name, value in claims.items() if name != "auth_time"}
    refused_again(office, browser, "auth-time")


def test_somebody_else_cannot_confirm(office: Pages, there: Provider) -> None:
    office.account(ESCORT)
    browser = logged_in(office)
    there.person = {**there.person, "email": "p1009@example.org"}
    refused_again(office, browser, "other-person")
    assert reasons(office) == [(office.play.office.people[ESCORT], "other-person")]


def test_a_confirmation_holds_in_its_own_login_and_for_a_while(office: Pages) -> None:
    browser = logged_in(office)
    log_in(browser, AGAIN)
    kept = browser.client.cookies["appraise-confirmed"]
    other = logged_in(office)
    other.client.cookies.set("appraise-confirmed", kept, domain="127.0.0.1")
    assert other.send(other.get(PATH), f"{CODE}/accept").status_code == 403
    other.client.cookies.set("appraise-confirmed", kept[:-1] + "0", domain="127.0.0.1")
    assert other.send(other.get(PATH), f"{CODE}/accept").status_code == 403
    assert browser.send(browser.get(PATH), f"{CODE}/accept").status_code == 303


def test_a_login_that_was_begun_cannot_end_as_a_confirmation_of_another_login(office: Pages) -> None:
    browser = logged_in(office)
    path = at_provider(browser.get(AGAIN))
    browser.send(browser.get(PATH), "/logout")
    kept = browser.client.cookies["appraise-openid"]
    log_in(browser)
    browser.client.cookies.set("appraise-openid", kept, domain="127.0.0.1")
    assert browser.get(path).status_code == 403
    assert reasons(office)[-1][1] == "other-person"


def test_who_has_a_password_may_use_that(office: Pages) -> None:
    office.account(CLERK)
    browser = logged_in(office)
    page = browser.get(PATH)
    assert "Your password once more" in words_of(page)
    empty = browser.send(page, f"{CODE}/accept", password="")
    assert "Show at Bank ID who you are and then press" in words_of(empty)
    assert reasons(office) == []
    assert browser.send(page, f"{CODE}/accept", password=PASSWORD).status_code == 303


def test_a_password_is_not_asked_for_where_there_are_none(play: Play, there: Provider) -> None:
    pages = with_clerk(play, **settings(there, password_login=False))
    pages.account(CLERK)
    play.bring("signoff")
    browser = logged_in(pages)
    page = browser.get(PATH)
    assert 'name="password"' not in page.text
    assert browser.post(f"{CODE}/accept", {"password": PASSWORD}).status_code == 403
    assert browser.send(page, f"{CODE}/accept", password=PASSWORD).status_code == 403


@pytest.mark.parametrize("number", [CLERK, ESCORT])
def test_what_was_typed_survives_a_login_at_the_provider_for_the_same_person_alone(
    play: Play, there: Provider, number: str
) -> None:
    pages = with_clerk(play, **settings(there))
    pages.account(ESCORT)
    browser = logged_in(pages)
    page = browser.get(PATH)
    change(pages, "UPDATE session SET seen_at = :at", at="2025-01-01T00:00:00.000000Z")
    answer = browser.send(page, f"{CODE}/state", comment="What I did\nin this <quarter>.")
    assert answer.status_code == 401
    early = browser.send(answer, "/login/resume")
    assert early.status_code == 403
    assert "You are not logged in yet" in words_of(early)
    there.person = {**there.person, "email": f"p{number}@example.org"}
    assert log_in(browser, "/login/openid?next=/login/openid/done").headers["location"] == "/login/openid/done"
    back = browser.send(early, "/login/resume")
    if number == ESCORT:
        assert back.status_code == 303
        return
    assert "Nothing was sent yet" in words_of(back)
    assert browser.send(back, f"{CODE}/state").status_code == 303
    (row,) = pages.play.rows("SELECT body FROM text_body")
    assert row.body.splitlines() == ["What I did", "in this <quarter>."]
