"""Before opening: a new cycle, what stands in its way, everybody's roles, the letter, and the opening itself."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Response

from services import cycles, definitions, launch, opening_view, staff_letter
from services.errors import AppraiseError, Malformed
from services.launch import Report
from services.problem_words import worded
from services.roster import Choices, Problem
from web.forms import EMPTY, Form, Posted
from web.pages.cycles import REFUSED, day_of
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
LEAVE_OUT, NEVERTHELESS = "leave-out:", "nevertheless:"
"""What the name of a field begins with whose words are the reason for a person or a post."""


@router.get("/cycles/new")
def show_new(visit: Visit) -> Response:
    return _new(visit, EMPTY)


@router.post("/cycles/new")
def new(visit: Visit, form: Posted) -> Response:
    try:
        code = form.get("code")
        if not code or not form.all("rubric"):
            raise Malformed(
                visit.text("Write a code such as 2026Q2 and choose at least one set of rules."), "new-cycle"
            )
        period = None
        if form.get("first") or form.get("last"):
            missing = N_("A period of your own needs its first and its last day.")
            period = (day_of(visit, form, "first", missing), day_of(visit, form, "last", missing))
        made = cycles.new(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            code=code,
            rubrics=form.all("rubric"),
            workflow=form.get("workflow", "quarterly"),
            period=period,
            override_reason=form.maybe("override"),
        )
    except REFUSED as error:
        return _new(visit, form.failed(error))
    return visit.to(f"/cycles/{made.code}/opening")


@router.get("/cycles/{cycle}/opening")
def show(visit: Visit, cycle: str, *, after: int = 0) -> Response:
    return _page(visit, cycle, EMPTY, after=after)


@router.post("/cycles/{cycle}/opening")
def act(visit: Visit, cycle: str, form: Posted) -> Response:
    """Draw up the roster and show what stands in the way, or open; the reasons given stay in the form."""
    report: Report | None = None
    out = dict(_reasons(form, LEAVE_OUT))
    if form.get("out-number"):
        out[form.get("out-number")] = form.get("out-reason")
    choices = Choices(out, _reasons(form, NEVERTHELESS))
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "cycle": cycle}
    try:
        match form.get("act"):
            case "look":
                report = launch.dry_run(visit.uow, **asked, choices=choices)
            case "open":
                launch.open_cycle(visit.uow, **asked, choices=choices)
                return visit.to(f"/cycles/{cycle}")
            case "cancel":
                cycles.cancel(visit.uow, **asked, reason=form.get("reason"))
                return visit.to(f"/cycles/{cycle}")
            case _:
                raise Malformed(visit.text("Say whether to look or to open."), "act")
    except launch.OpeningRefused as refused:
        return _page(visit, cycle, form.failed(refused), report=refused.report, choices=choices)
    except REFUSED as error:
        return _page(visit, cycle, form.failed(error), choices=choices)
    return _page(visit, cycle, form, report=report, choices=choices)


def _reasons(form: Form, prefix: str) -> Mapping[str, str]:
    names = [name for name in form.fields if name.startswith(prefix)]
    return {name.removeprefix(prefix): form.get(name) for name in names if form.get(name)}


def _new(visit: Asked, form: Form) -> Response:
    rows = definitions.list_definitions(visit.uow)
    named = {kind: sorted({row.name for row in rows if row.kind == kind}) for kind in ("rubric", "workflow")}
    return visit.page("cycle_new.html", status=form.status, named=named, form=form)


def _page(
    visit: Asked,
    cycle: str,
    form: Form,
    *,
    after: int = 0,
    report: Report | None = None,
    choices: Choices | None = None,
) -> Response:
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "cycle": cycle}
    shown = opening_view.opening(visit.uow, **asked, after=after, told=report is not None)
    return visit.page(
        "opening.html",
        status=form.status,
        shown=shown,
        report=report,
        groups=() if report is None else _grouped(report.problems, visit.language),
        choices=choices or Choices(),
        letter=_letter(visit, cycle),
        form=form,
    )


def _grouped(problems: tuple[Problem, ...], language: str) -> list[tuple[Problem, list[Problem]]]:
    """Return the problems of each kind together in a language, those that stop the opening first."""

    def kind(problem: Problem) -> tuple[bool, str, str]:
        return problem.severity != "error", problem.code, problem.mend

    said = []
    for problem in problems:
        text, mend = worded(problem, language, {})
        said.append(replace(problem, text=text, mend=mend))
    found = [list(group) for _, group in groupby(sorted(said, key=kind), key=kind)]
    return [(group[0], group) for group in found]


def _letter(visit: Asked, cycle: str) -> staff_letter.Letter | None:
    """Return the draft of the letter to staff, for HR alone; None where there is none to draft."""
    if "hr" not in visit.person.roles:
        return None
    try:
        return staff_letter.draft(visit.uow, actor=visit.actor, now=visit.now, code=cycle, language=visit.language)
    except AppraiseError:
        return None  # a year, or a cycle without days: there is nothing to announce
