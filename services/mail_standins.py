"""What a mail must know about people who were replaced or stand in: looked at when it is sent."""

import datetime as dt
from typing import Any

from sqlalchemy import bindparam, select

from models.appraisals import Party
from models.columns import table_of
from models.people import Delegation, Person
from services.ledgers import state
from services.mail_words import Look
from services.unit_of_work import Transaction

DELEGATION = table_of(Delegation)
PARTY = table_of(Party)
PERSON = table_of(Person)

_EVER = select(PARTY.c.to_at).where(
    PARTY.c.appraisal_id == bindparam("appraisal"), PARTY.c.person_id == bindparam("person")
)
_IN_ROLE = _EVER.where(PARTY.c.role == bindparam("role"))
_DELEGATED = (
    select(DELEGATION.c.valid_from, DELEGATION.c.valid_to, PERSON.c.name)
    .join(PERSON, PERSON.c.id == DELEGATION.c.person_id)
    .where(DELEGATION.c.id == bindparam("delegation"))
)


def lost_part(tx: Transaction, item: Any) -> bool:
    """Tell whether the part that a work item lies in was taken from its holder."""
    values = {"appraisal": item.appraisal_id, "person": item.holder_id, "role": item.role}
    parts = tx.all(_IN_ROLE, values)
    return bool(parts) and all(part.to_at is not None for part in parts)


def has_left(person: Any, on: dt.date) -> bool:
    """Tell whether the last day of a person lies before a day."""
    return person.left is not None and person.left < on


def was_replaced(tx: Transaction, person_id: int, finding: Any) -> bool:
    """Tell whether somebody had a part in the appraisal that reads a finding, and has none any more."""
    appraisal = state(tx, finding.assignment_id, finding.counted_on).appraisal_id
    if appraisal is None:
        return False
    parts = tx.all(_EVER, {"appraisal": appraisal, "person": person_id})
    return bool(parts) and all(part.to_at is not None for part in parts)


def delegation(look: Look) -> dict[str, str] | None:
    """Return what a mail may say of a delegation, or None where it is over."""
    row = look.tx.first(_DELEGATED, {"delegation": look.message.payload["delegation"]})
    if row is None or row.valid_to < look.on:
        return None
    return {
        "person": row.name,
        "first": look.day(row.valid_from),
        "last": look.day(row.valid_to),
        "link": look.link("work"),
    }
