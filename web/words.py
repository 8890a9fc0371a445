"""The texts of the pages: written in English where they stand, with a Chinese one in `locale/zh`, a file for each page.

The files are gettext's (.po) and are read as they are, so that nothing is compiled beforehand.
"""

import functools
import gettext
import re
from pathlib import Path
from typing import Literal

from catalog.po import read_folder

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
FOLDER = Path(__file__).parent / "locale"


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
    return Catalogue({} if language == "en" else read_folder(FOLDER / language))


def accepted(header: str) -> Language | None:
    """Return the language of ours that an `Accept-Language` likes best (RFC 9110, 12.5.4), or None for none of them."""
    wanted: list[tuple[float, Language]] = []
    for part in header.split(","):
        name, _, weight = part.replace(" ", "").lower().partition(";q=")
        ours = next((language for language in LANGUAGES if language == name.partition("-")[0]), None)
        if ours is not None and re.fullmatch(r"|[01](\.[0-9]{0,3})?", weight):
            wanted.append((float(weight or 1), ours))
    best = max((weight for weight, _ in wanted), default=0)
    return next((language for weight, language in wanted if weight == best > 0), None)


def for_program(header: str) -> Language:
    """Return the language in which a program is answered: that of its `Accept-Language`, or English."""
    return accepted(header) or "en"
