"""Each person's result of a cycle: the mean of his appraisals, worked out by the one implementation in scoring.

The parts come from the scores in force while a table is proposed and signed, and from the final rows afterwards.
"""

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

from sqlalchemy import FromClause, Row, Select, Text, and_, bindparam, cast, exists, literal, or_, select

from models.appraisals import Appraisal, Final, PersonResult, Score
from models.columns import table_of
from models.cycles import Cycle, Roster
from models.people import Assignment, Post
from models.rubrics import Definition
from scoring.errors import LedgerError
from scoring.grades import band_of
from scoring.numbers import to_decimal
from scoring.plan import plan_for
from scoring.result import Step
from scoring.rollup import Mode, Part, person_mean
from scoring.settings import RoundingRule
from services import calendars, naming
from services.audit import digest
from services.definitions import rubric_of
from services.outbox import promise_selected
from services.unit_of_work import Transaction
from workflow.vocabulary import Outcome

APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
ASSIGNMENT = table_of(Assignment)
DEFINITION = table_of(Definition)
FINAL = table_of(Final)
PERSON_RESULT = table_of(PersonResult)
POST = table_of(Post)
ROSTER = table_of(Roster)
SCORE = table_of(Score)

SCORE_IN_FORCE = and_(
    SCORE.c.id == APPRAISAL.c.score_id,
    or_(APPRAISAL.c.outcome.is_(None), APPRAISAL.c.outcome != Outcome.NOT_RATED.value),
)
"""The score that stands for an appraisal, closed or not; none where the person was not rated."""

HELD = APPRAISAL.join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id).join(
    POST, POST.c.id == ASSIGNMENT.c.post_id
)
"""Appraisals with their assignment and post."""

FIRST = FINAL.c.revision == 1
"""The final rows that the approval of the table wrote."""

_LATER = FINAL.alias("later")
IN_FORCE = ~exists(
    select(_LATER.c.id).where(_LATER.c.appraisal_id == FINAL.c.appraisal_id, _LATER.c.revision > FINAL.c.revision)
)
"""The final rows that no later revision supersedes."""


def _parts(source: FromClause, figures: Any, outcome: Any, present: Any) -> Select[Any]:
    return (
        select(
            APPRAISAL.c.person_id,
            APPRAISAL.c.id.label("appraisal_id"),
            APPRAISAL.c.stage,
            APPRAISAL.c.rubric_id,
            DEFINITION.c.digest.label("rubric_digest"),
            POST.c.code.label("post"),
            ASSIGNMENT.c.main,
            ASSIGNMENT.c.weight,
            ASSIGNMENT.c.valid_from,
            ASSIGNMENT.c.valid_to,
            CYCLE.c.period_from,
            CYCLE.c.period_to,
            ROSTER.c.working_days,
            outcome.label("outcome"),
            figures.total,
            figures.grade,
            present.label("present"),
        )
        .select_from(
            source.join(DEFINITION, DEFINITION.c.id == APPRAISAL.c.rubric_id)
            .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
            .outerjoin(
                ROSTER,
                and_(ROSTER.c.cycle_id == APPRAISAL.c.cycle_id, ROSTER.c.assignment_id == APPRAISAL.c.assignment_id),
            )
        )
        .where(APPRAISAL.c.cycle_id == bindparam("cycle"))
        .order_by(APPRAISAL.c.person_id, APPRAISAL.c.id)
    )


