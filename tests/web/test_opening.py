"""Before opening: a cycle is planned, looked at and opened on its pages; people come from a file of anybody's."""

import io

import pytest
from openpyxl import Workbook

from services import opening_view
from tests.services.builders import CLERK, ESCORT, OFFICER, RUBRIC, SECURITY, noon
from tests.services.counting import sent
from tests.web.browsing import Browser, Pages, words_of

NEXT = "2026Q2"
PATH = f"/cycles/{NEXT}/opening"


def planned(pages: Pages) -> Browser:
    browser = pages.browser(OFFICER)
    answer = browser.send(browser.get("/cycles/new"), "/cycles/new", code=NEXT, rubric=RUBRIC, workflow="quarterly")
    assert answer.headers["location"] == PATH, words_of(answer)
    return browser


def test_a_cycle_is_planned_looked_at_and_opened(pages: Pages) -> None:
    browser = planned(pages)
    page = browser.get(PATH)
    assert "The check of the rules" in words_of(page)
    assert "Nobody's roles are drawn up yet." in page.text.replace("&#39;", "'")
    looked = browser.send(page, PATH, act="look")
    said = words_of(looked)
    assert looked.status_code == 200
    assert "6 people will be told" in said
    assert f"Person {CLERK} ({CLERK}) clerical Person 1006 (1006) Person 1004 (1004) Person 1002 (1002)" in said
    assert "The letter to staff" in said
    opened = browser.send(looked, PATH, act="open")
    assert opened.headers["location"] == f"/cycles/{NEXT}", words_of(opened)
    assert pages.play.rows("SELECT state FROM cycle WHERE code = :code", code=NEXT)[0].state == "open"
    assert browser.send(looked, PATH, act="open").status_code == 403


def test_somebody_is_left_out_with_a_reason_that_stays_in_the_form(pages: Pages) -> None:
    browser = planned(pages)
    looked = browser.send(browser.get(PATH), PATH, act="look", out_number=ESCORT, out_reason="On loan.")
    assert f"Left out: {ESCORT}, because: On loan." in words_of(looked)
    assert "5 people will be told" in words_of(looked)
    assert browser.send(looked, PATH, act="open").status_code == 303
    rows = pages.play.rows(
        "SELECT roster.status FROM roster JOIN person ON person.id = roster.person_id JOIN cycle ON"
        " cycle.id = roster.cycle_id WHERE cycle.code = :code AND person.number = :number",
        code=NEXT,
        number=ESCORT,
    )
    assert [row.status for row in rows] == ["left-out"]


def test_nobody_leaves_himself_out(pages: Pages) -> None:
    browser = planned(pages)
    answer = browser.send(browser.get(PATH), PATH, act="look", out_number=OFFICER, out_reason="Busy.")
    assert answer.status_code == 403
    assert "Nobody may leave himself" in words_of(answer)


