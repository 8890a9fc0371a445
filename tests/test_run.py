"""run.py against stand-ins for the installers: what it asks of them, when, and what it hands over to."""

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).parents[1]

INSTALLER = """\
#!/bin/sh
# Stands in for uv: notes what it is asked, makes programs that say how they were called, fails or kills on demand.
printf '%s\\n' "$*" >> "$NOTES"
mkdir "$NOTES.busy" 2>/dev/null || { echo "two at once"; exit 9; }
trap 'rmdir "$NOTES.busy"' EXIT
case "$*" in *"$FAIL_AT"*) echo "no such host"; exit 3;; esac
case "$*" in *"$KILL_AT"*)
  kill -9 $PPID
  [ -z "$GO_ON" ] || read -r _ < "$GO_ON"
  echo outlived >> "$NOTES"
  exit 9;;
esac
if [ "$1" = venv ]; then
  mkdir -p "$4/bin"
  for name in python ruff mypy lint-imports check-jsonschema; do
    cp "$(dirname "$0")/program" "$4/bin/$name"
  done
fi
"""
PROGRAM = """\
#!/bin/sh
case "$1" in -c) exit 0;; esac
printf '%s\\n' "$PWD" "$(basename "$0")" "$@"
[ "$(basename "$0")" = "$FAILING" ] && exit 1
exit "${EXIT_WITH:-0}"
"""


