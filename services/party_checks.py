"""Comparing who has which part of an appraisal with the frozen roster and the events by which parts changed hands."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from models.columns import table_of
from models.cycles import Roster
from models.history import Move
from services.access import PARTY
from services.chain_checks import Faults, Told
from services.handover import PASSED
from services.person_results import APPRAISAL
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

ROSTER = table_of(Roster)
MOVE = table_of(Move)

_HOLDER = {
    Role.APPRAISEE: ROSTER.c.person_id,
    Role.ASSESSOR: ROSTER.c.assessor_id,
    Role.REVIEWER: ROSTER.c.reviewer_id,
    Role.DECIDER: ROSTER.c.decider_id,
}
_PLACE = and_(ROSTER.c.cycle_id == APPRAISAL.c.cycle_id, ROSTER.c.assignment_id == APPRAISAL.c.assignment_id)
_OF_APPRAISAL = PARTY.c.appraisal_id == APPRAISAL.c.id
_FROM_ROSTER = and_(
    PARTY.c.source == "roster",
    PARTY.c.seat == 1,
    PARTY.c.to_at.is_(None),
    or_(*(and_(PARTY.c.role == role.value, PARTY.c.person_id == holder) for role, holder in _HOLDER.items())),
)
_UNLIKE = (
    select(APPRAISAL.c.id)
    .join(ROSTER, _PLACE)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        or_(
            exists(select(PARTY.c.id).where(_OF_APPRAISAL, ~_FROM_ROSTER)),
            *(
                and_(
                    holder.is_not(None),
                    ~exists(select(PARTY.c.id).where(_OF_APPRAISAL, PARTY.c.role == role.value)),
                )
                for role, holder in _HOLDER.items()
            ),
        ),
    )
    .order_by(APPRAISAL.c.id)
)
_NAMED = (
    select(APPRAISAL.c.id, *(holder.label(role.value) for role, holder in _HOLDER.items()))
    .join(ROSTER, _PLACE)
    .where(APPRAISAL.c.id == bindparam("appraisal"))
)
_MOVES = select(MOVE.c.at, MOVE.c.payload).where(MOVE.c.appraisal_id == bindparam("appraisal")).order_by(MOVE.c.seq)
_PARTS = select(PARTY).where(PARTY.c.appraisal_id == bindparam("appraisal")).order_by(PARTY.c.id)


def check_parties(tx: Transaction, faults: Faults, cycle_id: int, where: str, events: Sequence[Told]) -> None:
    """Report appraisals whose parts others hold than roster and events say: that would give a sight or a power.

    Only those that differ from the roster are read one by one.
    """
    passed: dict[int, list[Told]] = {}
    for told in events:
        if told.kind == PASSED:
            passed.setdefault(int(told.payload["appraisal"]), []).append(told)
    unlike = {int(row.id) for row in tx.stream(_UNLIKE, {"cycle": cycle_id})}
    for appraisal in sorted(unlike | passed.keys()):
        handed = [*_by_events(passed.get(appraisal, ())), *_by_moves(tx, appraisal)]
        if not _as_told(tx, appraisal, sorted(handed, key=lambda one: one.at)):
            text = f"its parts are not held by those whom the roster of {where} and the events after it name."
            faults.add("roster", f"appraisal {appraisal}", text)


@dataclass(frozen=True, slots=True)
class _Handed:
    """A part that went from one person, or from nobody, to another: when, which, and why."""

    at: dt.datetime
    role: str
    seat: int
    was: int | None
    now: int
    why: str


def _by_events(events: Sequence[Told]) -> Iterator[_Handed]:
    """Yield what was passed on because something changed for a person."""
    for told in events:
        said = told.payload
        yield _Handed(told.at, said["role"], said["seat"], said["was"], said["now"], said["why"])


def _by_moves(tx: Transaction, appraisal: int) -> Iterator[_Handed]:
    """Yield what the clock passed on because days were over."""
    for row in tx.all(_MOVES, {"appraisal": appraisal}):
        payload = json.loads(row.payload)
        for role, (was, now) in payload.get("parts", {}).items():
            yield _Handed(row.at, role, 1, was, now, str(payload.get("by")))


def _as_told(tx: Transaction, appraisal: int, handed: Sequence[_Handed]) -> bool:
    named = tx.first(_NAMED, {"appraisal": appraisal})
    if named is None:
        return False
    # Role, seat, person, source, since when (of the roster: the opening, which is vouched for by itself), until when.
    expected: list[list[Any]] = [
        [role.value, 1, holder, "roster", None, None]
        for role in _HOLDER
        if (holder := getattr(named, role.value)) is not None
    ]
    for one in handed:
        held = [part for part in expected if part[:2] == [one.role, one.seat] and part[5] is None]
        if [part[2] for part in held] != ([] if one.was is None else [one.was]):
            return False
        for part in held:
            part[5] = one.at
        expected.append([one.role, one.seat, one.now, one.why, one.at, None])
    stored = [
        [row.role, row.seat, row.person_id, row.source, None if row.source == "roster" else row.from_at, row.to_at]
        for row in tx.all(_PARTS, {"appraisal": appraisal})
    ]
    return sorted(stored, key=str) == sorted(expected, key=str)
