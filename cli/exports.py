"""`appraise export`: the result table as a file."""

from pathlib import Path
from typing import Annotated

import typer

from cli.checkpoint_line import newest_checkpoint
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, plain, print_json, say
from cli.session import session

commands = new_group()


@commands.command("export", epilog="Example: appraise export 2026Q1 --to results.xlsx --as 1007")
def export(
    context: typer.Context,
    *,
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="The code of the cycle, such as 2026Q1.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file; its suffix says .csv, .json or .xlsx.")],
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Write the results of a cycle, as far as you may see them, to a file; it appears whole or not at all."""
    from services import exports

    shared = session(context)
    written = exports.export(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), cycle=cycle, path=to)
    if json:
        print_json({**plain(written), "path": str(written.path)})
        return
    say(f"{written.path}: {written.rows} rows, SHA-256 {written.sha256}.", *newest_checkpoint(shared))
