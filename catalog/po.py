"""Reads gettext's files of texts (.po) as they are, so that nothing is compiled beforehand."""

import ast
from importlib.resources.abc import Traversable


class CatalogueError(Exception):
    """A file of texts cannot be read; the message names file and line."""


def read_folder(folder: Traversable) -> dict[str, str]:
    """Return message and text of every entry of the .po files in a folder.

    Raises:
        CatalogueError: a file has another form, or two of them translate a text differently.
    """
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".po"):
            continue
        for message, text in read_po(file.read_text(encoding="utf-8"), where=file.name).items():
            if texts.setdefault(message, text) != text:
                raise CatalogueError(f"{file.name} translates {message!r} differently than another file; use one text.")
    return texts


def read_po(content: str, *, where: str) -> dict[str, str]:
    """Return message and text of each entry of a .po file; `msgid_plural` is read over, `msgstr[0]` is the text.

    Raises:
        CatalogueError: a line has another form, or an entry has no text.
    """
    texts: dict[str, str] = {}
    field, parts = "", {"msgid": "", "msgstr": ""}
    for number, raw in enumerate([*content.splitlines(), 'msgid ""'], start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        word, _, quoted = line.partition(" ")
        if line.startswith('"'):
            quoted = line
        elif word == "msgid":
            _keep(texts, parts, where)
            field, parts = "msgid", {"msgid": "", "msgstr": ""}
        elif word in {"msgstr", "msgstr[0]"}:
            field = "msgstr"
        elif word == "msgid_plural":
            field = "plural"
        else:
            raise CatalogueError(f"{where}, line {number}: {line!r} is neither msgid, msgstr nor a text.")
        try:
            said = ast.literal_eval(quoted)
        except (SyntaxError, ValueError) as error:
            raise CatalogueError(f"{where}, line {number}: {quoted!r} is not a quoted text.") from error
        parts[field] = parts.get(field, "") + str(said)
    return texts


def _keep(texts: dict[str, str], parts: dict[str, str], where: str) -> None:
    if not parts["msgid"]:
        return
    if not parts["msgstr"]:
        raise CatalogueError(f"{where}: {parts['msgid']!r} has no text.")
    if texts.setdefault(parts["msgid"], parts["msgstr"]) != parts["msgstr"]:
        raise CatalogueError(f"{where}: {parts['msgid']!r} stands there twice with different texts.")
