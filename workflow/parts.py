"""What the resolution of roles reads and what it answers: plain values with ids in them, never names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from workflow.vocabulary import Role, Severity

Source = Literal["line", "acting", "vacancy", "override", "reserve"]
Why = Literal["vacant", "self", "unavailable", "recused", "has-a-part", "not-above", "two-heads"]


def _empty() -> Mapping[str, int]:
    return MappingProxyType({})


def _nobody() -> Mapping[str, tuple[int, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reporting:
    """One assignment as the resolution sees it: who, in which post, below whom; `overrides` names holders by role.

    `unit_heads` are the heads of the person's unit and of the units above it, the own unit first.
    """

    person: int
    post: str
    in_charge: int | None = None
    manager: int | None = None
    manager_of_manager: int | None = None
    unit_heads: tuple[int | None, ...] = ()
    overrides: Mapping[str, int] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class Office:
    """The organisation on the day of the resolution.

    `holders` and `acting` give the people of each post by its id; `unavailable` are those on a protected absence, gone
    or dead; `conflicts` are pairs of people of whom neither may judge the other, in either order.
    """

    holders: Mapping[str, tuple[int, ...]]
    acting: Mapping[str, tuple[int, ...]] = field(default_factory=_nobody)
    unavailable: frozenset[int] = frozenset()
    conflicts: frozenset[tuple[int, int]] = frozenset()

    def conflict(self, one: int, other: int) -> bool:
        """Say whether either of the two is recused from the other."""
        return (one, other) in self.conflicts or (other, one) in self.conflicts

    def posts_of(self, person: int) -> tuple[str, ...]:
        """Return the posts that a person holds regularly, sorted."""
        return tuple(sorted(post for post, people in self.holders.items() if person in people))


@dataclass(frozen=True, slots=True)
class Skip:
    """A position that was passed over, and why; `person` is None where the position is empty."""

    position: str
    person: int | None
    why: Why


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a part, by which position, and what was passed over on the way to him."""

    person: int
    source: Source
    position: str
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleProblem:
    """Something in the way of an assignment's roles, with the mend; `details` holds ids, posts and roles only."""

    code: str
    severity: Severity
    role: str | None
    text: str
    mend: str
    details: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who scores, reviews and decides appeals of one assignment, and the problems found."""

    assessor: Holder | None
    reviewer: Holder | None
    decider: Holder | None
    problems: tuple[RoleProblem, ...] = ()

    def of(self, role: str) -> Holder | None:
        """Return the holder of a judging role, or None where nobody is left."""
        return {Role.ASSESSOR: self.assessor, Role.REVIEWER: self.reviewer, Role.DECIDER: self.decider}[Role(role)]

    @property
    def people(self) -> dict[str, int]:
        """The ids of the holders by role, those that are resolved."""
        found = {role.value: self.of(role) for role in (Role.ASSESSOR, Role.REVIEWER, Role.DECIDER)}
        return {role: holder.person for role, holder in found.items() if holder is not None}

    @property
    def blocked(self) -> bool:
        """Whether a problem stops the opening for this assignment."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)
