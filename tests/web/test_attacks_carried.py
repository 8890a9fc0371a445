"""Attacks by what is carried: markup, marks that turn the writing, sizes, depths, other hosts, other sites, logs."""

import json
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from models.columns import table_of
from models.metadata import METADATA
from services import documents, findings
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, SECURITY, noon
from tests.services.playing import FEBRUARY, SUBMITTED
from tests.web.browsing import ADDRESS, Pages
from tests.web.canaries import paths, planted
from tests.web.programs import API, Program
from tests.web.test_access import filled, routes
from web.guard import LARGEST_JSON

pytestmark = pytest.mark.whole
OWN = f"/appraisals/{QUARTER}/{CLERK}"
EVIL = "</textarea></p><script>alert(1)</script><img src=x onerror=alert(2)>'\"{{7*7}}${7*7}\u202egnp.exe\u2066"
TURNING = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


def seeded(pages: Pages) -> None:
    """Write it into every text that a person can write, and into names."""
    play = pages.play
    with play.uow.write() as tx:
        tx.run(table_of_person().update().where(table_of_person().c.number == CLERK).values(name=f"Ann {EVIL}"))
    document = documents.register(
        play.uow,
        actor=play.who(OFFICER),
        now=noon(4, 1),
        kind="circular",
        number=EVIL,
        day=FEBRUARY,
        issuer=EVIL,
        title=EVIL,
    )
    line = findings.add(
        play.uow,
        actor=play.who(PERSONNEL),
        now=noon(4, 1),
        number=CLERK,
        rule="C3.1",
        happened=FEBRUARY,
        amount=4,
        reason=EVIL,
        document=document,
    ).code
    findings.reply(play.uow, actor=play.who(CLERK), now=noon(4, 1), finding=line, text=EVIL)
    play.act(CLERK, "state", reason=EVIL, at=noon(4, 1))
    play.act(PERSONNEL, "submit", reason=EVIL, at=SUBMITTED)


def table_of_person() -> Any:
    from models.people import Person

    return table_of(Person)


def test_markup_and_turned_writing_in_every_text_stay_text_on_every_page(pages: Pages) -> None:
    seeded(pages)
    looked = 0
    for number in (CLERK, PERSONNEL, DIRECTOR, PRESIDENT, OFFICER):
        browser = pages.browser(number)
        for method, path in routes(pages):
            if method != "GET" or path.startswith("/api/") or path == "/health":
                continue
            text = browser.get(filled(path)).text
            looked += "&lt;script&gt;" in text
            assert "<script>" not in text, path
            assert "<img src=x" not in text, path
            assert ">49<" not in text, path
            assert [mark for mark in TURNING if mark in text] == [], path
    assert looked >= 4


