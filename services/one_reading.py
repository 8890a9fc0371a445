"""Everything a page reads, in one transaction: what several services ask for alike is asked of the database once.

What a service knows it will ask for, it can say beforehand (`ahead`): then it goes as one statement.

The transaction opens with the first read and is over as soon as the page is made, or something is written: on SQLite
a reader holds off writers.
"""

import functools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Executable, Row

from models.bundles import Bundle
from models.prepared import Prepared
from services.unit_of_work import Statement, Transaction, UnitOfWork, Values, translated


@dataclass(slots=True)
class Remembering(Transaction):
    """A transaction that reads and remembers: the same statement with the same values is sent once."""

    _answers: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def all(self, statement: Statement, values: Values | None = None) -> Sequence[Row[Any]]:
        """Every row."""
        key = ("all", statement, _named(values))
        if key not in self._answers:
            self._answers[key] = Transaction.all(self, statement, values)
        found: Sequence[Row[Any]] = self._answers[key]
        return found

    def first(self, statement: Statement, values: Values | None = None) -> Row[Any] | None:
        """The first row, or None."""
        key = ("first", statement, _named(values))
        whole = ("all", *key[1:])
        if whole in self._answers:
            return next(iter(self._answers[whole]), None)
        if key not in self._answers:
            self._answers[key] = Transaction.first(self, statement, values)
        found: Row[Any] | None = self._answers[key]
        return found

    def scalar(self, statement: Executable, values: Values | None = None) -> Any:
        """The first column of the first row, or None."""
        key = ("scalar", statement, _named(values))
        whole = ("all", *key[1:])
        if whole in self._answers:
            return next((row[0] for row in self._answers[whole]), None)
        if key not in self._answers:
            self._answers[key] = Transaction.scalar(self, statement, values)
        return self._answers[key]

    def all_of(self, *asked: tuple[Prepared, Values]) -> Sequence[Sequence[Row[Any]]]:
        """Every row of each statement, in one round trip for those that were not asked yet."""
        keys = [("all", statement, _named(values)) for statement, values in asked]
        new = [place for place, key in enumerate(keys) if key not in self._answers]
        if new:
            answers = Transaction.all_of(self, *(asked[place] for place in new))
            self._answers |= {keys[place]: rows for place, rows in zip(new, answers, strict=True)}
        return [self._answers[key] for key in keys]

    def read_ahead(self, asked: Sequence[tuple[Statement, Values]]) -> None:
        """Ask for every row of each statement that was not asked yet, in one statement."""
        new = {("all", statement, _named(values)): (statement, values) for statement, values in asked}
        new = {key: one for key, one in new.items() if key not in self._answers}
        if len(new) > 1:
            bundle = _bundle(tuple(statement for statement, _ in new.values()))
            answers = bundle.read(self.connection, [values for _, values in new.values()])
            self._answers |= dict(zip(new, answers, strict=True))


@functools.lru_cache(maxsize=512)
def _bundle(statements: tuple[Statement, ...]) -> Bundle:
    return Bundle(statements)


def ahead(tx: Transaction, *asked: tuple[Statement, Values]) -> None:
    """Say what will be asked, so that it is sent as one statement; nothing where the transaction does not remember.

    What follows asks as ever, with the same statements and values, and is answered from memory. What was not said here
    is sent when it is asked.
    """
    if isinstance(tx, Remembering):
        tx.read_ahead(asked)


@dataclass(frozen=True)
class OneReading(UnitOfWork):
    """A unit of work whose reads share one transaction until `end`; writes go in their own, as ever."""

    _held: list[tuple[ExitStack, Remembering]] = field(default_factory=list)

    @contextmanager
    def read(self, *, one_moment: bool = False) -> Iterator[Transaction]:
        """Join the reading transaction, or begin it. `one_moment` holds where the first read asks for it."""
        if not self._held:
            opened = ExitStack()
            with opened:
                plain = opened.enter_context(UnitOfWork.read(self, one_moment=one_moment))
                self._held.append((opened.pop_all(), Remembering(plain.connection, plain.keys)))
        with self._translated_here():
            yield self._held[0][1]

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """End the reading, since what was read is changed, and write in a transaction of its own."""
        self.end()
        with UnitOfWork.write(self) as tx:
            yield tx

    def end(self) -> None:
        """Give the connection back and forget what was read."""
        while self._held:
            opened, _ = self._held.pop()
            opened.close()

    @contextmanager
    def _translated_here(self) -> Iterator[None]:
        try:
            with translated():
                yield
        except Exception:
            # After an error of the database nothing more can be read in that transaction.
            self.end()
            raise


def one_reading(uow: UnitOfWork) -> OneReading:
    """Return a unit of work on the same database whose reads share one transaction; end it."""
    return OneReading(uow.engine, uow.keys, uow.bell, uow.watch)


def _named(values: Values | None) -> str:
    return repr(sorted((values or {}).items()))
