"""What lies between a result table and its signature: who put it forward, under which check number, what came of it.

Beside it stands what ties it down: how many moves somebody looks at who may put it forward, and the newest checkpoint.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, bindparam, exists, literal, select, true

from models.columns import BIGINT, table_of
from models.cycles import Proposal
from models.history import Event
from models.people import Person
from services.actors import Actor
from services.checkpoints import NEWEST, Newest, as_recorded
from services.cycle_frame import Frame
from services.finalising import moves_of, stream
from services.result_page import table_frame
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState, Role

EVENT = table_of(Event)
PERSON = table_of(Person)
PROPOSAL = table_of(Proposal)
PUT_FORWARD = frozenset({"proposed", "late-proposed"})

_LAST = (
    select(EVENT.c.kind, EVENT.c.payload, EVENT.c.at, EVENT.c.actor_id, EVENT.c.on_behalf_of)
    .add_columns(PERSON.c.name, PERSON.c.number)
    .outerjoin(PERSON, PERSON.c.id == EVENT.c.actor_id)
    .where(
        EVENT.c.stream == bindparam("stream"),
        EVENT.c.kind.in_((*PUT_FORWARD, "refused", "approved", "late-entered", "cancelled")),
        # Before the first proposal there is no such word, and the stream is not looked through for one.
        exists().where(PROPOSAL.c.cycle_id == bindparam("cycle")),
    )
    .order_by(EVENT.c.seq.desc())
    .limit(1)
    .subquery("last_word")
)
_CHECKPOINT = NEWEST.subquery("newest_checkpoint")
_ONE = select(literal(1).label("one")).subquery("one_row")
_STATE = select(
    _LAST,
    _CHECKPOINT.c.payload.label("checkpoint"),
    _CHECKPOINT.c.at.label("checkpoint_at"),
    moves_of(bindparam("counted", type_=BIGINT)).scalar_subquery().label("moves"),
).select_from(_ONE.outerjoin(_LAST, true()).outerjoin(_CHECKPOINT, true()))


@dataclass(frozen=True, slots=True)
class TableState:
    """The last word about the table of a cycle. `kind` is that of its event, None before the first proposal.

    `waits` tells that it waits for a signature, `own` that the viewer put it forward and cannot sign it. `moves` is how
    many moves the appraisals have made, for who may put the table forward now and None for everybody else.
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
    moves: int | None = None
    checkpoint: Newest | None = None

    @property
    def waits(self) -> bool:
        """Whether the approver has something to sign."""
        return self.kind in PUT_FORWARD


def table_state(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str) -> TableState:
    """Return how it stands with the result table of a cycle; two statements.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer sees no table of a cycle.
    """
    with uow.read() as tx:
        return read_state(tx, table_frame(tx, viewer=viewer, now=now, cycle=cycle), viewer)


def state_asked(at: Frame) -> tuple[Executable, dict[str, Any]]:
    """Return what `read_state` asks of the database."""
    return _STATE, {"stream": stream(at.cycle.id), "cycle": at.cycle.id, "counted": _counted(at)}


def _counted(at: Frame) -> int | None:
    """Return the cycle whose moves are counted; None, and none are, for who cannot put its table forward now."""
    return int(at.cycle.id) if at.cycle.state == CycleState.OPEN and Role.HR in at.granted else None


def read_state(tx: Transaction, at: Frame, viewer: Actor) -> TableState:
    """Return what `table_state` returns, in the caller's transaction; one statement."""
    (last,) = tx.all(*state_asked(at))
    roles = at.granted & {Role.HR, Role.APPROVER}
    told = {} if last.payload is None else json.loads(last.payload)
    return TableState(
        at.cycle.state,
        roles,
        last.kind,
        last.at,
        f"{last.name} ({last.number})" if last.name else "",
        told.get("table"),
        told.get("rows"),
        told.get("rated"),
        told.get("persons"),
        len(told.get("carried", ())),
        last.kind is not None and viewer.person_id in {last.actor_id, last.on_behalf_of},
        None if _counted(at) is None else int(last.moves),
        None if last.checkpoint is None else as_recorded(last.checkpoint, last.checkpoint_at),
    )
