"""What lies between a result table and its signature: who put it forward, under which check number, what came of it."""

import datetime as dt
import json
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from models.columns import table_of
from models.history import Event
from models.people import Person
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.errors import Refused
from services.finalising import stream
from services.grants import today
from services.results import SEES_TABLE
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import Role

EVENT = table_of(Event)
PERSON = table_of(Person)
PUT_FORWARD = frozenset({"proposed", "late-proposed"})

_LAST = (
    select(EVENT.c.kind, EVENT.c.payload, EVENT.c.at, EVENT.c.actor_id, EVENT.c.on_behalf_of)
    .add_columns(PERSON.c.name, PERSON.c.number)
    .outerjoin(PERSON, PERSON.c.id == EVENT.c.actor_id)
    .where(
        EVENT.c.stream == bindparam("stream"),
        EVENT.c.kind.in_((*PUT_FORWARD, "refused", "approved", "late-entered", "cancelled")),
    )
    .order_by(EVENT.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class TableState:
    """The last word about the table of a cycle. `kind` is that of its event, None before the first proposal.

    `waits` tells that it waits for a signature, `own` that the viewer put it forward and cannot sign it.
    """

    state: str
    roles: frozenset[str]
    kind: str | None = None
    at: dt.datetime | None = None
    by: str = ""
    digest: str | None = None
    rows: int | None = None
    rated: int | None = None
    persons: int | None = None
    carried: int = 0
    own: bool = False

    @property
    def waits(self) -> bool:
        """Whether the approver has something to sign."""
        return self.kind in PUT_FORWARD


def table_state(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str) -> TableState:
    """Return how it stands with the result table of a cycle; four statements.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer sees no table of a cycle.
    """
    with uow.read() as tx:
        roles = granted_roles(tx, viewer.person_id, today(tx, now))
        if roles.isdisjoint(SEES_TABLE):
            raise Refused("Only HR, the approver and auditors see the results of a whole cycle.", "not-hr")
        row = naming.cycle(tx, cycle)
        last = tx.first(_LAST, {"stream": stream(row.id)})
    roles &= {Role.HR, Role.APPROVER}
    if last is None:
        return TableState(row.state, roles)
    told = json.loads(last.payload)
    return TableState(
        row.state,
        roles,
        last.kind,
        last.at,
        f"{last.name} ({last.number})" if last.name else "",
        told.get("table"),
        told.get("rows"),
        told.get("rated"),
        told.get("persons"),
        len(told.get("carried", ())),
        viewer.person_id in {last.actor_id, last.on_behalf_of},
    )
