"""Scoring: the sheet of one person with its live total, and all without anything recorded submitted in one go."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from fastapi import APIRouter, Response

from services import appraisals, desk, duties, finding_places, findings, scoring_queue, scoring_sheet
from services.appraisals import Words as ActWords
from services.course import course
from services.errors import Conflict, Malformed, NotFound, Refused
from services.finding_checks import Entry
from services.finding_shapes import FindingView
from services.finding_views import show_finding
from services.scoring_queue import Sheets
from services.scoring_sheet import Preview, Sheet, demand_same_ledger
from web.forms import EMPTY, Form, Posted
from web.readers import Words, readers
from web.requests import Asked, Visit
from web.typed import beside, day_in, maybe_day_in, maybe_figure_in
from web.uploads import files_in

router = APIRouter()
PART = "x-part"
"""The header by which the script of the sheet asks for the total alone."""


@router.get("/scoring")
def show_list(visit: Visit, after: int = 0, submitted: int = 0, done: str = "") -> Response:
    found = scoring_queue.to_score(visit.uow, actor=visit.actor, now=visit.now, after=after)
    return visit.page(
        "scoring_list.html",
        sheets=found.sheets,
        after=found.after,
        clear=sum(one.clear for one in found.sheets),
        submitted=submitted,
        done=done,
    )


@router.get("/scoring/clear")
def preview_clear(visit: Visit) -> Response:
    return _clear(visit, scoring_queue.to_score(visit.uow, actor=visit.actor, now=visit.now), EMPTY)


@router.post("/scoring/clear")
def submit_clear(visit: Visit, form: Posted) -> Response:
    found = scoring_queue.to_score(visit.uow, actor=visit.actor, now=visit.now)
    there = {one.seen: one.appraisal_id for one in found.sheets if one.clear}
    chosen = [there[named] for named in form.all("sheet") if named in there]
    if not chosen:
        nobody = Malformed(visit.text("Nobody is ticked who can still be submitted; look again."), "nobody")
        return _clear(visit, found, form.failed(nobody))
    try:
        batch = appraisals.act_many(visit.uow, actor=visit.actor, now=visit.now, appraisals=chosen, action="submit")
    except (Refused, Conflict, Malformed) as error:
        return _clear(visit, found, form.failed(error))
    if batch.aside:
        return _clear(
            visit, scoring_queue.to_score(visit.uow, actor=visit.actor, now=visit.now), EMPTY, aside=batch.aside
        )
    return visit.to(f"/scoring?submitted={len(batch.moved)}")


def _clear(visit: Asked, found: Sheets, form: Form, *, aside: tuple[tuple[str, str], ...] = ()) -> Response:
    sheets = [one for one in found.sheets if one.clear]
    status = 409 if aside else form.status
    return visit.page("scoring_clear.html", status=status, sheets=sheets, form=form, aside=aside)


@router.get("/scoring/{cycle}/{number}")
def show_sheet(visit: Visit, cycle: str, number: str, saved: int = 0) -> Response:
    return _page(visit, f"{cycle}/{number}", EMPTY, saved=bool(saved))


@router.post("/scoring/{cycle}/{number}/{action}")
def write(visit: Visit, cycle: str, number: str, action: str, form: Posted) -> Response:
    code = f"{cycle}/{number}"
    sheet = _sheet(visit, code)
    if action == "preview":
        return _previewed(visit, sheet, form)
    entering = _ENTRIES.get(action)
    try:
        demand_same_ledger(sheet, form.number("ledger"))
        if entering is None:
            moved = appraisals.act(
                visit.uow,
                actor=visit.actor,
                now=visit.now,
                appraisal=sheet.appraisal,
                action=action,
                words=ActWords(comment=form.maybe("comment")),
                version=form.number("version"),
                ledger_version=form.number("ledger"),
                files=files_in(form),
            )
            left = moved.to_stage != "scoring"
            return visit.to(f"/scoring?done={moved.code}" if left else f"/scoring/{moved.code}")
        entering(visit, sheet, form)
    except (Refused, Conflict, Malformed, NotFound) as error:
        return _page(visit, code, form.failed(error, **beside(error)), tried=action)
    return visit.to(f"/scoring/{sheet.appraisal}?saved=1")


def _previewed(visit: Asked, sheet: Sheet, form: Form) -> Response:
    """Answer what an entry would do: to the script the total alone, else the whole page with what was typed."""
    shown: Preview | None = None
    if not form.get("happened"):  # the total follows the slider before a day is chosen
        day = min(sheet.today, sheet.period[1])
        form = replace(form, fields={**form.fields, "happened": (f"{day:%Y-%m-%d}",)})
    try:
        shown = scoring_sheet.preview(
            visit.uow, actor=visit.actor, now=visit.now, entry=_entry(sheet, form), language=visit.language
        )
    except (Refused, Malformed, NotFound) as error:
        form = form.failed(error, **beside(error))
    if visit.request.headers.get(PART):
        return visit.page("scoring_total.html", sheet=sheet, preview=shown, form=form)
    return _page(visit, sheet.appraisal, form, tried="record", preview=shown)


def _entry(sheet: Sheet, form: Form) -> Entry:
    """Return what was typed as an entry; the figure counts before the slider, which always has one."""
    amount = maybe_figure_in(form, "amount")
    return Entry(
        sheet.person,
        form.get("rule"),
        day_in(form, "happened"),
        maybe_day_in(form, "known"),
        maybe_figure_in(form, "slider") if amount is None else amount,
        maybe_figure_in(form, "units"),
        form.maybe("document"),
        form.maybe("incident"),
        form.maybe("reason"),
        form.all("sub-reason"),
    )


def _record(visit: Asked, sheet: Sheet, form: Form) -> None:
    entry = _entry(sheet, form)
    findings.add(
        visit.uow,
        actor=visit.actor,
        now=visit.now,
        number=entry.number,
        rule=entry.rule,
        happened=entry.happened,
        known=entry.known,
        amount=entry.amount,
        units=entry.units,
        document=entry.document,
        incident=entry.incident,
        reason=entry.reason,
        sub_reasons=entry.sub_reasons,
        files=files_in(form),
    )


def _void(visit: Asked, _: Sheet, form: Form) -> None:
    findings.void(visit.uow, actor=visit.actor, now=visit.now, finding=form.get("finding"), reason=form.get("comment"))


def _amend(visit: Asked, sheet: Sheet, form: Form) -> None:
    """Put another amount in the place of a finding, with everything else as it was."""
    before = show_finding(visit.uow, actor=visit.actor, now=visit.now, finding=form.get("finding"))
    entry = Entry(
        sheet.person,
        before.rule,
        before.happened,
        before.known,
        maybe_figure_in(form, "amount"),
        before.units,
        before.document,
        before.incident,
        before.reason,
        before.sub_reasons,
    )
    findings.replace(
        visit.uow, actor=visit.actor, now=visit.now, finding=before.code, entry=entry, reason=form.get("comment")
    )


def _confirm_claim(visit: Asked, _: Sheet, form: Form) -> None:
    findings.confirm(visit.uow, actor=visit.actor, now=visit.now, finding=form.get("finding"))


def _confirm_month(visit: Asked, sheet: Sheet, form: Form) -> None:
    duties.confirm(
        visit.uow,
        actor=visit.actor,
        now=visit.now,
        number=sheet.person,
        rule=form.get("rule"),
        month=form.get("month"),
        reason=form.maybe("comment"),
    )


def _excuse_month(visit: Asked, sheet: Sheet, form: Form) -> None:
    duties.excuse(
        visit.uow,
        actor=visit.actor,
        now=visit.now,
        number=sheet.person,
        rule=form.get("rule"),
        month=form.get("month"),
        reason=form.get("comment"),
    )


_ENTRIES: Mapping[str, Callable[[Asked, Sheet, Form], None]] = {
    "record": _record,
    "void": _void,
    "amend": _amend,
    "confirm-claim": _confirm_claim,
    "confirm-month": _confirm_month,
    "excuse-month": _excuse_month,
}
"""What writes into the ledger; every other action is one of the workflow's."""


