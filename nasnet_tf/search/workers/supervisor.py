"""Starts the workers of a search on this machine, and starts them again.

A worker that died cannot come back into its cluster, so all are ended and
started again; they go on from checkpoint and journal. So it is with one that
shows no life, or trains a child for too long. A child that workers died of
again and again is left out.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import yaml

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.files.lock import exclusive
from nasnet_tf.search.journal.claims import MOST_DEATHS, Claims
from nasnet_tf.search.journal.durable_files import writable
from nasnet_tf.search.journal.file_names import CONFIG_FILE
from nasnet_tf.search.journal.records import (
    count_lines,
    read_journal,
    read_trainings,
    training_name,
)
from nasnet_tf.search.workers.deadlines import ChildWatch
from nasnet_tf.search.workers.deaths import (
    blame_left_children,
    crashed_workers,
    memory_kills,
)
from nasnet_tf.search.workers.signs_of_life import SignsOfLife
from nasnet_tf.search.workers.supervision import VARIABLE, die_with_parent

LOG_FOLDER = "logs"
# The configuration's own, whose module brings TensorFlow.
_RUNTIME = {"max_restarts": 5, "lost_after": 120.0, "child_timeout": None}
_LONGEST_WAIT = 60
# The exit code of commands; another attempt would meet the same.
_BAD_INPUT = 2
_POLL = 0.1
# Seconds between looks at what workers show, which they write each second.
_LOOK = 1.0
# For a reason that another worker is about to give.
_GRACE = 1.0


class Supervisor:
    """Keeps the workers of a search going until it is done.

    Args:
        command: that runs a worker.
        workers: how many.
        model_dir: of the search.
        first_wait: seconds before the first restart; then twice as many.
    """

    def __init__(
        self,
        command: list[str],
        workers: int,
        model_dir,
        first_wait: float = 1.0,
    ):
        self._command = command
        self._workers = workers
        self._model_dir = pathlib.Path(model_dir)
        self._first_wait = first_wait
        self._processes: list[subprocess.Popen] = []
        self._log_starts: list[int] = []
        self._memory_kills = 0
        self._crashed: dict[int, str] = {}
        self._known_runtime: dict = dict(_RUNTIME)
        self._read_runtime: int | None = None
        self._stop = threading.Event()

    def run(self) -> bool:
        """Returns when the search is done, or a signal ended it.

        Returns:
            Whether it is done.

        Raises:
            InputError: a worker says that its input is bad, or another
                command searches in the folder.
            JobError: the workers die again and again.
        """
        with exclusive(self._model_dir) as lock, self._signals():
            self._free_claims(alone=True)
            restarts, done = 0, self._count()
            while not self._stop.is_set():
                failed = self._attempt(lock)
                if failed is None:
                    return not self._stop.is_set()
                self._blame()
                before, done = done, self._count()
                restarts = 0 if done > before else restarts
                limit = int(self._runtime()["max_restarts"])
                if restarts >= limit:
                    raise JobError(
                        f"the workers died {restarts + 1} times without "
                        f"finishing a child; at last {failed}"
                        f"{self._under_way()}; see "
                        f"{self._model_dir / LOG_FOLDER}, mend the cause, and "
                        "the same command goes on"
                    )
                restarts += 1
                wait = self._first_wait * 2 ** (restarts - 1)
                wait = min(wait, _LONGEST_WAIT)
                print(
                    f"{failed}; starting all again in {wait:g} s "
                    f"({restarts} of {limit})",
                    flush=True,
                )
                self._free_claims()
                self._stop.wait(wait)
        return False

    def stop(self) -> None:
        """Ends the workers and `run`; from another thread."""
        self._stop.set()

    def _attempt(self, lock):
        """Runs the workers once; says which one failed, None if none did."""
        try:
            signs = SignsOfLife(self._model_dir, self._workers)
            self._start(lock)
            watch = ChildWatch(lambda: read_journal(self._model_dir))
            looked = time.monotonic()
            while not self._stop.is_set():
                codes = [process.poll() for process in self._processes]
                if all(code == 0 for code in codes):
                    return None
                if any(codes):
                    self._crashed = crashed_workers(
                        {w: code for w, code in enumerate(codes) if code},
                        memory_kills() > self._memory_kills,
                    )
                    return self._failure()
                if time.monotonic() - looked >= _LOOK:
                    looked = time.monotonic()
                    if stuck := self._stuck(signs, watch):
                        self._crashed = stuck
                        worker, reason = next(iter(stuck.items()))
                        return f"worker {worker} was stopped: {reason}"
                self._stop.wait(_POLL)
            return None
        finally:
            self._kill()

    def _stuck(self, signs, watch):
        """By worker why it has to be ended, of those that do not go on."""
        runtime = self._runtime()
        signs.look()
        overdue = watch.overdue(signs.children, runtime["child_timeout"])
        # With what it trains, where it says nothing at all any more.
        stuck = overdue | signs.silent(runtime["lost_after"])
        return {
            worker: reason
            for worker, reason in sorted(stuck.items())
            # One that has ended well waits for the others to.
            if self._processes[worker].poll() is None
        }

    def _free_claims(self, alone=False):
        """Frees what workers claimed that are dead.

        A worker that dies before it trains is not to be taken for one that
        trains what it did before.

        Args:
            alone: whether the last one may have been a process on its own.
        """
        claims, finished = Claims(self._model_dir), self._finished()
        if alone:
            blame_left_children(claims, finished)
        claims.sweep(finished)

    def _start(self, lock):
        self._memory_kills, self._crashed = memory_kills(), {}
        logs = self._model_dir / LOG_FOLDER
        with writable(logs):
            logs.mkdir(exist_ok=True)
            ports = free_ports(self._workers)
            self._processes, self._log_starts = [], []
            for index in range(self._workers):
                path = logs / f"worker_{index}.log"
                # What earlier attempts wrote stays, and is not searched for
                # errors.
                with path.open("ab") as log:
                    self._log_starts.append(log.tell())
                    self._processes.append(
                        subprocess.Popen(
                            self._command,
                            env=self._environment(index, ports),
                            stdin=subprocess.DEVNULL,
                            # The first one shows the progress of all.
                            stdout=None if index == 0 else log,
                            stderr=log,
                            # Not for the terminal's interrupt; and the lock
                            # is held until the last of them has ended.
                            start_new_session=True,
                            pass_fds=[lock.fileno()],
                            preexec_fn=die_with_parent,
                        )
                    )

    def _environment(self, index, ports):
        environment = os.environ | {VARIABLE: str(os.getpid())}
        if devices := visible_devices():
            environment["CUDA_VISIBLE_DEVICES"] = devices[index % len(devices)]
        if self._workers > 1:
            environment["TF_CONFIG"] = json.dumps(
                {
                    "cluster": {
                        "worker": [f"127.0.0.1:{port}" for port in ports]
                    },
                    "task": {"type": "worker", "index": index},
                }
            )
        return environment

    def _failure(self):
        """What the first worker that failed died of; raises for bad input."""
        give_up = time.monotonic() + _GRACE
        while True:
            codes = [process.poll() for process in self._processes]
            if _BAD_INPUT in codes:
                index = codes.index(_BAD_INPUT)
                raise InputError(self._error(index) or f"worker {index} ended")
            if all(codes) or time.monotonic() > give_up:
                break
            time.sleep(_POLL)
        # A worker that only met the end of another says so with code 1.
        index = next(
            (i for i, code in enumerate(codes) if code not in (None, 0, 1)),
            next(i for i, code in enumerate(codes) if code),
        )
        return f"worker {index} {_ending(codes[index], self._error(index))}"

    def _error(self, index):
        """The last line of its log that a command ends with."""
        path = self._model_dir / LOG_FOLDER / f"worker_{index}.log"
        with contextlib.suppress(OSError), path.open("rb") as log:
            log.seek(self._log_starts[index])
            # One that was killed may have written half a letter.
            lines = log.read().decode(errors="replace").splitlines()
            for line in reversed(lines):
                if line.startswith("error: "):
                    return line.removeprefix("error: ")
        return None

    def _kill(self):
        # TensorFlow swallows SIGTERM in a worker of a cluster.
        for process in self._processes:
            if process.poll() is None:
                process.kill()
        for process in self._processes:
            process.wait()

    def _blame(self):
        """Notes the children that workers crashed at."""
        claims, finished = Claims(self._model_dir), self._finished()
        for worker, reason in self._crashed.items():
            child = claims.blame(worker, reason, finished)
            if child is not None:
                print(
                    f"worker {worker} trained {training_name(child)}: "
                    f"{reason}; a child that {MOST_DEATHS} workers die of "
                    "counts as failed",
                    flush=True,
                )

    def _finished(self):
        return {record.number for record in read_trainings(self._model_dir)}

    def _under_way(self):
        children = Claims(self._model_dir).under_way(self._finished())
        names = " and ".join(map(training_name, children))
        return f" with {names} under way" if children else ""

    def _count(self):
        return count_lines(self._model_dir)

    def _runtime(self):
        """What the search is told of its runtime; its first worker writes it.

        Not by `read_search_config`, which brings TensorFlow.
        """
        path = self._model_dir / CONFIG_FILE
        with contextlib.suppress(OSError, yaml.YAMLError, TypeError, KeyError):
            changed = path.stat().st_mtime_ns
            if changed != self._read_runtime:
                text = path.read_text(encoding="utf-8")
                told = yaml.safe_load(text)["runtime"]
                self._known_runtime = _RUNTIME | told
                self._read_runtime = changed
        return self._known_runtime

    @contextlib.contextmanager
    def _signals(self):
        """Interrupt and termination end the workers; the journal stays."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        # Python sets no handlers from other threads.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        usual = [
            signal.signal(number, lambda *_: self.stop()) for number in numbers
        ]
        try:
            yield
        finally:
            for number, handler in zip(numbers, usual, strict=True):
                signal.signal(number, handler)


