"""The arrows between the packages hold, and the linter that says so would notice if they did not."""

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["importlinter"]["root_packages"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_arrows_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("package", "line", "contract"),
    [
        ("workflow", "import models.people", "Arrows point downward"),
        ("workflow", "import scoring.errors", "Arrows point downward"),
        ("scoring", "import workflow.vocabulary", "Arrows point downward"),
        ("models", "import services.errors", "Arrows point downward"),
        ("models", "import catalog.shelf", "Arrows point downward"),
        ("services", "import config.settings", "Arrows point downward"),
        ("config", "import tasks", "Arrows point downward"),
        ("tasks", "import cli", "Arrows point downward"),
        ("catalog", "import workflow.vocabulary", "The shelf knows nothing of the rest"),
        ("scoring", "import sqlalchemy", "Rules and arithmetic know no database, queue, terminal or calendar"),
        ("workflow", "import os", "Rules and arithmetic know no database, queue, terminal or calendar"),
        ("scoring", "import transitions", "Arithmetic needs no state machine"),
        ("services", "import celery", "Only tasks knows Celery"),
        ("tasks", "import rich", "Only cli knows the terminal"),
        ("web", "import rich", "Only cli knows the terminal"),
        ("web", "import tasks", "Arrows point downward"),
        ("tasks", "import web", "Arrows point downward"),
        ("services", "import starlette.requests", "Only web and cli know HTTP"),
        ("cli", "import benchmarks.table", "Arrows point downward"),
        ("services", "import pydantic_settings", "Nothing below config reads the environment"),
    ],
)
def test_a_planted_violation_is_caught(package: str, line: str, contract: str, copy: Path) -> None:
    (copy / package / "planted.py").write_text(f'"""Planted."""\n\n{line}\n', encoding="utf-8")
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    assert f"{contract} BROKEN" in done.stdout
    assert f"{package}.planted" in done.stdout


def test_a_floor_that_knows_the_product_is_caught(copy: Path) -> None:
    with (copy / "benchmarks" / "floors.py").open("a", encoding="utf-8") as floors:
        floors.write("\nimport benchmarks.measure\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    assert "A floor knows nothing of the product BROKEN" in done.stdout


def test_a_planted_circle_is_caught(copy: Path) -> None:
    for one, other in (("left", "right"), ("right", "left")):
        (copy / "services" / f"{one}.py").write_text(f'"""Planted."""\n\nimport services.{other}\n', encoding="utf-8")
    done = lint(copy)
    assert done.returncode == 1
    assert "Siblings are acyclic BROKEN" in done.stdout


def test_the_contracts_the_wheel_and_the_folders_name_the_same_packages() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(PACKAGES) == folders
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == folders - {"benchmarks"}
    assert set(PROJECT["tool"]["mypy"]["files"]) == {*folders, "run.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_import_name_is_ours(package: str) -> None:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    assert Path(found.origin) == ROOT / package / "__init__.py"
