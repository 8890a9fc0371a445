"""Review: what needs an eye comes first, a case is decided and the next one follows, the rest goes in one go."""

import pytest

from services import attachments, delegations, findings
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, SECRETARY, noon
from tests.services.playing import SUBMITTED, Play
from tests.services.test_review_queue import given
from tests.web.browsing import PASSWORD, Pages, words_of
from tests.web.conftest import served

STAFF = (CLERK, ESCORT, OFFICER)
CLERK_CASE, ESCORT_CASE = f"2026Q1/{CLERK}@clerical", f"2026Q1/{ESCORT}@escort"


def submitted(pages: Pages, *, deducted: bool = True) -> None:
    """Bring the three of the staff to their reviewer; one of them with a deduction at the end of its range."""
    if deducted:
        pages.play.deduct("C3.1", 5)
    for number in STAFF:
        pages.play.bring("review", of=number)


def test_what_needs_an_eye_comes_first_with_its_reasons(pages: Pages) -> None:
    submitted(pages)
    page = pages.browser(DIRECTOR).get("/review")
    said = words_of(page)
    assert "Needs an eye (1) Person 1008 (1008)" in said
    assert "takes 5, an end of its range of 3 to 5." in said
    assert "rests on no document and no file." in said
    assert "Without a deduction (2)" in said
    assert said.index("Needs an eye") < said.index("Without a deduction (2)")
    assert f'href="/review/{CLERK_CASE}">Look through them one by one' in page.text
    assert "Person 1006 (1006) 2 95 97.5 100" in said


def test_nobody_sees_the_list_of_another(pages: Pages) -> None:
    submitted(pages)
    for number in (CLERK, PERSONNEL, OFFICER):
        said = words_of(pages.browser(number).get("/review"))
        assert "Nothing waits for your review." in said
        assert "1009" not in said


def test_a_case_is_approved_and_the_next_one_follows(pages: Pages) -> None:
    submitted(pages)
    browser = pages.browser(DIRECTOR)
    page = browser.get(f"/review/{CLERK_CASE}")
    assert "1 of 3" in words_of(page)
    path = f"/review/{CLERK_CASE}/approve"
    wrong = browser.send(page, path, password="not mine at all", comment="A mild quarter.")
    assert wrong.status_code == 403
    assert "A mild quarter." in wrong.text
    answer = browser.send(page, path, password=PASSWORD)
    assert answer.status_code == 303, words_of(answer)
    target = answer.headers["location"]
    assert target.startswith("/review/2026Q1/10")
    assert target.endswith(f"?done={CLERK_CASE}")
    assert f"{CLERK_CASE} is done." in words_of(browser.get(target))
    assert pages.play.appraisal(CLERK).stage == "signoff"


def test_a_line_is_changed_and_struck_with_a_reason_and_the_case_stays(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 5)
    pages.play.bring("review")
    browser = pages.browser(DIRECTOR)
    page = browser.get(f"/review/{CLERK_CASE}")
    strike = f"/review/{CLERK_CASE}/strike"
    change = f"/review/{CLERK_CASE}/change"
    version = str(pages.play.appraisal().version)
    token = next(fields["form-token"][0] for action, fields in browser.forms(page) if action == strike)
    values = {"form-token": token, "version": version, "line": line}
    outside = browser.post(change, {**values, "amount": "9", "comment": "Too mild."})
    assert outside.status_code == 403
    assert "Too mild." in outside.text
    assert browser.post(change, {**values, "amount": "3", "comment": "A first time."}).status_code == 303
    page = browser.get(f"/review/{CLERK_CASE}")
    assert "Total: 97" in words_of(page)
    assert "set to 3" in words_of(page)
    answer = browser.send(page, strike, comment="Not his shift.")
    assert answer.headers["location"] == f"/review/{CLERK_CASE}"
    assert "Total: 100" in words_of(browser.get(f"/review/{CLERK_CASE}"))


def test_it_is_returned_with_a_reason_and_comes_back_as_returned(pages: Pages) -> None:
    submitted(pages, deducted=False)
    browser = pages.browser(DIRECTOR)
    page = browser.get(f"/review/{CLERK_CASE}")
    path = f"/review/{CLERK_CASE}/return"
    assert browser.send(page, path, comment="").status_code == 403
    assert browser.send(page, path, comment="Where is the log?").status_code == 303
    pages.play.act(PERSONNEL, "submit", at=noon(4, 7))
    said = words_of(browser.get("/review"))
    assert "It was returned and comes in round 2." in said
    assert "Without a deduction (2)" in said


def test_two_who_decide_the_same_version_learn_of_it(pages: Pages) -> None:
    submitted(pages)
    browser = pages.browser(DIRECTOR)
    page = browser.get(f"/review/{CLERK_CASE}")
    pages.play.act(DIRECTOR, "strike", lines={_line(pages): None}, reason="From another window.", at=SUBMITTED)
    answer = browser.send(page, f"/review/{CLERK_CASE}/return", comment="A long text of mine.")
    assert answer.status_code == 409
    assert "A long text of mine." in answer.text
    assert pages.play.appraisal().stage == "review"


