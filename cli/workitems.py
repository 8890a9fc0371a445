"""`appraise workitem`: work given to somebody else, delegated, given back for an interest, or put on hold."""

from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, ReasonOption, print_json, print_table, say
from cli.parsing import day_of, optional_day
from cli.session import session

group = new_group()

WhyOption = Annotated[str, typer.Option("--reason", help="Why; it is kept with it.")]
ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="The work item, such as W77; `appraise work` lists.")]


@group.command(
    "reassign", epilog='Example: appraise workitem reassign W77 --to 1005 --reason "ill for a month" --as 1007'
)
def reassign(
    context: typer.Context,
    *,
    item: ItemArgument,
    to: Annotated[str, typer.Option("--to", metavar="EMPLOYEE", help="Who does it from now on.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it goes to somebody else.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Give an open work item, and the part it lies in, to somebody else; by HR, never above the officer himself.

    Never to the person appraised, to who has another part or an interest, has left, or stands below that person.
    """
    from services import work_items

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    done = work_items.reassign(shared.uow, actor=actor, now=shared.now(), item=item, number=to, reason=reason)
    if json:
        print_json({"item": item, "to": to, "due_at": done[0].due_at, "mails_stopped": done[0].mails})
        return
    say(f"{item} is with {to} now, who is told once; it is due {shared.local(done[0].due_at) or 'without a day'}.")


@group.command(
    "delegate",
    epilog="Example: appraise workitem delegate --to 1005 --from 2026-04-07 --until 2026-04-10 --as 1006",
)
def delegate(
    context: typer.Context,
    *,
    item: Annotated[
        str | None, typer.Argument(metavar="[ITEM]", help="A work item it must hold for; narrows it to that role.")
    ] = None,
    to: Annotated[str, typer.Option("--to", metavar="EMPLOYEE", help="The substitute.")],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day; today or later.")],
    last: Annotated[str, typer.Option("--until", metavar="DATE", help="The last day.")],
    role: Annotated[
        str | None, typer.Option("--role", help="assessor, reviewer or decider; by default whatever you judge.")
    ] = None,
    holder: Annotated[
        str | None, typer.Option("--holder", metavar="EMPLOYEE", help="By HR: for whom, if not for yourself.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; HR alone reads it.")] = None,
    as_: AsOption = None,
    json: JsonOption = False,
) -> None:
    """Name a substitute for some days: he acts on your behalf, with both names in the audit, on those days only.

    He scores, reviews and decides for you, never in his own appraisal or where he has a part or an interest; your own
    statement and answer stay yours. The same again with another --until changes the last day.
    """
    from services import delegations

    shared = session(context)
    done = delegations.delegate(
        shared.uow,
        actor=shared.actor(as_),
        now=shared.now(),
        number=to,
        first=day_of(first, "--from"),
        last=day_of(last, "--until"),
        role=role,
        item=item,
        holder=holder,
        reason=reason,
    )
    if json:
        print_json(done)
        return
    say(f"{done.delegate} stands in for {done.holder} from {done.first} to {done.last} ({done.role or 'all roles'}).")
    say(*(f"  Not for {code}: {why}." for code, why in done.not_for))


@group.command("delegations", epilog="Example: appraise workitem delegations --of 1006 --as 1007")
def delegations_(
    context: typer.Context,
    *,
    of: Annotated[str | None, typer.Option("--of", metavar="EMPLOYEE", help="Those of one person.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List the delegations that are not over: yours, or everybody's for HR, the approver and auditors."""
    from services import substitutes

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    found: list[substitutes.Substitute] = []
    while page := substitutes.list_delegations(
        shared.uow, actor=actor, now=now, number=of, after=found[-1].id if found else 0, limit=500
    ):
        found += page
    if json:
        print_json(found)
        return
    if not found:
        say("No delegation is in force or still to come.")
        return
    rows = [
        (
            one.id,
            f"{one.holder_name} ({one.holder})",
            f"{one.delegate_name} ({one.delegate})",
            one.role or "all",
            one.first,
            one.last,
        )
        for one in found
    ]
    print_table("", ("Number", "Holder", "Substitute", "Role", "From", "Until"), rows)


@group.command("undelegate", epilog='Example: appraise workitem undelegate 3 --reason "back earlier" --as 1006')
def undelegate(
    context: typer.Context,
    *,
    delegation: Annotated[
        int, typer.Argument(metavar="NUMBER", help="Its number; `appraise workitem delegations` lists.")
    ],
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DATE", help="The last day from now on; by default it ends at once."),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; HR alone reads it.")] = None,
    as_: AsOption = None,
    json: JsonOption = False,
) -> None:
    """End a delegation before its last day; by who gave it, or HR for him. What was done until then stands."""
    from services import substitutes

    shared = session(context)
    ended = substitutes.end(
        shared.uow,
        actor=shared.actor(as_),
        now=shared.now(),
        delegation=delegation,
        last=optional_day(until, "--until"),
        reason=reason,
    )
    if json:
        print_json(ended)
        return
    if ended.last is not None and ended.last < ended.first:
        say(f"{ended.delegate} does not stand in for {ended.holder}; it had not begun, or began today.")
    else:
        say(f"{ended.delegate} stands in for {ended.holder} until {ended.last} and no longer.")


@group.command("recuse", epilog='Example: appraise workitem recuse W77 --reason "she is my niece" --as 1006')
def recuse(
    context: typer.Context,
    *,
    item: ItemArgument,
    reason: Annotated[str, typer.Option("--reason", help="What the interest is; HR alone reads it.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Declare an interest in the person appraised and be replaced: from scoring, recording, reviewing and appeals."""
    from services import work_items

    shared = session(context)
    # The reason is HR's alone, so it is never taken for that of the entry by proxy, which is shown.
    actor = shared.actor(as_, proxy_reason)
    done = work_items.recuse(shared.uow, actor=actor, now=shared.now(), item=item, reason=reason)
    if json:
        print_json({"item": item, "passed": len(done.handovers), "stuck": done.stuck})
        return
    say(f"Your interest is recorded; {len(done.handovers)} parts passed to others.")
    say(*(f"Nobody is left for {one.appraisal} ({one.role}); HR must name somebody." for one in done.stuck))


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
