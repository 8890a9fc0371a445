"""Statements that are compiled once and then handed to the driver, for the acts that people wait for.

An execution through SQLAlchemy costs several times what the driver takes. What is prepared here passes through the same
compiler, the same column types and the same row class; listeners for cursor executions hear of it, and an error comes
as SQLAlchemy's own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from psycopg import Pipeline
from psycopg.pq import TransactionStatus
from sqlalchemy import JSON, BindParameter, Connection, Executable, Insert, Row, bindparam, column, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql import visitors
from sqlalchemy.types import TypeDecorator, TypeEngine

Values = Mapping[str, Any]
Use = Literal["read", "one", "many"]
"""What a statement is sent for: its rows, a write of one row, a write of many."""
Convert = Callable[[Any], Any] | None


class Prepared:
    """A statement that stands in a module, and its form for each dialect, compiled when first needed."""

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, tuple[str, ...], Use], Form] = {}

    def form(self, connection: Connection, values: Values, use: Use) -> "Form":
        """Return its form for the dialect of a connection, the names of the values, and what it is used for."""
        dialect = connection.dialect
        key = (dialect.name, tuple(values), use)
        found = self._forms.get(key)
        if found is None:
            found = self._forms[key] = _compiled(self.statement, dialect, list(values), use)
        return found


def read(connection: Connection, *asked: tuple[Prepared, Values]) -> list[list[Row[Any]]]:
    """Return every row of each statement; PostgreSQL is sent all of them at once, with the BEGIN if there was none."""
    forms = [(statement.form(connection, values, "read"), [values]) for statement, values in asked]
    with ExitStack() as stack:
        cursors = _sent(connection, forms, stack)
        return [form.rows(cursor.fetchall()) for (form, _), cursor in zip(forms, cursors, strict=True)]


def raw(connection: Connection, statement: Prepared, values: Values) -> list[tuple[Any, ...]]:
    """Return the rows of a statement as the driver hands them out, for who converts them himself."""
    form = statement.form(connection, values, "read")
    with ExitStack() as stack:
        (cursor,) = _sent(connection, [(form, [values])], stack)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def write(connection: Connection, *said: tuple[Prepared, Sequence[Values]]) -> list[int]:
    """Run each write for each of its rows, and return how many rows of the database each touched.

    PostgreSQL is sent all of them at once, none may need the result of another, and a write with many rows as one
    statement over them. One without rows touches none.
    """
    some = [(one.form(connection, rows[0], "many" if rows[1:] else "one"), rows) for one, rows in said if rows]
    with ExitStack() as stack:
        touched = iter([int(cursor.rowcount) for cursor in _sent(connection, some, stack)])
    return [next(touched) if rows else 0 for _, rows in said]


@dataclass(frozen=True, slots=True)
class Form:
    """A statement in the words of one dialect: its text, what it takes, and how its rows are read."""

    text: str
    binds: tuple[tuple[str, Convert], ...]
    constants: Mapping[str, Any]
    positional: bool
    by_row: bool
    columns: SimpleResultMetaData
    processors: Any

    def parameters(self, rows: Sequence[Values]) -> Any:
        """Return the values as the driver takes them, with those that stand in the statement itself."""
        if self.by_row:
            return [self._of_one(row) for row in rows]
        if len(rows) == 1:
            return self._of_one(rows[0])
        return self._of_one({name: [row[name] for row in rows] for name in rows[0]})

    def _of_one(self, values: Values) -> Any:
        given = {**self.constants, **values} if self.constants else values
        if self.positional:
            return tuple([given[name] if convert is None else convert(given[name]) for name, convert in self.binds])
        return {name: given[name] if convert is None else convert(given[name]) for name, convert in self.binds}

    def rows(self, found: Sequence[tuple[Any, ...]]) -> list[Row[Any]]:
        """Return rows of the driver as SQLAlchemy hands them out."""
        columns, places = self.columns, self.columns._key_to_index  # noqa: SLF001 - what a Row is made of
        return [Row(columns, self.processors, places, row) for row in found]


def _compiled(statement: Any, dialect: Dialect, names: list[str], use: Use) -> Form:
    statement = replaced(statement, partial(_list_as_one_value, dialect.name))
    # As an execution compiles it: the names of the values say which columns an INSERT has; a write hands back no id.
    compiled = statement.compile(dialect=dialect, column_keys=names, for_executemany=use != "read")
    at_once = use == "many" and dialect.name == "postgresql"
    if at_once:
        types = {name: compiled.binds[name].type for name in names}
        compiled = _over_all(statement, types).compile(dialect=dialect)
    used = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
    constants = {name: compiled.binds[name].value for name in used if not compiled.binds[name].required}
    constants |= {column.key: column.default.arg for column in compiled.insert_prefetch}
    columns = tuple(getattr(statement, "exported_columns", ()))
    processors = [_reader(column.type, dialect) for column in columns]
    return Form(
        text=str(compiled),
        binds=tuple((name, _converter(compiled.binds[name].type, dialect)) for name in used),
        constants=constants,
        positional=compiled.positional,
        by_row=use == "many" and not at_once,
        columns=SimpleResultMetaData([column.key for column in columns]),
        processors=processors if any(processors) else None,
    )


def _converter(type_: TypeEngine[Any], dialect: Dialect) -> Convert:
    """Return what makes a value one that the driver takes; SQLAlchemy's own for lists asks each item what it is."""
    if isinstance(type_, TypeDecorator) and _beneath(type_, dialect).bind_processor(dialect) is None:
        return partial(type_.process_bind_param, dialect=dialect)
    if not isinstance(type_, ARRAY):
        return type_.dialect_impl(dialect).bind_processor(dialect)
    item = _converter(type_.item_type, dialect)
    return None if item is None else lambda values: [item(value) for value in values]


