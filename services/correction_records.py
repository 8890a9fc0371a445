"""Corrections as the audit chain has them: decisions about lines after finality, in their order.

The appraisal is closed and does not move, so such a decision has no row beside the finding: it stands in the event of
the correction, chained and keyed, and in the steps of the score that came of it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from models.columns import table_of
from models.history import Event
from scoring.numbers import parse_decimal, to_decimal
from scoring.result import Score
from services.errors import Malformed, Refused
from services.judging import Pending
from services.person_results import FINAL, IN_FORCE
from services.unit_of_work import Transaction

EVENT = table_of(Event)
PROPOSED, CORRECTED, REFUSED = "correction-proposed", "corrected", "correction-refused"

_LINE = re.compile(r"F(?P<finding>[1-9][0-9]{0,17})|(?P<rule>[^:\s]+):(?P<month>[0-9]{4}-[0-9]{2})")
_EVENTS = (
    select(EVENT)
    .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind.in_((PROPOSED, CORRECTED, REFUSED)))
    .order_by(EVENT.c.seq)
)

_CORRECTED_SCORE = select(FINAL.c.score_id).where(
    FINAL.c.appraisal_id == bindparam("appraisal"), FINAL.c.supersedes_id.is_not(None), IN_FORCE
)

Recorded = tuple[Row[Any], Mapping[str, Any]]
"""An event and what it says."""


def events_of(tx: Transaction, cycle_id: int) -> dict[int, list[Recorded]]:
    """Return everything about corrections in a cycle, oldest first, by appraisal. One statement."""
    found: dict[int, list[Recorded]] = {}
    for row in tx.all(*events_asked(cycle_id)):
        payload = json.loads(row.payload)
        found.setdefault(payload["appraisal"], []).append((row, payload))
    return found


def events_asked(cycle_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `events_of` asks of the database."""
    return _EVENTS, {"stream": f"cycle:{cycle_id}"}


def corrected_score(tx: Transaction, appraisal_id: int) -> int | None:
    """Return the score of the correction in force, or None where nothing was corrected; the appraisal keeps its own."""
    statement, values = corrected_asked(appraisal_id)
    found: int | None = tx.scalar(statement, values)
    return found


def corrected_asked(appraisal_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `corrected_score` asks of the database."""
    return _CORRECTED_SCORE, {"appraisal": appraisal_id}


def decisions(recorded: Iterable[Recorded], *, until_score: int | None = None) -> tuple[Pending, ...]:
    """Return the decisions of corrections that were made, in their order; up to the one that came to `until_score`."""
    taken: list[Pending] = []
    for row, payload in recorded:
        if row.kind != CORRECTED:
            continue
        taken.extend(from_lines(payload["lines"]))
        if payload["score"] == until_score:
            break
    return tuple(taken)


def to_lines(pending: Sequence[Pending]) -> dict[str, list[str | None]]:
    """Return decisions as an event holds them: line to rule, kind and amount."""
    return {
        item.line: [item.rule, item.kind, None if item.amount is None else to_decimal(item.amount)] for item in pending
    }


def from_lines(lines: Mapping[str, Sequence[Any]]) -> tuple[Pending, ...]:
    """Return the decisions that an event holds."""
    return tuple(
        decision(line, rule, kind, None if amount is None else Fraction(amount))
        for line, (rule, kind, amount) in sorted(lines.items())
    )


def decision(line: str, rule: str, kind: Any, amount: Fraction | None) -> Pending:
    """Return a decision about a line, `F12` or `A1.1:2026-02`.

    Raises:
        Malformed: the line has another form.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise Malformed(
            f"{line!r} does not name a line; write F and its number, or a rule and month like A1.1:2026-02.", "bad-line"
        )
    finding = int(match["finding"]) if match["finding"] else None
    return Pending(line, finding, rule, match["month"], kind, amount, "correction")


def decided(code: str, score: Score, lines: Mapping[str, str | None]) -> tuple[Pending, ...]:
    """Return what a correction says about the lines of a score: `strike`, or the right amount in points.

    Raises:
        Malformed: an amount cannot be read.
        Refused: the score of `code` has no such line.
    """
    known = {step["finding"]: step["rule"] for step in score.steps if step["code"] in {"finding", "duty-missed"}}
    taken = []
    for line, said in sorted(lines.items()):
        if line not in known:
            raise Refused(f"{code} has no line {line}; `appraise explain {code}` lists them.", "unknown-line")
        word = (said or "").strip().lower()
        amount = None if word == "strike" else _amount(line, word)
        taken.append(decision(line, known[line], "strike" if amount is None else "change", amount))
    return tuple(taken)


def _amount(line: str, word: str) -> Fraction:
    try:
        return parse_decimal(word)
    except ValueError as error:
        raise Malformed(
            f"Say what becomes of {line}: strike, or its right amount, such as --line {line}=3.", "bad-decision"
        ) from error
