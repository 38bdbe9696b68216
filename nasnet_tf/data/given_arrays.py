"""Arrays of images and labels that a program gives, checked."""

import numpy as np

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.data.source import InMemory, Source

# Images that are looked at together.
CHUNK = 256
# Numbers that are no classes, such as those of images, would take all memory.
MOST_CLASSES = 100_000


def numbered(classes):
    return [str(number) for number in range(classes)]


class GivenArrays:
    """Images and labels in memory, checked.

    Args:
        argument: what they were given as.
        images: `(n, height, width, 3 or 1)`, uint8 or float32.
        labels: `(n,)`, int32.
        one_hot: classes of labels that came one-hot, else None.
    """

    kind = "arrays"

    def __init__(self, argument, images, labels, one_hot):
        self._argument, self._one_hot = argument, one_hot
        self._images, self._labels = images, labels

    def class_count(self):
        return self._one_hot or int(self._labels.max()) + 1

    def check_classes(self, names):
        """Raises `InputError` unless each label has one of the names."""
        check_one_hot(self._argument, self._one_hot, names)
        if self._labels.max() >= len(names):
            number = int(self._labels.argmax())
            raise InputError(
                f"{self._argument}: label {self._labels[number]} of image "
                f"{number} is none of the {len(names)} classes, 0 to "
                f"{len(names) - 1}; mend it, or give class_names for all"
            )

    def add_to(self, digest):
        for array in (self._images, self._labels):
            digest.update(f"{array.dtype} {array.shape}".encode())
            for first in range(0, len(array), CHUNK):
                part = array[first : first + CHUNK]
                digest.update(np.ascontiguousarray(part))

    def source(self, class_names):
        class_names = class_names or numbered(self.class_count())
        self.check_classes(class_names)
        images = self._images
        if images.shape[-1] == 1:
            images = np.repeat(images, Source.channels, axis=-1)
        return InMemory(
            images,
            self._labels,
            [f"{self._argument} {number}" for number in range(len(images))],
            image_dtype=images.dtype.name,
            name=source_name(self._argument),
            class_names=class_names,
        )


def source_name(argument):
    return f"{argument} from Python"


def check_one_hot(argument, classes, names):
    """Raises `InputError` unless one-hot labels have as many classes as names.

    Args:
        argument: what the labels were given as.
        classes: of the labels; None: they are integers.
        names: of the classes.
    """
    if classes not in (None, len(names)):
        raise InputError(
            f"class_names: {len(names)} names for the {classes} classes of "
            f"{argument}'s one-hot labels; give one for each"
        )


def given_arrays(argument, images, labels):
    images = _array(f"{argument}, images", images)
    labels = _array(f"{argument}, labels", labels)
    check_shape(argument, images.shape)
    if not len(images):
        raise InputError(f"{argument}: there are no images; give some")
    if labels.ndim not in (1, 2):
        raise InputError(
            f"{argument}: labels of shape {labels.shape} are neither (n,) "
            "integers nor (n, classes) one-hot; give one of them"
        )
    if len(images) != len(labels):
        raise InputError(
            f"{argument}: {len(images)} images and {len(labels)} labels; give "
            "one label for each image"
        )
    labels, one_hot = _label_numbers(argument, labels)
    return GivenArrays(
        argument, checked_pixels(argument, images), labels, one_hot
    )


def _array(what, values):
    try:
        array = np.asarray(values)
    # Whatever a list of arrays, or a type of another package, raises.
    except Exception as error:
        raise InputError(
            f"{what}: no array ({first_line(error)}); give a NumPy array"
        ) from None
    if array.dtype.kind not in "buif":
        raise InputError(
            f"{what}: values of type {array.dtype} are no numbers; give a "
            "NumPy array of them"
        )
    return array


def check_shape(argument, shape):
    """Raises `InputError` unless `(n, height, width, channels)` is usable."""
    shape = tuple(shape)
    if len(shape) == 4 and shape[-1] in (1, Source.channels):
        if 0 not in shape[1:] and None not in shape[1:]:
            return
    remedy = "reshape or resize them"
    if len(shape) == 3:
        remedy = "of grey images add an axis: images[..., None]"
    raise InputError(
        f"{argument}: images of shape {shape} are not (n, height, width, 3), "
        f"or 1 channel for grey, of one size; {remedy}"
    )


def checked_pixels(argument, images):
    """As uint8, or as float32 where they are floats, after a look at each."""
    if images.dtype == np.uint8:
        return images
    floats = images.dtype.kind == "f"
    least, greatest = np.inf, -np.inf
    for first in range(0, len(images), CHUNK):
        part = images[first : first + CHUNK]
        finite = np.isfinite(part).all((1, 2, 3))
        if not finite.all():
            raise InputError(
                f"{argument}: image {first + int(finite.argmin())} has values "
                "that are not finite; mend it or leave it out"
            )
        least = min(least, float(part.min()))
        greatest = max(greatest, float(part.max()))
    _check_range(argument, least, greatest)
    return images.astype("float32" if floats else "uint8")


def _check_range(argument, least, greatest):
    if least < 0 or greatest > 255:
        raise InputError(
            f"{argument}: pixels from {least:g} to {greatest:g}; give 0 to "
            "255, as images are before they are preprocessed"
        )
    # It would train, on images that are all but black.
    if 0 < greatest <= 1:
        raise InputError(
            f"{argument}: pixels from {least:g} to {greatest:g}; give 0 to "
            "255, such as images * 255"
        )


def _label_numbers(argument, labels):
    """Labels `(n,)`, int32, and the classes of one-hot ones."""
    if labels.ndim == 2 and labels.shape[1] != 1:
        wrong = (labels.sum(1) != 1) | (labels.max(1, initial=0) != 1)
        wrong |= (labels != 0).sum(1) != 1
        if wrong.any():
            number = int(wrong.argmax())
            raise InputError(
                f"{argument}: the label of image {number} is not one-hot, one "
                "1 and else 0; give that, or integers"
            )
        return labels.argmax(1).astype("int32"), labels.shape[1]
    # As keras.datasets has them.
    labels = labels.reshape(-1)
    if labels.dtype.kind == "f":
        raise InputError(
            f"{argument}: labels of type {labels.dtype}; give integers, the "
            "numbers of classes, or one-hot rows"
        )
    labels = labels.astype("int64")
    if labels.min() < 0:
        number = int(labels.argmin())
        raise InputError(
            f"{argument}: label {labels[number]} of image {number} is no "
            "class; classes are numbered from 0"
        )
    if labels.max() >= MOST_CLASSES:
        number = int(labels.argmax())
        raise InputError(
            f"{argument}: label {labels[number]} of image {number} is more "
            f"than {MOST_CLASSES - 1}; number the classes from 0 without gaps"
        )
    return labels.astype("int32"), None
