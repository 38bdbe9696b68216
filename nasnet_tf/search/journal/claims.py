"""Claims: which worker trains which child, as files that can be made once.

And which children their workers died of.
"""

import itertools
import os
import pathlib
from collections.abc import Container

from nasnet_tf.search.journal.durable_files import append, writable

FOLDER = "claims"
# A child that so many workers died of, or hung at, is not tried again.
MOST_DEATHS = 2


class Claims:
    """The claims of a search, in a folder that its workers share.

    Args:
        model_dir: of the search.
        worker: the number of this one.

    Raises:
        InputError: the folder cannot be written; so for the methods.
    """

    def __init__(self, model_dir, worker: int = 0):
        self._folder = pathlib.Path(model_dir) / FOLDER
        self._worker = worker
        with writable(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)

    def take(self, child: int, note: str = "") -> int | None:
        """Claims a child.

        Args:
            child: to be trained.
            note: what `left` is to give, should this process die.

        Returns:
            Which attempt to train it this is, from 1; None where another
            worker has it.
        """
        path = self._folder / str(child)
        with writable(path):
            try:
                # Only one of all workers can make the file.
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                descriptor = os.open(path, flags, 0o666)
            except FileExistsError:
                return None
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{self._worker} {note}".rstrip() + "\n")
        return self._first_free(child)

    def release(self, child: int) -> None:
        """Frees a child that this worker gives up; the attempt counts."""
        path = self._folder / str(child)
        with writable(path):
            path.rename(self._earlier(child, self._first_free(child)))

    def sweep(self, finished: Container[int]) -> None:
        """Frees the children of an earlier run; no worker may train yet.

        Args:
            finished: children that have a record.
        """
        with writable(self._folder):
            for path in self._folder.iterdir():
                # Earlier attempts and deaths, which are kept.
                if not path.name.isdecimal():
                    continue
                child = int(path.name)
                if child in finished:
                    path.unlink()
                else:
                    # Kept, to count the attempts.
                    path.rename(self._earlier(child, self._first_free(child)))

    def under_way(self, finished: Container[int]) -> list[int]:
        """The children that are claimed and not finished."""
        names = [path.name for path in self._folder.iterdir()]
        claimed = sorted(int(name) for name in names if name.isdecimal())
        return [child for child in claimed if child not in finished]

    def left(self, finished: Container[int]) -> dict[int, str]:
        """By child the note of each claim that nobody freed.

        Args:
            finished: children that have a record.
        """
        return {
            child: self._claim(child)[1] for child in self.under_way(finished)
        }

    def blame(
        self, worker: int, reason: str, finished: Container[int]
    ) -> int | None:
        """Notes what a worker died of at the child that it was training.

        Args:
            worker: that died; no worker may train now.
            reason: in a few words.
            finished: children that have a record.

        Returns:
            The child; None where it was training none.
        """
        for child in self.under_way(finished):
            if self._claim(child)[0] == str(worker):
                self.note_death(child, reason)
                return child
        return None

    def note_death(self, child: int, reason: str) -> None:
        """Notes what ended an attempt to train a child, in a few words."""
        path = self._deaths(child)
        with writable(path):
            append(path, f"{reason}\n")

    def deaths(self, child: int) -> list[str]:
        """The reasons that were noted for a child, oldest first."""
        path = self._deaths(child)
        with writable(path):
            try:
                return path.read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                return []

    def _claim(self, child):
        """The worker and the note of a claim, as texts."""
        path = self._folder / str(child)
        with writable(path):
            # Empty where its worker died as it made it.
            text = path.read_text(encoding="utf-8")
        worker, _, note = text.strip().partition(" ")
        return worker, note

    def _deaths(self, child):
        return self._folder / f"{child}.deaths"

    def _first_free(self, child):
        return next(
            number
            for number in itertools.count(1)
            if not self._earlier(child, number).exists()
        )

    def _earlier(self, child, attempt):
        return self._folder / f"{child}.{attempt}"
