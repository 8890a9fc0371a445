"""The generated schemas accept what the readers accept, and refuse slips of the pen."""

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scoring.schema import ledger_schema, rubric_schema
from tests.scoring.quarter import FAITHFUL, PERIOD, RICH, finding


def tree(text: str) -> Any:
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_the_schemas_are_schemas_and_describe_their_keys() -> None:
    for schema in (rubric_schema(), ledger_schema()):
        Draft202012Validator.check_schema(schema)
    settings = rubric_schema()["$defs"]["Settings"]["properties"]
    assert all(settings[key]["description"] for key in settings if "$ref" not in settings[key])


@pytest.mark.parametrize("text", [FAITHFUL, RICH])
def test_the_schema_accepts_our_rubrics(text: str) -> None:
    Draft202012Validator(rubric_schema()).validate(tree(text))


@pytest.mark.parametrize(
    ("before", "after"),
    [('overlap = "highest"', 'overlap = "lowest"'), ('maximum = "100"', "maximum = 100"), ("format = 1", "colour = 1")],
)
def test_the_schema_refuses_what_the_reader_refuses(before: str, after: str) -> None:
    assert not Draft202012Validator(rubric_schema()).is_valid(tree(RICH.replace(before, after)))


def test_the_schema_of_the_ledger_accepts_the_format_and_nothing_unknown() -> None:
    book = {"period": PERIOD, "findings": [finding("D1.1", "4")], "sites": ["north"], "closed": {"north": ["2026-01"]}}
    checker = Draft202012Validator(ledger_schema())
    checker.validate(book)
    assert not checker.is_valid({**book, "colour": "red"})
    assert not checker.is_valid({**book, "findings": [{**finding("D1.1"), "amount": 4}]})
