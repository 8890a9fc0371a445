"""The table that a definition compiles to. It feeds the engine, the buttons, the permission check and the diagram."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from workflow.case import Case, Limits
from workflow.errors import DefinitionError, NotAllowed, NotYours, Problem, UnknownAction, WorkflowError
from workflow.form import Definition, StageForm, TermForm, Wording
from workflow.guards import GUARDS
from workflow.terms import Deadline, Term
from workflow.vocabulary import (
    JUDGING_ROLES,
    ROLE_WORDS,
    CountedFrom,
    DayKind,
    Demand,
    Missed,
    Outcome,
    PassTo,
    Role,
)


def _no_words() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a lifecycle. `missed` says what happens when its `deadline` is over, `pass_to` to whom a part goes.

    `days`, `day_kind` and `counted_from` are those of the deadline's first term.
    """

    id: str
    title: Mapping[str, str]
    wording: Mapping[str, str]
    holder: str | None = None
    quorum: int = 1
    days: int | None = None
    day_kind: DayKind = DayKind.WORKING
    counted_from: CountedFrom = CountedFrom.OPENING
    missed: Missed = Missed.HOLD
    deadline: Deadline | None = None
    pass_to: tuple[PassTo, ...] = ()
    substitute: str | None = None
    end: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """What one action means in one stage. `effects` are applied by name, so a new move needs no code."""

    action: str
    from_stage: str
    to_stage: str
    who: tuple[str, ...]
    guards: tuple[str, ...] = ()
    reason: str = Demand.OPTIONAL.value
    lines: str = Demand.NONE.value
    effects: tuple[str, ...] = ()
    outcome: str | None = None
    label: Mapping[str, str] = field(default_factory=_no_words, hash=False)
    done: Mapping[str, str] = field(default_factory=_no_words, hash=False)
    again: str | None = None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What the person sees and from when: `facts` at once or with the judgement, `reply_working_days` to reply."""

    facts: str
    judgement_from: str
    reply_working_days: int


class Lifecycle:
    """A compiled table of moves. It never changes; one object is shared by all threads."""

    def __init__(
        self,
        id_: str,
        stages: tuple[Stage, ...],
        moves: tuple[Move, ...],
        *,
        limits: Limits | None = None,
        disclosure: Disclosure | None = None,
        due_at: dt.time = dt.time(18, 0),
        nudge_working_days: int = 2,
        digest: str = "",
        subject: str = "The appraisal",
    ) -> None:
        self.id = id_
        self.subject = subject
        self.stages = stages
        self.moves = moves
        self.limits = limits or Limits()
        self.disclosure = disclosure
        self.due_at = due_at
        self.nudge_working_days = nudge_working_days
        self.digest = digest
        self._stages = {stage.id: stage for stage in stages}
        self._order = {stage.id: place for place, stage in enumerate(stages)}
        self._moves = {(move.from_stage, move.action): move for move in moves}
        self._actions: dict[str, tuple[Move, ...]] = {
            stage.id: tuple(move for move in moves if move.from_stage == stage.id) for stage in stages
        }
        self._labels = {move.action: move.label.get("en", move.action) for move in moves}

    def stage(self, stage: str) -> Stage:
        """Return a stage by its id, or raise `WorkflowError`."""
        try:
            return self._stages[stage]
        except KeyError:
            known = ", ".join(self._stages)
            raise WorkflowError(f"There is no stage '{stage}'; there are {known}.", code="unknown-stage") from None

    @property
    def first(self) -> Stage:
        """The stage in which everything begins."""
        return self.stages[0]

    def holder_role(self, stage: str) -> str | None:
        """Return the role whose turn it is in this stage; None at an ending."""
        return self.stage(stage).holder

    def wording(self, stage: str, language: str, *, holder: str = "") -> str:
        """Return how a stage is named on screen, such as "scored by Wang Fang" (domain.md, section 5)."""
        return self.stage(stage).wording[language].replace("{holder}", holder).strip()

    def move(self, stage: str, action: str) -> Move | None:
        """Return what an action means in a stage, or None where it means nothing."""
        return self._moves.get((stage, action))

    def actions(self, stage: str) -> tuple[Move, ...]:
        """Return every move that leaves or stays in a stage, in the order of the definition."""
        return self._actions[self.stage(stage).id]

    def possible(self, case: Case) -> tuple[Move, ...]:
        """Return the moves that this person may make now; what an act itself must bring is not asked yet."""
        return tuple(move for move in self.actions(case.stage) if self.refusal(move, case) is None)

    def refusal(self, move: Move, case: Case) -> WorkflowError | None:
        """Return why this person may not make this move now, or None. What the act must bring is not asked yet."""
        try:
            self._permit_actor(move, case)
            for name in move.guards:
                if not GUARDS[name].of_act:
                    GUARDS[name](case, self.limits)
        except WorkflowError as error:
            return error
        return None

    def permit(self, move: Move, case: Case) -> None:
        """Return None when the act of this case is allowed as this move.

        Raises:
            NotYours: no role of the actor may make the move.
            NotAllowed: a guard refuses it, or the reason or the lines are missing.
        """
        self._permit_actor(move, case)
        if move.reason == Demand.REQUIRED and not case.reason:
            raise NotAllowed(f"“{self.label(move.action)}” needs a reason.", code="reason")
        if move.lines == Demand.REQUIRED and not case.lines:
            raise NotAllowed(f"“{self.label(move.action)}” must name the lines that are meant.", code="lines")
        for name in move.guards:
            GUARDS[name](case, self.limits)

    def _permit_actor(self, move: Move, case: Case) -> None:
        roles = case.roles
        if Role.APPRAISEE in roles:
            # Whatever else somebody is, in his own appraisal he is the person appraised and nothing more.
            if Role.APPRAISEE not in move.who:
                raise NotYours(f"This is your own appraisal: “{self.label(move.action)}” is for {_people(move.who)}.")
            return
        if roles.isdisjoint(move.who):
            raise NotYours(f"“{self.label(move.action)}” is for {_people(move.who)}, and that is not you here.")
        if len(roles) > 1 and len(roles.intersection(JUDGING_ROLES)) > 1:
            raise NotAllowed(
                "You have two parts in this appraisal, and nobody may have more than one of scoring, reviewing "
                "and deciding; ask HR to pass one of them on.",
                code="two-parts",
            )

    def label(self, action: str) -> str:
        """Return the English name of an action, or the action itself where it has none."""
        return self._labels.get(action, action)

    def unavailable(self, case: Case, action: str) -> NotAllowed | UnknownAction:
        """Return the sentence for an action that means nothing in this stage."""
        if action not in self._labels:
            known = ", ".join(sorted(self._labels))
            return UnknownAction(f"There is no action '{action}'; there are {known}.")
        if case.last_actor:
            # What was possible where he acted is answered by what he did there: who accepted cannot object any more.
            again = next(
                (
                    m.again
                    for m in self.moves
                    if m.action == case.last_action and m.again and self.move(m.from_stage, action)
                ),
                None,
            )
            if again:
                return NotAllowed(again, code="again")
        stage = self.stage(case.stage)
        title = stage.title.get("en", stage.id)
        if stage.end:
            return NotAllowed(f"{self.subject} is {title.lower()}, and nothing can be done any more.", code="ended")
        return NotAllowed(f"“{self.label(action)}” is not possible now: the stage is “{title}”.", code="stage")

    def judgement_open(self, stage: str, *, outcome: str | None = None) -> bool:
        """Say whether the person may see the judgement of the present round: amounts in a range, scores, words.

        True from the stage that the definition names, in the order of its stages; never for an appraisal that ended
        as not rated (domain.md, section 5, facts at once, judgement at release).
        """
        if self.disclosure is None or outcome == Outcome.NOT_RATED:
            return False
        return self._order[self.stage(stage).id] >= self._order[self.disclosure.judgement_from]


def compile_lifecycle(definition: Definition) -> Lifecycle:
    """Compile a definition to its table; every move also asks that the cycle is open.

    Raises:
        DefinitionError: an action has two meanings in one stage (the table could only keep one).
    """
    moves = tuple(
        Move(
            action=form.action,
            from_stage=stage,
            to_stage=form.to,
            who=tuple(role.value for role in form.who),
            guards=("cycle-open", *form.guards),
            reason=form.reason.value,
            lines=form.lines.value,
            effects=tuple(effect.value for effect in form.effects),
            outcome=form.outcome.value if form.outcome else None,
            label=_words(form.label),
            done=_words(form.done or form.label),
            again=form.again,
        )
        for form in definition.moves
        for stage in form.from_
    )
    seen: set[tuple[str, str]] = set()
    problems: list[Problem] = []
    for move in moves:
        if (move.from_stage, move.action) in seen:
            text = f"'{move.action}' has two meanings in the stage '{move.from_stage}'."
            problems.append(Problem("moves", text, "Give one of them another name."))
        seen.add((move.from_stage, move.action))
    if problems:
        raise DefinitionError(definition.id, tuple(problems))
    return Lifecycle(
        definition.id,
        tuple(
            Stage(
                id=form.id,
                title=_words(form.title),
                wording=_words(form.wording),
                holder=form.holder.value if form.holder else None,
                quorum=form.quorum,
                days=form.days,
                day_kind=form.day_kind,
                counted_from=form.counted_from,
                missed=form.missed,
                deadline=_deadline(form),
                pass_to=_steps(form),
                substitute=form.substitute,
                end=form.end,
            )
            for form in definition.stages
        ),
        moves,
        limits=Limits(
            returns=definition.limits.returns,
            take_back_working_days=definition.limits.take_back_working_days,
        ),
        disclosure=Disclosure(
            facts=definition.disclosure.facts.value,
            judgement_from=definition.disclosure.judgement_from,
            reply_working_days=definition.disclosure.reply_working_days,
        ),
        due_at=definition.deadlines.at,
        nudge_working_days=definition.deadlines.nudge_working_days,
        digest=definition.digest,
    )


def _deadline(form: StageForm) -> Deadline | None:
    if not form.ends:
        return None
    other = form.or_later or form.or_earlier
    return Deadline(_term(form), None if other is None else _term(other), later=form.or_earlier is None)


def _term(form: StageForm | TermForm) -> Term:
    return Term(form.days, form.day_kind, form.counted_from, form.on, form.at)


def _steps(form: StageForm) -> tuple[PassTo, ...]:
    if form.missed is Missed.ESCALATE:
        return form.pass_to or (PassTo.NEXT_IN_LINE,)
    return (PassTo.SUBSTITUTE, *form.pass_to) if form.missed is Missed.DELEGATE else ()


def _words(wording: Wording) -> Mapping[str, str]:
    return MappingProxyType({"en": wording.en, "zh": wording.zh})


def _people(who: tuple[str, ...]) -> str:
    words = [ROLE_WORDS[Role(role)] for role in who]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
