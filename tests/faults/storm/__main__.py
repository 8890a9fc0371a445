"""A long storm: processes, servers and mails harmed for minutes, then a count of what was owed and what arrived.

`python3 run.py storm --seed N --minutes M` comes here. Exit codes: 0 nothing is missing or doubled, 1 something is, or
nothing was owed or harmed, or it did not come to rest, or the audit does not verify; 2 it was asked wrongly; 6 there is
no server to harm.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from config.settings import load_settings
from models import grants
from models.database import open_database
from models.migrate import upgrade
from services import verification
from services.errors import AppraiseError
from tests.faults import killer
from tests.faults.storm import closing, harms, reckoning, sink
from tests.faults.storm.acts import rest
from tests.faults.storm.stage import LEASE, Stage, days, set_stage
from tests.servers import postgresql, redis_server
from tests.servers.folders import fast_folder

ROOT = Path(__file__).parents[3]
MODES = ("embedded", "server")
COUNTS = ("owed", "delivered", "in_doubt", "missing", "doubled")
EXIT_FOUND, EXIT_ENVIRONMENT = 1, 6
ENDING = ((True, closing.propose), (True, closing.sign), (False, rest))
"""The last days of a quarter: whether harm is done, and what is."""
Record = list[sink.Taken]
Plant = Callable[[Record, set[str]], Record]
"""Changes the record of a mail server, to see that it is found; given the names of what was once in doubt."""
SHOWN = 20
"""How many identities of what is wrong are told."""


@dataclass
class Storm:
    """What storms of one mode came to."""

    mode: str
    seed: int
    counts: reckoning.Counts = field(default_factory=reckoning.Counts)
    harms: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    days: int = 0
    ended: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with it, and it was one."""
        counts = self.counts
        wrong = counts.missing or counts.doubled or counts.unasked or self.faults
        return bool(not wrong and counts.owed and self.kills)

    @property
    def kills(self) -> int:
        """How often something was killed, or a server restarted."""
        return sum(count for name, count in self.harms.items() if name.startswith(harms.KILLS))

    def row(self) -> dict[str, Any]:
        """Return it for a program."""
        counted = {name: getattr(self.counts, name) for name in (*COUNTS, "unasked")}
        done = {"kills": self.kills, "harms": dict(self.harms), "acts": dict(self.acts), "days": self.days}
        return {"mode": self.mode, "seed": self.seed, **counted, **done}


def main(arguments: Sequence[str]) -> int:
    """Let the storms of the modes that are asked for pass; return the exit code."""
    asked = _parser().parse_args(arguments)
    plant = {None: _as_it_is, "missing": _without_one, "doubled": _with_one_twice}[asked.plant]
    storms = []
    try:
        for mode in asked.mode or MODES:
            storm = Storm(mode, asked.seed)
            storms.append(storm)
            _pass(storm, asked.minutes * 60, asked.people, plant)
            if not asked.json:
                _tell(storm)
    except (postgresql.NoServer, redis_server.NoServer) as error:
        print(f"There is no server to harm: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    if asked.json:
        print(json.dumps({"rows": [storm.row() for storm in storms]}, indent=1))
    for storm in storms:
        for line in (*storm.faults, *storm.counts.wrong[:SHOWN]):
            print(f"{storm.mode}: {line}", file=sys.stderr)
    return 0 if all(storm.passed for storm in storms) else EXIT_FOUND


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py storm",
        description="Harm processes, servers and the mail server for a while, and count what was owed and arrived.",
        epilog="Example: python3 run.py storm --seed 7 --minutes 10 --mode server",
    )
    parser.add_argument("--seed", type=int, default=1, help="chooses the harms and the acts; 1 unless given")
    parser.add_argument("--minutes", type=_minutes, default=2.0, help="how long each mode is harmed, 2 unless given")
    parser.add_argument("--mode", action="append", choices=MODES, help="only this mode; both unless given")
    parser.add_argument("--people", type=_people, default=16, help="clerks in the office, 16 unless given")
    parser.add_argument("--json", action="store_true", help="print JSON: a row for each mode")
    parser.add_argument(
        "--plant",
        choices=("missing", "doubled"),
        help="take a mail out of the record of the mail server, or put one in twice, to see that it is found",
    )
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 1440:  # the minutes of a day
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes above 0 and up to 1440")
    return minutes


def _people(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1000):  # more would only be slow
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)


def _pass(storm: Storm, seconds: float, people: int, plant: Plant) -> None:
    """Let quarters pass, each in an office of its own, until the time is over."""
    end, number = time.monotonic() + seconds, 0
    while number == 0 or (time.monotonic() < end and not storm.faults):
        with tempfile.TemporaryDirectory(prefix="appraise-storm-", dir=fast_folder()) as folder:
            Path(folder).chmod(0o755)
            made = _embedded if storm.mode == "embedded" else _server
            with made(Path(folder), storm.seed + 1000 * number, people) as stage:
                _quarter(storm, stage, end, plant)
        number += 1


