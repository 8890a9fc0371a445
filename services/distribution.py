"""How figures are spread, as data that the terminal and, later, pages draw: by steps of points and by grade."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from services.errors import Malformed


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


def distribution(figures: Iterable[tuple[Fraction | None, str | None]], width: int = 5) -> Distribution:
    """Return how (total, grade) pairs are spread in steps of `width` whole points; pairs without a total count nothing.

    Raises:
        Malformed: `width` is less than 1.
    """
    if width < 1:
        raise Malformed(f"A step of {width} points draws nothing; write 1 or more.", "bad-width")
    pairs = [(total, grade) for total, grade in figures if total is not None]
    places: dict[int, int] = {}
    highest: dict[str, Fraction] = {}
    graded: dict[str, int] = {}
    for total, grade in pairs:
        place = total // width
        places[place] = places.get(place, 0) + 1
        if grade is not None:
            graded[grade] = graded.get(grade, 0) + 1
            highest[grade] = max(total, highest.get(grade, total))
    steps = tuple(
        Bar(
            f"{place * width}-{(place + 1) * width}",
            places.get(place, 0),
            Fraction(place * width),
            Fraction((place + 1) * width),
        )
        for place in range(min(places, default=0), max(places, default=-1) + 1)
    )
    best = sorted(graded, key=lambda grade: (-highest[grade], grade))
    return Distribution(len(pairs), steps, tuple(Bar(grade, graded[grade]) for grade in best))
