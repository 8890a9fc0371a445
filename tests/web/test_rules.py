"""The rules as a table: read by everybody, completed by HR on the page, as a spreadsheet out and in, and published."""

import io
import tomllib

import pytest
from openpyxl import load_workbook

from catalog.shelf import Kind, names, rubric_text, workflow_text
from scoring.difference import difference
from scoring.rubric import load_rubric
from scoring.toml_writing import to_toml
from services.rubric_drafts import checked
from services.rubric_sheet import sheet, with_sheet
from tests.services.builders import CLERK, ESCORT, OFFICER, RUBRIC, SECURITY, noon
from tests.services.closing import close_all, finalise
from tests.web.browsing import Browser, Pages, words_of

FAITHFUL = "bank-office"
EDIT = f"/rules/{FAITHFUL}/edit"
MISSING = {
    "P2": ("Technical and veteran cadres", "技术干部和老干部", "15"),
    "P3": ("Salaries and files", "工资与档案", "15"),
    "P4": ("Reports on personnel", "人事报表", "15"),
    "P5": ("Material for departments", "各部门材料", "15"),
}


@pytest.mark.parametrize("name", [*names(Kind.RUBRIC)])
def test_what_is_written_back_parses_to_the_same(name: str) -> None:
    tree = tomllib.loads(rubric_text(name))
    assert tomllib.loads(to_toml(tree)) == tree
    assert load_rubric(to_toml(tree), where=name).digest == load_rubric(rubric_text(name), where=name).digest


def test_texts_of_every_kind_are_written_back() -> None:
    tree = {"a": 'x"\\\n\x7f\t中', "b": {"c": [1, True, "z"], "d e": "q"}, "l": [{"m": [{"n": 1}]}, {}], "none": []}
    assert tomllib.loads(to_toml(tree)) == tree
    flow = tomllib.loads(workflow_text("quarterly"))
    assert tomllib.loads(to_toml(flow)) == flow


@pytest.mark.parametrize("name", [*names(Kind.RUBRIC)])
def test_a_spreadsheet_out_and_in_changes_nothing(name: str) -> None:
    before = load_rubric(rubric_text(name), where=name)
    after = load_rubric(with_sheet(rubric_text(name), sheet(before), where="rules.xlsx"), where=name)
    assert difference(before, after) == ()


def test_a_formula_in_a_trigger_is_no_formula_in_the_spreadsheet() -> None:
    text = rubric_text(RUBRIC).replace("A work error in wages", "=1+1 in wages")
    cells = {
        cell.value for row in load_workbook(io.BytesIO(sheet(load_rubric(text, where="x")))).active for cell in row
    }
    assert any(str(cell).startswith("'=1+1") for cell in cells)
    after = with_sheet(text, sheet(load_rubric(text, where="x")), where="rules.xlsx")
    assert "=1+1 in wages" in after
    assert "'=1+1" not in after


def test_everybody_reads_the_rules_with_their_lines_and_the_check_beside(pages: Pages) -> None:
    browser = pages.browser(ESCORT)
    said = words_of(browser.get(f"/rules/{RUBRIC}"))
    assert "P1.1" in said
    assert "Wages and labour insurance" in said
    assert "Change or publish" not in said
    said = words_of(browser.get(f"/rules/{FAITHFUL}"))
    assert "Not published yet: this is what ships." in said
    assert "the items of personnel-officer add up to 40 of 100 points." in said
    assert browser.get(EDIT).status_code == 404
    assert browser.get("/rules/nothing").status_code == 404


def completed(browser: Browser) -> dict[str, object]:
    """Fill the four missing items of the personnel officer into the form, as somebody types them."""
    page = browser.get(f"{EDIT}?post=personnel-officer")
    for number, (item, (english, chinese, points)) in enumerate(MISSING.items(), start=1):
        action, fields = next(form for form in browser.forms(page) if form[0] == EDIT)
        fields |= {
            f"item-{number}": [item],
            f"points-{number}": [points],
            f"item-en-{number}": [english],
            f"item-zh-{number}": [chinese],
            f"responsibilities-{number}": [f"personnel-officer-{number + 1}"],
            f"rule-{number}-0": [f"{item}.1"],
            f"kind-{number}-0": ["range"],
            f"min-{number}-0": ["3"],
            f"max-{number}-0": ["5"],
            f"recurrence-{number}-0": ["each"],
            f"trigger-en-{number}-0": ["A work error."],
            f"trigger-zh-{number}-0": ["工作出现失误。"],
            f"clause-{number}-0": ["3-5 points are deducted for each work error."],
        }
        page = browser.post(action, {**fields, "act": "look"})
        assert page.status_code == 200, words_of(page)
    return next(form[1] for form in browser.forms(page) if form[0] == EDIT)


