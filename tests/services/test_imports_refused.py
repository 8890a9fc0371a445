"""What an organisation's spreadsheet may not say: each fault with its sheet, row and column, and nothing written."""

import datetime as dt
from typing import Any

import pytest

from services import organisation_import
from services.actors import SYSTEM
from services.errors import Malformed
from services.organisation_cells import ImportProblem
from services.organisation_state import snapshot
from services.unit_of_work import UnitOfWork
from tests.services.sheets import Sheets, bank, changed, with_row, xlsx

NOW = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)


@pytest.fixture
def database() -> str:
    """Faults are found before anything is written, so one database is enough here."""
    return "sqlite"


def problems(uow: UnitOfWork, data: bytes | Sheets, where: str = "bank.xlsx") -> tuple[ImportProblem, ...]:
    content = data if isinstance(data, bytes) else xlsx(data)
    return organisation_import.preview(uow, actor=SYSTEM, now=NOW, data=content, where=where).problems


def only(uow: UnitOfWork, data: bytes | Sheets, code: str) -> ImportProblem:
    (found,) = problems(uow, data)
    assert found.code == code, str(found)
    return found


def test_the_bank_itself_has_nothing_wrong_with_it(uow: UnitOfWork) -> None:
    assert problems(uow, bank()) == ()


@pytest.mark.parametrize(
    ("sheets", "code", "said"),
    [
        (
            with_row("people", "1004", "李娜", "zh", "", "", ""),
            "number-twice",
            "row 9, column number: the employee number 1004 is there twice (also in row 5) for 张伟 and 李娜",
        ),
        (
            changed("people", "1002", "email", "dahl@bank.example\nBcc: all@bank.example"),
            "email-line-break",
            "sheet people, row 3, column email: this address has a line break in it",
        ),
        (changed("people", "1002", "email", "dahl at bank"), "bad-email", "'dahl at bank' is no e-mail address"),
        (changed("people", "1002", "email", "a@b.example, c@d.example"), "bad-email", "is no e-mail address"),
        (changed("people", "1002", "name", "Dahl\r\nHenrik"), "line-break", "write it on one line"),
        (changed("people", "1002", "name", "Dahl\u202egnuL"), "hidden-character", "type it anew"),
        (changed("people", "1002", "name", ""), "empty", "row 3, column name: name is empty"),
        (changed("people", "1002", "name", "=A1"), "formula", "formulas are not worked out"),
        (
            changed("people", "1002", "joined", "03/04/2019"),
            "bad-date",
            "'03/04/2019' is no day; write it as 2026-03-31",
        ),
        (changed("people", "1002", "joined", "2019-02-30"), "bad-date", "is no day of the calendar"),
        (changed("people", "1002", "joined", "0219-02-03"), "bad-date", "outside the years 1900 to 2200"),
        (
            changed("people", "1002", "language", "Latin"),
            "unknown-word",
            "'Latin' is not possible; write one of en, zh",
        ),
        (changed("people", "1007", "left", "2014-01-01"), "dates-reversed", "left on 2014-01-01, before joining"),
        (changed("people", "1002", "number", "10/02"), "bad-number", "'10/02' is no employee number"),
        (changed("people", "1002", "number", "Dahl"), "bad-number", "two people may share a name"),
        (
            changed("assignments", "1004", "post", "astronaut"),
            "unknown-post",
            "sheet assignments, row 5, column post: there is no post 'astronaut'; add it to the sheet posts",
        ),
        (changed("assignments", "1004", "unit", "moon"), "unknown-unit", "column unit: there is no unit 'moon'"),
        (
            changed("assignments", "1004", "manager", "4711"),
            "unknown-manager",
            "column manager: nobody has the employee number 4711",
        ),
        (changed("assignments", "1004", "in-charge", "4711"), "unknown-in-charge", "column in-charge: nobody has"),
        (changed("assignments", "1004", "manager", "1002 Karl"), "name-mismatch", "1002 is Henrik Dahl and not Karl"),
        (changed("assignments", "1004", "manager", "1004"), "own-superior", "1004 cannot be his own manager"),
        (changed("assignments", "1004", "to", "2018-01-01"), "dates-reversed", "before it begins on 2019-03-01"),
        (changed("assignments", "1004", "from", "2018-01-01"), "before-joined", "1004 joined only on 2019-03-01"),
        (changed("assignments", "1007", "to", "2026-05-01"), "after-left", "1007 left on 2026-02-27"),
        (changed("assignments", "1004", "weight", "half"), "bad-figure", "'half' is no figure"),
        (changed("assignments", "1004", "main", "perhaps"), "unknown-word", "'perhaps' is neither yes nor no"),
        (
            with_row("assignments", "1004", "escort", "office", "1002", "", "", "", "", "2026-01-01", ""),
            "overlap",
            "1004 is in the post escort already from",
        ),
        (
            changed("assignments", "1001", "manager", "1003"),
            "reporting-circle",
            "these report in a circle: 1001 高建国 -> 1003 王芳 -> 1002 Henrik Dahl -> 1001 高建国",
        ),
        (
            with_row("units", "office", "Office", "bank", "1003"),
            "two-heads",
            "sheet units, row 4, column head: the unit office has two heads",
        ),
        (changed("units", "bank", "parent", "office"), "unit-circle", "the units bank -> office -> bank lie inside"),
        (changed("units", "office", "head", "4711"), "unknown-head", "nobody has the employee number 4711"),
        (changed("units", "office", "code", "the office"), "bad-code", "'the office' is no code"),
        (changed("organisation", "A bank", "zone", "Asia/Atlantis"), "unknown-zone", "no time zone 'Asia/Atlantis'"),
        (changed("organisation", "A bank", "calendar", "XX"), "unknown-calendar", "no working calendar 'XX'"),
        (changed("organisation", "A bank", "kind", "toy"), "unknown-word", "write one of demo, practice, live"),
        (with_row("posts", "escort", "Other", "其他", ""), "row-twice", "this is there twice (also in row 5)"),
        (changed("grants", "1003", "role", "king"), "unknown-word", "'king' is not possible"),
        (changed("grants", "1003", "to", "2024-01-01"), "dates-reversed", "it ends on 2024-01-01"),
    ],
)
def test_a_fault_names_its_place_and_refuses_the_file(uow: UnitOfWork, sheets: Sheets, code: str, said: str) -> None:
    found = [problem for problem in problems(uow, sheets) if problem.severity == "error"]

    assert [problem.code for problem in found][:1] == [code], [str(problem) for problem in found]
    assert said in str(found[0])
    with pytest.raises(organisation_import.ImportRefused):
        organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(sheets), where="bank.xlsx")
    with uow.read() as tx:
        assert not any(snapshot(tx).rows.values())


