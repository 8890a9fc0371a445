"""Run benchmarks by name: `python -m benchmarks [NAME ...] [--json | --markdown]`; `run.py bench` comes here.

Exit codes: 0 measured, 1 subject and floor did not do the same, 2 there is no such benchmark, 6 the machine or the
database does not allow it.
"""

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.table import BENCHMARKS, WITH_PEERS, contest

if TYPE_CHECKING:
    from benchmarks import measure

EXIT_DIFFERS, EXIT_ENVIRONMENT = 1, 6
KINDS = ("sqlite", "postgresql")
LIBRARIES = ("django", "viewflow", "SpiffWorkflow", "statemachine")
"""What the peers import."""
HEADINGS = ("name", "database", "size", "subject us", "floor us", "ratio", "subject MiB", "floor MiB")
WORDS = 2
"""How many of the headings stand above words; figures stand below the rest."""
TENTHS_BELOW = 100
"""Microseconds of the floor below which a tenth is told."""


def main(arguments: Sequence[str]) -> int:
    """Run what is named, all of the table if nothing is, and print the figures; return the exit code."""
    asked = _parser().parse_args(arguments)
    from benchmarks import databases, measure
    from tests.servers.postgresql import NoServer

    missing = [name for name in LIBRARIES if "peers" in asked.name and importlib.util.find_spec(name) is None]
    if missing:
        named = ", ".join(missing)
        print(f"Without {named} there are no peers; `python3 run.py bench peers` brings them.", file=sys.stderr)
        return EXIT_ENVIRONMENT
    names = _named(asked.name)
    results: list[measure.Result] = []
    machine = databases.machine()
    try:
        for kind in asked.database or KINDS:
            with databases.opened(kind) as made:
                machine[kind] = made.version
                for name in names:
                    found = contest(name)
                    for size in asked.size or (found.size,):
                        with _told(f"{name} on {kind}") as tell:
                            results.append(measure.run(name, found, made, kind=kind, size=size, tell=tell))
                        print("  ".join(_cells(results[-1])), file=sys.stderr, flush=True)  # hours may follow
    except (measure.Differs, measure.Broke) as error:
        print(error, file=sys.stderr)
        return EXIT_DIFFERS
    except (databases.NotDurable, NoServer) as error:
        print(f"There is no database to measure: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    results.sort(key=lambda result: names.index(result.name))
    if asked.json:
        print(json.dumps({"machine": machine, "rows": [_row(result) for result in results]}, indent=1))
    elif asked.markdown:
        print(_markdown(machine, [_cells(result) for result in results], arguments))
    else:
        print(_aligned([HEADINGS, *(_cells(result) for result in results)]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py bench",
        description="Measure the product against the bare driver doing the same, side by side.",
        epilog=f"The benchmarks are {', '.join(BENCHMARKS)}. peers is {', '.join(WITH_PEERS)}: an approval by us and "
        "by other libraries, which are installed for it. Example: python3 run.py bench move --database sqlite",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", type=_known, help="benchmarks to run; all if none is named")
    parser.add_argument("--database", action="append", choices=KINDS, help="only on this database")
    parser.add_argument(
        "--size",
        action="append",
        type=_positive,
        help="prepare so much instead of each benchmark's own size; given several times, the rows show how cost grows",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with the machine")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table, with machine and command")
    return parser


def _named(asked: Sequence[str]) -> list[str]:
    """Return the benchmarks that are meant, each once: `peers` is several, and nothing is all but the peers."""
    meant = [WITH_PEERS if name == "peers" else (name,) for name in asked or BENCHMARKS]
    return list(dict.fromkeys(name for names in meant for name in names))


def _known(name: str) -> str:
    if name not in {*BENCHMARKS, "peers"}:
        raise argparse.ArgumentTypeError(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}, peers")
    return name


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


@contextmanager
def _told(what: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is done: on a terminal each step, elsewhere only what begins."""
    if not sys.stderr.isatty():
        print(what, file=sys.stderr, flush=True)
        yield lambda _step: None
        return
    wipe = "\r\033[K"
    yield lambda step: print(f"{wipe}{what}: {step}", end="", file=sys.stderr, flush=True)
    print(wipe, end="", file=sys.stderr, flush=True)


def _row(result: "measure.Result") -> dict[str, str | int | float]:
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


def _cells(result: "measure.Result") -> tuple[str, ...]:
    row = _row(result)
    fast = result.floor_us < TENTHS_BELOW
    times = [f"{row[name]:,.1f}" if fast else f"{row[name]:,.0f}" for name in ("subject_us", "floor_us")]
    memory = [f"{row[name]:,.0f}" for name in ("subject_mib", "floor_mib")]
    return (result.name, result.database, f"{result.size:,}", *times, f"{result.ratio:.2f}", *memory)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    forms = [f"{{:{'<' if place < WORDS else '>'}{width}}}" for place, width in enumerate(widths)]
    return "\n".join("  ".join(form.format(cell) for form, cell in zip(forms, row, strict=True)) for row in rows)


def _markdown(machine: Mapping[str, str], rows: Sequence[Sequence[str]], arguments: Sequence[str]) -> str:
    """Return the table of docs/explanation/performance.md, with where and how it was measured."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * WORDS}{'---:|' * (len(HEADINGS) - WORDS)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    where = "; ".join(f"{name} {value}" for name, value in machine.items())
    command = " ".join(("python3 run.py bench", *arguments))
    lines += ["", f"Measured by `{command}` on this machine: {where}."]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the databases made for it are gone.", file=sys.stderr)
        sys.exit(130)
