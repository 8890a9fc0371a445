"""`appraise person settings`: what follows when people move, act, are away, leave, or have no address."""

from typing import Annotated, Any

import typer

from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, print_json, print_table
from cli.session import session

group = new_group()


@group.command("settings", epilog="Example: appraise person settings --returned stay --minimum-days 20 --as 1007")
def settings(
    context: typer.Context,
    *,
    minimum_days: Annotated[
        int | None, typer.Option("--minimum-days", help="Working days in a post below which nothing is rated.")
    ] = None,
    away_percent: Annotated[
        int | None, typer.Option("--away-percent", help="Percent of the days held that may be spent away, 1 to 99.")
    ] = None,
    moved: Annotated[
        str | None, typer.Option("--moved", help="What who moves judged by his old post: pass-on or keep.")
    ] = None,
    acting: Annotated[
        str | None, typer.Option("--acting", help="What the holder judges when another acts: pass-on or keep.")
    ] = None,
    returned: Annotated[
        str | None, typer.Option("--returned", help="What is open when who was away is back: come-back or stay.")
    ] = None,
    leavers: Annotated[
        str | None, typer.Option("--leavers", help="Who leaves before the period ends: rated or not-rated.")
    ] = None,
    no_address: Annotated[
        str | None, typer.Option("--no-address", help="People without an e-mail address: warn or stop the opening.")
    ] = None,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show or change what follows from changes of people; by HR or an operator. What has been done already stays."""
    from services import life_settings

    given: dict[str, Any] = {
        "minimum-working-days": minimum_days,
        "away-percent": away_percent,
        "moved": moved,
        "acting": acting,
        "returned": returned,
        "leavers": leavers,
        "no-address": no_address,
    }
    shared = session(context)
    found = life_settings.set_life_settings(
        shared.uow,
        actor=shared.actor(as_, proxy_reason),
        now=shared.now(),
        changes={name: value for name, value in given.items() if value is not None},
    ).to_json()
    if json:
        print_json(found)
        return
    rows = [(name, str(value), life_settings.TABLE[name].text) for name, value in found.items()]
    print_table("", ("Setting", "Value", "What it is for"), rows)