_PARTS_OF_SCORES = _parts(HELD.outerjoin(SCORE, SCORE_IN_FORCE), SCORE.c, APPRAISAL.c.outcome, APPRAISAL.c.id)
_PARTS_OF_FIRST_FINALS = _parts(
    HELD.outerjoin(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, FIRST)), FINAL.c, FINAL.c.outcome, FINAL.c.id
)
_PARTS_IN_FORCE = _parts(
    HELD.outerjoin(FINAL, and_(FINAL.c.appraisal_id == APPRAISAL.c.id, IN_FORCE)), FINAL.c, FINAL.c.outcome, FINAL.c.id
).where(APPRAISAL.c.person_id.in_(bindparam("persons", expanding=True)))
_WRITTEN = (
    select(PERSON_RESULT)
    .where(
        PERSON_RESULT.c.cycle_id == bindparam("cycle"),
        PERSON_RESULT.c.person_id.in_(bindparam("persons", expanding=True)),
    )
    .order_by(PERSON_RESULT.c.revision)
)
_NOTICE = "result-final"
_NOTICES = select(
    PERSON_RESULT.c.person_id,
    literal(f"{_NOTICE}/", Text)
    .concat(cast(PERSON_RESULT.c.cycle_id, Text))
    .concat("/")
    .concat(cast(PERSON_RESULT.c.person_id, Text))
    .concat("/")
    .concat(cast(PERSON_RESULT.c.revision, Text))
    .label("dedupe_key"),
).where(PERSON_RESULT.c.cycle_id == bindparam("cycle"), PERSON_RESULT.c.total.is_not(None))
_NOTICES_OF = _NOTICES.where(PERSON_RESULT.c.person_id.in_(bindparam("persons", expanding=True)))


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person's result of the cycle; empty where nothing of his was rated. `steps` is JSON."""

    person_id: int
    total: Fraction | None
    grade: str | None
    steps: str

    def content(self) -> dict[str, Any]:
        """Return what the digest of the table is made of."""
        return {
            "person": self.person_id,
            "total": None if self.total is None else to_decimal(self.total),
            "grade": self.grade,
            "steps": self.steps,
        }


def of_scores(tx: Transaction, cycle_id: int, carried: Collection[int]) -> Iterator[PersonRow]:
    """Yield the results that the scores in force make, without the appraisals carried over. One statement."""
    parts = tx.stream(_PARTS_OF_SCORES, {"cycle": cycle_id})
    return _persons(tx, parts, lambda part: part.appraisal_id not in carried)


def of_first_finals(tx: Transaction, cycle_id: int) -> Iterator[PersonRow]:
    """Yield the results that the final rows of the approval make. One statement."""
    return _persons(tx, tx.stream(_PARTS_OF_FIRST_FINALS, {"cycle": cycle_id}), lambda part: part.present is not None)


def _persons(tx: Transaction, parts: Iterable[Row[Any]], present: Callable[[Row[Any]], bool]) -> Iterator[PersonRow]:
    """Yield the result of each person all of whose appraisals are in the table (domain.md, section 5).

    Whoever has an appraisal still on hold or under appeal gets his result when that one enters.
    """
    for person_id, group in groupby(parts, key=lambda part: part.person_id):
        of_one = list(group)
        if all(present(part) for part in of_one):
            yield _result(tx, person_id, of_one)


def _result(tx: Transaction, person_id: int, parts: Sequence[Row[Any]]) -> PersonRow:
    rated = [part for part in parts if part.total is not None]
    if not rated:
        return PersonRow(person_id, None, None, _json([{"code": "not-rated"}]))
    # The rubric of the main post, or of the longest held one, says how the figures of a person are put together.
    days = _days_held(tx, rated)
    chief = min(rated, key=lambda part: (not part.main, -(days[part.appraisal_id]), part.appraisal_id))
    settings = rubric_of(tx, chief.rubric_id, chief.rubric_digest).settings
    names = [part.post for part in rated]
    alone = len(rated) == 1
    of_one = tuple(
        Part(
            part.post if names.count(part.post) == 1 else f"{part.post} ({part.valid_from})",
            # What a single figure weighs does not matter, even where nobody gave it a weight.
            1 if alone and not days[part.appraisal_id] else days[part.appraisal_id],
            Fraction(1) if alone and part.weight is None else part.weight,
            part.total,
            part.main,
        )
        for part in rated
    )
    total, steps = _mean(of_one, settings.assignments, settings.rounding.person)
    if total is None:
        return PersonRow(person_id, None, None, steps)
    return PersonRow(person_id, total, chief.grade if alone else _grade(tx, chief, total), steps)


