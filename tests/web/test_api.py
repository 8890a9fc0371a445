"""Another system does through the API what people do on pages, under the same rules and with the same sentences."""

import datetime as dt
from typing import Any

import pytest

from models.columns import table_of
from models.people import Grant
from services import accounts, tokens
from services.errors import Malformed, Refused
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY, granted
from tests.services.closing import vouch
from tests.services.playing import APPROVED
from tests.web.browsing import Pages
from tests.web.programs import API, Program

CODE = f"/appraisals/2026Q1/{CLERK}"
ENTRY = {
    "number": CLERK,
    "rule": "C3.1",
    "happened": "2026-02-03",
    "amount": "4",
    "reason": "found at the weekly check",
}


def test_the_organisation_its_people_and_cycles_are_read(pages: Pages) -> None:
    program = Program(pages, ESCORT)
    office = program.get("/organisation").json()
    assert (office["name"], [unit["code"] for unit in office["units"]]) == ("A bank", ["office"])
    first = program.get("/people?limit=4").json()
    second = program.get(f"/people?limit=100&after={first['next']}").json()
    assert [row["number"] for row in (*first["items"], *second["items"])] == [str(n) for n in range(1001, 1010)]
    assert second["next"] is None
    assert program.get(f"/people/{ESCORT}").json()["email"] == "p1009@example.org"
    assert program.get(f"/people/{CLERK}").json()["email"] is None
    assert [row["code"] for row in program.get("/cycles").json()["items"]] == ["2026Q1"]
    assert program.get("/cycles/2026Q1").json()["first"] == "2026-01-01"
    assert program.get("/cycles/2099").status_code == 404
    assert Program(pages, OFFICER).get("/cycles/2026Q1/status").json()["stages"] == {"draft": 6}
    assert program.get("/cycles/2026Q1/status").status_code == 404


def test_everybody_lists_what_is_his_page_by_page(pages: Pages) -> None:
    def listed(number: str, query: str = "") -> list[str]:
        return [row["number"] for row in Program(pages, number).get(f"/appraisals{query}").json()["items"]]

    assert listed(ESCORT) == [ESCORT]
    assert set(listed(PERSONNEL)) == {PERSONNEL, OFFICER, CLERK}
    everybody = listed(OFFICER)
    assert len(everybody) == 6
    assert listed(OFFICER, f"?number={CLERK}") == [CLERK]
    assert listed(OFFICER, "?stage=closed") == []
    program, found, after = Program(pages, OFFICER), [], ""
    while after is not None:
        page = program.get(f"/appraisals?limit=4{after and '&after='}{after}").json()
        found += [row["number"] for row in page["items"]]
        after = page["next"]
    assert found == everybody


