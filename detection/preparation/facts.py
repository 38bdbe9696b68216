"""What a data set is like: numbers and sizes of its images and objects."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from detection.data.annotations import AnnotatedImage
from nasnet_tf.checks.errors import InputError


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """What an experiment is fitted to.

    Args:
        images: to train on.
        validation_images: that are held out.
        categories: without the background.
        image_side: the median of the images' longer sides, in pixels.
        object_side: the median of the objects' sides, as a share of their
            image's longer side; a side is the root of a box's area.
        small_side: of a tenth of the objects this or less.
        most_objects: in one image.
    """

    images: int
    validation_images: int
    categories: int
    image_side: float
    object_side: float
    small_side: float
    most_objects: int


def data_facts(
    training: Sequence[AnnotatedImage],
    validation: Sequence[AnnotatedImage],
    categories: int,
) -> DataFacts:
    """Counts and measures a data set.

    Args:
        training: the images to train on.
        validation: the others.
        categories: how many.

    Raises:
        InputError: no image to train on has an object.
    """
    sides = [
        ((bottom - top) * (right - left)) ** 0.5
        / max(image.height, image.width)
        for image in training
        for top, left, bottom, right in (a.box for a in image.annotations)
    ]
    if not sides:
        raise InputError(
            f"data: none of the {len(training):,} images to train on has an "
            "object; annotate some"
        )
    return DataFacts(
        images=len(training),
        validation_images=len(validation),
        categories=categories,
        image_side=float(np.median([max(i.height, i.width) for i in training])),
        object_side=float(np.median(sides)),
        small_side=float(np.quantile(sides, 0.1)),
        most_objects=max(
            len(image.annotations) for image in (*training, *validation)
        ),
    )
