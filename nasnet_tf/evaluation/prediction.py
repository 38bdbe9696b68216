"""The probabilities that a classifier gives to images."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.nasnet import NASNet, check_nasnet
from nasnet_tf.terminal.progress import duration_text

# Seconds before progress is told, and between two tellings.
QUIET, INTERVAL, LOG_INTERVAL = 5.0, 1.0, 30.0


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a classifier makes of images.

    Args:
        labels: `(n,)`, integers; the right classes.
        probabilities: `(n, classes)`, float32.
        names: of the n images.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    names: list[str]

    def __len__(self):
        return len(self.labels)


def forward_function(
    model: NASNet, jit_compile: bool | None = None
) -> Callable:
    """The classifier as a traced function of images to probabilities.

    A job that evaluates again and again keeps it, and traces once; the
    function reads the weights that the model has when it is called.

    Args:
        model: with its classifier, of logits or probabilities; an auxiliary
            head is not looked at.
        jit_compile: XLA; None: on a GPU only.

    Returns:
        A function of images `(b, height, width, channels)` that returns
        float32 `(b, classes)`.

    Raises:
        InputError: the model does not classify.
    """
    is_logits = _returns_logits(model)
    if jit_compile is None:
        jit_compile = bool(tf.config.list_physical_devices("GPU"))

    def forward(images):
        outputs = model(images, training=False)
        if isinstance(outputs, dict):
            outputs = outputs["predictions"]
        outputs = tf.cast(outputs, "float32")
        return tf.nn.softmax(outputs) if is_logits else outputs

    return tf.function(forward, autograph=False, jit_compile=jit_compile)


def _returns_logits(model):
    check_nasnet(model)
    config = model.get_config()
    if not config["include_top"]:
        raise InputError(
            f"model: {model.name} has no classifier; build it with "
            "include_top=True"
        )
    activation = config["classifier_activation"]
    if activation not in (None, "linear", "softmax"):
        raise InputError(
            f"model: {model.name} ends in classifier_activation="
            f"{activation!r}, which gives no probabilities of classes that "
            "exclude each other; build it with 'softmax' or None"
        )
    return activation != "softmax"


def predict(
    model: NASNet,
    batches: Iterable[dict],
    total: int | None = None,
    forward: Callable | None = None,
) -> Predictions:
    """Classifies batches of images.

    Where it takes longer than 5 seconds, progress goes to stderr.

    Args:
        model: see `forward_function`.
        batches: dicts of `images`, `labels`, `weights`, 0 for what only fills
            the last batch, and `names`; such as
            `nasnet_tf.data.evaluation_batches` gives.
        total: how many images there are, for the time left.
        forward: of `forward_function`, where it is already there.

    Raises:
        InputError: the model does not classify, its probabilities are no
            numbers, or a batch does not fit into memory.
    """
    forward = forward or forward_function(model)
    labels, probabilities, names = [], [], []
    progress = _Progress(total)
    for batch in batches:
        counted = np.asarray(batch["weights"]) > 0
        try:
            rows = forward(batch["images"]).numpy()[counted]
        except tf.errors.ResourceExhaustedError:
            raise InputError(
                f"batch_size: {len(counted)} images do not fit into memory at "
                "once; give fewer"
            ) from None
        if not np.isfinite(rows).all():
            raise InputError(
                f"model: {model.name} gives probabilities that are not finite "
                "numbers; its training diverged or its weights are damaged, "
                "so take an earlier checkpoint"
            )
        labels.append(np.asarray(batch["labels"])[counted])
        probabilities.append(rows)
        names += [_text(n) for n in np.asarray(batch["names"])[counted]]
        progress.add(len(rows))
    progress.end()
    if not names:
        raise InputError("data: no image to evaluate; name another split")
    return Predictions(
        np.concatenate(labels), np.concatenate(probabilities), names
    )


def _text(name):
    return name.decode(errors="replace") if isinstance(name, bytes) else name


class _Progress:
    """Images done, images per second and time left, on stderr."""

    def __init__(self, total):
        self.total, self.done = total, 0
        # A terminal's line is written over, a log's stay.
        self.terminal = sys.stderr.isatty()
        self.next = time.perf_counter() + QUIET
        self.first: tuple[float, int] | None = None
        self.told = False

    def add(self, images):
        self.done += images
        now = time.perf_counter()
        if self.first is None:
            # Tracing is not part of the pace.
            self.first = (now, self.done)
        elif now >= self.next:
            self._tell(now, *self.first)
            self.next = now + (INTERVAL if self.terminal else LOG_INTERVAL)

    def _tell(self, now, since, before):
        pace = (self.done - before) / max(now - since, 1e-6)
        line = f"{self.done:,} images, {pace:,.1f} a second"
        if self.total:
            left = duration_text(
                max(self.total - self.done, 0) / max(pace, 1e-6)
            )
            line = (
                f"{self.done:,} of {self.total:,} images, {pace:,.1f} a "
                f"second, {left} left"
            )
        # Spaces cover what a longer line left.
        line = f"\r{line:<70}" if self.terminal else f"{line}\n"
        print(line, end="", file=sys.stderr, flush=True)
        self.told = True

    def end(self):
        if self.told and self.first is not None:
            self._tell(time.perf_counter(), *self.first)
            if self.terminal:
                print(file=sys.stderr)
