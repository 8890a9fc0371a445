"""Selects in a bundle give the rows they give alone, with their names, types and order, on both databases."""

import datetime as dt
from typing import Any

from sqlalchemy import Engine, bindparam, event, func, literal, select, union_all

from models.appraisals import Appraisal
from models.bundles import Bundle
from models.columns import table_of
from models.cycles import Cycle
from models.people import Assignment, Person, Post
from models.prepared import Prepared
from tests.models.conftest import World

PERSON, POST, ASSIGNMENT = table_of(Person), table_of(Post), table_of(Assignment)
CYCLE, APPRAISAL = table_of(Cycle), table_of(Appraisal)

_FIRST = select(ASSIGNMENT.c.manager_id.label("person_id")).where(ASSIGNMENT.c.person_id == bindparam("person"))
_CHAIN = _FIRST.cte("chain", recursive=True)
PARTS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (select(PERSON).order_by(PERSON.c.number.desc()), {}),
    (select(CYCLE).where(CYCLE.c.period_from <= bindparam("on")), {"on": dt.date(2026, 1, 1)}),
    (Prepared(select(APPRAISAL, PERSON.c.name).join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)), {}),
    (select(ASSIGNMENT).where(ASSIGNMENT.c.kind == "acting"), {}),
    (select(PERSON.c.id, PERSON.c.joined).where(PERSON.c.number == bindparam("number")), {"number": "p2"}),
    (select(PERSON.c.id, PERSON.c.joined).where(PERSON.c.number == bindparam("number")), {"number": "p5"}),
    (
        select(PERSON.c.number)
        .where(PERSON.c.number.in_(bindparam("numbers", expanding=True)))
        .order_by(PERSON.c.number.desc())
        .limit(2),
        {"numbers": ["p1", "p4", "p6", "nobody"]},
    ),
    (select(PERSON.c.number).where(PERSON.c.number.in_(bindparam("numbers", expanding=True))), {"numbers": []}),
    (select(PERSON.c.number).where(PERSON.c.number.in_(["p3", "p2"]), PERSON.c.language != "zh"), {}),
    (
        select(
            _CHAIN.union(
                select(ASSIGNMENT.c.manager_id).where(
                    ASSIGNMENT.c.person_id == _CHAIN.c.person_id, ASSIGNMENT.c.manager_id.is_not(None)
                )
            ).c.person_id
        ),
        {"person": 6},
    ),
    (select(func.count().label("number"), func.max(PERSON.c.joined).label("last"), literal(None).label("empty")), {}),
    (union_all(select(PERSON.c.id, PERSON.c.name), select(POST.c.id, POST.c.code)).order_by("id"), {}),
)


def people(world: World) -> None:
    """Write seven people, each above the next."""
    above = None
    for at in range(7):
        person = world.add("person", number=f"p{at}", language="en", joined=dt.date(2020, 1, 1 + at))
        world.add("assignment", person_id=person, manager_id=above, kind="regular", valid_from=dt.date(2026, 1, 1))
        above = person


def test_each_part_comes_back_as_if_it_had_been_sent_alone(world: World) -> None:
    people(world)
    parts = tuple(
        (statement, values | {"person": world.ids["person"]} if "person" in values else values)
        for statement, values in PARTS
    )
    bundle = Bundle([statement for statement, _ in parts])
    sent: list[str] = []
    event.listen(world.connection, "before_cursor_execute", lambda *said: sent.append(said[2]))
    for _ in range(2):
        found = bundle.read(world.connection, [values for _, values in parts])
        assert len(sent) == 1
        sent.clear()
        for rows, (statement, values) in zip(found, parts, strict=True):
            alone = world.connection.execute(getattr(statement, "statement", statement), values).all()
            assert rows == alone
            assert [row._mapping for row in rows] == [row._mapping for row in alone]
        sent.clear()
    assert [len(rows) for rows in found][:2] == [9, 1]
    assert [row.number for row in found[6]] == ["p6", "p4"]
    assert len(found[9]) == 6


def test_a_part_may_stand_in_a_bundle_several_times_and_in_several_bundles(world: World, engine: Engine) -> None:
    people(world)
    statement, values = PARTS[4]
    twice = Bundle([statement, statement])
    assert [[row.joined.day for row in rows] for rows in twice.read(world.connection, [values, {"number": "p0"}])] == [
        [3],
        [1],
    ]
    fixed, _ = PARTS[8]
    assert [len(rows) for rows in Bundle([fixed, fixed]).read(world.connection, [{}, {}])] == [2, 2]
    with engine.connect() as other:
        assert twice.read(other, [values, values]) == [[], []]
