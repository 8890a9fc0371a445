"""The doctor's checks of the database and what lies in it and beside it: schema, guards, keys, definitions, clock."""

import datetime as dt
import hmac
import stat
import zoneinfo
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select, union

from config.audit_keys import read_audit_keys
from config.doctor_answers import Answer, Patient, fault, good, note
from config.upgrading import demand_database, opened
from models import grants, migrate
from models.columns import table_of
from models.database import profile
from models.history import Event, Move
from models.outbox import Failure
from models.rubrics import Definition, WorkflowMove
from scoring.errors import RubricError
from scoring.rubric import load_rubric
from services import naming, outbox
from services.audit import AuditKeys
from services.database_clock import wall_time
from services.errors import Refused
from services.public_calendar import public_year
from services.unit_of_work import Transaction, UnitOfWork
from workflow.definition import load_definition
from workflow.errors import DefinitionError
from workflow.lifecycle import compile_lifecycle
from workflow.verify import verify

EVENT, MOVE, FAILURE = table_of(Event), table_of(Move), table_of(Failure)
DEFINITION, WORKFLOW_MOVE = table_of(Definition), table_of(WorkflowMove)
SKEW = dt.timedelta(minutes=1)
PATIENCE = dt.timedelta(minutes=10)

_KEYS_NAMED = union(select(EVENT.c.key_id), select(MOVE.c.key_id))
_LAST_ACT = select(func.max(EVENT.c.at))
_DEFINITIONS = select(DEFINITION).order_by(DEFINITION.c.kind, DEFINITION.c.name, DEFINITION.c.version)
_MOVES = select(
    WORKFLOW_MOVE.c.definition_id,
    WORKFLOW_MOVE.c.action,
    WORKFLOW_MOVE.c.from_stage,
    WORKFLOW_MOVE.c.to_stage,
    WORKFLOW_MOVE.c.outcome,
)
_FAILURES = (
    select(FAILURE.c.source, FAILURE.c.source_id, FAILURE.c.code)
    .where(FAILURE.c.resolved_at.is_(None))
    .order_by(FAILURE.c.id)
    .limit(3)
)
_OWNER = (
    "SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class c"
    " WHERE c.relname = 'event' AND c.relnamespace = current_schema()::regnamespace"
)


@contextmanager
def _engine(patient: Patient) -> Iterator[Engine]:
    with opened(patient.settings.database_url, read_only=True) as engine:
        yield engine


@contextmanager
def reading(patient: Patient) -> Iterator[Transaction]:
    """Give a reading transaction of the database of the settings."""
    # Nothing is written, so no key is needed, and its own check says what is wrong with it.
    with _engine(patient) as engine, UnitOfWork(engine, AuditKeys("none", {})).read() as tx:
        yield tx


def database(patient: Patient) -> Answer:
    """Open the database on its profile; opening refuses what differs on SQLite, and the rest is looked at here."""
    demand_database(patient.settings)
    with _engine(patient) as engine:
        facts = profile(engine)
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                owns = connection.exec_driver_sql(_OWNER).scalar()
                # An owner may do anything, and a database without tables has no privileges to speak of.
                wrong = () if owns or owns is None else tuple(grants.compare(connection))
            return _postgresql(facts, owns=bool(owns), privileges=wrong)
    file = Path(facts["file"])
    said = f"SQLite {facts['version']} in {file}, rollback journal, synchronous, foreign keys on."
    if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH) and file.parent.stat().st_mode & stat.S_IXOTH:
        return note(f"{said} Others on this machine may read it.", f"Run `chmod 700 {file.parent}`.")
    return good(said)


def _postgresql(facts: dict[str, str], *, owns: bool, privileges: Sequence[str]) -> Answer:
    said = f"PostgreSQL {facts['version']}, database {facts['name']}, role {facts['role']}."
    wrong = [
        (f"{name} is off, so a power cut loses acts that were confirmed.", f"Set {name} = on on the server.")
        for name in ("fsync", "synchronous_commit")
        if facts[name] == "off"
    ]
    if owns:
        wrong.append(
            (
                "This role may act as the owner of the tables, so it can change what is recorded.",
                "Set APPRAISE_DATABASE_URL to a role of its own, and APPRAISE_DATABASE_OWNER_URL to this one.",
            )
        )
    if privileges:
        more = f" And {len(privileges) - 1} more." if len(privileges) > 1 else ""
        wrong.append((f"The privileges are not those listed: {privileges[0]}{more}", "Run `appraise db upgrade`."))
    if wrong:
        return fault(" ".join((said, *(text for text, _ in wrong))), " ".join(mend for _, mend in wrong))
    return good(said)


def migration(patient: Patient) -> Answer:
    """Compare the schema's revision with the one this program needs."""
    with _engine(patient) as engine:
        migrate.check(engine)
    return good(f"The schema stands at {migrate.head()}, as this program needs.")


def guards(patient: Patient) -> Answer:
    """Compare tables, CHECKs and triggers with the database's own catalogue."""
    with _engine(patient) as engine:
        found = migrate.differences(engine)
    if found:
        more = f" And {len(found) - 1} more: `appraise db check` lists them." if len(found) > 1 else ""
        mend = "Find out who changed it; `appraise db upgrade` puts triggers back, anything else needs a backup."
        return fault(f"The database differs: {found[0]}{more}", mend)
    return good("Every table, CHECK and trigger is as listed.")


