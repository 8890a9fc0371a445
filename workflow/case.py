"""The facts a rule may look at: frozen values that the caller reads from its records, never a record itself."""

from dataclasses import dataclass

from workflow.vocabulary import CycleState


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures of a definition that guards compare with: returns per appraisal, working days to take back."""

    returns: int = 3
    take_back_working_days: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One appraisal (or one cycle), the person who wants to act, and what the act brings, at one moment.

    The defaults are those of an act that brings nothing. Fields in three groups:

    Where things stand: `stage`, `cycle_state`, `round` (from 1), `returns` (returns of this appraisal that were not
    taken back), `carried` (it was on hold or under appeal when its cycle was proposed, and so may still move after
    that), `statement_sent`, `statement_awaited` (the own statement is expected and its days are not over),
    `unconfirmed` (derived deductions neither confirmed nor excused), `contested` (lines under appeal), `seen` (the
    next holder has opened the work item), `read`, `noticed` (receipt is proven, since this judgement was released),
    `refused` (the last answer recorded is a refusal to sign), `window_over` (the days of the present stage have
    ended), `no_access` (a recorded absence stops the answer), `unfinished` (for a cycle: appraisals that stop it
    from being proposed).

    Who acts: `roles` (all he has for this appraisal), `last_action` and `last_actor` (he did that act himself),
    `within_take_back` (the act is young enough), `own_superior` (it is his own appraisal or a superior's of his),
    `own_proposal` (for a cycle: he proposed the table).

    What the act brings: `reason`, `witness` (a witness or proof of delivery is named), `lines` (ids such as `F12` or
    `A1.1:2026-02`), `decided` (contested lines with a decision, this act included), `worse` (lines or items that
    would be worse than before the appeal).
    """

    stage: str
    cycle_state: str = CycleState.OPEN
    roles: frozenset[str] = frozenset()
    round: int = 1
    returns: int = 0
    reason: bool = False
    witness: bool = False
    lines: frozenset[str] = frozenset()
    contested: frozenset[str] = frozenset()
    decided: frozenset[str] = frozenset()
    unconfirmed: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    statement_sent: bool = False
    statement_awaited: bool = False
    last_action: str | None = None
    last_actor: bool = False
    seen: bool = False
    within_take_back: bool = True
    read: bool = False
    noticed: bool = False
    refused: bool = False
    window_over: bool = False
    no_access: bool = False
    own_superior: bool = False
    carried: bool = False
    own_proposal: bool = False
    unfinished: int = 0
