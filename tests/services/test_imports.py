"""Importing an organisation: shown first, written whole, the same file again changes nothing."""

import datetime as dt
import functools
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog.shelf import organisation_bytes
from services import organisation_import, people
from services.access import granted_roles
from services.actors import SYSTEM, Actor
from services.audit import EVENT
from services.errors import Conflict, NotFound, Refused
from services.organisation_import import Imported, ImportRefused, Preview
from services.organisation_state import ASSIGNMENT, CONTACT, PERSON, State, snapshot
from services.unit_of_work import UnitOfWork
from services.verification import verify
from tests.services.sheets import Sheets, bank, changed, with_row, without, xlsx

BEGIN = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 3, 20, 4, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 20)
FLAT = "工号,姓名,岗位,部门,直接上级,分管领导,开始日期\n"


def take(
    uow: UnitOfWork, data: bytes | Sheets, *, actor: Actor = SYSTEM, now: dt.datetime = LATER, **more: Any
) -> Imported:
    content = data if isinstance(data, bytes) else xlsx(data)
    return organisation_import.apply(uow, actor=actor, now=now, data=content, where="bank.xlsx", **more)


def look(uow: UnitOfWork, data: bytes | Sheets, *, actor: Actor = SYSTEM, where: str = "bank.xlsx") -> Preview:
    content = data if isinstance(data, bytes) else xlsx(data)
    return organisation_import.preview(uow, actor=actor, now=LATER, data=content, where=where)


def state(uow: UnitOfWork) -> State:
    with uow.read() as tx:
        return snapshot(tx)


def values(uow: UnitOfWork, sheet: str, *key: Any) -> dict[str, Any]:
    return dict(state(uow).of(sheet)[key].values)


@pytest.fixture
def filled(uow: UnitOfWork) -> UnitOfWork:
    """The bank of seven people, imported."""
    take(uow, bank(), now=BEGIN)
    return uow


def actor(uow: UnitOfWork, number: str) -> Actor:
    return Actor(state(uow).people[number])


def test_a_preview_writes_nothing_and_lists_every_row(uow: UnitOfWork) -> None:
    shown = look(uow, bank())

    assert shown.took == "xlsx"
    assert shown.errors == ()
    assert shown.counts == {"new": 1 + 2 + 4 + 7 + 7 + 1, "changed": 0, "absent": 0}
    assert state(uow).people == {}


def test_what_is_written_is_what_the_file_says(filled: UnitOfWork) -> None:
    assert values(filled, "units", "office") == {"code": "office", "name": "办公室", "parent": "bank", "head": "1002"}
    assert values(filled, "posts", "escort")["aliases"] == ("doorman", "security personnel")
    found = values(filled, "assignments", "1004", "escort", "regular", dt.date(2019, 3, 1))
    assert (found["manager"], found["in-charge"], found["main"], found["to"]) == ("1002", "1006", True, None)
    with filled.read() as tx:
        addresses = tx.all(select(PERSON.c.number, CONTACT.c.email).join(CONTACT, CONTACT.c.person_id == PERSON.c.id))
        assert {tuple(row) for row in addresses} == {
            (number, f"p{number}@bank.example") for number in ("1001", "1002", "1003", "1004", "1006", "1007")
        }
        assert granted_roles(tx, actor(filled, "1003").person_id, TODAY) == {"hr"}


def test_the_same_file_again_changes_nothing_and_writes_no_event(filled: UnitOfWork) -> None:
    count = select(func.count()).select_from(EVENT)
    with filled.read() as tx:
        before = tx.scalar(count)

    done = take(filled, bank())

    assert (done.new, done.changed) == (0, 0)
    with filled.read() as tx:
        assert tx.scalar(count) == before


def test_leaving_ends_the_posts_and_the_end_need_not_be_typed_twice(filled: UnitOfWork) -> None:
    assert values(filled, "assignments", "1007", "escort", "regular", dt.date(2019, 3, 1))["to"] == dt.date(2026, 2, 27)


def test_every_written_row_is_vouched_for_and_a_tampered_one_is_named(filled: UnitOfWork) -> None:
    assert verify(filled).faults == ()

    with filled.write() as tx:
        tx.run(ASSIGNMENT.update().where(ASSIGNMENT.c.person_id == 4).values(manager_id=1))

    assert any("assignment" in str(fault) for fault in verify(filled).faults)


def test_a_changed_cell_is_one_change_with_its_old_and_new_value(filled: UnitOfWork) -> None:
    shown = look(filled, changed("assignments", "1005", "in-charge", "1002"))

    (change,) = shown.changes
    assert (change.kind, change.sheet, change.fields) == ("changed", "assignments", (("in-charge", "1006", "1002"),))
    assert str(change) == "changed assignments 1005 escort regular 2019-03-01 (in-charge: 1006 -> 1002)"


