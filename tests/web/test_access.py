"""Every route as every relation in every state, compared with the table of routes (G14).

The routes are those of the application: one that is added is asked here by itself, and fails while it has no row.
"""

from collections.abc import Iterator, Mapping

import pytest
from fastapi.routing import APIRoute

from services import attachments, people, tokens, webhooks, work_items
from services.sight import POLICY, Relation, Shown
from services.standing import load
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, SECURITY, noon
from tests.web.browsing import PASSWORD, Browser, Pages, words_of
from web.pages_table import PAGES
from web.policy import ROUTES, About, access
from web.requests import Visit

pytestmark = pytest.mark.whole
STAGES = ("draft", "scoring", "review", "signoff", "appeal", "closed")
PEOPLE: Mapping[str, Relation | None] = {
    CLERK: Relation.APPRAISEE,
    PERSONNEL: Relation.JUDGE,
    DIRECTOR: Relation.JUDGE,
    PRESIDENT: Relation.OVERSEER,
    OFFICER: Relation.HR,
    ESCORT: None,
    SECURITY: None,
}
"""Who is what to the clerk's appraisal in the tiny office; who decides appeals is looked at apart."""
JUDGING = frozenset({PRESIDENT, DIRECTOR, SECURITY, PERSONNEL})
"""Who scores or reviews somebody, and so picks from all documents."""
BODIES: Mapping[str, object] = {
    "/duties/1/void": None,  # the clerk has no duties: what is sent is refused by its form
    "/moves": {"action": "no-such-action"},
    "/void": {"reason": "It was another day."},
    "/replies": {"text": "I was elsewhere."},
}
"""What is sent to these routes of the API, so that who asks is looked at."""


def routes(pages: Pages) -> Iterator[tuple[str, str]]:
    for route in pages.app.routes:
        if isinstance(route, APIRoute):
            for method in sorted(route.methods - {"HEAD"}):
                yield method, route.path


def filled(path: str) -> str:
    """Return a path with the clerk's appraisal in it, and something harmless for what else it names."""
    values = {"{cycle}": "2026Q1", "{number}": CLERK, "{secret}": "nothing", "{action}": "no-such-action"}
    path = path.replace("/rules/{name}", "/rules/bank-office-completed").replace("/flows/{name}", "/flows/quarterly")
    values |= {"{finding}": "F1", "{document}": "D1", "{item}": "W1", "{stream}": "org", "{file}": "1", "{seq}": "1"}
    values |= {"{entry}": "1", "{delegation}": "1", "{webhook}": "1"}
    for name, value in values.items():
        path = path.replace(name, value)
    return path


def brought(pages: Pages, stage: str) -> None:
    """Bring the clerk's appraisal to a stage; an objection needs a line to object to."""
    pages.play.document("2026-1", "circular")
    line = pages.play.deduct("C3.1", 4)
    judge = pages.play.who(PERSONNEL)
    attachments.attach(pages.play.uow, actor=judge, now=noon(4, 1), item=line, name="a.txt", content=b"x")
    officer = pages.play.who(OFFICER)
    webhooks.add(pages.play.uow, actor=officer, now=noon(4, 1), url="https://hr.example.org/")
    pages.play.bring(stage, lines={line: None})


def ask(browser: Browser, method: str, path: str, token: str = "") -> int:
    if path.startswith("/api/"):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        body = next((body for end, body in BODIES.items() if path.endswith(end)), None) if method == "POST" else None
        files = {"file": ("a.txt", b"x")} if method == "POST" and path.endswith("/files") else None
        return browser.client.request(method, path, headers=headers, json=body, files=files).status_code
    if method == "GET":
        return browser.get(path).status_code
    token = next((form["form-token"][0] for _, form in browser.forms(browser.get("/")) if "form-token" in form), "")
    return browser.post(path, {"form-token": token, "comment": "x", "text": "x"}).status_code


def test_every_route_has_a_row_and_every_row_a_route(pages: Pages) -> None:
    assert set(routes(pages)) == set(ROUTES)


def test_every_page_of_the_navigation_is_open_to_whom_it_is_shown() -> None:
    for page in PAGES:
        if page.path:
            row = access("GET", page.path)
            assert row is not None
            assert row.grants == page.grants, page


def test_without_a_login_only_the_public_routes_answer(pages: Pages) -> None:
    browser = pages.browser()
    for method, path in routes(pages):
        row = access(method, path)
        assert row is not None
        status = ask(browser, method, filled(path))
        if row.about is not About.NOTHING:
            page = method == "GET" and not path.startswith("/api/")
            assert status == (303 if page else 401), (method, path)


@pytest.mark.parametrize("stage", STAGES)
def test_every_route_as_every_relation_answers_as_the_table_says(pages: Pages, stage: str) -> None:
    brought(pages, stage)
    for number, relation in PEOPLE.items():
        browser = pages.browser(number)
        program = tokens.new(pages.play.uow, now=pages.clock.now(), number=number)
        roles = {OFFICER: {"hr"}, CLERK: {"clerk"}, PRESIDENT: {"approver"}}.get(number, set())
        for method, path in routes(pages):
            row = access(method, path)
            assert row is not None
            if row.about is About.NOTHING:
                continue
            status = ask(browser, method, filled(path), program)
            if row.about is About.OFFICE:
                open_ = not row.grants.isdisjoint(roles)
            elif row.about is About.APPRAISAL:
                open_ = relation in row.relations and (not row.stages or stage in row.stages)
                open_ = open_ and (not row.judgement or sees_judgement(relation, stage))
            elif row.about is About.DOCUMENT:
                open_ = not row.grants.isdisjoint(roles) or number in JUDGING
            else:
                open_ = True
            allowed = status in {200, 201, 303, 403, 409, 422} if method == "POST" else status == 200
            assert allowed == open_, (number, relation, method, path, status)
            if not open_:
                assert status in {403, 404}, (number, method, path, status)


