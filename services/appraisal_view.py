"""One appraisal laid open for a page: each item with its facts, what was counted, and what it would come to without."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from sqlalchemy import and_, bindparam, func, or_, select

from models.appraisals import Score
from models.columns import table_of
from models.rubrics import Definition
from scoring.explain import explain
from scoring.numbers import to_decimal
from scoring.score import score as score_ledger
from services import appraisal_asked, delegations, desk, finding_views, judging, view_log
from services.actors import Actor
from services.correction_records import decision
from services.course import Course, course_of
from services.definitions import lifecycle_of, rubric_of
from services.errors import Malformed
from services.finding_shapes import FindingView
from services.grade_words import Words, grade_of, grade_words
from services.ledgers import state
from services.one_reading import ahead
from services.person_results import FINAL, IN_FORCE
from services.reply_days import reply_days
from services.sight import sight
from services.standing import APPRAISAL, ASSIGNMENT, CYCLE, POST, Standing, load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState

SCORE = table_of(Score)
DEFINITION = table_of(Definition)
_RUBRIC = DEFINITION.alias("past_rubric")
MOST_PAST = 8
"""Quarters of one list."""

_PAST = (
    select(
        APPRAISAL.c.id,
        APPRAISAL.c.rubric_id,
        _RUBRIC.c.digest.label("rubric_digest"),
        CYCLE.c.code,
        CYCLE.c.period_from,
        POST.c.code.label("post"),
        APPRAISAL.c.stage,
        APPRAISAL.c.outcome,
        APPRAISAL.c.workflow_id,
        DEFINITION.c.digest,
        SCORE.c.total,
        SCORE.c.grade,
    )
    .select_from(APPRAISAL)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .join(DEFINITION, DEFINITION.c.id == APPRAISAL.c.workflow_id)
    .join(_RUBRIC, _RUBRIC.c.id == APPRAISAL.c.rubric_id)
    # What was corrected after the end stands in the signed table.
    .outerjoin(FINAL, (FINAL.c.appraisal_id == APPRAISAL.c.id) & IN_FORCE)
    .outerjoin(SCORE, SCORE.c.id == func.coalesce(FINAL.c.score_id, APPRAISAL.c.score_id))
    .where(
        APPRAISAL.c.person_id == bindparam("person"),
        APPRAISAL.c.id != bindparam("appraisal"),
        CYCLE.c.state != CycleState.CANCELLED.value,
        or_(
            CYCLE.c.period_from < bindparam("past_from"),
            and_(CYCLE.c.period_from == bindparam("past_from"), APPRAISAL.c.id > bindparam("past_id")),
        ),
    )
    .order_by(CYCLE.c.period_from.desc(), APPRAISAL.c.id)
    .limit(MOST_PAST + 1)
)


@dataclass(frozen=True, slots=True)
class Line:
    """Something that counts in an item: a finding, or a month of a duty that was missed.

    `without` is what the total would be without it, in points; None where the judgement is not the viewer's to see.
    """

    code: str
    rule: str
    clause: str
    trigger: Mapping[str, str]
    finding: FindingView | None
    month: str | None
    amount: str | None
    without: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the post with what was recorded in it; `figures` is None before the judgement is released.

    `figures` has points, recorded, counted, reward and score; `own` is the self score, which does not count.
    """

    id: str
    title: Mapping[str, str]
    points: str
    own: str | None
    figures: Mapping[str, str] | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """Another period of the same person; the total is None while it is not released. `grade` has its words."""

    appraisal: str
    cycle: str
    stage: Mapping[str, str]
    total: str | None
    grade: Words | None


@dataclass(frozen=True, slots=True)
class LaidOpen:
    """An appraisal as one viewer sees it. `course` is None for who sees that there is one and no facts of it."""

    shown: desk.Shown
    course: Course | None
    items: tuple[Item, ...]
    others: tuple[FindingView, ...]
    sentences: tuple[str, ...]
    past: tuple[Past, ...]
    own: bool
    grade: Mapping[str, str]
    """The words of the grade; empty without one."""
    past_after: str | None
    """Where the list of past periods goes on; None at its end."""
    replies_until: Mapping[str, dt.date]
    """By line, the last day for a reply; for the person himself, while one is taken."""


