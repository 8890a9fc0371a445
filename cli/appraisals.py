"""`appraise work|show|act|explain`: what a person owes, one appraisal laid open, moved, and its total line by line."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from catalog.glossary import Language, term
from cli.commands import new_group
from cli.finding_table import print_findings
from cli.output import AsOption, JsonOption, ReasonOption, RequestOption, heading, plain, print_json, print_table, say
from cli.parsing import figure_of, lines_of, pairs
from cli.session import Session, session
from services.actors import Actor
from services.errors import Malformed, Refused

commands = new_group()

AppraisalArgument = Annotated[
    str, typer.Argument(metavar="APPRAISAL", help="CYCLE/EMPLOYEE, such as 2026Q1/1007, with @POST where several.")
]


@commands.command("work", epilog="Example: appraise work --as 1004")
def work(context: typer.Context, as_: AsOption = None, reason: ReasonOption = None, json: JsonOption = False) -> None:
    """List what a person owes, the most urgent first: days left, what he can do, what stands in the way."""
    from services import desk

    shared = session(context)
    owed = desk.work(shared.uow, actor=shared.actor(as_, reason), now=shared.now())
    if json:
        print_json(owed)
        return
    if not owed:
        say("Nothing waits for you.")
        return
    language = shared.language
    print_table(
        "",
        heading(language, "work-item", "appraisal", "appraisee", "stage", "deadline", "time-left", "possible"),
        [
            (
                item.item,
                item.appraisal,
                item.person,
                item.wording[language] + (f" ({term('delegate', language)})" if item.on_behalf_of else ""),
                shared.local(item.due_at),
                _left(item.working_days_left, language),
                _possible(item.actions, language),
            )
            for item in owed
        ],
    )
    for item in owed:
        for action in item.actions:
            if action["blocked"]:
                say(f"{item.appraisal} {action['action']}: {action['blocked']}")


def _left(days: int | None, language: Language) -> str:
    if days is None:
        return ""
    if days == 0:
        return term("due-today", language)
    counted = f"{abs(days)} {term('working-day', language, count=abs(days))}"
    return f"{counted} {term('late', language)}" if days < 0 else counted


def _possible(actions: Sequence[Mapping[str, Any]], language: str) -> str:
    return ", ".join(f"{action['action']} ({action['label'][language]})" for action in actions if not action["blocked"])


@commands.command("show", epilog="Example: appraise show 2026Q1/1009 --as 1009")
def show(
    context: typer.Context,
    *,
    appraisal: AppraisalArgument,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Show one appraisal as far as you may see it: stage, holders, score, findings, replies, history."""
    from services import desk, finding_places

    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    shown = desk.show(shared.uow, actor=actor, now=now, appraisal=appraisal)
    findings = finding_places.of_appraisal(shared.uow, actor=actor, now=now, appraisal=appraisal)
    if json:
        print_json({**plain(shown), "findings": [{**plain(one), "code": one.code} for one in findings]})
        return
    language = shared.language
    due = f", {term('deadline', language)} {shared.local(shown.due_at)}" if shown.due_at is not None else ""
    say(f"{shown.appraisal}  {shown.person}")
    outcome = f" ({heading(language, shown.outcome)[0].lower()})" if shown.outcome else ""
    say(f"{shown.wording[language]}{outcome}{due}; round {shown.round}, version {shown.version}")
    if shown.override_reason:
        say(f"The rubric counts by an override: {shown.override_reason}")
    say(*(f"  {heading(language, role)[0]}: {people}" for role, people in shown.holders.items()))
    say(*(_stands_in(one, language) for one in shown.delegations))
    if shown.total is not None:
        grade = f", {heading(language, 'grade')[0].lower()} {shown.grade}" if shown.grade else ""
        say("", f"{heading(language, 'total')[0]}: {shown.total}{grade}")
    _items(shown, language)
    if findings:
        say("")
        print_findings(shared, findings)
    _history(shared, shown)
    if shown.actions:
        say("", f"{heading(language, 'you-can')[0]}: {_possible(shown.actions, language) or 'nothing yet'}")
        say(*(f"  {action['action']}: {action['blocked']}" for action in shown.actions if action["blocked"]))


def _stands_in(one: Mapping[str, Any], language: Language) -> str:
    role = f", {term(one['role'], language)}" if one["role"] else ""
    word = heading(language, "delegate")[0]
    return f"  {word}: {one['delegate']} <- {one['holder']}{role}, {one['from']} - {one['to']}"


def _items(shown: Any, language: str) -> None:
    names = ("points", "recorded", "counted", "reward", "score")
    columns: tuple[str, ...] = heading(language, "item", *names)
    if shown.self_scores:
        columns = (*columns, "Own")
    if shown.items:
        rows = [
            (item["id"], *(item[name] for name in names), shown.self_scores.get(item["id"], "")) for item in shown.items
        ]
        print_table("", columns, [row[: len(columns)] for row in rows])
    elif shown.self_scores:
        print_table("", (*heading(language, "item"), "Own"), shown.self_scores.items())


def _history(shared: Session, shown: Any) -> None:
    if not shown.history:
        return
    say("", heading(shared.language, "history")[0])
    for step in shown.history:
        by = f"{step.by} " if step.by else ""
        typed = f" (entered by {step.typed_by}: {step.proxy_reason or ''})" if step.typed_by else ""
        seen = f" (witness: {step.witness})" if step.witness else ""
        said = f": {step.comment}" if step.comment else ""
        done = step.done.get(shared.language, step.action)
        say(f"  {step.seq}. {shared.local(step.at)} {by}{done}{typed}{seen}{said}")


