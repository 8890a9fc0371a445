import csv
import hashlib
import io
import json
import stat
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from services import exports
from services.audit import EVENT
from services.errors import Environment, Malformed, NotFound
from services.naming import PERSON
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECRETARY,
    SECURITY,
    VICE,
    TinyOffice,
    build_office,
    move,
    open_quarter,
)
from tests.services.closing import END, close_all, deduct, finalise

FORMULA = '=HYPERLINK("http://example.org","click")'


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    built = build_office(uow)
    with uow.write() as tx:
        tx.run(update(PERSON).where(PERSON.c.number == CLERK).values(name=FORMULA))
        tx.run(update(PERSON).where(PERSON.c.number == ESCORT).values(name="王芳"))
    open_quarter(uow, built)
    deduct(uow, built, CLERK, "C3.1", 4)
    return built


def export(uow: UnitOfWork, office: TinyOffice, path: Path, number: str = PRESIDENT) -> exports.Exported:
    return exports.export(uow, actor=office.actor(number), now=END, cycle=QUARTER, path=path)


def test_csv_has_a_byte_order_mark_a_row_for_each_item_and_no_formula(
    uow: UnitOfWork, office: TinyOffice, tmp_path: Path
) -> None:
    close_all(uow, office)
    finalise(uow, office)
    path = tmp_path / "table.csv"

    done = export(uow, office, path)

    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == exports.COLUMNS
    assert done == exports.Exported(path, "csv", len(rows), hashlib.sha256(data).hexdigest())
    assert [row["number"] for row in rows] == sorted(row["number"] for row in rows)
    clerk = [row for row in rows if row["number"] == CLERK]
    assert [row["item"] for row in clerk] == ["C1", "C2", "C3", "C4"]
    assert {row["name"] for row in clerk} == {f"'{FORMULA}"}
    assert {(row["total"], row["max"], row["final"], row["person_total"]) for row in clerk} == {
        ("96", "100", "yes", "96")
    }
    assert (clerk[2]["points"], clerk[2]["counted"], clerk[2]["score"]) == ("25", "4", "21")
    assert {row["name"] for row in rows if row["number"] == ESCORT} == {"王芳"}
    security = [row for row in rows if row["number"] == SECURITY]
    assert [(row["outcome"], row["total"], row["item"]) for row in security] == [("not-rated", "", "")]


def test_json_and_spreadsheet_have_the_same_rows(uow: UnitOfWork, office: TinyOffice, tmp_path: Path) -> None:
    close_all(uow, office)
    finalise(uow, office)

    export(uow, office, tmp_path / "table.json")
    export(uow, office, tmp_path / "table.XLSX")

    table = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert table["cycle"] == QUARTER
    clerk = next(row for row in table["rows"] if row["number"] == CLERK and row["item"] == "C3")
    assert (clerk["name"], clerk["total"], clerk["score"], clerk["final"]) == (FORMULA, "96", "21", True)
    sheet = load_workbook(tmp_path / "table.XLSX").active
    assert sheet is not None
    cells = list(sheet.iter_rows())
    assert [cell.value for cell in cells[0]] == list(exports.COLUMNS)
    assert len(cells) == len(table["rows"]) + 1
    assert all(cell.data_type != "f" for row in cells for cell in row)
    row = next(row for row in cells if (row[0].value, row[11].value) == (CLERK, "C3"))
    assert (row[1].value, row[5].value, row[16].value) == (f"'{FORMULA}", 96, 21)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@A1", "\t=1", "\r=1", " =1", "＝1", "＋1"])
def test_text_that_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert exports.guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Wang Fang", "2026Q1/1008@clerical", "a=b"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert exports.guarded(text) == text


def test_an_export_has_only_what_its_reader_may_see_and_is_on_record(
    uow: UnitOfWork, office: TinyOffice, tmp_path: Path
) -> None:
    for number, assessor in ((CLERK, PERSONNEL), (DIRECTOR, VICE)):
        move(uow, office, END, number=number, by=assessor, action="start")
        move(uow, office, END, number=number, by=assessor, action="submit")

    def totals(name: str, number: str) -> dict[str, str | None]:
        export(uow, office, tmp_path / name, number)
        rows = json.loads((tmp_path / name).read_text(encoding="utf-8"))["rows"]
        assert all(row["item"] is None for row in rows if row["total"] is None)
        return {row["number"]: row["total"] for row in rows}

    assert totals("own.json", CLERK) == {CLERK: None}
    hr = totals("hr.json", OFFICER)
    assert (hr[CLERK], hr[DIRECTOR], hr[OFFICER]) == ("96", None, None)
    assert totals("all.json", PRESIDENT)[DIRECTOR] == "100"
    with pytest.raises(NotFound, match="yours to see"):
        export(uow, office, tmp_path / "none.json", SECRETARY)
    assert not (tmp_path / "none.json").exists()
    with uow.read() as tx:
        events = tx.all(select(EVENT).where(EVENT.c.kind == "exported").order_by(EVENT.c.seq))
        refusals = tx.all(select(EVENT).where(EVENT.c.kind == "cycle.export"))
    assert [event.actor_id for event in events] == [office.people[n] for n in (CLERK, OFFICER, PRESIDENT)]
    written = hashlib.sha256((tmp_path / "own.json").read_bytes()).hexdigest()
    assert json.loads(events[0].payload) == {"format": "json", "rows": 1, "sha256": written}
    assert len(refusals) == 1


def test_nothing_half_written_is_left_and_what_was_there_stays(
    uow: UnitOfWork, office: TinyOffice, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("of last quarter", encoding="utf-8")

    with pytest.raises(NotFound):
        export(uow, office, path, SECRETARY)
    assert path.read_text(encoding="utf-8") == "of last quarter"
    with pytest.raises(Malformed, match=r"table\.pdf does not say what form to write"):
        export(uow, office, tmp_path / "table.pdf")
    with pytest.raises(Environment, match="cannot be written") as caught:
        export(uow, office, tmp_path / "nowhere" / "table.csv")
    assert caught.value.exit_code == 6
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(Environment, match=r"folder\.csv cannot be written \(it is a folder\)"):
        export(uow, office, tmp_path / "folder.csv")
    assert sorted(found.name for found in tmp_path.iterdir() if not found.name.startswith("appraise")) == [
        "folder.csv",
        "table.csv",
    ]

    export(uow, office, path)

    assert path.read_bytes().startswith(b"\xef\xbb\xbfnumber,name,")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
