#!/usr/bin/env python3
"""Set Appraise up once, then hand over to it. Standard library only.

The syntax stays readable by Python 3.7, so that an old Python says what is wrong instead of failing to parse.
"""

import collections
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen
from typing import Any, NoReturn

OLDEST, NEWEST = (3, 11), (3, 13)

if not OLDEST <= sys.version_info[:2] <= NEWEST and __name__ == "__main__":
    for found in filter(None, map(shutil.which, ("python3.13", "python3.12", "python3.11"))):
        if subprocess.call([found, "-c", ""], stderr=DEVNULL) == 0:
            os.execv(found, [found, *sys.argv])
    sys.exit(
        f"Appraise needs Python 3.11, 3.12 or 3.13 and this is {sys.version.split()[0]}: "
        "install one of them and start run.py with it, for example `python3.13 run.py demo`."
    )

ROOT = Path(__file__).resolve().parent
VENV, PYTHON = ROOT / ".venv", ROOT / ".venv" / "bin" / "python"
STAMP, LOCK = VENV / "run-py-stamp.json", ROOT / ".venv.lock"
GROWING = ("app", "dev", "peers")  # each set contains those before it
SETS = {name: ROOT / "requirements" / f"{name}.txt" for name in (*GROWING, "build")}
MISPLACING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH")
"""Variables that would make an installer write, or Python read, somewhere else than in `.venv`."""
PIP_FOLDERS = ("/etc", "/etc/xdg/pip", "~/.config/pip", "~/.pip", "~/Library/Application Support/pip")
PIP_FILES = tuple(f"{folder}/pip.conf" for folder in PIP_FOLDERS)
UV_FILES = ("/etc/uv/uv.toml", "~/.config/uv/uv.toml")
ENVIRONMENT_EXIT, INTERRUPTED_EXIT = 6, 130
MODULES = {"bench": "benchmarks", "storm": "tests.faults.storm"}
KINDS = {"--long": "long"} | {f"--{kind}": f"{kind} and not long" for kind in ("faults", "whole", "benches")}

USAGE = """\
Appraise: a workflow engine for appraisal cycles.

  python3 run.py demo            play one quarter of a bank office, from opening to signed results
  python3 run.py test [ARGS]     run the tests; ARGS go to pytest; --faults, --whole, --benches and --long run others
  python3 run.py bench [NAME]    measure the product against the bare driver; --help lists the benchmarks
  python3 run.py storm [ARGS]    kill processes and servers for minutes and count what was owed; --help says more
  python3 run.py lint            run the style, type and architecture checks
  python3 run.py version         say which version this is
  python3 run.py COMMAND [ARGS]  run `appraise COMMAND`, for example `python3 run.py doctor`

The first command makes the environment in .venv; nothing is installed outside this folder.
"""

CHECKS = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy", ("mypy",)),
    ("import contracts", ("lint-imports",)),
    ("compose file", ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")),
)


class SetUpError(Exception):
    """The environment could not be made; the message is one sentence for the person at the terminal."""


def say(text: str) -> None:
    """Tell the person what happens, on stderr: stdout belongs to the command that is handed over to."""
    print(text, file=sys.stderr, flush=True)


def digest(*paths: Path) -> str:
    """Return the digest of the files' bytes, in their order."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def wanted(needed: str) -> dict[str, str]:
    """Return what the stamp of an environment with the locked set `needed` ("app", "dev" or "peers") must say."""
    project = digest(SETS["build"], ROOT / "pyproject.toml")
    sets = GROWING[: GROWING.index(needed) + 1]
    return {"state": "whole", "root": str(ROOT), "project": project, **{name: digest(SETS[name]) for name in sets}}


def read_stamp() -> dict[str, str]:
    """Return what the last set-up wrote, or nothing if there was none or it cannot be read."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Write the stamp in one step, so that an interrupted write leaves the old one."""
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps({**stamp, "python": os.path.realpath(PYTHON)}, indent=1), encoding="utf-8")
    fresh.replace(STAMP)


def is_ready(needed: str) -> bool:
    """Say whether the environment stands here, is whole, and holds the locked set `needed`."""
    stamp = read_stamp()
    here = PYTHON.exists() and stamp.get("python") == os.path.realpath(PYTHON)
    return here and all(stamp.get(name) == value for name, value in wanted(needed).items())


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one set-up work at a time. The system drops the lock when this process and its installer have ended."""
    import fcntl

    with LOCK.open("a", encoding="utf-8") as handle:
        os.set_inheritable(handle.fileno(), True)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run.py is setting .venv up; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def environment() -> dict[str, str]:
    """Return the environment for installers: the person's own, index settings included, less what misplaces files."""
    kept = {name: value for name, value in os.environ.items() if name not in MISPLACING}
    if not os.access(Path("~").expanduser(), os.W_OK):
        kept["UV_NO_CACHE"] = kept["PIP_NO_CACHE_DIR"] = "1"
    return kept


