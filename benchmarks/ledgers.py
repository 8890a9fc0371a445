"""Proving a closed quarter: every ledger scored anew and compared, against the same arithmetic by hand."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from sqlalchemy import select

from benchmarks import judged, reading_floors
from benchmarks.cycles import chunk_of
from benchmarks.office import unit_of_work
from benchmarks.table import Contest, Plan, Work
from models.columns import MILLIONTH
from scoring.plan import plan_for
from scoring.rubric import Rubric
from services import proving
from services.calendars import closures, working_days
from services.definitions import rubric_of
from services.launch import CYCLE_RUBRIC
from services.opening import APPRAISAL, CYCLE


def prepare(url: str, size: int) -> Plan:
    """Build an office whose quarter is closed, and work out what its rubric means in numbers."""
    with unit_of_work(url) as uow:
        judged.build_closed(uow, size)
        with uow.read() as tx:
            cycle = tx.all(select(CYCLE))[0]
            rubric = rubric_of(tx, tx.scalar(select(CYCLE_RUBRIC.c.definition_id).limit(1)))
            ids = [row.id for row in tx.all(select(APPRAISAL.c.id).order_by(APPRAISAL.c.id))]
            days = working_days(rubric.settings.calendar, cycle.period_from, cycle.period_to, closures(tx))
    step = chunk_of(size)
    return {
        "cycle": cycle.id,
        "ranges": [(first, min(first + step - 1, ids[-1])) for first in range(ids[0], ids[-1] + 1, step)],
        "from": cycle.period_from.isoformat(),
        "to": cycle.period_to.isoformat(),
        "days": [day.isoformat() for day in sorted(days)],
        "months": judged.MONTHS,
        **_in_numbers(rubric),
    }


def _in_numbers(rubric: Rubric) -> dict[str, Any]:
    items: dict[str, dict[str, Fraction]] = {}
    untouched: dict[str, dict[str, tuple[int, ...]]] = {}
    rules: dict[str, dict[str, tuple[str, Fraction]]] = {}
    duties: dict[str, dict[str, tuple[str, Fraction]]] = {}
    for post in rubric.posts:
        plan = plan_for(rubric, post.id)
        items[post.id] = {item.item.id: item.item.points for item in plan.items}
        stored = {item: int(points * MILLIONTH) for item, points in items[post.id].items()}
        untouched[post.id] = {item: (points, 0, 0, 0, points) for item, points in stored.items()}
        of_post = {
            rule.rule.id: (item.item.id, rule.rule.amount or Fraction(0)) for item in plan.items for rule in item.rules
        }
        rules[post.id] = of_post
        duties[post.id] = {duty.rule.id: of_post[duty.rule.id] for duty in plan.duties}
    return {
        "items": items,
        "untouched": untouched,
        "points": {post.id: post.points for post in rubric.posts},
        "rules": rules,
        "duties": duties,
        "bands": [(row.label, row.from_ or Fraction(0)) for row in rubric.bands[0].rows],
        "maximum": int(rubric.posts[0].maximum * MILLIONTH),
    }


def prove_by_jobs(url: str, plan: Plan) -> Iterator[Work]:
    """Prove each range as a job does."""

    def chunk(first: int, last: int) -> tuple[int, int]:
        proof = proving.prove_chunk(uow, now=judged.SUBMITTED, cycle_id=plan["cycle"], first=first, last=last)
        return proof.checked, len(proof.differences)

    with unit_of_work(url) as uow:
        for first, last in plan["ranges"]:
            yield partial(chunk, first, last)


CONTESTS: Mapping[str, Contest] = {
    "prove": Contest(prepare, prove_by_jobs, reading_floors.proving, size=100_000, warm_up=1, units=chunk_of),
}
