"""What a training job says while it runs."""

import shutil
import sys

# Clears the line of a terminal from the cursor on.
_CLEAR = "\x1b[K"
# What a line that is too long for the terminal does without, in this order.
_SPARED = ("lr ", "epoch ", "loss ", "accuracy ")

_NAMES = {"top_5": "top-5", "balanced_accuracy": "balanced accuracy"}
# Half of the last digit that is shown.
_TOLD = 0.0005


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
            self._print(_joined(parts))

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


def training_parts(
    step: int,
    total_steps: int,
    steps_per_epoch: float,
    metrics: dict[str, float],
    images_per_second: float | None = None,
    seconds_left: float | None = None,
) -> list[str]:
    """Step, epoch, metrics, and speed and time left where known."""
    epoch, epochs = step / steps_per_epoch, total_steps / steps_per_epoch
    parts = [
        f"step {step:,}/{total_steps:,}",
        f"epoch {epoch:.1f}/{round(epochs, 1):g}",
    ]
    if "loss" in metrics:
        parts.append(f"loss {metrics['loss']:.3f}")
    if "accuracy" in metrics:
        parts.append(f"accuracy {_percent(metrics['accuracy'])}")
    if "learning_rate" in metrics:
        parts.append(f"lr {metrics['learning_rate']:.1e}")
    if images_per_second is not None:
        digits = 0 if images_per_second >= 10 else 1
        parts.append(f"{images_per_second:,.{digits}f} images/s")
    if seconds_left:
        parts.append(f"{duration_text(seconds_left)} left")
    return parts


def evaluation_text(
    step: int, metrics: dict[str, float], best: dict | None = None
) -> str:
    """One line: step, metrics, and the best evaluation so far.

    The balanced accuracy is told where it differs from the accuracy.
    """
    parts = [f"evaluation at step {step:,}"]
    for name, value in metrics.items():
        if name == "balanced_accuracy" and not _uneven(metrics):
            continue
        shares = "accuracy" in name or name.startswith("top_")
        value = _percent(value) if shares else f"{value:.4g}"
        parts.append(f"{_NAMES.get(name, name)} {value}")
    if best and best["step"] == step:
        parts.append("(the best so far)")
    elif best:
        what = f"best accuracy {_percent(best['accuracy'])}"
        if "loss" in best:
            what = f"lowest loss {best['loss']:.4g}"
        parts.append(f"({what} at step {best['step']:,})")
    return _joined(parts)


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


def _uneven(metrics):
    difference = metrics["balanced_accuracy"] - metrics.get("accuracy", 0.0)
    return abs(difference) > _TOLD


def _percent(share):
    return f"{100 * share:.1f} %"


def _joined(parts):
    return "  ".join(parts)


def _fitted(parts, width):
    for spared in _SPARED:
        if len(_joined(parts)) > width:
            parts = [part for part in parts if not part.startswith(spared)]
    return _joined(parts)[:width]
