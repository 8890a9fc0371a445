"""`appraise mail`, `failures`, `cycle remind` and `status`, as people type them."""

import datetime as dt
from collections.abc import Iterator

import pytest

from config.mail_sink import MailSink
from models.columns import table_of
from models.outbox import Message
from models.people import Contact, Grant
from tests.cli.conftest import Terminal
from tests.services.closing import vouch
from tests.services.smtp import Server

LATE = "2026-01-12T09:00"
OFFICER, OPERATOR = "1007", "1003"


@pytest.fixture
def operated(quarter: Terminal, people: dict[str, int]) -> Terminal:
    """The open quarter, with 1003 as the operator."""
    with quarter.opened() as wiring, wiring.uow.write() as tx:
        grant = {"person_id": people["1003"], "role": "operator", "valid_from": dt.date(2025, 1, 1)}
        tx.insert(table_of(Grant), grant)
    with quarter.opened() as wiring:
        vouch(wiring.uow)
    return quarter


def test_without_a_mail_server_mails_wait_are_listed_and_can_be_given_up(operated: Terminal) -> None:
    operated.ok("tick", "--at", LATE, at=None)
    listed = operated.ok("mail", "list", "--as", OFFICER, "--json", at=None).json
    digest = next(mail for mail in listed if mail["kind"] == "digest")
    assert digest["state"] == "queued"

    shown = operated.ok("mail", "show", digest["code"], "--as", "1003", at=None).out
    assert f"appraise mail cancel {digest['code']}" in shown
    ran = operated("mail", "cancel", digest["code"], "--reason", "told by hand", "--as", OFFICER, at=None)
    assert (ran.code, ran.err) == (3, "Only somebody with the grant operator may cancel a mail.\n")
    said = operated.ok("mail", "cancel", digest["code"], "--reason", "told by hand", "--as", "1003", at=None).out
    assert said == f"{digest['code']} is cancelled.\n"
    again = operated("mail", "retry", digest["code"], "--as", "1003", at=None)
    assert (again.code, again.err) == (3, f"{digest['code']} is cancelled; what can be done with it: nothing.\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("mail", "show", "M9999"), 4, "There is no mail M9999;"),
        (("mail", "show", "9"), 2, "'9' does not name a mail; write M and its number."),
        (("mail", "list", "--state", "lost"), 2, "There is no state 'lost' of a mail;"),
        (("mail", "test", "me@bank.example"), 6, "No mail server is set"),
        (("mail", "off", "overdue"), 3, "Mails of the kind overdue cannot be switched off"),
        (("mail", "off", "news"), 2, "There is no kind of message 'news'"),
        (("mail", "settings", "--quiet", "at night"), 2, "--quiet 'at night' is not understood"),
        (("mail", "settings", "--quiet", "25:00-07:00"), 2, "quiet-from: '25:00' is no time of day"),
        (
            ("mail", "settings", "--quiet", "07:00-09:00"),
            2,
            "The digest would go out at 08:00, within the quiet hours.",
        ),
        (("mail", "settings", "--quiet-day", "someday"), 2, "'someday' is no quiet day;"),
        (("mail", "settings", "--overdue-every", "0"), 2, "What is late is repeated every 1 to 60 working days."),
        (("mail", "settings", "--after-doubt", "overdue=perhaps"), 2, "overdue=perhaps sets nothing:"),
        (("mail", "settings", "--after-doubt", "overdue"), 2, "--after-doubt 'overdue' is incomplete;"),
        (("failures", "retry", "X1"), 4, "There is no failure X1;"),
        (("failures", "resolve", "X1", "--reason", " "), 2, "Say how it was dealt with"),
        (("cycle", "remind", "2029Q1"), 3, "Only an HR officer may remind people by hand."),
        (("mail", "slips"), 3, "Only somebody with the grant hr may print notices."),
    ],
)
def test_bad_input_is_one_sentence_and_the_right_exit_code(
    operated: Terminal, words: tuple[str, ...], code: int, says: str
) -> None:
    ran = operated(*words, "--as", "1003")
    assert (ran.code, ran.err[: len(says)]) == (code, says)
    assert ran.err.count("\n") == 1


