"""One appraisal for who may see it: the line of stages, findings with their facts, the score once released, the acts.

Everything shown comes from services that were told who looks; nothing is hidden by the template.
"""

import secrets

from fastapi import APIRouter, Response

from services import appraisals, desk, finding_places, findings
from services.appraisal_view import lay_open
from services.appraisals import Words as ActWords
from services.errors import Conflict, Malformed, Refused
from web import confirming
from web.forms import EMPTY, Form, Posted
from web.readers import Words, readers
from web.requests import Asked, Visit
from web.typed import beside
from web.uploads import files_in

router = APIRouter()
FINAL = frozenset({"accept", "approve"})
"""Acts before which a person shows once more who he is, if the setting says so."""
OWN_WORDS = frozenset({"state", "read", "accept", "object", "withdraw"})
"""Acts whose words are the person's own; the others' are a judgement."""


@router.get("/appraisals/{cycle}/{number}")
def show(visit: Visit, cycle: str, number: str, done: str = "", past: str = "") -> Response:
    return _page(visit, f"{cycle}/{number}", EMPTY, done=done, past=past)


@router.post("/appraisals/{cycle}/{number}/{action}")
def act(visit: Visit, cycle: str, number: str, action: str, form: Posted) -> Response:
    code = f"{cycle}/{number}"
    try:
        if action in FINAL:
            confirming.demand(visit, form)
        moved = appraisals.act(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            appraisal=code,
            action=action,
            words=ActWords(comment=form.maybe("comment"), lines=dict.fromkeys(form.all("line")) or None),
            version=form.number("version"),
            files=files_in(form),
        )
    except (Refused, Conflict, Malformed) as error:
        return _page(visit, code, form.failed(error, **beside(error)), tried=action)
    return visit.to(f"/appraisals/{moved.code}?done={moved.action}")


@router.post("/findings/{finding}/reply")
def reply(visit: Visit, finding: str, form: Posted) -> Response:
    """Write the person's own side beside a finding about him."""
    try:
        findings.reply(
            visit.uow.asked(form.maybe("once")),
            actor=visit.actor,
            now=visit.now,
            finding=finding,
            text=form.get("text"),
            files=files_in(form),
        )
        place = finding_places.appraisal_of(visit.uow, actor=visit.actor, now=visit.now, finding=finding)
    except (Refused, Conflict, Malformed) as error:
        failed = form.failed(error, **beside(error))
        if not form.get("appraisal"):
            raise
        return _page(visit, form.get("appraisal"), failed, tried=f"reply-{finding}")
    return visit.to(f"/appraisals/{place.appraisal}?done=reply#{place.line}")


def _page(visit: Asked, code: str, form: Form, *, done: str = "", tried: str = "", past: str = "") -> Response:
    """Show the appraisal; after a refusal with what was typed, and the version that is there now."""
    laid = lay_open(
        visit.uow, actor=visit.actor, now=visit.now, appraisal=code, language=visit.language, past_after=past
    )
    shown = laid.shown
    if shown.unseen and visit.looks:
        # See docs/adr/0015: that the next one has looked is a fact about looking, and decides about taking back.
        desk.mark_seen(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    acts = {} if laid.course is None else laid.course.acts
    possible = [action for action in shown.actions if not action["blocked"] and action["action"] in acts]
    return visit.page(
        "appraisal.html",
        status=form.status,
        shown=shown,
        laid=laid,
        acts=[acts[action["action"]] for action in possible],
        blocked=[action for action in shown.actions if action["blocked"]],
        final=FINAL,
        again=confirming.again(visit),
        readers={act: _readers(visit, act) for act in acts},
        read_by=readers(Words.FACTS, visit.language),
        judged_by=readers(Words.JUDGEMENT, visit.language),
        form=form,
        tried=tried,
        done=next((step.done for step in reversed(shown.history) if step.action == done), None),
        replied=done == "reply",
        once=secrets.token_urlsafe(16),
    )


def _readers(visit: Asked, action: str) -> str:
    return readers(Words.FACTS if action in OWN_WORDS else Words.JUDGEMENT, visit.language)
