"""What a service refuses is said in the language of who reads it, and a page names no command."""

import re

import pytest

from services.errors import Refused
from tests.services.builders import CLERK, DIRECTOR, OFFICER, PERSONNEL, SECURITY
from tests.web.browsing import Pages, words_of
from tests.web.programs import Program
from web.words import Language, accepted

CODE = f"/appraisals/2026Q1/{CLERK}"
MOVES = f"{CODE}/moves"


def chinese(pages: Pages, number: str) -> dict[str, str]:
    """Return what a page says in each language about a form that was sent without what it needs."""
    browser = pages.browser(number)
    said = {}
    for language in ("en", "zh"):
        browser.send(browser.get("/"), "/language", language=language, next="/")
        said[language] = words_of(browser.get("/cycles/2030Q4"))
    return said


def test_a_page_that_is_not_there_names_no_command_in_either_language(pages: Pages) -> None:
    said = chinese(pages, OFFICER)
    assert "There is no cycle 2030Q4; the page of cycles lists them." in said["en"]
    assert "没有考核周期2030Q4；“考核周期”页面列有全部周期。" in said["zh"]


def test_a_form_is_refused_in_chinese_and_recorded_in_english(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    browser.send(browser.get("/"), "/language", language="zh", next="/")
    answer = browser.send(browser.get("/cycles/new"), "/cycles/new", code="2026 Q2", rubric="x", workflow="quarterly")
    assert answer.status_code == 422
    assert "“2026 Q2”不能作为考核周期的代码：不得含空格、/ 和 @；请写成 2026Q1 的形式。" in words_of(answer)
    refused = pages.play.rows("SELECT payload FROM event WHERE stream = 'refusals'")
    assert not any(re.search("[\u4e00-\u9fff]", str(row.payload)) for row in refused)


def test_a_program_is_refused_in_the_language_it_asks_for(pages: Pages) -> None:
    program = Program(pages, CLERK)
    plain = program.post(MOVES, {"action": "approve"})
    asked = program.post(MOVES, {"action": "approve"}, Accept_Language="zh-CN,zh;q=0.9,en;q=0.5")
    assert (plain.headers["content-language"], asked.headers["content-language"]) == ("en", "zh")
    assert {**plain.json(), "detail": ""} == {**asked.json(), "detail": ""}
    with pytest.raises(Refused, match=re.escape(plain.json()["detail"])):
        pages.play.act(CLERK, "approve")
    assert asked.json()["detail"] == "现在不能办理“批准”：当前环节是“自述”。"


def test_what_stands_in_the_way_is_said_in_the_language_asked_for(pages: Pages) -> None:
    pages.play.bring("scoring", of=SECURITY)
    program = Program(pages, DIRECTOR)
    for language, said in (
        ("en", "Confirm or excuse first what the log of duties"),
        ("zh", "请先确认或免计定期工作记录"),
    ):
        headers = {"accept-language": language}
        actions = program.get(f"/appraisals/2026Q1/{SECURITY}", **headers).json()["actions"]
        owed = [one for row in program.get("/work-items", **headers).json()["items"] for one in row["actions"]]
        for found in (actions, owed):
            assert any((one["blocked"] or "").startswith(said) for one in found), found


def test_of_many_each_refusal_is_said_in_the_language_asked_for(pages: Pages) -> None:
    program = Program(pages, PERSONNEL)
    body = {"action": "submit", "appraisals": [f"2026Q1/{CLERK}"]}
    (english,) = program.post("/moves", body).json()["items"]
    (asked,) = program.post("/moves", body, Accept_Language="zh").json()["items"]
    assert english["refused"] == "“Submit the score” is not possible now: the stage is “Own statement”."
    assert asked["refused"] == "现在不能办理“提交评分”：当前环节是“自述”。"


def test_the_door_itself_speaks_the_language_of_the_browser(pages: Pages) -> None:
    headers = {"host": "elsewhere.example", "accept-language": "zh"}
    assert pages.browser().get("/login", **headers).text == "不能用此名称访问本站页面；请询问正确的地址。"
    assert (
        pages.browser().get("/api/v1/me", **headers).json()["detail"] == "不能用此名称访问本站页面；请询问正确的地址。"
    )


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh-Hans", "zh"),
        ("fr, en;q=0.1", "en"),
        ("zh;q=0", None),
        ("zh;q=nonsense, en", "en"),
        ("fr", None),
        ("*", None),
        ("", None),
    ],
)
def test_the_language_that_is_liked_best_is_taken(header: str, language: Language | None) -> None:
    assert accepted(header) == language
