"""The cycles there are, and the cycle today: the funnel, who is late, and what HR does about it."""

import datetime as dt
from collections.abc import Callable
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Response

from services import cycle_board, cycle_tasks, enrolment, extensions, holds, nudging, roster_changes, work_items
from services.errors import Conflict, Malformed, NotFound, Refused
from web.forms import EMPTY, Form, Posted
from web.render import word
from web.requests import Asked, Visit
from web.words import N_

router = APIRouter()
REFUSED = (Conflict, Malformed, NotFound, Refused)
"""What a service says to a form; the page shows it and keeps what was typed."""
DONE = {
    "reminded": N_("Reminded: %(n)s."),
    "extended": N_("More time was given: %(n)s."),
    "held": N_("It is on hold: no due day, no reminder, in no list of what is late."),
    "released": N_("It goes on; the days that were left are left now."),
    "replaced": N_("It was given to somebody else, who is told."),
    "withdrawn": N_("Taken out of the cycle; closed as not rated: %(n)s."),
    "enrolled": N_("Taken into the cycle: %(n)s."),
    "retried": N_("Taken up again: %(n)s."),
}
"""What a page says after an act, by the word in its address; `n` counts."""
STUCK = {
    "nobody-left": N_("nobody is left to take it: name somebody"),
    "with-hr": N_("lies with HR: name somebody"),
}


@router.get("/cycles")
def show_cycles(visit: Visit) -> Response:
    return visit.page("cycles.html", cycles=tuple(reversed(enrolment.cycles(visit.uow))))


@router.get("/cycles/{cycle}")
def show(
    visit: Visit,
    cycle: str,
    *,
    unit: str | None = None,
    behind: str = "",
    after: str | None = None,
    done: str = "",
    n: str = "",
) -> Response:
    return _page(visit, cycle, EMPTY, unit=unit, behind=behind, after=after, done=done, n=n)


@router.get("/cycles/{cycle}/monday")
def show_monday(visit: Visit, cycle: str) -> Response:
    found = cycle_tasks.tasks(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, most=cycle_tasks.MOST)
    tasks = sorted(found.tasks, key=lambda task: (task.unit, task.due_at or visit.now, task.item))
    more = found.after is not None
    return visit.page("monday.html", cycle=cycle, tasks=tasks, plain=_plain(visit, tasks), more=more)


@router.get("/cycles/{cycle}/task")
def show_task(visit: Visit, cycle: str, *, item: str = "", person: str = "", done: str = "", n: str = "") -> Response:
    return _task(visit, cycle, EMPTY, item=item, person=person, done=done, n=n)


