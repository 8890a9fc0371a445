"""A small world in the database, written with plain statements: what the guards are tried against."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Connection, Date, Engine, Text, insert, select, update
from sqlalchemy.exc import IntegrityError

from models import guards
from models.columns import Points, UtcDateTime
from models.database import WRITE_OPTION, open_database
from models.metadata import METADATA
from workflow.definition import load_definition
from workflow.lifecycle import Lifecycle, compile_lifecycle

NOON = dt.datetime(2026, 3, 2, 4, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 3, 2)
QUARTERLY = Path(__file__).parents[2] / "catalog" / "workflows" / "quarterly.toml"


class World:
    """One person in one post with one appraisal in one cycle, and short ways to write rows and to be refused."""

    def __init__(self, connection: Connection, lifecycle: Lifecycle) -> None:
        self.connection = connection
        self.lifecycle = lifecycle
        self.ids: dict[str, int] = {}
        self._serial = 0

    def add(self, name: str, /, **values: Any) -> int:
        """Insert a row; what is not given is filled in, references with the last row added to their table."""
        table = METADATA.tables[name]
        row = dict(values)
        for column in table.columns:
            if column.name in row or column.nullable or column.identity is not None:
                continue
            row[column.name] = self._filled(column)
        found = self.connection.execute(insert(table).returning(table.c.id), row).scalar_one()
        self.ids[name] = int(found)
        return self.ids[name]

    def change(self, name: str, row_id: int, **values: Any) -> int:
        """Update one row; return how many rows changed."""
        table = METADATA.tables[name]
        return self.connection.execute(update(table).where(table.c.id == row_id).values(**values)).rowcount

    def row(self, name: str, row_id: int) -> Any:
        """Return one row."""
        table = METADATA.tables[name]
        return self.connection.execute(select(table).where(table.c.id == row_id)).one()

    def say(self, statement: str) -> Any:
        """Run a statement as it is written."""
        return self.connection.exec_driver_sql(statement)

    def refused(self, act: Any, *arguments: Any, **values: Any) -> str:
        """Do something that must fail, undo it, and return the guard's code, or the whole error of a CHECK or key."""
        with pytest.raises(IntegrityError) as caught, self.connection.begin_nested():
            act(*arguments, **values)
        found = guards.refusal(caught.value)
        return found[0] if found else str(caught.value.orig)

    def move(self, action: str, *, stage: str | None = None, outcome: str | None = None, **values: Any) -> None:
        """Move the appraisal as services do: the history row first, then stage and version."""
        appraisal = self.row("appraisal", self.ids["appraisal"])
        legal = self.lifecycle.move(appraisal.stage, action)
        target = stage or (legal.to_stage if legal else appraisal.stage)
        seq = appraisal.version + 1
        self.add(
            "move", seq=seq, action=action, from_stage=appraisal.stage, to_stage=target, round=appraisal.round, **values
        )
        assert self.change("appraisal", appraisal.id, stage=target, version=seq, outcome=outcome, entered_at=NOON) == 1

    def bring_to(self, stage: str) -> None:
        """Move the appraisal to a stage along the shortest legal way."""
        for action in self.way(self.row("appraisal", self.ids["appraisal"]).stage, stage):
            current = self.row("appraisal", self.ids["appraisal"]).stage
            legal = self.lifecycle.move(current, action)
            assert legal is not None
            self.move(action, outcome=legal.outcome)

    def way(self, start: str, stage: str) -> tuple[str, ...]:
        """Return the actions of the shortest way between two stages."""
        ways: dict[str, tuple[str, ...]] = {start: ()}
        queue = [start]
        while queue and stage not in ways:
            current = queue.pop(0)
            for move in self.lifecycle.actions(current):
                if move.to_stage not in ways:
                    ways[move.to_stage] = (*ways[current], move.action)
                    queue.append(move.to_stage)
        return ways[stage]

    def cycle_to(self, *states: str) -> None:
        """Take the cycle from state to state."""
        for state in states:
            version = self.row("cycle", self.ids["cycle"]).version
            assert self.change("cycle", self.ids["cycle"], state=state, version=version + 1) == 1

    def _filled(self, column: Any) -> Any:
        if column.name == "workflow_id":
            return self.ids["workflow"]
        references = [key.column.table.name for key in column.foreign_keys if key.column.name == "id"]
        if references:
            return self.ids[references[0]]
        words = column.info.get("words")
        kinds = ((UtcDateTime, NOON), (Date, DAY), (Points, Fraction(3)), (Boolean, False))
        for kind, value in kinds:
            if isinstance(column.type, kind):
                return value
        if isinstance(column.type, Text):
            self._serial += 1
            return words[0] if words else f"x{self._serial}"
        return 1


@pytest.fixture(scope="session")
def lifecycle() -> Lifecycle:
    """The shipped quarterly workflow."""
    return compile_lifecycle(load_definition(QUARTERLY.read_text(encoding="utf-8"), where=QUARTERLY.name))


@pytest.fixture(scope="session")
def shared_engines() -> Iterator[dict[str, Engine]]:
    """One migrated database of each kind for all tests that roll back what they write."""
    opened: dict[str, Engine] = {}
    yield opened
    for engine in opened.values():
        engine.dispose()


@pytest.fixture
def world(
    database: str, shared_engines: dict[str, Engine], lifecycle: Lifecycle, request: pytest.FixtureRequest
) -> Iterator[World]:
    """An open cycle with one appraisal in draft, in a transaction that is rolled back."""
    if database not in shared_engines:
        if database == "sqlite":
            url = f"sqlite:///{request.getfixturevalue('sqlite_template')}"
        else:
            databases = request.getfixturevalue("postgresql_databases")
            url = databases.address(databases.create(request.getfixturevalue("postgresql_template")))
        shared_engines[database] = open_database(url)
    with (
        shared_engines[database].connect().execution_options(**{WRITE_OPTION: True}) as connection,
        connection.begin() as transaction,
    ):
        made = World(connection, lifecycle)
        furnish(made)
        yield made
        transaction.rollback()


def furnish(world: World) -> None:
    """Fill the world: two persons, a post, a workflow with its moves, a rubric, an open cycle, an appraisal."""
    world.add("text_body", salt="s", body="b", digest="d")
    world.ids["other"] = world.add("person", language="en")
    world.add("person", language="en")
    world.add("unit")
    world.add("post")
    world.add("assignment", kind="regular", valid_from=dt.date(2026, 1, 1))
    world.ids["workflow"] = world.add("definition", kind="workflow")
    world.add("definition", kind="rubric")
    for move in world.lifecycle.moves:
        world.add(
            "workflow_move",
            definition_id=world.ids["workflow"],
            action=move.action,
            from_stage=move.from_stage,
            to_stage=move.to_stage,
            outcome=move.outcome,
        )
    world.add(
        "cycle",
        code="2026Q1",
        period_from=dt.date(2026, 1, 1),
        period_to=dt.date(2026, 3, 31),
        workflow_id=world.ids["workflow"],
        state="planned",
        version=0,
    )
    world.add("roster", status="rated", rubric_id=world.ids["definition"])
    world.cycle_to("open")
    world.add("appraisal", **fresh(world))


def fresh(world: World, **values: Any) -> dict[str, Any]:
    """Return an appraisal as it is inserted."""
    begun = {
        "workflow_id": world.ids["workflow"],
        "rubric_id": world.ids["definition"],
        "stage": "draft",
        "version": 0,
        "round": 1,
        "ledger_version": 0,
    }
    return begun | values
