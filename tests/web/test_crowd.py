"""A mail has just come, and everybody opens his work at the same moment."""

import asyncio
import http.client
import socket
import threading
import time

from tests.services.builders import CLERK
from tests.services.playing import Play
from tests.web.conftest import served
from web.server import PageServer, listening

MANY = 150
"""More than a process has threads and connections to the database together."""
PATIENCE = 25.0
"""Seconds; whoever waits for a connection that never comes waits longer."""


def test_no_page_waits_for_an_acknowledgement() -> None:
    """Nagle's algorithm is off on what a server of asyncio, as uvicorn's is, takes from our socket."""

    async def taken() -> int:
        off: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            off.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        ours = listening("127.0.0.1", 0)
        async with await asyncio.start_server(handle, sock=ours):
            _, browser = await asyncio.open_connection(*ours.getsockname())
            found = await off
            browser.close()
        return found

    assert asyncio.run(taken()) == 1


def test_many_who_ask_at_once_wait_their_turn_and_nobody_for_ever(play: Play) -> None:
    pages = served(play)
    secret = pages.browser(CLERK).client.cookies["appraise"]
    answers: list[tuple[int, float]] = []
    together = threading.Barrier(MANY)

    def look(host: str, port: int) -> None:
        connection = http.client.HTTPConnection(host, port, timeout=60)
        together.wait()
        began = time.monotonic()
        connection.request("GET", "/", headers={"cookie": f"appraise={secret}"})
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, time.monotonic() - began))
        connection.close()

    with PageServer(pages.app, host="127.0.0.1", port=0) as server:
        host, _, port = server.address.removeprefix("http://").partition(":")
        threads = [threading.Thread(target=look, args=(host, int(port))) for _ in range(MANY)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [status for status, _ in answers] == [200] * MANY
    assert max(taken for _, taken in answers) < PATIENCE
