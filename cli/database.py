"""`appraise db`: make the database or bring it to this program's version, and compare it with what it must be."""

import sys

import typer

from cli.output import JsonOption, print_json, say
from cli.session import session

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, epilog="Example: appraise db upgrade")


@group.command(epilog="Example: appraise --dir ./bank db upgrade")
def upgrade(context: typer.Context, as_json: JsonOption = False) -> None:
    """Make the database, or bring it to this program's version, and make the audit key; a second time changes nothing.

    On PostgreSQL it works as the role of APPRAISE_DATABASE_OWNER_URL. Make a backup before you upgrade.
    """
    from config.upgrading import database_file, upgrade_database
    from config.wiring import wire

    shared = session(context)
    key = shared.settings.audit_key_file
    had_key = key.exists()
    done = upgrade_database(shared.settings)
    # Opening makes the key where nothing was signed with another.
    wire(shared.settings, make_key=True).close()
    made_key = key.exists() and not had_key
    if as_json:
        print_json({"before": done.before, "after": done.after, "made_key": made_key, "key_file": str(key)})
        return
    place = database_file(shared.settings.database_url) or "on the server"
    if done.before == done.after:
        say(f"The database {place} already stands at {done.after}; nothing changed.")
    elif done.before is None:
        say(f"The database {place} is made and stands at {done.after}.")
    else:
        say(f"The database {place} is brought from {done.before} to {done.after}.")
    if made_key:
        say(
            f"The audit key is made: {key}.",
            "Keep a copy of it apart from the database and say where in APPRAISE_AUDIT_KEY_COPY: without the key "
            "nobody can verify what was recorded.",
        )


@group.command(epilog="Example: appraise db check")
def check(context: typer.Context, as_json: JsonOption = False) -> None:
    """Compare tables, CHECKs and triggers with what this program works with; ends with 1 when something differs."""
    from config.upgrading import differences

    found = differences(session(context).settings)
    if as_json:
        print_json({"differences": found})
    else:
        say(*found)
    if found:
        number = "one place" if len(found) == 1 else f"{len(found)} places"
        print(
            f"The database differs from what it must be in {number}; `appraise db upgrade` puts triggers back, "
            "anything else needs a backup.",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    if not as_json:
        say("Tables, CHECKs and triggers are as they must be.")