def test_a_column_that_the_file_lacks_is_left_alone_and_an_empty_cell_empties(filled: UnitOfWork) -> None:
    take(filled, {"people": [["number", "name"], *([row[0], row[1]] for row in bank()["people"][1:])]})
    assert values(filled, "people", "1002")["email"] == "p1002@bank.example"

    take(filled, changed("people", "1002", "email", ""))
    assert values(filled, "people", "1002")["email"] is None


def test_a_new_address_ends_the_old_one_and_a_second_change_on_that_day_corrects_it(filled: UnitOfWork) -> None:
    rows = select(CONTACT).where(CONTACT.c.person_id == actor(filled, "1002").person_id).order_by(CONTACT.c.id)

    for address in ("typo@bank.example", "dahl@bank.example"):
        take(filled, changed("people", "1002", "email", address))

    with filled.read() as tx:
        assert [(row.email, row.valid_from, row.valid_to) for row in tx.all(rows)] == [
            ("p1002@bank.example", dt.date(2026, 1, 5), dt.date(2026, 3, 19)),
            ("dahl@bank.example", TODAY, None),
        ]


def test_a_corrected_first_day_is_the_same_assignment(filled: UnitOfWork) -> None:
    before = state(filled).of("assignments")["1005", "escort", "regular", dt.date(2019, 3, 1)].id

    take(filled, changed("assignments", "1005", "from", "2020-07-01"))

    rows = [row.id for key, row in state(filled).of("assignments").items() if key[0] == "1005"]
    assert rows == [before]


def test_somebody_who_comes_back_to_a_post_has_a_second_assignment(filled: UnitOfWork) -> None:
    sheets = changed("assignments", "1005", "to", "2025-12-31")
    sheets["assignments"].append(["1005", "escort", "office", "1002", "1006", "", "", "", "2026-02-01", ""])

    done = take(filled, sheets)

    assert (done.new, done.changed) == (1, 1)


def test_nobody_leaves_because_a_file_lacks_him(filled: UnitOfWork) -> None:
    shown = look(filled, without("1005"))
    assert shown.absent == (("1005", "张伟"),)
    assert shown.counts == {"new": 0, "changed": 0, "absent": 1}

    assert take(filled, without("1005")).left == ()
    assert values(filled, "people", "1005")["left"] is None


def test_a_confirmed_leaver_leaves_with_posts_and_powers_and_is_not_asked_for_again(filled: UnitOfWork) -> None:
    last = dt.date(2026, 3, 13)
    done = take(filled, without("1003"), leavers={"1003": last})

    assert done.left == ("1003",)
    assert values(filled, "people", "1003")["left"] == last
    assert values(filled, "assignments", "1003", "personnel-officer", "regular", dt.date(2019, 3, 1))["to"] == last
    assert values(filled, "grants", "1003", "hr", None, dt.date(2025, 1, 1))["to"] == last
    assert look(filled, without("1003")).absent == ()


def test_a_leaver_of_today_is_not_asked_for_again_the_same_day(filled: UnitOfWork) -> None:
    take(filled, without("1005"), leavers={"1005": None})

    assert values(filled, "people", "1005")["left"] == TODAY
    assert look(filled, without("1005")).changes == ()


def test_only_who_is_absent_can_be_confirmed_as_a_leaver(filled: UnitOfWork) -> None:
    with pytest.raises(NotFound, match="1002 is not absent from the file"):
        take(filled, bank(), leavers={"1002": None})


def test_what_a_file_no_longer_has_of_somebody_ends_only_when_it_is_said(filled: UnitOfWork) -> None:
    sheets = bank()
    sheets["grants"] = sheets["grants"][:1]
    key = ("1003", "hr", None, dt.date(2025, 1, 1))

    take(filled, sheets)
    assert values(filled, "grants", *key)["to"] is None
    take(filled, sheets, end_absent=True)
    assert values(filled, "grants", *key)["to"] == TODAY


OWN_FILES: dict[str, Sheets] = {
    "the weight of his own post": {
        "assignments": [
            ["number", "post", "unit", "from", "weight"],
            ["1003", "personnel-officer", "office", "2019-03-01", "3"],
        ]
    },
    "his own last day": {"people": [["number", "name", "left"], ["1003", "王芳", "2026-01-31"]]},
    "the head of his own unit": {"units": [["code", "name", "head"], ["office", "Office", "1003"]]},
}


