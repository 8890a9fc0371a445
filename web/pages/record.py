"""Record: a document once, people and clauses linked to it after a preview, own checks, and the grid of inspections."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from services import (
    attachments,
    document_lists,
    documents,
    duties,
    duty_calendar,
    finding_pages,
    findings,
    linking,
    recording,
)
from services.documents import KINDS, DocumentView
from services.duty_calendar import DutyMonthView
from services.errors import AppraiseError, Conflict, Malformed, NotFound, Refused
from services.finding_checks import Entry
from services.linking import Effect
from services.recording import Recordable
from web.forms import EMPTY, Form, Posted
from web.readers import Words, readers
from web.requests import Asked, Visit
from web.typed import Mistyped, beside, day_in, maybe_day_in, maybe_figure_in
from web.uploads import FIELD, files_in
from web.words import N_

router = APIRouter()
KIND_NAMES = {
    "circular": N_("circular"),
    "inspection": N_("inspection report"),
    "commendation": N_("commendation"),
    "complaint": N_("complaint"),
    "minutes": N_("minutes"),
    "meeting": N_("meeting"),
    "report": N_("report"),
    "case": N_("case"),
    "document": N_("other document"),
}
"""What people call the kinds of documents."""
REGISTER, LINK, CHECK, FILES = "register", "link", "check", "files"


@router.get("/record")
def show_record(visit: Visit, before: int = 0, done: str = "") -> Response:
    return _record(visit, EMPTY, before=before, done=done)


@router.post("/record/documents")
def register(visit: Visit, form: Posted) -> Response:
    try:
        code = documents.register(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            kind=form.get("kind"),
            number=form.get("number"),
            day=day_in(form, "day"),
            issuer=form.get("issuer"),
            title=form.maybe("title"),
            files=files_in(form),
        )
    except (Refused, Conflict, Malformed) as error:
        return _record(visit, form.failed(error, **beside(error)), tried=REGISTER)
    return visit.to(f"/record/link?document={code}")


@router.post("/record/check")
def own_check(visit: Visit, form: Posted) -> Response:
    """Record what the assessor saw himself; it may rest on a document or on files that he adds."""
    number, _, rule = form.get("clause").partition("|")
    if not rule:
        nobody = Mistyped("clause", visit.text("Choose whom it is about and by which clause."))
        return _record(visit, form.failed(nobody, **beside(nobody)), tried=CHECK)
    try:
        done = findings.add(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            number=number,
            rule=rule,
            happened=day_in(form, "happened"),
            known=maybe_day_in(form, "known"),
            amount=maybe_figure_in(form, "amount"),
            units=maybe_figure_in(form, "units"),
            document=form.maybe("document"),
            reason=form.maybe("reason"),
            files=files_in(form),
        )
    except (Refused, Conflict, Malformed, NotFound) as error:
        return _record(visit, form.failed(error, **beside(error)), tried=CHECK)
    return visit.to(f"/record?done={done.code}")


def _record(visit: Asked, form: Form, *, before: int = 0, done: str = "", tried: str = "") -> Response:
    desk = recording.desk(visit.uow, actor=visit.actor, now=visit.now, before=before or None)
    return visit.page(
        "record.html",
        status=form.status,
        documents=desk.documents,
        before=desk.documents[-1].id if len(desk.documents) == document_lists.LISTED else None,
        kinds={kind: visit.text(KIND_NAMES.get(kind, kind)) for kind in KINDS},
        may_register=not visit.person.roles.isdisjoint(documents.REGISTRARS),
        people=desk.people,
        facts_read_by=readers(Words.FACTS, visit.language),
        form=form,
        tried=tried,
        done=done,
    )


@router.get("/record/link")
def show_link(visit: Visit, document: str = "", after: int = 0, done: int = 0, kept: int = 0) -> Response:
    if not document:
        return visit.to("/record") if done else _no_document(visit)
    return _link(visit, document, EMPTY, after=after, done=done, kept=kept)


@router.post("/record/link")
def link(visit: Visit, form: Posted) -> Response:
    """Show what linking would do to each, or, once that was seen, do it; all of them or none."""
    document = form.get("document")
    people = recording.recordable(visit.uow, actor=visit.actor, now=visit.now)
    try:
        entries = [entry for person in people if (entry := _entry(form, person)) is not None]
        effects = linking.preview_link(visit.uow, actor=visit.actor, now=visit.now, document=document, entries=entries)
        if form.maybe("again") or form.get("seen") != _seen(entries, effects):
            return _link(visit, document, form, effects=effects, seen=_seen(entries, effects))
        recorded = linking.link(visit.uow, actor=visit.actor, now=visit.now, document=document, entries=entries)
    except (Refused, Conflict, Malformed, NotFound) as error:
        if not document:
            return _no_document(visit, form.failed(error))
        return _link(visit, document, form.failed(error, **beside(error)))
    return visit.to(f"/record/link?document={document}&done={len(recorded)}")


def _entry(form: Form, person: Recordable) -> Entry | None:
    """Return what is to be recorded about one person, None where no clause is chosen for him."""
    rule = form.maybe(f"rule-{person.entry}")
    if rule is None:
        return None
    return Entry(
        person.entry,
        rule,
        day_in(form, "happened"),
        maybe_day_in(form, "known"),
        amount=maybe_figure_in(form, f"amount-{person.entry}"),
        incident=form.maybe("incident"),
        reason=form.maybe("reason"),
    )


def _seen(entries: Sequence[Entry], effects: Sequence[Effect]) -> str:
    """Return a digest of what a preview showed, so that what is confirmed is what was seen."""
    return hashlib.sha256(repr((entries, effects)).encode()).hexdigest()


def _link(
    visit: Asked,
    code: str,
    form: Form,
    *,
    effects: tuple[Effect, ...] | None = None,
    tried: str = LINK,
    after: int = 0,
    **said: Any,
) -> Response:
    """Show a document; `said` may have `done`, how many were linked, `kept`, how many files, and `seen`."""
    document: DocumentView = documents.show_document(visit.uow, actor=visit.actor, now=visit.now, document=code)
    people = recording.recordable(visit.uow, actor=visit.actor, now=visit.now)
    return visit.page(
        "record_link.html",
        status=form.status,
        document=document,
        files=attachments.files_of(visit.uow, actor=visit.actor, now=visit.now, item=code),
        may_register=not visit.person.roles.isdisjoint(documents.REGISTRARS),
        kind=visit.text(KIND_NAMES.get(document.kind, document.kind)),
        linked=finding_pages.linked(visit.uow, actor=visit.actor, now=visit.now, document=code, after=after),
        first=not after,
        people=people,
        names={one.entry: one.person for one in people},
        effects=effects,
        facts_read_by=readers(Words.FACTS, visit.language),
        form=form,
        tried=tried,
        **{"seen": "", "done": 0, "kept": 0, **said},
    )


@router.post("/documents/{document}/files")
def add_files(visit: Visit, document: str, form: Posted) -> Response:
    """Keep more files beside a document, all of them or none."""
    try:
        files = files_in(form)
        if not files:
            raise Mistyped(FIELD, visit.text("Choose a file first."))
        attachments.attach_all(visit.uow, actor=visit.actor, now=visit.now, item=document, files=files)
    except (Refused, Conflict, Malformed) as error:
        return _link(visit, document, form.failed(error, **beside(error)), tried=FILES)
    return visit.to(f"/record/link?document={document}&kept={len(files)}")


def _no_document(visit: Asked, form: Form = EMPTY) -> Response:
    return _record(visit, form, tried=LINK)


@router.get("/record/duties")
def show_duties(visit: Visit, post: str = "", on: str = "", done: int = 0) -> Response:
    return _duties(visit, EMPTY, post=post, on=on, done=bool(done))


@router.get("/duties/{cycle}/{number}")
def show_duties_of(visit: Visit, cycle: str, number: str) -> Response:
    """Show the duties that count in an appraisal, to read."""
    code = f"{cycle}/{number}"
    whose, months = duty_calendar.of_appraisal(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    return _grids(visit, EMPTY, months, whose=whose)


@router.post("/record/duties")
def record_duty(visit: Visit, form: Posted) -> Response:
    post, on = form.get("post"), form.get("on")
    try:
        day = day_in(form, "day")
        share = maybe_figure_in(form, "coverage")
        duties.record(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            number=_own(visit, post),
            rule=form.get("rule"),
            month=f"{day:%Y-%m}",
            day=day,
            evidence=form.get("evidence"),
            coverage=None if share is None else share / 100,
            sites=form.all("site"),
        )
    except (Refused, Malformed, NotFound) as error:
        return _duties(visit, form.failed(error, **beside(error)), post=post, on=on)
    return visit.to(f"/record/duties?{urlencode({'done': 1, 'post': post, 'on': f'{day:%Y-%m-%d}'})}")


def _own(visit: Asked, post: str) -> str:
    number = visit.person.number
    return f"{number}@{post}" if post else number


def _duties(visit: Asked, form: Form, *, post: str, on: str, done: bool = False) -> Response:
    """Show the months of the period that contains a day, by default today, each with its sites."""
    months: tuple[DutyMonthView, ...] = ()
    without: AppraiseError | None = None
    try:
        day = dt.date.fromisoformat(on) if on else None
        months = duty_calendar.show_duties(
            visit.uow, actor=visit.actor, now=visit.now, number=_own(visit, post), on=day
        )
    except ValueError:
        without = Mistyped("on", visit.text("This is no day; write it like 2026-02-03."))
    except (Refused, Malformed, NotFound) as error:
        without = error
    first = min((one.month for one in months), default=None)
    before = None if first is None else dt.date.fromisoformat(f"{first}-01") - dt.timedelta(days=1)
    return _grids(visit, form, months, before=before, without=without, post=post, on=on, done=done)


def _grids(visit: Asked, form: Form, months: tuple[DutyMonthView, ...], **shown: Any) -> Response:
    """Show a grid for each duty; `whose` names the person where it is not the viewer's own."""
    values = {"whose": None, "before": None, "without": None, "post": "", "on": "", "done": False, **shown}
    rules = dict.fromkeys(one.rule for one in months)
    return visit.page(
        "record_duties.html",
        status=form.status,
        grids={rule: [one for one in months if one.rule == rule] for rule in rules},
        facts_read_by=readers(Words.FACTS, visit.language),
        form=form,
        **values,
    )
