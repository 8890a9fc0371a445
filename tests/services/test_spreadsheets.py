"""Reading files that office programs write: form and encoding by content, formulas as formulas, limits first."""

import io
import zipfile

import pytest

from services import spreadsheets
from services.errors import Malformed
from services.spreadsheets import Formula, read
from tests.services.sheets import xlsx

CHINESE = "工号,姓名\n1004,张伟\n1005,欧阳喆\n"


@pytest.mark.parametrize(
    ("data", "took"),
    [
        (CHINESE.encode(), "csv, UTF-8"),
        (b"number,name\n1004,Zhang\n", "csv, UTF-8"),
        (CHINESE.encode("utf-8-sig"), "csv, UTF-8 with a byte order mark"),
        (CHINESE.encode("utf-16"), "csv, UTF-16"),
        (CHINESE.encode("utf-16-be"), "csv, UTF-16-BE"),
        (CHINESE.encode("utf-16-le"), "csv, UTF-16-LE"),
        (CHINESE.encode("gb18030"), "csv, GB18030"),
        (CHINESE.encode("gbk"), "csv, GB18030"),
    ],
)
def test_the_encoding_is_found_and_said(data: bytes, took: str) -> None:
    file = read(data, where="people.csv")

    assert file.took == took
    (table,) = file.tables
    assert table.lines[0].cells[0] == "1004"
    if "Zhang" not in str(table.lines):
        assert (table.header, table.lines[1].cells[1]) == (("工号", "姓名"), "欧阳喆")


@pytest.mark.parametrize(
    "data",
    [
        "number,name\n1004,Müller Jörg\n".encode("latin-1"),
        "number,name\n1004,陳志強\n1005,黃麗華\n1006,劉國榮\n".encode("big5"),
        "number,name\n1004,山田太郎さん\n1005,鈴木はなこ\n".encode("shift-jis"),
        b"number,name\n1004,\xff\xff\n",
        b"\x00\x01\x02\x00" * 20,
        CHINESE.encode("utf-16")[:-1],
        CHINESE.encode("utf-8-sig")[:-2],
    ],
    ids=["latin-1", "big5", "shift-jis", "no text", "binary", "half of utf-16", "half of utf-8"],
)
def test_another_encoding_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        read(data, where="people.csv")

    assert caught.value.code == "unknown-encoding"
    assert caught.value.sentence.startswith("people.csv ")
    assert "CSV UTF-8" in caught.value.sentence


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_that_of_the_first_line(delimiter: str) -> None:
    text = delimiter.join(("number", "name", "post")) + "\n" + delimiter.join(("1004", "Zhang, Wei", "escort")) + "\n"
    data = text.replace("Zhang, Wei", '"Zhang, Wei"').encode()

    assert read(data, where="people.csv").tables[0].lines[0].cells == ("1004", "Zhang, Wei", "escort")


def test_rows_have_the_number_of_the_line_they_begin_on_and_comments_are_left_out() -> None:
    text = 'number,name\n# 1001,example\n\n1004,"Zhang\nWei"\n1005,Li\n'

    lines = read(text.encode(), where="people.csv").tables[0].lines

    assert [(line.number, line.cells[1]) for line in lines] == [(4, "Zhang\nWei"), (6, "Li")]


def test_a_formula_is_handed_on_as_one_and_never_worked_out() -> None:
    sheets = {"people": [["number", "name"], ["1004", "=1+1"]]}

    for data in (xlsx(sheets), b"number,name\n1004,=1+1\n"):
        assert read(data, where="people").tables[0].lines[0].cells[1] == Formula("=1+1")


def test_a_broken_quotation_is_named_with_its_line() -> None:
    with pytest.raises(Malformed, match=r"people\.csv, line 2: .*check the quotation marks"):
        read(b'number,name\n1004,"Zhang" Wei\n', where="people.csv")


@pytest.mark.parametrize("cut", [30, 400, -40])
def test_a_damaged_workbook_is_refused_in_a_sentence(cut: int) -> None:
    data = xlsx({"people": [["number", "name"], ["1004", "Zhang"]]})

    with pytest.raises(Malformed, match=r"save it again as \.xlsx"):
        read(data[:cut], where="people.xlsx")


def test_a_zip_file_that_is_no_workbook_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("letter.txt", "hello")

    with pytest.raises(Malformed, match="no readable xlsx file"):
        read(packed.getvalue(), where="people.xlsx")


def test_an_old_or_locked_workbook_is_refused() -> None:
    with pytest.raises(Malformed, match=r"old \.xls file or is locked"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, where="people.xls")


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as part:
        for _ in range(spreadsheets.MAX_UNPACKED // 1_000_000 + 1):
            part.write(b"\0" * 1_000_000)

    with pytest.raises(Malformed, match="unpacks to more than"):
        read(packed.getvalue(), where="people.xlsx")


def test_a_table_of_too_many_rows_is_refused() -> None:
    with pytest.raises(Malformed, match="has more than 200000 rows"):
        read(b"number\n" + b"1\n" * (spreadsheets.MAX_ROWS + 1), where="people.csv")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(Malformed, match="larger than 50 MB"):
        read(b"x" * (spreadsheets.MAX_BYTES + 1), where="people.csv")


def test_an_empty_file_has_no_rows() -> None:
    (table,) = read(b"", where="people.csv").tables

    assert (table.header, table.lines) == ((), ())
