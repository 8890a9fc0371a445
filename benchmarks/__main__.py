"""Run benchmarks by name: `python -m benchmarks [NAME ...] [--json | --markdown]`; `run.py bench` comes here.

Exit codes: 0 measured, 1 subject and floor did not do the same, 2 there is no such benchmark, 6 the machine or the
database does not allow it.
"""

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence

from benchmarks.printing import EXIT_DIFFERS, EXIT_ENVIRONMENT, HEADINGS, aligned, cells, markdown, row_of, told
from benchmarks.table import BENCHMARKS, WITH_PEERS, contest

KINDS = ("sqlite", "postgresql")
WEB = "web"
"""The benchmark of the pages; it runs alone, since it takes the whole machine."""
LIBRARIES = ("django", "viewflow", "SpiffWorkflow", "statemachine")
"""What the peers import."""


def main(arguments: Sequence[str]) -> int:
    """Run what is named, all of the table if nothing is, and print the figures; return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if WEB in asked.name and (asked.name != [WEB] or asked.database not in (None, ["postgresql"])):
        parser.error("web runs alone, and on PostgreSQL")
    from benchmarks import databases, measure
    from tests.servers.postgresql import NoServer

    missing = [name for name in LIBRARIES if "peers" in asked.name and importlib.util.find_spec(name) is None]
    if missing:
        named = ", ".join(missing)
        print(f"Without {named} there are no peers; `python3 run.py bench peers` brings them.", file=sys.stderr)
        return EXIT_ENVIRONMENT
    if asked.name == [WEB]:
        from benchmarks import web_command

        return web_command.run(asked, arguments)
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
                        with told(f"{name} on {kind}") as tell:
                            results.append(measure.run(name, found, made, kind=kind, size=size, tell=tell))
                        print("  ".join(cells(results[-1])), file=sys.stderr, flush=True)  # hours may follow
    except (measure.Differs, measure.Broke) as error:
        print(error, file=sys.stderr)
        return EXIT_DIFFERS
    except (databases.NotDurable, NoServer) as error:
        print(f"There is no database to measure: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    results.sort(key=lambda result: names.index(result.name))
    if asked.json:
        print(json.dumps({"machine": machine, "rows": [row_of(result) for result in results]}, indent=1))
    elif asked.markdown:
        print(markdown(machine, [cells(result) for result in results], arguments))
    else:
        print(aligned([HEADINGS, *(cells(result) for result in results)]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py bench",
        description="Measure the product against the bare driver doing the same, side by side.",
        epilog=f"The benchmarks are {', '.join(BENCHMARKS)}. peers is {', '.join(WITH_PEERS)}: an approval by us and "
        "by other libraries, which are installed for it. web, named alone, is the pages beside a bare page and an "
        "office in its last hour, on PostgreSQL. Example: python3 run.py bench move --database sqlite",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", type=_known, help="benchmarks to run; all if none is named")
    parser.add_argument("--database", action="append", choices=KINDS, help="only on this database")
    parser.add_argument(
        "--size",
        action="append",
        type=_positive,
        help="prepare so much instead of each benchmark's own size; given several times, the rows show how cost grows",
    )
    parser.add_argument(
        "--seconds", type=_positive, help="how long the people of web work; by default a minute, for an hour's work"
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
    if name not in {*BENCHMARKS, "peers", WEB}:
        raise argparse.ArgumentTypeError(
            f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}, peers, web"
        )
    return name


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the databases made for it are gone.", file=sys.stderr)
        sys.exit(130)
