"""Has the children of a search trained by its workers, and waits for them."""

import contextlib
import threading
from collections.abc import Callable, Sequence

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.journal.claims import MOST_DEATHS, Claims
from nasnet_tf.search.journal.records import Journal, training_name
from nasnet_tf.search.workers.child_thread import Child, ChildThread
from nasnet_tf.search.workers.deadlines import ChildWatch
from nasnet_tf.search.workers.deaths import blame_left_children, life_note
from nasnet_tf.search.workers.supervision import is_supervised
from nasnet_tf.training.strategy import worker_count

# Seconds between looks into the journals: of one worker, and of each more, so
# that hundreds do not keep a file server busy.
_POLL, _POLL_PER_WORKER = 0.05, 0.01


class ChildTraining:
    """What one of the workers does about children.

    Args:
        config: of the search.
        model_dir: of the search.
        space: of the architectures.
        make_trainer: see `ChildThread`.
        worker: the number of this one.

    Attributes:
        journal: of all workers.
        blamed: by training what an earlier process of this worker, on its
            own, died at, and why.

    Raises:
        InputError: the folder cannot be written.
    """

    def __init__(
        self,
        config: SearchConfig,
        model_dir,
        space,
        make_trainer: Callable,
        worker: int,
    ):
        self.journal = Journal(model_dir, worker)
        self._claims = Claims(model_dir, worker)
        self._worker, self._timeout = worker, config.runtime.child_timeout
        self._supervised = is_supervised()
        # A worker of a cluster may die of the end of another.
        self._alone = worker_count() == 1 and not self._supervised
        self.blamed = self._free_claims() if worker == 0 else {}
        self._watch = ChildWatch(self.journal.records)
        self._poll = _POLL + _POLL_PER_WORKER * worker_count()
        self._thread = ChildThread(
            make_trainer,
            space,
            config.runtime.seed,
            self.journal,
            self._claims,
            worker,
            self._poll,
            life_note if self._alone else str,
            config.objective.measure,
        )

    def _free_claims(self):
        """Frees what an earlier run claimed; whom it has to blame, and why."""
        finished = self.journal.numbers()
        blamed = (
            blame_left_children(self._claims, finished) if self._alone else {}
        )
        self._claims.sweep(finished)
        return blamed

    def end(self) -> None:
        """The child that is being trained is given up."""
        self._thread.end()
        child = self._thread.current
        if self._alone and child is not None:
            # A claim that is left says that its process was killed.
            with contextlib.suppress(InputError):
                self._claims.release(child.number)

    def current(self) -> int | None:
        """The training that this worker is at; from any thread."""
        child = self._thread.current
        return None if child is None else child.number

    def offer(self, children: Sequence[Child]) -> None:
        """Replaces what there is to train, the first to be trained first."""
        left = [c for c in children if c.record(self.journal) is None]
        self._thread.offer(left)
        # Its data takes seconds to open, which who only reads need not wait.
        if left and self._thread.ident is None:
            self._thread.start()

    def wait(
        self,
        finished: Callable[[], bool],
        tell: Callable[[], None],
        stop: threading.Event,
    ) -> bool:
        """Waits for children of all workers.

        Args:
            finished: looks into the journal.
            tell: called each time.
            stop: ends the waiting.

        Returns:
            Whether they are finished; False where it was stopped.

        Raises:
            InputError: what trains cannot start.
            JobError: a child takes too long, or the machine fails.
        """
        while True:
            self._thread.check()
            self.journal.refresh()
            tell()
            if finished():
                return True
            if stop.is_set():
                return False
            self._check_time()
            # What other workers finish sets no event here, so it is looked for.
            self._thread.changed.wait(self._poll)
            self._thread.changed.clear()

    def _check_time(self):
        """Ends a process whose child takes too long; its thread cannot be."""
        number = self.current()
        # Its supervisor does it, and sees what hangs with all its threads.
        if self._supervised:
            return
        overdue = self._watch.overdue({self._worker: number}, self._timeout)
        if number is None or not overdue:
            return
        reason = overdue[self._worker]
        self._claims.note_death(number, reason)
        raise JobError(
            f"{training_name(number)} {reason}; the same command goes on, and "
            f"after {MOST_DEATHS} such attempts without it (runtime."
            "child_timeout gives more time)"
        )
