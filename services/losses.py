"""Who can hold nothing any more, or nothing of what he had, by the records of a day: the causes, told once (5b)."""

import datetime as dt
import zoneinfo
from typing import Any

from sqlalchemy import BindParameter, Row, and_, bindparam, cast, exists, literal, null, or_, select, union_all

from models.columns import table_of
from models.people import Absence, ConflictOfInterest
from services import life_settings
from services.life_settings import KEEP
from services.standing import ASSIGNMENT, PERSON
from services.unit_of_work import Transaction

ABSENCE = table_of(Absence)
CONFLICT = table_of(ConflictOfInterest)
ACTING = ASSIGNMENT.alias("acting")
RENEWED = ASSIGNMENT.alias("renewed")

LOOKS_BACK = dt.timedelta(days=400)
"""How long after a change its parts are looked for: every first planning of a day looks, so a year is ample."""

_ON: BindParameter[Any] = bindparam("on", type_=ASSIGNMENT.c.valid_from.type)
_SINCE: BindParameter[Any] = bindparam("since", type_=ASSIGNMENT.c.valid_from.type)
_BEFORE: BindParameter[Any] = bindparam("before", type_=ASSIGNMENT.c.valid_from.type)
# A bare NULL is a text to PostgreSQL, once two of them have met in a union.
_NOBODY, _NEVER = cast(null(), PERSON.c.id.type), cast(null(), ASSIGNMENT.c.valid_from.type)


def _in_force(table: Any) -> Any:
    return and_(table.c.valid_from <= _ON, or_(table.c.valid_to.is_(None), table.c.valid_to >= _ON))


def _because(why: str, person: Any, condition: Any, *, about: Any = _NOBODY, day: Any = _NEVER) -> Any:
    """Select people who hold something no more: only what is about `about`, and only what is older than `day`."""
    return select(person.label("person_id"), literal(why).label("why"), about.label("about"), day.label("day")).where(
        condition
    )


# Read from the small tables first: the cost follows what changed lately, not how many parts there are.
_CHANGED = union_all(
    _because("left", PERSON.c.id, PERSON.c.left.between(_SINCE, _BEFORE)),
    _because("absent", ABSENCE.c.person_id, and_(ABSENCE.c.kind == "protected", _in_force(ABSENCE))),
    _because("recused", CONFLICT.c.person_id, _in_force(CONFLICT), about=CONFLICT.c.other_id),
    _because("recused", CONFLICT.c.other_id, _in_force(CONFLICT), about=CONFLICT.c.person_id),
    _because(
        "moved",
        ASSIGNMENT.c.person_id,
        and_(
            ASSIGNMENT.c.kind == "regular",
            ASSIGNMENT.c.main.is_(True),
            ASSIGNMENT.c.valid_to.between(_SINCE, _BEFORE),
            ~exists(
                select(RENEWED.c.id).where(
                    RENEWED.c.person_id == ASSIGNMENT.c.person_id,
                    RENEWED.c.post_id == ASSIGNMENT.c.post_id,
                    RENEWED.c.kind == "regular",
                    _in_force(RENEWED),
                )
            ),
        ),
        day=ASSIGNMENT.c.valid_to,
    ),
    _because(
        "acting",
        ASSIGNMENT.c.person_id,
        and_(
            ASSIGNMENT.c.kind == "regular",
            _in_force(ASSIGNMENT),
            ACTING.c.post_id == ASSIGNMENT.c.post_id,
            ACTING.c.kind == "acting",
            ACTING.c.person_id != ASSIGNMENT.c.person_id,
            ACTING.c.valid_from >= _SINCE,
            _in_force(ACTING),
        ),
        day=ACTING.c.valid_from,
    ),
)


def changed(tx: Transaction, day: dt.date, people: frozenset[int] | None = None) -> dict[int, list[Row[Any]]]:
    """Return, by person, what takes parts from him on a day: rows of `person_id`, `why`, `about` and `day`.

    `people` are those that are looked at, by default everybody. What the organisation lets people keep is left out.
    """
    settings = life_settings.of(tx)
    kept = {why for why, choice in (("moved", settings.moved), ("acting", settings.acting)) if choice == KEEP}
    found: dict[int, list[Row[Any]]] = {}
    for row in tx.all(_CHANGED, {"on": day, "since": day - LOOKS_BACK, "before": day - dt.timedelta(days=1)}):
        if row.why not in kept and (people is None or row.person_id in people):
            found.setdefault(row.person_id, []).append(row)
    return found


def concerns(change: Row[Any], part: Row[Any], zone: zoneinfo.ZoneInfo) -> bool:
    """Tell whether a change takes a part: one got after a move, or while somebody acted already, was got knowing it."""
    if change.about is not None and change.about != part.appraisee:
        return False
    if change.day is None:
        return True
    got = part.from_at.astimezone(zone).date()
    day = change.day if isinstance(change.day, dt.date) else dt.date.fromisoformat(str(change.day))
    return bool(got <= day if change.why == "moved" else got < day)
