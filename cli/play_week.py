"""What the clock and the postman do of themselves in April: a digest, calendar files, more time, a silence, a list."""

from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from cli.play import ACTING_DEPUTY, CYCLE, ESCORT, OFFICER, VICE_PRESIDENT, day
from cli.theatre import Theatre
from services import extensions
from services.errors import Refused
from services.extensions import Cohort
from services.mail_texts import LANGUAGES, shipped_mail_texts

SILENT, SLOW = "1021", "1024"
"""Who never answers, and who asks for more time to answer."""
DEADLINES, MOVED = "deadlines.ics", "deadline-moved.ics"


def a_digest(stage: Theatre) -> None:
    """Show the one mail of the day of somebody with much to do, and keep its calendar file."""
    digest = _mail(stage, ACTING_DEPUTY, "digest")
    stage.show_mail(digest, most_lines=20)
    entries = _keep(stage, digest, DEADLINES)
    stage.tell(
        f"One mail, however much is due. Its calendar file, {stage.folder / DEADLINES}, has {len(entries)} dates."
    )


def more_time(stage: Theatre) -> None:
    """HR gives one person more time to answer: the date moves in his calendar by itself."""
    stage.day(day(4, 20))
    stage.scene("20 April: two working days are left to answer")
    stage.work_off()
    reminder = _mail(stage, SLOW, "due-soon")
    stage.tell(f"{SLOW} and {SILENT} have not answered yet; each is reminded, with the date for his calendar:")
    stage.show_mail(reminder)
    before = _keep(stage, reminder, MOVED)
    given = extensions.extend(
        stage.uow,
        actor=stage.person(OFFICER),
        now=stage.now,
        cycle=CYCLE,
        cohort=Cohort(people=[SLOW]),
        until=day(4, 28),
        reason="on a course until 24 April",
    )
    stage.work_off()
    stage.tell(f"HR extended {len(given.moved)} deadline of {SLOW} to {given.until}, with a reason that is kept:")
    moved = _mail(stage, SLOW, "deadline-moved")
    stage.show_mail(moved)
    after = _keep(stage, moved, MOVED)
    if [uid for uid, _ in before] != [uid for uid, _ in after] or before == after:
        stage.fault("the date in the calendar does not move with the deadline")
    stage.tell(
        f"In {stage.folder / MOVED} the entry is the same, its SEQUENCE went from {before[0][1]} to {after[0][1]}: "
        "a calendar moves it."
    )


def silence(stage: Theatre) -> None:
    """The days of who said nothing are over; the other one answers in the time he was given."""
    stage.day(day(4, 23))
    stage.scene("23 April: who is silent accepts")
    stage.work_off()
    stage.tell(f"The five working days of {SILENT} ended last evening; the clock accepted for him, and he is told:")
    stage.show_mail(_mail(stage, SILENT, "accepted-by-silence"))
    stage.act(SLOW, "accept", f"{CYCLE}/{SLOW}")
    stage.tell(f"{SLOW} accepted within the days that were added.")


def monday(stage: Theatre) -> None:
    """HR's list of who is late: an appeal that was not decided in time stays owed, and lapses for nobody."""
    stage.day(day(4, 27))
    stage.scene("Monday, 27 April: what is late")
    stage.work_off()
    stage.tell(
        f"The appeal of {ESCORT} was due on Friday. It stays owed; HR, who reads Chinese, gets the list of Monday:"
    )
    stage.show_mail(_mail(stage, OFFICER, "monday-list"))
    stage.tell("That is: unit, whose appraisal, with whom, how many working days late, last reminded; and no score.")
    stage.act(
        VICE_PRESIDENT, "decide", f"{CYCLE}/{ESCORT}", "He was beside the vehicle: the lower end.", lines={"F1": "5"}
    )
    stage.tell("The vice-president lowered it from 8 to 5. No amount can be higher after an appeal than before.")
    stage.work_off()
    stage.show_mail(_mail(stage, ESCORT, "appeal-decided"))


def _mail(stage: Theatre, number: str, kind: str) -> EmailMessage:
    """Return the last new mail of a kind to somebody, known by how its subject begins, in whichever language he reads.

    Raises:
        Refused: none came, so the demonstration shows a fault.
    """
    texts = shipped_mail_texts()
    begins = tuple(texts[kind, language].subject.template.partition("$")[0] for language in LANGUAGES)
    fresh = [mail for mail in stage.new_mails() if f"p{number}@" in str(mail["To"])]
    found = [mail for mail in fresh if str(mail["Subject"]).startswith(begins)]
    if not found:
        raise Refused(f"The demonstration shows a fault: no mail of the kind {kind} came to {number}.", "no-mail")
    return max(found, key=lambda mail: parsedate_to_datetime(str(mail["Date"])))


def _keep(stage: Theatre, mail: EmailMessage, name: str) -> list[tuple[str, int]]:
    """Write the calendar file of a mail into the folder of the demonstration; return UID and SEQUENCE of each entry.

    Raises:
        Refused: it has none, so the demonstration shows a fault.
    """
    for part in mail.iter_attachments():
        if part.get_content_type() == "text/calendar":
            content = bytes(part.get_payload(decode=True) or b"")
            (stage.folder / name).write_bytes(content)
            lines = content.decode().replace("\r\n ", "").splitlines()
            uids = [line.partition(":")[2] for line in lines if line.startswith("UID:")]
            numbers = [int(line.partition(":")[2]) for line in lines if line.startswith("SEQUENCE:")]
            return list(zip(uids, numbers, strict=True))
    raise Refused(f"The demonstration shows a fault: the mail to {mail['To']} has no calendar file.", "no-mail")
