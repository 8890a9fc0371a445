"""`appraise audit verify|prove|show`: whether a row was changed behind the chains, and what a chain says."""

import json as json_module
from typing import Annotated, Any

import typer

from cli import progress
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, plain, print_json, print_table, say
from cli.session import session
from services.errors import AppraiseError, Environment

group = new_group()


@group.command("verify", epilog="Example: appraise audit verify")
def verify(context: typer.Context, json: JsonOption = False) -> None:
    """Verify every chain and every row that they vouch for; the first bad row is named. Exit code 1 for a fault."""
    from services import verification

    shared = session(context)
    with progress.counter() as counted:
        report = verification.verify(shared.uow, progress=counted)
    if json:
        print_json(report)
    else:
        say(
            f"Looked at {report.events} events, {report.moves} moves, {report.texts} texts and {report.rows} rows.",
            *(f"{fault.code}  {fault}" for fault in report.faults),
        )
        if report.count > len(report.faults):
            say(f"... and {report.count - len(report.faults)} more.")
    if report.missing_keys:
        raise Environment(
            f"The key {', '.join(report.missing_keys)} is not at hand, so not everything can be verified; "
            "put it back where APPRAISE_AUDIT_KEY_FILE says.",
            "missing-key",
        )
    if report.first is not None:
        faults = "1 fault" if report.count == 1 else f"{report.count} faults"
        raise AppraiseError(f"The audit found {faults}; the first is {report.first}", "fault")
    if not json:
        say("Nothing was changed.")


@group.command("prove", epilog="Example: appraise audit prove 2026Q1")
def prove(
    context: typer.Context,
    *,
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="The code of the cycle, such as 2026Q1.")],
    json: JsonOption = False,
) -> None:
    """Score every closed ledger of a cycle anew and compare it with what is stored. Exit code 1 for a difference."""
    from services import proving

    shared = session(context)
    with progress.counter() as counted:
        proof = proving.prove(shared.uow, cycle=cycle, progress=lambda done: counted(f"Proving {cycle}", done))
    # Which figures differ is judgement and no answer for whoever happens to run this.
    differing = [{"appraisal": found.code, "what": found.what} for found in proof.differences]
    if json:
        print_json({"cycle": proof.cycle, "checked": proof.checked, "differences": differing})
    else:
        say(f"{proof.checked} scores of {cycle} proved.", *(f"{one['appraisal']}: {one['what']}" for one in differing))
    if differing:
        first = differing[0]
        raise AppraiseError(
            f"{len(differing)} figures do not come out as they are stored; the first is {first['what']} of "
            f"{first['appraisal']}.",
            "not-proven",
        )


@group.command("show", epilog="Example: appraise audit show 2026Q1/1009 --as 1009")
def show(
    context: typer.Context,
    *,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="An appraisal, or a stream: org, cycle:2026Q1, ledger:31, refusals."),
    ],
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show a chain as far as you may read it: an appraisal's moves, or a stream of events."""
    from services import audit_trail

    shared = session(context)
    entries = audit_trail.show(shared.uow, viewer=shared.actor(as_, reason), now=shared.now(), name=name)
    if json:
        print_json(entries)
        return
    print_table(
        name,
        ("No.", "At", "What", "By", "For", "Says", "Digest"),
        [
            (
                entry.seq,
                shared.local(entry.at),
                entry.what,
                entry.actor or "system",
                entry.on_behalf_of,
                _said(entry.payload),
                entry.mac[:12],
            )
            for entry in entries
        ],
    )


def _said(payload: Any) -> str:
    return "" if payload is None else json_module.dumps(plain(payload), ensure_ascii=False, sort_keys=True)
