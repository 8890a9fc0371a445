"""The quarter of an office after it was opened: ledgers with findings and duties, and every appraisal closed.

Nobody has more than three findings; deputies for security have inspected two months of three or all of them. Each
appraisal was started, submitted, approved and accepted, with a move, a sheet, a score and work items of its own.
"""

import datetime as dt
import json
import secrets
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, literal, null, select, update

from benchmarks.bulk_rows import chained, next_id, write
from benchmarks.office import KEYS
from benchmarks.offices import DIVISION, TOP, Seat, build, freeze, open_all, seats
from scoring.rubric import Rule
from scoring.score import ARITHMETIC, score
from services.audit import EVENT, GENESIS, MOVE, TEXT_BODY, Link, digest, move_fields, text_digest
from services.calendars import closures
from services.definitions import rubric_of
from services.duties import DUTY, duty_content
from services.finding_writing import FINDING, finding_content
from services.judging import SCORE, SCORE_ITEM, SHEET, score_digest
from services.launch import CYCLE_RUBRIC
from services.ledger_ranges import load_range
from services.opening import APPRAISAL, CYCLE, ROSTER, WORK_ITEM
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import Outcome

RECORDED = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
SUBMITTED = dt.datetime(2026, 4, 2, 4, tzinfo=dt.UTC)
FEBRUARY = dt.date(2026, 2, 3)
MONTHS = ("2026-01", "2026-02", "2026-03")
DAYS = dt.timedelta(days=3)
WHY = "found at the weekly check"
STEPS = (
    ("start", "draft", "scoring", "assessor", "assessor"),
    ("submit", "scoring", "review", "assessor", "reviewer"),
    ("approve", "review", "signoff", "reviewer", "appraisee"),
    ("accept", "signoff", "closed", "appraisee", None),
)
_PAGE = 5_000
Step = tuple[str, str, str, str]
"""An action, from where to where, and by whom."""


def build_closed(uow: UnitOfWork, people: int) -> int:
    """Build an office whose quarter was opened and is closed, and return the id of the HR officer."""
    officer = build(uow, people)
    opened = freeze(uow, officer, _PAGE)
    open_all(uow, opened)
    record(uow, list(seats(people)))
    close_all(uow, opened.cycle_id)
    return officer


def record(uow: UnitOfWork, everybody: Sequence[Seat]) -> None:
    """Write the findings and the duty records of everybody, with their texts and events."""
    with uow.write() as tx:
        rubric = rubric_of(tx, tx.scalar(select(CYCLE_RUBRIC.c.definition_id).limit(1)))
        text, finding, duty = (next_id(tx, table) for table in (TEXT_BODY, FINDING, DUTY))
    rules = {post.id: _rules(post.rules) for post in rubric.posts}
    appraised = everybody[len(TOP) :]
    findings = [row for seat in appraised for row in _findings(seat, rules[seat.post])]
    texts = []
    for row in findings:
        salt = secrets.token_hex(16)
        texts.append({"salt": salt, "body": WHY, "digest": text_digest(salt, WHY)})
        row["reason_id"] = text + len(texts) - 1
    duties = [row for seat in appraised if seat.post == "deputy-security" for row in _duties(seat)]
    write(uow, TEXT_BODY, texts)
    write(uow, FINDING, findings)
    write(uow, DUTY, duties)
    entries: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for number, row in enumerate(findings):
        payload = {"finding": finding + number, "digest": digest(finding_content(row)), "text": texts[number]["digest"]}
        entries.setdefault(row["assignment_id"], []).append(("finding.recorded", payload))
    for number, row in enumerate(duties):
        payload = {"duty": duty + number, "digest": digest(duty_content(row))}
        entries.setdefault(row["assignment_id"], []).append((f"duty.{row['kind']}", payload))
    boss = {seat.person: seat.in_charge for seat in everybody}
    rows = (
        row
        for assignment, of_one in entries.items()
        for row in chained(KEYS, f"ledger:{assignment}", Link(0, GENESIS), of_one, actor=boss[assignment], at=RECORDED)
    )
    write(uow, EVENT, rows)
    entered = select(func.count()).where(FINDING.c.assignment_id == APPRAISAL.c.assignment_id).scalar_subquery()
    duties_done = select(func.count()).where(DUTY.c.assignment_id == APPRAISAL.c.assignment_id).scalar_subquery()
    with uow.write() as tx:
        tx.run(update(APPRAISAL).values(ledger_version=entered + duties_done))


