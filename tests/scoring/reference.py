"""A second opinion: the arithmetic of a score on one page, from the TOML and the JSON themselves, in fractions."""

import calendar
import datetime as dt
import tomllib
from fractions import Fraction
from math import floor
from typing import Any

Part = dict[str, Any]
FAR = Fraction(10**9)


def rounded(value: Fraction, rule: Part) -> Fraction:
    scale = 10 ** rule["digits"]
    low = floor(value * scale)
    rest = value * scale - low - Fraction(1, 2)
    return Fraction(low + (rest > 0 or (rest == 0 and (rule["mode"] == "half-up" or low % 2))), scale)


def missed(rule: Part, book: Part, s: Part, days: frozenset[dt.date], as_of: str) -> list[str]:
    held, months = book.get("assignment", {}), []
    for month in sorted({day.isoformat()[:7] for day in days}):
        every = [day.isoformat() for day in days if day.isoformat()[:7] == month]
        mine = [day for day in every if held.get("from", "") <= day <= held.get("to", "9999")]
        need = {"more-than-half": 2 * len(mine) > len(every), "any-day": bool(mine), "whole": mine == every}
        last = f"{month}-{calendar.monthrange(int(month[:4]), int(month[5:]))[1]}"
        rows = [d for d in book.get("duties", []) if d["month"] == month and not d.get("voided")]
        sites = {site for site in book.get("sites", []) if month not in book.get("closed", {}).get(site, [])}
        seen = {site for row in rows for site in row.get("sites", [])} & sites
        shares = [Fraction(row["coverage"]) for row in rows if "coverage" in row and not row.get("sites")]
        by_site = Fraction(len(seen), len(sites)) if sites else Fraction(1 if book.get("sites") else 0)
        done = by_site + sum(shares) if s["duty-within-month"] == "sum" else max([by_site, *shares])
        excused = any(row.get("excused") for row in rows)
        asked = Fraction(rule["duty"].get("minimum-coverage", s["duty-minimum-coverage"]))
        if need[s["duty-months"]] and last <= as_of and done < asked and not excused:
            months.append(month)
    return months


def lines_of(rule: Part, order: int, book: Part, *, s: Part, days: frozenset[dt.date], as_of: str) -> list[Part]:
    lines = []
    for f in book.get("findings", []):
        counted = f["on"] if f["on"] >= book["period"]["from"] else f["known"]
        if f["rule"] == rule["id"] and not f.get("voided") and counted <= as_of:
            amount = f["amount"] if rule["kind"] == "range" else Fraction(rule["amount"]) * Fraction(f.get("units", 1))
            lines.append(
                {"first": Fraction(amount), "on": f["on"], "key": f.get("key", ""), "then": f.get("revisions")}
            )
            lines[-1]["incident"] = f.get("incident")
    for month in missed(rule, book, s, days, as_of) if "duty" in rule else []:
        then = [r for d in book.get("duties", []) if d["month"] == month for r in d.get("revisions", [])]
        lines.append({"first": Fraction(rule["amount"]), "on": month, "key": "", "then": then, "incident": None})
    for line in lines:
        line |= {"rule": rule["id"], "order": order, "award": rule.get("award", False), "a": line["first"]}
        for r in line["then"] or []:
            line["a"] = {"keep": line["a"], "strike": Fraction(0)}.get(r["kind"], Fraction(r.get("amount", 0)))
    return lines


def recur(lines: list[Part], how: Part, s: Part) -> list[Part]:
    by_day = sorted(lines, key=lambda x: (x["on"], x["key"], x["incident"] or "", -x["a"]))
    ranked = by_day if s["same-key"] == "first" else sorted(by_day, key=lambda x: -x["a"])
    if how["kind"] == "once-per-key":
        return [x for n, x in enumerate(ranked) if x["key"] not in [y["key"] for y in ranked[:n]]]
    if how["kind"] in {"once-per-period", "at-most"}:
        return ranked[: how.get("times", 1)]
    factor, before = 1, None
    for line in sorted(by_day, key=lambda x: (x["on"], -x["a"])) if how["kind"] == "escalating" else []:
        day = dt.date.fromisoformat(line["on"])
        factor = factor * 2 if before and (day - before).days <= how["window-days"] else 1
        line["a"], before = line["a"] * factor, day
    return by_day


def overlap(lines: list[Part], s: Part) -> list[Part]:
    if s["overlap"] == "sum":
        return lines
    early = s["overlap-tie"] == "earliest"
    ranked = sorted(lines, key=lambda x: (-x["a"], x["on"] if early else "", x["order"], x["on"], x["key"]))
    kept: dict[Any, Part] = {}
    for n, line in enumerate(ranked):
        kept.setdefault(n if line["award"] or line["incident"] is None else line["incident"], line)
    return list(kept.values())


def item_figures(item: Part, book: Part, s: Part, days: frozenset[dt.date], as_of: str) -> tuple[Fraction, ...]:
    rules, live, recorded = item.get("rules", []), [], Fraction(0)
    for order, rule in enumerate(rules):
        lines = lines_of(rule, order, book, s=s, days=days, as_of=as_of)
        recorded += sum(line["first"] for line in lines if not line["award"])
        live += recur([line for line in lines if line["a"]], rule.get("recurrence", {"kind": "each"}), s)
    live, sums = overlap(live, s), {True: Fraction(0), False: Fraction(0)}
    for rule in rules:
        amount = sum((line["a"] for line in live if line["rule"] == rule["id"]), Fraction(0))
        clamped = max(min(amount, Fraction(rule.get("ceiling", FAR))), Fraction(rule.get("floor", 0)))
        sums[rule.get("award", False)] += clamped if amount else 0
    counted, reward, points = sums[False], sums[True], Fraction(item["points"])
    least = item.get("floor", "0" if s["floor"] == "zero" else "none")
    if least != "none":
        counted = min(counted, points - Fraction(least) + (reward if s["reward-order"] == "before-floor" else 0))
    counted = rounded(counted, s["rounding"]["item"])
    reward = min(reward, max(Fraction(0), Fraction(item.get("ceiling", FAR)) - points + counted))
    return rounded(recorded, s["rounding"]["item"]), counted, rounded(reward, s["rounding"]["item"])


def reference(
    toml: str, post_id: str, book: Part, days: frozenset[dt.date], as_of: str | None = None
) -> tuple[Fraction, dict[str, tuple[Fraction, ...]]]:
    """The total, and of each item what was recorded, counted and given as a reward."""
    rubric = tomllib.loads(toml)
    s, post = rubric["settings"], next(p for p in rubric["posts"] if p["id"] == post_id)
    figures = {i["id"]: item_figures(i, book, s, days, as_of or book["period"]["to"]) for i in post.get("items", [])}
    worth = {i["id"]: Fraction(i["points"]) - figures[i["id"]][1] + figures[i["id"]][2] for i in post.get("items", [])}
    total = sum(worth.values(), Fraction(0))
    for group in post.get("groups", []):
        value = sum(worth[name] for name in group["items"])
        total += max(min(value, Fraction(group.get("ceiling", FAR))), Fraction(group.get("floor", -FAR))) - value
    ceiling = FAR if s["total-ceiling"] == "none" else Fraction(s["total-ceiling"])
    return rounded(min(total, ceiling), s["rounding"]["total"]), figures
