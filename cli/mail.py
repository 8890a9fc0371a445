"""`appraise mail pause|resume`: whether this copy of the database mails people."""

import typer

from cli.commands import new_group
from cli.output import JsonOption, print_json, say
from cli.session import session

group = new_group()


@group.command("pause", epilog="Example: appraise mail pause")
def pause(context: typer.Context, json: JsonOption = False) -> None:
    """Mail nobody until told otherwise; what is owed waits in the database.

    Whoever can run this can read the database file, so it asks for no right; the act is recorded.
    """
    from services import sending

    shared = session(context)
    changed = sending.pause(shared.uow, now=shared.now())
    if json:
        print_json({"paused": True, "changed": changed})
        return
    say("Sending is paused." if changed else "Sending was paused already.", "Resume it with `appraise mail resume`.")


@group.command("resume", epilog="Example: appraise mail resume")
def resume(context: typer.Context, json: JsonOption = False) -> None:
    """Mail people again, also from a restored copy: run it only when no other copy sends for this organisation."""
    from services import sending

    shared = session(context)
    changed = sending.resume(shared.uow, now=shared.now())
    if json:
        print_json({"paused": False, "changed": changed})
        return
    say("Sending is resumed; what has waited goes out now." if changed else "Sending was not paused.")
