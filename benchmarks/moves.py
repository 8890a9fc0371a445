"""An approval, a submit, and a hundred approvals at once: what judges do all day, each in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from benchmarks import floors
from benchmarks.office import APPROVED, STARTED, SUBMITTED, Clerks, open_with_clerks, unit_of_work
from benchmarks.table import Contest, Plan, Work
from services.actors import Actor
from services.appraisals import Words, act, act_many
from services.unit_of_work import UnitOfWork

BATCH = 100
COMMENT = "Read together with the register; nothing to add."


def prepare_move(url: str, size: int) -> Plan:
    """Bring `size` appraisals to their review."""
    with unit_of_work(url) as uow:
        clerks = open_with_clerks(uow, size)
        _start(uow, clerks)
        act_many(uow, actor=clerks.assessor, now=SUBMITTED, appraisals=clerks.appraisals, action="submit")
    return {
        "appraisals": clerks.appraisals,
        "actor": clerks.reviewer.person_id,
        "at": APPROVED,
        "comment": COMMENT,
        "action": "approve",
        "to": "signoff",
        "role": "reviewer",
        "next": "appraisee",
        "payload": "{}",
        "due": None,
    }


def prepare_batch(url: str, size: int) -> Plan:
    """Bring `size` appraisals to their review; they are approved by the hundred, or all at once if they are fewer."""
    plan = prepare_move(url, size)
    numbers = plan.pop("appraisals")
    return plan | {"batches": [numbers[start : start + BATCH] for start in range(0, size, BATCH)]}


def prepare_submit(url: str, size: int) -> Plan:
    """Bring `size` appraisals to their scoring. One more is submitted: its score is what the floor writes for each."""
    with unit_of_work(url) as uow:
        clerks = open_with_clerks(uow, size + 1)
        _start(uow, clerks)
        example, *rest = clerks.appraisals
        act(uow, actor=clerks.assessor, now=SUBMITTED, appraisal=example, action="submit")
        with uow.read() as tx:
            read = tx.connection.exec_driver_sql
            score = dict(read("SELECT * FROM score").mappings().one())
            items = [dict(row) for row in read("SELECT * FROM score_item ORDER BY id").mappings()]
            payload = read("SELECT payload FROM move WHERE action = 'submit'").scalar()
            due = read("SELECT due_at FROM work_item WHERE stage = 'review'").scalar()
    return {
        "appraisals": rest,
        "actor": clerks.assessor.person_id,
        "at": SUBMITTED,
        "comment": COMMENT,
        "action": "submit",
        "to": "review",
        "role": "assessor",
        "next": "reviewer",
        "payload": payload,
        "due": due,
        "score": score,
        "items": items,
    }


def one_by_one(url: str, plan: Plan) -> Iterator[Work]:
    """Move each appraisal of the plan in a transaction of its own, as a page or a terminal does."""
    actor = Actor(plan["actor"])
    with unit_of_work(url) as uow:
        for number in plan["appraisals"]:
            yield partial(_act, uow, plan, actor, number)


def many_at_once(url: str, plan: Plan) -> Iterator[Work]:
    """Approve the appraisals of each batch of the plan in one transaction."""
    actor = Actor(plan["actor"])
    with unit_of_work(url) as uow:
        for numbers in plan["batches"]:
            yield partial(_approve, uow, plan, actor, numbers)


def _act(uow: UnitOfWork, plan: Plan, actor: Actor, number: int) -> None:
    words = Words(plan["comment"])
    act(uow, actor=actor, now=plan["at"], appraisal=number, action=plan["action"], words=words)


def _approve(uow: UnitOfWork, plan: Plan, actor: Actor, numbers: Sequence[int]) -> None:
    act_many(uow, actor=actor, now=plan["at"], appraisals=numbers, action="approve", comment=plan["comment"])


def _start(uow: UnitOfWork, clerks: Clerks) -> None:
    act_many(uow, actor=clerks.assessor, now=STARTED, appraisals=clerks.appraisals, action="start")


CONTESTS: Mapping[str, Contest] = {
    "move": Contest(prepare_move, one_by_one, floors.move, size=420, warm_up=20),
    "submit": Contest(prepare_submit, one_by_one, floors.submit, size=220, warm_up=20),
    "batch": Contest(
        prepare_batch, many_at_once, floors.batch, size=23 * BATCH, warm_up=3, units=lambda size: min(size, BATCH)
    ),
}
