"""What PostgreSQL does for the statements of a read: how many rows they return, and how many each scan has read.

`explained` is given whatever reads: a service or a whole request. Each SELECT that it sends is sent once more with
EXPLAIN ANALYZE, by the role that sent it. Fill the tables first (`tests.services.multiplying`) and let `analysed` tell
PostgreSQL what lies in them: on small tables the cheapest plan is to read them from end to end.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

from services.unit_of_work import UnitOfWork
from tests.services.owning import as_owner

MOST_ROWS = 2000
"""What a statement of a page returns and reads at most."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of a plan: of which table, in which way, and how many rows it read, those thrown away among them."""

    table: str
    way: str
    rows: int

    @property
    def whole(self) -> bool:
        """Whether it goes through the table from end to end."""
        return self.way == "Seq Scan"


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement with the rows it returned and its scans."""

    statement: str
    returned: int
    scans: tuple[Scan, ...]

    @property
    def most(self) -> int:
        """The most rows that one of its scans read."""
        return max((scan.rows for scan in self.scans), default=0)


def explained(uow: UnitOfWork, ask: Callable[[], object], *, locking: bool = False) -> list[Explained]:
    """Return what PostgreSQL does for each SELECT that is sent while something is asked.

    With `locking` also for those that lock their rows; what was asked must then hold none of them any more.
    """
    statements = asked(uow.engine, ask)
    found = []
    with uow.engine.connect() as connection:
        for statement, values in statements:
            if statement.lstrip().startswith(("SELECT", "WITH")) and (locking or "FOR UPDATE" not in statement):
                said = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
                plan = connection.exec_driver_sql(said, values).scalar_one()[0]["Plan"]
                found.append(Explained(statement, int(plan["Actual Rows"]), tuple(_scans(plan))))
    return found


def beyond(found: Collection[Explained], *, growing: Collection[str], most: int = MOST_ROWS) -> list[str]:
    """Return, in a sentence each, what reads or returns too many rows, or goes through a growing table whole.

    `growing` names the tables that grow with the appraisals.
    """
    faults = []
    for one in found:
        if one.returned > most:
            faults.append(f"{one.returned} rows are returned by {one.statement}")
        for scan in one.scans:
            if scan.rows > most:
                faults.append(f"{scan.rows} rows of {scan.table} are read ({scan.way}) by {one.statement}")
            elif scan.whole and scan.table in growing:
                faults.append(f"{scan.table} is gone through whole ({scan.rows} rows) by {one.statement}")
    return faults


def asked(engine: Engine, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return each statement that is sent while something is asked, with its values."""
    found: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        found.append((arguments[2], arguments[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return found


def analysed(uow: UnitOfWork) -> None:
    """Let PostgreSQL count what lies in the tables, as the server does by itself after a while."""
    with as_owner(uow) as connection:
        connection.exec_driver_sql("ANALYZE")


def _scans(plan: dict[str, Any]) -> Iterator[Scan]:
    """Yield the scans of tables in a plan; of an index that only finds rows for a scan above it, what it found."""
    if "Scan" in plan["Node Type"]:
        gone = sum(plan.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
        name = plan.get("Relation Name") or plan.get("Index Name") or plan.get("CTE Name") or plan["Node Type"]
        yield Scan(name, plan["Node Type"], int((plan["Actual Rows"] + gone) * plan["Actual Loops"]))
    for below in plan.get("Plans", ()):
        yield from _scans(below)
