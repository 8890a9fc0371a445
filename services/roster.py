"""The roster of a cycle: what opening will do with each assignment, who holds what, and what stands in the way.

It is worked out in Python by the one function that knows roles, and written as rows; opening only copies them
(data.md, the roster). Until the cycle opens it may be drawn up again as often as one likes.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, delete, or_, select

from models.columns import table_of
from models.cycles import CycleRubric, Roster, RosterProblem
from models.people import Absence, Post
from models.rubrics import Definition
from scoring.check import incomplete
from scoring.rubric import Rubric
from services import calendars, life_settings, naming
from services.audit import StoredText, digest
from services.definitions import rubric_of, workflow_of
from services.errors import Malformed, NotFound
from services.life_settings import NOT_RATED, STOP, LifeSettings
from services.reporting import OfficeData, load_office, resolve_assignment
from services.unit_of_work import Transaction
from workflow.form import RolesForm
from workflow.vocabulary import RosterStatus, Severity

ROSTER = table_of(Roster)
PROBLEM = table_of(RosterProblem)
CYCLE_RUBRIC = table_of(CycleRubric)
POST = table_of(Post)
ABSENCE = table_of(Absence)
DEFINITION = table_of(Definition)

_RUBRICS = (
    select(CYCLE_RUBRIC, POST.c.code.label("post"), DEFINITION.c.digest)
    .join(POST, POST.c.id == CYCLE_RUBRIC.c.post_id)
    .join(DEFINITION, DEFINITION.c.id == CYCLE_RUBRIC.c.definition_id)
    .where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"))
)
_PROTECTED = select(ABSENCE.c.person_id, ABSENCE.c.valid_from, ABSENCE.c.valid_to).where(
    ABSENCE.c.kind == "protected",
    ABSENCE.c.valid_from <= bindparam("last"),
    or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("first")),
)
_CLEAR_ROSTER = delete(ROSTER).where(ROSTER.c.cycle_id == bindparam("cycle"))
_CLEAR_PROBLEMS = delete(PROBLEM).where(PROBLEM.c.cycle_id == bindparam("cycle"))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the way of one assignment or post, as a person reads it; `number` is the employee number."""

    severity: str
    code: str
    text: str
    mend: str
    assignment_id: int | None = None
    number: str | None = None
    post: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A roster as it was drawn up: its rows, its problems, and the digest that the opening event carries."""

    rows: tuple[dict[str, Any], ...]
    numbers: tuple[str, ...]
    problems: tuple[Problem, ...]
    digest: str

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that refuse the opening."""
        return tuple(problem for problem in self.problems if problem.severity == Severity.ERROR)

    def count(self, status: RosterStatus) -> int:
        """How many assignments have this status."""
        return sum(row["status"] == status for row in self.rows)


@dataclass(frozen=True, slots=True)
class Choices:
    """What HR decided about the problems: people left out and posts let through although incomplete, with reasons.

    `within` are the ids of the units whose people the roster has; None is everybody.
    """

    leave_out: Mapping[str, str] = field(default_factory=dict)
    override_incomplete: Mapping[str, str] = field(default_factory=dict)
    within: frozenset[int] | None = None


