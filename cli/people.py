"""`appraise person changed`: moved, acting, absent, left, died - one act each, with what follows and a preview."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import life_settings
from cli.commands import new_group
from cli.output import AsOption, JsonOption, ProxyReasonOption, print_json, print_table, say
from cli.parsing import day_of, optional_day
from cli.session import session
from cli.speaking import spoken
from services.errors import Malformed

group = new_group()


@group.callback()
def people() -> None:
    """People: moved, acting, absent, left, died, with what follows."""


@group.command(
    "changed",
    epilog="Example: appraise person changed 1009 moved --post clerical --unit office --from 2026-03-02 --dry-run "
    "--as 1007",
)
def changed(
    context: typer.Context,
    *,
    number: Annotated[str, typer.Argument(metavar="EMPLOYEE", help="The person's employee number.")],
    change: Annotated[str, typer.Argument(metavar="CHANGE", help="moved, acting, absent, left or died.")],
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="All but left and died: the first day.")
    ] = (None),
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="acting, absent: the last day.")] = None,
    day: Annotated[str | None, typer.Option("--on", metavar="DATE", help="left: the last day; died: the day.")] = None,
    post: Annotated[str | None, typer.Option("--post", help="moved: the new post; acting: the post acted in.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="moved, acting: the unit of that post.")] = None,
    leaves: Annotated[str | None, typer.Option("--leaves", help="moved: the post that ends, if not the main.")] = None,
    manager: Annotated[str | None, typer.Option("--manager", metavar="EMPLOYEE", help="moved: the manager.")] = None,
    in_charge: Annotated[
        str | None, typer.Option("--in-charge", metavar="EMPLOYEE", help="moved: who is in charge of the post.")
    ] = None,
    protected: Annotated[
        bool, typer.Option("--protected", help="absent: maternity, long sick leave; not rated and never late.")
    ] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="absent: for HR alone; died: on the form.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show everything that would follow.")] = False,
    as_: AsOption = None,
    proxy_reason: ProxyReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Record what changed for a person and do what follows: appraisals, work passed on, mails stopped.

    What lies ahead follows on its day. A leaver answers for the part served; a death stops everything at once.
    """
    from services import lives

    given = {
        "--from": first,
        "--until": until,
        "--on": day,
        "--post": post,
        "--unit": unit,
        "--leaves": leaves,
        "--manager": manager,
        "--in-charge": in_charge,
        "--protected": protected or None,
        "--reason": reason,
    }
    _demand(change, given)
    shared = session(context)
    actor, now = shared.actor(as_, proxy_reason), shared.now()
    about: dict[str, Any] = {"actor": actor, "now": now, "number": number, "preview": dry_run}
    match change:
        case "moved":
            about |= {"post": post, "unit": unit, "leaves": leaves, "manager": manager, "in_charge": in_charge}
            done = lives.moved(shared.uow, **about, first=day_of(first or "", "--from"))
        case "acting":
            about |= {"post": post, "unit": unit, "last": optional_day(until, "--until")}
            done = lives.acting(shared.uow, **about, first=day_of(first or "", "--from"))
        case "absent":
            about |= {"protected": protected, "reason": reason, "last": optional_day(until, "--until")}
            done = lives.absent(shared.uow, **about, first=day_of(first or "", "--from"))
        case "left":
            done = lives.left(shared.uow, **about, last=day_of(day or "", "--on"))
        case _:
            done = lives.died(shared.uow, **about, day=day_of(day or "", "--on"), reason=reason)
    if json:
        print_json(done)
        return
    _show(done)


_TAKES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "moved": (("--from", "--post", "--unit"), ("--leaves", "--manager", "--in-charge")),
    "acting": (("--from", "--post", "--unit"), ("--until",)),
    "absent": (("--from",), ("--until", "--protected", "--reason")),
    "left": (("--on",), ()),
    "died": (("--on",), ("--reason",)),
}
"""What each change needs, and what it may have besides."""


def _demand(change: str, given: Mapping[str, Any]) -> None:
    if change not in _TAKES:
        raise Malformed(f"There is no change {change!r}; there are {', '.join(_TAKES)}.", "unknown-change")
    needs, may = _TAKES[change]
    missing = [name for name in needs if given[name] is None]
    if missing:
        raise Malformed(f"{change} needs {' and '.join(missing)}.", "missing-option")
    strange = [name for name, value in given.items() if value is not None and name not in {*needs, *may}]
    if strange:
        raise Malformed(f"{change} has no {' or '.join(strange)}; leave it out.", "strange-option")


def _show(done: Any) -> None:
    say(f"{done.number} {done.change} ({done.day}){': nothing is written, this would follow' if done.preview else ''}.")
    say(*(f"  opened: {code}" for code in done.opened))
    say(*(f"  closed as not rated: {code}" for code in done.closed))
    say(*(f"  goes on: {code}" for code in done.goes_on))
    if done.passed:
        rows = [(one.appraisal, one.role, one.item, one.was, one.now, spoken(one.why)) for one in done.passed]
        print_table("Passed on", ("Appraisal", "Role", "Item", "From", "To", "Why"), rows)
    say(*(f"  nobody is left for {one}; name somebody with `appraise workitem reassign`" for one in done.stuck))
    if done.mails:
        say(f"  mails that {'would stop' if done.preview else 'stopped'}: {done.mails}")
    say(*(f"  {note}" for note in done.notes))


group.add_typer(life_settings.group)
