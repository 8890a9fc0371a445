"""The first half of the demonstration: people, rules, what happened in the quarter, and the opening of its cycle."""

import datetime as dt
from fractions import Fraction

from catalog import shelf
from catalog.shelf import Kind
from cli.theatre import Theatre
from scoring.numbers import to_decimal
from services import cycles, definitions, documents, duties, findings, launch, linking, organisation_import
from services.actors import SYSTEM
from services.duty_calendar import show_duties
from services.finding_checks import Entry
from services.roster import Choices

PRESIDENT, VICE_PRESIDENT, SECRETARY = "1001", "1002", "1003"
DIRECTOR, SECURITY, PERSONNEL, OFFICER = "1004", "1005", "1006", "1007"
CLERK, ACTING_DEPUTY, TRAINEE = "1008", "1012", "1036"
ESCORT, NAMESAKE, REFUSER, LATE_DRIVER, MOVER = "1015", "1016", "1018", "1023", "1027"
FAITHFUL, COMPLETED = "bank-office", "bank-office-completed"
CYCLE = "2026Q1"
YEAR = 2026


def day(month: int, number: int) -> dt.date:
    """Return a day of the quarter's year."""
    return dt.date(YEAR, month, number)


def set_up(stage: Theatre) -> None:
    """Bring the people and the rules into an empty database."""
    stage.day(dt.date(YEAR - 1, 12, 22))
    stage.scene("Before the quarter: people, rules, workflow")
    data = shelf.content(Kind.ORGANISATION, "sample")
    imported = organisation_import.apply(stage.uow, actor=SYSTEM, now=stage.now, data=data, where="sample.xlsx")
    stage.tell(f"Imported the sample organisation from {imported.took}: {imported.new} rows.")
    for name in (FAITHFUL, COMPLETED):
        text = shelf.rubric_text(name)
        published = definitions.publish_rubric(stage.uow, actor=SYSTEM, now=stage.now, text=text, where=name)
        notes = f"{len(published.problems)} warnings" if published.problems else "nothing to note"
        stage.tell(f"Published the rubric {published.name}, version {published.version}: {notes}.")
    text = shelf.workflow_text("quarterly")
    definitions.publish_workflow(stage.uow, actor=SYSTEM, now=stage.now, text=text, where="quarterly")
    stage.tell("Published the workflow quarterly; every proof about it holds.")


def january(stage: Theatre) -> None:
    """A monthly inspection is recorded by the person whose duty it is."""
    stage.day(day(1, 22), 16)
    stage.scene("January: the monthly inspection")
    inspect(stage, "2026-01", day(1, 21))
    stage.tell("The deputy for security recorded January's inspection of both sites, with evidence.")


def inspect(stage: Theatre, month: str, done: dt.date) -> None:
    """Record the inspection of both sites for a month, done on a day, by whose duty it is."""
    duties.record(
        stage.uow,
        actor=stage.person(SECURITY),
        now=stage.now,
        number=SECURITY,
        rule="A1.1",
        month=month,
        day=done,
        evidence=f"inspection sheet {month}",
        sites=("north", "south"),
    )


def a_circular(stage: Theatre) -> None:
    """A circular is registered once and linked to two people; each is told, and one replies."""
    stage.day(day(2, 10), 10)
    stage.scene("February: one circular, two people")
    circular = documents.register(
        stage.uow,
        actor=stage.person(CLERK),
        now=stage.now,
        kind="circular",
        number="2026-07",
        day=day(2, 9),
        issuer="superior bank",
        title="Escort of 5 February: vehicle left open",
    )
    stage.tell(f"The clerk registered circular 2026-07 of the superior bank once: {circular}. It accuses nobody.")
    entries = (
        Entry(ESCORT, "E3.1", day(2, 5), amount=Fraction(8), reason="left the vehicle open", sub_reasons=("route",)),
        Entry(
            NAMESAKE, "E3.1", day(2, 5), amount=Fraction(7), reason="saw it and said nothing", sub_reasons=("route",)
        ),
    )
    actor = stage.person(SECURITY)
    for effect in linking.preview_link(stage.uow, actor=actor, now=stage.now, document=circular, entries=entries):
        before, after = to_decimal(effect.before), to_decimal(effect.after)
        stage.tell(f"Preview for {effect.number}, {effect.rule}: {before} becomes {after}.")
    for recorded in linking.link(stage.uow, actor=actor, now=stage.now, document=circular, entries=entries):
        stage.tell(f"Linked by their assessor: {recorded.code} about {recorded.number}.")
    stage.work_off()
    stage.tell("Each is told at once what was recorded; amounts in a range wait for the release:")
    stage.show_mail(stage.mail_to(ESCORT))
    stage.day(day(2, 11))
    findings.reply(
        stage.uow,
        actor=stage.person(ESCORT),
        now=stage.now,
        finding="F1",
        text="The street was blocked; I stood beside the vehicle the whole time.",
    )
    stage.tell(f"{ESCORT} replied to F1; the reply stands beside it for good.")


