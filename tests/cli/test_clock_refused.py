"""What people get wrong about deadlines, calendars, absences and mails: one sentence, the right code, nothing written.

The rules behind each have their tests beside the services; a text of a mail with an unknown field is refused where the
texts are read, `tests/services/test_mail_texts.py`, since no command takes one.
"""

import socket
import threading

import pytest

from tests.cli.conftest import Terminal
from tests.cli.test_bad_input import fails, refused
from tests.cli.test_plans import ADD

HR = ("--as", "1007")
JANUARY = "2026-01-06T09:00"
EXTEND = ("cycle", "extend", "2026Q1", "--reason", "the audit week")
AWAY = ("person", "changed", "1009", "absent")
INSTEAD = ("workitem", "delegate", "--from", "2026-01-07", "--until", "2026-01-09")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*EXTEND, "--person", "1008", "--until", "2026-01-05", *HR), 2, "2026-01-05 is over; name a day to come."),
        ((*EXTEND, "--stage", "appeal", "--until", "2026-01-30", *HR), 3, "nobody in it is meant"),
        ((*EXTEND, "--until", "2026-01-30", *HR), 2, "Say whose deadline is meant"),
        ((*ADD, "--calendar", "ATLANTIS", *HR), 3, "There is no working calendar 'ATLANTIS'"),
        ((*ADD, "--zone", "Asia/Shangai", *HR), 2, "There is no time zone 'Asia/Shangai'"),
        ((*AWAY, "--from", "2026-01-20", "--until", "2026-01-19", *HR), 3, "before it begins"),
        ((*AWAY, "--from", "2026-01-20", "--until", "2026-01-19", "--protected", *HR), 3, "before it begins"),
        ((*INSTEAD, "--to", "1008", "--holder", "1008", *HR), 3, "Nobody is his own substitute"),
        (("workitem", "delegate", "--from", "2026-01-05", "--until", "2026-01-09", "--to", "1005", "--as", "1006"), 3,
         "lies in the past"),
        (("calendar", "show", "--calendar", "XX"), 3, "There is no working calendar 'XX'"),
    ],
)  # fmt: skip
def test_it_is_said_in_one_sentence_and_nothing_is_written(
    quarter: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    refused(quarter, *words, code=code, said=said, at=JANUARY)


def test_the_person_appraised_is_never_the_substitute_for_his_own_appraisal(quarter: Terminal) -> None:
    quarter.ok("act", "2026Q1/1008", "start", "--as", "1006", at=JANUARY)
    words = (INSTEAD[0], INSTEAD[1], "2026Q1/1008", *INSTEAD[2:], "--to", "1008", "--as", "1006")
    refused(quarter, *words, code=3, said="he is the person appraised", at=JANUARY)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\r\n"])
def test_a_mail_server_that_answers_nonsense_is_said_to_have_taken_nothing(
    quarter: Terminal, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(answer)

        thread = threading.Thread(target=talk)
        thread.start()
        port = listening.getsockname()[1]
        for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port)), ("TLS", "none")):
            monkeypatch.setenv(f"APPRAISE_SMTP_{name}", value)
        ran = quarter("mail", "test", "me@bank.example", *HR, at=JANUARY)
        thread.join(5)
    assert (ran.code, ran.out, ran.err.count("\n")) == (6, "", 1)
    assert f"The mail server 127.0.0.1:{port} did not take the mail" in ran.err


def test_what_a_plan_opened_is_not_opened_by_hand_too_and_the_other_way_round(office: Terminal) -> None:
    office.ok(*ADD, *HR)
    office.ok("tick", "--at", "2026-03-20T09:00", at=None)
    office.ok("tick", "--at", "2026-04-03T09:00", at=None)
    fails(office, "cycle", "open", "2026Q1", *HR, code=3, said="The cycle 2026Q1 is open already", at=None)
    office.ok("tick", "--at", "2026-06-24T09:00", at=None)
    office.ok("cycle", "open", "2026Q2", *HR, at=None)
    opened = office.ok("cycle", "list", "--json", at=None).json
    office.ok("tick", "--at", "2026-07-03T09:00", at=None)
    assert [one["state"] for one in opened] == ["open", "open"]
    assert office.ok("cycle", "list", "--json", at=None).json == opened