def test_settings_are_shown_changed_and_kept(operated: Terminal) -> None:
    changed = operated.ok(
        "mail", "settings", "--quiet", "20:00-07:00", "--quiet-day", "free", "--no-figures", "--as", OFFICER
    ).out
    assert "quiet hours             20:00-07:00" in changed
    kept = operated.ok("mail", "settings", "--json", "--as", OFFICER).json
    assert kept == {
        "digest-at": "08:00",
        "quiet-from": "20:00",
        "quiet-to": "07:00",
        "quiet-days": ["free"],
        "overdue-every": 2,
        "figures": False,
        "policies": {},
    }
    assert operated.ok("audit", "verify").code == 0
    operated.ok("mail", "settings", "--quiet", "none", "--quiet-day", "none", "--as", OFFICER)
    assert operated.ok("mail", "settings", "--json", "--as", OFFICER).json["quiet-days"] == []


def test_a_person_does_without_a_kind_of_mail(operated: Terminal) -> None:
    assert (
        operated.ok("mail", "off", "due-soon", "--as", "1009").out == "Mails of the kind due-soon are switched off.\n"
    )
    kinds = {kind["kind"]: kind for kind in operated.ok("mail", "kinds", "--as", "1009", "--json").json}
    assert kinds["due-soon"]["off"]
    assert not kinds["overdue"]["optional"]
    assert "digest" not in kinds
    assert operated.ok("mail", "on", "due-soon", "--as", "1009").out.endswith("switched on.\n")


