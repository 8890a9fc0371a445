"""What was given for a clause before: amounts without names, so that one case is judged like the last one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import bindparam, select

from models.columns import table_of
from models.findings import Finding
from services.unit_of_work import Transaction

FINDING = table_of(Finding)

LOOKED_AT = 1000
"""How many of the latest findings of the office are looked through; what lies further back counts no more."""
_LATEST = (
    select(FINDING.c.id, FINDING.c.assignment_id, FINDING.c.rule, FINDING.c.amount, FINDING.c.voided_at)
    .where(FINDING.c.id <= bindparam("last"))
    .order_by(FINDING.c.id.desc())
    .limit(LOOKED_AT)
)
_HIGHEST_ID = 2**62


@dataclass(frozen=True, slots=True)
class Given:
    """What was given for a clause before: how often, and the least, the most and the most frequent amount in points."""

    count: int
    low: Fraction
    high: Fraction
    usual: Fraction


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount that was picked from a range: by which finding, about which assignment, by which rule."""

    finding_id: int
    assignment_id: int
    rule: str
    amount: Fraction


def latest_amounts(tx: Transaction, last: int | None = None) -> tuple[Amount, ...]:
    """Return the amounts picked in the latest `LOOKED_AT` findings up to the id `last`; void ones are left out."""
    rows = tx.all(_LATEST, {"last": _HIGHEST_ID if last is None else last})
    return tuple(
        Amount(row.id, row.assignment_id, row.rule, row.amount)
        for row in rows
        if row.amount is not None and row.voided_at is None
    )


def given_before(
    amounts: Sequence[Amount], rule: str, *, assignment_id: int, before: int | None = None
) -> Given | None:
    """Return what was given by a rule to others, before a finding where one is named; None if nothing was."""
    found = [
        one.amount
        for one in amounts
        if one.rule == rule and one.assignment_id != assignment_id and (before is None or one.finding_id < before)
    ]
    return _summed(found)


def given_by_rule(amounts: Sequence[Amount], rules: Iterable[str], *, assignment_id: int) -> Mapping[str, Given]:
    """Return what was given to others by each of some rules; a rule by which nothing was given is left out."""
    found = {rule: given_before(amounts, rule, assignment_id=assignment_id) for rule in rules}
    return {rule: given for rule, given in found.items() if given is not None}


def _summed(amounts: Sequence[Fraction]) -> Given | None:
    if not amounts:
        return None
    often = {amount: amounts.count(amount) for amount in set(amounts)}
    usual = min(often, key=lambda amount: (-often[amount], amount))
    return Given(len(amounts), min(amounts), max(amounts), usual)
