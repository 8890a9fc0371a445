"""Recording: a document once, people linked after a preview, own checks, and the grid of inspections."""

from typing import Any

from services import recording
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, SECURITY, noon, site
from tests.services.counting import sent
from tests.web.browsing import Browser, Pages, words_of

GUARD, CLERICAL = f"{SECURITY}@deputy-security", f"{CLERK}@clerical"


def register(browser: Browser, **values: Any) -> Any:
    typed = {"kind": "circular", "number": "2026-14", "day": "2026-02-10", "issuer": "Superior bank", **values}
    return browser.send(browser.get("/record"), "/record/documents", **typed)


def linking(browser: Browser, code: str, **values: Any) -> Any:
    page = browser.get(f"/record/link?document={code}")
    fields = next(fields for to, fields in browser.forms(page) if to == "/record/link")
    return browser.post("/record/link", {**fields, **values})


def test_a_document_is_registered_once_by_who_may_and_accuses_nobody(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    answer = register(browser, title="Hazards <found>")
    assert answer.headers["location"] == "/record/link?document=D1"
    page = browser.get("/record")
    assert "Hazards &lt;found&gt;" in page.text
    assert "circular 2026-14" in words_of(page)
    assert "Nobody is linked, or nobody whom you may see." in words_of(browser.get("/record/link?document=D1"))
    again = register(browser)
    assert again.status_code == 409
    assert "is registered already, as D1; link that one." in words_of(again)
    assert 'value="2026-14"' in again.text


def test_a_day_that_cannot_be_read_is_told_beside_its_field(pages: Pages) -> None:
    answer = register(pages.browser(OFFICER), day="in February")
    assert answer.status_code == 422
    assert "is no day; write it like 2026-02-03." in words_of(answer)
    assert pages.play.rows("SELECT 1 FROM document") == []


def test_who_may_not_register_has_no_form_and_is_refused(pages: Pages) -> None:
    browser = pages.browser(ESCORT)
    page = browser.get("/record")
    assert "Register a document" not in words_of(page)
    token = next(fields["form-token"][0] for _, fields in browser.forms(page) if "form-token" in fields)
    values = {"form-token": token, "kind": "circular", "number": "1", "day": "2026-02-10", "issuer": "x"}
    assert browser.post("/record/documents", values).status_code == 403


def test_people_are_linked_after_a_preview_of_what_it_does_to_each(pages: Pages) -> None:
    code = pages.play.document("2026-3", "circular")
    browser = pages.browser(DIRECTOR)
    values = {f"rule-{GUARD}": "A1.7", "reason": "Two hazards in one round.", "happened": "2026-02-03"}
    page = linking(browser, code, **values)
    said = words_of(page)
    assert page.status_code == 200
    assert "Person 1005 (1005) A1.7 10 " in said
    assert "Who will be told: Person 1005 (1005)" in said
    assert pages.play.rows("SELECT 1 FROM finding") == []
    fields = next(fields for to, fields in browser.forms(page) if to == "/record/link")
    chosen = {f"rule-{GUARD}": "A1.7"}
    assert browser.post("/record/link", {**fields, **chosen, "again": "1"}).status_code == 200
    other_day = browser.post("/record/link", {**fields, **chosen, "happened": "2026-02-04"})
    assert other_day.status_code == 200, "what is confirmed is what was seen"
    assert pages.play.rows("SELECT 1 FROM finding") == []
    answer = browser.post("/record/link", {**fields, **chosen})
    assert answer.headers["location"] == f"/record/link?document={code}&done=1"
    assert len(pages.play.rows("SELECT 1 FROM finding")) == 1
    assert len(pages.play.rows("SELECT 1 FROM message WHERE kind = 'finding-recorded'")) == 1
    again = linking(browser, code, **values)
    assert "already deducted for this document: F1" in words_of(again)
    assert "F1 · A1.7" in words_of(again)


def test_one_who_is_refused_stops_the_whole_act_and_what_was_typed_is_kept(pages: Pages) -> None:
    code = pages.play.document("2026-3", "report")
    browser = pages.browser(DIRECTOR)
    answer = linking(
        browser,
        code,
        **{f"rule-{GUARD}": "A2.1", f"amount-{GUARD}": "9", "reason": "A late report.", "happened": "2026-02-03"},
    )
    assert answer.status_code == 403
    assert "A2.1 takes 3 to 5 points; 9 is outside." in words_of(answer)
    assert "A late report." in answer.text
    assert linking(browser, code, happened="2026-02-03").status_code == 422


def test_who_judges_nobody_sees_the_documents_of_findings_about_himself_alone(pages: Pages) -> None:
    pages.play.document("2026-3", "circular")
    mine = pages.play.document("2026-4", "inspection")
    browser = pages.browser(ESCORT)
    assert "There is no document yet that you may see." in words_of(browser.get("/record"))
    pages.play.deduct("E3.1", 7, of=ESCORT, document=mine)
    said = words_of(browser.get("/record"))
    assert mine in said
    assert "2026-3" not in said


def test_nobody_links_a_person_whom_he_does_not_score(pages: Pages) -> None:
    code = pages.play.document("2026-3", "circular")
    browser = pages.browser(PERSONNEL)
    page = browser.get(f"/record/link?document={code}")
    assert f"rule-{CLERICAL}" in page.text
    assert f"rule-{GUARD}" not in page.text
    answer = linking(browser, code, **{f"rule-{GUARD}": "A1.7", "happened": "2026-02-03"})
    assert answer.status_code == 422
    assert pages.play.rows("SELECT 1 FROM finding") == []


def test_an_own_check_is_recorded_without_a_document(pages: Pages) -> None:
    browser = pages.browser(PERSONNEL)
    page = browser.get("/record")
    values = {"clause": f"{CLERICAL}|C3.1", "happened": "2026-02-03", "amount": "4", "reason": "An empty log."}
    assert browser.send(page, "/record/check", **{**values, "clause": ""}).status_code == 422
    refused = browser.send(page, "/record/check", **{**values, "amount": "9"})
    assert refused.status_code == 403
    assert "An empty log." in refused.text
    assert browser.send(page, "/record/check", **values).headers["location"] == "/record?done=F1"
    assert "F1 is recorded; the person is told." in words_of(browser.get("/record?done=F1"))


def test_the_grid_shows_each_month_and_site_and_takes_what_was_done(pages: Pages) -> None:
    for code in ("north", "south"):
        site(pages.play.uow, code, closed_months='["2026-01"]' if code == "south" else "[]")
    browser = pages.browser(SECURITY)
    page = browser.get("/record/duties?on=2026-03-31")
    said = words_of(page)
    assert "north" in said
    assert "closed that month" in said
    fields = next(fields for to, fields in browser.forms(page) if to == "/record/duties")
    done = {**fields, "day": "2026-01-20", "site": ["north"], "evidence": "The log of the round."}
    answer = browser.post("/record/duties", done)
    assert answer.status_code == 303, words_of(answer)
    page = browser.get(answer.headers["location"])
    assert "It is recorded." in words_of(page)
    assert "✓" in page.text
    assert "100 %" in words_of(page)
    wrong = browser.post("/record/duties", {**fields, "day": "soon", "evidence": "Kept words."})
    assert wrong.status_code == 422
    assert "Kept words." in wrong.text


def test_without_sites_the_share_counts_in_percent(pages: Pages) -> None:
    browser = pages.browser(SECURITY)
    page = browser.get("/record/duties?on=2026-03-31")
    answer = browser.send(page, "/record/duties", day="2026-02-20", coverage="80", evidence="The log.")
    assert answer.status_code == 303, words_of(answer)
    assert "80 %" in words_of(browser.get(answer.headers["location"]))


def test_who_may_see_the_facts_of_an_appraisal_sees_its_grid_and_writes_nothing_there(pages: Pages) -> None:
    site(pages.play.uow, "north")
    pages.play.inspect(SECURITY, 2, sites=("north",))
    for number in (SECURITY, DIRECTOR, OFFICER):
        page = pages.browser(number).get(f"/duties/2026Q1/{SECURITY}")
        assert f"Scheduled duties of {GUARD}" in words_of(page)
        assert "north ○ not done ✓ done ○ not done" in words_of(page)
        assert "Record it" not in words_of(page)
    assert pages.browser(CLERK).get(f"/duties/2026Q1/{SECURITY}").status_code == 404


def test_whose_post_has_no_duties_is_told_so(pages: Pages) -> None:
    assert "has no scheduled duties" in words_of(pages.browser(ESCORT).get("/record/duties"))
    assert "This is no day" in words_of(pages.browser(ESCORT).get("/record/duties?on=tomorrow"))


def test_a_long_list_of_documents_takes_eight_statements_at_most(pages: Pages) -> None:
    browser = pages.browser(PERSONNEL)
    counts = []
    for many in (1, 55):
        for place in range(many):
            pages.play.document(f"{many}-{place}", "circular")
        browser.get("/record")
        with sent(pages.play.uow.engine) as statements:
            page = browser.get("/record")
        assert page.status_code == 200
        counts.append(len(statements))
    assert "Older documents" in words_of(page)
    assert counts[0] == counts[1], counts
    with sent(pages.play.uow.engine) as statements:
        recording.desk(pages.play.uow, actor=pages.play.who(PERSONNEL), now=noon(4, 1))
    assert len(statements) <= 8, statements
