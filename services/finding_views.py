"""Findings as a viewer may see them: facts at once, judgement at release (domain.md, section 5; W6)."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Text, bindparam, cast, literal, null, select, union_all

from models.columns import Points, table_of
from models.documents import Incident
from models.findings import Finding, FindingRevision, Reply
from models.history import TextBody
from models.people import Assignment, Person, Post
from scoring.errors import UnknownName
from services import naming
from services.actors import Actor
from services.definitions import rubric_of
from services.documents import document_code
from services.errors import Malformed, Refused
from services.file_views import files_of_owners, until
from services.finding_shapes import FindingView, ReplyView, RevisionView, redact
from services.finding_writing import disclosure, finding_row
from services.finding_writing import unknown as unknown_finding
from services.grants import today
from services.ledger_rows import finding_line
from services.ledger_sight import ledger_sight
from services.ledgers import APPRAISAL, LedgerState, state
from services.rubric_in_force import InForce, rubric_in_force
from services.sight import Sight
from services.standing import Standing
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Facts

ASSIGNMENT = table_of(Assignment)
FINDING = table_of(Finding)
INCIDENT = table_of(Incident)
PERSON = table_of(Person)
POST = table_of(Post)
REPLY = table_of(Reply)
REVISION = table_of(FindingRevision)
TEXT_BODY = table_of(TextBody)
_RECORDER = PERSON.alias("recorder")
_REASON = TEXT_BODY.alias("reason")
_VOID_REASON = TEXT_BODY.alias("void_reason")

FINDINGS = select(
    FINDING,
    ASSIGNMENT.c.person_id,
    ASSIGNMENT.c.post_id,
    PERSON.c.number,
    PERSON.c.name,
    POST.c.code.label("post"),
    INCIDENT.c.code.label("incident"),
    _RECORDER.c.number.label("recorder"),
    _RECORDER.c.name.label("recorder_name"),
    _REASON.c.body.label("reason"),
    _VOID_REASON.c.body.label("void_reason"),
).select_from(
    FINDING.join(ASSIGNMENT, ASSIGNMENT.c.id == FINDING.c.assignment_id)
    .join(PERSON, PERSON.c.id == ASSIGNMENT.c.person_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(_RECORDER, _RECORDER.c.id == FINDING.c.recorded_by)
    .outerjoin(INCIDENT, INCIDENT.c.id == FINDING.c.incident_id)
    .outerjoin(_REASON, _REASON.c.id == FINDING.c.reason_id)
    .outerjoin(_VOID_REASON, _VOID_REASON.c.id == FINDING.c.void_reason_id)
)
_OF_PERSON = FINDINGS.where(ASSIGNMENT.c.person_id == bindparam("person")).order_by(FINDING.c.happened, FINDING.c.id)
OF_LEDGER = FINDINGS.where(
    FINDING.c.assignment_id == bindparam("assignment"),
    FINDING.c.counted_on.between(bindparam("first"), bindparam("last")),
).order_by(FINDING.c.happened, FINDING.c.id)
_ONE = FINDINGS.where(FINDING.c.id == bindparam("finding"))
_IDS: Any = bindparam("findings", expanding=True)
SAID = union_all(
    select(
        REPLY.c.id,
        REPLY.c.finding_id,
        literal("reply", Text).label("kind"),
        cast(null(), Points()).label("amount"),
        REPLY.c.at,
        TEXT_BODY.c.body,
    )
    .join(TEXT_BODY, TEXT_BODY.c.id == REPLY.c.text_id)
    .where(REPLY.c.finding_id.in_(_IDS)),
    select(REVISION.c.id, REVISION.c.finding_id, REVISION.c.kind, REVISION.c.amount, REVISION.c.at, TEXT_BODY.c.body)
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == REVISION.c.reason_id)
    .where(
        REVISION.c.finding_id.in_(_IDS),
        # By way of the appraisals of their assignments: decisions are found by appraisal, not by finding.
        REVISION.c.appraisal_id.in_(
            select(APPRAISAL.c.id).where(
                APPRAISAL.c.assignment_id.in_(select(FINDING.c.assignment_id).where(FINDING.c.id.in_(_IDS)))
            )
        ),
    ),
)
"""What was written beside findings, and what was decided about them."""


def list_findings(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str | None = None
) -> tuple[FindingView, ...]:
    """Return the findings about a person that the viewer may see, by day; by default about himself.

    Raises:
        Malformed: nobody is named and the actor is not a person.
        NotFound: there is no such person.
    """
    with uow.read() as tx:
        if number is None and actor.person_id is None:
            raise Malformed("Say whose findings you want to see.", "missing")
        person_id = actor.person_id if number is None else naming.person(tx, number).id
        return _visible(tx, tx.all(_OF_PERSON, {"person": person_id}), actor, now)


def of_ledger(tx: Transaction, standing: Standing, seen: Sight) -> tuple[FindingView, ...]:
    """Return the findings that count in an appraisal, by day, as far as `seen` goes, in at most five statements."""
    row = standing.row
    withheld = seen.as_appraisee and not seen.judgement and facts_wait(standing)
    if not seen.facts or withheld:
        return ()
    period = {"assignment": row.assignment_id, "first": row.period_from, "last": row.period_to}
    force = InForce(rubric_of(tx, row.rubric_id, row.rubric_digest), row.period_from, row.period_to)
    return views_by(tx, tx.all(OF_LEDGER, period), lambda _: Terms(seen, False, force))


def facts_wait(standing: Standing) -> bool:
    """Tell whether the workflow tells the person of facts only at the release."""
    disclosed = standing.lifecycle.disclosure
    return disclosed is not None and disclosed.facts != Facts.AT_ONCE


@use_case("finding.show")
def show_finding(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, finding: str) -> FindingView:
    """Return one finding, named like `F12`, as far as the viewer may see it.

    Raises:
        Malformed: the name has another form.
        NotFound: there is none, or it is not the viewer's to see.
    """
    with uow.read() as tx:
        row = finding_row(tx, finding)
        views = _visible(tx, tx.all(_ONE, {"finding": row.id}), actor, now)
    if not views:
        raise unknown_finding(finding)
    return views[0]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the findings of one assignment in one period."""

    sight: Sight
    withheld: bool
    force: InForce | None


