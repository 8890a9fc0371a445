"""Shortest ways through the moves of a definition: what a proof shows to the person who has to mend it."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workflow.form import Definition
from workflow.vocabulary import Effect, Outcome, Role


@dataclass(frozen=True, slots=True)
class Step:
    """One move out of one stage, as the proofs look at it."""

    action: str
    start: str
    to: str
    who: frozenset[Role]
    guards: tuple[str, ...]
    effects: frozenset[Effect]
    outcome: Outcome | None

    def __str__(self) -> str:
        return f"{self.start} --{self.action}--> {self.to}"


def steps_of(definition: Definition) -> tuple[Step, ...]:
    """Return every move of a definition, one for each stage it leaves."""
    return tuple(
        Step(form.action, start, form.to, frozenset(form.who), form.guards, frozenset(form.effects), form.outcome)
        for form in definition.moves
        for start in form.from_
    )


def reverses(step: Step, steps: Iterable[Step]) -> bool:
    """Say whether a step only takes back: the actor's own last act, along a move that he can make the other way."""
    return "own-last-act" in step.guards and any(
        other.start == step.to and other.to == step.start and step.who <= other.who for other in steps
    )


def shortest(
    steps: Sequence[Step], first: str, found: Callable[[Step], bool], *, avoid: Callable[[Step], bool]
) -> tuple[Step, ...] | None:
    """Return the shortest way from a stage that ends with a step that is `found`, using no step to `avoid`."""
    ways: deque[tuple[Step, ...]] = deque([()])
    seen = {first}
    while ways:
        way = ways.popleft()
        here = way[-1].to if way else first
        for step in steps:
            if step.start != here or avoid(step):
                continue
            if found(step):
                return (*way, step)
            if step.to not in seen:
                seen.add(step.to)
                ways.append((*way, step))
    return None


def reached(steps: Sequence[Step], first: str) -> frozenset[str]:
    """Return every stage that can be reached from a stage, itself included."""
    seen = {first}
    open_ = [first]
    while open_:
        here = open_.pop()
        for step in steps:
            if step.start == here and step.to not in seen:
                seen.add(step.to)
                open_.append(step.to)
    return frozenset(seen)


def way_to(steps: Sequence[Step], first: str, stage: str) -> tuple[str, ...]:
    """Return the shortest way to a stage in words; its own name where it is the first or cannot be reached."""
    if stage == first:
        return (stage,)
    way = shortest(steps, first, lambda step: step.to == stage, avoid=lambda _: False)
    return tuple(map(str, way)) if way else (stage,)
