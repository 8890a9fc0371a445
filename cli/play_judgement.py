"""The second half of the demonstration: scoring, review, answers, an appeal, the signed table, and the audit."""

import shutil
import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

from cli import play_week
from cli.distribution import distribution
from cli.play import (
    ACTING_DEPUTY,
    CYCLE,
    DIRECTOR,
    ESCORT,
    LATE_DRIVER,
    MOVER,
    NAMESAKE,
    OFFICER,
    PRESIDENT,
    REFUSER,
    SECURITY,
    VICE_PRESIDENT,
    day,
)
from cli.theatre import Theatre
from config.wiring import wire
from services import desk, duties, finalising, findings, results, verification
from services.finding_checks import Entry
from services.person_explained import explain_person
from services.practice_clock import set_clock

TAMPERED = "tampered-copy"


def statements(stage: Theatre) -> None:
    """Own statements beside the scoring, a refused self-approval, missed duties confirmed."""
    stage.day(day(4, 2))
    stage.scene("2 April: own statements, and what is not allowed")
    stage.act(ESCORT, "state", code(ESCORT), "A quiet quarter but for 5 February.")
    stage.act(OFFICER, "state", code(OFFICER), "All wages were paid on time.")
    stage.refused("HR closing his director's appraisal", lambda: stage.act(OFFICER, "exclude", code(DIRECTOR), "busy"))
    everybody = desk.work(stage.uow, actor=stage.person(SECURITY), now=stage.now)
    stage.tell(f"On the desk of the deputy for security: {len(everybody)} things, his own among them.")
    stage.act(DIRECTOR, "start", code(SECURITY))
    stage.refused("Submitting before February is confirmed", lambda: stage.act(DIRECTOR, "submit", code(SECURITY)))
    duties.confirm(
        stage.uow, actor=stage.person(DIRECTOR), now=stage.now, number=SECURITY, rule="A1.1", month="2026-02"
    )
    stage.tell("The director confirmed that February was missed: ten points, derived, typed by nobody.")


def code(number: str) -> str:
    """Return the appraisal of somebody with one post."""
    return f"{CYCLE}/{number}"


def scoring(stage: Theatre) -> None:
    """Everybody is scored but by one assessor; when his days are over the clock passes his part upward."""
    stage.day(day(4, 3))
    stage.scene("3 to 14 April: scoring, and one who is late")
    for owed in _open(stage, ACTING_DEPUTY, "draft"):
        stage.act(ACTING_DEPUTY, "start", owed)
    stage.work_off()
    stage.new_mails()
    stage.day(day(4, 10))
    stage.work_off()
    stage.tell("On 7 April the days of the statements were over: the clock went on without those that were not given.")
    submitted = sum(_score_all(stage, assessor) for assessor in (VICE_PRESIDENT, DIRECTOR, SECURITY))
    stage.tell(f"{submitted} appraisals submitted. The acting deputy for personnel has started and not gone on.")
    stage.day(day(4, 13))
    stage.work_off()
    stage.tell("His five working days end today:")
    play_week.a_digest(stage)
    waiting = len(_open(stage, ACTING_DEPUTY, "scoring"))
    stage.day(day(4, 14))
    stage.work_off()
    stage.tell(f"By now the clock passed {waiting} scorings upward: the director scores, the vice-president reviews.")
    stage.tell(f"The director submitted {_score_all(stage, DIRECTOR)}.")


def _open(stage: Theatre, assessor: str, *stages: str) -> list[str]:
    """Return the appraisals that somebody scores and that are in one of the stages, by employee number."""
    table = results.results(stage.uow, viewer=stage.person(assessor), now=stage.now, cycle=CYCLE)
    return [row.code for row in table if row.stage in stages and row.number != assessor]


def _score_all(stage: Theatre, assessor: str) -> int:
    done = 0
    for appraisal in _open(stage, assessor, "draft"):
        if _judges(stage, assessor, appraisal, "start"):
            stage.act(assessor, "start", appraisal)
    for appraisal in _open(stage, assessor, "scoring"):
        if _judges(stage, assessor, appraisal, "submit"):
            stage.act(assessor, "submit", appraisal)
            done += 1
    return done


