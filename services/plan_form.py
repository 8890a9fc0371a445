"""The content of a plan as it is stored: JSON of a fixed form, read back into the same values."""

import datetime as dt
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator

from scoring.canonical import canonical
from scoring.numbers import RoundingMode, parse_decimal, to_decimal
from services.errors import Environment
from services.plan_periods import Every


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRule(_Form):
    """How periods make the figure of a year (R14).

    `weights` are by the label of the period, such as Q4; where there are none all count alike. `window` counts only so
    many periods, the last ones.
    """

    weights: Mapping[str, Fraction] = Field(default_factory=dict)
    window: int | None = Field(default=None, ge=1, le=12)
    digits: int = Field(default=2, ge=0, le=6)
    rounding: RoundingMode = "half-up"

    @field_validator("weights", mode="before")
    @classmethod
    def _exact(cls, weights: Mapping[str, Any]) -> dict[str, Fraction]:
        return {
            label: weight if isinstance(weight, Fraction) else parse_decimal(weight)
            for label, weight in weights.items()
        }

    @field_serializer("weights")
    def _decimal(self, weights: Mapping[str, Fraction]) -> dict[str, str]:
        return {label: to_decimal(weight) for label, weight in weights.items()}


class PlanForm(_Form):
    """What a plan says. `exceptions` are employee numbers, each with id and digest of the text that says why."""

    format: Literal[1] = 1
    version: int = Field(ge=1)
    every: Every
    working_day: int = Field(ge=1, le=60)
    workflow: str
    rubrics: tuple[str, ...] = Field(min_length=1)
    unit: str
    exceptions: Mapping[str, tuple[int, str]] = Field(default_factory=dict)
    first: dt.date
    suffix: str = ""
    calendar: str | None = None
    zone: str | None = None
    year: YearRule | None = None

    def text(self) -> str:
        """Return the JSON that is stored."""
        return canonical(self.model_dump(mode="json")).decode()


def read_form(text: str) -> PlanForm:
    """Return a stored plan.

    Raises:
        Environment: the row does not hold a plan.
    """
    try:
        return PlanForm.model_validate_json(text)
    except ValidationError as error:
        raise _altered("plan") from error


def read_year_rule(content: Any) -> YearRule:
    """Return the rule of a year as the event that created its cycle holds it.

    Raises:
        Environment: it is none.
    """
    try:
        return YearRule.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise _altered("rule of a year") from error


def _altered(what: str) -> Environment:
    return Environment(
        f"A stored {what} is not readable; run `appraise audit verify` and restore the database.", "plan-altered"
    )