@use_case("appraisal.show")
def lay_open(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    appraisal: str,
    language: Literal["en", "zh"] = "en",
    past_after: str = "",
) -> LaidOpen:
    """Lay an appraisal open to a viewer; a look at the score of another is written down, and nothing else.

    Past periods are listed for the person himself alone, the latest first, from behind `past_after` on.

    Raises:
        Malformed: `past_after` is no place of ours.
        NotFound: there is none, or it is not the viewer's to see.
    """
    with uow.read() as tx:
        standing = load(tx, [appraisal], actor, now)[0]
        ahead(tx, *appraisal_asked.who(standing, actor))
        standing, acting = delegations.stand_in(tx, standing, actor)
        seen = sight(tx, standing, acting, standing.today)
        own = standing.row.person_id == actor.person_id
        earlier = [(_PAST, _past_of(standing, past_after))] if own else []
        ahead(tx, *appraisal_asked.first(standing, acting, seen), *earlier)
        ahead(tx, *appraisal_asked.then(tx, standing, seen))
        score = desk.score_of(tx, standing, seen)
        shown = desk.laid_open(tx, standing, acting, now, score)
        past, following = _past(tx, standing, past_after) if own else ((), None)
        findings: tuple[FindingView, ...] = ()
        if state(tx, standing.row.assignment_id, standing.row.period_to).appraisal_id == standing.id:
            findings = finding_views.of_ledger(tx, standing, seen)
        without = _without(tx, standing, score) if score is not None and seen.own is None else {}
        items = _items(tx, standing, shown, findings=findings, score=score, without=without) if seen.facts else ()
        known = {line.code for item in items for line in item.lines}
        laid = LaidOpen(
            shown,
            course_of(tx, standing, seen) if seen.facts else None,
            items,
            tuple(one for one in findings if one.code not in known),
            () if score is None else explain(score, language),
            past,
            own,
            grade_of(score),
            following,
            reply_days(tx, standing, findings) if own else {},
        )
    if score is not None and not own:
        view_log.look(uow, viewer=acting, now=now, kind=view_log.ONE_APPRAISAL, object_id=standing.id)
    return laid


def _past_of(standing: Standing, after: str) -> dict[str, Any]:
    return {"person": int(standing.row.person_id), "appraisal": standing.id, **_behind(after)}


def _items(
    tx: Transaction,
    standing: Standing,
    shown: desk.Shown,
    *,
    findings: tuple[FindingView, ...],
    score: desk.Scored,
    without: Mapping[str, str],
) -> tuple[Item, ...]:
    post = rubric_of(tx, standing.row.rubric_id, standing.row.rubric_digest).post(standing.row.post)
    figures = {str(item["id"]): item for item in (score["items"] if score is not None else ())}
    rules = {rule.id: item.id for item in post.items for rule in item.rules}
    lines: dict[str, list[Line]] = {item.id: [] for item in post.items}
    for finding in findings:
        if finding.rule in rules:
            amount = None if finding.amount is None else to_decimal(finding.amount)
            said = (finding.code, finding.rule, finding.clause, finding.trigger)
            lines[rules[finding.rule]].append(Line(*said, finding, None, amount, without.get(finding.code)))
    for step in score["steps"] if score is not None else ():
        if step["code"] == "duty-missed" and step["item"] in lines:
            said = (step["finding"], step["rule"], step["clause"], step["trigger"])
            line = Line(*said, None, step["month"], step["amount"], without.get(step["finding"]))
            lines[step["item"]].append(line)
    return tuple(
        Item(
            item.id,
            {"en": item.title.en, "zh": item.title.zh},
            to_decimal(item.points),
            shown.self_scores.get(item.id),
            figures.get(item.id),
            tuple(lines[item.id]),
        )
        for item in post.items
    )


def _without(tx: Transaction, standing: Standing, score: Mapping[str, Any]) -> dict[str, str]:
    """Return, by line, what the total would be if the line were struck; nothing where the score is a corrected one."""
    judged = judging.judge(tx, standing)
    if judged.score.total != Fraction(score["total"]):
        return {}
    rubric = rubric_of(tx, standing.row.rubric_id, standing.row.rubric_digest)
    found = {}
    for step in judged.score.steps:
        if step["code"] in {"finding", "duty-missed"}:
            struck = decision(step["finding"], step["rule"], "strike", None)
            ledger = judging.with_pending(judged.loaded.ledger, (struck,))
            found[step["finding"]] = to_decimal(score_ledger(rubric, standing.row.post, ledger, judged.as_of).total)
    return found


def _past(tx: Transaction, standing: Standing, after: str) -> tuple[tuple[Past, ...], str | None]:
    found = []
    rows = tx.all(_PAST, _past_of(standing, after))
    for row in rows[:MOST_PAST]:
        lifecycle = lifecycle_of(tx, row.workflow_id, row.digest)
        open_ = lifecycle.judgement_open(row.stage, outcome=row.outcome)
        total = to_decimal(row.total) if open_ and row.total is not None else None
        code = f"{row.code}/{standing.row.number}@{row.post}"
        grade = None
        if open_ and row.grade is not None:
            grade = grade_words([rubric_of(tx, row.rubric_id, row.rubric_digest)]).get(row.grade)
        found.append(Past(code, row.code, lifecycle.stage(row.stage).title, total, grade))
    last = rows[MOST_PAST - 1] if len(rows) > MOST_PAST else None
    return tuple(found), None if last is None else f"{last.period_from}~{last.id}"


def _behind(after: str) -> dict[str, Any]:
    if not after:
        return {"past_from": dt.date.max, "past_id": 0}
    day, _, id_ = after.partition("~")
    try:
        return {"past_from": dt.date.fromisoformat(day), "past_id": int(id_[: len("9" * 18)])}
    except ValueError as error:
        raise Malformed(f"{after[:40]!r} is no place in this list; begin at its first page.", "bad-place") from error
