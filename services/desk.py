"""What lies on a person's desk: what he owes, by days left, and one appraisal laid open as far as he may see it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Row, bindparam, or_, select, update

from models.columns import table_of
from models.people import Person
from models.workitems import WorkItem
from scoring.explain import explain as explain_score
from scoring.numbers import to_decimal
from services import calendars, delegations, form, judging, naming, view_log
from services.access import PARTY
from services.actors import Actor
from services.case_facts import options
from services.correction_records import corrected_score
from services.errors import Refused
from services.ledgers import OPEN_STAGES
from services.naming import unseen
from services.sight import Sight, sight
from services.standing import APPRAISAL, CYCLE, MOVE, Standing, load, local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import JUDGING_ROLES, CycleState, Outcome

WORK_ITEM = table_of(WorkItem)
PERSON = table_of(Person)
Scored = Mapping[str, Any] | None

_OWED = (
    select(WORK_ITEM)
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        WORK_ITEM.c.holder_id == bindparam("person"),
        WORK_ITEM.c.closed_at.is_(None),
        # What was under appeal or on hold when its cycle was proposed stays owed.
        CYCLE.c.state != CycleState.CANCELLED.value,
    )
    .order_by(WORK_ITEM.c.due_at, WORK_ITEM.c.id)
)
_SEEN = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.appraisal_id == bindparam("appraisal"),
        WORK_ITEM.c.holder_id == bindparam("person"),
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.seen_at.is_(None),
    )
    .values(seen_at=bindparam("at"))
)
NAMES = (
    select(PERSON.c.id, PERSON.c.number, PERSON.c.name)
    .join(PARTY, PARTY.c.person_id == PERSON.c.id)
    .where(PARTY.c.appraisal_id.in_(bindparam("appraisals", expanding=True)))
)
OWN_SCORE = (
    select(MOVE.c.score_id)
    .where(
        MOVE.c.appraisal_id == bindparam("appraisal"),
        MOVE.c.score_id.is_not(None),
        MOVE.c.role.in_([role.value for role in JUDGING_ROLES]),
        or_(MOVE.c.actor_id == bindparam("person"), MOVE.c.on_behalf_of == bindparam("person")),
    )
    .order_by(MOVE.c.seq.desc())
    .limit(1)
)
SELF = (
    select(judging.RATING.c.item, judging.RATING.c.value)
    .join(judging.SHEET, judging.SHEET.c.id == judging.RATING.c.sheet_id)
    .where(judging.SHEET.c.appraisal_id == bindparam("appraisal"), judging.SHEET.c.kind == "self")
    .order_by(judging.RATING.c.id)
)


@dataclass(frozen=True, slots=True)
class Owed:
    """One work item: what, whose, until when, and what can be done with it."""

    item: str
    appraisal: str
    person: str
    stage: str
    wording: Mapping[str, str]
    round: int
    due_at: dt.datetime | None
    working_days_left: int | None
    actions: tuple[Mapping[str, Any], ...]
    on_behalf_of: str | None = None


def work(uow: UnitOfWork, *, actor: Actor, now: dt.datetime) -> tuple[Owed, ...]:
    """Return what a person owes now, the most urgent first; a constant number of statements for the list itself.

    Behind it stands what he may do for others by delegation, whose name `on_behalf_of` has.
    """
    with uow.read() as tx:
        owed = list(_of_person(tx, actor, actor, now))
        day = local_day(now, naming.organisation(tx).zone)
        mine = delegations.principals(tx, actor.person_id, day) if actor.typed_by is None else {}
        for principal, roles in mine.items():
            acting = Actor(principal, typed_by=actor.person_id, delegated=True)
            owed += _of_person(tx, acting, actor, now, roles)
        return tuple(owed)


def _of_person(
    tx: Transaction, acting: Actor, actor: Actor, now: dt.datetime, roles: frozenset[str] | None = None
) -> tuple[Owed, ...]:
    """Return what waits for the one acted for, in some of his roles; for a delegate only where he may stand in."""
    items = [row for row in tx.all(_OWED, {"person": acting.person_id}) if roles is None or row.role in roles]
    standings = {standing.id: standing for standing in load(tx, [row.appraisal_id for row in items], acting, now)}
    if roles is not None and actor.person_id is not None:
        items = [
            row
            for row in items
            if delegations.unfit(tx, standings[row.appraisal_id], actor.person_id, row.role) is None
        ]
    names = names_of(tx, list(standings))
    closures = calendars.closures(tx) if items else calendars.NO_CLOSURES
    found = [_owed(tx, row, standings[row.appraisal_id], names, closures, actor=acting, now=now) for row in items]
    if roles is None:
        return tuple(found)
    return tuple(replace(one, on_behalf_of=names.get(acting.person_id or 0, "")) for one in found)


def _owed(
    tx: Transaction,
    row: Row[Any],
    standing: Standing,
    names: Mapping[int, str],
    closures: calendars.Closures,
    *,
    actor: Actor,
    now: dt.datetime,
) -> Owed:
    left = None
    if row.due_at is not None:
        due = local_day(row.due_at, standing.row.zone)
        first, last = sorted((standing.today, due))
        between = calendars.working_days(standing.row.calendar, first, last, closures) - {first}
        left = len(between) if due >= standing.today else -len(between)
    return Owed(
        f"W{row.id}",
        standing.code,
        names.get(int(standing.row.person_id), ""),
        standing.stage,
        _wording(standing, names, row.holder_id),
        row.round,
        row.due_at,
        left,
        _actions(tx, standing, actor, now),
    )


def _actions(tx: Transaction, standing: Standing, actor: Actor, now: dt.datetime) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "action": option.move.action,
            "label": dict(option.move.label),
            "reason": str(option.move.reason),
            "lines": str(option.move.lines),
            "blocked": option.blocked,
        }
        for option in options(tx, standing, actor, now)
    )


def _wording(standing: Standing, names: Mapping[int, str], holder: int | None) -> dict[str, str]:
    name = names.get(holder, "") if holder is not None else ""
    return {language: standing.lifecycle.wording(standing.stage, language, holder=name) for language in ("en", "zh")}


def names_of(tx: Transaction, appraisals: Sequence[int]) -> dict[int, str]:
    """Return how people are named to others: name and employee number, since names repeat."""
    return {row.id: f"{row.name} ({row.number})" for row in tx.all(NAMES, {"appraisals": list(appraisals)})}


@dataclass(frozen=True, slots=True)
class Shown:
    """One appraisal as far as the viewer may see it; what is not his to see is None or empty.

    `override_reason` says why a rubric judges that came later or is incomplete, where somebody let it.
    """

    appraisal: str
    person: str
    stage: str
    wording: Mapping[str, str]
    version: int
    ledger_version: int
    round: int
    outcome: str | None
    due_at: dt.datetime | None
    holders: Mapping[str, str]
    total: str | None
    grade: str | None
    items: tuple[Mapping[str, Any], ...]
    self_scores: Mapping[str, str]
    history: tuple[form.Passed, ...]
    actions: tuple[Mapping[str, Any], ...]
    override_reason: str | None
    delegations: tuple[Mapping[str, Any], ...] = ()
    unseen: bool = False
    """Whether it is the viewer's turn and nothing says yet that he has looked."""