def test_somebody_without_a_manager_is_a_warning_but_for_the_head_of_all(uow: UnitOfWork) -> None:
    found = only(uow, changed("assignments", "1003", "manager", ""), "no-manager")

    assert found.severity == "warning"
    assert str(found) == "sheet assignments, row 4, column manager: 1003 王芳 has no manager; name one."


def test_a_superior_who_left_is_a_vacancy_and_a_warning(uow: UnitOfWork) -> None:
    found = only(uow, changed("assignments", "1005", "in-charge", "1007"), "vacant-above")

    assert found.severity == "warning"
    assert "1007 Karl Weiss left on 2026-02-27" in found.text


def test_one_address_for_two_people_is_a_warning(uow: UnitOfWork) -> None:
    assert (
        "1001 and 1005 share this address"
        in only(uow, changed("people", "1005", "email", "P1001@bank.example"), "shared-address").text
    )


def test_somebody_without_a_post_is_a_warning(uow: UnitOfWork) -> None:
    found = only(uow, with_row("people", "1008", "李娜", "zh", "", "2026-01-01", ""), "no-assignment")

    assert found.text == "1008 has no post and will not be appraised."


def test_who_managed_his_present_manager_before_is_no_circle(uow: UnitOfWork) -> None:
    sheets = changed("assignments", "1006", "to", "2025-12-31")
    sheets["assignments"].append(["1006", "escort", "office", "1005", "1005", "", "", "", "2026-01-01", ""])
    sheets["assignments"][5][3] = "1006"
    sheets["assignments"][5][9] = "2025-12-31"
    sheets["assignments"].append(["1005", "escort", "office", "1002", "1002", "", "", "", "2026-01-01", ""])

    assert problems(uow, sheets) == ()


def test_every_error_of_the_cells_is_listed_at_once(uow: UnitOfWork) -> None:
    sheets = changed("people", "1002", "joined", "soon")
    sheets["people"][5][3] = "nowhere"

    assert [problem.code for problem in problems(uow, sheets)] == ["bad-date", "bad-email"]


def test_two_main_posts_at_one_time_are_refused(uow: UnitOfWork) -> None:
    sheets = changed("assignments", "1004", "main", "yes")
    sheets["assignments"].append(
        ["1004", "personnel-officer", "office", "1002", "", "regular", "是", "", "2026-01-01", ""]
    )

    assert "two main posts at the same time" in only(uow, sheets, "two-main").text


def test_an_override_must_be_of_a_post_the_person_has_and_not_himself(uow: UnitOfWork) -> None:
    header = ["number", "post", "role", "holder", "from", "to", "reason"]
    sheets = bank()
    sheets["overrides"] = [
        header,
        ["1004", "director", "assessor", "1003", "2026-01-01", "", "why"],
        ["1005", "", "reviewer", "1005", "2026-01-01", "", "why"],
        ["1006", "doorman", "assessor", "1003", "2026-01-01", "", "why"],
    ]

    assert [(found.row, found.code) for found in problems(uow, sheets)] == [
        (2, "no-such-assignment"),
        (3, "own-holder"),
    ]


