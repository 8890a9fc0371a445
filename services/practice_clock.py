"""Where the clock of demonstration and practice data stands: nothing in them is real, so neither is the time."""

import datetime as dt
import json

from sqlalchemy import bindparam, update

from services import naming
from services.actors import SYSTEM
from services.audit import append_event, digest, stamp
from services.errors import Refused
from services.organisation_write import row_content
from services.tokens import FREE_KINDS
from services.unit_of_work import Transaction, UnitOfWork

STANDS_AT = "stands-at"
"""The setting of the organisation that keeps the moment, in ISO 8601."""

_KEEP = update(naming.ORGANISATION).values(settings=bindparam("kept"))


def stands_at(tx: Transaction) -> dt.datetime | None:
    """Return where the clock of demonstration or practice data was set to stand; None where it is the machine's."""
    row = tx.first(naming.ANY_ORGANISATION)
    if row is None or row.kind not in FREE_KINDS:
        return None
    kept = json.loads(row.settings).get(STANDS_AT)
    return None if kept is None else dt.datetime.fromisoformat(kept)


def never_stands(tx: Transaction) -> bool:
    """Tell whether the data are real; while there is no organisation nobody knows."""
    row = tx.first(naming.ANY_ORGANISATION)
    return row is not None and row.kind not in FREE_KINDS


def set_clock(uow: UnitOfWork, *, now: dt.datetime, at: dt.datetime) -> None:
    """Let the clock of demonstration or practice data stand at `at` from now on; forward or back.

    Raises:
        NotFound: there is no organisation yet.
        Refused: the data are real; their clock is the machine's.
    """
    with uow.write() as tx:
        row = naming.organisation(tx)
        if row.kind not in FREE_KINDS:
            raise Refused("The clock of real data is the machine's; it cannot be set.", "no-at")
        settings = json.loads(row.settings) | {STANDS_AT: at.astimezone(dt.UTC).isoformat()}
        kept = json.dumps(settings, sort_keys=True)
        tx.run(_KEEP, {"kept": kept})
        content = row_content({**row._asdict(), "settings": kept})
        payload = {"organisation": row.id, "digest": digest(content), "at": stamp(at)}
        append_event(tx, "org", "clock.set", actor=SYSTEM, at=now, payload=payload)
