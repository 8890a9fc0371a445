"""What every part of a definition file is made of: frozen shapes, decimals in quotes, short texts in both languages."""

from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from scoring.numbers import parse_decimal, to_decimal

Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9.-]*$", max_length=64)]
"""A name for machines: it stays when what people read changes."""


def kebab(name: str) -> str:
    """Return the key under which a field stands in a file: `own_statement` is `own-statement`."""
    return name.replace("_", "-")


class Frozen(BaseModel):
    """A part of a definition: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=kebab, use_attribute_docstrings=True)


def _bound(value: object) -> Fraction | None:
    return None if value == "none" else parse_decimal(value)  # type: ignore[arg-type]  # it refuses what is not text


_DECIMAL_SCHEMA = {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"}

Decimal = Annotated[
    Fraction,
    BeforeValidator(parse_decimal),
    PlainSerializer(to_decimal, return_type=str),
    WithJsonSchema(_DECIMAL_SCHEMA),
]
"""A figure written as a decimal in quotes."""

Bound = Annotated[
    Fraction | None,
    BeforeValidator(_bound),
    PlainSerializer(lambda value: "none" if value is None else to_decimal(value), return_type=str),
    WithJsonSchema({"anyOf": [_DECIMAL_SCHEMA, {"const": "none"}]}),
]
"""A figure written as a decimal in quotes, or "none"."""


class Words(Frozen):
    """A short text in both languages."""

    en: str
    zh: str
