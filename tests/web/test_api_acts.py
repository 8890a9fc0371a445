"""Through the API duties are recorded, work is held and delegated, time is given, results are signed and exported."""

import io
import json

from openpyxl import load_workbook

from services import final_rows
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY
from tests.services.closing import END, close_all
from tests.services.playing import Play
from tests.web.browsing import Pages
from tests.web.programs import Program
from tests.web.test_api import grant

DONE = {"number": SECURITY, "rule": "A1.1", "month": "2026-02", "day": "2026-02-20", "evidence": "The log."}
SUBSTITUTE = {"delegate": SECURITY, "first": "2026-04-02", "last": "2026-04-09", "reason": "On leave."}


def item(play: Play, of: str = CLERK) -> str:
    return f"W{play.item(of).id}"


def test_a_duty_is_recorded_excused_confirmed_and_voided(pages: Pages) -> None:
    own, judge = Program(pages, SECURITY), Program(pages, DIRECTOR)
    body = {**DONE, "coverage": "0.5"}
    made = [own.post("/duties", body, Idempotency_Key="d") for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    months = {row["month"]: row for row in own.get(f"/appraisals/2026Q1/{SECURITY}/duties").json()["items"]}
    assert months["2026-02"]["coverage"] == "0.5"
    excused = {"number": SECURITY, "rule": "A1.1", "month": "2026-01", "reason": "The vault was closed."}
    assert judge.post("/duties/excuses", excused).status_code == 201
    missed = {"number": SECURITY, "rule": "A1.1", "month": "2026-03", "comment": "Not done."}
    assert judge.post("/duties/confirmations", missed).status_code == 201
    months = {row["month"]: row for row in judge.get(f"/appraisals/2026Q1/{SECURITY}/duties").json()["items"]}
    assert (months["2026-01"]["state"], months["2026-03"]["confirmed"]) == ("excused", True)
    path = f"/duties/{made[0].json()['entry']}/void"
    assert own.post(path, {"reason": "Another month."}).status_code == 403
    assert judge.post(path, {"reason": "Another month."}).json() == made[0].json()
    assert judge.post(path, {"reason": "Another month."}).json()["title"] == "void"
    assert Program(pages, ESCORT).post(path, {"reason": "No."}).status_code == 404
    assert Program(pages, CLERK).get(f"/appraisals/2026Q1/{SECURITY}/duties").status_code == 404


def test_a_duty_of_another_form_is_refused_in_the_terminals_words(pages: Pages) -> None:
    own = Program(pages, SECURITY)
    neither = own.post("/duties", DONE)
    assert (neither.status_code, neither.json()["title"]) == (422, "extent")
    other = own.post("/duties", {**DONE, "coverage": "1", "month": "2026-03"})
    assert (other.status_code, other.json()["detail"]) == (
        403,
        "2026-02-20 is not in 2026-03; a duty counts for the month in which it was done.",
    )
    assert pages.play.rows("SELECT id FROM duty_record") == []


def test_work_is_put_on_hold_and_released_by_hr_alone(pages: Pages) -> None:
    pages.play.bring("scoring")
    path = f"/work-items/{item(pages.play)}"
    officer, why = Program(pages, OFFICER), {"reason": "In dispute before a court."}
    assert Program(pages, PERSONNEL).post(f"{path}/holds", why).status_code == 404
    held = officer.post(f"{path}/holds", why)
    assert (held.status_code, held.json()["due_at"]) == (200, None)
    assert officer.post(f"{path}/holds", why).json()["title"] == "held"
    released = officer.post(f"{path}/releases", {"reason": "The court has decided."})
    assert released.json()["due_at"] is not None
    assert officer.post(f"{path}/releases", why).json()["title"] == "not-held"


def test_who_declares_an_interest_is_replaced(pages: Pages) -> None:
    pages.play.bring("scoring")
    path = f"/work-items/{item(pages.play)}/recusals"
    body = {"reason": "She is my niece."}
    assert Program(pages, DIRECTOR).post(path, body).status_code == 404
    done = Program(pages, PERSONNEL).post(path, body, Idempotency_Key="i")
    assert done.json()["passed"] >= 1
    assert pages.play.item().holder_id != pages.play.office.people[PERSONNEL]
    assert Program(pages, PERSONNEL).post(path, body, Idempotency_Key="i").json() == done.json()


def test_a_substitute_is_named_listed_and_ended(pages: Pages) -> None:
    holder, substitute = Program(pages, PERSONNEL), Program(pages, SECURITY)
    given = holder.post("/delegations", SUBSTITUTE, Idempotency_Key="s")
    assert given.status_code == 201
    assert given.json()["not_for"] == []
    (row,) = substitute.get("/delegations").json()["items"]
    assert (row["holder"], row["delegate"], row["role"], row["last"]) == (PERSONNEL, SECURITY, None, "2026-04-09")
    assert Program(pages, CLERK).get("/delegations").json()["items"] == []
    assert Program(pages, CLERK).get(f"/delegations?number={PERSONNEL}").status_code == 404
    assert len(Program(pages, OFFICER).get(f"/delegations?number={PERSONNEL}").json()["items"]) == 1
    path = f"/delegations/{row['id']}/end"
    assert Program(pages, CLERK).post(path, {}).status_code == 404
    assert substitute.post(path, {}).status_code == 403
    assert holder.post(path, {"last": "2026-04-12"}).json()["title"] == "bad-last-day"
    assert holder.post(path, {"last": "2026-04-03", "reason": "He is back."}).json()["last"] == "2026-04-03"
    assert holder.post(path, {}).json()["last"] == "2026-04-01"
    assert holder.post(path, {}).json()["title"] == "over"
    assert holder.get("/delegations").json()["items"] == []


def test_delegations_come_page_by_page(pages: Pages) -> None:
    holder = Program(pages, PERSONNEL)
    for last in ("2026-04-03", "2026-04-04", "2026-04-05"):
        body = {**SUBSTITUTE, "first": last, "last": last}
        assert holder.post("/delegations", body).status_code == 201
    first = holder.get("/delegations?limit=2").json()
    second = holder.get(f"/delegations?limit=2&after={first['next']}").json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]


