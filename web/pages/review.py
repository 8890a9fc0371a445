"""Review: first what needs an eye, then the rest; one case a page, and all without a deduction in one go."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from fastapi import APIRouter, Response

from services import appraisals, desk, finding_places, review_queue
from services.appraisals import Words as ActWords
from services.course import course
from services.errors import Conflict, Malformed, Refused
from services.grade_words import grade_of
from services.review_queue import Case, Queue
from services.review_reasons import Advice
from web import confirming
from web.forms import EMPTY, Form, Posted
from web.readers import Words, readers
from web.requests import Asked, Visit
from web.typed import beside
from web.uploads import files_in
from web.words import N_

router = APIRouter()
LINE_ACTS = frozenset({"change", "strike"})
"""Acts on one line, after which the same case stays on the page."""


@router.get("/review")
def show_queue(visit: Visit, after: int = 0, done: str = "", approved: int = 0) -> Response:
    queue = _queue(visit, after)
    pressing = [case for case in queue.cases if case.reasons]
    deducted = [case for case in queue.cases if case.recorded and not case.reasons]
    clear = [case for case in queue.cases if case.clear]
    return visit.page(
        "review.html",
        cases=queue.cases,
        first=next((case.appraisal for case in queue.cases), None),
        clear=len(clear),
        groups=(
            (visit.text(NEEDS_AN_EYE), "", pressing),
            (visit.text(WITH_DEDUCTIONS), "", deducted),
            (visit.text(WITHOUT), visit.text(WITHOUT_HINT), clear),
        ),
        spread=queue.spread,
        after=queue.after,
        done=done,
        approved=approved,
    )


def _queue(visit: Asked, after: int = 0) -> Queue:
    return review_queue.queue(visit.uow, actor=visit.actor, now=visit.now, after=after, advice=_advice(visit))


def _advice(visit: Asked) -> Advice:
    settings = visit.site.wiring.settings
    return Advice(Fraction(settings.advice_far_percent, 100), settings.advice_few)


NEEDS_AN_EYE = N_("Needs an eye")
WITH_DEDUCTIONS = N_("With deductions")
WITHOUT = N_("Without a deduction")
WITHOUT_HINT = N_("These can be approved in one go, after you have seen whom it is about.")


@router.get("/review/clear")
def preview_clear(visit: Visit) -> Response:
    return _preview(visit, _queue(visit), EMPTY)


@router.post("/review/clear")
def approve_clear(visit: Visit, form: Posted) -> Response:
    queue = _queue(visit)
    there = {f"{case.appraisal_id}:{case.version}": case for case in queue.cases if case.clear}
    chosen = [there[named] for named in form.all("case") if named in there]
    if not chosen:
        nobody = Malformed(visit.text("Nobody is ticked who can still be approved; look again."), "nobody")
        return _preview(visit, queue, form.failed(nobody))
    try:
        confirming.demand(visit, form)
        batch = appraisals.act_many(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            appraisals=[case.appraisal_id for case in chosen],
            action="approve",
        )
    except (Refused, Conflict, Malformed) as error:
        return _preview(visit, queue, form.failed(error))
    if batch.aside:
        rest = _queue(visit)
        return _preview(visit, rest, EMPTY, aside=batch.aside, status=409)
    return visit.to(f"/review?approved={len(batch.moved)}")


def _preview(
    visit: Asked, queue: Queue, form: Form, *, aside: tuple[tuple[str, str], ...] = (), status: int | None = None
) -> Response:
    return visit.page(
        "review_clear.html",
        status=status or form.status,
        cases=[case for case in queue.cases if case.clear],
        form=form,
        aside=aside,
        again=confirming.again(visit),
    )


@router.get("/review/{cycle}/{number}")
def show_case(visit: Visit, cycle: str, number: str, done: str = "") -> Response:
    return _case(visit, f"{cycle}/{number}", EMPTY, done=done)


@router.post("/review/{cycle}/{number}/{action}")
def decide(visit: Visit, cycle: str, number: str, action: str, form: Posted) -> Response:
    code = f"{cycle}/{number}"
    before = _queue(visit)
    try:
        if action == "approve":
            confirming.demand(visit, form)
        moved = appraisals.act(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            appraisal=code,
            action=action,
            words=ActWords(comment=form.maybe("comment"), lines=_lines(action, form)),
            version=form.number("version"),
            files=files_in(form),
        )
    except (Refused, Conflict, Malformed) as error:
        return _case(visit, code, form.failed(error, **beside(error)), tried=action)
    if action in LINE_ACTS or moved.to_stage == "review":
        return visit.to(f"/review/{moved.code}")
    following = _neighbours(before.cases, moved.code)["next"] or _first_but(before.cases, moved.code)
    return visit.to(f"/review/{following}?done={moved.code}" if following else f"/review?done={moved.code}")


def _lines(action: str, form: Form) -> Mapping[str, str | None] | None:
    line = form.maybe("line")
    if line is None:
        return None
    return {line: form.get("amount") if action == "change" else None}


def _case(visit: Asked, code: str, form: Form, *, done: str = "", tried: str = "") -> Response:
    """Show a case; after a refusal with what was typed, and the version that is there now."""
    asked: Any = {"actor": visit.actor, "now": visit.now, "appraisal": code}
    look = review_queue.look(visit.uow, **asked, advice=_advice(visit))
    shown = desk.show(visit.uow, **asked)
    way = course(visit.uow, **asked)
    possible = [way.acts[one["action"]] for one in shown.actions if not one["blocked"] and one["action"] in way.acts]
    score, sentences = ({}, ()) if shown.total is None else desk.explain(visit.uow, **asked, language=visit.language)
    cases = _queue(visit).cases
    return visit.page(
        "review_case.html",
        status=form.status,
        case=look.case,
        lines=look.lines,
        shown=shown,
        sentences=sentences,
        grade=grade_of(score or None),
        months=_missed(score),
        findings=finding_places.of_appraisal(visit.uow, **asked),
        can_revise=any(act.action in LINE_ACTS for act in possible),
        acts=sorted((act for act in possible if not act.takes_lines), key=lambda act: act.needs_reason),
        again=confirming.again(visit),
        read_by=readers(Words.JUDGEMENT, visit.language),
        form=form,
        tried=tried,
        done=done,
        **_neighbours(cases, look.case.appraisal),
    )


def _missed(score: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the derived deductions of a score, by line."""
    steps = score.get("steps", ())
    return [{"line": one["finding"], "amount": one["amount"]} for one in steps if one["code"] == "duty-missed"]


def _neighbours(cases: tuple[Case, ...], code: str) -> dict[str, Any]:
    """Return where a case stands in the list, and the codes of the one before and the one behind it."""
    codes = [case.appraisal for case in cases]
    if code not in codes:
        return {"place": None, "all": len(codes), "before": None, "next": next(iter(codes), None)}
    here = codes.index(code)
    return {
        "place": here + 1,
        "all": len(codes),
        "before": codes[here - 1] if here else None,
        "next": codes[here + 1] if here + 1 < len(codes) else None,
    }


def _first_but(cases: tuple[Case, ...], code: str) -> str | None:
    """Return the first case of a list that is not the one just decided."""
    return next((case.appraisal for case in cases if case.appraisal != code), None)
