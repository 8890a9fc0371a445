"""From what people type to what is stored: employee numbers checked by name, posts and units by any of their names."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from services.organisation_cells import Named
from services.organisation_columns import SHEETS, plain
from services.organisation_rows import Reading, Record
from services.organisation_state import State

_KEYS = {sheet.id: sheet.key for sheet in SHEETS}


class Resolver:
    """Turns what people typed into the numbers and codes that are stored."""

    def __init__(self, reading: Reading, state: State) -> None:
        self._reading = reading
        self._names = {key[0]: row.values["name"] for key, row in state.of("people").items()}
        self._names.update({record.key[0]: record.values["name"] for record in reading.of("people")})
        self._posts = _index(reading, state, "posts", ("name-en", "name-zh", "aliases"))
        self._units = _index(reading, state, "units", ("name",))

    def resolved(self, record: Record) -> Record:
        """Return the record with every number and code as it is stored, key included."""
        values: dict[str, Any] = {}
        for name, value in record.values.items():
            if isinstance(value, Named):
                values[name] = self._number(value, record, name)
            elif name == "post" and value is not None:
                values[name] = self._code(self._posts, value, record, name)
            elif name in {"unit", "parent"} and value is not None:
                values[name] = self.unit(value, record, name)
            else:
                values[name] = value
        if record.sheet in {"assignments", "overrides"} and values.get("name") is not None:
            self._check_name(values["number"], values["name"], record, "name")
        if record.sheet == "assignments":
            values["kind"] = values.get("kind") or "regular"
        if record.sheet == "overrides":
            values["post"] = values.get("post") or self._only_post(values["number"], record)
        key = tuple(values.get(part) for part in _KEYS[record.sheet])
        return Record(record.sheet, key, values, record.place, record.row)

    def _number(self, value: Named, record: Record, column: str) -> str:
        if record.sheet == "people" and column == "number":
            return value.number
        if value.number not in self._names:
            code = f"unknown-{column}" if column in {"manager", "in-charge", "head"} else "unknown-person"
            self._reading.error(
                code, record, column, f"nobody has the employee number {value.number}; add the person or correct it."
            )
        elif value.name is not None:
            self._check_name(value.number, value.name, record, column)
        return value.number

    def _check_name(self, number: str, name: str, record: Record, column: str) -> None:
        known = self._names.get(number)
        if known is not None and plain(known) != plain(name):
            self._reading.error(
                "name-mismatch", record, column, f"{number} is {known} and not {name}; correct the number or the name."
            )

    def unit(self, typed: str, record: Record, column: str) -> str | None:
        """Return the code of a unit named by its code or its name."""
        return self._code(self._units, typed, record, column)

    def _code(self, index: Mapping[str, set[str]], typed: str, record: Record, column: str) -> str | None:
        kind = "post" if column == "post" else "unit"
        found = index.get(f"={typed}") or index.get(plain(typed), set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            text = f"{typed!r} names several {kind}s ({', '.join(sorted(found))}); write the code."
            self._reading.error(f"ambiguous-{kind}", record, column, text)
        else:
            text = f"there is no {kind} {typed!r}; add it to the sheet {kind}s or correct it."
            self._reading.error(f"unknown-{kind}", record, column, text)
        return None

    def _only_post(self, number: str, record: Record) -> str | None:
        posts = {one.values["post"] for one in self._reading.of("assignments") if one.values["number"].number == number}
        if len(posts) == 1:
            return self._code(self._posts, posts.pop(), record, "post")
        self._reading.error(
            "which-post", record, "post", f"{number} has no post or several in this file; say which one is meant."
        )
        return None


def _index(reading: Reading, state: State, sheet: str, names: tuple[str, ...]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = defaultdict(set)
    rows: list[Mapping[str, Any]] = [stored.values for stored in state.of(sheet).values()]
    rows += [record.values for record in reading.of(sheet)]
    for row in rows:
        index[f"={row['code']}"] = {row["code"]}
        words: list[str] = [row["code"]]
        for name in names:
            value = row.get(name)
            words += value if isinstance(value, tuple) else [value] if value is not None else []
        for word in words:
            index[plain(word)].add(row["code"])
    return index