def test_more_time_is_given_to_whom_it_is_meant_for(pages: Pages) -> None:
    pages.play.bring("scoring")
    body = {"people": [CLERK], "until": "2026-04-30", "reason": "The system was down."}
    path = "/cycles/2026Q1/extensions"
    assert Program(pages, PERSONNEL).post(path, body).status_code == 404
    officer = Program(pages, OFFICER)
    done = [officer.post(path, body, Idempotency_Key="e") for _ in range(2)]
    assert done[0].json() == done[1].json()
    (moved,) = done[0].json()["moved"]
    assert (moved["item"], moved["was"] is None) == (item(pages.play), False)
    assert officer.post(path, body).json()["title"] == "nobody"
    unit = officer.post(path, {"units": ["office"], "until": "2026-05-15", "reason": "All of us."}).json()
    assert len(unit["moved"]) > 1
    assert {row["why"] for row in unit["left"]} <= {"own-or-superior", "no-deadline"}
    assert officer.post(path, {"until": "2026-05-15", "reason": "Nobody."}).json()["title"] == "cohort"


def test_results_are_put_forward_as_seen_and_signed_by_their_check_number(pages: Pages) -> None:
    officer, president = Program(pages, OFFICER), Program(pages, PRESIDENT)
    before = officer.get("/cycles/2026Q1/status").headers["etag"]
    pages.clock.set(END)
    close_all(pages.play.uow, pages.play.office)
    base = "/cycles/2026Q1"
    assert officer.post(f"{base}/proposals", {}, If_Match=before).status_code == 412
    assert officer.post(f"{base}/proposals", {}, If_Match='"3-1"').status_code == 412
    assert president.post(f"{base}/proposals", {}).status_code == 404
    seen = officer.get(f"{base}/status").headers["etag"]
    put = officer.post(f"{base}/proposals", {}, If_Match=seen, Idempotency_Key="p")
    assert (put.status_code, put.json()["rated"]) == (201, 5)
    table = president.get(f"{base}/proposal").json()
    assert (table["check_number"], table["waits"], table["own"]) == (put.json()["check_number"], True, False)
    assert officer.get(f"{base}/proposal").json()["own"] is True
    assert president.post(f"{base}/approvals", {"check_number": "0" * 64}).json()["title"] == "other-table"
    assert president.post(f"{base}/approvals", {}).status_code == 422
    assert president.post(f"{base}/refusals", {"reason": "1009 twice."}).json()["state"] == "open"
    again = officer.post(f"{base}/proposals", {}).json()
    sign = {"check_number": again["check_number"]}
    signed = [president.post(f"{base}/approvals", sign, Idempotency_Key="a") for _ in range(2)]
    assert [answer.json()["state"] for answer in signed] == ["finalising", "finalising"]
    late = officer.post(f"{base}/proposals", {"late": True})
    assert (late.status_code, late.json()["title"]) == (403, "not-final")
    assert officer.post(f"{base}/proposals", {"late": True}, If_Match=seen).status_code in {412, 422}


