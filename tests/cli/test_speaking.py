"""`APPRAISE_LANGUAGE=zh`: what the terminal says, refuses and finds is Chinese; JSON stays English."""

from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.services.builders import ESCORT
from tests.services.test_verification import tamper

HR = ("--as", "1007")


@pytest.fixture(autouse=True)
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_LANGUAGE", "zh")


def test_a_refusal_of_a_service(quarter: Terminal) -> None:
    ran = quarter("cycle", "status", "2030Q4", *HR)
    assert (ran.code, ran.err) == (4, "没有考核周期2030Q4；可用 `appraise cycle list` 列出。\n")


def test_a_refusal_before_any_setting_was_read(nothing: Terminal) -> None:
    ran = nothing("act", "submit", at=None)
    assert (ran.code, ran.err) == (2, "请在操作之前写明考核表：appraise act 2026Q1/1007 submit。\n")


def test_a_wrong_command_line(nothing: Terminal) -> None:
    ran = nothing("cycle", "status", "2026Q1", "--nonsense", at=None)
    assert (ran.code, ran.err) == (2, "没有选项 --nonsense。参见 'appraise cycle status --help'。\n")


def test_a_setting_that_cannot_be_used_is_told_in_english(nothing: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_LANGUAGE", "de")
    assert nothing("cycle", "list", at=None).err.startswith("APPRAISE_LANGUAGE is 'de': it must be en or zh")


def test_a_file_that_cannot_be_imported_names_the_places(office: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("number,name,post,unit,from\n1009,Somebody Else,escort,nowhere,2026-13-01\n", encoding="utf-8")
    ran = office("org", "import", str(file), "--yes", *HR)
    assert ran.code == 2
    first, *places = ran.err.splitlines()
    assert first.startswith(f"{file} 有")
    assert first.endswith("，没有写入任何内容：")
    assert places
    assert all(line.startswith("  表 ") and line.endswith("。") for line in places), places


def test_the_problems_of_a_roster(office: Terminal) -> None:
    office.ok("cycle", "new", "2026Q1", "--rubric", "bank-office-completed", *HR)
    ran = office.ok("cycle", "open", "2026Q1", "--dry-run", "--leave-out", f"{ESCORT}=on loan", *HR)
    assert f"  不纳入：{ESCORT}，理由：on loan" in ran.out
    assert "2026Q1的参评名册：" in ran.out
    json = office.ok("cycle", "open", "2026Q1", "--dry-run", *HR, "--json").json
    assert all(problem["text"].isascii() for problem in json["problems"])


def test_the_audit(quarter: Terminal) -> None:
    ran = quarter.ok("audit", "verify")
    assert ran.out.splitlines()[-1] == "没有任何内容被改动。"
    assert ran.out.startswith("已检查")
    with quarter.opened() as wiring:
        tamper(wiring.uow, "UPDATE event SET payload = '{}' WHERE stream = 'org' AND seq = 1")
    ran = quarter("audit", "verify")
    assert ran.code == 1
    assert "事件 org #1：它的内容与写入时不一致。" in ran.out
    assert ran.err.startswith("审计核验发现")


def test_the_doctor(quarter: Terminal) -> None:
    ran = quarter("doctor", at=None)
    lines = [line for line in ran.out.splitlines() if line]
    assert any(line.startswith("正常") and "所有设置均可使用" in line for line in lines)
    unsaid = [line for line in lines if not any("\u4e00" <= letter <= "\u9fff" for letter in line)]
    assert unsaid == []
    assert all(one["says"].isascii() for one in quarter("doctor", "--json", at=None).json)
