"""Decodes images, or the part of them that is used."""

import contextlib
import io
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from nasnet_tf.data.corrupt_images import CorruptImages, input_error
from nasnet_tf.photos import CROP

_PARALLEL = os.cpu_count() or 2
# Columns that go with an image; others go with its place in the stream.
_OF_EXAMPLE = ("label", "name", "number")
# EXIF's key, and what its data begins with in JPEG, PNG and WebP.
_ORIENTATION = 274
_EXIF_MARKERS = (b"Exif", b"eXIf", b"EXIF")


def whole(shape) -> tuple:
    """The window `(top, left, height, width)` of an entire image."""
    return 0, 0, shape[0], shape[1]


def central(shape) -> tuple:
    """The window of the middle 87.5 % of height and width.

    As TF-slim evaluates on ImageNet, and as `nasnet_tf.photos.read_photo`.
    """
    margins = tf.round(tf.cast(shape[:2], "float64") * (1 - CROP) / 2)
    top, left = tf.unstack(tf.cast(margins, "int32"))
    return top, left, shape[0] - 2 * top, shape[1] - 2 * left


def read_window(
    image: tf.Tensor, window: Callable, size: tuple[int, int], photo=False
) -> tf.Tensor:
    """Decodes a window of an image and resizes it, bilinear, antialiased.

    Args:
        image: `(height, width, 3)`, uint8; or a scalar string, an encoded
            JPEG, PNG, BMP, GIF (its first frame) or WebP, grey, with a
            palette, in colour or with alpha.
        window: gives `(top, left, height, width)` by the shape.
        size: `(height, width)` of the result in pixels.
        photo: turn an encoded image as its EXIF data says.

    Returns:
        `(*size, 3)`, float32, 0 to 255.
    """
    if image.dtype == tf.string:
        image = _decode_window(image, window, photo)
    elif window is not whole:
        image = _cut(image, window)
    if image.shape[:2] != size:
        image = tf.image.resize(image, size, antialias=True)
    return tf.ensure_shape(tf.cast(image, "float32"), (*size, 3))


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """All of an encoded image: `(height, width, 3)`, uint8."""
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def _cut(image, window):
    top, left, height, width = window(tf.shape(image))
    return image[top : top + height, left : left + width]


def _decode_window(encoded, window, photo):
    orientation = tf.constant(1)
    if photo:
        orientation = tf.numpy_function(
            _orientation, [encoded], tf.int32, stateful=False
        )
        orientation.set_shape(())

    def of_jpeg():
        shape = tf.image.extract_jpeg_shape(encoded)
        return tf.image.decode_and_crop_jpeg(
            encoded, tf.stack(window(shape)), channels=3
        )

    def of_any():
        return _cut(_turn(decode(encoded), orientation), window)

    upright = tf.equal(orientation, 1)
    return tf.cond(tf.io.is_jpeg(encoded) & upright, of_jpeg, of_any)


def _orientation(encoded):
    """EXIF's, 1 to 8; 1 is upright."""
    orientation = 1
    if any(marker in encoded for marker in _EXIF_MARKERS):
        # Where an image is damaged, decoding tells.
        with contextlib.suppress(Exception):
            with Image.open(io.BytesIO(encoded)) as image:
                orientation = image.getexif().get(_ORIENTATION, 1)
    return np.int32(orientation if orientation in range(1, 9) else 1)


def _turn(image, orientation):
    transposed = tf.transpose(image, (1, 0, 2))
    return tf.switch_case(
        orientation - 1,
        [
            lambda: image,
            lambda: image[:, ::-1],
            lambda: image[::-1, ::-1],
            lambda: image[::-1],
            lambda: transposed,
            lambda: transposed[:, ::-1],
            lambda: transposed[::-1, ::-1],
            lambda: transposed[::-1],
        ],
    )


def prepared(
    batches: tf.data.Dataset,
    prepare: Callable[[dict], tf.Tensor],
    size: tuple[int, int],
    corrupt: CorruptImages | None,
) -> tf.data.Dataset:
    """Prepares each image of the batches.

    An image that cannot be decoded is recorded, and a good example of its
    batch stands in for it, so that all others keep their place. Without
    `corrupt`, or where a batch has no good one, it is an error of the run.

    Args:
        batches: dicts of `(n,)` columns; `image` and others.
        prepare: an example's dict to its image, `(*size, 3)`, float32.
        size: `(height, width)`.
        corrupt: collects names.
    """
    empty = (tf.zeros((0, *size, 3)), tf.zeros(0, "int32"))

    def with_images(batch):
        count = tf.size(batch["label"])
        rows = tf.data.Dataset.from_tensor_slices((batch, tf.range(count)))
        good = (
            rows.map(
                lambda example, row: (prepare(example), row),
                num_parallel_calls=_PARALLEL,
                deterministic=True,
            )
            .ignore_errors()
            .batch(tf.cast(count, "int64"))
            .concatenate(tf.data.Dataset.from_tensors(empty))
            .take(1)
        )
        rest = {key: batch[key] for key in batch if key != "image"}
        return tf.data.Dataset.zip(tf.data.Dataset.from_tensors(rest), good)

    # Two at a time: one's last images do not leave cores idle.
    return batches.interleave(
        with_images,
        cycle_length=2,
        block_length=1,
        num_parallel_calls=2,
        deterministic=True,
    ).map(lambda rest, good: _filled(rest, *good, corrupt))


def _filled(rest, images, rows, corrupt):
    """A whole batch from the examples whose numbers are `rows`."""

    def replaced():
        count, good = tf.size(rest["label"]), tf.size(rows)
        is_good = tf.scatter_nd(rows[:, None], tf.ones_like(rows), [count]) > 0
        names = tf.boolean_mask(rest["name"], ~is_good)
        with tf.control_dependencies([_report(names, good, corrupt)]):
            instead = tf.range(count) % tf.maximum(good, 1)
        place = tf.where(
            is_good, tf.cumsum(tf.cast(is_good, "int32")) - 1, instead
        )
        taken = tf.gather(rows, place)
        columns = {key: tf.gather(rest[key], taken) for key in _OF_EXAMPLE}
        return {**rest, **columns, "image": tf.gather(images, place)}

    return tf.cond(
        tf.size(rows) == tf.size(rest["label"]),
        lambda: {**rest, "image": images},
        replaced,
    )


def _report(names, good, corrupt):
    if corrupt is None:
        return input_error(
            "data: ", names[0], " cannot be decoded; replace or remove it"
        )

    def record():
        def add(names):
            corrupt.record(names.tolist())
            return len(names)

        return tf.numpy_function(add, [names], tf.int64)

    def fail():
        with tf.control_dependencies(
            [
                input_error(
                    "data: ",
                    names[0],
                    " and all other images of its batch cannot be decoded; "
                    "check data.image_key, or replace them",
                )
            ]
        ):
            return tf.constant(0, "int64")

    return tf.cond(good > 0, record, fail)
