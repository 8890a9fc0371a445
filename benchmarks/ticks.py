"""The planner on a million open work items of which some come due: its cost follows what is due, not what exists.

An office of people who are appraised in many cycles at once. In each round the deadlines of one cycle come near, for as
many people as are due; they were told long ago that it is their turn. A tick promises each the reminder and the digest
that holds it, and moves on when the item is looked at next; the items of the other cycles come due years later.
"""

import datetime as dt
import functools
import operator
import zoneinfo
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from sqlalchemy import String, cast, func, insert, literal, select, update

from benchmarks import floors, offices
from benchmarks.office import unit_of_work
from benchmarks.table import Contest, Plan, Work
from catalog.shelf import workflow_text
from models.columns import UtcDateTime
from scoring.canonical import canonical
from services import calendars, definitions, reminders
from services.actors import SYSTEM
from services.definitions import DEFINITION
from services.opening import APPRAISAL, CYCLE, WORK_ITEM
from services.outbox import MESSAGE
from services.reminder_days import Office
from services.standing import ASSIGNMENT
from services.unit_of_work import UnitOfWork

ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
SIZE = 1_000_000
PEOPLE = 10_000
CYCLES = 10
"""The fewest cycles that the items are spread over."""
ROUNDS = 4
MANY, FEW = 10_000, 1_000
NUDGE = 40
"""Working days before a deadline on which the reminder goes out: so many that none comes due twice in a run."""
FIRST_DAY = dt.date(2026, 3, 3)
"""A Tuesday, so that no round falls on a Monday with its list of who is late."""
FAR = dt.datetime(2030, 1, 7, 4, tzinfo=dt.UTC)


_RUBRIC = select(func.min(DEFINITION.c.id)).where(DEFINITION.c.kind == "rubric").scalar_subquery()


