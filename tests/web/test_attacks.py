"""Attacks on who may do what: self-approval by any road, fields nobody asked for, things of others, stale links."""

from typing import Any

import pytest

from services import accounts, people
from services.actors import SYSTEM
from services.errors import AppraiseError
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, SECURITY, noon
from tests.services.playing import APPROVED
from tests.web.browsing import Pages, words_of
from tests.web.canaries import ROLES, planted
from tests.web.programs import Program

pytestmark = pytest.mark.whole
OWN = f"/appraisals/{QUARTER}/{CLERK}"
PAGE = f"{OWN}@clerical"


@pytest.mark.parametrize("action", ["submit", "approve", "return", "decide", "finalise", "exclude"])
def test_nobody_judges_himself_by_page_api_or_batch(pages: Pages, action: str) -> None:
    pages.play.bring("review")
    program, browser = Program(pages, CLERK), pages.browser(CLERK)
    before = pages.play.appraisal()
    body = {"action": action, "comment": "I deserve it."}
    assert program.post(f"{OWN}/moves", body).status_code in {403, 422}
    batch = program.post("/moves", {"action": action, "appraisals": [f"{QUARTER}/{CLERK}"]})
    assert batch.status_code == 422 or [row["moved"] for row in batch.json()["items"]] == [None]
    token = browser.forms(browser.get("/"))[-1][1]["form-token"][0]
    assert browser.post(f"{PAGE}/{action}", {"form-token": token, "comment": "x"}).status_code in {403, 409, 422}
    assert pages.play.appraisal() == before


@pytest.mark.parametrize("giver", [CLERK, OFFICER, PRESIDENT, DIRECTOR])
def test_nobody_gets_his_own_review_handed_over(pages: Pages, giver: str) -> None:
    pages.play.bring("review")
    item = f"W{pages.play.item().id}"
    answer = Program(pages, giver).post(f"/work-items/{item}/reassignments", {"number": CLERK, "reason": "Quick."})
    assert answer.status_code == 403, answer.text
    assert pages.play.item().holder_id == pages.play.office.people[DIRECTOR]


def test_who_runs_the_cycle_gives_himself_neither_a_part_nor_a_power(pages: Pages) -> None:
    pages.play.bring("review", of=ESCORT)
    item = f"W{pages.play.item(ESCORT).id}"
    for giver in (OFFICER, PRESIDENT):
        answer = Program(pages, giver).post(f"/work-items/{item}/reassignments", {"number": giver, "reason": "Mine."})
        assert answer.status_code == 403
    with pytest.raises(AppraiseError):
        people.grant(
            pages.play.uow,
            actor=pages.play.who(OFFICER),
            now=noon(4, 1),
            number=OFFICER,
            role="approver",
            first=noon(4, 1).date(),
        )


@pytest.mark.parametrize(
    "more",
    [
        {"actor": PRESIDENT},
        {"person_id": 1},
        {"on_behalf_of": DIRECTOR},
        {"to_stage": "closed"},
        {"total": "100"},
        {"version": 9},
        {"words": {"why": {"clock": True}}},
        {"__class__": "x"},
    ],
)
def test_fields_that_nobody_asked_for_are_refused_by_the_api_and_count_for_nothing_on_a_page(
    pages: Pages, more: dict[str, Any]
) -> None:
    program, browser = Program(pages, CLERK), pages.browser(CLERK)
    answer = program.post(f"{OWN}/moves", {"action": "state", "comment": "Mine.", **more})
    assert (answer.status_code, pages.play.moves()) == (422, [])
    page = browser.get(OWN)
    fields = dict(browser.forms(page))[f"{PAGE}/state"] | {"comment": "Mine."}
    others = {name: str(value) for name, value in more.items() if name != "version"}
    assert browser.post(f"{PAGE}/state", fields | others).status_code == 303
    (move,) = pages.play.moves()
    me = pages.play.office.people[CLERK]
    assert (move.actor_id, move.on_behalf_of, move.to_stage, move.role) == (me, None, "scoring", "appraisee")


@pytest.mark.parametrize("trick", ["?as=1001", "?number=1001&actor=1001", "?viewer=1"])
def test_an_address_says_nothing_of_who_asks(pages: Pages, trick: str) -> None:
    pages.play.bring("review")
    program = Program(pages, ESCORT)
    assert program.get(f"{OWN}{trick}").status_code == 404
    headers = {"X-User": PRESIDENT, "X-Forwarded-User": PRESIDENT, "X-Original-URL": "/api/v1/me"}
    assert program.get("/me", **headers).json()["number"] == ESCORT
    assert pages.browser(ESCORT).get(f"{OWN}{trick}").status_code == 404


def test_things_of_others_are_not_there_by_number_and_by_guess(pages: Pages) -> None:
    known = planted(pages.play)
    stranger, browser = Program(pages, ESCORT), pages.browser(ESCORT)
    for path in (OWN, f"{OWN}/findings", f"{OWN}/audit", f"{OWN}/explanation", f"/findings/{known['other']}"):
        there = stranger.get(path)
        nowhere = stranger.get(path.replace(CLERK, "9999").replace(known["other"], "F9999"))
        assert (there.status_code, nowhere.status_code) == (404, 404), path
        assert there.json()["title"] == nowhere.json()["title"]
    assert stranger.get(f"/documents/{known['document']}").status_code == 404
    for path in (OWN, f"{OWN}/state", f"{PAGE}/approve"):
        assert browser.get(path).status_code in {404, 405}
    for path in (f"{OWN}/moves", f"/findings/{known['other']}/void", f"/findings/{known['other']}/replies"):
        body = {"/moves": {"action": "approve"}, "/void": {"reason": "x"}}.get(f"/{path.split('/')[-1]}", {"text": "x"})
        assert stranger.post(path, body).status_code == 404, path


