"""Whom the cycle of a plan is for: the people of the plan's unit and of all units below it, without its exceptions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from models.columns import table_of
from models.history import TextBody
from models.people import Assignment, Person, Unit
from models.rubrics import Plan
from services.errors import NotFound
from services.plan_form import PlanForm, read_form
from services.roster import Choices
from services.unit_of_work import Transaction

ASSIGNMENT = table_of(Assignment)
PERSON = table_of(Person)
PLAN = table_of(Plan)
TEXT_BODY = table_of(TextBody)
UNIT = table_of(Unit)

_PLAN = select(PLAN).where(PLAN.c.id == bindparam("plan"))
_UNITS = select(UNIT.c.id, UNIT.c.parent_id, UNIT.c.code)
_HELD = (
    select(PERSON.c.number)
    .join(ASSIGNMENT, ASSIGNMENT.c.person_id == PERSON.c.id)
    .where(
        PERSON.c.number.in_(bindparam("numbers", expanding=True)),
        ASSIGNMENT.c.unit_id.in_(bindparam("units", expanding=True)),
        ASSIGNMENT.c.kind == "regular",
        ASSIGNMENT.c.valid_from <= bindparam("last"),
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("first")),
    )
)
_WORDS = select(TEXT_BODY.c.id, TEXT_BODY.c.body).where(TEXT_BODY.c.id.in_(bindparam("texts", expanding=True)))


def units_below(tx: Transaction, code: str) -> frozenset[int]:
    """Return the ids of a unit and of every unit below it.

    Raises:
        NotFound: there is no such unit.
    """
    rows = tx.once(_UNITS)
    found = {row.id for row in rows if row.code == code}
    if not found:
        known = ", ".join(sorted(row.code for row in rows)) or "none yet"
        raise NotFound(f"There is no unit {code!r}; there are: {known}.", "unknown-unit")
    while below := {row.id for row in rows if row.parent_id in found} - found:
        found |= below
    return frozenset(found)


def with_plan(tx: Transaction, cycle: Row[Any], choices: Choices, created: Mapping[str, Any]) -> Choices:
    """Return the choices with what the plan of a cycle says; of a cycle that was made by hand as they are.

    `created` is what the event says that created the cycle. The plan's present version counts until the cycle opens. An
    exception who is not there in the period is passed over.
    """
    plan_id = created.get("plan")
    row = None if plan_id is None else tx.first(_PLAN, {"plan": plan_id})
    if row is None:
        return choices
    form = read_form(row.text)
    units = units_below(tx, form.unit)
    reasons = reasons_of(tx, form)
    held = set()
    if reasons:
        asked = {"numbers": sorted(reasons), "units": sorted(units)}
        rows = tx.all(_HELD, {**asked, "first": cycle.period_from, "last": cycle.period_to})
        held = {found.number for found in rows}
    excepted = {number: reason for number, reason in reasons.items() if number in held}
    return replace(choices, leave_out={**excepted, **choices.leave_out}, within=units)


def reasons_of(tx: Transaction, form: PlanForm) -> Mapping[str, str]:
    """Return why each of the plan's exceptions is one, by employee number."""
    if not form.exceptions:
        return {}
    texts = {text for text, _ in form.exceptions.values()}
    words = {row.id: row.body for row in tx.all(_WORDS, {"texts": sorted(texts)})}
    return {number: words[text] for number, (text, _) in form.exceptions.items()}
