"""`appraise document`, `finding` and `duty`: what enters a ledger, by whom, and what is refused."""

import io
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.services import builders

FEBRUARY = "2026-02-10T10:00"
APRIL = "2026-04-01T09:00"
LOST = ("--on", "2026-02-03", "--amount", "4", "--reason", "files lost")


@pytest.fixture
def february(quarter: Terminal) -> Terminal:
    """The quarter with a circular registered as D1, and two sites, on 10 February."""
    with quarter.opened() as wiring:
        builders.site(wiring.uow, "north")
        builders.site(wiring.uow, "south")
    quarter.ok(
        *("document", "add", "circular", "2026-14", "--day", "2026-02-09", "--issuer", "Superior bank"),
        *("--title", "Hazards found", "--as", "1008"),
        at=FEBRUARY,
    )
    return quarter


def found(terminal: Terminal, *words: str, at: str = FEBRUARY) -> str:
    """Record a finding and return its name."""
    return str(terminal.ok("finding", "add", *words, "--json", at=at).json["code"])


def test_a_document_is_registered_once_by_hr_or_the_clerk(february: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(b"a scan")
    words = ("document", "add", "commendation", "7", "--day", "2026-02-05", "--issuer", "Superior bank")
    assert february.ok(*words, "--file", str(file), "--as", "1007", "--json", at=FEBRUARY).json == {"document": "D2"}
    assert february(*words, "--as", "1007", at=FEBRUARY).code == 5
    assert february(*words, "--as", "1009", at=FEBRUARY).code == 3
    listed = february.ok("document", "list", "--as", "1007", at=FEBRUARY).out
    assert "scan.pdf" in listed
    assert "Hazards found" in listed
    only = february.ok("document", "list", "--kind", "circular", "--as", "1007", "--json", at=FEBRUARY).json
    assert [one["code"] for one in only] == ["D1"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("poem", "1", "--day", "2026-02-05", "--issuer", "Superior bank"), 2),
        (("circular", "1", "--day", "5 February", "--issuer", "Superior bank"), 2),
        (("circular", "1", "--day", "2026-03-05", "--issuer", "Superior bank"), 3),
        (("circular", " ", "--day", "2026-02-05", "--issuer", "Superior bank"), 2),
        (("circular", "1", "--day", "2026-02-05", "--issuer", "Superior bank", "--file", "nowhere.pdf"), 6),
    ],
)
def test_a_document_that_is_none_is_refused(february: Terminal, words: tuple[str, ...], code: int) -> None:
    ran = february("document", "add", *words, "--as", "1008", at=FEBRUARY)
    assert ran.code == code, ran.err
    assert ran.err.count("\n") == 1