def audit_keys(patient: Patient) -> Answer:
    """Read the key file, compare it with its copy where that is a file, and ask for every key that a row names."""
    settings = patient.settings
    with reading(patient) as tx:
        named = {row.key_id for row in tx.all(_KEYS_NAMED)}
    if not settings.audit_key_file.exists() and not named:
        return note("There is no audit key yet, and nothing is recorded.", "Run `appraise db upgrade`; it makes one.")
    keys = read_audit_keys(settings.audit_key_file)
    unknown = sorted(named - keys.secrets.keys())
    if unknown:
        return fault(
            f"Rows are signed with the key {unknown[0]}, which is not in {settings.audit_key_file}.",
            "Put the whole key file back from its copy.",
        )
    said = f"The key {keys.current} in {settings.audit_key_file} signs."
    copy = settings.audit_key_copy
    if copy is None:
        return note(
            f"{said} Nothing says where its copy is, and without the key no backup is complete.",
            "Keep a copy elsewhere and say where in APPRAISE_AUDIT_KEY_COPY.",
        )
    file = Path(copy).expanduser()
    if file.is_file() and file.samefile(settings.audit_key_file):
        return fault(f"{said} What is named as its copy is the file itself.", "Copy it to another place.")
    if file.is_file() and not hmac.compare_digest(file.read_bytes(), settings.audit_key_file.read_bytes()):
        return fault(f"{said} The copy {copy} is not the same.", "Copy the key file there again.")
    return good(f"{said} Its copy: {copy}.")


def definitions(patient: Patient) -> Answer:
    """Read every published definition again: same digest, no fault, and the moves of workflows as rows."""
    with reading(patient) as tx:
        rows = tx.all(_DEFINITIONS)
        moves: dict[int, set[tuple[str, str, str, str | None]]] = {}
        for row in tx.all(_MOVES):
            moves.setdefault(row.definition_id, set()).add((row.action, row.from_stage, row.to_stage, row.outcome))
    mend = "Run `appraise audit verify`, and restore a backup from before the change."
    for row in rows:
        name = f"The {row.kind} {row.name}@{row.version}"
        try:
            if row.kind == "rubric":
                digest = load_rubric(row.text, where=row.name).digest
                wrong = ""
            else:
                digest, wrong = _workflow(row.text, row.name, moves.get(row.id, set()))
        except (RubricError, DefinitionError):
            return fault(f"{name} cannot be read any more.", mend)
        if digest != row.digest:
            return fault(f"{name} is not the text that was published.", mend)
        if wrong:
            return fault(f"{name}: {wrong}", mend)
    missing = [kind for kind in ("rubric", "workflow") if all(row.kind != kind for row in rows)]
    if missing:
        return note(f"No {' and no '.join(missing)} is published yet.", f"Run `appraise {missing[0]} publish`.")
    return good(f"All published definitions ({len(rows)}) are the ones that were published.")


def _workflow(text: str, name: str, rows: set[tuple[str, str, str, str | None]]) -> tuple[str, str]:
    definition = load_definition(text, where=name)
    faults = verify(definition)
    if faults:
        return definition.digest, str(faults[0])
    listed = {
        (move.action, move.from_stage, move.to_stage, move.outcome) for move in compile_lifecycle(definition).moves
    }
    return definition.digest, "" if listed == rows else "its moves are not those the database allows."


def clock(patient: Patient) -> Answer:
    """Look at zone and calendar, and compare the machine's clock with the database's and with what is recorded."""
    with reading(patient) as tx:
        organisation = tx.first(naming.ANY_ORGANISATION)
        skew = patient.now - wall_time(tx)
        last = tx.scalar(_LAST_ACT)
    if abs(skew) > SKEW:
        ahead = "ahead of" if skew > dt.timedelta() else "behind"
        return fault(
            f"The machine's clock is {abs(round(skew.total_seconds()))} seconds {ahead} the database's.",
            "Let both take the time from one server (NTP).",
        )
    if organisation is None:
        return note("There is no organisation yet, so no zone and no calendar.", "Run `appraise org import`.")
    try:
        today = patient.now.astimezone(zoneinfo.ZoneInfo(organisation.zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return fault(f"The zone {organisation.zone} is not known here.", "Correct it, or install the time zones anew.")
    try:
        days = public_year(organisation.calendar, today.year)
    except Refused as error:
        return fault(error.sentence, "Correct the organisation's calendar.")
    if organisation.kind == "live" and last is not None and last - patient.now > SKEW:
        return fault(f"The last act is recorded at {last:%Y-%m-%d %H:%M} UTC, which is yet to come.", "Set the clock.")
    return good(
        f"It is {today:%Y-%m-%d %H:%M} in {organisation.zone}; {organisation.calendar} has {len(days)} working days "
        f"this year."
    )


def _start(patient: Patient) -> str:
    return "Start `appraise up`." if patient.settings.embedded else "Start `appraise worker`."


def owed(patient: Patient) -> Answer:
    """Look for work that has waited too long and for what an operator must decide."""
    with reading(patient) as tx:
        failures = tx.all(_FAILURES)
        earlier = wall_time(tx) - PATIENCE
        jobs = outbox.due_jobs(tx, earlier)
        mails = outbox.due_messages(tx, earlier)
    if jobs:
        listed = ", ".join(f"{name} ({count})" for name, count in jobs.items())
        return fault(f"For more than ten minutes this waits for a worker: {listed}.", _start(patient))
    if failures:
        listed = ", ".join(f"{row.source} {row.source_id} ({row.code})" for row in failures)
        return fault(f"This failed and nobody has decided about it: {listed}.", "Mend the cause and try it again.")
    if mails and patient.settings.smtp_host is not None:
        return fault(f"For more than ten minutes mails wait: {mails}.", _start(patient))
    if mails:
        return note(
            f"Mails that wait for a mail server: {mails}.", "Set APPRAISE_SMTP_HOST, or let HR print the notices."
        )
    return good("Nothing waits that should not.")
