"""Work on many files at once, with a progress bar.

Threads and no processes: reading, writing, checksums and codecs leave the
interpreter to others meanwhile, and a process would load TensorFlow first.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")
# More than there are cores, for disks that answer slowly.
WORKERS = 8


def run_all(
    function: Callable[[Item, Callable[[], None]], Result],
    items: Iterable[Item],
    total: int,
    what: str,
    workers: int | None = None,
) -> list[Result]:
    """Calls a function for each of some items in threads.

    If one fails or the user interrupts, the others end at their next step.

    Args:
        function: of an item and of `step`, which it calls after each image.
        items: one for each call.
        total: how many steps there are in all.
        what: is done, for the progress bar on stderr.
        workers: threads; None: 8.

    Returns:
        The results, in the order of `items`.
    """
    with _bar(total, what) as step:
        pool = ThreadPoolExecutor(workers or WORKERS)
        try:
            futures = [pool.submit(function, item, step) for item in items]
            for future in as_completed(futures):
                future.result()
        # The user's interrupt too.
        except BaseException:
            step.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return [future.result() for future in futures]


class _Stopped(Exception):  # noqa: N818
    pass


class _Step:
    def __init__(self, bar):
        self._bar = bar
        self._lock = threading.Lock()
        self._stopped = False

    def __call__(self):
        if self._stopped:
            raise _Stopped
        with self._lock:
            self._bar.update()

    def stop(self):
        self._stopped = True


@contextlib.contextmanager
def _bar(total, what) -> Iterator[_Step]:
    with tqdm(total=total, desc=what, unit=" images") as bar:
        yield _Step(bar)
