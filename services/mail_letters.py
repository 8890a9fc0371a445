"""A mail as it goes over the wire: headers, text, HTML, and the calendar file of what is due."""

import datetime as dt
import email.policy
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from services.calendar_entries import last_sequence, sequence_of
from services.calendar_file import Entry as CalendarEntry
from services.calendar_file import calendar_file
from services.digests import Digest, Entry
from services.errors import Malformed
from services.mail_facts import Needed
from services.mail_html import Line, html_of, text_of_lines
from services.mail_texts import shipped_mail_texts
from services.mail_words import phrase
from services.messages import DIGEST
from services.outbox_messages import ClaimedMessage
from services.unit_of_work import Transaction

NOTICES_HEADER = "X-Appraise-Notices"
"""Names what a digest holds: for each notice the same keyed digest that would have been its own Message-ID."""

WIRE = email.policy.SMTP.clone(cte_type="7bit")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
_LONGEST_LINE = 900


def keyed_name(tx: Transaction, text: str) -> str:
    """Return a name that is the same for the same text and tells nothing to who lacks the key."""
    # The oldest key: a new one must not change the name of a mail that is already in doubt.
    key = next(iter(tx.keys.secrets.values()))
    return hmac.new(key, b"message-id\n" + text.encode(), hashlib.sha256).hexdigest()[:40]


def message_id(tx: Transaction, message: ClaimedMessage, mail_from: str) -> str:
    """Return the Message-ID: the same for the same obligation, and telling nothing to who lacks the key."""
    return f"<{keyed_name(tx, message.dedupe_key)}@{mail_from.rpartition('@')[2]}>"


def address_of(needed: Needed) -> str:
    """Return the address of the recipient.

    Raises:
        Malformed: it cannot stand in a mail without changing it.
    """
    if needed.address is None or not _ADDRESS.fullmatch(needed.address):
        raise Malformed("The e-mail address of the recipient cannot be written into a mail.", "bad-address")
    return needed.address


def letter_of(
    tx: Transaction,
    message: ClaimedMessage,
    needed: Needed,
    *,
    now: dt.datetime,
    mail_from: str,
    digest: Digest | None = None,
    link: str = "",
) -> EmailMessage:
    """Return the mail; of a digest with a single thing in it, that thing's own mail. `link` leads to everything due.

    Raises:
        Malformed: the address, or a value in the subject, cannot stand in a mail.
    """
    subject, text, html = written(message, needed, digest, link)
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"] = mail_from
    letter["To"] = address_of(needed)
    letter["Subject"] = subject
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = message_id(tx, message, mail_from)
    letter["Content-Language"] = needed.language
    letter["Auto-Submitted"] = "auto-generated"
    if digest is not None:
        letter[NOTICES_HEADER] = " ".join(keyed_name(tx, line.dedupe_key) for line in digest.lines)
    _set_text(letter, text)
    letter.add_alternative(html, subtype="html", charset="utf-8", cte="base64")
    entries = _calendar(tx, [needed] if digest is None else [entry.needed for entry in digest.entries], mail_from)
    if entries:
        method = "CANCEL" if needed.found.deadline is not None and needed.found.deadline.over else "PUBLISH"
        letter.add_attachment(
            calendar_file(entries, stamp=now, method=method),
            maintype="text",
            subtype="calendar",
            filename="deadline.ics",
            params={"method": method, "charset": "utf-8"},
        )
    return letter


def written(
    message: ClaimedMessage, needed: Needed, digest: Digest | None = None, link: str = ""
) -> tuple[str, str, str]:
    """Return subject, text and HTML of a message, in the language of the person.

    Raises:
        Malformed: a value with a line break would enter the subject.
    """
    texts = shipped_mail_texts()
    language = needed.language
    if digest is not None and len(digest.entries) == 1:
        message, needed, digest = digest.entries[0].message, digest.entries[0].needed, None
    values: Mapping[str, str] = needed.found.values
    if digest is not None:
        own = texts[DIGEST, language]
        lines = [_line(entry) for entry in digest.entries]
        shared = {name: values[name] for name in ("recipient", "organisation")}
        values = {**shared, "link": link, "summary": digest.summary(), "count": str(len(lines))}
    else:
        own = texts[message.kind, language]
        lines = [Line(own.fill_line(row)) for row in needed.found.rows]
    subject, text = own.fill({**values, "lines": text_of_lines(lines)})
    return subject, text, html_of(own.body, values, lines, language=language, title=subject)


def _line(entry: Entry) -> Line:
    needed = entry.needed
    text = shipped_mail_texts()[entry.message.kind, needed.language]
    heading = phrase(needed.language, f"title-{needed.found.section}")
    return Line(text.fill_line(needed.found.values), needed.found.values["link"], heading)


def _set_text(letter: EmailMessage, text: str) -> None:
    short = text.isascii() and all(len(line) <= _LONGEST_LINE for line in text.splitlines())
    letter.set_content(text, charset="utf-8", cte="7bit" if short else "base64")


def _calendar(tx: Transaction, needed: Sequence[Needed], mail_from: str) -> list[CalendarEntry]:
    domain = mail_from.rpartition("@")[2]
    found = []
    for one in needed:
        deadline = one.found.deadline
        if deadline is None:
            continue
        uid = f"{keyed_name(tx, f'work-item/{deadline.item_id}')}@{domain}"
        if deadline.over:
            told = last_sequence(tx, deadline.item_id)
            if told is None:
                continue
            sequence = told + 1
        else:
            sequence = sequence_of(tx, deadline.item_id, deadline.due_at)
        title = phrase(one.language, "deadline").format(deadline.title)
        found.append(CalendarEntry(uid, sequence, deadline.due_at, title, one.found.values["link"]))
    return found
