"""A work item that was opened for a former holder follows the part, found without reading all parts there are."""

import datetime as dt

from sqlalchemy import select, update

from models.columns import table_of
from models.workitems import WorkItem
from services.access import PARTY
from services.strays import LATELY, STRAYS, take_strays
from tests.services.builders import CLERK, ESCORT, PERSONNEL, SECURITY, noon
from tests.services.explaining import explained
from tests.services.owning import as_owner
from tests.services.playing import SUBMITTED, Play
from tests.services.test_work_items import reassign

WORK_ITEM = table_of(WorkItem)
PARTS = 12_000
"""Parts that are in force, of which none has changed hands."""
FEW_ROWS = 200
MORNING = noon(4, 7)


def astray(play: Play) -> int:
    """Give a part to another and let its open item lie with the former holder; return the item."""
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reassign(play, SECURITY)
    item = int(play.item(CLERK).id)
    with play.uow.write() as tx:
        tx.run(update(WORK_ITEM).where(WORK_ITEM.c.id == item).values(holder_id=play.office.people[PERSONNEL]))
    return item


def crowd(play: Play) -> None:
    """Write many parts in force, and let the database count them as it does by itself after a while."""
    row = dict.fromkeys(PARTY.c.keys()) | {
        "appraisal_id": play.appraisal(ESCORT).id,
        "person_id": play.office.people[SECURITY],
        "role": "decider",
        "seat": 2,
        "source": "roster",
        "from_at": noon(4, 1),
    }
    del row["id"]
    with play.uow.write() as tx:
        tx.insert_many(PARTY, [row] * PARTS)


def test_an_item_that_was_opened_for_a_former_holder_follows_the_part(play: Play) -> None:
    item = astray(play)
    with play.uow.write() as tx:
        assert take_strays(tx, MORNING) == 1
        assert take_strays(tx, MORNING) == 0
    with play.uow.read() as tx:
        (found,) = tx.all(select(WORK_ITEM).where(WORK_ITEM.c.id == item))
    assert (found.holder_id, found.next_action_at) == (play.office.people[SECURITY], MORNING)


def test_what_changed_hands_long_ago_is_looked_for_no_more(play: Play) -> None:
    astray(play)
    with play.uow.write() as tx:
        assert take_strays(tx, SUBMITTED + LATELY + dt.timedelta(days=1)) == 0


def test_looking_for_them_reads_what_ended_lately_and_not_every_part(play: Play, database: str) -> None:
    astray(play)
    crowd(play)
    if database == "postgresql":
        with as_owner(play.uow) as connection:
            connection.exec_driver_sql("ANALYZE")

        def look() -> None:
            with play.uow.write() as tx:
                assert take_strays(tx, MORNING) == 1

        assert max(found.most for found in explained(play.uow, look)) <= FEW_ROWS
        return
    query = str(STRAYS.compile(dialect=play.uow.engine.dialect))
    for counted in (False, True):
        with play.uow.engine.begin() as connection:
            if counted:
                connection.exec_driver_sql("ANALYZE")
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (str(MORNING - LATELY),))
            plan = [str(step[-1]) for step in steps]
        assert plan[0].startswith("SEARCH ended USING COVERING INDEX ix_party_ended"), plan
        assert [step for step in plan if step.startswith("SCAN")] == []
