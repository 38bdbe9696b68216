"""What a training job says while it runs."""

from nasnet_tf.terminal.progress import duration_text, joined

_NAMES = {"top_5": "top-5", "balanced_accuracy": "balanced accuracy"}
# Half of the last digit that is shown.
_TOLD = 0.0005


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
        shown = _percent(value) if shares else f"{value:.4g}"
        parts.append(f"{_NAMES.get(name, name)} {shown}")
    if best and best["step"] == step:
        parts.append("(the best so far)")
    elif best:
        what = f"best accuracy {_percent(best['accuracy'])}"
        if "loss" in best:
            what = f"lowest loss {best['loss']:.4g}"
        parts.append(f"({what} at step {best['step']:,})")
    return joined(parts)


def _uneven(metrics):
    difference = metrics["balanced_accuracy"] - metrics.get("accuracy", 0.0)
    return abs(difference) > _TOLD


def _percent(share):
    return f"{100 * share:.1f} %"
