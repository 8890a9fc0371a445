"""The floors of bulk work: fixed lists of statements, sent by the bare driver. Nothing of the product is imported."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from benchmarks.floors import Bare

Plan = Mapping[str, Any]
Values = Mapping[str, Any]


class Bulk(Bare):
    """A connection of the bare driver, with short ways to send statements of many rows."""

    def run(self, statement: str, values: Values) -> int:
        """Send one statement; return how many rows it touched."""
        self.cursor.execute(self.spelt(statement), values)
        return int(self.cursor.rowcount)

    def all(self, statement: str, values: Values) -> list[tuple[Any, ...]]:
        """Return every row."""
        self.cursor.execute(self.spelt(statement), values)
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield every row, a thousand in memory at once."""
        if self.sqlite:
            yield from self.connection.execute(statement)
            return
        with self.connection.cursor(name="rows") as cursor:
            cursor.itersize = 1000
            yield from cursor.execute(statement)


_OPEN_APPRAISALS = """
INSERT INTO appraisal (cycle_id, assignment_id, person_id, unit_no, workflow_id, rubric_id, stage, version, round,
                       ledger_version, entered_at)
SELECT r.cycle_id, r.assignment_id, r.person_id, r.unit_no, c.workflow_id, r.rubric_id, 'draft', 0, 1, 0, %(at)s
FROM roster r JOIN cycle c ON c.id = r.cycle_id
WHERE r.cycle_id = %(cycle)s AND r.id BETWEEN %(first)s AND %(last)s AND r.status = 'rated'
ORDER BY r.unit_no, r.id"""
_OPEN_PARTIES = "INSERT INTO party (appraisal_id, person_id, role, seat, source, from_at)" + " UNION ALL".join(
    f"""
SELECT a.id, r.{column}, '{role}', 1, 'roster', %(at)s
FROM roster r JOIN appraisal a ON a.cycle_id = r.cycle_id AND a.assignment_id = r.assignment_id
WHERE r.cycle_id = %(cycle)s AND r.id BETWEEN %(first)s AND %(last)s AND r.status = 'rated'
  AND r.{column} IS NOT NULL AND a.id > %(before)s"""
    for role, column in (
        ("appraisee", "person_id"),
        ("assessor", "assessor_id"),
        ("reviewer", "reviewer_id"),
        ("decider", "decider_id"),
    )
)
_OPEN_ITEMS = """
INSERT INTO work_item (appraisal_id, stage, round, role, seat, holder_id, action, opened_at, due_at, next_action_at)
SELECT a.id, 'draft', 1, 'appraisee', 1, r.person_id, 'open', %(at)s, CASE WHEN r.statement THEN %(due)s END, %(at)s
FROM roster r JOIN appraisal a ON a.cycle_id = r.cycle_id AND a.assignment_id = r.assignment_id
WHERE r.cycle_id = %(cycle)s AND r.id BETWEEN %(first)s AND %(last)s AND r.status = 'rated' AND a.id > %(before)s"""
_LAST_APPRAISAL = "SELECT coalesce(max(id), 0) FROM appraisal"


def opening(url: str, plan: Plan) -> Iterator[Any]:
    """Open each range of the roster with four statements: the last appraisal so far, appraisals, parts, work items."""
    bulk = Bulk(url)
    fixed = {"cycle": plan["cycle"], "at": bulk.moment(plan["at"]), "due": bulk.moment(plan["due"])}

    def chunk(first: int, last: int) -> int:
        span = {**fixed, "first": first, "last": last}
        bulk.begin()
        span["before"] = bulk.all(_LAST_APPRAISAL, {})[0][0]
        opened = bulk.run(_OPEN_APPRAISALS, span)
        bulk.run(_OPEN_PARTIES, span)
        bulk.run(_OPEN_ITEMS, span)
        bulk.commit()
        return opened

    for first, last in plan["ranges"]:
        yield partial(chunk, first, last)
    bulk.close()