def test_the_file_of_the_results_is_the_terminals_as_far_as_the_viewer_sees(pages: Pages) -> None:
    pages.play.bring("closed")
    president, own, other = (Program(pages, number) for number in (PRESIDENT, CLERK, ESCORT))
    sheet = president.get("/cycles/2026Q1/export?form=csv")
    assert sheet.headers["content-type"].startswith("text/csv")
    assert sheet.headers["content-disposition"].startswith("attachment")
    lines = sheet.content.decode("utf-8-sig").splitlines()
    assert {line.partition(",")[0] for line in lines[1:]} >= {CLERK, ESCORT}
    mine = own.get("/cycles/2026Q1/export?form=json").json()
    assert {(row["number"], row["total"]) for row in mine["rows"]} == {(CLERK, "100")}
    assert {row["total"] for row in other.get("/cycles/2026Q1/export?form=json").json()["rows"]} == {None}
    book = load_workbook(io.BytesIO(president.get("/cycles/2026Q1/export?form=xlsx").content))
    assert book.active is not None
    assert book.active["A1"].value == "number"
    assert other.get("/cycles/2026Q1/export?form=pdf").status_code == 422
    assert own.get("/cycles/2099Q9/export").status_code == 404
    recorded = pages.play.rows("SELECT payload FROM event WHERE kind = 'exported'")
    assert len(recorded) == 4


def test_a_token_is_limited_to_a_kind_of_act(pages: Pages) -> None:
    grant(pages, ESCORT, "hr")
    program = Program(pages, ESCORT, scopes=("cycles",))
    body = {"people": [CLERK], "until": "2026-04-30", "reason": "The system was down."}
    assert program.post("/cycles/2026Q1/extensions", body).status_code == 200
    assert program.post("/delegations", SUBSTITUTE).json()["title"] == "scope"
    assert program.get("/cycles/2026Q1/export").json()["title"] == "scope"


def test_a_signed_table_becomes_final_and_its_file_says_so(pages: Pages) -> None:
    pages.clock.set(END)
    close_all(pages.play.uow, pages.play.office)
    put = Program(pages, OFFICER).post("/cycles/2026Q1/proposals", {}).json()
    sign = {"check_number": put["check_number"]}
    Program(pages, PRESIDENT).post("/cycles/2026Q1/approvals", sign)
    (run,) = pages.play.rows("SELECT args FROM job WHERE name = 'cycle.finalise-chunk'")
    owed = json.loads(run.args)
    final_rows.finalise_chunk(pages.play.uow, now=END, **owed)
    final_rows.complete(pages.play.uow, now=END, cycle_id=owed["cycle_id"])
    rows = Program(pages, PRESIDENT).get("/cycles/2026Q1/export?form=json").json()["rows"]
    assert {row["final"] for row in rows if row["total"] is not None} == {True}
