"""One trigger and how it is spelt on both databases.

Every refusal begins with a stable code, `appraise:append-only: ...`, and then says in one sentence what was refused.
Conditions are written once; `{same}` and `{differs}` stand for the comparison that takes NULL as a value, which the two
databases spell differently.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import UniqueConstraint

from models.metadata import METADATA

PREFIX = "guard_"
REFUSE = f"{PREFIX}refuse"
"""The PostgreSQL function of triggers that only need to say no."""

_SPELLINGS = {
    "sqlite": {"same": "IS", "differs": "IS NOT"},
    "postgresql": {"same": "IS NOT DISTINCT FROM", "differs": "IS DISTINCT FROM"},
}


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger: when it fires, when it refuses, what it says.

    `when` looks at OLD and NEW only, `lookup` also at other tables where `when` holds; without both it always refuses.
    `lock` is a query PostgreSQL runs first, so that what the lookup sees cannot change under it; SQLite has one writer.
    """

    table: str
    what: str
    timing: str
    code: str
    sentence: str
    when: str | None = None
    lookup: str | None = None
    lock: str | None = None
    dialects: tuple[str, ...] = ("sqlite", "postgresql")

    @property
    def name(self) -> str:
        """Return the name, the same on both databases."""
        return f"{PREFIX}{self.table}_{self.what}"

    @property
    def message(self) -> str:
        """Return what the database says when it refuses."""
        return f"appraise:{self.code}: {self.sentence}"

    def sqlite(self) -> str:
        """Return the statement that makes it on SQLite."""
        conditions = " AND ".join(f"({part})" for part in (self.when, self.lookup) if part)
        clause = f" WHEN {_spelt(conditions, 'sqlite')}" if conditions else ""
        return (
            f'CREATE TRIGGER {self.name} {self.timing} ON "{self.table}"{clause}'
            f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
        )

    def postgresql(self) -> str:
        """Return the statement that makes it on PostgreSQL."""
        each = "STATEMENT" if self.timing.endswith("TRUNCATE") else "ROW"
        clause = f" WHEN ({_spelt(self.when, 'postgresql')})" if self.when else ""
        call = f"{self.name}()" if self.lookup else f"{REFUSE}('{self.message}')"
        event = f'{self.timing} ON "{self.table}"'
        return f"CREATE TRIGGER {self.name} {event} FOR EACH {each}{clause} EXECUTE FUNCTION {call}"

    def function(self) -> str | None:
        """Return the body of its PostgreSQL function, if it has one of its own."""
        if not self.lookup:
            return None
        lock = f" PERFORM 1 FROM {self.lock};" if self.lock else ""
        row = "OLD" if self.timing.endswith("DELETE") else "NEW"
        return (
            f"BEGIN{lock} IF {_spelt(self.lookup, 'postgresql')}"
            f" THEN RAISE EXCEPTION USING MESSAGE = '{self.message}', ERRCODE = '23000'; END IF; RETURN {row}; END"
        )


REFUSE_BODY = "BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = '23000'; END"


def changed(columns: Iterable[str]) -> str:
    """Return the condition that an UPDATE changes one of the columns."""
    return " OR ".join(f"OLD.{name} {{differs}} NEW.{name}" for name in columns)


def all_but(table: str, *columns: str) -> list[str]:
    """Return the columns of a table except those named."""
    return [name for name in METADATA.tables[table].columns.keys() if name not in columns]  # noqa: SIM118 - a collection


def keys_of(table: str) -> list[tuple[str, ...]]:
    """Return the columns of every key of a table, the primary one first."""
    found = METADATA.tables[table]
    unique = [constraint for constraint in found.constraints if isinstance(constraint, UniqueConstraint)]
    return [("id",), *sorted(tuple(constraint.columns.keys()) for constraint in unique)]


def _spelt(condition: str, dialect: str) -> str:
    return condition.format_map(_SPELLINGS[dialect])
