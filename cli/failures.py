"""`appraise failures`: what failed and waits for a decision."""

from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, ReasonOption, print_json, print_table, say
from cli.session import session
from cli.speaking import spoken

group = new_group()

FailureArgument = Annotated[str, typer.Argument(metavar="FAILURE", help="The failure, such as X3.")]


@group.command("list", epilog="Example: appraise failures list --as 1007")
def list_(
    context: typer.Context,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are dealt with; the last 500.")] = False,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List what failed and waits for a decision, the oldest first; for operators and HR."""
    from services import failures

    shared = session(context)
    found = failures.list_failures(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), resolved=all_)
    if json:
        print_json(found)
        return
    if not found:
        say("Nothing waits for a decision.")
        return
    rows = [
        (
            failed.code,
            failed.about,
            spoken(failed.said),
            ", ".join(f"{name} {value}" for name, value in failed.details.items()),
            shared.local(failed.at),
            shared.local(failed.resolved_at),
        )
        for failed in found
    ]
    print_table("", ("Failure", "Of", "Why", "Details", "Since", "Dealt with"), rows)


@group.command("retry", epilog="Example: appraise failures retry X3 --as 1007")
def retry(
    context: typer.Context,
    *,
    failure: FailureArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Try a failed job or mail again, with all its attempts."""
    from services import failures

    shared = session(context)
    about = failures.retry(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), failure=failure)
    if json:
        print_json({"failure": failure, "retried": about})
    else:
        say(f"{failure}: {about} is tried again.")


@group.command("resolve", epilog='Example: appraise failures resolve X3 --reason "opened by hand" --as 1007')
def resolve(
    context: typer.Context,
    *,
    failure: FailureArgument,
    reason: Annotated[str, typer.Option("--reason", help="How it was dealt with; kept in the audit.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Mark a failure as dealt with; what failed stays as it is."""
    from services import failures

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    failures.resolve(shared.uow, actor=actor, now=shared.now(), failure=failure, reason=reason)
    if json:
        print_json({"failure": failure, "resolved": True})
    else:
        say(f"{failure} is dealt with: {reason}")
