"""Sending a trial mail: whether the settings, the server and its certificate let a mail through, said at once."""

import datetime as dt
import email.policy
import secrets
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from services import naming
from services.actors import Actor
from services.audit import append_event
from services.errors import Environment
from services.mail import Sender
from services.mail_facts import Needed
from services.mail_html import html_of
from services.mail_letters import WIRE, address_of
from services.mail_server import Conversation, InDoubt, NotTaken
from services.mail_texts import read_shipped_text
from services.mail_words import Found
from services.operating import demand_operator
from services.unit_of_work import UnitOfWork, use_case

NAME = "test"


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial mail that the server took."""

    address: str
    subject: str
    message_id: str


@use_case("mail.test")
def send_trial(
    uow: UnitOfWork,
    sender: Sender | None,
    *,
    actor: Actor,
    now: dt.datetime,
    address: str,
    language: Literal["en", "zh"],
) -> Tried:
    """Hand one trial mail over to an address, past the outbox; who asked is in the audit, the address is not.

    Raises:
        Malformed: the address cannot stand in a mail.
        Refused: the actor does not operate Appraise.
        Environment: no mail server is set, or it did not take the mail; the sentence says what it answered.
    """
    with uow.write() as tx:
        demand_operator(tx, actor, now, "send a trial mail")
        organisation = naming.organisation(tx)
        append_event(tx, "org", "mail.test", actor=actor, at=now, payload={})
    if sender is None:
        raise Environment("No mail server is set, so no mail can be sent: set APPRAISE_SMTP_HOST.", "no-mail-server")
    values = {"recipient": address, "organisation": organisation.name, "link": f"{sender.base_url}/work"}
    needed = Needed(language, address, Found(values))
    letter = _letter(needed, sender, now)
    place = f"{sender.server.host}:{sender.server.port}"
    conversation = Conversation(sender.server)
    try:
        conversation.hand_over(sender.mail_from, address, letter.as_bytes(policy=WIRE), lambda: True)
    except NotTaken as refusal:
        raise Environment(
            f"The mail server {place} did not take the mail ({refusal.code}); "
            "`appraise doctor` checks the connection and the login.",
            "not-taken",
        ) from refusal
    except InDoubt as doubt:
        raise Environment(
            f"The mail server {place} was lost after the text ({doubt.code}); look whether it arrived.", "in-doubt"
        ) from doubt
    finally:
        conversation.close()
    return Tried(address, str(letter["Subject"]), str(letter["Message-ID"]))


def _letter(needed: Needed, sender: Sender, now: dt.datetime) -> EmailMessage:
    words = read_shipped_text(NAME)[needed.language]
    subject, text = words.fill(needed.found.values)
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"] = sender.mail_from
    letter["To"] = address_of(needed)
    letter["Subject"] = subject
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<test-{secrets.token_hex(8)}@{sender.mail_from.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text, charset="utf-8", cte="base64")
    page = html_of(words.body, needed.found.values, language=needed.language, title=subject)
    letter.add_alternative(page, subtype="html", charset="utf-8", cte="base64")
    return letter
