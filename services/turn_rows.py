"""The open work items of the lists of my work: chosen by their deadline, a page of them, with what is told of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, bindparam, or_, select

from services.access import PARTY
from services.due_paging import BY_DEADLINE, PLACES, Behind
from services.standing import APPRAISAL, ASSIGNMENT, CYCLE, PERSON, POST, WORK_ITEM, WORKFLOW
from workflow.vocabulary import CycleState, Role

MOST = 50
"""Rows of each list of a page; the most urgent come first."""

MOST_PARTS = 2000
"""Among how many work items and parts of a person the most urgent are looked for."""

_HOLDER = PERSON.alias("holder")


def _turns(item: Subquery) -> Select[Any]:
    """Return the select of what a page tells about some work items, the most urgent first.

    The items are chosen before anything is joined to them: PostgreSQL plans no more than eight tables together.
    """
    return (
        select(
            APPRAISAL.c.id,
            APPRAISAL.c.stage,
            APPRAISAL.c.person_id,
            APPRAISAL.c.assignment_id,
            APPRAISAL.c.workflow_id,
            WORKFLOW.c.digest,
            CYCLE.c.code.label("cycle"),
            PERSON.c.number,
            PERSON.c.name,
            POST.c.code.label("post"),
            item.c.id.label("item"),
            item.c.role,
            item.c.due_at,
            item.c.holder_id,
            _HOLDER.c.number.label("holder_number"),
            _HOLDER.c.name.label("holder_name"),
        )
        .select_from(item)
        .join(APPRAISAL, APPRAISAL.c.id == item.c.appraisal_id)
        .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
        .join(WORKFLOW, WORKFLOW.c.id == APPRAISAL.c.workflow_id)
        .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(_HOLDER, _HOLDER.c.id == item.c.holder_id)
        .where(CYCLE.c.state != CycleState.CANCELLED.value)
        .order_by(item.c.due_at.nulls_last(), item.c.id)
        .limit(MOST + 1)
    )


def _chosen(*conditions: ColumnElement[bool]) -> Subquery:
    open_ = select(WORK_ITEM).where(WORK_ITEM.c.closed_at.is_(None), *conditions)
    return open_.order_by(*BY_DEADLINE).limit(MOST_PARTS).subquery("item")


_HELD_BY = WORK_ITEM.c.holder_id.in_(bindparam("people", expanding=True))
OWED = {place: _turns(_chosen(_HELD_BY, *behind)) for place, behind in PLACES.items()}
_MINE = (
    select(PARTY.c.appraisal_id)
    .where(
        PARTY.c.person_id == bindparam("person"),
        # A decider sees nothing before there is an appeal, so he waits for nothing.
        or_(*(PARTY.c.role == role.value for role in (Role.APPRAISEE, Role.ASSESSOR, Role.REVIEWER))),
        PARTY.c.to_at.is_(None),
    )
    .order_by(PARTY.c.appraisal_id.desc())
    .limit(MOST_PARTS)
    .subquery("mine")
)
"""The appraisals in which he has a part; of somebody who has had very many, the latest."""
WAITED = {
    place: _turns(
        _chosen(
            WORK_ITEM.c.holder_id != bindparam("person"),
            WORK_ITEM.c.appraisal_id.in_(select(_MINE.c.appraisal_id)),
            *behind,
        )
    )
    for place, behind in PLACES.items()
}


def page_of(
    statements: Mapping[str, Select[Any]], values: Mapping[str, Any], after: str
) -> tuple[Select[Any], dict[str, Any]]:
    """Return the statement of `OWED` or `WAITED` for the page that begins at a place, and its values.

    Raises:
        Malformed: it is no place of ours.
    """
    if not after:
        return statements["first"], dict(values)
    place = Behind.of(after)
    return statements[place.kind], {**values, **place.values}


def following(rows: Sequence[Row[Any]]) -> str | None:
    """Return where the next page begins; None on the last."""
    return Behind(rows[MOST - 1].due_at, rows[MOST - 1].item).text if len(rows) > MOST else None