def _reader(type_: TypeEngine[Any], dialect: Dialect) -> Convert:
    """Return what makes a value of the driver one of ours."""
    if isinstance(type_, TypeDecorator) and _beneath(type_, dialect).result_processor(dialect, None) is None:
        return partial(type_.process_result_value, dialect=dialect)
    return type_.dialect_impl(dialect).result_processor(dialect, None)


def _beneath(type_: TypeDecorator[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the driver's type beneath one of ours; where it does nothing, one call for each value is enough."""
    return type_.load_dialect_impl(dialect).dialect_impl(dialect)


def _over_all(statement: Any, types: Mapping[str, TypeEngine[Any]]) -> Any:
    """Return an INSERT or UPDATE of one row as one of many: each value becomes a list, and PostgreSQL unnests them."""
    lists = [bindparam(name, type_=ARRAY(type_)) for name, type_ in types.items()]
    columns = [column(name, type_) for name, type_ in types.items()]
    given = func.unnest(*lists).table_valued(*columns).render_derived("given")
    if isinstance(statement, Insert):
        return _insert_of_all(statement, types, given)

    return replaced(statement, lambda part: given.c[part.key] if part.key in types else None)


def _insert_of_all(statement: Any, types: Mapping[str, TypeEngine[Any]], given: Any) -> Any:
    """Return an INSERT of one row as one of many: what it says itself of a column stays, and what a conflict does."""
    said = {getattr(name, "key", name): value for name, value in (statement._values or {}).items()}  # noqa: SLF001
    if not said:
        return insert(statement.table).from_select(list(types), select(*given.c))
    sources = [
        replaced(value, lambda part: given.c[part.key] if part.key in types else None) for value in said.values()
    ]
    over_all = type(statement)(statement.table).from_select(list(said), select(*sources), include_defaults=False)
    over_all._post_values_clause = statement._post_values_clause  # noqa: SLF001 - ON CONFLICT
    return over_all


def _list_as_one_value(dialect: str, part: BindParameter[Any]) -> Any:
    """Return what takes the place of a list in IN, whose text would depend on its length; None for another value."""
    if not part.expanding:
        return None
    type_: Any = ARRAY(part.type) if dialect == "postgresql" else JSON
    # One that stands in the statement keeps its values.
    whole = (
        bindparam(part.key, type_=type_) if part.required else bindparam(part.key, list(part.value or ()), type_=type_)
    )
    if dialect == "postgresql":
        return select(func.unnest(whole)).scalar_subquery()
    return select(func.json_each(whole).table_valued("value").c.value).scalar_subquery()


def replaced(statement: Any, other: Callable[[BindParameter[Any]], Any]) -> Any:
    """Return a statement with `other` things in the place of its values, where that is not None."""

    def replace(part: Any, **_options: Any) -> Any:
        return other(part) if isinstance(part, BindParameter) else None

    traverse: Any = visitors.replacement_traverse
    return traverse(statement, {}, replace)


def _sent(connection: Connection, said: Sequence[tuple[Form, Sequence[Values]]], stack: ExitStack) -> list[Any]:
    """Send statements in their order, each for each of its rows, and return the driver's cursors.

    `stack` closes them whatever happens: one that stays open keeps the others of an SQLite file from writing. An error
    of the driver is raised as SQLAlchemy raises it, which also lets go of a connection that was lost.
    """
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    # A pipeline has PostgreSQL's answers wait for one another instead of us; psycopg's BEGIN goes with the first.
    whole = driver.pipeline() if connection.dialect.name == "postgresql" and _saves(driver, said) else nullcontext()
    listeners = connection.dispatch.before_cursor_execute
    text, parameters = "", None
    try:
        cursors = []
        with whole:
            for form, rows in said:
                text, parameters = form.text, form.parameters(rows)
                cursor = driver.cursor()
                stack.callback(cursor.close)
                for tell in listeners:
                    tell(connection, cursor, text, parameters, None, form.by_row)
                (cursor.executemany if form.by_row else cursor.execute)(text, parameters)
                cursors.append(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        connection._handle_dbapi_exception(error, text, parameters, None, None)  # noqa: SLF001 - there is no other way
    return cursors


def _saves(driver: Any, said: Sequence[Any]) -> bool:
    """Tell whether a pipeline saves a round trip: there are several statements, or the BEGIN goes with the first."""
    return Pipeline.is_supported() and (len(said) > 1 or driver.info.transaction_status == TransactionStatus.IDLE)