def test_what_was_typed_stays_when_a_cycle_cannot_be_planned(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    answer = browser.send(browser.get("/cycles/new"), "/cycles/new", code="next quarter", rubric=RUBRIC)
    assert answer.status_code == 422
    assert 'value="next quarter"' in answer.text
    assert browser.send(browser.get("/cycles/new"), "/cycles/new", code="").status_code == 422


def test_a_planned_cycle_is_cancelled_with_a_reason(pages: Pages) -> None:
    browser = planned(pages)
    page = browser.get(PATH)
    action, fields = next(form for form in browser.forms(page) if "reason" in form[1])
    assert browser.post(action, {**fields, "act": "cancel"}).status_code in {403, 422}
    assert browser.post(action, {**fields, "act": "cancel", "reason": "The wrong rules."}).status_code == 303


def test_the_page_takes_few_statements(pages: Pages) -> None:
    planned(pages)
    asked = {"actor": pages.play.office.actor(OFFICER), "now": noon(4, 1), "cycle": NEXT}
    with sent(pages.play.uow.engine) as statements:
        opening_view.opening(pages.play.uow, **asked)
    assert len(statements) <= 8, statements


def upload(browser: Browser, data: bytes, name: str = "people.csv") -> tuple[int, str]:
    token = browser.forms(browser.get("/organisation"))[-1][1]["form-token"][0]
    answer = browser.client.post("/organisation", data={"form-token": token}, files={"file": (name, data)})
    browser.last = answer
    return answer.status_code, words_of(answer)


def sent_on(browser: Browser, **values: str) -> tuple[int, str, str]:
    assert browser.last is not None
    action, fields = browser.forms(browser.last)[-1]
    answer = browser.client.post(action, data={**fields, **values})
    browser.last = answer
    return answer.status_code, words_of(answer), answer.headers.get("location", "")


def test_a_file_is_previewed_and_then_written_whole(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    status, said = upload(browser, "工号,姓名,岗位,部门,自\n2001,王小明,clerical,office,2026-01-01\n".encode("gb18030"))
    assert status == 200
    assert "new people 2001" in said
    assert pages.play.rows("SELECT 1 FROM person WHERE number = '2001'") == []
    status, said, location = sent_on(browser, act="import")
    assert (status, location) == (303, "/organisation?done=imported&n=2"), said
    assert pages.play.rows("SELECT initials FROM person WHERE number = '2001'")[0].initials == "wxm"


def test_columns_with_names_of_their_own_are_matched_by_hand(pages: Pages) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["Staff ID", "Who", "Job", "Dept", "Since"])
    sheet.append(["2002", "Ann Lee", "clerical", "office", "2026-01-01"])
    data = io.BytesIO()
    book.save(data)
    browser = pages.browser(OFFICER)
    status, said = upload(browser, data.getvalue(), "staff.xlsx")
    assert status == 200
    assert "Which column is which" in said
    columns = {"Staff ID": "number", "Who": "name", "Job": "post", "Dept": "unit", "Since": "from"}
    matched = {f"column:{title}": column for title, column in columns.items()}
    status, said, _ = sent_on(browser, act="look", **matched)
    assert "new people 2002" in said, said
    status, said, _ = sent_on(browser, act="import")
    assert status == 303, said
    assert pages.play.rows("SELECT name FROM person WHERE number = '2002'")[0].name == "Ann Lee"


def test_a_file_with_bad_rows_names_each_and_writes_nothing(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    status, said = upload(browser, b"number,name,post,unit,from\n2001,Ann,nothing,office,2026-01-01\n2002,,x,y,soon\n")
    assert status == 200
    assert "Error" in said
    assert sent_on(browser, act="import")[0] == 422
    assert pages.play.rows("SELECT 1 FROM person WHERE number = '2001'") == []


def test_a_preview_that_is_out_of_date_is_not_written(pages: Pages) -> None:
    first, second = pages.browser(OFFICER), pages.browser(OFFICER)
    data = b"number,name,post,unit,from\n2001,Ann,clerical,office,2026-01-01\n"
    upload(first, data)
    upload(second, data.replace(b"Ann", b"Anne"))
    assert sent_on(second, act="import")[0] == 303
    assert sent_on(first, act="import")[0] == 409


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"MZ this is a program"])
def test_what_is_no_spreadsheet_is_said_to_be_none(pages: Pages, data: bytes) -> None:
    status, said = upload(pages.browser(OFFICER), data)
    assert status in {200, 422}
    assert "Import all of this" not in said or "Error" in said


def test_a_damaged_or_swollen_preview_is_refused(pages: Pages) -> None:
    import base64
    import zlib

    browser = pages.browser(OFFICER)
    upload(browser, b"number,name,post,unit,from\n2001,Ann,clerical,office,2026-01-01\n")
    assert sent_on(browser, act="import", data="not base64 !")[0] == 422
    swollen = base64.b64encode(zlib.compress(b"0" * 50_000_000)).decode()
    upload(browser, b"number,name,post,unit,from\n2001,Ann,clerical,office,2026-01-01\n")
    assert sent_on(browser, act="import", data=swollen)[0] == 413


def test_the_empty_spreadsheet_is_there(pages: Pages) -> None:
    answer = pages.browser(OFFICER).get("/organisation/template")
    assert answer.content[:2] == b"PK"
    assert pages.browser(SECURITY).get("/organisation/template").status_code == 404
