"""What a worker died of, and whether the child it trained is to blame."""

import pathlib
import signal
from collections.abc import Container, Mapping

from nasnet_tf.search.journal.claims import Claims

# Linux counts here what it killed for want of memory.
_COUNTERS = pathlib.Path("/proc/vmstat")
# Of Linux: another one after each boot, the same in every container.
_BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id")
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


def life_note() -> str:
    """What `blame_left_children` has to know of a claim's process.

    For a process that nobody watches: whoever comes next has to tell whether
    it died of its child.
    """
    return f"{_boot()} {memory_kills()}"


def blame_left_children(
    claims: Claims, finished: Container[int]
) -> dict[int, str]:
    """Notes deaths at the children that a process on its own died at.

    It frees the child that it trains when it is stopped or meets an error, so
    that a claim which is left is of a process that was killed. What ended it
    is not known; where that was the whole machine, the child is not at fault.

    Args:
        claims: of the search; no worker may train now.
        finished: children that have a record.

    Returns:
        By child the reason, such as `"out of memory"`.
    """
    blamed = {}
    for child, note in claims.left(finished).items():
        boot, _, kills = note.partition(" ")
        if not kills.isdecimal() or boot != _boot():
            continue
        out_of_memory = memory_kills() > int(kills)
        blamed[child] = (
            "out of memory" if out_of_memory else "its process was killed"
        )
        claims.note_death(child, blamed[child])
    return blamed


def _boot():
    try:
        return _BOOT.read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"
