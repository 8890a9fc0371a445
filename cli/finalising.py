"""`appraise cycle propose|refuse|approve|results|correct`: two sign what one proposes."""

from typing import Annotated, Any

import typer

from cli import progress
from cli.checkpoint_line import newest_checkpoint
from cli.commands import new_group
from cli.distribution import distribution
from cli.output import (
    AsOption,
    JsonOption,
    ProxyReasonOption,
    ReasonOption,
    heading,
    plain,
    print_json,
    print_table,
    say,
)
from cli.parsing import lines_of
from cli.session import session
from services.errors import Malformed

group = new_group()

CycleArgument = Annotated[str, typer.Argument(metavar="CYCLE", help="The code of the cycle, such as 2026Q1.")]
LateOption = Annotated[
    bool, typer.Option("--late", help="What closed after the proposal, such as a decided appeal: a revision.")
]
DigestOption = Annotated[
    str | None, typer.Option("--digest", help="The check number of what you have before you; another is refused.")
]
MovesOption = Annotated[
    int | None,
    typer.Option(
        "--moves", metavar="NUMBER", help="How many moves `cycle status` showed; if there are others, it is a conflict."
    ),
]
WRITING = ("cycle.finalise-chunk", "cycle.complete")


@group.command("propose", epilog="Example: appraise cycle propose 2026Q1 --as 1007")
def propose(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    late: LateOption = False,
    moves: MovesOption = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Put the result table before the approver; every appraisal must be closed or under appeal."""
    from services import finalising, late_entries

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    if late:
        if moves is not None:
            raise Malformed("--moves belongs to the first table; what enters late has closed already.", "only-first")
        found = late_entries.propose_late(shared.uow, actor=actor, now=now, cycle=cycle)
    else:
        found = finalising.propose(shared.uow, actor=actor, now=now, cycle=cycle, moves_seen=moves)
    if json:
        print_json(found)
        return
    say(
        f"{cycle} is proposed: {found.rows} appraisals, {found.rated} rated, {found.persons} people.",
        f"{heading(shared.language, 'check-number')[0]}: {found.digest}",
        *newest_checkpoint(shared),
    )
    if found.carried:
        say(f"{found.carried} under appeal enter later, as a revision of the table.")
    say(f"Next, by the approver: appraise cycle approve {cycle}{' --late' if late else ''}")


@group.command("refuse", epilog='Example: appraise cycle refuse 2026Q1 --reason "1009 was scored twice" --as 1001')
def refuse(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Refuse the proposed table; the cycle is open again and no result was written."""
    from services import finalising

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    finalising.refuse(shared.uow, actor=actor, now=shared.now(), cycle=cycle, reason=reason)
    if json:
        print_json({"cycle": cycle, "state": "open"})
        return
    say(f"The table of {cycle} is refused; the cycle is open again.")


@group.command("approve", epilog="Example: appraise cycle approve 2026Q1 --as 1001")
def approve(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    digest: DigestOption = None,
    late: LateOption = False,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Sign the proposed table; its final rows are written and nobody can change them."""
    from services import finalising, late_entries

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    if late:
        entered = late_entries.enter_late(shared.uow, actor=actor, now=now, cycle=cycle, digest=digest)
        if json:
            print_json(entered)
            return
        say(f"{entered.rows} appraisals entered {cycle}; check number {entered.digest}.")
        return
    signed = finalising.approve(
        shared.uow, actor=actor, now=now, cycle=cycle, digest=digest, chunk=shared.settings.chunk_size
    )
    done = progress.work_off(shared, WRITING, f"Finalising {cycle}")
    state = _state(shared, cycle)
    if json:
        print_json({"cycle": cycle, "digest": signed.digest, "state": state})
        return
    say(f"{cycle} is signed; check number {signed.digest}.")
    if done:
        say(f"It is {heading(shared.language, state)[0].lower()}.")
    else:
        say("Its rows wait for a worker, since APPRAISE_WORKER is off: start `appraise up` somewhere.")


def _show_year(shared: Any, viewer: Any, cycle: str, *, json: bool) -> bool:
    """Show a year, person by person with its periods; False where the cycle is none."""
    from services import year_table

    rows = year_table.year_results(shared.uow, viewer=viewer, now=shared.now(), cycle=cycle)
    if rows is None:
        return False
    if json:
        print_json([{name: value for name, value in plain(row).items() if name != "steps"} for row in rows])
        return True
    periods = sorted({period for row in rows for period in row.figures})
    print_table(
        cycle,
        (
            *heading(shared.language, "employee-number", "name"),
            *periods,
            *heading(shared.language, "total", "counted", "signed"),
        ),
        [
            (
                row.number,
                row.name,
                *(row.figures.get(period) for period in periods),
                row.total,
                f"{row.counted}/{row.periods}",
                "yes" if row.final else "",
            )
            for row in rows
        ],
    )
    return True


def _state(shared: Any, cycle: str) -> str:
    from services import enrolment

    return str(next(row["state"] for row in enrolment.cycles(shared.uow) if row["code"] == cycle))


@group.command("results", epilog="Example: appraise cycle results 2026Q1 --as 1007")
def results(
    context: typer.Context,
    *,
    cycle: CycleArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show the result table as far as you may see it, and how the totals are distributed."""
    from services import results as table

    shared = session(context)
    viewer = shared.actor(as_, reason)
    if _show_year(shared, viewer, cycle, json=json):
        return
    rows = table.results(shared.uow, viewer=viewer, now=shared.now(), cycle=cycle)
    if json:
        print_json([_row(row) for row in rows])
        return
    language = shared.language
    print_table(
        f"{cycle}",
        (
            *heading(language, "employee-number", "name", "post", "stage", "total", "maximum", "grade"),
            "Person",
            *heading(language, "signed"),
        ),
        [
            (
                row.number,
                row.name,
                row.post,
                row.wording[language],
                row.total,
                row.maximum,
                row.grade,
                row.person_total,
                "yes" if row.final else "",
            )
            for row in rows
        ],
    )
    bars = distribution([row.total for row in rows if row.total is not None])
    if bars:
        say("", "Totals", *bars)
    say(*newest_checkpoint(shared))


def _row(row: Any) -> dict[str, Any]:
    names = ("number", "post", "stage", "total", "grade", "name", "maximum", "outcome", "final")
    found = {name: getattr(row, name) for name in names}
    return found | {"appraisal": row.code, "person_total": row.person_total, "person_grade": row.person_grade}


@group.command(
    "correct", epilog='Example: appraise cycle correct 2026Q1/1009 --line F12=strike --reason "wrong person" --as 1007'
)
def correct(
    context: typer.Context,
    *,
    appraisal: Annotated[str, typer.Argument(metavar="APPRAISAL", help="CYCLE/EMPLOYEE, with @POST where several.")],
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="LINE=DECISION", help="F12=strike or its right amount, F12=3; repeat it."),
    ] = None,
    approve_: Annotated[bool, typer.Option("--approve", help="Sign the proposed correction.")] = False,
    refuse_: Annotated[bool, typer.Option("--refuse", help="Refuse the proposed correction, with --reason.")] = False,
    digest: DigestOption = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why it is corrected or refused; or why you enter it for another.")
    ] = None,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Correct a final result: HR proposes it with --line, the approver signs it with --approve."""
    from services import corrections

    if sum((bool(line), approve_, refuse_)) != 1:
        raise Malformed("Give --line to propose a correction, or --approve or --refuse to decide it.", "one-of-three")
    shared = session(context)
    actor, now = shared.actor(as_, proxy_reason or reason), shared.now()
    if refuse_:
        corrections.refuse_correction(shared.uow, actor=actor, now=now, appraisal=appraisal, reason=reason or "")
        if json:
            print_json({"appraisal": appraisal, "refused": True})
        else:
            say(f"The correction of {appraisal} is refused.")
        return
    if approve_:
        found = corrections.approve_correction(shared.uow, actor=actor, now=now, appraisal=appraisal, digest=digest)
    else:
        found = corrections.propose_correction(
            shared.uow, actor=actor, now=now, appraisal=appraisal, lines=lines_of(line or []), reason=reason or ""
        )
    if json:
        print_json(found)
        return
    say(f"{found.code}: {'corrected' if approve_ else 'a correction is proposed'}.")
    rows = [("total", found.before, found.after), ("grade", found.grade_before, found.grade_after)]
    print_table("", ("", "Before", "After"), [*((item.item, item.before, item.after) for item in found.items), *rows])
    say(f"{heading(shared.language, 'check-number')[0]}: {found.digest}")
