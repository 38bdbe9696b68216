"""How long a child may take, and which children took longer.

Without TensorFlow, which a supervisor does not import.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from nasnet_tf.search.journal.records import ChildRecord

# Children of one space and recipe differ by a few times; their first one in a
# process is traced too, and a busy machine has its bad minutes.
TIMES, FLOOR = 10.0, 600.0
# Of fewer finished children the median says little: the paper's take 2.4 hours.
ENOUGH, FIRST = 5, 86_400.0
# A clock that was not asked for longer stood still with its process.
_MOST_STEP = 10.0
# Seconds between looks into a journal that may have 20,000 records.
_EVERY = 10.0


class AwakeClock:
    """A clock that stands still while its process or machine does.

    A process that was stopped, or a virtual machine that was suspended, finds
    hours gone in which no child could have been trained.

    Args:
        clock: gives seconds; to be asked more often than every 10 of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._last = clock()
        self._seconds = 0.0

    def __call__(self) -> float:
        """Seconds so far."""
        now = self._clock()
        self._seconds += min(now - self._last, _MOST_STEP)
        self._last = now
        return self._seconds


def child_limit(seconds: Sequence[float]) -> float:
    """Seconds that a child may take, where `runtime.child_timeout` is None.

    Args:
        seconds: of the children that were trained to the end.
    """
    if len(seconds) < ENOUGH:
        return FIRST
    return max(FLOOR, TIMES * statistics.median(seconds))


class ChildWatch:
    """Tells which of the children that are being trained took too long.

    Args:
        records: gives those of the finished children.
        clock: gives seconds; see `AwakeClock`.
    """

    def __init__(
        self,
        records: Callable[[], Iterable[ChildRecord]],
        clock: Callable[[], float] | None = None,
    ):
        self._records = records
        self._clock = clock or AwakeClock()
        self._begun: dict[int, tuple[int, float]] = {}
        self._seconds: list[float] = []
        self._read: float | None = None

    def overdue(
        self, children: Mapping[int, int | None], timeout: float | None
    ) -> dict[int, str]:
        """Which workers train a child for too long; to be called often.

        Args:
            children: by worker what it trains now; None: nothing.
            timeout: `runtime.child_timeout`.

        Returns:
            By worker the reason, such as `"took too long: more than 600 s, 12
            times the median"`.
        """
        now = self._clock()
        self._begun = {
            worker: self._known(worker, child, now)
            for worker, child in children.items()
            if child is not None
        }
        reasons = {}
        for worker, (_, begun) in self._begun.items():
            reason = self._reason(now, now - begun, timeout)
            if reason:
                reasons[worker] = reason
        return reasons

    def _known(self, worker, child, now):
        before = self._begun.get(worker)
        return before if before and before[0] == child else (child, now)

    def _reason(self, now, seconds, timeout):
        # No limit is lower: the journal need not be read.
        if seconds <= (FLOOR if timeout is None else timeout):
            return None
        if self._read is None or now - self._read >= _EVERY:
            self._seconds = [
                r.seconds for r in self._records() if not r.failure
            ]
            self._read = now
        limit = child_limit(self._seconds) if timeout is None else timeout
        if seconds <= limit:
            return None
        reason = f"took too long: more than {limit:,.10g} s"
        median = statistics.median(self._seconds or [0.0])
        if median:
            reason += f", {limit / median:,.3g} times the median"
        return reason
