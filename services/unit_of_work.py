"""The only place that begins and commits. A use case opens one transaction, writes, and the bell rings behind it."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Executable, Row, Table, insert
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from models import prepared
from models.database import DatabaseRefused
from models.prepared import Prepared
from scoring.errors import LedgerError, RubricError, ScoringError
from services.audit import AuditKeys, append_event
from services.errors import AppraiseError, Conflict, Environment, Malformed, NotFound, Refused
from services.request_keys import ANSWER, CLAIM, FIND, Request
from workflow.errors import DefinitionError, UnknownAction, WorkflowError

P = ParamSpec("P")
T = TypeVar("T")
Values = Mapping[str, Any]
Statement = Executable | Prepared


@dataclass(slots=True)
class Transaction:
    """An open transaction, with short ways to run prepared statements."""

    connection: Connection
    keys: AuditKeys
    rung: bool = False
    _known: dict[Statement, Sequence[Row[Any]]] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.connection.dialect.name

    def all(self, statement: Statement, values: Values | None = None) -> Sequence[Row[Any]]:
        """Every row."""
        if isinstance(statement, Prepared):
            return prepared.read(self.connection, (statement, values or {}))[0]
        return self.connection.execute(statement, values).all()

    def all_of(self, *asked: tuple[Prepared, Values]) -> Sequence[Sequence[Row[Any]]]:
        """Every row of each statement, in one round trip where the database allows it."""
        return prepared.read(self.connection, *asked)

    def once(self, statement: Statement) -> Sequence[Row[Any]]:
        """Every row of a statement without values, sent once: for what this transaction reads and does not change."""
        if statement not in self._known:
            self._known[statement] = self.all(statement)
        return self._known[statement]

    def stream(self, statement: Executable, values: Values | None = None, batch: int = 1000) -> Iterator[Row[Any]]:
        """Every row, one statement, at most `batch` rows in memory at once."""
        with self.connection.execute(statement, values, execution_options={"yield_per": batch}) as rows:
            for some in rows.partitions():
                yield from some

    def first(self, statement: Statement, values: Values | None = None) -> Row[Any] | None:
        """The first row, or None."""
        if isinstance(statement, Prepared):
            return next(iter(self.all(statement, values)), None)
        return self.connection.execute(statement, values).first()

    def scalar(self, statement: Executable, values: Values | None = None) -> Any:
        """The first column of the first row, or None."""
        return self.connection.execute(statement, values).scalar()

    def run(self, statement: Executable, values: Values | Sequence[Values] | None = None) -> int:
        """Run a write; the number of rows it touched, those of an INSERT..SELECT too."""
        return self.connection.execute(statement, values, execution_options={"preserve_rowcount": True}).rowcount

    def run_all(self, *writes: tuple[Prepared, Sequence[Values]]) -> Sequence[int]:
        """Run each write for each of its rows; the number of rows each touched, 0 where there was nothing to write.

        None may need the result of another: they go in one round trip where the database allows it.
        """
        return prepared.write(self.connection, *writes)

    def insert(self, table: Table, values: Values) -> int:
        """Insert one row and return its id."""
        return int(self.all(_insert_returning(table), values)[0].id)

    def insert_all(self, table: Table, rows: Sequence[Values]) -> Sequence[int]:
        """Insert rows in one statement and return their ids in the same order; nothing for no rows."""
        if not rows:
            return ()
        return self.connection.execute(_insert_all(table), rows).scalars().all()

    def insert_many(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert rows in one executemany; nothing for no rows."""
        self.run_all((insertion(table), rows))

    def ring(self) -> None:
        """Ask for the bell after the commit: something became due."""
        self.rung = True


@functools.cache
def insertion(table: Table) -> Prepared:
    """Return the statement that inserts rows into a table."""
    return Prepared(insert(table))


@functools.cache
def _insert_returning(table: Table) -> Prepared:
    return Prepared(insert(table).returning(table.c.id))


