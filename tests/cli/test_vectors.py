"""The vectors of domain.md, section 4, through the command `rubric score`: ledgers as files, no database."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.app import run

DEPUTY = "deputy-security"
QUARTER = {"from": "2026-01-01", "to": "2026-03-31"}


def found(rule: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, "on": "2026-02-03", **more}


def seen(rule: str, amount: str) -> dict[str, Any]:
    return found(rule, amount=amount, reason="seen on the day")


def done(*months: str) -> list[dict[str, Any]]:
    return [{"rule": "A1.1", "month": f"2026-{month}", "coverage": "1"} for month in months]


ALL = done("01", "02", "03")
CIRCULAR = found("A1.7", key="circular 3 of 2026")
COMMENDED = found("A1.8", key="commendation 1 of 2026")
IN_FOUR = [found(rule, incident=rule) for rule in ("A1.2", "A1.3", "A1.4", "A1.5")]
IN_ONE = [found("A1.2", incident="night"), found("A1.3", incident="night"), {**CIRCULAR, "incident": "night"}]
TWICE_IN_MARCH = [{"rule": "A1.1", "month": "2026-03", "coverage": share} for share in ("0.6", "0.5")]
BY_SITE = [{"rule": "A1.1", "month": "2026-03", "sites": sites} for sites in (["north", "east"], ["south"])]


@pytest.fixture
def scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what scores a ledger by the command: exit code, parsed output, what was said on stderr."""

    def score(post: str, *words: str, rubric: str = "bank-office", **ledger: Any) -> tuple[int, Any, str]:
        file = tmp_path / "ledger.json"
        file.write_text(json.dumps({"period": QUARTER, **ledger}), encoding="utf-8")
        code = run(["rubric", "score", rubric, "--post", post, "--ledger", str(file), "--json", *words])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else None, printed.err

    return score


@pytest.mark.parametrize(
    ("name", "post", "ledger", "item", "figures", "total"),
    [
        ("s1", "director", {}, "D1", ("0", "0", "0", "10"), "100"),
        ("s2", "director", {"findings": [seen("D1.1", "4"), seen("D2.1", "7")]}, "D2", ("7", "7", "0", "23"), "89"),
        ("s4", "director", {"findings": [seen("D1.1", "3")] * 4}, "D1", ("12", "10", "0", "0"), "90"),
        ("s5", DEPUTY, {"duties": done("01", "03")}, "A1", ("10", "10", "0", "40"), "90"),
        (
            "s6", DEPUTY, {"duties": [*done("01"), {**done("03")[0], "coverage": "0.8"}]},
            "A1", ("20", "20", "0", "30"), "80",
        ),
        ("s7", DEPUTY, {"duties": ALL, "findings": [CIRCULAR] * 3}, "A1", ("30", "10", "0", "40"), "90"),
        (
            "s8", DEPUTY, {"duties": done("01", "03"), "findings": [CIRCULAR, COMMENDED]},
            "A1", ("20", "20", "10", "30"), "90",
        ),
        ("s9", DEPUTY, {"findings": [*IN_FOUR, COMMENDED]}, "A1", ("70", "50", "10", "0"), "60"),
        ("s10", DEPUTY, {"duties": ALL, "findings": [COMMENDED]}, "A1", ("0", "0", "10", "50"), "110"),
        ("s11", DEPUTY, {"duties": ALL}, "A6", ("0", "0", "0", "10"), "100"),
        (
            "s13", "personnel-officer", {"findings": [seen("P1.1", amount) for amount in ("3", "5", "4")]},
            "P1", ("12", "12", "0", "28"), "28",
        ),
        (
            "s15", DEPUTY, {"duties": [*done("01", "03"), {"rule": "A1.1", "month": "2026-02", "excused": "flood"}]},
            "A1", ("0", "0", "0", "50"), "100",
        ),
        (
            "s16", DEPUTY, {"assignment": {"from": "2026-02-16"}, "duties": done("03")},
            "A1", ("0", "0", "0", "50"), "100",
        ),
        ("s17", DEPUTY, {"duties": [*done("01", "02"), *TWICE_IN_MARCH]}, "A1", ("10", "10", "0", "40"), "90"),
        (
            "s18", DEPUTY, {"duties": [*done("01", "02"), *BY_SITE], "sites": ["north", "east", "south"]},
            "A1", ("0", "0", "0", "50"), "100",
        ),
        ("s19", DEPUTY, {"duties": ALL, "findings": IN_ONE}, "A1", ("30", "10", "0", "40"), "90"),
        ("s20", DEPUTY, {"duties": ALL, "findings": [COMMENDED] * 2}, "A1", ("0", "0", "10", "50"), "110"),
    ],
)  # fmt: skip
def test_a_vector_comes_to_its_total(  # noqa: PLR0917 - a row of the table has these
    scored: Any, name: str, post: str, ledger: dict[str, Any], item: str, figures: tuple[str, ...], total: str
) -> None:
    code, answer, said = scored(post, **ledger)
    assert (name, code, said) == (name, 0, "")
    shown = next(each for each in answer["items"] if each["id"] == item)
    assert tuple(shown[key] for key in ("recorded", "counted", "reward", "score")) == figures
    assert (answer["post"], answer["total"], answer["max"], answer["grade"]) == (post, total, "100", None)
    assert list(answer) == ["post", "total", "max", "grade", "items", "warnings", "steps"]


