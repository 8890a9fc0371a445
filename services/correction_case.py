"""A final result laid open for a correction: its lines, what waits for a signature with its effect, what was done."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.history import TextBody
from models.people import Person
from services import correction_records as records
from services import desk, naming, view_log
from services.access import granted_roles, own_or_superior, superiors_of
from services.actors import Actor
from services.corrections import Difference, work_out
from services.definitions import rubric_of
from services.errors import Conflict, Refused
from services.grade_words import Words, grade_words
from services.grants import demand, today
from services.naming import unseen
from services.sight import sight
from services.standing import APPRAISAL, ASSIGNMENT, POST, Standing, load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState, Outcome, Role

PERSON = table_of(Person)
TEXT_BODY = table_of(TextBody)
READERS = (Role.HR, Role.APPROVER, Role.AUDITOR)
MOST_WAITING = 50
"""Corrections that are listed for a signature; whatever is decided makes room."""

_NAMES = select(PERSON.c.id, PERSON.c.name, PERSON.c.number).where(PERSON.c.id.in_(bindparam("people", expanding=True)))
_TEXTS = select(TEXT_BODY.c.id, TEXT_BODY.c.body).where(TEXT_BODY.c.id.in_(bindparam("texts", expanding=True)))
_CODES = (
    select(APPRAISAL.c.id, APPRAISAL.c.person_id, PERSON.c.name, PERSON.c.number, POST.c.code.label("post"))
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(APPRAISAL.c.id.in_(bindparam("appraisals", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Line:
    """Something in the result: its clause, when, the points it takes or gives as recorded, and those that count now."""

    line: str
    rule: str
    trigger: Words
    clause: str
    on: str
    amount: str
    counted: str
    award: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A step of a correction: proposed, corrected or refused, by whom, why, and what becomes of each line.

    `lines` maps a line to its right amount in points, None where it is struck; a refusal has none.
    """

    kind: str
    at: dt.datetime
    by: str
    reason: str
    lines: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class CorrectionCase:
    """A result as it is in force. `waiting` is the proposal before the approver, `effect` what it changes.

    `why_not` says in a sentence why nothing can be corrected here, or why the proposal cannot be signed any more.
    """

    appraisal: str
    cycle: str
    person: str
    total: str | None
    grade: str | None
    grades: Mapping[str, Words]
    lines: tuple[Line, ...]
    waiting: Said | None
    effect: Difference | None
    passed: tuple[Said, ...]
    may_propose: bool
    may_decide: bool
    own_proposal: bool
    why_not: str | None


@use_case("correction.show")
def correction_case(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str) -> CorrectionCase:
    """Lay a result open for a correction, to HR, the approver and auditors; the look is written down.

    Raises:
        NotFound: there is no such appraisal, or its judgement is not the viewer's to see.
        Refused: the viewer has none of these grants.
    """
    with uow.read() as tx:
        demand(tx, actor, now, READERS, "look at corrections")
        standing = load(tx, [appraisal], actor, now)[0]
        if not sight(tx, standing, actor, standing.today).facts:
            raise unseen(standing.asked)
        found = _case(tx, standing, actor, now)
    if found.total is not None and actor.person_id != standing.row.person_id:
        view_log.look(uow, viewer=actor, now=now, kind=view_log.ONE_APPRAISAL, object_id=standing.id)
    return found


def _case(tx: Transaction, standing: Standing, actor: Actor, now: dt.datetime) -> CorrectionCase:
    row = standing.row
    granted = granted_roles(tx, actor.person_id, today(tx, now))
    near = own_or_superior(tx, actor.person_id, int(row.person_id), standing.today)
    final = row.cycle_state == CycleState.FINAL and row.outcome not in {None, Outcome.NOT_RATED}
    seen = sight(tx, standing, actor, standing.today)
    # What is proposed or was refused is no more his to see than the judgement: not his own, nor a superior's (ADR 9).
    whole = final and seen.judgement and not seen.as_appraisee
    recorded = records.events_of(tx, row.cycle_id).get(standing.id, []) if whole else []
    said = _said(tx, recorded)
    waits = bool(said) and said[-1].kind == records.PROPOSED
    effect, why_not = None, None if final else _NOT_FINAL
    if waits:
        try:
            decided = records.from_lines(recorded[-1][1]["lines"])
            effect = work_out(tx, standing, recorded, pending=decided).difference
        except (Refused, Conflict) as error:
            why_not = error.sentence
    score = desk.score_of(tx, standing, seen) if final else None
    names = desk.names_of(tx, [standing.id])
    proposers = {recorded[-1][0].actor_id, recorded[-1][0].on_behalf_of} if waits else set()
    return CorrectionCase(
        standing.code,
        row.cycle_code,
        names.get(int(row.person_id), row.number),
        None if score is None else score["total"],
        None if score is None else score["grade"],
        grade_words([rubric_of(tx, row.rubric_id, row.rubric_digest)]),
        () if score is None else _lines(score["steps"]),
        said[-1] if waits else None,
        effect,
        said[:-1] if waits else said,
        final and Role.HR in granted and not near,
        Role.APPROVER in granted and not near,
        actor.person_id in proposers,
        why_not,
    )