def test_the_first_file_must_say_which_organisation_it_is(uow: UnitOfWork) -> None:
    sheets = bank()
    del sheets["organisation"]

    assert "the first file needs the sheet organisation" in only(uow, sheets, "no-organisation").text


def test_a_practice_database_does_not_become_live_by_a_file(uow: UnitOfWork) -> None:
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(bank()), where="bank.xlsx")

    found = only(uow, changed("organisation", "A bank", "kind", "live"), "kind-changed")

    assert found.text == "it is practice and stays so; use another database for live data."


def test_the_number_of_somebody_who_left_is_not_given_to_another(uow: UnitOfWork) -> None:
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(bank()), where="bank.xlsx")
    sheets = bank()
    sheets["people"][7] = ["1007", "李娜", "zh", "", "2026-03-02", ""]
    sheets["assignments"] = [row for row in sheets["assignments"] if row[0] != "1007"]

    found = [problem for problem in problems(uow, sheets) if problem.severity == "error"]

    assert [problem.code for problem in found] == ["number-reused"]
    assert "belonged to Karl Weiss, who left on 2026-02-27" in found[0].text


def test_unknown_sheets_and_columns_are_named_and_left_alone(uow: UnitOfWork) -> None:
    sheets = bank()
    sheets["salaries"] = [["number", "salary"], ["1001", "9"]]
    sheets["people"][0].append("Salary")

    found = problems(uow, sheets)

    assert [(problem.severity.value, problem.code, problem.sheet) for problem in found] == [
        ("warning", "unknown-column", "people"),
        ("warning", "unknown-sheet", "salaries"),
    ]


def test_a_missing_column_and_one_that_is_there_twice_are_errors(uow: UnitOfWork) -> None:
    sheets = bank()
    sheets["units"][0] = ["code", "title", "parent", "head"]
    sheets["people"][0][3] = "姓名"

    assert [problem.code for problem in problems(uow, sheets) if problem.severity == "error"] == [
        "missing-column",
        "column-twice",
    ]


def test_a_file_without_any_known_sheet_is_refused(uow: UnitOfWork) -> None:
    found = problems(uow, b"fruit,colour\napple,red\n", "fruit.csv")

    assert [problem.code for problem in found] == ["unknown-sheet", "nothing-known"]
    with pytest.raises(Malformed):
        organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=b"fruit,colour\napple,red\n", where="fruit.csv")


def test_one_person_with_two_names_in_the_flat_table_is_a_number_used_twice(uow: UnitOfWork) -> None:
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(bank()), where="bank.xlsx")
    text = "number,name,post,unit,from\n1008,李娜,escort,office,2026-01-05\n1008,李静,director,office,2026-01-05\n"

    found = [problem for problem in problems(uow, text.encode(), "people.csv") if problem.severity == "error"]

    assert [(problem.row, problem.code) for problem in found] == [(3, "number-twice")]


def test_two_heads_marked_in_the_flat_table_are_refused(uow: UnitOfWork) -> None:
    organisation_import.apply(uow, actor=SYSTEM, now=NOW, data=xlsx(bank()), where="bank.xlsx")
    text = (
        "number,name,post,unit,manager,from,unit-head\n"
        "1002,Henrik Dahl,director,office,1001,2019-03-01,yes\n"
        "1003,王芳,personnel-officer,办公室,1002,2019-03-01,yes\n"
    )

    found = [problem for problem in problems(uow, text.encode(), "people.csv") if problem.severity == "error"]

    assert [str(problem) for problem in found] == [
        "sheet people, row 3, column unit-head: the unit office has two heads, 1002 and 1003; keep one."
    ]


@pytest.mark.parametrize("number", [1004, 1004.0, "１００４", " 1004 "])
def test_a_number_is_the_same_however_the_office_program_wrote_it(uow: UnitOfWork, number: Any) -> None:
    sheets = changed("people", "1004", "number", number)

    assert problems(uow, sheets) == ()


def test_a_day_may_be_a_day_of_the_office_program(uow: UnitOfWork) -> None:
    for day in (dt.date(2019, 3, 1), dt.datetime(2019, 3, 1), "2019/3/1", "2019.3.1", "20190301"):  # noqa: DTZ001
        assert problems(uow, changed("people", "1002", "joined", day)) == ()


def test_a_day_where_a_name_is_needed_is_refused(uow: UnitOfWork) -> None:
    assert (
        "the day 2019-03-01 stands where a text is needed"
        in only(uow, changed("people", "1002", "name", dt.date(2019, 3, 1)), "unexpected-day").text
    )
