"""Decisions about lines: a reviewer's change or strike, an appeal's keep, strike or lower. Never a new entry."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import bindparam, func, select

from models.columns import table_of
from models.findings import ContestedLine, FindingRevision
from scoring.ledger import Kind
from scoring.numbers import parse_decimal, to_decimal
from services.errors import Malformed, Refused
from services.judging import Judged, Pending
from services.ledger_rows import finding_line, month_line
from services.moving import Step
from services.standing import Standing
from services.unit_of_work import Transaction
from workflow.lifecycle import Move
from workflow.vocabulary import Role

REVISION = table_of(FindingRevision)
CONTESTED = table_of(ContestedLine)

_LINE = re.compile(r"F(?P<finding>[1-9][0-9]{0,17})|(?P<rule>[^:\s]+):(?P<month>[0-9]{4}-[0-9]{2})")
_LAST_OBJECTION = select(func.max(CONTESTED.c.move_seq)).where(CONTESTED.c.appraisal_id == bindparam("appraisal"))
_CONTESTED = select(CONTESTED).where(
    CONTESTED.c.appraisal_id == bindparam("appraisal"),
    CONTESTED.c.move_seq == _LAST_OBJECTION.scalar_subquery(),
)


def contested_lines(tx: Transaction, appraisal_id: int) -> frozenset[str]:
    """Return the lines that the person's last objection names."""
    return frozenset(
        finding_line(row.finding_id) if row.finding_id is not None else month_line(row.rule, row.month)
        for row in tx.all(_CONTESTED, {"appraisal": appraisal_id})
    )


def plan(standing: Standing, move: Move, lines: Mapping[str, str | None], judged: Judged) -> tuple[Pending, ...]:
    """Return the decisions that an act brings, each checked against the rule of its line.

    `change` asks for an amount, `strike` for none; an appeal's decision is `keep`, `strike` or a lower amount.

    Raises:
        Malformed: a line or a decision has no such form.
        Refused: there is no such line here, or the amount lies outside the rule, or above what stood before an appeal.
    """
    standing_amounts = amounts_in_force(judged)
    level = "appeal" if Role.DECIDER in move.who else "review"
    pending = []
    for line, said in sorted(lines.items()):
        match = _LINE.fullmatch(line)
        if match is None:
            raise Malformed(
                f"{line!r} does not name a line; write F and its number, or a rule and month like A1.1:2026-02.",
                "bad-line",
            )
        if line not in standing_amounts:
            raise Refused(
                f"{standing.code} has no line {line} that counts; `appraise explain {standing.code}` lists them.",
                "unknown-line",
            )
        rule_id, before = standing_amounts[line]
        kind, amount = _decision(move.action, line, said, before, appeal=level == "appeal")
        finding = int(match["finding"]) if match["finding"] else None
        pending.append(Pending(line, finding, rule_id, match["month"], kind, amount, level))
    return tuple(pending)


def amounts_in_force(judged: Judged) -> dict[str, tuple[str, Fraction]]:
    """Return each line that stands, neither void nor struck, with its rule and amount in points.

    The steps of the score say it: what was recorded or missed, and what decisions made of it.
    """
    force: dict[str, tuple[str, Fraction]] = {}
    for step in judged.score.steps:
        if step["code"] in {"finding", "duty-missed"}:
            force[step["finding"]] = (step["rule"], Fraction(step["amount"]))
        elif step["code"] == "revised":
            force[step["finding"]] = (step["rule"], Fraction(step["to"]))
    return {line: standing for line, standing in force.items() if standing[1]}


def _decision(
    action: str, line: str, said: str | None, before: Fraction, *, appeal: bool
) -> tuple[Kind, Fraction | None]:
    word = (said or "").strip().lower()
    if action == "strike":
        if word not in {"", "strike"}:
            raise Malformed(f"`strike` takes no amount; write --line {line}.", "bad-decision")
        return "strike", None
    if appeal and word == "keep":
        return "keep", None
    if appeal and word == "strike":
        return "strike", None
    choices = "keep, strike or a lower amount" if appeal else "the new amount"
    if not word:
        raise Malformed(f"Say what becomes of {line}: {choices}, such as --line {line}=3.", "bad-decision")
    try:
        amount = parse_decimal(word)
    except ValueError as error:
        raise Malformed(f"{said!r} is no decision about {line}; write {choices}.", "bad-decision") from error
    if appeal and amount > before:
        raise Refused(
            f"{line} stood at {to_decimal(before)} before the appeal; no amount may be higher after it.", "not-lower"
        )
    return ("lower" if appeal else "change"), amount


def write_revisions(tx: Transaction, step: Step, pending: Sequence[Pending]) -> None:
    """Write the decisions beside their findings, behind the move that made them."""
    tx.insert_many(
        REVISION,
        [
            {
                "appraisal_id": step.standing.id,
                "move_seq": step.seq,
                "finding_id": item.finding_id,
                "rule": item.rule,
                "month": item.month,
                "kind": item.kind,
                "amount": item.amount,
                "reason_id": step.comment.id if step.comment else None,
                "by_id": step.actor.person_id,
                "at": step.now,
            }
            for item in pending
        ],
    )


def contest(step: Step, judged: Judged) -> list[dict[str, Any]]:
    """Return the rows of an objection to lines, each checked to exist.

    Raises:
        Refused: a line named does not exist or counts nothing.
    """
    known = amounts_in_force(judged)
    rows = []
    for line in sorted(step.lines):
        match = _LINE.fullmatch(line)
        if match is None or line not in known:
            raise Refused(
                f"{step.standing.code} has no line {line} that counts; name a line that your sheet shows.",
                "unknown-line",
            )
        rows.append(
            {
                "appraisal_id": step.standing.id,
                "move_seq": step.seq,
                "finding_id": int(match["finding"]) if match["finding"] else None,
                "rule": known[line][0],
                "month": match["month"],
                "reason_id": step.comment.id if step.comment else None,
            }
        )
    return rows


def write_contest(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the lines of an objection, behind its move."""
    tx.insert_many(CONTESTED, list(rows))
