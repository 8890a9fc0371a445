"""Keeps one PostgreSQL server for as long as whoever started it lives.

Run as a process of its own: `python keeper.py FOLDER BIN PORT PASSWORD-FILE DURABILITY`. It makes a cluster in FOLDER,
starts the server, says `ready` (or what went wrong) on one line, and waits for the end of its standard input. That end
comes when the other side closes the pipe or dies in whatever way; then the server is stopped and FOLDER removed.

As root it runs the server as `nobody`, because PostgreSQL refuses to run as root.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SETTINGS = {"max_connections": "80", "listen_addresses": "127.0.0.1"}
DURABILITY = {
    "none": {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "off",
        "shared_buffers": "64MB",
    },
    "shipped": {},
}
"""What a server risks to be fast: everything, for tests that keep nothing, or nothing, as PostgreSQL is installed."""


def demoted() -> dict[str, Any]:
    """Return what makes a child process run as nobody, if we are root; nothing otherwise."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """Return an environment in which the server's programs speak English and no setting of ours reaches them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def run(command: list[str], log: Path) -> None:
    """Run one of PostgreSQL's programs; raise with what it said when it fails."""
    with log.open("ab") as sink:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=log.parent,
            env=environment(),
            check=False,
            **demoted(),
        )
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {' '.join(log.read_text(errors='replace').split())}")


def start(folder: Path, programs: Path, port: str, password_file: Path, durability: str) -> None:
    """Make the cluster and start the server; return when it takes connections."""
    options = {**SETTINGS, **DURABILITY[durability], "port": port, "unix_socket_directories": str(folder)}
    make = ["-D", str(folder / "data"), "-U", "appraise", "-A", "password", f"--pwfile={password_file}"]
    run([str(programs / "initdb"), *make, "--encoding=UTF8", "--locale=C", "--no-sync"], folder / "initdb.log")
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.writelines(f"{name} = '{value}'\n" for name, value in options.items())
    launch = ["-D", str(folder / "data"), "-l", str(folder / "server.log"), "-w", "-t", "60", "start"]
    run([str(programs / "pg_ctl"), *launch], folder / "start.log")


def stop(folder: Path, programs: Path) -> None:
    """Stop the server at once and remove everything it left."""
    if (folder / "data" / "postmaster.pid").exists():
        run(
            [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "-w", "stop"], folder / "stop.log"
        )
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Start, report, wait, stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folder, programs, port, password_file = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    try:
        try:
            start(folder, programs, port, password_file, sys.argv[5])
        except (OSError, RuntimeError) as error:
            sys.stdout.write(f"{error}\n")
        else:
            sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        stop(folder, programs)


if __name__ == "__main__":
    main()