def test_linking_shows_the_effect_on_each_and_asks(february: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ("document", "link", "D1", "--to", "1005=A1.7", "--on", "2026-02-09", "--as", "1004")
    preview = february.ok(*link, "--preview", at=FEBRUARY).out
    assert "1005    A1.7  10      90 -> 80" in preview
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert february.ok(*link, at=FEBRUARY).out.endswith("Nothing was written.\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    unanswered = february(*link, at=FEBRUARY)
    assert unanswered.code == 2
    assert unanswered.err.endswith("Nobody answered and nothing was written: add --yes to do it unasked.\n")
    assert february.ok("finding", "list", "1005", "--as", "1004", "--json", at=FEBRUARY).json == []
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "F1: 1005 A1.7, 10 points." in february.ok(*link, at=FEBRUARY).out
    again = february.ok(*link, "--preview", at=FEBRUARY).out
    assert "80 -> 80" in again
    assert "linked already by F1" in again
    assert february(*link, "--json", at=FEBRUARY).code == 2
    assert [one["code"] for one in february.ok(*link, "--yes", "--json", at=FEBRUARY).json] == ["F2"]


def test_one_act_links_many_or_nobody(february: Terminal) -> None:
    many = ("document", "link", "D1", "--on", "2026-02-09", "--reason", "circulated", "--as", "1004", "--yes")
    bad = february(*many, "--to", "1005=A1.7", "--to", "1006=B3.1=11", at=FEBRUARY)
    assert bad.code == 3
    assert "1006" in bad.err
    assert february.ok("finding", "list", "1005", "--as", "1004", "--json", at=FEBRUARY).json == []
    for target in ("1005", "1005=", "1005=A1.7=3=4"):
        assert february(*many, "--to", target, at=FEBRUARY).code == 2
    assert february(*many, "--to", "1005=A1.7", "--to", "1005=A1.7", at=FEBRUARY).code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("1006", "B4.1", "--on", "2026-03-03", "--amount", "4", "--reason", "x"), 3, "future"),
        (("1006", "B4.1", "--on", "2019-12-31", "--amount", "4", "--reason", "x"), 3, "before the assignment"),
        (("1006", "B4.1", "--on", "2026-02-03", "--amount", "6", "--reason", "x"), 3, "6 is outside"),
        (("1006", "B4.1", "--on", "2026-02-03", "--amount", "3.5", "--reason", "x"), 3, "3.5"),
        (("1006", "B4.1", "--on", "2026-02-03", "--amount", "4"), 3, "reason"),
        (("1006", "B4.1", "--on", "2026-02-03", "--amount", "four", "--reason", "x"), 2, "not a plain decimal"),
        (("1006", "B4.1", "--on", "yesterday", "--amount", "4", "--reason", "x"), 2, "is no day"),
        (("1006", "A1.2", "--on", "2026-02-03", "--reason", "x"), 3, "A1.2"),
        (("1006", "Z9.9", "--on", "2026-02-03", "--reason", "x"), 3, "Z9.9"),
        (("1006", "B3.1", "--on", "2026-02-03", "--amount", "5", "--reason", "x"), 3, "document"),
        (("1006", "B3.1", "--on", "2026-02-03", "--amount", "5", "--reason", "x", "--document", "D9"), 4, "D9"),
        (("1006", "B3.1", "--on", "2026-02-03", "--amount", "5", "--reason", "x", "--document", "9"), 2, "'9'"),
        (("7777", "B4.1", *LOST), 4, "7777"),
        (("1006@pilot", "B4.1", *LOST), 3, "pilot"),
        (("1008", "B4.1", *LOST), 3, "Only the assessor"),
    ],
)
def test_a_finding_that_no_rule_admits_is_refused_in_a_sentence(
    february: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = february("finding", "add", *words, "--as", "1004", at=FEBRUARY)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert february.ok("finding", "list", "1006", "--as", "1004", "--json", at=FEBRUARY).json == []


def test_facts_reach_the_person_at_once_and_amounts_in_a_range_do_not(february: Terminal) -> None:
    found(february, "1006", "B4.1", *LOST, "--as", "1004")
    own = february.ok("finding", "list", "--as", "1006", at=FEBRUARY).out
    assert "files lost" in own
    assert "not released" in own
    assert "3-5 points will be deducted" in own
    shown = february.ok("finding", "list", "1006", "--as", "1004", at=FEBRUARY).out
    assert "-4" in shown
    assert february.ok("finding", "list", "1006", "--as", "1009", at=FEBRUARY).out.startswith("There are no findings")
    listed = february.ok("finding", "list", "--as", "1006", "--json", at=FEBRUARY).json
    assert [(one["code"], one["amount"], one["hidden"]) for one in listed] == [("F1", None, True)]


def test_a_reply_stands_beside_the_finding_for_five_working_days(february: Terminal) -> None:
    found(february, "1006", "B4.1", *LOST, "--as", "1004")
    february.ok("finding", "reply", "F1", "They were on loan.", "--as", "1006", at="2026-02-11T10:00")
    assert (
        "F1 reply 2026-02-11 10:00: They were on loan."
        in february.ok("finding", "list", "1006", "--as", "1004", at="2026-02-12T10:00").out
    )
    assert february("finding", "reply", "F1", "Again.", "--as", "1006", at="2026-03-20T10:00").code == 3
    assert february("finding", "reply", "F1", " ", "--as", "1006", at="2026-02-12T10:00").code == 2
    assert february("finding", "reply", "F1", "Not mine.", "--as", "1005", at="2026-02-12T10:00").code == 4
    assert february("finding", "reply", "F77", "?", "--as", "1006", at="2026-02-12T10:00").code == 4
    assert february("finding", "reply", "first", "?", "--as", "1006", at="2026-02-12T10:00").code == 2


def test_a_finding_entered_in_error_is_void_or_replaced_and_stays_to_be_read(february: Terminal) -> None:
    first = found(february, "1006", "B4.1", *LOST, "--as", "1004")
    second = found(
        february,
        *("1006", "B4.1", "--on", "2026-02-03", "--amount", "3", "--reason", "fewer", "--replaces", first),
        *("--as", "1004"),
    )
    void = ("finding", "void", second, "--reason", "wrong person", "--as", "1004", "--json")
    assert february.ok(*void, at=FEBRUARY).json == {"code": "F2", "voided": True}
    assert february("finding", "void", second, "--reason", "twice", "--as", "1004", at=FEBRUARY).code == 3
    listed = february.ok("finding", "list", "1006", "--as", "1004", "--json", at=FEBRUARY).json
    assert [(one["code"], one["voided"], one["replaces"]) for one in listed] == [("F1", True, None), ("F2", True, "F1")]
    assert "F2 void: wrong person" in february.ok("finding", "list", "1006", "--as", "1004", at=FEBRUARY).out


def test_a_claimed_commendation_counts_once_the_assessor_confirms_it(february: Terminal) -> None:
    words = ("document", "add", "commendation", "7", "--day", "2026-02-05", "--issuer", "Superior bank", "--as", "1008")
    february.ok(*words, at=FEBRUARY)
    claim = ("finding", "claim", "1005", "A1.8", "--on", "2026-02-05", "--document", "D2", "--as")
    assert february(*claim, "1006", at=FEBRUARY).code == 3
    assert "F1: 1005 A1.8, 10 points" in february.ok(*claim, "1005", at=FEBRUARY).out
    assert "claimed" in february.ok("finding", "list", "--as", "1005", at=FEBRUARY).out
    assert february("finding", "confirm", "F1", "--as", "1005", at=FEBRUARY).code == 3
    confirmed = february.ok("finding", "confirm", "F1", "--as", "1004", "--json", at=FEBRUARY).json
    assert confirmed == {"code": "F1", "confirmed": True}
    assert february("finding", "confirm", "F1", "--as", "1004", at=FEBRUARY).code == 3
    assert february.ok("finding", "list", "--as", "1005", "--json", at=FEBRUARY).json[0]["counts"] is True


def test_the_reviewer_changes_and_strikes_and_both_values_stay(february: Terminal) -> None:
    first = found(february, "1006", "B4.1", *LOST, "--as", "1004")
    second = found(february, "1006", "B1.1", *LOST, "--as", "1004")
    assert february("finding", "strike", first, "--comment", "early", "--as", "1001", at=FEBRUARY).code == 3
    for action, by in (("state", "1006"), ("submit", "1004")):
        february.ok("act", "2026Q1/1006", action, "--comment", "done", "--as", by, at=APRIL)
    late = february("finding", "add", "1006", "B4.1", *LOST, "--as", "1004", at=APRIL)
    assert late.code == 3
    assert february("finding", "change", first, "9", "--comment", "worse", "--as", "1001", at=APRIL).code == 3
    assert february("finding", "change", first, "less", "--comment", "?", "--as", "1001", at=APRIL).code == 2
    assert february("finding", "strike", first, "--comment", "mine", "--as", "1006", at=APRIL).code == 3
    changed = february.ok("finding", "change", first, "3", "--comment", "a first time", "--as", "1001", at=APRIL).out
    assert changed == "F1 of 2026Q1/1006@deputy-personnel is changed to 3; total 93.\n"
    struck = february.ok("finding", "strike", second, "--comment", "not his", "--as", "1001", "--json", at=APRIL).json
    assert struck["total"] == "97"
    listed = february.ok("finding", "list", "1006", "--as", "1001", at=APRIL).out
    assert "F1 changed: 3, 2026-04-01 09:00: a first time" in listed
    assert "F2 struck, 2026-04-01 09:00: not his" in listed


def test_a_duty_is_recorded_by_its_holder_and_shown_month_by_month_and_site_by_site(february: Terminal) -> None:
    record = ("duty", "record", "1005", "A1.1", "2026-02", "--day", "2026-02-06", "--evidence", "log, page 12")
    assert february.ok(*record, "--site", "north", "--as", "1005", "--json", at=FEBRUARY).json == {"entry": 1}
    shown = february.ok("duty", "list", "1005", "--as", "1005", at=FEBRUARY).out
    assert "A1.1  2026-01  missed   0         north open, south open" in shown
    assert "A1.1  2026-02  pending  0.5       north done, south open" in shown
    february.ok(*record, "--site", "south", "--as", "1005", at=FEBRUARY)
    months = february.ok("duty", "list", "1005", "--as", "1004", "--json", at=FEBRUARY).json
    assert [(one["month"], one["state"], one["coverage"]) for one in months] == [
        ("2026-01", "missed", "0"),
        ("2026-02", "met", "1"),
        ("2026-03", "pending", "0"),
    ]
    assert february("duty", "list", "1005", "--as", "1008", at=FEBRUARY).code == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("2026-02", "--day", "2026-02-06", "--evidence", "log", "--coverage", "1.2", "--as", "1005"), 2),
        (("2026-02", "--day", "2026-02-06", "--evidence", "log", "--as", "1005"), 2),
        (("2026-02", "--day", "2026-02-06", "--evidence", " ", "--coverage", "1", "--as", "1005"), 2),
        (("February", "--day", "2026-02-06", "--evidence", "log", "--coverage", "1", "--as", "1005"), 2),
        (("2026-02", "--day", "2026-01-06", "--evidence", "log", "--coverage", "1", "--as", "1005"), 3),
        (("2026-02", "--day", "2026-02-20", "--evidence", "log", "--coverage", "1", "--as", "1005"), 3),
        (("2026-02", "--day", "2026-02-06", "--evidence", "log", "--coverage", "1", "--as", "1004"), 3),
        (("2026-02", "--day", "2026-02-06", "--evidence", "log", "--site", "moon", "--as", "1005"), 4),
    ],
)
def test_a_duty_entry_that_does_not_fit_is_refused(february: Terminal, words: tuple[str, ...], code: int) -> None:
    ran = february("duty", "record", "1005", "A1.1", *words, at=FEBRUARY)
    assert ran.code == code, ran.err
    assert ran.err.count("\n") == 1


def test_missed_months_are_confirmed_or_excused_by_the_assessor_only(february: Terminal) -> None:
    excuse = ("duty", "excuse", "1005", "A1.1", "2026-01", "--reason", "vault closed", "--as")
    confirm = ("duty", "confirm", "1005", "A1.1")
    assert february(*excuse, "1005", at=FEBRUARY).code == 3
    assert "(entry 1)" in february.ok(*excuse, "1004", at=FEBRUARY).out
    assert february(*excuse, "1004", at=FEBRUARY).code == 3
    assert february(*confirm, "2026-01", "--as", "1004", at=FEBRUARY).code == 3
    february.ok("duty", "void", "1", "--reason", "the wrong month", "--as", "1004", at=FEBRUARY)
    february.ok(*confirm, "2026-01", "--comment", "seen", "--as", "1004", at=FEBRUARY)
    assert "missed, confirmed" in february.ok("duty", "list", "1005", "--as", "1004", at=FEBRUARY).out
    assert february("duty", "void", "99", "--reason", "?", "--as", "1004", at=FEBRUARY).code == 4