def check_workers(workers: int) -> None:
    """Checks `--workers` against this machine.

    Raises:
        InputError: it is no number of workers that can run here.
    """
    if workers < 1:
        raise InputError(
            f"workers: {workers} is not a positive integer; give --workers=2"
        )
    if os.environ.get("TF_CONFIG"):
        raise InputError(
            f"workers: {workers} with TF_CONFIG, which names the workers of a "
            "cluster; leave out one of them"
        )
    devices = visible_devices()
    if devices and workers > len(devices):
        raise InputError(
            f"workers: {workers} on {len(devices)} GPU(s), of which each "
            "worker needs its own; give fewer, or hide them with "
            "CUDA_VISIBLE_DEVICES="
        )


def visible_devices():
    """The GPUs of NVIDIA's that a program here may use, by name."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        # -1 hides all, as an empty text does.
        return [name for name in visible.split(",") if name not in ("", "-1")]
    try:
        # Not asked of TensorFlow, which a supervisor does not import.
        count = len(os.listdir("/proc/driver/nvidia/gpus"))  # noqa: PTH208
    except OSError:
        return []
    return [str(number) for number in range(count)]


def free_ports(count: int) -> list[int]:
    """So many ports of this machine that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        # All open at once, so that no port is given twice.
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _ending(code, error):
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"stopped: {error}" if error else f"ended with code {code}"
