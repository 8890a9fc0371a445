"""`appraise token`: who may act as whom, outside demonstration and practice data."""

from typing import Annotated

import typer

from cli.output import JsonOption, print_json, say
from cli.session import session

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, epilog="Example: appraise token new 1007 --days 90")

NumberArgument = Annotated[str, typer.Argument(metavar="EMPLOYEE", help="The person's employee number.")]


@group.command(epilog="Example: appraise token new 1007 --days 90")
def new(
    context: typer.Context,
    number: NumberArgument,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How many days it is valid.")] = 90,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it is limited to, for the API: read, moves, findings, ...; repeat it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for a person and show it once; commands take it from APPRAISE_TOKEN or APPRAISE_TOKEN_FILE.

    Whoever can run this can read the database file, so it asks for no right; the act is recorded.
    """
    from services import tokens

    shared = session(context)
    secret = tokens.new(shared.uow, now=shared.now(), number=number, days=days, scopes=scope or ())
    if as_json:
        print_json({"number": number, "token": secret})
    else:
        say(secret)


@group.command(epilog="Example: appraise token revoke 1007")
def revoke(context: typer.Context, number: NumberArgument, as_json: JsonOption = False) -> None:
    """End every token of a person."""
    from services import tokens

    shared = session(context)
    ended = tokens.revoke(shared.uow, now=shared.now(), number=number)
    if as_json:
        print_json({"number": number, "ended": ended})
    else:
        say(f"Tokens of {number} that are ended: {ended}.")