def _judges(stage: Theatre, number: str, appraisal: str, action: str) -> bool:
    shown = desk.show(stage.uow, actor=stage.person(number), now=stage.now, appraisal=appraisal)
    return any(option["action"] == action and option["blocked"] is None for option in shown.actions)


def review(stage: Theatre) -> None:
    """One return with a reason, one change within the rule, the rest approved at once."""
    stage.day(day(4, 15))
    stage.scene("15 April: review")
    stage.refused("HR approving his own appraisal", lambda: stage.act(OFFICER, "approve", code(OFFICER), "all good"))
    stage.act(DIRECTOR, "return", code(LATE_DRIVER), "The gate log of 3 March shows two late arrivals, not three.")
    stage.tell(f"{LATE_DRIVER} was returned with a reason; the assessor corrects it and submits the second round.")
    _correct(stage)
    stage.act(DIRECTOR, "change", code(NAMESAKE), "He was driving and could not see it all.", lines={"F2": "5"})
    stage.tell(f"The director changed F2 of {NAMESAKE} from 7 to 5, within the rule; both values stay visible.")
    stage.new_mails()
    approved = 0
    for reviewer in (PRESIDENT, VICE_PRESIDENT, DIRECTOR):
        for appraisal in _open(stage, reviewer, "review"):
            if _judges(stage, reviewer, appraisal, "approve"):
                stage.act(reviewer, "approve", appraisal)
                approved += 1
    stage.work_off()
    told = {str(mail["To"]) for mail in stage.new_mails()}
    stage.tell(f"{approved} appraisals approved; {len(told)} people were told their results by mail.")


def _correct(stage: Theatre) -> None:
    wrong = next(line for line in _lines(stage, SECURITY, LATE_DRIVER) if line["rule"] == "V2.1")
    entry = Entry(LATE_DRIVER, "V2.1", day(3, 3), units=Fraction(2), reason="gate log, read again")
    findings.replace(
        stage.uow,
        actor=stage.person(SECURITY),
        now=stage.now,
        finding=wrong["finding"],
        entry=entry,
        reason="counted one twice",
    )
    stage.act(SECURITY, "submit", code(LATE_DRIVER))


def _lines(stage: Theatre, viewer: str, number: str) -> list[dict[str, str]]:
    score, _ = desk.explain(stage.uow, actor=stage.person(viewer), now=stage.now, appraisal=code(number))
    return [step for step in score["steps"] if step["code"] == "finding"]


def answers(stage: Theatre) -> None:
    """Accept, object to one line, refuse to sign."""
    stage.day(day(4, 17))
    stage.scene("17 April: answers and one appeal")
    stage.act(ESCORT, "object", code(ESCORT), "I did not leave the vehicle.", lines={"F1": None})
    stage.tell(f"{ESCORT} objects to F1 alone. Who decides neither scored nor reviewed:")
    stage.refused(
        "The director deciding it",
        lambda: stage.act(DIRECTOR, "decide", code(ESCORT), "no", lines={"F1": "keep"}),
    )
    stage.refused(
        "A harsher amount on appeal",
        lambda: stage.act(VICE_PRESIDENT, "decide", code(ESCORT), "worse", lines={"F1": "10"}),
    )
    stage.act(OFFICER, "refuse", code(REFUSER), "He read it and would not sign.", witness="Tom Becker (1008)")
    stage.tell(f"{REFUSER} would not sign: recorded with a witness; his days to answer run on.")
    accepted = _accept_all(stage)
    stage.tell(f"{accepted} people accepted.")
    stage.refused(
        "Proposing before everybody has answered",
        lambda: finalising.propose(stage.uow, actor=stage.person(OFFICER), now=stage.now, cycle=CYCLE),
    )


