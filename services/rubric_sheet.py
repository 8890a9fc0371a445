"""The items and rules of a rubric as a spreadsheet, out and in: a row for each rule, with its item beside it."""

import io
from collections.abc import Mapping
from typing import Any

from openpyxl import Workbook

from scoring.numbers import to_decimal
from scoring.rubric import Rubric
from services.errors import Malformed
from services.exports import guarded
from services.rubric_drafts import with_items
from services.spreadsheets import Formula, Table, read

ITEM_COLUMNS = ("item", "item-en", "item-zh", "points", "item-line", "responsibilities")
RULE_COLUMNS = (
    "rule",
    "kind",
    "award",
    "amount",
    "min",
    "max",
    "step",
    "unit",
    "recurrence",
    "keys",
    "times",
    "window-days",
    "trigger-en",
    "trigger-zh",
    "clause",
    "line",
)
COLUMNS = ("post", *ITEM_COLUMNS, *RULE_COLUMNS)
_FORMULA = "=+-@"


def sheet(rubric: Rubric) -> bytes:
    """Return the items and rules of all posts as xlsx; an item without a rule has a row of its own."""
    book = Workbook()
    page = book.active or book.create_sheet()
    page.title = "rules"
    page.append(COLUMNS)
    for post in rubric.posts:
        for item in post.items:
            head = [post.id, item.id, item.title.en, item.title.zh, to_decimal(item.points), item.line]
            head.append(" ".join(item.responsibilities))
            for rule in item.rules or (None,):
                row = [*head, *(_rule_cells(rule) if rule is not None else ())]
                page.append([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    page.freeze_panes = "C2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _rule_cells(rule: Any) -> list[Any]:
    figures = [None if value is None else to_decimal(value) for value in (rule.amount, rule.min, rule.max, rule.step)]
    again = rule.recurrence
    return [
        rule.id,
        rule.kind,
        "yes" if rule.award else "",
        *figures,
        rule.unit,
        again.kind,
        " ".join(again.keys),
        again.times,
        again.window_days,
        rule.trigger.en,
        rule.trigger.zh,
        rule.clause,
        rule.line,
    ]


def with_sheet(text: str, data: bytes, *, where: str) -> str:
    """Return a draft with the items of the posts that a spreadsheet names; other posts stay as they are.

    Raises:
        Malformed: the file cannot be read, lacks a column, or a cell has no place.
        NotFound: it names a post that the draft does not have.
    """
    table = next((one for one in read(data, where=where).tables if one.header), None)
    if table is None:
        raise Malformed(f"{where} is empty; take the spreadsheet that this page gives.", "empty")
    missing = [name for name in ("post", "item", "points", "rule") if name not in table.header]
    if missing:
        raise Malformed(f"{where} has no column {missing[0]}; take the spreadsheet that this page gives.", "columns")
    posts: dict[str, dict[str, dict[str, Any]]] = {}
    for number, cells in _lines(table):
        post, item = cells["post"], cells["item"]
        if not post or not item:
            raise Malformed(f"{where}, row {number}: post and item must be there; fill them in.", "row")
        held = posts.setdefault(post, {}).setdefault(item, {**item_of(cells), "rules": []})
        if cells.get("rule"):
            held["rules"].append(rule_of(cells))
    for post, items in posts.items():
        text = with_items(text, post=post, items=list(items.values()))
    return text


def _lines(table: Table) -> list[tuple[int, dict[str, str]]]:
    found = []
    for line in table.lines:
        cells = dict.fromkeys(COLUMNS, "")
        for title, cell in zip(table.header, line.cells, strict=False):
            if title in cells and cell is not None:
                if isinstance(cell, Formula):
                    raise Malformed(f"Row {line.number}, {title}: a formula is not read; write the value.", "formula")
                said = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
                cells[title] = said[1:] if said[:1] == "'" and said[1:2] in _FORMULA else said
        if any(cells.values()):
            found.append((line.number, cells))
    return found


def item_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return an item as the file has it, from the texts of a row or of a form."""
    return {
        "id": cells["item"],
        "title": {"en": cells.get("item-en", ""), "zh": cells.get("item-zh", "")},
        "points": cells["points"],
        "line": _whole(cells.get("item-line", "")),
        "responsibilities": cells.get("responsibilities", "").replace(",", " ").split(),
    }


def rule_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return a rule as the file has it, from the texts of a row or of a form."""
    again: dict[str, Any] = {"kind": cells.get("recurrence") or "each"}
    if keys := cells.get("keys", "").replace(",", " ").split():
        again["keys"] = keys
    for name in ("times", "window-days"):
        if number := _whole(cells.get(name, "")):
            again[name] = number
    return {
        "id": cells["rule"],
        "kind": cells.get("kind") or "range",
        "award": cells.get("award", "").lower() in {"yes", "true", "1", "是"},
        **{name: cells.get(name, "") for name in ("amount", "min", "max", "step", "unit")},
        "recurrence": again,
        "trigger": {"en": cells.get("trigger-en", ""), "zh": cells.get("trigger-zh", "")},
        "clause": cells.get("clause", ""),
        "line": _whole(cells.get("line", "")),
    }


def _whole(text: str) -> int | str | None:
    """Return a whole number; what is none stays a text, and the check says where it stands."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("999999") else text
