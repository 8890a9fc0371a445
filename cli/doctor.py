"""`appraise doctor`: what is in order, what is not, and what to do."""

import datetime as dt

import typer

from cli.output import JsonOption, complain, print_json, say
from cli.session import session
from cli.speaking import spoken

commands = typer.Typer(rich_markup_mode=None)


@commands.callback()
def _alone() -> None:
    """Keep the command's name although it is the only one here."""


@commands.command(epilog="Example: appraise --dir ./bank doctor")
def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """Check settings, database, guards, audit keys, definitions, clock, broker and mail, and say what to do.

    It changes nothing, and ends with 1 when something is at fault; a note stops nothing.
    """
    from config.doctor import examine, refused
    from config.doctor_answers import State
    from config.settings import SettingsError

    try:
        found = tuple(examine(session(context).settings, now=dt.datetime.now(dt.UTC)))
    except SettingsError as error:
        found = refused(error)
    faults = [one for one in found if one.state is State.FAULT]
    if as_json:
        print_json(found)
    else:
        for one in found:
            state, check = spoken(one.state), spoken(one.check)
            say(f"{state:<14}{check:<13}{spoken(one.says or one.looks_at)}")
            if one.mend:
                say(f"{'':<27}{spoken(one.mend)}")
    if faults:
        number = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        complain(f"The doctor found {number}: {', '.join(one.check for one in faults)}.")
        raise typer.Exit(1)
    if not as_json:
        say("Nothing is at fault.")