def draw(tx: Transaction, cycle: Row[Any], on: dt.date, choices: Choices) -> Drawn:
    """Work out the roster of a cycle as of a day; nothing is written. A constant number of statements.

    `cycle` is a row of `naming.cycle`.

    Raises:
        Malformed: a choice has no reason, or lets a post through whose rubric is complete.
        NotFound: a person or post among the choices does not exist here.
    """
    organisation = naming.organisation(tx)
    office = load_office(tx, on, since=cycle.period_from, until=cycle.period_to)
    held = [
        row
        for row in office.assignments.values()
        if row.kind == "regular"
        and row.valid_from <= cycle.period_to
        and (row.valid_to is None or row.valid_to >= cycle.period_from)
        and (choices.within is None or row.unit_id in choices.within)
    ]
    rubrics = {row.post: row for row in tx.all(_RUBRICS, {"cycle": cycle.id})}
    parsed = {post: rubric_of(tx, row.definition_id, row.digest) for post, row in rubrics.items()}
    _known(choices, held, parsed)
    closures = calendars.closures(tx)
    working = calendars.working_days(organisation.calendar, cycle.period_from, cycle.period_to, closures)
    span = {"first": cycle.period_from, "last": cycle.period_to}
    protected = _protected_days(tx.all(_PROTECTED, span), working)
    places = preorder(tuple(office.units.values()))
    roles = workflow_of(tx, cycle.workflow_id, cycle.workflow_digest).roles
    lives = life_settings.of(tx)
    above = {form.post for form in roles.positions.values() if form.post is not None}
    grouped = {post for group in roles.groups for post in group.posts}
    problems: list[Problem] = []
    appraised = {row.post for row in held if row.number not in choices.leave_out}
    unfinished = _incomplete(parsed, appraised, choices, problems)
    rows: list[dict[str, Any]] = []
    numbers: list[str] = []
    for assignment in held:
        rubric = rubrics.get(assignment.post)
        if rubric is None and assignment.post in above - grouped:
            continue
        days = _days_held(assignment.valid_from, assignment.valid_to or dt.date.max, working)
        away = len(protected.get(assignment.person_id, frozenset()) & days)
        row = {
            "cycle_id": cycle.id,
            "assignment_id": assignment.id,
            "person_id": assignment.person_id,
            "post_id": assignment.post_id,
            "unit_id": assignment.unit_id,
            "unit_no": places[assignment.unit_id],
            "rubric_id": rubric.definition_id if rubric else None,
            "status": RosterStatus.RATED.value,
            "reason_code": None,
            "reason_id": None,
            "assessor_id": None,
            "reviewer_id": None,
            "decider_id": None,
            "sources": "{}",
            "working_days": len(days),
            "statement": parsed[assignment.post].post(assignment.post).own_statement if rubric else True,
        }
        if assignment.number in choices.leave_out:
            row |= {"status": RosterStatus.LEFT_OUT.value, "reason_code": "left-out"}
        elif assignment.died:
            row |= {"status": RosterStatus.NOT_RATED.value, "reason_code": "died"}
        elif away * 100 > len(days) * lives.away_percent:
            row |= {"status": RosterStatus.NOT_RATED.value, "reason_code": "protected-absence"}
        elif lives.leavers == NOT_RATED and assignment.left is not None and assignment.left < cycle.period_to:
            row |= {"status": RosterStatus.NOT_RATED.value, "reason_code": "left"}
        elif len(days) < lives.minimum_working_days:
            row |= {"status": RosterStatus.NOT_RATED.value, "reason_code": "below-minimum-service"}
        else:
            found = _of_assignment(
                assignment, lives=lives, rubric=rubric, unfinished=unfinished, office=office, roles=roles, row=row
            )
            problems.extend(found)
            if any(problem.severity == Severity.ERROR for problem in found):
                row["status"] = RosterStatus.BLOCKED.value
        row["digest"] = row_digest(row)
        rows.append(row)
        numbers.append(assignment.number)
    whole = digest({"rows": [row["digest"] for row in rows]})
    return Drawn(tuple(rows), tuple(numbers), tuple(problems), whole)


def row_digest(row: Mapping[str, Any]) -> str:
    """Return the digest of a roster row: of everything it says, but for the words of a reason."""
    return digest({name: str(value) for name, value in row.items() if name not in {"id", "digest", "reason_id"}})


def _known(choices: Choices, held: Sequence[Row[Any]], rubrics: Mapping[str, Rubric]) -> None:
    numbers = {row.number for row in held}
    for number, reason in choices.leave_out.items():
        if not reason.strip():
            raise Malformed(f"--leave-out {number} needs a reason: {number}=REASON.", "reason-missing")
        if number not in numbers:
            raise NotFound(f"Nobody with the number {number} has an assignment in this period.", "unknown-person")
    for post, reason in choices.override_incomplete.items():
        if not reason.strip():
            raise Malformed(f"--override-incomplete {post} needs a reason: {post}=REASON.", "reason-missing")
        if post not in rubrics:
            raise NotFound(f"No rubric of this cycle has the post {post}.", "unknown-post")
        if not incomplete(rubrics[post], post):
            raise Malformed(
                f"The rubric of {post} is complete, so there is nothing to override; leave it out.",
                "nothing-to-override",
            )


def _incomplete(parsed: Mapping[str, Rubric], in_use: set[str], choices: Choices, problems: list[Problem]) -> set[str]:
    """List the posts whose rubric is incomplete, and return those that nobody let through (domain.md, reading 3)."""
    blocked = set()
    for post, rubric in sorted(parsed.items()):
        faults = incomplete(rubric, post) if post in in_use else ()
        if not faults or rubric.settings.incomplete == "allow":
            continue
        through = post in choices.override_incomplete
        if not through:
            blocked.add(post)
        problems.append(
            Problem(
                Severity.WARNING if through else Severity.ERROR,
                "incomplete-rubric",
                f"The rubric of {post} is incomplete: {faults[0].text}",
                f"Complete the rubric, leave its people out by name (--leave-out), or open all the same "
                f"(--override-incomplete {post}=REASON).",
                post=post,
            )
        )
    return blocked


