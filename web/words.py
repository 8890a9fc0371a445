"""The texts of the pages: written in English where they stand, with a Chinese one in `locale/zh`, a file for each page.

The files are gettext's (.po) and are read as they are, so that nothing is compiled beforehand.
"""

import ast
import functools
import gettext
from pathlib import Path
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
FOLDER = Path(__file__).parent / "locale"


class CatalogueError(Exception):
    """A file of texts cannot be read; the message names file and line."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a text that is translated where it is shown
    """Mark a text of a table, which is translated where it is shown."""
    return text


class Catalogue(gettext.NullTranslations):
    """The texts of one language. A text that is not there is shown in English; a test sees to it that none is missing.

    Chinese has one form, so the plural of a text is found under its singular.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__()
        self.texts = texts

    def gettext(self, message: str) -> str:
        """Return the text in this language."""
        return self.texts.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the text for `n` things in this language."""
        return self.texts.get(msgid1) or (msgid1 if n == 1 else msgid2)


@functools.cache
def catalogue(language: Language) -> Catalogue:
    """Return the texts of a language, read once.

    Raises:
        CatalogueError: a file has another form, or two of them translate a text differently.
    """
    texts: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        for message, text in read_po(path.read_text(encoding="utf-8"), where=path.name).items():
            if texts.setdefault(message, text) != text:
                raise CatalogueError(f"{path.name} translates {message!r} differently than another file; use one text.")
    return Catalogue(texts)


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
