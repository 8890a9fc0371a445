"""One act that links a document and clauses to many people, with a preview of its effect on each (domain.md, 5a)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from scoring.ledger import Ledger
from scoring.score import score
from services.actors import Actor
from services.errors import Malformed
from services.finding_checks import Checked, Entry, check
from services.finding_writing import Recorded, write_finding
from services.grants import today
from services.unit_of_work import Transaction, UnitOfWork, use_case


@dataclass(frozen=True, slots=True)
class Effect:
    """What a link would do to one person, in points: the total before and after, as of today.

    `already` names the findings by which this document was deducted (or rewarded) under the same rule before: where a
    rule counts once per document, the total then does not change, or only up to the higher amount.
    """

    number: str
    rule: str
    amount: Fraction
    before: Fraction
    after: Fraction
    already: tuple[str, ...]


@use_case("finding.preview")
def preview_link(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, document: str, entries: Sequence[Entry]
) -> tuple[Effect, ...]:
    """Return what linking a document to these people would do to each; nothing is written.

    Several entries for one person add up in their order.

    Raises:
        Malformed, NotFound, Refused: as `link`.
    """
    with uow.read() as tx:
        date = today(tx, now)
        ledgers: dict[int, Ledger] = {}
        effects = []
        for place, checked in enumerate(_check_all(tx, document, entries, actor, date)):
            ledger = ledgers.get(checked.held.id, checked.ledger)
            finding = replace(checked.finding, id=f"new-{place}")
            rubric, post = checked.force.rubric, checked.held.post
            as_of = min(date, checked.force.period_to)
            added = ledger.add(finding)
            ledgers[checked.held.id] = added
            already = tuple(
                other.id
                for other in checked.ledger.findings
                if other.rule == finding.rule and other.key == finding.key and not other.voided
            )
            effects.append(
                Effect(
                    number=checked.entry.number,
                    rule=finding.rule,
                    amount=checked.amount,
                    before=score(rubric, post, ledger, as_of).total,
                    after=score(rubric, post, added, as_of).total,
                    already=already,
                )
            )
        return tuple(effects)


@use_case("document.link")
def link(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, document: str, entries: Sequence[Entry]
) -> tuple[Recorded, ...]:
    """Record a finding about each of these people that refers to one document; all of them, or none.

    Args:
        uow: the database.
        actor: the assessor of every person named.
        now: the moment.
        document: the document, named like `D12`; it takes the place of any that an entry names.
        entries: one for each person and rule.

    Raises:
        Malformed: nobody is named, or somebody twice with one rule, or a name has no such form.
        NotFound: there is no such document or person.
        Refused: one of the findings is not admitted; the sentence says whose.
        Conflict: a ledger changed hands at the same moment.
    """
    with uow.write() as tx:
        checked = _check_all(tx, document, entries, actor, today(tx, now))
        return tuple(write_finding(tx, one, actor=one.actor, now=now) for one in checked)


def _check_all(tx: Transaction, document: str, entries: Sequence[Entry], actor: Actor, date: dt.date) -> list[Checked]:
    if not entries:
        raise Malformed("Name at least one person to link the document to.", "missing")
    named = [(entry.number, entry.rule) for entry in entries]
    twice = next((pair for pair in named if named.count(pair) > 1), None)
    if twice is not None:
        raise Malformed(f"{twice[0]} is named twice with {twice[1]}; name everybody once.", "twice")
    return [check(tx, replace(entry, document=document), actor=actor, today=date) for entry in entries]
