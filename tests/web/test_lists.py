"""The lists beside the work: flows, the auditor's, the operator's, and an appraisal on paper."""

import json

from sqlalchemy import text

from catalog.shelf import workflow_text
from config.settings import load_settings
from models.columns import table_of
from models.outbox import Failure
from services import audit_lists, flow_view
from services.extensions import Cohort, extend
from services.outbox_messages import sending_paused
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, noon
from tests.services.closing import vouch
from tests.services.counting import sent
from tests.web.browsing import Pages, words_of
from tests.web.conftest import served
from web.pages.flows import arrows
from web.pages.operating import settings_in_force


def test_a_flow_is_drawn_from_its_definition_and_every_proof_is_said(pages: Pages) -> None:
    page = pages.browser(ESCORT).get("/flows/quarterly")
    said = words_of(page)
    assert "Every proof holds" in said
    assert "stateDiagram" in page.text
    shown = flow_view.flow(pages.play.uow, name="quarterly")
    drawn = arrows(shown.lifecycle, "en")
    pairs = {(move.from_stage, move.to_stage) for move in shown.lifecycle.moves if move.from_stage != move.to_stage}
    order = [stage.id for stage in shown.lifecycle.stages]
    assert {(order[one.first], order[one.last]) for one in drawn} == pairs
    assert page.text.count('class="arrow"') == len(pairs)
    assert len({one.path for one in drawn}) == len(drawn)


