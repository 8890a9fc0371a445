"""A worker that runs on while a newer program upgrades the database: its jobs refuse and change nothing."""

import pytest
from sqlalchemy import text

from services.errors import Environment
from tasks.jobs import JOBS, run_job
from tests.tasks.conftest import Works


def test_an_old_worker_beside_a_new_schema_does_nothing_and_says_why(works: Works) -> None:
    works.open_quarter()
    owed = works.jobs()
    with works.wiring.engine.begin() as connection:
        (ours,) = connection.execute(text("SELECT version_num FROM alembic_version")).one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert works.wiring.sender is not None
    for name in JOBS:
        with pytest.raises(Environment, match="upgraded to 9999 by a newer version of Appraise"):
            run_job(works.wiring, name)
    with works.wiring.engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{ours}'"))  # noqa: S608 - read just now
    assert works.jobs() == owed
    run_job(works.wiring, "cycle.open-chunk")
    assert works.jobs() != owed