def people_of(size: int) -> int:
    """Return how many people the items of an office are spread over."""
    return min(PEOPLE, max(3, size // CYCLES))


def due_of(most: int, size: int) -> int:
    """Return how many items come due in a round."""
    return min(most, people_of(size))


def prepare(most: int, url: str, size: int) -> Plan:
    """Write `size` open work items, of which up to `most` come due in each round, and what was promised before."""
    people, due = people_of(size), due_of(most, size)
    with unit_of_work(url) as uow:
        offices.build(uow, people)
        rounds = list(_rounds(uow))
        cycles = _open_cycles(uow, -(-size // people))
        for number, cycle in enumerate(cycles):
            _open_items(uow, cycle, min(people, size - number * people))
        for cycle, (looked_at, deadline, _) in zip(cycles, rounds, strict=False):
            _come_near(uow, cycle, due, looked_at, deadline)
    return {"rounds": [_told(*one) for one in rounds], "page": reminders.PAGE}


def _rounds(uow: UnitOfWork) -> Iterator[tuple[dt.datetime, dt.datetime, dt.datetime]]:
    """Yield for each round when its items are looked at, until when they are due, and when they are looked at next."""
    with uow.read() as tx:
        office = Office("CN", calendars.closures(tx), ZONE)
    day = FIRST_DAY
    for _ in range(ROUNDS):
        last = office.shifted(day, NUDGE)
        deadline = dt.datetime.combine(last, dt.time(18), ZONE).astimezone(dt.UTC)
        yield office.morning(day), deadline, office.morning(last)
        day = office.shifted(day, 1)


def _told(looked_at: dt.datetime, deadline: dt.datetime, following: dt.datetime) -> Mapping[str, object]:
    day = looked_at.astimezone(ZONE).date().isoformat()
    return {
        "now": looked_at + dt.timedelta(hours=1),
        "next": following,
        "day": day,
        "occasion": canonical({"occasion": day}).decode(),
        "last_day": deadline.astimezone(ZONE).date().isoformat(),
    }


def _open_cycles(uow: UnitOfWork, count: int) -> list[int]:
    near = f"nudge-working-days = {NUDGE}"
    text = workflow_text(offices.WORKFLOW).replace("nudge-working-days = 2", near)
    workflow = definitions.publish_workflow(uow, actor=SYSTEM, now=offices.BEFORE, text=text, where="benchmark")
    row = {
        "period_from": dt.date(2026, 1, 1),
        "period_to": dt.date(2026, 3, 31),
        "workflow_id": workflow.id,
        "state": "planned",
        "version": 0,
        "created_at": offices.BEFORE,
    }
    with uow.write() as tx:
        cycles = tx.insert_all(CYCLE, [{**row, "code": f"C{number}"} for number in range(count)])
        opened = update(CYCLE).where(CYCLE.c.id.in_(cycles)).values(state="open", version=1, opened_at=offices.BEFORE)
        tx.run(opened)
        return list(cycles)


def _open_items(uow: UnitOfWork, cycle: int, people: int) -> None:
    """Give so many people an appraisal in a cycle, and each of these an open item that is looked at in years."""
    first = len(offices.TOP)
    everybody = ASSIGNMENT.c.id.between(first + 1, first + people)
    appraisal = {
        "cycle_id": CYCLE.c.id,
        "assignment_id": ASSIGNMENT.c.id,
        "person_id": ASSIGNMENT.c.person_id,
        "unit_no": literal(1),
        "workflow_id": CYCLE.c.workflow_id,
        "rubric_id": _RUBRIC,
        "stage": literal("draft"),
        "version": literal(0),
        "round": literal(1),
        "ledger_version": literal(0),
        "entered_at": CYCLE.c.opened_at,
    }
    item = {
        "appraisal_id": APPRAISAL.c.id,
        "stage": APPRAISAL.c.stage,
        "round": literal(1),
        "role": literal("appraisee"),
        "seat": literal(1),
        "holder_id": APPRAISAL.c.person_id,
        "action": literal("open"),
        "opened_at": APPRAISAL.c.entered_at,
        "due_at": literal(FAR, UtcDateTime()),
        "next_action_at": literal(FAR, UtcDateTime()),
    }
    given = select(*appraisal.values()).select_from(CYCLE.join(ASSIGNMENT, everybody)).where(CYCLE.c.id == cycle)
    given = given.order_by(ASSIGNMENT.c.id)
    with uow.write() as tx:
        tx.run(insert(APPRAISAL).from_select(list(appraisal), given, include_defaults=False))
        opened = select(*item.values()).where(APPRAISAL.c.cycle_id == cycle).order_by(APPRAISAL.c.id)
        tx.run(insert(WORK_ITEM).from_select(list(item), opened, include_defaults=False))


def _come_near(uow: UnitOfWork, cycle: int, due: int, looked_at: dt.datetime, deadline: dt.datetime) -> None:
    """Let the items of the first people in a cycle come due; that it is their turn was told long ago."""
    theirs = select(APPRAISAL.c.id).where(APPRAISAL.c.cycle_id == cycle).order_by(APPRAISAL.c.id).limit(due)
    of_round = WORK_ITEM.c.appraisal_id.in_(theirs)
    named = ("work-item/", cast(WORK_ITEM.c.id, String), "/person/", cast(WORK_ITEM.c.holder_id, String))
    told = {
        "dedupe_key": functools.reduce(operator.add, map(_text, named)) + literal("/your-turn/1"),
        "kind": literal("your-turn"),
        "person_id": WORK_ITEM.c.holder_id,
        "work_item_id": WORK_ITEM.c.id,
        "appraisal_id": WORK_ITEM.c.appraisal_id,
        "payload": literal("{}"),
        "state": literal("sent"),
        "policy": literal("resend"),
        "created_at": WORK_ITEM.c.opened_at,
        "sent_at": WORK_ITEM.c.opened_at,
        "attempt": literal(1),
        "fence": literal(2),
    }
    with uow.write() as tx:
        source = select(*told.values()).where(of_round).order_by(WORK_ITEM.c.id)
        tx.run(insert(MESSAGE).from_select(list(told), source, include_defaults=False))
        tx.run(update(WORK_ITEM).where(of_round).values(due_at=deadline, next_action_at=looked_at))


def _text(part: Any) -> Any:
    return literal(part) if isinstance(part, str) else part


def by_the_planner(url: str, plan: Plan) -> Iterator[Work]:
    """Let the planner do what each morning asks for."""
    with unit_of_work(url) as uow:
        for one in plan["rounds"]:
            yield partial(_tick, uow, one["now"])


def _tick(uow: UnitOfWork, now: dt.datetime) -> int:
    return reminders.tick(uow, now).items


def _tables() -> list[Any]:
    """Return the tables that a tick writes, or could; the others it only reads."""
    from models.metadata import METADATA

    written = {"work_item", "message", "job", "planner_mark", "event", "failure", "move", "party"}
    return [table for table in METADATA.sorted_tables if table.name in written]


CONTESTS: Mapping[str, Contest] = {
    name: Contest(
        partial(prepare, most),
        by_the_planner,
        floors.tick,
        size=SIZE,
        warm_up=1,
        units=partial(due_of, most),
        # By the clock of the database.
        apart=frozenset({"message.due_at"}),
        tables=_tables,
    )
    for name, most in (("tick", MANY), ("tick-few", FEW))
}