@pytest.mark.parametrize("what", OWN_FILES)
def test_who_imports_decides_nothing_of_his_own_by_a_file(filled: UnitOfWork, what: str) -> None:
    before = state(filled).rows
    with pytest.raises(ImportRefused, match="nobody may decide this for himself or a superior"):
        take(filled, OWN_FILES[what], actor=actor(filled, "1003"))
    assert state(filled).rows == before
    assert take(filled, OWN_FILES[what]).changed == 1


def test_who_imports_takes_himself_for_no_leaver(filled: UnitOfWork) -> None:
    with pytest.raises(Refused, match="would end something of your own or of a superior") as caught:
        take(filled, without("1003"), actor=actor(filled, "1003"), leavers={"1003": dt.date(2026, 1, 31)})
    assert caught.value.code == "own-or-superior"
    assert values(filled, "people", "1003")["left"] is None


def test_leaving_out_of_a_file_who_judges_him_ends_nothing_for_who_imports(filled: UnitOfWork) -> None:
    """An override or an interest that another officer recorded about HR would else end by a file of HR's own."""
    first = dt.date(2026, 1, 1)
    people.override(
        filled,
        actor=SYSTEM,
        now=LATER,
        number="1003",
        post="personnel-officer",
        role="assessor",
        holder="1001",
        first=first,
        reason="independent",
    )
    people.declare_conflict(filled, actor=SYSTEM, now=LATER, number="1002", other="1003", first=first)
    for sheet, header in (
        ("overrides", ["number", "post", "role", "holder", "from", "reason"]),
        ("conflicts", ["number", "other", "from", "reason"]),
    ):
        with pytest.raises(Refused, match="would end something of your own"):
            take(filled, {sheet: [header]}, actor=actor(filled, "1003"), end_absent=True)
        assert take(filled, {sheet: [header]}, end_absent=True).changed == 1


def test_what_was_agreed_to_is_what_is_written(filled: UnitOfWork) -> None:
    sheets = changed("people", "1006", "name", "Ana Petrova-Kim")
    agreed = look(filled, sheets).digest
    take(filled, changed("people", "1006", "name", "Anna Petrova"))

    with pytest.raises(Conflict, match="changed since"):
        take(filled, sheets, expected=agreed)

    assert values(filled, "people", "1006")["name"] == "Anna Petrova"


def test_an_error_in_the_last_row_leaves_nothing_of_the_file(uow: UnitOfWork) -> None:
    with pytest.raises(ImportRefused) as caught:
        take(uow, with_row("assignments", "1006", "astronaut", "office", "1002", "", "", "", "", "2026-01-01", ""))

    assert caught.value.exit_code == 2
    assert "sheet assignments, row 9, column post: there is no post 'astronaut'" in caught.value.sentence
    assert state(uow).people == {}


def test_importing_is_for_hr_and_the_operator(filled: UnitOfWork) -> None:
    for call in (look, take):
        with pytest.raises(Refused, match="Only somebody with the grant hr or operator"):
            call(filled, changed("people", "1006", "name", "X"), actor=actor(filled, "1004"))

    assert take(filled, changed("people", "1006", "name", "X"), actor=actor(filled, "1003")).changed == 1


@pytest.mark.parametrize(
    ("sheet", "row"),
    [
        ("grants", ["1003", "approver", "", "2026-01-01", ""]),
        ("absences", ["1003", "protected", "2026-01-01", "", ""]),
        ("conflicts", ["1002", "1003", "2026-01-01", "", ""]),
        ("overrides", ["1003", "", "assessor", "1001", "2026-01-01", "", "because"]),
        ("overrides", ["1002", "", "assessor", "1004", "2026-01-01", "", "because"]),
    ],
)
def test_hr_decides_nothing_about_himself_by_a_file(filled: UnitOfWork, sheet: str, row: list[Any]) -> None:
    header = {
        "grants": ["number", "role", "unit", "from", "to"],
        "absences": ["number", "kind", "from", "to", "reason"],
        "conflicts": ["number", "other", "from", "to", "reason"],
        "overrides": ["number", "post", "role", "holder", "from", "to", "reason"],
    }[sheet]
    sheets = bank()
    sheets[sheet] = [*sheets.get(sheet, [header]), row]

    with pytest.raises(ImportRefused) as caught:
        take(filled, sheets, actor=actor(filled, "1003"))

    assert caught.value.code == "own-or-superior"
    assert take(filled, sheets).new == 1


def test_hr_does_not_choose_his_own_superior_by_a_file(filled: UnitOfWork) -> None:
    with pytest.raises(ImportRefused) as caught:
        take(filled, changed("assignments", "1003", "in-charge", "1004"), actor=actor(filled, "1003"))

    assert caught.value.code == "own-or-superior"