@pytest.mark.parametrize("role", ["employee", "stranger"])
def test_before_the_release_no_page_and_no_error_holds_a_judgement(pages: Pages, role: str) -> None:
    planted(pages.play)
    who = ROLES[role]
    browser = pages.browser(who.number)
    paths = ["/", f"/appraisals/{QUARTER}/{ESCORT}", OWN, f"/appraisals/{QUARTER}/{DIRECTOR}", "/nowhere"]
    said = "".join(browser.get(path).text for path in paths)
    token = browser.forms(browser.get("/"))[-1][1]["form-token"][0]
    for action in ("accept", "object", "approve", "state"):
        path = f"/appraisals/{QUARTER}/{ESCORT}@escort/{action}"
        said += browser.post(path, {"form-token": token, "comment": "x", "version": "1"}).text
    program = Program(pages, who.number)
    for action in ("accept", "object", "approve"):
        body = {"action": action, "comment": "x", "lines": {"F1": "strike", "F2": None}}
        said += program.post(f"/appraisals/{QUARTER}/{ESCORT}/moves", body).text
    shown = [canary for canary in who.never if canary.startswith("canary") and canary in said]
    assert shown == []
    assert "Total" not in said


def test_denied_attempts_stand_in_the_audit_with_who_and_what(pages: Pages) -> None:
    planted(pages.play)
    before = len(pages.play.refusals())
    program, browser = Program(pages, ESCORT), pages.browser(ESCORT)
    program.get(OWN)
    program.get("/findings/F2")
    program.get("/documents/D1")
    program.get(f"/cycles/{QUARTER}/status")
    program.get("/audit/streams/org")
    program.post(f"{OWN}/moves", {"action": "approve"})
    browser.get(OWN)
    told = [(kind, payload["code"]) for kind, payload in pages.play.refusals()[before:]]
    assert told == [
        ("appraisal.course", "unknown-appraisal"),
        ("finding.show", "unknown-finding"),
        ("document.show", "unknown-document"),
        ("route", "unknown-page"),
        ("route", "unknown-page"),
        ("appraisal.act", "unknown-appraisal"),
        ("appraisal.show", "unknown-appraisal"),
    ]
    rows = pages.play.rows("SELECT actor_id FROM event WHERE stream = 'refusals' ORDER BY seq DESC LIMIT 7")
    assert {row.actor_id for row in rows} == {pages.play.office.people[ESCORT]}


def test_the_look_of_a_judge_on_a_page_is_written_down_and_ones_own_is_not(pages: Pages) -> None:
    pages.play.bring("signoff")
    pages.browser(CLERK).get(OWN)
    assert pages.play.rows("SELECT 1 FROM view_log") == []
    browser = pages.browser(DIRECTOR)
    browser.get(OWN)
    browser.get(OWN)
    (row,) = pages.play.rows("SELECT viewer_id, kind, object_id FROM view_log")
    people_ = pages.play.office.people
    assert (row.viewer_id, row.kind, row.object_id) == (people_[DIRECTOR], "appraisal", pages.play.appraisal().id)


def test_a_link_of_an_old_mail_leads_whoever_gave_the_work_away_to_no_act(pages: Pages) -> None:
    pages.play.bring("scoring")
    old = pages.browser(PERSONNEL)
    page = old.get(OWN)
    item = f"W{pages.play.item().id}"
    given = Program(pages, PRESIDENT).post(f"/work-items/{item}/reassignments", {"number": SECURITY, "reason": "Away."})
    assert given.status_code == 200, given.text
    again = old.get(OWN)
    assert again.status_code == 200
    assert f"{PAGE}/submit" not in dict(old.forms(again))
    answer = old.send(page, f"{PAGE}/submit", comment="Long thought about.")
    assert answer.status_code in {403, 404, 409}
    assert words_of(answer).count(".") > 0
    assert pages.play.appraisal().stage == "scoring"
    new = pages.browser(SECURITY)
    assert f"{PAGE}/submit" in dict(new.forms(new.get(OWN)))


def test_a_double_click_and_a_stale_form_of_a_program_act_once(pages: Pages) -> None:
    judge = Program(pages, PERSONNEL)
    tag = judge.get(OWN).headers["etag"]
    statuses = [judge.post(f"{OWN}/moves", {"action": "start"}, If_Match=tag).status_code for _ in range(2)]
    assert statuses == [200, 412]
    assert judge.post(f"{OWN}/moves", {"action": "start"}).status_code == 403
    assert len(pages.play.moves()) == 1


def test_a_token_of_who_lost_his_account_or_his_grant_has_lost_them_too(pages: Pages) -> None:
    pages.account(OFFICER)
    program = Program(pages, OFFICER)
    assert program.get(f"/cycles/{QUARTER}/status").status_code == 200
    people.revoke(
        pages.play.uow,
        actor=SYSTEM,
        now=noon(4, 1),
        number=OFFICER,
        role="hr",
        last=noon(3, 31).date(),
    )
    assert program.get(f"/cycles/{QUARTER}/status").status_code == 404
    accounts.disable(pages.play.uow, now=APPROVED, number=OFFICER)
    assert program.get("/me").status_code == 401
