"""The auditor's program: run by a Python that knows nothing of the project, against what the application signed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Engine

from services import checkpoints
from services.actors import SYSTEM
from services.audit import AuditKeys, append_event
from services.checkpoints import Made
from services.signatures import new_signing_key
from services.unit_of_work import UnitOfWork
from tests.services.playing import SUBMITTED

PROGRAM = Path(__file__).parents[1] / "docs" / "verify_checkpoint.py"
PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
KEYS = AuditKeys("k1", {"k1": b"a key that only the tests use"})
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
)
"""The first two of RFC 8032, section 7.1: public key, message, both halves of the signature."""


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """The program as a module, for its arithmetic."""
    spec = importlib.util.spec_from_file_location("verify_checkpoint", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(engine: Engine, tmp_path: Path) -> tuple[Made, Path]:
    """A checkpoint and the file of its public key."""
    uow = UnitOfWork(engine, KEYS)
    with uow.write() as tx:
        for stream in ("org", "org", "cycle:7", "ledger:31"):
            append_event(tx, stream, "one", actor=SYSTEM, at=SUBMITTED, payload={})
    key = new_signing_key()
    public = tmp_path / "key.pub"
    public.write_bytes(key.public.pem())
    return checkpoints.make(uow, now=SUBMITTED, path=tmp_path / "checkpoint.json", key=key), public


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run it isolated, without site-packages, in a folder that is not the project's."""
    return subprocess.run(
        [PYTHON, "-I", "-S", PROGRAM, *words], cwd=folder, env={}, capture_output=True, text=True, check=False
    )


def test_it_says_who_signed_what_and_how_far_a_chain_went(made: tuple[Made, Path], tmp_path: Path) -> None:
    done, public = made
    words = (str(done.path), str(public), "--fingerprint", done.fingerprint, "--chain", "cycle:7", "--chain", "org")
    ran = run(tmp_path, *words)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Signed by the key   {done.key}" in ran.stdout
    assert f"Fingerprint         {done.fingerprint}" in ran.stdout
    assert "Chains and rows     3 and 4" in ran.stdout
    assert "cycle:7: up to number 1, whose digest begins with " in ran.stdout
    assert "org: up to number 2, whose digest begins with " in ran.stdout


def test_it_finds_what_was_changed_and_what_is_another_s(made: tuple[Made, Path], tmp_path: Path) -> None:
    done, public = made
    other = tmp_path / "other.pub"
    other.write_bytes(new_signing_key().public.pem())
    ran = run(tmp_path, str(done.path), str(other))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "The owner of this key did not sign it" in ran.stderr
    ran = run(tmp_path, str(done.path), str(public), "--fingerprint", "0" * 64)
    assert (ran.returncode, "is not the one you gave" in ran.stderr) == (1, True)
    ran = run(tmp_path, str(done.path), str(public), "--chain", "cycle:8")
    assert (ran.returncode, "the checkpoint knows no such chain" in ran.stderr) == (1, True)
    content = json.loads(done.path.read_text(encoding="utf-8"))
    content["blocks"][0]["seqs"][0] = 9
    done.path.write_text(json.dumps(content), encoding="utf-8")
    ran = run(tmp_path, str(done.path), str(public))
    assert (ran.returncode, "Its chains are not those of the statement" in ran.stderr) == (1, True)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"statement": 1, "blocks": 2, "signature": 3}', "[" * 100_000])
def test_a_file_that_is_none_is_one_sentence(made: tuple[Made, Path], tmp_path: Path, content: str) -> None:
    done, public = made
    done.path.write_text(content, encoding="utf-8")
    ran = run(tmp_path, str(done.path), str(public))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("It cannot be read: ")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("vector", VECTORS)
def test_its_arithmetic_is_that_of_the_standard(program: ModuleType, vector: tuple[str, ...]) -> None:
    key, message, first, second = map(bytes.fromhex, vector)
    assert program.is_signed(key, message, first + second)
    assert not program.is_signed(key, message + b"x", first + second)


def test_it_agrees_with_the_library_on_keys_and_broken_signatures(program: ModuleType) -> None:
    for number in range(8):
        key, message = new_signing_key(), bytes([number]) * number
        signature = key.sign(message)
        assert program.is_signed(key.public.raw, message, signature)
        for place in (0, 31, 32, 63):
            broken = bytearray(signature)
            broken[place] ^= 1 << number % 8
            assert program.is_signed(key.public.raw, message, bytes(broken)) is False
            assert key.public.signed(message, bytes(broken)) is False
        # The same number, counted once more round the group, is no second signature of the same message (5.1.7).
        again = int.from_bytes(signature[32:], "little") + program.ORDER
        assert not program.is_signed(key.public.raw, message, signature[:32] + again.to_bytes(32, "little"))