@lru_cache(maxsize=4096)
def _mean(parts: tuple[Part, ...], mode: Mode, rounding: RoundingRule) -> tuple[Fraction | None, str]:
    """Return the mean and its steps; most people of an office share theirs with many others."""
    try:
        mean = person_mean(parts, mode=mode, digits=rounding.digits, rounding=rounding.mode)
    except LedgerError as error:
        return None, _json([{"code": error.code, "where": error.where}])
    return mean.total, _json(list(mean.steps))


def _days_held(tx: Transaction, parts: Sequence[Row[Any]]) -> dict[int, int]:
    """Return the working days each part was held: those of the frozen roster, fewer where it ended since (5b)."""
    days = {part.appraisal_id: part.working_days or 0 for part in parts}
    if len(parts) > 1:
        calendar, closures = naming.organisation(tx).calendar, calendars.closures(tx)
        for part in parts:
            if part.valid_to is not None and part.valid_to < part.period_to:
                first = max(part.valid_from, part.period_from)
                held = calendars.working_days(calendar, first, max(first, part.valid_to), closures)
                days[part.appraisal_id] = min(days[part.appraisal_id], len(held))
    return days


def _grade(tx: Transaction, chief: Row[Any], total: Fraction) -> str | None:
    tables = plan_for(rubric_of(tx, chief.rubric_id, chief.rubric_digest), chief.post).tables
    band = band_of(tables[0], total) if tables else None
    return None if band is None else band.label


def _json(steps: list[Step]) -> str:
    return json.dumps(steps, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def write(
    tx: Transaction,
    cycle: Row[Any],
    people: Sequence[PersonRow],
    *,
    revisions: Mapping[int, tuple[int, int | None]],
    now: dt.datetime,
) -> None:
    """Write results of people. One statement.

    `revisions` has, for those whose result is revised, the new revision and the id of the row it supersedes.
    """
    rows = []
    for person in people:
        revision, supersedes = revisions.get(person.person_id, (1, None))
        rows.append(
            {
                "cycle_id": cycle.id,
                "person_id": person.person_id,
                "revision": revision,
                "total": person.total,
                "grade": person.grade,
                "steps": person.steps,
                "supersedes_id": supersedes,
                "at": now,
            }
        )
    tx.insert_many(PERSON_RESULT, rows)


def notify(tx: Transaction, cycle: Row[Any], *, now: dt.datetime) -> int:
    """Promise everybody with a result of the cycle its notice, one for each revision; how many are new. One statement.

    Whoever was promised the notice of a revision before is not promised it again.
    """
    return promise_selected(tx, _NOTICES, {"cycle": cycle.id}, kind=_NOTICE, payload={"cycle": cycle.code}, now=now)


def revise(tx: Transaction, cycle: Row[Any], people: Sequence[int], *, now: dt.datetime) -> list[list[Any]]:
    """Write the results of people anew after their final rows changed; those that come out the same stay.

    Nobody of whom an appraisal is still out gets a result. Returns what an event vouches for, for each that was
    written: person, revision and digest. Four statements.
    """
    some = {"cycle": cycle.id, "persons": list(people)}
    before = {row.person_id: row for row in tx.all(_WRITTEN, some)}
    changed = [
        person
        for person in _persons(tx, tx.stream(_PARTS_IN_FORCE, some), lambda part: part.present is not None)
        if (was := before.get(person.person_id)) is None
        or (was.total, was.grade, was.steps) != (person.total, person.grade, person.steps)
    ]
    # What enters after the approval begins with the second revision: the signed table had no row of it.
    revisions: dict[int, tuple[int, int | None]] = {person.person_id: (2, None) for person in changed}
    revisions |= {person_id: (row.revision + 1, row.id) for person_id, row in before.items()}
    write(tx, cycle, changed, revisions=revisions, now=now)
    some["persons"] = [person.person_id for person in changed]
    promise_selected(tx, _NOTICES_OF, some, kind=_NOTICE, payload={"cycle": cycle.code}, now=now)
    return [[person.person_id, revisions[person.person_id][0], digest(person.content())] for person in changed]


def batches(rows: Iterable[PersonRow], size: int = 2000) -> Iterator[list[PersonRow]]:
    """Cut a stream into lists of at most `size`."""
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch
