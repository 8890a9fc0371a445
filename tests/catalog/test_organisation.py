"""The sample organisation: the spreadsheet that ships holds the rows of its readable source, and no others."""

import io
import tomllib
from importlib.resources import files

import openpyxl

from catalog import shelf
from catalog.shelf import Kind


def source() -> dict[str, dict[str, list[list[str]]]]:
    text = (files("catalog") / "organisation" / "sample.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def test_the_spreadsheet_holds_the_rows_of_its_source() -> None:
    book = openpyxl.load_workbook(io.BytesIO(shelf.content(Kind.ORGANISATION, "sample")), read_only=True)
    found = {
        sheet.title: [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }
    assert found == {name: [sheet["columns"], *sheet["rows"]] for name, sheet in source().items()}


def test_it_has_everybody_that_a_trial_needs() -> None:
    people = source()["people"]["rows"]
    assert len(people) == 36
    assert any(not row[3] for row in people), "somebody without an e-mail address"
    names = [row[1] for row in people]
    assert len(names) - len(set(names)) == 1, "two people of one name"
    posts = {row[1] for row in source()["assignments"]["rows"]}
    assert {
        "director", "deputy-security", "deputy-personnel", "personnel-officer",
        "clerical", "logistics", "escort", "cash-driver", "president", "vice-president", "secretary",
    } <= posts  # fmt: skip
