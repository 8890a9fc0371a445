"""The life of a whole cycle, as a table that the same engine decides (domain.md, section 5, finalising takes two)."""

from collections.abc import Mapping
from types import MappingProxyType

from workflow.case import Case
from workflow.engine import decide
from workflow.lifecycle import Lifecycle, Move, Stage
from workflow.vocabulary import CycleState, Demand, Role

_TITLES = {
    CycleState.PLANNED: ("Planned", "已计划"),
    CycleState.OPEN: ("Open", "进行中"),
    CycleState.PROPOSED: ("Proposed", "待批准"),
    CycleState.FINALISING: ("Being finalised", "定稿中"),
    CycleState.FINAL: ("Final", "已定稿"),
    CycleState.CANCELLED: ("Cancelled", "已取消"),
}
_ENDS = (CycleState.FINAL, CycleState.CANCELLED)


def _words(en: str, zh: str) -> Mapping[str, str]:
    return MappingProxyType({"en": en, "zh": zh})


def _stage(state: CycleState) -> Stage:
    title = _words(*_TITLES[state])
    return Stage(id=state.value, title=title, wording=title, end=state in _ENDS)


def _move(
    action: str,
    path: tuple[CycleState, CycleState],
    who: Role,
    label: Mapping[str, str],
    *,
    clock: bool = False,
    guards: tuple[str, ...] = (),
    reason: Demand = Demand.OPTIONAL,
) -> Move:
    roles = (who.value, Role.SYSTEM.value) if clock else (who.value,)
    return Move(action, path[0].value, path[1].value, roles, guards, reason.value, label=label, done=label)


CYCLE = Lifecycle(
    "cycle",
    tuple(_stage(state) for state in CycleState),
    (
        # The clock opens the cycle of a plan, HR any.
        _move("open", (CycleState.PLANNED, CycleState.OPEN), Role.HR, _words("Open", "启动"), clock=True),
        _move(
            "propose",
            (CycleState.OPEN, CycleState.PROPOSED),
            Role.HR,
            _words("Propose the results", "提交结果"),
            guards=("all-finished",),
        ),
        _move(
            "refuse",
            (CycleState.PROPOSED, CycleState.OPEN),
            Role.APPROVER,
            _words("Refuse the results", "退回结果"),
            reason=Demand.REQUIRED,
        ),
        _move(
            "approve",
            (CycleState.PROPOSED, CycleState.FINALISING),
            Role.APPROVER,
            _words("Approve the results", "批准结果"),
            guards=("not-own-proposal",),
        ),
        _move("complete", (CycleState.FINALISING, CycleState.FINAL), Role.SYSTEM, _words("Complete", "完成定稿")),
        *(
            _move(
                "cancel",
                (state, CycleState.CANCELLED),
                Role.HR,
                _words("Cancel the cycle", "取消考核"),
                reason=Demand.REQUIRED,
            )
            for state in (CycleState.PLANNED, CycleState.OPEN, CycleState.PROPOSED)
        ),
    ),
    subject="The cycle",
)
"""The life of a cycle. Approving moves to `finalising`, where the final rows are written in chunks and resumably;
`complete` makes them visible as final."""

LEGAL_PAIRS: frozenset[tuple[str, str]] = frozenset((move.from_stage, move.to_stage) for move in CYCLE.moves)
"""Every change of a cycle's state that may happen; the database refuses all others."""


def decide_cycle(
    state: str,
    action: str,
    *,
    roles: frozenset[str],
    own_proposal: bool,
    reason: bool = False,
    unfinished: int = 0,
) -> Move:
    """Return the move that this act on a cycle is.

    Args:
        state: the state the cycle is in.
        action: open, propose, refuse, approve, complete or cancel.
        roles: what the actor is to the organisation; `system` for the job that finalises.
        own_proposal: the actor proposed the table that lies before the approver.
        reason: the act brings a reason.
        unfinished: appraisals neither closed nor on hold nor under appeal.

    Raises:
        NotYours: the act belongs to another role.
        NotAllowed: it is not possible in this state, or a guard refuses it.
    """
    case = Case(stage=state, roles=roles, reason=reason, own_proposal=own_proposal, unfinished=unfinished)
    return decide(CYCLE, case, action)
