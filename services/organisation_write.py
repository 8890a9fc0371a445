"""Writing what changes in the organisation, in one transaction, and vouching for each row in the stream `org`.

Names and addresses stay out of what is vouched for, so that they can be erased.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, RowMapping, Table, Update, bindparam, select, update

from services.actors import Actor
from services.audit import TEXT_BODY, append_events, digest, stamp, store_text
from services.looking_anew import look_anew
from services.organisation_fields import ROWS
from services.organisation_merge import Change
from services.organisation_state import (
    ABSENCE,
    ASSIGNMENT,
    CLOSURE_DAY,
    CONFLICT,
    CONTACT,
    GRANT,
    ORGANISATION,
    OVERRIDE,
    PERSON,
    POST,
    SITE,
    UNIT,
    State,
    snapshot,
)
from services.unit_of_work import Transaction

TABLES: Mapping[str, tuple[str, Table]] = {
    "organisation": ("organisation", ORGANISATION),
    "units": ("unit", UNIT),
    "posts": ("post", POST),
    "people": ("person", PERSON),
    "assignments": ("assignment", ASSIGNMENT),
    "overrides": ("override", OVERRIDE),
    "absences": ("absence", ABSENCE),
    "grants": ("grant", GRANT),
    "conflicts": ("conflict", CONFLICT),
    "sites": ("site", SITE),
    "closure-days": ("closure-day", CLOSURE_DAY),
}
_NOT_VOUCHED = frozenset({"id", "name", "initials", "email", "erased_at", "ledger_lock"})
_BATCH = 500
_DAY = dt.timedelta(days=1)

_UPDATES: Mapping[str, tuple[str, ...]] = {
    "organisation": ("name", "zone", "language", "calendar"),
    "units": ("name", "parent_id", "head_id"),
    "posts": ("name_en", "name_zh", "aliases"),
    "people": ("name", "initials", "language", "joined", "left"),
    "assignments": ("unit_id", "manager_id", "in_charge_id", "main", "weight", "valid_from", "valid_to"),
    "overrides": ("person_id", "valid_to", "reason_id"),
    "absences": ("valid_to", "reason_id"),
    "grants": ("valid_to",),
    "conflicts": ("valid_to", "reason_id"),
    "sites": ("name", "closed_months"),
    "closure-days": ("kind", "name"),
}


def _update(table: Table, columns: Sequence[str]) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


_UPDATE = {sheet: _update(TABLES[sheet][1], columns) for sheet, columns in _UPDATES.items()}
_DIGESTS = select(TEXT_BODY.c.id, TEXT_BODY.c.digest).where(TEXT_BODY.c.id.in_(bindparam("ids", expanding=True)))
NUMBERS = select(PERSON.c.id, PERSON.c.number)
_END_CONTACT = update(CONTACT).where(CONTACT.c.id == bindparam("row_id")).values(valid_to=bindparam("day"))
_CORRECT_CONTACT = update(CONTACT).where(CONTACT.c.id == bindparam("row_id")).values(email=bindparam("new_email"))
_BY_ID = {
    sheet: select(table).where(table.c.id.in_(bindparam("ids", expanding=True))) for sheet, (_, table) in TABLES.items()
}


def row_content(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    """Return what of a row of the organisation its event vouches for: all but names, addresses and counters."""
    return {name: _plain(value) for name, value in row.items() if name not in _NOT_VOUCHED}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return stamp(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Fraction) else value


CONTENT: Mapping[str, tuple[Table, Callable[[Mapping[str, Any] | RowMapping], dict[str, Any]]]] = {
    name: (table, row_content) for name, table in TABLES.values()
}
"""For each id that a payload may hold: its table and the content its digest was made of; the latest event holds."""


def write_changes(
    tx: Transaction, changes: Iterable[Change], state: State, *, actor: Actor, now: dt.datetime, today: dt.date
) -> None:
    """Write new and changed rows, sheet by sheet in the order in which they refer to each other, and their events."""
    by_sheet: dict[str, list[Change]] = {sheet: [] for sheet in TABLES}
    for change in changes:
        if change.kind != "absent":
            by_sheet[change.sheet].append(change)
    if not any(by_sheet.values()):
        return
    writer = _Writer(tx, state, now, today)
    # Units need people as heads and people need nothing: units come first without heads, and get them at the end.
    for sheet in ("organisation", "units", "posts", "people"):
        writer.write(sheet, by_sheet[sheet])
    writer.contacts(by_sheet["people"])
    writer.refresh()
    writer.write("units", [_as_changed(change, writer.state) for change in by_sheet["units"]])
    writer.write("assignments", by_sheet["assignments"])
    writer.refresh()
    for sheet in ("overrides", "absences", "grants", "conflicts", "sites", "closure-days"):
        writer.write(sheet, by_sheet[sheet])
    writer.refresh()
    if by_sheet["organisation"] or by_sheet["closure-days"]:
        look_anew(tx, now)
    append_events(tx, "org", _events(tx, by_sheet, writer.state), actor=actor, at=now)


def _as_changed(change: Change, state: State) -> Change:
    return Change("changed", change.sheet, change.key, state.of(change.sheet)[change.key], change.after)


def _events(
    tx: Transaction, by_sheet: Mapping[str, list[Change]], state: State
) -> Iterator[tuple[str, dict[str, Any]]]:
    for sheet, changes in by_sheet.items():
        name = TABLES[sheet][0]
        kinds = {state.of(sheet)[change.key].id: change.kind for change in changes}
        ids = sorted(kinds)
        for start in range(0, len(ids), _BATCH):
            rows = tx.all(_BY_ID[sheet], {"ids": ids[start : start + _BATCH]})
            reasons = _reasons(tx, rows)
            for row in sorted(rows, key=lambda one: one.id):
                payload = {name: row.id, "digest": digest(row_content(row._mapping))}  # noqa: SLF001
                yield f"{name}.{kinds[row.id]}", payload | reasons.get(row.id, {})


def _reasons(tx: Transaction, rows: Sequence[Row[Any]]) -> dict[int, dict[str, Any]]:
    """Return, for each row with a reason, what the event says of its words: id and salted digest."""
    texts = {row.id: row.reason_id for row in rows if "reason_id" in row._fields and row.reason_id is not None}
    if not texts:
        return {}
    digests = {text.id: text.digest for text in tx.all(_DIGESTS, {"ids": sorted(set(texts.values()))})}
    return {row: {"reason": [text, digests[text]]} for row, text in texts.items()}


class _Writer:
    """Writes rows of one import; `state` is what the database holds, read again where ids are needed."""

    def __init__(self, tx: Transaction, state: State, now: dt.datetime, today: dt.date) -> None:
        self.state = state
        self._tx = tx
        self._now = now
        self._today = today

    def refresh(self) -> None:
        """Read the organisation again, for the ids of what was just written."""
        self.state = snapshot(self._tx)

    def write(self, sheet: str, changes: Iterable[Change]) -> None:
        """Insert the new rows of a sheet and update the changed ones, each in one executemany."""
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for change in changes:
            row = self._row(sheet, change)
            if change.before is None:
                new.append(row)
            else:
                values = {f"new_{name}": row[name] for name in _UPDATES[sheet]}
                changed.append({"row_id": change.before.id, **values})
        self._tx.insert_many(TABLES[sheet][1], new)
        if changed:
            self._tx.run(_UPDATE[sheet], changed)

    def contacts(self, changes: Iterable[Change]) -> None:
        """End the address that was in force and begin the new one; a second change on one day corrects the first."""
        ids = {row.number: row.id for row in self._tx.all(NUMBERS)}
        new: list[dict[str, Any]] = []
        ended: list[dict[str, Any]] = []
        corrected: list[dict[str, Any]] = []
        for change in changes:
            values = change.after or {}
            email = values.get("email")
            if change.before is not None and change.before.values["email"] == email:
                continue
            row_id, since = self.state.contacts.get(change.key[0], (None, self._today))
            if row_id is not None and email is not None and since >= self._today:
                corrected.append({"row_id": row_id, "new_email": email})
                continue
            if row_id is not None:
                ended.append({"row_id": row_id, "day": max(since, self._today - _DAY)})
            if email is not None:
                begin = {"email": email, "valid_from": self._today, "valid_to": None}
                new.append({"person_id": ids[change.key[0]], **begin})
        for statement, rows in ((_END_CONTACT, ended), (_CORRECT_CONTACT, corrected)):
            if rows:
                self._tx.run(statement, rows)
        self._tx.insert_many(CONTACT, new)

    def _row(self, sheet: str, change: Change) -> dict[str, Any]:
        values = change.after or {}
        row = ROWS[sheet](values, self.state)
        if sheet == "organisation":
            row |= {"settings": "{}", "created_at": self._now}
        if "reason" in values:
            before = change.before
            kept = before is not None and before.values["reason"] == values["reason"]
            stored = None if kept else store_text(self._tx, values["reason"])
            row["reason_id"] = (
                before.reason_id if before is not None and kept else None if stored is None else stored.id
            )
        return row
