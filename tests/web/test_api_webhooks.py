"""Through the API who operates Appraise registers webhooks, tries them, sees what they were told, and replays it."""

from services import webhook_planning, webhook_sending
from services.webhook_sending import Courier
from tests.services.builders import CLERK, ESCORT, OFFICER
from tests.services.playing import Play
from tests.services.receiving import Receiver, receiver, status
from tests.web.browsing import Pages
from tests.web.conftest import served
from tests.web.programs import Program
from tests.web.test_api import grant


def deliver(pages: Pages) -> None:
    webhook_planning.plan(pages.play.uow, now=pages.clock.now())
    while webhook_sending.deliver_next(pages.play.uow, Courier(private=True), now=pages.clock.now()):
        pass


def test_a_webhook_is_registered_tried_replayed_and_ended(play: Play) -> None:
    pages = served(play, webhook_private=True)
    officer = Program(pages, OFFICER)
    with receiver(status(422)) as other:
        body = {"url": other.url, "kinds": ["appraisal.moved"]}
        made = [officer.post("/webhooks", body, Idempotency_Key="w") for _ in range(2)]
        assert [answer.status_code for answer in made] == [201, 201]
        assert made[0].json() == made[1].json()
        assert made[0].headers["location"] == "/api/v1/webhooks/1"
        assert officer.post("/webhooks", body).json()["title"] == "same-url"
        assert officer.post("/webhooks/1/tests", {}).json() == {"delivery": 1}
        deliver(pages)
        (row,) = officer.get("/webhooks/1/deliveries").json()["items"]
        assert (row["state"], row["status"], row["said"]) == ("waiting", 422, "http-422")
        assert officer.post("/webhooks/1/replays", {"delivery": 1}).json() == {"deliveries": 1}
        pages.play.bring("review")
        deliver(pages)
        seen(officer, other, made[0].json()["signing_key"])
    ended = officer.post("/webhooks/1/end", {})
    assert ended.json()["ended"] == "removed"
    assert officer.get("/webhooks").json()["items"] == []
    assert officer.post("/webhooks/1/tests", {}).json()["title"] == "ended"
    stored = " ".join(str(tuple(row)) for row in play.rows("SELECT answer FROM request_key"))
    assert made[0].json()["signing_key"] not in stored, "not even the answer that is kept for a key holds it"


def seen(officer: Program, other: Receiver, key: str) -> None:
    assert len(other.got) == 4
    assert all(one.signed_by(key) for one in other.got)
    assert officer.get("/webhooks/1").json()["deliveries"] == {"delivered": 3}
    first = officer.get("/webhooks/1/deliveries?limit=2").json()
    second = officer.get(f"/webhooks/1/deliveries?limit=2&after={first['next']}").json()
    assert [row["id"] for row in (*first["items"], *second["items"])] == [3, 2, 1]
    assert second["next"] is None
    assert officer.get("/webhooks/1/deliveries?state=failed").json()["items"] == []
    again = officer.post("/webhooks/1/replays", {"since": "2026-04-01T00:00:00Z"})
    assert again.json() == {"deliveries": 3}


def test_what_may_not_be_told_is_refused_in_a_sentence(pages: Pages) -> None:
    officer = Program(pages, OFFICER)
    for url, title in (
        ("http://hr.example.org/", "http"),
        ("https://127.0.0.1/", "private-address"),
        ("https://169.254.169.254/latest", "private-address"),
        ("nowhere", "bad-url"),
    ):
        assert officer.post("/webhooks", {"url": url}).json()["title"] == title
    unknown = officer.post("/webhooks", {"url": "https://hr.example.org/", "kinds": ["everything"]})
    assert (unknown.status_code, unknown.json()["title"]) == (422, "unknown-kind")
    assert officer.post("/webhooks", {"url": "https://hr.example.org/"}).status_code == 201
    for since in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-04-01T00:00:00"):
        assert officer.post("/webhooks/1/replays", {"since": since}).status_code == 422
    assert officer.get("/webhooks/2").status_code == 404


def test_it_is_for_who_operates_appraise(pages: Pages) -> None:
    assert Program(pages, CLERK).get("/webhooks").status_code == 404
    officer = Program(pages, OFFICER)
    assert officer.get("/webhooks").status_code == 200
    grant(pages, ESCORT, "operator")
    body = {"url": "https://hr.example.org/"}
    assert officer.post("/webhooks", body).json()["title"] == "not-granted"
    assert Program(pages, ESCORT, scopes=("cycles",)).post("/webhooks", body).json()["title"] == "scope"
    assert Program(pages, ESCORT, scopes=("webhooks",)).post("/webhooks", body).status_code == 201
