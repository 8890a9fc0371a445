"""An appeal as its decider sees it: the lines objected to, and what a decision about them would come to."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from scoring.errors import ScoringError
from scoring.explain import explain
from scoring.result import Score
from scoring.rubric import Rule
from services import delegations
from services.actors import Actor
from services.definitions import rubric_of
from services.errors import Refused
from services.judging import items_made_worse, judge
from services.naming import unseen
from services.revisions import amounts_in_force, contested_lines, plan
from services.sight import Relation, relation_of
from services.standing import Standing, load
from services.unit_of_work import Transaction, UnitOfWork, rule_error

DECIDE = "decide"
"""The move that decides an appeal line by line."""


@dataclass(frozen=True, slots=True)
class Contested:
    """One line that was objected to: by which rule, and what it takes now, in points. A month has no finding."""

    line: str
    rule: str
    trigger: Mapping[str, str]
    clause: str
    amount: Fraction
    month: bool


@dataclass(frozen=True, slots=True)
class Appeal:
    """What lies before the decider; `open` while it waits for him."""

    appraisal: str
    version: int
    open: bool
    total: Fraction
    maximum: Fraction
    lines: tuple[Contested, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What decisions would come to: totals in points before and after, and how that comes about."""

    before: Fraction
    after: Fraction
    sentences: tuple[str, ...]


def appeal(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, appraisal: str) -> Appeal:
    """Return an appeal for who decides it, or has just done so.

    Raises:
        NotFound: there is no such appraisal, or it is not the viewer's to decide.
    """
    with uow.read() as tx:
        standing = _standing(tx, actor, now, appraisal)
        judged = judge(tx, standing)
        force = amounts_in_force(judged)
        row = standing.row
        rules = {rule.id: rule for rule in rubric_of(tx, row.rubric_id, row.rubric_digest).post(row.post).rules}
        lines = contested_lines(tx, standing.id)
    return Appeal(
        standing.code,
        standing.version,
        standing.stage == "appeal",
        judged.score.total,
        judged.score.maximum,
        tuple(_line(line, force[line], rules) for line in sorted(lines) if line in force),
    )


def outcome(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    appraisal: str,
    lines: Mapping[str, str | None],
    language: Literal["en", "zh"] = "en",
) -> Outcome:
    """Return what decisions would come to; nothing is written, and nothing refused here is an attempt.

    `lines` maps a line to `keep`, `strike` or a lower amount in points; a line left out stays as it is.

    Raises:
        NotFound: as `appeal`.
        Malformed: a decision has no such form.
        Refused: an amount is higher than before or outside the rule, or something would come out worse.
    """
    with uow.read() as tx:
        standing = _standing(tx, actor, now, appraisal)
        move = standing.lifecycle.move(standing.stage, DECIDE)
        before = judge(tx, standing)
        if move is None:
            raise Refused(f"{standing.code} is under no appeal any more.", "no-appeal")
        try:
            after = judge(tx, standing, plan(standing, move, lines, before)).score
        except ScoringError as error:
            raise rule_error(error) from error
        _demand_not_worse(tx, standing, after)
    return Outcome(before.score.total, after.total, explain(after, language))


def _demand_not_worse(tx: Transaction, standing: Standing, after: Score) -> None:
    worse = items_made_worse(tx, standing.row.contested_score_id, after)
    if worse:
        raise Refused(f"{', '.join(worse)} would be worse than before the appeal; nobody comes out worse.", "worse")


def _standing(tx: Transaction, actor: Actor, now: dt.datetime, appraisal: str) -> Standing:
    standing, actor = delegations.stand_in(tx, load(tx, [appraisal], actor, now)[0], actor)
    if relation_of(tx, standing, actor, standing.today) is not Relation.APPEAL_JUDGE:
        raise unseen(standing.asked)
    return standing


def _line(line: str, standing: tuple[str, Fraction], rules: Mapping[str, Rule]) -> Contested:
    rule_id, amount = standing
    rule = rules.get(rule_id)
    trigger = {} if rule is None else {"en": rule.trigger.en, "zh": rule.trigger.zh}
    return Contested(line, rule_id, trigger, "" if rule is None else rule.clause, amount, ":" in line)
