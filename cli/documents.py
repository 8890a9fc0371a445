"""`appraise document add|list|link`: registered once, accusing nobody, then linked to many in one act."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.asking import agreed
from cli.commands import new_group
from cli.output import (
    AsOption,
    JsonOption,
    ProxyReasonOption,
    ReasonOption,
    RequestOption,
    heading,
    plain,
    print_json,
    print_table,
    say,
)
from cli.parsing import day_of, figure_of, optional_day
from cli.session import session
from services.errors import Malformed

group = new_group()


@group.command(
    "add",
    epilog="Example: appraise document add circular 2026-14 --day 2026-02-10 --issuer 'Superior bank' "
    "--title 'Hazards found' --as 1008",
)
def add(
    context: typer.Context,
    *,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="circular, inspection, commendation, meeting, report ...")
    ],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As its issuer numbered it.")],
    day: Annotated[str, typer.Option("--day", metavar="DATE", help="The day it bears.")],
    issuer: Annotated[str, typer.Option("--issuer", help="Who issued it.")],
    title: Annotated[str | None, typer.Option("--title", help="What it is called.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Its file; only the name and SHA-256 are kept.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Register a document; it names nobody until an assessor links it."""
    from services import documents

    shared = session(context)
    code = documents.register(
        shared.asked(request),
        actor=shared.actor(as_, reason),
        now=shared.now(),
        kind=kind,
        number=number,
        day=day_of(day, "--day"),
        issuer=issuer,
        title=title,
        file_name=None if file is None else file.name,
        file_sha256=None if file is None else hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    if json:
        print_json({"document": code})
        return
    say(f"{code} is registered. An assessor links it: appraise document link {code} --to PERSON=RULE --on DATE")


@group.command("list", epilog="Example: appraise document list --kind circular --as 1008")
def list_(
    context: typer.Context,
    *,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List the documents you may pick from."""
    from services import document_lists

    shared = session(context)
    found = document_lists.list_documents(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), kind=kind)
    if json:
        print_json([{**plain(one), "code": one.code} for one in found])
        return
    print_table(
        "",
        (*heading(shared.language, "document"), "Kind", "Number", "Day", "Issuer", "Title", "File", "By"),
        [
            (one.code, one.kind, one.number, one.day, one.issuer, one.title, one.file_name, one.registered_by)
            for one in found
        ],
    )


@group.command(
    "link",
    epilog="Example: appraise document link D3 --to 1005=A1.7 --to 1006=B3.1=5 --on 2026-02-09 "
    '--reason "found by the inspection" --as 1004',
)
def link(
    context: typer.Context,
    *,
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="The document, such as D3.")],
    to: Annotated[
        list[str],
        typer.Option(
            "--to", metavar="PERSON=RULE[=AMOUNT]", help="Whom by which rule, with points for a range; repeat it."
        ),
    ],
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="The day it happened.")],
    known: Annotated[
        str | None, typer.Option("--known", metavar="DATE", help="The day it became known; by default the same.")
    ] = None,
    incident: Annotated[str | None, typer.Option("--incident", help="What happened, once: a code of your own.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="What happened; needed where you pick an amount.")] = (
        None
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Show the effect on each person and write nothing.")] = (
        False
    ),
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Link a document and a clause to one person or many: first the effect on each, then, once agreed, all or none."""
    from services import linking
    from services.finding_checks import Entry

    entries = [
        Entry(
            number,
            rule,
            day_of(on, "--on"),
            optional_day(known, "--known"),
            amount=None if amount is None else figure_of(amount, f"--to {number}"),
            incident=incident,
            reason=reason,
        )
        for number, rule, amount in map(_target, to)
    ]
    shared = session(context)
    actor, now = shared.actor(as_, proxy_reason or reason), shared.now()
    effects = linking.preview_link(shared.uow, actor=actor, now=now, document=document, entries=entries)
    if preview or not json:
        _preview(effects, json=json)
    if preview:
        return
    if not yes and not agreed(f"Record {len(effects)} finding{'s' if len(effects) != 1 else ''}?", json=json):
        say("Nothing was written.")
        return
    recorded = linking.link(shared.asked(request), actor=actor, now=now, document=document, entries=entries)
    if json:
        print_json([{**plain(one), "code": one.code} for one in recorded])
        return
    say(*(f"{one.code}: {one.number} {one.rule}, {plain(one.amount)} points." for one in recorded))


def _target(text: str) -> tuple[str, str, str | None]:
    parts = [part.strip() for part in text.split("=")]
    if not 2 <= len(parts) <= 3 or not all(parts):  # noqa: PLR2004 - PERSON=RULE or PERSON=RULE=AMOUNT
        raise Malformed(f"--to {text!r} is incomplete; write 1009=D1.1, or 1009=D1.1=4 for a range.", "bad-target")
    return parts[0], parts[1], parts[2] if len(parts) > 2 else None  # noqa: PLR2004 - as above


def _preview(effects: Any, *, json: bool) -> None:
    if json:
        print_json(effects)
        return
    rows = [
        (
            one.number,
            one.rule,
            one.amount,
            f"{plain(one.before)} -> {plain(one.after)}",
            f"linked already by {', '.join(one.already)}" if one.already else "",
        )
        for one in effects
    ]
    print_table("What it does to each", ("Person", "Rule", "Points", "Total now", ""), rows)
