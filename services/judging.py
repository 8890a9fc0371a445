"""Scoring an appraisal's ledger, with decisions not yet written, and keeping the score with its steps."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Executable, bindparam, select

from models.appraisals import Rating, Score, ScoreItem, Sheet
from models.columns import table_of
from scoring.ledger import Kind, Ledger, Revision
from scoring.result import Score as Scored
from scoring.score import ARITHMETIC
from scoring.score import score as score_ledger
from services import calendars, ledgers
from services.audit import digest
from services.definitions import rubric_of
from services.standing import Standing
from services.unit_of_work import Statement, Transaction

SHEET = table_of(Sheet)
RATING = table_of(Rating)
SCORE = table_of(Score)
SCORE_ITEM = table_of(ScoreItem)

_STEPS = select(SCORE.c.steps).where(SCORE.c.id == bindparam("score"))
_ITEM_SCORES = select(SCORE_ITEM.c.item, SCORE_ITEM.c.score, SCORE_ITEM.c.reward).where(
    SCORE_ITEM.c.score_id == bindparam("score")
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A decision about one line that its move has not written yet; `level` is review or appeal."""

    line: str
    finding_id: int | None
    rule: str
    month: str | None
    kind: Kind
    amount: Fraction | None
    level: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A score with the ledger it came from and what the assessor has still to confirm."""

    loaded: ledgers.Loaded
    score: Scored
    ledger_digest: str
    as_of: dt.date
    unconfirmed: tuple[str, ...]


def judge(tx: Transaction, standing: Standing, pending: Sequence[Pending] = ()) -> Judged:
    """Score the ledger of an appraisal as of the earlier of today and the period's last day; nothing is written."""
    row = standing.row
    rubric = rubric_of(tx, row.rubric_id, row.rubric_digest)
    loaded = ledgers.load(
        tx,
        assignment_id=row.assignment_id,
        period_from=row.period_from,
        period_to=row.period_to,
        calendar=rubric.settings.calendar,
        appraisal_id=standing.id,
    )
    as_of = min(standing.today, row.period_to)
    ledger = with_pending(loaded.ledger, pending)
    scored = score_ledger(rubric, row.post, ledger, as_of)
    return Judged(loaded, scored, ledger.digest, as_of, ledgers.open_months(rubric, loaded, as_of))


def with_pending(ledger: Ledger, pending: Sequence[Pending]) -> Ledger:
    """Return the ledger as it will be once the decisions are written; those there are stay visible behind them."""
    for item in pending:
        revision = Revision(kind=item.kind, amount=item.amount, by=item.level)
        if item.month is None:
            ledger = ledger.revise(item.line, revision)
        else:
            ledger = ledger.revise_duty(item.rule, item.month, revision)
    return ledger


def store_score(
    tx: Transaction, standing: Standing, judged: Judged, *, kind: str, person_id: int | None, at: dt.datetime, turn: int
) -> tuple[int, str]:
    """Write a sheet with its score, items and steps; return the score's id and the digest of its content.

    `kind` is that of the sheet; `turn` the round of the appraisal.
    """
    scored = judged.score
    sheet_id = tx.insert(
        SHEET,
        {"appraisal_id": standing.id, "person_id": person_id, "seat": 1, "kind": kind, "round": turn, "at": at},
    )
    values = {
        "sheet_id": sheet_id,
        "rubric_id": standing.row.rubric_id,
        "arithmetic": ARITHMETIC,
        "ledger_digest": judged.ledger_digest,
        "as_of": judged.as_of,
        "total": scored.total,
        "maximum": scored.maximum,
        "grade": scored.grade,
        "steps": json.dumps(scored.to_json(), ensure_ascii=False, separators=(",", ":")),
    }
    score_id = tx.insert(SCORE, values)
    items = [
        {
            "score_id": score_id,
            "item": item.id,
            "points": item.points,
            "recorded": item.recorded,
            "counted": item.counted,
            "reward": item.reward,
            "score": item.score,
        }
        for item in scored.items
    ]
    tx.insert_many(SCORE_ITEM, items)
    return score_id, score_digest(values, items)


def score_digest(score: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of a stored score and its items, which the move that wrote it carries."""
    content = {
        name: str(score[name])
        for name in ("rubric_id", "arithmetic", "ledger_digest", "as_of", "total", "maximum", "grade", "steps")
    }
    rows = [
        [str(row[name]) for name in ("item", "points", "recorded", "counted", "reward", "score")]
        for row in sorted(items, key=lambda row: str(row["item"]))
    ]
    return digest({**content, "items": rows})


def store_statement(
    tx: Transaction, standing: Standing, ratings: Mapping[str, Fraction], *, person_id: int | None, at: dt.datetime
) -> int:
    """Write the sheet of an own statement with its self scores, which are shown and not counted."""
    sheet_id = tx.insert(
        SHEET,
        {
            "appraisal_id": standing.id,
            "person_id": person_id,
            "seat": 1,
            "kind": "self",
            "round": standing.row.round,
            "at": at,
        },
    )
    tx.insert_many(
        RATING,
        [{"sheet_id": sheet_id, "item": item, "value": value, "text_id": None} for item, value in ratings.items()],
    )
    return sheet_id


def stored_score(tx: Transaction, score_id: int) -> dict[str, Any]:
    """Return a stored score with its steps, as it was written."""
    statement, values = stored_asked(score_id)
    score: dict[str, Any] = json.loads(tx.scalar(statement, values))
    return score


def stored_asked(score_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `stored_score` asks of the database."""
    return _STEPS, {"score": score_id}


def judge_asked(standing: Standing) -> list[tuple[Statement, dict[str, Any]]]:
    """Return what `judge` asks of the database."""
    row = standing.row
    return [
        *ledgers.asks(row.assignment_id, row.period_from, row.period_to, standing.id),
        (calendars.CLOSURES, {}),
    ]


def items_made_worse(tx: Transaction, before: int | None, after: Scored) -> tuple[str, ...]:
    """Return the items whose score, reward included, lies below that of the stored score `before`."""
    if before is None:
        return ()
    now = {item.id: item.score + item.reward for item in after.items}
    return tuple(
        row.item
        for row in tx.all(_ITEM_SCORES, {"score": before})
        if now.get(row.item, row.score + row.reward) < row.score + row.reward
    )
