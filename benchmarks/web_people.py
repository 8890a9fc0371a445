"""People at their browsers: they read, think and send forms, each over his own connection; and what they were told.

What a person was told is kept apart from the database, so that both can be compared afterwards.
"""

import http.client
import random
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from benchmarks.web_office import PASSWORD, Person, Task
from tests.web.browsing import Forms

TIMEOUT = 30.0
"""Seconds after which a person gives up waiting for an answer."""
TWICE = 5
"""Every how many-th form is sent twice at once, as by a double click."""
SEEN, DONE = 200, 303
EVERYBODY = ("/", "/rules", "/people")
JUDGES = ("/review", "/scoring")
ALERT = re.compile(r'role="alert"[^>]*>([^<]*)<')
LINE = re.compile(r'name="line" value="([^"]*)"')
COMMENT = "Read together with the register."


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what kind of page, how many seconds it took, and the status; None where no answer came."""

    kind: str
    seconds: float
    status: int | None


@dataclass(slots=True)
class Intent:
    """One act that somebody meant, and what each time he sent it was answered."""

    appraisal: int
    action: str
    actor: int
    statuses: list[int | None] = field(default_factory=list)
    said: str = ""
    """Why it was refused, as the page has it."""


class Browser:
    """A connection that is kept, with the cookie of a session."""

    def __init__(self, address: tuple[str, int], secret: str) -> None:
        self._address, self._secret = address, secret
        self._connection = http.client.HTTPConnection(*address, timeout=TIMEOUT)

    def ask(self, method: str, path: str, fields: dict[str, list[str]] | None = None) -> tuple[int | None, str, str]:
        """Return the status, where it sends on to, and the page; the status is None where no answer came."""
        headers = {"cookie": f"appraise={self._secret}", "sec-fetch-site": "same-origin"}
        body = None
        if fields is not None:
            body = urlencode(fields, doseq=True)
            headers["content-type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            page = answer.read().decode()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request opens it anew
            return None, "", ""
        return answer.status, answer.headers.get("location") or "", page

    def close(self) -> None:
        """Leave."""
        self._connection.close()


@dataclass
class Visitor:
    """One person for a while: when he does what was drawn beforehand; a slow answer makes the rest later."""

    person: Person
    address: tuple[str, int]
    rng: random.Random
    asked: list[Asked] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)

    def plan(self, seconds: float, gap: float) -> list[tuple[float, str | Task]]:
        """Draw moments, in seconds from the beginning: looks about every `gap` seconds, and each act at some time."""
        steps: list[tuple[float, str | Task]] = [(self.rng.uniform(2, 0.9 * seconds), t) for t in self.person.tasks]
        judging = any(not task.page.startswith("/appraisals/") for task in self.person.tasks)
        pages = (*EVERYBODY, *self.person.own, *(JUDGES if judging else ()))
        at = self.rng.uniform(0, gap)
        while at < seconds:
            steps.append((at, self.rng.choice(pages)))
            at += self.rng.uniform(0.5, 1.5) * gap
        return sorted(steps, key=lambda step: step[0])

    def live(self, steps: Sequence[tuple[float, str | Task]], began: float, ends: float, stop: threading.Event) -> None:
        """Do it all, until the end."""
        browser = Browser(self.address, self.person.secret)
        try:
            for at, step in steps:
                if stop.wait(max(0.0, began + at - time.perf_counter())) or time.perf_counter() > ends:
                    return
                if isinstance(step, Task):
                    self._act(browser, step)
                else:
                    self._ask(browser, "GET", step, kind_of(step))
        finally:
            browser.close()

    def _ask(
        self, browser: Browser, method: str, path: str, kind: str, fields: dict[str, list[str]] | None = None
    ) -> tuple[int | None, str, str]:
        began = time.perf_counter()
        status, target, page = browser.ask(method, path, fields)
        self.asked.append(Asked(kind, time.perf_counter() - began, status))
        return status, target, page

    def _act(self, browser: Browser, task: Task) -> None:
        """Open the page, fill in its form, send it, and look where it leads."""
        status, _, page = self._ask(browser, "GET", task.page, kind_of(task.page))
        parser = Forms()
        parser.feed(page)
        ways = [(to, fields) for to, fields in parser.found if to.endswith(f"/{task.action}")]
        if status != SEEN or not ways:
            why = f"{task.action}: the page has no such form"
            self.intents.append(Intent(task.appraisal, task.action, self.person.id, [status], why))
            return
        to, fields = ways[0]
        fields |= {"comment": [COMMENT]} | ({"password": [PASSWORD]} if "password" in fields else {})
        if task.action == "object":
            fields["line"] = LINE.findall(page)[:1]
        intent = Intent(task.appraisal, task.action, self.person.id)
        self.intents.append(intent)
        twice = self.rng.randrange(TWICE) == 0
        other = threading.Thread(target=self._again, args=(to, fields, intent)) if twice else None
        if other is not None:
            other.start()
        status, target, page = self._ask(browser, "POST", to, f"{task.action} (sent)", fields)
        intent.statuses.append(status)
        if status != DONE:
            said = ALERT.search(page)
            intent.said = f"{task.action}: {status} {said[1] if said else ''}".strip()
        if other is not None:
            other.join()
        if status == DONE:
            self._ask(browser, "GET", target, kind_of(target))

    def _again(self, to: str, fields: dict[str, list[str]], intent: Intent) -> None:
        """Send the same form once more at the same time."""
        browser = Browser(self.address, self.person.secret)
        try:
            status, _, _ = self._ask(browser, "POST", to, f"{intent.action} (sent)", fields)
        finally:
            browser.close()
        intent.statuses.append(status)


def kind_of(path: str) -> str:
    """Return which kind of page a path is of."""
    first, *rest = path.partition("?")[0].strip("/").split("/")
    return {
        "": "my work",
        "appraisals": "an appraisal",
        "review": "a case" if rest else "review",
        "scoring": "a sheet" if rest else "scoring",
    }.get(first, first)


def all_at_once(people: Sequence[Person], address: tuple[str, int]) -> list[Asked]:
    """Let everybody open his work at the same moment, as when a mail has just come."""
    asked: list[Asked] = []
    together = threading.Barrier(len(people))

    def look(person: Person) -> None:
        browser = Browser(address, person.secret)
        together.wait()
        began = time.perf_counter()
        status, _, _ = browser.ask("GET", "/")
        asked.append(Asked("my work, all at once", time.perf_counter() - began, status))
        browser.close()

    threads = [threading.Thread(target=look, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return asked


def let_loose(
    people: Sequence[Person], address: tuple[str, int], *, seconds: float, gap: float, seed: int
) -> list[Visitor]:
    """Let everybody do what he does for so many seconds, and return them with what they were told."""
    visitors = [Visitor(person, address, random.Random(f"{seed}/{person.id}")) for person in people]  # noqa: S311
    stop = threading.Event()
    began = time.perf_counter() + 0.5
    threads = [
        threading.Thread(target=visitor.live, args=(visitor.plan(seconds, gap), began, began + 2 * seconds, stop))
        for visitor in visitors
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
    return visitors