def test_what_was_typed_comes_back_into_its_form_as_text(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(OWN)
    pages.play.act(PERSONNEL, "start", at=noon(4, 1))
    answer = browser.send(page, f"{OWN}@clerical/state", comment=EVIL)
    assert answer.status_code == 409
    assert "&lt;/textarea&gt;" in answer.text
    assert "<script>" not in answer.text
    page = browser.get(f"/login?next={EVIL}")
    assert "<script>" not in page.text


def test_the_api_answers_markup_as_json_that_no_browser_takes_for_a_page(pages: Pages) -> None:
    seeded(pages)
    for path in (OWN, f"{OWN}/findings", f"/people/{CLERK}"):
        answer = Program(pages, CLERK).get(path)
        assert "script" in answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_cookie_opens_no_api_and_a_page_of_another_site_sends_nothing(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    assert browser.get(f"{API}/me").status_code == 401
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    body = {"action": "state", "comment": "x"}
    assert browser.client.post(f"{API}{OWN}/moves", json=body, headers=headers).status_code == 403
    same = browser.client.post(f"{API}{OWN}/moves", json=body)
    assert same.status_code == 401
    assert pages.play.moves() == []


def test_looking_at_everything_changes_nothing_but_that_it_was_looked_at(pages: Pages) -> None:
    known = planted(pages.play)
    browsers = [pages.browser(number) for number in (CLERK, DIRECTOR, OFFICER, PRESIDENT)]
    programs = [Program(pages, number) for number in (CLERK, DIRECTOR, OFFICER, PRESIDENT)]
    before = everything(pages)
    for browser, program in zip(browsers, programs, strict=True):
        for method, path in routes(pages):
            if method == "GET":
                program.client.get(filled(path)) if path.startswith("/api/") else browser.get(filled(path))
                browser.client.head(filled(path))
        for path in paths(known):
            program.client.get(path)
    assert everything(pages) == before


def everything(pages: Pages) -> dict[str, list[Any]]:
    """Return every row but for what looking leaves: that it was seen, who looked or took a file, what was denied."""
    left = {"view_log", "session", "login_attempt"}
    with pages.play.uow.read() as tx:
        found = {table.name: tx.all(table.select()) for table in METADATA.sorted_tables if table.name not in left}
    kept = {name: sorted(map(repr, rows)) for name, rows in found.items() if name not in {"event", "work_item"}}
    acts = (row for row in found["event"] if row.stream != "refusals" and row.kind != "exported")
    kept["event"] = sorted(repr(row) for row in acts)
    kept["work_item"] = sorted(repr((row.id, row.holder_id, row.closed_at, row.due_at)) for row in found["work_item"])
    return kept


@pytest.mark.parametrize("path", [f"{OWN}/moves", "/findings", "/moves", "/documents"])
def test_what_is_too_large_is_refused_before_it_is_read(pages: Pages, path: str) -> None:
    program = Program(pages, CLERK)
    answer = program.post(path, {"action": "state", "comment": "x" * 10_000_000})
    assert (answer.status_code, answer.json()["title"]) == (413, "too-large")

    def endless() -> Any:
        for _ in range(LARGEST_JSON // 65536 + 2):
            yield b" " * 65536

    answer = program.client.post(f"{API}{path}", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code in {400, 413}
    assert pages.play.moves() == []


def test_a_comment_of_ten_megabytes_on_a_page_is_refused_in_a_sentence(pages: Pages) -> None:
    browser = pages.browser(CLERK)
    page = browser.get(OWN)
    answer = browser.send(page, f"{OWN}@clerical/state", comment="x" * 10_000_000)
    assert answer.status_code == 422
    assert "cannot be read" in answer.text
    longer = browser.send(page, f"{OWN}@clerical/state", comment="x" * 20_001)
    assert longer.status_code == 422
    assert "at most 20000 are kept" in longer.text
    assert Program(pages, CLERK).post(f"{OWN}/moves", {"action": "state", "comment": "x" * 20_001}).status_code == 422
    assert pages.play.moves() == []


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "[" * 90_000 + "]" * 90_000,
        '{"action": "state", "comment": ' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"action": "state", "lines": {' + ",".join(f'"F{n}": null' for n in range(501)) + "}}",
        '{"action": 1e999999}',
        '{"action": "state", "comment": "\\ud800"}',
        '{"action": "state", "comment": "\\u0000"}',
        "\xff\xfe",
        "",
    ],
    ids=lambda body: body[:12],
)
def test_json_that_is_deep_wide_broken_or_no_text_is_refused_in_a_sentence(pages: Pages, body: str) -> None:
    program = Program(pages, CLERK)
    answer = program.client.post(
        f"{API}{OWN}/moves", content=body.encode("latin-1"), headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["detail"].endswith(".")
    assert pages.play.moves() == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_the_api_is_not_reached_under_another_name(pages: Pages, host: str) -> None:
    answer = Program(pages, CLERK).get("/me", host=host)
    assert (answer.status_code, answer.json()["title"]) == (421, "other-host")


def test_no_answer_repeats_a_name_that_came_with_the_request(pages: Pages) -> None:
    lies = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    pages.account(CLERK)
    browser = pages.browser()
    answers = [browser.get(path, **lies) for path in ("/", "/login", "/forgotten", f"{API}/me", "/nowhere")]
    answers.append(browser.post("/forgotten", {"number": CLERK}, **lies))
    for answer in answers:
        assert "evil.example" not in answer.text + str(answer.headers)
    (row,) = pages.play.rows("SELECT payload FROM message WHERE kind = 'password-link'")
    assert "evil" not in row.payload
    made = Program(pages, OFFICER).post(
        "/documents", {"kind": "circular", "number": "1", "day": "2026-02-03", "issuer": "A bank"}
    )
    assert made.headers["location"].startswith("/api/v1/")


def test_the_description_is_open_and_holds_nothing_of_anybody(pages: Pages) -> None:
    planted(pages.play)
    bare = TestClient(pages.app, base_url=ADDRESS)
    answer = bare.get(f"{API}/openapi.json")
    assert answer.status_code == 200
    said = answer.text
    settings = pages.app.state.site.wiring.settings
    secrets = [str(settings.database_url), str(settings.data_dir), "canary", "Person 10", "A bank", "argon2"]
    assert [secret for secret in secrets if secret in said] == []
    described = {(method.upper(), path) for path, methods in answer.json()["paths"].items() for method in methods}
    ours = {(method, path) for method, path in routes(pages) if path.startswith("/api/")}
    assert described == ours
    for path, methods in answer.json()["paths"].items():
        for operation in methods.values():
            assert {"401", "404", "422"} <= set(operation["responses"]), path


def test_every_post_of_the_api_takes_a_key_and_refuses_what_it_does_not_know(pages: Pages) -> None:
    described = pages.app.openapi()
    posts = [methods["post"] for methods in described["paths"].values() if "post" in methods]
    assert len(posts) >= 8
    for post in posts:
        assert "Idempotency-Key" in {parameter["name"] for parameter in post["parameters"]}, post["summary"]
    shapes = described["components"]["schemas"]
    open_ = [name for name, shape in shapes.items() if shape.get("additionalProperties", True) and name != "Problem"]
    # Beside the file of an upload other parts of its form count for nothing.
    assert [one for one in open_ if shapes[one].get("type") == "object" and not one.startswith("Body_to_")] == []


def test_log_lines_hold_no_score_no_words_and_no_secret(pages: Pages) -> None:
    def failing() -> None:
        raise RuntimeError("canary-judgement 93 token")

    pages.app.add_api_route("/password/{secret}/x", failing)
    planted(pages.play)
    program = Program(pages, ESCORT)
    with structlog.testing.capture_logs() as lines:
        pages.browser().get("/password/a-very-secret-key/x")
        pages.browser().log_in(ESCORT, "a password of mine")
        for path in (f"/appraisals/{QUARTER}/{ESCORT}", OWN, f"/appraisals/{QUARTER}/{ESCORT}/explanation"):
            program.get(path)
        program.post("/findings", {"number": CLERK, "rule": "C3.1", "happened": "2026-02-03", "reason": "canary-x"})
        Program(pages, SECURITY).get(f"/appraisals/{QUARTER}/{ESCORT}")
    said = json.dumps(lines, default=str)
    assert "a page failed" in said
    for secret in ("canary", "a-very-secret-key", "a password of mine", program.token, '"93"', "RuntimeError: "):
        assert secret not in said, secret
