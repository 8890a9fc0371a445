"""Where an appraisal stands: its row, its lifecycle, its parts, its open work items, and what the actor is to it."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from models.findings import ContestedLine
from models.history import Move
from models.people import Assignment, Organisation, Person, Post
from models.prepared import Prepared
from models.rubrics import Definition
from models.workitems import WorkItem
from services import naming
from services.access import Parts, parts_of
from services.actors import Actor
from services.definitions import lifecycle_of
from services.errors import Malformed
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle

APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
PERSON = table_of(Person)
POST = table_of(Post)
ASSIGNMENT = table_of(Assignment)
ORGANISATION = table_of(Organisation)
MOVE = table_of(Move)
OBJECTION = MOVE.alias("objection")
WORK_ITEM = table_of(WorkItem)
CONTESTED = table_of(ContestedLine)
WORKFLOW = table_of(Definition).alias("workflow")
RUBRIC = table_of(Definition).alias("rubric")

# The score that stood when the person last objected: nothing may be worse after an appeal than before it.
_CONTESTED_SCORE = (
    select(OBJECTION.c.score_id)
    .join(
        CONTESTED, and_(CONTESTED.c.appraisal_id == OBJECTION.c.appraisal_id, CONTESTED.c.move_seq == OBJECTION.c.seq)
    )
    .where(OBJECTION.c.appraisal_id == APPRAISAL.c.id)
    .order_by(OBJECTION.c.seq.desc())
    .limit(1)
    .correlate(APPRAISAL)
    .scalar_subquery()
)
_ITEM = ("id", "stage", "seat", "holder_id", "seen_at", "noticed_at", "due_at")
"""What is read of an open work item: the last columns of a standing, in the order of `OpenItem`."""
_STANDING = (
    select(
        APPRAISAL,
        CYCLE.c.code.label("cycle_code"),
        CYCLE.c.state.label("cycle_state"),
        CYCLE.c.period_from,
        CYCLE.c.period_to,
        CYCLE.c.opened_at.label("cycle_opened_at"),
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
        _CONTESTED_SCORE.label("contested_score_id"),
        *(WORK_ITEM.c[name].label(f"item_{name}") for name in _ITEM),
    )
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(WORKFLOW, WORKFLOW.c.id == APPRAISAL.c.workflow_id)
    .join(RUBRIC, RUBRIC.c.id == APPRAISAL.c.rubric_id)
    .join(ORGANISATION, ORGANISATION.c.id.is_not(None))
    .outerjoin(MOVE, and_(MOVE.c.appraisal_id == APPRAISAL.c.id, MOVE.c.seq == APPRAISAL.c.version))
    .outerjoin(WORK_ITEM, and_(WORK_ITEM.c.appraisal_id == APPRAISAL.c.id, WORK_ITEM.c.closed_at.is_(None)))
    .order_by(APPRAISAL.c.id, WORK_ITEM.c.seat)
)
_BY_ID = Prepared(_STANDING.where(APPRAISAL.c.id == bindparam("id")))
_BY_IDS = Prepared(_STANDING.where(APPRAISAL.c.id.in_(bindparam("ids", expanding=True))))
_BY_CODE = Prepared(_STANDING.where(CYCLE.c.code == bindparam("cycle"), PERSON.c.number == bindparam("number")))


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Whose turn it is: an open work item, since when it was seen and notice proven, and until when it is due."""

    id: int
    stage: str
    seat: int
    holder_id: int
    seen_at: dt.datetime | None
    noticed_at: dt.datetime | None
    due_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """An appraisal as it is now, with its parts, its open work items, and what the acting person is to it.

    `asked` is how it was asked for: the only name of it that may be told to whom it is none of his business. `version`
    is how many moves it has made, `ledger_version` how many ledger writes it has seen since it was opened.
    """

    asked: str | int
    id: int
    stage: str
    version: int
    ledger_version: int
    row: Row[Any]
    lifecycle: Lifecycle
    parts: Parts
    roles: frozenset[str]
    items: tuple[OpenItem, ...]
    today: dt.date

    @property
    def code(self) -> str:
        """The name people type: CYCLE/EMPLOYEE@POST."""
        return f"{self.row.cycle_code}/{self.row.number}@{self.row.post}"


