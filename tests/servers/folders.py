"""Where the databases of the tests lie: in memory where there is enough of it, because nothing of them is kept."""

import os
import shutil
from pathlib import Path

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only folders made by mkdtemp are used inside
ENOUGH = 1 << 30


def fast_folder() -> str | None:
    """Return a folder for temporary databases with a short path, or None for the system's own.

    Short, because the path of a Unix socket has about a hundred characters.
    """
    if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(IN_MEMORY).free > ENOUGH:
        return str(IN_MEMORY)
    return "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108 - as above
