"""From when it is proven that a person knows his result, and until when he may answer: told by vouched rows alone.

A silence ends an appraisal, so nothing that a statement typed into the database could set may begin or shorten the days
of an answer. `work_item.noticed_at` and `due_at` say when to look; what counts is the chain of the appraisal's moves,
the events of its notices, and the extensions of its cycle, each with its keyed digest (docs/adr/0013).
"""

import datetime as dt
import hmac
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from models.columns import table_of
from models.history import Event, Move, TextBody
from services import absences, due_dates
from services.actors import SYSTEM
from services.audit import GENESIS, append_event, event_fields, move_fields
from services.errors import Refused
from services.extension_events import extended_until, told_asked
from services.one_reading import ahead
from services.standing import Standing, local_day
from services.unit_of_work import Transaction
from workflow.deadlines import at_time
from workflow.vocabulary import Effect

EVENT = table_of(Event)
MOVE = table_of(Move)
TEXT_BODY = table_of(TextBody)

_MOVES = (
    select(MOVE, TEXT_BODY.c.digest.label("comment_digest"))
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == MOVE.c.comment_id)
    .where(MOVE.c.appraisal_id == bindparam("appraisal"))
    .order_by(MOVE.c.seq)
)
_EVENTS = select(EVENT).where(EVENT.c.stream == bindparam("stream")).order_by(EVENT.c.seq)


@dataclass(frozen=True, slots=True)
class Window:
    """Since when the person provably knows, and until when he may answer; None while that is not proven."""

    noticed_at: dt.datetime | None
    due_at: dt.datetime | None


def note_handed_over(tx: Transaction, appraisal_id: int, item_id: int, message_id: int, now: dt.datetime) -> None:
    """Keep as an event that the mail server took the notice of a result: from then on the person may be silent."""
    payload = {"appraisal": appraisal_id, "item": item_id, "message": message_id}
    append_event(tx, f"notice:{appraisal_id}", "handed-over", actor=SYSTEM, at=now, payload=payload)


def window(tx: Transaction, standing: Standing) -> Window:
    """Return the days to answer of an appraisal that awaits the person's answer, as vouched rows tell them.

    The days on which he is recorded as away do not count; an extension holds also where counting would end earlier.

    Raises:
        Refused: a row that should prove it is not what was written.
    """
    start = _noticed_at(tx, standing)
    if start is None:
        return Window(None, None)
    row = standing.row
    zone = zoneinfo.ZoneInfo(row.zone)
    ahead(
        tx,
        absences.away_asked(row.person_id, local_day(start, row.zone), standing.today, absences.ANY),
        told_asked(row.cycle_id),
    )
    away = absences.days_away(tx, row.person_id, local_day(start, row.zone), standing.today, absences.ANY)
    due = due_dates.due_at(
        tx,
        calendar=row.calendar,
        zone=row.zone,
        lifecycle=standing.lifecycle,
        stage=standing.stage,
        start=start,
        marks=due_dates.Marks.of(row),
        free=away,
    )
    extended = extended_until(tx, row.cycle_id, [item.id for item in standing.items])
    if due is not None and extended is not None and extended > due:
        due = extended
        local = due.astimezone(zone)
        if local.date() in away:
            due = at_time(due_dates.working_days(tx, row.calendar, away)(local.date(), 1), local.time(), zone)
    return Window(start, due)


def window_asked(standing: Standing) -> list[tuple[Executable, dict[str, Any]]]:
    """Return what `window` asks of the database first."""
    return [(_MOVES, {"appraisal": standing.id}), (_EVENTS, {"stream": f"notice:{standing.id}"})]


def _noticed_at(tx: Transaction, standing: Standing) -> dt.datetime | None:
    moved, noticed = window_asked(standing)
    moves, told = tx.all(*moved), tx.all(*noticed)
    _demand_moves(tx, standing, moves)
    _demand_events(tx, standing, told)
    since = start = None
    # A notice at the moment of a move was handed over after it: nothing is released before it is moved.
    for row in sorted([*moves, *told], key=lambda one: one.at):
        if "stream" in row._fields:
            start = start if since is None else start or row.at
            continue
        form = standing.lifecycle.move(row.from_stage, row.action)
        effects = form.effects if form is not None else ()
        entered = row.to_stage == standing.stage != row.from_stage
        if entered and not standing.lifecycle.judgement_open(row.from_stage):
            since, start = row.at, None
        elif since is None:
            continue
        elif Effect.NO_ACCESS in effects:
            start = None
        elif Effect.NOTICE in effects or Effect.CONTEST in effects:
            # Who objects to lines has read them.
            start = start or row.at
    return start


def _demand_moves(tx: Transaction, standing: Standing, moves: Sequence[Row[Any]]) -> None:
    last, prev = 0, None
    for row in moves:
        told = move_fields(dict(row._mapping), row.comment_digest)  # noqa: SLF001 - SQLAlchemy's API
        if row.seq != last + 1 or (prev is not None and row.prev != prev) or not _keyed(tx, row, told):
            raise _not_vouched(standing)
        last, prev = row.seq, row.mac
    if last != standing.version:
        raise _not_vouched(standing)


def _demand_events(tx: Transaction, standing: Standing, events: Sequence[Row[Any]]) -> None:
    last, prev = 0, GENESIS
    for row in events:
        told = event_fields(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's API
        if row.seq != last + 1 or row.prev != prev or not _keyed(tx, row, told):
            raise _not_vouched(standing)
        last, prev = row.seq, row.mac


def _keyed(tx: Transaction, row: Row[Any], fields: dict[str, Any]) -> bool:
    return row.key_id in tx.keys.secrets and hmac.compare_digest(
        tx.keys.mac(row.prev, fields, row.key_id), str(row.mac)
    )


def _not_vouched(standing: Standing) -> Refused:
    return Refused(
        f"The record of {standing.code} is not what was written, so no silence follows from it; "
        "run `appraise audit verify`.",
        "not-vouched",
    )
