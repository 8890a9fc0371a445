"""The result table of a cycle as a viewer may see it, by employee number: provisional while it runs, then final.

One policy decides, the same as for a single appraisal (`services.sight`): the approver and the auditor see all, HR sees
its own and its superiors' rows as the person appraised would, everybody else his own and those he judges.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, select

from catalog.glossary import LANGUAGES, Language, term
from models.columns import table_of
from models.cycles import Roster
from models.history import Move
from models.people import Person
from services import naming, view_log
from services.access import PARTY, Parts
from services.actors import Actor
from services.cycle_frame import Frame, above, frame
from services.definitions import lifecycle_of
from services.errors import NotFound
from services.person_results import APPRAISAL, ASSIGNMENT, FINAL, IN_FORCE, PERSON_RESULT, POST, SCORE, SCORE_IN_FORCE
from services.sight import Relation, at_appeal, narrowed, relation_by, seen
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import CycleState, Outcome, Role, RosterStatus

MOVE = table_of(Move)
PERSON = table_of(Person)
ROSTER = table_of(Roster)

SEES_TABLE = frozenset({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM})
"""Who sees a whole table, and not only his own row and those he judges."""

_ROWS = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.person_id,
        APPRAISAL.c.stage,
        APPRAISAL.c.outcome,
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
        MOVE.c.action.label("last_action"),
        SCORE.c.id.label("score_id"),
        SCORE.c.total,
        SCORE.c.maximum,
        SCORE.c.grade,
        FINAL.c.id.label("final_id"),
        FINAL.c.revision,
        FINAL.c.total.label("final_total"),
        FINAL.c.maximum.label("final_maximum"),
        FINAL.c.grade.label("final_grade"),
        PARTY.c.role,
        PARTY.c.to_at,
    )
    .select_from(
        APPRAISAL.join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .outerjoin(MOVE, and_(MOVE.c.appraisal_id == APPRAISAL.c.id, MOVE.c.seq == APPRAISAL.c.version))
        .outerjoin(SCORE, SCORE_IN_FORCE)
        .outerjoin(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE))
        .outerjoin(PARTY, and_(PARTY.c.appraisal_id == APPRAISAL.c.id, PARTY.c.person_id == bindparam("viewer")))
    )
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"))
    .order_by(APPRAISAL.c.id)
)
_MINE = _ROWS.where(PARTY.c.id.is_not(None))
_NUMBER = select(PERSON.c.number).where(PERSON.c.id == bindparam("person"))
_RESULTS = (
    select(PERSON_RESULT.c.person_id, PERSON_RESULT.c.total, PERSON_RESULT.c.grade)
    .where(PERSON_RESULT.c.cycle_id == bindparam("cycle"))
    .order_by(PERSON_RESULT.c.revision)
)
_HOLDERS = (
    select(PARTY.c.appraisal_id, PARTY.c.role, PERSON.c.name, PERSON.c.number)
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .join(PERSON, PERSON.c.id == PARTY.c.person_id)
    .where(APPRAISAL.c.cycle_id == bindparam("cycle"), APPRAISAL.c.outcome.is_(None), PARTY.c.to_at.is_(None))
    .order_by(PARTY.c.seat.desc())
)
_NOT_OPENED = (
    select(
        ROSTER.c.person_id,
        ROSTER.c.status,
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        POST.c.name_en,
        POST.c.name_zh,
    )
    .join(PERSON, PERSON.c.id == ROSTER.c.person_id)
    .join(POST, POST.c.id == ROSTER.c.post_id)
    .where(
        ROSTER.c.cycle_id == bindparam("cycle"),
        ROSTER.c.status.in_((RosterStatus.NOT_RATED.value, RosterStatus.LEFT_OUT.value)),
        ~exists(
            select(APPRAISAL.c.id).where(
                APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id
            )
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. Figures are in points and empty where there are none yet or the viewer may not see them.

    `stage` is its id, or `not-rated` or `left-out` for somebody the cycle was not opened for; `wording` names it in
    English and Chinese. `final` tells whether the figures are signed; `person_total` is the person's over all posts.
    """

    number: str
    name: str
    post: str
    post_name: Mapping[str, str]
    code: str
    stage: str
    wording: Mapping[str, str]
    outcome: str | None
    total: Fraction | None = None
    maximum: Fraction | None = None
    grade: str | None = None
    final: bool = False
    person_total: Fraction | None = None
    person_grade: str | None = None
    score_id: int | None = None
    final_id: int | None = None


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, and what was read of him once for all rows; `near` are whom he may not judge who types for him."""

    person_id: int | None
    granted: frozenset[str]
    above: frozenset[int]
    near: frozenset[int]

    @property
    def sees_table(self) -> bool:
        """Whether he sees the whole table, and not only his own row and those he judges."""
        return not self.granted.isdisjoint(SEES_TABLE)

    def relation(self, row: Row[Any], parts: Parts) -> Relation | None:
        """Return what he is to the appraisal of a row, None where he may not know of it."""
        found = relation_by(
            parts,
            self.person_id,
            int(row.person_id),
            at_appeal=at_appeal(row.stage, row.last_action),
            below=lambda: row.person_id == self.person_id or row.person_id in self.above,
        )
        return narrowed(found) if row.person_id in self.near else found


@use_case("results.show")
def results(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, cycle: str) -> tuple[Result, ...]:
    """Return the table of a cycle as far as the viewer may see it, by employee number and post. At most 12 statements.

    Raises:
        NotFound: there is no such cycle, or nothing of it is the viewer's to see.
    """
    with uow.read() as tx:
        found = read_results(tx, viewer=viewer, now=now, cycle=cycle)
    if any(row.total is not None for row in found):
        _note(uow, found, viewer=viewer, now=now, cycle=cycle)
    return found


def _note(uow: UnitOfWork, found: Sequence[Result], *, viewer: Actor, now: dt.datetime, cycle: str) -> None:
    """Write that somebody was shown figures of others."""
    with uow.write() as tx:
        own = tx.scalar(_NUMBER, {"person": viewer.actor_id})
        if any(row.total is not None and row.number != own for row in found):
            looked = naming.cycle(tx, cycle).id
            view_log.note(tx, viewer=viewer, now=now, kind=view_log.RESULT_TABLE, object_id=looked)


def read_results(tx: Transaction, *, viewer: Actor, now: dt.datetime, cycle: str) -> tuple[Result, ...]:
    """Return what `results` returns, in the caller's transaction."""
    at = frame(tx, viewer=viewer, now=now, cycle=cycle)
    row, who = at.cycle, looker(tx, at, viewer)
    lifecycle = lifecycle_of(tx, row.workflow_id, row.workflow_digest)
    of = {"cycle": row.id}
    people = {found.person_id: found for found in tx.all(_RESULTS, of)} if row.state == CycleState.FINAL else {}
    holders = {(found.appraisal_id, found.role): f"{found.name} ({found.number})" for found in tx.all(_HOLDERS, of)}
    rows = [
        found
        for group in _by_appraisal(tx, row.id, who)
        if (found := result_of(group, cycle=row, lifecycle=lifecycle, who=who, people=people, holders=holders))
        is not None
    ]
    rows.extend(_not_opened(tx, row, who))
    if not rows and not who.sees_table:
        raise nothing_seen(cycle)
    return tuple(sorted(rows, key=lambda found: (found.number, found.post, found.code)))


