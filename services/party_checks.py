"""Comparing who has which part of an appraisal with the frozen roster and the events by which parts changed hands."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from models.columns import table_of
from models.cycles import Roster
from services.access import PARTY
from services.chain_checks import Faults, Told
from services.handover import PASSED
from services.person_results import APPRAISAL
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

ROSTER = table_of(Roster)

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
        if not _as_told(tx, appraisal, passed.get(appraisal, [])):
            text = f"its parts are not held by those whom the roster of {where} and the events after it name."
            faults.add("roster", f"appraisal {appraisal}", text)


def _as_told(tx: Transaction, appraisal: int, events: Sequence[Told]) -> bool:
    named = tx.first(_NAMED, {"appraisal": appraisal})
    if named is None:
        return False
    # Role, seat, person, source, since when (of the roster: the opening, which is vouched for by itself), until when.
    expected: list[list[Any]] = [
        [role.value, 1, holder, "roster", None, None]
        for role in _HOLDER
        if (holder := getattr(named, role.value)) is not None
    ]
    for told in events:
        said = told.payload
        old = [one for one in expected if one[:3] == [said["role"], said["seat"], said["was"]] and one[5] is None]
        if len(old) != 1:
            return False
        old[0][5] = told.at
        expected.append([said["role"], said["seat"], said["now"], said["why"], told.at, None])
    stored = [
        [row.role, row.seat, row.person_id, row.source, None if row.source == "roster" else row.from_at, row.to_at]
        for row in tx.all(_PARTS, {"appraisal": appraisal})
    ]
    return sorted(stored, key=str) == sorted(expected, key=str)
