"""The door of the pages: hosts, origins, sizes, headers, and errors that tell one sentence and nothing else."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.services.builders import CLERK
from tests.web.browsing import ADDRESS, PASSWORD, Pages, words_of
from web.guard import HEADERS
from web.limits import LARGEST_BODY

STATIC = Path(__file__).parents[2] / "web"


def test_health_answers_without_a_login_and_under_any_name(pages: Pages) -> None:
    answer = pages.browser(address="http://10.0.0.7:8000").get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "appraise.bank.example:80@x"])
def test_under_another_name_nothing_is_answered(pages: Pages, host: str) -> None:
    assert pages.browser().get("/login", host=host).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": ADDRESS, "sec-fetch-site": "same-site"},
        {"origin": "https://evil.example", "sec-fetch-site": ""},
        {"origin": "null", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_form_of_another_site_is_not_looked_at(pages: Pages, headers: dict[str, str]) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(f"/appraisals/2026Q1/{CLERK}")
    path = f"/appraisals/2026Q1/{CLERK}@clerical/state"
    fields = dict(browser.forms(page))[path]
    assert browser.client.post(path, data=fields | {"comment": "x"}, headers=headers).status_code == 403
    assert pages.play.appraisal(CLERK).stage == "draft"


def test_without_any_word_of_where_it_comes_from_a_form_is_not_looked_at(pages: Pages) -> None:
    pages.account(CLERK)
    bare = TestClient(pages.app, base_url=ADDRESS, follow_redirects=False)
    assert bare.post("/login", data={"number": CLERK, "password": PASSWORD}).status_code == 403


def test_a_form_needs_the_token_of_its_own_session(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    path = f"/appraisals/2026Q1/{CLERK}@clerical/state"
    assert browser.post(path, {"comment": "x"}).status_code == 403
    others = dict(pages.browser(CLERK).forms(browser.get(f"/appraisals/2026Q1/{CLERK}")))[path]
    browser.send(browser.get("/"), "/logout")
    browser.log_in(CLERK)
    assert browser.post(path, others | {"comment": "x"}).status_code == 403
    assert pages.play.appraisal(CLERK).stage == "draft"


def test_looking_changes_no_stage(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    assert browser.get(f"/appraisals/2026Q1/{CLERK}@clerical/state").status_code in {404, 405}
    assert pages.play.appraisal(CLERK).stage == "draft"


def test_what_is_too_large_is_not_taken(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    path = f"/appraisals/2026Q1/{CLERK}@clerical/state"
    assert browser.client.post(path, content=b"x", headers={"content-length": str(LARGEST_BODY + 1)}).status_code == 413

    def endless() -> object:
        for _ in range(LARGEST_BODY // 65536 + 2):
            yield b"x" * 65536

    answer = browser.client.post(path, content=endless(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code in {413, 422}
    many = {f"f{number}": "x" for number in range(4001)}
    assert browser.post(path, many).status_code == 422
    long = {"comment": "x" * (1024 * 1024 + 1)}
    assert browser.post(path, long).status_code == 422


@pytest.mark.parametrize("path", ["/login", "/", "/nowhere", "/assets/own/app.css", "/health"])
def test_every_answer_has_the_headers(pages: Pages, path: str) -> None:
    answer = pages.browser().get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == ("max-age=3600" if path.startswith("/assets") else "no-store")


def test_no_page_has_anything_inline_or_foreign() -> None:
    for path in (*STATIC.rglob("*.html"), *STATIC.rglob("*.css"), *STATIC.rglob("*.js")):
        written = path.read_text(encoding="utf-8")
        assert not re.search(
            r"\sstyle=|\son[a-z]+=\"|<style|<script>|javascript:|https?://(?!www\.w3\.org)|@import", written
        ), path


def test_every_asset_that_a_page_names_is_there(pages: Pages) -> None:
    browser = pages.browser()
    named = re.findall(r'(?:href|src)="(/assets/[^"]+)"', browser.get("/login").text)
    assert len(named) == 6
    assert {path: browser.get(path).status_code for path in named} == dict.fromkeys(named, 200)


def test_what_does_not_exist_is_one_sentence(pages: Pages) -> None:
    answer = pages.browser(CLERK).get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page, or it is not yours to see." in words_of(answer)


def test_under_api_an_error_is_a_problem_document(pages: Pages) -> None:
    browser = pages.browser()
    refused = browser.get("/api/v1/nothing")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    answer = browser.get("/api/v1/nothing", authorization="Bearer x")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "There is no such page, or it is not yours to see."


def test_what_nobody_expected_tells_one_sentence_and_no_traceback(pages: Pages) -> None:
    def broken() -> None:
        raise RuntimeError("secret words")

    pages.app.add_api_route("/broken", broken)
    answer = pages.browser().get("/broken")
    assert answer.status_code == 500
    assert "Something went wrong here" in words_of(answer)
    assert "secret words" not in answer.text
    assert "Traceback" not in answer.text


def test_the_language_is_chosen_by_the_person_and_kept(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get("/")
    assert '<h1 class="page-title">My work</h1>' in page.text
    assert browser.send(page, "/language", language="zh", next="/").headers["location"] == "/"
    page = browser.get("/")
    assert '<h1 class="page-title">我的待办</h1>' in page.text
    assert '<html lang="zh-Hans">' in page.text


def test_before_the_login_the_browser_says_which_language(pages: Pages) -> None:
    assert "登录" in pages.browser().get("/login", **{"accept-language": "zh-CN,zh;q=0.9"}).text
