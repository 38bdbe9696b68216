"""Decodes images, or the part of them that is used."""

import contextlib
import io
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from nasnet_tf.data.corrupt_images import CorruptImages, input_error
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.images.photos import LARGE, open_photo, open_reduced

_PARALLEL = os.cpu_count() or 2
# Columns that go with an image; others go with its place in the stream.
_OF_EXAMPLE = ("label", "name", "number")
_PNG = b"\x89PNG\r\n\x1a\n"
# EXIF's key, and what its data begins with in JPEG, PNG and WebP.
_ORIENTATION = 274
_EXIF_MARKERS = (b"Exif", b"eXIf", b"EXIF")
# The slow and exact one: Pillow's bits. TensorFlow's own choice differs in
# two of three values, by up to 21.
_DCT = "INTEGER_ACCURATE"


def whole(shape) -> tuple:
    """The window `(top, left, height, width)` of an entire image."""
    return 0, 0, shape[0], shape[1]


def central(reading: ImageReading) -> Callable:
    """The window of the middle that a network reads, as `reading.read` has it.

    Args:
        reading: whose crop counts.
    """
    if reading.crop == 1:
        return whole

    def window(shape):
        share = (1 - reading.crop) / 2
        # float64 and halves to even, as `ImageReading.margins` rounds.
        margins = tf.round(tf.cast(shape[:2], "float64") * share)
        margins = tf.minimum(tf.cast(margins, "int32"), (shape[:2] - 1) // 2)
        top, left = tf.unstack(margins)
        return top, left, shape[0] - 2 * top, shape[1] - 2 * left

    return window


def read_window(
    image: tf.Tensor, window: Callable, size: tuple[int, int], photo=False
) -> tf.Tensor:
    """Decodes a window of an image and resizes it, bilinear, antialiased.

    Args:
        image: `(height, width, 3)`, uint8; or a scalar string, a file of any
            kind that `nasnet_tf.images.photos.open_reduced` decodes, to the
            same bits.
        window: gives `(top, left, height, width)` by the shape.
        size: `(height, width)` of the result in pixels.
        photo: turn an encoded image as its EXIF data says.

    Returns:
        `(*size, 3)`, float32, 0 to 255.
    """
    if image.dtype == tf.string:
        image = _decode_window(image, window, photo, reduces=True)
    elif window is not whole:
        image = cut(image, window)
    return resized(image, size)


def resized(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """An image `(height, width, 3)` as float32 `(*size, 3)`."""
    if image.shape[:2] != size:
        image = tf.image.resize(image, size, antialias=True)
    return tf.ensure_shape(tf.cast(image, "float32"), (*size, 3))


def decode(encoded: tf.Tensor, photo: bool = False) -> tf.Tensor:
    """All of an encoded image: `(height, width, 3)`, uint8."""
    return _decode_window(encoded, whole, photo)


def decode_without_python(encoded: tf.Tensor) -> tf.Tensor:
    """All of an encoded image by TensorFlow alone, as a SavedModel needs it.

    Args:
        encoded: a scalar string: JPEG, PNG, the first picture of a GIF, BMP
            of 24 or 32 bits, or WebP without alpha; what TensorFlow would
            read otherwise than Pillow, or cannot, is an error of the run.

    Returns:
        `(height, width, 3)`, uint8, as stored.
    """

    def decode_other():
        # A BMP's header has the bits of a pixel here.
        bits = tf.io.decode_raw(tf.strings.substr(encoded, 28, 2), "uint16")
        is_bmp = tf.strings.substr(encoded, 0, 2) == b"BM"
        # TensorFlow would take the numbers in a palette for grey.
        has_palette = is_bmp & tf.reduce_all(bits < 24)
        with tf.control_dependencies(
            [
                tf.debugging.Assert(
                    ~has_palette,
                    ["encoded: a BMP with a palette; save it as PNG or JPEG"],
                )
            ]
        ):
            return tf.io.decode_image(
                encoded, channels=3, expand_animations=False
            )

    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: decode_jpeg(encoded),
        lambda: tf.cond(
            is_png(encoded), lambda: decode_png(encoded), decode_other
        ),
    )
    return tf.ensure_shape(image, (None, None, 3))


def decode_jpeg(encoded: tf.Tensor, window: Callable = whole) -> tf.Tensor:
    """A window of a JPEG file, by TensorFlow: `(height, width, 3)`, uint8.

    The bits are Pillow's, but for CMYK, where they differ by up to 2.
    """
    shape = tf.image.extract_jpeg_shape(encoded)
    return tf.image.decode_and_crop_jpeg(
        encoded, tf.stack(window(shape)), channels=3, dct_method=_DCT
    )


def decode_png(encoded: tf.Tensor) -> tf.Tensor:
    """A PNG file of any kind, by TensorFlow, to Pillow's bits."""
    return tf.io.decode_png(encoded, channels=3)


def is_png(encoded: tf.Tensor) -> tf.Tensor:
    return tf.strings.substr(encoded, 0, len(_PNG)) == _PNG


def cut(image: tf.Tensor, window: Callable) -> tf.Tensor:
    """A window of an image `(height, width, 3)`."""
    top, left, height, width = window(tf.shape(image))
    return image[top : top + height, left : left + width]


def _decode_window(encoded, window, photo, reduces=False):
    """By TensorFlow, where it is known to give the bits that Pillow gives."""

    def by_pillow():
        def read(encoded):
            file = io.BytesIO(_content(encoded))
            decode_file = open_reduced if reduces else open_photo
            return np.asarray(decode_file(file, turn=photo))

        image = tf.numpy_function(read, [encoded], tf.uint8)
        return cut(tf.ensure_shape(image, (None, None, 3)), window)

    def by_tensorflow():
        return tf.cond(
            tf.io.is_jpeg(encoded),
            lambda: decode_jpeg(encoded, window),
            lambda: cut(decode_png(encoded), window),
        )

    def known_jpeg():
        shape = tf.image.extract_jpeg_shape(encoded)
        return (shape[2] < 4) & is_ordinary(shape[:2])

    def known_png():
        # Its header has width and height here.
        sides = tf.strings.substr(encoded, 16, 8)
        return is_ordinary(tf.io.decode_raw(sides, "int32", False))

    def is_ordinary(sides):
        if not reduces:
            return tf.constant(True)
        return tf.reduce_prod(tf.cast(sides, "int64")) <= LARGE

    # What only a JPEG or a PNG has is read of no other file.
    is_known = tf.cond(
        tf.io.is_jpeg(encoded),
        known_jpeg,
        lambda: tf.cond(is_png(encoded), known_png, lambda: tf.constant(False)),
    )
    if photo:
        turned = tf.numpy_function(_is_turned, [encoded], tf.bool)
        is_known &= ~tf.ensure_shape(turned, ())
    image = tf.cond(is_known, by_tensorflow, by_pillow)
    return tf.ensure_shape(image, (None, None, 3))


def _is_turned(encoded):
    """Whether EXIF data say that a camera was not held upright."""
    turned, encoded = False, _content(encoded)
    if any(marker in encoded for marker in _EXIF_MARKERS):
        # Where an image is damaged, decoding tells.
        with contextlib.suppress(Exception):
            with Image.open(io.BytesIO(encoded)) as image:
                turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    return np.bool_(turned)


def _content(encoded):
    if isinstance(encoded, bytes):
        return encoded
    # Eagerly it comes as an array: of a tensor one of objects, of bytes one of
    # bytes, whose item would lack zeros at its end.
    return encoded.item() if encoded.dtype == object else encoded.tobytes()


def prepared(
    batches: tf.data.Dataset,
    prepare: Callable[[dict], tf.Tensor],
    size: tuple[int, int],
    corrupt: CorruptImages | None,
    replaces: bool = True,
) -> tf.data.Dataset:
    """Prepares each image of the batches.

    An image that cannot be decoded is recorded, and a good example of its
    batch stands in for it, so that all others keep their place. Without
    `corrupt`, or where a batch has no good one, it is an error of the run.
    If none is to stand in, it is a black one, and a column `readable` of the
    batches, bool `(n,)`, says so.

    Args:
        batches: dicts of `(n,)` columns; `image` and others.
        prepare: an example's dict to its image, `(*size, 3)`, float32.
        size: `(height, width)`.
        corrupt: collects names.
        replaces: whether a good example stands in.
    """
    fill = _replaced if replaces or corrupt is None else _blackened
    # A batch without a good image is an empty one, and not the end.
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
    ).map(lambda rest, decoded: fill(rest, decoded, corrupt))


