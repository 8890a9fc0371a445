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

from cli.speaking import spoken
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
RequestOption = Annotated[
    str | None,
    typer.Option(
        "--request", metavar="KEY", help="A key of your own: said again with it, it answers as before and is done once."
    ),
]


_HIDDEN = dict.fromkeys(
    (
        *(*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)),
        *(*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)),
    ),
    "\N{REPLACEMENT CHARACTER}",
)
"""What a text may not do to the screen of who reads it: move about, colour, erase, turn the writing."""

_UNBROKEN = 10_000
"""Columns for a table that nobody looks at on a screen."""


def console() -> Any:
    """Return the console that people read; plain where it is no terminal."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False, markup=False)
    return Console(highlight=False, markup=False, soft_wrap=True, width=_UNBROKEN)


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

    Where it is no terminal no line is broken or cut, so that programs get each row whole.
    """
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(words(value) for value in row))
    written = console()
    if sys.stdout.isatty():
        written.print(table)
        return
    with written.capture() as kept:
        written.print(table)
    print("\n".join(line.rstrip() for line in kept.get().rstrip("\n").split("\n")))


def words(value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return to_decimal(value)
    if isinstance(value, Enum):
        return str(value.value)
    return visible(str(value))


def visible(text: str) -> str:
    """Return text with whatever would steer the reader's screen made visible; line breaks and tabs stay."""
    return text.translate(_HIDDEN)


def heading(language: Any, *terms: str) -> tuple[str, ...]:
    """Return the glossary's words for columns, beginning with a capital; points stand in the plural."""
    from catalog.glossary import term

    found = [term(identifier, language, count=2 if identifier == "points" else 1) for identifier in terms]
    return tuple(word[:1].upper() + word[1:] for word in found)


def say(*lines: str) -> None:
    """Print sentences, in the language of the terminal."""
    for line in lines:
        print(visible(spoken(line)))


def complain(sentence: str) -> None:
    """Print what is wrong where errors are printed, in the language of the terminal."""
    print(visible(spoken(sentence)), file=sys.stderr)
