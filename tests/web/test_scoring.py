"""The scoring sheet: what is recorded counts at once, a preview before, and nobody overwrites somebody else."""

import datetime as dt
from fractions import Fraction
from typing import Any

from services import delegations, findings
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, SECURITY, noon
from tests.services.counting import sent
from tests.web.browsing import Browser, Pages, words_of

CLERK_SHEET, GUARD_SHEET = f"2026Q1/{CLERK}@clerical", f"2026Q1/{SECURITY}@deputy-security"


def fill(browser: Browser, to: str, **values: Any) -> Any:
    """Send the form of the clause C3.1 of the sheet that was looked at last."""
    page = browser.get(f"/scoring/{CLERK_SHEET}")
    for action, fields in browser.forms(page):
        if action.endswith("/record") and fields.get("rule") == ["C3.1"]:
            typed = {name.replace("_", "-"): value for name, value in values.items()}
            return browser.post(f"/scoring/{CLERK_SHEET}/{to}", {**fields, **typed})
    raise AssertionError("there is no form for C3.1")


def test_a_finding_is_recorded_on_the_sheet_and_counts_at_once(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    assert "Total: 100 / 100" in words_of(browser.get(f"/scoring/{CLERK_SHEET}"))
    answer = fill(browser, "record", happened="2026-02-03", amount="4", reason="The <log> was empty.")
    assert answer.status_code == 303, words_of(answer)
    page = browser.get(answer.headers["location"])
    said = words_of(page)
    assert "Total: 96 / 100" in said
    assert "Saved 2026-04-01 12:00" in said
    assert "The &lt;log&gt; was empty." in page.text


def test_without_javascript_the_slider_counts_where_no_figure_is_typed(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    answer = fill(browser, "record", happened="2026-02-03", slider="5", amount="", reason="An empty log.")
    assert answer.status_code == 303, words_of(answer)
    assert "Total: 95 / 100" in words_of(browser.get(f"/scoring/{CLERK_SHEET}"))


def test_the_preview_shows_the_total_and_writes_nothing(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    page = fill(browser, "preview", happened="2026-02-03", amount="4", reason="An empty log.")
    said = words_of(page)
    assert page.status_code == 200
    assert "With this entry: 96 instead of 100." in said
    assert "Not saved yet" in said
    assert "An empty log." in page.text
    assert pages.play.rows("SELECT 1 FROM finding") == []
    values = {"form-token": pages_token(browser, page), "rule": "C3.1", "amount": "9"}
    part = browser.client.post(f"/scoring/{CLERK_SHEET}/preview", data=values, headers={"x-part": "total"})
    assert "C3.1 takes 3 to 5 points; 9 is outside." in words_of(part)
    assert "<html" not in part.text
    part = browser.client.post(
        f"/scoring/{CLERK_SHEET}/preview", data={**values, "amount": "3"}, headers={"x-part": "total"}
    )
    assert "With this entry: 97 instead of 100." in words_of(part)
    assert pages.play.refusals() == []


def test_what_cannot_be_read_is_told_beside_its_field_and_kept(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    answer = fill(browser, "record", happened="yesterday", amount="4", reason="Kept words.")
    assert answer.status_code == 422
    assert "is no day; write it like 2026-02-03." in words_of(answer)
    assert "Kept words." in answer.text
    answer = fill(browser, "record", happened="2026-02-03", amount="four", reason="Kept words.")
    assert answer.status_code == 422
    assert "is no figure; write it like 4 or 2.5." in words_of(answer)
    assert pages.play.rows("SELECT 1 FROM finding") == []


def test_two_who_fill_in_the_same_sheet_learn_of_it_and_lose_nothing(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    page = browser.get(f"/scoring/{CLERK_SHEET}")
    values = next(fields for to, fields in browser.forms(page) if fields.get("rule") == ["C3.1"])
    pages.play.deduct("C3.1", 3)
    typed = {**values, "happened": "2026-02-04", "amount": "4", "reason": "My long words."}
    answer = browser.post(f"/scoring/{CLERK_SHEET}/record", typed)
    assert answer.status_code == 409
    assert "have changed since you looked at them; what you typed is still here." in words_of(answer)
    assert "My long words." in answer.text
    assert len(pages.play.rows("SELECT 1 FROM finding")) == 1
    again = next(
        fields for to, fields in browser.forms(answer) if to.endswith("/record") and fields.get("rule") == ["C3.1"]
    )
    assert again["reason"] == ["My long words."]
    assert browser.post(f"/scoring/{CLERK_SHEET}/record", again).status_code == 303
    assert len(pages.play.rows("SELECT 1 FROM finding")) == 2


def test_a_finding_is_amended_and_voided_until_the_sheet_is_submitted(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 5)
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    page = browser.get(f"/scoring/{CLERK_SHEET}")
    values = next(fields for to, fields in browser.forms(page) if to.endswith("/void"))
    answer = browser.post(f"/scoring/{CLERK_SHEET}/amend", {**values, "amount": "3", "comment": "Mistyped."})
    assert answer.status_code == 303, words_of(answer)
    page = browser.get(f"/scoring/{CLERK_SHEET}")
    assert "Total: 97 / 100" in words_of(page)
    new = next(fields for to, fields in browser.forms(page) if to.endswith("/void"))
    assert new["finding"] != [line]
    assert browser.send(page, f"/scoring/{CLERK_SHEET}/void", comment="Wrong person.").status_code == 303
    assert "Total: 100 / 100" in words_of(browser.get(f"/scoring/{CLERK_SHEET}"))


def test_missed_months_are_confirmed_or_excused_before_the_sheet_is_submitted(pages: Pages) -> None:
    pages.play.inspect(SECURITY, 1)
    pages.play.bring("scoring", of=SECURITY)
    browser = pages.browser(DIRECTOR)
    page = browser.get(f"/scoring/{GUARD_SHEET}")
    said = words_of(page)
    assert "A1.1:2026-02" in said
    assert "Submit the score : " in said  # what stands in the way is said
    answer = browser.send(page, f"/scoring/{GUARD_SHEET}/confirm-month")
    assert answer.status_code == 303, words_of(answer)
    page = browser.get(f"/scoring/{GUARD_SHEET}")
    assert browser.send(page, f"/scoring/{GUARD_SHEET}/excuse-month", comment="").status_code == 422
    assert browser.send(page, f"/scoring/{GUARD_SHEET}/excuse-month", comment="He was at a course.").status_code == 303
    page = browser.get(f"/scoring/{GUARD_SHEET}")
    assert "Total: 90 / 100" in words_of(page)
    answer = browser.send(page, f"/scoring/{GUARD_SHEET}/submit", comment="One month missed.")
    assert answer.headers["location"] == f"/scoring?done={GUARD_SHEET}"
    assert pages.play.appraisal(SECURITY).stage == "review"


def test_a_claim_is_confirmed_on_the_sheet(pages: Pages) -> None:
    document = pages.play.document("2026-9", "commendation")
    pages.play.bring("scoring", of=SECURITY)
    findings.claim(
        pages.play.uow,
        actor=pages.play.who(SECURITY),
        now=noon(4, 1),
        number=SECURITY,
        rule="A1.8",
        happened=dt.date(2026, 2, 3),
        document=document,
        units=None,
        reason="Named in the circular.",
    )
    browser = pages.browser(DIRECTOR)
    page = browser.get(f"/scoring/{GUARD_SHEET}")
    assert "claimed, not confirmed yet" in words_of(page)
    assert browser.send(page, f"/scoring/{GUARD_SHEET}/confirm-claim").status_code == 303
    assert "+ 10" in words_of(browser.get(f"/scoring/{GUARD_SHEET}"))


def test_those_without_anything_recorded_are_submitted_in_one_go_after_a_preview(pages: Pages) -> None:
    pages.play.deduct("C3.1", 4)
    for number in (CLERK, OFFICER):
        pages.play.bring("scoring", of=number)
    browser = pages.browser(PERSONNEL)
    assert "To score (2)" in words_of(browser.get("/scoring"))
    page = browser.get("/scoring/clear")
    said = words_of(page)
    assert "Person 1007 (1007)" in said
    assert "1008" not in said
    assert browser.send(page, "/scoring/clear").headers["location"] == "/scoring?submitted=1"
    assert "1 sheet is submitted." in words_of(browser.get("/scoring?submitted=1"))
    assert [pages.play.appraisal(number).stage for number in (CLERK, OFFICER)] == ["scoring", "review"]
    assert browser.send(page, "/scoring/clear").status_code == 422


def test_whose_sheet_changed_since_the_preview_is_not_submitted(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(PERSONNEL)
    page = browser.get("/scoring/clear")
    pages.play.deduct("C3.1", 4)
    assert browser.send(page, "/scoring/clear").status_code == 422
    assert pages.play.appraisal().stage == "scoring"


def test_a_sheet_that_was_submitted_is_read_and_not_written(pages: Pages) -> None:
    pages.play.bring("review")
    page = pages.browser(PERSONNEL).get(f"/scoring/{CLERK_SHEET}")
    assert page.status_code == 200
    assert "Record it" not in words_of(page)
    assert "Take back" in words_of(page)


def test_what_was_given_for_a_clause_before_stands_beside_the_slider(pages: Pages) -> None:
    findings.add(
        pages.play.uow,
        actor=pages.play.who(SECURITY),
        now=noon(4, 1),
        number=ESCORT,
        rule="E3.1",
        happened=dt.date(2026, 2, 3),
        amount=Fraction(7),
        reason="At the gate.",
    )
    pages.play.bring("scoring")
    said = words_of(pages.browser(PERSONNEL).get(f"/scoring/{CLERK_SHEET}"))
    assert "Nothing was given for this clause before." in said


def test_the_list_is_one_statement_and_the_session(pages: Pages) -> None:
    browser = pages.browser(PERSONNEL)
    counts = []
    for number in (CLERK, OFFICER):
        pages.play.bring("scoring", of=number)
        browser.get("/scoring")
        with sent(pages.play.uow.engine) as statements:
            assert browser.get("/scoring").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 8, counts


def pages_token(browser: Browser, page: Any) -> str:
    return next(fields["form-token"][0] for _, fields in browser.forms(page) if "form-token" in fields)


def test_a_sheet_of_whom_one_stands_in_for_is_marked_and_can_be_filled_in(pages: Pages) -> None:
    play = pages.play
    days = {"first": noon(4, 1).date(), "last": noon(4, 9).date()}
    delegations.delegate(play.uow, actor=play.who(PERSONNEL), now=noon(4, 1), number=SECURITY, **days)
    play.bring("scoring")
    browser = pages.browser(SECURITY)
    assert f"for Person {PERSONNEL} ({PERSONNEL}) until 2026-04-09" in words_of(browser.get("/scoring"))
    path = f"/scoring/{CLERK_SHEET}"
    values = {"happened": "2026-02-03", "amount": "4", "reason": "An empty log."}
    assert fill(browser, "record", **values).status_code == 303
    answer = browser.send(browser.get(path), f"{path}/submit", comment="For her.")
    assert answer.status_code == 303, words_of(answer)
    assert play.appraisal(CLERK).stage == "review"
    assert "for Person" not in words_of(pages.browser(PERSONNEL).get("/scoring"))