def test_hr_completes_the_four_missing_items_and_opens_the_cycle_without_a_file(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    fields = completed(browser)
    assert browser.last is not None
    said = words_of(browser.last)
    assert "the items of personnel-officer add up to" not in said
    assert "personnel-officer P5 points – 15" in said
    adopted = {"adopted": "2026-03-10", "announced": "2026-03-20", "consulted": "The staff.", "document": "No. 4"}
    answer = browser.post(EDIT, {**fields, **adopted, "act": "publish"})
    assert answer.headers["location"] == f"/rules/{FAITHFUL}?version=1&done=published", words_of(answer)
    assert "P5" in words_of(browser.get(answer.headers["location"]))
    browser.send(browser.get("/cycles/new"), "/cycles/new", code="2026Q2", rubric=FAITHFUL, workflow="quarterly")
    path = "/cycles/2026Q2/opening"
    looked = browser.send(browser.get(path), path, act="look")
    assert "post personnel-officer is incomplete" not in words_of(looked)
    reasons = {f"leave-out:{number}": "No items yet." for number in (CLERK, ESCORT)}
    action, shown = next(form for form in browser.forms(looked) if form[0] == path)
    looked = browser.post(action, {**shown, **reasons, "act": "look"})
    action, shown = next(form for form in browser.forms(looked) if form[0] == path)
    opened = browser.post(action, {**shown, "act": "open"})
    assert opened.status_code == 303, words_of(opened)
    rows = pages.play.rows("SELECT state FROM cycle WHERE code = '2026Q2'")
    assert [row.state for row in rows] == ["open"]


def test_what_cannot_be_is_said_beside_and_stays_as_typed(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    page = browser.get(f"{EDIT}?post=personnel-officer")
    action, fields = next(form for form in browser.forms(page) if form[0] == EDIT)
    answer = browser.post(action, {**fields, "points-0": "many", "item-line-0": "x", "adopted": "soon", "act": "look"})
    assert answer.status_code == 200
    assert 'value="many"' in answer.text
    assert "Error" in words_of(answer)
    refused = browser.post(
        action, {**next(form[1] for form in browser.forms(answer) if form[0] == EDIT), "act": "publish"}
    )
    assert refused.status_code in {403, 422}
    assert 'value="many"' in refused.text


@pytest.mark.parametrize("draft", ["not base64 !", "AAAA"])
def test_a_damaged_draft_is_refused(pages: Pages, draft: str) -> None:
    browser = pages.browser(OFFICER)
    answer = browser.send(browser.get(EDIT), EDIT, draft=draft, act="look")
    assert answer.status_code == 422


def test_a_spreadsheet_is_read_into_the_draft_and_given_back(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    page = browser.get(EDIT)
    _, fields = next(form for form in browser.forms(page) if form[0] == EDIT)
    given = browser.post(EDIT, {**fields, "act": "sheet"})
    assert given.content[:2] == b"PK"
    book = load_workbook(io.BytesIO(given.content))
    book.active["E2"] = "12"
    out = io.BytesIO()
    book.save(out)
    sent = {**fields, "act": "read"}
    answer = browser.client.post(EDIT, data=sent, files={"file": ("rules.xlsx", out.getvalue())})
    assert answer.status_code == 200, words_of(answer)
    assert "director D1 points 10 12" in words_of(answer)
    none = browser.client.post(EDIT, data=sent, files={"file": ("rules.xlsx", b"\x00\x01")})
    assert none.status_code == 422


def test_the_effect_on_the_last_period_is_counted_and_names_nobody(pages: Pages) -> None:
    close_all(pages.play.uow, pages.play.office)
    finalise(pages.play.uow, pages.play.office)
    pages.clock.set(noon(4, 12))
    browser = pages.browser(OFFICER)
    edit = f"/rules/{RUBRIC}/edit"
    page = browser.get(edit)
    action, fields = next(form for form in browser.forms(page) if form[0] == edit)
    answer = browser.post(action, {**fields, "points-0": "20", "act": "effect"})
    said = words_of(answer)
    assert "2026Q1: 4 the same, 1 higher, 0 lower, 0 cannot be scored" in said
    assert f"({SECURITY})" not in said.partition("What would it have made")[2]


def test_a_draft_knows_the_difference_between_wrong_and_odd() -> None:
    assert checked(rubric_text(FAITHFUL), name="x").sound
    broken = checked(rubric_text(FAITHFUL).replace('points = "40"', 'points = "forty"', 1), name="x")
    assert broken.rubric is None
    assert not broken.sound
    assert broken.problems