@use_case("appraisal.show")
def show(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str) -> Shown:
    """Lay an appraisal open to a viewer; if he holds the open work item it now counts as seen.

    Raises:
        NotFound: there is none, or it is not his to see.
    """
    with uow.write() as tx:
        standing, acting = delegations.stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
        shown = laid_open(tx, standing, acting, now)
        if shown.total is not None:
            _note(tx, standing, acting, now)
        if shown.unseen:
            tx.run(_SEEN, {"appraisal": standing.id, "person": acting.person_id, "at": now})
        return shown


def mark_seen(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str) -> None:
    """Write down that the holder of the open work item has seen the appraisal; what went before is then not taken back.

    Raises:
        NotFound: there is none, or it is not his to see.
    """
    show(uow, actor=actor, now=now, appraisal=appraisal)


def laid_open(tx: Transaction, standing: Standing, actor: Actor, now: dt.datetime, score: Scored = None) -> Shown:
    """Return an appraisal as far as `actor` may see it; `score` saves reading it where the caller has it.

    Raises:
        NotFound: it is not his to see.
    """
    seen = sight(tx, standing, actor, standing.today)
    names = names_of(tx, [standing.id])
    score = score_of(tx, standing, seen) if score is None else score
    holder = next((item.holder_id for item in standing.items), None)
    held = standing.parts.holders
    return Shown(
        standing.code,
        names.get(int(standing.row.person_id), standing.row.number),
        standing.stage,
        _wording(standing, names, holder),
        standing.version,
        standing.ledger_version,
        standing.row.round,
        standing.row.outcome,
        next((item.due_at for item in standing.items), None),
        {role: ", ".join(names[person] for person in people) for role, people in held.items()},
        score["total"] if score else None,
        score["grade"] if score else None,
        tuple(score["items"]) if score else (),
        _self_scores(tx, standing, seen),
        form.history(tx, standing, seen),
        _actions(tx, standing, actor, now),
        form.override_reason(tx, standing) if seen.facts else None,
        delegations.shown(tx, judges_of(standing), standing.today),
        actor.typed_by is None
        and any(item.holder_id == actor.person_id and item.seen_at is None for item in standing.items),
    )


