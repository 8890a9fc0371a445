"""Why a case needs a reviewer's eye, worked out from what was read of it; the database is asked for the rules alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row

from scoring.rubric import Rule
from services.clause_history import Amount, Given, given_before
from services.definitions import rubric_of
from services.ledger_rows import finding_line
from services.unit_of_work import Transaction


@dataclass(frozen=True, slots=True)
class Advice:
    """From when on a case is said to need an eye; nothing follows from it.

    `far` is the share of the maximum by which a total differs from that of the last quarter, from 0 to 1. With fewer
    than `few` amounts before, nothing can be unlike them.
    """

    far: Fraction = Fraction(1, 10)
    few: int = 3


REASONS = ("returned", "end-of-range", "no-evidence", "unlike-before", "far-from-last", "replied", "too-many")
"""Why a case needs an eye, the most pressing first."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case needs an eye: one of `REASONS`, the line it is about, and the figures of it."""

    code: str
    line: str | None = None
    rule: str | None = None
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What the reviewer may pick for a line with a range, in points, and what was given for its clause before."""

    least: Fraction
    most: Fraction
    step: Fraction
    given: Given | None


def ranged_lines(
    tx: Transaction, row: Row[Any], findings: Sequence[Row[Any]], amounts: Sequence[Amount]
) -> dict[str, Line]:
    """Return, by line, what can be picked for the findings of a case whose amount was picked from a range."""
    if not any(finding.amount is not None for finding in findings):
        return {}
    post = rubric_of(tx, row.rubric_id, row.rubric_digest).post(row.post)
    rules: Mapping[str, Rule] = {rule.id: rule for rule in post.rules}
    lines = {}
    for finding in findings:
        rule = rules.get(finding.rule)
        if finding.amount is None or rule is None or rule.min is None or rule.max is None:
            continue
        given = given_before(amounts, rule.id, assignment_id=row.assignment_id, before=finding.id)
        lines[finding_line(finding.id)] = Line(rule.min, rule.max, rule.step or Fraction(1), given)
    return lines


def reasons_of(
    row: Row[Any],
    findings: Sequence[Row[Any]],
    ranged: Mapping[str, Line],
    last: Fraction | None,
    advice: Advice,
) -> list[Reason]:
    """Return why a case needs an eye, the most pressing reason first; `last` is the total of the quarter before."""
    reasons = [Reason("returned", facts={"round": row.round})] if row.round > 1 else []
    for finding in findings:
        line = finding_line(finding.id)
        terms, amount = ranged.get(line), finding.amount
        if terms is not None and terms.least < terms.most and amount in {terms.least, terms.most}:
            facts = {"amount": amount, "least": terms.least, "most": terms.most}
            reasons.append(Reason("end-of-range", line, finding.rule, facts))
        if finding.document_id is None and not finding.evidence:
            reasons.append(Reason("no-evidence", line, finding.rule))
        given = None if terms is None else terms.given
        if given is not None and given.count >= advice.few and not given.low <= amount <= given.high:
            reasons.append(Reason("unlike-before", line, finding.rule, {"amount": amount, "given": given}))
        if finding.replied:
            reasons.append(Reason("replied", line, finding.rule))
    if last is not None and row.total is not None and abs(row.total - last) >= advice.far * row.maximum:
        reasons.append(Reason("far-from-last", facts={"total": row.total, "last": last}))
    return sorted(reasons, key=lambda reason: REASONS.index(reason.code))
