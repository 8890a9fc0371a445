"""The letter to staff: its dates are those that the deadlines will have, its rights those that the workflow gives."""

import datetime as dt
import zoneinfo
from typing import Literal

import pytest
from sqlalchemy import select

from catalog.shelf import workflow_text
from models.columns import table_of
from models.workitems import WorkItem
from services import definitions, plans, staff_letter
from services.actors import SYSTEM
from services.errors import AppraiseError, Refused
from services.letter_words import LETTER
from services.plan_form import YearRule
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, OFFICER, VICE
from tests.services.standing_orders import ADDED, NOTICE, OPENS, Planned, at

ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")


@pytest.fixture
def plan(uow: UnitOfWork) -> Planned:
    return Planned.standing(uow)


def letter(
    plan: Planned, code: str = "office", *, now: dt.datetime = ADDED, language: Literal["en", "zh"] = "en"
) -> staff_letter.Letter:
    return staff_letter.draft(plan.uow, actor=plan.office.actor(OFFICER), now=now, code=code, language=language)


def test_it_has_the_dates_of_each_stage_who_does_what_and_the_rights(plan: Planned) -> None:
    found = letter(plan)
    text = "\n".join(found.lines)
    assert (found.cycle, found.opening) == ("2026Q1", OPENS)
    assert found.subject == "Appraisal 2026Q1: dates and rights"
    assert "of the time from 2026-01-01 to 2026-03-31, opens on 2026-04-03" in text
    assert "- Own statement (you): 3 working days, by 2026-04-09 18:00" in text
    assert "- Scoring (assessor): 5 working days, by 2026-04-16 18:00" in text
    assert "- Review (reviewer): 3 working days, by 2026-04-21 18:00" in text
    assert "- Sign-off (you): 5 working days from the day it is proven that you know: about 2026-04-28 18:00" in text
    assert "only if you object; 5 working days" in text
    assert "the person in charge of the post scores, director reviews, vice-president decides objections." in text
    assert "You may reply within 5 working days" in text
    assert "the result counts as accepted" in text
    assert "Points, totals and the reasons of whoever judges are open to you from “Sign-off” on." in text
    assert "the rules that were in force on 2026-01-01" in text
    assert found.lines[-1] == "A bank"


def test_the_first_date_is_the_deadline_that_the_opened_appraisals_have(plan: Planned) -> None:
    plan.tick(OPENS, hour=8)
    plan.work_off()
    table = table_of(WorkItem)
    with plan.uow.read() as tx:
        (due,) = {row.due_at for row in tx.all(select(table.c.due_at).where(table.c.due_at.is_not(None)))}
    line = next(line for line in letter(plan, "2026Q1", now=at(OPENS)).lines if line.startswith("- Own statement"))
    assert line.endswith(f"by {due.astimezone(ZONE):%Y-%m-%d %H:%M}")


def test_both_languages_say_the_same_things(plan: Planned) -> None:
    english, chinese = letter(plan), letter(plan, language="zh")
    assert len(english.lines) == len(chinese.lines)
    assert LETTER["en"].keys() == LETTER["zh"].keys()
    text = "\n".join(chinese.lines)
    assert chinese.subject == "2026Q1考核：时间安排与您的权利"
    assert "- 自述（您本人）：3个工作日，至2026年04月09日 18:00" in text
    assert "由岗位分管人评分" in text


def test_rights_that_the_workflow_does_not_give_are_not_promised(plan: Planned) -> None:
    other = workflow_text("quarterly").replace('id = "quarterly"', 'id = "other"', 1)
    other = other.replace('facts = "at-once"', 'facts = "with-judgement"').replace(
        'missed = "accept-by-silence"', 'missed = "hold"'
    )
    definitions.publish_workflow(plan.uow, actor=SYSTEM, now=ADDED, text=other, where="other")
    plans.remove(plan.uow, actor=plan.office.actor(OFFICER), now=ADDED, code="office")
    plan.add("second", workflow="other")
    text = "\n".join(letter(plan, "second").lines)
    assert "counts as accepted" not in text
    assert "reaches you together with the result" in text


def test_a_planned_cycle_has_the_day_of_its_plan_and_a_late_one_today(plan: Planned) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.tick(NOTICE)
    assert letter(plan, "2026Q1", now=at(NOTICE)).opening == OPENS
    late = OPENS + dt.timedelta(days=10)
    assert letter(plan, "2026Q1", now=at(late)).opening == late


def test_it_is_hr_who_drafts_and_only_of_what_is_there(uow: UnitOfWork) -> None:
    plan = Planned.standing(uow, year=YearRule())
    with pytest.raises(Refused, match="Only an HR officer may draft the letter to staff"):
        staff_letter.draft(uow, actor=plan.office.actor(VICE), now=ADDED, code="office")
    with pytest.raises(AppraiseError, match="There is neither a cycle nor a plan nowhere") as refusal:
        letter(plan, "nowhere")
    assert refusal.value.exit_code == 4
    plan.tick(NOTICE)
    with pytest.raises(Refused, match="2026 is a year; write the code of one of its periods"):
        letter(plan, "2026")
