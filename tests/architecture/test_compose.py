"""The container files hold what they promise, without a container engine."""

import copy
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from config.settings import PREFIX, Settings, load_settings, variable

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PINNED = re.compile(r"[a-z0-9./-]+:(\d+\.\d+\.\d+)[a-z0-9.-]*(@sha256:[0-9a-f]{64})?")


def faults(compose: dict[str, Any]) -> list[str]:
    """Return what is wrong with the services, in words."""
    wrong = []
    for name, service in compose["services"].items():
        program = (service.get("command") or [""])[0]
        checks = {
            "image is not pinned": PINNED.fullmatch(service.get("image", "")),
            "command does not exist": program in SCRIPTS,
            "runs as root": re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(service.get("user", ""))),
            "has no health check": service.get("healthcheck", {}).get("test"),
            "has a port that is not on loopback": all(
                str(port).startswith("127.0.0.1:") for port in service.get("ports", [])
            ),
            "has a variable that is no setting": {
                each for each in service.get("environment", {}) if each.startswith(PREFIX)
            }
            <= {variable(field) for field in Settings.model_fields},
        }
        wrong += [f"{name} {fault}" for fault, holds in checks.items() if not holds]
    return wrong


def test_the_compose_file_is_valid_by_its_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [str(checker), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_services_hold_what_they_promise() -> None:
    assert faults(COMPOSE) == []


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("image", "appraise:latest", "image is not pinned"),
        ("command", ["apprise", "up"], "command does not exist"),
        ("user", "0:0", "runs as root"),
        ("healthcheck", {}, "has no health check"),
        ("ports", ["8000:8000"], "has a port that is not on loopback"),
        ("environment", {"APPRAISE_DATADIR": "/data"}, "has a variable that is no setting"),
    ],
)
def test_a_service_that_does_not_would_be_noticed(key: str, value: object, fault: str) -> None:
    changed = copy.deepcopy(COMPOSE)
    changed["services"]["appraise"][key] = value
    assert faults(changed) == [f"appraise {fault}"]


def test_the_settings_of_each_service_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for service in COMPOSE["services"].values():
        for name, value in service["environment"].items():
            if value is not None:
                monkeypatch.setenv(name, str(value))
        settings = load_settings()
        assert settings.audit_key_file.parent != settings.data_dir, "the key lies apart from the data"
        mounted = {volume.partition(":")[2] for volume in service["volumes"]}
        assert {str(settings.data_dir), str(settings.audit_key_file.parent)} <= mounted


def test_the_image_has_the_version_of_the_project() -> None:
    assert COMPOSE["services"]["appraise"]["image"] == f"appraise:{VERSION}"


def test_the_base_of_the_image_is_pinned_and_can_be_replaced() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert PINNED.fullmatch(base[1])
    assert re.findall(r"^FROM (.+)$", DOCKERFILE, re.MULTILINE) == ["${BASE}"]


def test_the_image_runs_as_nobody_in_particular_and_installs_by_the_one_step() -> None:
    last_user = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert last_user == COMPOSE["services"]["appraise"]["user"]
    assert "run.set_up('app')" in DOCKERFILE
    assert "pip install" not in DOCKERFILE
