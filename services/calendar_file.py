"""A calendar file with deadlines, by RFC 5545: escaped, folded at 75 octets, ended by CRLF.

METHOD is PUBLISH: nobody is asked for an answer, and a calendar that knows the UID already takes the entry with the
higher SEQUENCE (RFC 5546, 3.2.1); CANCEL takes it out again (3.2.5). Moments are in UTC, so that no zone has to be
described.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_OCTETS = 75
PRODUCT = "-//Appraise//Deadlines//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """A deadline as a calendar knows it. `uid` stays for ever, `sequence` grows when the deadline moves."""

    uid: str
    sequence: int
    due_at: dt.datetime
    title: str
    link: str


def calendar_file(entries: Sequence[Entry], *, stamp: dt.datetime, method: str = "PUBLISH") -> bytes:
    """Return the file; `stamp` is when it was made (3.8.7.2), `method` is PUBLISH or CANCEL."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", f"METHOD:{method}"]
    for entry in entries:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{escaped(entry.uid)}",
            f"DTSTAMP:{_utc(stamp)}",
            f"SEQUENCE:{entry.sequence}",
            *(["STATUS:CANCELLED"] if method == "CANCEL" else []),
            # Without an end it ends when it begins (3.6.1): a deadline takes no time of anybody's day.
            f"DTSTART:{_utc(entry.due_at)}",
            "TRANSP:TRANSPARENT",
            f"SUMMARY:{escaped(entry.title)}",
            f"DESCRIPTION:{escaped(entry.link)}",
            f"URL:{entry.link}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in folded(line))


def escaped(text: str) -> str:
    r"""Return a text value: backslash, semicolon, comma and line breaks escaped (3.3.11); other controls become blanks.

    >>> escaped("a,b;c\\d\ne")
    'a\\,b\\;c\\\\d\\ne'
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    for character in ("\\", ";", ","):
        plain = plain.replace(character, f"\\{character}")
    plain = plain.replace("\n", "\\n")
    return "".join(" " if ord(character) < 0x20 or ord(character) == 0x7F else character for character in plain)  # noqa: PLR2004 - the controls of ASCII


def folded(line: str) -> Iterator[bytes]:
    """Yield one content line in pieces of at most 75 octets, no character torn; later ones begin with a space."""
    piece = b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > _OCTETS:
            yield piece
            piece = b" "
        piece += octets
    yield piece


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
