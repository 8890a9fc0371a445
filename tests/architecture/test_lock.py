"""The locked sets fit what the project asks for, fit each other, and name no address."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETS = ("app", "dev", "peers", "build")
SUPPORTED = ("3.11", "3.12", "3.13")


def locked(name: str, python: str) -> dict[str, str]:
    """Return package and version of every entry of a locked set that applies to that Python on Linux."""
    versions = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith((" ", "#")) or not line:
            continue
        entry = Requirement(line.rstrip("\\ "))
        here = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
        if entry.marker is None or entry.marker.evaluate(here):
            (pin,) = entry.specifier
            assert pin.operator == "=="
            versions[canonicalize_name(entry.name)] = pin.version
    return versions


@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("name", SETS)
def test_what_is_asked_for_is_locked_at_a_version_that_fits(name: str, python: str) -> None:
    app, groups = PROJECT["project"]["dependencies"], PROJECT["dependency-groups"]
    asked = {
        "app": app,
        "dev": [*app, *groups["dev"]],
        "peers": [*app, *groups["dev"], *groups["peers"]],
        "build": PROJECT["build-system"]["requires"],
    }[name]
    versions = locked(name, python)
    for line in asked:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"python_version": python}):
            continue
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), line


def test_the_build_tools_are_asked_for_once() -> None:
    asked = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").split()
    assert asked == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize("python", SUPPORTED)
def test_no_set_moves_a_package_of_another(python: str) -> None:
    app, dev, peers, build = (locked(name, python) for name in SETS)
    assert app.items() <= dev.items() <= peers.items()
    assert {name: peers[name] for name in build.keys() & peers.keys()} == {
        name: build[name] for name in build.keys() & peers.keys()
    }


@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("name", ["app", "dev", "build"])
def test_the_peers_are_in_no_set_but_their_own(name: str, python: str) -> None:
    peers = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependency-groups"]["peers"]}
    assert len(peers) == 4
    assert peers.isdisjoint(locked(name, python))


@pytest.mark.parametrize("name", SETS)
def test_every_entry_has_hashes_and_no_line_an_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_time_zones_are_shipped_on_every_platform() -> None:
    assert "tzdata" in PROJECT["project"]["dependencies"]
    line = next(
        line
        for line in (ROOT / "requirements" / "app.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith("tzdata==")
    )
    assert ";" not in line
