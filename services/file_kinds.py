"""Which files are taken, and whether one is what its name says: looked at by its bytes, never believed."""

import io
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType

from services.errors import Malformed

LARGEST = 10 * 1024 * 1024
"""Bytes of one file."""
LONGEST_NAME = 150
_MACROS = "vbaproject"
_MOST_PARTS = 5000
"""Parts of an Office file; each costs memory as soon as the list of them is read."""


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(marks)


def _office(part: str) -> Callable[[bytes], bool]:
    def is_one(content: bytes) -> bool:
        if content.count(b"PK\x01\x02") > _MOST_PARTS:
            return False
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                names = set(packed.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            return False
        return {"[Content_Types].xml", part} <= names and not any(_MACROS in name.lower() for name in names)

    return is_one


def _text(content: bytes) -> bool:
    try:
        said = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    for mark in "\t\r\n\u3000\u00a0\u200b":
        said = said.replace(mark, "")
    return said.isprintable()


_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS: Mapping[str, tuple[str, Callable[[bytes], bool]]] = MappingProxyType(
    {
        ".pdf": ("application/pdf", _starts(b"%PDF-")),
        ".png": ("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
        ".jpg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
        ".jpeg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
        ".docx": (_WORD, _office("word/document.xml")),
        ".xlsx": (_SHEET, _office("xl/workbook.xml")),
        ".txt": ("text/plain; charset=utf-8", _text),
        ".csv": ("text/csv; charset=utf-8", _text),
    }
)
"""By suffix: the media type, and what tells by the bytes that it is one. Office files with macros are none."""

SUFFIXES = tuple(_KINDS)


def media_of(name: str, content: bytes) -> str:
    """Return the media type of a file that is what its name says.

    Raises:
        Malformed: the name names a folder or has letters that cannot be seen, the kind is not taken, the file is empty
            or too large, or it is something else than its name says.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or "/" in name or "\\" in name:
        raise Malformed(
            f"The name of a file has at most {LONGEST_NAME} characters, all of them to be seen, and names no folder; "
            "rename the file.",
            "bad-file-name",
        )
    suffix = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    if suffix not in _KINDS:
        raise Malformed(f"Files of this kind are not taken; send one of {', '.join(SUFFIXES)}.", "bad-file-kind")
    if not content:
        raise Malformed(f"{name} is empty; send the file itself.", "empty-file")
    if len(content) > LARGEST:
        raise Malformed(f"{name} is too large; at most {LARGEST // 1024 // 1024} MB are taken.", "too-large")
    media, is_one = _KINDS[suffix]
    if not is_one(content):
        raise Malformed(
            f"{name} is not what its name says: inside it is no {suffix} file. Save it anew in the program it is from.",
            "other-file-kind",
        )
    return media
