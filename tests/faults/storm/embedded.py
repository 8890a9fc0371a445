"""The embedded mode as `appraise up` runs it, by the clock of practice data: `python -m tests.faults.storm.embedded`.

`appraise up` stands still where the clock stood when it started; here another process moves the clock on.
"""

import signal
import sys
import threading
from dataclasses import replace

from config.clock import OrganisationClock
from config.logs import set_up_logs
from config.settings import load_settings
from config.wiring import wire
from tasks.embedded import Embedded


def main() -> None:
    """Run until a signal comes, or a thread dies."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = load_settings()
    set_up_logs(settings.log_level, settings.log_format)
    with wire(settings) as wired:
        wiring = replace(wired, clock=OrganisationClock(wired.uow))
        with Embedded(settings, wiring) as embedded:
            while not stop.wait(0.5):
                if not embedded.alive:
                    sys.exit(6)


if __name__ == "__main__":
    main()
