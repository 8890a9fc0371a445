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
PINNED = re.compile(r"[a-z0-9./-]+:(\d+\.\d+(\.\d+)?)[a-z0-9.-]*(@sha256:[0-9a-f]{64})?")
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("appraise:")}
OTHERS = {name: service for name, service in COMPOSE["services"].items() if name not in OURS}
SECRETS = "/run/secrets/"


def faults(compose: dict[str, Any]) -> list[str]:
    """Return what is wrong with the services, in words."""
    wrong = []
    for name, service in compose["services"].items():
        program = (service.get("command") or [""])[0]
        ours = name in OURS
        checks = {
            "image is not pinned": PINNED.fullmatch(service.get("image", "")),
            "command does not exist": not ours or program in SCRIPTS,
            "runs as root": not ours or re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(service.get("user", ""))),
            "has no health check": service.get("healthcheck", {}).get("test"),
            "has a port that is not on loopback": all(
                str(port).startswith("127.0.0.1:") for port in service.get("ports", [])
            ),
            "has a variable that is no setting": {
                each for each in service.get("environment", {}) if each.startswith(PREFIX)
            }
            <= {variable(field) for field in Settings.model_fields},
            "has a password in a variable": not any(
                "PASSWORD" in each and not each.endswith("_FILE") for each in service.get("environment", {})
            ),
            "asks for a secret that is not declared": set(service.get("secrets", [])) <= set(compose["secrets"]),
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
        ("environment", {"APPRAISE_SMTP_PASSWORD": "x"}, "has a password in a variable"),
        ("secrets", ["pin"], "asks for a secret that is not declared"),
    ],
)
def test_a_service_that_does_not_would_be_noticed(key: str, value: object, fault: str) -> None:
    changed = copy.deepcopy(COMPOSE)
    changed["services"]["worker"][key] = value
    assert faults(changed) == [f"worker {fault}"]


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if "environment" in service])
def test_the_settings_of_each_service_can_be_loaded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable_ in [each for each in os.environ if each.startswith(PREFIX)]:
        monkeypatch.delenv(variable_)
    service = OURS[name]
    for each, value in service["environment"].items():
        if value is None:
            continue
        said = str(value)
        if said.startswith(SECRETS):
            secret = said.removeprefix(SECRETS)
            assert secret in service["secrets"]
            said = str(tmp_path / secret)
            Path(said).write_text(f"{secret}!\n")
        monkeypatch.setenv(each, said)
    settings = load_settings()
    assert settings.audit_key_file.parent != settings.data_dir, "the key lies apart from the data"
    mounted = {volume.split(":")[1] for volume in service["volumes"]}
    assert str(settings.audit_key_file.parent) in mounted
    if settings.embedded:
        assert str(settings.data_dir) in mounted
    else:
        assert "appraise_application:database_password%21@" in settings.database_url
        assert ":broker_password%21@" in settings.broker_url
        assert settings.database_owner_url == settings.database_url or name == "upgrade"


def test_redis_keeps_what_it_is_given_and_postgresql_reads_its_passwords_from_files() -> None:
    start = (ROOT / "deploy" / "redis" / "start.sh").read_text(encoding="utf-8")
    assert {"appendonly yes", "requirepass", "noeviction"} <= set(
        re.findall(r"appendonly yes|requirepass|noeviction", start)
    )
    assert COMPOSE["services"]["postgresql"]["environment"]["POSTGRES_PASSWORD_FILE"].startswith(SECRETS)
    made = (ROOT / "deploy" / "secrets.sh").read_text(encoding="utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert name in made


def test_the_image_has_the_version_of_the_project() -> None:
    assert {service["image"] for service in OURS.values()} == {f"appraise:{VERSION}"}


def test_the_base_of_the_image_is_pinned_and_can_be_replaced() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert PINNED.fullmatch(base[1])
    assert re.findall(r"^FROM (.+)$", DOCKERFILE, re.MULTILINE) == ["${BASE} AS build", "${BASE}"]


def test_the_image_runs_as_nobody_in_particular_and_installs_by_the_one_step() -> None:
    last_user = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert {last_user} == {service["user"] for service in OURS.values()}
    assert "run.set_up('app')" in DOCKERFILE
    assert "pip install" not in DOCKERFILE
