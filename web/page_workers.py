"""Several processes that serve the pages at one address; the system hands each new connection to one of them."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

from services.errors import Environment
from web.server import listening, reached_at

_STOP_SECONDS = 20
_READY = "The pages are up at "


class PageWorkers:
    """Starts `appraise web` so often, on one port, and watches over them. Port 0 takes one that is free.

    `options` stand before the command in each of them. A process that ends by itself ends all: whoever started us
    starts us anew.
    """

    def __init__(self, count: int, options: Sequence[str], *, host: str, port: int) -> None:
        self._count, self._options, self._host, self._port = count, options, host, port
        self._reserved: socket.socket | None = None
        self._processes: list[subprocess.Popen[str]] = []

    def start(self) -> Self:
        """Start all, and return when each of them serves.

        Raises:
            Environment: the address is taken or not this machine's, or one of them did not start.
        """
        if self._port:
            # Pages of somebody else, of other data perhaps, share the port as gladly as ours: they are heard of here.
            listening(self._host, self._port, backlog=None).close()
        # Bound and not listening: it keeps the port ours, and no connection is handed to it.
        self._reserved = listening(self._host, self._port, shared=True, backlog=None)
        self._port = self._reserved.getsockname()[1]
        words = ["web", "--host", self._host, "--port", str(self._port), "--beside"]
        command = [sys.executable, "-c", "from cli.app import main; main()", *self._options, *words]
        for _ in range(self._count):
            self._processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))  # noqa: S603 - our own
        for process in self._processes:
            said = process.stdout.readline() if process.stdout is not None else ""
            if not said.startswith(_READY):
                self.stop()
                raise Environment("The pages did not start; the line above says why.", "no-pages")
        return self

    @property
    def address(self) -> str:
        """Where they are reached on this machine."""
        return reached_at(self._host, self._port)

    @property
    def alive(self) -> bool:
        """Whether all of them serve."""
        return bool(self._processes) and all(process.poll() is None for process in self._processes)

    def stop(self) -> None:
        """Let open requests end, end all, and give the address back."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.communicate(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        if self._reserved is not None:
            self._reserved.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
