"""Images and their boxes as examples for Model Garden's decoder.

Its `TfExampleBuilder` would add seconds to the start of a command, and imports
a module that Python 3.13 has no more; the keys are the decoder's.
"""

import io

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from detection.data.annotations import AnnotatedImage
from detection.data.categories import Categories
from detection.data.image_files import KEPT_FORMATS
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.images.photos import UNREADABLE

# Of JPEG, where an image is shrunk.
_QUALITY = 95


def serialized_example(
    image: AnnotatedImage,
    categories: Categories,
    most_side: int | None = None,
) -> bytes:
    """A serialised `tf.train.Example` of an image and its boxes.

    Model Garden's `TfExampleDecoder` reads it: boxes are normalised, a class
    is its category's label, the source id is the image's. A JPEG or PNG file
    goes in as it is; another, or one that is turned, as PNG.

    Args:
        image: whose file is read.
        categories: of all boxes.
        most_side: a larger image goes in shrunk to so many pixels, as JPEG;
            None: none is.

    Raises:
        InputError: the file went away or was damaged since it was checked.
    """
    width, height = _size(image, most_side)
    shrunk = width * height / (image.width * image.height)
    encoded, kind = _encoded(image, (width, height))
    objects = image.annotations
    scale = [image.height, image.width] * 2
    boxes = np.reshape([box.box for box in objects], (-1, 4)) / scale
    names = [categories[box.category_id] for box in objects]
    features = {
        "image/encoded": _bytes([encoded]),
        "image/format": _bytes([kind]),
        "image/filename": _bytes([image.file_name.encode()]),
        "image/source_id": _bytes([str(image.id).encode()]),
        "image/height": _integers([height]),
        "image/width": _integers([width]),
        "image/object/class/label": _integers(
            categories.labels[box.category_id] for box in objects
        ),
        "image/object/class/text": _bytes(
            # JSON can hold halves of a pair of surrogates, which UTF-8 cannot.
            name.encode(errors="replace")
            for name in names
        ),
        "image/object/is_crowd": _integers(int(b.is_crowd) for b in objects),
        "image/object/area": _floats(b.area * shrunk for b in objects),
    }
    sides = "ymin", "xmin", "ymax", "xmax"
    for side, values in zip(sides, boxes.T, strict=True):
        features[f"image/object/bbox/{side}"] = _floats(values)
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString()


def _size(image, most_side):
    longer = max(image.width, image.height)
    if most_side is None or longer <= most_side:
        return image.width, image.height
    scale = most_side / longer
    # A thin one keeps its shorter side as far as there are pixels.
    return tuple(
        max(1, round(side * scale)) for side in (image.width, image.height)
    )


def _encoded(image, size):
    """A file's bytes that TensorFlow can decode, and their format."""
    is_whole = size == (image.width, image.height)
    try:
        encoded = image.path.read_bytes()
        with Image.open(io.BytesIO(encoded)) as picture:
            kept = picture.format in KEPT_FORMATS and not image.is_turned
            if kept and is_whole:
                return encoded, b"png" if picture.format == "PNG" else b"jpeg"
            if not is_whole:
                # A JPEG is decoded at a half, a quarter or an eighth.
                picture.draft("RGB", (max(size), max(size)))
            pixels: Image.Image = picture
            if image.is_turned:
                pixels = ImageOps.exif_transpose(picture)
            if pixels.mode.startswith("I;16"):
                # Pillow would clip 16 bits to 8 instead of scaling them.
                high = (np.asarray(pixels) >> 8).astype("uint8")
                pixels = Image.fromarray(high)
            buffer = io.BytesIO()
            pixels = pixels.convert("RGB")
            if not is_whole:
                pixels.resize(size).save(buffer, "JPEG", quality=_QUALITY)
                return buffer.getvalue(), b"jpeg"
            pixels.save(buffer, "PNG")
            return buffer.getvalue(), b"png"
    except UNREADABLE as error:
        raise InputError(
            f"images: {image.path} changed while it was converted "
            f"({first_line(error)}); convert again"
        ) from None


def _bytes(values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _integers(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
