"""`appraise plan`: standing orders by which cycles open by themselves."""

from typing import Annotated, Any, Literal

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, heading, print_json, print_table, say
from cli.parsing import figure_of, pairs
from cli.session import session
from services.errors import Malformed

group = new_group()

PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="The code of the plan, such as office.")]


@group.command(
    "add",
    epilog="Example: appraise plan add office --every quarter --working-day 3 --unit office "
    '--rubric bank-office-completed --except 1012="on loan to the branch" --year --as 1007',
)
def add(
    context: typer.Context,
    *,
    plan: PlanArgument,
    every: Annotated[str, typer.Option("--every", help="month, quarter or half-year.")],
    unit: Annotated[str, typer.Option("--unit", help="Whose people: a department and all below it.")],
    rubric: Annotated[
        list[str], typer.Option("--rubric", help="A published rubric, NAME or NAME@VERSION; repeat it for several.")
    ],
    working_day: Annotated[
        int, typer.Option("--working-day", help="On which working day after the period's end it opens, from 1.")
    ] = 3,
    workflow: Annotated[str, typer.Option("--workflow", help="The published workflow.")] = "quarterly",
    except_: Annotated[
        list[str] | None, typer.Option("--except", metavar="NUMBER=REASON", help="Leave a person out; repeat it.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="The first period, such as 2026Q1; by default the one that runs.")
    ] = None,
    suffix: Annotated[
        str, typer.Option("--suffix", help="Stands behind each code, such as 2026Q1-branch; tells plans apart.")
    ] = "",
    calendar: Annotated[
        str | None, typer.Option("--calendar", help="The working calendar, CN or DE-BY; by default the organisation's.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="The time zone of the day; by default the organisation's.")
    ] = None,
    year: Annotated[
        bool, typer.Option("--year", help="Let the periods make a year: its result is the mean of theirs.")
    ] = False,
    year_weight: Annotated[
        list[str] | None,
        typer.Option("--year-weight", metavar="PERIOD=WEIGHT", help="The weight of a period, Q4=2; for all or none."),
    ] = None,
    year_window: Annotated[
        int | None, typer.Option("--year-window", help="Of the year count only so many periods, the last ones.")
    ] = None,
    year_digits: Annotated[int, typer.Option("--year-digits", help="Decimal places of the year's figure.")] = 2,
    year_rounding: Annotated[
        str, typer.Option("--year-rounding", help="half-up, half-even, half-down, up, down, ceiling or floor.")
    ] = "half-up",
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Add a plan: every quarter, on the third working day after its end, everybody in a department except some."""
    from services import plans

    weights = pairs(year_weight or [], "--year-weight", "Q4=2")
    rule = None
    if year:
        figures = {label: figure_of(weight, f"--year-weight {label}") for label, weight in weights.items()}
        rule = plans.year_rule(figures, window=year_window, digits=year_digits, rounding=year_rounding)
    elif weights or year_window is not None:
        raise Malformed("--year-weight and --year-window belong to --year; give it, or leave them out.", "no-year")
    shared = session(context)
    shown = plans.add(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        code=plan,
        wanted=plans.Wanted(
            every=every,
            working_day=working_day,
            rubrics=rubric,
            unit=unit,
            workflow=workflow,
            exceptions=pairs(except_ or [], "--except", '1012="on loan to the branch"'),
            first=first,
            suffix=suffix,
            calendar=calendar,
            zone=zone,
            year=rule,
        ),
    )
    if json:
        print_json(_row(shown))
        return
    say(
        f"The plan {plan} opens {shown.next_code} on {shown.next_opening}; HR hears of what stands in its way from "
        f"{shown.next_notice} on.",
        f"Next: appraise plan letter {plan}",
    )


@group.command("list", epilog="Example: appraise plan list")
def list_(context: typer.Context, json: JsonOption = False) -> None:
    """List every plan with what it opens next."""
    from services import plans

    shared = session(context)
    found = plans.list_plans(shared.uow, now=shared.now())
    if json:
        print_json([_row(shown) for shown in found])
        return
    rows = [
        (
            shown.code,
            shown.form.every,
            shown.form.unit,
            shown.next_code if shown.active else "removed",
            shown.next_opening if shown.active else None,
        )
        for shown in found
    ]
    print_table("", (*heading(shared.language, "plan"), "Every", *heading(shared.language, "unit"), "Next", "On"), rows)


@group.command("show", epilog="Example: appraise plan show office")
def show(context: typer.Context, *, plan: PlanArgument, json: JsonOption = False) -> None:
    """Show a plan: what it opens when, for whom, by which rubrics and workflow."""
    from services import plans

    shared = session(context)
    shown = plans.show(shared.uow, now=shared.now(), code=plan)
    if json:
        print_json(_row(shown))
        return
    form = shown.form
    say(
        f"Every {form.every}, on working day {form.working_day} after its end, from {form.first} on.",
        f"Everybody in {form.unit}{', except ' + ', '.join(sorted(form.exceptions)) if form.exceptions else ''}.",
        f"Workflow {form.workflow}; rubrics {', '.join(form.rubrics)}; version {form.version} of this plan.",
    )
    if form.year is not None:
        say("The periods of a year make a year.")
    if not shown.active:
        say("It was removed and opens nothing.")
        return
    say(f"Next: {shown.next_code} on {shown.next_opening}; HR hears of it from {shown.next_notice} on.")


@group.command("remove", epilog="Example: appraise plan remove office --as 1007")
def remove(
    context: typer.Context,
    *,
    plan: PlanArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """End a plan; cycles that it planned wait for HR, and those that opened go on."""
    from services import plans

    shared = session(context)
    left = plans.remove(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), code=plan)
    if json:
        print_json({"plan": plan, "planned": left})
        return
    say(f"The plan {plan} is removed.")
    for code in left:
        say(f"{code} is planned and waits for you: `appraise cycle open {code}`, or `appraise cycle cancel {code}`.")


@group.command("letter", epilog="Example: appraise plan letter 2026Q1 --language zh --as 1007")
def letter(
    context: typer.Context,
    *,
    code: Annotated[str, typer.Argument(metavar="PLAN|CYCLE", help="A plan, for its next cycle, or a cycle.")],
    language: Annotated[
        Literal["en", "zh"] | None, typer.Option("--language", help="en or zh; by default APPRAISE_LANGUAGE.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Draft the letter to staff: the dates of each stage, who does what, and everybody's rights."""
    from services import staff_letter

    shared = session(context)
    found = staff_letter.draft(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        code=code,
        language=language or shared.language,
    )
    if json:
        print_json(found)
        return
    say(found.subject, "", *found.lines)


def _row(shown: Any) -> dict[str, Any]:
    return {
        "plan": shown.code,
        "active": shown.active,
        "next": shown.next_code,
        "notice": shown.next_notice,
        "opens": shown.next_opening,
        **shown.form.model_dump(mode="json", exclude={"format", "exceptions"}),
        "exceptions": sorted(shown.form.exceptions),
    }