def do(doing: str, command: Sequence[str]) -> None:
    """Run one step of an installer, showing its last line on a terminal, and its last lines when it fails.

    Raises:
        SetUpError: The step failed or could not start.
    """
    say(f"  {doing}")
    tail: collections.deque[str] = collections.deque(maxlen=15)
    # The installer shares the lock: one that outlives a killed run.py is waited for by the next.
    options: Any = {"cwd": ROOT, "env": environment(), "text": True, "close_fds": False}
    wipe = "\r\033[K" if sys.stderr.isatty() else ""
    try:
        with Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, **options) as step:
            for line in step.stdout or ():
                tail.append(line.rstrip())
                if wipe:
                    width = shutil.get_terminal_size().columns
                    print(f"{wipe}    {tail[-1]}"[:width], end="", file=sys.stderr, flush=True)
    except OSError as error:
        raise SetUpError(f"{command[0]} does not start ({error.strerror}).") from error
    finally:
        print(wipe, end="", file=sys.stderr)
    if step.returncode != 0:
        for line in tail:
            say(f"    | {line}")
        raise SetUpError(f"This step failed: {doing}.")


def is_configured(prefix: str, files: Sequence[str]) -> bool:
    """Say whether an installer has an index of its own, in the environment (`prefix`_...) or in one of its files."""
    if any(re.match(prefix + r"_\w*(INDEX|FIND_LINKS)", name) for name in os.environ):
        return True
    setting = re.compile(r"^\s*(\[\[)?(extra-|default-)?(index(-url)?|find-links|no-index)\b", re.MULTILINE)
    for name in (*files, os.environ.get(f"{prefix}_CONFIG_FILE", "")):
        with contextlib.suppress(OSError):
            if setting.search(Path(name).expanduser().read_text(encoding="utf-8", errors="replace")):
                return True
    return False


def ways() -> list[str | None]:
    """Return the ways to set up, best first: the path of uv, or None for venv and pip.

    uv does not read pip's configuration: where only pip was told of an index (a mirror, say), pip goes first.

    Raises:
        SetUpError: This Python has no venv and there is no uv.
    """
    uv = shutil.which("uv")
    found: list[str | None] = [uv] if uv else []
    if all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        pip_first = is_configured("PIP", PIP_FILES) and not is_configured("UV", UV_FILES)
        found.insert(0 if pip_first else len(found), None)
    if not found:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        raise SetUpError(
            f"This Python cannot make environments: install the package {package} "
            f"(Debian and Ubuntu: `apt install {package}`), then run the same command again."
        )
    return found


def is_usable(uv: str | None) -> bool:
    """Say whether the `.venv` that stands can be installed into: whole or made by hand, here, its Python fitting."""
    stamp = read_stamp()
    moved = stamp and (stamp.get("root") != str(ROOT) or stamp.get("python") != os.path.realpath(PYTHON))
    if moved or stamp.get("state") == "unfinished" or not PYTHON.exists():
        return False
    question = f"{'' if uv else 'import pip; '}import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    return subprocess.call([PYTHON, "-c", question], stderr=DEVNULL) == 0


