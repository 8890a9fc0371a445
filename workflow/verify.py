"""Proofs about a definition before anybody may use it; what fails is shown by the shortest way that leads there."""

from collections.abc import Callable, Iterator
from functools import partial
from operator import eq

from workflow.form import Definition, GroupForm, StageForm
from workflow.passing_proofs import Fault, passing_faults
from workflow.paths import Step, reached, reverses, shortest, steps_of, way_to
from workflow.vocabulary import (
    GRANTED_ROLES,
    HOLDER_ROLES,
    JUDGING_EFFECTS,
    JUDGING_ROLES,
    Effect,
    Missed,
    Outcome,
    Role,
)

_JUDGES = frozenset(JUDGING_ROLES)
_PROOFS_OF_SILENCE = frozenset({"has-access", "noticed", "window-over"})
"""What must hold before a silence is an answer: the person knows, could answer, and the days are over."""


def verify(definition: Definition) -> tuple[Fault, ...]:
    """Return every fault of a definition; none means that it may be published (domain.md, sections 5 and 8, W1-W8).

    Proven: every stage is reachable; an end is reachable from each; no circle of automatic moves; every stage has a
    holder who can act there and a way out when he is missing; nobody can score, review or decide his own; only
    judges judge, each in his own part; HR is not above the appraisal; nothing ends rated without a score and a
    review; no score comes out of silence; each action means one thing per stage; a part that is passed on when its days
    are over goes by an act of the clock, in the stage of a judge, and to somebody there is.
    """
    graph = _Graph(definition)
    return (
        *graph.reachable(),
        *graph.endings(),
        *graph.circles(),
        *graph.holders(),
        *graph.own(),
        *graph.parts(),
        *graph.judged(),
        *graph.silence(),
        *graph.meanings(),
        *_role_map(definition),
        *passing_faults(definition, graph.steps, graph.way),
    )


def _leads_to(stage: str, step: Step) -> bool:
    return step.to == stage


def _nothing(_: Step) -> bool:
    return False


