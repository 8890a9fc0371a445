"""What waits for a reviewer, first what needs an eye, then the rest; and what to know about one case before deciding.

The reasons are worked out in Python from a bounded number of rows, so that no list grows with the office.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, func, or_, select, type_coerce

from models.appraisals import Score, ScoreItem
from models.columns import BIGINT, table_of
from models.documents import Evidence
from models.findings import Finding, Reply
from services import delegations
from services.access import PARTY
from services.actors import Actor
from services.clause_history import latest_amounts
from services.file_writing import ATTACHMENT
from services.grants import today
from services.naming import unseen
from services.review_reasons import REASONS, Advice, Line, Reason, ranged_lines, reasons_of
from services.sight import Relation, relation_of
from services.stand_ins import StandsFor, stand_ins, waits_for
from services.standing import APPRAISAL, ASSIGNMENT, CYCLE, PERSON, POST, RUBRIC, WORK_ITEM, load
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CycleState, Role

EVIDENCE = table_of(Evidence)
FINDING = table_of(Finding)
REPLY = table_of(Reply)
SCORE = table_of(Score)
SCORE_ITEM = table_of(ScoreItem)

WINDOW = 100
"""Cases of one list; what opened later stands on the next."""
MOST_FINDINGS = 1500
"""Findings that are looked at for one list; where there are more every case needs an eye."""
USUAL_ADVICE = Advice()
_ASSESSOR = PERSON.alias("assessor")
_SCORER = PARTY.alias("scorer")
_MINE = PARTY.alias("mine")
_RECORDED = (
    select(func.sum(type_coerce(SCORE_ITEM.c.recorded, BIGINT)))
    .where(SCORE_ITEM.c.score_id == APPRAISAL.c.score_id)
    .correlate(APPRAISAL)
    .scalar_subquery()
)
_CASES = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.assignment_id,
        APPRAISAL.c.version,
        APPRAISAL.c.round,
        CYCLE.c.code.label("cycle"),
        CYCLE.c.id.label("cycle_id"),
        CYCLE.c.period_from,
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        RUBRIC.c.id.label("rubric_id"),
        RUBRIC.c.digest.label("rubric_digest"),
        SCORE.c.total,
        SCORE.c.maximum,
        _RECORDED.label("recorded"),
        _ASSESSOR.c.number.label("assessor_number"),
        _ASSESSOR.c.name.label("assessor_name"),
        WORK_ITEM.c.id.label("item"),
        WORK_ITEM.c.due_at,
        WORK_ITEM.c.holder_id,
    )
    .select_from(APPRAISAL)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(RUBRIC, RUBRIC.c.id == APPRAISAL.c.rubric_id)
    .outerjoin(SCORE, SCORE.c.id == APPRAISAL.c.score_id)
    .outerjoin(
        _SCORER,
        and_(
            _SCORER.c.appraisal_id == APPRAISAL.c.id,
            _SCORER.c.role == Role.ASSESSOR.value,
            _SCORER.c.seat == 1,
            _SCORER.c.to_at.is_(None),
        ),
    )
    .outerjoin(_ASSESSOR, _ASSESSOR.c.id == _SCORER.c.person_id)
    .outerjoin(WORK_ITEM, and_(WORK_ITEM.c.appraisal_id == APPRAISAL.c.id, WORK_ITEM.c.closed_at.is_(None)))
)
_WAITING = (
    _CASES.where(
        waits_for(),
        WORK_ITEM.c.role == Role.REVIEWER.value,
        WORK_ITEM.c.id > bindparam("after"),
        CYCLE.c.state != CycleState.CANCELLED.value,
    )
    .order_by(WORK_ITEM.c.id)
    .limit(WINDOW + 1)
)
_ONE = _CASES.where(APPRAISAL.c.id == bindparam("appraisal"))
_FINDINGS = (
    select(
        APPRAISAL.c.id.label("appraisal"),
        FINDING.c.id,
        FINDING.c.rule,
        FINDING.c.amount,
        FINDING.c.document_id,
        or_(
            exists().where(EVIDENCE.c.owner_kind == "finding", EVIDENCE.c.owner_id == FINDING.c.id),
            # A file of the person himself is his side, and shows nothing of what was recorded.
            exists().where(
                ATTACHMENT.c.owner_kind == "finding",
                ATTACHMENT.c.owner_id == FINDING.c.id,
                func.coalesce(ATTACHMENT.c.on_behalf_of, ATTACHMENT.c.added_by) != APPRAISAL.c.person_id,
            ),
        ).label("evidence"),
        exists().where(REPLY.c.finding_id == FINDING.c.id).label("replied"),
    )
    .select_from(FINDING)
    .join(APPRAISAL, APPRAISAL.c.assignment_id == FINDING.c.assignment_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(
        APPRAISAL.c.id.in_(bindparam("appraisals", expanding=True)),
        FINDING.c.counted_on.between(CYCLE.c.period_from, CYCLE.c.period_to),
        FINDING.c.voided_at.is_(None),
        or_(FINDING.c.claimed.is_(False), FINDING.c.confirmed_at.is_not(None)),
    )
    .order_by(FINDING.c.id)
    .limit(MOST_FINDINGS)
)
_LAST = (
    select(APPRAISAL.c.assignment_id, CYCLE.c.period_to, SCORE.c.total)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(SCORE, SCORE.c.id == APPRAISAL.c.score_id)
    .where(
        APPRAISAL.c.assignment_id.in_(bindparam("assignments", expanding=True)),
        CYCLE.c.period_to.in_(bindparam("days", expanding=True)),
        CYCLE.c.state != CycleState.CANCELLED.value,
        APPRAISAL.c.outcome.is_not(None),
    )
)
_SPREAD = (
    select(_ASSESSOR.c.number, _ASSESSOR.c.name, SCORE.c.total)
    .select_from(_MINE)
    .join(APPRAISAL, APPRAISAL.c.id == _MINE.c.appraisal_id)
    .join(SCORE, SCORE.c.id == APPRAISAL.c.score_id)
    .join(
        _SCORER,
        and_(
            _SCORER.c.appraisal_id == APPRAISAL.c.id,
            _SCORER.c.role == Role.ASSESSOR.value,
            _SCORER.c.to_at.is_(None),
        ),
    )
    .join(_ASSESSOR, _ASSESSOR.c.id == _SCORER.c.person_id)
    .where(
        _MINE.c.person_id == bindparam("person"),
        _MINE.c.role == Role.REVIEWER.value,
        _MINE.c.to_at.is_(None),
        APPRAISAL.c.cycle_id.in_(bindparam("cycles", expanding=True)),
    )
    .order_by(APPRAISAL.c.id.desc())
    .limit(MOST_FINDINGS)
)


@dataclass(frozen=True, slots=True)
class Case:
    """One appraisal that waits for the reviewer. `recorded` says that there is a deduction in it.

    `last` is the total of the quarter before, if there was one.
    """

    appraisal_id: int
    appraisal: str
    version: int
    person: str
    assessor: str
    round: int
    due_at: dt.datetime | None
    total: Fraction | None
    maximum: Fraction | None
    last: Fraction | None
    recorded: bool
    findings: int
    reasons: tuple[Reason, ...]
    stands_for: StandsFor | None = None
    """For whom the viewer decides it, where it is not his own."""

    @property
    def clear(self) -> bool:
        """Whether it can be approved with others in one go: nothing is deducted and nothing needs an eye."""
        return not self.recorded and not self.reasons


@dataclass(frozen=True, slots=True)
class Spread:
    """How one assessor's totals are spread among those whom the viewer reviews; points."""

    assessor: str
    count: int
    low: Fraction
    mean: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Queue:
    """The cases in the order in which to look at them; `after` begins the next list, None where there is none."""

    cases: tuple[Case, ...]
    spread: tuple[Spread, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """One case laid open, and by line what can be picked for those with a range."""

    case: Case
    lines: Mapping[str, Line]


def queue(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, after: int = 0, advice: Advice = USUAL_ADVICE) -> Queue:
    """Return what waits for a reviewer, first what needs an eye; in eight statements at most, however much waits.

    `after` is that of the list before. What he may decide for others by delegation stands among it.
    """
    with uow.read() as tx:
        standing_in = stand_ins(tx, actor, Role.REVIEWER, today(tx, now))
        rows = tx.all(_WAITING, {**standing_in.values, "after": after})
        shown = rows[:WINDOW]
        cases, _ = _cases(tx, shown, advice)
        marks = {row.id: standing_in.of(row, actor.person_id) for row in shown}
        cases = [replace(case, stands_for=marks[case.appraisal_id]) for case in cases]
        spread = _spread(tx, actor, {row.cycle_id for row in shown})
    cases.sort(key=lambda case: (_rank(case), case.appraisal_id))
    return Queue(tuple(cases), spread, shown[-1].item if len(rows) > WINDOW else None)


def look(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, advice: Advice = USUAL_ADVICE) -> Look:
    """Return what to know about one case before deciding it; for who scores or reviews it.

    Raises:
        NotFound: there is none, or the viewer does not judge it.
    """
    with uow.read() as tx:
        standing, actor = delegations.stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
        if relation_of(tx, standing, actor, standing.today) is not Relation.JUDGE:
            raise unseen(standing.asked)
        rows = tx.all(_ONE, {"appraisal": standing.id})[:1]
        cases, lines = _cases(tx, rows, advice)
    return Look(cases[0], lines)


def _rank(case: Case) -> int:
    """Return where a case stands: by its most pressing reason, then deductions, then the rest."""
    if case.reasons:
        return min(REASONS.index(reason.code) for reason in case.reasons)
    return len(REASONS) if case.recorded else len(REASONS) + 1


def _cases(tx: Transaction, rows: Sequence[Row[Any]], advice: Advice) -> tuple[list[Case], dict[str, Line]]:
    if not rows:
        return [], {}
    found = tx.all(_FINDINGS, {"appraisals": [row.id for row in rows]})
    by_appraisal: dict[int, list[Row[Any]]] = {}
    for finding in found:
        by_appraisal.setdefault(finding.appraisal, []).append(finding)
    amounts = latest_amounts(tx, found[-1].id) if found else ()
    days = {row.assignment_id: row.period_from - dt.timedelta(days=1) for row in rows}
    before = {
        (row.assignment_id, row.period_to): row.total
        for row in tx.all(_LAST, {"assignments": list(days), "days": sorted(set(days.values()))})
    }
    cases: list[Case] = []
    lines: dict[str, Line] = {}
    for row in rows:
        mine = by_appraisal.get(row.id, [])
        ranged = ranged_lines(tx, row, mine, amounts)
        lines |= ranged
        last = before.get((row.assignment_id, days[row.assignment_id]))
        reasons = reasons_of(row, mine, ranged, last, advice)
        if len(found) == MOST_FINDINGS:
            reasons.append(Reason("too-many"))
        cases.append(_case(row, len(mine), last, tuple(reasons)))
    return cases, lines


def _case(row: Row[Any], findings: int, last: Fraction | None, reasons: tuple[Reason, ...]) -> Case:
    return Case(
        row.id,
        f"{row.cycle}/{row.number}@{row.post}",
        row.version,
        f"{row.name} ({row.number})",
        f"{row.assessor_name} ({row.assessor_number})" if row.assessor_number else "",
        row.round,
        row.due_at,
        row.total,
        row.maximum,
        last,
        bool(row.recorded),
        findings,
        reasons,
    )


def _spread(tx: Transaction, actor: Actor, cycles: set[int]) -> tuple[Spread, ...]:
    if not cycles:
        return ()
    totals: dict[str, list[Fraction]] = {}
    for row in tx.all(_SPREAD, {"person": actor.person_id, "cycles": sorted(cycles)}):
        totals.setdefault(f"{row.name} ({row.number})", []).append(row.total)
    return tuple(
        Spread(name, len(some), min(some), Fraction(round(sum(some) / len(some) * 10), 10), max(some))
        for name, some in sorted(totals.items())
    )
