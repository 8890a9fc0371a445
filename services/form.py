"""What the form of an appraisal shows beside the score: each step with who, for whom and why, and overrides."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, func, select

from models.columns import table_of
from models.cycles import CycleRubric
from models.history import Move, TextBody
from models.people import Assignment, Person
from services.file_views import Files, files_of_owners, until
from services.sight import Sight
from services.standing import Standing
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

MOVE = table_of(Move)
PERSON = table_of(Person)
TEXT_BODY = table_of(TextBody)
CYCLE_RUBRIC = table_of(CycleRubric)
ASSIGNMENT = table_of(Assignment)
_TYPIST = PERSON.alias("typist")

HISTORY = (
    select(
        MOVE,
        PERSON.c.name,
        PERSON.c.number,
        _TYPIST.c.name.label("typist_name"),
        _TYPIST.c.number.label("typist_number"),
        TEXT_BODY.c.body,
    )
    .outerjoin(PERSON, PERSON.c.id == func.coalesce(MOVE.c.on_behalf_of, MOVE.c.actor_id))
    .outerjoin(_TYPIST, (_TYPIST.c.id == MOVE.c.actor_id) & MOVE.c.on_behalf_of.is_not(None))
    .outerjoin(TEXT_BODY, TEXT_BODY.c.id == MOVE.c.comment_id)
    .where(MOVE.c.appraisal_id == bindparam("appraisal"))
    .order_by(MOVE.c.seq)
)
_TEXTS = select(TEXT_BODY.c.id, TEXT_BODY.c.body).where(TEXT_BODY.c.id.in_(bindparam("texts", expanding=True)))
_OVERRIDE = (
    select(TEXT_BODY.c.body)
    .join(CYCLE_RUBRIC, CYCLE_RUBRIC.c.override_reason_id == TEXT_BODY.c.id)
    .join(ASSIGNMENT, ASSIGNMENT.c.post_id == CYCLE_RUBRIC.c.post_id)
    .where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"), ASSIGNMENT.c.id == bindparam("assignment"))
)


@dataclass(frozen=True, slots=True)
class Passed:
    """One step of the history as the viewer may read it.

    `by` is whose act it was, empty for the system. Where somebody else typed it, `typed_by` names him and
    `proxy_reason` says why (W17). `witness` names who saw a refusal or a delivery.
    """

    seq: int
    action: str
    done: Mapping[str, str]
    by: str
    at: dt.datetime
    round: int
    comment: str | None
    typed_by: str | None = None
    proxy_reason: str | None = None
    witness: str | None = None
    files: Files = ()


def history(tx: Transaction, standing: Standing, seen: Sight) -> tuple[Passed, ...]:
    """Return the steps of an appraisal, oldest first; the words of others only where the judgement is the viewer's."""
    rows = tx.all(HISTORY, {"appraisal": standing.id})
    texts = _texts(tx, rows) if seen.facts else {}
    files = files_of_owners(tx, "move", [row.id for row in rows]) if seen.facts else {}
    shown = []
    for row in rows:
        if seen.until is not None and row.at > seen.until:
            continue
        move = standing.lifecycle.move(row.from_stage, row.action)
        payload = json.loads(row.payload)
        own = row.role == Role.APPRAISEE
        mine = seen.own is not None and seen.own in {row.on_behalf_of, row.actor_id}
        open_words = seen.judgement or mine or (own and seen.facts)
        shown.append(
            Passed(
                row.seq,
                row.action,
                dict(move.done) if move is not None else {},
                f"{row.name} ({row.number})" if row.number else "",
                row.at,
                row.round,
                row.body if open_words else None,
                f"{row.typist_name} ({row.typist_number})" if row.typist_number else None,
                texts.get(_text_id(payload, "proxy")),
                texts.get(_text_id(payload, "witness")),
                until(files.get(row.id, ()), seen.until) if open_words else (),
            )
        )
    return tuple(shown)


def override_reason(tx: Transaction, standing: Standing) -> str | None:
    """Return why the rubric of this appraisal judges although it came later or is incomplete; None if neither."""
    statement, values = override_asked(standing)
    found: str | None = tx.scalar(statement, values)
    return found


def _texts(tx: Transaction, rows: Sequence[Row[Any]]) -> dict[int | None, str]:
    return {row.id: row.body for asked in texts_asked(rows) for row in tx.all(*asked)}


def texts_asked(rows: Sequence[Row[Any]]) -> list[tuple[Executable, dict[str, Any]]]:
    """Return what is asked for the words that the steps of a history name: nothing where they name none."""
    named = [_text_id(json.loads(row.payload), name) for row in rows for name in ("proxy", "witness")]
    ids = [found for found in named if found is not None]
    return [(_TEXTS, {"texts": ids})] if ids else []


def override_asked(standing: Standing) -> tuple[Executable, dict[str, Any]]:
    """Return what `override_reason` asks of the database."""
    return _OVERRIDE, {"cycle": standing.row.cycle_id, "assignment": standing.row.assignment_id}


def _text_id(payload: Mapping[str, Any], name: str) -> int | None:
    return int(payload[name][0]) if name in payload else None
