"""What is said ahead is sent as one statement and answered from memory; what is not said is sent when it is asked."""

from sqlalchemy import bindparam, select

from models.columns import table_of
from models.people import Person
from models.prepared import Prepared
from services import calendars, naming
from services.one_reading import ahead, one_reading
from tests.services.builders import CLERK, DIRECTOR
from tests.services.counting import sent
from tests.services.playing import Play

PERSON = table_of(Person)
BY_NUMBER = select(PERSON.c.id, PERSON.c.name).where(PERSON.c.number == bindparam("number"))
BY_ID = Prepared(select(PERSON.c.number).where(PERSON.c.id == bindparam("person")))


def test_what_is_said_ahead_is_one_statement(play: Play) -> None:
    reading = one_reading(play.uow)
    clerk, director = {"number": CLERK}, {"person": play.office.people[DIRECTOR]}
    with sent(play.uow.engine) as statements:
        with reading.read() as tx:
            ahead(tx, (BY_NUMBER, clerk), (BY_ID, director), (naming.ANY_ORGANISATION, {}), (calendars.CLOSURES, {}))
            assert len(statements) == 1
            assert tx.all(BY_NUMBER, clerk) == [(play.office.people[CLERK], f"Person {CLERK}")]
            assert tx.scalar(BY_NUMBER, clerk) == play.office.people[CLERK]
            assert tx.first(BY_ID, director).number == DIRECTOR
            assert tx.all_of((BY_ID, director)) == [[(DIRECTOR,)]]
            assert naming.organisation(tx).name == "A bank"
            assert calendars.closures(tx) == calendars.NO_CLOSURES
            assert len(statements) == 1
            assert tx.first(BY_NUMBER, {"number": "nobody"}) is None
            assert len(statements) == 2
            ahead(tx, (BY_NUMBER, clerk), (BY_NUMBER, {"number": DIRECTOR}))
            assert len(statements) == 2
            assert tx.first(BY_NUMBER, {"number": DIRECTOR}).name == f"Person {DIRECTOR}"
            assert len(statements) == 3
        reading.end()
        with reading.read() as tx:
            tx.all(BY_NUMBER, clerk)
        assert len(statements) == 4
    reading.end()


def test_a_transaction_that_does_not_remember_asks_when_it_is_asked(play: Play) -> None:
    with sent(play.uow.engine) as statements, play.uow.read() as tx:
        ahead(tx, (BY_NUMBER, {"number": CLERK}), (naming.ANY_ORGANISATION, {}))
        assert statements == []
        assert tx.scalar(BY_NUMBER, {"number": CLERK}) == play.office.people[CLERK]
        assert len(statements) == 1
