"""`appraise demo`: one quarter of the bank's office, on simulated time, in a folder of its own."""

import datetime as dt
import io
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import play, play_judgement, play_week
from cli.commands import new_group
from cli.output import JsonOption, print_json
from cli.theatre import Theatre, prepare
from services import results

commands = new_group()

ZONE = "Asia/Shanghai"
_UNWATCHED_COLUMNS = 160
"""How wide it is written where no terminal says."""
FIRST_MOMENT = dt.datetime(2025, 12, 22, 1, 0, tzinfo=dt.UTC)


@commands.command()
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Where to play; the folder must not exist.")] = Path(
        "demo-data"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove an earlier demonstration in that folder.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Play the first quarter of 2026 in a bank's office: from people and rules to a signed, explained, audited table.

    Everything is real but the time: a database, a worker, mails over SMTP to a sink that keeps them as files.

    Example: appraise demo --dir demo-data
    """
    width = None if sys.stdout.isatty() else _UNWATCHED_COLUMNS
    console = Console(file=io.StringIO() if as_json else None, highlight=False, width=width)
    prepare(folder, fresh=fresh)
    with Theatre(folder, console, FIRST_MOMENT, ZONE) as stage:
        for scene in (*play.SCENES, *play_judgement.SCENES):
            scene(stage)
        rows = results.results(stage.uow, viewer=stage.person(play.PRESIDENT), now=stage.now, cycle=play.CYCLE)
    if as_json:
        print_json(
            [
                {"number": row.number, "post": row.post, "stage": row.stage, "total": row.total, "grade": row.grade}
                for row in rows
            ]
        )
        return
    _farewell(console, folder)


def _farewell(console: Console, folder: Path) -> None:
    console.print(f"\n[bold]That was the quarter.[/bold] What lies in {folder}:", soft_wrap=True)
    for name, what in (
        ("appraise.sqlite3", "the database"),
        ("audit.key", "the key of the audit; a backup without it cannot be verified"),
        ("mails/", "every mail, as its reader got it"),
        (play_week.DEADLINES, "the dates of a digest, for a calendar; open it with yours"),
        (play_week.MOVED, "a date that moved when its deadline was extended"),
        ("tampered-copy/", "the copy in which one amount was changed"),
    ):
        console.print(f"  {name:18} {what}")
    there = shlex.quote(str(folder))
    console.print("What to try next, as anybody you like (--as is free in demonstration data):")
    for line in (
        f"--dir {there} explain 2026Q1/1005 --as 1005",
        f"--dir {there} explain 2026Q1/1027 --person --as 1027",
        f"--dir {there} show 2026Q1/1015 --as 1002",
        f"--dir {there} cycle results 2026Q1 --as 1001",
        f"--dir {there} mail list --state sent --person {play.ACTING_DEPUTY} --as {play.OFFICER}",
        f"--dir {there} show 2026Q1/{play_week.SILENT} --as {play_week.SILENT}",
        f"--dir {there} show 2026Q1/{play_week.SLOW} --as {play.OFFICER}",
        f"--dir {there} calendar show --month 2026-04",
        f"--dir {there} audit verify",
        f"--dir {there} export 2026Q1 --to results.xlsx --as 1001",
    ):
        console.print(f"  python3 run.py {line}", soft_wrap=True)
