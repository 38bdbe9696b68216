"""Runs an exported file and the Keras model on the same images."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib

import numpy as np

from export.comparison.parity import Parity, compare
from export.formats import as_input
from export.runtime.runners import open_runner
from export.sources.images import Images
from export.sources.original import BATCH_SIZE, Original
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.terminal.native_output import native_lines_hidden


def compare_file(
    path: pathlib.Path,
    original: Original,
    images: Images,
    quantize: str = "none",
    input_type: str = "float32",
) -> tuple[Parity, tuple[float, float] | None]:
    """Runs both once on all images.

    Args:
        path: of the exported file.
        original: the Keras model.
        images: to run both on.
        quantize: of the file.
        input_type: of the file.

    Returns:
        How close the answers are, whatever the bounds; and the top-1
        accuracy of the Keras model and of the file, 0 to 1, where the images
        have labels.

    Raises:
        InputError: the Keras model's answers are not finite.
        JobError: the file cannot be run.
    """
    originals, exports = [], []
    with contextlib.closing(_opened(path)) as runner:
        for start in range(0, len(images.pixels), BATCH_SIZE):
            part = dataclasses.replace(
                images,
                pixels=images.pixels[start : start + BATCH_SIZE],
                labels=None,
            )
            exports.append(_run(runner, as_input(part, original, input_type)))
            originals.append(original.answers(as_input(part, original)))
    reference, answers = np.concatenate(originals), np.concatenate(exports)
    parity = compare(reference, answers, images.name, quantize)
    if images.labels is None:
        return parity, None
    return parity, (
        _top_1(reference, images.labels),
        _top_1(answers, images.labels),
    )


def _opened(path):
    try:
        with native_lines_hidden():
            return open_runner(path)
    # What the export wrote itself is no input of the user's.
    except InputError as error:
        raise _cannot_run(error) from error


def _run(runner, images):
    try:
        return runner.run(images)
    except InputError as error:
        raise _cannot_run(error) from error


def _cannot_run(error):
    return JobError(
        "parity: the exported file cannot be run, so nothing is kept; it says: "
        f"{error}"
    )


def _top_1(answers, labels):
    return float(np.mean(answers.argmax(axis=1) == labels))
