"""The line under a result table that ties it to a checkpoint kept elsewhere."""

from cli.session import Session


def newest_checkpoint(shared: Session) -> tuple[str, ...]:
    """Return the line with the newest checkpoint's fingerprint and moment, or nothing before the first (G13)."""
    from services.checkpoints import find_newest

    newest = find_newest(shared.uow)
    if newest is None:
        return ()
    return (f"Newest checkpoint: {newest.fingerprint} of {shared.local(newest.at)}",)