def _rules(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.duty is None and not rule.award and rule.recurrence.kind == "each"]


def _findings(seat: Seat, rules: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    for number in range(seat.person % 4):
        rule = rules[(seat.person * 7 + number) % len(rules)]
        amount = units = None
        if rule.kind == "range" and rule.min is not None and rule.max is not None:
            amount = rule.min + seat.person % int(rule.max - rule.min + 1)
        elif rule.kind == "per-unit":
            units = rule.step or Fraction(1)
        yield dict.fromkeys(name for name in FINDING.c.keys() if name != "id") | {  # noqa: SIM118 - not a dictionary
            "assignment_id": seat.person,
            "rule": rule.id,
            "happened": FEBRUARY,
            "known": FEBRUARY,
            "counted_on": FEBRUARY,
            "amount": amount,
            "units": units,
            "sub_reasons": "[]",
            "claimed": False,
            "recorded_by": seat.in_charge,
            "recorded_at": RECORDED,
        }


def _duties(seat: Seat) -> Iterator[dict[str, Any]]:
    missed = seat.person // DIVISION % 2 == 0
    for month in MONTHS:
        kind = "confirmed" if missed and month == MONTHS[-1] else "done"
        yield dict.fromkeys(name for name in DUTY.c.keys() if name != "id") | {  # noqa: SIM118 - as above
            "assignment_id": seat.person,
            "rule": "A1.1",
            "month": month,
            "kind": kind,
            "day": None if kind == "confirmed" else dt.date.fromisoformat(f"{month}-20"),
            "coverage": None if kind == "confirmed" else Fraction(1),
            "sites": "[]",
            "recorded_by": seat.in_charge if kind == "confirmed" else seat.person,
            "recorded_at": RECORDED,
        }


_HERE = (APPRAISAL.c.cycle_id == bindparam("cycle")) & APPRAISAL.c.id.between(bindparam("first"), bindparam("last"))
_HOLDERS = {"appraisee": ROSTER.c.person_id, "assessor": ROSTER.c.assessor_id, "reviewer": ROSTER.c.reviewer_id}
_PLACED = APPRAISAL.join(
    ROSTER, (ROSTER.c.cycle_id == APPRAISAL.c.cycle_id) & (ROSTER.c.assignment_id == APPRAISAL.c.assignment_id)
)
_OPEN = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.workflow_id,
        APPRAISAL.c.rubric_id,
        *(column.label(role) for role, column in _HOLDERS.items()),
    )
    .select_from(_PLACED)
    .where(_HERE)
    .order_by(APPRAISAL.c.id)
)
_SPAN = select(func.min(APPRAISAL.c.id), func.max(APPRAISAL.c.id)).where(APPRAISAL.c.cycle_id == bindparam("cycle"))


def close_all(uow: UnitOfWork, cycle_id: int) -> None:
    """Bring every appraisal of the cycle from its beginning to its end, a page after the other."""
    with uow.read() as tx:
        low, high = tuple(tx.all(_SPAN, {"cycle": cycle_id})[0])
        opening = tx.scalar(select(EVENT.c.mac).where(EVENT.c.stream == f"cycle:{cycle_id}", EVENT.c.kind == "opened"))
    for first in range(low, high + 1, _PAGE):
        span = {"cycle": cycle_id, "first": first, "last": min(first + _PAGE - 1, high)}
        with uow.read() as tx:
            rows = tx.all(_OPEN, span)
        before = dict.fromkeys((row.id for row in rows), opening)
        scores: dict[int, tuple[int, str]] = {}
        for seq, (action, here, there, role, following) in enumerate(STEPS, 1):
            at = SUBMITTED + dt.timedelta(hours=seq)
            if action == "submit":
                scores = _score_page(uow, rows, span, at)
            moves = [
                _move(row, (action, here, there, role), seq, at=at, prev=before[row.id], scored=scores.get(row.id))
                for row in rows
            ]
            before = {move["appraisal_id"]: move["mac"] for move in moves}
            write(uow, MOVE, moves)
            _advance(uow, span, seq, there, following, at=at)


