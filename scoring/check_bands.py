"""What is wrong with the tables of bands of a rubric: gaps, overlaps, tables that give or get no use (R10)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from scoring.errors import Problem
from scoring.grades import BandRow, BandTable
from scoring.numbers import to_decimal
from scoring.rubric import Rubric


def band_problems(rubric: Rubric) -> Iterator[Problem]:
    """Yield the problems of all tables, and of the setting that uses them."""
    posts = {post.id for post in rubric.posts}
    graded = rubric.settings.grade == "bands"
    if graded and not rubric.bands:
        text = 'the setting asks for a grade by "bands", and there is no table.'
        yield Problem("grade-without-bands", "error", "settings.grade", text, 'Add `[[bands]]`, or write "none".')
    if rubric.bands and not graded:
        text = 'there are bands, and `grade = "none"` gives no grade.'
        yield Problem("bands-unused", "warning", "bands", text, 'Delete them, or write `grade = "bands"`.')
    for table in rubric.bands:
        where = f"bands[{table.id}]"
        for name in table.posts:
            if name not in posts:
                yield Problem(
                    "unknown-reference", "error", f"{where}.posts", f"there is no post {name}.", "Correct it."
                )
        yield from _rows(rubric, table, where)


def _rows(rubric: Rubric, table: BandTable, where: str) -> Iterator[Problem]:
    rows = sorted(table.rows, key=_lower_key)
    settings = rubric.settings
    grid = Fraction(1, 10**settings.rounding.total.digits) if table.round == "before" else None
    least = settings.total_floor if settings.total_floor is not None else Fraction(0)
    unbounded_below = settings.floor == "none" and settings.total_floor is None
    low, low_in = _lower(rows[0])
    if low is not None and (unbounded_below or low > least or (low == least and not low_in)):
        yield _gap(where, f"totals below {to_decimal(low)} have no band.")
    for under, over in pairwise(rows):
        yield from _between(under, over, where, grid)
    high, high_in = _upper(rows[-1])
    top = settings.total_ceiling
    if high is not None and (top is None or high < top or (high == top and not high_in)):
        yield _gap(where, f"totals above {to_decimal(high)} have no band, and rewards can lead there.")


def _between(under: BandRow, over: BandRow, where: str, grid: Fraction | None) -> Iterator[Problem]:
    high, high_in = _upper(under)
    low, low_in = _lower(over)
    names = f'"{under.label}" and "{over.label}"'
    if high is None or low is None or low < high or (low == high and low_in and high_in):
        text = f"{names} overlap."
        yield Problem("band-overlap", "error", where, text, "Move a bound; `below` and `above` leave the bound out.")
        return
    if grid is not None:
        # Rounded totals lie on a grid: "to 89.99" and "from 90" leave nothing between them at two digits.
        first = -(-high // grid) * grid
        first += grid if high_in and first == high else 0
        gap = first < low or (first == low and not low_in)
    else:
        gap = low > high or not (low_in or high_in)
    if gap:
        yield _gap(where, f"between {names} there are totals without a band.")


def _gap(where: str, text: str) -> Problem:
    return Problem("band-gap", "error", where, text, "Move a bound, or leave it out for an open end.")


def _lower(row: BandRow) -> tuple[Fraction | None, bool]:
    return (row.above, False) if row.above is not None else (row.from_, True)


def _upper(row: BandRow) -> tuple[Fraction | None, bool]:
    return (row.below, False) if row.below is not None else (row.to, True)


def _lower_key(row: BandRow) -> tuple[bool, Fraction, bool]:
    bound, included = _lower(row)
    return (bound is not None, bound if bound is not None else Fraction(0), not included)
