"""Going on in a list of work items by their deadline, those without one last: behind the last row of a page."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, and_, bindparam, or_

from services.errors import Malformed
from services.standing import WORK_ITEM

BY_DEADLINE = (WORK_ITEM.c.due_at.nulls_last(), WORK_ITEM.c.id)
"""The order in which both databases agree."""
_HIGHEST_ID = 2**62
_DUE = bindparam("after_due", type_=WORK_ITEM.c.due_at.type)
_ID = bindparam("after_item", type_=WORK_ITEM.c.id.type)

BEHIND_DUE: ColumnElement[bool] = or_(
    WORK_ITEM.c.due_at > _DUE, and_(WORK_ITEM.c.due_at == _DUE, WORK_ITEM.c.id > _ID), WORK_ITEM.c.due_at.is_(None)
)
BEHIND_OPEN_END: ColumnElement[bool] = and_(WORK_ITEM.c.due_at.is_(None), WORK_ITEM.c.id > _ID)
PLACES: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "first": (),
    "behind-due": (BEHIND_DUE,),
    "behind-open-end": (BEHIND_OPEN_END,),
}
"""What is true of the rows of a page, by the kind of the place where it begins."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A place in the list: behind the work item with this deadline and id."""

    due: dt.datetime | None
    item: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the place that a page was asked for.

        Raises:
            Malformed: it is none of ours.
        """
        due, _, item = text.rpartition("~")
        try:
            found = cls(dt.datetime.fromisoformat(due) if due else None, int(item))
        except ValueError as error:
            raise _bad(text) from error
        if (found.due is not None and found.due.tzinfo is None) or not 0 <= found.item <= _HIGHEST_ID:
            raise _bad(text)
        return found

    @property
    def text(self) -> str:
        """How a page is asked for that begins here."""
        return f"{self.due.isoformat() if self.due is not None else ''}~{self.item}"

    @property
    def kind(self) -> str:
        """Which condition of `PLACES` holds behind it, with `values`."""
        return "behind-open-end" if self.due is None else "behind-due"

    @property
    def values(self) -> dict[str, Any]:
        """What that condition asks for."""
        return {"after_item": self.item} if self.due is None else {"after_item": self.item, "after_due": self.due}


def _bad(text: str) -> Malformed:
    return Malformed(f"{text[:40]!r} is no place in this list; begin at its first page.", "bad-place")