def _move(
    row: Row[Any],
    step: Step,
    seq: int,
    *,
    at: dt.datetime,
    prev: str,
    scored: tuple[int, str] | None,
) -> dict[str, Any]:
    action, here, there, role = step
    move = {
        "appraisal_id": row.id,
        "seq": seq,
        "workflow_id": row.workflow_id,
        "action": action,
        "from_stage": here,
        "to_stage": there,
        "round": 1,
        "role": role,
        "actor_id": getattr(row, role),
        "on_behalf_of": None,
        "at": at,
        "comment_id": None,
        "score_id": None if scored is None else scored[0],
        "payload": json.dumps({"score": scored[1]}, separators=(",", ":")) if action == "submit" and scored else "{}",
        "key_id": KEYS.current,
        "prev": prev,
    }
    return {**move, "mac": KEYS.mac(prev, move_fields(move, None))}


def _advance(
    uow: UnitOfWork, span: dict[str, int], seq: int, there: str, following: str | None, *, at: dt.datetime
) -> None:
    scored = select(MOVE.c.score_id).where(MOVE.c.appraisal_id == APPRAISAL.c.id, MOVE.c.seq == seq).scalar_subquery()
    outcome = null() if following else literal(Outcome.ACCEPTED.value)
    moved = {"stage": there, "version": seq, "entered_at": at, "score_id": scored, "outcome": outcome}
    of_page = WORK_ITEM.c.appraisal_id.between(bindparam("first"), bindparam("last")) & WORK_ITEM.c.closed_at.is_(None)
    with uow.write() as tx:
        tx.run(update(APPRAISAL).where(_HERE).values(**moved), span)
        shut = {"closed_at": at, "closed_by_seq": seq, "next_action_at": None}
        tx.run(update(WORK_ITEM).where(of_page).values(**shut), {"first": span["first"], "last": span["last"]})
        if following is None:
            return
        item = {
            "appraisal_id": APPRAISAL.c.id,
            "stage": APPRAISAL.c.stage,
            "round": literal(1),
            "role": literal(following),
            "seat": literal(1),
            "holder_id": _HOLDERS[following],
            "action": literal(STEPS[seq - 1][0]),
            "opened_at": APPRAISAL.c.entered_at,
            "due_at": literal(at + DAYS, WORK_ITEM.c.due_at.type),
            "next_action_at": APPRAISAL.c.entered_at,
        }
        source = select(*item.values()).select_from(_PLACED).where(_HERE)
        tx.run(insert(WORK_ITEM).from_select(list(item), source, include_defaults=False), span)


def _score_page(
    uow: UnitOfWork, rows: Sequence[Row[Any]], span: dict[str, int], at: dt.datetime
) -> dict[int, tuple[int, str]]:
    """Score a page of ledgers and write the scores; return id and content digest of each, by appraisal."""
    with uow.write() as tx:
        first_sheet, first = next_id(tx, SHEET), next_id(tx, SCORE)
        cycle = tx.all(select(CYCLE).where(CYCLE.c.id == span["cycle"]))[0]
        rubrics = {rubric: rubric_of(tx, rubric) for rubric in {row.rubric_id for row in rows}}
        ledgers = load_range(
            tx,
            cycle_id=cycle.id,
            period=(cycle.period_from, cycle.period_to),
            first=span["first"],
            last=span["last"],
            closed_days=closures(tx),
        )
    sheets, scores, items, made = [], [], [], {}
    for number, row in enumerate(rows):
        rubric = rubrics[row.rubric_id]
        ledger = ledgers.of(row.id, rubric.settings.calendar)
        scored = score(rubric, ledger.post or "", ledger, cycle.period_to)
        of_one = {
            "appraisal_id": row.id,
            "person_id": row.assessor,
            "seat": 1,
            "kind": "assessor",
            "round": 1,
            "at": at,
        }
        sheets.append(of_one)
        scores.append(
            {
                "sheet_id": first_sheet + number,
                "rubric_id": row.rubric_id,
                "arithmetic": ARITHMETIC,
                "ledger_digest": ledger.digest,
                "as_of": cycle.period_to,
                "total": scored.total,
                "maximum": scored.maximum,
                "grade": scored.grade,
                "steps": json.dumps(scored.to_json(), ensure_ascii=False, separators=(",", ":")),
            }
        )
        figures = ("points", "recorded", "counted", "reward", "score")
        own = [
            {"score_id": first + number, "item": item.id, **{name: getattr(item, name) for name in figures}}
            for item in scored.items
        ]
        items.extend(own)
        made[row.id] = (first + number, score_digest(scores[-1], own))
    write(uow, SHEET, sheets)
    write(uow, SCORE, scores)
    write(uow, SCORE_ITEM, items)
    return made