def _of_assignment(
    assignment: Row[Any],
    *,
    lives: LifeSettings,
    rubric: Row[Any] | None,
    unfinished: set[str],
    office: OfficeData,
    roles: RolesForm,
    row: dict[str, Any],
) -> list[Problem]:
    about = {"assignment_id": assignment.id, "number": assignment.number, "post": assignment.post}
    found = []
    if rubric is None:
        found.append(
            Problem(
                Severity.ERROR,
                "no-rubric",
                f"{assignment.number} has the post {assignment.post}, for which this cycle has no rubric.",
                "Give the cycle a rubric that has this post, or leave the person out by name (--leave-out).",
                **about,
            )
        )
    resolution = resolve_assignment(office, roles, assignment.id)
    found.extend(
        Problem(
            problem.severity,
            problem.code,
            f"{assignment.number}: {problem.text}",
            problem.mend,
            details=dict(problem.details),
            **about,
        )
        for problem in resolution.problems
    )
    people = resolution.people
    row |= {f"{role}_id": people.get(role) for role in ("assessor", "reviewer", "decider")}
    row["sources"] = json.dumps(
        {role: holder.source for role in ("assessor", "reviewer", "decider") if (holder := resolution.of(role))},
        sort_keys=True,
    )
    if not assignment.has_email:
        stops = lives.no_address == STOP
        found.append(
            Problem(
                Severity.ERROR if stops else Severity.WARNING,
                "address-missing" if stops else "no-email",
                f"{assignment.number} has no e-mail address.",
                "Add one, or leave the person out by name (--leave-out)."
                if stops
                else "Print the notices, or add an address.",
                **about,
            )
        )
    if assignment.post in unfinished:
        row["status"] = RosterStatus.BLOCKED.value
    return found


@lru_cache(maxsize=1024)
def _days_held(first: dt.date, last: dt.date, working: frozenset[dt.date]) -> frozenset[dt.date]:
    """Return the working days from `first` to `last`, both inclusive; most of an office share theirs."""
    return frozenset(day for day in working if first <= day <= last)


def _protected_days(rows: Iterable[Row[Any]], working: frozenset[dt.date]) -> dict[int, frozenset[dt.date]]:
    days: dict[int, frozenset[dt.date]] = {}
    for row in rows:
        last = row.valid_to or dt.date.max
        away = frozenset(day for day in working if row.valid_from <= day <= last)
        days[row.person_id] = days.get(row.person_id, frozenset()) | away
    return days


def preorder(units: Sequence[Row[Any]]) -> dict[int, int]:
    """Return each unit's number in a walk from the top, so that a unit and all below it are one range."""
    children: dict[int | None, list[int]] = {}
    for unit in units:
        children.setdefault(unit.parent_id, []).append(unit.id)
    numbers: dict[int, int] = {}
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        unit_id = waiting.pop()
        numbers[unit_id] = len(numbers) + 1
        waiting.extend(reversed(children.get(unit_id, [])))
    return numbers


def write(tx: Transaction, cycle_id: int, drawn: Drawn, reasons: Mapping[str, StoredText]) -> None:
    """Replace the roster of a planned cycle and its problems; `reasons` are those of the people left out, by number."""
    tx.run(_CLEAR_PROBLEMS, {"cycle": cycle_id})
    tx.run(_CLEAR_ROSTER, {"cycle": cycle_id})
    rows = []
    for row, number in zip(drawn.rows, drawn.numbers, strict=True):
        reason = reasons.get(number)
        rows.append(row | {"reason_id": reason.id if reason is not None else None})
    tx.insert_many(ROSTER, rows)
    tx.insert_many(
        PROBLEM,
        [
            {
                "cycle_id": cycle_id,
                "assignment_id": problem.assignment_id,
                "post_id": None,
                "severity": str(problem.severity),
                "code": problem.code,
                "mend": problem.mend,
                "details": json.dumps({"text": problem.text, "post": problem.post}, ensure_ascii=False, sort_keys=True),
            }
            for problem in drawn.problems
        ],
    )