def _sheet(visit: Asked, code: str) -> Sheet:
    return scoring_sheet.sheet(visit.uow, actor=visit.actor, now=visit.now, appraisal=code, language=visit.language)


def _page(
    visit: Asked, code: str, form: Form, *, tried: str = "", preview: Preview | None = None, saved: bool = False
) -> Response:
    """Show the sheet; after a refusal with what was typed, and the version that is there now."""
    sheet = _sheet(visit, code)
    shown = desk.show(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    way = course(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    found = finding_places.of_appraisal(visit.uow, actor=visit.actor, now=visit.now, appraisal=code)
    return visit.page(
        "scoring_sheet.html",
        status=form.status,
        sheet=sheet,
        shown=shown,
        records=_by_item(sheet, found),
        saved_at=max((one.recorded_at for one in found), default=None),
        saved=saved,
        acts=[way.acts[one["action"]] for one in shown.actions if not one["blocked"] and one["action"] in way.acts],
        blocked=[one for one in shown.actions if one["blocked"]],
        facts_read_by=readers(Words.FACTS, visit.language),
        read_by=readers(Words.JUDGEMENT, visit.language),
        form=form,
        tried=tried,
        preview=preview,
    )


def _by_item(sheet: Sheet, found: tuple[FindingView, ...]) -> dict[str, list[FindingView]]:
    """Return the findings of each item; those of a rule that the rubric does not have stand under no name."""
    item_of = {rule.id: one.item.id for one in sheet.items for rule in one.item.rules}
    grouped: dict[str, list[FindingView]] = {}
    for one in found:
        grouped.setdefault(item_of.get(one.rule, ""), []).append(one)
    return grouped
