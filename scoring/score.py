"""The score as a fold over the ledger: (rubric, ledger, as of) to figures and every step that led to them.

The order is that of domain.md, reading 9: recurrence, overlap, clamp of the item, then rewards; then groups and total.
"""

import datetime as dt
from fractions import Fraction
from functools import lru_cache
from typing import Any

from scoring.admission import admit_to, check_ledger, is_later
from scoring.check import period_problems
from scoring.duties import DutyMonth, duty_months, last_scored_day
from scoring.grades import band_of
from scoring.ledger import Finding, Ledger, Revision
from scoring.lines import Line, overlap, recur
from scoring.numbers import round_to, to_decimal
from scoring.plan import ItemPlan, PostPlan, RulePlan, plan_for
from scoring.result import ItemScore, Score, Step, Warning_
from scoring.rubric import Group, Rubric
from scoring.settings import RoundingRule

ARITHMETIC = 1
"""Stored with each score; raised when the same ledger would come to other figures."""

_NOTHING = Fraction(0)


def score(rubric: Rubric, post_id: str, ledger: Ledger, as_of: dt.date | None = None) -> Score:
    """Score a ledger as of a day (default: the last day of its period).

    Raises UnknownName for the post, FindingRefused for what a rule refuses, LedgerError for a ledger that contradicts
    itself, RubricError for a rubric with which figures would mean nothing.
    """
    plan = plan_for(rubric, post_id)
    check_ledger(plan, ledger)
    last_day = last_scored_day(rubric.settings, ledger, as_of)
    lines: dict[int, list[Line]] = {}
    steps: dict[int, list[Step]] = {}
    pending: dict[int, list[str]] = {}
    later: list[tuple[tuple[Any, ...], Step]] = []
    for month in duty_months(plan, ledger, last_day):
        _duty(month, ledger, lines, steps, pending)
    for finding in ledger.findings:
        if finding.voided:
            continue
        amount = admit_to(plan, ledger, finding)
        rule = plan.rules[finding.rule]
        if is_later(finding, ledger, last_day):
            later.append(((finding.happened, rule.order, finding.id), _finding_step(rule, finding, amount, "later")))
        else:
            lines.setdefault(rule.item, []).append(_line(rule, finding, amount))
            steps.setdefault(rule.item, [])
    items: list[ItemScore] = []
    trail: list[Step] = []
    total = plan.points
    for item in plan.items:
        if item.order not in steps:
            items.append(item.untouched)
            trail.append(item.untouched_step)
            continue
        trail.extend(steps[item.order])
        scored = _item(plan, item, lines.get(item.order, []), trail, pending=tuple(pending.get(item.order, ())))
        items.append(scored)
        total += scored.reward - scored.counted
    trail.extend(step for _, step in sorted(later, key=lambda entry: entry[0]))
    rounded, grade = _total(plan, items, total, trail)
    return Score(
        post=post_id,
        as_of=as_of if as_of is not None else ledger.period_to,
        total=rounded,
        maximum=plan.post.maximum,
        grade=grade,
        items=tuple(items),
        warnings=_warnings(rubric, post_id, ledger.period_from),
        steps=tuple(trail),
        later=tuple(step["finding"] for _, step in sorted(later, key=lambda entry: entry[0])),
    )


@lru_cache(maxsize=1024)
def _warnings(rubric: Rubric, post_id: str, period_from: dt.date) -> tuple[Warning_, ...]:
    aged = tuple(Warning_(p.code, p.where, p.text) for p in period_problems(rubric, period_from))
    return plan_for(rubric, post_id).warnings + aged


def _duty(
    month: DutyMonth,
    ledger: Ledger,
    lines: dict[int, list[Line]],
    steps: dict[int, list[Step]],
    pending: dict[int, list[str]],
) -> None:
    rule = month.plan
    step: Step = {"code": f"duty-{month.state}", **rule.cited, "finding": month.line, "month": month.month}
    of_item = steps.setdefault(rule.item, [])
    of_item.append(step)
    if month.state == "pending":
        pending.setdefault(rule.item, []).append(month.month)
    if month.state != "missed":
        return
    if month.sites and month.inspected:
        step["inspected"], step["sites"] = month.inspected, month.sites
    else:
        step["coverage"] = to_decimal(month.coverage)
    step["asked"] = to_decimal(month.asked)
    amount = rule.rule.amount or _NOTHING
    step["amount"] = to_decimal(amount)
    happened = dt.date.fromisoformat(f"{month.month}-01")
    line = Line(month.line, rule, happened, amount, amount)
    revision = ledger.duty_revisions.get((rule.rule.id, month.month))
    if revision is not None:
        of_item.extend(_revised(line, revision))
    lines.setdefault(rule.item, []).append(line)


def _line(rule: RulePlan, finding: Finding, amount: Fraction) -> Line:
    return Line(finding.id, rule, finding.happened, amount, amount, finding.key or "", finding.incident, finding)


def _finding_step(rule: RulePlan, finding: Finding, amount: Fraction, code: str) -> Step:
    step: Step = {"code": code, **rule.cited, "finding": finding.id, "on": finding.happened.isoformat()}
    if finding.known != finding.happened:
        step["known"] = finding.known.isoformat()
    for name, value in (("key", finding.key), ("incident", finding.incident)):
        if value is not None:
            step[name] = value
    if finding.units is not None:
        step["units"], step["unit"] = to_decimal(finding.units), rule.rule.unit
    if finding.sub_reasons:
        step["sub-reasons"] = sorted(finding.sub_reasons)
    if finding.replaces is not None:
        step["replaces"] = finding.replaces
    step["amount"] = to_decimal(amount)
    return step


