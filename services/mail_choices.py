"""Who wants which mails how: a person switches off what may be, and HR sets the organisation's hours and days."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from models.columns import table_of
from models.cycles import Cycle
from models.outbox import MailChoice
from services import mail_habits, naming
from services.actors import Actor
from services.audit import append_event, digest
from services.definitions import lifecycle_of
from services.errors import Malformed, Refused
from services.grants import demand, demand_typist, today
from services.looking_anew import look_anew
from services.messages import DIGEST, KINDS, kind_of
from services.organisation_write import row_content
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState, Role

CHOICE = table_of(MailChoice)
CYCLE = table_of(Cycle)

_OFF = select(CHOICE.c.kind).where(CHOICE.c.person_id == bindparam("person"))
_ON_AGAIN = delete(CHOICE).where(CHOICE.c.person_id == bindparam("person"), CHOICE.c.kind == bindparam("kind"))
_RUNNING = (
    select(CYCLE.c.code, CYCLE.c.workflow_id)
    .where(CYCLE.c.state.in_((CycleState.PLANNED.value, CycleState.OPEN.value)))
    .order_by(CYCLE.c.id)
)
_KEEP = update(naming.ORGANISATION).values(settings=bindparam("kept"))


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind of mail: how it comes, whether a person may do without it, and whether this one does."""

    kind: str
    way: str
    policy: str
    optional: bool
    off: bool


def choices(uow: UnitOfWork, *, actor: Actor) -> tuple[Choice, ...]:
    """Return every kind of mail with what the actor has chosen."""
    with uow.read() as tx:
        off = {row.kind for row in tx.all(_OFF, {"person": actor.person_id})}
    return tuple(
        Choice(kind.name, kind.way, kind.policy, kind.optional, kind.optional and kind.name in off)
        for kind in KINDS.values()
        if kind.name != DIGEST
    )


@use_case("mail.choose")
def choose(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, kind: str, on: bool) -> None:
    """Switch a kind of mail on or off for the actor himself; twice is once.

    Raises:
        Malformed: there is no such kind.
        Refused: the kind is one that nobody may do without.
    """
    wanted = kind_of(kind)
    if not wanted.optional:
        names = ", ".join(one.name for one in KINDS.values() if one.optional)
        raise Refused(
            f"Mails of the kind {kind} cannot be switched off, since a right or a duty hangs on them; "
            f"these can: {names}.",
            "not-optional",
        )
    if actor.person_id is None:
        raise Refused("Only a person chooses which mails he gets.", "not-yours")
    with uow.write() as tx:
        demand_typist(tx, actor, today(tx, now))
        which = {"person": actor.person_id, "kind": kind}
        off = kind in {row.kind for row in tx.all(_OFF, {"person": actor.person_id})}
        if off is not on:
            return
        if on:
            tx.run(_ON_AGAIN, which)
        else:
            tx.insert_many(CHOICE, [{"person_id": actor.person_id, "kind": kind, "at": now}])
        payload = {"person": actor.person_id, "kind": kind, "on": on}
        append_event(tx, "org", "mail.chosen", actor=actor, at=now, payload=payload)


@use_case("mail.habits")
def set_habits(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, changes: Mapping[str, Any]) -> mail_habits.Habits:
    """Change how the organisation wants its mails and return all of it; nothing changes with no `changes`.

    `changes` has the names of `Habits.to_json`.

    Raises:
        Malformed: a value is none of its kind.
        Refused: the actor neither runs cycles nor operates Appraise, or the digest would come after the hour at which
            work is due.
    """
    unknown = sorted(set(changes) - set(mail_habits.Habits().to_json()))
    if unknown:
        raise Malformed(f"There is no setting {unknown[0]!r} of mails.", "unknown-setting")
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR, Role.OPERATOR), "set when mails go out")
        row = naming.organisation(tx)
        settings = json.loads(row.settings)
        before = mail_habits.of(tx)
        habits = mail_habits.habits_from({**settings.get(mail_habits.SETTING, {}), **changes})
        if not changes:
            return habits
        if before.digest_at != habits.digest_at:
            _demand_before_deadlines(tx, habits.digest_at)
        if (before.digest_at, before.overdue_every) != (habits.digest_at, habits.overdue_every):
            look_anew(tx, now)
        settings[mail_habits.SETTING] = habits.to_json()
        kept = json.dumps(settings, sort_keys=True)
        tx.run(_KEEP, {"kept": kept})
        content = row_content({**row._asdict(), "settings": kept})
        payload = {"organisation": row.id, "digest": digest(content), "habits": habits.to_json()}
        append_event(tx, "org", "mail.habits", actor=actor, at=now, payload=payload)
    return habits


def _demand_before_deadlines(tx: Transaction, digest_at: dt.time) -> None:
    """Let pass only an hour at which a reminder of the day still comes before the deadline.

    Raises:
        Refused: work of a cycle that is planned or open is due at that hour or before.
    """
    for row in tx.all(_RUNNING):
        due_at = lifecycle_of(tx, row.workflow_id).due_at
        if due_at <= digest_at:
            raise Refused(
                f"Work of the cycle {row.code} is due at {due_at:%H:%M}, so a digest at {digest_at:%H:%M} would remind "
                "of it when the day is over; choose an earlier hour.",
                "digest-late",
            )
