"""What a dead worker died of, and whether the child it trained is to blame."""

import pathlib
import signal
from collections.abc import Mapping

# Linux counts here what it killed for want of memory.
_COUNTERS = pathlib.Path("/proc/vmstat")
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


def memory_kills() -> int:
    """How many processes the system has killed for want of memory so far.

    0 where it does not say.
    """
    try:
        lines = _COUNTERS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
    return int(counts[0]) if counts else 0


def crashed_workers(
    codes: Mapping[int, int], out_of_memory: bool
) -> dict[int, str]:
    """Which workers died of what they computed, and how.

    Not of an interrupt, a `kill -9`, or an error that they told: these are not
    the child's fault.

    Args:
        codes: exit codes of the workers that were dead when the first was
            found so; below 0 the number of a signal.
        out_of_memory: whether `memory_kills` has risen meanwhile.

    Returns:
        By worker the reason, such as `"killed by SIGSEGV"`.
    """
    crashed = {}
    for worker, code in codes.items():
        if code >= 0:
            continue
        number = signal.Signals(-code)
        if number == signal.SIGKILL and out_of_memory:
            crashed[worker] = "out of memory"
        # TensorFlow aborts the workers of a cluster that lost another one.
        elif number in _CRASHES or (
            number == signal.SIGABRT and len(codes) == 1
        ):
            crashed[worker] = f"killed by {number.name}"
    return crashed
