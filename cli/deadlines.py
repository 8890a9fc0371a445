"""`appraise cycle extend|overdue`: more time while a cycle runs, and who is late."""

from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, ReasonOption, heading, print_json, print_table, say
from cli.parsing import day_of
from cli.session import session

group = new_group()

CycleArgument = Annotated[str, typer.Argument(metavar="CYCLE", help="The code of the cycle, such as 2026Q1.")]
_WHY = {
    "own-or-superior": "your own or a superior's: another officer must extend it",
    "no-deadline": "no deadline is running",
    "later-already": "has more time already",
}
_STUCK = {"nobody-left": "nobody is left to take it: name somebody", "with-hr": "lies with HR: name somebody"}


@group.command(
    "extend",
    epilog='Example: appraise cycle extend 2026Q1 --stage scoring --until 2026-04-20 --reason "audit week" --as 1007',
)
def extend(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="The last day; it counts to its end.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the new deadline.")],
    person: Annotated[
        list[str] | None, typer.Option("--person", metavar="N", help="Whose appraisals, by number; repeat it.")
    ] = None,
    unit: Annotated[
        list[str] | None, typer.Option("--unit", metavar="U", help="Everybody in a unit and below it; repeat it.")
    ] = None,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", metavar="S", help="Only what is in this stage now; repeat it.")
    ] = None,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Give one person, a unit or a stage more time; the old deadline is kept, its reminders are cancelled."""
    from services import extensions

    day = day_of(until, "--until")
    shared = session(context)
    done = extensions.extend(
        shared.uow,
        actor=shared.actor(as_, proxy_reason or reason),
        now=shared.now(),
        cycle=cycle,
        cohort=extensions.Cohort(person or (), unit or (), stage or ()),
        until=day,
        reason=reason,
    )
    if json:
        print_json(done)
        return
    say(f"{len(done.moved)} deadline{'' if len(done.moved) == 1 else 's'} in {cycle} moved to {done.until}.")
    for one in done.moved:
        say(f"  {one['item']} {one['appraisal']}, {one['stage']}: was {shared.local(one['was'])}")
    for one in done.left:
        say(f"  left as it is: {one['item']} {one['appraisal']}: {_WHY[one['why']]}")


@group.command("overdue", epilog="Example: appraise cycle overdue 2026Q1 --as 1007")
def overdue(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List what is late: with whom, for how many working days, when last reminded; what nobody can take is first."""
    from services import overdue as late_items

    shared = session(context)
    found = late_items.overdue(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), cycle=cycle)
    if json:
        print_json(found)
        return
    if not found:
        say(f"Nothing in {cycle} is late.")
        return
    rows = [
        (
            one.item,
            one.appraisal,
            *heading(shared.language, one.stage),
            f"{one.name} ({one.number})",
            one.days,
            shared.local(one.reminded_at) if one.reminded_at else "never",
            _STUCK.get(one.stuck or "", ""),
        )
        for one in found
    ]
    columns = ("Item", "Appraisal", *heading(shared.language, "stage"), "With", "Days late", "Last reminded", "")
    print_table("", columns, rows)
