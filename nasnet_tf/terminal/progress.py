"""A line of progress, on a terminal and in a file."""

import shutil
import sys

# Clears the line of a terminal from the cursor on.
_CLEAR = "\x1b[K"
# What a line that is too long for the terminal does without, in this order.
_SPARED = ("lr ", "epoch ", "loss ", "accuracy ")


class ProgressLine:
    """Lines on stdout; on a terminal the last one is written over.

    Where stdout cannot be written any more, such as a closed pipe, training
    goes on silently.

    Args:
        quiet: whether nothing is printed.
    """

    def __init__(self, quiet: bool = False):
        self._quiet = quiet
        self._open = False

    def update(self, parts: list[str]) -> None:
        """Shows progress: over the last, or in a file as a line of its own.

        Args:
            parts: of the line; see `training_parts`.
        """
        if not self._quiet and sys.stdout.isatty():
            # A line that is wrapped cannot be written over.
            width = shutil.get_terminal_size().columns - 1
            self._print(f"\r{_fitted(parts, width)}{_CLEAR}", end="")
            self._open = True
        else:
            self._print(joined(parts))

    def line(self, text: str) -> None:
        """Prints a line that stays; the progress goes on below it."""
        self._print(f"\r{_CLEAR}{text}" if self._open else text)
        self._open = False

    def close(self) -> None:
        """Leaves the last progress where it is."""
        if self._open:
            self._print("")
        self._open = False

    def _print(self, text, end="\n"):
        if self._quiet:
            return
        try:
            print(text, end=end, flush=True)
        except OSError:
            self._quiet = True


def duration_text(seconds: float) -> str:
    """Such as `40 s`, `12 min`, `3 h 20 min`, `4 days 3 h`."""
    seconds = round(seconds)
    minutes = round(seconds / 60)
    hours = round(seconds / 3600)
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} days {hours % 24} h"


def joined(parts: list[str]) -> str:
    """The parts of a line, side by side."""
    return "  ".join(parts)


def _fitted(parts, width):
    for spared in _SPARED:
        if len(joined(parts)) > width:
            parts = [part for part in parts if not part.startswith(spared)]
    return joined(parts)[:width]