def test_an_appraisal_is_shown_as_far_as_it_is_the_viewers(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    pages.play.bring("review")
    own, judge = Program(pages, CLERK), Program(pages, DIRECTOR)
    assert own.get(CODE).json()["total"] is None
    assert judge.get(CODE).json()["total"] == "96"
    assert own.get(f"{CODE}/explanation").status_code == 403
    assert judge.get(f"{CODE}/explanation?language=zh").json()["score"]["total"] == "96"
    (finding,) = own.get(f"{CODE}/findings").json()["items"]
    assert (finding["code"], finding["amount"], finding["hidden"]) == (line, None, True)
    assert judge.get(f"/findings/{line}").json()["amount"] == "4"
    assert own.get("/findings").json()["items"] == [finding]
    assert [row["payload"] for row in own.get(f"{CODE}/audit").json()["items"]] == [None, None]
    assert Program(pages, ESCORT).get(CODE).json()["detail"] == (
        f"There is no appraisal 2026Q1/{CLERK}, or it is not yours to see."
    )


def test_findings_that_are_hidden_leave_no_trace(pages: Pages) -> None:
    for points in (3, 4, 5):
        pages.play.deduct("C3.1", points)
    stranger, judge = Program(pages, ESCORT), Program(pages, PERSONNEL)
    assert stranger.get(f"/findings?number={CLERK}&limit=1").json() == {"items": [], "next": None}
    first = judge.get(f"/findings?number={CLERK}&limit=2").json()
    assert [one["amount"] for one in first["items"]] == ["3", "4"]
    rest = judge.get(f"/findings?number={CLERK}&limit=2&after={first['next']}").json()
    assert ([one["amount"] for one in rest["items"]], rest["next"]) == (["5"], None)


def test_a_move_is_made_on_what_was_seen_or_not_at_all(pages: Pages) -> None:
    judge = Program(pages, PERSONNEL)
    tag = judge.get(CODE).headers["etag"]
    assert judge.post(f"{CODE}/moves", {"action": "start"}, If_Match=tag).json()["to_stage"] == "scoring"
    late = judge.post(f"{CODE}/moves", {"action": "submit"}, If_Match=tag)
    assert (late.status_code, late.json()["title"]) == (412, "stale")
    tag = judge.get(CODE).headers["etag"]
    pages.play.deduct("C3.1", 4)
    assert judge.post(f"{CODE}/moves", {"action": "submit"}, If_Match=tag).status_code == 412
    assert judge.post(f"{CODE}/moves", {"action": "submit"}, If_Match='"something"').status_code == 412
    moved = judge.post(f"{CODE}/moves", {"action": "submit"}, If_Match=judge.get(CODE).headers["etag"])
    assert (moved.status_code, moved.json()["total"]) == (200, "96")


def test_what_is_sent_again_under_its_key_is_done_once(pages: Pages) -> None:
    judge, own = Program(pages, PERSONNEL), Program(pages, CLERK)
    made = [judge.post("/findings", ENTRY, Idempotency_Key="k-1") for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    other = judge.post("/findings", {**ENTRY, "amount": "5"}, Idempotency_Key="k-1")
    assert (other.status_code, other.json()["title"]) == (409, "other-request")
    path = f"/findings/{made[0].json()['code']}"
    tag = own.get(path).headers["etag"]
    again = [own.post(f"{path}/replies", {"text": "No."}, If_Match=tag, Idempotency_Key="r") for _ in range(2)]
    assert [len(answer.json()["replies"]) for answer in again] == [1, 1]
    assert own.post(f"{path}/replies", {"text": "No."}, If_Match=tag, Idempotency_Key="s").status_code == 412
    tag = judge.get(CODE).headers["etag"]
    moved = [judge.post(f"{CODE}/moves", {"action": "start"}, If_Match=tag, Idempotency_Key="m") for _ in range(2)]
    assert moved[0].json() == moved[1].json()
    assert len(pages.play.moves()) == 1
    many = {"action": "submit", "appraisals": [f"2026Q1/{CLERK}", f"2026Q1/{OFFICER}"]}
    batches = [judge.post("/moves", many, Idempotency_Key="b").json() for _ in range(2)]
    assert batches[0] == batches[1]
    assert [row["moved"] is None for row in batches[0]["items"]] == [False, True]
    assert judge.post("/findings", ENTRY, Idempotency_Key="k" * 101).status_code == 422


def test_a_refusal_is_the_sentence_of_the_terminal(pages: Pages) -> None:
    answer = Program(pages, CLERK).post(f"{CODE}/moves", {"action": "approve"})
    assert answer.headers["content-type"] == "application/problem+json"
    pages.play.refused(CLERK, "approve", answer.json()["title"], answer.json()["detail"])


def test_a_finding_is_recorded_voided_and_replied_to(pages: Pages) -> None:
    judge, own = Program(pages, PERSONNEL), Program(pages, CLERK)
    made = judge.post("/findings", ENTRY)
    assert made.status_code == 201
    path = made.headers["location"].removeprefix(API)
    tag = own.get(path).headers["etag"]
    replied = own.post(f"{path}/replies", {"text": "I was elsewhere."}, If_Match=tag)
    assert [one["text"] for one in replied.json()["replies"]] == ["I was elsewhere."]
    assert own.post(f"{path}/replies", {"text": "Again."}, If_Match=tag).status_code == 412
    assert own.post(f"{path}/void", {"reason": "No."}).status_code == 403
    seen = judge.get(path).headers["etag"]
    assert judge.post(f"{path}/void", {"reason": "Another day."}, If_Match=seen).json()["voided"] is True
    assert judge.post(f"{path}/void", {"reason": "Another day."}).status_code == 403
    assert Program(pages, ESCORT).get(path).status_code == 404


def test_a_document_is_registered_and_linked(pages: Pages) -> None:
    clerk = Program(pages, CLERK)
    circular = {"kind": "circular", "number": "2026-9", "day": "2026-02-03", "issuer": "The superior bank"}
    made = clerk.post("/documents", circular)
    assert made.status_code == 201
    code = made.json()["code"]
    assert clerk.post("/documents", circular).status_code == 409
    assert Program(pages, PERSONNEL).post("/findings", {**ENTRY, "document": code}).status_code == 201
    assert len(Program(pages, PERSONNEL).get(f"/documents/{code}/findings").json()["items"]) == 1
    assert Program(pages, ESCORT).get(f"/documents/{code}").status_code == 404
    assert Program(pages, ESCORT).get("/documents").json()["items"] == []
    assert [row["code"] for row in clerk.get("/documents?kind=circular").json()["items"]] == [code]


def test_many_are_approved_with_a_result_for_each(pages: Pages) -> None:
    pages.play.bring("review")
    pages.play.bring("review", of=ESCORT)
    names = [f"2026Q1/{CLERK}", f"2026Q1/{ESCORT}", f"2026Q1/{OFFICER}"]
    answer = Program(pages, DIRECTOR).post("/moves", {"action": "approve", "appraisals": names})
    items = {row["appraisal"].partition("/")[2].partition("@")[0]: row for row in answer.json()["items"]}
    assert items[CLERK]["moved"]["to_stage"] == items[ESCORT]["moved"]["to_stage"] == "signoff"
    assert items[OFFICER]["moved"] is None
    assert items[OFFICER]["refused"].endswith(".")
    unseen = Program(pages, SECURITY).post("/moves", {"action": "approve", "appraisals": names})
    assert unseen.status_code == 404


def test_what_is_owed_is_listed_and_given_to_somebody_else(pages: Pages) -> None:
    pages.play.bring("scoring")
    (owed,) = [
        row
        for row in Program(pages, PERSONNEL).get("/work-items").json()["items"]
        if row["appraisal"].startswith(f"2026Q1/{CLERK}@")
    ]
    assert "submit" in [action["action"] for action in owed["actions"]]
    path = f"/work-items/{owed['item']}/reassignments"
    body = {"number": SECURITY, "reason": "He is away until May."}
    assert Program(pages, DIRECTOR).post(path, body).status_code == 403
    given = Program(pages, PRESIDENT).post(path, body)
    assert given.status_code == 200, given.text
    assert [row["role"] for row in given.json()["items"]] == ["assessor"]


def test_results_are_what_the_table_shows_to_whom(pages: Pages) -> None:
    pages.play.bring("closed")
    own = Program(pages, CLERK).get("/cycles/2026Q1/results").json()["items"]
    assert [(row["number"], row["total"]) for row in own] == [(CLERK, "100")]
    program, found, after = Program(pages, PRESIDENT), [], ""
    while after is not None:
        page = program.get(f"/cycles/2026Q1/results?limit=2{after and '&after='}{after}").json()
        found += [row["number"] for row in page["items"]]
        after = page["next"]
    assert found == sorted(found)
    assert len(found) >= 6


def test_an_auditor_reads_who_looked_and_verifies(pages: Pages) -> None:
    pages.play.bring("review")
    grant(pages, ESCORT, "auditor")
    vouch(pages.play.uow)
    judge = Program(pages, DIRECTOR)
    judge.get(CODE)
    judge.get(CODE)
    judge.get(f"{CODE}/explanation")
    Program(pages, CLERK).get(CODE)
    auditor = Program(pages, ESCORT)
    looked = auditor.get("/audit/views").json()["items"]
    assert [(row["viewer"], row["kind"], row["what"]) for row in looked] == [
        (DIRECTOR, "appraisal", f"2026Q1/{CLERK}@clerical")
    ]
    pages.play.act(DIRECTOR, "approve", at=APPROVED)
    Program(pages, PRESIDENT).get("/cycles/2026Q1/results")
    assert [row["kind"] for row in auditor.get("/audit/views").json()["items"]] == ["appraisal", "results"]
    assert auditor.get("/audit/streams/org").status_code == 200
    assert auditor.get("/audit/streams/nothing").status_code == 422
    report = auditor.get("/audit/verification").json()
    assert report["moves"] == 3
    assert report["faults"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/findings", {**ENTRY, "recorded_by": "1001"}),
        ("/findings", {**ENTRY, "amount": 4}),
        ("/findings", {**ENTRY, "amount": "1e3"}),
        ("/findings", {**ENTRY, "happened": "yesterday"}),
        (f"{CODE}/moves", {"action": "start", "stage": "closed"}),
        ("/moves", {"action": "approve", "appraisals": []}),
        ("/documents", {"kind": "circular"}),
    ],
)
def test_a_field_too_many_or_of_another_form_is_refused_whole(pages: Pages, path: str, body: dict[str, Any]) -> None:
    answer = Program(pages, PERSONNEL).post(path, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert pages.play.rows("SELECT count(*) AS n FROM finding")[0].n == 0


def test_a_limited_token_opens_what_it_is_for(pages: Pages) -> None:
    reader = Program(pages, PERSONNEL, scopes=("read",))
    assert reader.get(CODE).status_code == 200
    assert reader.post("/findings", ENTRY).json()["title"] == "scope"
    recorder = Program(pages, PERSONNEL, scopes=("findings",))
    assert recorder.post("/findings", ENTRY).status_code == 201
    assert recorder.get(CODE).status_code == 403
    assert recorder.post(f"{CODE}/moves", {"action": "start"}).status_code == 403
    assert [payload["code"] for _, payload in pages.play.refusals()] == ["scope"] * 3
    with pytest.raises(Refused, match="is for the API"):
        tokens.actor_for(pages.play.uow, now=pages.clock.now(), as_number=None, token=reader.token)
    with pytest.raises(Malformed, match="There is no scope 'everything'"):
        Program(pages, CLERK, scopes=("everything",))


def test_a_token_that_is_too_old_or_ended_opens_nothing(pages: Pages) -> None:
    program = Program(pages, CLERK, days=1)
    assert program.get("/me").status_code == 200
    pages.clock.advance(dt.timedelta(days=1))
    assert program.get("/me").status_code == 401
    other = Program(pages, CLERK)
    tokens.revoke(pages.play.uow, now=pages.clock.now(), number=CLERK)
    assert other.get("/me").status_code == 401
    pages.account(CLERK)
    third = Program(pages, CLERK)
    accounts.disable(pages.play.uow, now=pages.clock.now(), number=CLERK)
    assert third.get("/me").status_code == 401


def grant(pages: Pages, number: str, role: str) -> None:
    """Give somebody a grant."""
    with pages.play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(pages.play.office.people[number], role))
