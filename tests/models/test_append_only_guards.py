# ruff: noqa: S608 - the statements are made of table names of the schema
"""What has been written stays: rows of history, scores and definitions are refused every change, by whatever words."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete

from models.metadata import METADATA
from models.triggers import APPEND_ONLY, NEVER_DELETED, ONE_ROW, UNTIL_OPENED

GUARDED = (*APPEND_ONLY, *NEVER_DELETED, *UNTIL_OPENED)


def fill(world: Any) -> None:
    """Write one row at least into every guarded table."""
    world.add("document", kind="circular")
    world.add("finding", voided_by=None, claimed=False)
    world.add("reply")
    world.add("duty_record", kind="done", month="2026-01")
    world.add("sheet", kind="assessor")
    world.add("rating")
    world.add("score")
    world.add("score_item")
    world.move("start")
    world.add("finding_revision", move_seq=1, finding_id=world.ids["finding"], kind="keep")
    world.add("contested_line", move_seq=1, finding_id=world.ids["finding"])
    world.move("exclude", stage="closed", outcome="not-rated")
    world.add("cycle_rubric")
    world.add("proposal")
    world.cycle_to("proposed", "finalising")
    world.add("final", outcome="not-rated")
    world.add("final_item")
    world.add("person_result")
    world.add("consequence")
    world.add("event")
    world.add("view_log")
    world.add("attachment", owner_kind="document")
    world.add("file_content", content=b"%PDF-")


@pytest.fixture
def full(world: Any) -> Any:
    """The world with a row in every guarded table."""
    fill(world)
    return world


def test_no_append_only_row_is_ever_updated(full: Any) -> None:
    for table in APPEND_ONLY:
        first = METADATA.tables[table].columns.keys()[1]
        statement = f'UPDATE "{table}" SET {first} = {first} WHERE id = {full.ids[table]}'
        assert full.refused(full.say, statement) == "append-only", table


def test_no_guarded_row_is_ever_deleted(full: Any) -> None:
    for table in GUARDED:
        found = METADATA.tables[table]
        statement = delete(found).where(found.c.id == full.ids[table])
        expected = "frozen" if table in UNTIL_OPENED else "append-only"
        assert full.refused(full.connection.execute, statement) == expected, table


def test_postgresql_refuses_to_empty_a_guarded_table(full: Any, database: str) -> None:
    if database == "sqlite":
        # SQLite has no TRUNCATE; a DELETE without WHERE skips no trigger there.
        code_of = {table: f'DELETE FROM "{table}"' for table in (*APPEND_ONLY, *NEVER_DELETED)}
    else:
        code_of = {table: f'TRUNCATE "{table}" CASCADE' for table in GUARDED}
    for table, statement in code_of.items():
        assert full.refused(full.say, statement) == "append-only", table


def test_an_existing_key_is_never_written_over(full: Any, database: str) -> None:
    for table in GUARDED:
        columns = METADATA.tables[table].columns.keys()
        listed = ", ".join(f'"{name}"' for name in columns)
        same_row = f'INTO "{table}" ({listed}) SELECT {listed} FROM "{table}" WHERE id = {full.ids[table]}'
        if database == "sqlite":
            # Another guard of the table may speak first; a sentence with blanks would be a key's, not a guard's.
            assert " " not in full.refused(full.say, f"INSERT OR REPLACE {same_row}"), table
        else:
            override = same_row.replace(" SELECT", " OVERRIDING SYSTEM VALUE SELECT")
            update = f"INSERT {override} ON CONFLICT (id) DO UPDATE SET id = excluded.id + 1000"
            assert full.refused(full.say, update), table


@pytest.mark.parametrize("table", ["move", "event", "final", "definition", "workflow_move"])
def test_a_unique_key_is_no_way_around_either(full: Any, database: str, table: str) -> None:
    columns = [name for name in METADATA.tables[table].columns.keys() if name != "id"]  # noqa: SIM118 - a collection
    listed = ", ".join(f'"{name}"' for name in columns)
    verb = "INSERT OR REPLACE" if database == "sqlite" else "INSERT"
    statement = f'{verb} INTO "{table}" ({listed}) SELECT {listed} FROM "{table}" WHERE id = {full.ids[table]}'
    answer = full.refused(full.say, statement)
    assert answer == "conflict" or "unique" in answer


def test_a_text_can_be_erased_and_nothing_else(world: Any) -> None:
    text = world.ids["text_body"]
    for values in ({"body": "another"}, {"body": None}, {"digest": "x", "body": None, "salt": None}):
        assert world.refused(world.change, "text_body", text, **values) == "append-only"
    assert world.change("text_body", text, body=None, salt=None) == 1
    assert world.row("text_body", text).digest == "d"
    assert world.refused(world.change, "text_body", text, body="written again") == "append-only"


@pytest.mark.parametrize("table", ONE_ROW)
def test_one_database_is_one_organisation(world: Any, table: str) -> None:
    add: Callable[..., Any] = world.add
    add(table)
    assert world.refused(add, table) == "one-row"
