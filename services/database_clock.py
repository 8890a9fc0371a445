"""The database's clock: what leases, back-off and the order of the outbox go by, never the business time."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from models.columns import UtcDateTime

if TYPE_CHECKING:
    from services.unit_of_work import Transaction


class database_now(FunctionElement[dt.datetime]):  # noqa: N801 - it is read as a function of SQL
    """The moment of the statement by the database's clock, in the one width of `UtcDateTime`."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _on_sqlite(_element: database_now, _compiler: Any, **_: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"


@compiles(database_now, "postgresql")
def _on_postgresql(_element: database_now, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"


_NOW = select(database_now())


def wall_time(tx: "Transaction", given: dt.datetime | None = None) -> dt.datetime:
    """Return `given`, or else the moment by the database's clock."""
    if given is not None:
        return given
    moment: dt.datetime = tx.scalar(_NOW)
    return moment
