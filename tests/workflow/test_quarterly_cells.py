"""Every stage x action x role of the quarterly workflow: denied unless the table of domain.md, section 5, allows it."""

import itertools
from dataclasses import replace

import pytest

from workflow.case import Case
from workflow.engine import decide
from workflow.errors import NotAllowed, NotYours, WorkflowError
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import Role

HR = {"hr", "approver"}
ALLOWED: dict[str, dict[str, tuple[set[str], str]]] = {
    "draft": {
        "state": ({"appraisee"}, "scoring"),
        "start": ({"assessor"}, "scoring"),
        "skip": ({"system"}, "scoring"),
        "exclude": (HR, "closed"),
    },
    "scoring": {
        "state": ({"appraisee"}, "scoring"),
        "submit": ({"assessor"}, "review"),
        "take-back": ({"appraisee"}, "draft"),
        "take-back-return": ({"reviewer"}, "review"),
        "pass-on": ({"system"}, "scoring"),
        "exclude": (HR, "closed"),
    },
    "review": {
        "return": ({"reviewer"}, "scoring"),
        "pass-on": ({"system"}, "review"),
        "change": ({"reviewer"}, "review"),
        "strike": ({"reviewer"}, "review"),
        "approve": ({"reviewer"}, "signoff"),
        "take-back": ({"assessor"}, "scoring"),
        "exclude": (HR, "closed"),
    },
    "signoff": {
        "take-back": ({"reviewer"}, "review"),
        "read": ({"appraisee"}, "signoff"),
        "accept": ({"appraisee"}, "closed"),
        "object": ({"appraisee"}, "appeal"),
        "refuse": (HR, "signoff"),
        "deliver": (HR, "signoff"),
        "no-access": (HR, "signoff"),
        "conclude": (HR | {"system"}, "closed"),
        "conclude-refused": (HR | {"system"}, "closed"),
        "exclude": (HR, "closed"),
    },
    "appeal": {
        "withdraw": ({"appraisee"}, "signoff"),
        "decide": ({"decider"}, "closed"),
        "send-back": ({"decider"}, "scoring"),
        "exclude": (HR, "closed"),
    },
    "closed": {},
}
ACTIONS = sorted({action for cells in ALLOWED.values() for action in cells})


def favourable(stage: str, action: str, role: str) -> Case:
    """An act that brings all an act can bring, at a moment when nothing but stage and role can be against it."""
    return Case(
        stage=stage,
        roles=frozenset({role}),
        reason=True,
        witness=True,
        lines=frozenset({"F1"}),
        contested=frozenset({"F1"}),
        decided=frozenset({"F1"}),
        last_actor=True,
        noticed=True,
        window_over=action.startswith("conclude") or action == "pass-on",
        refused=action == "conclude-refused",
    )


@pytest.mark.parametrize("stage", ALLOWED)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_role_may_do_what_the_table_says_and_nothing_else(lifecycle: Lifecycle, stage: str, action: str) -> None:
    who, to = ALLOWED[stage].get(action, (set(), ""))
    for role in Role:
        case = favourable(stage, action, role)
        if role in who:
            assert decide(lifecycle, case, action).to_stage == to
        else:
            with pytest.raises(NotYours if who else NotAllowed):
                decide(lifecycle, case, action)


def test_the_definition_has_no_action_or_stage_beyond_the_table(lifecycle: Lifecycle) -> None:
    assert {stage.id: {move.action for move in lifecycle.actions(stage.id)} for stage in lifecycle.stages} == {
        stage: set(cells) for stage, cells in ALLOWED.items()
    }


@pytest.mark.parametrize("stage", ALLOWED)
def test_whoever_has_no_role_can_do_nothing(lifecycle: Lifecycle, stage: str) -> None:
    case = replace(favourable(stage, "accept", "hr"), roles=frozenset())
    assert lifecycle.possible(case) == ()
    for action in ACTIONS:
        with pytest.raises(WorkflowError):
            decide(lifecycle, case, action)


