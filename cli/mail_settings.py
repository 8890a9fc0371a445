"""`appraise mail kinds|on|off|settings`: which mails there are, who does without which, when they go out."""

import re
from typing import Annotated, Any

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ReasonOption, print_json, print_table, say
from cli.parsing import pairs
from cli.session import session
from services.errors import Malformed

group = new_group()

KindArgument = Annotated[str, typer.Argument(metavar="KIND", help="The kind of mail, as `appraise mail kinds` has it.")]
_HOURS = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
_NONE = "none"


@group.command("kinds", epilog="Example: appraise mail kinds --as 1005")
def kinds(
    context: typer.Context, *, as_: AsOption = None, reason: ReasonOption = None, json: JsonOption = False
) -> None:
    """List the kinds of mail: at once or with the digest, and which of them a person has switched off."""
    from services import mail_choices

    shared = session(context)
    found = mail_choices.choices(shared.uow, actor=shared.actor(as_, reason))
    if json:
        print_json(found)
        return
    rows = [
        (kind.kind, kind.way, kind.policy, "off" if kind.off else "can be switched off" if kind.optional else "always")
        for kind in found
    ]
    print_table("", ("Kind", "Comes", "After a doubt", "For you"), rows)


@group.command("off", epilog="Example: appraise mail off due-soon --as 1005")
def off(
    context: typer.Context,
    *,
    kind: KindArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Do without a kind of mail, where no right and no duty hangs on it."""
    _choose(context, kind, as_, reason, on=False, json=json)


@group.command("on", epilog="Example: appraise mail on due-soon --as 1005")
def on(
    context: typer.Context,
    *,
    kind: KindArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Get a kind of mail again."""
    _choose(context, kind, as_, reason, on=True, json=json)


def _choose(context: typer.Context, kind: str, as_: str | None, reason: str | None, *, on: bool, json: bool) -> None:
    from services import mail_choices

    shared = session(context)
    mail_choices.choose(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), kind=kind, on=on)
    if json:
        print_json({"kind": kind, "on": on})
    else:
        say(f"Mails of the kind {kind} are switched {'on' if on else 'off'}.")


@group.command("settings", epilog="Example: appraise mail settings --quiet 20:00-07:00 --quiet-day free --as 1007")
def settings(
    context: typer.Context,
    *,
    digest_at: Annotated[
        str | None, typer.Option("--digest-at", help="When the digest of the day goes out, such as 08:00.")
    ] = None,
    quiet: Annotated[
        str | None, typer.Option("--quiet", help="Hours in which nothing goes out, such as 20:00-07:00, or none.")
    ] = None,
    quiet_day: Annotated[
        list[str] | None,
        typer.Option("--quiet-day", help="A day on which nothing goes out: mon to sun, free, or none; repeat it."),
    ] = None,
    overdue_every: Annotated[
        int | None, typer.Option("--overdue-every", help="Working days between reminders of what is late.")
    ] = None,
    figures: Annotated[
        bool | None,
        typer.Option("--figures/--no-figures", help="Whether the amount that a rule fixes may stand in a mail."),
    ] = None,
    after_doubt: Annotated[
        list[str] | None,
        typer.Option(
            "--after-doubt",
            metavar="KIND=hold|resend",
            help="What becomes of such a mail in doubt, or none; repeat it.",
        ),
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show or change when the organisation's mails go out and what may stand in them; by HR or an operator."""
    from services import mail_choices

    given: dict[str, Any] = {"digest-at": digest_at, "overdue-every": overdue_every, "figures": figures}
    changes = {name: value for name, value in given.items() if value is not None}
    if quiet is not None:
        changes["quiet-from"], changes["quiet-to"] = _hours(quiet)
    if quiet_day is not None:
        changes["quiet-days"] = [] if quiet_day == [_NONE] else sorted(set(quiet_day))
    if after_doubt is not None:
        chosen = {} if after_doubt == [_NONE] else pairs(after_doubt, "--after-doubt", "overdue=resend")
        changes["policies"] = chosen
    shared = session(context)
    habits = mail_choices.set_habits(
        shared.uow, actor=shared.actor(as_, reason), now=shared.now(), changes=changes
    ).to_json()
    if json:
        print_json(habits)
        return
    hours = "none" if habits["quiet-from"] is None else f"{habits['quiet-from']}-{habits['quiet-to']}"
    print_table(
        "",
        ("Setting", "Value"),
        [
            ("digest at", habits["digest-at"]),
            ("quiet hours", hours),
            ("quiet days", ", ".join(habits["quiet-days"]) or "none"),
            ("late is repeated every", f"{habits['overdue-every']} working days"),
            (
                "after a doubt",
                ", ".join(f"{kind} {policy}" for kind, policy in habits["policies"].items()) or "by kind",
            ),
            ("fixed amounts in mails", "yes" if habits["figures"] else "no"),
        ],
    )


def _hours(text: str) -> tuple[str | None, str | None]:
    if text == _NONE:
        return None, None
    match = _HOURS.fullmatch(text)
    if match is None:
        raise Malformed(f"--quiet {text!r} is not understood; write it like 20:00-07:00, or none.", "quiet-hours")
    return match[1], match[2]
