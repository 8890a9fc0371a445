"""The described API asked at random as each role: no fault of ours, nothing undocumented, no word of another person.

Schemathesis makes the requests from the description, right and wrong ones; the seed is fixed.
"""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.services.builders import CLERK, ESCORT, QUARTER
from tests.web.browsing import ADDRESS, Pages
from tests.web.canaries import ABSENCE, ROLES, address, facts, give, judgement, paths, planted
from tests.web.programs import Program

pytestmark = pytest.mark.whole
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 2
"""Right and wrong ones, for each operation and role; with `--long` ten times as many, and on both databases."""


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reads_what_is_not_his_at_any_address(pages: Pages, role: str) -> None:
    known = planted(pages.play)
    who = ROLES[role]
    if who.grant is not None:
        give(pages.play, who.number, who.grant)
    program = Program(pages, who.number)
    for path in paths(known):
        answer = program.client.get(path)
        assert answer.status_code in {200, 403, 404}, (path, answer.status_code)
        assert [canary for canary in who.never if canary in answer.text] == [], path


def test_every_canary_sings_for_somebody(pages: Pages) -> None:
    known = planted(pages.play)
    give(pages.play, ROLES["auditor"].number, "auditor")
    said = ""
    for role in ("auditor", "hr", "reviewer"):
        program = Program(pages, ROLES[role].number)
        said += "".join(program.client.get(path).text for path in paths(known))
    wanted = {*facts(ESCORT, CLERK), *judgement(ESCORT, CLERK), address(ESCORT), "canary-document"}
    assert {canary for canary in wanted if canary not in said} == set()
    assert ABSENCE not in said


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("role", ROLES)
def test_the_described_api_holds_what_it_says_to_each_role(pages: Pages, role: str) -> None:
    fuzz(pages, role, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_the_described_api_holds_what_it_says_ten_times_as_long(pages: Pages, role: str) -> None:
    fuzz(pages, role, 10 * EXAMPLES)


def fuzz(pages: Pages, role: str, examples: int) -> None:
    known = planted(pages.play)
    who = ROLES[role]
    if who.grant is not None:
        give(pages.play, who.number, who.grant)
    program = Program(pages, who.number)
    asked = 0
    for cases in strategies(json.dumps(pages.app.openapi()), json.dumps(known)):

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def play(case: Case) -> None:
            nonlocal asked
            asked += 1
            answer = send(program, case)
            case.validate_response(answer, checks=CHECKS)
            assert [canary for canary in who.never if canary in answer.text] == [], case.as_curl_command()

        play()
    assert asked >= 50 * examples


@functools.cache
def strategies(description: str, known: str) -> tuple[Any, ...]:
    """Return what makes the requests to each operation, right and wrong ones; made once, since making it takes long."""
    schema = schemathesis.openapi.from_dict(json.loads(description))
    return tuple(
        st.one_of([operation.as_strategy(mode), *named(operation, mode, json.loads(known))])
        for operation in (found.ok() for found in schema.get_all_operations())
        for mode in GenerationMode
    )


def named(operation: Any, mode: GenerationMode, known: dict[str, str]) -> Iterator[Any]:
    """Yield strategies whose paths name things that there are: of the one person, and of the other."""
    names = re.findall(r"{(\w+)}", operation.path)
    for place, (number, finding) in enumerate(((ESCORT, known["finding"]), (CLERK, known["other"])), start=1):
        values = {
            "cycle": QUARTER,
            "number": number,
            "finding": finding,
            "document": known["document"],
            "item": "W1",
            "stream": "org",
            "seq": 2,
            "file": place,
            "entry": place,
            "delegation": place,
            "webhook": place,
        }
        if names:
            yield operation.as_strategy(mode, path_parameters={name: values[name] for name in names})


def send(program: Program, case: Case) -> Response:
    """Send a case as our program would: with its token, to our address."""
    asked = case.as_transport_kwargs(base_url=ADDRESS)
    headers = {name: value for name, value in asked["headers"].items() if name.lower() != "authorization"}
    body = {"json": asked["json"]} if "json" in asked else {"content": asked.get("data") or b""}
    return program.client.request(asked["method"], asked["url"], params=asked.get("params"), headers=headers, **body)
