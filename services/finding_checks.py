"""What must hold before anything enters a ledger: whose it is, who may write there, in which period, by which rule."""

import datetime as dt
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.people import Assignment, Person, Post
from scoring.admission import admit
from scoring.ledger import Finding, Ledger
from scoring.rubric import Rule
from services import naming
from services.access import conflicts_of, own_or_superior
from services.actors import Actor
from services.delegations import recorder
from services.documents import document_code, document_row
from services.errors import Malformed, Refused
from services.grants import demand_typist
from services.ledgers import LedgerState, closed, load_ledger, state
from services.reporting import assessor_of
from services.rubric_in_force import InForce, rubric_in_force
from services.unit_of_work import Transaction

ASSIGNMENT = table_of(Assignment)
PERSON = table_of(Person)
POST = table_of(Post)

_PERSON = re.compile(r"(?P<number>[^/@\s]+)(?:@(?P<post>[^/@\s]+))?")
_HELD_COLUMNS = select(
    ASSIGNMENT.c.id,
    ASSIGNMENT.c.person_id,
    ASSIGNMENT.c.post_id,
    ASSIGNMENT.c.valid_from,
    ASSIGNMENT.c.valid_to,
    PERSON.c.number,
    POST.c.code.label("post"),
).select_from(
    ASSIGNMENT.join(PERSON, PERSON.c.id == ASSIGNMENT.c.person_id).join(POST, POST.c.id == ASSIGNMENT.c.post_id)
)
# Acting gives the powers of a post and is not appraised (domain.md, 5b), so nothing is recorded about it.
_HELD = _HELD_COLUMNS.where(PERSON.c.number == bindparam("number"), ASSIGNMENT.c.kind == "regular").order_by(
    ASSIGNMENT.c.valid_from, ASSIGNMENT.c.id
)
_HELD_BY_ID = _HELD_COLUMNS.where(ASSIGNMENT.c.id == bindparam("assignment"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding as somebody writes it down.

    `number` is the employee number, with @POST for somebody who holds several posts; `amount` is in points, for rules
    with a range; `units` in the rule's unit, for rules per unit; `document` is named like `D12`, `incident` by any
    code of one's own; `known` is the day it became known, by default the day it happened.
    """

    number: str
    rule: str
    happened: dt.date
    known: dt.date | None = None
    amount: Fraction | None = None
    units: Fraction | None = None
    document: str | None = None
    incident: str | None = None
    reason: str | None = None
    sub_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """An entry that every rule admits, with what was read to find that out.

    `amount` is what it takes or gives; `actor` as whom it is recorded, the assessor also where somebody stands in.
    """

    entry: Entry
    held: Row[Any]
    state: LedgerState
    force: InForce
    rule: Rule
    ledger: Ledger
    finding: Finding
    document_id: int | None
    amount: Fraction
    actor: Actor


def held_on(tx: Transaction, number: str, day: dt.date) -> Row[Any]:
    """Return the assignment of a person on a day; see `held_between`."""
    return held_between(tx, number, day, day)


def held_between(tx: Transaction, number: str, first: dt.date, last: dt.date) -> Row[Any]:
    """Return the one assignment of a person that covers any day from `first` to `last`.

    `number` is the employee number, such as 1007, or 1007@cash-driver where there are several.

    Raises:
        Malformed: the name has another form, or the person held several posts then and none is named.
        NotFound: nobody has the employee number.
        Refused: the person never held that post, or not then.
    """
    match = _PERSON.fullmatch(number)
    if match is None:
        raise Malformed(f"{number!r} does not name a person; write the employee number, such as 1007.", "bad-code")
    naming.person(tx, match["number"])
    rows = tx.all(_HELD, {"number": match["number"]})
    if match["post"] is not None:
        rows = [row for row in rows if row.post == match["post"]]
    if not rows:
        post = f" as {match['post']}" if match["post"] else ""
        raise Refused(f"{match['number']} has no assignment{post}; `appraise org show` lists them.", "no-assignment")
    there = [row for row in rows if row.valid_from <= last and (row.valid_to is None or first <= row.valid_to)]
    if len(there) > 1:
        choices = ", ".join(f"{row.number}@{row.post}" for row in there)
        raise Malformed(f"{number} held several posts on {last}; write one of {choices}.", "ambiguous-assignment")
    if there:
        return there[0]
    if last < rows[0].valid_from:
        raise Refused(
            f"{last} lies before the assignment of {number}, which began on {rows[0].valid_from}.", "before-assignment"
        )
    ended = max(row.valid_to for row in rows if row.valid_to is not None and row.valid_to < first)
    raise Refused(f"{first} lies after the assignment of {number}, which ended on {ended}.", "after-assignment")


def held_by_id(tx: Transaction, assignment_id: int) -> Row[Any]:
    """Return an assignment with its person's number and its post."""
    row = tx.first(_HELD_BY_ID, {"assignment": assignment_id})
    if row is None:
        raise Refused("This assignment does not exist.", "unknown-assignment")
    return row


def demand_person(tx: Transaction, actor: Actor, today: dt.date) -> int:
    """Return the person whose rights count, who must be one; for an entry by proxy also ask for the grant and a reason.

    Raises:
        Refused: it is the system, or the one at the keyboard may not enter for others, or gives no reason.
    """
    if actor.person_id is None:
        raise Refused("Only a person writes into a ledger.", "not-a-person")
    demand_typist(tx, actor, today)
    return actor.person_id


def demand_assessor(
    tx: Transaction, actor: Actor, held: Row[Any], counted_on: dt.date, today: dt.date, *, doing: str
) -> Actor:
    """Let only the assessor of an assignment pass; never for himself, a superior, or somebody he is recused from.

    Returns as whom it is done: his delegate passes too, and acts in his name. `doing` completes the sentence "Only the
    assessor ... may ...". Whoever types for him must be as far from the person as he is (5a and 5b).

    Raises:
        Refused: the actor is not the assessor, or too near; or there is no assessor at all.
    """
    person_id = demand_person(tx, actor, today)
    theirs = conflicts_of(tx, held.person_id, today)
    for one in [person_id] if actor.typed_by is None else [person_id, actor.typed_by]:
        if own_or_superior(tx, one, held.person_id, today):
            raise Refused(f"Nobody may {doing} for himself or one of his superiors.", "own-or-superior")
        if one in theirs or held.person_id in conflicts_of(tx, one, today):
            raise Refused(
                f"There is a recorded conflict of interest with {held.number}: somebody else must {doing}.", "recused"
            )
    assessor = assessor_of(tx, held.id, counted_on, today=today)
    if assessor is None:
        raise Refused(
            f"Nobody scores {held.number}, so nobody may {doing}: the workflow that governs {counted_on} has no group "
            "with the post, or nobody is left in the line. Publish a workflow with such a group, or mend the line.",
            "no-assessor",
        )
    if assessor == person_id:
        return actor
    delegate = recorder(tx, actor, assessor, held, today)
    if delegate is None:
        raise Refused(f"Only the assessor of {held.number} may {doing}.", "not-assessor")
    return delegate


def check(
    tx: Transaction, entry: Entry, *, actor: Actor, today: dt.date, by_assessor: bool = True, line: str | None = None
) -> Checked:
    """Check an entry in every respect and return what was found; nothing is written and nothing is locked.

    `today` is the day in the organisation's zone. A claim is not by the assessor. `line` is how sentences name the
    finding, by default the person's number.

    Raises:
        Malformed: a name has no such form.
        NotFound: there is no such person or document.
        Refused: the day, the person, the ledger or the document does not admit it.
        FindingRefused: the rule does not admit it.
    """
    known = entry.known or entry.happened
    for day, what in ((entry.happened, "happened"), (known, "known")):
        if day > today:
            raise Refused(f"{what} {day} lies in the future; a finding tells of what has happened.", "future")
    held = held_on(tx, entry.number, entry.happened)
    at = counted_in(tx, held, entry.happened, known)
    if by_assessor:
        actor = demand_assessor(tx, actor, held, at.on, today, doing="record a finding")
    if not at.open:
        raise closed(entry.happened)
    force = rubric_in_force(tx, at, post_id=held.post_id, post=held.post)
    document = document_row(tx, entry.document) if entry.document is not None else None
    ledger = load_ledger(
        tx,
        assignment_id=held.id,
        period_from=force.period_from,
        period_to=force.period_to,
        calendar=force.rubric.settings.calendar,
        appraisal_id=at.appraisal_id,
    )
    finding = Finding(
        id=line or held.number,
        rule=entry.rule,
        happened=entry.happened,
        known=known,
        amount=entry.amount,
        units=entry.units,
        key=None if document is None else document_code(document.id),
        incident=entry.incident,
        reason=bool(entry.reason and entry.reason.strip()),
        sub_reasons=entry.sub_reasons,
        counted_on=at.on,
    )
    amount = admit(force.rubric, held.post, ledger, finding)
    rule = force.rubric.post(held.post).rule(entry.rule)
    if document is not None:
        _check_kind(rule, document)
        if document.day > today:
            raise Refused(f"{entry.document} bears the day {document.day}, which lies in the future.", "future")
    document_id = None if document is None else document.id
    return Checked(entry, held, at, force, rule, ledger, finding, document_id, amount, actor)


def counted_in(tx: Transaction, held: Row[Any], happened: dt.date, known: dt.date) -> LedgerState:
    """Return the ledger an entry belongs to (domain.md, reading 13).

    That of the day it happened while it is open; otherwise that of the day it became known, while the assignment
    lasts. Its `on` is the day by which the entry counts; where both are closed it is a closed one.
    """
    at = state(tx, held.id, happened)
    if at.open:
        return at
    lasts = held.valid_to is None or known <= held.valid_to
    return state(tx, held.id, known) if lasts and known > happened else at


def _check_kind(rule: Rule, document: Row[Any]) -> None:
    kinds = rule.recurrence.keys
    if kinds and document.kind not in kinds:
        raise Refused(
            f"{rule.id} counts once per {' or '.join(kinds)}, and {document_code(document.id)} is a {document.kind}; "
            "name the right document.",
            "wrong-document",
        )
