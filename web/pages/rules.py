"""The rules as a table: items, points, clauses and source lines with the check beside them; changed and published."""

import base64
import binascii
import contextlib
import datetime as dt
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Response

from catalog.shelf import Kind, names
from scoring.difference import difference
from scoring.errors import Problem
from scoring.rubric import Rubric
from services import definitions, rubric_drafts, rubric_effect, rubric_sheet
from services.errors import Malformed, NotFound
from services.rubric_drafts import Draft, Version
from web.forms import EMPTY, Form, Posted
from web.limits import LARGEST_BODY
from web.pages.cycles import REFUSED
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {"range": N_("range"), "fixed": N_("fixed"), "per-unit": N_("per unit")}
AGAIN = {
    "each": N_("each time"),
    "once-per-key": N_("once per document or thing"),
    "once-per-period": N_("once per period"),
    "at-most": N_("at most n times"),
    "escalating": N_("doubles on repeat"),
}
BLANK_ITEMS, BLANK_RULES = 2, 1
"""Empty lines that a form offers to fill in; more come with the next look."""


@router.get("/rules")
def show_all(visit: Visit) -> Response:
    rows = definitions.list_definitions(visit.uow, "rubric")
    known = {row.name for row in rows}
    ships = [name for name in names(Kind.RUBRIC) if name not in known]
    return visit.page("rules.html", rows=tuple(reversed(rows)), ships=ships)


@router.get("/rules/{name}")
def show(visit: Visit, name: str, *, version: int | None = None, done: str = "") -> Response:
    shown = rubric_drafts.version(visit.uow, name=name, number=version)
    last = None
    if shown.number is not None and shown.number > 1:
        last = rubric_drafts.version(visit.uow, name=name, number=shown.number - 1)
    return visit.page(
        "rubric.html",
        shown=shown,
        beside=_beside(shown.problems, shown.rubric),
        changes=() if last is None else difference(last.rubric, shown.rubric),
        last=last,
        kinds=KINDS,
        again=AGAIN,
        done=visit.text("Published as version %(n)s.", n=shown.number) if done == "published" else "",
    )


@router.get("/rules/{name}/sheet")
def sheet(visit: Visit, name: str, version: int | None = None) -> Response:
    shown = rubric_drafts.version(visit.uow, name=name, number=version)
    return _file(rubric_sheet.sheet(shown.rubric), f"{name}.xlsx")


@router.get("/rules/{name}/edit")
def show_edit(visit: Visit, name: str, post: str = "") -> Response:
    shown = rubric_drafts.version(visit.uow, name=name)
    return _edit(visit, shown, EMPTY, Draft(shown.text, shown.rubric, shown.problems), post=post)


@router.post("/rules/{name}/edit")
def edit(visit: Visit, name: str, form: Posted) -> Response:
    """Take in what was typed, and show it with its check; publish it where that was asked for."""
    last = rubric_drafts.version(visit.uow, name=name)
    post = form.get("go") or form.get("shown-post")
    act, draft = "look" if form.get("go") else form.get("act"), Draft(last.text, last.rubric, last.problems)
    effect = None
    try:
        text = _draft(visit, form, last.text)
        draft = rubric_drafts.checked(text, name=name)
        if act not in {"look", "publish", "effect", "sheet", "read"}:
            raise Malformed(visit.text("Say whether to look, to publish or to read a file."), "act")
        if act == "read":
            sent = form.files.get("file")
            if not sent:
                raise Malformed(visit.text("Choose a file: a spreadsheet (xlsx) or CSV."), "no-file")
            text = rubric_sheet.with_sheet(text, sent[0].file.read(), where=(sent[0].filename or "file")[:200])
        else:
            if form.get("shown-post"):
                text = rubric_drafts.with_items(text, post=form.get("shown-post"), items=list(_items(form)))
            text = rubric_drafts.with_adoption(text, _adoption(form))
        draft = rubric_drafts.checked(text, name=name)
        if act == "publish":
            done = definitions.publish_rubric(visit.uow, actor=visit.actor, now=visit.now, text=text, where=name)
            return visit.to(f"/rules/{done.name}?version={done.version}&done=published")
        if act in {"effect", "sheet"} and draft.rubric is None:
            raise Malformed(visit.text("Mend what the check found first."), "unsound")
        if act == "sheet" and draft.rubric is not None:
            return _file(rubric_sheet.sheet(draft.rubric), f"{name}.xlsx")
        if act == "effect" and draft.rubric is not None:
            effect = rubric_effect.effect(visit.uow, actor=visit.actor, now=visit.now, rubric=draft.rubric)
    except REFUSED as error:
        form = form.failed(error)
    return _edit(visit, last, form, draft, post=post, effect=effect, tried=act == "effect")


