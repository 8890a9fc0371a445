"""The first quarter of 2026, its Chinese working days, and ledgers in it."""

import datetime as dt
from functools import lru_cache
from pathlib import Path
from typing import Any

import holidays

from scoring.ledger import Ledger
from scoring.ledger_json import ledger_from_json
from scoring.rubric import Rubric, load_rubric

PERIOD = {"from": "2026-01-01", "to": "2026-03-31"}
FAITHFUL = (Path(__file__).parents[2] / "catalog" / "rubrics" / "bank-office.toml").read_text(encoding="utf-8")
RICH = (Path(__file__).parent / "rich.toml").read_text(encoding="utf-8")


@lru_cache
def rubric(text: str = FAITHFUL) -> Rubric:
    return load_rubric(text, where="rubric.toml")


@lru_cache
def working_days(first: dt.date, last: dt.date, calendar: str | None = None) -> frozenset[dt.date]:
    public = holidays.country_holidays(calendar or "CN", years=range(first.year, last.year + 1))
    days = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return frozenset(day for day in days if public.is_working_day(day))


def ledger(**content: Any) -> Ledger:
    return ledger_from_json({"period": PERIOD, **content}, working_days=working_days)


def finding(rule: str, amount: str | None = None, on: str = "2026-02-03", **more: Any) -> dict[str, Any]:
    written = {"rule": rule, "on": on, "reason": "seen", **more}
    return written if amount is None else {**written, "amount": amount}


def inspected(*months: str, **more: Any) -> list[dict[str, Any]]:
    return [{"rule": "A1.1", "month": f"2026-{month}", "coverage": "1", **more} for month in months]
