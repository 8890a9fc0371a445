"""House rules that a linter does not know, read from the syntax of our own modules."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("cli", "web", "tasks", "config", "services", "models", "catalog", "workflow", "scoring")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager"}
LONGEST = 350
THIRD_PARTY_OF_THE_PURE = {"workflow": {"pydantic", "transitions"}, "scoring": {"orjson", "pydantic"}}
CLOCKS = {"now", "today", "utcnow"}
CLOCK_OWNERS = {"datetime", "date", "dt.datetime", "dt.date", "datetime.datetime", "datetime.date"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called_methods(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield `object` and `name` of every call `object.name(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr


def reads_a_clock(tree: ast.AST) -> bool:
    return any(name in CLOCKS and owner in CLOCK_OWNERS for owner, name in called_methods(tree)) or any(
        call in {("time", "time"), ("time", "monotonic"), ("time", "perf_counter")} for call in called_methods(tree)
    )


def reads_the_environment(tree: ast.AST) -> bool:
    text = ast.unparse(tree)
    return "os.environ" in text or "getenv" in text


def commits(tree: ast.AST) -> bool:
    return any(name in {"commit", "begin"} for _, name in called_methods(tree))


def evaluates_or_asserts(tree: ast.AST) -> bool:
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return bool(names & {"eval", "exec"}) or any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def replaces_or_sleeps(tree: ast.AST) -> bool:
    replacing = [name for name in imports(tree) if name.startswith(("unittest.mock", "mock", "pytest_mock"))]
    return bool(replacing) or ("time", "sleep") in set(called_methods(tree))


def third_parties(tree: ast.AST) -> set[str]:
    roots = {name.partition(".")[0] for name in imports(tree)}
    return roots - set(sys.stdlib_module_names) - set(PACKAGES)


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def offenders(rule: Callable[[ast.AST], bool], paths: Iterable[Path], *allowed: str) -> list[str]:
    return [named(path) for path in paths if named(path) not in allowed and rule(parsed(path))]


def test_there_are_modules_to_look_at() -> None:
    assert {package_of(path) for path in MODULES} == set(PACKAGES)
    assert TESTS


def test_a_file_has_a_name_that_says_what_is_in_it() -> None:
    assert [named(path) for path in (*MODULES, *BENCHMARKS, *TESTS) if path.stem in SAYS_NOTHING] == []


def test_a_module_can_be_read_in_one_sitting() -> None:
    paths = (ROOT / "run.py", *MODULES, *BENCHMARKS)
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_only_the_engine_knows_the_state_machine() -> None:
    assert offenders(lambda tree: "transitions" in third_parties(tree), MODULES) == ["workflow/engine.py"]


@pytest.mark.parametrize("package", sorted(THIRD_PARTY_OF_THE_PURE))
def test_rules_and_arithmetic_stand_on_the_standard_library(package: str) -> None:
    used = set().union(*(third_parties(parsed(path)) for path in MODULES if package_of(path) == package))
    assert used == THIRD_PARTY_OF_THE_PURE[package]


def test_time_is_an_argument() -> None:
    low = [path for path in MODULES if package_of(path) in {"workflow", "scoring", "models", "services"}]
    assert offenders(reads_a_clock, low) == []


def test_only_the_settings_read_the_environment() -> None:
    assert offenders(reads_the_environment, MODULES) == ["config/settings.py"]


def test_only_the_unit_of_work_commits() -> None:
    above = [path for path in MODULES if package_of(path) in {"services", "config", "tasks", "cli"}]
    assert offenders(commits, above, "services/unit_of_work.py") == []


def test_no_test_replaces_our_own_code_or_waits_by_sleeping() -> None:
    # The one place waits until something is so, for whoever else waits.
    assert offenders(replaces_or_sleeps, TESTS, "tests/waiting.py") == []


def test_nothing_is_evaluated_and_no_input_is_checked_by_assert() -> None:
    assert offenders(evaluates_or_asserts, MODULES) == []


def test_there_are_no_packages_under_tests() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (reads_a_clock, "import datetime as dt\ndt.datetime.now(dt.UTC)"),
        (reads_a_clock, "import time\ntime.time()"),
        (reads_a_clock, "from datetime import date\ndate.today()"),
        (reads_the_environment, "import os\nos.environ['X']"),
        (commits, "connection.commit()"),
        (replaces_or_sleeps, "from unittest.mock import patch"),
        (replaces_or_sleeps, "import time\ntime.sleep(1)"),
        (evaluates_or_asserts, "eval('1')"),
        (evaluates_or_asserts, "assert x"),
        (
            lambda tree: third_parties(tree) == {"transitions", "requests"},
            "import transitions.core\nimport requests, os",
        ),
    ],
)
def test_these_rules_notice_what_they_forbid(rule: Callable[[ast.AST], bool], code: str) -> None:
    assert rule(ast.parse(code))
