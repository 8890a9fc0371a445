"""Each service of docker-compose.yml, its command started for real: on one machine, without a container engine."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ruamel.yaml import YAML
from sqlalchemy.engine import make_url

from config.mail_sink import free_port
from tests.cli.test_serving import SECONDS, ready, started
from tests.servers import postgresql, redis_server
from tests.waiting import until

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: Mapping[str, Any] = COMPOSE["services"]
REDIS_CLI = """#!{python}
import os, sys
import redis
print("PONG" if redis.Redis(port={port}, password=os.environ["REDISCLI_AUTH"]).ping() else "no")
"""
"""What the image of Redis has as `redis-cli`, as far as the health check asks for it."""


@dataclass
class Stack:
    """What stands around our own services, and how their containers' names are spelt on this machine."""

    folder: Path
    database: str
    redis_port: int

    def variables(self, name: str) -> dict[str, str]:
        """Return the environment of a service."""
        given = SERVICES[name].get("environment", {})
        return {each: self.here(str(value)) for each, value in given.items() if value is not None}

    def here(self, value: str) -> str:
        """Return an address or a path of the containers as one of this machine."""
        owner = make_url(self.database)
        value = value.replace("@postgresql/appraise", f"@127.0.0.1:{owner.port}/{owner.database}")
        value = value.replace("redis:6379", f"127.0.0.1:{self.redis_port}")
        for mounted in ("/run/secrets/", "/keys/", "/data"):
            if value.startswith(mounted):
                return str(self.folder / mounted.strip("/").rpartition("/")[2]) + value.removeprefix(
                    mounted.rstrip("/")
                )
        return value

    def run(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end with the environment of a service."""
        with started(*words, folder=self.folder, **self.variables(name)) as process:
            said, wrong = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(words, process.returncode, said, wrong)


def script(path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the deployment's scripts."""
    return subprocess.run(
        ["sh", str(path)], env={**os.environ, **variables}, capture_output=True, text=True, check=True, timeout=SECONDS
    )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL as it is installed, Redis by its own script, passwords by theirs; the role made by its script."""
    folder = tmp_path_factory.mktemp("stack")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    for name in ("keys", "data"):
        (folder / name).mkdir()
    script(folder / "deploy" / "secrets.sh")
    again = (folder / "secrets" / "broker_password").read_text()
    script(folder / "deploy" / "secrets.sh")
    assert (folder / "secrets" / "broker_password").read_text() == again

    found = postgresql.find()
    server = postgresql.start_own(found, "shipped")
    owner = make_url(server.url)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE compose ENCODING 'UTF8' TEMPLATE template0")
        admin.execute("CREATE ROLE nobody_else LOGIN")
    (folder / "secrets" / "database_owner_password").write_text(str(owner.password))
    script(
        folder / "deploy" / "postgresql" / "10-application-role.sh",
        POSTGRES_USER=str(owner.username),
        POSTGRES_DB="compose",
        PGHOST="127.0.0.1",
        PGPORT=str(owner.port),
        PGPASSWORD=str(owner.password),
        PATH=f"{found.folder}{os.pathsep}{os.environ['PATH']}",
        APPLICATION_PASSWORD_FILE=str(folder / "secrets" / "database_password"),
    )

    port = free_port()
    (folder / "redis").mkdir()
    redis = subprocess.Popen(
        ["sh", str(folder / "deploy" / "redis" / "start.sh")],
        env={
            **os.environ,
            "REDIS_SERVER": str(redis_server.installations()[0].program),
            "REDIS_CONFIG": str(folder / "redis" / "appraise.conf"),
            "REDIS_DATA": str(folder / "redis"),
            "REDIS_PORT": str(port),
            "PASSWORD_FILE": str(folder / "secrets" / "broker_password"),
        },
        stdout=subprocess.DEVNULL,
    )
    stack = Stack(folder, owner.set(database="compose").render_as_string(hide_password=False), port)
    try:
        until(lambda: pings(stack))
        yield stack
    finally:
        redis.kill()
        redis.wait()
        server.stop()


def pings(stack: Stack) -> bool:
    """Run the health check of Redis."""
    client = stack.folder / "bin" / "redis-cli"
    client.parent.mkdir(exist_ok=True)
    client.write_text(REDIS_CLI.format(python=sys.executable, port=stack.redis_port))
    client.chmod(0o755)
    done = subprocess.run(
        ["sh", str(stack.folder / "deploy" / "redis" / "ping.sh")],
        env={
            **os.environ,
            "PATH": f"{client.parent}{os.pathsep}{os.environ['PATH']}",
            "PASSWORD_FILE": str(stack.folder / "secrets" / "broker_password"),
        },
        capture_output=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    return done.returncode == 0


def test_the_services_start_in_their_order_are_healthy_and_end_well(stack: Stack) -> None:
    upgrade = SERVICES["upgrade"]
    first = stack.run("upgrade", *upgrade["command"][1:])
    assert first.returncode == 0, first.stderr
    assert "is made and stands at" in first.stdout
    again = stack.run("upgrade", *upgrade["command"][1:])
    assert (again.returncode, "nothing changed" in again.stdout) == (0, True)
    assert stack.run("upgrade", *upgrade["healthcheck"]["test"][2:]).returncode == 0
    assert {path.name for path in (stack.folder / "keys").iterdir()} == {"audit.key"}

    for name, words in (("worker", "The worker is up:"), ("beat", "The beat is up")):
        service = SERVICES[name]
        with started(*service["command"][1:], folder=stack.folder, **stack.variables(name)) as process:
            ready(process, words)
            healthy = stack.run(name, *service["healthcheck"]["test"][2:])
            process.send_signal(signal.SIGTERM)
            said, log = process.communicate(timeout=SECONDS)
        assert healthy.returncode == 0, healthy.stdout + healthy.stderr
        assert (process.returncode, "Stopped" in said) == (0, True), log


def test_a_worker_with_the_password_of_somebody_else_says_so(stack: Stack, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password\n")
    variables = {**stack.variables("worker"), "APPRAISE_DATABASE_PASSWORD_FILE": str(wrong)}
    with started("worker", folder=tmp_path, **variables) as process:
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 6
    assert said.startswith("The database does not take the role or its password; correct APPRAISE_DATABASE_URL")
    assert len(said.splitlines()) == 1


def test_the_sink_of_the_trial_takes_mails_from_other_containers(tmp_path: Path) -> None:
    port = str(free_port())
    command = [
        {"2525": port, "/mails": str(tmp_path / "mails")}.get(word, word) for word in SERVICES["mail-sink"]["command"]
    ]
    check = [word.replace("2525", port) for word in SERVICES["mail-sink"]["healthcheck"]["test"][1:]]
    with started(*command[1:], folder=tmp_path) as process:
        ready(process, f"The mail sink listens on 0.0.0.0:{port}")
        healthy = subprocess.run([sys.executable, *check[1:]], check=False, timeout=SECONDS)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
    assert (process.returncode, healthy.returncode) == (0, 0)


def test_the_pages_start_are_healthy_ask_for_a_login_and_end_well(stack: Stack) -> None:
    service = SERVICES["web"]
    made = stack.run("upgrade", *SERVICES["upgrade"]["command"][1:])
    assert made.returncode == 0, made.stderr
    port = str(free_port())
    words = [word.replace("8000", port) for word in service["command"][1:]]
    words[words.index("--host") + 1] = "127.0.0.1"
    kind, program, *check = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python3")
    with started(*words, folder=stack.folder, **stack.variables("web")) as process:
        ready(process, f"The pages are up at http://127.0.0.1:{port}")
        healthy = subprocess.run(
            [sys.executable, *(word.replace("8000", port) for word in check)],
            check=False, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=SECONDS) as page:
            assert page.url.endswith("/login")
        process.send_signal(signal.SIGTERM)
        said, log = process.communicate(timeout=SECONDS)
    assert healthy.returncode == 0, healthy.stderr
    assert (process.returncode, said) == (0, "Stopped.\n"), log
