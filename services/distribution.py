"""How figures are spread, as data that the terminal and, later, pages draw: by steps of points and by grade."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

WIDTH = 5
"""Points of a step."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a grade, or the totals from `low` (inclusive) to `high` (exclusive), in points."""

    label: str
    count: int
    low: Fraction | None = None
    high: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """`steps` from the lowest total to the highest without a gap; `grades` the best first, as far as there are any."""

    count: int
    steps: tuple[Bar, ...]
    grades: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many totals lie in a step and have a grade. `place` times the width is where the step begins."""

    place: int
    grade: str | None
    count: int
    highest: Fraction


def spread(counted: Iterable[Counted]) -> Distribution:
    """Return how totals are spread in steps of five points, from how many lie in a step and have a grade."""
    places: dict[int, int] = {}
    highest: dict[str, Fraction] = {}
    graded: dict[str, int] = {}
    for one in counted:
        places[one.place] = places.get(one.place, 0) + one.count
        if one.grade is not None:
            graded[one.grade] = graded.get(one.grade, 0) + one.count
            highest[one.grade] = max(one.highest, highest.get(one.grade, one.highest))
    steps = tuple(
        Bar(
            f"{place * WIDTH}-{(place + 1) * WIDTH}",
            places.get(place, 0),
            Fraction(place * WIDTH),
            Fraction((place + 1) * WIDTH),
        )
        for place in range(min(places, default=0), max(places, default=-1) + 1)
    )
    best = sorted(graded, key=lambda grade: (-highest[grade], grade))
    return Distribution(sum(places.values()), steps, tuple(Bar(grade, graded[grade]) for grade in best))
