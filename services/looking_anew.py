"""Looking at open work items anew when what their mornings are counted by changes: the hour, the calendar, a closure.

An item keeps only when it is to be looked at next. Where its reminder lies earlier by the new count, it would be looked
at too late and the reminder would be taken for one that was sent long ago. So everything open is looked at once more
from some days back; what was promised already keeps its identity and is not promised twice.
"""

import datetime as dt

from sqlalchemy import bindparam, case, update

from models.columns import UtcDateTime, table_of
from models.workitems import WorkItem
from services.unit_of_work import Transaction

WORK_ITEM = table_of(WorkItem)
DAYS_BACK = dt.timedelta(days=7)
"""A morning moves by the days of one holiday at most; what is older has been overtaken by later reminders."""

_SINCE = bindparam("since", type_=UtcDateTime())
_AGAIN = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.due_at.is_not(None),
        WORK_ITEM.c.next_action_at.is_not(None),
        WORK_ITEM.c.next_action_at > _SINCE,
    )
    .values(next_action_at=case((WORK_ITEM.c.opened_at > _SINCE, WORK_ITEM.c.opened_at), else_=_SINCE))
)


def look_anew(tx: Transaction, now: dt.datetime) -> int:
    """Let the next planning look at every open work item with a deadline; return how many."""
    looked_at = tx.run(_AGAIN, {"since": now - DAYS_BACK})
    if looked_at:
        tx.ring()
    return looked_at