def test_those_without_a_deduction_are_approved_in_one_go_after_a_preview(pages: Pages) -> None:
    submitted(pages)
    browser = pages.browser(DIRECTOR)
    page = browser.get("/review/clear")
    said = words_of(page)
    assert "This approves 2 appraisals" in said
    assert "Person 1009 (1009)" in said
    assert "1008" not in said
    answer = browser.send(page, "/review/clear", password=PASSWORD)
    assert answer.headers["location"] == "/review?approved=2"
    assert "2 appraisals are approved." in words_of(browser.get("/review?approved=2"))
    assert [pages.play.appraisal(number).stage for number in STAFF] == ["review", "signoff", "signoff"]
    again = browser.send(page, "/review/clear", password=PASSWORD)
    assert again.status_code == 422
    assert "Nobody is ticked who can still be approved" in words_of(again)


def test_what_changed_since_the_preview_is_not_approved_with_it(pages: Pages) -> None:
    submitted(pages)
    browser = pages.browser(DIRECTOR)
    page = browser.get("/review/clear")
    pages.play.act(DIRECTOR, "return", of=ESCORT, reason="One more look.", at=SUBMITTED)
    assert browser.send(page, "/review/clear", password=PASSWORD).headers["location"] == "/review?approved=1"
    assert pages.play.appraisal(ESCORT).stage == "scoring"


def test_an_approval_is_taken_back_while_nobody_has_opened_it(pages: Pages) -> None:
    submitted(pages)
    browser = pages.browser(DIRECTOR)
    browser.send(browser.get(f"/review/{ESCORT_CASE}"), f"/review/{ESCORT_CASE}/approve", password=PASSWORD)
    page = browser.get(f"/review/{ESCORT_CASE}")
    answer = browser.send(page, f"/review/{ESCORT_CASE}/take-back")
    assert answer.headers["location"] == f"/review/{ESCORT_CASE}"
    assert pages.play.appraisal(ESCORT).stage == "review"


def test_the_persons_reply_stands_beside_the_finding(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    findings.reply(
        pages.play.uow, actor=pages.play.who(CLERK), now=noon(4, 1), finding=line, text="The door <was> locked."
    )
    pages.play.bring("review")
    page = pages.browser(DIRECTOR).get(f"/review/{CLERK_CASE}")
    assert f"The person has written a reply to {line} (C3.1)." in words_of(page)
    assert "The door &lt;was&gt; locked." in page.text


def _line(pages: Pages) -> str:
    (row,) = pages.play.rows("SELECT id FROM finding")
    return f"F{row.id}"


def test_a_case_of_whom_one_stands_in_for_is_marked_decided_and_has_its_files(pages: Pages) -> None:
    play = pages.play
    line = play.deduct("C3.1", 4)
    file = {"item": line, "name": "log.txt", "content": b"the log"}
    attachments.attach(play.uow, actor=play.who(PERSONNEL), now=noon(4, 1), **file)
    days = {"first": noon(4, 1).date(), "last": noon(4, 9).date()}
    delegations.delegate(play.uow, actor=play.who(DIRECTOR), now=noon(4, 1), number=SECRETARY, **days)
    play.bring("review")
    pages.clock.set(noon(4, 3))
    browser = pages.browser(SECRETARY)
    page = browser.get("/review")
    assert f"for Person {DIRECTOR} ({DIRECTOR}) until 2026-04-09" in words_of(page)
    path = f"/review/2026Q1/{CLERK}@clerical"
    case = browser.get(path)
    assert "log.txt" in words_of(case)
    assert browser.client.get("/files/1").content == b"the log"
    answer = browser.send(case, f"{path}/approve", password=PASSWORD)
    assert answer.status_code == 303, words_of(answer)
    move = play.moves()[-1]
    assert (move.actor_id, move.on_behalf_of) == (play.office.people[SECRETARY], play.office.people[DIRECTOR])
    pages.clock.set(noon(4, 10))
    assert "Nothing waits for your review." in words_of(pages.browser(SECRETARY).get("/review"))


@pytest.mark.parametrize(("few", "said"), [(3, False), (1, True)])
def test_the_reviewer_is_advised_from_where_the_settings_say(play: Play, few: int, said: bool) -> None:
    given(play, "C3.1", 3)
    play.deduct("C3.1", 4)
    play.bring("review")
    pages = served(play, advice_few=few)
    assert ("takes 4; before, 3 to 3 was given" in words_of(pages.browser(DIRECTOR).get("/review"))) == said
    rules = words_of(pages.browser(OFFICER).get("/operations"))
    assert f"APPRAISE_ADVICE_FEW {few} " in rules
    assert "APPRAISE_ADVICE_FAR_PERCENT 10 " in rules
