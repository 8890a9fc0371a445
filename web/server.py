"""The server of the pages: uvicorn on a socket of ours, in this thread or beside others."""

import socket
import threading
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from services.errors import Environment

_STOP_SECONDS = 10
_WAITING = 512
"""How many connections may wait to be taken."""


class PageServer:
    """Serves an application at an address until it is stopped. Port 0 takes one that is free.

    With `shared` other processes of ours may serve at the same address.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, proxies: str | None = None, shared: bool = False) -> None:
        self._host, self._port, self._shared = host, port, shared
        self._config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=True,
            proxy_headers=proxies is not None,
            forwarded_allow_ips=proxies or "",
            timeout_graceful_shutdown=_STOP_SECONDS,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._server = uvicorn.Server(self._config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Bind the address and serve in a thread.

        Raises:
            Environment: the address is taken or not this machine's.
        """
        self._socket = listening(self._host, self._port, shared=self._shared)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="pages", daemon=True
        )
        self._thread.start()
        return self

    @property
    def address(self) -> str:
        """Where it is reached on this machine."""
        port = self._port if self._socket is None else self._socket.getsockname()[1]
        return reached_at(self._host, port)

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Let open requests end and give the address back."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS + 5)
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def listening(host: str, port: int, *, shared: bool = False, backlog: int | None = _WAITING) -> socket.socket:
    """Bind an address, and listen where `backlog` says how many connections may wait.

    Raises:
        Environment: the address is taken or not this machine's.
    """
    # Only of a socket that says it is TCP does asyncio turn Nagle's algorithm off; with it a page, whose head and body
    # are written apart, waits up to 40 milliseconds for the browser's delayed acknowledgement.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # As `socket.create_server` does: a server that is started anew does not wait for old connections.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
        if backlog is not None:
            made.listen(backlog)
    except OSError as error:
        made.close()
        raise Environment(
            f"The pages cannot be served on {host}:{port} ({error.strerror or error}); choose another --host or "
            "--port.",
            "no-pages",
        ) from error
    return made


def reached_at(host: str, port: int) -> str:
    """Return the address at which this machine reaches what is served there."""
    here = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://{f'[{here}]' if ':' in here else here}:{port}"
