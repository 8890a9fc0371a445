"""The floors of what only reads: proving ledgers and verifying the audit. Nothing of the product is imported."""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from benchmarks.bulk_floors import Bulk, Plan

_SCORED = """
SELECT a.id, a.assignment_id, p.code, s.id, s.ledger_digest, s.total, s.maximum, s.grade, g.valid_from
FROM appraisal a JOIN assignment g ON g.id = a.assignment_id JOIN post p ON p.id = g.post_id
JOIN score s ON s.id = a.score_id
WHERE a.cycle_id = %(cycle)s AND a.id BETWEEN %(first)s AND %(last)s
ORDER BY a.id"""
_FINDINGS = """
SELECT a.id, f.id, f.rule, f.happened, f.known, f.counted_on, f.amount, f.units, f.reason_id
FROM appraisal a JOIN finding f ON f.assignment_id = a.assignment_id
WHERE a.cycle_id = %(cycle)s AND a.id BETWEEN %(first)s AND %(last)s
  AND f.counted_on BETWEEN %(from)s AND %(to)s
ORDER BY f.id"""
_DUTIES = """
SELECT a.id, d.rule, d.month, d.coverage
FROM appraisal a JOIN duty_record d ON d.assignment_id = a.assignment_id
WHERE a.cycle_id = %(cycle)s AND a.id BETWEEN %(first)s AND %(last)s
  AND d.month BETWEEN %(from_month)s AND %(to_month)s AND d.kind = 'done'
ORDER BY d.id"""
_ITEMS = """
SELECT a.id, i.item, i.points, i.recorded, i.counted, i.reward, i.score
FROM appraisal a JOIN score_item i ON i.score_id = a.score_id
WHERE a.cycle_id = %(cycle)s AND a.id BETWEEN %(first)s AND %(last)s"""
_MILLION = 1_000_000
_NOTHING = Fraction(0)
_WRITTEN = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode


def proving(url: str, plan: Plan) -> Iterator[Any]:
    """Work out each ledger of each range by hand, in exact fractions, and compare it with what is stored.

    The rules here are those that the prepared findings are of: every finding counts, an item has no less than nothing,
    a month without its inspection costs what the rule says, figures are rounded to two digits. Returns how many were
    proved and how many differ.
    """
    bulk = Bulk(url)
    months = plan["months"]
    fixed = {name: plan[name] for name in ("cycle", "from", "to")}
    fixed |= {"from_month": months[0], "to_month": months[-1]}

    def chunk(first: int, last: int) -> tuple[int, int]:
        here = {**fixed, "first": first, "last": last}
        bulk.begin()
        scored = bulk.all(_SCORED, here)
        findings, duties, items = (_grouped(bulk.all(statement, here)) for statement in (_FINDINGS, _DUTIES, _ITEMS))
        bulk.commit()
        wrong = 0
        for appraisal, _, post, _, *stored, since in scored:
            found, done = findings.get(appraisal, ()), duties.get(appraisal, ())
            total, grade, made = _by_hand(plan, post, found, done)
            now = [_digest(plan, post, since, found, done), total, plan["maximum"], grade]
            wrong += now != stored or made != {item: tuple(figures) for _, item, *figures in items[appraisal]}
        return len(scored), wrong

    for first, last in plan["ranges"]:
        yield partial(chunk, first, last)
    bulk.close()


