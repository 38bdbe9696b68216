"""Trainings that take no time, for processes of their own."""

import dataclasses
import os
import pathlib
import signal
import time

from nasnet_tf.checks.errors import JobError


@dataclasses.dataclass(frozen=True)
class StandIn:
    """Does one thing in another process.

    Args:
        title: of it.
        folder: of its files.
        does: the name of a method.
    """

    title: str
    folder: pathlib.Path
    does: str

    @property
    def log(self):
        return self.folder / f"{self.title}.log"

    def run(self):
        print(f"{self.title} runs", flush=True)
        (self.folder / f"{self.title}.begun").touch()
        getattr(self, self.does)()

    def told(self):
        return f"{self.title}: done"

    def meet(self):
        """Ends when another one has begun."""
        self._wait(2)

    def sleep(self):
        time.sleep(600)

    def fail(self):
        self._wait(2)
        raise JobError("no room for it")

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def interrupt(self):
        """As a user does."""
        os.kill(os.getppid(), signal.SIGINT)
        self.sleep()

    def _wait(self, count):
        give_up = time.monotonic() + 120
        while len(list(self.folder.glob("*.begun"))) < count:
            assert time.monotonic() < give_up
            time.sleep(0.05)