def judges_of(standing: Standing) -> list[int]:
    """Return who scores, reviews and decides an appraisal."""
    return [one for role in JUDGING_ROLES for one in standing.parts.holders.get(role, ())]


def _self_scores(tx: Transaction, standing: Standing, seen: Sight) -> dict[str, str]:
    if not seen.facts:
        return {}
    return {row.item: to_decimal(row.value) for row in tx.all(SELF, {"appraisal": standing.id})}


def score_of(tx: Transaction, standing: Standing, seen: Sight) -> Mapping[str, Any] | None:
    """Return the score in force, or, for those who judge, what the ledger comes to while it is open; else None.

    Who had a part once has the last score that he made himself.
    """
    if seen.own is not None:
        row = tx.first(OWN_SCORE, {"appraisal": standing.id, "person": seen.own})
        return None if row is None else judging.stored_score(tx, row.score_id)
    if not seen.judgement or standing.row.outcome == Outcome.NOT_RATED:
        return None
    if standing.row.score_id is None or (standing.stage in OPEN_STAGES and not seen.as_appraisee):
        return None if seen.as_appraisee else judging.judge(tx, standing).score.to_json()
    corrected = corrected_score(tx, standing.id) if standing.row.cycle_state == CycleState.FINAL else None
    return judging.stored_score(tx, corrected or standing.row.score_id)


@use_case("appraisal.explain")
def explain(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, language: Literal["en", "zh"] = "en"
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the score of an appraisal as JSON and its steps in plain sentences, in `en` or `zh`.

    Raises:
        NotFound: there is no such appraisal, it is not the viewer's to see, or its judgement is not released to him.
    """
    with uow.read() as tx:
        standing, actor = delegations.stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
        seen = sight(tx, standing, actor, standing.today)
        score = score_of(tx, standing, seen)
        if score is None:
            raise unseen(standing.asked) if not seen.facts else not_released(standing)
    if actor.actor_id != standing.row.person_id:
        with uow.write() as tx:
            _note(tx, standing, actor, now)
    return score, explain_score(score, language)


def _note(tx: Transaction, standing: Standing, actor: Actor, now: dt.datetime) -> None:
    """Write that somebody was shown the score of another."""
    if actor.actor_id != standing.row.person_id:
        view_log.note(tx, viewer=actor, now=now, kind=view_log.ONE_APPRAISAL, object_id=standing.id)


def not_released(standing: Standing) -> Refused:
    """Return the answer to who asks for a judgement that there is not, or that is not released to him yet."""
    if standing.row.outcome == Outcome.NOT_RATED:
        return Refused(f"{standing.code} was closed as not rated; it has no score.", "not-rated")
    return Refused(
        f"The score of {standing.code} is not released yet; it is shown from the sign-off on.", "not-released"
    )
