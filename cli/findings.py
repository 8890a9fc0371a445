"""`appraise finding`: recorded, voided, replied to, changed and struck at review, claimed, confirmed, listed."""

from typing import Annotated, Any

import typer

from cli.commands import new_group
from cli.finding_table import print_findings
from cli.output import (
    AsOption,
    JsonOption,
    ProxyReasonOption,
    ReasonOption,
    RequestOption,
    plain,
    print_json,
    say,
)
from cli.parsing import day_of, optional_day, optional_figure
from cli.session import Session, session

group = new_group()

PersonArgument = Annotated[
    str, typer.Argument(metavar="PERSON", help="The employee number, with @POST for one of several posts.")
]
RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="The rule, such as D1.1.")]
FindingArgument = Annotated[str, typer.Argument(metavar="FINDING", help="The finding, such as F12.")]
OnOption = Annotated[str, typer.Option("--on", metavar="DATE", help="The day it happened.")]
UnitsOption = Annotated[str | None, typer.Option("--units", help="How many units, for rules per unit.")]
DocumentOption = Annotated[
    str | None, typer.Option("--document", metavar="DOCUMENT", help="The document or thing it rests on, such as D3.")
]
IncidentOption = Annotated[
    str | None, typer.Option("--incident", help="What happened, once: a code of your own that other findings share.")
]
CommentOption = Annotated[str, typer.Option("--comment", help="Why; the form shows it.")]


