"""`appraise mail`: what waits, is in doubt or failed, and what becomes of it; slips on paper; pausing all of it."""

from typing import Annotated, Any

import typer

from cli import mail_settings
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, ReasonOption, print_json, print_table, say
from cli.session import Session, session

group = new_group()

MailArgument = Annotated[str, typer.Argument(metavar="MAIL", help="The mail, such as M12.")]


@group.command("list", epilog="Example: appraise mail list --state in-doubt --as 1007")
def list_(
    context: typer.Context,
    *,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only those in this state; repeat it. By default the unsettled.")
    ] = None,
    person: Annotated[str | None, typer.Option("--person", help="Only those to this employee number.")] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """List mails that wait, are in doubt, held or failed, the oldest first; for operators and HR."""
    from services import mail_desk

    shared = session(context)
    found = mail_desk.list_mails(
        shared.uow, actor=shared.actor(as_, reason), now=shared.now(), states=state or (), number=person
    )
    if json:
        print_json(found)
        return
    if not found:
        say("No mail is in such a state.")
        return
    print_table("", _COLUMNS, (_row(shared, mail) for mail in found))


_COLUMNS = ("Mail", "Kind", "To", "State", "Since", "Tries", "Why", "With")


def _row(shared: Session, mail: Any) -> tuple[Any, ...]:
    since = mail.sent_at or mail.in_doubt_at or mail.created_at
    return (
        mail.code,
        mail.kind,
        f"{mail.name} ({mail.number})",
        mail.state,
        shared.local(since),
        mail.attempt,
        mail.said,
        mail.digest,
    )


@group.command("show", epilog="Example: appraise mail show M12 --as 1007")
def show(
    context: typer.Context,
    *,
    mail: MailArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show one mail, what it is about, what it holds and what may be done with it; never its text."""
    from services import mail_desk

    shared = session(context)
    shown = mail_desk.show_mail(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), mail=mail)
    if json:
        print_json(shown)
        return
    print_table("", _COLUMNS, [_row(shared, shown.mail)])
    for name, value in shown.about.items():
        say(f"  {name.replace('_', ' ')}: {value}")
    if shown.notices:
        print_table("Holds", _COLUMNS, (_row(shared, notice) for notice in shown.notices))
    for choice in shown.choices:
        words, _, option = choice.partition(" ")
        say(f"  appraise mail {words} {shown.mail.code} {option}".rstrip())


@group.command("retry", epilog="Example: appraise mail retry M12 --as 1007")
def retry(
    context: typer.Context,
    *,
    mail: MailArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Send a failed mail again; whether it is still needed is looked at again."""
    from services import mail_desk

    shared = session(context)
    mail_desk.retry(shared.uow, actor=shared.actor(as_, reason), now=shared.now(), mail=mail)
    _settled(mail, "queued", json=json)


@group.command("cancel", epilog='Example: appraise mail cancel M12 --reason "told on the phone" --as 1007')
def cancel(
    context: typer.Context,
    *,
    mail: MailArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why it is given up; kept in the audit.")],
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Give a mail up that waits, is in doubt, held or failed."""
    from services import mail_desk

    shared = session(context)
    actor = shared.actor(as_, proxy_reason or reason)
    mail_desk.cancel(shared.uow, actor=actor, now=shared.now(), mail=mail, reason=reason)
    _settled(mail, "cancelled", json=json)


@group.command("release", epilog="Example: appraise mail release M12 --arrived --as 1007")
def release(
    context: typer.Context,
    *,
    mail: MailArgument,
    arrived: Annotated[
        bool,
        typer.Option("--arrived", help="It had arrived; without this it is sent again, under the same Message-ID."),
    ] = False,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Settle a mail in doubt or held: send it again, or say that it had arrived."""
    from services import mail_desk

    shared = session(context)
    actor = shared.actor(as_, reason)
    mail_desk.release(shared.uow, actor=actor, now=shared.now(), mail=mail, arrived=arrived)
    _settled(mail, "sent" if arrived else "queued", json=json)


def _settled(mail: str, state: str, *, json: bool) -> None:
    if json:
        print_json({"mail": mail, "state": state})
    else:
        say(f"{mail} is {state}.")


@group.command("test", epilog="Example: appraise mail test me@bank.example --as 1007")
def trial(
    context: typer.Context,
    *,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the trial mail goes.")],
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Hand one trial mail over to the mail server now, and say what it answered."""
    from services import mail_trial

    shared = session(context)
    tried = mail_trial.send_trial(
        shared.uow,
        shared.wiring.sender,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        address=address,
        language=shared.language,
    )
    if json:
        print_json(tried)
        return
    say(f"The mail server took it: “{tried.subject}” to {tried.address}.")


@group.command("slips", epilog="Example: appraise mail slips --unit office --sheet --as 1007")
def slips(
    context: typer.Context,
    *,
    unit: Annotated[str | None, typer.Option("--unit", help="Only people of this unit.")] = None,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="One sheet per unit to sign on, instead of a slip each.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were printed before.")] = False,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Print the mails of people without an address, as slips or as one sheet per unit; by HR.

    What is printed is marked and comes again only with --again. A signature on paper is recorded with
    `appraise act deliver`.
    """
    from services import mail_slips

    shared = session(context)
    found = mail_slips.slips(
        shared.uow,
        actor=shared.actor(as_, reason),
        now=shared.now(),
        base_url=shared.settings.base_url,
        unit=unit,
        again=again,
    )
    if json:
        print_json(found)
    elif not found:
        say("Nothing waits to be printed.")
    elif sheet:
        _sheets(found)
    else:
        for slip in found:
            say("-" * 72, f"{slip.unit}: {slip.name} ({slip.number})", "", slip.subject, "", slip.text, "")


def _sheets(found: Any) -> None:
    units: dict[str, list[Any]] = {}
    for slip in found:
        units.setdefault(slip.unit, []).append(slip)
    for unit, slips_ in units.items():
        rows = [(slip.number, slip.name, slip.subject, slip.mail, "_" * 12, "_" * 20) for slip in slips_]
        print_table(unit, ("Number", "Name", "What", "Mail", "Day", "Signature"), rows)


@group.command("pause", epilog="Example: appraise mail pause")
def pause(context: typer.Context, json: JsonOption = False) -> None:
    """Mail nobody until told otherwise; what is owed waits in the database.

    Whoever can run this can read the database file, so it asks for no right; the act is recorded.
    """
    from services import sending

    shared = session(context)
    changed = sending.pause(shared.uow, now=shared.now())
    if json:
        print_json({"paused": True, "changed": changed})
        return
    say("Sending is paused." if changed else "Sending was paused already.", "Resume it with `appraise mail resume`.")


@group.command("resume", epilog="Example: appraise mail resume")
def resume(context: typer.Context, json: JsonOption = False) -> None:
    """Mail people again, also from a restored copy: run it only when no other copy sends for this organisation."""
    from services import sending

    shared = session(context)
    changed = sending.resume(shared.uow, now=shared.now())
    if json:
        print_json({"paused": False, "changed": changed})
        return
    say("Sending is resumed; what has waited goes out now." if changed else "Sending was not paused.")


group.add_typer(mail_settings.group)
