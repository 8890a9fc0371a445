"""A workflow as data: read from TOML, checked key by key. Every problem is listed, each with its key and its mend."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from workflow.deadline_form import deadline_problems
from workflow.errors import DefinitionError, Problem
from workflow.form import Definition, MoveForm, RolesForm, StageForm, workflow_schema
from workflow.guards import GUARDS
from workflow.vocabulary import FIRST_STAGE, LAST_STAGE, Missed

__all__ = ["Definition", "load_definition", "workflow_schema"]

LONGEST = 200_000
LONGEST_LINE = 5_000
"""Characters of a workflow and of one of its lines: a key of many parts in one line takes minutes to read."""

_MENDS = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it, or correct its spelling.",
    "string_type": "Write a text in quotes.",
    "int_type": "Write a whole number without quotes.",
    "bool_type": "Write true or false without quotes.",
    "string_pattern_mismatch": "Use small letters, digits and single hyphens, beginning with a letter.",
    "string_too_short": "Write at least one character.",
    "greater_than_equal": "Choose a larger number.",
    "less_than_equal": "Choose a smaller number.",
    "too_short": "Add an entry.",
    "value_error": "Keep one of them.",
}


@lru_cache(maxsize=16)
def load_definition(text: str, *, where: str) -> Definition:
    """Read a workflow from TOML (domain.md, sections 5 and 8); the last few are kept.

    Args:
        text: the file's content.
        where: the file's name, for messages.

    Raises:
        DefinitionError: it is no TOML, or a key is unknown, missing, malformed, or names something that is not there.
    """
    if len(text) > LONGEST or max(map(len, text.splitlines()), default=0) > LONGEST_LINE:
        limits = f"at most {LONGEST} characters are read, and at most {LONGEST_LINE} of a line."
        problem = Problem("file", f"it is too long: {limits}", "Shorten it.")
        raise DefinitionError(where, (problem,))
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = Problem("file", f"it is not TOML: {error}.", "Correct the line that is named.")
        raise DefinitionError(where, (problem,)) from error
    except (RecursionError, ValueError) as error:
        problem = Problem("file", "it is nested too deeply, or a number has too many digits.", "Correct it.")
        raise DefinitionError(where, (problem,)) from error
    try:
        definition = Definition.model_validate(content)
    except ValidationError as error:
        problems = tuple(_plain(fault, content) for fault in error.errors(include_url=False))
        raise DefinitionError(where, problems) from error
    found = tuple(_references(definition))
    if found:
        raise DefinitionError(where, found)
    return definition


def _plain(fault: Any, content: dict[str, Any]) -> Problem:
    kind = fault["type"]
    mend = _MENDS.get(kind)
    if mend is None:
        expected = fault.get("ctx", {}).get("expected")
        mend = f"Choose {expected}." if expected else "Compare it with catalog/workflows/quarterly.toml."
    said = fault["msg"].removeprefix("Value error, ")
    if kind not in {"missing", "extra_forbidden"} and isinstance(fault["input"], str | int | float | bool):
        said = f"{said}, and it is {fault['input']!r}"
    if fault["loc"] == ("format",) and kind != "missing":
        mend = "This program reads format = 1; a newer format needs a newer program."
    return Problem(_key(fault["loc"], content), f"{said[:1].lower()}{said[1:]}.", mend)


def _key(loc: tuple[int | str, ...], content: Any) -> str:
    """Name a place as people find it: `moves[4] (submit).to` and not `moves.3.to`."""
    words: list[str] = []
    here = content
    for step in loc:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            name = (here.get("action") or here.get("id")) if isinstance(here, dict) else None
            words[-1] += f"[{step + 1}]" + (f" ({name})" if isinstance(name, str) else "")
        else:
            here = here.get(step) if isinstance(here, dict) else None
            words.append(step)
    return ".".join(words)


def _references(definition: Definition) -> Iterator[Problem]:
    stages = {stage.id for stage in definition.stages}
    yield from _ends(definition, stages)
    for number, stage in enumerate(definition.stages, 1):
        where = f"stages[{number}] ({stage.id})"
        yield from _stage(where, stage)
        if stage.substitute is not None and stage.substitute not in definition.roles.positions:
            yield _unknown(f"{where}.substitute", "position", stage.substitute, definition.roles.positions)
    for number, move in enumerate(definition.moves, 1):
        yield from _move(f"moves[{number}] ({move.action})", move, definition, stages)
    if definition.disclosure.judgement_from not in stages:
        yield _unknown("disclosure.judgement-from", "stage", definition.disclosure.judgement_from, stages)
    yield from _roles(definition.roles)


def _ends(definition: Definition, stages: set[str]) -> Iterator[Problem]:
    for name, times in Counter(stage.id for stage in definition.stages).items():
        if times > 1:
            yield Problem("stages", f"the stage '{name}' is there {times} times.", "Give each its own id.")
    # The database inserts every appraisal in `draft` and lets nothing leave `closed`.
    if definition.stages[0].id != FIRST_STAGE:
        yield Problem("stages[1].id", f"the first stage is '{definition.stages[0].id}'.", f"Name it '{FIRST_STAGE}'.")
    if LAST_STAGE not in stages:
        yield Problem("stages", f"there is no stage '{LAST_STAGE}'.", f"Add '{LAST_STAGE}' with end = true.")


def _stage(where: str, stage: StageForm) -> Iterator[Problem]:
    if stage.end and stage.id != LAST_STAGE:
        yield Problem(f"{where}.end", "only the last stage ends an appraisal.", f"Name the ending '{LAST_STAGE}'.")
    if stage.id == LAST_STAGE and not stage.end:
        yield Problem(f"{where}.end", f"'{LAST_STAGE}' must be an ending.", "Write end = true.")
    if stage.end and (stage.holder or stage.ends):
        yield Problem(where, "an ending has neither a holder nor days.", "Remove them.")
    if not stage.ends and stage.missed is not Missed.HOLD:
        yield Problem(f"{where}.days", f"missed = '{stage.missed}' needs days to be missed.", "Add days.")
    yield from deadline_problems(where, stage)
    for language in ("en", "zh"):
        extra = set(re.findall(r"\{[^}]*\}?", getattr(stage.wording, language))) - {"{holder}"}
        if extra:
            yield Problem(
                f"{where}.wording.{language}", f"unknown placeholder {min(extra)}.", "Only {holder} is known."
            )


def _move(where: str, move: MoveForm, definition: Definition, stages: set[str]) -> Iterator[Problem]:
    ends = {stage.id for stage in definition.stages if stage.end}
    for name in (*move.from_, move.to):
        if name not in stages:
            yield _unknown(f"{where}.{'to' if name == move.to else 'from'}", "stage", name, stages)
    for name in sorted(set(move.from_) & ends):
        yield Problem(f"{where}.from", f"nothing leaves the ending '{name}'.", "Remove that stage from the move.")
    for name in move.guards:
        if name not in GUARDS:
            yield _unknown(f"{where}.guards", "guard", name, GUARDS)
    if move.to in ends and move.outcome is None:
        yield Problem(f"{where}.outcome", "a move to the ending needs an outcome.", "Add outcome.")
    if move.outcome is not None and move.to in stages - ends:
        yield Problem(f"{where}.outcome", f"'{move.to}' is no ending, so there is no outcome.", "Remove outcome.")


def _roles(roles: RolesForm) -> Iterator[Problem]:
    named: list[tuple[str, str]] = [("roles.line", name) for name in roles.line]
    named += [("roles.reserve", name) for name in roles.reserve]
    named += [("roles.appeal-reserve", name) for name in roles.appeal_reserve]
    for number, group in enumerate(roles.groups, 1):
        where = f"roles.groups[{number}]"
        named += [(f"{where}.assessor", group.assessor), (f"{where}.reviewer", group.reviewer)]
        named.append((f"{where}.decider", group.decider))
    for key, name in named:
        if name not in roles.positions:
            yield _unknown(key, "position", name, roles.positions)
    for post, times in Counter(post for group in roles.groups for post in group.posts).items():
        if times > 1:
            yield Problem("roles.groups", f"the post '{post}' is in {times} groups.", "Keep it in one.")
    if sum(not group.posts for group in roles.groups) > 1:
        yield Problem("roles.groups", "two groups are for all other posts.", "Keep one group without posts.")


def _unknown(key: str, kind: str, name: str, known: Iterable[str]) -> Problem:
    return Problem(key, f"there is no {kind} '{name}'.", f"Choose one of: {', '.join(sorted(known))}.")
