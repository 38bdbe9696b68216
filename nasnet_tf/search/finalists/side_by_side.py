"""Trainings side by side, each in a process of its own."""

import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from typing import Protocol

from absl import logging

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.workers.supervision import end_with
from nasnet_tf.search.workers.supervisor import visible_devices
from nasnet_tf.terminal.plugins import import_plugins
from nasnet_tf.training.loop import stop_requested

_POLL = 0.2
# Seconds between lines on how far they are.
_EVERY = 30.0


class Training(Protocol):
    """What is trained in another process, and so is pickled."""

    @property
    def title(self) -> str:
        """For messages."""

    @property
    def log(self) -> pathlib.Path:
        """The file that takes what it prints; its folder is there."""

    def run(self) -> object:
        """Trains, or goes on, and leaves the result in a file."""

    def told(self) -> str:
        """The result in a few words, once `run` is done."""


@dataclasses.dataclass
class _Running:
    training: Training
    process: SpawnProcess
    failure: connection.Connection
    place: int
    told: float

    def error(self) -> Exception | None:
        """What it ended with; None where it is done."""
        with contextlib.suppress(EOFError, OSError):
            if self.failure.poll():
                return self.failure.recv()
        code = self.process.exitcode or 0
        if code == 0:
            return None
        how = f"ended with code {code}"
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        return JobError(
            f"the process of {self.training.title} {how}; see "
            f"{self.training.log}, and the same command goes on"
        )


def run_side_by_side(
    trainings: Sequence[Training], workers: int, quiet: bool = False
) -> None:
    """Runs all trainings, so many at a time.

    What a training computes does not depend on the others: each has a process
    with as many threads as it would have alone, and a GPU where there are
    some.

    Args:
        trainings: in the order in which they begin.
        workers: how many run at the same time.
        quiet: print nothing.

    Raises:
        InputError: of one of them; so with JobError. The others are stopped
            first, and keep what they have trained.
        JobError: a signal stopped them, or a process died.
    """
    waiting, done = list(trainings), 0
    running: list[_Running] = []
    places = set(range(workers))
    error: Exception | None = None
    ending = False
    with stop_requested() as stop:
        while running or (waiting and not ending):
            while waiting and len(running) < workers and not ending:
                place = min(places - {one.place for one in running})
                running.append(_started(waiting.pop(0), place))
                _tell(quiet, f"{running[-1].training.title}: begun")
            sentinels = [one.process.sentinel for one in running]
            connection.wait(sentinels, timeout=_POLL)
            for one in [r for r in running if not r.process.is_alive()]:
                one.process.join()
                running.remove(one)
                # What a stopped one says is not why all end.
                failed = one.error()
                error = error or (None if ending else failed)
                if not failed:
                    done += 1
                    told = f"{one.training.told()} ({done} of {len(trainings)})"
                    _tell(quiet, told)
                one.process.close()
            for one in running:
                if time.monotonic() - one.told >= _EVERY:
                    one.told = time.monotonic()
                    if line := _last_line(one.training.log):
                        _tell(quiet, f"{one.training.title}: {line}")
            if (error or stop.is_set()) and not ending:
                ending = True
                for one in running:
                    one.process.terminate()
    if error:
        raise error
    if done < len(trainings):
        raise JobError(
            f"stopped with {done} of {len(trainings)} trainings done; the same "
            "command goes on"
        )


def _started(training, place):
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(training, sender, os.getpid()))
    with _device(place):
        process.start()
    # So that a process that died is the end of the pipe.
    sender.close()
    return _Running(training, process, receiver, place, time.monotonic())


@contextlib.contextmanager
def _device(place) -> Iterator[None]:
    """Shows a process that is started inside the GPU of its place."""
    name, devices = "CUDA_VISIBLE_DEVICES", visible_devices()
    before = os.environ.get(name)
    if devices:
        os.environ[name] = devices[place % len(devices)]
    try:
        yield
    finally:
        if devices and before is None:
            del os.environ[name]
        elif before is not None:
            os.environ[name] = before


def _run(training, sender, parent):
    """The main program of a process."""
    end_with(parent)
    # The terminal's interrupt is for the command, which stops all.
    os.setsid()
    with training.log.open("ab") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    logging.set_verbosity(logging.ERROR)
    try:
        import_plugins()
        training.run()
    except (InputError, JobError) as error:
        sender.send(error)


def _last_line(log):
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else None
    return None


def _tell(quiet, text):
    if not quiet:
        print(text, flush=True)
