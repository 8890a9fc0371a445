"""What every file of the project must not hold, whichever kind it is."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Spelled in parts, so that this file does not hold what it forbids.
REGISTRIES = re.compile(
    "py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(org|com)|crates" + r"\.io|deb" + r"ian\.org"
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:" + "|".join(("ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk")) + r")/[\w.]"
)
LARGEST = 600 * 1024


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    hidden = {".venv", ".git"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not hidden & set(path.relative_to(ROOT).parts)]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_the_list_of_files_is_not_empty() -> None:
    assert ROOT / "run.py" in tracked()


@pytest.mark.parametrize("forbidden", [REGISTRIES, MACHINE_PATHS], ids=["registry address", "path of a machine"])
def test_no_file_names_a_registry_or_a_path_of_one_machine(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("index-url = https://" + "py" + "pi.org/simple", REGISTRIES),
        ("open('/" + "home/ann/x')", MACHINE_PATHS),
        ("#!/" + "root/.venv/bin/python", MACHINE_PATHS),
    ],
)
def test_what_is_forbidden_would_be_noticed(text: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(text)


def test_no_file_is_large() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > LARGEST] == []


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_readme_s_test_command_is_the_one_that_is_run_before_a_change_is_taken() -> None:
    command = "python3 run.py test"
    assert f"\n{command} " in (ROOT / "README.md").read_text(encoding="utf-8")
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"\n{command} ||" in gate
    assert "\npython3 run.py lint ||" in gate