_FINALS = """
INSERT INTO final (cycle_id, appraisal_id, revision, outcome, total, maximum, grade, score_id, input_digest, at)
SELECT a.cycle_id, a.id, 1, a.outcome, s.total, s.maximum, s.grade, s.id, s.ledger_digest, %(at)s
FROM appraisal a JOIN score s ON s.id = a.score_id
WHERE a.cycle_id = %(cycle)s AND a.id BETWEEN %(first)s AND %(last)s AND a.stage = 'closed'
ORDER BY a.unit_no, a.id"""
_FINAL_ITEMS = """
INSERT INTO final_item (final_id, item, points, recorded, counted, reward, score)
SELECT f.id, i.item, i.points, i.recorded, i.counted, i.reward, i.score
FROM final f JOIN score_item i ON i.score_id = f.score_id
WHERE f.cycle_id = %(cycle)s AND f.appraisal_id BETWEEN %(first)s AND %(last)s
ORDER BY f.id, i.id"""
_PERSON_RESULTS = """
INSERT INTO person_result (cycle_id, person_id, revision, total, grade, steps, at)
SELECT f.cycle_id, a.person_id, 1, f.total, f.grade,
       '[{"code":"part","id":"' || p.code || '","total":"' || {total} || '","weight":"' || r.working_days
       || '"},{"code":"mean","digits":2,"mode":"half-up","sum":"' || {sum} || '","total":"' || {total}
       || '","weights":"' || r.working_days || '"}]', %(at)s
FROM final f JOIN appraisal a ON a.id = f.appraisal_id
JOIN roster r ON r.cycle_id = a.cycle_id AND r.assignment_id = a.assignment_id JOIN post p ON p.id = r.post_id
WHERE f.cycle_id = %(cycle)s
ORDER BY a.person_id"""
_NOTICES = """
INSERT INTO message (dedupe_key, kind, person_id, payload, state, policy, created_at, due_at, attempt, fence)
SELECT 'result-final/' || cycle_id || '/' || person_id || '/1', 'result-final', person_id, %(payload)s, 'queued',
       'resend', at, at, 0, 0
FROM person_result WHERE cycle_id = %(cycle)s
ORDER BY person_id"""
_OWE = """
INSERT INTO job (dedupe_key, name, args, state, created_at, due_at, attempt, fence)
VALUES (%(key)s, 'cycle.complete', %(args)s, 'due', %(at)s, %(at)s, 0, 0)"""
_FINAL = "UPDATE cycle SET state = 'final', version = version + 1 WHERE id = %(cycle)s"
_TOLD = """
INSERT INTO event (stream, seq, kind, at, payload, key_id, prev, mac)
SELECT stream, seq + 1, 'final', %(at)s, %(payload)s, key_id, mac, mac
FROM event WHERE stream = %(key)s ORDER BY seq DESC LIMIT 1"""
_DECIMAL = {
    True: "rtrim(rtrim(printf('%d.%06d', ({0}) / 1000000, ({0}) % 1000000), '0'), '.')",
    False: "rtrim(rtrim((({0}) / 1000000) || '.' || lpad((({0}) %% 1000000)::text, 6, '0'), '0'), '.')",
}


def finalising(url: str, plan: Plan) -> Iterator[Any]:
    """Freeze each range with two statements, then everybody's result, his notice, and the end with one each.

    Everybody has one appraisal here, so that a person's result can be said in the language of the database.
    """
    bulk = Bulk(url)
    decimal = _DECIMAL[bulk.sqlite]
    figures = {"{total}": decimal.format("f.total"), "{sum}": decimal.format("f.total * r.working_days")}
    results = _PERSON_RESULTS
    for word, meaning in figures.items():
        results = results.replace(word, meaning)
    cycle = plan["cycle"]
    fixed = {"cycle": cycle, "at": bulk.moment(plan["at"]), "payload": plan["payload"]}

    def chunk(first: int, last: int) -> int:
        span = {**fixed, "first": first, "last": last}
        bulk.begin()
        rows = bulk.run(_FINALS, span)
        bulk.run(_FINAL_ITEMS, span)
        bulk.commit()
        return rows

    def finalise() -> int:
        rows = sum(chunk(first, last) for first, last in plan["ranges"])
        bulk.begin()
        bulk.run(_OWE, {**fixed, "key": f"complete/{cycle}", "args": plan["args"]})
        bulk.run(results, fixed)
        bulk.run(_NOTICES, fixed)
        bulk.run(_FINAL, fixed)
        bulk.run(_TOLD, {**fixed, "key": f"cycle:{cycle}", "payload": plan["told"]})
        bulk.commit()
        return rows

    yield partial(chunk, -1, -1)
    yield finalise
    bulk.close()
