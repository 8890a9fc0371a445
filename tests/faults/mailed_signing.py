"""A quarter whose table the president has just signed: its final rows, what completes it and the mails are owed."""

from collections import Counter

from sqlalchemy import func, select

from models.appraisals import Final, PersonResult
from models.columns import table_of
from services import cycles, launch, reminders
from services.appraisals import act_many
from services.mail_letters import keyed_name
from services.unit_of_work import UnitOfWork
from tests.faults.crowd import hire, submit
from tests.faults.mailed_opening import APPRAISAL, MESSAGE, SENT, Course
from tests.faults.staging import work
from tests.services.builders import DIRECTOR, OFFICER, QUARTER, RUBRIC, build_office, noon
from tests.services.closing import END, close_all, put, sign, vouch
from tests.services.playing import ANSWERED, APPROVED, Play

FINAL, RESULT = table_of(Final), table_of(PersonResult)
CHUNK = 5
_TOLD = select(func.count()).select_from(MESSAGE).where(MESSAGE.c.kind == "result-final")
_RATED = select(func.count()).select_from(RESULT).where(RESULT.c.total.is_not(None))
_RATED_PEOPLE = select(APPRAISAL.c.cycle_id, APPRAISAL.c.person_id).where(APPRAISAL.c.outcome == "accepted")


def owe(uow: UnitOfWork, people: int) -> None:
    """Let the quarter of an office with so many clerks more be played to the president's signature, without mails."""
    play = Play(uow, build_office(uow))
    numbers = hire(play, people)
    vouch(uow)
    hr, opened = play.who(OFFICER), noon(1, 5)
    cycles.new(uow, actor=hr, now=opened, code=QUARTER, rubrics=[RUBRIC])
    launch.open_cycle(uow, actor=hr, now=opened, cycle=QUARTER)
    work(play, opened, "cycle.open-chunk")
    submit(play, numbers)
    codes = [f"{QUARTER}/{number}" for number in numbers]
    act_many(uow, actor=play.who(DIRECTOR), now=APPROVED, appraisals=codes, action="approve")
    for number in numbers:
        play.act(number, "accept", of=number, at=ANSWERED)
    close_all(uow, play.office)
    # Nobody is left without a statement; what was owed about it would find that out later.
    work(play, END, "appraisals.skip-statement")
    reminders.tick(uow, END)
    put(uow, play.office)
    sign(uow, play.office, chunk=CHUNK)


def owed_notices(uow: UnitOfWork) -> Counter[str]:
    """The notices that are owed, each once: to whoever has a result; told without the outbox and the results."""
    with uow.read() as tx:
        rated = tx.all(_RATED_PEOPLE)
        return Counter(keyed_name(tx, f"result-final/{row.cycle_id}/{row.person_id}/1") for row in rated)


SIGNING = Course(
    name="signing",
    at=END,
    owe=owe,
    done=(select(func.count()).select_from(FINAL), select(func.count()).select_from(RESULT), SENT),
    alike=(_RATED, _TOLD, _TOLD.where(MESSAGE.c.state == "sent")),
    owed_notices=owed_notices,
)
