"""Ending processes the hard way, `kill -9`, at points that a seed chooses, as a power cut or an operator would.

What a point is, the caller says: `progress` counts something that only grows, such as rows, mails or lines of a log.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

APPRAISE = Path(sys.executable).with_name("appraise")
SECONDS = 120.0
_LOOK_SECONDS = 0.005

Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def started(words: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> Iterator[Process]:
    """Run a command in a folder, in a process group of its own, without settings of ours; at the end it is gone.

    What it says goes into the file `said.log` in the folder.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
    with (folder / "said.log").open("ab") as said:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=folder,
            env={**kept, **variables},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill(process)


def kill(process: Process) -> None:
    """End a process and its children with SIGKILL, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(SECONDS)


def points(seed: int, count: int, most: int) -> list[int]:
    """Return `count` different points from 1 to `most`, in their order."""
    return sorted(random.Random(seed).sample(range(1, most + 1), count))  # noqa: S311 - a seeded choice, not a secret


def wait_for(process: Process, progress: Callable[[], int], point: int) -> None:
    """Return as soon as the progress has come to a point.

    Raises:
        AssertionError: the process ended before that, or it took too long.
    """
    end = time.monotonic() + SECONDS
    while progress() < point:
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(
                f"The process ended by itself with {process.wait(_LOOK_SECONDS)} before point {point}."
            )
        if time.monotonic() > end:
            raise AssertionError(f"After {SECONDS:g} seconds {progress()} of {point} were done.")