@functools.cache
def _insert_all(table: Table) -> Any:
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """What every use case is given: the database, the audit keys, and the bell that wakes a worker.

    The bell may fail or be lost without harm: the database knows what is owed (G1). `watch` is called at the beginning
    of each transaction and refuses it when the schema is no longer the one of this program. `request` is the key under
    which a person asks for one use case, `inside` the transaction that this is then part of.
    """

    engine: Engine
    keys: AuditKeys
    bell: Callable[[], None] = lambda: None
    watch: Callable[[Connection], None] = lambda _: None
    request: str | None = None
    inside: Transaction | None = None

    def asked(self, request: str | None) -> "UnitOfWork":
        """Return this for one use case that is asked for under a key, by whoever may repeat it; see `request_keys`."""
        return self if request is None else replace(self, request=request)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One writing transaction; commits at the end, rolls back on any error, then rings.

        Raises:
            Conflict: a constraint or a lock says that somebody was faster.
            Refused: a guard of the database refused the write.
            Environment: the database cannot be reached or written.
        """
        if self.inside is not None:
            with _translated(), self.inside.connection.begin_nested():
                yield self.inside
            return
        with _translated(), self.engine.connect() as raw:
            connection = raw.execution_options(appraise_write=True)
            with connection.begin():
                self.watch(connection)
                transaction = Transaction(connection, self.keys)
                yield transaction
        if transaction.rung:
            self.bell()

    @contextmanager
    def read(self, *, one_moment: bool = False) -> Iterator[Transaction]:
        """One reading transaction; nothing it does is kept.

        With `one_moment` all its statements see the database as of one moment while others write; on SQLite they
        always do.

        Raises:
            Environment: the database cannot be reached.
        """
        if self.inside is not None and not one_moment:
            with _translated():
                yield self.inside
            return
        with _translated(), self.engine.connect() as raw:
            connection = raw.execution_options(appraise_write=False)
            if one_moment and connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self.watch(connection)
            yield Transaction(connection, self.keys)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise database_error(error) from error
    except DatabaseRefused as error:
        raise Environment(str(error), error.code) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise Malformed(_NOT_STORABLE, "not-storable") from error


def database_error(error: DBAPIError) -> AppraiseError:
    """Say in one sentence what a database error means to a person.

    Guards of `models.guards` begin their message with `appraise:CODE:`; the rest is known by its wording.
    """
    said = str(error.orig)
    if "appraise:" in said:
        code, _, sentence = said.partition("appraise:")[2].partition(":")
        lines = sentence.strip().splitlines()
        if code == "conflict":
            return Conflict(
                "Somebody was faster: it has changed since you looked. Look again and decide anew.", "faster"
            )
        return Refused(f"The database refused it: {lines[0] if lines else code}", code)
    if error.connection_invalidated:
        return Environment(_BROKEN_OFF, "database-lost")
    lowered = said.lower()
    for words, kind, code, sentence in _DATABASE_WORDS:
        if any(word in lowered for word in words):
            return kind(sentence, code)
    if isinstance(error, DataError):
        return Malformed(_NOT_STORABLE, "not-storable")
    if isinstance(error, IntegrityError):
        return Refused("The database refused the values: a rule of the tables forbids them.", "constraint")
    lines = said.strip().splitlines()
    return Environment(f"The database answered with an error: {(lines[0] if lines else said).rstrip('.')}.", "database")


_NOT_STORABLE = "This holds a number too large or a character that no text has, and cannot be stored; write it anew."

_BROKEN_OFF = (
    "The database broke off in the middle; what you did is written whole or not at all. Look, and do it again if it is "
    "not there."
)

_DATABASE_WORDS: tuple[tuple[tuple[str, ...], type[AppraiseError], str, str], ...] = (
    (
        ("disk is full", "no space left", "disk i/o", "database or disk is full"),
        Environment,
        "disk-full",
        "The disk of the database is full; nothing was written. Make room and try again.",
    ),
    (
        ("permission denied for table",),
        Environment,
        "privilege",
        "The role of the application may not do this to the database; nothing was written. `appraise doctor` says why.",
    ),
    (
        ("readonly", "read-only", "permission denied"),
        Environment,
        "read-only",
        "The database is read-only for this user; nothing was written.",
    ),
    (
        ("locked", "deadlock", "serializ", "lock timeout"),
        Conflict,
        "busy",
        "Somebody else was writing at the same moment; nothing was written. Try again.",
    ),
    (
        ("authentication failed", "no password supplied", "no pg_hba.conf entry"),
        Environment,
        "database-login",
        "The database does not take the role or its password; correct APPRAISE_DATABASE_URL or its password file.",
    ),
    (
        ("fatal:  database", "fatal:  role"),
        Environment,
        "database-unknown",
        "The server has no such database or role; correct APPRAISE_DATABASE_URL, or make it there first.",
    ),
    (
        ("connection failed", "connection refused", "connection timeout", "starting up", "shutting down"),
        Environment,
        "database-away",
        "The database cannot be reached at the moment; nothing was written. Try again in a moment.",
    ),
    (
        ("unique",),
        Conflict,
        "duplicate",
        "Somebody else recorded the same thing first; nothing was written.",
    ),
)


def use_case(
    kind: str,
) -> Callable[[Callable[Concatenate[UnitOfWork, P], T]], Callable[Concatenate[UnitOfWork, P], T]]:
    """Mark a public use case: errors of the rules become errors of the services, and a refusal is recorded.

    The refusal is written in a transaction of its own, after the one that failed has been rolled back. The decorated
    function takes keyword arguments `actor` (or `viewer`) and `now`; `subject`, if it has one, names what it was about
    by id or code. Asked for under a request key, it is done once.
    """

    def wrap(function: Callable[Concatenate[UnitOfWork, P], T]) -> Callable[Concatenate[UnitOfWork, P], T]:
        @functools.wraps(function)
        def run(uow: UnitOfWork, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                if uow.request is None:
                    return function(uow, *args, **kwargs)
                return _answered(uow, uow.request, kind, function, kwargs)
            except (WorkflowError, ScoringError) as error:
                refusal = rule_error(error)
                record_refusal(uow, kind, refusal, kwargs)
                raise refusal from error
            except (Refused, NotFound) as error:
                record_refusal(uow, kind, error, kwargs)
                raise

        return run

    return wrap


def _answered(uow: UnitOfWork, key: str, kind: str, function: Callable[..., T], given: Mapping[str, Any]) -> T:
    """Do what is asked for under a key, with the key and the answer in the same transaction; or answer as before."""
    request = Request.of(kind, key, given)
    with uow.write() as tx:
        if tx.run(CLAIM[tx.dialect], request.values) == 0:
            return request.answered(function, tx.all(FIND, request.values)[0])
        result = function(replace(uow, request=None, inside=tx), **given)
        tx.run(ANSWER, {**request.values, "answer": request.answer(function, result)})
    return result


def rule_error(error: WorkflowError | ScoringError) -> AppraiseError:
    """Turn an error of the pure rules into one of the services, with the same sentence and code."""
    code = getattr(error, "code", type(error).__name__)
    if isinstance(error, DefinitionError | UnknownAction | RubricError | LedgerError):
        return Malformed(str(error), code)
    return Refused(str(error), code)


def record_refusal(uow: UnitOfWork, kind: str, error: AppraiseError, kwargs: Mapping[str, Any]) -> None:
    """Write a refusal into the stream `refusals`; ids and codes only, never the sentence, which may hold names.

    Of what was typed in the place of a code the beginning is kept: nobody fills a chain that is never shortened.
    """
    actor, now = kwargs.get("actor", kwargs.get("viewer")), kwargs.get("now")
    if actor is None or now is None:
        return
    facts = {
        name: value[:_LONGEST_CODE] if isinstance(value, str) else value
        for name, value in kwargs.items()
        if name in _RECORDED and isinstance(value, int | str) and not isinstance(value, bool)
    }
    with uow.write() as tx:
        append_event(tx, "refusals", kind, actor=actor, at=now, payload={"code": error.code, **facts})


_LONGEST_CODE = 200
_RECORDED = ("appraisal", "action", "cycle", "finding", "document", "rule", "month", "number", "item")
