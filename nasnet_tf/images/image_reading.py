"""How an image file becomes the pixels that a network reads.

Training decides it, and it goes with the network: in a job's `network.json`
and in saved models. Evaluation, `nasnet_tf.classify` and the exported files
follow it, so that what is served is what was trained on.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from nasnet_tf.checks.arguments import check_choice, check_number
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.photos import open_reduced

# TF-slim evaluates on the middle 87.5 % of ImageNet's images.
PUBLISHED_CROP = 0.875
# Of a network that does not say: below this side of its input a crop would
# lose too much of a small photo.
SMALLEST_CROPPED = 96
RESIZES = ("bilinear",)
ORIENTATIONS = ("exif",)
BILINEAR = Image.Resampling.BILINEAR


@dataclasses.dataclass(frozen=True)
class ImageReading:
    """How a file is read; size and range are the network's own.

    A file is decoded to 8 bits in RGB by
    `nasnet_tf.images.photos.open_reduced`, or to the same bits by TensorFlow;
    one of more than 33 million pixels at a fraction of its size. Its middle is
    taken and resized to the `input_shape`, and `nasnet_tf.preprocess_input`
    brings it into the range that the network's `preprocessing` names.

    Args:
        crop: the share of height and of width that is taken, from the middle;
            1: the whole image.
        resize: `"bilinear"`: antialiased, and proportions are not kept.
        orientation: `"exif"`: turned as the file's EXIF data says.
    """

    crop: float = 1.0
    resize: str = "bilinear"
    orientation: str = "exif"

    @classmethod
    def of(cls, value) -> ImageReading | None:
        """From an `ImageReading`, its dict, or None.

        Raises:
            InputError: it is something else, or a value is bad.
        """
        if value is None or isinstance(value, cls):
            return value
        fields = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(value, dict) or not set(value) <= set(fields):
            raise InputError(
                f"image_reading: {value!r} is not a dict of "
                f"{', '.join(fields)}; give one, or an ImageReading"
            )
        return cls(**value)

    def __post_init__(self):
        check_number("image_reading.crop", self.crop, "(0, 1]")
        check_choice("image_reading.resize", self.resize, RESIZES)
        check_choice(
            "image_reading.orientation", self.orientation, ORIENTATIONS
        )

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    def describe(self, size: tuple[int, int]) -> str:
        """In words, such as `the whole image, resized to 96x96`.

        Args:
            size: `(height, width)` that the network reads.
        """
        part = "the whole image"
        if self.crop < 1:
            part = f"the middle {self.crop:.4g} of height and width"
        return f"{part}, resized to {size[0]}x{size[1]}"

    def margins(self, height: int, width: int) -> tuple[int, int]:
        """Pixels left out at the top and at the left, and as many opposite."""
        share = (1 - self.crop) / 2
        # Of a side of a pixel or two, one is left.
        top, left = (
            min(round(side * share), (side - 1) // 2)
            for side in (height, width)
        )
        return top, left

    def read(self, path, size, channels: int = 3) -> np.ndarray:
        """Reads a file.

        Args:
            path: of the file, or an open one.
            size: `(height, width)` in pixels.
            channels: 3 for RGB or 1 for grey.

        Returns:
            Floats `(height, width, channels)` of 0 to 255.

        Raises:
            Exception: one of `nasnet_tf.images.photos.UNREADABLE`; it is no
                image.
        """
        image = open_reduced(path)
        if channels == 1:
            image = image.convert("L")
        width, height = image.size
        top, left = self.margins(height, width)
        image = image.crop((left, top, width - left, height - top))
        if image.size != tuple(size[::-1]):
            # In floats: Pillow rounds 8 bits to whole numbers, twice.
            return np.stack(
                [
                    np.asarray(band.convert("F").resize(size[::-1], BILINEAR))
                    for band in image.split()
                ],
                axis=-1,
            )
        return np.asarray(image, "float32").reshape(*size, channels)


WHOLE = ImageReading()
PUBLISHED = ImageReading(PUBLISHED_CROP)


def image_reading(model, size, crop: float | None = None) -> ImageReading:
    """How a model's images are read.

    Args:
        model: whose `image_reading` says it; else, of what was saved before
            networks said it and of other models: the middle 87.5 % for one
            that scales its input and reads 96 pixels or more, as ImageNet's
            networks do, and the whole image for any other.
        size: `(height, width)` that it reads.
        crop: in place of the model's.

    Raises:
        InputError: the crop is not in (0, 1].
    """
    reading = getattr(model, "image_reading", None)
    if reading is None:
        reading = usual_reading(getattr(model, "preprocessing", None), size)
    if crop is not None:
        check_number("crop", crop, "(0, 1]")
        reading = dataclasses.replace(reading, crop=crop)
    return reading


def usual_reading(preprocessing: str | None, size) -> ImageReading:
    """That of a network that says its preprocessing alone."""
    crops = preprocessing == "scale" and min(size) >= SMALLEST_CROPPED
    return PUBLISHED if crops else WHOLE
