"""`appraise cycle`: planned, opened, joined, proposed, approved, shown."""

from collections import defaultdict
from typing import Annotated, Any

import typer

from cli import cycle_status, deadlines, finalising, progress, reminding
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, ReasonOption, heading, print_json, print_table, say
from cli.parsing import day_of, pairs
from cli.session import Session, session
from cli.speaking import spoken
from services.errors import Malformed

group = new_group()

CycleArgument = Annotated[str, typer.Argument(metavar="CYCLE", help="The code of the cycle, such as 2026Q1.")]
PersonArgument = Annotated[
    str, typer.Argument(metavar="PERSON", help="The employee number, with @POST for one of several posts.")
]
_OPENING = ("cycle.open-chunk", "appraisals.skip-statement")
_WAITS = "The rest waits for a worker, since APPRAISE_WORKER is off: start `appraise up` somewhere."


@group.command("new", epilog="Example: appraise cycle new 2026Q1 --rubric bank-office-completed --as 1007")
def new(
    context: typer.Context,
    *,
    code: CycleArgument,
    rubric: Annotated[
        list[str], typer.Option("--rubric", help="A published rubric, NAME or NAME@VERSION; repeat it for several.")
    ],
    workflow: Annotated[str, typer.Option("--workflow", help="The published workflow.")] = "quarterly",
    first: Annotated[str | None, typer.Option("--from", help="The period's first day, where the code says none.")] = (
        None
    ),
    last: Annotated[str | None, typer.Option("--to", help="The period's last day.")] = None,
    override: Annotated[
        str | None,
        typer.Option("--override", help="Why a rubric that came later judges this period; its forms show it."),
    ] = None,
    year: Annotated[
        str | None, typer.Option("--year", help="The open year that it is a period of, such as 2026; a plan makes it.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Plan a cycle: its period, its workflow, and for each post the rubric in force on the first day."""
    from services import cycles

    if (first is None) != (last is None):
        raise Malformed("--from and --to belong together; give both or neither.", "half-period")
    period = None if first is None or last is None else (day_of(first, "--from"), day_of(last, "--to"))
    shared = session(context)
    created = cycles.new(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        code=code,
        rubrics=rubric,
        workflow=workflow,
        period=period,
        override_reason=override,
        year=year,
    )
    if json:
        print_json(created)
        return
    say(f"{created.code} is planned, from {created.period_from} to {created.period_to}.")
    print_table("", heading(shared.language, "post", "rubric"), created.rubrics.items())
    say(f"Next: appraise cycle open {created.code} --dry-run")


@group.command("open", epilog='Example: appraise cycle open 2026Q1 --leave-out 1012="on loan to the branch" --as 1007')
def open_(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Draw up the roster, list its problems, end with 0; open nothing.")
    ] = False,
    leave_out: Annotated[
        list[str] | None, typer.Option("--leave-out", metavar="NUMBER=REASON", help="Leave a person out; repeat it.")
    ] = None,
    override_incomplete: Annotated[
        list[str] | None,
        typer.Option("--override-incomplete", metavar="POST=REASON", help="Open although the post's rubric lacks."),
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Open a cycle from its roster; problems that are errors refuse it, warnings do not."""
    from services import launch
    from services.roster import Choices

    choices = Choices(
        pairs(leave_out or [], "--leave-out", '1012="on loan to the branch"'),
        pairs(override_incomplete or [], "--override-incomplete", 'clerical="agreed with the union"'),
    )
    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    if dry_run:
        _report(launch.dry_run(shared.uow, actor=actor, now=now, cycle=cycle, choices=choices), choices, json=json)
        return
    try:
        opened = launch.open_cycle(
            shared.uow, actor=actor, now=now, cycle=cycle, choices=choices, chunk=shared.settings.chunk_size
        )
    except launch.OpeningRefused as refused:
        _report(refused.report, choices, json=json)
        raise
    _report(opened.report, choices, json=json)
    done = progress.work_off(shared, _OPENING, f"Opening {cycle}")
    if json:
        return
    if not done:
        say(f"{cycle} is open. {_WAITS}")
        return
    aside = _aside(shared, cycle)
    say(f"{cycle} is open: {opened.report.counts.get('rated', 0) - aside} appraisals.")
    if aside:
        say(f"{aside} could not be opened and were set aside; `appraise cycle retry {cycle}` tries them again.")


def _aside(shared: Session, cycle: str) -> int:
    from services import enrolment
    from services.actors import SYSTEM

    counts = enrolment.status(shared.uow, actor=SYSTEM, now=shared.now(), cycle=cycle).roster
    return int(counts.get("set-aside", 0))


def _report(report: Any, choices: Any, *, json: bool) -> None:
    if json:
        print_json(
            {
                "cycle": report.cycle,
                "counts": report.counts,
                "problems": [
                    {
                        "severity": problem.severity,
                        "code": problem.code,
                        "number": problem.number,
                        "post": problem.post,
                        "text": problem.text,
                        "mend": problem.mend,
                    }
                    for problem in report.problems
                ],
                "leave_out": choices.leave_out,
                "override_incomplete": choices.override_incomplete,
                "digest": report.digest,
                "windows": report.windows,
            }
        )
        return
    counted = ", ".join(f"{name} {number}" for name, number in report.counts.items() if number)
    say(f"Roster of {report.cycle}: {counted or 'nobody'}.")
    for option, chosen in (
        ("Left out", choices.leave_out),
        ("Opened although incomplete", choices.override_incomplete),
    ):
        for name, why in chosen.items():
            say(f"  {option}: {name}, because: {why}")
    for window in report.windows:
        say(
            f"warning long-weekend: {window.free_days} free days in a row, {window.free_from} to {window.free_to}, "
            f"lie in “{window.title['en']}”, {window.opened} to {window.due}."
        )
    grouped: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for problem in report.problems:
        grouped[problem.severity, problem.code, problem.mend].append(problem)
    for (severity, code, mend), found in sorted(grouped.items(), key=lambda entry: entry[0][0] != "error"):
        say(f"{severity} {code} ({len(found)})")
        for problem in found:
            say(f"  {problem.text}")
        say(f"  -> {spoken(mend)}")


@group.command("retry", epilog="Example: appraise cycle retry 2026Q1 --as 1007")
def retry(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Try again to open what was set aside when the cycle opened."""
    from services import roster_changes

    shared = session(context)
    taken = roster_changes.retry(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        cycle=cycle,
        chunk=shared.settings.chunk_size,
    )
    done = bool(taken) and progress.work_off(shared, _OPENING, f"Opening {cycle}")
    if json:
        print_json({"cycle": cycle, "taken_up": taken, "opened": taken - _aside(shared, cycle) if done else 0})
    elif not taken:
        say(f"Nothing of {cycle} is set aside.")
    elif done:
        say(f"{taken - _aside(shared, cycle)} of {taken} opened.")
    else:
        say(f"{taken} are taken up. {_WAITS}")


@group.command("enrol", epilog="Example: appraise cycle enrol 2026Q1 1012 --as 1007")
def enrol(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    person: PersonArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Take somebody into an open cycle: who joined late, or was set aside."""
    from services import enrolment

    shared = session(context)
    opened = enrolment.enrol(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), cycle=cycle, number=person)
    progress.work_off(shared, _OPENING, f"Opening {cycle}")
    if json:
        print_json({"opened": opened})
        return
    say(*(f"{code} is open." for code in opened))


@group.command("withdraw", epilog='Example: appraise cycle withdraw 2026Q1 1012 --reason "left the bank" --as 1007')
def withdraw(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    person: PersonArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; the form shows it.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Take somebody out of an open cycle: his appraisals close as not rated, nothing is deleted."""
    from services import roster_changes

    shared = session(context)
    closed = roster_changes.withdraw(
        shared.uow,
        actor=shared.actor(as_, proxy_reason or reason),
        now=shared.now(),
        cycle=cycle,
        number=person,
        reason=reason,
    )
    if json:
        print_json({"closed": closed})
        return
    for code in closed or (person,):
        say(f"{code} is {'closed as not rated' if closed else 'left out'}: {reason}")


@group.command(
    "cancel", epilog='Example: appraise cycle cancel 2026Q1 --reason "planned with the wrong rubric" --as 1007'
)
def cancel(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel a cycle; its tasks close and nothing is deleted."""
    from services import cycles

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    cycles.cancel(shared.uow, actor=actor, now=shared.now(), cycle=cycle, reason=reason)
    if json:
        print_json({"cycle": cycle, "state": "cancelled"})
        return
    say(f"{cycle} is cancelled.")


group.add_typer(cycle_status.group)
group.add_typer(deadlines.group)
group.add_typer(finalising.group)
group.add_typer(reminding.group)
