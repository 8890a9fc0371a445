"""The quarter after the one that is played to its end: opened, and left as it stands in the middle of everything."""

from fractions import Fraction

from cli.play import (
    CLERK,
    COMPLETED,
    DIRECTOR,
    ESCORT,
    LATE_DRIVER,
    NAMESAKE,
    OFFICER,
    SECURITY,
    TRAINEE,
    VICE_PRESIDENT,
    day,
    inspect,
)
from cli.theatre import Theatre
from scoring.numbers import to_decimal
from services import cycles, documents, launch, linking, people
from services.finding_checks import Entry
from services.practice_clock import set_clock
from services.roster import Choices

RUNNING = "2026Q2"
OPERATOR, OBJECTOR, QUIET, PLAIN = "1013", "1019", "1020", "1021"


def spring(stage: Theatre) -> None:
    """What happens from April to June."""
    stage.day(day(4, 30), 15)
    stage.scene("The next quarter: April to June")
    people.grant(
        stage.uow,
        actor=stage.person(OFFICER),
        now=stage.now,
        number=OPERATOR,
        role="operator",
        first=day(4, 30),
    )
    for month, done in (("2026-04", day(4, 29)), ("2026-05", day(5, 20)), ("2026-06", day(6, 17))):
        stage.day(max(done, stage.now.astimezone(stage.zone).date()), 16)
        inspect(stage, month, done)
    stage.day(day(6, 24), 10)
    circular = documents.register(
        stage.uow,
        actor=stage.person(CLERK),
        now=stage.now,
        kind="circular",
        number="2026-19",
        day=day(6, 23),
        issuer="superior bank",
        title="Escort of 18 June: route changed without a call",
    )
    entries = tuple(
        Entry(number, "E3.1", day(6, 18), amount=Fraction(points), reason=why, sub_reasons=("route",))
        for number, points, why in (
            (ESCORT, 6, "changed the route without a call"),
            (OBJECTOR, 5, "was told and said nothing"),
        )
    )
    linking.link(stage.uow, actor=stage.person(SECURITY), now=stage.now, document=circular, entries=entries)
    for assessor, entry in (
        (SECURITY, Entry(LATE_DRIVER, "V2.1", day(5, 12), units=Fraction(2), reason="gate log")),
        (SECURITY, Entry(NAMESAKE, "E2.1", day(6, 2), units=Fraction(1), reason="gate log")),
        (DIRECTOR, Entry(SECURITY, "A5.1", day(6, 9), amount=Fraction(3), reason="answered a complaint late")),
        (VICE_PRESIDENT, Entry(DIRECTOR, "D8.1", day(5, 11), amount=Fraction(3), reason="budget report late")),
    ):
        found = stage.record(assessor, entry)
        stage.tell(f"{found.code}: {found.rule} about {found.number}, {to_decimal(found.amount)} points.")


def opening(stage: Theatre) -> None:
    """The first days of July: opened, and some are faster than others."""
    stage.day(day(7, 1))
    stage.scene("1 to 6 July: the quarter that is still running")
    officer = stage.person(OFFICER)
    cycles.new(stage.uow, actor=officer, now=stage.now, code=RUNNING, rubrics=[COMPLETED])
    choices = Choices(leave_out={TRAINEE: "a trainee; appraised from her first post on"})
    opened = launch.open_cycle(stage.uow, actor=officer, now=stage.now, cycle=RUNNING, choices=choices)
    stage.work_off()
    stage.tell(f"Opened: {opened.report.counts['rated']} appraisals.")
    stage.day(day(7, 2))
    for number, said in (
        (ESCORT, "I changed the route because of the flood on Lake Road, and called from the next post."),
        (OBJECTOR, "A quiet quarter. I knew nothing of another route."),
        (QUIET, "Nothing happened."),
        (PLAIN, "All turns done, two of them for colleagues."),
        (LATE_DRIVER, "Late twice in May; the ferry."),
    ):
        stage.act(number, "state", code(number), said)
    stage.day(day(7, 3))
    for number in (ESCORT, OBJECTOR, QUIET, PLAIN, LATE_DRIVER):
        stage.act(SECURITY, "submit", code(number))
    stage.act(SECURITY, "start", code(NAMESAKE))
    stage.act(DIRECTOR, "start", code(SECURITY))
    stage.act(DIRECTOR, "return", code(LATE_DRIVER), "The ferry did not run on 12 May; please look at the second time.")
    for number in (ESCORT, OBJECTOR, QUIET):
        stage.act(DIRECTOR, "approve", code(number))
    stage.work_off()
    stage.day(day(7, 6))
    stage.act(QUIET, "accept", code(QUIET))
    line = next(step for step in stage.lines(DIRECTOR, code(OBJECTOR)) if step["rule"] == "E3.1")
    stage.act(OBJECTOR, "object", code(OBJECTOR), "Nobody told me of another route.", lines={line["finding"]: None})
    stage.work_off()
    stage.tell(f"{OBJECTOR} objects, {ESCORT} has to answer, {LATE_DRIVER} was returned, the rest is being scored.")
    set_clock(stage.uow, now=stage.now, at=stage.now)


def code(number: str) -> str:
    """Return the appraisal of somebody with one post."""
    return f"{RUNNING}/{number}"


SCENES = (spring, opening)