class _Graph:
    """The stages and steps of one definition, and the proofs that walk them."""

    def __init__(self, definition: Definition) -> None:
        self.stages = definition.stages
        self.steps = steps_of(definition)
        self.first = definition.stages[0].id
        self.holder = {stage.id: stage.holder for stage in definition.stages}
        self.reviewed = Role.REVIEWER in self.holder.values()
        self.ends = frozenset(stage.id for stage in definition.stages if stage.end)
        self.forward = tuple(step for step in self.steps if not reverses(step, self.steps))

    def way(self, stage: str) -> tuple[str, ...]:
        return way_to(self.steps, self.first, stage)

    def after(self, step: Step) -> tuple[str, ...]:
        """Return the way to a step and the step itself."""
        return (*(self.way(step.start) if step.start != self.first else ()), str(step))

    def reachable(self) -> Iterator[Fault]:
        known = reached(self.steps, self.first)
        for stage in self.stages:
            if stage.id not in known:
                into = tuple(str(step) for step in self.steps if step.to == stage.id and step.start != stage.id)
                text = f"The stage '{stage.id}' cannot be reached; add a move to it, or remove it."
                yield Fault("unreachable-stage", text, into or (stage.id,))

    def endings(self) -> Iterator[Fault]:
        for stage in self.stages:
            if not reached(self.steps, stage.id) & self.ends:
                text = f"From the stage '{stage.id}' no ending can be reached; add a move that leads on."
                yield Fault("no-ending", text, self.way(stage.id))

    def circles(self) -> Iterator[Fault]:
        # Passing on ends by itself: each time it goes to somebody else, and where nobody is left it is refused.
        automatic = [step for step in self.steps if Role.SYSTEM in step.who and Effect.HAND_ON not in step.effects]
        for stage in self.stages:
            start = stage.id
            circle = shortest(automatic, start, partial(_leads_to, start), avoid=_nothing)
            # Each circle is shown once, from its first stage in the order of the definition.
            order = [other.id for other in self.stages]
            if circle and min(order.index(step.start) for step in circle) == order.index(start):
                text = f"The clock could go round for ever from the stage '{start}'; take `system` out of one move."
                before = self.way(start) if start != self.first else ()
                yield Fault("automatic-circle", text, (*before, *map(str, circle)))

    def holders(self) -> Iterator[Fault]:
        for stage in self.stages:
            if stage.end:
                continue
            if stage.holder not in HOLDER_ROLES:
                known = ", ".join(HOLDER_ROLES)
                text = f"The stage '{stage.id}' has no holder; name one of {known}."
                yield Fault("no-holder", text, self.way(stage.id))
                continue
            leaving = [step for step in self.forward if step.start == stage.id]
            if not any(stage.holder in step.who for step in leaving):
                text = f"In the stage '{stage.id}' its holder ({stage.holder}) can do nothing; give him a move."
                yield Fault("holder-cannot-act", text, self.way(stage.id))
            if not any(step.to != stage.id and step.who - {stage.holder} for step in leaving):
                text = f"When the {stage.holder} is missing nobody gets '{stage.id}' on; add a move for somebody else."
                yield Fault("no-way-out", text, self.way(stage.id))
            yield from self.policy(stage, leaving)

    def policy(self, stage: StageForm, leaving: list[Step]) -> Iterator[Fault]:
        """What shall happen when the days are over must be possible."""
        automatic = [step for step in leaving if Role.SYSTEM in step.who and step.to != stage.id]
        if stage.missed is Missed.MOVE_ON and not automatic:
            text = (
                f"The stage '{stage.id}' moves on when its days are over, but no move of `system` leaves it; add one."
            )
            yield Fault("missed-without-move", text, self.way(stage.id))
        if stage.missed is Missed.ACCEPT_BY_SILENCE and not any(step.to in self.ends for step in automatic):
            text = f"Silence ends the stage '{stage.id}', but no move of `system` closes it; add one."
            yield Fault("missed-without-move", text, self.way(stage.id))
        if stage.missed is Missed.ACCEPT_BY_SILENCE and stage.holder is not Role.APPRAISEE:
            text = (
                f"The silence of the {stage.holder} in '{stage.id}' would be taken for consent; choose another policy."
            )
            yield Fault("score-from-silence", text, self.way(stage.id))
        if stage.missed in {Missed.ESCALATE, Missed.DELEGATE} and stage.holder not in _JUDGES:
            text = f"Nobody can answer for the person appraised in '{stage.id}'; choose another policy than escalating."
            yield Fault("own-voice", text, self.way(stage.id))

    def own(self) -> Iterator[Fault]:
        for step in self.steps:
            if Role.APPRAISEE not in step.who:
                continue
            if step.who & _JUDGES:
                text = f"'{step.action}' is open to a judge and to the person appraised; make two actions of it."
                yield Fault("own-judge", text, self.after(step))
            elif step.effects & {*JUDGING_EFFECTS, Effect.CLOSE_NOT_RATED} or step.outcome is Outcome.NOT_RATED:
                text = f"With '{step.action}' somebody would judge himself; take `appraisee` out of it."
                yield Fault("own-judge", text, self.after(step))

    def parts(self) -> Iterator[Fault]:
        """Only a judge judges, and each in his own part: an appeal is decided by neither scorer nor reviewer."""
        contested = {step.to for step in self.steps if Effect.CONTEST in step.effects}
        for step in self.forward:
            judging = not step.effects.isdisjoint(JUDGING_EFFECTS)
            if judging and step.who - _JUDGES - {Role.APPRAISEE, Role.SYSTEM}:
                others = ", ".join(sorted(step.who - _JUDGES))
                text = f"'{step.action}' makes a score and is open to {others}; leave it to a judge."
                yield Fault("judged-by-others", text, self.after(step))
            holder = Role.DECIDER if step.start in contested else self.holder[step.start]
            strange = (step.who & _JUDGES) - {holder}
            onward = step.to != step.start and (Role.DECIDER in strange or step.start in contested)
            if strange and holder in _JUDGES and (judging or onward or step.to in self.ends):
                text = f"With '{step.action}' the {min(strange)} would do the part of the {holder}; leave it to him."
                yield Fault("part-of-another", text, self.after(step))
            if step.who.intersection(GRANTED_ROLES) and "not-own-or-superior" not in step.guards:
                text = f"'{step.action}' could be done to one's own superior; add the guard not-own-or-superior."
                yield Fault("above-the-appraisal", text, self.after(step))

    def judged(self) -> Iterator[Fault]:
        """Nothing ends rated unless a judge scored it and, where there is a review, a reviewer let it through."""
        yield from self._unjudged("unscored-end", "without a score", self._scores)
        if self.reviewed:
            yield from self._unjudged("unreviewed-end", "without a review", self._reviews)

    def _unjudged(self, code: str, how: str, judges: Callable[[Step], bool]) -> Iterator[Fault]:
        way = shortest(self.forward, self.first, self._rated_end, avoid=judges)
        if way is None:
            return
        # Where the clock carries it past a judge, the score (or its absence) would come out of his silence.
        silent = any(step.who == {Role.SYSTEM} and self.holder[step.start] in _JUDGES for step in way)
        text = f"An appraisal could end as rated {how}; let only a judge make one of these moves."
        yield Fault("score-from-silence" if silent else code, text, tuple(map(str, way)))

    def _rated_end(self, step: Step) -> bool:
        return step.to in self.ends and step.outcome is not Outcome.NOT_RATED

    @staticmethod
    def _scores(step: Step) -> bool:
        return Effect.SCORE in step.effects and step.who <= _JUDGES

    @staticmethod
    def _reviews(step: Step) -> bool:
        return step.who <= {Role.REVIEWER, Role.DECIDER}

    def silence(self) -> Iterator[Fault]:
        own_silence = (Missed.ACCEPT_BY_SILENCE, Role.APPRAISEE)
        answered = {stage.id for stage in self.stages if (stage.missed, stage.holder) == own_silence}
        for step in self.steps:
            if Role.SYSTEM not in step.who:
                continue
            missing = sorted(_PROOFS_OF_SILENCE.difference(step.guards))
            if step.start in answered and step.to in self.ends and missing:
                text = (
                    f"'{step.action}' would take it for accepted too early; it lacks the guard {' and '.join(missing)}."
                )
                yield Fault("score-from-silence", text, self.after(step))
            if step.effects & {*JUDGING_EFFECTS, Effect.STATEMENT, Effect.CONTEST}:
                text = f"'{step.action}' would speak or score for somebody who was silent; take `system` out of it."
                yield Fault("score-from-silence", text, self.after(step))
            if step.to in self.ends:
                judges = self._reviews if self.reviewed else self._scores
                way = shortest(self.forward, self.first, partial(eq, step), avoid=judges)
                if way:
                    text = (
                        f"The clock could end an appraisal with '{step.action}' before anybody judged it; begin later."
                    )
                    yield Fault("score-from-silence", text, tuple(map(str, way)))

    def meanings(self) -> Iterator[Fault]:
        seen: dict[tuple[str, str], Step] = {}
        for step in self.steps:
            other = seen.setdefault((step.start, step.action), step)
            if other is not step:
                text = f"'{step.action}' has two meanings in the stage '{step.start}'; give one another name."
                before = self.way(step.start) if step.start != self.first else ()
                yield Fault("two-meanings", text, (*before, str(other), str(step)))


