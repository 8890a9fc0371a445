"""Everything the page of results shows of a cycle or a year, read in one transaction; the look is put on record."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from services import view_log
from services.actors import Actor
from services.correction_case import Waiting, read_waiting
from services.correction_records import events_asked
from services.grade_words import Words, grades_asked, grades_of_cycle
from services.one_reading import ahead
from services.result_groups import Groups, read_groups
from services.result_page import ResultPage, read_page, table_frame
from services.table_state import TableState, read_state, state_asked
from services.unit_of_work import UnitOfWork
from services.year_table import YearPage, read_year
from workflow.vocabulary import CycleState


@dataclass(frozen=True, slots=True)
class Places:
    """Where the lists begin: behind a place of the rows, behind the code of a unit, behind that of a post."""

    rows: str = ""
    units: str = ""
    posts: str = ""


@dataclass(frozen=True, slots=True)
class ResultsView:
    """The results of a cycle: a page of its rows with averages; or, of a year, a page of its people.

    `final` tells that they are signed.
    """

    code: str
    final: bool
    table: TableState
    page: ResultPage | None
    groups: Groups | None
    year: YearPage | None
    grades: Mapping[str, Words]
    """The words of each grade, by its label."""
    waiting: tuple[Waiting, ...]
    """The corrections that wait for a signature."""


def results_view(
    uow: UnitOfWork,
    *,
    viewer: Actor,
    now: dt.datetime,
    cycle: str,
    words: str = "",
    places: Places | None = None,
    language: str = "en",
) -> ResultsView:
    """Return what the page of results shows, 50 of each list; at most 8 statements.

    `words` find people by number, any part of the name or of the initials of their pinyin.

    Raises:
        NotFound: there is no such cycle.
        Malformed: a place is none of ours.
        Refused: the viewer sees no table of a cycle.
    """
    begin = places or Places()
    page = groups = None
    grades: Mapping[str, Words] = {}
    with uow.read() as tx:
        at = table_frame(tx, viewer=viewer, now=now, cycle=cycle)
        ahead(tx, state_asked(at), grades_asked(at.cycle.id), events_asked(at.cycle.id))
        table = read_state(tx, at, viewer)
        waiting = read_waiting(tx, at.cycle, viewer, at.granted, at.day) if at.cycle.state == CycleState.FINAL else ()
        year = read_year(tx, at, viewer, words=words, after=begin.rows)
        if year is None:
            page = read_page(tx, at, viewer, words=words, after=begin.rows)
            grades = grades_of_cycle(tx, at.cycle.id)
            groups = read_groups(tx, at, language=language, units=begin.units, posts=begin.posts)
    if year.others if year is not None else page is not None and page.noted:
        view_log.look(uow, viewer=viewer, now=now, kind=view_log.RESULT_TABLE, object_id=at.cycle.id)
    return ResultsView(at.cycle.code, at.cycle.state == CycleState.FINAL, table, page, groups, year, grades, waiting)
