"""`appraise duty`: scheduled duties recorded by whoever has them, excused and confirmed by his assessor."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import new_group
from cli.output import (
    AsOption,
    JsonOption,
    ProxyReasonOption,
    ReasonOption,
    RequestOption,
    heading,
    print_json,
    print_table,
    say,
)
from cli.parsing import day_of, optional_day, optional_figure
from cli.session import session

group = new_group()

PersonArgument = Annotated[
    str, typer.Argument(metavar="PERSON", help="The employee number, with @POST for one of several posts.")
]
RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="The rule the duty belongs to, such as A1.1.")]
MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="The month, such as 2026-02.")]


@group.command(
    "record",
    epilog="Example: appraise duty record 1005 A1.1 2026-02 --day 2026-02-20 --site north --site south "
    '--evidence "log, page 12" --as 1005',
)
def record(
    context: typer.Context,
    *,
    person: PersonArgument,
    rule: RuleArgument,
    month: MonthArgument,
    day: Annotated[str, typer.Option("--day", metavar="DATE", help="The day it was done, in that month.")],
    evidence: Annotated[str, typer.Option("--evidence", help="Where it can be seen that it was done.")],
    site: Annotated[list[str] | None, typer.Option("--site", help="A site that was inspected; repeat it.")] = None,
    coverage: Annotated[
        str | None, typer.Option("--coverage", help="The share inspected, 1 for all; where no sites are named.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A file of evidence; only its SHA-256 is kept.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Record a duty of your own that was done, with evidence; until your assessor submits."""
    from services import duties

    shared = session(context)
    entry = duties.record(
        shared.asked(request),
        actor=shared.actor(as_, reason),
        now=shared.now(),
        number=person,
        rule=rule,
        month=month,
        day=day_of(day, "--day"),
        evidence=evidence,
        coverage=optional_figure(coverage, "--coverage"),
        sites=tuple(site or ()),
        file_sha256=None if file is None else hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    _done(entry, f"{rule} of {month} is recorded.", json=json)


@group.command(
    "excuse", epilog='Example: appraise duty excuse 1005 A1.1 2026-02 --reason "vault closed for works" --as 1004'
)
def excuse(
    context: typer.Context,
    *,
    person: PersonArgument,
    rule: RuleArgument,
    month: MonthArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why the month is not expected.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Excuse a month, with a reason; by the assessor, never for himself."""
    from services import duties

    shared = session(context)
    entry = duties.excuse(
        shared.uow,
        actor=shared.actor(as_, proxy_reason or reason),
        now=shared.now(),
        number=person,
        rule=rule,
        month=month,
        reason=reason,
    )
    _done(entry, f"{rule} of {month} is excused.", json=json)


@group.command("confirm", epilog="Example: appraise duty confirm 1005 A1.1 2026-02 --as 1004")
def confirm(
    context: typer.Context,
    *,
    person: PersonArgument,
    rule: RuleArgument,
    month: MonthArgument,
    comment: Annotated[str | None, typer.Option("--comment", help="Your words beside it.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Confirm that a month was missed, so that the score can be submitted; by the assessor."""
    from services import duties

    shared = session(context)
    entry = duties.confirm(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        number=person,
        rule=rule,
        month=month,
        reason=comment,
    )
    _done(entry, f"{rule} of {month} is confirmed as missed.", json=json)


@group.command("void", epilog='Example: appraise duty void 3 --reason "the wrong month" --as 1004')
def void(
    context: typer.Context,
    *,
    entry: Annotated[int, typer.Argument(metavar="ENTRY", help="The number that the entry was given.")],
    reason: Annotated[str, typer.Option("--reason", help="What was entered in error.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Void an entry that was made in error, before submission; by the assessor."""
    from services import duties

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    duties.void(shared.uow, actor=actor, now=shared.now(), record=entry, reason=reason)
    if json:
        print_json({"entry": entry, "voided": True})
        return
    say(f"Entry {entry} is void.")


def _done(entry: int, sentence: str, *, json: bool) -> None:
    if json:
        print_json({"entry": entry})
        return
    say(f"{sentence} (entry {entry})")


@group.command("list", epilog="Example: appraise duty list 1005 --on 2026-02-15 --as 1005")
def list_(
    context: typer.Context,
    *,
    person: PersonArgument,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="A day in the period; by default today.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show the duties of a person month by month and site by site."""
    from services import duty_calendar

    shared = session(context)
    months = duty_calendar.show_duties(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        number=person,
        on=optional_day(on, "--on"),
    )
    if json:
        print_json(months)
        return
    rows = [
        (
            one.rule,
            one.month,
            f"{one.state}, confirmed" if one.confirmed else one.state,
            one.coverage,
            ", ".join(f"{site} {state}" for site, state in one.sites.items()),
        )
        for one in months
    ]
    print_table("", (*heading(shared.language, "rule", "month", "standing", "coverage"), "Sites"), rows)
