"""The gate runs the checks and the README's test command, and says no when either does."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """\
#!/bin/sh
echo "$PWD: $* CI=$CI stdin=$(wc -c)"
[ "$*" = "run.py $FAILING" ] && exit 7; exit 0
"""


def gate(folder: Path, failing: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the gate in a folder of its own, with a stand-in for Python that fails at one word."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "python3").write_text(PYTHON)
    (folder / "python3").chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "FAILING": failing, "CHROMIUM": "is there"}
    return subprocess.run(
        [str(folder / ".ci" / "run")],
        cwd="/",
        env=environment,
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_the_checks_and_the_tests_in_the_checkout_without_input(tmp_path: Path) -> None:
    done = gate(tmp_path, "nothing")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{tmp_path}: run.py lint CI=true stdin=0",
        f"{tmp_path}: run.py test CI=true stdin=0",
        f"{tmp_path}: run.py test --faults --whole --benches CI=true stdin=0",
        "Checks and tests passed.",
    ]


@pytest.mark.parametrize("failing", ["lint", "test", "test --faults --whole --benches"])
def test_it_fails_when_one_fails_and_still_runs_the_others(failing: str, tmp_path: Path) -> None:
    done = gate(tmp_path, failing)
    assert done.returncode == 1
    assert done.stdout.count("run.py") == 3
    assert done.stdout.splitlines()[-1] == f"FAILED: {failing}"