def the_refusal(stage: Theatre) -> None:
    """The days to answer of who would not sign are over."""
    stage.day(day(4, 29))
    stage.scene("29 April: every answer is there")
    stage.work_off()
    stage.tell("When its days were over the clock concluded the refusal; a refusal is not agreement, and not a fault.")


def _accept_all(stage: Theatre) -> int:
    table = results.results(stage.uow, viewer=stage.person(PRESIDENT), now=stage.now, cycle=CYCLE)
    late = {REFUSER, play_week.SILENT, play_week.SLOW}
    waiting = [row for row in table if row.stage == "signoff" and row.number not in late]
    for row in waiting:
        stage.act(row.number, "accept", row.code)
    return len(waiting)


def signing(stage: Theatre) -> None:
    """Two people finalise: HR proposes, the president signs the digest."""
    stage.day(day(4, 30))
    stage.scene("30 April: proposed by HR, signed by the president")
    proposal = finalising.propose(stage.uow, actor=stage.person(OFFICER), now=stage.now, cycle=CYCLE)
    stage.tell(f"Proposed: {proposal.rows} rows, check number {proposal.digest[:16]}.")
    stage.refused(
        "Signing one's own proposal",
        lambda: finalising.approve(
            stage.uow, actor=stage.person(OFFICER), now=stage.now, cycle=CYCLE, digest=proposal.digest
        ),
    )
    finalising.approve(stage.uow, actor=stage.person(PRESIDENT), now=stage.now, cycle=CYCLE, digest=proposal.digest)
    stage.work_off()
    table = results.results(stage.uow, viewer=stage.person(PRESIDENT), now=stage.now, cycle=CYCLE)
    stage.table(
        f"The signed table of {CYCLE}",
        ("number", "name", "post", "stage", "total", "grade", "person"),
        [(r.number, r.name, r.post, r.wording["en"], r.total, r.grade, r.person_total) for r in table],
    )
    stage.tell("How the totals are spread:")
    for line in distribution([row.total for row in table if row.total is not None]):
        stage.tell(line)


def explaining(stage: Theatre) -> None:
    """Two totals line by line, and the mean of somebody who moved."""
    stage.scene("Where the points come from")
    for number in (SECURITY, ESCORT):
        stage.tell(f"{code(number)}:")
        _, lines = desk.explain(stage.uow, actor=stage.person(PRESIDENT), now=stage.now, appraisal=code(number))
        for line in lines:
            stage.tell(f"  {line}")
    stage.tell(f"{MOVER} moved on 2 March; the quarter is the mean by working days:")
    sentences = explain_person(stage.uow, actor=stage.person(PRESIDENT), now=stage.now, cycle=CYCLE, number=MOVER)
    for line in sentences:
        stage.tell(f"  {line}")


def the_audit(stage: Theatre) -> None:
    """The audit holds; one row changed in a copy is found."""
    stage.scene("The audit")
    report = verification.verify(stage.uow)
    if report.count:
        stage.fault(f"the audit has a fault: {report.faults[0].text}")
    stage.tell(f"Verified: {report.events} events, {report.moves} moves, {report.rows} rows they vouch for. No fault.")
    copy = stage.folder / TAMPERED
    copy.mkdir()
    database = copy / "appraise.sqlite3"
    shutil.copy(stage.folder / "appraise.sqlite3", database)
    _tamper(database)
    settings = stage.settings.model_copy(update={"database_url": f"sqlite:///{database.absolute()}"})
    with wire(settings) as tampered:
        found = verification.verify(tampered.uow)
    if not found.count:
        stage.fault("a changed row was not found")
    stage.tell(f"In a copy one amount was changed behind the program's back: {found.faults[0].text}")
    set_clock(stage.uow, now=stage.now, at=stage.now)


def _tamper(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'finding'")
        for (name,) in names.fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE finding SET amount = 3000000 WHERE id = 1")


SCENES = (
    statements,
    scoring,
    review,
    answers,
    play_week.more_time,
    play_week.silence,
    play_week.monday,
    the_refusal,
    signing,
    explaining,
    the_audit,
)
