"""How results are printed: for a program, aligned for a person, or as the tables of docs/explanation/performance.md."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks import measure

EXIT_DIFFERS, EXIT_ENVIRONMENT = 1, 6
HEADINGS = ("name", "database", "size", "subject us", "floor us", "ratio", "subject MiB", "floor MiB")
WORDS = 2
"""How many of the headings stand above words; figures stand below the rest."""
TENTHS_BELOW = 100
"""Microseconds of the floor below which a tenth is told."""


@contextmanager
def told(what: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is done: on a terminal each step, elsewhere only what begins."""
    if not sys.stderr.isatty():
        print(what, file=sys.stderr, flush=True)
        yield lambda _step: None
        return
    wipe = "\r\033[K"
    yield lambda step: print(f"{wipe}{what}: {step}", end="", file=sys.stderr, flush=True)
    print(wipe, end="", file=sys.stderr, flush=True)


def row_of(result: "measure.Result") -> dict[str, str | int | float]:
    """Return a result for a program."""
    return {
        "name": result.name,
        "database": result.database,
        "size": result.size,
        "rounds": result.rounds,
        "subject_us": round(result.subject_us, 2),
        "floor_us": round(result.floor_us, 2),
        "ratio": round(result.ratio, 2),
        "subject_mib": round(result.subject_mib, 1),
        "floor_mib": round(result.floor_mib, 1),
    }


def cells(result: "measure.Result") -> tuple[str, ...]:
    """Return a result as it stands below the headings."""
    row = row_of(result)
    fast = result.floor_us < TENTHS_BELOW
    times = [f"{row[name]:,.1f}" if fast else f"{row[name]:,.0f}" for name in ("subject_us", "floor_us")]
    memory = [f"{row[name]:,.0f}" for name in ("subject_mib", "floor_mib")]
    return (result.name, result.database, f"{result.size:,}", *times, f"{result.ratio:.2f}", *memory)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows with their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    forms = [f"{{:{'<' if place < WORDS else '>'}{width}}}" for place, width in enumerate(widths)]
    return "\n".join("  ".join(form.format(cell) for form, cell in zip(forms, row, strict=True)) for row in rows)


def markdown(machine: Mapping[str, str], rows: Sequence[Sequence[str]], arguments: Sequence[str]) -> str:
    """Return the table of docs/explanation/performance.md, with where and how it was measured."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * WORDS}{'---:|' * (len(HEADINGS) - WORDS)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    where = "; ".join(f"{name} {value}" for name, value in machine.items())
    command = " ".join(("python3 run.py bench", *arguments))
    lines += ["", f"Measured by `{command}` on this machine: {where}."]
    return "\n".join(lines)
