"""What somebody can record, and about whom: his people with the clauses of their posts, and the documents to pick."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, exists, or_, select

from models.appraisals import Appraisal, Party
from models.columns import table_of
from models.cycles import Cycle
from models.people import Assignment, Person, Post
from models.rubrics import Definition
from scoring.rubric import Rubric, Rule
from services.actors import Actor
from services.definitions import rubric_of
from services.document_lists import latest_documents
from services.documents import DocumentView
from services.grants import today
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState, Role

APPRAISAL = table_of(Appraisal)
ASSIGNMENT = table_of(Assignment)
CYCLE = table_of(Cycle)
DEFINITION = table_of(Definition)
PARTY = table_of(Party)
PERSON = table_of(Person)
POST = table_of(Post)

MOST_PEOPLE = 200
"""People of one list; whoever scores more records about the others from their sheets."""
RUBRICS = 20
"""How many of the latest rubrics are looked through for a post."""

_PEOPLE = (
    select(
        ASSIGNMENT.c.id,
        PERSON.c.id.label("person_id"),
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
    )
    .join(PERSON, PERSON.c.id == ASSIGNMENT.c.person_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(
        ASSIGNMENT.c.kind == "regular",
        ASSIGNMENT.c.person_id != bindparam("viewer"),
        or_(
            ASSIGNMENT.c.manager_id == bindparam("viewer"),
            ASSIGNMENT.c.in_charge_id == bindparam("viewer"),
            exists().where(
                APPRAISAL.c.assignment_id == ASSIGNMENT.c.id,
                PARTY.c.appraisal_id == APPRAISAL.c.id,
                PARTY.c.person_id == bindparam("viewer"),
                PARTY.c.role == Role.ASSESSOR.value,
                PARTY.c.to_at.is_(None),
                CYCLE.c.id == APPRAISAL.c.cycle_id,
                CYCLE.c.state.in_((CycleState.OPEN.value, CycleState.PROPOSED.value)),
            ),
        ),
        ASSIGNMENT.c.valid_from <= bindparam("on"),
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("on")),
    )
    .order_by(POST.c.code, PERSON.c.number)
    .limit(MOST_PEOPLE)
)
_OF_OPEN = (
    select(APPRAISAL.c.assignment_id, DEFINITION.c.id, DEFINITION.c.digest)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(DEFINITION, DEFINITION.c.id == APPRAISAL.c.rubric_id)
    .where(
        APPRAISAL.c.assignment_id.in_(bindparam("assignments", expanding=True)),
        CYCLE.c.state == CycleState.OPEN.value,
    )
    .order_by(CYCLE.c.period_from)
)
_PUBLISHED = (
    select(DEFINITION.c.id, DEFINITION.c.digest)
    .where(
        DEFINITION.c.kind == "rubric",
        or_(DEFINITION.c.announced.is_(None), DEFINITION.c.announced <= bindparam("on")),
    )
    .order_by(DEFINITION.c.published_at.desc(), DEFINITION.c.id.desc())
    .limit(RUBRICS)
)


@dataclass(frozen=True, slots=True)
class Recordable:
    """Somebody about whom the viewer may be able to record, how entries name him, and the clauses of his post.

    The clauses are those to choose from; whether one is admitted is found out when it is recorded.
    """

    entry: str
    person: str
    post_name: Mapping[str, str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What somebody records with: the documents to pick, the latest first, and his people."""

    documents: tuple[DocumentView, ...]
    people: tuple[Recordable, ...]


def desk(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, before: int | None = None) -> Desk:
    """Return documents and people to record about, in eight statements at most.

    `before` is the id of the last document of the list before.
    """
    with uow.read() as tx:
        return Desk(latest_documents(tx, actor=actor, now=now, before=before), _people(tx, actor, now))


def recordable(uow: UnitOfWork, *, actor: Actor, now: dt.datetime) -> tuple[Recordable, ...]:
    """Return whom the viewer scores now, by post and number, at most `MOST_PEOPLE`; in four statements."""
    with uow.read() as tx:
        return _people(tx, actor, now)


def _people(tx: Transaction, actor: Actor, now: dt.datetime) -> tuple[Recordable, ...]:
    on = today(tx, now)
    people = tx.all(_PEOPLE, {"viewer": actor.person_id, "on": on})
    if not people:
        return ()
    of_open = {row.assignment_id: row for row in tx.all(_OF_OPEN, {"assignments": [row.id for row in people]})}
    of_posts = _by_post(tx, on, {row.post for row in people if row.id not in of_open})
    return tuple(_recordable(tx, row, of_open.get(row.id), of_posts) for row in people)


def _by_post(tx: Transaction, on: dt.date, posts: set[str]) -> dict[str, Rubric]:
    """Return the rubric published last for each post, for whom no appraisal is open yet."""
    found: dict[str, Rubric] = {}
    for row in tx.all(_PUBLISHED, {"on": on}) if posts else ():
        rubric = rubric_of(tx, row.id, row.digest)
        for post in rubric.posts:
            if post.id in posts:
                found.setdefault(post.id, rubric)
    return found


def _recordable(tx: Transaction, row: Row[Any], opened: Row[Any] | None, of_posts: Mapping[str, Rubric]) -> Recordable:
    rubric = rubric_of(tx, opened.id, opened.digest) if opened is not None else of_posts.get(row.post)
    rules: tuple[Rule, ...] = ()
    if rubric is not None and any(post.id == row.post for post in rubric.posts):
        rules = tuple(rule for rule in rubric.post(row.post).rules if rule.duty is None)
    post_name = {"en": row.name_en, "zh": row.name_zh}
    return Recordable(f"{row.number}@{row.post}", f"{row.name} ({row.number})", post_name, rules)