def test_hr_reminds_and_is_told_who_was_reminded_when(operated: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with MailSink(operated.folder / "mails") as sink:
        monkeypatch.setenv("APPRAISE_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("APPRAISE_SMTP_PORT", str(sink.port))
        monkeypatch.setenv("APPRAISE_SMTP_TLS", "none")
        operated.ok("tick", "--at", LATE, at=None)
        first = operated.ok("cycle", "remind", "2026Q1", "--as", OFFICER, at=None)
        operated.ok("tick", at=None)
        second = operated.ok("cycle", "remind", "2026Q1", "--as", OFFICER, at=None)
        status = operated("status", "--json", at=None)
        operated.ok("mail", "test", "me@bank.example", "--as", "1003", at=None)

    assert "reminded" in first.out
    assert "not again: had mails at 2026-01-12 09:00 and 2026-01-12 09:00" in second.out
    assert status.json["mails"]["sent"] > 0
    assert status.json["latency_95"] is not None
    assert any(b"test-" in kept.read_bytes() for kept in (operated.folder / "mails").glob("*.eml"))


def test_slips_and_sheets_are_printed_for_who_has_no_address(
    operated: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with operated.opened() as wiring, wiring.uow.write() as tx:
        tx.run(table_of(Contact).delete())
    with MailSink(operated.folder / "mails") as sink:
        monkeypatch.setenv("APPRAISE_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("APPRAISE_SMTP_PORT", str(sink.port))
        monkeypatch.setenv("APPRAISE_SMTP_TLS", "none")
        operated.ok("tick", "--at", LATE, at=None)
        slips = operated.ok("mail", "slips", "--as", OFFICER, at=None).out
        assert operated.ok("mail", "slips", "--as", OFFICER, at=None).out == "Nothing waits to be printed.\n"
        sheet = operated.ok("mail", "slips", "--sheet", "--again", "--as", OFFICER, at=None).out

    assert "Your turn: Scoring" in slips
    assert "Signature" in sheet
    assert "____" in sheet


@pytest.fixture
def undelivered(operated: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """The first mail was refused for good, and behind the second the mail server went away; now it is there again."""
    server = Server()
    server.answers = {"RCPT": ["550 nobody"], "DATA": ["disconnect"]}
    # What is in doubt waits for the operator, and is not sent again by itself.
    operated.ok("mail", "settings", "--after-doubt", "your-turn=hold", "--as", OFFICER)
    with operated.opened() as wiring, wiring.uow.write() as tx:
        tx.run(table_of(Message).update().values(policy="hold"))
    with MailSink(operated.folder / "mails", handler=server) as sink:
        monkeypatch.setenv("APPRAISE_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("APPRAISE_SMTP_PORT", str(sink.port))
        monkeypatch.setenv("APPRAISE_SMTP_TLS", "none")
        operated.ok("tick", "--at", LATE, at=None)
        yield operated


def code_in(terminal: Terminal, state: str) -> str:
    """The one mail that is in a state; what goes out with it is not counted."""
    listed = terminal.ok("mail", "list", "--state", state, "--as", OPERATOR, "--json", at=None).json
    (found,) = [one["code"] for one in listed if one["digest"] is None]
    return str(found)


def failed(terminal: Terminal, *more: str) -> dict[str, str]:
    """The failures by what they are of."""
    listed = terminal.ok("failures", "list", *more, "--as", OFFICER, "--json", at=None).json
    return {one["about"]: one["code"] for one in listed}


def test_a_mail_in_doubt_is_released_and_a_failed_one_is_sent_again(undelivered: Terminal) -> None:
    by, refused, doubt = ("--as", OPERATOR), code_in(undelivered, "failed"), code_in(undelivered, "in-doubt")
    for words, mail in (("retry", doubt), ("release", refused)):
        ran = undelivered("mail", words, mail, *by, at=None)
        assert (ran.code, "what can be done with it: " in ran.err) == (3, True), ran.err
    for words in (("retry", refused), ("release", doubt)):
        assert undelivered("mail", *words, "--as", OFFICER, at=None).code == 3
        assert undelivered.ok("mail", *words, *by, at=None).out == f"{words[1]} is queued.\n"
    assert failed(undelivered) == {}
    undelivered.ok("tick", at=None)
    sent = undelivered.ok("mail", "list", "--state", "sent", *by, "--json", at=None).json
    assert {refused, doubt} <= {one["code"] for one in sent}


def test_what_failed_is_listed_tried_again_or_dealt_with_by_an_operator(undelivered: Terminal) -> None:
    by, refused, doubt = ("--as", OPERATOR), code_in(undelivered, "failed"), code_in(undelivered, "in-doubt")
    waiting = failed(undelivered)
    assert set(waiting) == {refused, doubt}
    shown = undelivered.ok("failures", "list", *by, at=None).out
    assert "smtp-550" in shown
    assert waiting[doubt] in shown
    ran = undelivered("failures", "retry", waiting[doubt], *by, at=None)
    assert (ran.code, ran.err) == (
        3,
        f"{doubt} may have arrived; `appraise mail release {doubt}` decides.\n",
    )
    assert undelivered("failures", "retry", waiting[refused], "--as", OFFICER, at=None).code == 3
    again = undelivered.ok("failures", "retry", waiting[refused], *by, at=None).out
    assert again == f"{waiting[refused]}: {refused} is tried again.\n"
    queued = undelivered.ok("mail", "list", "--state", "queued", *by, "--json", at=None).json
    assert refused in {one["code"] for one in queued}
    resolve = ("failures", "resolve", waiting[doubt], "--reason", "asked her: it came", *by)
    assert undelivered.ok(*resolve, at=None).out == f"{waiting[doubt]} is dealt with: asked her: it came\n"
    twice = undelivered(*resolve, at=None)
    assert (twice.code, twice.err) == (3, f"{waiting[doubt]} is dealt with already.\n")
    assert undelivered.ok("failures", "list", *by, at=None).out == "Nothing waits for a decision.\n"
    assert failed(undelivered, "--all") == waiting
    assert undelivered.ok("mail", "release", doubt, "--arrived", *by, at=None).out == f"{doubt} is sent.\n"


def test_status_says_what_needs_somebody_and_prometheus_reads_the_same(operated: Terminal) -> None:
    operated.ok("tick", "--at", LATE, at=None)
    ran = operated("status", at=None)
    assert (ran.code, ran.err) in {(0, ""), (1, "")}
    assert "Planned until" in ran.out
    later = operated("--at", "2026-01-12T12:00", "status", at=None)
    assert later.code == 1
    assert "planning-behind: Nothing was planned for 10800 seconds. See docs/alerts/planning-behind.md." in later.out
    read = operated("--at", "2026-01-12T12:00", "status", "--prometheus", at=None)
    assert read.code == 0
    assert "appraise_planning_behind_seconds 10800\n" in read.out
