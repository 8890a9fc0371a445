"""The list HR gets before a cycle opens: what stands in the way with what to do, as it is when the mail goes out."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Grant, Person
from services import plans
from services.mail import Sender, send_due
from services.problem_words import worded
from services.roster import Problem
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, ESCORT, OFFICER
from tests.services.smtp import Server, running
from tests.services.standing_orders import NOTICE, OPENS, Planned, at


@pytest.fixture
def plan(uow: UnitOfWork) -> Planned:
    return Planned.standing(uow)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def sender(server: Server, tmp_path: Path) -> Iterator[Sender]:
    with running(server, tmp_path) as ready:
        yield ready


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def send(plan: Planned, sender: Sender, day: object = NOTICE) -> dict[str, int]:
    return dict(send_due(plan.uow, sender, now=at(day)))  # type: ignore[arg-type]


def speak(plan: Planned, language: str) -> None:
    """Let the HR officer read a language."""
    table = table_of(Person)
    with plan.uow.write() as tx:
        tx.run(update(table).where(table.c.number == OFFICER).values(language=language))


def test_hr_gets_the_list_with_mends_and_where_to_draft_the_letter(
    plan: Planned, server: Server, sender: Sender
) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.without_email(ESCORT)
    plan.tick(NOTICE)
    assert send(plan, sender) == {"sent": 1}
    (letter,) = server.letters()
    text = text_of(letter)
    assert letter["Subject"] == "Before 2026Q1 opens on 2026-04-03: please look at the list"
    assert letter["To"] == "p1007@example.org"
    assert "It opens by itself on 2026-04-03 only if what is marked as an error is mended by then." in text
    assert "Error: 1008: The column 'in-charge' names the person himself." in text
    assert "  What to do: Correct the column; the next upward to score is 'director'." in text
    assert text.index("Error: 1008") < text.index("Warning: 1009 has no e-mail address.")
    assert "appraise plan letter 2026Q1" in text


def test_it_is_read_in_chinese_by_who_reads_chinese(plan: Planned, server: Server, sender: Sender) -> None:
    speak(plan, "zh")
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.tick(OPENS)
    assert send(plan, sender, OPENS) == {"sent": 1}
    (letter,) = server.letters()
    text = text_of(letter)
    assert letter["Subject"] == "2026Q1将于2026年04月03日启动：请查看问题清单"
    assert "本应于2026年04月03日启动" in text
    assert "错误: 1008：名册中负责评分的人填成了其本人。" in text
    assert "处理建议：请更正该栏。" in text


def test_nothing_in_the_way_is_said_as_well(plan: Planned, server: Server, sender: Sender) -> None:
    plan.tick(NOTICE)
    assert send(plan, sender) == {"sent": 1}
    text = text_of(server.letters()[0])
    assert "Nothing stands in the way: it opens by itself on 2026-04-03." in text
    assert "No problems." in text


def test_what_was_mended_before_the_mail_went_out_is_not_in_it(plan: Planned, server: Server, sender: Sender) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.tick(NOTICE)
    plan.change(CLERK, in_charge_id=plan.office.people["1006"])
    assert send(plan, sender) == {"sent": 1}
    assert "No problems." in text_of(server.letters()[0])


def test_an_obstacle_is_told_although_there_is_no_cycle(plan: Planned, server: Server, sender: Sender) -> None:
    hr = plan.office.actor(OFFICER)
    plans.remove(plan.uow, actor=hr, now=at(NOTICE), code="office")
    plan.add("late", rubrics=["bank-office-completed@1"], first="2025Q4")
    assert plan.tick(NOTICE).promised == 2
    assert send(plan, sender) == {"sent": 2}
    texts = [text_of(letter) for letter in server.letters()]
    assert any("rubric-after-period-start" in text and "appraise cycle new" in text for text in texts)


@pytest.mark.parametrize("way", ["opened", "removed", "no-hr"])
def test_nobody_is_mailed_who_need_not_know_any_more(plan: Planned, sender: Sender, way: str) -> None:
    plan.tick(NOTICE)
    if way == "opened":
        plan.tick(OPENS)
    elif way == "removed":
        plans.remove(plan.uow, actor=plan.office.actor(OFFICER), now=at(NOTICE), code="office")
    else:
        table = table_of(Grant)
        with plan.uow.write() as tx:
            tx.run(update(table).where(table.c.role == "hr").values(role="auditor"))
    assert send(plan, sender, OPENS) == {"cancelled": 1}
    errors = [row.error for row in plan.rows("SELECT error FROM message WHERE kind = 'opening-problems'")]
    assert errors == [{"opened": "opened", "removed": "plan-removed", "no-hr": "not-hr"}[way]]


def test_a_problem_without_words_in_a_language_is_told_as_the_roster_tells_it() -> None:
    problem = Problem("error", "strange", "Something new.", "Do something.", number="1008")
    assert worded(problem, "zh", {}) == ("Something new.", "Do something.")
