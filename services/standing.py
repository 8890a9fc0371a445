"""Where an appraisal stands: its row, its lifecycle, its parts, its open work items, and what the actor is to it."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from models.history import Move
from models.people import Assignment, Organisation, Person, Post
from models.rubrics import Definition
from models.workitems import WorkItem
from services import naming
from services.access import Parts, parts_of
from services.actors import Actor
from services.definitions import lifecycle_of
from services.errors import NotFound
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle

APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
PERSON = table_of(Person)
POST = table_of(Post)
ASSIGNMENT = table_of(Assignment)
ORGANISATION = table_of(Organisation)
MOVE = table_of(Move)
WORK_ITEM = table_of(WorkItem)
WORKFLOW = table_of(Definition).alias("workflow")
RUBRIC = table_of(Definition).alias("rubric")

_STANDING = (
    select(
        APPRAISAL,
        CYCLE.c.code.label("cycle_code"),
        CYCLE.c.state.label("cycle_state"),
        CYCLE.c.period_from,
        CYCLE.c.period_to,
        PERSON.c.number,
        PERSON.c.language,
        POST.c.code.label("post"),
        ORGANISATION.c.zone,
        ORGANISATION.c.calendar,
        WORKFLOW.c.digest.label("workflow_digest"),
        RUBRIC.c.digest.label("rubric_digest"),
        MOVE.c.action.label("last_action"),
        MOVE.c.actor_id.label("last_actor_id"),
        MOVE.c.on_behalf_of.label("last_on_behalf_of"),
        MOVE.c.at.label("last_at"),
        MOVE.c.mac.label("last_mac"),
    )
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(WORKFLOW, WORKFLOW.c.id == APPRAISAL.c.workflow_id)
    .join(RUBRIC, RUBRIC.c.id == APPRAISAL.c.rubric_id)
    .join(ORGANISATION, ORGANISATION.c.id.is_not(None))
    .outerjoin(MOVE, and_(MOVE.c.appraisal_id == APPRAISAL.c.id, MOVE.c.seq == APPRAISAL.c.version))
)
_BY_ID = _STANDING.where(APPRAISAL.c.id.in_(bindparam("ids", expanding=True))).order_by(APPRAISAL.c.id)
_ITEMS = select(WORK_ITEM).where(
    WORK_ITEM.c.appraisal_id.in_(bindparam("ids", expanding=True)), WORK_ITEM.c.closed_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An appraisal as it is now, with its parts, its open work items, and what the acting person is to it."""

    row: Row[Any]
    lifecycle: Lifecycle
    parts: Parts
    roles: frozenset[str]
    items: tuple[Row[Any], ...]
    today: dt.date

    @property
    def id(self) -> int:
        """The appraisal's id."""
        return int(self.row.id)

    @property
    def code(self) -> str:
        """The name people type: CYCLE/EMPLOYEE@POST."""
        return f"{self.row.cycle_code}/{self.row.number}@{self.row.post}"

    @property
    def stage(self) -> str:
        """The stage it is in."""
        return str(self.row.stage)

    @property
    def version(self) -> int:
        """How many moves it has made."""
        return int(self.row.version)

    @property
    def ledger_version(self) -> int:
        """How many ledger writes it has seen since it was opened."""
        return int(self.row.ledger_version)


def load(tx: Transaction, appraisals: Sequence[str | int], actor: Actor, now: dt.datetime) -> list[Standing]:
    """Return where each appraisal stands, in the order asked, in three statements for those given by id.

    Raises:
        NotFound: one of them does not exist.
        Malformed: a code is not of the form CYCLE/EMPLOYEE.
    """
    ids = [item if isinstance(item, int) else naming.appraisal_id(tx, item) for item in appraisals]
    rows = {row.id: row for row in tx.all(_BY_ID, {"ids": ids})}
    missing = [given for given, found in zip(appraisals, ids, strict=True) if found not in rows]
    if missing:
        raise NotFound(f"There is no appraisal {missing[0]}.", "unknown-appraisal")
    today = local_day(now, next(iter(rows.values())).zone) if rows else now.date()
    parts = parts_of(tx, ids, actor.person_id, today)
    items: dict[int, list[Row[Any]]] = {}
    for item in tx.all(_ITEMS, {"ids": ids}):
        items.setdefault(item.appraisal_id, []).append(item)
    return [
        Standing(
            rows[found],
            lifecycle_of(tx, rows[found].workflow_id, rows[found].workflow_digest),
            parts[found],
            parts[found].roles_of(actor.person_id),
            tuple(items.get(found, ())),
            today,
        )
        for found in dict.fromkeys(ids)
    ]


def local_day(now: dt.datetime, zone: str) -> dt.date:
    """Return the calendar day of a moment in a zone."""
    return now.astimezone(zoneinfo.ZoneInfo(zone)).date()
