"""Checkpoints: what the file says, and that it names a lost end, a lost chain and a row that is another's."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services import checkpoints, verification
from services.actors import SYSTEM
from services.audit import append_event
from services.checkpoint_checks import Checkpoint, read_checkpoint
from services.checkpoints import Made
from services.errors import AppraiseError, Environment, Malformed, Refused
from services.signatures import new_signing_key
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, ESCORT
from tests.services.closing import close_all
from tests.services.playing import SUBMITTED, Play
from tests.services.test_verification import tamper

KEY = new_signing_key()
CODES = {"missing-tail", "missing-stream", "checkpoint-row"}


def note(uow: UnitOfWork, stream: str, *kinds: str) -> None:
    """Write events of which nothing else tells."""
    with uow.write() as tx:
        for kind in kinds:
            append_event(tx, stream, kind, actor=SYSTEM, at=SUBMITTED, payload={})


def made(uow: UnitOfWork, folder: Path) -> tuple[Made, Checkpoint]:
    path = folder / "checkpoint.json"
    done = checkpoints.make(uow, now=SUBMITTED, path=path, key=KEY)
    return done, read_checkpoint(path, KEY.public)


def told(uow: UnitOfWork, checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
    """Return what a verification says that a checkpoint may say: codes and places."""
    report = verification.verify(uow, checkpoint=checkpoint)
    return [(fault.code, fault.where) for fault in report.faults if fault.code in CODES]


def test_it_holds_every_chain_as_of_its_moment_and_what_is_written_later_is_no_fault(
    play: Play, tmp_path: Path
) -> None:
    close_all(play.uow, play.office)
    note(play.uow, "refusals", "one", "two")
    ends = {row.stream: row.seq for row in play.rows("SELECT stream, max(seq) AS seq FROM event GROUP BY stream")} | {
        f"appraisal {row.appraisal_id}": row.seq
        for row in play.rows("SELECT appraisal_id, max(seq) AS seq FROM move GROUP BY appraisal_id")
    }
    done, checkpoint = made(play.uow, tmp_path)
    assert {name: seq for block in checkpoint.blocks for name, _, seq, _ in block.chains()} == ends
    assert (done.streams, done.rows) == (len(ends), sum(ends.values()))
    assert done.fingerprint == checkpoint.fingerprint
    assert checkpoint.statement.organisation == play.rows("SELECT name FROM organisation")[0].name
    note(play.uow, "refusals", "three")
    report = verification.verify(play.uow, checkpoint=checkpoint)
    assert report.heads == len(ends)
    assert told(play.uow, checkpoint) == []
    newest = checkpoints.find_newest(play.uow)
    assert newest is not None
    assert (newest.fingerprint, newest.key, newest.at) == (done.fingerprint, KEY.public.fingerprint, SUBMITTED)


def cut_an_end(play: Play) -> list[tuple[str, str]]:
    tamper(play.uow, "DELETE FROM event WHERE stream = 'refusals' AND seq = 3")
    return [("missing-tail", "stream refusals")]


def cut_a_stream(play: Play) -> list[tuple[str, str]]:
    tamper(play.uow, "DELETE FROM event WHERE stream = 'refusals'")
    return [("missing-stream", "stream refusals")]


def write_an_end_anew_with_the_key(play: Play) -> list[tuple[str, str]]:
    tamper(play.uow, "DELETE FROM event WHERE stream = 'refusals' AND seq = 3")
    note(play.uow, "refusals", "another", "and one more")
    return [("checkpoint-row", "event refusals #3")]


def take_a_row_out_before_later_ones(play: Play) -> list[tuple[str, str]]:
    note(play.uow, "refusals", "four")
    tamper(play.uow, "DELETE FROM event WHERE stream = 'refusals' AND seq = 3")
    return [("checkpoint-row", "event refusals #3")]


def change_a_digest_behind_its_first_digits(play: Play) -> list[tuple[str, str]]:
    tamper(play.uow, "UPDATE event SET mac = substr(mac, 1, 8) || prev WHERE stream = 'refusals' AND seq = 3")
    return [("checkpoint-row", "refusals to refusals")]


def cut_the_last_move(play: Play) -> list[tuple[str, str]]:
    number = play.appraisal(CLERK).id
    before = play.moves(CLERK)[-1]
    tamper(
        play.uow,
        f"DELETE FROM move WHERE appraisal_id = {number} AND seq = {before.seq}",  # noqa: S608 - our own numbers
        f"UPDATE appraisal SET version = version - 1, stage = '{before.from_stage}' WHERE id = {number}",  # noqa: S608
    )
    return [("missing-tail", f"appraisal 2026Q1/{CLERK}@clerical")]


def change_the_last_move_of_another(play: Play) -> list[tuple[str, str]]:
    last = play.moves(ESCORT)[-1]
    tamper(play.uow, f"UPDATE move SET mac = prev WHERE id = {last.id}")  # noqa: S608 - our own number
    return [("checkpoint-row", f"move 2026Q1/{ESCORT}@escort #{last.seq}")]


TAMPERINGS = (
    cut_an_end,
    cut_a_stream,
    write_an_end_anew_with_the_key,
    take_a_row_out_before_later_ones,
    change_a_digest_behind_its_first_digits,
    cut_the_last_move,
    change_the_last_move_of_another,
)


@pytest.mark.parametrize("act", TAMPERINGS, ids=lambda act: str(act.__name__))
def test_it_names_what_is_lost_or_another(
    play: Play, tmp_path: Path, act: Callable[[Play], list[tuple[str, str]]]
) -> None:
    note(play.uow, "refusals", "one", "two", "three")
    close_all(play.uow, play.office)
    before = told(play.uow, None)
    _, checkpoint = made(play.uow, tmp_path)
    assert told(play.uow, checkpoint) == before == []
    wanted = act(play)
    assert told(play.uow, checkpoint) == wanted
    # Without the checkpoint nothing of this kind is found, which is why there are any.
    assert told(play.uow, None) == []


def test_many_chains_are_in_blocks_and_each_of_them_is_named(uow: UnitOfWork, tmp_path: Path) -> None:
    numbers = [*range(1, 1004), 1999, 5000]
    with uow.write() as tx:
        for number in numbers:
            append_event(tx, f"ledger:{number}", "one", actor=SYSTEM, at=SUBMITTED, payload={})
    done, checkpoint = made(uow, tmp_path)
    assert done.streams == len(numbers)
    assert max(len(block.seqs) for block in checkpoint.blocks) <= checkpoints.BLOCK
    assert len(checkpoint.blocks) < 10
    assert [key for block in checkpoint.blocks for _, key, *_ in block.chains()] == [f"ledger:{n}" for n in numbers]
    assert (tmp_path / "checkpoint.json").stat().st_size < 14 * len(numbers) + 2500
    tamper(uow, "DELETE FROM event WHERE stream IN ('ledger:7', 'ledger:1003', 'ledger:5000')")
    assert told(uow, checkpoint) == [("missing-stream", f"stream ledger:{n}") for n in (7, 1003, 5000)]


def test_a_database_without_any_row_has_one_too(uow: UnitOfWork, tmp_path: Path) -> None:
    done, checkpoint = made(uow, tmp_path)
    assert (done.streams, done.rows, checkpoint.blocks) == (0, 0, [])
    assert told(uow, checkpoint) == []


def changed(content: str) -> str:
    found = json.loads(content)
    found["blocks"][0]["seqs"][0] -= 1
    return json.dumps(found)


def claimed(content: str) -> str:
    found = json.loads(content)
    found["statement"]["rows"] += 1
    return json.dumps(found)


@pytest.mark.parametrize(
    ("edit", "error", "says"),
    [
        (changed, AppraiseError, "was changed after it was signed, so it proves nothing"),
        (claimed, AppraiseError, "was changed after it was signed, so it proves nothing"),
        (lambda text: text[:-200], Malformed, "is no checkpoint as `appraise audit checkpoint` writes it"),
        (lambda _: "[" * 100_000, Malformed, "is no checkpoint"),
        (lambda _: '{"blocks": []}', Malformed, "is no checkpoint"),
        (lambda text: text.replace('"format":1', '"format":2'), Malformed, "has the format 2 of a newer version"),
    ],
)
def test_a_file_that_was_changed_or_is_none(
    uow: UnitOfWork, tmp_path: Path, edit: Callable[[str], str], error: type[AppraiseError], says: str
) -> None:
    note(uow, "org", "one", "two")
    path = made(uow, tmp_path)[0].path
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(error, match=says) as caught:
        read_checkpoint(path, KEY.public)
    assert type(caught.value) is error


def test_another_key_and_a_missing_file_are_told(uow: UnitOfWork, tmp_path: Path) -> None:
    path = made(uow, tmp_path)[0].path
    with pytest.raises(AppraiseError, match="is signed with another key than the one at hand"):
        read_checkpoint(path, new_signing_key().public)
    with pytest.raises(Environment, match=r"nowhere\.json cannot be read"):
        read_checkpoint(tmp_path / "nowhere.json", KEY.public)


def test_a_file_that_is_there_is_not_written_over(uow: UnitOfWork, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(Refused, match=r"kept\.json is there already"):
        checkpoints.make(uow, now=SUBMITTED, path=path, key=KEY)
    with pytest.raises(Environment, match="cannot be written"):
        checkpoints.make(uow, now=SUBMITTED, path=tmp_path / "nowhere" / "new.json", key=KEY)
    assert path.read_text(encoding="utf-8") == "kept"
    assert list(tmp_path.iterdir()) == [path]
    assert checkpoints.find_newest(uow) is None


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_it_sees_one_moment_while_others_write(engine: Engine, uow: UnitOfWork) -> None:
    note(uow, "org", "one")
    other = UnitOfWork(engine, uow.keys)
    with uow.read(one_moment=True) as tx:
        first = tx.connection.exec_driver_sql("SELECT count(*) FROM event").scalar()
        note(other, "org", "two")
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM event").scalar() == first


def test_the_moment_is_kept_to_the_microsecond(uow: UnitOfWork, tmp_path: Path) -> None:
    at = dt.datetime(2026, 4, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    path = tmp_path / "checkpoint.json"
    checkpoints.make(uow, now=at, path=path, key=KEY)
    assert read_checkpoint(path, KEY.public).statement.made_at == "2026-04-01T02:03:04.000005Z"
