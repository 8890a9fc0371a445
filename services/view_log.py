"""Who looked at whose judgement, and when: written whenever somebody is shown the result of another (domain.md, 5).

A row says that it was looked at and nothing of what was seen. Within an hour the same look is one row.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, insert, select

from models.columns import UtcDateTime, table_of
from models.people import Assignment, Person, Post, ViewLog
from services.access import APPRAISAL
from services.actors import Actor
from services.grants import demand
from services.naming import CYCLE
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

VIEW_LOG = table_of(ViewLog)
PERSON = table_of(Person)
ASSIGNMENT = table_of(Assignment)
POST = table_of(Post)

ONE_APPRAISAL, RESULT_TABLE = "appraisal", "results"
"""What can be looked at: one appraisal's score, the result table of a cycle."""
AGAIN = dt.timedelta(hours=1)

_VALUES = {name: bindparam(name, type_=VIEW_LOG.c[name].type) for name in ("viewer_id", "kind", "object_id", "at")}
_NOTE = insert(VIEW_LOG).from_select(
    list(_VALUES),
    select(*_VALUES.values()).where(
        ~exists().where(
            VIEW_LOG.c.kind == _VALUES["kind"],
            VIEW_LOG.c.object_id == _VALUES["object_id"],
            VIEW_LOG.c.viewer_id == _VALUES["viewer_id"],
            VIEW_LOG.c.at > bindparam("since", type_=UtcDateTime()),
        )
    ),
    include_defaults=False,
)
"""Writes a look, unless there is one within the hour."""
_APPRAISEE = PERSON.alias("appraisee")
_OF_CYCLE = CYCLE.alias("of_cycle")
_VIEWS = (
    select(
        VIEW_LOG.c.id,
        VIEW_LOG.c.kind,
        VIEW_LOG.c.object_id,
        VIEW_LOG.c.at,
        PERSON.c.number.label("viewer"),
        CYCLE.c.code.label("cycle"),
        _APPRAISEE.c.number,
        POST.c.code.label("post"),
        _OF_CYCLE.c.code.label("table"),
    )
    .join(PERSON, PERSON.c.id == VIEW_LOG.c.viewer_id)
    .outerjoin(APPRAISAL, (APPRAISAL.c.id == VIEW_LOG.c.object_id) & (VIEW_LOG.c.kind == ONE_APPRAISAL))
    .outerjoin(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .outerjoin(_APPRAISEE, _APPRAISEE.c.id == APPRAISAL.c.person_id)
    .outerjoin(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .outerjoin(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .outerjoin(_OF_CYCLE, (_OF_CYCLE.c.id == VIEW_LOG.c.object_id) & (VIEW_LOG.c.kind == RESULT_TABLE))
    .where(VIEW_LOG.c.id > bindparam("after"))
    .order_by(VIEW_LOG.c.id)
    .limit(bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class View:
    """One look: whose it was, at what (an appraisal or a cycle, by its code), and when."""

    id: int
    viewer: str
    kind: str
    what: str
    at: dt.datetime


def note(tx: Transaction, *, viewer: Actor, now: dt.datetime, kind: str, object_id: int) -> None:
    """Write that whoever is at the keyboard looked at something; the system is nobody."""
    if viewer.actor_id is None:
        return
    looked = {"viewer_id": viewer.actor_id, "kind": kind, "object_id": object_id, "at": now}
    tx.run(_NOTE, {**looked, "since": now - AGAIN})


def look(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, kind: str, object_id: int) -> None:
    """Write it in a transaction of its own, for what is shown out of one that only reads."""
    with uow.write() as tx:
        note(tx, viewer=viewer, now=now, kind=kind, object_id=object_id)


@use_case("views.list")
def views(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, after: int = 0, limit: int = 50) -> tuple[View, ...]:
    """Return at most `limit` looks in the order they happened, from behind the one with the id `after`; for auditors.

    Raises:
        Refused: the viewer is no auditor.
    """
    with uow.read() as tx:
        demand(tx, actor, now, (Role.AUDITOR,), "read who looked at what")
        rows = tx.all(_VIEWS, {"after": after, "limit": limit})
    return tuple(
        View(
            row.id,
            row.viewer,
            row.kind,
            f"{row.cycle}/{row.number}@{row.post}" if row.cycle else row.table or str(row.object_id),
            row.at,
        )
        for row in rows
    )
