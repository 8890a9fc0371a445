"""`appraise workflow`: prove, publish, list and draw workflow definitions."""

from typing import Annotated, Literal

import typer

from catalog.shelf import Kind
from cli.output import AsOption, JsonOption, ReasonOption, complain, print_json, say
from cli.session import session
from cli.sources import definition

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, epilog="Example: appraise workflow check quarterly")

SourceArgument = Annotated[
    str, typer.Argument(metavar="FILE|NAME", help="A TOML file, or the name of a workflow that ships, as quarterly.")
]


@group.command(epilog="Example: appraise workflow check quarterly")
def check(workflow: SourceArgument, as_json: JsonOption = False) -> None:
    """Prove a workflow: each fault comes with the shortest way that shows it; ends with 1 when there is one."""
    from workflow.definition import load_definition
    from workflow.verify import verify

    source = definition(Kind.WORKFLOW, workflow)
    loaded = load_definition(source.text, where=source.where)
    faults = verify(loaded)
    if as_json:
        print_json({"workflow": loaded.id, "digest": loaded.digest, "faults": faults})
    else:
        say(*map(str, faults))
    if faults:
        number = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        complain(f"{source.where} has {number} and cannot be published; mend what is listed.")
        raise typer.Exit(1)
    if not as_json:
        say(f"{source.where}: every proof holds for its {len(loaded.stages)} stages and {len(loaded.moves)} moves.")


@group.command(epilog="Example: appraise workflow schema > workflow.schema.json")
def schema() -> None:
    """Print the JSON Schema of a workflow definition."""
    from workflow.definition import workflow_schema

    print_json(workflow_schema())


@group.command(epilog="Example: appraise workflow publish quarterly --as 1007")
def publish(
    context: typer.Context,
    workflow: SourceArgument,
    as_number: AsOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a workflow as its next version; what a proof fails is refused with the way that shows it."""
    from services.definitions import publish_workflow

    source = definition(Kind.WORKFLOW, workflow)
    shared = session(context)
    actor = shared.actor(as_number, reason)
    done = publish_workflow(shared.uow, actor=actor, now=shared.now(), text=source.text, where=source.where)
    if as_json:
        print_json(done)
        return
    state = "is published as" if done.new else "was already published as"
    say(f"The workflow {done.name} {state} version {done.version}; its check number begins with {done.digest[:12]}.")


@group.command(epilog="Example: appraise workflow diagram quarterly --form page > docs/reference/lifecycle.md")
def diagram(
    context: typer.Context,
    workflow: SourceArgument,
    form: Annotated[
        Literal["mermaid", "table", "page"],
        typer.Option("--form", help="The drawing, the moves as a table, or the page of the reference with both."),
    ] = "mermaid",
) -> None:
    """Draw a workflow as a Mermaid state diagram, or write its moves as a table; both are made from the definition."""
    from workflow.definition import load_definition
    from workflow.diagram import generate, mermaid, table
    from workflow.lifecycle import compile_lifecycle

    source = definition(Kind.WORKFLOW, workflow)
    loaded = load_definition(source.text, where=source.where)
    if form == "page":
        text = generate(loaded)
    elif form == "table":
        text = table(compile_lifecycle(loaded))
    else:
        text = mermaid(compile_lifecycle(loaded), language=session(context).settings.language)
    print(text, end="")


@group.command("list", epilog="Example: appraise workflow list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the published workflows with their versions, and what ships and can be published."""
    from cli.rubrics import print_definitions
    from services.definitions import list_definitions

    print_definitions(list_definitions(session(context).uow, "workflow"), Kind.WORKFLOW, as_json=as_json)
