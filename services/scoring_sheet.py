"""The sheet an assessor fills in: items with their clauses, what can be picked, what it comes to, and a preview."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from sqlalchemy import bindparam, select

from scoring.errors import ScoringError
from scoring.explain import explain
from scoring.result import ItemScore, Score
from scoring.rubric import Item, Rule
from scoring.score import score
from services import delegations
from services.actors import Actor
from services.clause_history import Given, given_by_rule, latest_amounts
from services.definitions import rubric_of
from services.documents import DOCUMENT, document_code
from services.errors import Conflict
from services.finding_checks import Entry, check
from services.grants import today
from services.judging import judge
from services.ledgers import OPEN_STAGES
from services.naming import unseen
from services.sight import Relation, relation_of
from services.standing import load
from services.unit_of_work import Transaction, UnitOfWork, rule_error
from workflow.vocabulary import Role

DOCUMENTS = 50
"""How many of the latest documents can be picked from on the sheet."""
_LATEST = (
    select(DOCUMENT.c.id, DOCUMENT.c.kind, DOCUMENT.c.number, DOCUMENT.c.day, DOCUMENT.c.issuer)
    .where(DOCUMENT.c.id > bindparam("after"))
    .order_by(DOCUMENT.c.id.desc())
    .limit(DOCUMENTS)
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of an item, and what was given by it to others before.

    `documents` are the kinds of document that it counts once for; with none it needs no document.
    """

    rule: Rule
    given: Given | None
    once: bool
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemSheet:
    """One item with its figures as they are now and its clauses; scheduled duties are none, they are derived."""

    item: Item
    figures: ItemScore
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """A missed month of a scheduled duty; `open` while the assessor has neither confirmed nor excused it."""

    line: str
    rule: str
    month: str
    amount: str
    open: bool


@dataclass(frozen=True, slots=True)
class Pickable:
    """A document to pick from."""

    code: str
    kind: str
    number: str
    day: dt.date
    issuer: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as its assessor sees it. `writable` says that the ledger is open and the viewer is the assessor.

    `person` is how entries name the person, with the post; `sentences` lead to the total step by step.
    """

    appraisal: str
    person: str
    version: int
    ledger_version: int
    stage: str
    period: tuple[dt.date, dt.date]
    today: dt.date
    writable: bool
    total: Fraction
    maximum: Fraction
    items: tuple[ItemSheet, ...]
    missed: tuple[Missed, ...]
    documents: tuple[Pickable, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an entry would do: the points it takes or gives, the total before and after, and how that comes about."""

    amount: Fraction
    before: Fraction
    after: Fraction
    sentences: tuple[str, ...]


def sheet(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str, language: Literal["en", "zh"] = "en"
) -> Sheet:
    """Return the sheet of an appraisal, for who scores or reviews it.

    Raises:
        NotFound: there is none, or the viewer does not judge it.
    """
    with uow.read() as tx:
        standing, actor = delegations.stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
        if relation_of(tx, standing, actor, standing.today) is not Relation.JUDGE:
            raise unseen(standing.asked)
        row = standing.row
        post = rubric_of(tx, row.rubric_id, row.rubric_digest).post(row.post)
        judged = judge(tx, standing)
        ranged = [rule.id for rule in post.rules if rule.kind == "range"]
        amounts = latest_amounts(tx) if ranged else ()
        given = given_by_rule(amounts, ranged, assignment_id=row.assignment_id)
        documents = _documents(tx)
    return Sheet(
        standing.code,
        f"{row.number}@{row.post}",
        standing.version,
        standing.ledger_version,
        standing.stage,
        (row.period_from, row.period_to),
        standing.today,
        Role.ASSESSOR in standing.roles and standing.stage in OPEN_STAGES,
        judged.score.total,
        judged.score.maximum,
        tuple(_item(item, judged.score, given) for item in post.items),
        _missed(judged.score, judged.unconfirmed),
        documents,
        explain(judged.score, language),
    )


def preview(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, entry: Entry, language: Literal["en", "zh"] = "en"
) -> Preview:
    """Return what a finding would do to the total, as of today or the period's end; nothing is written.

    It is asked while somebody types: words may still be missing, and what is refused is told and not recorded as an
    attempt.

    Raises:
        Malformed, NotFound, Refused: as `findings.add`.
    """
    with uow.read() as tx:
        date = today(tx, now)
        try:
            checked = check(tx, replace(entry, reason=entry.reason or _NEW), actor=actor, today=date)
        except ScoringError as error:
            raise rule_error(error) from error
        rubric, post = checked.force.rubric, checked.held.post
        as_of = min(date, checked.force.period_to)
        before = score(rubric, post, checked.ledger, as_of)
        after = score(rubric, post, checked.ledger.add(replace(checked.finding, id=_NEW)), as_of)
    return Preview(checked.amount, before.total, after.total, explain(after, language))


_NEW = "new"
"""How the sentences of a preview name what is not recorded yet."""


def demand_same_ledger(found: Sheet, seen: int | None) -> None:
    """Let pass only who looked at the findings that are there now.

    Raises:
        Conflict: somebody else recorded, voided or excused something meanwhile.
    """
    if seen is not None and seen != found.ledger_version:
        raise Conflict(
            f"The findings of {found.appraisal} have changed since you looked at them; what you typed is still here. "
            "Look at what is new and send it once more.",
            "stale-ledger",
        )


def _item(item: Item, scored: Score, given: Mapping[str, Given]) -> ItemSheet:
    clauses = tuple(
        Clause(rule, given.get(rule.id), rule.recurrence.kind == "once-per-key", rule.recurrence.keys)
        for rule in item.rules
        if rule.duty is None
    )
    return ItemSheet(item, scored.item(item.id), clauses)


def _missed(scored: Score, unconfirmed: tuple[str, ...]) -> tuple[Missed, ...]:
    return tuple(
        Missed(step["finding"], step["rule"], step["month"], step["amount"], step["finding"] in unconfirmed)
        for step in scored.steps
        if step["code"] == "duty-missed"
    )


def _documents(tx: Transaction) -> tuple[Pickable, ...]:
    rows = tx.all(_LATEST, {"after": 0})
    return tuple(Pickable(document_code(row.id), row.kind, row.number, row.day, row.issuer) for row in rows)
