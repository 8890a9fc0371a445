"""Prepared statements do what SQLAlchemy's executions do: values, rows, counts, listeners and errors, on both."""

import datetime as dt

import pytest
from sqlalchemy import Engine, bindparam, event, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import prepared
from models.appraisals import Appraisal
from models.columns import table_of
from models.history import TextBody
from models.outbox import PlannerMark
from models.prepared import Prepared

MARK = table_of(PlannerMark)
TEXT = table_of(TextBody)
AT = dt.datetime(2026, 4, 3, 12, 30, 15, 250, tzinfo=dt.timezone(dt.timedelta(hours=8)))

INSERT = Prepared(insert(MARK))
NEW_TEXT = Prepared(insert(TEXT).returning(TEXT.c.id))
BY_NAME = Prepared(select(MARK.c.name, MARK.c.at).where(MARK.c.name == bindparam("name")))
ALL = Prepared(select(MARK).order_by(MARK.c.name).limit(5))
MOVE_ON = Prepared(update(MARK).where(MARK.c.name == bindparam("which")).values(at=bindparam("later")))
ONCE = {
    dialect: Prepared(
        module.insert(MARK)
        .values(name=bindparam("name", type_=MARK.c.name.type), at=literal(AT, MARK.c.at.type))
        .on_conflict_do_nothing(index_elements=["name"])
    )
    for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
MARKS = [{"name": name, "at": AT} for name in ("a", "b", "c")]


def test_rows_read_as_sqlalchemy_reads_them(engine: Engine) -> None:
    with engine.begin() as connection:
        assert prepared.write(connection, (INSERT, MARKS)) == [3]
        (ours,) = prepared.read(connection, (ALL, {}))
        theirs = connection.execute(ALL.statement).all()
        assert ours == theirs
        assert ours[0]._mapping == theirs[0]._mapping
        assert (ours[0].name, ours[0].at, ours[0][0]) == ("a", AT.astimezone(dt.UTC), "a")
        assert prepared.read(connection, (BY_NAME, {"name": "b"}), (BY_NAME, {"name": "x"})) == [[theirs[1]], []]


def test_writes_count_the_rows_they_touch_and_nothing_to_write_is_none(engine: Engine) -> None:
    with engine.begin() as connection:
        later = AT + dt.timedelta(days=1)
        on = [{"which": name, "later": later} for name in ("a", "c", "nobody")]
        assert prepared.write(connection, (INSERT, MARKS), (MOVE_ON, on[:1]), (MOVE_ON, on), (INSERT, [])) == [
            3,
            1,
            2,
            0,
        ]
        (rows,) = prepared.read(connection, (ALL, {}))
        assert [row.at == later for row in rows] == [True, False, True]
        assert prepared.write(connection) == []


def test_of_many_rows_those_that_are_there_are_passed_over_and_what_the_statement_says_itself_is_kept(
    engine: Engine,
) -> None:
    once = ONCE[engine.dialect.name]
    with engine.begin() as connection:
        assert prepared.write(connection, (once, [{"name": "a"}, {"name": "b"}])) == [2]
        assert prepared.write(connection, (once, [{"name": "b"}, {"name": "c"}]), (once, [{"name": "c"}])) == [1, 0]
        (rows,) = prepared.read(connection, (ALL, {}))
        assert [(row.name, row.at) for row in rows] == [(name, AT.astimezone(dt.UTC)) for name in ("a", "b", "c")]


def test_a_row_is_inserted_with_its_id_handed_back(engine: Engine) -> None:
    with engine.begin() as connection:
        text = {"salt": "s", "body": "b", "digest": "d"}
        ((first,),) = prepared.read(connection, (NEW_TEXT, text))
        ((second,),) = prepared.read(connection, (NEW_TEXT, text))
        assert second.id == first.id + 1


def test_what_is_prepared_begins_the_transaction_that_the_connection_was_asked_for(engine: Engine) -> None:
    with engine.connect() as raw:
        reading = raw.execution_options(appraise_write=False)
        assert prepared.read(reading, (ALL, {})) == [[]]
        with pytest.raises(DBAPIError, match=r"(?i)read-?only"):
            prepared.write(reading, (INSERT, MARKS))
    with engine.connect() as connection:
        prepared.write(connection, (INSERT, MARKS))
    with engine.connect() as connection:
        assert prepared.read(connection, (ALL, {})) == [[]]


def test_an_error_is_sqlalchemy_s_and_the_connection_goes_on_after_a_rollback(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(IntegrityError) as raised:
            prepared.write(connection, (INSERT, MARKS), (INSERT, MARKS[:1]), (MOVE_ON, [{"which": "a", "later": AT}]))
        assert isinstance(raised.value.orig, engine.dialect.loaded_dbapi.IntegrityError)
        connection.rollback()
        assert prepared.read(connection, (ALL, {})) == [[]]
        assert prepared.write(connection, (INSERT, MARKS)) == [3]


def test_a_connection_that_is_lost_is_let_go(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        return  # a file cannot hang up
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        with engine.connect() as other:
            backend = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            other.exec_driver_sql(f"SELECT pg_terminate_backend({backend})")
        with pytest.raises(DBAPIError) as raised:
            prepared.write(connection, (INSERT, MARKS), (INSERT, MARKS))
        assert raised.value.connection_invalidated
        assert connection.invalidated


def test_listeners_hear_each_statement_before_it_is_sent_and_may_stop_it(engine: Engine) -> None:
    heard: list[tuple[str, bool]] = []

    def listen(*said: object) -> None:
        heard.append((str(said[2]).split()[0], bool(said[5])))
        if len(heard) == 2:
            raise KeyError("stop")

    event.listen(engine, "before_cursor_execute", listen)
    with engine.connect() as connection:
        with pytest.raises(KeyError, match="stop"):
            prepared.write(connection, (INSERT, MARKS), (MOVE_ON, [{"which": "a", "later": AT}]), (INSERT, MARKS))
        # By row on SQLite; on PostgreSQL one statement over all rows.
        assert heard == [("INSERT", engine.dialect.name == "sqlite"), ("UPDATE", False)]
        connection.rollback()
        assert prepared.read(connection, (ALL, {})) == [[]]


def test_a_list_in_in_may_have_any_length(engine: Engine) -> None:
    listed = Prepared(
        select(MARK.c.name).where(MARK.c.name.in_(bindparam("names", expanding=True))).order_by(MARK.c.name)
    )
    with engine.connect() as connection:
        prepared.write(connection, (INSERT, MARKS))
        for names in ([], ["b"], ["a", "c", "it's", '"']):
            (rows,) = prepared.read(connection, (listed, {"names": names}))
            assert [row.name for row in rows] == [name for name in names if name in "abc"]


@pytest.mark.parametrize("use", ["one", "many"])
def test_a_default_of_a_column_stands_in_for_a_value_that_is_not_given(engine: Engine, use: prepared.Use) -> None:
    given = {"cycle_id": 7, "unit_no": 1, "version": 4}
    rows = [given] if use == "one" else [given, given]
    with engine.connect() as connection:
        form = Prepared(insert(table_of(Appraisal))).form(connection, given, use)
    taken = form.parameters(rows)
    if form.positional:
        names = [name for name, _ in form.binds]
        alike = [dict(zip(names, one, strict=True)) for one in ([taken] if use == "one" else taken)]
        assert alike == [{**given, "round": 1, "ledger_version": 0}] * len(rows)
    else:
        lists = given if use == "one" else {name: [value, value] for name, value in given.items()}
        assert taken == {**lists, "round": 1, "ledger_version": 0}
