"""The form of a workflow definition: what a TOML file may say, key by key. Unknown keys are refused."""

import datetime as dt
import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from workflow.vocabulary import CountedFrom, DayKind, Demand, Effect, Facts, Missed, Outcome, PassTo, Role


def _kebab(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
Count = Annotated[int, Field(strict=True, ge=0, le=1000)]
Positive = Annotated[int, Field(strict=True, ge=1, le=1000)]


class Form(BaseModel):
    """What every part of a definition has in common: frozen, kebab-case keys, nothing unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab, regex_engine="python-re")


class Wording(Form):
    """A text for people, in both languages; `{holder}` stands for the name of whoever holds the stage."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class TermForm(Form):
    """A second term of a stage: so many days after an event, or a day; at a time of day, else that of `[deadlines]`."""

    days: Positive | None = None
    day_kind: DayKind = DayKind.WORKING
    counted_from: CountedFrom = CountedFrom.OPENING
    on: dt.date | None = None
    at: dt.time | None = None

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.days is None) == (self.on is None):
            msg = "a term is either days after an event or a day"
            raise ValueError(msg)
        return self


class StageForm(Form):
    """A stage: who holds it, until when, and what happens when that is over.

    `days` after the event `counted-from`, or `on` a day; of a second term the later (`or-later`) or the earlier
    (`or-earlier`) counts. `pass-to` are the steps of a missed part, `substitute` the position that `delegate` names.
    """

    id: Slug
    title: Wording
    wording: Wording
    holder: Role | None = None
    quorum: Positive = 1
    days: Positive | None = None
    day_kind: DayKind = DayKind.WORKING
    counted_from: CountedFrom = CountedFrom.OPENING
    on: dt.date | None = None
    at: dt.time | None = None
    or_later: TermForm | None = None
    or_earlier: TermForm | None = None
    missed: Missed = Missed.HOLD
    pass_to: tuple[PassTo, ...] = ()
    substitute: Slug | None = None
    end: StrictBool = False

    @property
    def ends(self) -> bool:
        """Whether it has a deadline at all."""
        return self.days is not None or self.on is not None


class MoveForm(Form):
    """A move: the one thing that an action means in each of the stages named in `from`."""

    action: Slug
    from_: Annotated[tuple[Slug, ...], BeforeValidator(_as_list), Field(min_length=1)]
    to: Slug
    who: Annotated[tuple[Role, ...], BeforeValidator(_as_list), Field(min_length=1)]
    guards: tuple[Slug, ...] = ()
    reason: Demand = Demand.OPTIONAL
    lines: Demand = Demand.NONE
    effects: tuple[Effect, ...] = ()
    outcome: Outcome | None = None
    label: Wording
    done: Wording | None = None
    again: str | None = None


class DisclosureForm(Form):
    """What the person sees and from when (W6): facts of a finding, judgement, and the days to reply to a fact."""

    facts: Facts
    judgement_from: Slug
    reply_working_days: Positive


class LimitsForm(Form):
    """The figures that guards compare with."""

    returns: Count
    take_back_working_days: Positive


class DeadlinesForm(Form):
    """The time of day, in the organisation's zone, at which days end, and when a reminder precedes it."""

    at: dt.time
    nudge_working_days: Count


class PositionForm(Form):
    """What the name of a position means: a column of the reporting line, a post, or a relation. Exactly one."""

    column: Literal["in-charge", "manager"] | None = None
    post: Slug | None = None
    relation: Literal["unit-head", "manager-of-manager"] | None = None
    level: Count = 0

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if sum(value is not None for value in (self.column, self.post, self.relation)) != 1:
            msg = "a position is exactly one of column, post and relation"
            raise ValueError(msg)
        if self.level and self.relation != "unit-head":
            msg = "level belongs to relation = 'unit-head' only"
            raise ValueError(msg)
        return self


class GroupForm(Form):
    """Who scores, reviews and decides appeals for some posts; without `posts`, for all others."""

    posts: tuple[Slug, ...] = ()
    assessor: Slug
    reviewer: Slug
    decider: Slug


class RolesForm(Form):
    """How the holders are found: the line from the nearest upward, the reserves, the positions, the groups."""

    line: Annotated[tuple[Slug, ...], Field(min_length=1)]
    reserve: tuple[Slug, ...] = ()
    appeal_reserve: tuple[Slug, ...] = ()
    positions: dict[Slug, PositionForm]
    groups: Annotated[tuple[GroupForm, ...], Field(min_length=1)]

    def group_of(self, post: str) -> GroupForm | None:
        """Return the group that names this post, else the one for all others, else None."""
        named = next((group for group in self.groups if post in group.posts), None)
        return named or next((group for group in self.groups if not group.posts), None)


class Definition(Form):
    """A workflow as data, as its file says it. Read it with `workflow.definition.load_definition`."""

    format: Literal[1]
    id: Slug
    title: Wording
    limits: LimitsForm
    deadlines: DeadlinesForm
    disclosure: DisclosureForm
    stages: Annotated[tuple[StageForm, ...], Field(min_length=2)]
    moves: Annotated[tuple[MoveForm, ...], Field(min_length=1)]
    roles: RolesForm

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the parsed content in canonical JSON: comments, layout and the order of keys do not matter."""
        content = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def workflow_schema() -> dict[str, Any]:
    """Return the JSON Schema of the format, for editors and `appraise workflow schema`."""
    return Definition.model_json_schema(by_alias=True)
