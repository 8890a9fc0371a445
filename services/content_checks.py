"""Comparing rows with what the chains vouch for: content digests, texts, scores, decisions about lines.

Rows are read in batches, as an event says what they are. A row that is not what its event says is looked at again when
a later event speaks of it, and is a fault if none does. What is held in memory is a bit for each id, and those rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, func, select, type_coerce

from models.columns import BIGINT, MILLIONTH, table_of
from models.findings import ContestedLine, FindingRevision
from models.rubrics import Definition, WorkflowMove
from services import (
    definitions,
    delegations,
    documents,
    duties,
    file_writing,
    finding_writing,
    organisation_write,
    plans,
    webhooks,
)
from services.audit import digest
from services.chain_checks import TEXT_BODY, Faults, Told, by_right_of
from services.errors import AppraiseError
from services.id_sets import IdSet
from services.judging import SCORE, SCORE_ITEM, score_digest
from services.ledger_rows import finding_line, month_line
from services.result_table import FIGURES
from services.sheet_checks import Sheets
from services.unit_of_work import Transaction

CONTESTED = table_of(ContestedLine)
DEFINITION = table_of(Definition)
REVISION = table_of(FindingRevision)
WORKFLOW_MOVE = table_of(WorkflowMove)

CONTENT: Mapping[str, tuple[Table, Any]] = {
    **definitions.CONTENT,
    **delegations.CONTENT,
    **documents.CONTENT,
    **duties.CONTENT,
    **file_writing.CONTENT,
    **finding_writing.CONTENT,
    **organisation_write.CONTENT,
    **plans.CONTENT,
    **webhooks.CONTENT,
}
"""For each id that a payload may hold: its table and the content its digest was made of; the latest event holds."""

_BATCH = 500
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TEXTS = select(TEXT_BODY.c.id, TEXT_BODY.c.digest).where(TEXT_BODY.c.id.in_(_IDS))
_SCORES = select(SCORE).where(SCORE.c.id.in_(_IDS))
_SCORE_ITEMS = select(
    SCORE_ITEM.c.score_id, SCORE_ITEM.c.item, *(type_coerce(SCORE_ITEM.c[name], BIGINT).label(name) for name in FIGURES)
).where(SCORE_ITEM.c.score_id.in_(_IDS))
_REVISIONS = select(REVISION).where(REVISION.c.appraisal_id.in_(_IDS)).order_by(REVISION.c.id)
_CONTESTED = select(CONTESTED).where(CONTESTED.c.appraisal_id.in_(_IDS)).order_by(CONTESTED.c.id)
_WORKFLOWS = select(DEFINITION.c.id, DEFINITION.c.digest).where(DEFINITION.c.kind == "workflow")
_SCORE_IDS = select(SCORE.c.id).order_by(SCORE.c.id)
_MOVES = select(WORKFLOW_MOVE).where(WORKFLOW_MOVE.c.definition_id == bindparam("definition"))


_ROWS = {kind: select(table).where(table.c.id.in_(_IDS)) for kind, (table, _) in CONTENT.items()}
_TEXT_COLUMNS = {
    table.name: [
        column.name for column in table.columns if any(key.column.table is TEXT_BODY for key in column.foreign_keys)
    ]
    for table, _ in CONTENT.values()
}
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Vouched:
    """What the latest event says of a row: its digest, where it says so, and the digests of the texts it came with."""

    digest: str
    where: str
    told: Told
    texts: set[str] = field(default_factory=set)
    gone: bool = False


@dataclass(slots=True)
class Contents:
    """Compares rows with payloads as they come; `rows` counts those that were compared."""

    tx: Transaction
    faults: Faults
    rows: int = 0
    vouched: dict[str, IdSet] = field(default_factory=lambda: {kind: IdSet() for kind in CONTENT})
    sheets: Sheets = field(init=False)
    _latest: dict[tuple[str, int], _Vouched] = field(default_factory=dict)
    _unlike: dict[tuple[str, int], _Vouched] = field(default_factory=dict)
    _lines: dict[tuple[int, int], tuple[Told, Any, Any]] = field(default_factory=dict)
    _appraisals: set[int] = field(default_factory=set)
    _scores: dict[int, tuple[str, str]] = field(default_factory=dict)
    _moved: IdSet = field(default_factory=IdSet)
    _texts: dict[int, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compare sheets beside the rest."""
        self.sheets = Sheets(self.tx, self.faults)

    def take_stream(self, events: Iterable[Told]) -> Iterator[Told]:
        """Take in the events of one stream, handing each on."""
        for told in events:
            self._refer(told)
            kind = next((name for name in told.payload if name in CONTENT), None)
            number = None if kind is None else told.payload[kind]
            if kind is not None and "digest" in told.payload and isinstance(number, int):
                key = kind, number
                found = self._latest.setdefault(key, self._unlike.pop(key, _Vouched("", "", told)))
                found.digest, found.where, found.told = str(told.payload["digest"]), told.where, told
                if isinstance(text := told.payload.get("text"), str):
                    found.texts.add(text)
            yield told
            if len(self._latest) >= _BATCH:
                self._compare()
            if len(self._texts) >= _BATCH:
                self._flush_texts()

    def end_streams(self) -> None:
        """Compare what is left of the streams; what no later event explains is a fault."""
        self._compare()
        self._flush_texts()
        for (kind, number), said in self._unlike.items():
            if said.gone:
                self.faults.add("missing-row", said.where, f"{kind} {number} is gone.")
            else:
                self.faults.add("content", f"{kind} {number}", f"it is not what {said.where} vouches for.")
        self._unlike.clear()

    def take_appraisal(self, appraisal: int, moves: Sequence[tuple[Any, Told]]) -> None:
        """Take in the moves of one appraisal: the scores, texts and decisions that they name."""
        self._appraisals.add(appraisal)
        for row, told in moves:
            self._refer(told)
            self.sheets.take(row, told)
            if row.score_id is not None:
                self._moved.add(row.score_id)
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

    def _compare(self) -> None:
        by_kind: dict[str, list[int]] = {}
        for kind, number in self._latest:
            by_kind.setdefault(kind, []).append(number)
        for kind, ids in by_kind.items():
            table, content = CONTENT[kind]
            rows = {row.id: row for row in self.tx.all(_ROWS[kind], {"ids": ids})}
            words = self._words_of(table, rows.values())
            for number in ids:
                said = self._latest[kind, number]
                said.gone = number not in rows
                if said.gone or not _as_said(rows[number], content, said):
                    self._unlike[kind, number] = said
                elif not said.texts <= words.get(number, _NO_WORDS) or "" in words.get(number, _NO_WORDS):
                    self.faults.add("text", f"{kind} {number}", f"its words are not those of {said.where}.")
                self.rows += self.vouched[kind].add(number)
        self._latest.clear()

    def _words_of(self, table: Table, rows: Iterable[Any]) -> dict[int, set[str]]:
        """Return the digests of the texts that rows refer to, by row; an empty one for a text that is gone."""
        columns = _TEXT_COLUMNS[table.name]
        if not columns:
            return {}
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
                score_id, item, *figures = tuple(row)
                written = dict(zip(FIGURES, map(_written, figures), strict=True))
                items.setdefault(score_id, []).append({"item": item, **written})
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
            known = self.vouched[kind]
            if self.tx.scalar(select(func.count()).select_from(table)) == len(known):
                continue
            for row in self.tx.stream(select(table.c.id).order_by(table.c.id)):
                if row.id not in known:
                    self.faults.add("no-event", f"{kind} {row.id}", "no event vouches for it.")
        self.sheets.check_unvouched()
        for score_id in corrected:
            self._moved.add(score_id)
        # Nothing finds the moves of a score quickly, and every move has been seen.
        for row in self.tx.stream(_SCORE_IDS):
            if row.id not in self._moved:
                self.faults.add("no-event", f"score {row.id}", "no move and no correction made it.")

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


