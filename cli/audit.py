"""`appraise audit verify|checkpoint|prove|show`: whether something was changed or cut off, and what a chain says."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import progress
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, plain, print_json, print_table, say
from cli.session import session
from cli.speaking import spoken
from services.errors import AppraiseError, Environment

group = new_group()


@group.command("verify", epilog="Example: appraise audit verify --checkpoint checkpoint-20260401T020000Z.json")
def verify(
    context: typer.Context,
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="Every chain must still have what it had at this checkpoint."
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", metavar="FILE", help="The public key of the checkpoint, if it is not at hand."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Verify every chain and every row that they vouch for; the first bad row is named. Exit code 1 for a fault."""
    from config.checkpoint_keys import read_public_key
    from services import checkpoint_checks, verification

    shared = session(context)
    known = None
    if checkpoint is not None:
        known = checkpoint_checks.read_checkpoint(checkpoint, read_public_key(shared.settings, public_key))
    with progress.counter() as counted:
        report = verification.verify(shared.uow, progress=counted, checkpoint=known)
    if json:
        print_json(report)
    else:
        say(
            f"Looked at {report.events} events, {report.moves} moves, {report.texts} texts and {report.rows} rows.",
            *(f"{fault.code}  {spoken(str(fault))}" for fault in report.faults),
        )
        if known is not None:
            say(
                f"Compared {report.heads} chains with the checkpoint of {known.statement.made_at}, "
                f"fingerprint {known.fingerprint}."
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
    if known is None and not json:
        say("What was cut off cleanly at the end of a chain is found with a checkpoint alone: --checkpoint FILE.")
    if not json:
        say("Nothing was changed.")


@group.command("checkpoint", epilog="Example: appraise audit checkpoint --to /media/stick/2026-04-01.json")
def checkpoint(
    context: typer.Context,
    *,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="The new file; by default checkpoint-MOMENT.json in this folder."),
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Make a new key where the one that signed before is lost.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write down the ends of all chains, signed, in a file that you take away: with it a lost end can be named.

    Whoever can run this can read the database file, so it asks for no right; the act is recorded.
    """
    from config.checkpoint_keys import public_file, signing_key_of
    from services import checkpoints

    shared = session(context)
    now = shared.now()
    before = checkpoints.find_newest(shared.uow)
    path = to or Path(f"checkpoint-{now:%Y%m%dT%H%M%SZ}.json")
    key = signing_key_of(shared.settings, signed_before=before is not None, renew=new_key)
    made = checkpoints.make(shared.uow, now=now, path=path, key=key)
    public = public_file(shared.settings)
    if json:
        print_json({**plain(made), "path": str(made.path), "public_key_file": str(public)})
        return
    say(
        f"{made.path}: the ends of {made.streams} chains with {made.rows} rows.",
        f"Fingerprint: {made.fingerprint}",
        "Take it away from this machine, to somebody who cannot write the database.",
    )
    if before is None or before.key != made.key:
        say(f"Give him the public key once as well: {public} (fingerprint {made.key}).")


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
        typer.Argument(metavar="NAME", help="An appraisal, or org, cycle:2026Q1, ledger:31, refusals, checkpoints."),
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
