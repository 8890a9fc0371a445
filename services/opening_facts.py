"""What HR is told about the cycle of a plan: when it opens and what stands in the way, as it is when it is sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.rubrics import Plan
from services import naming
from services.access import granted_roles
from services.mail_words import Look
from services.plan_cycles import due_periods, problems
from services.plan_form import read_form
from services.problem_words import worded
from services.roster import Problem
from services.unit_of_work import Transaction
from workflow.vocabulary import Role, Severity

PLAN = table_of(Plan)
_PLAN = select(PLAN).where(PLAN.c.id == bindparam("plan"))
_POSTS = select(naming.POST.c.code, naming.POST.c.name_en, naming.POST.c.name_zh)
SHOWN = 20
"""Of one problem a mail names so many people; the dry run has them all."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "clear": "Nothing stands in the way: it opens by itself on {}.",
        "warnings": "It opens by itself on {}; what follows does not stop it.",
        "errors": "It opens by itself on {} only if what is marked as an error is mended by then.",
        "late": "It should have opened on {} and did not, because of what is marked as an error. It opens by itself on "
        "the working day after it is mended, or when you open it by hand.",
        "none": "No problems.",
        "error": "Error",
        "warning": "Warning",
        "mend": "What to do: {}",
        "more": "... and {} more",
    },
    "zh": {
        "clear": "没有障碍，将于{}自动启动。",
        "warnings": "将于{}自动启动；以下各项不影响启动。",
        "errors": "以下标为“错误”的问题须在{}前解决，届时方可自动启动。",
        "late": "本应于{}启动，因以下标为“错误”的问题未能启动。问题解决后的工作日将自动启动，您也可以手动启动。",
        "none": "没有问题。",
        "error": "错误",
        "warning": "提醒",
        "mend": "处理建议：{}",
        "more": "……另有{}条",
    },
}


def opening_facts(look: Look, person: Row[Any]) -> dict[str, str] | str:
    """Return the words of the list for one HR officer, or the code of the reason why nobody needs it any more."""
    tx, on = look.tx, look.on
    if Role.HR not in granted_roles(tx, person.id, on):
        return "not-hr"
    payload = look.message.payload
    plan = tx.first(_PLAN, {"plan": payload["plan"]})
    if plan is None or not plan.active:
        return "plan-removed"
    form = read_form(plan.text)
    due = next((one for one in due_periods(tx, plan.id, form, on) if one.code == payload["cycle"]), None)
    if due is None:
        return "opened"
    found = problems(tx, form, due, on)
    opening = look.day(due.days.opening)
    errors = any(problem.severity == Severity.ERROR for problem in found)
    standing = "clear" if not found else "warnings"
    if errors:
        standing = "late" if due.days.opening <= on else "errors"
    words = _WORDS[look.language]
    return {
        "cycle": due.code,
        "plan": plan.code,
        "from": look.day(due.period.first),
        "to": look.day(due.period.last),
        "opening": opening,
        "standing": words[standing].format(opening),
        "problems": listed(tx, found, look.language),
        "link": look.link("cycles", due.code),
    }


def listed(tx: Transaction, found: Sequence[Problem], language: str) -> str:
    """Return problems as lines, those that stop the opening first, each kind with its mend once."""
    words = _WORDS[language]
    posts = {row.code: row for row in tx.all(_POSTS)} if found else {}
    groups: dict[tuple[str, str, str], list[str]] = {}
    for problem in found:
        text, mend = worded(problem, language, posts)
        groups.setdefault((problem.severity, problem.code, mend), []).append(text)
    lines = []
    for (severity, _, mend), texts in sorted(groups.items(), key=lambda entry: entry[0][0] != Severity.ERROR):
        lines += [f"{words[severity]}: {text}" for text in texts[:SHOWN]]
        if len(texts) > SHOWN:
            lines.append(words["more"].format(len(texts) - SHOWN))
        lines.append(f"  {words['mend'].format(mend)}")
    return "\n".join(lines) or words["none"]
