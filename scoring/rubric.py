"""A rubric as data: posts, responsibilities, items, rules. Read from TOML, frozen, known by its digest (R1-R5, R21)."""

import datetime as dt
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, StrictBool, StrictInt, model_validator

from scoring.errors import Problem, RubricError, UnknownName
from scoring.grades import BandTable
from scoring.rubric_toml import content_digest, read_toml, validate
from scoring.settings import Settings
from scoring.shape import Bound, Decimal, Frozen, Id, Words

FORMAT = 1

Line = Annotated[StrictInt, Field(ge=1)]
Day = Annotated[dt.date | None, BeforeValidator(lambda value: None if value == "" else value)]


class Source(Frozen):
    """The document to which `line` refers, everywhere in the file."""

    file: str
    title: str


class Adoption(Frozen):
    """When and how the rubric came into force (reading 12); what is unknown stays empty."""

    adopted: Day = None
    announced: Day = None
    consulted: str = ""
    document: str = ""


class Responsibility(Frozen):
    """One responsibility of a post. `line` and `words` cite the source; `not_assessed` says why no item assesses it."""

    id: Id
    line: Line | None = None
    words: str = ""
    text: str = ""
    proposed: StrictBool = False
    not_assessed: str = ""


class SubReason(Frozen):
    """One alternative inside a clause, for the checklist (reading 10)."""

    id: Id
    en: str
    zh: str


class Recurrence(Frozen):
    """How often a rule may count (reading 5).

    `each`; `once-per-key`, `keys` naming the kinds of thing that may be the key; `once-per-period`; `at-most` with
    `times`; `escalating`, where each repeat within `window-days` of the one before doubles the amount once more.
    """

    kind: Literal["each", "once-per-key", "once-per-period", "at-most", "escalating"]
    keys: tuple[str, ...] = ()
    times: Annotated[StrictInt, Field(ge=1)] | None = None
    window_days: Annotated[StrictInt, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.times is not None) != (self.kind == "at-most"):
            raise ValueError('`times` belongs to `kind = "at-most"`, which needs it; add or delete it.')
        if (self.window_days is not None) != (self.kind == "escalating"):
            raise ValueError('`window-days` belongs to `kind = "escalating"`, which needs it; add or delete it.')
        if self.keys and self.kind != "once-per-key":
            raise ValueError('`keys` belongs to `kind = "once-per-key"`; delete it or change the kind.')
        return self


class Duty(Frozen):
    """Makes a rule derived: one deduction for each month in which the duty was missed (R5, reading 4)."""

    per: Literal["month"]
    minimum_coverage: Decimal | None = None

    @model_validator(mode="after")
    def _coverage_is_a_share(self) -> Self:
        if self.minimum_coverage is not None and not 0 < self.minimum_coverage <= 1:
            raise ValueError("`minimum-coverage` is a share above 0 and up to 1; change it.")
        return self


EACH = Recurrence(kind="each")