def the_missing_month(stage: Theatre) -> None:
    """February's inspection is not recorded: a warning, and later a missed month that nobody typed."""
    stage.day(day(2, 24))
    stage.scene("February: nothing recorded, a warning")
    stage.work_off()
    stage.show_mail(stage.mail_to(SECURITY))
    stage.day(day(3, 17), 11)
    inspect(stage, "2026-03", day(3, 16))
    document = documents.register(
        stage.uow,
        actor=stage.person(CLERK),
        now=stage.now,
        kind="commendation",
        number="C-3",
        day=day(3, 12),
        issuer="superior bank",
    )
    claim = findings.claim(
        stage.uow,
        actor=stage.person(SECURITY),
        now=stage.now,
        number=SECURITY,
        rule="A1.8",
        happened=day(3, 12),
        document=document,
        reason="fire drill praised",
    )
    findings.confirm(stage.uow, actor=stage.person(DIRECTOR), now=stage.now, finding=claim.code)
    stage.tell(f"March is inspected; a commendation ({document}) was claimed as {claim.code} and confirmed.")
    stage.tell("The inspection calendar of the deputy for security:")
    for month in show_duties(stage.uow, actor=stage.person(SECURITY), now=stage.now, number=SECURITY):
        sites = ", ".join(f"{site} {done}" for site, done in sorted(month.sites.items()))
        stage.tell(f"  {month.month}  {month.state:8} {sites}")


def the_quarter(stage: Theatre) -> None:
    """Small things of a quarter, recorded by each assessor."""
    stage.day(day(3, 30), 15)
    stage.scene("March: what the assessors found themselves")
    recorded = (
        (SECURITY, Entry(LATE_DRIVER, "V2.1", day(3, 3), units=Fraction(3), reason="gate log")),
        (SECURITY, Entry(f"{MOVER}@escort", "E2.1", day(2, 12), units=Fraction(2), reason="gate log")),
        (SECURITY, Entry(REFUSER, "E2.4", day(3, 9), reason="went on leave without the form")),
        (DIRECTOR, Entry(SECURITY, "A5.1", day(3, 20), amount=Fraction(4), reason="complaint reported a week late")),
        (VICE_PRESIDENT, Entry(DIRECTOR, "D8.1", day(3, 11), amount=Fraction(3), reason="budget draft late")),
    )
    for assessor, entry in recorded:
        found = stage.record(assessor, entry)
        stage.tell(f"{found.code}: {found.rule} about {found.number}, {to_decimal(found.amount)} points.")
    wrong = Entry(DIRECTOR, "D1.1", day(3, 2), amount=Fraction(6), reason="too harsh")
    stage.refused("A deduction of 6 under D1.1", lambda: stage.record(VICE_PRESIDENT, wrong))


def opening(stage: Theatre) -> None:
    """The faithful rubric is refused; the completed one opens once its problem has a mend."""
    stage.day(day(4, 1))
    stage.scene("1 April: opening the cycle")
    officer = stage.person(OFFICER)
    cycles.new(
        stage.uow,
        actor=officer,
        now=stage.now,
        code=f"{CYCLE}-faithful",
        rubrics=[FAITHFUL],
        period=(day(1, 1), day(3, 31)),
    )
    stage.refused(
        "Opening on the rubric exactly as the source has it",
        lambda: launch.open_cycle(stage.uow, actor=officer, now=stage.now, cycle=f"{CYCLE}-faithful"),
    )
    cycles.cancel(stage.uow, actor=officer, now=stage.now, cycle=f"{CYCLE}-faithful", reason="opened on the completion")
    cycles.new(stage.uow, actor=officer, now=stage.now, code=CYCLE, rubrics=[COMPLETED])
    report = launch.dry_run(stage.uow, actor=officer, now=stage.now, cycle=CYCLE)
    stage.tell("The dry run on the completed rubric lists every problem with its mend:")
    for problem in report.problems:
        colour = "red" if problem.severity == "error" else "yellow"
        stage.tell(f"  [{colour}]{problem.severity}[/{colour}] {problem.text} [dim]{problem.mend}[/dim]")
    choices = Choices(leave_out={TRAINEE: "joined in February as a trainee; appraised from her first post on"})
    stage.new_mails()
    opened = launch.open_cycle(stage.uow, actor=officer, now=stage.now, cycle=CYCLE, choices=choices)
    stage.work_off()
    counts = opened.report.counts
    stage.tell(
        f"Opened by the worker from the frozen roster: {counts['rated']} appraisals; "
        f"{counts['not-rated']} people not rated, {counts['left-out']} left out with a reason."
    )
    told = {str(mail["To"]) for mail in stage.new_mails()}
    stage.tell(f"{len(told)} people were told by mail: it is your turn.")


SCENES = (set_up, january, a_circular, the_missing_month, the_quarter, opening)
