"""Each person's result of a cycle: the mean of his appraisals, worked out by the one implementation in scoring.

The parts come from the scores in force while a table is proposed and signed, and from the final rows afterwards.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import FromClause, Row, Select, and_, bindparam, exists, select

from models.appraisals import Appraisal, Final, Score
from models.columns import table_of
from models.cycles import Roster
from models.people import Assignment, Post
from models.rubrics import Definition
from scoring.errors import LedgerError
from scoring.grades import band_of
from scoring.numbers import to_decimal
from scoring.plan import plan_for
from scoring.result import Step
from scoring.rollup import Part, person_mean
from services.definitions import rubric_of
from services.unit_of_work import Transaction
from workflow.vocabulary import Outcome

APPRAISAL = table_of(Appraisal)
ASSIGNMENT = table_of(Assignment)
DEFINITION = table_of(Definition)
FINAL = table_of(Final)
POST = table_of(Post)
ROSTER = table_of(Roster)
SCORE = table_of(Score)

SCORE_IN_FORCE = and_(SCORE.c.id == APPRAISAL.c.score_id, APPRAISAL.c.outcome != Outcome.NOT_RATED.value)
"""The score that enters the table: the one in force, and none of a person who was not rated."""

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
            ROSTER.c.working_days,
            outcome.label("outcome"),
            figures.total,
            figures.grade,
            present.label("present"),
        )
        .select_from(
            source.join(DEFINITION, DEFINITION.c.id == APPRAISAL.c.rubric_id).outerjoin(
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


def in_force(tx: Transaction, cycle_id: int, people: Sequence[int]) -> list[PersonRow]:
    """Return the results of people by the final rows in force; nobody of whom an appraisal is still out."""
    parts = tx.stream(_PARTS_IN_FORCE, {"cycle": cycle_id, "persons": list(people)})
    return list(_persons(tx, parts, lambda part: part.present is not None))


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
    chief = min(rated, key=lambda part: (not part.main, -(part.working_days or 0), part.appraisal_id))
    settings = rubric_of(tx, chief.rubric_id, chief.rubric_digest).settings
    names = [part.post for part in rated]
    alone = len(rated) == 1
    try:
        mean = person_mean(
            [
                Part(
                    part.post if names.count(part.post) == 1 else f"{part.post} ({part.valid_from})",
                    # What a single figure weighs does not matter, even where nobody gave it a weight.
                    1 if alone and not part.working_days else part.working_days or 0,
                    Fraction(1) if alone and part.weight is None else part.weight,
                    part.total,
                    part.main,
                )
                for part in rated
            ],
            mode=settings.assignments,
            digits=settings.rounding.person.digits,
            rounding=settings.rounding.person.mode,
        )
    except LedgerError as error:
        return PersonRow(person_id, None, None, _json([{"code": error.code, "where": error.where}]))
    grade = chief.grade if alone else _grade(tx, chief, mean.total)
    return PersonRow(person_id, mean.total, grade, _json(list(mean.steps)))


def _grade(tx: Transaction, chief: Row[Any], total: Fraction) -> str | None:
    tables = plan_for(rubric_of(tx, chief.rubric_id, chief.rubric_digest), chief.post).tables
    band = band_of(tables[0], total) if tables else None
    return None if band is None else band.label


def _json(steps: list[Step]) -> str:
    return json.dumps(steps, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