def nothing_seen(cycle: str) -> NotFound:
    """Return the answer for a cycle of which nothing is the viewer's to see."""
    return NotFound(f"There is no cycle {cycle}, or nothing of it is yours to see.", "unknown-cycle")


def looker(tx: Transaction, at: Frame, viewer: Actor) -> Looker:
    """Return who looks at a cycle; no statement but for HR, and for who types for somebody else."""
    above_him = above(tx, at, viewer.person_id) if Role.HR in at.granted else frozenset[int]()
    near = frozenset[int]()
    if viewer.typed_by is not None and viewer.typed_by != viewer.person_id:
        near = above(tx, at, viewer.typed_by) | {viewer.typed_by}
    return Looker(viewer.person_id, at.granted, above_him, near)


def _by_appraisal(tx: Transaction, cycle_id: int, who: Looker) -> Iterator[tuple[Row[Any], Parts]]:
    statement = _ROWS if who.sees_table else _MINE
    mine = () if who.person_id is None else (who.person_id,)
    for _, group in groupby(tx.stream(statement, {"cycle": cycle_id, "viewer": who.person_id}), key=lambda row: row.id):
        of_one = list(group)
        held = [row.role for row in of_one if row.role is not None and row.to_at is None]
        ended = max((row.to_at for row in of_one if row.to_at is not None), default=None)
        former = {} if ended is None else dict.fromkeys(mine, ended)
        yield of_one[0], Parts(dict.fromkeys(held, mine), former, who.granted)


def result_of(
    found: tuple[Row[Any], Parts],
    *,
    cycle: Row[Any],
    lifecycle: Lifecycle,
    who: Looker,
    people: Mapping[int, Any],
    holders: Mapping[tuple[int, str], str],
) -> Result | None:
    """Return a row of the table as far as somebody may see it, None where he may not know of it.

    `people` are the signed results of people by id, `holders` who has a role in an appraisal by its id and the role.
    """
    row, parts = found
    relation = who.relation(row, parts)
    if relation is None or relation == Relation.WAITING_DECIDER:
        return None
    holder = holders.get((row.id, str(lifecycle.stage(row.stage).holder)), "")
    plain = Result(
        number=row.number,
        name=row.name,
        post=row.post,
        post_name={"en": row.name_en, "zh": row.name_zh},
        code=f"{cycle.code}/{row.number}@{row.post}",
        stage=row.stage,
        wording={language: _wording(lifecycle, row, language, holder) for language in LANGUAGES},
        outcome=row.outcome,
    )
    sight = seen(relation, released=lifecycle.judgement_open(row.stage, outcome=row.outcome))
    if not sight.judgement or row.outcome == Outcome.NOT_RATED:
        return plain
    signed = row.final_id is not None and cycle.state == CycleState.FINAL
    # A judge of one post must not read the others out of the mean.
    whole = people.get(row.person_id) if who.sees_table or who.person_id == row.person_id else None
    return replace(
        plain,
        total=row.final_total if signed else row.total,
        maximum=row.final_maximum if signed else row.maximum,
        grade=row.final_grade if signed else row.grade,
        final=signed,
        person_total=whole.total if whole is not None and signed else None,
        person_grade=whole.grade if whole is not None and signed else None,
        score_id=row.score_id,
        final_id=row.final_id if signed else None,
    )


def _wording(lifecycle: Lifecycle, row: Row[Any], language: Language, holder: str) -> str:
    words = lifecycle.wording(row.stage, language, holder=holder)
    return words if row.outcome is None else f"{words} ({term(row.outcome, language)})"


def _not_opened(tx: Transaction, cycle: Row[Any], who: Looker) -> Iterator[Result]:
    for row in tx.all(_NOT_OPENED, {"cycle": cycle.id}):
        if who.sees_table or row.person_id == who.person_id:
            yield unopened(row, cycle)


def unopened(row: Row[Any], cycle: Row[Any]) -> Result:
    """Return the row of somebody the cycle was not opened for; why is HR's alone and stands in no table."""
    return Result(
        number=row.number,
        name=row.name,
        post=row.post,
        post_name={"en": row.name_en, "zh": row.name_zh},
        code=f"{cycle.code}/{row.number}@{row.post}",
        stage=row.status,
        wording={language: term(row.status, language) for language in LANGUAGES},
        outcome=None,
    )
