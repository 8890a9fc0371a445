"""`appraise cycle list|status`: which cycles there are and how one stands."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, heading, print_json, print_table, say
from cli.session import session

group = new_group()

CycleArgument = Annotated[str, typer.Argument(metavar="CYCLE", help="The code of the cycle, such as 2026Q1.")]


@group.command("list", epilog="Example: appraise cycle list")
def list_(context: typer.Context, json: JsonOption = False) -> None:
    """List every cycle with its period and state."""
    from services import enrolment

    shared = session(context)
    found = enrolment.cycles(shared.uow)
    if json:
        print_json(found)
        return
    rows = [(row["code"], *heading(shared.language, row["state"]), row["from"], row["to"]) for row in found]
    print_table("", (*heading(shared.language, "cycle"), "State", "From", "To"), rows)


@group.command("status", epilog="Example: appraise cycle status 2026Q1 --as 1007")
def status(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show how a cycle stands: the roster, the stages, who is late, who is left out."""
    from services import enrolment

    shared = session(context)
    found = enrolment.status(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), cycle=cycle)
    if json:
        print_json(found)
        return
    language = shared.language
    say(f"{found.code}: {heading(language, found.state)[0]}, {found.period_from} to {found.period_to}.")
    print_table("", (*heading(language, "stage"), "Number"), _named(language, found.stages))
    if found.not_rated:
        say(f"{heading(language, 'not-rated')[0]}: {found.not_rated}")
    say(f"{found.moves} moves were made so far.")
    print_table("", (*heading(language, "roster"), "Number"), _named(language, found.roster))
    if found.overdue:
        rows = [
            (
                late["item"],
                f"{late['name']} ({late['number']})",
                *heading(language, late["stage"]),
                shared.local(late["due_at"]),
            )
            for late in found.overdue
        ]
        print_table(heading(language, "overdue")[0], (*heading(language, "work-item"), "Person", "Stage", "Due"), rows)
    if found.left_out:
        rows = [
            (
                left["number"],
                left["name"],
                left["post"],
                *heading(language, left["status"]),
                left.get("reason") or left["reason_code"],
            )
            for left in found.left_out
        ]
        print_table("Without an appraisal", ("Number", "Name", "Post", "Status", "Reason"), rows)


def _named(language: Any, counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(heading(language, name)[0], number) for name, number in counts.items()]
