"""Files that hold a key: made once, and for nobody else's eyes."""

import os
import secrets
import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_once(path: Path, content: bytes, *, mode: int) -> None:
    """Make a file with its folder, unless its name is taken: of two makers the second finds the first one's.

    Raises:
        OSError: it cannot be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        # A link fails where the name is taken: whoever comes second reads the first one's.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
