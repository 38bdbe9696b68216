"""The workers of a search: that all are there, alive, and agree."""

import contextlib
import hashlib
import os
import pathlib
import sys
import threading
import time
import uuid
from collections.abc import Callable

import tensorflow as tf

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.config import SearchRuntimeConfig
from nasnet_tf.search.journal.durable_files import writable
from nasnet_tf.search.workers.deadlines import AwakeClock
from nasnet_tf.search.workers.signs_of_life import presence_file, sign_of_life
from nasnet_tf.search.workers.supervision import is_supervised
from nasnet_tf.training.config import RuntimeConfig
from nasnet_tf.training.strategy import distribution_strategy, over_all_workers

_EVERY = 1.0
# Small enough that the squares of 500 workers' numbers sum to an int64.
_BITS = 26


class Presence:
    """Shows the other workers that this one lives, and watches them.

    A worker writes a new number into its file each second, and the child that
    it trains. A process that waits for a dead one in TensorFlow can wait for
    ever, so once all were seen this one is ended by force when another is lost.
    Where a supervisor started them, it ends them.

    Args:
        model_dir: shared by the workers.
        addresses: of the workers; none of one that is alone.
        index: of this one.

    Raises:
        InputError: the folder cannot be written.
    """

    def __init__(self, model_dir, addresses: list[str], index: int):
        self._paths = [
            presence_file(model_dir, worker)
            for worker in range(max(1, len(addresses)))
        ]
        self._folder = pathlib.Path(model_dir)
        self._addresses = addresses
        self._index = index
        self._seen: dict[int, tuple[bytes | None, float | None]] = {}
        self._lost_after: float | None = None
        self._child: Callable[[], int | None] = lambda: None
        # One that was suspended with the others has not lost them.
        self._clock = AwakeClock()
        self._ended = threading.Event()
        # So that what is written differs from what an earlier run left.
        self._token = uuid.uuid4().hex
        with writable(self._paths[index]):
            self._paths[index].parent.mkdir(parents=True, exist_ok=True)
            self._write(0)
        self._look()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def show(self, child: Callable[[], int | None]) -> None:
        """Writes from now on what this worker trains.

        Args:
            child: gives its number, or None; called in another thread.
        """
        self._child = child

    def wait_for_all(self, timeout: float, lost_after: float) -> None:
        """Returns once every worker was seen alive.

        Args:
            timeout: seconds to wait.
            lost_after: seconds without a sign of life of another worker after
                which this process ends from then on.

        Raises:
            InputError: some never came up; names them.
        """
        give_up = time.monotonic() + timeout
        while missing := self._never_seen():
            if time.monotonic() > give_up:
                names = ", ".join(
                    f"{index} ({self._addresses[index]})" for index in missing
                )
                raise InputError(
                    f"TF_CONFIG: worker {names} did not come up within "
                    f"{timeout:g} s in {self._folder}; start every "
                    "worker with this model_dir, or raise "
                    "runtime.start_timeout"
                )
            time.sleep(0.1)
        if not is_supervised():
            self._lost_after = lost_after

    def end(self) -> None:
        """Stops showing and watching."""
        self._ended.set()
        self._thread.join()

    def _run(self):
        number = 0
        while not self._ended.wait(_EVERY):
            number += 1
            # A full disk is told where records are written.
            with contextlib.suppress(OSError):
                self._write(number)
            self._look()
            if self._lost_after is not None:
                self._end_if_one_is_lost(self._lost_after)

    def _write(self, number):
        # Not by a rename: half of a number is a sign of life, too.
        self._paths[self._index].write_text(
            sign_of_life(self._token, number, self._child())
        )

    def _look(self):
        now = self._clock()
        for index, path in enumerate(self._paths):
            try:
                content = path.read_bytes()
            except OSError:
                content = None
            if index not in self._seen:
                # A file that is there may be of a worker that died.
                self._seen[index] = (content, None)
            elif content != self._seen[index][0]:
                self._seen[index] = (content, now)

    def _never_seen(self):
        return [
            index
            for index, (_, when) in sorted(self._seen.items())
            if when is None and index != self._index
        ]

    def _end_if_one_is_lost(self, lost_after):
        now = self._clock()
        for index, (_, when) in sorted(self._seen.items()):
            if index == self._index or when is None:
                continue
            if now - when < lost_after:
                continue
            print(
                f"error: worker {index} ({self._addresses[index]}) gave no "
                f"sign of life for {lost_after:g} s; start all workers "
                "again with the same command to go on",
                file=sys.stderr,
                flush=True,
            )
            os._exit(1)


def connect(runtime: SearchRuntimeConfig, count: int) -> tf.distribute.Strategy:
    """The strategy of the controller; to be called before TensorFlow computes.

    A traced child is many small operations, one after the other: on a
    processor a second thread makes it slower, and a second worker is better.

    Args:
        runtime: `threads` counts.
        count: of workers; from two on `TF_CONFIG` names them.

    Raises:
        InputError: `TF_CONFIG` cannot be used, or TensorFlow computed before.
        JobError: an address that a supervisor chose cannot be used.
    """
    threads = runtime.threads
    if threads is None and not tf.config.list_physical_devices("GPU"):
        threads = 1
    if threads is not None:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            # Nobody asked for it.
            if runtime.threads is None:
                return _strategy(count)
            raise InputError(
                f"runtime.threads: {runtime.threads} comes too late, since "
                "TensorFlow computed in this process before; search in a new "
                "process, or leave it out"
            ) from None
    return _strategy(count)


def _strategy(count):
    if count < 2:
        return tf.distribute.get_strategy()
    try:
        return distribution_strategy(RuntimeConfig(strategy="multi_worker"))
    except InputError as error:
        if not is_supervised():
            raise
        # Its supervisor chose the addresses, and will choose others.
        raise JobError(str(error)) from error


def check_agreed(value: bytes, what: str, remedy: str) -> None:
    """Makes sure that all workers have the same; they wait for each other.

    To be called by all of them, in the scope of the controller's strategy.

    Args:
        value: that all should have.
        what: it is, for the message, such as `"the configuration"`.
        remedy: what the user can do.

    Raises:
        JobError: they do not.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas == 1:
        return
    number = int.from_bytes(hashlib.sha256(value).digest()[:8], "big")
    total, squares = over_all_workers(number >> (64 - _BITS))
    # Equal only if all numbers are (Cauchy and Schwarz).
    if total**2 != squares * replicas:
        raise JobError(f"the workers differ in {what}; {remedy}")
