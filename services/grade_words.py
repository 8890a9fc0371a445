"""The words of a grade: a rubric names its bands in English and Chinese, and people read those and not their ids."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Executable, bindparam, select

from models.columns import table_of
from models.cycles import CycleRubric
from models.rubrics import Definition
from scoring.rubric import Rubric
from services.definitions import rubric_of
from services.unit_of_work import Transaction

CYCLE_RUBRIC = table_of(CycleRubric)
DEFINITION = table_of(Definition)
Words = Mapping[str, str]

_OF_CYCLE = (
    select(DEFINITION.c.id, DEFINITION.c.digest)
    .join(CYCLE_RUBRIC, CYCLE_RUBRIC.c.definition_id == DEFINITION.c.id)
    .where(CYCLE_RUBRIC.c.cycle_id == bindparam("cycle"))
    .distinct()
)


def grade_words(rubrics: Iterable[Rubric]) -> Mapping[str, Words]:
    """Return the words of the bands of some rubrics by their labels, in English and Chinese.

    A label without words, and one for which two rubrics have different words, stands for itself.
    """
    found: dict[str, Words] = {}
    for rubric in rubrics:
        for row in (row for table in rubric.bands for row in table.rows):
            plain = {"en": row.label, "zh": row.label}
            said = plain if row.title is None else row.title.model_dump()
            found[row.label] = said if found.get(row.label, said) == said else plain
    return found


def grades_of_cycle(tx: Transaction, cycle_id: int) -> Mapping[str, Words]:
    """Return the words of the grades of a cycle; one statement, and one for each rubric read for the first time."""
    return grade_words(rubric_of(tx, row.id, row.digest) for row in tx.all(*grades_asked(cycle_id)))


def grades_asked(cycle_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `grades_of_cycle` asks of the database."""
    return _OF_CYCLE, {"cycle": cycle_id}


def grade_of(score: Mapping[str, Any] | None) -> Words:
    """Return the words of the grade in a score's steps; empty where it has none."""
    for step in score["steps"] if score is not None else ():
        if step["code"] == "band":
            words: Words = step.get("title") or {"en": step["label"], "zh": step["label"]}
            return words
    return {}
