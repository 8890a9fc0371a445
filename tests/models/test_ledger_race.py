"""A finding and a submit cannot pass each other: one of the two waits and then sees what the other did."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.database import WRITE_OPTION, is_conflict
from models.guards import refusal
from tests.models.conftest import World, furnish
from workflow.lifecycle import Lifecycle


@contextmanager
def writing(engine: Engine, lifecycle: Lifecycle, ids: dict[str, int]) -> Iterator[World]:
    """Open a writing transaction that does not wait long for anybody."""
    with engine.connect().execution_options(**{WRITE_OPTION: True}) as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA busy_timeout=1")
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            world = World(connection, lifecycle)
            world.ids = dict(ids)
            yield world


@pytest.fixture
def ids(engine: Engine, lifecycle: Lifecycle) -> dict[str, int]:
    """The ids of a world that is written for good, with an appraisal in scoring."""
    with writing(engine, lifecycle, {}) as world:
        furnish(world)
        world.move("start")
        return world.ids


def test_a_finding_waits_for_a_submit_and_is_then_refused(
    engine: Engine, lifecycle: Lifecycle, ids: dict[str, int]
) -> None:
    with writing(engine, lifecycle, ids) as submitting:
        submitting.move("submit")
        with pytest.raises(DBAPIError) as waiting, writing(engine, lifecycle, ids) as recording:
            recording.add("finding", claimed=False)
        assert is_conflict(waiting.value)
    with pytest.raises(IntegrityError) as refused, writing(engine, lifecycle, ids) as recording:
        recording.add("finding", claimed=False)
    assert refusal(refused.value) == (
        "ledger-closed",
        "the ledger of this period is closed, because its appraisal has been submitted.",
    )


def test_a_submit_waits_for_a_finding(engine: Engine, lifecycle: Lifecycle, ids: dict[str, int]) -> None:
    with writing(engine, lifecycle, ids) as recording:
        recording.add("finding", claimed=False)
        with pytest.raises(DBAPIError) as waiting, writing(engine, lifecycle, ids) as submitting:
            submitting.move("submit")
        assert is_conflict(waiting.value)
    with writing(engine, lifecycle, ids) as submitting:
        submitting.move("submit")


def test_of_two_who_read_one_version_one_is_refused(engine: Engine, lifecycle: Lifecycle, ids: dict[str, int]) -> None:
    def submit(world: World) -> Any:
        return world.add("move", seq=2, action="submit", from_stage="scoring", to_stage="review", round=1)

    with writing(engine, lifecycle, ids) as first:
        first.move("submit")
    with pytest.raises(IntegrityError) as late, writing(engine, lifecycle, ids) as second:
        submit(second)
    found = refusal(late.value)
    assert found is not None
    assert found[0] == "conflict"
