"""Writing a definition back as TOML, so that a rubric that was changed in a form is a text like any other."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any


def to_toml(tree: Mapping[str, Any]) -> str:
    """Return a parsed tree as TOML that parses to the same tree; comments are not part of a tree and are gone.

    Raises:
        TypeError: a value is of no kind that definitions have.
    """
    return "\n".join(_table(tree, ())).lstrip("\n") + "\n"


def _table(tree: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(name)} = {_value(value)}" for name, value in tree.items() if not _is_block(value)]
    for name, value in tree.items():
        here = (*path, name)
        if isinstance(value, Mapping) and _is_block(value):
            lines += ["", f"[{'.'.join(map(_key, here))}]", *_table(value, here)]
        elif _is_block(value):
            for one in value:
                lines += ["", f"[[{'.'.join(map(_key, here))}]]", *_table(one, here)]
    return lines


def _is_block(value: Any) -> bool:
    """Tell whether a value stands under a heading of its own: a table that holds tables, or a list of tables."""
    if isinstance(value, Mapping):
        return any(isinstance(one, Mapping) or _is_block(one) for one in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return bool(value) and all(isinstance(one, Mapping) for one in value)
    return False


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else _text(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _text(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case Mapping():
            return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
        case Sequence():
            return "[" + ", ".join(_value(one) for one in value) + "]"
    raise TypeError(f"{value!r} is of no kind that a definition has.")


def _text(text: str) -> str:
    # JSON escapes all that TOML does, but for DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
