"""Who looks after the mails and what failed: whoever is granted to operate Appraise, or HR where nobody is."""

import datetime as dt

from sqlalchemy import bindparam, or_, select

from models.columns import table_of
from models.people import Grant
from services.actors import Actor
from services.errors import Refused
from services.grants import today
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

GRANT = table_of(Grant)

_GRANTED = (
    select(GRANT.c.person_id)
    .where(
        GRANT.c.role == bindparam("role"),
        GRANT.c.valid_from <= bindparam("on"),
        or_(GRANT.c.valid_to.is_(None), GRANT.c.valid_to >= bindparam("on")),
    )
    .distinct()
)


def holders_of(tx: Transaction, role: Role, on: dt.date) -> tuple[int, ...]:
    """Return who holds a role by grant on a day, for the whole organisation or a unit."""
    return tuple(row.person_id for row in tx.all(_GRANTED, {"role": role.value, "on": on}))


def operators(tx: Transaction, on: dt.date) -> tuple[int, ...]:
    """Return who operates Appraise on a day; in a small office, where nobody was granted that, who runs cycles."""
    return holders_of(tx, Role.OPERATOR, on) or holders_of(tx, Role.HR, on)


def demand_operator(tx: Transaction, actor: Actor, now: dt.datetime, doing: str) -> None:
    """Let the system and whoever operates Appraise pass; `doing` completes the sentence "Only ... may ...".

    Raises:
        Refused: the actor does not operate Appraise.
    """
    if actor.person_id is not None and actor.person_id not in operators(tx, today(tx, now)):
        raise Refused(f"Only somebody with the grant operator may {doing}.", "not-granted")
