"""How many rows the lists of those who judge read on PostgreSQL, however much lies in the tables (EXPLAIN ANALYZE)."""

import datetime as dt
from collections.abc import Callable
from fractions import Fraction

import pytest
from sqlalchemy import text

from models.columns import table_of
from models.findings import Finding
from services import recording, review_queue, scoring_queue
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, noon
from tests.services.explaining import analysed, beyond, explained
from tests.services.playing import Play

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

EARLIER = 12_000
"""Findings of earlier periods that nobody asks for."""


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
    analysed(play.uow)
    with play.uow.read() as tx:
        assert tx.scalar(text("SELECT count(*) FROM finding")) > EARLIER
    director, personnel = play.who(DIRECTOR), play.who(PERSONNEL)
    lists: dict[str, Callable[[], object]] = {
        "review": lambda: review_queue.queue(play.uow, actor=director, now=noon(4, 1)),
        "scoring": lambda: scoring_queue.to_score(play.uow, actor=personnel, now=noon(4, 1)),
        "record": lambda: recording.desk(play.uow, actor=personnel, now=noon(4, 3)),
    }
    for name, ask in lists.items():
        found = explained(play.uow, ask)
        assert found, name
        assert beyond(found, growing={"finding"}) == [], name
