"""ReaL labels of ImageNet's validation images (Beyer et al. 2020).

"Are we done with ImageNet?" lists for each image all classes that it shows.
"""

import dataclasses
import json
import pathlib
import re

import numpy as np

from nasnet_tf.checks.errors import InputError

CLASSES = 1000
_NUMBER = re.compile(r"ILSVRC2012_val_(\d{8})")
_REMEDY = (
    "give real.json of github.com/google-research/reassessed-imagenet: a list "
    "of lists of class numbers"
)


@dataclasses.dataclass(frozen=True)
class RealLabels:
    """The classes that each image shows.

    Args:
        path: of their file.
        labels: lists of class numbers, in the order of the images
            `ILSVRC2012_val_00000001` and on, or by the image's file name.
            An empty list leaves the image out.
    """

    path: str
    labels: list[list[int]] | dict[str, list[int]]

    def __getitem__(self, name: str) -> list[int]:
        """The classes of an image, by a name that ends in its file's."""
        if isinstance(self.labels, dict):
            for key in (name, pathlib.PurePath(name).name):
                if key in self.labels:
                    return self.labels[key]
            raise InputError(
                f"real_labels: {self.path} has no labels of {name!r}; give "
                "the labels of these images"
            )
        found = _NUMBER.search(name)
        if not found:
            raise InputError(
                f"real_labels: {name!r} is not a name such as "
                "ILSVRC2012_val_00000001.JPEG, whose number finds its labels; "
                "evaluate ImageNet's validation images"
            )
        number = int(found[1])
        if not 1 <= number <= len(self.labels):
            raise InputError(
                f"real_labels: {self.path} has labels of images 1 to "
                f"{len(self.labels)}, not of {name}; {_REMEDY}"
            )
        return self.labels[number - 1]


@dataclasses.dataclass(frozen=True)
class RealAccuracy:
    """Accuracy on ReaL labels.

    Args:
        top1: share of images whose best class is among their ReaL labels.
        images: that have ReaL labels.
        left_out: images that have none.
    """

    top1: float
    images: int
    left_out: int


def read_real_labels(path) -> RealLabels:
    """Reads ReaL labels.

    Args:
        path: of the JSON file: a list of 50,000 lists of class numbers, or a
            dict of such lists by file name. The class numbers are those of
            the sorted WordNet ids, as in TFDS's `imagenet2012`.

    Raises:
        InputError: the file cannot be read or holds something else.
    """
    try:
        labels = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"real_labels: {path} cannot be read as JSON ({reason}); {_REMEDY}"
        ) from None
    if not isinstance(labels, (list, dict)) or not labels:
        raise InputError(
            f"real_labels: {path} is neither a list nor a dict with images; "
            f"{_REMEDY}"
        )
    images = labels.items() if isinstance(labels, dict) else enumerate(labels)
    for image, classes in images:
        if not isinstance(classes, list) or not all(map(_is_class, classes)):
            raise InputError(
                f"real_labels: {path} has {json.dumps(classes)[:40]} for "
                f"image {image!r}, not a list of class numbers from 0 to "
                f"{CLASSES - 1}; {_REMEDY}"
            )
    return RealLabels(str(path), labels)


def _is_class(value):
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return is_integer and 0 <= value < CLASSES


def check_classes(classes: int) -> None:
    """Raises `InputError` unless there are as many classes as ImageNet's."""
    if classes != CLASSES:
        raise InputError(
            f"real_labels: they are of ImageNet's {CLASSES} classes and the "
            f"classifier has {classes}; leave --real_labels out"
        )


def real_accuracy(predictions, real_labels: RealLabels) -> RealAccuracy:
    """The share of images whose best class is one of their ReaL labels.

    Args:
        predictions: `Predictions` of 1000 classes in ImageNet's order.
        real_labels: of `read_real_labels`.

    Raises:
        InputError: other classes, an image without an entry, or no image with
            labels.
    """
    check_classes(predictions.probabilities.shape[-1])
    predicted = predictions.probabilities.argmax(axis=-1)
    shown = [real_labels[name] for name in predictions.names]
    right = [
        label in classes
        for label, classes in zip(predicted, shown, strict=True)
        if classes
    ]
    if not right:
        raise InputError(
            f"real_labels: {real_labels.path} has no labels of any of the "
            f"{len(predictions)} images; leave --real_labels out"
        )
    left_out = len(predictions) - len(right)
    return RealAccuracy(float(np.mean(right)), len(right), left_out)