def test_dated_rows_with_reasons_are_kept_and_changed(filled: UnitOfWork) -> None:
    header = ["number", "kind", "from", "to", "reason"]
    row = ["1006", "保护", "2026-02-24", "2026-07-01", "产假"]
    key = ("1006", "protected", dt.date(2026, 2, 24))
    take(filled, {"absences": [header, row]})
    assert values(filled, "absences", *key)["reason"] == "产假"

    done = take(filled, {"absences": [header, [*row[:3], "2026-08-01", ""]]})

    assert done.changed == 1
    found = values(filled, "absences", *key)
    assert (found["to"], found["reason"]) == (dt.date(2026, 8, 1), "产假")


def test_somebody_with_two_posts_has_one_main_post(filled: UnitOfWork) -> None:
    done = take(
        filled,
        with_row("assignments", "1004", "personnel-officer", "office", "1002", "1002", "", "", "0.5", "2026-01-01", ""),
    )

    assert [problem.code for problem in done.problems if "main" in problem.code] == []
    second = values(filled, "assignments", "1004", "personnel-officer", "regular", dt.date(2026, 1, 1))
    assert second["main"] is False
    assert str(second["weight"]) == "1/2"


def flat(text: str, encoding: str = "utf-8") -> bytes:
    return (FLAT + text).encode(encoding)


@pytest.mark.parametrize(
    ("encode", "took"),
    [
        (lambda text: text.encode("utf-8"), "csv, UTF-8"),
        (lambda text: text.encode("utf-8-sig"), "csv, UTF-8 with a byte order mark"),
        (lambda text: text.encode("utf-16"), "csv, UTF-16"),
        (lambda text: text.encode("utf-16-be"), "csv, UTF-16-BE"),
        (lambda text: text.encode("utf-16-le"), "csv, UTF-16-LE"),
        (lambda text: text.encode("gb18030"), "csv, GB18030"),
    ],
)
def test_people_and_assignments_come_in_one_table_in_each_encoding(filled: UnitOfWork, encode: Any, took: str) -> None:
    shown = look(filled, encode(FLAT + "1008,李娜,押运员,办公室,1002,1006,2026年3月2日\n"), where="新员工.csv")

    assert shown.took == took
    assert shown.errors == ()
    new = {change.sheet: change.after for change in shown.changes if change.kind == "new"}
    assert new["people"] is not None
    assert new["people"]["name"] == "李娜"
    assert new["assignments"] is not None
    assert (new["assignments"]["post"], new["assignments"]["from"]) == ("escort", dt.date(2026, 3, 2))


def test_two_people_of_one_name_stay_apart_by_number(filled: UnitOfWork) -> None:
    rows = "1004,张伟,escort,office,1002,1002 Henrik Dahl,2019-03-01\n1005,张伟,escort,office,1002,1006,2019-03-01\n"

    done = take(filled, flat(rows))

    assert done.changed == 1
    first = values(filled, "assignments", "1004", "escort", "regular", dt.date(2019, 3, 1))
    second = values(filled, "assignments", "1005", "escort", "regular", dt.date(2019, 3, 1))
    assert (first["in-charge"], second["in-charge"]) == ("1002", "1006")


def test_a_flat_table_of_two_posts_has_two_rows_for_one_person(filled: UnitOfWork) -> None:
    rows = "1008,李娜,escort,office,1002,1006,2026-01-01\n1008,李娜,personnel-officer,office,1002,1006,2026-01-01\n"

    done = take(filled, flat(rows))

    assert done.new == 3
    assert [problem.code for problem in done.problems] == ["main-guessed"]
    mains = [row.values["main"] for key, row in state(filled).of("assignments").items() if key[0] == "1008"]
    assert sorted(mains) == [False, True]


def test_heads_of_units_may_be_marked_in_the_flat_table(filled: UnitOfWork) -> None:
    header = "number,name,post,unit,manager,from,unit-head\n"
    row = "1003,王芳,personnel-officer,office,1002,2019-03-01,yes\n"

    take(filled, (header + row).encode())

    assert values(filled, "units", "office")["head"] == "1003"


def test_the_sample_is_imported_without_an_error_and_once(uow: UnitOfWork) -> None:
    done = take(uow, organisation_bytes("sample"), now=BEGIN)

    assert len(state(uow).people) == 36
    assert {problem.code for problem in done.problems} <= {"vacant-above", "main-guessed"}
    assert take(uow, organisation_bytes("sample")).changed == 0


def test_a_single_act_and_an_import_write_the_same_rows(filled: UnitOfWork) -> None:
    kept = functools.partial(people.grant, filled, actor=SYSTEM, now=LATER, number="1006", role="clerk")
    assert kept(first=dt.date(2026, 1, 1)) is True

    assert take(filled, with_row("grants", "1006", "clerk", "", "2026-01-01", "")).new == 0
