"""What a message is about, read when it is sent: whether anybody still needs it, who gets it, and the words it names.

Need and permission are looked at now and not when the message was promised (G7). No reader here can see an amount in a
range, a score, or the words of a judge.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from models.columns import table_of
from models.outbox import MailChoice
from models.people import Contact, Person
from services import (
    deaths,
    mail_finding_facts,
    mail_habits,
    mail_item_facts,
    mail_login_facts,
    mail_office_facts,
    naming,
)
from services.mail_standins import has_left
from services.mail_words import Found, Look, NotNeeded
from services.messages import Need, kind_of
from services.outbox_messages import ClaimedMessage
from services.unit_of_work import Transaction

__all__ = ["Needed", "NotNeeded", "look"]

PERSON = table_of(Person)
CONTACT = table_of(Contact)
MAIL_CHOICE = table_of(MailChoice)

_RECIPIENT = select(PERSON).where(PERSON.c.id == bindparam("person"))
_ADDRESS = (
    select(CONTACT.c.email)
    .where(
        CONTACT.c.person_id == bindparam("person"),
        CONTACT.c.valid_from <= bindparam("on"),
        or_(CONTACT.c.valid_to.is_(None), CONTACT.c.valid_to >= bindparam("on")),
    )
    .order_by(CONTACT.c.id.desc())
    .limit(1)
)
_SWITCHED_OFF = select(MAIL_CHOICE.c.id).where(
    MAIL_CHOICE.c.person_id == bindparam("person"), MAIL_CHOICE.c.kind == bindparam("kind")
)


@dataclass(frozen=True, slots=True)
class Needed:
    """A message somebody still needs: in which language, to which address (None: on HR's list), with which words."""

    language: str
    address: str | None
    found: Found


def look(tx: Transaction, message: ClaimedMessage, *, now: dt.datetime, base_url: str) -> Needed | NotNeeded:
    """Return whether the message is still needed at `now`, with everything its text may name.

    `base_url` is what every link begins with, without a slash at its end.
    """
    kind = kind_of(message.kind)
    organisation = naming.organisation(tx)
    zone = zoneinfo.ZoneInfo(organisation.zone)
    on = now.astimezone(zone).date()
    person = tx.first(_RECIPIENT, {"person": message.person_id})
    if person is None or person.erased_at is not None:
        return NotNeeded("erased")
    if person.left is not None and deaths.recorded(tx, person.id):
        return NotNeeded("died")
    if kind.optional and tx.first(_SWITCHED_OFF, {"person": person.id, "kind": kind.name}) is not None:
        return NotNeeded("switched-off")
    figures = mail_habits.of(tx).figures
    if kind.need in _OFFICES and has_left(person, on):
        return NotNeeded("left")
    look_ = Look(tx, message, person.language, zone, base_url, on, now, organisation.calendar, figures)
    found = _READERS[kind.need](look_, person)
    if isinstance(found, NotNeeded):
        return found
    if isinstance(found, dict):
        found = Found(found)
    values = {"recipient": person.name, "organisation": organisation.name, **found.values}
    address = tx.scalar(_ADDRESS, {"person": message.person_id, "on": on})
    return Needed(person.language, address, replace(found, values=values))


_OFFICES = {Need.OVERSEER, Need.LATE_LIST, Need.TO_SIGN, Need.FAILURES, Need.OPENING}
"""What is told for the sake of a grant, which may outlive the last day of who holds it."""
_READERS: Mapping[Need, Callable[[Look, Row[Any]], dict[str, str] | Found | NotNeeded]] = {
    Need.ITEM_OPEN: mail_item_facts.item,
    Need.ITEM_DUE: mail_item_facts.item_due,
    Need.FORMER: mail_item_facts.former,
    Need.PARTY: mail_item_facts.party,
    Need.OWN_FINDING: mail_finding_facts.own_finding,
    Need.OTHERS_FINDING: mail_finding_facts.others_finding,
    Need.DUTY: mail_finding_facts.duty,
    Need.DELEGATION: mail_item_facts.delegated,
    Need.PERSON: mail_item_facts.person,
    Need.LOGIN_KEY: mail_login_facts.login_key,
    Need.OPENING: mail_office_facts.opening,
    Need.OVERSEER: mail_office_facts.objection,
    Need.LATE_LIST: mail_office_facts.late_list,
    Need.TO_SIGN: mail_office_facts.to_sign,
    Need.FAILURES: mail_office_facts.failures,
}
