"""Reading TOML definitions: where each key stands, every problem with its mend, the digest of the content."""

import datetime as dt
import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from scoring.errors import Problem, RubricError

Path = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

LONGEST = 1_000_000
LONGEST_LINE = 5_000
"""Characters of a rubric and of one of its lines: a key of many parts in one line takes minutes to read."""

READING_CODES: dict[str, str] = {
    "malformed": "the file is no TOML, or a value has the wrong form",
    "missing-key": "a key without a default is absent",
    "unknown-format": "the file is written in a format of another version",
    "unknown-key": "a key nobody knows",
    "unknown-value": "a value that is not on the list",
}

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\")(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"))*)\s*=\s*(.*)$")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")


def read_toml(text: str, *, where: str) -> tuple[dict[str, Any], dict[Path, int]]:
    """Parse TOML; return the tree and the line of each key and table. Raises RubricError where it is no TOML."""
    if len(text) > LONGEST or max(map(len, text.splitlines()), default=0) > LONGEST_LINE:
        text_ = f"a rubric has at most {LONGEST} characters, and at most {LONGEST_LINE} in a line."
        raise RubricError((Problem("malformed", "error", where, text_, "Shorten it."),), where=where)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = found.group(1) if found else "end"
        text_ = f"this is not TOML: {error}."
        problem = Problem("malformed", "error", f"{where}:{line}", text_, "Mend the line; strings need quotes.")
        raise RubricError((problem,), where=where) from error
    except (RecursionError, ValueError) as error:
        text_ = "this cannot be read: it is nested too deeply, or a number has too many digits."
        problem = Problem("malformed", "error", where, text_, "Compare it with a rubric that ships.")
        raise RubricError((problem,), where=where) from error
    return tree, _lines(text)


def _lines(text: str) -> dict[Path, int]:
    """Find the line of each table header and key. Keys inside inline tables are found by their parents."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quotes, depth = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        value = line
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        if depth == 0:
            if header := _HEADER.match(line):
                table = _table(header.group(2), many=header.group(1) == "[[", counts=counts)
                found[table] = number
                continue
            key = _KEY.match(line)
            if key is None:
                continue
            found[(*table, *_parts(key.group(1)))] = number
            value = key.group(2)
            quotes = next((mark for mark in ('"""', "'''") if value.startswith(mark) and mark not in value[3:]), "")
        if not quotes:
            bare = _QUOTED.sub("", value).split("#")[0]
            depth += bare.count("[") - bare.count("]")
    return found


def _table(name: str, *, many: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    parts = _parts(name)
    for place, part in enumerate(parts):
        path = (*path, part)
        if many and place == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip('"') for part in name.split("."))


def validate(model: type[Model], tree: Mapping[str, Any], lines: Mapping[Path, int], *, where: str) -> Model:
    """Build the model from the tree. Raises RubricError with one problem for each key that is wrong."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        faults = [fault for fault in error.errors() if not _follows(fault, error)]
        problems = tuple(_problem(fault, model, tree, lines, where) for fault in faults)
        raise RubricError(problems, where=where) from None


def _follows(fault: Any, error: ValidationError) -> bool:
    """Say whether a list is called too short only because what stands in it is faulty."""
    path = fault["loc"]
    return fault["type"] == "too_short" and any(
        other["loc"][: len(path)] == path and len(other["loc"]) > len(path) for other in error.errors()
    )


def _problem(
    fault: Any, model: type[BaseModel], tree: Mapping[str, Any], lines: Mapping[Path, int], where: str
) -> Problem:
    path: Path = tuple(fault["loc"])
    at = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)
    code, text, mend = _sentence(fault, model)
    return Problem(code, "error", f"{where}:{at}", f"`{_spell(path, tree)}`: {text}", mend)


def _spell(path: Path, tree: Mapping[str, Any]) -> str:
    """Write a path with ids instead of numbers where there are any: `posts[director].items[D1].points`."""
    spelt = ""
    node: Any = tree
    for part in path:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(part, int):
            name = node.get("id") if isinstance(node, Mapping) else None
            spelt += f"[{name if isinstance(name, str) else part + 1}]"
        else:
            spelt += f".{part}" if spelt else part
    return spelt


def _sentence(fault: Any, model: type[BaseModel]) -> tuple[str, str, str]:
    kind, key = fault["type"], fault["loc"][-1] if fault["loc"] else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(key), _keys(model), n=1)
        return "unknown-key", "this key is unknown.", f"Did you mean `{near[0]}`?" if near else "Delete it."
    if kind == "missing":
        return "missing-key", "this key is missing.", "Add it."
    if kind == "literal_error":
        return "unknown-value", f"{fault['input']!r} is not possible.", f"Write one of {fault['ctx']['expected']}."
    message = str(fault["msg"]).removeprefix("Value error, ")
    text, _, mend = message.partition("; ")
    if mend:
        return "malformed", f"{text}.", mend[0].upper() + mend[1:]
    return "malformed", f"{message[0].lower()}{message[1:].rstrip('.')}.", "Change the value."


def _keys(model: type[BaseModel]) -> list[str]:
    """List every key that may stand anywhere in a file of this model."""
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return sorted({key for part in parts for key in part.get("properties", {})})


def content_digest(tree: Any) -> str:
    """Return the SHA-256, in hex, over the parsed content in canonical JSON."""
    plain = json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise TypeError(f"{value!r} is not content of a definition.")
