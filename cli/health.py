"""`appraise status`: how planning and mails stand."""

import sys
from typing import Annotated, Any

import typer

from cli.commands import new_group
from cli.output import JsonOption, print_json, print_table, say
from cli.session import session

commands = new_group()


@commands.command("status", epilog="Example: appraise status --prometheus")
def status(
    context: typer.Context,
    *,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print the figures in the text format of Prometheus.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show how far planning has come and how the mails stand; ends with 1 while an alert holds.

    Nothing in it is about a person. With --prometheus it ends with 0: the figures say themselves what holds.
    """
    from services import health

    shared = session(context)
    found = health.health(shared.uow, now=shared.now())
    if prometheus:
        sys.stdout.write(health.prometheus(found))
        return
    if json:
        print_json(found)
    else:
        _print(found, shared.local(found.planned_until))
    if found.alerts:
        raise typer.Exit(1)


def _print(found: Any, planned_until: str) -> None:
    def seconds(value: int | None) -> str:
        return "none" if value is None else f"{value} s"

    rows = [
        ("Planned until", planned_until or "never"),
        ("Mails", ", ".join(f"{state} {number}" for state, number in sorted(found.mails.items())) or "none"),
        ("Waits for a digest", found.notices),
        ("Oldest unsent mail", seconds(found.oldest_unsent)),
        ("Hand-over, half of them within", seconds(found.latency_median)),
        ("Hand-over, 95 of 100 within", seconds(found.latency_95)),
        ("Hand-over, the slowest", seconds(found.latency_most)),
        ("In doubt", found.in_doubt),
        ("Missed in the last 24 hours", found.missed),
        ("Failures", ", ".join(f"{source} {number}" for source, number in sorted(found.failures.items())) or "none"),
        ("Jobs due", found.jobs_due),
    ]
    print_table("", ("", ""), rows)
    for alert in found.alerts:
        say(f"{alert.name}: {alert.sentence} See docs/alerts/{alert.name}.md.")
    if not found.alerts:
        say("Nothing needs anybody.")
