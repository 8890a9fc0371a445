"""`appraise rubric`: check, publish and list rubrics, and score a ledger of a file without any database."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from catalog.shelf import Kind, names
from cli.output import AsOption, JsonOption, ReasonOption, complain, heading, plain, print_json, print_table, say
from cli.parsing import optional_day
from cli.session import session
from cli.sources import definition, json_of
from cli.speaking import spoken
from services.errors import Malformed, NotFound

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, epilog="Example: appraise rubric check bank-office")

SourceArgument = Annotated[
    str, typer.Argument(metavar="FILE|NAME", help="A TOML file, or the name of a rubric that ships, as bank-office.")
]
PostOption = Annotated[str, typer.Option("--post", help="The id of the post, such as deputy-security.")]
LedgerOption = Annotated[
    Path, typer.Option("--ledger", help="The ledger, a JSON file; `appraise rubric schema --ledger` describes it.")
]
DayOption = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="The day to score at; by default the period's last.")
]
LanguageOption = Annotated[
    Literal["en", "zh"] | None, typer.Option("--language", help="en or zh; by default APPRAISE_LANGUAGE.")
]


@group.command(epilog="Example: appraise rubric check bank-office --period-from 2026-01-01")
def check(
    rubric: SourceArgument,
    period_from: Annotated[
        str | None,
        typer.Option("--period-from", metavar="DATE", help="The first day of a period: may the rubric judge it?"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what is wrong or odd in a rubric; ends with 1 when there is an error, with 0 for warnings alone.

    Every code is explained by an example in docs/reference/rubric-problems.md.
    """
    from scoring.check import check as problems_of
    from scoring.rubric import load_rubric

    source = definition(Kind.RUBRIC, rubric)
    loaded = load_rubric(source.text, where=source.where)
    problems = problems_of(loaded, period_from=optional_day(period_from, "--period-from"))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if as_json:
        print_json({"rubric": loaded.id, "digest": loaded.digest, "problems": problems})
    else:
        say(*(f"{spoken(problem.severity)} {problem.code} at {spoken(str(problem))}" for problem in problems))
        say(f"{source.where}: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}.")
    if errors:
        complain(f"{source.where} has {_counted(errors, 'error')}; mend what is listed.")
        raise typer.Exit(1)