def make_environment(uv: str | None) -> None:
    """Make `.venv` if there is none to use; one that was left half made, or was moved, is made anew.

    Raises:
        SetUpError: The environment could not be made.
    """
    if not is_usable(uv):
        if VENV.is_symlink():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
        maker = [uv, "venv", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
        do("making .venv", [*maker, str(VENV)])
    write_stamp({"state": "unfinished", "root": str(ROOT)})


def install(needed: str, uv: str | None) -> None:
    """Install the locked set `needed`, the build tools, and Appraise itself. The one place that installs anything.

    No index is named: pip and uv ask the one they are configured with. Every file must match a hash of the lock, and
    only wheels are taken, because building a source archive would fetch build tools that no lock names.

    Raises:
        SetUpError: A step failed.
    """
    pip = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    tool = [uv, "pip", "install", "--python", str(PYTHON)] if uv else pip
    for name, what in ((needed, "packages"), ("build", "build tools")):
        count = len(re.findall(r"^\S+==", SETS[name].read_text(encoding="utf-8"), re.MULTILINE))
        doing = f"installing {count} {what} with {'uv' if uv else 'pip'}, each checked by its hash"
        do(doing, [*tool, "--require-hashes", "--only-binary", ":all:", "-r", str(SETS[name])])
    do("linking Appraise itself", [*tool, "--no-build-isolation", "--no-index", "--no-deps", "-e", str(ROOT)])


def set_up(needed: str) -> None:
    """Bring the environment to the locked set `needed`, once; starts at the same moment wait for the first.

    Raises:
        SetUpError: No way worked; the sentence says what to do.
    """
    if is_ready(needed):
        return
    if not os.access(ROOT, os.W_OK):
        why = f"{ROOT} is not set up and you may not write there"
        raise SetUpError(f"{why}: let its owner start run.py once, or clone it to a folder of your own.")
    with only_one():
        if is_ready(needed):
            return
        began = time.monotonic()
        say(f"Setting Appraise up in {VENV} (once; packages come from where pip or uv is configured to look).")
        needed = max({needed, *read_stamp()} & {*GROWING}, key=GROWING.index)  # what is there is brought up to date
        todo = ways()
        for number, uv in enumerate(todo, start=1):
            try:
                make_environment(uv)
                install(needed, uv)
                break
            except SetUpError as error:
                if number == len(todo):
                    mend = "Mend what the lines above say (often: no network, or a mirror that pip was not told of)"
                    raise SetUpError(f"{error} {mend}, then run the same command again.") from error
                say("  That did not work; trying another installer.")
        write_stamp(wanted(needed))
        say(f"Set up in {time.monotonic() - began:.0f} s.")


def hand_over(*command: str) -> NoReturn:
    """Become `command`: its exit code, its signals and the terminal are then its own."""
    sys.stdout.flush()
    os.execv(command[0], command)


def run_tests(arguments: Sequence[str]) -> NoReturn:
    """Run pytest in the project's folder; paths among the arguments are meant from where the person stands."""
    others = " and ".join(f"not {one[2:]}" for one in KINDS)
    chosen = " or ".join(KINDS[one] for one in arguments if one in KINDS) or others
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    passed = []
    for path, colons, test in (argument.partition("::") for argument in arguments if argument not in KINDS):
        passed.append((str(Path(path).resolve()) if Path(path).exists() else path) + colons + test)
    os.chdir(ROOT)
    hand_over(str(PYTHON), "-m", "pytest", "-n", str(cores + 1), "--dist", "worksteal", "-m", chosen, *passed)


def run_checks() -> int:
    """Run every check, say each one's name and result, and return 1 if any failed."""
    failed = []
    for name, (program, *arguments) in CHECKS:
        say(f"--- {name}")
        if subprocess.call([VENV / "bin" / program, *arguments], cwd=ROOT, stdin=DEVNULL) != 0:
            failed.append(name)
        say(f"--- {name}: {'FAILED' if name in failed else 'passed'}")
    say(f"FAILED: {', '.join(failed)}." if failed else f"All {len(CHECKS)} checks passed.")
    return 1 if failed else 0


def say_version() -> None:
    """Print the version of Appraise and of the Python that runs this script; needs no environment."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print(f"{project['name']} {project['version']} (Python {sys.version.split()[0]})")


def main(arguments: list[str]) -> int:
    """Do what the first of `arguments` says; return the exit code where nothing takes over."""
    if os.name == "nt":
        say("Appraise runs on Linux and macOS; on Windows, run the same command inside WSL (`wsl --install`).")
        return ENVIRONMENT_EXIT
    command = arguments[0] if arguments else "--help"
    if command == "version":
        say_version()
        return 0
    if command in {"-h", "--help"}:
        print(USAGE)
        if not is_ready("app"):
            return 0
    try:
        with_dev = "peers" if {"bench", "peers"} <= {*arguments} else "dev"
        set_up(with_dev if command in {"test", "lint", *MODULES} else "app")
    except SetUpError as error:
        say(str(error))
        return ENVIRONMENT_EXIT
    except KeyboardInterrupt:
        say("Interrupted; the next run makes .venv anew.")
        return INTERRUPTED_EXIT
    if command == "test":
        run_tests(arguments[1:])
    if command == "lint":
        return run_checks()
    if command in MODULES:
        os.chdir(ROOT)
        hand_over(str(PYTHON), "-m", MODULES[command], *arguments[1:])
    hand_over(str(PYTHON), str(VENV / "bin" / "appraise"), *(arguments or ["--help"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
