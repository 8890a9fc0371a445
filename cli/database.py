"""`appraise db`: make the database or bring it to this program's version, check it, back it up, restore it."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import JsonOption, complain, plain, print_json, say
from cli.session import session
from services.errors import AppraiseError, Environment

if TYPE_CHECKING:
    from services.verification import Report

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
        complain(
            f"The database differs from what it must be in {number}; `appraise db upgrade` puts triggers back, "
            "anything else needs a backup."
        )
        raise typer.Exit(1)
    if not as_json:
        say("Tables, CHECKs and triggers are as they must be.")


@group.command(epilog="Example: appraise db backup --to /backups/2026-04-01.sqlite3")
def backup(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The new file; one that is there is not touched.")],
    as_json: JsonOption = False,
) -> None:
    """Write the database into one file while work goes on, check the copy and verify its audit.

    SQLite is copied by its own backup; PostgreSQL by pg_dump, as the role of APPRAISE_DATABASE_OWNER_URL.
    """
    from config.backups import back_up, key_words

    settings = session(context).settings
    done = back_up(settings, to)
    if as_json:
        key = {"audit_key_file": str(settings.audit_key_file), "audit_key_copy": settings.audit_key_copy}
        print_json({**plain(done), "path": str(done.path), **key})
    else:
        say(
            f"{done.path}: the database at {done.schema}, {done.size} bytes, whole.",
            _audited(done.audit),
            key_words(settings),
        )
    _demand_clean(done.audit, "The backup is kept")


@group.command(epilog="Example: appraise --dir ./restored db restore --from /backups/2026-04-01.sqlite3")
def restore(
    context: typer.Context,
    from_: Annotated[Path, typer.Option("--from", metavar="FILE", help="A file that `appraise db backup` wrote.")],
    as_json: JsonOption = False,
) -> None:
    """Make the database from a backup, where there is none yet; the audit key must be there already.

    The copy mails nobody before `appraise mail resume`, so that it does not write to people beside the real one.
    """
    from config.backups import key_words
    from config.backups import restore as restore_copy

    settings = session(context).settings
    done = restore_copy(settings, from_, now=dt.datetime.now(dt.UTC))
    if as_json:
        print_json({**plain(done), "sending_paused": True})
    else:
        moved = "" if done.before == done.schema else f", brought from {done.before}"
        say(
            f"The database is restored from {from_} and stands at {done.schema}{moved}.",
            _audited(done.audit),
            "This copy mails nobody until you run `appraise mail resume`; do so only when no other one sends.",
            key_words(settings),
        )
    _demand_clean(done.audit, "The copy is restored")


def _audited(report: "Report") -> str:
    found = "nothing was changed" if not report.count else f"faults: {report.count}"
    return f"Its audit: {report.events} events, {report.moves} moves and {report.rows} rows verified; {found}."


def _demand_clean(report: "Report", done: str) -> None:
    if report.missing_keys:
        raise Environment(
            f"{done}, but its audit needs the key {', '.join(report.missing_keys)}, which is not at hand; put it back "
            "where APPRAISE_AUDIT_KEY_FILE says.",
            "missing-key",
        )
    if report.first is not None:
        raise AppraiseError(f"{done}, but its audit found faults; the first is {report.first}", "fault")
