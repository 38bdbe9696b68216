"""Images that a program gives as a `tf.data.Dataset` or a `PyDataset`."""

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data import order
from nasnet_tf.data.corrupt_images import decoding_errors, input_error
from nasnet_tf.data.given_arrays import (
    CHUNK,
    MOST_CLASSES,
    check_one_hot,
    check_shape,
    checked_pixels,
    numbered,
    source_name,
)
from nasnet_tf.data.source import Source

_PARALLEL = tf.data.AUTOTUNE


class GivenStream:
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
                f"{argument}: its elements are {kind_of(spec)}, not "
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
        check_shape(argument, shape)
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
        if class_names:
            check_one_hot(self._argument, classes, class_names)
        self._check_first()
        size = self._size()
        if size is None or not (class_names or classes):
            labels = self._labels()
            size, classes = len(labels), classes or int(labels.max()) + 1
        return _StreamSource(
            self._examples(self._training),
            self._examples(self._once),
            total=size,
            name=source_name(self._argument),
            class_names=class_names or numbered(classes),
            image_shape=(*self._shape[:2], Source.channels),
        )

    def _check_first(self):
        """Looks at the first images, which tell the range of all."""
        first = self._examples(self._once).take(CHUNK).batch(CHUNK).take(1)
        with decoding_errors():
            batches = [batch["image"].numpy() for batch in first]
        if not batches:
            raise InputError(f"{self._argument}: there are no images in it")
        checked_pixels(self._argument, batches[0])

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
            right = (label >= 0) & (label < MOST_CLASSES)
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
    labels = examples.map(lambda example: example["label"]).batch(CHUNK)
    with decoding_errors():
        return np.concatenate(list(labels.as_numpy_iterator()))


def kind_of(data):
    if isinstance(data, (tuple, list)):
        return f"a {type(data).__name__} of {len(data)}"
    return type(data).__name__


def _check(right, *line):
    return tf.cond(right, lambda: tf.no_op(), lambda: input_error(*line))


def given_py_dataset(argument, batches):
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
                f"{argument}: batch {number} is {kind_of(batch)}, not "
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
    return GivenStream(argument, training, once, "PyDataset")


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