def _blackened(rest, decoded, corrupt):
    """A whole batch, black where an image could not be decoded."""
    images, rows = decoded
    is_good = _is_good(rest, rows)
    shape = tf.concat([[tf.size(rest["label"])], tf.shape(images)[1:]], 0)
    names = tf.boolean_mask(rest["name"], ~is_good)
    with tf.control_dependencies([_record(names, corrupt)]):
        placed = tf.scatter_nd(rows[:, None], images, shape)
    placed = tf.ensure_shape(placed, (None, *images.shape[1:]))
    return {**rest, "image": placed, "readable": is_good}


def _is_good(rest, rows):
    """Which examples of a batch are those whose images were decoded."""
    count = tf.size(rest["label"])
    return tf.scatter_nd(rows[:, None], tf.ones_like(rows), [count]) > 0


def _replaced(rest, decoded, corrupt):
    """A whole batch from decoded images and the numbers of their examples."""
    images, rows = decoded

    def replaced():
        count, good = tf.size(rest["label"]), tf.size(rows)
        is_good = _is_good(rest, rows)
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

    return tf.cond(good > 0, lambda: _record(names, corrupt), fail)


def _record(names, corrupt):
    def add(names):
        corrupt.record(names.tolist())
        return len(names)

    return tf.cond(
        tf.size(names) > 0,
        lambda: tf.numpy_function(add, [names], tf.int64),
        lambda: tf.constant(0, "int64"),
    )
