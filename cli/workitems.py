"""`appraise workitem`: one piece of owed work, put on hold or released."""

from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, print_json, say
from cli.session import session

group = new_group()

ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="The work item, such as W77.")]
WhyOption = Annotated[str, typer.Option("--reason", help="Why; it is kept with it.")]


@group.command("hold", epilog='Example: appraise workitem hold W77 --reason "in dispute before a court" --as 1007')
def hold(
    context: typer.Context,
    *,
    item: ItemArgument,
    reason: WhyOption,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Stop the clock on one work item: no deadline, no reminder, in no overdue list, until it is released."""
    from services import holds

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    done = holds.hold(shared.uow, actor=actor, now=shared.now(), item=item, reason=reason)
    if json:
        print_json(done)
        return
    say(f"{done.item} ({done.appraisal}) is on hold: {reason}")


@group.command("release", epilog='Example: appraise workitem release W77 --reason "the court has decided" --as 1007')
def release(
    context: typer.Context,
    *,
    item: ItemArgument,
    reason: WhyOption,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Let the clock run again; the working days that were left are left now."""
    from services import holds

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    done = holds.release(shared.uow, actor=actor, now=shared.now(), item=item, reason=reason)
    if json:
        print_json(done)
        return
    until = "has no deadline yet" if done.due_at is None else f"is due {shared.local(done.due_at)}"
    say(f"{done.item} ({done.appraisal}) is released and {until}.")