_COUNTED = frozenset({"finding", "duty-missed"})
_NOT_FINAL = "Only a result that is signed and rated is corrected; before that the ways of the appraisal are open."


def _lines(steps: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    # Each step that changes a line, by a decision or by a rule, says to which points; the last one holds.
    now = {step["finding"]: step["to"] for step in steps if "finding" in step and "to" in step}
    return tuple(_line(step, now) for step in steps if step["code"] in _COUNTED)


def _line(step: Mapping[str, Any], now: Mapping[str, str]) -> Line:
    on = step.get("on") or step.get("month") or ""
    return Line(
        step["finding"],
        step["rule"],
        step["trigger"],
        step["clause"],
        str(on),
        step["amount"],
        now.get(step["finding"], step["amount"]),
        bool(step.get("award")),
    )


def _said(tx: Transaction, recorded: Sequence[records.Recorded]) -> tuple[Said, ...]:
    if not recorded:
        return ()
    people = {id_ for event, _ in recorded for id_ in (event.actor_id, event.on_behalf_of) if id_ is not None}
    names = {row.id: f"{row.name} ({row.number})" for row in tx.all(_NAMES, {"people": sorted(people)})}
    texts = {row.id: row.body for row in tx.all(_TEXTS, {"texts": [said["reason"][0] for _, said in recorded]})}
    return tuple(
        Said(
            event.kind,
            event.at,
            names.get(event.actor_id if event.on_behalf_of is None else event.on_behalf_of, ""),
            texts.get(said["reason"][0]) or "",
            {line: amount for line, (_, _, amount) in sorted(said.get("lines", {}).items())},
        )
        for event, said in recorded
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A correction that waits for a signature."""

    appraisal: str
    person: str
    since: dt.datetime


@use_case("correction.list")
def corrections_waiting(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str) -> tuple[Waiting, ...]:
    """Return the corrections of a cycle that wait for the approver, the oldest first; seven statements at most.

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer is neither HR, approver nor auditor.
    """
    with uow.read() as tx:
        demand(tx, actor, now, READERS, "look at corrections")
        day = today(tx, now)
        return read_waiting(tx, naming.cycle(tx, cycle), actor, granted_roles(tx, actor.person_id, day), day)


def read_waiting(
    tx: Transaction, cycle: Row[Any], actor: Actor, granted: frozenset[str], on: dt.date
) -> tuple[Waiting, ...]:
    """Return what `corrections_waiting` returns, in the caller's transaction; three statements at most.

    Nobody sees that his own waits, and HR alone nothing of superiors.
    """
    last = {
        appraisal: steps[-1][0]
        for appraisal, steps in records.events_of(tx, cycle.id).items()
        if steps[-1][0].kind == records.PROPOSED
    }
    waiting = sorted(last, key=lambda appraisal: int(last[appraisal].seq))[:MOST_WAITING]
    of = {one.id: one for one in tx.all(_CODES, {"appraisals": waiting})} if waiting else {}
    hidden = {actor.person_id}
    if of and actor.person_id is not None and granted.isdisjoint({Role.APPROVER, Role.AUDITOR}):
        hidden |= superiors_of(tx, actor.person_id, on)
    return tuple(
        _waiting(cycle.code, of[appraisal], last[appraisal].at)
        for appraisal in waiting
        if of[appraisal].person_id not in hidden
    )


def _waiting(cycle: str, row: Row[Any], since: dt.datetime) -> Waiting:
    return Waiting(f"{cycle}/{row.number}@{row.post}", f"{row.name} ({row.number})", since)