@group.command(
    "add", epilog='Example: appraise finding add 1009 D1.1 --on 2026-02-03 --amount 4 --reason "late twice" --as 1005'
)
def add(
    context: typer.Context,
    *,
    person: PersonArgument,
    rule: RuleArgument,
    on: OnOption,
    known: Annotated[
        str | None, typer.Option("--known", metavar="DATE", help="The day it became known; by default the same.")
    ] = None,
    amount: Annotated[str | None, typer.Option("--amount", help="Points, for rules with a range.")] = None,
    units: UnitsOption = None,
    document: DocumentOption = None,
    incident: IncidentOption = None,
    reason: Annotated[str | None, typer.Option("--reason", help="What happened; needed where you pick the amount.")] = (
        None
    ),
    sub_reason: Annotated[
        list[str] | None, typer.Option("--sub-reason", help="One of the rule's checklist; repeat it.")
    ] = None,
    replaces: Annotated[
        str | None, typer.Option("--replaces", metavar="FINDING", help="Void this one and record the new in its place.")
    ] = None,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Record a finding about somebody; by his assessor. The person is told at once."""
    from services import findings
    from services.finding_checks import Entry

    entry = Entry(
        person,
        rule,
        day_of(on, "--on"),
        optional_day(known, "--known"),
        optional_figure(amount, "--amount"),
        optional_figure(units, "--units"),
        document,
        incident,
        reason,
        tuple(sub_reason or ()),
    )
    shared = session(context)
    actor, now = shared.actor(as_, proxy_reason or reason), shared.now()
    if replaces is not None:
        recorded = findings.replace(
            shared.asked(request), actor=actor, now=now, finding=replaces, entry=entry, reason=reason or ""
        )
    else:
        recorded = findings.add(
            shared.asked(request),
            actor=actor,
            now=now,
            number=entry.number,
            rule=entry.rule,
            happened=entry.happened,
            known=entry.known,
            amount=entry.amount,
            units=entry.units,
            document=document,
            incident=incident,
            reason=reason,
            sub_reasons=entry.sub_reasons,
        )
    print_recorded(recorded, json=json)


def print_recorded(recorded: Any, *, json: bool) -> None:
    """Print what was recorded: its name, about whom, the rule, the points."""
    if json:
        print_json({**plain(recorded), "code": recorded.code})
        return
    say(f"{recorded.code}: {recorded.number} {recorded.rule}, {plain(recorded.amount)} points, {recorded.counted_on}.")


@group.command("void", epilog='Example: appraise finding void F12 --reason "wrong person" --as 1005')
def void(
    context: typer.Context,
    *,
    finding: FindingArgument,
    reason: Annotated[str, typer.Option("--reason", help="What was entered in error.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Void a finding that was entered in error, before the assessor submits; it stays to be read."""
    from services import findings

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    findings.void(shared.uow, actor=actor, now=shared.now(), finding=finding, reason=reason)
    if json:
        print_json({"code": finding, "voided": True})
        return
    say(f"{finding} is void.")


@group.command("reply", epilog='Example: appraise finding reply F12 "I was on leave that day" --as 1009')
def reply(
    context: typer.Context,
    *,
    finding: FindingArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Your side of it.")],
    as_: AsOption = None,
    reason: ReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Write your own side beside a finding about you, within the days the workflow gives."""
    from services import findings

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    findings.reply(shared.asked(request), actor=actor, now=now, finding=finding, text=text)
    if json:
        print_json({"code": finding, "replied": True})
        return
    say(f"Your reply stands beside {finding}.")


@group.command("claim", epilog="Example: appraise finding claim 1005 A1.8 --on 2026-02-10 --document D2 --as 1005")
def claim(
    context: typer.Context,
    *,
    person: PersonArgument,
    rule: RuleArgument,
    on: OnOption,
    document: DocumentOption = None,
    units: UnitsOption = None,
    incident: IncidentOption = None,
    text: Annotated[str | None, typer.Option("--comment", help="What it was for.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Claim a commendation of your own; it counts once your assessor confirms it."""
    from services import findings

    shared = session(context)
    recorded = findings.claim(
        shared.asked(request),
        actor=shared.actor(as_, reason),
        now=shared.now(),
        number=person,
        rule=rule,
        happened=day_of(on, "--on"),
        document=document,
        units=optional_figure(units, "--units"),
        reason=text,
        incident=incident,
    )
    print_recorded(recorded, json=json)


@group.command("confirm", epilog="Example: appraise finding confirm F12 --as 1004")
def confirm(
    context: typer.Context,
    *,
    finding: FindingArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Confirm a claimed commendation, so that it counts; to decline it, void it with a reason."""
    from services import findings

    shared = session(context)
    findings.confirm(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), finding=finding)
    if json:
        print_json({"code": finding, "confirmed": True})
        return
    say(f"{finding} is confirmed and counts.")


@group.command("change", epilog='Example: appraise finding change F12 3 --comment "a first time" --as 1004')
def change(
    context: typer.Context,
    *,
    finding: FindingArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="The points it takes, within the rule's range.")],
    comment: CommentOption,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Change the amount of a finding at review; both values stay to be read."""
    _revise(session(context), finding, "change", amount, comment, as_=as_, reason=reason, json=json)


@group.command("strike", epilog='Example: appraise finding strike F12 --comment "not his shift" --as 1004')
def strike(
    context: typer.Context,
    *,
    finding: FindingArgument,
    comment: CommentOption,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Strike a finding at review; it stays to be read and counts nothing."""
    _revise(session(context), finding, "strike", "strike", comment, as_=as_, reason=reason, json=json)


def _revise(
    shared: Session,
    finding: str,
    action: str,
    decision: str,
    comment: str,
    *,
    as_: str | None,
    reason: str | None,
    json: bool,
) -> None:
    from services import appraisals, finding_places
    from services.appraisals import Words

    if action == "change":
        optional_figure(decision, "AMOUNT")
    actor, now = shared.actor(as_, reason), shared.now()
    shown = finding_places.appraisal_of(shared.uow, actor=actor, now=now, finding=finding)
    moved = appraisals.act(
        shared.uow,
        actor=actor,
        now=now,
        appraisal=shown.appraisal,
        action=action,
        words=Words(comment=comment, lines={shown.line: decision}),
    )
    if json:
        print_json(moved)
        return
    total = f"; total {plain(moved.total)}" if moved.total is not None else ""
    done = "struck" if action == "strike" else f"changed to {decision}"
    say(f"{shown.line} of {moved.code} is {done}{total}.")


@group.command("list", epilog="Example: appraise finding list 1009 --as 1005")
def list_(
    context: typer.Context,
    *,
    person: Annotated[
        str | None, typer.Argument(metavar="PERSON", help="The employee number; by default your own.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List the findings about a person that you may see, with replies and decisions."""
    from services import finding_views

    shared = session(context)
    views = finding_views.list_findings(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), number=person)
    if json:
        print_json([{**plain(view), "code": view.code, "counts": view.counts} for view in views])
        return
    if not views:
        say("There are no findings, or none is yours to see.")
        return
    print_findings(shared, views)
