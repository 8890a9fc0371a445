"""`run.py bench web` as a command: what it prints, and what it ends with."""

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks import databases
from benchmarks.printing import EXIT_DIFFERS, EXIT_ENVIRONMENT, HEADINGS, aligned, cells, markdown, row_of, told
from benchmarks.web import PEOPLE, SECONDS, NotSound
from benchmarks.web import run as run_web
from benchmarks.web_outcome import Moves, Outcome, Times
from tests.servers.postgresql import NoServer

COLUMNS = ("page", "requests", "errors", "p50 ms", "p95 ms", "p99 ms")


def run(asked: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Measure, print, and return the exit code: 1 where a page failed, or an act was lost or done twice."""
    machine = databases.machine()
    outcomes: list[Outcome] = []
    results = []
    try:
        with databases.opened("postgresql") as made:
            machine["postgresql"] = made.version
            for people in asked.size or (PEOPLE,):
                with told("web on postgresql") as tell:
                    pages, outcome = run_web(made, people=people, seconds=asked.seconds or SECONDS, tell=tell)
                results += pages
                outcomes.append(outcome)
    except NotSound as error:
        print(error, file=sys.stderr)
        return EXIT_DIFFERS
    except (databases.NotDurable, NoServer) as error:
        print(f"There is no database to measure: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    loads = [outcome.as_json() for outcome in outcomes]
    if asked.json:
        print(json.dumps({"machine": machine, "rows": [row_of(one) for one in results], "loads": loads}, indent=1))
    elif asked.markdown:
        print("\n\n".join(_load_table(outcome) for outcome in outcomes) + "\n")
        print(markdown(machine, [cells(one) for one in results], arguments))
    else:
        print(aligned([HEADINGS, *(cells(one) for one in results)]))
        for outcome in outcomes:
            print(f"\n{_summary(outcome)}")
            print(aligned([COLUMNS, *map(_times, (outcome.at_once, outcome.all, *outcome.kinds))]))
    unsound = [outcome for outcome in outcomes if not outcome.sound]
    for outcome in unsound:
        print(f"Not sound: {_summary(outcome)}", file=sys.stderr)
    return EXIT_DIFFERS if unsound else 0


def _summary(outcome: Outcome) -> str:
    each = outcome.all.requests / outcome.seconds
    return (
        f"{outcome.people} people, {outcome.seconds:g} seconds, {outcome.workers} web processes: "
        f"{outcome.all.requests:,} requests ({each:.0f} a second), {outcome.all.errors} errors. {_acts(outcome.moves)} "
        f"{''.join(f'{count} times: {why} ' for why, count in outcome.refusals.items())}"
        f"The audit afterwards found {outcome.faults} faults. Load when it began: {outcome.load}."
    )


def _acts(moves: Moves) -> str:
    return (
        f"Acts: {moves.asked} meant, {moves.landed} landed, {moves.refused} refused, {moves.unanswered} unanswered, "
        f"{moves.lost} lost, {moves.doubled} doubled."
    )


def _times(times: Times) -> tuple[str, ...]:
    figures = (f"{figure:,.0f}" for figure in (times.p50, times.p95, times.p99))
    return (times.kind, f"{times.requests:,}", str(times.errors), *figures)


def _load_table(outcome: Outcome) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", f"|---|{'---:|' * (len(COLUMNS) - 1)}"]
    lines += [f"| {' | '.join(_times(one))} |" for one in (outcome.at_once, outcome.all, *outcome.kinds)]
    return "\n".join([*lines, "", _summary(outcome)])
