"""A cycle and who looks at it, in one statement: what every page about a whole cycle must know first."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, String, and_, bindparam, cast, literal, select, true

from services import naming
from services.access import GRANT, granted_on, superiors_of
from services.actors import Actor
from services.definitions import lifecycle_of
from services.naming import CYCLE, DEFINITION, EVENT, ORGANISATION
from services.standing import local_day
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import Role

_FRAME = (
    select(
        CYCLE,
        DEFINITION.c.digest.label("workflow_digest"),
        EVENT.c.payload.label("created"),
        ORGANISATION.c.zone,
        ORGANISATION.c.calendar,
        GRANT.c.role.label("granted"),
        GRANT.c.valid_from.label("granted_from"),
        GRANT.c.valid_to.label("granted_to"),
    )
    .join(DEFINITION, DEFINITION.c.id == CYCLE.c.workflow_id)
    .join(ORGANISATION, true())
    # What created a cycle is the first entry of its stream.
    .outerjoin(
        EVENT,
        and_(
            EVENT.c.stream == literal("cycle:").concat(cast(CYCLE.c.id, String)),
            EVENT.c.seq == 1,
            EVENT.c.kind == "created",
        ),
    )
    .outerjoin(GRANT, GRANT.c.person_id == bindparam("viewer"))
    .where(CYCLE.c.code == bindparam("code"))
)
"""A row for each grant of the viewer, or one without."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A cycle, the day it is in the organisation's zone, and what the viewer is granted on that day.

    `cycle` is its row with the digest of its workflow; `created` is what the event says that created it.
    """

    cycle: Row[Any]
    created: Mapping[str, Any]
    zone: str
    calendar: str
    day: dt.date
    granted: frozenset[str]


def frame(tx: Transaction, *, viewer: Actor, now: dt.datetime, cycle: str) -> Frame:
    """Return a cycle by its code as somebody looks at it; one statement.

    Raises:
        NotFound: there is no such cycle, or no organisation.
    """
    rows = tx.all(_FRAME, {"code": cycle, "viewer": viewer.person_id})
    if not rows:
        naming.organisation(tx)
        raise naming.no_cycle(cycle)
    row = rows[0]
    day = local_day(now, row.zone)
    granted = granted_on(rows, day)
    if viewer.person_id is None:
        granted = frozenset({Role.SYSTEM})
    created = {} if row.created is None else json.loads(row.created)
    return Frame(row, created, row.zone, row.calendar, day, granted)


def lifecycle(tx: Transaction, found: Frame) -> Lifecycle:
    """Return the lifecycle of a cycle; no statement where its workflow was read before."""
    return lifecycle_of(tx, found.cycle.workflow_id, found.cycle.workflow_digest)


def above(tx: Transaction, found: Frame, person_id: int | None) -> frozenset[int]:
    """Return everybody above a person on the day; nobody is above the system."""
    return frozenset() if person_id is None else superiors_of(tx, person_id, found.day)
