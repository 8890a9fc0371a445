"""`appraise org` and `appraise token`: template, import with its questions, who is who, and the first day for real."""

import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from catalog.shelf import organisation_bytes
from cli.app import run
from cli.organisation import group
from services.organisation_rows import read_rows
from services.organisation_template import template
from services.spreadsheets import read
from tests.cli.conftest import Ran, Terminal

AT = "2026-03-20T09:00"
HEAD = "number,name,post,unit,manager,from\n"


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let somebody at the terminal type these lines."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))


def sample(folder: Path, **cells: Any) -> str:
    """Write the sample organisation as xlsx, with the cells of its one row of `organisation` changed by column."""
    book = load_workbook(io.BytesIO(organisation_bytes("sample")))
    page = next(sheet for sheet in book.worksheets if sheet.title.startswith("organisation"))
    names = [str(cell.value).split()[0] for cell in page[1]]
    (row,) = [line for line in page.iter_rows(min_row=2) if line[0].value and not str(line[0].value).startswith("#")]
    for name, value in cells.items():
        row[names.index(name)].value = value
    file = folder / "bank.xlsx"
    book.save(file)
    return str(file)


@pytest.fixture
def bank(nothing: Terminal, tmp_path: Path) -> Terminal:
    """The terminal on the sample organisation."""
    nothing.ok("org", "import", sample(tmp_path), "--yes", at=None)
    return nothing


def rows_of(bank: Terminal) -> list[str]:
    """Who is in a post today."""
    return [place["number"] for place in bank.ok("org", "show", "--as", "1001", "--json", at=AT).json["places"]]


def test_the_empty_template_is_read_without_a_problem_and_holds_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new.xlsx"
    assert run(["org", "template", "--to", str(file)]) == 0
    reading = read_rows(read(file.read_bytes(), where="new.xlsx"))
    assert (reading.problems, reading.of("people")) == ([], [])
    assert file.read_bytes()[:4] == b"PK\x03\x04"
    assert run(["org", "template", "--to", str(file)]) == 2
    assert "is there already and is not overwritten" in capsys.readouterr().err


def test_the_template_explains_every_sheet_in_both_languages() -> None:
    book = load_workbook(io.BytesIO(template()))
    assert book.sheetnames[0] == "about"
    said = {cell for row in book["about"].iter_rows(values_only=True) for cell in row}
    for sheet in book.worksheets[1:]:
        assert any(str(cell).startswith(f"{sheet.title} ") for cell in said)
        assert {cell.value for cell in sheet[1]} <= said


def test_the_sample_is_the_one_that_ships(tmp_path: Path) -> None:
    file = tmp_path / "sample.xlsx"
    assert run(["org", "template", "--sample", "--to", str(file)]) == 0
    assert file.read_bytes() == organisation_bytes("sample")


def test_the_first_import_says_how_it_read_and_what_is_new(nothing: Terminal, tmp_path: Path) -> None:
    file = sample(tmp_path)
    shown = nothing.ok("org", "import", file, "--dry-run", at=None)
    assert f"{file} was read as xlsx.\n" in shown.out
    assert "new people: 36\n" in shown.out
    assert (
        "Look at the names: 1001 林国栋, 1002 Margaret Shaw, 1003 赵文清, 1004 Henrik Dahl, 1005 陈志强 ...\n"
        in shown.out
    )
    assert nothing("org", "show", "--as", "1001", at=None).code == 4
    assert "Written: rows that are new" in nothing.ok("org", "import", file, "--yes", at=None).out
    assert nothing.ok("org", "import", file, "--as", "1007", at=None).out.endswith("Nothing would change.\n")


