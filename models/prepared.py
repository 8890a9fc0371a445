"""Statements that are compiled once and then handed to the driver, for the acts that people wait for.

An execution through SQLAlchemy costs several times what the driver takes. What is prepared here passes through the same
compiler, the same column types and the same row class; listeners for cursor executions hear of it, and an error comes
as SQLAlchemy's own. Statements with a list in IN stay with SQLAlchemy: their text depends on the values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Executable, Row
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import SimpleResultMetaData

Values = Mapping[str, Any]
Convert = Callable[[Any], Any] | None
IDLE = TransactionStatus.IDLE


class Prepared:
    """A statement that stands in a module, and its form for each dialect, compiled when first needed."""

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, tuple[str, ...], bool], _Form] = {}

    def form(self, connection: Connection, values: Values, *, write: bool) -> "_Form":
        """Return its form for the dialect of a connection and the names of the values; a `write` hands back no id."""
        dialect = connection.dialect
        key = (dialect.name, tuple(values), write)
        found = self._forms.get(key)
        if found is None:
            found = self._forms[key] = _compiled(self.statement, dialect, list(values), write=write)
        return found


def read(connection: Connection, *asked: tuple[Prepared, Values]) -> list[list[Row[Any]]]:
    """Return every row of each statement; PostgreSQL is sent all of them at once, with the BEGIN if there was none."""
    forms = [(statement.form(connection, values, write=False), values) for statement, values in asked]
    cursors = _sent(connection, [(form, [values]) for form, values in forms])
    rows = [form.rows(cursor.fetchall()) for (form, _), cursor in zip(forms, cursors, strict=True)]
    _close(cursors)
    return rows


def write(connection: Connection, *said: tuple[Prepared, Sequence[Values]]) -> list[int]:
    """Run each write for each of its rows, and return how many rows of the database each touched.

    PostgreSQL is sent all of them at once: none may need the result of another. One without rows touches none.
    """
    some = [(statement.form(connection, rows[0], write=True), rows) for statement, rows in said if rows]
    cursors = _sent(connection, some)
    touched = iter([int(cursor.rowcount) for cursor in cursors])
    _close(cursors)
    return [next(touched) if rows else 0 for _, rows in said]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement in the words of one dialect: its text, what it takes, and how its rows are read."""

    text: str
    binds: tuple[tuple[str, Convert], ...]
    constants: Mapping[str, Any]
    positional: bool
    columns: SimpleResultMetaData
    processors: Any

    def parameters(self, values: Values) -> Any:
        """Return the values as the driver takes them, with those that stand in the statement itself."""
        given = {**self.constants, **values} if self.constants else values
        if self.positional:
            return tuple([given[name] if convert is None else convert(given[name]) for name, convert in self.binds])
        return {name: given[name] if convert is None else convert(given[name]) for name, convert in self.binds}

    def rows(self, found: Sequence[tuple[Any, ...]]) -> list[Row[Any]]:
        """Return rows of the driver as SQLAlchemy hands them out."""
        columns, places = self.columns, self.columns._key_to_index  # noqa: SLF001 - what a Row is made of
        return [Row(columns, self.processors, places, row) for row in found]


def _compiled(statement: Executable, dialect: Dialect, names: list[str], *, write: bool) -> _Form:
    # As an execution compiles it: the names of the values say which columns an INSERT has.
    compiled: Any = statement.compile(dialect=dialect, column_keys=names, for_executemany=write)  # type: ignore[attr-defined]
    if compiled.post_compile_params or compiled.escaped_bind_names:
        raise TypeError(f"This statement has a list in IN and cannot be prepared: {statement}")
    used = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
    constants = {name: compiled.binds[name].value for name in used if not compiled.binds[name].required}
    constants |= {column.key: column.default.arg for column in compiled.insert_prefetch}
    columns = tuple(getattr(statement, "exported_columns", ()))
    processors = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    return _Form(
        text=str(compiled),
        binds=tuple((name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in used),
        constants=constants,
        positional=compiled.positional,
        columns=SimpleResultMetaData([column.key for column in columns]),
        processors=processors if any(processors) else None,
    )


def _sent(connection: Connection, said: Sequence[tuple[_Form, Sequence[Values]]]) -> list[Any]:
    """Send statements in their order, each for each of its rows, and return the driver's cursors.

    An error of the driver is raised as SQLAlchemy raises it, which also lets go of a connection that was lost.
    """
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    # A pipeline has PostgreSQL's answers wait for one another instead of us; psycopg's BEGIN goes with the first.
    whole = driver.pipeline() if connection.dialect.name == "postgresql" and _saves(driver, said) else nullcontext()
    text, parameters = "", None
    try:
        cursors = []
        with whole:
            for form, rows in said:
                text, many = form.text, len(rows) > 1
                parameters = [form.parameters(row) for row in rows] if many else form.parameters(rows[0])
                cursor = driver.cursor()
                for tell in connection.dispatch.before_cursor_execute:
                    tell(connection, cursor, text, parameters, None, many)
                (cursor.executemany if many else cursor.execute)(text, parameters)
                cursors.append(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        connection._handle_dbapi_exception(error, text, parameters, None, None)  # noqa: SLF001 - there is no other way
    return cursors


def _saves(driver: Any, said: Sequence[Any]) -> bool:
    """Tell whether a pipeline saves a round trip: there are several statements, or the BEGIN goes with the first."""
    return len(said) > 1 or driver.info.transaction_status == IDLE


def _close(cursors: Iterable[Any]) -> None:
    for cursor in cursors:
        cursor.close()
