"""What people name on the command line to be read: a file of theirs, or something that ships by its name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.shelf import Kind, NotOnShelfError, content, names
from services.errors import Malformed, NotFound


@dataclass(frozen=True, slots=True)
class Source:
    """A text and where it came from, for messages."""

    text: str
    where: str


def definition(kind: Kind, name: str) -> Source:
    """Return the rubric or workflow that a file holds, or that ships under a name such as `bank-office`.

    Raises:
        NotFound: there is neither.
        Malformed: the file is no UTF-8 text.
    """
    path = Path(name)
    if path.is_file():
        return Source(text_of(path), name)
    try:
        return Source(content(kind, name).decode("utf-8"), f"{name}.toml")
    except NotOnShelfError as error:
        known = ", ".join(names(kind)) or "nothing"
        sentence = f"There is no file {name}, and no {kind.name.lower()} of that name ships (there is: {known})."
        raise NotFound(sentence, "no-file") from error


def text_of(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    Raises:
        NotFound: there is no such file.
        Malformed: it is no UTF-8 text.
    """
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"{path} is no UTF-8 text; save it as UTF-8.", "not-utf-8") from error


def bytes_of(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        NotFound: there is no such file.
    """
    if path.is_dir():
        raise Malformed(f"{path} is a folder; name a file.", "folder")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.", "no-file") from error


def json_of(path: Path) -> Any:
    """Return what a JSON file holds; a key that stands twice in one place is refused, since only one would count.

    Raises:
        NotFound: there is no such file.
        Malformed: it is no JSON.
    """
    text = text_of(path)
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Malformed(
            f"{path}, line {error.lineno}: this is no JSON ({error.msg}); correct it.", "no-json"
        ) from error
    except _Twice as error:
        raise Malformed(f"{path}: the key {error} stands twice in one place; keep one.", "key-twice") from error
    except RecursionError as error:
        raise Malformed(f"{path} is nested too deeply to be read.", "no-json") from error
    except ValueError as error:
        raise Malformed(f"{path} holds a number of too many digits ({error}); correct it.", "no-json") from error


class _Twice(Exception):  # noqa: N818 - it only carries the key
    """A key that stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(repr(next(key for key in keys if keys.count(key) > 1)))
    return found
