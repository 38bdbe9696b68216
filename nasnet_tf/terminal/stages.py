"""Progress of a job of some stages."""

import contextlib
import time


class Stages:
    """Prints a line for each stage: what, how many seconds, what came of it.

    >>> stage = Stages()
    >>> with stage("read images") as tell:
    ...     tell("digits, 360 images")

    Args:
        quiet: print nothing.
    """

    def __init__(self, quiet: bool = False):
        self._quiet = quiet

    @contextlib.contextmanager
    def __call__(self, name):
        found: list[str] = []
        self._print(f"{name:22}", end="")
        began = time.perf_counter()
        try:
            yield found.append
        # So that what is told of it has a line of its own.
        except BaseException:
            self._print("")
            raise
        first, *others = found or [""]
        self._print(f"{time.perf_counter() - began:7.1f} s  {first}".rstrip())
        for line in others:
            self._print(f"{'':33}{line}")

    def _print(self, text, end="\n"):
        if not self._quiet:
            print(text, end=end, flush=True)
