"""`appraise cycle remind`: a mail now to whoever still owes something."""

from typing import Annotated, Any

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, print_json, print_table, say
from cli.session import Session, session

group = new_group()


@group.command("remind", epilog="Example: appraise cycle remind 2026Q1 --as 1007")
def remind(
    context: typer.Context,
    *,
    which: Annotated[
        str, typer.Argument(metavar="CYCLE|APPRAISAL", help="A cycle, 2026Q1, or one appraisal, 2026Q1/1005.")
    ],
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Remind whoever still owes something now, and say who was reminded when; nobody gets a third mail in an hour."""
    from services import nudging

    shared = session(context)
    found = nudging.remind(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), cycle=which)
    if json:
        print_json(found)
        return
    if not found:
        say(f"Nobody owes anything in {which}.")
        return
    rows = [
        (f"{nudge.name} ({nudge.number})", len(nudge.items), shared.local(nudge.last) or "never", _now(shared, nudge))
        for nudge in found
    ]
    print_table("", ("Person", "Owes", "Last reminded", "Now"), rows)


def _now(shared: Session, nudge: Any) -> str:
    if nudge.reminded:
        return "reminded"
    times = " and ".join(shared.local(at) for at in nudge.within_hour[-2:])
    return f"not again: had mails at {times}"
