"""`appraise account`: who may log in to the pages; a password is set by a link that works once."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, heading, print_json, print_table, say
from cli.session import Session, session

if TYPE_CHECKING:
    from services.accounts import Invitation

group = new_group()

NumberArgument = Annotated[str, typer.Argument(metavar="PERSON", help="The person's employee number.")]


@group.command("first", epilog="Example: appraise account first 1007")
def first(context: typer.Context, number: NumberArgument, json: JsonOption = False) -> None:
    """Make the first account and print the link that sets its password; only while nobody can log in."""
    from services import accounts

    shared = session(context)
    _say(shared, accounts.first(shared.uow, now=shared.now(), number=number), json=json)


@group.command("invite", epilog="Example: appraise account invite 1009")
def invite(context: typer.Context, number: NumberArgument, json: JsonOption = False) -> None:
    """Give a person an account, or a disabled one back, and print the link that sets its password.

    Whoever can run this on the machine holds the database already, so it asks for no right; the act is recorded.
    """
    from services import accounts

    shared = session(context)
    _say(shared, accounts.invite(shared.uow, now=shared.now(), number=number), json=json)


@group.command("reset", epilog="Example: appraise account reset 1009")
def reset(context: typer.Context, number: NumberArgument, json: JsonOption = False) -> None:
    """Print a link with which a person sets a new password; the old one holds until the link is used."""
    from services import accounts

    shared = session(context)
    _say(shared, accounts.invite(shared.uow, now=shared.now(), number=number), json=json)


@group.command("disable", epilog="Example: appraise account disable 1009")
def disable(context: typer.Context, number: NumberArgument, json: JsonOption = False) -> None:
    """Let a person log in no more; his sessions end at once."""
    from services import accounts

    shared = session(context)
    ended = accounts.disable(shared.uow, now=shared.now(), number=number)
    if json:
        print_json({"number": number, "ended": ended})
        return
    say(f"{number} can log in no more; sessions that ended: {ended}.")


@group.command("list", epilog="Example: appraise account list")
def list_(context: typer.Context, as_: AsOption = None, json: JsonOption = False) -> None:
    """List who may log in, who was invited and set no password yet, and who is disabled."""
    from services import accounts
    from services.actors import SYSTEM

    shared = session(context)
    actor = SYSTEM if as_ is None else shared.actor(as_)
    found = accounts.listed(shared.uow, now=shared.now(), actor=actor)
    if json:
        print_json(found)
        return
    if not found:
        say("There is no account yet; make the first with `appraise account first PERSON`.")
        return
    columns = heading(shared.language, "employee-number", "name", "account")
    print_table("", columns, [(one.number, one.name, heading(shared.language, one.state)[0]) for one in found])


def _say(shared: Session, made: "Invitation", *, json: bool) -> None:
    if not shared.settings.password_login:
        # Nobody can set a password, so nobody is shown the link that would.
        if json:
            print_json({"number": made.number, "link": None, "expires_at": None})
        else:
            say(f"{made.number} has an account and logs in with {shared.settings.openid_called}.")
        return
    link = f"{shared.settings.base_url}/password/{made.secret}"
    if json:
        print_json({"number": made.number, "link": link, "expires_at": made.expires_at})
        return
    say(link, f"It sets the password of {made.number} once, until {shared.local(made.expires_at)}.")
