"""An approval by SpiffWorkflow: the flow's state is JSON in the row, read and written by the bare driver.

The specification is made once and not kept in the row; SpiffWorkflow would otherwise read and write it every time. It
has no say in who may do a task: the row's reviewer is compared by hand.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from SpiffWorkflow import TaskState, Workflow
from SpiffWorkflow.serializer.json import JSONSerializer
from SpiffWorkflow.specs import Simple, WorkflowSpec

from benchmarks.floors import PEER_ADVANCE, PEER_APPROVAL, PEER_HISTORY, PEER_OUTBOX, Bare, peer_moment
from benchmarks.table import Plan, Work

STAGES = ("scoring", "review", "signoff")


class Serializer(JSONSerializer):
    """JSON of a flow without its specification, which is given once."""

    def __init__(self, spec: Any) -> None:
        super().__init__()
        self.spec = spec

    def serialize_workflow_spec(self, wf_spec: Any, **_options: Any) -> dict[str, Any]:  # noqa: ARG002 - theirs
        """Return what stands for the specification."""
        return {"task_specs": {}}

    def deserialize_workflow_spec(self, s_state: Any, **_options: Any) -> Any:  # noqa: ARG002 - theirs
        """Return the specification that was given."""
        return self.spec


def specification() -> Any:
    """Return the stages, one after the other, each a task that waits for a person."""
    spec = WorkflowSpec(name="approval", addstart=True)
    last = spec.start
    for stage in STAGES:
        task = Simple(spec, stage, manual=True)
        last.connect(task)
        last = task
    return spec


def example() -> tuple[str, str]:
    """Return the state of a flow that waits for its review, and after the review, as JSON."""
    serializer = Serializer(specification())
    flow = Workflow(serializer.spec)
    while _ready(flow).task_spec.name != "review":
        _ready(flow).run()
    before = flow.serialize(serializer)
    _ready(flow).run()
    return before, flow.serialize(serializer)


def one_by_one(url: str, plan: Plan) -> Iterator[Work]:
    """Approve each row of the plan in a transaction of its own."""
    bare = Bare(url)
    execute = bare.cursor.execute
    load, advance, history, outbox = map(bare.spelt, (PEER_APPROVAL, PEER_ADVANCE, PEER_HISTORY, PEER_OUTBOX))
    serializer = Serializer(specification())
    at = peer_moment(bare, plan["at"])

    def work(number: int) -> None:
        bare.begin()
        execute(load, {"id": number})
        state, reviewer, appraisee = bare.cursor.fetchone()
        if reviewer != plan["actor"]:
            raise PermissionError(number)
        flow = Workflow.deserialize(serializer, state)
        task = _ready(flow)
        if task.task_spec.name != "review":
            raise RuntimeError(f"Approval {number} does not wait for its review.")
        task.run()
        row = {
            "id": number, "state": flow.serialize(serializer), "from": task.task_spec.name,
            "to": _ready(flow).task_spec.name, "actor": plan["actor"], "recipient": appraisee, "at": at,
            "comment": plan["comment"],
        }  # fmt: skip
        execute(advance, row)
        execute(history, row)
        execute(outbox, row)
        bare.commit()

    for number in plan["approvals"]:
        yield partial(work, number)
    bare.close()


def _ready(flow: Any) -> Any:
    return flow.get_next_task(state=TaskState.READY)