def _draft(visit: Asked, form: Form, otherwise: str) -> str:
    """Return the draft that came with the form, or the last version for a form without one."""
    packed = form.get("draft")
    if not packed:
        return otherwise
    try:
        opened = zlib.decompressobj()
        text = opened.decompress(base64.b64decode(packed, validate=True), LARGEST_BODY)
        if opened.unconsumed_tail:
            raise Malformed(visit.text("The file is too large; split it."), "too-large")
        return text.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise Malformed(visit.text("The draft was damaged on its way; begin again."), "damaged") from error


def _items(form: Form) -> Iterator[dict[str, Any]]:
    """Yield the items that stand in a form; an item without an id is none, and so is one that is ticked to go."""
    number = 0
    while f"item-{number}" in form.fields:
        cells = {"item": form.get(f"item-{number}")}
        for name in rubric_sheet.ITEM_COLUMNS[1:]:
            cells[name] = form.get(f"{name}-{number}")
        if cells["item"] and form.get(f"gone-{number}") != "yes":
            yield rubric_sheet.item_of(cells) | {"rules": list(_rules(form, number))}
        number += 1


def _rules(form: Form, item: int) -> Iterator[dict[str, Any]]:
    number = 0
    while f"rule-{item}-{number}" in form.fields:
        cells = {name: form.get(f"{name}-{item}-{number}") for name in rubric_sheet.RULE_COLUMNS}
        if cells["rule"] and form.get(f"gone-{item}-{number}") != "yes":
            yield rubric_sheet.rule_of(cells)
        number += 1


def _adoption(form: Form) -> Mapping[str, Any]:
    """Return the days as days; what is none stays as it was typed, and the check says so."""
    found: dict[str, Any] = {name: form.get(name) for name in ("consulted", "document", "adopted", "announced")}
    for name in ("adopted", "announced"):
        with contextlib.suppress(ValueError):
            found[name] = dt.date.fromisoformat(found[name])
    return found


def _beside(problems: tuple[Problem, ...], rubric: Rubric | None) -> Mapping[str, list[Problem]]:
    """Return the problems by the id of the post, item or rule they are about; what is about none under ""."""
    ids = set() if rubric is None else _ids(rubric)
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        parts = re.findall(r"\[([^\]]+)\]", problem.where)
        found.setdefault(next((part for part in reversed(parts) if part in ids), ""), []).append(problem)
    return found


def _ids(rubric: Rubric) -> set[str]:
    posts = {post.id for post in rubric.posts}
    items = {item.id for post in rubric.posts for item in post.items}
    return posts | items | {rule.id for post in rubric.posts for rule in post.rules}


def _file(data: bytes, name: str) -> Response:
    return Response(data, media_type=XLSX, headers={"content-disposition": f'attachment; filename="{name}"'})


def _edit(
    visit: Asked,
    last: Version,
    form: Form,
    draft: Draft,
    *,
    post: str = "",
    effect: rubric_effect.Effect | None = None,
    tried: bool = False,
) -> Response:
    posts = draft.posts
    chosen = next((one for one in posts if one.get("id") == post), posts[0])
    if post and chosen.get("id") != post:
        raise NotFound(f"These rules have no post {post}; choose one of theirs.", "unknown-post")
    return visit.page(
        "rubric_edit.html",
        status=form.status,
        last=last,
        draft=draft,
        packed=base64.b64encode(zlib.compress(draft.text.encode())).decode(),
        posts=posts,
        post=chosen,
        adoption=draft.adoption,
        beside=_beside(draft.problems, draft.rubric or last.rubric),
        changes=() if draft.rubric is None else difference(last.rubric, draft.rubric),
        effect=effect,
        effect_tried=tried,
        kinds=KINDS,
        again=AGAIN,
        blank_items=BLANK_ITEMS,
        blank_rules=BLANK_RULES,
        form=form,
    )
