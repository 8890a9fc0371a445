"""An approval by viewflow.fsm on a Django model, as its guide has it: a flow around the row, one atomic block."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import django
from django.conf import settings
from django.db import connection, models, transaction
from sqlalchemy.engine import make_url

from benchmarks.floors import PRAGMAS
from benchmarks.table import Plan, Work


def one_by_one(url: str, plan: Plan) -> Iterator[Work]:
    """Approve each row of the plan in a transaction of its own."""
    settings.configure(USE_TZ=True, TIME_ZONE="UTC", DATABASES={"default": _database(url)})
    django.setup()
    approval, history, outbox, flow = _declared()

    def work(number: int) -> None:
        with transaction.atomic():
            row = approval.objects.get(pk=number)
            moving = flow(row)
            if not moving.approve.has_perm(plan["actor"]):
                raise PermissionError(number)
            before = row.state
            moving.approve()
            row.save(update_fields=["state"])
            history.objects.create(
                approval_id=row.pk,
                action="approve",
                from_state=before,
                to_state=row.state,
                actor_id=plan["actor"],
                at=plan["at"],
                comment=plan["comment"],
            )
            outbox.objects.create(approval_id=row.pk, recipient_id=row.appraisee_id, template="turn", at=plan["at"])

    for number in plan["approvals"]:
        yield partial(work, number)
    connection.close()


def _database(url: str) -> dict[str, Any]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        options = {"init_command": "; ".join(f"PRAGMA {pragma}" for pragma in PRAGMAS)}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parsed.database, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parsed.database,
        "USER": parsed.username or "",
        "PASSWORD": parsed.password or "",
        "HOST": parsed.host or parsed.query.get("host", ""),
        "PORT": parsed.port or "",
    }


def _declared() -> tuple[Any, Any, Any, Any]:
    """Return the three models and the flow; Django and viewflow allow them only once they are configured."""
    from viewflow.fsm import State

    class Approval(models.Model):
        id = models.IntegerField(primary_key=True)
        state = models.TextField()
        reviewer_id = models.IntegerField()
        appraisee_id = models.IntegerField()

        class Meta:
            app_label, db_table, managed = "peers", "peer_approval", False

    class History(models.Model):
        id = models.AutoField(primary_key=True)
        approval = models.ForeignKey(Approval, models.PROTECT)
        action = models.TextField()
        from_state = models.TextField()
        to_state = models.TextField()
        actor_id = models.IntegerField()
        at = models.DateTimeField()
        comment = models.TextField()

        class Meta:
            app_label, db_table, managed = "peers", "peer_history", False

    class Outbox(models.Model):
        id = models.AutoField(primary_key=True)
        approval = models.ForeignKey(Approval, models.PROTECT)
        recipient_id = models.IntegerField()
        template = models.TextField()
        at = models.DateTimeField()

        class Meta:
            app_label, db_table, managed = "peers", "peer_outbox", False

    def is_reviewer(flow: Any, actor: int) -> bool:
        return bool(flow.row.reviewer_id == actor)

    class Flow:
        state = State(("scoring", "review", "signoff", "final"), default="scoring")

        def __init__(self, row: Approval) -> None:
            self.row = row

        @state.setter()
        def _set_state(self, value: str) -> None:
            self.row.state = value

        @state.getter()
        def _get_state(self) -> str:
            return str(self.row.state)

        @state.transition(source="scoring", target="review", permission=None)
        def submit(self) -> None:
            """Hand the appraisal to the reviewer."""

        @state.transition(source="review", target="signoff", permission=is_reviewer)
        def approve(self) -> None:
            """Hand the appraisal to the appraisee."""

        @state.transition(source="signoff", target="final", permission=None)
        def sign(self) -> None:
            """Take note of the appraisal."""

    return Approval, History, Outbox, Flow
