"""Images that a program gives: arrays, a `tf.data.Dataset`, a `PyDataset`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Self

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.checks.errors import InputError, first_line, listed
from nasnet_tf.data import order
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.corrupt_images import decoding_errors, input_error
from nasnet_tf.data.source import InMemory, Source

_CHUNK = 256
_PARALLEL = tf.data.AUTOTUNE
# Numbers that are no classes, such as those of images, would take all memory.
_MOST_CLASSES = 100_000


@dataclasses.dataclass(frozen=True)
class GivenData:
    """Images to train on, and those to evaluate on, as a program gave them.

    They are checked, but TensorFlow has not seen arrays yet: what is told to
    it before it computes comes first.

    Args:
        train: to train on.
        evaluation: to evaluate on, or None.
        class_names: by label; None: the numbers of the classes of `train`.
    """

    train: _Arrays | _Stream
    evaluation: _Arrays | _Stream | None = None
    class_names: list[str] | None = None

    @classmethod
    def of(cls, data, evaluation_data=None, class_names=None) -> Self | None:
        """Takes what a program gives; None where that is nothing.

        Args:
            data: `(images, labels)`, arrays: images `(n, height, width, 3)`,
                or 1 channel for grey, uint8 or floats, 0 to 255; labels
                `(n,)`, integers, or `(n, classes)`, one-hot. Or a
                `tf.data.Dataset` of such images with their labels, one at a
                time or in batches, an epoch of them; or a Keras `PyDataset`.
            evaluation_data: the same, or None.
            class_names: by label.

        Raises:
            InputError: it is nothing of these, has no images or bad ones, or
                the labels do not fit; one line.
        """
        if data is None:
            for name, value in (
                ("evaluation_data", evaluation_data),
                ("class_names", class_names),
            ):
                if value is not None:
                    raise InputError(
                        f"{name}: given without data; give data too, or leave "
                        "it out"
                    )
            return None
        names = _checked_names(class_names)
        train = _given("data", data)
        evaluation = None
        if evaluation_data is not None:
            evaluation = _given("evaluation_data", evaluation_data)
        if isinstance(train, _Arrays):
            names = names or _numbered(train.class_count())
            train.check_classes(names)
            if isinstance(evaluation, _Arrays):
                evaluation.check_classes(names)
        return cls(train, evaluation, names)

    @property
    def in_memory(self) -> bool:
        """Whether all of it are arrays."""
        return not any(isinstance(part, _Stream) for part in self._parts())

    @property
    def digest(self) -> str | None:
        """Of all arrays and class names; None where the first are none."""
        if isinstance(self.train, _Stream):
            return None
        digest = hashlib.sha256(repr(self.class_names).encode())
        for part in self._parts():
            if isinstance(part, _Arrays):
                part.add_to(digest)
        return digest.hexdigest()[:16]

    def configured(self, config: DataConfig) -> dict:
        """What says so in a `data` section, by name.

        Args:
            config: that they are used with.

        Raises:
            InputError: `held_out` contradicts them.
        """
        held_out = f"data.held_out: {config.held_out}"
        if config.held_out and self.evaluation is not None:
            raise InputError(
                f"{held_out} beside evaluation_data; set data.held_out=0, or "
                "leave evaluation_data out"
            )
        if config.held_out and isinstance(self.train, _Stream):
            raise InputError(
                f"{held_out} of a {self.train.kind}, of which none can be held "
                "out; give them as evaluation_data, and data.held_out=0"
            )
        return {
            "source": "python",
            "name": None,
            "data_dir": None,
            "digest": self.digest,
        }

    def open(self) -> tuple[Source, Source | None]:
        """The sources to train and to evaluate on.

        A `Dataset` whose size or classes nothing tells is read once for that.

        Raises:
            InputError: an image or a label of a `Dataset` is bad.
        """
        train = self.train.source(self.class_names)
        if self.evaluation is None:
            return train, None
        return train, self.evaluation.source(train.class_names)

    def _parts(self):
        return [self.train] + ([self.evaluation] if self.evaluation else [])


def check_same_data(saved: DataConfig, now: DataConfig, model_dir) -> None:
    """Refuses other arrays than what is in a folder was begun with.

    Args:
        saved: what the folder keeps.
        now: what is to go on.
        model_dir: the folder.

    Raises:
        InputError: they differ.
    """
    both = saved.source == now.source == "python"
    if both and saved.digest != now.digest:
        raise InputError(
            "data: other images, labels or class_names than those that "
            f"{model_dir} was begun with (digest {saved.digest} there, "
            f"{now.digest} now); give the same, or another model_dir"
        )


def given_source(
    data, class_names: Sequence[str] | None = None, argument: str = "data"
) -> Source:
    """The source of images that a program gives.

    Args:
        data: see `GivenData.of`.
        class_names: by label.
        argument: what `data` is called.

    Raises:
        InputError: see `GivenData.of`.
    """
    return _given(argument, data).source(_checked_names(class_names))


def _given(argument, data):
    if isinstance(data, tf.data.Dataset):
        return _Stream(argument, data, data)
    if isinstance(data, keras.utils.PyDataset):
        return _of_py_dataset(argument, data)
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return _arrays(argument, *data)
    raise InputError(
        f"{argument}: {_kind(data)} is neither (images, labels) nor a "
        "tf.data.Dataset nor a keras.utils.PyDataset; give one of them"
    )


def _kind(data):
    if isinstance(data, (tuple, list)):
        return f"a {type(data).__name__} of {len(data)}"
    return type(data).__name__


def _checked_names(class_names):
    if class_names is None:
        return None
    is_text = isinstance(class_names, str)
    names = [] if is_text else list(class_names)
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"class_names: {class_names!r} is no list of names; give one for "
            "each class, in the order of the labels"
        )
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise InputError(
            f"class_names: {listed(twice)} is there twice; give each class a "
            "name of its own"
        )
    return names


def _numbered(classes):
    return [str(number) for number in range(classes)]


class _Arrays:
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
        if self._one_hot not in (None, len(names)):
            raise InputError(
                f"class_names: {len(names)} names for the {self._one_hot} "
                f"classes of {self._argument}'s one-hot labels; give one for "
                "each"
            )
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
            for first in range(0, len(array), _CHUNK):
                part = array[first : first + _CHUNK]
                digest.update(np.ascontiguousarray(part))

    def source(self, class_names):
        class_names = class_names or _numbered(self.class_count())
        self.check_classes(class_names)
        images = self._images
        if images.shape[-1] == 1:
            images = np.repeat(images, Source.channels, axis=-1)
        return InMemory(
            images,
            self._labels,
            [f"{self._argument} {number}" for number in range(len(images))],
            image_dtype=images.dtype.name,
            name=_source_name(self._argument),
            class_names=class_names,
        )


def _source_name(argument):
    return f"{argument} from Python"


def _arrays(argument, images, labels):
    images = _array(f"{argument}, images", images)
    labels = _array(f"{argument}, labels", labels)
    _check_shape(argument, images.shape)
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
    return _Arrays(argument, _checked_pixels(argument, images), labels, one_hot)


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


def _check_shape(argument, shape):
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


def _checked_pixels(argument, images):
    """As uint8, or as float32 where they are floats, after a look at each."""
    if images.dtype == np.uint8:
        return images
    floats = images.dtype.kind == "f"
    least, greatest = np.inf, -np.inf
    for first in range(0, len(images), _CHUNK):
        part = images[first : first + _CHUNK]
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
    if labels.max() >= _MOST_CLASSES:
        number = int(labels.argmax())
        raise InputError(
            f"{argument}: label {labels[number]} of image {number} is more "
            f"than {_MOST_CLASSES - 1}; number the classes from 0 without gaps"
        )
    return labels.astype("int32"), None


class _Stream:
    """A `tf.data.Dataset` of an epoch, or a `PyDataset` read as one.

    Args:
        argument: what it was given as.
        training: the dataset as it is trained on.
        once: the same, read for anything else.
        kind: what the program gave.
    """

    def __init__(self, argument, training, once, kind="Dataset"):
        self._argument, self.kind = argument, kind
        self._training, self._once = training, once
        spec = training.element_spec
        if not (
            isinstance(spec, tuple)
            and len(spec) == 2
            and all(isinstance(part, tf.TensorSpec) for part in spec)
        ):
            raise InputError(
                f"{argument}: its elements are {_elements(spec)}, not "
                "(image, label) or batches of them; map them to that"
            )
        image, label = spec
        ranks = image.shape.rank, label.shape.rank
        self._batched = ranks[0] == 4
        if None in ranks:
            raise InputError(
                f"{argument}: its elements have no known rank; set their "
                "shapes, such as by tf.ensure_shape"
            )
        shape = image.shape if self._batched else [None, *image.shape]
        _check_shape(argument, shape)
        self._shape = tuple(shape[1:])
        if image.dtype != tf.uint8 and not image.dtype.is_floating:
            raise InputError(
                f"{argument}: images of type {image.dtype.name}; give uint8 or "
                "floats, 0 to 255"
            )
        self._float = image.dtype.is_floating
        of_one = tuple(label.shape[1:] if self._batched else label.shape)
        self._one_hot = len(of_one) == 1 and of_one != (1,)
        self._classes = of_one[0] if self._one_hot else None
        fits = self._one_hot or label.dtype.is_integer
        if ranks[1] < self._batched or len(of_one) > 1 or not fits:
            raise InputError(
                f"{argument}: labels of type {label.dtype.name} and shape "
                f"{tuple(label.shape)} beside images of {tuple(image.shape)}; "
                "give integers, or one-hot rows"
            )
        if training.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise InputError(
                f"{argument}: a {kind} without an end; give an epoch of it, "
                "without repeat()"
            )

    def source(self, class_names):
        classes = self._classes
        if class_names and classes and len(class_names) != classes:
            raise InputError(
                f"class_names: {len(class_names)} names for the {classes} "
                f"classes of {self._argument}'s one-hot labels; give one for "
                "each"
            )
        self._check_first()
        size = self._size()
        if size is None or not (class_names or classes):
            labels = self._labels()
            size, classes = len(labels), classes or int(labels.max()) + 1
        return _StreamSource(
            self._examples(self._training),
            self._examples(self._once),
            total=size,
            name=_source_name(self._argument),
            class_names=class_names or _numbered(classes),
            image_shape=(*self._shape[:2], Source.channels),
        )

    def _check_first(self):
        """Looks at the first images, which tell the range of all."""
        first = self._examples(self._once).take(_CHUNK).batch(_CHUNK).take(1)
        with decoding_errors():
            batches = [batch["image"].numpy() for batch in first]
        if not batches:
            raise InputError(f"{self._argument}: there are no images in it")
        _checked_pixels(self._argument, batches[0])

    def _size(self):
        """The examples of an epoch, where they need not be counted."""
        elements = int(self._once.cardinality())
        each = self._once.element_spec[0].shape[0] if self._batched else 1
        return None if elements < 0 or each is None else elements * each

    def _labels(self):
        return _read_labels(self._examples(self._once))

    def _examples(self, dataset):
        """Dicts of image and label, one at a time."""
        if self._batched:
            dataset = dataset.map(self._even).unbatch()

        def example(image, label):
            if self._float:
                image = tf.cast(image, "float32")
            if self._shape[-1] == 1:
                image = tf.repeat(image, Source.channels, axis=-1)
            return {"image": image, "label": self._label(label)}

        return dataset.map(
            example, num_parallel_calls=_PARALLEL, deterministic=True
        )

    def _even(self, images, labels):
        counts = [tf.shape(part)[0] for part in (images, labels)]
        texts = [tf.strings.as_string(count) for count in counts]
        line = (
            f"{self._argument}: a batch of ",
            texts[0],
            " images and ",
            texts[1],
            " labels; give one label for each image",
        )
        with tf.control_dependencies([_check(counts[0] == counts[1], *line)]):
            return tf.identity(images), tf.identity(labels)

    def _label(self, label):
        if not self._one_hot:
            label = tf.cast(tf.reshape(label, ()), "int64")
            right = (label >= 0) & (label < _MOST_CLASSES)
            problem = tf.strings.join(
                ["label ", tf.strings.as_string(label), " is no class"]
            )
        else:
            ones = tf.reduce_sum(tf.cast(label == 1, "int32"))
            others = tf.reduce_sum(tf.cast(label != 0, "int32"))
            right = (ones == 1) & (others == 1)
            problem = tf.constant("a label is not one-hot")
            label = tf.argmax(label)
        with tf.control_dependencies(
            [_check(right, f"{self._argument}: ", problem, "; mend it")]
        ):
            return tf.cast(label, "int32")


def _read_labels(examples):
    labels = examples.map(lambda example: example["label"]).batch(_CHUNK)
    with decoding_errors():
        return np.concatenate(list(labels.as_numpy_iterator()))


def _elements(spec):
    if isinstance(spec, (tuple, list)):
        return f"a {type(spec).__name__} of {len(spec)}"
    return type(spec).__name__


def _check(right, *line):
    return tf.cond(right, lambda: tf.no_op(), lambda: input_error(*line))


def _of_py_dataset(argument, batches):
    count = batches.num_batches
    if not count:
        problem = "has no end" if count is None else "has no batches"
        raise InputError(
            f"{argument}: a PyDataset that {problem}; give one of an epoch"
        )

    def arrays(number):
        batch = batches[number]
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise InputError(
                f"{argument}: batch {number} is {_kind(batch)}, not "
                "(images, labels); give these alone"
            )
        return tuple(map(keras.ops.convert_to_numpy, batch))

    def epoch(trains):
        if trains and hasattr(batches, "on_epoch_begin"):
            batches.on_epoch_begin()
        for number in range(batches.num_batches):
            yield arrays(number)
        if trains:
            batches.on_epoch_end()

    signature = tuple(
        tf.TensorSpec((None, *array.shape[1:]), array.dtype)
        for array in arrays(0)
    )
    training, once = (
        tf.data.Dataset.from_generator(
            lambda trains=trains: epoch(trains), output_signature=signature
        )
        for trains in (True, False)
    )
    return _Stream(argument, training, once, "PyDataset")


class _StreamSource(Source):
    """Examples as a program's dataset gives them, in its order.

    To resume, the examples of the epoch before the position are read again and
    dropped; they are the same where the dataset has one order.

    Args:
        training: dicts of image and label, of an epoch.
        once: the same, read for anything else.
        **described: see `Source`.
    """

    def __init__(self, training, once, **described):
        super().__init__(**described)
        self._training, self._once = training, once

    def labels(self):
        return _read_labels(self._kept(self._once.enumerate()))

    def training_examples(
        self, position, batch_size, shard=0, shards=1, seed=0
    ):
        del seed
        examples = self._training.enumerate().map(self._named).repeat()
        examples = examples.skip(position % len(self.kept))
        if shards == 1:
            return examples
        return order.slices(examples, batch_size, shard, shards).unbatch()

    def evaluation_examples(self):
        return self._kept(self._once.enumerate())

    def _kept(self, numbered):
        if not self.kept.all():
            # What is beyond the size that the dataset told is left out.
            numbered = numbered.take(len(self.kept))
            kept = tf.constant(self.kept)
            numbered = numbered.filter(lambda n, example: tf.gather(kept, n))
        return numbered.map(self._named)

    def _named(self, number, example):
        right = example["label"] < len(self.class_names)
        label = tf.strings.as_string(example["label"])
        line = (f"{self.name}: label ", label, " is none of the classes")
        with tf.control_dependencies([_check(right, *line)]):
            return {
                "image": tf.identity(example["image"]),
                "label": tf.identity(example["label"]),
                "name": tf.strings.join(
                    [f"{self.name}, ", tf.strings.as_string(number)]
                ),
                "number": number,
            }