def _as_said(row: Any, content: Callable[[Mapping[str, Any]], Mapping[str, Any]], said: _Vouched) -> bool:
    """Tell whether a row is what its event vouches for, a definition also when and by whom it was published.

    No rule judges the past (domain.md, reading 12).
    """
    if digest(content(row._mapping)) != said.digest:  # noqa: SLF001 - SQLAlchemy's API
        return False
    return "published_at" not in row._fields or (row.published_at, row.published_by) == (said.told.at, said.told.by)


def _written(millionths: int) -> str:
    """Return a stored figure as the digest of a score has it; most of them are whole."""
    whole, rest = divmod(millionths, MILLIONTH)
    return str(Fraction(millionths, MILLIONTH)) if rest else str(whole)


def _line(row: Any) -> str:
    return finding_line(row.finding_id) if row.finding_id is not None else month_line(row.rule, row.month)


def _said(row: Any) -> str:
    return str(row.kind) if row.amount is None else f"{row.kind} {row.amount}"


def _of_move(row: Any, move: Any) -> bool:
    """Tell whether a decision or an objection says what its move says: why, and, for a decision, by whom and when."""
    if row.reason_id != move.comment_id:
        return False
    return "kind" not in row._fields or (row.by_id, row.at) == (by_right_of(move), move.at)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
