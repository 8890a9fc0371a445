"""Logging in, staying logged in, and being logged out: what a session is and what ends it (G15)."""

import json

import pytest
from sqlalchemy import text

from models.columns import table_of
from models.people import Grant
from services import accounts
from services.mailed_keys import mailed_secret
from services.tokens import digest_of
from tests.services.builders import CLERK, ESCORT, OFFICER, PERSONNEL, granted, noon
from tests.services.conftest import KEYS
from tests.services.playing import Play
from tests.web.browsing import PASSWORD, Pages, words_of
from tests.web.conftest import served


def events(pages: Pages, stream: str = "logins") -> list[tuple[str, object]]:
    found = pages.play.rows("SELECT kind, payload FROM event WHERE stream = :stream ORDER BY seq", stream=stream)
    return [(row.kind, json.loads(row.payload)) for row in found]


def change(pages: Pages, statement: str, **values: object) -> None:
    with pages.play.uow.write() as tx:
        tx.run(text(statement), values)


def test_who_is_not_logged_in_is_sent_to_the_login_and_then_to_where_he_wanted(pages: Pages) -> None:
    browser = pages.browser()
    answer = browser.get(f"/appraisals/2026Q1/{CLERK}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=/appraisals/2026Q1/{CLERK}")
    pages.account(CLERK)
    page = browser.get(answer.headers["location"])
    done = browser.send(page, "/login", number=CLERK, password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, f"/appraisals/2026Q1/{CLERK}")
    assert browser.get(done.headers["location"]).status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites_and_holds_no_secret_of_the_database(
    pages: Pages,
) -> None:
    pages.account(CLERK)
    browser = pages.browser()
    cookie = browser.log_in(CLERK).headers["set-cookie"]
    assert cookie.startswith("appraise=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    secret = browser.client.cookies["appraise"]
    (row,) = pages.play.rows("SELECT token_digest FROM session")
    assert row.token_digest == digest_of(secret) != secret


def test_over_https_the_cookie_is_bound_to_the_host(play: Play) -> None:
    pages = served(play, base_url="https://appraise.bank.example")
    pages.account(CLERK)
    browser = pages.browser(address="https://appraise.bank.example")
    answer = browser.log_in(CLERK)
    assert answer.headers["set-cookie"].startswith("__Host-appraise=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert browser.get("/").status_code == 200


def test_a_login_begins_a_new_session_and_ends_the_one_before(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    before = browser.client.cookies["appraise"]
    browser.post("/login", {"number": CLERK, "password": PASSWORD})
    assert browser.client.cookies["appraise"] != before
    thief = pages.browser()
    thief.client.cookies["appraise"] = before
    assert thief.get("/").status_code == 303


def test_a_session_that_somebody_planted_is_not_taken_up(pages: Pages) -> None:
    pages.account(CLERK)
    browser = pages.browser()
    browser.client.cookies.set("appraise", "planted", domain="127.0.0.1")
    browser.post("/login", {"number": CLERK, "password": PASSWORD})
    assert pages.play.rows("SELECT 1 FROM session WHERE token_digest = :digest", digest=digest_of("planted")) == []


def test_logging_out_ends_the_session_also_for_who_copied_the_cookie(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    secret = browser.client.cookies["appraise"]
    assert browser.send(browser.get("/"), "/logout").headers["location"] == "/login"
    thief = pages.browser()
    thief.client.cookies["appraise"] = secret
    assert thief.get("/").headers["location"] == "/login"
    assert [kind for kind, _ in events(pages)] == ["login", "logout"]


@pytest.mark.parametrize(
    ("column", "hours"), [("seen_at", "2025-01-01T00:00:00.000000Z"), ("created_at", "2025-01-01T00:00:00.000000Z")]
)
def test_a_session_runs_out_without_a_click_and_altogether(pages: Pages, column: str, hours: str) -> None:
    browser = pages.browser(CLERK)
    assert browser.get("/").status_code == 200
    change(pages, f"UPDATE session SET {column} = :at", at=hours)  # noqa: S608 - a name of this test
    assert browser.get("/").status_code == 303


def test_disabling_an_account_ends_its_sessions_and_keeps_it_out(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    assert accounts.disable(pages.play.uow, now=noon(4, 1), number=CLERK) == 1
    assert browser.get("/").status_code == 303
    assert browser.log_in(CLERK).status_code == 403


def test_a_new_password_ends_every_session_and_the_old_one_is_no_good(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    pages.account(CLERK, "four other plain words")
    assert browser.get("/").status_code == 303
    assert browser.log_in(CLERK).status_code == 403
    assert browser.log_in(CLERK, "four other plain words").status_code == 303


def test_a_grant_that_comes_or_goes_ends_the_session(pages: Pages) -> None:
    browser = pages.browser(ESCORT)
    with pages.play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(pages.play.office.people[ESCORT], "auditor"))
    assert browser.get("/").status_code == 303


def test_nobody_has_an_account_by_default_and_nobody_is_told_who_has_one(pages: Pages) -> None:
    assert pages.play.rows("SELECT 1 FROM account") == []
    browser = pages.browser()
    sentences = set()
    for number in (CLERK, "9999", ""):
        answer = browser.log_in(number, "a wrong password")
        assert answer.status_code == 403
        sentences.add("The employee number or the password is not right." in words_of(answer))
    assert sentences == {True}
    assert events(pages) == [("login-denied", {"person": None})] * 3


def test_a_denied_login_is_in_the_audit_without_what_was_typed(pages: Pages) -> None:
    pages.account(CLERK)
    pages.browser().log_in(CLERK, "a wrong password")
    assert events(pages) == [("login-denied", {"person": pages.play.office.people[CLERK]})]


def test_after_ten_failures_even_the_right_password_has_to_wait_and_nothing_is_hashed(pages: Pages) -> None:
    pages.account(CLERK)
    browser = pages.browser()
    for _ in range(10):
        assert browser.log_in(CLERK, "a wrong password").status_code == 403
    answer = browser.log_in(CLERK)
    assert answer.status_code == 429
    assert "try again in 15 minutes" in words_of(answer)
    assert len(events(pages)) == 10
    assert pages.browser(ESCORT).get("/").status_code == 200
    change(pages, "UPDATE login_attempt SET at = :at", at="2025-01-01T00:00:00.000000Z")
    assert browser.log_in(CLERK).status_code == 303


def test_a_link_sets_a_password_once(pages: Pages) -> None:
    made = accounts.first(pages.play.uow, now=noon(4, 1), number=OFFICER)
    browser = pages.browser()
    path = f"/password/{made.secret}"
    page = browser.get(path)
    assert "For Person 1007 (1007). This link works once." in words_of(page)
    short = browser.send(page, path, password="short", password_again="short")
    assert short.status_code == 422
    assert "A password has 10 to 200 characters and this one has 5" in words_of(short)
    other = browser.send(page, path, password=PASSWORD, password_again="another one here")
    assert "The two passwords are not the same" in words_of(other)
    assert browser.send(page, path, password=PASSWORD, password_again=PASSWORD).headers["location"] == "/login"
    assert browser.get(path).status_code == 403
    assert browser.send(page, path, password=PASSWORD, password_again=PASSWORD).status_code == 403
    assert browser.log_in(OFFICER).status_code == 303


def test_a_link_that_is_too_old_or_was_followed_by_another_sets_nothing(pages: Pages) -> None:
    first = accounts.invite(pages.play.uow, now=noon(4, 1), number=CLERK)
    second = accounts.invite(pages.play.uow, now=noon(4, 1), number=CLERK)
    browser = pages.browser()
    assert browser.get(f"/password/{first.secret}").status_code == 403
    change(pages, "UPDATE login_key SET expires_at = :at", at="2025-01-01T00:00:00.000000Z")
    assert browser.get(f"/password/{second.secret}").status_code == 403


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_a_login_leads_nowhere_but_to_our_own_pages(pages: Pages, target: str) -> None:
    pages.account(CLERK)
    answer = pages.browser().post("/login", {"number": CLERK, "password": PASSWORD, "next": target})
    assert answer.headers["location"] == "/"


def test_what_was_typed_survives_a_session_that_ran_out(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    path = f"/appraisals/2026Q1/{CLERK}@clerical/state"
    page = browser.get(f"/appraisals/2026Q1/{CLERK}")
    change(pages, "UPDATE session SET seen_at = :at", at="2025-01-01T00:00:00.000000Z")
    answer = browser.send(page, path, comment="What I did\nin this <quarter>.")
    assert answer.status_code == 401
    assert "What you typed is kept" in words_of(answer)
    back = browser.send(answer, "/login", number=CLERK, password=PASSWORD)
    assert "Nothing was sent yet" in words_of(back)
    assert '<label class="form-label" for="k-comment-1">Your words (not needed)</label>' in back.text
    assert pages.play.appraisal(CLERK).stage == "draft"
    sent = browser.send(back, path)
    assert sent.status_code == 303, words_of(sent)
    (row,) = pages.play.rows("SELECT body FROM text_body")
    assert row.body.splitlines() == ["What I did", "in this <quarter>."]


@pytest.mark.parametrize(
    ("number", "page", "to", "fields"),
    [
        (
            OFFICER,
            "/record",
            "/record/documents",
            {
                "number": ("2026-14", "Its number, as the issuer wrote it"),
                "day": ("2026-02-10", "The day it bears"),
                "issuer": ("Superior bank", "Who issued it"),
                "title": ("Hazards", "What it is called (not needed)"),
            },
        ),
        (
            PERSONNEL,
            f"/scoring/2026Q1/{CLERK}@clerical",
            f"/scoring/2026Q1/{CLERK}@clerical/submit",
            {"comment": ("All looked at.\nTwice.", "Your words (not needed)")},
        ),
        (
            CLERK,
            f"/appraisals/2026Q1/{CLERK}",
            "/findings/F1/reply",
            {"text": ("I was at the branch that whole day.", "Your side")},
        ),
        (OFFICER, "/cycles/2026Q1", "/cycles/2026Q1/withdraw", {"reason": ("She began in\nMarch.", "Why")}),
    ],
)
def test_what_was_typed_comes_back_under_the_labels_of_its_own_form(
    pages: Pages, number: str, page: str, to: str, fields: dict[str, tuple[str, str]]
) -> None:
    pages.play.deduct("C3.1", 4)
    if number == PERSONNEL:
        pages.play.bring("scoring")
    browser = pages.browser(number)
    shown = browser.get(page)
    change(pages, "UPDATE session SET seen_at = :at", at="2025-01-01T00:00:00.000000Z")
    typed = {name: said for name, (said, _) in fields.items()}
    back = browser.send(browser.send(shown, to, **typed), "/login", number=number, password=PASSWORD)
    for name, (_, label) in fields.items():
        assert f'for="k-{name}-1">{label}</label>' in back.text, name
    (kept,) = [kept for action, kept in browser.forms(back) if action == to]
    assert {name: kept[name][0].replace("\r", "") for name in typed} == typed


def test_somebody_else_at_the_same_browser_does_not_send_it(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(f"/appraisals/2026Q1/{CLERK}")
    change(pages, "UPDATE session SET seen_at = :at", at="2025-01-01T00:00:00.000000Z")
    answer = browser.send(page, f"/appraisals/2026Q1/{CLERK}@clerical/state", comment="My quarter.")
    pages.account(ESCORT)
    done = browser.send(answer, "/login", number=ESCORT, password=PASSWORD)
    assert done.status_code == 303
    assert "My quarter." not in browser.get("/").text


def test_who_forgot_his_password_gets_a_link_by_mail_that_works_once(pages: Pages) -> None:
    pages.account(CLERK)
    browser = pages.browser()
    answer = browser.send(browser.get("/forgotten"), "/forgotten", number=CLERK)
    assert "a link is on its way" in words_of(answer)
    (row,) = pages.play.rows("SELECT kind, person_id, payload FROM message WHERE kind = 'password-link'")
    assert row.person_id == pages.play.office.people[CLERK]
    kept = json.loads(row.payload)
    secret = mailed_secret(KEYS, kept["nonce"])
    assert secret not in row.payload
    path = f"/password/{secret}"
    page = browser.get(path)
    assert browser.send(page, path, password="quite another one", password_again="quite another one").status_code == 303
    assert browser.get(path).status_code == 403
    assert browser.log_in(CLERK, "quite another one").status_code == 303


@pytest.mark.parametrize("number", ["9999", ESCORT])
def test_nobody_learns_from_a_forgotten_password_who_has_an_account(pages: Pages, number: str) -> None:
    answer = pages.browser().post("/forgotten", {"number": number})
    assert (answer.status_code, "a link is on its way" in words_of(answer)) == (200, True)
    assert pages.play.rows("SELECT 1 FROM message WHERE kind = 'password-link'") == []


def test_nobody_is_flooded_with_links(pages: Pages) -> None:
    pages.account(CLERK)
    browser = pages.browser()
    statuses = [browser.post("/forgotten", {"number": CLERK}).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