def _role_map(definition: Definition) -> Iterator[Fault]:
    roles = definition.roles
    named = {post for group in roles.groups for post in group.posts}
    for number, group in enumerate(roles.groups, 1):
        where = f"roles.groups[{number}]"
        parts = _parts(group)
        for role, position in parts.items():
            twin = next((other for other in parts if other != role and parts[other] == position), None)
            if twin is not None and role < twin:
                text = f"'{position}' would have two parts, {role} and {twin}; name different positions."
                yield Fault("two-parts", text, (where, f"{role} = {position}", f"{twin} = {position}"))
            post = roles.positions[position].post
            if post is not None and (post in group.posts or (not group.posts and post not in named)):
                text = f"Whoever holds the post '{post}' would be his own {role}; give the post a group of its own."
                yield Fault("own-judge", text, (where, f"post {post}", f"{role} = {position}", f"{position} = {post}"))
        yield from _behind(definition, where, group)


def _behind(definition: Definition, where: str, group: GroupForm) -> Iterator[Fault]:
    """When the first choice is missing, somebody must be next."""
    line = definition.roles.line
    above = line[line.index(group.assessor) + 1 :] if group.assessor in line else line
    if group.reviewer in line and group.reviewer not in above:
        text = f"The reviewer '{group.reviewer}' is not above the assessor '{group.assessor}' in the line."
        yield Fault("reviewer-not-above", text, (where, f"line = {', '.join(line)}"))
    reserves = {
        Role.ASSESSOR: (group.assessor, above),
        Role.REVIEWER: (group.reviewer, (*above, *definition.roles.reserve)),
        Role.DECIDER: (group.decider, definition.roles.appeal_reserve),
    }
    for role, (first, others) in reserves.items():
        if not set(others) - {first}:
            text = f"When the {role} '{first}' is missing nobody is next; add a position to the line or the reserve."
            yield Fault("nobody-behind", text, (where, f"{role} = {first}"))


def _parts(group: GroupForm) -> dict[str, str]:
    return {
        Role.ASSESSOR.value: group.assessor,
        Role.REVIEWER.value: group.reviewer,
        Role.DECIDER.value: group.decider,
    }