def test_a_flow_is_published_from_a_file_and_a_faulty_one_is_not(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    page = browser.get("/flows/quarterly")
    token = next(form["form-token"][0] for _, form in browser.forms(page) if "form-token" in form)
    path, other = "/flows/quarterly/publish", workflow_text("quarterly").replace("days = 3", "days = 4", 1)
    data = {"form-token": token, "act": "file"}
    answer = browser.client.post(path, data=data, files={"file": ("flow.toml", other.encode())})
    assert answer.headers["location"] == "/flows/quarterly?version=2"
    for wrong in (b"\xff\xfe", b"not = a flow", b"[[["):
        answer = browser.client.post(path, data=data, files={"file": ("flow.toml", wrong)})
        assert answer.status_code in {403, 422}, wrong
    assert browser.post(path, data).status_code == 422


def test_an_auditor_sees_departures_powers_and_denials_in_few_statements(pages: Pages) -> None:
    play = pages.play
    hr = play.office.actor(OFFICER)
    until = noon(5, 20).date()
    extend(play.uow, actor=hr, now=noon(4, 1), cycle=QUARTER, cohort=Cohort([CLERK]), until=until, reason="An audit.")
    pages.browser().log_in("9999", "no such person at all")
    browser = pages.browser(PRESIDENT)
    assert "extended" in words_of(browser.get("/audit"))
    assert "An audit." not in browser.get("/audit").text
    powers = words_of(browser.get("/audit?what=powers"))
    assert f"Person {OFFICER} ({OFFICER}) HR officer Whole organisation" in powers
    assert "login-denied" in words_of(browser.get("/audit?what=denied"))
    assert browser.get("/audit?what=taken").status_code == 200
    asked = {"viewer": play.office.actor(PRESIDENT), "now": noon(4, 1)}
    with sent(play.uow.engine) as statements:
        audit_lists.events(play.uow, **asked, what="exceptions")
    assert len(statements) <= 4, statements
    for number in (ESCORT, OFFICER):
        assert pages.browser(number).get("/audit").status_code == 404


def test_lists_of_events_go_on_page_by_page(pages: Pages) -> None:
    play = pages.play
    for _ in range(60):
        pages.browser().log_in("9999", "no such person at all")
        with play.uow.write() as tx:
            tx.run(text("DELETE FROM login_attempt"))
    asked = {"viewer": play.office.actor(PRESIDENT), "now": noon(4, 1), "what": "denied"}
    first = audit_lists.events(play.uow, **asked)
    assert len(first.entries) == 50
    second = audit_lists.events(play.uow, **asked, before=first.before)
    assert {(one.chain, one.seq) for one in first.entries}.isdisjoint({(one.chain, one.seq) for one in second.entries})
    assert len(second.entries) >= 10


def test_everything_is_verified_and_a_change_behind_its_back_is_named(pages: Pages) -> None:
    vouch(pages.play.uow)
    browser = pages.browser(PRESIDENT)
    page = browser.get("/audit")
    assert "are as they were written" in words_of(browser.send(page, "/audit/verify", act="verify"))
    with pages.play.uow.write() as tx:
        tx.run(text("UPDATE person SET joined = :day WHERE number = :number"), {"day": "2019-01-01", "number": CLERK})
    said = words_of(browser.send(page, "/audit/verify", act="verify"))
    assert "fault" in said
    assert "are as they were written" not in said


def test_a_checkpoint_is_a_file_to_take_along(pages: Pages, tmp_path: object) -> None:
    there = served(pages.play, data_dir=str(tmp_path))
    browser = there.browser(PRESIDENT)
    answer = browser.send(browser.get("/audit"), "/audit/checkpoint", act="checkpoint")
    assert answer.status_code == 200
    assert json.loads(answer.content)["statement"]["streams"] > 0
    assert "The last one:" in words_of(browser.get("/audit"))
    assert browser.send(browser.get("/audit"), "/audit/checkpoint").status_code == 422


def test_a_chain_is_laid_open_and_what_is_none_is_said(pages: Pages) -> None:
    pages.play.bring("review")
    browser = pages.browser(PRESIDENT)
    assert "submit" in words_of(browser.get(f"/audit/chain?name={QUARTER}/{CLERK}"))
    assert "opened" in words_of(browser.get(f"/audit/chain?name=cycle:{QUARTER}"))
    for wrong in ("nothing", "cycle:1999", "ledger:99999999"):
        assert browser.get(f"/audit/chain?name={wrong}").status_code == 200


def test_the_operator_sees_what_failed_and_settles_it(pages: Pages) -> None:
    play = pages.play
    with play.uow.write() as tx:
        row = {"source": "job", "source_id": 1, "code": "it-broke", "details": "{}", "at": noon(4, 1)}
        tx.insert(table_of(Failure), row | {"resolved_at": None})
    browser = pages.browser(OFFICER)
    page = browser.get("/failures")
    assert "it-broke" in words_of(page)
    without = browser.send(page, "/operations/failure", act="resolve")
    assert without.status_code == 422
    done = browser.send(page, "/operations/failure", act="resolve", reason="By hand.")
    assert done.status_code == 303, words_of(done)
    assert "Nothing failed." in words_of(browser.get("/operations"))
    assert browser.send(browser.get("/operations"), "/logout").status_code == 303


def test_the_operator_lets_no_mail_leave_and_again_lets_them(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    for act, paused in (("pause", True), ("resume", False)):
        done = browser.send(browser.get("/operations"), "/operations/sending", act=act)
        assert done.status_code == 303
        with pages.play.uow.read() as tx:
            assert sending_paused(tx) is paused
    assert browser.send(browser.get("/operations"), "/operations/sending").status_code == 422


def test_settings_in_force_hold_no_secret() -> None:
    rows = settings_in_force(load_settings({"database_url": "postgresql://appraise:open-sesame@db/appraise"}))
    said = str(rows)
    assert "open-sesame" not in said
    assert ("APPRAISE_DATABASE_URL", "•••") in {(name, value) for name, value, _ in rows}


def test_an_appraisal_on_paper_has_signatures_rounds_and_the_check_number(pages: Pages) -> None:
    pages.play.bring("signoff")
    browser = pages.browser(CLERK)
    page = browser.get(f"/appraisals/{QUARTER}/{CLERK}/print")
    said = words_of(page)
    assert "Total: 100" in said
    assert "round 1" in said
    assert said.count("Signature and day") == 3
    (row,) = pages.play.rows(
        "SELECT mac FROM move WHERE appraisal_id = :id ORDER BY seq DESC LIMIT 1", id=pages.play.appraisal().id
    )
    assert row.mac in page.text
    assert pages.browser(ESCORT).get(f"/appraisals/{QUARTER}/{CLERK}/print").status_code == 404


def test_paper_shows_no_judgement_before_the_release(pages: Pages) -> None:
    pages.play.bring("scoring")
    pages.play.deduct("C3.1", 4)
    pages.play.act(PERSONNEL, "submit")
    said = words_of(pages.browser(CLERK).get(f"/appraisals/{QUARTER}/{CLERK}/print"))
    assert "No score is released yet." in said
    assert "96" not in said
    assert "Total: 96" in words_of(pages.browser(DIRECTOR).get(f"/appraisals/{QUARTER}/{CLERK}/print"))
