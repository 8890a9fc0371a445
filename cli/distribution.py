"""A distribution of totals drawn with bars, for the terminal."""

from collections.abc import Sequence
from fractions import Fraction

WIDTH = 40
"""Columns of the longest bar."""


def distribution(totals: Sequence[Fraction], *, step: int = 5) -> list[str]:
    """Return one line for each `step` points between the lowest and the highest total, the highest first.

    Nothing for no totals. A line is `95-99`, a bar and how many; figures between two whole points belong to the lower.
    """
    if not totals:
        return []
    places = [int(total // step) for total in totals]
    counts = {place: places.count(place) for place in range(max(places), min(places) - 1, -1)}
    longest = max(counts.values())
    labels = {place: f"{place * step}-{place * step + step - 1}" for place in counts}
    pad = max(len(label) for label in labels.values())
    lines = []
    for place, count in counts.items():
        length = -(-count * WIDTH // longest) if longest > WIDTH else count
        lines.append(f"  {labels[place]:>{pad}}  {'█' * length}{' ' if length else ''}{count}".rstrip())
    return lines
