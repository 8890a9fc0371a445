"""The flows: versions, the drawing, every move as a row, and whether every proof holds."""

from dataclasses import dataclass

from fastapi import APIRouter, Response

from catalog.shelf import Kind, names, workflow_text
from services import definitions, flow_view
from services.errors import Malformed
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit
from workflow.lifecycle import Lifecycle

router = APIRouter()
BOX, GAP = 44, 26
"""Height of a box and the space between two, in the units of the drawing."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow between two boxes, by their places; those that go on lie left, those that go back right."""

    first: int
    last: int
    lane: int
    labels: tuple[str, ...]

    @property
    def path(self) -> str:
        """The line as SVG has it."""
        here, there = (place * (BOX + GAP) + BOX // 2 for place in (self.first, self.last))
        if self.last == self.first + 1:
            return f"M 150 {self.first * (BOX + GAP) + BOX} V {self.last * (BOX + GAP) - 2}"
        side, out = (240, 240 + 18 * self.lane) if self.last < self.first else (60, 60 - 9 * self.lane)
        return f"M {side} {here} H {out} V {there} H {side}"


@router.get("/flows")
def show_all(visit: Visit) -> Response:
    rows = definitions.list_definitions(visit.uow, "workflow")
    known = {row.name for row in rows}
    return visit.page(
        "flows.html", rows=tuple(reversed(rows)), ships=[name for name in names(Kind.WORKFLOW) if name not in known]
    )


@router.get("/flows/{name}")
def show(visit: Visit, name: str, version: int | None = None) -> Response:
    return _page(visit, name, version, EMPTY)


@router.post("/flows/{name}/publish")
def publish(visit: Visit, name: str, form: Posted) -> Response:
    """Publish what ships under this name, or the definition in a file."""
    try:
        sent = form.files.get("file")
        if not sent and form.get("act") != "ships":
            raise Malformed(visit.text("Choose the file of a flow, or publish what ships."), "no-file")
        try:
            text = sent[0].file.read().decode() if sent else workflow_text(name)
        except UnicodeDecodeError as error:
            raise Malformed(visit.text("This file is no text in UTF-8."), "no-text") from error
        done = definitions.publish_workflow(visit.uow, actor=visit.actor, now=visit.now, text=text, where=name)
    except REFUSED as error:
        return _page(visit, name, None, form.failed(error))
    return visit.to(f"/flows/{done.name}?version={done.version}")


def arrows(lifecycle: Lifecycle, language: str) -> tuple[Arrow, ...]:
    """Return one arrow for each pair of stages between which there are moves, with the names of the moves."""
    order = {stage.id: place for place, stage in enumerate(lifecycle.stages)}
    labels: dict[tuple[int, int], list[str]] = {}
    for move in lifecycle.moves:
        pair = order[move.from_stage], order[move.to_stage]
        said = move.label.get(language, move.action)
        if pair[0] != pair[1] and said not in labels.setdefault(pair, []):
            labels[pair].append(said)
    lanes = {True: 0, False: 0}
    found = []
    for (first, last), named in sorted(labels.items(), key=lambda entry: abs(entry[0][0] - entry[0][1])):
        if last != first + 1:
            lanes[last < first] += 1
        found.append(Arrow(first, last, lanes[last < first], tuple(named)))
    return tuple(found)


def _page(visit: Asked, name: str, version: int | None, form: Form) -> Response:
    shown = flow_view.flow(visit.uow, name=name, number=version, language=visit.language)
    return visit.page(
        "flow.html",
        status=form.status,
        shown=shown,
        arrows=arrows(shown.lifecycle, visit.language),
        box=BOX,
        gap=GAP,
        form=form,
    )
