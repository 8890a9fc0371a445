"""Publishing rubrics and workflows, and reading them back: a published definition is frozen and known by its digest.

A version is never changed (R21): the same content published again is the same row, other content the next version.
"""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Executable, Row, bindparam, func, select

from models.columns import table_of
from models.rubrics import Definition, WorkflowMove
from scoring.check import check
from scoring.errors import Problem, RubricError
from scoring.rubric import Rubric, load_rubric
from services import naming
from services.actors import Actor
from services.audit import append_event, digest
from services.errors import Environment, Malformed, NotFound, Refused
from services.grants import demand
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.definition import Definition as Workflow
from workflow.definition import load_definition
from workflow.errors import DefinitionError
from workflow.lifecycle import Lifecycle, compile_lifecycle
from workflow.verify import verify
from workflow.vocabulary import Role

DEFINITION = table_of(Definition)
WORKFLOW_MOVE = table_of(WorkflowMove)
Kind = Literal["rubric", "workflow"]

_SAME = select(DEFINITION).where(DEFINITION.c.kind == bindparam("kind"), DEFINITION.c.digest == bindparam("digest"))
_HIGHEST = select(func.max(DEFINITION.c.version)).where(
    DEFINITION.c.kind == bindparam("kind"), DEFINITION.c.name == bindparam("name")
)
_DIGEST = select(DEFINITION.c.digest).where(DEFINITION.c.id == bindparam("id"), DEFINITION.c.kind == bindparam("kind"))
_TEXT = select(DEFINITION.c.text).where(DEFINITION.c.id == bindparam("id"))
_LISTED = (
    DEFINITION.c.id,
    DEFINITION.c.kind,
    DEFINITION.c.name,
    DEFINITION.c.version,
    DEFINITION.c.digest,
    DEFINITION.c.published_at,
    DEFINITION.c.adopted,
    DEFINITION.c.announced,
)
_LIST = select(*_LISTED).order_by(DEFINITION.c.kind, DEFINITION.c.name, DEFINITION.c.version)
_VERSIONS = (
    select(*_LISTED)
    .where(DEFINITION.c.kind == bindparam("kind"), DEFINITION.c.name == bindparam("name"))
    .order_by(DEFINITION.c.version.desc())
)

