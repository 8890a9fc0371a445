"""How many rows the lists of those who judge read on PostgreSQL, however much lies in the tables (EXPLAIN ANALYZE)."""

import datetime as dt
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from models.columns import table_of
from models.findings import Finding
from services import recording, review_queue, scoring_queue
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, noon
from tests.services.owning import as_owner
from tests.services.playing import Play

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

MOST_ROWS = 2000
EARLIER = 12_000
"""Findings of earlier periods that nobody asks for."""


def asked(engine: Engine, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return each statement that is sent meanwhile, with its values."""
    found: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        found.append((arguments[2], arguments[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return found


def read(plan: dict[str, Any]) -> Iterator[int]:
    """Yield how many rows each scan of a plan read, those it threw away among them."""
    if "Scan" in plan["Node Type"]:
        gone = sum(plan.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
        yield int((plan["Actual Rows"] + gone) * plan["Actual Loops"])
    for below in plan.get("Plans", ()):
        yield from read(below)


def rows_read(uow: UnitOfWork, ask: Callable[[], object]) -> dict[str, int]:
    """Return, by statement, the most rows that one of its scans read."""
    most = {}
    statements = asked(uow.engine, ask)
    with uow.engine.connect() as connection:
        for statement, values in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).scalar_one()
            most[statement] = max(read(plan[0]["Plan"]), default=0)
    return most


def test_no_list_reads_more_than_two_thousand_rows_whatever_lies_in_the_tables(play: Play) -> None:
    values = dict.fromkeys(table_of(Finding).c.keys()) | {
        "assignment_id": play.office.assignments[ESCORT],
        "rule": "E3.1",
        "happened": dt.date(2025, 5, 6),
        "known": dt.date(2025, 5, 6),
        "counted_on": dt.date(2025, 5, 6),
        "amount": Fraction(7),
        "sub_reasons": "[]",
        "claimed": False,
        "recorded_by": play.office.people[PERSONNEL],
        "recorded_at": noon(5, 6, 2025),
    }
    del values["id"]
    with play.uow.write() as tx:
        tx.insert_many(table_of(Finding), [values] * EARLIER)
    play.deduct("C3.1", 5)
    for of in (CLERK, ESCORT):
        play.bring("review", of=of)
    play.bring("scoring", of=OFFICER)
    with as_owner(play.uow) as connection:  # as the server does by itself after a while
        connection.exec_driver_sql("ANALYZE")
        assert connection.execute(text("SELECT count(*) FROM finding")).scalar_one() > EARLIER
    director, personnel = play.who(DIRECTOR), play.who(PERSONNEL)
    lists: dict[str, Callable[[], object]] = {
        "review": lambda: review_queue.queue(play.uow, actor=director),
        "scoring": lambda: scoring_queue.to_score(play.uow, actor=personnel),
        "record": lambda: recording.desk(play.uow, actor=personnel, now=noon(4, 3)),
    }
    for name, ask in lists.items():
        most = rows_read(play.uow, ask)
        assert most
        assert max(most.values()) <= MOST_ROWS, (name, most)
