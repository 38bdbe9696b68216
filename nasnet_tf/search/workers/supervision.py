"""How a worker knows the supervisor that started it, and ends with it."""

import ctypes
import os
import signal
import threading
import time

# Holds the process id of the supervisor.
VARIABLE = "NASNET_TF_SEARCH_SUPERVISOR"
# Of Linux's sys/prctl.h.
_PR_SET_PDEATHSIG = 1


def is_supervised() -> bool:
    """Whether a supervisor started this process."""
    return VARIABLE in os.environ


def die_with_parent() -> None:
    """Asks Linux to kill this process when its parent ends."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Where there is no `prctl`, what `watch_supervisor` starts has to do.
    except (OSError, AttributeError, TypeError):
        return


def watch_supervisor() -> None:
    """Ends this process by force soon after its supervisor has ended.

    For systems without `prctl`, and for a supervisor that ended before the
    process could ask for it. Nothing happens without a supervisor.
    """
    if is_supervised():
        end_with(int(os.environ[VARIABLE]))


def end_with(parent: int) -> None:
    """Ends this process by force soon after its parent has ended.

    Args:
        parent: its process id.
    """
    die_with_parent()

    def watch():
        # An orphan gets another parent.
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
