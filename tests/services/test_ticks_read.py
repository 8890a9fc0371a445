"""How many rows a tick reads on PostgreSQL: as many as are due, however many open items there are (EXPLAIN ANALYZE)."""

import pytest
from sqlalchemy import func, select, text

from models.metadata import METADATA
from services import reminders
from services.standing import WORK_ITEM
from tests.services.clocking import at
from tests.services.explaining import analysed, beyond, explained
from tests.services.multiplying import OFFICE, multiply
from tests.services.playing import Play

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

COPIES = 500
YEARS_AWAY = "t.{} + interval '10 years'"
OPEN = OFFICE - {"message", "failure", "job", "access_grant"}
"""What is copied: people with their open items, and nothing that is owed or waits to be sent."""
GROWN = frozenset({"person", "assignment", "roster", "appraisal", "party", "work_item"})
MORNING = at(1, 6, 9)
"""Two working days before the statements are due."""
FEW_ROWS = 100


def test_a_tick_reads_what_is_due_and_not_what_is_open(play: Play) -> None:
    reminders.tick(play.uow, at(1, 6, 7))
    far = {"work_item": {name: YEARS_AWAY.format(name) for name in ("due_at", "next_action_at")}}
    multiply(play.uow, OPEN, COPIES, far)
    analysed(play.uow)
    with play.uow.read() as tx:
        there = select(func.count()).select_from(WORK_ITEM).where(WORK_ITEM.c.next_action_at > MORNING)
        assert tx.scalar(there) > 10 * FEW_ROWS
        for table in GROWN:
            assert tx.scalar(select(func.count()).select_from(METADATA.tables[table])) > COPIES, table
        (due,) = tx.all(text("SELECT count(*) AS number FROM work_item WHERE next_action_at < '2026-02-01'"))
    ran = []

    def tick() -> None:
        ran.append(reminders.tick(play.uow, MORNING))
        # They are due once more, so that what is explained finds them as the tick did.
        with play.uow.write() as tx:
            tx.run(text("UPDATE work_item SET next_action_at = opened_at WHERE next_action_at < '2026-02-01'"))

    found = explained(play.uow, tick, locking=True)
    assert (ran[0].items, ran[0].promised) == (due.number, due.number)
    claiming = [one for one in found if "FOR UPDATE" in one.statement and "FROM work_item" in one.statement]
    assert {one.returned for one in claiming} == {due.number}
    faults = beyond(found, growing=GROWN, most=FEW_ROWS)
    assert not faults, "\n".join(faults)
