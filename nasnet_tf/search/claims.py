"""Claims: which worker trains which child, as files that can be made once."""

import itertools
import os
import pathlib
from collections.abc import Container

from nasnet_tf.search.durable_files import writable

FOLDER = "claims"


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

    def take(self, child: int) -> int | None:
        """Claims a child.

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
                file.write(f"{self._worker}\n")
        return self._first_free(child)

    def sweep(self, finished: Container[int]) -> None:
        """Frees the children of an earlier run; no worker may train yet.

        Args:
            finished: children that have a record.
        """
        with writable(self._folder):
            for path in self._folder.iterdir():
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

    def _first_free(self, child):
        return next(
            number
            for number in itertools.count(1)
            if not self._earlier(child, number).exists()
        )

    def _earlier(self, child, attempt):
        return self._folder / f"{child}.{attempt}"
