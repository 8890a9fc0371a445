#!/usr/bin/env python3
"""Check a checkpoint of Appraise without Appraise: Python 3.8 or newer, and nothing else.

    python3 verify_checkpoint.py CHECKPOINT PUBLIC_KEY
    python3 verify_checkpoint.py CHECKPOINT PUBLIC_KEY --fingerprint 3f2a...   # as printed under a result table
    python3 verify_checkpoint.py CHECKPOINT PUBLIC_KEY --chain cycle:1 --chain "appraisal 1001"

It ends with 0 when the file is what the owner of the key signed, with 1 when it is not or differs from what was
asked, with 2 when a file cannot be read. What it cannot tell is whether the database still has what the checkpoint
vouches for: that is `appraise audit verify --checkpoint`, on the machine.

The signature is Ed25519 (RFC 8032) over the bytes "appraise checkpoint 1", a line break, and the statement as JSON
with sorted keys, without spaces, in UTF-8.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Iterator, Tuple

SIGNED = b"appraise checkpoint 1\n"
MARK = 8
SIZES = (32, 64)  # of a public key and a signature, in bytes
PEM_HEAD = "302a300506032b6570032100"  # RFC 8410: an Ed25519 public key follows, 32 bytes

# The curve of RFC 8032, section 5.1. All of it is public, so nothing here needs to hide how long it takes.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]


def x_of(y: int, sign: int) -> int | None:
    """Return the x of the point with this y and sign, or None when there is no such point."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


def add(a: Point, b: Point) -> Point:
    """Return the sum of two points, each as (X, Y, Z, T)."""
    left = (a[1] - a[0]) * (b[1] - b[0]) % P
    right = (a[1] + a[0]) * (b[1] + b[0]) % P
    third, fourth = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = right - left, fourth - third, fourth + third, right + left
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number: int, point: Point) -> Point:
    """Return `point` added up `number` times."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def same(a: Point, b: Point) -> bool:
    """Return whether two points are one."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(encoded: bytes) -> Point | None:
    """Return the point that 32 bytes encode, or None."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = x_of(BASE_Y, 0) or 0
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether `signature` (64 bytes) over `message` was made with the private half of `key` (32 bytes)."""
    if (len(key), len(signature)) != SIZES:
        return False
    owner, first = point_of(key), point_of(signature[:32])
    second = int.from_bytes(signature[32:], "little")
    if owner is None or first is None or second >= ORDER:
        return False
    told = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return same(times(second, BASE), add(first, times(told, owner)))


def canonical(value: Any) -> bytes:
    """Return the one JSON form that is signed and summed up."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chains_of(block: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Yield name, number of the last row and first digits of its keyed digest, for each chain of a block."""
    place = 0
    for number, seq in enumerate(block["seqs"], start=block["first"]):
        if seq:
            kind = "appraisal " if block["table"] == "move" else block["kind"] + ":"
            name = kind + str(number) if number or block["table"] == "move" else block["kind"]
            yield name, seq, block["marks"][place : place + MARK]
            place += MARK


def read_key(path: str) -> bytes:
    """Return the 32 bytes of a public key in PEM."""
    lines = [line.strip() for line in Path(path).read_text(encoding="ascii").splitlines()]
    content = base64.b64decode("".join(line for line in lines if line and not line.startswith("-----")), validate=True)
    if content[:12].hex() != PEM_HEAD or len(content[12:]) != SIZES[0]:
        raise ValueError("it is no Ed25519 public key in PEM")
    return content[12:]


def faults_of(checkpoint: dict[str, Any], key: bytes) -> Iterator[str]:
    """Yield what is wrong with a checkpoint, a sentence each."""
    statement, blocks = checkpoint["statement"], checkpoint["blocks"]
    if statement["format"] != 1:
        yield "It has the format {}, and this program reads 1.".format(statement["format"])
    if not is_signed(key, SIGNED + canonical(statement), bytes.fromhex(checkpoint["signature"])):
        yield "The owner of this key did not sign it, or it was changed afterwards."
    total = hashlib.sha256()
    for block in blocks:
        total.update(canonical(block) + b"\n")
    chains = [seq for block in blocks for _, seq, _ in chains_of(block)]
    said = (statement["root"], statement["blocks"], statement["streams"], statement["rows"])
    if (total.hexdigest(), len(blocks), len(chains), sum(chains)) != said:
        yield "Its chains are not those of the statement that was signed."


def main() -> int:
    """Check one file and print what it says."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("checkpoint", help="the file that `appraise audit checkpoint` wrote")
    words.add_argument("public_key", help="the public key, in PEM, from somebody you trust")
    words.add_argument("--fingerprint", help="must be the checkpoint's")
    words.add_argument("--chain", action="append", default=[], metavar="NAME", help="say how far this chain went")
    given = words.parse_args()
    try:
        key = read_key(given.public_key)
        checkpoint = json.loads(Path(given.checkpoint).read_bytes().decode())
        faults = list(faults_of(checkpoint, key))
        statement = checkpoint["statement"]
        fingerprint = hashlib.sha256(canonical(statement)).hexdigest()
        chains = {name: (seq, mark) for block in checkpoint["blocks"] for name, seq, mark in chains_of(block)}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        print(f"It cannot be read: {error}.", file=sys.stderr)
        return 2
    if given.fingerprint is not None and given.fingerprint.strip().lower() != fingerprint:
        faults.append(f"Its fingerprint is {fingerprint}, which is not the one you gave.")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    print(f"Signed by the key   {hashlib.sha256(key).hexdigest()}")
    print("Organisation       ", statement["organisation"] or "not named yet")
    print("Made at             {}".format(statement["made_at"]))
    print("Chains and rows    ", statement["streams"], "and", statement["rows"])
    print(f"Fingerprint         {fingerprint}")
    for name in given.chain:
        if name not in chains:
            print(f"{name}: the checkpoint knows no such chain.", file=sys.stderr)
            return 1
        seq, mark = chains[name]
        print(f"{name}: up to number {seq}, whose digest begins with {mark}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
