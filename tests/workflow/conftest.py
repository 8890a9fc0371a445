"""The quarterly workflow as it ships, read once for each test module."""

import pytest

from catalog import shelf
from workflow.definition import Definition, load_definition
from workflow.lifecycle import Lifecycle, compile_lifecycle


@pytest.fixture(scope="module")
def text() -> str:
    return shelf.workflow_text("quarterly")


@pytest.fixture(scope="module")
def definition(text: str) -> Definition:
    return load_definition(text, where="quarterly.toml")


@pytest.fixture(scope="module")
def lifecycle(definition: Definition) -> Lifecycle:
    return compile_lifecycle(definition)
