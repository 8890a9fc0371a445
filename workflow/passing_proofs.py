"""Proofs about parts that are passed on when their days are over (W4): who can pass them, and whether to anybody."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workflow.form import Definition, GroupForm, StageForm
from workflow.paths import Step
from workflow.vocabulary import JUDGING_ROLES, Effect, Missed, PassTo, Role


@dataclass(frozen=True, slots=True)
class Fault:
    """A proof that failed: its code, a sentence with the mend, and the steps that show it."""

    code: str
    text: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code}: {self.text} Shown by: {'; '.join(self.path)}."


def passing_faults(
    definition: Definition, steps: Sequence[Step], way: Callable[[str], tuple[str, ...]]
) -> Iterator[Fault]:
    """Yield what is wrong with passing on; `way` gives the shortest way to a stage in words."""
    for step in steps:
        if Effect.HAND_ON in step.effects:
            yield from _move(definition, step, way)
    for stage in definition.stages:
        if stage.missed in {Missed.ESCALATE, Missed.DELEGATE}:
            yield from _stage(definition, stage, steps, way)


def _move(definition: Definition, step: Step, way: Callable[[str], tuple[str, ...]]) -> Iterator[Fault]:
    holder = next(stage.holder for stage in definition.stages if stage.id == step.start)
    shown = (*way(step.start), str(step))
    if step.who != {Role.SYSTEM}:
        text = f"'{step.action}' would let somebody pick who judges; leave it to `system` alone."
        yield Fault("picked-judge", text, shown)
    if holder not in JUDGING_ROLES or step.to != step.start:
        text = f"'{step.action}' passes a part on in '{step.start}'; only a judge's part is, and the stage stays."
        yield Fault("passed-astray", text, shown)
    if "days-over" not in step.guards:
        text = f"'{step.action}' could take a part from somebody who still has time; add the guard days-over."
        yield Fault("passed-too-early", text, shown)
    if step.effects != {Effect.HAND_ON}:
        text = f"'{step.action}' would do more than pass a part on; keep only that effect."
        yield Fault("score-from-silence", text, shown)


def _stage(
    definition: Definition, stage: StageForm, steps: Sequence[Step], way: Callable[[str], tuple[str, ...]]
) -> Iterator[Fault]:
    if stage.holder not in JUDGING_ROLES:
        return
    if not any(step.start == stage.id and Effect.HAND_ON in step.effects for step in steps):
        text = f"The stage '{stage.id}' is passed on when its days are over, but no move does so; add one of `system`."
        yield Fault("missed-without-move", text, way(stage.id))
    passed_to = (PassTo.SUBSTITUTE, *stage.pass_to) if stage.missed is Missed.DELEGATE else stage.pass_to
    if stage.substitute is None or passed_to[-1:] != (PassTo.SUBSTITUTE,):
        return
    for number, group in enumerate(definition.roles.groups, 1):
        role = _part_of(group, stage.substitute)
        if role is not None:
            text = (
                f"The substitute '{stage.substitute}' of '{stage.id}' is the {role} himself, so there is nobody to "
                "pass to; name another position."
            )
            yield Fault("nobody-to-pass-to", text, (f"roles.groups[{number}]", f"{role} = {stage.substitute}"))


def _part_of(group: GroupForm, position: str) -> str | None:
    parts = {Role.ASSESSOR: group.assessor, Role.REVIEWER: group.reviewer, Role.DECIDER: group.decider}
    return next((role.value for role, name in parts.items() if name == position), None)
