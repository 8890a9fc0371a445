"""`appraise tick`: do what the passing of time asks for."""

from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import JsonOption, print_json, print_table, say
from cli.session import Session, moment_of, session
from cli.speaking import spoken

commands = new_group()


@commands.command("tick", epilog="Example: appraise tick --at 2026-04-13T09:00")
def tick(
    context: typer.Context,
    *,
    at: Annotated[
        str | None, typer.Option("--at", help="In demo or practice data: let the clock stand there from now on.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, for whom and why; do nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find the reminders that are due, do the work that is owed and send the mails, once; a second run adds nothing."""
    from config.clock import SimulatedClock
    from services import practice_clock, reminders
    from tasks import once

    shared = session(context)
    if dry_run:
        _foresee(shared, at, json=json)
        return
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


def _foresee(shared: Session, at: str | None, *, json: bool) -> None:
    from services import foresight

    now = shared.now() if at is None else moment_of(at, shared.zone.key)
    found = foresight.foresee(shared.uow, now=now)
    if json:
        print_json({"at": now, "would": found})
        return
    if not found:
        say(f"{shared.local(now)}: nothing would be done.")
        return
    rows = [
        (one.item, one.what, f"{one.name} ({one.number})", one.to or "", shared.local(one.due_at), spoken(one.why))
        for one in found
    ]
    print_table(f"{shared.local(now)}: would be done", ("Item", "What", "For", "To", "Due", "Why"), rows)
