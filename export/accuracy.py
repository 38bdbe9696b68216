"""How often an exported file is right."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from export.images import Images, inputs
from nasnet_tf.errors import InputError

if TYPE_CHECKING:
    from export.runners import Runner

# Images that are in memory as floats at a time.
_CHUNK = 64


def accuracy(runner: Runner, images: Images, preprocessing: str) -> float:
    """The share of images whose best class is the right one, 0 to 1.

    Args:
        runner: of `export.runners.open_runner`, or anything with `run` and
            `input_dtype`; where that is uint8 it is given pixels.
        images: with labels.
        preprocessing: see `nasnet_tf.preprocess_input`.

    Raises:
        InputError: the images have no labels.
    """
    if images.labels is None:
        raise InputError(
            f"images: {images.name} have no labels, so how many are classified "
            "rightly cannot be told; give a data set"
        )
    takes_pixels = np.dtype(runner.input_dtype) == np.uint8
    right = 0
    for start in range(0, len(images.pixels), _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = dataclasses.replace(images, pixels=images.pixels[rows])
        given = part.pixels if takes_pixels else inputs(part, preprocessing)
        best = np.argmax(runner.run(given), axis=-1)
        right += int((best == images.labels[rows]).sum())
    return right / len(images.pixels)
