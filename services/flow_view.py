"""A published workflow as people look at it: its stages, its moves, and whether every proof holds."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from catalog.shelf import Kind, names, workflow_text
from models.columns import table_of
from models.rubrics import Definition
from services.definitions import named
from services.errors import NotFound
from services.unit_of_work import UnitOfWork
from workflow.definition import load_definition
from workflow.diagram import mermaid
from workflow.lifecycle import Lifecycle, compile_lifecycle
from workflow.verify import verify

DEFINITION = table_of(Definition)
_TEXT = select(DEFINITION.c.text).where(DEFINITION.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Flow:
    """A workflow. `number` is its published version, None of one that only ships; `faults` are sentences."""

    name: str
    number: int | None
    row: Any
    lifecycle: Lifecycle
    faults: tuple[str, ...]
    mermaid: str


def flow(uow: UnitOfWork, *, name: str, number: int | None = None, language: str = "en") -> Flow:
    """Return a published version of a workflow, by default the last; of a name that only ships what ships.

    Raises:
        NotFound: there is none.
    """
    with uow.read() as tx:
        try:
            row = named(tx, "workflow", name if number is None else f"{name}@{number}")
        except NotFound:
            if number is not None or name not in names(Kind.WORKFLOW):
                raise
            row = None
        text = workflow_text(name) if row is None else str(tx.scalar(_TEXT, {"id": row.id}))
    definition = load_definition(text, where=name)
    lifecycle = compile_lifecycle(definition)
    faults = tuple(str(fault) for fault in verify(definition))
    drawn = mermaid(lifecycle, language=language)
    return Flow(name, None if row is None else row.version, row, lifecycle, faults, drawn)
