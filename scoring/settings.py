"""The settings of a rubric: one for each reading of domain.md, section 3; what the source leaves open stands here."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from scoring.numbers import RoundingMode
from scoring.shape import Bound, Decimal, Frozen


class RoundingRule(Frozen):
    """Digits and mode of one stored figure."""

    digits: Annotated[StrictInt, Field(ge=0, le=6)]
    mode: RoundingMode


class Rounding(Frozen):
    """How stored figures are rounded (reading 11)."""

    item: RoundingRule
    total: RoundingRule
    person: RoundingRule


class Settings(Frozen):
    """One key per reading. Each must stand in the file: what was decided is read there and never guessed."""

    item_without_rule: Literal["full-marks", "error"]
    """Reading 1: an item without a rule counts in full, or is a fault."""
    responsibility_without_item: Literal["warn", "error"]
    """Reading 2: a responsibility that no item assesses is reported, or is a fault."""
    incomplete: Literal["refuse", "allow"]
    """Reading 3: whether a cycle refuses to open for a post whose items do not reach its maximum."""
    duty_months: Literal["more-than-half", "any-day", "whole"]
    """Reading 4: a month is expected when more than half, any or all of its working days were held."""
    duty_as_of: Literal["end-of-day", "start-of-day"]
    """Reading 4: whether `as_of` is taken at its end (on 31 March March is over) or at its start."""
    duty_within_month: Literal["sites-or-highest", "sum"]
    """Reading 4: inspections of a month add up by site and otherwise the highest counts, or all coverages are added."""
    duty_minimum_coverage: Decimal
    """Reading 4: coverage from which a month is not missed, as a share from 0 to 1."""
    duty_warning_working_days: Annotated[StrictInt, Field(ge=0)]
    """Reading 4: how many working days before a month ends its holder is warned."""
    same_key: Literal["highest", "first"]
    """Reading 5: which of several findings with one key counts."""
    floor: Literal["zero", "none"]
    """Reading 6: whether an item stops at 0."""
    reward_order: Literal["after-floor", "before-floor"]
    """Reading 7: whether rewards are added after an item was stopped at its floor, or before."""
    total_ceiling: Bound
    """Reading 7: the most a total can be."""
    ranks: Literal["off", "within-post"]
    """Reading 7: whether ranks are formed, within a post only."""
    step: Decimal
    """Reading 8: the step of discretion where a rule names none."""
    range_reason: Literal["required", "optional"]
    """Reading 8: whether a value picked from a range needs a reason."""
    overlap: Literal["highest", "sum"]
    """Reading 9: within one item and one incident the highest finding counts, or all do."""
    overlap_tie: Literal["first-in-rubric", "earliest"]
    """Reading 9: of equal findings of one incident the first in the rubric counts, or the earliest."""
    late_discovery: Literal["period-known", "refuse"]
    """Reading 13: what happened before the period counts in the period in which it became known, or is refused."""
    grade: Literal["none", "bands"]
    """Reading 14: whether the bands give a grade."""
    assignments: Literal["working-days", "main-post", "given-weights"]
    """Section 5: how a person's several assignments become one figure."""
    calendar: Annotated[str, Field(min_length=1)]
    """The working calendar, by its country code."""
    rounding: Rounding
    sub_reasons: Literal["optional", "required"]
    """Reading 10: whether a finding must tick one of its rule's sub-reasons."""
    adoption: Literal["refuse", "warn"]
    """Reading 12: what a rubric adopted or announced after the period began is."""
    appeal_lower: Literal["any", "within-rule"]
    """Reading 8: whether an appeal may lower an amount below what the rule admits, or within it only."""
    total_floor: Bound
    """The least a total can be."""
