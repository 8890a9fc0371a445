"""What is wrong or odd in a rubric that can be read (`rubric check`). Every code is explained in docs/reference/."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator

from scoring.check_bands import band_problems
from scoring.errors import Problem, Severity
from scoring.numbers import to_decimal
from scoring.rubric import Group, Item, Post, Rubric, Rule

CODES: dict[str, str] = {
    "adoption-unknown": "nothing says when the rubric was adopted or announced",
    "alias-twice": "two posts answer to one alias",
    "band-gap": "a total can fall between two bands",
    "band-overlap": "a total can fall into two bands",
    "bands-unused": "there are bands, and the setting gives no grade",
    "ceiling-below-points": "the ceiling of an item is below its points",
    "clamp-crossed": "a floor is above the ceiling beside it",
    "coverage-out-of-range": "the coverage asked of duties is no share above 0 and up to 1",
    "duplicate-id": "one id names two things",
    "floor-above-points": "the floor of an item is above its points",
    "grade-without-bands": "the setting asks for a grade, and no table of bands gives one",
    "item-in-two-groups": "an item would be clamped twice",
    "item-without-responsibility": "an item assesses nothing the post is responsible for",
    "item-without-rule": "an item has points and nothing that takes any",
    "points-not-positive": "points or a maximum of 0 or less",
    "post-without-items": "a post cannot be scored at all",
    "range-off-step": "a bound of a range is not on its step",
    "responsibility-without-item": "a responsibility is not assessed",
    "rubric-after-period-start": "the rubric is younger than the period it would judge",
    "rule-exceeds-item": "one finding can take more than the item has",
    "step-not-positive": "the step of discretion is 0 or less",
    "sum-not-max": "the items do not add up to the declared maximum",
    "unknown-reference": "something is named that does not exist",
}

BLOCKING = frozenset(
    {
        "ceiling-below-points",
        "clamp-crossed",
        "coverage-out-of-range",
        "duplicate-id",
        "floor-above-points",
        "item-in-two-groups",
        "points-not-positive",
        "step-not-positive",
        "unknown-reference",
    }
)
"""With these no score is possible, because the figures would mean nothing."""


def check(rubric: Rubric, *, period_from: dt.date | None = None) -> tuple[Problem, ...]:
    """Return every problem, in the order of the file. With the first day of a period, also whether it may judge it."""
    found = list(rubric_problems(rubric))
    for post in rubric.posts:
        found.extend(post_problems(rubric, post))
    if period_from is not None:
        found.extend(period_problems(rubric, period_from))
    return tuple(found)


def incomplete(rubric: Rubric, post_id: str) -> tuple[Problem, ...]:
    """Return why a post is incomplete (reading 3), or nothing. Raises UnknownName."""
    post = rubric.post(post_id)
    return tuple(_completeness(post, f"posts[{post.id}]"))


def period_problems(rubric: Rubric, period_from: dt.date) -> Iterator[Problem]:
    """Yield whether the rubric is too young for a period, or nobody knows (reading 12)."""
    dates = {"adopted": rubric.adoption.adopted, "announced": rubric.adoption.announced}
    known = {name: day for name, day in dates.items() if day is not None}
    severity: Severity = "error" if rubric.settings.adoption == "refuse" else "warning"
    for name, day in known.items():
        if day > period_from:
            text = f"the rubric was {name} on {day}, after the period began on {period_from}."
            mend = "Use the version in force on that day, or override with a reason."
            yield Problem("rubric-after-period-start", severity, f"adoption.{name}", text, mend)
    if not known:
        text = "nothing says when this rubric was adopted or announced."
        yield Problem("adoption-unknown", "warning", "adoption", text, "Write `adopted` and `announced`.")


def rubric_problems(rubric: Rubric) -> Iterator[Problem]:
    """Yield what concerns the rubric and no single post."""
    settings = rubric.settings
    if settings.step <= 0:
        yield _error("step-not-positive", "settings.step", "the step must be above 0.", 'Write `step = "1"`.')
    if not 0 < settings.duty_minimum_coverage <= 1:
        text = "the coverage must be a share above 0 and up to 1."
        where = "settings.duty-minimum-coverage"
        yield _error("coverage-out-of-range", where, text, 'Write "1" for all of what is to be inspected.')
    yield from band_problems(rubric)
    yield from _duplicates("posts", (post.id for post in rubric.posts))
    yield from _duplicates("bands", (table.id for table in rubric.bands))
    every = [(post, item) for post in rubric.posts for item in post.items]
    yield from _duplicates("items", (item.id for _, item in every))
    yield from _duplicates("rules", (rule.id for _, item in every for rule in item.rules))
    yield from _duplicates("responsibilities", (r.id for post in rubric.posts for r in post.responsibilities))
    aliases = Counter(alias for post in rubric.posts for alias in {*post.aliases})
    for alias, times in aliases.items():
        if times > 1:
            text = f'{times} posts have the alias "{alias}".'
            yield Problem("alias-twice", "warning", "posts", text, "Leave it to one of them.")


def post_problems(rubric: Rubric, post: Post) -> Iterator[Problem]:
    """Yield what concerns one post."""
    where = f"posts[{post.id}]"
    if post.maximum <= 0:
        yield _error("points-not-positive", f"{where}.maximum", "the maximum must be above 0.", "Write the points.")
    yield from _completeness(post, where)
    yield from _responsibilities(rubric, post, where)
    for item in post.items:
        yield from _item(rubric, post, item, f"{where}.items[{item.id}]")
    yield from _groups(post, where)


def _completeness(post: Post, where: str) -> Iterator[Problem]:
    if not post.items:
        text = f"{post.id} has no items, so it cannot be scored."
        yield Problem("post-without-items", "warning", where, text, "Add items that reach its maximum.")
    if post.points != post.maximum:
        text = f"the items of {post.id} add up to {to_decimal(post.points)} of {to_decimal(post.maximum)} points."
        yield Problem("sum-not-max", "warning", where, text, "Add or change items, or correct the maximum.")


def _responsibilities(rubric: Rubric, post: Post, where: str) -> Iterator[Problem]:
    if not post.items:
        return
    severity: Severity = "error" if rubric.settings.responsibility_without_item == "error" else "warning"
    assessed = {name for item in post.items for name in item.responsibilities}
    for responsibility in post.responsibilities:
        if responsibility.id not in assessed and not responsibility.not_assessed:
            place = f"{where}.responsibilities[{responsibility.id}]"
            text = f"no item assesses the responsibility {responsibility.id}."
            mend = "Name it in an item, or say why with `not-assessed`."
            yield Problem("responsibility-without-item", severity, place, text, mend)


def _item(rubric: Rubric, post: Post, item: Item, where: str) -> Iterator[Problem]:
    if item.points <= 0:
        yield _error("points-not-positive", f"{where}.points", "points must be above 0.", "Write the points.")
    if not any(not rule.award for rule in item.rules):
        severity: Severity = "error" if rubric.settings.item_without_rule == "error" else "warning"
        text = f"{item.id} has {to_decimal(item.points)} points and no rule that takes any; it counts in full."
        yield Problem("item-without-rule", severity, where, text, "Add a rule, or let it stand.")
    if not item.responsibilities:
        text = f"{item.id} names no responsibility of {post.id}."
        yield Problem("item-without-responsibility", "warning", where, text, "Name one in `responsibilities`.")
    known = {responsibility.id for responsibility in post.responsibilities}
    yield from _unknown(f"{where}.responsibilities", item.responsibilities, known)
    if item.ceiling is not None and item.ceiling < item.points:
        text = f"the ceiling {to_decimal(item.ceiling)} is below the {to_decimal(item.points)} points."
        yield _error("ceiling-below-points", f"{where}.ceiling", text, "Raise the ceiling or lower the points.")
    if item.floor is not None and item.floor > item.points:
        text = f"the floor {to_decimal(item.floor)} is above the {to_decimal(item.points)} points."
        yield _error("floor-above-points", f"{where}.floor", text, "Lower the floor.")
    for rule in item.rules:
        yield from _rule(rubric, item, rule, f"{where}.rules[{rule.id}]")


def _rule(rubric: Rubric, item: Item, rule: Rule, where: str) -> Iterator[Problem]:
    highest = rule.max if rule.kind == "range" else rule.amount
    if not rule.award and highest is not None and highest > item.points:
        text = f"one finding can take {to_decimal(highest)} points, and {item.id} has {to_decimal(item.points)}."
        yield Problem("rule-exceeds-item", "warning", where, text, "Lower the amount, or raise the points.")
    step = rule.step or rubric.settings.step
    if rule.kind == "range" and step > 0:
        for name, bound in (("min", rule.min), ("max", rule.max)):
            if bound is not None and (bound / step).denominator != 1:
                text = f"{to_decimal(bound)} is no multiple of the step {to_decimal(step)}, so nobody can pick it."
                yield _error("range-off-step", f"{where}.{name}", text, "Change the bound or the step.")
    yield from _duplicates(f"{where}.sub-reasons", (reason.id for reason in rule.sub_reasons))
    yield from _crossed(rule, where)


def _groups(post: Post, where: str) -> Iterator[Problem]:
    yield from _duplicates(f"{where}.groups", (group.id for group in post.groups))
    known = {item.id for item in post.items}
    for group in post.groups:
        yield from _unknown(f"{where}.groups[{group.id}].items", group.items, known)
        yield from _crossed(group, f"{where}.groups[{group.id}]")
    for item, times in Counter(name for group in post.groups for name in group.items).items():
        if times > 1:
            text = f"{item} stands {times} times in groups and would be clamped more than once."
            yield _error("item-in-two-groups", f"{where}.groups", text, "Leave it in one group, once.")


def _crossed(part: Rule | Group, where: str) -> Iterator[Problem]:
    if part.floor is not None and part.ceiling is not None and part.floor > part.ceiling:
        text = f"the floor {to_decimal(part.floor)} is above the ceiling {to_decimal(part.ceiling)}."
        yield _error("clamp-crossed", where, text, "Exchange them.")


def _duplicates(where: str, ids: Iterable[str]) -> Iterator[Problem]:
    for name, times in Counter(ids).items():
        if times > 1:
            text = f"{name} is used {times} times."
            yield _error("duplicate-id", f"{where}[{name}]", text, "Give each an id of its own.")


def _unknown(where: str, names: Iterable[str], known: set[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield _error("unknown-reference", where, f"{name} does not exist in this post.", "Correct or delete it.")


def _error(code: str, where: str, text: str, mend: str) -> Problem:
    return Problem(code, "error", where, text, mend)
