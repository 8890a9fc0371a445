"""The CHECKs of every table, from the shapes of its columns and from one list of relations between them.

A check has the same name on both databases; where SQLite's text dates need other words, or where only SQLite is lax
enough to need a check, the two texts differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Date, Table

from models.columns import MILLIONTH, Points, UtcDateTime
from models.metadata import METADATA
from workflow.vocabulary import Outcome

_D = "[0-9]"
_DAY = f"{_D * 4}-[0-1]{_D}-[0-3]{_D}"
_UTC = f"{_DAY}T[0-2]{_D}:[0-5]{_D}:[0-5]{_D}.{_D * 6}Z"
_MONTH_SQLITE = f"{_D * 4}-[0-1]{_D}"
_MONTH_POSTGRESQL = "^[0-9]{4}-(0[1-9]|1[0-2])$"


@dataclass(frozen=True, slots=True)
class Check:
    """One CHECK of one table; None where a database needs none."""

    table: str
    name: str
    sqlite: str | None
    postgresql: str | None

    def text(self, dialect: str) -> str | None:
        """Return the condition in the words of `dialect`."""
        return self.sqlite if dialect == "sqlite" else self.postgresql


_AT_LEAST_ZERO = (
    ("appraisal", "unit_no", "version", "ledger_version"),
    ("assignment", "weight", "ledger_lock"),
    ("cycle", "version"),
    ("roster", "unit_no", "working_days"),
    ("proposal", "rows"),
    ("job", "attempt", "fence"),
    ("message", "attempt", "fence"),
    ("calendar_entry", "sequence"),
    ("webhook", "failures"),
    ("webhook_delivery", "tried"),
    ("finding", "amount", "units"),
    ("finding_revision", "amount"),
    ("rating", "value"),
    ("score", "maximum"),
    ("score_item", "points", "recorded", "counted", "reward"),
    ("final", "maximum"),
    ("final_item", "points", "recorded", "counted", "reward"),
)
_AT_LEAST_ONE = (
    ("appraisal", "round"),
    ("party", "seat"),
    ("sheet", "seat", "round"),
    ("score", "arithmetic"),
    ("final", "revision"),
    ("person_result", "revision"),
    ("proposal", "number"),
    ("definition", "version", "format"),
    ("move", "seq", "round"),
    ("event", "seq"),
    ("work_item", "seat", "round"),
    ("webhook_delivery", "runs"),
)
_OUTCOMES = ("appraisal", "final", "workflow_move")
_MONTHS = ("duty_record", "finding_revision", "contested_line")
_LINES = ("finding_revision", "contested_line")

_RELATIONS = (
    ("cycle", "period", "period_from <= period_to"),
    ("person", "served", 'joined <= "left"'),
    ("finding", "known", "happened <= known"),
    ("finding", "counted_on", "happened <= counted_on"),
    ("finding", "confirmed", "(confirmed_by IS NULL) = (confirmed_at IS NULL) AND (confirmed_by IS NULL OR claimed)"),
    ("finding", "replaces", "replaces_id <> id"),
    ("finding_revision", "amount_kind", "(kind IN ('change', 'lower')) = (amount IS NOT NULL)"),
    ("duty_record", "coverage", f"coverage BETWEEN 0 AND {MILLIONTH}"),
    ("delegation", "other", "delegate_id <> person_id"),
    ("conflict_of_interest", "other", "other_id <> person_id"),
    ("roster", "rubric", "status <> 'rated' OR rubric_id IS NOT NULL"),
    # Nobody judges himself and nobody has two parts (domain.md, section 5); a blocked row may show that he would.
    (
        "roster",
        "holders",
        (
            "status <> 'rated' OR (assessor_id <> person_id AND reviewer_id <> person_id AND decider_id <> person_id"
            " AND reviewer_id <> assessor_id AND decider_id <> assessor_id AND decider_id <> reviewer_id)"
        ),
    ),
)

_BY_DATABASE = (
    Check(
        "contact",
        "ck_contact_email",
        "instr(email, char(10)) = 0 AND instr(email, char(13)) = 0",
        "strpos(email, chr(10)) = 0 AND strpos(email, chr(13)) = 0",
    ),
)


def checks() -> tuple[Check, ...]:
    """Return every CHECK the database must have, by table and name."""
    found: list[Check] = list(_BY_DATABASE)
    found.extend(_same(*relation) for relation in _RELATIONS)
    for table in METADATA.tables.values():
        found.extend(_of_table(table))
    for rows, floor in ((_AT_LEAST_ZERO, 0), (_AT_LEAST_ONE, 1)):
        for table_name, *columns in rows:
            found.extend(_same(table_name, f"{column}_range", f"{column} >= {floor}") for column in columns)
    outcomes = _words("outcome", tuple(Outcome))
    found.extend(_same(table_name, "outcome_words", outcomes) for table_name in _OUTCOMES)
    found.extend(_same(table_name, "line", "(finding_id IS NULL) <> (month IS NULL)") for table_name in _LINES)
    found.extend(
        Check(name, f"ck_{name}_month", f"month GLOB '{_MONTH_SQLITE}'", f"month ~ '{_MONTH_POSTGRESQL}'")
        for name in _MONTHS
    )
    return tuple(sorted(found, key=lambda check: (check.table, check.name)))


def _of_table(table: Table) -> Iterator[Check]:
    for column in table.columns:
        yield from _of_column(table.name, column)
    names = set(table.columns.keys())
    if "valid_from" in names:
        # One day before the beginning is allowed: such a row was never in force.
        yield Check(
            table.name,
            f"ck_{table.name}_valid",
            "valid_to >= date(valid_from, '-1 day')",
            "valid_to >= valid_from - 1",
        )
    if "voided_by" in names:
        yield _same(
            table.name,
            "voided",
            "(voided_by IS NULL) = (voided_at IS NULL) AND (void_reason_id IS NULL OR voided_by IS NOT NULL)",
        )


def _of_column(table: str, column: Column[Any]) -> Iterator[Check]:
    name = f'"{column.name}"' if column.name == "left" else column.name
    words = column.info.get("words")
    if words:
        yield _same(table, f"{column.name}_words", _words(column.name, words))
    if isinstance(column.type, UtcDateTime):
        yield Check(table, f"ck_{table}_{column.name}_utc", f"{name} GLOB '{_UTC}'", None)
    elif isinstance(column.type, Date):
        yield Check(table, f"ck_{table}_{column.name}_day", f"{name} GLOB '{_DAY}'", None)
    elif isinstance(column.type, Points):
        exact = f"typeof({name}) = 'integer'"
        yield Check(
            table, f"ck_{table}_{column.name}_exact", f"{name} IS NULL OR {exact}" if column.nullable else exact, None
        )
    elif isinstance(column.type, Boolean):
        yield Check(table, f"ck_{table}_{column.name}_flag", f"{name} IN (0, 1)", None)


def _same(table: str, suffix: str, condition: str) -> Check:
    return Check(table, f"ck_{table}_{suffix}", condition, condition)


def _words(column: str, words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"