@router.post("/cycles/{cycle}/remind")
def remind(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> int:
        whom = _needed(visit, form, "whom", N_("Say who is reminded: everybody, or one appraisal."))
        named = cycle if whom == "everybody" else whom
        if named.partition("/")[0] != cycle:
            raise Malformed("This appraisal is of another cycle; open the page of that cycle.", "other-cycle")
        found = nudging.remind(visit.uow, actor=visit.actor, now=visit.now, cycle=named)
        return sum(one.reminded for one in found)

    return _did(visit, cycle, form, "reminded", act)


@router.post("/cycles/{cycle}/extend")
def extend(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> int:
        until = day_of(visit, form, "until", N_("Write the last day."))
        cohort = extensions.Cohort(
            tuple(number for number in form.get("people").replace(",", " ").split()),
            tuple(code for code in form.get("units").replace(",", " ").split()),
            tuple(stage for stage in form.all("stage") if stage),
        )
        done = extensions.extend(
            visit.uow,
            actor=visit.actor,
            now=visit.now,
            cycle=cycle,
            cohort=cohort,
            until=until,
            reason=form.get("reason"),
        )
        return len(done.moved)

    return _did(visit, cycle, form, "extended", act)


@router.post("/cycles/{cycle}/enrol")
def enrol(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> int:
        number = _needed(visit, form, "number", N_("Write the employee number."))
        return len(enrolment.enrol(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, number=number))

    return _did(visit, cycle, form, "enrolled", act)


@router.post("/cycles/{cycle}/withdraw")
def withdraw(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> int:
        number = _needed(visit, form, "number", N_("Write the employee number."))
        reason = _needed(visit, form, "reason", N_("Say why; the form shows it."))
        gone = roster_changes.withdraw(
            visit.uow, actor=visit.actor, now=visit.now, cycle=cycle, number=number, reason=reason
        )
        return len(gone)

    return _did(visit, cycle, form, "withdrawn", act)


@router.post("/cycles/{cycle}/retry")
def retry(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> int:
        return roster_changes.retry(visit.uow, actor=visit.actor, now=visit.now, cycle=cycle)

    return _did(visit, cycle, form, "retried", act)


@router.post("/cycles/{cycle}/hold")
def hold(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> None:
        item, reason = _item(visit, form), form.get("reason")
        holds.hold(visit.uow, actor=visit.actor, now=visit.now, item=item, reason=reason)

    return _did_to_task(visit, cycle, form, "held", act)


@router.post("/cycles/{cycle}/release")
def release(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> None:
        item, reason = _item(visit, form), form.get("reason")
        holds.release(visit.uow, actor=visit.actor, now=visit.now, item=item, reason=reason)

    return _did_to_task(visit, cycle, form, "released", act)


@router.post("/cycles/{cycle}/replace")
def replace(visit: Visit, cycle: str, form: Posted) -> Response:
    def act() -> None:
        item = _item(visit, form)
        number = _needed(visit, form, "number", N_("Write the employee number."))
        work_items.reassign(
            visit.uow, actor=visit.actor, now=visit.now, item=item, number=number, reason=form.get("reason")
        )

    return _did_to_task(visit, cycle, form, "replaced", act)


def _plain(visit: Asked, tasks: list[cycle_tasks.Task]) -> str:
    """Return the list as text for a mail or a chat: the unit, then a line for each task."""
    lines = []
    for unit, found in groupby(tasks, key=lambda task: task.unit):
        lines += ["", unit]
        for task in found:
            lines.append(
                visit.text(
                    "- %(name)s: %(stage)s, with %(holder)s, %(days)s working days late",
                    name=f"{task.name} ({task.number})",
                    stage=word(task.stage, visit.language),
                    holder=f"{task.holder} ({task.holder_number})",
                    days=task.days,
                )
            )
    return "\n".join(lines[1:])


def day_of(visit: Asked, form: Form, name: str, missing: str) -> dt.date:
    """Return the day that stands in a field.

    Raises:
        Malformed: it is empty, or no day.
    """
    text = _needed(visit, form, name, missing)
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{text[:20]!r} is no day; write it as 2026-04-20.", "bad-day") from error


def _needed(visit: Asked, form: Form, name: str, missing: str) -> str:
    text = form.get(name)
    if not text:
        raise Malformed(visit.text(missing), f"missing-{name}")
    return text


def _item(visit: Asked, form: Form) -> str:
    return _needed(visit, form, "item", N_("Say which task; the list of open tasks names them."))


def _did(visit: Asked, cycle: str, form: Form, done: str, act: Callable[[], int]) -> Response:
    """Act on a whole cycle, then show it; where it is refused, with what was typed."""
    try:
        number = act()
    except REFUSED as error:
        return _page(visit, cycle, form.failed(error), tried=done)
    return visit.to(f"/cycles/{cycle}?done={done}&n={number}")


def _did_to_task(visit: Asked, cycle: str, form: Form, done: str, act: Callable[[], None]) -> Response:
    try:
        act()
    except REFUSED as error:
        return _task(visit, cycle, form.failed(error), item=form.get("item"), tried=done)
    return visit.to(f"/cycles/{cycle}/task?item={form.get('item')}&done={done}")


def _page(
    visit: Asked,
    cycle: str,
    form: Form,
    *,
    unit: str | None = None,
    behind: str = "",
    after: str | None = None,
    done: str = "",
    n: str = "",
    tried: str = "",
) -> Response:
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "cycle": cycle}
    board = cycle_board.board(visit.uow, **asked, unit=unit, behind=behind)
    late = cycle_tasks.tasks(visit.uow, **asked, after=after)
    return visit.page(
        "cycle.html",
        status=form.status,
        board=board,
        late=late,
        first=after is None,
        behind=behind,
        stuck=STUCK,
        form=form,
        tried=tried,
        done=told(visit, done, n),
    )


def told(visit: Asked, done: str, n: str) -> str:
    """Return what was done, in words; nothing for a word that is none of ours."""
    text = DONE.get(done)
    return "" if text is None else visit.text(text) % {"n": n[:6]}


def _task(
    visit: Asked,
    cycle: str,
    form: Form,
    *,
    item: str,
    person: str = "",
    done: str = "",
    n: str = "",
    tried: str = "",
) -> Response:
    """Show one task with what HR can do about it, or the open tasks to choose from."""
    asked: dict[str, Any] = {"actor": visit.actor, "now": visit.now, "cycle": cycle}
    try:
        found = cycle_tasks.tasks(visit.uow, **asked, late=False, person=person or None, item=item or None)
    except Malformed as error:
        form, item = form.failed(error), ""
        found = cycle_tasks.tasks(visit.uow, **asked, late=False)
    task = found.tasks[0] if item and found.tasks else None
    return visit.page(
        "task.html",
        status=form.status,
        cycle=cycle,
        task=task,
        found=found,
        item=item,
        person=person,
        stuck=STUCK,
        form=form,
        tried=tried,
        done=told(visit, done, n),
    )
