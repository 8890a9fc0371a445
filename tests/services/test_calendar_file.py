"""RFC 5545: lines end in CRLF, are folded at 75 octets (3.1), and text is escaped (3.3.11)."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from services.calendar_file import Entry, calendar_file, escaped, folded

STAMP = dt.datetime(2026, 3, 6, 4, 0, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 3, 13, 18, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
LINK = "https://appraise.bank.example/appraisals/2026Q1/1001@deputy-security"


def test_an_entry_is_a_moment_in_utc_that_takes_no_time_and_asks_for_no_answer() -> None:
    text = calendar_file([Entry("u@bank.example", 2, DUE, "Due: Scoring", LINK)], stamp=STAMP).decode()

    assert text.splitlines() == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Appraise//Deadlines//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        "UID:u@bank.example",
        "DTSTAMP:20260306T040000Z",
        "SEQUENCE:2",
        "DTSTART:20260313T100000Z",
        "TRANSP:TRANSPARENT",
        "SUMMARY:Due: Scoring",
        "DESCRIPTION:https://appraise.bank.example/appraisals/2026Q1/1001@deputy-sec",
        " urity",
        f"URL:{LINK}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    assert text.count("\r\n") == text.count("\n") == len(text.splitlines())


def test_a_title_makes_no_property_of_its_own() -> None:
    title = "a;b,c\\d\r\nATTACH:http://evil.example\rX\x00\x1b\x7f"

    assert escaped(title) == r"a\;b\,c\\d\nATTACH:http://evil.example\nX" + "   "


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_folding_tears_no_character_exceeds_no_line_and_is_undone_by_unfolding(text: str) -> None:
    line = f"SUMMARY:{escaped(text)}"
    pieces = list(folded(line))

    assert all(len(piece) <= 75 for piece in pieces)
    assert all(piece.startswith(b" ") for piece in pieces[1:])
    assert pieces[0].decode() + "".join(piece.decode()[1:] for piece in pieces[1:]) == line


def test_chinese_is_folded_between_characters() -> None:
    pieces = list(folded("SUMMARY:" + "考核" * 40))

    assert len(pieces) == 4
    assert all(piece.decode() for piece in pieces)