@pytest.mark.parametrize(
    ("codec", "mark", "said"),
    [
        ("utf-8", b"", "csv, UTF-8."),
        ("utf-8", b"\xef\xbb\xbf", "csv, UTF-8 with a byte order mark."),
        ("utf-16", b"", "csv, UTF-16."),
        ("gb18030", b"", "csv, GB18030."),
    ],
)
def test_an_import_says_which_encoding_it_took(
    bank: Terminal, tmp_path: Path, codec: str, mark: bytes, said: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(mark + (HEAD + "1099,测试人员,clerical,office,1004,2026-01-05\n").encode(codec))
    shown = bank.ok("org", "import", str(file), "--dry-run", "--as", "1007", at=AT).out
    assert f"was read as {said}\n" in shown
    assert "new people: 1\n" in shown
    assert "Look at the names: 1099 测试人员\n" in shown


def test_no_known_encoding_and_errors_end_with_2_and_write_nothing(bank: Terminal, tmp_path: Path) -> None:
    before = rows_of(bank)
    file = tmp_path / "people.csv"
    file.write_bytes(b"number,name\n1099,\x80\xff\xfe\x81\n")
    unknown = bank("org", "import", str(file), "--yes", "--as", "1007", at=AT)
    assert (unknown.code, unknown.out) == (2, "")
    assert "is in no encoding we know (UTF-8, UTF-16, GB18030)" in unknown.err
    file.write_text(HEAD + "1099,Ann,clerical,office,4711,2026-01-05\n", encoding="utf-8")
    refused = bank("org", "import", str(file), "--yes", "--as", "1007", at=AT)
    assert (refused.code, refused.out) == (2, "")
    assert "row 2, column manager: nobody has the employee number 4711" in refused.err
    assert rows_of(bank) == before


def without(folder: Path, number: str) -> str:
    """Write the sample organisation without one person."""
    book = load_workbook(io.BytesIO(organisation_bytes("sample")))
    left = Workbook()
    left.remove(left.worksheets[0])
    for sheet in book.worksheets:
        page = left.create_sheet(sheet.title)
        for row in sheet.iter_rows(values_only=True):
            if str(row[0]).split(" ")[0] != number or sheet.title in {"about", "organisation"}:
                page.append(row)
    file = folder / "fewer.xlsx"
    left.save(file)
    return str(file)


def imported(bank: Terminal, file: str, *words: str) -> Ran:
    """Import as HR."""
    return bank("org", "import", file, "--as", "1007", *words, at=AT)


def test_an_absent_person_is_asked_for_and_stays_without_a_yes(
    bank: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = without(tmp_path, "1036")
    assert "1036" in rows_of(bank)
    answering(monkeypatch, "n")
    asked = imported(bank, file)
    assert asked.code == 0
    assert "1036 Mia Holm is not in the file. Left?" in asked.err
    stays = imported(bank, file, "--yes")
    assert stays.code == 0
    assert "Not in the file, and they stay: 1036." in stays.out
    assert "1036" in rows_of(bank)


def test_nothing_is_written_where_the_answer_is_no_or_missing(
    bank: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = without(tmp_path, "1036")
    answering(monkeypatch, "y", "n")
    refused = imported(bank, file)
    assert refused.out.endswith("Nothing was written.\n")
    answering(monkeypatch)
    silent = imported(bank, file)
    assert silent.code == 2
    assert silent.err.endswith("Nobody answered and nothing was written: add --yes to do it unasked.\n")
    assert "1036" in rows_of(bank)


def test_a_program_is_not_asked_but_told_to_agree_beforehand(nothing: Terminal, tmp_path: Path) -> None:
    program = nothing("org", "import", sample(tmp_path), "--json", at=None)
    assert (program.code, program.out) == (2, "")
    assert program.err.startswith("With --json nobody can be asked and nothing was written: add --yes")
    assert nothing("work", "--as", "1007", at=None).code == 4


def test_a_leaver_leaves_when_it_is_said(bank: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = without(tmp_path, "1036")
    answering(monkeypatch, "y", "y")
    left = imported(bank, file)
    assert left.code == 0
    assert left.out.endswith("Taken for leavers: 1036.\n")
    shown = bank.ok("org", "show", "--person", "1036", "--as", "1007", "--json", at=AT).json
    assert shown["left"] is not None
    assert shown["assignments"][0]["to"] == shown["left"]


def test_a_leaver_can_be_named_with_the_last_day(bank: Terminal, tmp_path: Path) -> None:
    file = without(tmp_path, "1036")
    done = imported(bank, file, "--yes", "--leaver", "1036=2026-03-31", "--json")
    assert (done.code, done.json["left"]) == (0, ["1036"])
    shown = bank.ok("org", "show", "--person", "1036", "--as", "1007", "--json", at=AT).json
    assert shown["left"] == "2026-03-31"
    unknown = imported(bank, file, "--yes", "--leaver", "1001=2026-03-31")
    assert unknown.code == 4
    assert "1001 is not absent from the file" in unknown.err


def test_who_is_who_is_for_all_and_the_rest_for_hr_and_oneself(bank: Terminal) -> None:
    whole = bank.ok("org", "show", "--as", "1015", at=AT).out
    assert "湖滨银行" in whole
    assert "王芳" in whole
    office = bank.ok("org", "show", "--unit", "office", "--as", "1015", "--json", at=AT).json
    assert {place["unit"] for place in office["places"]} == {"office"}
    colleague = bank.ok("org", "show", "--person", "1029", "--as", "1015", "--json", at=AT).json
    assert {"email", "absences", "grants", "overrides"}.isdisjoint(colleague)
    for number in ("1029", "1007"):
        shown = bank.ok("org", "show", "--person", "1029", "--as", number, "--json", at=AT).json
        assert shown["absences"][0]["kind"] == "protected"
        assert "reason" not in shown["absences"][0]
    assert bank("org", "show", "--unit", "moon", "--as", "1001", at=None).code == 4
    assert bank("org", "show", "--person", "4711", "--as", "1001", at=None).code == 4


def test_a_real_organisation_begins_with_an_import_and_a_token(
    nothing: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The road of docs/how-to/start-for-real.md."""
    nothing.ok("org", "import", sample(tmp_path, kind="live"), "--yes", at=None)
    refused = nothing("rubric", "publish", "bank-office", "--as", "1007", at=None)
    assert refused.code == 3
    assert "This is real data, so a command needs a token" in refused.err
    secret = nothing.ok("token", "new", "1007", "--days", "90", at=None).out.strip()
    assert len(secret) >= 40
    monkeypatch.setenv("APPRAISE_TOKEN", secret)
    nothing.ok("rubric", "publish", "bank-office-completed", at=None)
    nothing.ok("workflow", "publish", "quarterly", at=None)
    other = nothing("org", "show", "--as", "1001", at=None)
    assert other.code == 3
    assert "Your token is not that of 1001" in other.err
    assert nothing.ok("token", "revoke", "1007", at=None).out == "Tokens of 1007 that are ended: 1.\n"
    ended = nothing("rubric", "publish", "bank-office", at=None)
    assert ended.code == 3
    assert "This token is not valid" in ended.err


def test_the_secret_of_a_token_is_not_kept(nothing: Terminal, tmp_path: Path) -> None:
    nothing.ok("org", "import", sample(tmp_path, kind="live"), "--yes", at=None)
    secret = nothing.ok("token", "new", "1007", "--json", at=None).json["token"]
    assert secret.encode() not in (nothing.folder / "appraise.sqlite3").read_bytes()
    unknown = nothing("token", "new", "4711", at=None)
    assert (unknown.code, unknown.err) == (4, "Nobody has the employee number 4711.\n")


@pytest.mark.parametrize(
    "command", [None, *(each.name or each.callback.__name__ for each in group.registered_commands)]
)
def test_every_command_shows_an_example(capsys: pytest.CaptureFixture[str], command: str | None) -> None:
    assert run(["org", *([command] if command else []), "--help"]) == 0
    assert "Example: appraise org" in capsys.readouterr().out
