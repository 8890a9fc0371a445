"""The JSON Schemas of the rubric and ledger formats, generated from the models that read them."""

from typing import Any

from scoring.ledger_json import LedgerFile
from scoring.rubric import Rubric

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def rubric_schema() -> dict[str, Any]:
    """Return the JSON Schema of a rubric's TOML, for editors and checks; days are TOML dates or ISO texts."""
    return {"$schema": _DRAFT, **Rubric.model_json_schema(by_alias=True)}


def ledger_schema() -> dict[str, Any]:
    """Return the JSON Schema of the ledger that `rubric score` reads."""
    return {"$schema": _DRAFT, **LedgerFile.model_json_schema(by_alias=True)}
