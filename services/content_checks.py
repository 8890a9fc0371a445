"""Comparing rows with what the chains vouch for: content digests, texts, scores, decisions about lines.

Rows are read in batches; what is held in memory is one stream's ids and digests.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from models.columns import table_of
from models.findings import ContestedLine, FindingRevision
from models.rubrics import Definition, WorkflowMove
from services import definitions, documents, duties, finding_writing, organisation_write, plans
from services.audit import digest
from services.chain_checks import EVENT, MOVE, TEXT_BODY, Faults, Told, by_right_of
from services.errors import AppraiseError
from services.judging import SCORE, SCORE_ITEM, score_digest
from services.ledgers import finding_line, month_line
from services.sheet_checks import Sheets
from services.unit_of_work import Transaction

CONTESTED = table_of(ContestedLine)
DEFINITION = table_of(Definition)
REVISION = table_of(FindingRevision)
WORKFLOW_MOVE = table_of(WorkflowMove)

CONTENT: Mapping[str, tuple[Table, Any]] = {
    **definitions.CONTENT,
    **documents.CONTENT,
    **duties.CONTENT,
    **finding_writing.CONTENT,
    **organisation_write.CONTENT,
    **plans.CONTENT,
}
"""For each id that a payload may hold: its table and the content its digest was made of; the latest event holds."""

_BATCH = 500
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TEXTS = select(TEXT_BODY.c.id, TEXT_BODY.c.digest).where(TEXT_BODY.c.id.in_(_IDS))
_SCORES = select(SCORE).where(SCORE.c.id.in_(_IDS))
_SCORE_ITEMS = select(SCORE_ITEM).where(SCORE_ITEM.c.score_id.in_(_IDS))
_REVISIONS = select(REVISION).where(REVISION.c.appraisal_id.in_(_IDS)).order_by(REVISION.c.id)
_CONTESTED = select(CONTESTED).where(CONTESTED.c.appraisal_id.in_(_IDS)).order_by(CONTESTED.c.id)
_WORKFLOWS = select(DEFINITION.c.id, DEFINITION.c.digest).where(DEFINITION.c.kind == "workflow")
_UNSCORED = (
    select(SCORE.c.id).where(~exists(select(MOVE.c.id).where(MOVE.c.score_id == SCORE.c.id))).order_by(SCORE.c.id)
)
_MOVES = select(WORKFLOW_MOVE).where(WORKFLOW_MOVE.c.definition_id == bindparam("definition"))


@dataclass(slots=True)
class _Vouched:
    """What the latest event says of a row: its digest, where it says so, and the digests of the texts it came with."""

    digest: str
    where: str
    told: Told
    texts: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Contents:
    """Compares rows with payloads as they come; `rows` counts those that were compared."""

    tx: Transaction
    faults: Faults
    rows: int = 0
    vouched: dict[str, int] = field(default_factory=dict)
    sheets: Sheets = field(init=False)
    _moves: list[Told] = field(default_factory=list)
    _lines: dict[tuple[int, int], tuple[Told, Any, Any]] = field(default_factory=dict)
    _appraisals: set[int] = field(default_factory=set)
    _scores: dict[int, tuple[str, str]] = field(default_factory=dict)
    _texts: dict[int, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compare sheets beside the rest."""
        self.sheets = Sheets(self.tx, self.faults)

    def take_stream(self, events: Iterable[Told]) -> Iterator[Told]:
        """Take in the events of one stream, handing each on; its rows are compared at the end of the stream."""
        latest: dict[tuple[str, int], _Vouched] = {}
        for told in events:
            self._refer(told)
            kind = next((name for name in told.payload if name in CONTENT), None)
            number = None if kind is None else told.payload[kind]
            if kind is not None and "digest" in told.payload and isinstance(number, int):
                found = latest.setdefault((kind, number), _Vouched("", "", told))
                found.digest, found.where, found.told = str(told.payload["digest"]), told.where, told
                if isinstance(text := told.payload.get("text"), str):
                    found.texts.add(text)
            yield told
        self._compare(latest)
        self._flush_texts()

    def take_appraisal(self, appraisal: int, moves: Sequence[tuple[Any, Told]]) -> None:
        """Take in the moves of one appraisal: the scores, texts and decisions that they name."""
        self._appraisals.add(appraisal)
        for row, told in moves:
            self._refer(told)
            self.sheets.take(row, told)
            if "score" in told.payload and row.score_id is not None:
                self._scores[row.score_id] = (str(told.payload["score"]), told.where)
            if "lines" in told.payload:
                self._lines[appraisal, told.seq] = (told, told.payload["lines"], row)
        if len(self._appraisals) >= _BATCH:
            self.flush()

    def take_score(self, score_id: int, content: str, where: str) -> None:
        """Take in a score that an event vouches for."""
        self._scores[score_id] = (content, where)

    def flush(self) -> None:
        """Compare what was taken in of appraisals so far."""
        self._flush_scores()
        self._flush_lines()
        self._flush_texts()
        self.sheets.flush()
        self._appraisals.clear()

    def _refer(self, told: Told) -> None:
        for value in told.payload.values():
            match value:
                case [int(text), str(said)]:
                    self._texts[text] = (said, told.where)

    def _compare(self, latest: Mapping[tuple[str, int], _Vouched]) -> None:
        for kind, (table, content) in CONTENT.items():
            ids = [number for name, number in latest if name == kind]
            self.vouched[kind] = self.vouched.get(kind, 0) + len(ids)
            for some in _batches(ids):
                rows = {row.id: row for row in self.tx.all(select(table).where(table.c.id.in_(some)))}
                words = self._words_of(table, rows.values())
                for number in some:
                    said = latest[kind, number]
                    if number not in rows:
                        self.faults.add("missing-row", said.where, f"{kind} {number} is gone.")
                    elif digest(content(rows[number]._mapping)) != said.digest or not _published(  # noqa: SLF001
                        table, rows[number], said.told
                    ):
                        self.faults.add("content", f"{kind} {number}", f"it is not what {said.where} vouches for.")
                    elif not said.texts <= words[number] or "" in words[number]:
                        self.faults.add("text", f"{kind} {number}", f"its words are not those of {said.where}.")
                    self.rows += 1

    def _words_of(self, table: Table, rows: Iterable[Any]) -> dict[int, set[str]]:
        """Return the digests of the texts that rows refer to, by row; an empty one for a text that is gone."""
        columns = [column.name for column in table.columns if _is_text(column)]
        refs = {row.id: {getattr(row, name) for name in columns} - {None} for row in rows}
        ids = sorted(set().union(*refs.values()))
        known = {text.id: text.digest for some in _batches(ids) for text in self.tx.all(_TEXTS, {"ids": some})}
        return {number: {known.get(text, "") for text in texts} for number, texts in refs.items()}

    def _flush_texts(self) -> None:
        for some in _batches(list(self._texts)):
            known = {row.id: row.digest for row in self.tx.all(_TEXTS, {"ids": some})}
            for number in some:
                said, where = self._texts[number]
                if known.get(number) != said:
                    self.faults.add("text", f"text {number}", f"it is not the one of {where}.")
        self._texts.clear()

    def _flush_scores(self) -> None:
        for some in _batches(list(self._scores)):
            scores = {row.id: row for row in self.tx.all(_SCORES, {"ids": some})}
            items: dict[int, list[Mapping[str, Any]]] = {}
            for row in self.tx.all(_SCORE_ITEMS, {"ids": some}):
                items.setdefault(row.score_id, []).append(dict(row._mapping))  # noqa: SLF001
            for number in some:
                said, where = self._scores[number]
                if number not in scores:
                    self.faults.add("missing-row", where, f"its score {number} is gone.")
                elif score_digest(dict(scores[number]._mapping), items.get(number, [])) != said:  # noqa: SLF001
                    self.faults.add("score", f"score {number}", f"it is not the one of {where}.")
                self.rows += 1
        self._scores.clear()

    def _flush_lines(self) -> None:
        decided: dict[tuple[int, int], list[Any]] = {}
        contested: dict[tuple[int, int], list[Any]] = {}
        ids = sorted(self._appraisals)
        for statement, found in ((_REVISIONS, decided), (_CONTESTED, contested)):
            last: dict[int, int] = {}
            for row in self.tx.all(statement, {"ids": ids}) if ids else ():
                found.setdefault((row.appraisal_id, row.move_seq), []).append(row)
                # The last decision about a line governs, so their order is part of what was decided.
                if row.move_seq < last.get(row.appraisal_id, 0):
                    where = f"move {row.appraisal_id} #{row.move_seq}"
                    self.faults.add("lines", where, "what it said about lines stands behind what was said later.")
                last[row.appraisal_id] = row.move_seq
        for key, (told, lines, move) in self._lines.items():
            made, named = decided.pop(key, []), contested.pop(key, [])
            stored: Any = (
                sorted(map(_line, named)) if isinstance(lines, list) else {_line(row): _said(row) for row in made}
            )
            # A second row about one line would hide behind the first here, and govern the score.
            twice = len(made or named) != len(stored)
            strange = twice or (made if isinstance(lines, list) else named)
            if stored != lines or strange or not all(_of_move(row, move) for row in (*made, *named)):
                self.faults.add("lines", told.where, "the decisions about lines beside it are not those it made.")
            self.rows += 1
        for appraisal, seq in sorted(decided.keys() | contested.keys()):
            self.faults.add("lines", f"move {appraisal} #{seq}", "it has decisions about lines that it did not make.")
        self._lines.clear()

    def check_unvouched(self, corrected: Iterable[int]) -> None:
        """Report rows that no event vouches for: who wrote them went past the application."""
        for kind, (table, _) in CONTENT.items():
            if self.tx.scalar(select(func.count()).select_from(table)) == self.vouched.get(kind, 0):
                continue
            known = self._known(kind)
            for row in self.tx.stream(select(table.c.id).order_by(table.c.id)):
                if row.id not in known:
                    self.faults.add("no-event", f"{kind} {row.id}", "no event vouches for it.")
        self.sheets.check_unvouched()
        known = set(corrected)
        for row in self.tx.stream(_UNSCORED):
            if row.id not in known:
                self.faults.add("no-event", f"score {row.id}", "no move and no correction made it.")

    def _known(self, kind: str) -> set[int]:
        """Return every id of a kind that an event vouches for; read again only where the numbers differ."""
        found = set()
        for row in self.tx.stream(
            select(EVENT.c.payload).where(EVENT.c.payload.contains(f'"{kind}":', autoescape=True))
        ):
            payload = json.loads(row.payload)
            if "digest" in payload and isinstance(payload.get(kind), int):
                found.add(payload[kind])
        return found

    def check_workflows(self) -> None:
        """Compare the moves that the database allows with the published workflows they come from."""
        for workflow in self.tx.all(_WORKFLOWS):
            try:
                lifecycle = definitions.lifecycle_of(self.tx, workflow.id, workflow.digest)
            except AppraiseError as error:
                self.faults.add("workflow", f"workflow {workflow.id}", error.sentence)
                continue
            wanted = {(move.action, move.from_stage, move.to_stage, move.outcome) for move in lifecycle.moves}
            stored = {
                (row.action, row.from_stage, row.to_stage, row.outcome)
                for row in self.tx.all(_MOVES, {"definition": workflow.id})
            }
            for action, stage, *_ in sorted(wanted ^ stored, key=str):
                self.faults.add(
                    "workflow", f"workflow {workflow.id}", f"{action} from {stage} is not as it was published."
                )


def _published(table: Table, row: Any, told: Told) -> bool:
    """Tell whether a definition was published when and by whom its event says: no rule judges the past (reading 12)."""
    return table is not DEFINITION or (row.published_at, row.published_by) == (told.at, told.by)


def _line(row: Any) -> str:
    return finding_line(row.finding_id) if row.finding_id is not None else month_line(row.rule, row.month)


def _said(row: Any) -> str:
    return str(row.kind) if row.amount is None else f"{row.kind} {row.amount}"


def _of_move(row: Any, move: Any) -> bool:
    """Tell whether a decision or an objection says what its move says: why, and, for a decision, by whom and when."""
    if row.reason_id != move.comment_id:
        return False
    return "kind" not in row._fields or (row.by_id, row.at) == (by_right_of(move), move.at)


def _is_text(column: ColumnElement[Any]) -> bool:
    return any(key.column.table is TEXT_BODY for key in column.foreign_keys)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