# What a digest names never changes, so it is read once in a process; a row's id may mean another text in another file.
_rubrics: dict[str, Rubric] = {}
_workflows: dict[str, tuple[Workflow, Lifecycle]] = {}
_PUBLISHERS = (Role.HR, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Published:
    """A definition as it stands in the database. `new` is False where its content had been published before."""

    id: int
    kind: Kind
    name: str
    version: int
    digest: str
    new: bool
    problems: tuple[Problem, ...] = ()


@use_case("rubric.publish")
def publish_rubric(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, text: str, where: str) -> Published:
    """Freeze a rubric as its next version; warnings are handed back, errors refuse (domain.md, reading 12, R21).

    `text` is the TOML and `where` the file it came from, for messages.

    Raises:
        Malformed: the text is no rubric.
        Refused: the check finds an error, or the actor is neither HR nor the operator.
    """
    rubric = load_rubric(text, where=where)
    problems = check(rubric)
    if errors := [problem for problem in problems if problem.severity == "error"]:
        listed = "; ".join(str(problem) for problem in errors)
        raise Refused(f"The rubric {rubric.id} cannot be published: {listed}", errors[0].code)
    row = {
        "kind": "rubric",
        "name": rubric.id,
        "format": rubric.format,
        "digest": rubric.digest,
        "text": text,
        "adopted": rubric.adoption.adopted,
        "announced": rubric.adoption.announced,
        "consulted": rubric.adoption.consulted or None,
        "document": rubric.adoption.document or None,
    }
    with uow.write() as tx:
        return _publish(tx, row, (), problems, actor=actor, now=now)


@use_case("workflow.publish")
def publish_workflow(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, text: str, where: str) -> Published:
    """Freeze a workflow as its next version and write its moves as rows: what is no row cannot happen (data.md).

    Raises:
        Malformed: the text is no workflow.
        Refused: a proof fails, and the sentence has the shortest path that shows it; or the actor may not publish.
    """
    definition = load_definition(text, where=where)
    if faults := verify(definition):
        shown = f" Shown by: {'; '.join(faults[0].path)}." if faults[0].path else ""
        others = f" ({len(faults) - 1} more: `appraise workflow check` lists them.)" if len(faults) > 1 else ""
        raise Refused(
            f"The workflow {definition.id} cannot be published: {faults[0].text}{shown}{others}",
            faults[0].code,
        )
    moves = [
        {"action": move.action, "from_stage": move.from_stage, "to_stage": move.to_stage, "outcome": move.outcome}
        for move in compile_lifecycle(definition).moves
    ]
    row = {
        "kind": "workflow",
        "name": definition.id,
        "format": definition.format,
        "digest": definition.digest,
        "text": text,
        "adopted": None,
        "announced": None,
        "consulted": None,
        "document": None,
    }
    with uow.write() as tx:
        return _publish(tx, row, moves, (), actor=actor, now=now)


def _publish(
    tx: Transaction,
    row: dict[str, Any],
    moves: list[dict[str, Any]] | tuple[()],
    problems: tuple[Problem, ...],
    *,
    actor: Actor,
    now: dt.datetime,
) -> Published:
    kind: Kind = row["kind"]
    demand(tx, actor, now, _PUBLISHERS, f"publish a {kind}")
    before = tx.first(_SAME, {"kind": kind, "digest": row["digest"]})
    if before is not None:
        return Published(before.id, kind, before.name, before.version, before.digest, new=False, problems=problems)
    version = (tx.scalar(_HIGHEST, {"kind": kind, "name": row["name"]}) or 0) + 1
    full = {**row, "version": version, "published_at": now, "published_by": actor.person_id}
    definition_id = tx.insert(DEFINITION, full)
    tx.insert_many(WORKFLOW_MOVE, [{"definition_id": definition_id, **move} for move in moves])
    append_event(
        tx,
        "org",
        f"{kind}.published",
        actor=actor,
        at=now,
        payload={"definition": definition_id, "digest": digest(definition_content(full))},
    )
    return Published(definition_id, kind, row["name"], version, row["digest"], new=True, problems=problems)


def definition_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a definition's row its event vouches for."""
    return {
        "kind": row["kind"],
        "name": row["name"],
        "version": row["version"],
        "digest": row["digest"],
        "text": row["text"],
        "adopted": _day(row["adopted"]),
        "announced": _day(row["announced"]),
        "consulted": row["consulted"],
        "document": row["document"],
    }


CONTENT = {"definition": (DEFINITION, definition_content)}
"""For each id that a payload may hold: its table and the content its digest was made of."""


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def rubric_of(tx: Transaction, definition_id: int, content_digest: str | None = None) -> Rubric:
    """Return a published rubric by its row; a caller who knows the digest already saves a statement.

    Raises:
        NotFound: there is no such rubric.
        Environment: the stored text does not have the digest it was published with.
    """
    known = content_digest or _digest_of(tx, "rubric", definition_id)
    if known not in _rubrics:
        try:
            rubric = load_rubric(tx.scalar(_TEXT, {"id": definition_id}), where=f"published rubric {definition_id}")
        except RubricError as error:
            raise _unreadable("rubric", definition_id) from error
        if rubric.digest != known:
            raise _unreadable("rubric", definition_id)
        _rubrics[known] = rubric
    return _rubrics[known]


def lifecycle_of(tx: Transaction, definition_id: int, content_digest: str | None = None) -> Lifecycle:
    """Return the lifecycle a published workflow compiles to; a caller who knows the digest saves a statement.

    Raises:
        NotFound: there is no such workflow.
        Environment: the stored text does not have the digest it was published with.
    """
    return _compiled(tx, definition_id, content_digest)[1]


def workflow_of(tx: Transaction, definition_id: int, content_digest: str | None = None) -> Workflow:
    """Return a published workflow as it was read: roles, deadlines, disclosure. Raises as `lifecycle_of`."""
    return _compiled(tx, definition_id, content_digest)[0]


def _compiled(tx: Transaction, definition_id: int, content_digest: str | None) -> tuple[Workflow, Lifecycle]:
    known = content_digest or _digest_of(tx, "workflow", definition_id)
    if known not in _workflows:
        text = tx.scalar(_TEXT, {"id": definition_id})
        try:
            definition = load_definition(text, where=f"published workflow {definition_id}")
        except DefinitionError as error:
            raise _unreadable("workflow", definition_id) from error
        if definition.digest != known:
            raise _unreadable("workflow", definition_id)
        _workflows[known] = (definition, compile_lifecycle(definition))
    return _workflows[known]


def _digest_of(tx: Transaction, kind: Kind, definition_id: int) -> str:
    statement, values = digest_asked(kind, definition_id)
    found: str | None = tx.scalar(statement, values)
    if found is None:
        raise NotFound(f"There is no published {kind} with the id {definition_id}.", f"unknown-{kind}")
    return found


def digest_asked(kind: Kind, definition_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what is asked of the database for a definition of which the digest is not known."""
    return _DIGEST, {"kind": kind, "id": definition_id}


def _unreadable(kind: Kind, definition_id: int) -> Environment:
    return Environment(
        f"The published {kind} {definition_id} no longer has the content it was published with; "
        "run `appraise audit verify` and restore the database.",
        "definition-altered",
    )


def list_definitions(uow: UnitOfWork, kind: Kind | None = None) -> tuple[Row[Any], ...]:
    """Return every published version, or those of one kind, by name and version; without their text."""
    with uow.read() as tx:
        return tuple(row for row in tx.all(_LIST) if kind is None or row.kind == kind)


def named(tx: Transaction, kind: Kind, code: str) -> Row[Any]:
    """Return a definition by what people type: `bank-office` for its latest version, or `bank-office@2`.

    Raises:
        Malformed: the part after @ is no number.
        NotFound: there is none.
    """
    name, _, version = code.partition("@")
    if version and not (version.isascii() and version.isdigit()):
        raise Malformed(f"{code!r} does not name a version of a {kind}; write NAME or NAME@2.", "bad-code")
    for row in tx.all(_VERSIONS, {"kind": kind, "name": name}):
        if not version or row.version == int(version):
            return row
    raise NotFound(
        f"There is no published {kind} {code}; `appraise {kind} list` shows what is there.", f"unknown-{kind}"
    )


def in_force(tx: Transaction, kind: Kind, name: str, day: dt.date) -> Row[Any] | None:
    """Return the latest version that was published, and where it says so adopted and announced, by `day` (reading 12).

    `day` is a day in the organisation's zone. None when no version was in force by then.
    """
    zone = zoneinfo.ZoneInfo(naming.organisation(tx).zone)
    for row in tx.all(_VERSIONS, {"kind": kind, "name": name}):
        known = (row.published_at.astimezone(zone).date(), row.adopted, row.announced)
        if all(date is None or date <= day for date in known):
            return row
    return None
