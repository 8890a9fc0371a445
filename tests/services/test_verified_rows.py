"""A row that changed is compared with its latest event, however many rows were looked at since the event before it."""

from sqlalchemy import select, text, update

from models.columns import table_of
from models.people import Post
from services.actors import SYSTEM
from services.audit import append_event, append_events, digest
from services.organisation_write import row_content
from services.unit_of_work import UnitOfWork
from services.verification import verify
from tests.services.builders import build_office, noon
from tests.services.closing import vouch

POST = table_of(Post)
MANY = 1_200
"""More posts than verification looks at in one go, twice over."""


def aliased(uow: UnitOfWork, aliases: str, *, told: bool = True) -> None:
    """Give the first post other aliases, and write the event, or go past it."""
    with uow.write() as tx:
        first = tx.all(select(POST).order_by(POST.c.id).limit(1))[0]
        tx.run(update(POST).where(POST.c.id == first.id).values(aliases=aliases))
        if told:
            content = {**row_content(first._mapping), "aliases": aliases}
            payload = {"post": first.id, "digest": digest(content)}
            append_event(tx, "org", "post.changed", actor=SYSTEM, at=noon(1, 5), payload=payload)


def many_posts(uow: UnitOfWork) -> None:
    """Write so many posts, each with its event, that those before them are looked at first."""
    with uow.write() as tx:
        before = {row.id for row in tx.all(select(POST.c.id))}
        names = [f"post-{number}" for number in range(MANY)]
        tx.insert_many(POST, [{"code": name, "name_en": name, "name_zh": name, "aliases": "[]"} for name in names])
        new = [row for row in tx.all(select(POST)) if row.id not in before]
        entries = [("post.new", {"post": row.id, "digest": digest(row_content(row._mapping))}) for row in new]
        append_events(tx, "org", entries, actor=SYSTEM, at=noon(1, 4))


def test_a_change_that_an_event_much_later_tells_of_is_no_fault(uow: UnitOfWork) -> None:
    build_office(uow)
    vouch(uow)
    many_posts(uow)
    before = verify(uow)
    aliased(uow, '["the boss"]')
    after = verify(uow)
    assert (before.faults, after.faults) == ((), ())
    assert after.rows == before.rows > MANY
    assert after.events == before.events + 1


def test_a_change_that_no_later_event_tells_of_is_one_fault(uow: UnitOfWork) -> None:
    build_office(uow)
    vouch(uow)
    many_posts(uow)
    aliased(uow, '["the boss"]')
    aliased(uow, '["nobody"]', told=False)
    report = verify(uow)
    assert [(fault.code, fault.where.split()[0]) for fault in report.faults] == [("content", "post")]
    assert "#" in report.faults[0].text
    assert report.count == 1


def test_a_row_that_is_gone_is_one_fault_however_often_it_was_told_of(uow: UnitOfWork) -> None:
    build_office(uow)
    vouch(uow)
    many_posts(uow)
    with uow.write() as tx:
        last = tx.all(select(POST).order_by(POST.c.id.desc()).limit(1))[0]
        payload = {"post": last.id, "digest": digest(row_content(last._mapping))}
        append_event(tx, "org", "post.changed", actor=SYSTEM, at=noon(1, 5), payload=payload)
        tx.run(text("DELETE FROM post WHERE id = :id"), {"id": last.id})
    report = verify(uow)
    assert [fault.code for fault in report.faults] == ["missing-row"]
    assert f"post {last.id}" in report.faults[0].text
