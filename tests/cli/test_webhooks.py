"""`appraise webhook`, as people type it."""

import pytest

from tests.cli.conftest import Terminal
from tests.services.receiving import receiver, status

OFFICER = ("--as", "1007")


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let webhooks go to the loopback, where the receiver of the test is."""
    monkeypatch.setenv("APPRAISE_WEBHOOK_PRIVATE", "on")


@pytest.mark.usefixtures("private")
def test_a_webhook_is_registered_tried_replayed_and_removed(quarter: Terminal) -> None:
    assert "No webhook is registered" in quarter.ok("webhook", "list", *OFFICER).out
    with receiver(status(422)) as other:
        made = quarter.ok("webhook", "add", other.url, "--kind", "appraisal.moved", *OFFICER, "--json").json
        assert made["webhook"] == 1
        refused = quarter.ok("webhook", "test", "1", *OFFICER).out
        assert refused == "Delivery 1 is waiting (http-422); it is tried again by itself.\n"
        assert quarter.ok("webhook", "replay", "1", "--delivery", "1", *OFFICER).out.endswith("again: 1.\n")
        assert quarter.ok("webhook", "test", "1", *OFFICER).out == "Delivery 2 arrived; the answer was 204.\n"
        assert all(one.signed_by(made["key"]) for one in other.got)
        assert other.names()[0] in other.names()[1:], "what was replayed went along, under its name"
        quarter.ok("act", "2026Q1/1008", "start", "--as", "1006")
        quarter.ok("tick")
        assert other.kinds()[-1] == "appraisal.moved"
    shown = quarter.ok("webhook", "show", "1", *OFFICER).out
    assert "3 delivered" in shown
    assert "appraisal.moved" in shown
    assert [row["state"] for row in quarter.ok("webhook", "show", "1", *OFFICER, "--json").json["last"]] == [
        "delivered"
    ] * 3
    assert "nothing more" in quarter.ok("webhook", "remove", "1", *OFFICER).out
    assert quarter.ok("webhook", "list", *OFFICER, "--json").json == []
    assert quarter.ok("webhook", "list", "--ended", *OFFICER, "--json").json[0]["ended"] == "removed"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", "nowhere", *OFFICER), 2, "'nowhere' is no address that a webhook can have;"),
        (("add", "https://hr.example.org/", "--kind", "all", *OFFICER), 2, "There is no kind of event 'all';"),
        (("add", "http://hr.example.org/", *OFFICER), 3, "A webhook goes to an address with https://;"),
        (("add", "https://10.0.0.1/", *OFFICER), 3, "10.0.0.1 lies in a private network or on this machine;"),
        (("add", "https://hr.example.org/", "--as", "1008"), 3, "Only somebody with the grant operator may"),
        (("show", "1", *OFFICER), 4, "There is no webhook 1;"),
        (("test", "1", *OFFICER), 4, "There is no webhook 1;"),
        (("replay", "1", *OFFICER), 4, "There is no webhook 1;"),
        (("replay", "1", "--since", "soon", *OFFICER), 2, "--since"),
        (("remove", "1", *OFFICER), 4, "There is no webhook 1;"),
    ],
)
def test_bad_input_is_one_sentence_and_the_right_exit_code(
    quarter: Terminal, words: tuple[str, ...], code: int, says: str
) -> None:
    ran = quarter("webhook", *words)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_substitutes_are_listed_and_ended(quarter: Terminal) -> None:
    assert "No delegation" in quarter.ok("workitem", "delegations", "--as", "1006").out
    days = ("--from", "2026-01-06", "--until", "2026-01-09")
    quarter.ok("workitem", "delegate", "--to", "1005", *days, "--as", "1006")
    assert quarter.ok("workitem", "delegations", "--as", "1005", "--json").json[0]["last"] == "2026-01-09"
    ran = quarter("workitem", "undelegate", "1", "--as", "1008")
    assert (ran.code, ran.err) == (4, "There is no delegation 1, or it is not yours to see.\n")
    said = quarter.ok("workitem", "undelegate", "1", "--until", "2026-01-07", "--as", "1006").out
    assert said == "1005 stands in for 1006 until 2026-01-07 and no longer.\n"
    said = quarter.ok("workitem", "undelegate", "1", "--reason", "back", "--as", "1006").out
    assert "had not begun" in said
