"""`appraise tick`: do what the passing of time asks for."""

from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import JsonOption, print_json, say
from cli.session import moment_of, session

commands = new_group()


@commands.command("tick", epilog="Example: appraise tick --at 2026-04-13T09:00")
def tick(
    context: typer.Context,
    *,
    at: Annotated[
        str | None, typer.Option("--at", help="In demo or practice data: let the clock stand there from now on.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find the reminders that are due, do the work that is owed and send the mails, once; a second run adds nothing."""
    from config.clock import SimulatedClock
    from services import practice_clock, reminders
    from tasks import once

    shared = session(context)
    if at is not None:
        moment = moment_of(at, shared.zone.key)
        practice_clock.set_clock(shared.uow, now=shared.now(), at=moment)
        clock = shared.wiring.clock
        if isinstance(clock, SimulatedClock):
            clock.set(moment)
        else:
            shared.reopen()
    now = shared.now()
    planned = reminders.tick(shared.uow, now)
    done = once.work_off_all(shared.wiring) if shared.settings.worker else {}
    if json:
        print_json({"at": now, "items": planned.items, "promised": planned.promised, "jobs": done})
        return
    say(f"{shared.local(now)}: {planned.promised} messages promised.")
    say(*(f"  {name}: {count}" for name, count in done.items()))
