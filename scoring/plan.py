"""What a rubric means for one post, worked out once: look-ups, prepared steps, figures of untouched items.

A score then costs only what its findings cost.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from scoring.check import BLOCKING, post_problems, rubric_problems
from scoring.errors import RubricError
from scoring.grades import BandTable
from scoring.result import ItemScore, Warning_
from scoring.rubric import Group, Item, Post, Rubric, Rule

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule with its place in the rubric and the facts that each of its steps repeats."""

    rule: Rule
    item: int
    order: int
    step: Fraction
    facts: dict[str, Any]
    cited: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """An item with its floor (None: there is none) and the facts of its step."""

    item: Item
    order: int
    floor: Fraction | None
    facts: dict[str, Any]
    rules: tuple[RulePlan, ...]
    untouched: ItemScore
    untouched_step: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PostPlan:
    """A post ready to be scored."""

    rubric: Rubric
    post: Post
    items: tuple[ItemPlan, ...]
    rules: dict[str, RulePlan]
    duties: tuple[RulePlan, ...]
    groups: tuple[Group, ...]
    tables: tuple[BandTable, ...]
    points: Fraction
    warnings: tuple[Warning_, ...]
    elsewhere: dict[str, str]


@lru_cache(maxsize=1024)
def plan_for(rubric: Rubric, post_id: str) -> PostPlan:
    """Work out a post of a rubric. Raises UnknownName, or RubricError where a problem makes figures meaningless."""
    post = rubric.post(post_id)
    problems = (*rubric_problems(rubric), *post_problems(rubric, post))
    blocking = tuple(problem for problem in problems if problem.code in BLOCKING)
    if blocking:
        raise RubricError(blocking, where=rubric.id)
    items: list[ItemPlan] = []
    rules: dict[str, RulePlan] = {}
    for order, item in enumerate(post.items):
        of_item = []
        for rule in item.rules:
            rules[rule.id] = _rule_plan(rubric, item, rule, order=len(rules), item_order=order)
            of_item.append(rules[rule.id])
        items.append(_item_plan(rubric, item, order, tuple(of_item)))
    graded = rubric.settings.grade == "bands"
    return PostPlan(
        rubric=rubric,
        post=post,
        items=tuple(items),
        rules=rules,
        duties=tuple(plan for plan in rules.values() if plan.rule.duty is not None),
        groups=post.groups,
        tables=tuple(t for t in rubric.bands if not t.posts or post_id in t.posts) if graded else (),
        points=post.points,
        warnings=tuple(Warning_(problem.code, problem.where, problem.text) for problem in problems),
        elsewhere={rule.id: other.id for other in rubric.posts if other.id != post_id for rule in other.rules},
    )


def _rule_plan(rubric: Rubric, item: Item, rule: Rule, *, order: int, item_order: int) -> RulePlan:
    facts = {"item": item.id, "rule": rule.id}
    cited = {**facts, "award": rule.award, "trigger": rule.trigger.model_dump(), "clause": rule.clause}
    if rule.line is not None:
        cited["line"] = rule.line
    return RulePlan(rule, item_order, order, rule.step or rubric.settings.step, facts, cited)


def _item_plan(rubric: Rubric, item: Item, order: int, rules: tuple[RulePlan, ...]) -> ItemPlan:
    floor = item.floor if item.has_own_floor else (_ZERO if rubric.settings.floor == "zero" else None)
    facts: dict[str, Any] = {"code": "item", "item": item.id, "title": item.title.model_dump()}
    if item.line is not None:
        facts["line"] = item.line
    untouched = ItemScore(item.id, item.points, _ZERO, _ZERO, _ZERO, item.points)
    return ItemPlan(item, order, floor, facts, rules, untouched, {**facts, **untouched.figures()})