class Checkout:
    """A checkout of its own, under a path with spaces, with an installer that installs nothing."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a path" / "with spaces"
        self.bin = folder / "bin"
        self.notes = folder / "notes"
        self.bin.mkdir(parents=True)
        (self.root / "requirements").mkdir(parents=True)
        for name in (
            "run.py",
            "pyproject.toml",
            "requirements/app.txt",
            "requirements/dev.txt",
            "requirements/peers.txt",
            "requirements/build.txt",
        ):
            shutil.copy(ROOT / name, self.root / name)
        for name, text in (("uv", INSTALLER), ("program", PROGRAM)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)

    def start(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(self.bin),
            "NOTES": str(self.notes),
            "FAIL_AT": "nowhere",
            "KILL_AT": "nowhere",
            "GO_ON": "",
            "UV_DEFAULT_INDEX": "as configured",
            **variables,
        }
        return subprocess.Popen(
            [sys.executable, str(self.root / "run.py"), *arguments],
            cwd=cwd or self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, cwd=cwd, **variables)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def asked(self) -> list[str]:
        """Return what the installer was asked since the last time."""
        if not self.notes.exists():
            return []
        lines = self.notes.read_text().splitlines()
        self.notes.unlink()
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_an_old_python_can_read_the_script() -> None:
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_the_script_needs_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 10, 12), (3, 14, 0)])
def test_a_python_that_does_not_fit_is_one_sentence(version: tuple[int, int, int], tmp_path: Path) -> None:
    start = f"runpy.run_path({str(ROOT / 'run.py')!r}, run_name='__main__')"
    pretend = f"import runpy, sys; sys.version_info = {version}; {start}"
    done = subprocess.run(
        [sys.executable, "-c", pretend], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Appraise needs Python 3.11, 3.12 or 3.13 and this is ")
    assert done.stderr.count("\n") == 1


def test_a_python_that_does_not_fit_makes_way_for_one_that_does(tmp_path: Path) -> None:
    other = tmp_path / "python3.12"
    other.write_text('#!/bin/sh\n[ "$1" = -c ] || echo other "$@"\n')
    other.chmod(0o755)
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9); sys.argv = ['run.py', 'demo']; "
        f"runpy.run_path({str(ROOT / 'run.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend], env={"PATH": f"{tmp_path}:/bin"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"other {ROOT}/run.py demo\n")


def test_windows_is_told_where_to_run_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "name", "nt")
    code = run.main(["demo"])
    monkeypatch.undo()
    assert code == 6
    assert capsys.readouterr().err == (
        "Appraise runs on Linux and macOS; on Windows, run the same command inside WSL (`wsl --install`).\n"
    )


def test_a_python_without_venv_names_the_package(checkout: Checkout) -> None:
    pretend = (
        "import runpy, sys; sys.modules['ensurepip'] = None; sys.argv = ['run.py', 'demo']; "
        f"runpy.run_path({str(checkout.root / 'run.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    assert done.returncode == 6
    assert done.stderr.splitlines()[-1] == (
        f"This Python cannot make environments: install the package {package} "
        f"(Debian and Ubuntu: `apt install {package}`), then run the same command again."
    )
    assert not (checkout.root / ".venv").exists()


def test_set_up_happens_once_with_hashes_and_without_naming_an_index(checkout: Checkout) -> None:
    first = checkout.run("demo")
    root, venv = checkout.root, checkout.root / ".venv"
    tool = f"pip install --python {venv}/bin/python"
    hashed = f"{tool} --require-hashes --only-binary :all: -r {root}/requirements"
    assert checkout.asked() == [
        f"venv --python {sys.executable} {venv}",
        f"{hashed}/app.txt",
        f"{hashed}/build.txt",
        f"{tool} --no-build-isolation --no-index --no-deps -e {root}",
    ]
    assert "Setting Appraise up" in first.stderr
    assert "each checked by its hash" in first.stderr
    second = checkout.run("demo")
    assert checkout.asked() == []
    assert second.stderr == ""
    assert first.stdout == second.stdout


def test_the_command_keeps_folder_arguments_output_and_exit_code(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.run("rubric", "list", "--json", "a  b", cwd=tmp_path, EXIT_WITH="4")
    program = str(checkout.root / ".venv" / "bin" / "appraise")
    assert done.stdout.splitlines() == [str(tmp_path), "python", program, "rubric", "list", "--json", "a  b"]
    assert done.returncode == 4


def test_the_tests_need_the_larger_set_and_the_demo_then_nothing_more(checkout: Checkout) -> None:
    checkout.run("demo")
    checkout.asked()
    checkout.run("test")
    assert [line.rpartition("/")[2] for line in checkout.asked()] == ["dev.txt", "build.txt", "with spaces"]
    checkout.run("lint")
    checkout.run("demo")
    assert checkout.asked() == []


def test_the_default_tests_leave_out_the_long_ones_and_arguments_go_to_pytest(
    checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "test_x.py").touch()
    usual = checkout.run("test", "-k", "ledger", "test_x.py::test_y", cwd=tmp_path, EXIT_WITH="5")
    assert usual.returncode == 5
    lines = usual.stdout.splitlines()
    assert lines[:4] == [str(checkout.root), "python", "-m", "pytest"]
    assert lines[lines.index("-m", 4) + 1] == "not long and not faults and not whole and not benches"
    assert lines[-3:] == ["-k", "ledger", f"{tmp_path}/test_x.py::test_y"]
    assert int(lines[lines.index("-n") + 1]) >= 2
    thorough = checkout.run("test", "--long").stdout.splitlines()
    assert thorough[thorough.index("-m", 4) + 1] == "long"
    assert "--long" not in thorough
    crashes = checkout.run("test", "--faults", "--whole").stdout.splitlines()
    assert crashes[crashes.index("-m", 4) + 1] == "faults and not long or whole and not long"
    assert "--faults" not in crashes


def test_the_peers_are_installed_only_for_their_benchmark_and_then_stay(checkout: Checkout) -> None:
    checkout.run("bench", "move")
    assert not [line for line in checkout.asked() if "peers.txt" in line]
    checkout.run("bench", "peers")
    assert [line for line in checkout.asked() if line.endswith("/requirements/peers.txt")]
    checkout.run("test")
    assert checkout.asked() == []
    with (checkout.root / "requirements" / "app.txt").open("a") as lock:
        lock.write("# changed\n")
    checkout.run("demo")
    assert [line for line in checkout.asked() if line.endswith("/requirements/peers.txt")]


@pytest.mark.parametrize(("command", "module"), [("bench", "benchmarks"), ("storm", "tests.faults.storm")])
def test_benchmarks_and_storms_run_in_the_projects_folder_and_arguments_go_to_them(
    command: str, module: str, checkout: Checkout, tmp_path: Path
) -> None:
    said = checkout.run(command, "move", "--json", cwd=tmp_path).stdout.splitlines()
    assert said == [str(checkout.root), "python", "-m", module, "move", "--json"]
    assert [line.rpartition("/")[2] for line in checkout.asked() if "dev.txt" in line] == ["dev.txt"]


def test_lint_says_each_check_and_its_result(checkout: Checkout) -> None:
    good = checkout.run("lint")
    assert good.returncode == 0
    assert good.stderr.count(": passed") == len(run.CHECKS)
    bad = checkout.run("lint", FAILING="mypy")
    assert bad.returncode == 1
    assert "--- mypy: FAILED" in bad.stderr
    assert bad.stderr.count(": passed") == len(run.CHECKS) - 1
    assert bad.stderr.splitlines()[-1] == "FAILED: mypy."


def test_version_and_help_need_no_environment(checkout: Checkout) -> None:
    version = checkout.run("version")
    assert version.stdout.startswith("appraise 0.1.0 (Python 3.")
    for arguments in ([], ["--help"]):
        assert "python3 run.py demo" in checkout.run(*arguments).stdout
    assert checkout.asked() == []


def test_help_of_a_ready_checkout_goes_on_with_the_commands(checkout: Checkout) -> None:
    checkout.run("demo")
    assert checkout.run().stdout.splitlines()[-1] == "--help"


@pytest.mark.whole
def test_a_failed_step_shows_its_last_lines_and_the_next_run_repairs_it(checkout: Checkout) -> None:
    failed = checkout.run("demo", FAIL_AT="build.txt", PIP_NO_INDEX="1")
    assert failed.returncode == 6
    assert "    | no such host" in failed.stderr
    assert "run the same command again" in failed.stderr.splitlines()[-1]
    assert failed.stdout == ""
    checkout.asked()
    assert checkout.run("demo").returncode == 0
    assert checkout.asked()[0].startswith("venv "), "what was left half made is made anew"


def test_a_set_up_that_was_killed_is_repaired_by_the_next_run(checkout: Checkout) -> None:
    killed = checkout.run("demo", KILL_AT="app.txt")
    assert killed.returncode == -9
    assert checkout.run("demo").returncode == 0
    asked = checkout.asked()
    assert asked[2] == "outlived"
    assert [line.split()[0] for line in asked[3:]] == ["venv", "pip", "pip", "pip"]


def test_an_installer_that_outlives_a_killed_set_up_is_waited_for(checkout: Checkout, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    os.mkfifo(go_on)
    killed = checkout.start("demo", KILL_AT="app.txt", GO_ON=str(go_on))
    assert killed.wait(timeout=60) == -9
    second = checkout.start("demo")
    assert second.stderr is not None
    assert second.stderr.readline() == "Another run.py is setting .venv up; waiting for it.\n"
    go_on.write_text("now\n")
    second.communicate(timeout=60)
    killed.communicate(timeout=60)
    assert second.returncode == 0
    assert checkout.asked()[2:4] == ["outlived", f"venv --python {sys.executable} {checkout.root}/.venv"]


@pytest.mark.parametrize("change", ["lock", "project", "stamp", "python"])
def test_what_changed_or_broke_is_set_up_again(change: str, checkout: Checkout) -> None:
    checkout.run("demo")
    checkout.asked()
    broken: dict[str, Callable[[], object]] = {
        "lock": lambda: (checkout.root / "requirements/app.txt").write_text("celery==1 --hash=sha256:0\n"),
        "project": lambda: (checkout.root / "pyproject.toml").write_text("[project]\nname = 'appraise'\n"),
        "stamp": lambda: (checkout.root / ".venv/run-py-stamp.json").write_text("{"),
        "python": (checkout.root / ".venv/bin/python").unlink,
    }
    broken[change]()
    assert checkout.run("demo").returncode == 0
    asked = checkout.asked()
    assert asked[0].startswith("venv ") is (change == "python")
    assert sum("app.txt" in line for line in asked) == 1
    checkout.run("demo")
    assert checkout.asked() == []


def test_a_checkout_that_was_moved_gets_an_environment_of_its_new_place(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("demo")
    checkout.asked()
    checkout.root = checkout.root.rename(tmp_path / "elsewhere")
    assert checkout.run("demo").returncode == 0
    assert checkout.asked()[0] == f"venv --python {sys.executable} {tmp_path}/elsewhere/.venv"


def test_starts_at_the_same_moment_set_up_once(checkout: Checkout) -> None:
    processes = [checkout.start("demo") for _ in range(5)]
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 5, outcomes
    assert len(checkout.asked()) == 4


def test_a_mirror_that_only_pip_knows_of_puts_pip_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(run, "PIP_FILES", (str(tmp_path / "pip.conf"),))
    monkeypatch.setattr(run, "UV_FILES", (str(tmp_path / "uv.toml"),))
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    assert run.ways() == [str(uv), None]
    (tmp_path / "pip.conf").write_text("[global]\ntimeout = 60\n")
    assert run.ways() == [str(uv), None]
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = a mirror\n")
    assert run.ways() == [None, str(uv)]
    (tmp_path / "uv.toml").write_text('[[index]]\nurl = "a mirror"\n')
    assert run.ways() == [str(uv), None]
    (tmp_path / "uv.toml").unlink()
    (tmp_path / "pip.conf").unlink()
    monkeypatch.setenv("PIP_INDEX_URL", "a mirror")
    assert run.ways() == [None, str(uv)]
    monkeypatch.setenv("UV_DEFAULT_INDEX", "a mirror")
    assert run.ways() == [str(uv), None]


@pytest.mark.whole
def test_where_uv_fails_pip_is_tried(checkout: Checkout) -> None:
    done = checkout.run("demo", FAIL_AT="venv", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(checkout.bin))
    assert "That did not work; trying another installer." in done.stderr
    assert "each checked by its hash" in done.stderr, "the environment was made, without uv"
    assert done.returncode == 6, "pip finds nothing here either, and the last word is its"


def test_the_person_s_index_settings_reach_the_installer_and_misplacing_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "a mirror")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "a mirror")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    kept = run.environment()
    assert (kept["PIP_INDEX_URL"], kept["UV_DEFAULT_INDEX"]) == ("a mirror", "a mirror")
    assert not {"PIP_USER", "PYTHONPATH"} & kept.keys()


def test_its_own_share_of_a_start_is_well_under_a_second(checkout: Checkout) -> None:
    checkout.run("demo")
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        checkout.run("demo")
        spent.append(time.perf_counter() - began)
    assert min(spent) < 1


def test_the_stamp_says_what_stands_there(checkout: Checkout) -> None:
    checkout.run("demo")
    stamp = json.loads((checkout.root / ".venv/run-py-stamp.json").read_text())
    assert stamp["root"] == str(checkout.root)
    assert stamp["app"] == run.digest(checkout.root / "requirements/app.txt")
    assert stamp["state"] == "whole"