class Rule(Frozen):
    """One clause of an item: what happened, and how many points that takes or gives (R2-R4).

    Amounts are points above 0. `fixed` has `amount`; `range` has `min`, `max` and perhaps `step`; `per-unit` has
    `amount` for each `unit`, perhaps `step` (in units) and `max-units`. `ceiling` is the most, `floor` the least, that
    the rule's findings count together once there is one. `clause` is that part of the source, `line` and `words` cite
    it.
    """

    id: Id
    kind: Literal["fixed", "range", "per-unit"]
    award: StrictBool = False
    amount: Decimal | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    step: Decimal | None = None
    unit: str | None = None
    max_units: Decimal | None = None
    recurrence: Recurrence = EACH
    trigger: Words
    clause: str
    line: Line | None = None
    words: str = ""
    sub_reasons: tuple[SubReason, ...] = ()
    duty: Duty | None = None
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    proposed: StrictBool = False

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needed, possible = _RULE_KEYS[self.kind]
        for key in ("amount", "min", "max", "step", "unit", "max_units"):
            given = getattr(self, key) is not None
            name = key.replace("_", "-")
            if given and key not in needed + possible:
                raise ValueError(f"`{name}` has no meaning in a {self.kind} rule; delete it or change `kind`.")
            if not given and key in needed:
                raise ValueError(f"a {self.kind} rule needs `{name}`; add it.")
        for key in ("amount", "min", "max", "step", "max_units"):
            value = getattr(self, key)
            if value is not None and value <= 0:
                raise ValueError(
                    f"`{key.replace('_', '-')}` must be above 0; whether it takes or gives is said by `award`."
                )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`; exchange them.")
        if self.duty is not None and (self.kind != "fixed" or self.award or self.recurrence.kind != "each"):
            raise ValueError(
                "a scheduled duty is a fixed deduction that counts each time; change the rule or delete `duty`."
            )
        return self


_RULE_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "fixed": (("amount",), ()),
    "range": (("min", "max"), ("step",)),
    "per-unit": (("amount", "unit"), ("step", "max_units")),
}


class Item(Frozen):
    """One item of assessment, with its points and rules. `floor` is a figure or "none"; absent, the setting decides."""

    id: Id
    title: Words
    points: Decimal
    responsibilities: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    line: Line | None = None
    words: str = ""
    proposed: StrictBool = False
    floor: Bound = None
    ceiling: Decimal | None = None

    @property
    def has_own_floor(self) -> bool:
        """Say whether the file sets a floor for this item, "none" included."""
        return "floor" in self.model_fields_set


class Group(Frozen):
    """Some items of a post whose sum is clamped together (R4)."""

    id: Id
    items: Annotated[tuple[str, ...], Field(min_length=1)]
    floor: Decimal | None = None
    ceiling: Decimal | None = None


class Post(Frozen):
    """A post: what it is responsible for and by which items it is assessed. The id is independent of the names."""

    id: Id
    name: Words
    aliases: tuple[str, ...] = ()
    maximum: Decimal
    own_statement: StrictBool = True
    line: Line | None = None
    words: str = ""
    proposed: StrictBool = False
    responsibilities: tuple[Responsibility, ...] = ()
    items: tuple[Item, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def name_en(self) -> str:
        """The name in English."""
        return self.name.en

    @property
    def name_zh(self) -> str:
        """The name in Chinese."""
        return self.name.zh

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, in the order of the rubric."""
        return tuple(rule for item in self.items for rule in item.rules)

    @property
    def duties(self) -> tuple[Rule, ...]:
        """The rules derived from scheduled duties."""
        return tuple(rule for rule in self.rules if rule.duty is not None)

    @property
    def points(self) -> Fraction:
        """The sum of the items' points, which a complete post has equal to its maximum."""
        return sum((item.points for item in self.items), Fraction(0))

    def item(self, item_id: str) -> Item:
        """Return an item by id; raises UnknownName."""
        for item in self.items:
            if item.id == item_id:
                return item
        known = ", ".join(item.id for item in self.items) or "none"
        raise UnknownName(f"{self.id} has no item {item_id}; it has {known}.", code="unknown-item", where=item_id)

    def rule(self, rule_id: str) -> Rule:
        """Return a rule by id; raises UnknownName."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        known = ", ".join(rule.id for rule in self.rules) or "none"
        raise UnknownName(f"{self.id} has no rule {rule_id}; it has {known}.", code="unknown-rule", where=rule_id)

    def item_of(self, rule_id: str) -> Item:
        """Return the item to which a rule belongs; raises UnknownName."""
        rule = self.rule(rule_id)
        return next(item for item in self.items if rule in item.rules)


class Rubric(Frozen):
    """A whole rubric. Two rubrics are the same when their digests are."""

    format: StrictInt
    id: Id
    title: Annotated[str, Field(min_length=1)]
    source: Source
    adoption: Adoption = Adoption()
    settings: Settings
    bands: tuple[BandTable, ...] = ()
    posts: Annotated[tuple[Post, ...], Field(min_length=1)]
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """SHA-256 over the parsed content: comments, order of keys and layout do not matter."""
        return self._digest

    @cached_property
    def _by_post(self) -> dict[str, Post]:
        return {post.id: post for post in self.posts}

    def post(self, post_id: str) -> Post:
        """Return a post by id; raises UnknownName."""
        try:
            return self._by_post[post_id]
        except KeyError:
            known = ", ".join(self._by_post)
            sentence = f"The rubric {self.id} has no post {post_id}; it has {known}."
            raise UnknownName(sentence, code="unknown-post", where=post_id) from None

    @cached_property
    def _hash(self) -> int:
        return hash(self._digest)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Rubric) and self._digest == other._digest)


@lru_cache(maxsize=16)
def load_rubric(text: str, *, where: str) -> Rubric:
    """Read a rubric from TOML; `where` names the file in errors. Raises RubricError with every problem found.

    The last few are kept: a tenth of a second each, and whoever checks a file publishes and scores it next.
    """
    tree, lines = read_toml(text, where=where)
    if tree.get("format") != FORMAT:
        mend = f"Write `format = {FORMAT}` on the first line, or use a newer Appraise."
        problem = Problem(
            "unknown-format", "error", f"{where}:{lines.get(('format',), 1)}", "`format` is not known.", mend
        )
        raise RubricError((problem,), where=where)
    rubric = validate(Rubric, tree, lines, where=where)
    rubric._digest = content_digest(tree)  # noqa: SLF001 - the digest is of the file, which only the reader has
    return rubric