@pytest.mark.parametrize("other", [role for role in Role if role is not Role.APPRAISEE])
def test_in_his_own_appraisal_nobody_is_more_than_the_person_appraised(lifecycle: Lifecycle, other: str) -> None:
    for stage, action in itertools.product(ALLOWED, ACTIONS):
        who, to = ALLOWED[stage].get(action, (set(), ""))
        case = replace(favourable(stage, action, other), roles=frozenset({other, "appraisee"}))
        if "appraisee" in who:
            assert decide(lifecycle, case, action).to_stage == to
        else:
            with pytest.raises(WorkflowError):
                decide(lifecycle, case, action)


@pytest.mark.parametrize(("one", "other"), [("assessor", "reviewer"), ("assessor", "decider"), ("reviewer", "decider")])
def test_nobody_acts_with_two_parts(lifecycle: Lifecycle, one: str, other: str) -> None:
    for stage, cells in ALLOWED.items():
        for action, (who, _) in cells.items():
            if who & {one, other}:
                case = replace(favourable(stage, action, one), roles=frozenset({one, other}))
                with pytest.raises(NotAllowed, match="two parts"):
                    decide(lifecycle, case, action)


def test_the_endings_and_effects_are_those_of_the_domain(lifecycle: Lifecycle) -> None:
    outcomes = {(move.from_stage, move.action): move.outcome for move in lifecycle.moves if move.to_stage == "closed"}
    assert outcomes == {
        ("signoff", "accept"): "accepted",
        ("signoff", "conclude"): "silence",
        ("signoff", "conclude-refused"): "refused",
        ("appeal", "decide"): "decided",
        **{(stage, "exclude"): "not-rated" for stage in ("draft", "scoring", "review", "signoff", "appeal")},
    }
    effects = {move.action: set(move.effects) for move in lifecycle.moves if move.effects}
    assert effects == {
        "state": {"statement"},
        "submit": {"score"},
        "return": {"new-round"},
        "change": {"revise", "score"},
        "strike": {"revise", "score"},
        "read": {"notice"},
        "refuse": {"notice"},
        "deliver": {"notice"},
        "no-access": {"no-access"},
        "object": {"contest"},
        "decide": {"revise", "score"},
        "send-back": {"new-round"},
        "exclude": {"close-not-rated"},
        "pass-on": {"hand-on"},
    }


def test_the_days_are_those_of_section_five(lifecycle: Lifecycle) -> None:
    assert {stage.id: (stage.holder, stage.days, str(stage.missed)) for stage in lifecycle.stages} == {
        "draft": ("appraisee", 3, "move-on"),
        "scoring": ("assessor", 5, "escalate"),
        "review": ("reviewer", 3, "escalate"),
        "signoff": ("appraisee", 5, "accept-by-silence"),
        "appeal": ("decider", 5, "hold"),
        "closed": (None, None, "hold"),
    }
    assert lifecycle.stage("signoff").counted_from == "proven-notice"


def test_judgement_is_shown_from_sign_off_and_never_when_not_rated(lifecycle: Lifecycle) -> None:
    shown = [stage.id for stage in lifecycle.stages if lifecycle.judgement_open(stage.id)]
    assert shown == ["signoff", "appeal", "closed"]
    assert not lifecycle.judgement_open("closed", outcome="not-rated")


def test_stages_are_named_by_their_holder_in_both_languages(lifecycle: Lifecycle) -> None:
    assert lifecycle.wording("scoring", "en", holder="Wang Fang") == "scored by Wang Fang"
    assert lifecycle.wording("scoring", "zh", holder="王芳") == "由王芳评分"
    assert lifecycle.holder_role("review") == "reviewer"
    with pytest.raises(WorkflowError, match="There is no stage 'nowhere'"):
        lifecycle.stage("nowhere")