def test_s3_is_refused_with_3(scored: Any) -> None:
    code, answer, said = scored("director", findings=[seen("D1.1", "6")])
    assert (code, answer) == (3, None)
    assert "D1.1 takes 3 to 5 points; 6 is outside" in said


def test_s11_and_s13_warn_of_what_the_check_finds(scored: Any) -> None:
    incomplete = [(post, "sum-not-max") for post in ("personnel-officer", "clerical", "cash-driver")]
    for post, warning in ((DEPUTY, "item-without-rule"), *incomplete):
        code, answer, _ = scored(post)
        assert code == 0
        assert warning in [each["code"] for each in answer["warnings"]]
        assert all(set(each) == {"code", "where", "text"} for each in answer["warnings"])


def test_s14_leaves_months_that_are_not_over_pending(scored: Any) -> None:
    code, answer, _ = scored(DEPUTY, "--as-of", "2026-02-10", duties=done("01"))
    assert (code, answer["total"]) == (0, "100")
    assert [step["month"] for step in answer["steps"] if step["code"] == "duty-pending"] == ["2026-02", "2026-03"]


def test_s19_names_what_is_already_counted(scored: Any) -> None:
    _, answer, _ = scored(DEPUTY, duties=ALL, findings=IN_ONE)
    assert len([step for step in answer["steps"] if step["code"] == "overlap"]) == 2


def test_the_calendar_of_the_ledger_decides_which_months_were_held(scored: Any) -> None:
    """From 13 February 2026 on China works 7 of the month's 16 working days, Germany 11 of its 20."""
    held = {"assignment": {"from": "2026-02-13"}, "duties": done("03")}
    chinese = scored(DEPUTY, **held)[1]
    german = scored(DEPUTY, **held, calendar="DE")[1]
    assert (chinese["total"], german["total"]) == ("100", "90")


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ({"finding": []}, "`finding`: this key is unknown"),
        ({"findings": [{"rule": "D1.1"}]}, "`findings.1.on`: this key is missing"),
        ({"findings": [{**seen("D1.1", "4"), "amount": 4}]}, "`findings.1.amount`"),
        ({"period": {"from": "2026-03-31", "to": "2026-01-01"}}, "it ends before it begins"),
        ({"calendar": "XX"}, "There is no working calendar 'XX'"),
    ],
)
def test_a_malformed_ledger_ends_with_2(scored: Any, ledger: dict[str, Any], said: str) -> None:
    code, answer, sentence = scored("director", **ledger)
    assert (code, answer) == (2, None)
    assert said in sentence


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (seen("D1.1", "3.5"), "goes in steps of 1"),
        (found("D1.1", amount="4"), "needs a reason"),
        (seen("A2.1", "4"), "is a rule of deputy-security"),
        ({**seen("D1.1", "4"), "on": "2026-04-01"}, "after the period"),
        (found("D4.1", amount="4", reason="seen"), "name it as the key"),
    ],
)
def test_a_finding_that_a_rule_refuses_ends_with_3(scored: Any, finding: dict[str, Any], said: str) -> None:
    code, answer, sentence = scored("director", findings=[finding])
    assert (code, answer) == (3, None)
    assert said in sentence


def test_an_amount_beside_a_fixed_one_is_refused_where_it_differs(scored: Any) -> None:
    assert scored(DEPUTY, duties=ALL, findings=[found("A1.2", amount="10")])[1]["total"] == "90"
    assert scored(DEPUTY, duties=ALL, findings=[found("A1.2", amount="9")])[0] == 3


def test_an_unknown_post_ends_with_4_and_names_the_posts(scored: Any) -> None:
    code, _, said = scored("janitor")
    assert code == 4
    assert "has no post janitor" in said
    assert "cash-driver" in said
