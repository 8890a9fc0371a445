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

from scoring.numbers import to_decimal

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of words for people.")]
AsOption = Annotated[str | None, typer.Option("--as", help="The employee number of the person who acts.")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Why you enter it for somebody else; shown on the form and told to him.")
]
ProxyReasonOption = Annotated[
    str | None,
    typer.Option(
        "--proxy-reason", help="Why you enter it for somebody else; without it the reason of the act counts for both."
    ),
]


def console() -> Any:
    """Return the console that people read; plain where it is no terminal."""
    from rich.console import Console

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
    """Print rows under headings; figures are exact and without trailing zeros. Moments come as `Session.local` has it.

    Where it is no terminal no line is broken, so that programs and people with a narrow pager get each row whole.
    """
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    last = len(columns) - 1
    for place, column in enumerate(columns):
        table.add_column(column, no_wrap=not sys.stdout.isatty(), overflow="fold" if place == last else "ellipsis")
    for row in rows:
        table.add_row(*(words(value) for value in row))
    written = console()
    if not sys.stdout.isatty():
        written.width = max(written.width, written.measure(table).maximum)
    written.print(table)


def words(value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return to_decimal(value)
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)


def heading(language: Any, *terms: str) -> tuple[str, ...]:
    """Return the glossary's words for columns, beginning with a capital."""
    from catalog.glossary import term

    found = [term(identifier, language) for identifier in terms]
    return tuple(word[:1].upper() + word[1:] for word in found)


def say(*lines: str) -> None:
    """Print sentences."""
    for line in lines:
        print(line)
