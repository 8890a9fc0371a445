"""`appraise org`: an empty spreadsheet to begin with, its import, and who is who."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.asking import agreed
from cli.output import AsOption, JsonOption, ReasonOption, print_json, print_table, say, words
from cli.parsing import day_of, pairs
from cli.session import Session, session
from cli.sources import bytes_of
from services.actors import SYSTEM, Actor
from services.errors import Environment, Malformed

if TYPE_CHECKING:
    from services.organisation_import import Preview

group = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, epilog="Example: appraise org template --to organisation.xlsx"
)


@group.command(epilog="Example: appraise org template --sample --to organisation.xlsx")
def template(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The xlsx file to write; never overwritten.")],
    sample: Annotated[bool, typer.Option("--sample", help="The office that ships, with all its people.")] = False,
) -> None:
    """Write a spreadsheet to fill in: empty with explanations, or the sample office."""
    from catalog.shelf import Kind, content, names
    from services.organisation_template import template as empty

    shipped = names(Kind.ORGANISATION)
    if sample and not shipped:
        raise Environment("The sample organisation was not installed; install Appraise again.", "no-sample")
    data = content(Kind.ORGANISATION, shipped[0]) if sample else empty()
    try:
        with to.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise Malformed(f"{to} is there already and is not overwritten; name another file.", "exists") from error
    except OSError as error:
        raise Environment(f"{to} cannot be written ({error.strerror}); name another place.", "unwritable") from error
    say(f"{to} is written; fill it in and run `appraise org import {to}`.")


@group.command("import", epilog="Example: appraise org import people.csv --as 1007")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="xlsx, or CSV in UTF-8, UTF-16 or GB18030.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Write what is new and changed without asking.")] = False,
    leavers: Annotated[
        bool, typer.Option("--leavers", help="Take everybody who is absent from the file for a leaver, as of today.")
    ] = False,
    leaver: Annotated[
        list[str] | None, typer.Option("--leaver", metavar="EMPLOYEE=DAY", help="Who left, and the last day.")
    ] = None,
    end_absent: Annotated[
        bool, typer.Option("--end-absent", help="End assignments, grants and the like that the file no longer has.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_number: AsOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import people, posts and reporting lines: say how the file was read, show what would change, ask, write.

    Nobody leaves because a file lacks him: that is asked for each, or said with --leaver or --leavers. The first
    import needs no right; later ones are HR's or the operator's.
    """
    from services.organisation_import import ImportRefused, apply, preview

    data = bytes_of(file)
    gone = {
        number: day_of(day, "--leaver") for number, day in pairs(leaver or [], "--leaver", "1009=2026-03-15").items()
    }
    shared = session(context)
    actor, now = _importer(shared, as_number, reason), shared.now()
    looked = preview(shared.uow, actor=actor, now=now, data=data, where=str(file))
    if looked.errors:
        raise ImportRefused(str(file), looked.problems)
    if not as_json:
        _show_preview(file, looked)
    if dry_run:
        if as_json:
            print_json(_as_json(looked))
        return
    if looked.absent and yes and not leavers:
        staying = [number for number, _ in looked.absent if number not in gone]
        if staying and not as_json:
            say(f"Not in the file, and they stay: {', '.join(staying)}. Who left is said with --leaver or --leavers.")
    left: dict[str, dt.date | None] = {**gone}
    for number, name in looked.absent:
        if number not in left and (leavers or (not yes and not as_json and _left(number, name))):
            left[number] = None
    changes = [change for change in looked.changes if change.kind != "absent"]
    if not (changes or left or end_absent or as_json):
        return
    if (changes or left) and not yes and not agreed(f"Write this into {shared.settings.data_dir}?", json=as_json):
        say("Nothing was written.")
        return
    done = apply(
        shared.uow,
        actor=actor,
        now=now,
        data=data,
        where=str(file),
        leavers=left,
        end_absent=end_absent,
        expected=looked.digest,
    )
    if as_json:
        print_json(done)
    else:
        said = f" Taken for leavers: {', '.join(done.left)}." if done.left else ""
        say(f"Written: rows that are new {done.new}, changed {done.changed}.{said}")


@group.command(epilog="Example: appraise org show --unit office --as 1007")
def show(
    context: typer.Context,
    unit: Annotated[str | None, typer.Option("--unit", help="Only this unit and those below it.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="One person, by employee number.")] = None,
    as_number: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the organisation and who is in which post, or one person."""
    from services.directory import directory, entry

    shared = session(context)
    actor, now = shared.actor(as_number), shared.now()
    if person is not None:
        found = entry(shared.uow, actor=actor, now=now, number=person)
        if as_json:
            print_json(found)
        else:
            _show_person(found)
        return
    whole = directory(shared.uow, actor=actor, now=now, unit=unit)
    if as_json:
        print_json(whole)
        return
    about = whole.organisation
    say(f"{about['name']} ({about['kind']}), {about['zone']}, working calendar {about['calendar']}, on {whole.day}")
    _table("Units", whole.units)
    if unit is None:
        _table("Posts", [{**post, "aliases": "; ".join(post["aliases"])} for post in whole.posts])
    headings = ("number", "name", "post", "unit", "manager", "in charge", "kind")
    places = [[getattr(place, name.replace(" ", "_")) for name in headings] for place in whole.places]
    print_table("People", headings, places)


def _importer(shared: Session, as_number: str | None, reason: str | None) -> Actor:
    from services import naming

    with shared.uow.read() as tx:
        begun = tx.first(naming.ANY_ORGANISATION) is not None
    return shared.actor(as_number, reason) if begun else SYSTEM


def _left(number: str, name: str) -> bool:
    return agreed(f"{number} {name} is not in the file. Left?")


_FIRST = 5
"""So many of the new people are named: enough to see whether the encoding was the right one."""


def _show_preview(file: Path, looked: "Preview") -> None:
    say(f"{file} was read as {looked.took}.")
    say(*(f"warning: {problem}" for problem in looked.problems))
    new = Counter(change.sheet for change in looked.changes if change.kind == "new")
    say(*(f"new {sheet}: {count}" for sheet, count in new.items()))
    people = [one for one in looked.changes if (one.kind, one.sheet) == ("new", "people") and one.after]
    if people:
        first = ", ".join(f"{one.key[0]} {one.after['name']}" for one in people[:_FIRST] if one.after)
        say(f"Look at the names: {first}{' ...' if len(people) > _FIRST else ''}")
    say(*(str(change) for change in looked.changes if change.kind != "new"))
    if not looked.changes:
        say("Nothing would change.")


def _as_json(looked: "Preview") -> dict[str, Any]:
    return {
        "took": looked.took,
        "changes": [str(change) for change in looked.changes],
        "problems": [str(problem) for problem in looked.problems],
        "absent": [number for number, _ in looked.absent],
    }


def _show_person(found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, list):
            _table(name.capitalize(), value)
        elif value is not None:
            say(f"{name}: {words(value)}")


def _table(title: str, rows: Any) -> None:
    shown = [*rows]
    if shown:
        print_table(title, [*shown[0]], [[*row.values()] for row in shown])
