"""Conditions by name. Each looks at a case, and returns None or raises a sentence that a person can read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from workflow.case import Case, Limits
from workflow.errors import NotAllowed
from workflow.vocabulary import CycleState


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition: its name, in one line what it asks, and the check itself.

    `of_act` marks those that look at what the act brings; the list of possible actions, drawn before anything is
    brought, leaves them out.
    """

    name: str
    asks: str
    check: Callable[[Case, Limits], None]
    of_act: bool = False

    def __call__(self, case: Case, limits: Limits) -> None:
        """Return None, or raise `NotAllowed`."""
        self.check(case, limits)


def _named(names: frozenset[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(names))


_CYCLE_SENTENCES = {
    CycleState.PLANNED: "The cycle is not open yet; wait until HR opens it.",
    CycleState.PROPOSED: "The cycle is proposed: its table is before the approver, and nothing in it may change.",
    CycleState.FINALISING: "The cycle is being finalised; nothing in it may change.",
    CycleState.FINAL: "The cycle is final; ask HR for a correction if something is wrong.",
    CycleState.CANCELLED: "The cycle is cancelled; nothing in it can be done any more.",
}


def _cycle_open(case: Case, _: Limits) -> None:
    if case.cycle_state == CycleState.OPEN:
        return
    # domain.md, section 5: what was on hold or under appeal at the proposal goes on, and enters as a revision.
    if case.carried and case.cycle_state not in {CycleState.PLANNED, CycleState.CANCELLED}:
        return
    raise NotAllowed(_CYCLE_SENTENCES[CycleState(case.cycle_state)], code="cycle-open")


def _statement_not_sent(case: Case, _: Limits) -> None:
    if case.statement_sent:
        raise NotAllowed("You have already sent your statement.", code="statement-not-sent")


def _statement_not_awaited(case: Case, _: Limits) -> None:
    if case.statement_awaited:
        raise NotAllowed(
            "The person may still send the own statement; wait until its days are over.", code="statement-not-awaited"
        )


def _duties_confirmed(case: Case, _: Limits) -> None:
    if case.unconfirmed:
        raise NotAllowed(
            f"Confirm or excuse first what the log of duties shows as missed: {_named(case.unconfirmed)}.",
            code="duties-confirmed",
        )


def _not_worse(case: Case, _: Limits) -> None:
    if case.worse:
        raise NotAllowed(
            f"Nothing may be worse after an appeal than before it, and this would be: {_named(case.worse)}.",
            code="not-worse",
        )


def _returns_left(case: Case, limits: Limits) -> None:
    if case.returns >= limits.returns:
        times = "once" if limits.returns == 1 else f"{limits.returns} times"
        raise NotAllowed(
            f"It was already returned {times}, which is the limit; change or strike the lines yourself, or approve.",
            code="returns-left",
        )


def _own_last_act(case: Case, _: Limits) -> None:
    if not case.last_actor:
        raise NotAllowed("You can only take back an act of your own, and only the last one.", code="own-last-act")


def _unseen(case: Case, _: Limits) -> None:
    if case.seen:
        raise NotAllowed(
            "The next holder has opened it and it can no longer be taken back; ask for a return instead.", code="unseen"
        )


def _within_take_back(case: Case, limits: Limits) -> None:
    if not case.within_take_back:
        days = limits.take_back_working_days
        raise NotAllowed(
            f"An act can be taken back for {days} working {'day' if days == 1 else 'days'} at most, "
            "and that is over; ask for a return instead.",
            code="within-take-back",
        )


def _not_read(case: Case, _: Limits) -> None:
    if case.read:
        raise NotAllowed("You have already confirmed that you have read it.", code="not-read")


def _window_open(case: Case, _: Limits) -> None:
    if case.window_over:
        raise NotAllowed(
            "The days to answer are over, so you can no longer object; ask HR for a correction if a fact is wrong.",
            code="window-open",
        )


def _window_over(case: Case, _: Limits) -> None:
    if not case.window_over:
        raise NotAllowed("The person's days to answer are not over yet.", code="window-over")


def _days_over(case: Case, _: Limits) -> None:
    if not case.window_over:
        raise NotAllowed("The days of this stage are not over yet.", code="days-over")


def _noticed(case: Case, _: Limits) -> None:
    if not case.noticed:
        raise NotAllowed(
            "It is not proven that the person knows the result, so the days to answer have not begun; "
            "record the delivery first.",
            code="noticed",
        )


def _has_access(case: Case, _: Limits) -> None:
    if case.no_access:
        raise NotAllowed(
            "An absence is recorded that keeps the person from answering; record the delivery when it is over.",
            code="has-access",
        )


def _refused(case: Case, _: Limits) -> None:
    if not case.refused:
        raise NotAllowed("No refusal to sign is recorded; conclude it as silence instead.", code="refused")


def _not_refused(case: Case, _: Limits) -> None:
    if case.refused:
        raise NotAllowed("A refusal to sign is recorded; conclude it as refused instead.", code="not-refused")


def _witness(case: Case, _: Limits) -> None:
    if not case.witness:
        raise NotAllowed("Name a witness or the proof of delivery.", code="witness")


def _only_contested(case: Case, _: Limits) -> None:
    strangers = case.lines - case.contested
    if strangers:
        raise NotAllowed(
            f"The appeal is not about {_named(strangers)}; it is about {_named(case.contested)}.", code="only-contested"
        )


def _all_contested_decided(case: Case, _: Limits) -> None:
    left = case.contested - case.decided
    if left:
        raise NotAllowed(
            f"Decide every line of the appeal; still without a decision: {_named(left)}.", code="all-contested-decided"
        )


def _not_own_or_superior(case: Case, _: Limits) -> None:
    if case.own_superior:
        raise NotAllowed(
            "This is your own appraisal or one of your superiors'; another HR officer or the approver must do it.",
            code="not-own-or-superior",
        )


def _not_own_proposal(case: Case, _: Limits) -> None:
    if case.own_proposal:
        raise NotAllowed("You proposed this result table; somebody else must sign it.", code="not-own-proposal")


def _all_finished(case: Case, _: Limits) -> None:
    if case.unfinished:
        noun = "appraisal is" if case.unfinished == 1 else "appraisals are"
        raise NotAllowed(
            f"{case.unfinished} {noun} neither closed nor on hold nor under appeal; "
            "the cycle cannot be proposed before that.",
            code="all-finished",
        )


GUARDS: Mapping[str, Guard] = MappingProxyType(
    {
        guard.name: guard
        for guard in (
            Guard("cycle-open", "the cycle is open, or this appraisal was carried over its proposal", _cycle_open),
            Guard("statement-not-sent", "the own statement is not sent yet", _statement_not_sent),
            Guard("statement-not-awaited", "no statement is expected, or its days are over", _statement_not_awaited),
            Guard("duties-confirmed", "each missed duty is confirmed or excused", _duties_confirmed),
            Guard("not-worse", "nothing is worse than before the appeal", _not_worse, of_act=True),
            Guard("returns-left", "the limit of returns is not reached", _returns_left),
            Guard("own-last-act", "the last act was the actor's own", _own_last_act),
            Guard("unseen", "the next holder has not opened it", _unseen),
            Guard("within-take-back", "the act is young enough to be taken back", _within_take_back),
            Guard("not-read", "reading is not confirmed yet", _not_read),
            Guard("window-open", "the days to answer are not over", _window_open),
            Guard("window-over", "the days to answer are over", _window_over),
            Guard("days-over", "the days of the stage are over", _days_over),
            Guard("noticed", "receipt is proven", _noticed),
            Guard("has-access", "no absence stops the answer", _has_access),
            Guard("refused", "the last answer recorded is a refusal", _refused),
            Guard("not-refused", "no refusal is the last answer recorded", _not_refused),
            Guard("witness", "a witness or proof of delivery is named", _witness, of_act=True),
            Guard("only-contested", "only lines under appeal are named", _only_contested, of_act=True),
            Guard(
                "all-contested-decided", "every line under appeal has a decision", _all_contested_decided, of_act=True
            ),
            Guard("not-own-or-superior", "neither the actor's own appraisal nor a superior's", _not_own_or_superior),
            Guard("not-own-proposal", "the actor did not propose the table", _not_own_proposal),
            Guard("all-finished", "every appraisal is closed, on hold or under appeal", _all_finished),
        )
    }
)
"""Every guard a definition may name."""
