"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from services.errors import Environment, Refused


def demand_free(path: Path) -> None:
    """Let pass when nothing bears this name yet.

    Raises:
        Refused: something does.
    """
    if path.is_symlink() or path.exists():
        raise Refused(f"{path} is there already and is not written over; name another file.", "exists")


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Give a file beside `path`, for its owner alone, that takes its place at the end, or is gone if anything fails.

    Raises:
        Refused: without `replace`, something bears this name already, or does so meanwhile.
        Environment: it cannot be written there.
    """
    if not replace:
        demand_free(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
            beside = Path(out.name)
            try:
                yield out
                out.flush()
                os.fsync(out.fileno())
                if replace:
                    beside.replace(path)
                else:
                    # A link fails where the name is taken, even in this moment.
                    os.link(beside, path)
            finally:
                beside.unlink(missing_ok=True)
    except FileExistsError as error:
        raise Refused(f"{path} is there already and is not written over; name another file.", "exists") from error
    except OSError as error:
        said = error.strerror or str(error)
        raise Environment(
            f"{path} cannot be written ({said}); name a file in a folder where you may write.", "unwritable"
        ) from error
