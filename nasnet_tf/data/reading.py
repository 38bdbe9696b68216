"""Which part of its images a job evaluates on."""

import dataclasses

from nasnet_tf.data.config import DataConfig
from nasnet_tf.images.image_reading import PUBLISHED, WHOLE, ImageReading


def configured_reading(config: DataConfig) -> ImageReading:
    """How a network that is trained on such data reads an image.

    With `"inception"`, whose crops train on parts, the middle 87.5 % of height
    and width, as TF-slim evaluates; else all of it, as training saw all. Then
    `evaluation_crop` goes before that.

    Args:
        config: `augmentation` and `evaluation_crop` count.
    """
    inception = config.augmentation == "inception"
    return with_crop(PUBLISHED if inception else WHOLE, config)


def with_crop(reading: ImageReading, config: DataConfig) -> ImageReading:
    """A network's reading, with the crop that the configuration asks for."""
    if config.evaluation_crop is None:
        return reading
    return dataclasses.replace(reading, crop=config.evaluation_crop)
