"""Telling people what a move or the clock did with what was theirs: promised in the transaction that does it (G1)."""

import datetime as dt

from services.actors import Actor
from services.grants import today
from services.moving import Step
from services.operating import holders_of
from services.outbox import Promise, promise_many
from services.unit_of_work import Transaction
from workflow.vocabulary import Effect, Outcome, Role


def announce_move(tx: Transaction, step: Step) -> None:
    """Promise what follows from a move for people who did not make it.

    A result accepted by silence is told to the person; an objection to who runs cycles (who decides it is told by the
    work item that it opens). Both by the move's own identity, so that it is told once.
    """
    found = []
    where = f"appraisal/{step.standing.id}/{step.seq}"
    if step.move.outcome == Outcome.SILENCE:
        person = int(step.standing.row.person_id)
        key = f"{where}/accepted-by-silence"
        found.append(Promise("accepted-by-silence", person, key, appraisal_id=step.standing.id))
    if Effect.CONTEST in step.move.effects:
        appraisee = int(step.standing.row.person_id)
        found += [
            Promise("objection-noted", officer, f"{where}/objection-noted/{officer}", appraisal_id=step.standing.id)
            for officer in holders_of(tx, Role.HR, today(tx, step.now))
            if officer != appraisee
        ]
    promise_many(tx, found, now=step.now)


def ask_for_signature(tx: Transaction, cycle_id: int, number: int, *, proposed_by: Actor, now: dt.datetime) -> None:
    """Promise every approver that a result table waits for his signature; not to who put it forward himself."""
    payload = {"cycle": cycle_id, "number": number}
    asked = [
        Promise("to-sign", approver, f"cycle/{cycle_id}/table/{number}/to-sign/{approver}", payload=payload)
        for approver in holders_of(tx, Role.APPROVER, today(tx, now))
        if approver not in {proposed_by.person_id, proposed_by.typed_by}
    ]
    promise_many(tx, asked, now=now)


def passed_upward(
    tx: Transaction,
    *,
    item_id: int,
    appraisal_id: int,
    former_id: int,
    holder_id: int,
    occasion: str,
    now: dt.datetime,
    former_item_id: int | None = None,
) -> None:
    """Promise that a work item went from one holder to another: the new one has to act, the former one no more.

    `occasion` tells one passing of an item from the next, such as the number of the move that did it. Where the new
    holder has a work item of his own, `item_id` is that one and `former_item_id` the one that was closed.
    """
    before = item_id if former_item_id is None else former_item_id
    key = f"work-item/{before}/passed/{occasion}"
    promise_many(
        tx,
        [
            Promise("passed-upward", holder_id, f"{key}/to/{holder_id}", item_id, appraisal_id),
            Promise("passed-on", former_id, f"{key}/from/{former_id}", before, appraisal_id),
        ],
        now=now,
    )


def deadline_moved(
    tx: Transaction, *, item_id: int, appraisal_id: int, holder_id: int, due_at: dt.datetime, now: dt.datetime
) -> None:
    """Promise that a work item has a new deadline; the mail brings the calendar file that moves the entry.

    Reminders of the former deadline that still wait are cancelled when they would go out.
    """
    key = f"work-item/{item_id}/person/{holder_id}/deadline-moved/{due_at.astimezone(dt.UTC).isoformat()}"
    promise_many(tx, [Promise("deadline-moved", holder_id, key, item_id, appraisal_id)], now=now)
