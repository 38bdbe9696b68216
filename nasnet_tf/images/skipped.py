"""Files that cannot be read as images: left out, named and counted."""

import pathlib
import struct
import threading

from PIL import Image, UnidentifiedImageError

from nasnet_tf.checks.errors import listed

# What Pillow raises for files that are no images or are damaged.
UNREADABLE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    struct.error,
    Image.DecompressionBombError,
)
EMPTY, NO_IMAGE, DAMAGED = "empty", "not an image", "damaged"
TOO_LARGE = "too many pixels"


def reason(path, error: Exception) -> str:
    """Why a file cannot be read, in a word or three.

    Args:
        path: of the file.
        error: one of `UNREADABLE`, which reading it raised.
    """
    if isinstance(error, Image.DecompressionBombError):
        return TOO_LARGE
    if getattr(error, "strerror", None):
        return error.strerror.lower()  # type: ignore[attr-defined]  # OSError
    if pathlib.Path(path).stat().st_size == 0:
        return EMPTY
    return NO_IMAGE if isinstance(error, UnidentifiedImageError) else DAMAGED


class Skipped:
    """Collects the files that were left out, by reason.

    Its text is such as `empty: a.jpg; damaged: b.jpg, c.jpg, d.jpg, ... (7)`.
    Threads may add at the same time.
    """

    def __init__(self):
        self._reasons: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, name, why: str) -> bool:
        """Adds a file; a known one is not counted again.

        Args:
            name: of the file, for people.
            why: see `reason`.

        Returns:
            Whether it is a new one.
        """
        with self._lock:
            is_new = str(name) not in self._reasons
            self._reasons.setdefault(str(name), why)
        return is_new

    @property
    def names(self) -> list[str]:
        """In the order in which they were added."""
        with self._lock:
            return list(self._reasons)

    @property
    def count(self) -> int:
        with self._lock:
            return len(self._reasons)

    def line(self, total: int) -> str:
        """What a command says at its end of `total` images."""
        return f"skipped {self.count:,} of {total:,} images: {self}"

    def __str__(self):
        by_reason: dict[str, list[str]] = {}
        with self._lock:
            for name, why in self._reasons.items():
                by_reason.setdefault(why, []).append(name)
        return "; ".join(
            f"{why}: {listed(names)}"
            + (f" ({len(names):,})" if len(names) > 3 else "")
            for why, names in by_reason.items()
        )