def _grouped(rows: list[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _by_hand(plan: Plan, post: str, findings: Any, duties: Any) -> tuple[int, Any, dict[str, Any]]:
    rules, points = plan["rules"][post], plan["items"][post]
    lost: dict[str, Fraction] = {}
    for _, _, rule, _, _, _, amount, units, _ in findings:
        item, fixed = rules[rule]
        if amount is not None:
            fixed = Fraction(amount, _MILLION)
        elif units is not None:
            fixed *= Fraction(units, _MILLION)
        lost[item] = lost.get(item, _NOTHING) + fixed
    for rule, (item, fixed) in plan["duties"][post].items():
        done = {month for _, of_rule, month, coverage in duties if of_rule == rule and coverage >= _MILLION}
        lost[item] = lost.get(item, _NOTHING) + fixed * sum(month not in done for month in plan["months"])
    made = dict(plan["untouched"][post])
    total = plan["points"][post]
    for item, recorded in lost.items():
        counted = _rounded(min(recorded, points[item]))
        made[item] = tuple(map(_stored, (points[item], _rounded(recorded), counted, _NOTHING, points[item] - counted)))
        total -= counted
    total = _rounded(total)
    return _stored(total), next((label for label, least in plan["bands"] if total >= least), None), made


def _rounded(figure: Fraction) -> Fraction:
    """Round to two digits, ties away from zero."""
    whole, rest = divmod(figure.numerator * 100, figure.denominator)
    return Fraction(whole + (2 * rest >= figure.denominator), 100)


def _stored(figure: Fraction) -> int:
    return figure.numerator * _MILLION // figure.denominator


def _digest(plan: Plan, post: str, since: Any, findings: Any, duties: Any) -> str:
    content = {
        "period": [plan["from"], plan["to"]],
        "assignment": [since, None],
        "post": post,
        "working-days": plan["days"],
        "sites": [],
        "closed": {},
        "findings": sorted(_WRITTEN(_finding(*row)) for row in findings),
        "duties": sorted(_WRITTEN(_duty(*row)) for row in duties),
        "duty-revisions": [],
    }
    return hashlib.sha256(_WRITTEN(content).encode()).hexdigest()


def _finding(*row: Any) -> dict[str, Any]:
    _, number, rule, happened, known, counted_on, amount, units, reason = row
    return {
        "id": f"F{number}",
        "rule": rule,
        "happened": happened,
        "known": known,
        "counted-on": counted_on,
        "amount": None if amount is None else str(amount // _MILLION),
        "units": None if units is None else str(units // _MILLION),
        "key": None,
        "incident": None,
        "reason": reason is not None,
        "sub-reasons": [],
        "voided": False,
        "replaces": None,
        "revision": [],
    }


def _duty(_: int, rule: str, month: str, coverage: int) -> dict[str, Any]:
    share = str(coverage // _MILLION)
    return {"rule": rule, "month": month, "coverage": share, "sites": [], "excused": False, "voided": False}


_EVENTS = """
SELECT stream, seq, kind, actor_id, on_behalf_of, at, payload, prev, mac FROM event ORDER BY stream, seq"""
_MOVES = """
SELECT m.appraisal_id, m.seq, m.workflow_id, m.action, m.from_stage, m.to_stage, m.round, m.role, m.actor_id,
       m.on_behalf_of, m.at, m.comment_id, m.score_id, m.payload, m.prev, m.mac
FROM move m ORDER BY m.appraisal_id, m.seq"""
_TEXTS = "SELECT salt, body, digest FROM text_body ORDER BY id"
VOUCHED = (
    "appraisal",
    "assignment",
    "cycle",
    "definition",
    "duty_record",
    "finding",
    "party",
    "person",
    "roster",
    "score",
    "score_item",
    "sheet",
    "unit",
)
"""Tables whose rows the chains vouch for: they are read, and nothing is compared."""


def verifying(url: str, plan: Plan) -> Iterator[Any]:
    """Read every row of the chains and key it anew in a plain loop, and read every row that they vouch for."""
    bulk = Bulk(url)
    key = plan["key"]
    say = str if bulk.sqlite else _stamp

    def mac(prev: str, fields: Mapping[str, Any]) -> str:
        return hmac.digest(key, prev.encode() + _WRITTEN(fields).encode(), "sha256").hex()

    def verify() -> tuple[int, int, int, int]:
        events = moves = texts = wrong = 0
        bulk.begin()
        for stream, seq, kind, actor, for_, at, payload, prev, was in bulk.stream(_EVENTS):
            fields = {"stream": stream, "seq": seq, "kind": kind, "actor": actor, "for": for_}
            wrong += mac(prev, {**fields, "at": say(at), "payload": payload}) != was
            events += 1
        for row in bulk.stream(_MOVES):
            wrong += mac(row[-2], _move(row, say)) != row[-1]
            moves += 1
        for salt, body, was in bulk.stream(_TEXTS):
            wrong += hashlib.sha256(f"{salt}\n{body}".encode()).hexdigest() != was
            texts += 1
        for table in VOUCHED:
            for _ in bulk.stream(f'SELECT * FROM "{table}"'):
                pass
        bulk.commit()
        return events, moves, texts, wrong

    for _ in range(plan["rounds"]):
        yield verify
    bulk.close()


def _move(row: tuple[Any, ...], say: Callable[[Any], str]) -> dict[str, Any]:
    return {
        "appraisal": row[0],
        "seq": row[1],
        "workflow": row[2],
        "action": row[3],
        "from": row[4],
        "to": row[5],
        "round": row[6],
        "role": row[7],
        "actor": row[8],
        "for": row[9],
        "at": say(row[10]),
        "comment": None,
        "score": row[12],
        "payload": row[13],
    }


def _stamp(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
