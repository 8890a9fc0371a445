"""From what people type to rows: employee numbers, `2026Q1/1007@cash-driver`, `F1042`, `W77`, `D12`."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Executable, Row, String, and_, bindparam, cast, literal, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Cycle
from models.documents import Incident
from models.history import Event
from models.people import Assignment, Organisation, Person, Post
from models.rubrics import Definition
from services.errors import Malformed, NotFound
from services.unit_of_work import Transaction

ORGANISATION = table_of(Organisation)
PERSON = table_of(Person)
POST = table_of(Post)
ASSIGNMENT = table_of(Assignment)
CYCLE = table_of(Cycle)
DEFINITION = table_of(Definition)
EVENT = table_of(Event)
APPRAISAL = table_of(Appraisal)
INCIDENT = table_of(Incident)

_ORGANISATION = select(ORGANISATION)
ANY_ORGANISATION = _ORGANISATION
"""The one row of the organisation, for who must not fail where there is none."""

_PERSON = select(PERSON).where(PERSON.c.number == bindparam("number"))
_CYCLE = (
    select(CYCLE, DEFINITION.c.digest.label("workflow_digest"))
    .join(DEFINITION, DEFINITION.c.id == CYCLE.c.workflow_id)
    .where(CYCLE.c.code == bindparam("code"))
)
_CYCLE_TO_CHANGE = (
    _CYCLE.add_columns(EVENT.c.payload.label("created"))
    .outerjoin(
        EVENT, and_(EVENT.c.stream == literal("cycle:").concat(cast(CYCLE.c.id, String)), EVENT.c.kind == "created")
    )
    .with_for_update(of=CYCLE)
)
_POST = select(POST).where(POST.c.code == bindparam("code"))
_INCIDENT = select(INCIDENT.c.id).where(INCIDENT.c.code == bindparam("code"))
_APPRAISALS = (
    select(APPRAISAL.c.id, POST.c.code.label("post"))
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(CYCLE.c.code == bindparam("cycle"), PERSON.c.number == bindparam("number"))
    .order_by(APPRAISAL.c.id)
)
_APPRAISAL_CODE = re.compile(r"(?P<cycle>[^/@\s]+)/(?P<number>[^/@\s]+)(?:@(?P<post>[^/@\s]+))?")
_NUMBERED = {"F": "finding", "W": "work item", "D": "document", "M": "mail", "X": "failure"}


def organisation(tx: Transaction) -> Row[Any]:
    """Return the one row of the organisation.

    Raises:
        NotFound: nothing has been set up yet.
    """
    rows = tx.once(_ORGANISATION) or tx.all(_ORGANISATION)
    if not rows:
        raise NotFound(
            "This database has no organisation yet: import one with `appraise org import`.", "no-organisation"
        )
    return rows[0]


def person(tx: Transaction, number: str) -> Row[Any]:
    """Return the person with an employee number.

    Raises:
        NotFound: nobody has it.
    """
    row = tx.first(_PERSON, {"number": number})
    if row is None:
        raise NotFound(f"Nobody has the employee number {number}.", "unknown-person")
    return row


def cycle(tx: Transaction, code: str) -> Row[Any]:
    """Return a cycle by its code, such as 2026Q1, with the digest of its workflow as `workflow_digest`.

    Raises:
        NotFound: there is none.
    """
    row = tx.first(*cycle_asked(code))
    if row is None:
        raise no_cycle(code)
    return row


def no_cycle(code: str) -> NotFound:
    """Return the answer for a cycle that there is not."""
    return NotFound(f"There is no cycle {code}; `appraise cycle list` lists them.", "unknown-cycle")


def cycle_asked(code: str) -> tuple[Executable, dict[str, Any]]:
    """Return what `cycle` asks of the database."""
    return _CYCLE, {"code": code}


def cycle_to_change(tx: Transaction, code: str) -> Row[Any]:
    """Return what `cycle` does and hold off others who would change the cycle, until the commit.

    `created` is what the event says that created it, as JSON.

    Raises:
        NotFound: there is none.
    """
    row = tx.first(_CYCLE_TO_CHANGE, {"code": code})
    if row is None:
        raise no_cycle(code)
    return row


def post(tx: Transaction, code: str) -> Row[Any]:
    """Return a post by its code.

    Raises:
        NotFound: there is none.
    """
    row = tx.first(_POST, {"code": code})
    if row is None:
        raise NotFound(f"There is no post {code}; `appraise org show` lists the posts.", "unknown-post")
    return row


def incident_id(tx: Transaction, code: str) -> int | None:
    """Return the id of an incident by its code, or None."""
    found: int | None = tx.scalar(_INCIDENT, {"code": code})
    return found


def appraisals(tx: Transaction, code: str) -> list[tuple[int, str]]:
    """Return id and post of every appraisal that CYCLE/EMPLOYEE or CYCLE/EMPLOYEE@POST has in its cycle; see `only`.

    Raises:
        Malformed: the code has another form.
    """
    cycle_code, number, _ = appraisal_code(code)
    return [(row.id, row.post) for row in tx.all(_APPRAISALS, {"cycle": cycle_code, "number": number})]


def appraisal_code(code: str) -> tuple[str, str, str | None]:
    """Return cycle, employee number and post, if it has one, of `2026Q1/1007@cash-driver`.

    Raises:
        Malformed: the code has another form.
    """
    match = _APPRAISAL_CODE.fullmatch(code)
    if match is None:
        raise Malformed(f"{code!r} does not name an appraisal; write CYCLE/EMPLOYEE, such as 2026Q1/1007.", "bad-code")
    return match["cycle"], match["number"], match["post"]


def only(code: str, found: Iterable[tuple[int, str]]) -> int:
    """Return which appraisal a code means, of those that its person has in its cycle, each an id with its post.

    Raises:
        Malformed: it names several and no post.
        NotFound: there is none.
    """
    cycle_code, number, post = appraisal_code(code)
    meant = {id_: its_post for id_, its_post in found if post is None or its_post == post}
    if not meant:
        raise unseen(code)
    if len(meant) > 1:
        choices = ", ".join(f"{cycle_code}/{number}@{its_post}" for its_post in meant.values())
        raise Malformed(f"{code} names several appraisals; write one of {choices}.", "ambiguous-appraisal")
    return next(iter(meant))


def unseen(code: str | int) -> NotFound:
    """Return the one answer for an appraisal that does not exist and for one that is not the asker's to see."""
    return NotFound(f"There is no appraisal {code}, or it is not yours to see.", "unknown-appraisal")


def numbered(code: str, letter: str) -> int:
    """Return the number in `F1042`, `W77` or `D12`.

    Raises:
        Malformed: it does not have that form.
    """
    match = re.fullmatch(rf"{letter}([1-9][0-9]{{0,17}})", code, flags=re.IGNORECASE)
    if match is None:
        raise Malformed(f"{code!r} does not name a {_NUMBERED[letter]}; write {letter} and its number.", "bad-code")
    return int(match[1])
