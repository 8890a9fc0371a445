"""Objection and decision: the contested lines with both sides, decided line by line, and nobody comes out worse."""

from typing import Any

import pytest

from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, VICE
from tests.services.playing import ANSWERED, APPROVED, SUBMITTED
from tests.web.browsing import Pages, words_of

CODE = f"2026Q1/{CLERK}@clerical"
PATH = f"/appeals/{CODE}"


def objected(pages: Pages) -> tuple[str, str]:
    """Bring the clerk's appraisal to its appeal: two lines of four points, one of them objected to."""
    play = pages.play
    first, second = play.deduct("C3.1", 4), play.deduct("C3.1", 4)
    play.act(PERSONNEL, "start", at=SUBMITTED)
    play.act(PERSONNEL, "submit", at=SUBMITTED, reason="The log speaks for itself.")
    play.act(DIRECTOR, "approve", at=APPROVED)
    play.act(CLERK, "object", at=ANSWERED, reason="I was <elsewhere>.", lines={first: None})
    return first, second


def decided(line: str, said: str, **more: Any) -> dict[str, Any]:
    return {f"decision-{line}": said, "comment": "The roster shows it.", **more}


def send(pages: Pages, action: str, values: dict[str, Any]) -> Any:
    browser = pages.browser(VICE)
    page = browser.get(PATH)
    fields = next(fields for to, fields in browser.forms(page) if to == f"{PATH}/decide")
    return browser.post(f"{PATH}/{action}", {**fields, **values})


def test_the_decider_sees_both_sides_and_what_was_not_objected_to(pages: Pages) -> None:
    first, second = objected(pages)
    page = pages.browser(VICE).get(PATH)
    said = words_of(page)
    assert "I was &lt;elsewhere&gt;." in page.text
    assert "The log speaks for itself." in said
    assert f"Your decision about {first}, now 4 points" in said
    assert said.index("Not objected to") < said.index(second)
    assert "The person cannot come out worse" in said
    assert "Then this appraisal is closed." in said
    assert "It cannot be taken back." in said


def test_nobody_else_sees_the_page(pages: Pages) -> None:
    objected(pages)
    for number in (CLERK, PERSONNEL, DIRECTOR, PRESIDENT, OFFICER, ESCORT):
        assert pages.browser(number).get(PATH).status_code == 404


def test_there_is_nothing_to_see_before_there_is_an_appeal(pages: Pages) -> None:
    pages.play.bring("signoff")
    assert pages.browser(VICE).get(PATH).status_code == 404


@pytest.mark.parametrize(("said", "amount", "total"), [("keep", "", "92"), ("strike", "", "96"), ("lower", "3", "93")])
def test_a_line_is_kept_struck_or_lowered_after_its_effect_was_shown(
    pages: Pages, said: str, amount: str, total: str
) -> None:
    first, _ = objected(pages)
    values = decided(first, said, **{f"amount-{first}": amount})
    page = send(pages, "preview", values)
    assert f"With these decisions: {total} instead of 92." in words_of(page)
    assert "The roster shows it." in page.text
    assert pages.play.appraisal().stage == "appeal"
    answer = send(pages, "decide", values)
    assert answer.headers["location"] == f"{PATH}?done=decide"
    assert pages.play.appraisal().stage == "closed"
    assert pages.play.total() == int(total)
    assert "Done: you decided the appeal." in words_of(pages.browser(VICE).get(f"{PATH}?done=decide"))


def test_no_amount_may_be_higher_and_what_was_typed_is_kept(pages: Pages) -> None:
    first, _ = objected(pages)
    values = decided(first, "lower", **{f"amount-{first}": "5"})
    for action, status in (("preview", 403), ("decide", 403)):
        answer = send(pages, action, values)
        assert answer.status_code == status
        assert "no amount may be higher after it." in words_of(answer)
        assert "The roster shows it." in answer.text
    assert pages.play.appraisal().stage == "appeal"


def test_every_line_must_be_decided_with_a_reason(pages: Pages) -> None:
    first, _ = objected(pages)
    assert send(pages, "decide", {"comment": "Nothing chosen."}).status_code == 403
    assert send(pages, "decide", decided(first, "strike", comment="")).status_code == 403
    assert pages.play.appraisal().stage == "appeal"


def test_it_is_sent_back_to_scoring_with_a_reason(pages: Pages) -> None:
    objected(pages)
    browser = pages.browser(VICE)
    page = browser.get(PATH)
    assert browser.send(page, f"{PATH}/send-back", comment="").status_code == 403
    assert browser.send(page, f"{PATH}/send-back", comment="Hear the guard at the gate.").status_code == 303
    assert pages.play.appraisal().stage == "scoring"


def test_a_withdrawn_objection_is_a_friendly_end(pages: Pages) -> None:
    first, _ = objected(pages)
    browser = pages.browser(VICE)
    page = browser.get(PATH)
    fields = next(fields for to, fields in browser.forms(page) if to == f"{PATH}/decide")
    pages.play.act(CLERK, "withdraw", at=ANSWERED)
    answer = browser.post(f"{PATH}/decide", {**fields, **decided(first, "strike")})
    assert answer.status_code == 404
    assert pages.play.appraisal().stage == "signoff"