@group.command(epilog="Example: appraise rubric show bank-office-completed --post director")
def show(
    context: typer.Context,
    rubric: SourceArgument,
    *,
    post: Annotated[str | None, typer.Option("--post", help="Only this post, by its id.")] = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the posts of a rubric with their ids, and the items and rules of each: what `finding add` can name."""
    from scoring.errors import UnknownName
    from scoring.rubric import load_rubric

    source = definition(Kind.RUBRIC, rubric)
    loaded = load_rubric(source.text, where=source.where)
    try:
        posts = loaded.posts if post is None else (loaded.post(post),)
    except UnknownName as error:
        raise NotFound(str(error), error.code) from error
    if as_json:
        print_json([one.model_dump() for one in posts])
        return
    spoken = language or session(context).settings.language
    columns = (*heading(spoken, "item", "rule", "points"), "")
    for one in posts:
        rows: list[tuple[Any, ...]] = []
        for item in one.items:
            rows.append((item.id, "", item.points, getattr(item.title, spoken)))
            rows.extend(("", rule.id, _worth(rule), getattr(rule.trigger, spoken)) for rule in item.rules)
        print_table(f"{one.id}: {getattr(one.name, spoken)}", columns, rows)


def _worth(rule: Any) -> str:
    sign = "+" if rule.award else "-"
    if rule.kind == "range":
        return f"{sign}{plain(rule.min)} … {sign}{plain(rule.max)}"
    per = rule.unit or (rule.duty and rule.duty.per)
    return f"{sign}{plain(rule.amount)}{f' / {per}' if per else ''}"


@group.command(epilog="Example: appraise rubric schema --ledger > ledger.schema.json")
def schema(
    ledger: Annotated[bool, typer.Option("--ledger", help="The schema of a ledger instead.")] = False,
) -> None:
    """Print the JSON Schema of a rubric, or of the ledger that `rubric score` reads."""
    from scoring.schema import ledger_schema, rubric_schema

    print_json(ledger_schema() if ledger else rubric_schema())


@group.command(epilog="Example: appraise rubric publish bank-office-completed --as 1007")
def publish(
    context: typer.Context,
    rubric: SourceArgument,
    as_number: AsOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a rubric as its next version. The same content again is the same version; errors of the check refuse."""
    from services.definitions import publish_rubric

    source = definition(Kind.RUBRIC, rubric)
    shared = session(context)
    actor = shared.actor(as_number, reason)
    done = publish_rubric(shared.uow, actor=actor, now=shared.now(), text=source.text, where=source.where)
    if as_json:
        print_json(done)
        return
    say(*(f"{spoken(problem.severity)} {problem.code} at {spoken(str(problem))}" for problem in done.problems))
    state = "is published as" if done.new else "was already published as"
    say(f"The rubric {done.name} {state} version {done.version}; its check number begins with {done.digest[:12]}.")


@group.command("list", epilog="Example: appraise rubric list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the published rubrics with their versions, and what ships and can be published."""
    from services.definitions import list_definitions

    print_definitions(list_definitions(session(context).uow, "rubric"), Kind.RUBRIC, as_json=as_json)


@group.command(epilog="Example: appraise rubric score bank-office --post director --ledger ledger.json --json")
def score(
    context: typer.Context,
    rubric: SourceArgument,
    *,
    post: PostOption,
    ledger: LedgerOption,
    as_of: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a ledger without any database: total, items, warnings and every step that led there."""
    found = _scored(rubric, post, ledger, as_of).to_json()
    if as_json:
        print_json(found)
    else:
        _show(found, session(context).settings.language)


@group.command(epilog="Example: appraise rubric explain bank-office --post director --ledger ledger.json")
def explain(
    context: typer.Context,
    rubric: SourceArgument,
    *,
    post: PostOption,
    ledger: LedgerOption,
    as_of: DayOption = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a score in plain sentences; the total can be worked out again from these lines alone."""
    from scoring.explain import explain as sentences_of

    sentences = sentences_of(_scored(rubric, post, ledger, as_of), language or session(context).settings.language)
    if as_json:
        print_json(sentences)
    else:
        say(*sentences)


def print_definitions(rows: Any, kind: Kind, *, as_json: bool) -> None:
    """Print published definitions of a kind, and the names of those that ship."""
    shipped = names(kind)
    columns = ("name", "version", "digest", "published_at", "adopted", "announced")
    published = [{column: getattr(row, column) for column in columns} for row in rows]
    if as_json:
        print_json({"published": published, "ships": shipped})
        return
    word = kind.name.lower()
    if published:
        shown = [[*row.values()] for row in published]
        for row in shown:
            row[2] = row[2][:12]
        print_table(
            f"Published {word}s", ("name", "version", "check number", "published", "adopted", "announced"), shown
        )
    else:
        say(f"No {word} is published yet.")
    say(f"Ships with Appraise, for `appraise {word} publish NAME`: {', '.join(shipped)}.")


def _scored(rubric: str, post: str, ledger: Path, as_of: str | None) -> Any:
    from scoring.errors import UnknownName
    from scoring.ledger_json import ledger_from_json
    from scoring.rubric import load_rubric
    from scoring.score import score as score_of
    from services.errors import Refused
    from services.public_calendar import working_days

    source = definition(Kind.RUBRIC, rubric)
    loaded = load_rubric(source.text, where=source.where)
    try:
        loaded.post(post)
    except UnknownName as error:
        raise NotFound(str(error), error.code) from error

    def days(first: dt.date, last: dt.date, calendar: str | None) -> frozenset[dt.date]:
        try:
            return working_days(calendar or loaded.settings.calendar, first, last)
        except Refused as error:
            raise Malformed(f"{ledger}: {error}", error.code) from error

    read = ledger_from_json(json_of(ledger), working_days=days, where=str(ledger))
    return score_of(loaded, post, read, optional_day(as_of, "--as-of"))


def _show(found: Mapping[str, Any], language: Literal["en", "zh"]) -> None:
    from catalog.glossary import term

    columns = ("item", "points", "recorded", "counted", "reward", "score")
    rows = [[*item.values()] for item in plain(found["items"])]
    print_table(
        found["post"], [term(column, language, count=2 if column == "points" else 1) for column in columns], rows
    )
    grade = "" if found["grade"] is None else f", {term('grade', language)} {found['grade']}"
    say(f"{term('total', language)}: {found['total']} / {found['max']}{grade}")
    say(*(f"{term('warning', language)} {each['code']} {each['where']}: {each['text']}" for each in found["warnings"]))


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
