"""What a worker shows of itself in a file, and how a supervisor reads it.

Without TensorFlow, which a supervisor does not import.
"""

import pathlib
from collections.abc import Callable

from nasnet_tf.search.journal.file_names import PRESENCE_FOLDER
from nasnet_tf.search.workers.deadlines import AwakeClock


def presence_file(model_dir, worker: int) -> pathlib.Path:
    """The file that a worker writes anew each second."""
    return pathlib.Path(model_dir) / PRESENCE_FOLDER / str(worker)


def sign_of_life(token: str, number: int, child: int | None) -> str:
    """The content of the file.

    Args:
        token: of the process.
        number: another one each time.
        child: that it trains.
    """
    shown = "-" if child is None else child
    return f"{token} {number:012} {shown}\n"


class SignsOfLife:
    """The signs of life of workers that this process has started.

    Args:
        model_dir: of the search.
        workers: how many.
        clock: gives seconds; see `AwakeClock`.

    Attributes:
        children: by worker the child that it showed last, or None.
    """

    def __init__(
        self,
        model_dir,
        workers: int,
        clock: Callable[[], float] | None = None,
    ):
        self.children: dict[int, int | None] = {}
        self._paths = [presence_file(model_dir, w) for w in range(workers)]
        self._clock = clock or AwakeClock()
        # Of a worker's earlier process: no sign of life of this one.
        self._seen = [_content(path) for path in self._paths]
        self._changed: dict[int, float] = {}

    def look(self) -> None:
        """Reads all files; to be called often."""
        now = self._clock()
        for worker, path in enumerate(self._paths):
            content = _content(path)
            if content == self._seen[worker]:
                continue
            self._seen[worker] = content
            self._changed[worker] = now
            if content.endswith(b"\n"):
                child = content.split()[-1]
                self.children[worker] = int(child) if child.isdigit() else None

    def silent(self, seconds: float) -> dict[int, str]:
        """The workers that showed nothing for so long, and once did.

        Returns:
            By worker the reason, such as `"no sign of life for 120 s"`.
        """
        now = self._clock()
        return {
            worker: f"no sign of life for {seconds:,.10g} s"
            for worker, when in self._changed.items()
            if now - when > seconds
        }


def _content(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
