"""The columns of the spreadsheet: found by either name, documented one by one, each example sound."""

from pathlib import Path

import pytest

from services.organisation_cells import value_of
from services.organisation_columns import FLAT, SHEETS, Sheet, column_of, sheet_of

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "import-people.md"


def documented(sheet: Sheet) -> str:
    lines = [f"### {sheet.id} ({sheet.zh})", "", sheet.help_en, ""]
    lines += ["| column | 中文 | needed | what goes in | may be |", "|---|---|---|---|---|"]
    for column in sheet.columns:
        may = ", ".join(column.choices) if column.choices else column.content.value
        needed = "yes" if column.required else ""
        lines.append(f"| `{column.id}` | {column.zh} | {needed} | {column.help_en} | {may} |")
    return "\n".join(lines)


def test_the_how_to_has_every_sheet_and_column_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = page.split("<!-- columns -->\n")[1].split("\n<!-- /columns -->")[0]

    assert shown == "\n\n".join(documented(sheet) for sheet in (*SHEETS, FLAT))


@pytest.mark.parametrize("sheet", [*SHEETS, FLAT], ids=lambda sheet: sheet.id)
def test_a_sheet_and_its_columns_are_found_by_either_name_or_both(sheet: Sheet) -> None:
    assert sheet_of(sheet.id.upper()) is sheet_of(sheet.zh) is sheet
    for column in sheet.columns:
        for title in (column.id, column.zh, f"{column.id} {column.zh}", f" {column.id.upper()} * ", *column.aliases):
            assert column_of(sheet, title) is column, title


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.id)
def test_the_example_of_a_sheet_could_be_imported(sheet: Sheet) -> None:
    assert len(sheet.example) == len(sheet.columns)
    for column, cell in zip(sheet.columns, sheet.example, strict=True):
        value = value_of(column, cell)
        assert (value is not None) or not column.required


def test_a_title_that_is_none_is_not_found() -> None:
    assert sheet_of("salaries") is None
    assert column_of(SHEETS[3], "salary") is None
    assert column_of(SHEETS[3], " * ") is None