@pytest.mark.parametrize("stage", STAGES)
def test_a_decider_sees_facts_only_under_appeal(pages: Pages, stage: str) -> None:
    brought(pages, stage)
    page = pages.browser(_decider(pages)).get(f"/appraisals/2026Q1/{CLERK}")
    assert page.status_code == 200
    assert ("found at the weekly check" in words_of(page)) == (stage == "appeal")
    assert stage == "appeal" or "<textarea" not in page.text


@pytest.mark.parametrize("stage", STAGES)
def test_every_act_that_the_lifecycle_does_not_give_is_refused_and_changes_nothing(pages: Pages, stage: str) -> None:
    brought(pages, stage)
    play = pages.play
    for number in (*PEOPLE, _decider(pages)):
        with play.uow.read() as tx:
            standing = load(tx, [f"2026Q1/{CLERK}"], play.office.actor(number), pages.clock.now())[0]
        given = {move.action for move in standing.lifecycle.actions(stage) if not standing.roles.isdisjoint(move.who)}
        browser = pages.browser(number)
        page = browser.get(f"/appraisals/2026Q1/{CLERK}")
        shown = {action.rpartition("/")[2] for action, _ in browser.forms(page) if action.startswith("/appraisals/")}
        assert shown <= given, number
        token = browser.forms(browser.get("/"))[-1][1]["form-token"]
        every = {move.action for step in standing.lifecycle.stages for move in standing.lifecycle.actions(step.id)}
        for action in sorted(every - given):
            body = {"form-token": token, "comment": "x", "password": PASSWORD}
            answer = browser.post(f"/appraisals/2026Q1/{CLERK}/{action}", body)
            assert answer.status_code in {403, 404}, (number, action)
        assert play.appraisal(CLERK).version == standing.version, number


def test_who_had_a_part_once_sees_facts_and_may_do_nothing(pages: Pages) -> None:
    brought(pages, "scoring")
    play = pages.play
    (item,) = play.rows("SELECT id FROM work_item WHERE closed_at IS NULL AND stage = 'scoring'")
    work_items.reassign(
        play.uow,
        actor=play.office.actor(OFFICER),
        now=pages.clock.now(),
        item=f"W{item.id}",
        number=SECURITY,
        reason="on leave",
    )
    browser = pages.browser(PERSONNEL)
    page = browser.get(f"/appraisals/2026Q1/{CLERK}")
    assert page.status_code == 200
    assert "found at the weekly check" in words_of(page)
    assert "What you can do" not in words_of(page)
    token = browser.forms(page)[-1][1]["form-token"]
    answer = browser.post(f"/appraisals/2026Q1/{CLERK}/submit", {"form-token": token})
    assert answer.status_code in {403, 404}


@pytest.mark.parametrize(("role", "sees"), [("auditor", True), ("operator", False), ("proxy", False)])
def test_a_power_opens_what_the_table_says_and_no_act(pages: Pages, role: str, sees: bool) -> None:
    brought(pages, "signoff")
    people.grant(
        pages.play.uow,
        actor=pages.play.office.actor(OFFICER),
        now=pages.clock.now(),
        number=ESCORT,
        role=role,
        first=noon(4, 1).date(),
    )
    browser = pages.browser(ESCORT)
    page = browser.get(f"/appraisals/2026Q1/{CLERK}")
    assert page.status_code == (200 if sees else 404)
    assert ("Total: 96" in words_of(page)) == sees
    token = browser.forms(browser.get("/"))[-1][1]["form-token"]
    for action in ("accept", "approve", "submit", "exclude"):
        answer = browser.post(f"/appraisals/2026Q1/{CLERK}/{action}", {"form-token": token, "password": PASSWORD})
        assert answer.status_code in {403, 404}, action
    assert pages.play.appraisal(CLERK).stage == "signoff"


def sees_judgement(relation: Relation | None, stage: str) -> bool:
    shown = Shown.NEVER if relation is None else POLICY[relation].judgement
    return shown is Shown.ALWAYS or (shown is Shown.RELEASED and stage in {"signoff", "appeal", "closed"})


def _decider(pages: Pages) -> str:
    (row,) = pages.play.rows(
        "SELECT person.number FROM party JOIN person ON person.id = party.person_id"
        " JOIN appraisal ON appraisal.id = party.appraisal_id"
        " WHERE party.role = 'decider' AND appraisal.person_id = :person",
        person=pages.play.office.people[CLERK],
    )
    return str(row.number)


def test_a_relation_that_may_see_facts_is_in_the_table() -> None:
    seeing = {relation for relation, rule in POLICY.items() if rule.facts is not Shown.NEVER}
    row = access("GET", "/appraisals/{cycle}/{number}")
    assert row is not None
    # Who waits to decide an appeal learns that there is one, and no fact of it.
    assert row.relations == seeing | {Relation.WAITING_DECIDER}


def test_a_route_without_a_row_is_answered_to_nobody(pages: Pages) -> None:
    def left_out(visit: Visit) -> str:
        return visit.person.name

    pages.app.add_api_route("/left-out", left_out)
    assert pages.browser(OFFICER).get("/left-out").status_code == 404
