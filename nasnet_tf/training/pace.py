"""How fast training goes, and how long it will take."""

import contextlib
import time
from collections.abc import Callable


class Pace:
    """Measures steps by the clock, without what is not training.

    Args:
        step: steps done before.
        images_per_step: of all replicas together.
        clock: gives seconds.
    """

    def __init__(
        self,
        step: int,
        images_per_step: int,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._images_per_step = images_per_step
        self._clock = clock
        self._began = clock()
        self._inside_aside = False
        self.start(step)

    @property
    def seconds(self) -> float:
        """Since this was made."""
        return self._clock() - self._began

    def start(self, step: int) -> None:
        """Forgets what was before: the set-up, and steps that were traced."""
        self._start = self._mark = self._clock()
        self._start_step = self._mark_step = step
        self._aside = 0.0

    @contextlib.contextmanager
    def aside(self):
        """Time inside is not the speed's, but counts for the time left."""
        if self._inside_aside:
            yield
            return
        since = self._clock()
        self._inside_aside = True
        try:
            yield
        finally:
            self._inside_aside = False
            self._aside += self._clock() - since

    def images_per_second(self, step: int) -> float | None:
        """The speed since the last call, or None if there was no step."""
        now = self._clock()
        seconds = now - self._mark - self._aside
        steps = step - self._mark_step
        self._mark, self._mark_step, self._aside = now, step, 0.0
        if steps <= 0 or seconds <= 0:
            return None
        return steps * self._images_per_step / seconds

    def seconds_left(self, step: int, total_steps: int) -> float | None:
        """The rest at the mean speed so far, with its share of asides."""
        steps = step - self._start_step
        if steps <= 0:
            return None
        return (self._clock() - self._start) / steps * (total_steps - step)
