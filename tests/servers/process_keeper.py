"""Keeps one process for as long as whoever started it lives.

Run as a process of its own: `python process_keeper.py FOLDER COMMAND...`. It starts the command in FOLDER, as `nobody`
where it is root itself, and waits for the end of its standard input, which comes when the other side closes the pipe or
dies in whatever way; then the process is killed and FOLDER removed.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from keeper import demoted, environment


def main() -> None:
    """Start, wait, end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler, since what is ignored here would be ignored by the server, too.
        signal.signal(number, lambda *_: None)
    folder = Path(sys.argv[1])
    try:
        with (folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                sys.argv[2:], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(),
                **demoted(),
            )  # fmt: skip
        sys.stdout.write(f"{process.pid}\n")
        sys.stdout.flush()
        sys.stdin.read()
        process.kill()
        process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
