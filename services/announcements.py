"""Telling people what a move or the clock did with what was theirs: promised in the transaction that does it (G1)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from services.actors import Actor
from services.grants import today
from services.moving import Step
from services.operating import holders_of
from services.outbox import Promise, promise_many
from services.unit_of_work import Transaction
from workflow.vocabulary import Effect, Outcome, Role


def announce_move(tx: Transaction, step: Step) -> None:
    """Promise what follows from a move for people who did not make it.

    A result accepted by silence is told to the person; an objection to who runs cycles; a part that was passed on to
    who had it until then. Who decides the objection or takes the part is told by the work item that the move opens.
    Each by the move's own identity, so that it is told once.
    """
    found = []
    where = f"appraisal/{step.standing.id}/{step.seq}"
    if step.move.outcome == Outcome.SILENCE:
        person = int(step.standing.row.person_id)
        key = f"{where}/accepted-by-silence"
        found.append(Promise("accepted-by-silence", person, key, appraisal_id=step.standing.id))
    if Effect.CONTEST in step.move.effects:
        appraisee = int(step.standing.row.person_id)
        noted = f"{where}/objection-noted"
        found += [
            Promise("objection-noted", officer, f"{noted}/person/{officer}", appraisal_id=step.standing.id)
            for officer in holders_of(tx, Role.HR, today(tx, step.now))
            if officer != appraisee
        ]
    if step.handed is not None:
        passed = f"{where}/passed-on"
        found += [
            Promise("passed-on", item.holder_id, f"{passed}/person/{item.holder_id}", item.id, step.standing.id)
            for item in step.standing.items
            if item.holder_id not in step.handed.holders.values()
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


def deadlines_moved(tx: Transaction, items: Sequence[Row[Any]], due_at: dt.datetime, now: dt.datetime) -> None:
    """Promise that open work items have a new deadline; each mail brings the calendar file that moves the entry.

    `items` have `id`, `appraisal_id` and `holder_id`. Reminders of the former deadline that still wait are cancelled
    when they would go out.
    """
    until = due_at.astimezone(dt.UTC).isoformat()
    promise_many(
        tx,
        [
            Promise(
                "deadline-moved",
                item.holder_id,
                f"work-item/{item.id}/person/{item.holder_id}/deadline-moved/{until}",
                item.id,
                item.appraisal_id,
            )
            for item in items
        ],
        now=now,
    )
