"""Verifying the audit of a closed quarter: every chain, and every row that the chains vouch for."""

from collections.abc import Iterator, Mapping

from benchmarks import judged, reading_floors
from benchmarks.office import KEYS, unit_of_work
from benchmarks.table import Contest, Plan, Work
from services.verification import verify

ROWS_A_PERSON = 14
"""Rows that verification tells of for each person, nearly: moves, events, texts, and what is compared with them."""


def prepare(url: str, size: int) -> Plan:
    """Build an office whose quarter is closed, of as many people as have `size` rows of audit."""
    with unit_of_work(url) as uow:
        judged.build_closed(uow, people_for(size))
    return {"rounds": 2, "key": KEYS.secrets[KEYS.current]}


def people_for(rows: int) -> int:
    """Return how large an office has this many rows of audit."""
    return max(20, rows // ROWS_A_PERSON)


def rows_of(size: int) -> int:
    """Return about how many rows of audit are verified."""
    return people_for(size) * ROWS_A_PERSON


def verify_all(url: str, plan: Plan) -> Iterator[Work]:
    """Verify everything, the same thing in every round."""

    def everything() -> tuple[int, int, int, int]:
        report = verify(uow)
        return report.events, report.moves, report.texts, report.count

    with unit_of_work(url) as uow:
        for _ in range(plan["rounds"]):
            yield everything


CONTESTS: Mapping[str, Contest] = {
    "verify": Contest(prepare, verify_all, reading_floors.verifying, size=1_000_000, warm_up=1, units=rows_of),
}
