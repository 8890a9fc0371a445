"""How commands print: a table or sentences for people, JSON for programs, exact figures for both."""

import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from scoring.numbers import to_decimal

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of words for people.")]
AsOption = Annotated[str | None, typer.Option("--as", help="The employee number of the person who acts.")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Why somebody else types it (entry by proxy), or why it is done.")
]


def console() -> Console:
    """Return the console that people read; plain where it is no terminal."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty(), markup=False)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: exact decimals as strings, moments in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, Fraction):
        return to_decimal(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(plain(value), ensure_ascii=False, indent=2))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under headings; figures are exact and without trailing zeros."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(words(value) for value in row))
    console().print(table)


def words(value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return to_decimal(value)
    if isinstance(value, dt.datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(value)


def say(*lines: str) -> None:
    """Print sentences."""
    for line in lines:
        print(line)
