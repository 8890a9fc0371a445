"""Bands: tables that turn a total into a label, a number or a coefficient (R10)."""

from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from scoring.numbers import to_decimal
from scoring.shape import Decimal, Frozen, Id, Words


class BandRow(Frozen):
    """One band. `from` and `to` include the bound, `above` and `below` do not; a side without a bound is open."""

    label: Annotated[str, Field(min_length=1)]
    title: Words | None = None
    from_: Annotated[Decimal | None, Field(alias="from")] = None
    above: Decimal | None = None
    to: Decimal | None = None
    below: Decimal | None = None
    coefficient: Decimal | None = None
    number: Decimal | None = None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What a step says of the band, as JSON; it is read, never changed."""
        found: dict[str, Any] = {"label": self.label}
        if self.title is not None:
            found["title"] = self.title.model_dump()
        for name, value in (("number", self.number), ("coefficient", self.coefficient)):
            if value is not None:
                found[name] = to_decimal(value)
        return found

    @model_validator(mode="after")
    def _one_bound_a_side(self) -> Self:
        if self.from_ is not None and self.above is not None:
            raise ValueError("a band has either `from` or `above`, not both; delete one.")
        if self.to is not None and self.below is not None:
            raise ValueError("a band has either `to` or `below`, not both; delete one.")
        return self


class BandTable(Frozen):
    """A table of bands (R10). `round` says whether the total is rounded before or after it is looked up.

    `posts` names the posts it is for; without it, all.
    """

    id: Id
    round: Literal["before", "after"] = "before"
    posts: tuple[str, ...] = ()
    rows: Annotated[tuple[BandRow, ...], Field(min_length=1)]


def band_of(table: BandTable, total: Fraction) -> BandRow | None:
    """Return the band into which a total falls, or None where the table has a gap there."""
    for row in table.rows:
        above = (row.from_ is None or total >= row.from_) and (row.above is None or total > row.above)
        if above and (row.to is None or total <= row.to) and (row.below is None or total < row.below):
            return row
    return None
