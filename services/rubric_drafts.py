"""A rubric that is being changed: a text that travels with its form, checked at each step, published at the end."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from catalog.shelf import Kind, names, rubric_text
from models.columns import table_of
from models.rubrics import Definition
from scoring.check import check
from scoring.errors import Problem, RubricError
from scoring.rubric import Rubric, load_rubric
from scoring.toml_writing import to_toml
from services.definitions import named
from services.errors import NotFound
from services.unit_of_work import UnitOfWork

DEFINITION = table_of(Definition)
RULE_TEXTS = ("amount", "min", "max", "step", "unit")
_OF_KIND = {"fixed": ("amount",), "range": ("min", "max", "step"), "per-unit": ("amount", "unit", "step")}

_TEXT = select(DEFINITION.c.text).where(DEFINITION.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Version:
    """A rubric as a text with what it says; `number` is the published version, None of what only ships."""

    name: str
    number: int | None
    text: str
    rubric: Rubric
    problems: tuple[Problem, ...]
    row: Any = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that may not be a rubric yet: then `rubric` is None and the problems say why."""

    text: str
    rubric: Rubric | None
    problems: tuple[Problem, ...]

    @property
    def posts(self) -> tuple[Mapping[str, Any], ...]:
        """The posts as they stand in the text, right or wrong."""
        return tuple(tomllib.loads(self.text).get("posts", ()))

    @property
    def adoption(self) -> Mapping[str, Any]:
        """When it was adopted and announced, as it stands in the text."""
        found: Mapping[str, Any] = tomllib.loads(self.text).get("adoption", {})
        return found

    @property
    def sound(self) -> bool:
        """Whether it can be published."""
        return self.rubric is not None and not any(problem.severity == "error" for problem in self.problems)


def version(uow: UnitOfWork, *, name: str, number: int | None = None) -> Version:
    """Return a published version of a rubric, by default the last; of a name that only ships what ships.

    Raises:
        NotFound: there is none.
    """
    with uow.read() as tx:
        try:
            row = named(tx, "rubric", name if number is None else f"{name}@{number}")
        except NotFound:
            if number is not None or name not in names(Kind.RUBRIC):
                raise
            row = None
        text = rubric_text(name) if row is None else str(tx.scalar(_TEXT, {"id": row.id}))
    rubric = load_rubric(text, where=name)
    return Version(name, None if row is None else row.version, text, rubric, check(rubric), row)


def checked(text: str, *, name: str) -> Draft:
    """Return a draft with everything its check says; nothing is written."""
    try:
        rubric = load_rubric(text, where=name)
    except RubricError as error:
        return Draft(text, None, error.problems)
    return Draft(text, rubric, check(rubric))


def with_items(text: str, *, post: str, items: Sequence[Mapping[str, Any]]) -> str:
    """Return a draft with the items of one post as given; each is a mapping with `rules`, in the keys of the file.

    What a form does not show of an item or rule (what it cites, its sub-reasons, its duty) stays, by its id.

    Raises:
        NotFound: the draft has no such post.
    """
    tree = tomllib.loads(text)
    found = next((one for one in tree.get("posts", ()) if one.get("id") == post), None)
    if found is None:
        raise NotFound(f"These rules have no post {post}; choose one of theirs.", "unknown-post")
    before = {item["id"]: item for item in found.get("items", ())}
    rules = {rule["id"]: rule for item in before.values() for rule in item.get("rules", ())}
    found["items"] = [
        {
            **_unshown(before.get(item["id"], {})),
            **_filled(item),
            "rules": [_rule(rule, rules) for rule in item["rules"]],
        }
        for item in items
    ]
    return to_toml(tree)


def with_adoption(text: str, adoption: Mapping[str, Any]) -> str:
    """Return a draft with when it was adopted and announced, with whom it was talked over, and by which document."""
    tree = tomllib.loads(text)
    tree["adoption"] = {name: value for name, value in adoption.items() if value}
    return to_toml(tree)


def _filled(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "rules" and value not in (None, "", [])}


def _unshown(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an item no form shows."""
    return {name: value for name, value in item.items() if name not in {"line", "responsibilities"}}


def _rule(rule: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    kept = {**before.get(rule["id"], {})}
    for name in (*RULE_TEXTS, "line"):
        kept.pop(name, None)
    allowed = _OF_KIND.get(str(rule.get("kind")), RULE_TEXTS)
    given = {name: value for name, value in _filled(rule).items() if name not in RULE_TEXTS or name in allowed}
    if not given.get("award"):
        given.pop("award", None)
        kept.pop("award", None)
    return {**kept, **given}