def _revised(line: Line, revision: Revision) -> list[Step]:
    """Apply the decisions about a line; both values of each stay visible (R17)."""
    steps = []
    for decision in revision.chain():
        before, line.amount = line.amount, decision.in_force(line.recorded)
        step: Step = {
            "code": "revised",
            **line.plan.facts,
            "finding": line.id,
            "kind": decision.kind,
            "by": decision.by,
        }
        step["from"], step["to"] = to_decimal(before), to_decimal(line.amount)
        steps.append(step)
    return steps


def _item(
    plan: PostPlan,
    item: ItemPlan,
    lines: list[Line],
    trail: list[Step],
    *,
    pending: tuple[str, ...],
) -> ItemScore:
    settings = plan.rubric.settings
    by_rule: dict[int, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.place) if len(lines) > 1 else lines:
        if line.finding is not None:
            trail.append(_finding_step(line.plan, line.finding, line.recorded, "finding"))
            if line.finding.revision is not None:
                trail.extend(_revised(line, line.finding.revision))
        by_rule.setdefault(line.plan.order, []).append(line)
    for of_rule in by_rule.values():
        trail.extend(recur(of_rule, settings))
    trail.extend(overlap(lines, settings))
    recorded = deducted = reward = _NOTHING
    for of_rule in by_rule.values():
        counted = _clamp_rule(of_rule, trail)
        if of_rule[0].plan.rule.award:
            reward += counted
        else:
            deducted += counted
            recorded += sum((line.recorded for line in of_rule), _NOTHING)
    return _clamp_item(plan, item, (recorded, deducted, reward), trail, pending)


def _clamp_rule(lines: list[Line], trail: list[Step]) -> Fraction:
    counted = sum((line.amount for line in lines), _NOTHING)
    rule = lines[0].plan.rule
    for bound, limit in (("ceiling", rule.ceiling), ("floor", rule.floor)):
        if limit is not None and counted and (counted > limit if bound == "ceiling" else counted < limit):
            trail.append(_clamp("rule-clamp", bound, counted, limit, **lines[0].plan.facts))
            counted = limit
    return counted


def _clamp_item(
    plan: PostPlan,
    item: ItemPlan,
    sums: tuple[Fraction, Fraction, Fraction],
    trail: list[Step],
    pending: tuple[str, ...],
) -> ItemScore:
    recorded, counted, reward = sums
    points, name = item.item.points, item.item.id
    if item.floor is not None:
        most = points - item.floor
        if plan.rubric.settings.reward_order == "before-floor":
            most += reward
        if counted > most:
            trail.append(_clamp("item-floor", "floor", counted, most, item=name, limit=to_decimal(item.floor)))
            counted = most
    rounding = plan.rubric.settings.rounding.item
    counted = _rounded(counted, rounding, trail, item=name, figure="counted")
    ceiling = item.item.ceiling
    if ceiling is not None and points - counted + reward > ceiling:
        most = ceiling - points + counted
        trail.append(_clamp("item-ceiling", "ceiling", reward, most, item=name, limit=to_decimal(ceiling)))
        reward = most
    reward = _rounded(reward, rounding, trail, item=name, figure="reward")
    recorded = round_to(recorded, rounding.digits, rounding.mode)
    scored = ItemScore(name, points, recorded, counted, reward, points - counted, pending)
    trail.append({**item.facts, **scored.figures()})
    return scored


def _total(plan: PostPlan, items: list[ItemScore], total: Fraction, trail: list[Step]) -> tuple[Fraction, str | None]:
    settings = plan.rubric.settings
    for group in plan.groups:
        total += _clamp_group(group, items, trail)
    summed = total
    for bound, limit in (("ceiling", settings.total_ceiling), ("floor", settings.total_floor)):
        if limit is not None and (total > limit if bound == "ceiling" else total < limit):
            trail.append(_clamp("total-clamp", bound, total, limit))
            total = limit
    exact, total = total, _rounded(total, settings.rounding.total, trail, figure="total")
    maximum = to_decimal(plan.post.maximum)
    trail.append({"code": "total", "sum": to_decimal(summed), "total": to_decimal(total), "max": maximum})
    grade: str | None = None
    for place, table in enumerate(plan.tables):
        row = band_of(table, total if table.round == "before" else exact)
        if row is not None:
            trail.append({"code": "band", "table": table.id, **row.facts})
        if place == 0 and row is not None:
            grade = row.label
    return total, grade


def _clamp_group(group: Group, items: list[ItemScore], trail: list[Step]) -> Fraction:
    """Return what the clamps of a group add to the total, in points."""
    value = sum((item.score + item.reward for item in items if item.id in group.items), _NOTHING)
    clamped = value
    for bound, limit in (("ceiling", group.ceiling), ("floor", group.floor)):
        if limit is not None and (clamped > limit if bound == "ceiling" else clamped < limit):
            trail.append(_clamp("group-clamp", bound, clamped, limit, group=group.id, items=list(group.items)))
            clamped = limit
    return clamped - value


def _clamp(code: str, bound: str, before: Fraction, after: Fraction, **facts: object) -> Step:
    return {"code": code, "bound": bound, **facts, "from": to_decimal(before), "to": to_decimal(after)}


def _rounded(value: Fraction, rule: RoundingRule, trail: list[Step], **facts: str) -> Fraction:
    rounded = round_to(value, rule.digits, rule.mode)
    if rounded is not value:
        how = {"digits": rule.digits, "mode": rule.mode, "from": to_decimal(value), "to": to_decimal(rounded)}
        trail.append({"code": "rounded", **facts, **how})
    return rounded
