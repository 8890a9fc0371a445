"""Several selects sent as one statement: UNION ALL with the number of the part in front, and the rows come apart again.

Each part is compiled, converted and handed back as if it had been sent alone, in its own order: both databases append
one part after the other. Only columns of the same type of the database share a place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    Row,
    Text,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import NullType, TypeEngine

from models import prepared
from models.prepared import Prepared, Values


@dataclass(frozen=True, slots=True)
class _United:
    """The one statement for a dialect, and for each part which of its columns are that part's, in their order."""

    statement: Prepared
    places: tuple[tuple[int, ...], ...]


class Bundle:
    """Selects that are sent together, none of which needs the result of another."""

    def __init__(self, parts: Sequence[Executable | Prepared]) -> None:
        self._parts = [part if isinstance(part, Prepared) else Prepared(part) for part in parts]
        self._united: dict[str, _United] = {}

    def read(self, connection: Connection, values: Sequence[Values]) -> list[list[Row[Any]]]:
        """Return every row of each part, with its own values."""
        dialect = connection.dialect
        if dialect.name not in self._united:
            self._united[dialect.name] = _united([part.statement for part in self._parts], dialect)
        united = self._united[dialect.name]
        given = {_named(number, name): value for number, one in enumerate(values) for name, value in one.items()}
        found: list[list[tuple[Any, ...]]] = [[] for _ in self._parts]
        for row in prepared.raw(connection, united.statement, given):
            found[row[0]].append(tuple([row[place] for place in united.places[row[0]]]))
        forms = [part.form(connection, one, "read") for part, one in zip(self._parts, values, strict=True)]
        return [form.rows(rows) for form, rows in zip(forms, found, strict=True)]


def _united(parts: Sequence[Any], dialect: Dialect) -> _United:
    inner = [prepared.replaced(part, _renaming(number)).subquery(f"part_{number}") for number, part in enumerate(parts)]
    types: list[TypeEngine[Any]] = []
    places = [tuple(_placed(list(part.c), types, dialect)) for part in inner]
    selects = []
    for number, (part, its) in enumerate(zip(inner, places, strict=True)):
        own = dict(zip(its, part.c, strict=True))
        columns = [own[place] if place in own else cast(null(), type_) for place, type_ in enumerate(types, 1)]
        selects.append(select(literal_column(str(number)), *(one.label(f"c{at}") for at, one in enumerate(columns, 1))))
    return _United(Prepared(union_all(*selects)), tuple(places))


def _placed(columns: Sequence[Any], types: list[TypeEngine[Any]], dialect: Dialect) -> Iterator[int]:
    """Yield the place of each column of a part, and add places to `types` where those of its type are all taken."""
    taken: set[int] = set()
    for column in columns:
        type_ = Text() if isinstance(column.type, NullType) else column.type
        words = type_.compile(dialect)
        free = (at for at, one in enumerate(types, 1) if at not in taken and one.compile(dialect) == words)
        place = next(free, None)
        if place is None:
            types.append(type_)
            place = len(types)
        taken.add(place)
        yield place


def _renaming(number: int) -> Any:
    """Return what gives the values of a part names of their own; what stands in the statement itself stays."""

    def rename(part: BindParameter[Any]) -> BindParameter[Any] | None:
        if not part.required:
            return None
        return bindparam(_named(number, part.key), type_=part.type, expanding=part.expanding)

    return rename


def _named(number: int, name: str) -> str:
    return f"p{number}_{name}"