def _visible(tx: Transaction, rows: Sequence[Row[Any]], actor: Actor, now: dt.datetime) -> tuple[FindingView, ...]:
    if not rows:
        return ()
    known: dict[int, list[tuple[LedgerState, Terms]]] = {}

    def terms(row: Row[Any]) -> Terms:
        return terms_of_ledger(tx, row, known.setdefault(row.assignment_id, []), actor=actor, now=now)

    return views_by(tx, rows, terms)


def views_by(
    tx: Transaction, rows: Sequence[Row[Any]], terms_of: Callable[[Row[Any]], Terms]
) -> tuple[FindingView, ...]:
    """Return findings, read by `FINDINGS`, each as far as the terms of its ledger let it be seen; two statements."""
    if not rows:
        return ()
    ids = [row.id for row in rows]
    files = files_of_owners(tx, "finding", ids)
    replies: dict[int, list[ReplyView]] = {}
    revisions: dict[int, list[RevisionView]] = {}
    for row in sorted(tx.all(SAID, {"findings": ids}), key=lambda row: row.id):
        if row.kind == "reply":
            replies.setdefault(row.finding_id, []).append(ReplyView(row.at, row.body))
        else:
            revisions.setdefault(row.finding_id, []).append(RevisionView(row.kind, row.amount, row.at, row.body))
    views = []
    for row in rows:
        terms = terms_of(row)
        if terms.sight.facts and not terms.withheld:
            view = _view(row, terms.force, tuple(replies.get(row.id, ())), tuple(revisions.get(row.id, ())))
            seen = _as_of(replace(view, files=files.get(row.id, ())), terms.sight)
            if seen is not None:
                own = terms.sight.own is not None and terms.sight.own in {row.recorded_by, row.on_behalf_of}
                views.append(redact(seen, judgement=terms.sight.judgement or own))
    return tuple(views)


def _as_of(view: FindingView, seen: Sight) -> FindingView | None:
    """Return a finding as it was when the viewer's part ended, None if there was none yet; else as it is."""
    end = seen.until
    if end is None:
        return view
    if view.recorded_at > end:
        return None
    return replace(
        view,
        replies=tuple(one for one in view.replies if one.at <= end),
        revisions=tuple(one for one in view.revisions if one.at <= end),
        files=until(view.files, end),
    )


def terms_of_ledger(
    tx: Transaction, row: Row[Any], known: list[tuple[LedgerState, Terms]], *, actor: Actor, now: dt.datetime
) -> Terms:
    """Return what holds for a finding; `known` are the terms of its assignment so far, and takes in new ones."""
    for at, terms in known:
        covers = at.period_from is not None and at.period_to is not None and at.period_from <= row.counted_on
        if at.on == row.counted_on or (covers and at.period_to is not None and row.counted_on <= at.period_to):
            return terms
    at = state(tx, row.assignment_id, row.counted_on)
    seen = ledger_sight(tx, at, row.person_id, actor=actor, now=now, today=today(tx, now))
    withheld = seen.as_appraisee and not seen.judgement and disclosure(tx, at).facts != Facts.AT_ONCE
    try:
        force = rubric_in_force(tx, at, post_id=row.post_id, post=row.post)
    except Refused:
        force = None  # no rubric has the post any more; the day and the words of the finding are still to be seen
    known.append((at, Terms(seen, withheld, force)))
    return known[-1][1]


def _view(
    row: Row[Any], force: InForce | None, replies: tuple[ReplyView, ...], revisions: tuple[RevisionView, ...]
) -> FindingView:
    rule = None
    if force is not None:
        try:
            rule = force.rubric.post(row.post).rule(row.rule)
        except UnknownName:
            rule = None
    amount = row.amount
    if amount is None and rule is not None and rule.amount is not None:
        amount = rule.amount * (row.units if row.units is not None else 1)
    return FindingView(
        id=row.id,
        number=row.number,
        post=row.post,
        rule=row.rule,
        clause="" if rule is None else rule.clause,
        trigger={} if rule is None else {"en": rule.trigger.en, "zh": rule.trigger.zh},
        award=rule is not None and rule.award,
        ranged=row.amount is not None,
        happened=row.happened,
        known=row.known,
        counted_on=row.counted_on,
        amount=amount,
        units=row.units,
        document=None if row.document_id is None else document_code(row.document_id),
        incident=row.incident,
        reason=row.reason,
        sub_reasons=tuple(json.loads(row.sub_reasons)),
        recorded_by=row.recorder,
        recorder=f"{row.recorder_name} ({row.recorder})",
        person=f"{row.name} ({row.number})",
        recorded_at=row.recorded_at,
        claimed=row.claimed,
        confirmed=row.confirmed_at is not None,
        voided=row.voided_at is not None,
        void_reason=row.void_reason,
        replaces=None if row.replaces_id is None else finding_line(row.replaces_id),
        replies=replies,
        revisions=revisions,
    )