@commands.command(
    "act", epilog='Example: appraise act 2026Q1/1009 object --line F12 --comment "the day is wrong" --as 1009'
)
def act(
    context: typer.Context,
    *,
    words: Annotated[
        list[str], typer.Argument(metavar="APPRAISAL... ACTION", help="One or several appraisals, then the action.")
    ],
    many: Annotated[
        str | None, typer.Option("--many", metavar="A,B,C", help="Appraisals for one action, separated by commas.")
    ] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Your words: a reason, the own statement.")] = None,
    witness: Annotated[str | None, typer.Option("--witness", help="Who saw the refusal, or how it was delivered.")] = (
        None
    ),
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="LINE[=DECISION]", help="F1042, F1042=keep, =strike or =AMOUNT; repeat it."),
    ] = None,
    rating: Annotated[
        list[str] | None,
        typer.Option("--rating", metavar="ITEM=POINTS", help="Your own score of an item; it does not count."),
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="The version you looked at; another is a conflict.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    request: RequestOption = None,
    json: JsonOption = False,
) -> None:
    """Move an appraisal by an action, such as state, submit, return, approve, accept or object.

    `appraise work` and `appraise show` list what is possible now. Several appraisals move in one step; what a rule
    refuses is set aside, named, and ends in exit code 3.
    """
    from services import appraisals
    from services.appraisals import Words

    *named, action = words
    named += [part.strip() for part in (many or "").split(",") if part.strip()]
    if not named:
        raise Malformed("Name an appraisal before the action: appraise act 2026Q1/1007 submit.", "no-appraisal")
    shared = session(context)
    actor, now = shared.actor(as_, reason), shared.now()
    if len(named) == 1:
        ratings = {item: figure_of(points, f"--rating {item}") for item, points in _ratings(rating)}
        moved = appraisals.act(
            shared.asked(request),
            actor=actor,
            now=now,
            appraisal=named[0],
            action=action,
            words=Words(comment, witness, lines_of(line or []), ratings),
            version=version,
        )
        if json:
            print_json(moved)
        else:
            say(_moved(shared, moved, judged=_may_read(shared, actor, moved.code)))
        return
    if line or rating or witness or version is not None:
        raise Malformed("Lines, ratings, a witness and a version belong to one appraisal; move it alone.", "only-one")
    batch = appraisals.act_many(
        shared.asked(request), actor=actor, now=now, appraisals=named, action=action, comment=comment
    )
    if json:
        print_json({"moved": batch.moved, "aside": [{"appraisal": code, "why": why} for code, why in batch.aside]})
    else:
        say(*(_moved(shared, moved, judged=False) for moved in batch.moved))
        say(*(f"{code} is set aside: {why}" for code, why in batch.aside))
    if batch.aside:
        raise Refused(f"{len(batch.moved)} moved, {len(batch.aside)} set aside.", "set-aside")


def _ratings(values: Sequence[str] | None) -> list[tuple[str, str]]:
    return list(pairs(values or [], "--rating", "D1=9").items())


def _may_read(shared: Session, actor: Any, code: str) -> bool:
    """Tell whether the total that a move comes to is the actor's to read."""
    from services import desk
    from services.errors import AppraiseError

    try:
        desk.explain(shared.uow, actor=actor, now=shared.now(), appraisal=code)
    except AppraiseError:
        return False
    return True


def _moved(shared: Session, moved: Any, *, judged: bool) -> str:
    total = f", {heading(shared.language, 'total')[0].lower()} {plain(moved.total)}" if judged and moved.total else ""
    stages = heading(shared.language, moved.from_stage, moved.to_stage)
    way = stages[0] if stages[0] == stages[1] else f"{stages[0]} -> {stages[1]}"
    return f"{moved.code} {moved.action}: {way}, version {moved.version}{total}"


@commands.command("explain", epilog="Example: appraise explain 2026Q1/1009 --language zh --as 1009")
def explain(
    context: typer.Context,
    *,
    appraisal: AppraisalArgument,
    person: Annotated[
        bool, typer.Option("--person", help="The person's result of the cycle: the mean of all his posts.")
    ] = False,
    language: Annotated[
        Literal["en", "zh"] | None, typer.Option("--language", help="en or zh; by default APPRAISE_LANGUAGE.")
    ] = None,
    as_: AsOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Explain a total line by line; it can be worked out again from these lines alone."""
    from services import desk

    shared = session(context)
    actor, words = shared.actor(as_, reason), language or shared.language
    if person:
        _explain_person(shared, actor, appraisal, words, json=json)
        return
    score, lines = desk.explain(shared.uow, actor=actor, now=shared.now(), appraisal=appraisal, language=words)
    if json:
        print_json({**score, "lines": lines})
        return
    say(*lines)


def _explain_person(shared: Session, actor: Actor, code: str, language: Literal["en", "zh"], *, json: bool) -> None:
    from services import naming
    from services.person_explained import explain_person

    cycle, number, _ = naming.appraisal_code(code)
    lines = explain_person(shared.uow, actor=actor, now=shared.now(), cycle=cycle, number=number, language=language)
    if json:
        print_json({"cycle": cycle, "number": number, "lines": lines})
        return
    say(*lines)
