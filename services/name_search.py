"""Finding a name by any part of it, and by pinyin: the first letters or whole syllables, from any syllable on.

What begins with the words is found by an index over everybody. The rest is looked through `LOOKED` rows at a time, so
that no page reads more however many people there are; the last page that looked says where to go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, true

from models.columns import table_of
from models.initials import syllables
from models.people import Person

PERSON = table_of(Person)
LOOKED = 1900
"""Rows that one page looks through."""
_SHORTEST = 2
"""Letters from which on they may be whole syllables; a single one is an initial."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody typed to find a name."""

    words: str

    @property
    def begins(self) -> ColumnElement[bool]:
        """The condition that a person's number, name or initials begin with it."""
        typed = self.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return or_(
            PERSON.c.number.like(f"{typed}%", escape="\\"),
            PERSON.c.name.like(f"{typed}%", escape="\\"),
            PERSON.c.initials.like(f"{typed.lower()}%", escape="\\"),
        )

    @property
    def contains(self) -> ColumnElement[bool]:
        """The condition that the number begins with it, or that it stands anywhere in the name or the initials."""
        typed = self.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return or_(
            PERSON.c.number.like(f"{typed}%", escape="\\"),
            func.lower(PERSON.c.name).like(f"%{typed.lower()}%", escape="\\"),
            PERSON.c.initials.like(f"%{typed.lower()}%", escape="\\"),
        )

    @property
    def begins_not(self) -> ColumnElement[bool]:
        """The condition that none of them begins with it."""
        return self.begins.is_not(true())

    def hits(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Return the rows, of name and initials, whose name has it somewhere."""
        return [row for row in rows if self.hit(row.name, row.initials or "")]

    def hit(self, name: str, initials: str) -> bool:
        """Tell whether a name has it somewhere: in its letters, its initials, or spoken in pinyin."""
        typed = self.words.casefold()
        if typed in name.casefold():
            return True
        letters = "".join(letter for letter in typed if letter not in " '’-")
        if not (letters.isascii() and letters.isalpha()):
            return False
        if letters in initials:
            return True
        if len(letters) < _SHORTEST or letters[0] not in initials:
            return False
        spoken = syllables(name)
        return any("".join(spoken[place:]).startswith(letters) for place in range(len(spoken)))


def matching(words: str) -> ColumnElement[bool]:
    """Return the condition by which the table of results is narrowed to some people: `Sought.contains`."""
    return Sought(words).contains


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of found people goes on: behind `last`, and, once `further`, among those that do not begin so."""

    last: str
    further: bool

    @classmethod
    def of(cls, text: str) -> "Place":
        """Return the place that a page was asked for."""
        return cls(text.removeprefix("~"), text.startswith("~"))


def further(last: str) -> str:
    """Return how a page is asked for that looks on behind `last`."""
    return f"~{last}"