def load(tx: Transaction, appraisals: Sequence[str | int], actor: Actor, now: dt.datetime) -> list[Standing]:
    """Return where each appraisal stands, in the order asked, in two statements for one, or for many given by id.

    Raises:
        NotFound: one of them does not exist, or one named without its post is one of several that the actor has nothing
            to do with.
        Malformed: a code is not of the form CYCLE/EMPLOYEE, or names several.
    """
    rows = _rows(tx, appraisals, actor, now)
    today = local_day(now, next(iter(rows.values()))[1][0].zone) if rows else now.date()
    parts = parts_of(tx, list(rows), actor.person_id, today)
    return [
        Standing(
            asked,
            appraisal,
            found[0].stage,
            found[0].version,
            found[0].ledger_version,
            found[0],
            lifecycle_of(tx, found[0].workflow_id, found[0].workflow_digest),
            parts[appraisal],
            parts[appraisal].roles_about(found[0].person_id, actor.person_id),
            tuple(OpenItem(*row[-len(_ITEM) :]) for row in found if row.item_id is not None),
            today,
        )
        for appraisal, (asked, found) in rows.items()
    ]


def seen_by(tx: Transaction, standing: Standing, actor: Actor) -> Standing:
    """Return the same standing as another person sees it: with his parts, in one statement."""
    parts = parts_of(tx, [standing.id], actor.person_id, standing.today)[standing.id]
    return replace(standing, parts=parts, roles=parts.roles_about(standing.row.person_id, actor.person_id))


def _rows(
    tx: Transaction, appraisals: Sequence[str | int], actor: Actor, now: dt.datetime
) -> dict[int, tuple[str | int, list[Row[Any]]]]:
    """Return how each appraisal was asked for and what was read of it: a row for each of its open work items."""
    if len(appraisals) == 1 and isinstance(appraisals[0], str):
        code = appraisals[0]
        cycle, number, _ = naming.appraisal_code(code)
        found = tx.all(_BY_CODE, {"cycle": cycle, "number": number})
        ids = [_only(tx, code, [(row.id, row.post) for row in found], actor, now)]
    else:
        ids = [
            item if isinstance(item, int) else _only(tx, item, naming.appraisals(tx, item), actor, now)
            for item in appraisals
        ]
        found = tx.all(_BY_ID, {"id": ids[0]}) if len(ids) == 1 else tx.all(_BY_IDS, {"ids": ids})
    rows: dict[int, tuple[str | int, list[Row[Any]]]] = {
        appraisal: (asked, []) for asked, appraisal in zip(appraisals, ids, strict=True)
    }
    for row in found:
        if row.id in rows:
            rows[row.id][1].append(row)
    for asked, read in rows.values():
        if not read:
            raise naming.unseen(asked)
    return rows


def _only(tx: Transaction, code: str, found: Sequence[tuple[int, str]], actor: Actor, now: dt.datetime) -> int:
    """Return which appraisal a code means; that it means several is told only to who has to do with one of them."""
    try:
        return naming.only(code, found)
    except Malformed as ambiguous:
        on = local_day(now, naming.organisation(tx).zone)
        parts = parts_of(tx, [id_ for id_, _ in found], actor.person_id, on)
        if not any(of_one.related(actor.person_id) for of_one in parts.values()):
            raise naming.unseen(code) from ambiguous
        raise


def local_day(now: dt.datetime, zone: str) -> dt.date:
    """Return the calendar day of a moment in a zone."""
    return now.astimezone(zoneinfo.ZoneInfo(zone)).date()
