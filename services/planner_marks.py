"""Up to when each part of the planner has done its work, in business time; a mark never goes back."""

import datetime as dt
from typing import Any

from sqlalchemy import Executable, and_, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from models.columns import UtcDateTime, table_of
from models.outbox import PlannerMark
from services.unit_of_work import Transaction

MARK = table_of(PlannerMark)

_MARKED = select(MARK.c.at).where(MARK.c.name == bindparam("name"))


def _mark(module: Any) -> Any:
    statement = module.insert(MARK).values(name=bindparam("name"), at=bindparam("at", type_=UtcDateTime()))
    return statement.on_conflict_do_update(
        index_elements=["name"], set_={"at": statement.excluded.at}, where=and_(MARK.c.at < statement.excluded.at)
    )


_SET_MARK = {"sqlite": _mark(sqlite), "postgresql": _mark(postgresql)}


def marked(tx: Transaction, name: str) -> dt.datetime | None:
    """Return up to when the part of this name has done its work, or None where it never did."""
    statement, values = marked_asked(name)
    at: dt.datetime | None = tx.scalar(statement, values)
    return at


def marked_asked(name: str) -> tuple[Executable, dict[str, Any]]:
    """Return what `marked` asks of the database."""
    return _MARKED, {"name": name}


def set_mark(tx: Transaction, name: str, at: dt.datetime) -> None:
    """Say that the part of this name has done its work up to a moment."""
    tx.run(_SET_MARK[tx.dialect], {"name": name, "at": at})
