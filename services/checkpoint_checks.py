"""Reading a checkpoint, and comparing the chains with it: a lost end, a lost chain, a row that is another (G13)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import bindparam, func, select

from scoring.canonical import canonical
from services.audit import EVENT, MOVE, digest
from services.chain_checks import Faults, Progress
from services.checkpoints import FORMAT, MARK, SIGNED, chain_name, head_line, mark_of
from services.errors import AppraiseError, Environment, Malformed
from services.signatures import PublicKey
from services.unit_of_work import Transaction

_BATCH = 500
_DIGEST = r"^[0-9a-f]{64}$"
_KEYS: Any = bindparam("keys", expanding=True)
_SEQS: Any = bindparam("seqs", expanding=True)
_COLUMNS = {"move": (MOVE.c.appraisal_id, MOVE.c.seq, MOVE.c.mac), "event": (EVENT.c.stream, EVENT.c.seq, EVENT.c.mac)}
# Two lists and not pairs: chains end at few different numbers, and to ask for pairs costs ten times as much.
_ROWS = {
    table: select(chain.label("chain"), seq, mac).where(chain.in_(_KEYS), seq.in_(_SEQS))
    for table, (chain, seq, mac) in _COLUMNS.items()
}
_ENDS = {
    table: select(chain.label("chain"), func.max(seq).label("seq")).where(chain.in_(_KEYS)).group_by(chain)
    for table, (chain, seq, _) in _COLUMNS.items()
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Block(_Part):
    """Neighbouring chains of one kind; see `services.checkpoints`."""

    table: Literal["move", "event"]
    kind: str
    first: int = Field(ge=0)
    seqs: list[int] = Field(min_length=1)
    marks: str = Field(pattern=r"^[0-9a-f]*$")
    digest: str = Field(pattern=_DIGEST)

    def chains(self) -> Iterator[tuple[str, int | str, int, str]]:
        """Yield of each chain its name, its key in the table, the number of its last row and that row's mark."""
        place = 0
        for number, seq in enumerate(self.seqs, start=self.first):
            if seq:
                name = chain_name(self.table, self.kind, number)
                yield name, number if self.table == "move" else name, seq, self.marks[place : place + MARK]
                place += MARK


class Statement(_Part):
    """What is signed."""

    format: Literal[1]
    organisation: str | None
    made_at: str
    streams: int
    rows: int
    blocks: int
    root: str = Field(pattern=_DIGEST)
    key: str = Field(pattern=_DIGEST)


class Checkpoint(_Part):
    """A checkpoint as its file has it."""

    blocks: list[Block]
    statement: Statement
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of what was signed: what is printed on result tables."""
        return digest(self.statement.model_dump())


def read_checkpoint(path: Path, key: PublicKey) -> Checkpoint:
    """Read a checkpoint and check that it is what the owner of the key signed.

    Raises:
        Environment: the file cannot be read.
        Malformed: it is no checkpoint, or one of a newer version.
        AppraiseError: it is not what was signed with this key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Environment(f"The checkpoint {path} cannot be read ({error.strerror or error}).", "unreadable") from error
    try:
        found = Checkpoint.model_validate_json(content)
    except ValidationError as error:
        version = _format_of(content)
        if version is not None and version > FORMAT:
            raise Malformed(
                f"The checkpoint {path} has the format {version} of a newer version of Appraise; this one reads "
                f"{FORMAT}.",
                "newer-format",
            ) from error
        raise Malformed(
            f"{path} is no checkpoint as `appraise audit checkpoint` writes it; name such a file.", "no-checkpoint"
        ) from error
    said = found.statement
    signature = bytes.fromhex(found.signature)
    if not key.signed(SIGNED + canonical(said.model_dump()), signature):
        mine = said.key == key.raw.hex()
        why = "was changed after it was signed" if mine else "is signed with another key than the one at hand"
        raise AppraiseError(f"The checkpoint {path} {why}, so it proves nothing; take its copy.", "not-signed")
    total = hashlib.sha256()
    for block in found.blocks:
        total.update(canonical(block.model_dump()) + b"\n")
    counted = (len(found.blocks), sum(sum(1 for seq in block.seqs if seq) for block in found.blocks))
    if total.hexdigest() != said.root or counted != (said.blocks, said.streams):
        raise AppraiseError(
            f"The checkpoint {path} was changed after it was signed, so it proves nothing; take its copy.", "not-signed"
        )
    return found


def compare(tx: Transaction, faults: Faults, checkpoint: Checkpoint, progress: Progress) -> int:
    """Report every chain that no longer has what it had at the checkpoint; return how many were compared."""
    done = 0
    for block in checkpoint.blocks:
        chains = list(block.chains())
        total = hashlib.sha256()
        named = faults.count
        for start in range(0, len(chains), _BATCH):
            some = chains[start : start + _BATCH]
            macs = _macs(tx, block.table, some)
            lost = [key for _, key, *_ in some if key not in macs]
            ends = _ends(tx, block.table, lost)
            for name, key, seq, mark in some:
                if key not in macs:
                    _lost(faults, block.table, name, seq, ends.get(key))
                    continue
                total.update(head_line(name, seq, macs[key]))
                if mark_of(macs[key]) != mark:
                    text = "it or a row before it is not the one that the checkpoint vouches for."
                    faults.add("checkpoint-row", _row_name(block.table, name, seq), text)
        done += len(chains)
        progress("chains of the checkpoint", done)
        if named == faults.count and total.hexdigest() != block.digest:
            where = f"{chains[0][0]} to {chains[-1][0]}"
            faults.add("checkpoint-row", where, "one of these is not the one that the checkpoint vouches for.")
    return done


def _lost(faults: Faults, table: str, name: str, seq: int, end: int | None) -> None:
    if end is None:
        where = name if table == "move" else f"stream {name}"
        faults.add("missing-stream", where, f"it is gone; the checkpoint knows it up to number {seq}.")
    elif end < seq:
        text = f"its end is missing: it ends at number {end}, and the checkpoint knows number {seq}."
        faults.add("missing-tail", name if table == "move" else f"stream {name}", text)
    else:
        faults.add("checkpoint-row", _row_name(table, name, seq), "it is gone; the checkpoint knows it.")


def _row_name(table: str, name: str, seq: int) -> str:
    return f"move {name.partition(' ')[2]} #{seq}" if table == "move" else f"event {name} #{seq}"


def _macs(tx: Transaction, table: str, chains: Sequence[tuple[str, int | str, int, str]]) -> Mapping[Any, str]:
    wanted = {key: seq for _, key, seq, _ in chains}
    rows = tx.all(_ROWS[table], {"keys": list(wanted), "seqs": sorted(set(wanted.values()))})
    return {row.chain: row.mac for row in rows if row.seq == wanted[row.chain]}


def _ends(tx: Transaction, table: str, keys: Sequence[int | str]) -> Mapping[Any, int]:
    return {row.chain: row.seq for row in tx.all(_ENDS[table], {"keys": keys})} if keys else {}


def _format_of(content: bytes) -> int | None:
    """Return the format that something like a checkpoint claims to have."""
    try:
        found = json.loads(content)["statement"]["format"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return found if isinstance(found, int) else None
