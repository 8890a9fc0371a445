"""The appraisals somebody may see, page by page in the order they were opened."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select

from services.access import PARTY, granted_roles
from services.actors import Actor
from services.grants import today
from services.sight import POLICY, Relation, Shown, at_appeal, relation_by
from services.standing import APPRAISAL, CYCLE, PERSON, Standing, load
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import Role

_OVERSEERS = frozenset({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM})
_PAGE = (
    select(APPRAISAL.c.id, PERSON.c.name)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .where(APPRAISAL.c.id > bindparam("after"))
    .order_by(APPRAISAL.c.id)
    .limit(bindparam("limit"))
)
_MINE = APPRAISAL.c.id.in_(
    select(PARTY.c.appraisal_id).where(
        PARTY.c.person_id == bindparam("viewer"), PARTY.c.appraisal_id > bindparam("after")
    )
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One appraisal in a list: whose, where it stands, what the viewer is to it. Nothing of any judgement."""

    id: int
    code: str
    cycle: str
    number: str
    name: str
    post: str
    stage: str
    outcome: str | None
    version: int
    due_at: dt.datetime | None
    relation: Relation


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, and behind which id the next one begins; None where there is none."""

    rows: tuple[Listed, ...]
    next: int | None


def appraisals_page(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    cycle: str | None = None,
    stage: str | None = None,
    number: str | None = None,
    after: int = 0,
    limit: int = 50,
) -> Listing:
    """Return a page of the appraisals of which the viewer may see at least the facts; at most 6 statements.

    `cycle`, `stage` and `number`, a person's, narrow the list. A page can be shorter than `limit` and have a next one:
    what turned out not to be the viewer's was left out of it.
    """
    with uow.read() as tx:
        overseeing = not granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint(_OVERSEERS)
        statement = _narrowed(_PAGE if overseeing else _PAGE.where(_MINE), cycle, stage, number)
        asked: dict[str, Any] = {"after": after, "limit": limit + 1, "viewer": actor.person_id}
        asked |= {"cycle": cycle, "stage": stage, "number": number}
        found = tx.all(statement, asked)
        rows = found[:limit]
        names = {row.id: row.name for row in rows}
        listed = _listed(tx, names, actor, now)
    return Listing(listed, rows[-1].id if len(found) > limit else None)


def _narrowed(
    statement: Select[tuple[int, str]], cycle: str | None, stage: str | None, number: str | None
) -> Select[tuple[int, str]]:
    if cycle is not None:
        statement = statement.where(
            APPRAISAL.c.cycle_id == select(CYCLE.c.id).where(CYCLE.c.code == bindparam("cycle")).scalar_subquery()
        )
    if stage is not None:
        statement = statement.where(APPRAISAL.c.stage == bindparam("stage"))
    if number is not None:
        statement = statement.where(PERSON.c.number == bindparam("number"))
    return statement


def _listed(tx: Transaction, names: dict[int, str], actor: Actor, now: dt.datetime) -> tuple[Listed, ...]:
    if not names:
        return ()
    seen = []
    for standing in load(tx, list(names), actor, now):
        relation = _relation(standing, actor)
        if relation is not None and POLICY[relation].facts is not Shown.NEVER:
            row = standing.row
            seen.append(
                Listed(
                    standing.id,
                    standing.code,
                    row.cycle_code,
                    row.number,
                    names[standing.id],
                    row.post,
                    standing.stage,
                    row.outcome,
                    standing.version,
                    next((item.due_at for item in standing.items), None),
                    relation,
                )
            )
    return tuple(seen)


def _relation(standing: Standing, actor: Actor) -> Relation | None:
    # Whether HR stands below somebody decides about the judgement alone, and none is shown here.
    return relation_by(
        standing.parts,
        actor.person_id,
        int(standing.row.person_id),
        at_appeal=at_appeal(standing.stage, standing.row.last_action),
        below=lambda: False,
    )
