"""Who somebody is to an appraisal, and who may see what: one policy for terminal, mails and exports (G14).

Relations are looked up now, never remembered. Whoever has no relation is told that there is no such appraisal.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, literal, or_, select, union, union_all

from models.appraisals import Appraisal, Party
from models.columns import table_of
from models.people import Assignment, ConflictOfInterest, Grant
from models.prepared import Prepared
from services.actors import Actor
from services.unit_of_work import Transaction
from workflow.vocabulary import GRANTED_ROLES, JUDGING_ROLES, Role

PARTY = table_of(Party)
GRANT = table_of(Grant)
ASSIGNMENT = table_of(Assignment)
APPRAISAL = table_of(Appraisal)
CONFLICT = table_of(ConflictOfInterest)

_RECUSED = "recused"
"""What stands for the role of a person in whom the actor has a declared interest."""


def _of_interest(mine: Any, other: Any) -> Any:
    return select(literal(None), other, literal(_RECUSED), literal(None), literal(None)).where(
        mine == bindparam("person"),
        CONFLICT.c.valid_from <= bindparam("on"),
        or_(CONFLICT.c.valid_to.is_(None), CONFLICT.c.valid_to >= bindparam("on")),
    )


def _parts_in(appraisals: Any) -> Any:
    return union_all(
        select(
            PARTY.c.appraisal_id,
            PARTY.c.person_id,
            PARTY.c.role,
            PARTY.c.seat,
            PARTY.c.to_at,
        ).where(appraisals),
        select(
            literal(None).label("appraisal_id"),
            GRANT.c.person_id,
            GRANT.c.role,
            GRANT.c.unit_id,
            literal(None).label("to_at"),
        ).where(
            GRANT.c.person_id == bindparam("person"),
            GRANT.c.valid_from <= bindparam("on"),
            or_(GRANT.c.valid_to.is_(None), GRANT.c.valid_to >= bindparam("on")),
        ),
        _of_interest(CONFLICT.c.person_id, CONFLICT.c.other_id),
        _of_interest(CONFLICT.c.other_id, CONFLICT.c.person_id),
    )


_PARTS_OF_ONE = Prepared(_parts_in(PARTY.c.appraisal_id == bindparam("appraisal")))
_PARTS_OF_MANY = Prepared(_parts_in(PARTY.c.appraisal_id.in_(bindparam("appraisals", expanding=True))))

_GRANTS = select(GRANT.c.role, GRANT.c.unit_id).where(
    GRANT.c.person_id == bindparam("person"),
    GRANT.c.valid_from <= bindparam("on"),
    or_(GRANT.c.valid_to.is_(None), GRANT.c.valid_to >= bindparam("on")),
)

_IN_FORCE = (
    ASSIGNMENT.c.valid_from <= bindparam("on"),
    or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("on")),
)


def _superiors() -> Any:
    above = union(
        select(ASSIGNMENT.c.manager_id.label("person_id")).where(
            ASSIGNMENT.c.person_id == bindparam("person"), ASSIGNMENT.c.manager_id.is_not(None), *_IN_FORCE
        ),
        select(ASSIGNMENT.c.in_charge_id).where(
            ASSIGNMENT.c.person_id == bindparam("person"), ASSIGNMENT.c.in_charge_id.is_not(None), *_IN_FORCE
        ),
        select(PARTY.c.person_id)
        .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
        .where(
            APPRAISAL.c.person_id == bindparam("person"),
            PARTY.c.role.in_((Role.ASSESSOR.value, Role.REVIEWER.value)),
            PARTY.c.to_at.is_(None),
        ),
    )
    chain = select(above.subquery().c.person_id).cte("chain", recursive=True)
    return select(
        chain.union(
            select(ASSIGNMENT.c.manager_id).where(
                ASSIGNMENT.c.person_id == chain.c.person_id, ASSIGNMENT.c.manager_id.is_not(None), *_IN_FORCE
            )
        ).c.person_id
    )


_SUPERIORS = _superiors()

_CONFLICTS = select(CONFLICT.c.other_id).where(
    CONFLICT.c.person_id == bindparam("person"),
    CONFLICT.c.valid_from <= bindparam("on"),
    or_(CONFLICT.c.valid_to.is_(None), CONFLICT.c.valid_to >= bindparam("on")),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """Who holds which role of one appraisal now, who held one, and what the acting person is granted.

    `former` says until when each of those had a part who have none any more. `recused` are the people in whom the
    acting person has a declared interest, or who have one in him.
    """

    holders: Mapping[str, Sequence[int]]
    former: Mapping[int, dt.datetime]
    granted: frozenset[str]
    recused: frozenset[int] = frozenset()

    def roles_of(self, person_id: int | None) -> frozenset[str]:
        """Return every role of a person here, granted ones included; the system has only its own."""
        if person_id is None:
            return frozenset({Role.SYSTEM})
        held = {role for role, people in self.holders.items() if person_id in people}
        return frozenset(held) | self.granted

    def roles_about(self, appraisee_id: int, person_id: int | None) -> frozenset[str]:
        """Return the roles by which a person may act on somebody: without judging where he is recused (domain, 5b)."""
        roles = self.roles_of(person_id)
        return roles - set(JUDGING_ROLES) if appraisee_id in self.recused else roles

    def related(self, person_id: int | None) -> bool:
        """Tell whether the person may know that this appraisal exists."""
        seeing = {Role.HR, Role.APPROVER, Role.AUDITOR}
        return (
            person_id is None
            or person_id in self.former
            or bool(self.roles_of(person_id) - set(GRANTED_ROLES))
            or (not seeing.isdisjoint(self.granted))
        )


def parts_of(tx: Transaction, appraisals: Sequence[int], person_id: int | None, on: dt.date) -> dict[int, Parts]:
    """Return the parts of each appraisal, with the grants of one person, in one statement."""
    asking = {"person": person_id, "on": on}
    rows: Any
    if len(appraisals) == 1:
        rows = tx.all(_PARTS_OF_ONE, asking | {"appraisal": appraisals[0]})
    else:
        rows = tx.all(_PARTS_OF_MANY, asking | {"appraisals": list(appraisals)})
    granted, recused = set(), set()
    by_appraisal: dict[int, list[tuple[int, str, int, dt.datetime | None]]] = {one: [] for one in appraisals}
    for appraisal, person, role, seat, to_at in rows:
        if appraisal is not None:
            by_appraisal[appraisal].append((person, role, seat, to_at))
        elif role == _RECUSED:
            recused.add(person)
        else:
            granted.add(role)
    of_all = (frozenset(granted), frozenset(recused))
    return {appraisal: _parts(found, *of_all) for appraisal, found in by_appraisal.items()}


def _parts(
    found: Iterable[tuple[int, str, int, dt.datetime | None]], granted: frozenset[str], recused: frozenset[int]
) -> Parts:
    holders: dict[str, list[tuple[int, int]]] = {}
    former: dict[int, dt.datetime] = {}
    for person, role, seat, to_at in found:
        if to_at is None:
            holders.setdefault(role, []).append((seat, person))
        else:
            former[person] = max(to_at, former.get(person, to_at))
    return Parts(
        {role: tuple([person for _, person in sorted(seats)]) for role, seats in holders.items()},
        former,
        granted,
        recused,
    )


def granted_roles(tx: Transaction, person_id: int | None, on: dt.date) -> frozenset[str]:
    """Return the roles a person holds by grant on a day; the system holds its own."""
    if person_id is None:
        return frozenset({Role.SYSTEM})
    return frozenset(row.role for row in tx.all(*grants_asked(person_id, on)))


def grants_asked(person_id: int | None, on: dt.date) -> tuple[Executable, dict[str, Any]]:
    """Return what `granted_roles` asks of the database."""
    return _GRANTS, {"person": person_id, "on": on}


def granted_on(rows: Iterable[Row[Any]], on: dt.date) -> frozenset[str]:
    """Return the roles granted on a day, of rows that have `granted`, `granted_from` and `granted_to`."""
    return frozenset(
        row.granted
        for row in rows
        if row.granted is not None and row.granted_from <= on and (row.granted_to is None or row.granted_to >= on)
    )


def superiors_of(tx: Transaction, person_id: int, on: dt.date) -> frozenset[int]:
    """Return everybody above a person: by the reporting lines upward, and who scores or reviews him."""
    return frozenset(row.person_id for row in tx.all(*superiors_asked(person_id, on)))


def superiors_asked(person_id: int | None, on: dt.date) -> tuple[Executable, dict[str, Any]]:
    """Return what `superiors_of` asks of the database."""
    return _SUPERIORS, {"person": person_id, "on": on}


def interests_asked(person_id: int, other_id: int, on: dt.date) -> list[tuple[Executable, dict[str, Any]]]:
    """Return what `interested` asks of the database at most."""
    return [(_CONFLICTS, {"person": one, "on": on}) for one in (person_id, other_id)]


def own_or_superior(tx: Transaction, person_id: int | None, appraisee_id: int, on: dt.date) -> bool:
    """Tell whether an appraisal is the person's own or his superior's: there nobody runs a cycle (domain.md, 5)."""
    if person_id is None:
        return False
    return person_id == appraisee_id or appraisee_id in superiors_of(tx, person_id, on)


def typist_near(tx: Transaction, actor: Actor, appraisee_id: int, on: dt.date) -> bool:
    """Tell whether who types for another would look at himself or at a superior through the other's eyes."""
    typist = actor.typed_by
    return typist is not None and typist != actor.person_id and own_or_superior(tx, typist, appraisee_id, on)


def conflicts_of(tx: Transaction, person_id: int, on: dt.date) -> frozenset[int]:
    """Return the people with whom a person has a declared interest on a day."""
    return frozenset(row.other_id for row in tx.all(_CONFLICTS, {"person": person_id, "on": on}))


def interested(tx: Transaction, person_id: int, other_id: int, on: dt.date) -> bool:
    """Tell whether one of two people has a declared interest in the other on a day."""
    return other_id in conflicts_of(tx, person_id, on) or person_id in conflicts_of(tx, other_id, on)