def _quarter(storm: Storm, stage: Stage, end: float, plant: Plant) -> None:
    kinds = harms.EMBEDDED if storm.mode == "embedded" else harms.SERVER
    mornings = days(stage.chance)
    try:
        with stage.fleet.sailing():
            stage.step(mornings[0], kinds)
            for morning in mornings[1 : -len(ENDING)]:
                if time.monotonic() >= end:
                    break
                stage.step(morning, kinds)
            following = [morning for morning in mornings if morning > stage.evenings[-1].at]
            for morning, (harmed, acting) in zip(following, ENDING, strict=False):
                stage.step(morning, kinds if harmed else {}, acting)
        if (at_last := closing.state(stage)) != "final":
            storm.faults.append(f"The cycle did not become final; it is {at_last}.")
    except (AppraiseError, AssertionError) as error:
        storm.faults.append(f"It broke off: {error} {stage.fleet.said()}")
    owed = reckoning.reckon(stage.facts())
    key = next(iter(stage.owner.keys.secrets.values()))
    storm.counts += reckoning.compare(
        owed,
        plant(sink.record(stage.fleet.mails), {reckoning.name_of(key, one) for one in stage.doubted}),
        key,
        doubted=stage.doubted,
        unsettled=stage.unsettled(),
    )
    storm.faults += [f"The audit does not verify: {fault}" for fault in verification.verify(stage.owner).faults]
    storm.harms += stage.fleet.done
    storm.acts += stage.acts
    storm.days += len(stage.evenings)
    storm.ended += stage.fleet.ended


def _as_it_is(record: Record, _doubted: set[str]) -> Record:
    return record


def _without_one(record: Record, _doubted: set[str]) -> Record:
    once = Counter(name for mail in record for name in mail.notices)
    lost = next(mail for mail in record if all(once[name] == 1 for name in mail.notices))
    return [mail for mail in record if mail is not lost]


def _with_one_twice(record: Record, doubted: set[str]) -> Record:
    # One that was in doubt may come again.
    return [*record, next(mail for mail in reversed(record) if doubted.isdisjoint({mail.name, *mail.notices}))]


@contextmanager
def _embedded(folder: Path, seed: int, people: int) -> Iterator[Stage]:
    """Yield an office on SQLite with one process."""
    variables = _variables(folder)
    fleet = harms.Fleet(folder, ("process",), lambda _role: (killer.APPRAISE, "up", "--port", "0"), variables)
    with _staged(fleet, seed, people) as stage:
        yield stage


@contextmanager
def _server(folder: Path, seed: int, people: int) -> Iterator[Stage]:
    """Yield an office on PostgreSQL with two workers and a beat; their Redis comes when its absence is over."""
    server = postgresql.start_own()
    try:
        with psycopg.connect(server.url, autocommit=True) as admin:
            # What is committed is in the log, as it is in earnest: it is to outlive a crash.
            admin.execute("ALTER SYSTEM SET synchronous_commit = on")
            admin.execute("SELECT pg_reload_conf()")
        databases = postgresql.Databases(server.url)
        databases.make_role()
        owner = databases.address(databases.create())
        databases.close()
        broker = redis_server.Server(redis_server.installations()[0], settings={"appendonly": "no"})
        try:
            variables = _variables(folder) | {
                "APPRAISE_DATABASE_URL": postgresql.as_application(owner),
                "APPRAISE_DATABASE_OWNER_URL": owner,
                "APPRAISE_BROKER_URL": broker.url,
            }
            fleet = harms.Fleet(
                folder,
                ("worker-1", "worker-2", "beat"),
                lambda role: (killer.APPRAISE, role.partition("-")[0]),
                variables,
                server=server,
                broker=broker,
            )
            with _staged(fleet, seed, people) as stage:
                yield stage
        finally:
            broker.close()
    finally:
        server.stop()


@contextmanager
def _staged(fleet: harms.Fleet, seed: int, people: int) -> Iterator[Stage]:
    variables = fleet.variables | {"APPRAISE_SMTP_PORT": str(fleet.port)}
    fleet.variables = variables
    (fleet.folder / "data").mkdir()
    prefix = "APPRAISE_"
    settings = load_settings(
        {name.removeprefix(prefix).lower(): value for name, value in variables.items() if name.startswith(prefix)}
    )
    owner = open_database(settings.database_owner_url)
    upgrade(owner)
    if owner.dialect.name == "postgresql":
        with owner.begin() as connection:
            grants.grant(connection, postgresql.APPLICATION)
    owner.dispose()
    stage = set_stage(settings, fleet, seed, people)
    try:
        yield stage
    finally:
        stage.wiring.close()
        stage.owner.engine.dispose()


def _variables(folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT),
        "APPRAISE_DATA_DIR": str(folder / "data"),
        "APPRAISE_SMTP_HOST": "127.0.0.1",
        "APPRAISE_SMTP_TLS": "none",
        "APPRAISE_SMTP_TIMEOUT_SECONDS": "1",
        "APPRAISE_SWEEP_SECONDS": "0.2",
        "APPRAISE_LEASE_SECONDS": str(LEASE),
        "APPRAISE_LOG_LEVEL": "warning",
    }


def _tell(storm: Storm) -> None:
    def listed(counted: Counter[str]) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))

    print(f"{storm.mode}, seed {storm.seed}: {storm.days} days")
    print(f"  harmed: {listed(storm.harms)}")
    print(f"  acts: {listed(storm.acts)}")
    if storm.ended:
        print(f"  {storm.ended} processes ended by themselves and were started again")
    told = "  ".join(f"{name} {getattr(storm.counts, name)}" for name in (*COUNTS, "unasked"))
    print(f"  {told}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; what was made for the storm is gone.", file=sys.stderr)
        sys.exit(130)
