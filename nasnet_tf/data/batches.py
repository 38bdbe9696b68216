"""Batches as a network takes them."""

from collections.abc import Callable

import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data import augmentation, decoding
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.corrupt_images import CorruptImages
from nasnet_tf.data.keras_augmentation import mix_up, rand_augment
from nasnet_tf.data.source import Source, check_readable
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.zoo.applications import preprocess_input

_PARALLEL = tf.data.AUTOTUNE


def training_batches(
    source: Source,
    config: DataConfig,
    input_size: int | tuple[int, int],
    preprocessing: str,
    batch_size: int,
    replica_batch_size: int,
    position: int = 0,
    shard: int = 0,
    shards: int = 1,
    seed: int = 0,
    corrupt: CorruptImages | None = None,
    float_dtype: str = "float32",
) -> tf.data.Dataset:
    """Endless batches to train on, one a replica and step.

    What they hold depends on `seed` and the position alone. An image that
    cannot be decoded is recorded in `corrupt`, and another example of its
    batch stands in for it.

    Args:
        source: of the examples.
        config: the augmentation.
        input_size: of the network, in pixels; `(height, width)`, or a number
            for both.
        preprocessing: of the network; see `nasnet_tf.preprocess_input`.
        batch_size: examples a step, of all workers and replicas.
        replica_batch_size: examples of one replica.
        position: examples that all workers have taken before: steps times
            `batch_size`.
        shard: number of this worker.
        shards: number of workers.
        seed: of order and augmentation.
        corrupt: collects names.
        float_dtype: `"float32"` or `"float64"`.

    Returns:
        A dataset of images `(replica_batch_size, height, width, 3)` and
        one-hot labels `(replica_batch_size, classes)`; a worker's replicas
        take turns.

    Raises:
        InputError: the sizes do not divide, or there are no examples.
    """
    size = _pair(input_size)
    part = _part(batch_size, replica_batch_size, shards, position)
    _check_examples(source)
    corrupt = CorruptImages() if corrupt is None else corrupt
    # Those that were found when the set was read into memory.
    corrupt.record(source.unreadable.values())
    turns, count = part // replica_batch_size, replica_batch_size

    def with_place(number, batch):
        step = position // batch_size + number // turns
        first = shard * part + number % turns * count
        rows = step * batch_size + first + tf.range(count, dtype="int64")
        return {**batch, "position": rows}

    batches = (
        source.training_examples(position, batch_size, shard, shards, seed)
        .batch(count, drop_remainder=True)
        .enumerate()
        .map(with_place)
    )
    prepare = _preparation(source, config, size, seed)
    if prepare is not None:
        canvas = _canvas(config, size)
        batches = decoding.prepared(batches, prepare, canvas, corrupt)
    change = _augmentation(source, config, size, preprocessing, seed)

    def finish(batch):
        images, labels = change(batch, batch_size, count)
        return tf.cast(images, float_dtype), tf.cast(labels, float_dtype)

    return _tuned(
        batches.map(finish, num_parallel_calls=_PARALLEL, deterministic=True)
    )


def evaluation_batches(
    source: Source,
    reading: ImageReading,
    input_size: int | tuple[int, int],
    preprocessing: str,
    batch_size: int,
    float_dtype: str = "float32",
    corrupt: CorruptImages | None = None,
) -> tf.data.Dataset:
    """All examples once, in order. Read them inside `decoding_errors()`.

    Args:
        source: of the examples.
        reading: which part of an image the network reads.
        input_size: see `training_batches`.
        preprocessing: see `training_batches`.
        batch_size: images a batch.
        float_dtype: `"float32"` or `"float64"`.
        corrupt: collects the names of images that cannot be decoded, whose
            weight is 0; None: one is an error.

    Returns:
        A dataset of dicts of `images` `(batch_size, height, width, 3)`,
        `labels` int32, `weights` float32: 0 for what only fills the last
        batch and for what cannot be decoded, `names` and `numbers`, all
        `(batch_size,)`.

    Raises:
        InputError: there are no examples, or without `corrupt` one cannot be
            decoded.
    """
    size = _pair(input_size)
    _check_examples(source)
    if corrupt is None:
        check_readable(source)
    else:
        corrupt.record(source.unreadable.values())

    def weights(batch):
        if "readable" in batch:
            return tf.cast(batch["readable"], "float32")
        return tf.ones_like(batch["label"], "float32")

    def finish(batch):
        images = preprocess_input(
            _filled(batch["image"], batch_size), preprocessing=preprocessing
        )
        return {
            "images": tf.cast(images, float_dtype),
            "labels": _filled(batch["label"], batch_size),
            "weights": _filled(weights(batch), batch_size),
            "names": _filled(batch["name"], batch_size),
            "numbers": _filled(batch["number"], batch_size),
        }

    batches = source.evaluation_examples().batch(batch_size)
    batches = _as_evaluated(
        batches, source, reading, size, corrupt, replaces=False
    )
    return _tuned(
        batches.map(finish, num_parallel_calls=_PARALLEL, deterministic=True)
    )


def statistics_batches(
    source: Source,
    reading: ImageReading,
    input_size: int | tuple[int, int],
    preprocessing: str,
    batch_size: int,
    count: int,
    seed: int = 0,
    corrupt: CorruptImages | None = None,
    float_dtype: str = "float32",
) -> tf.data.Dataset:
    """Batches to measure batch-norm statistics on: as evaluation sees images.

    They hold the same images, of all classes, in the same order each time.

    Args:
        source: of the examples.
        reading: see `evaluation_batches`.
        input_size: see `training_batches`, and so for what follows.
        preprocessing: see there.
        batch_size: images a batch.
        count: how many images; the last batch is filled with the first ones.
        seed: of their choice and order.
        corrupt: collects names.
        float_dtype: see there.

    Returns:
        A dataset of images `(batch_size, height, width, 3)`.

    Raises:
        InputError: there are no examples.
    """
    size = _pair(input_size)
    _check_examples(source)
    sample = source.sample(count, seed)
    # A batch of one class would be normalised by its own statistics.
    examples = sample.evaluation_examples().shuffle(
        sample.size, seed=seed, reshuffle_each_iteration=False
    )
    batches = (
        examples.repeat()
        .take(-(-sample.size // batch_size) * batch_size)
        .batch(batch_size, drop_remainder=True)
    )
    corrupt = CorruptImages() if corrupt is None else corrupt
    batches = _as_evaluated(batches, source, reading, size, corrupt)

    def finish(batch):
        images = tf.ensure_shape(batch["image"], (batch_size, *size, 3))
        images = preprocess_input(images, preprocessing=preprocessing)
        return tf.cast(images, float_dtype)

    return _tuned(
        batches.map(finish, num_parallel_calls=_PARALLEL, deterministic=True)
    )


def _as_evaluated(batches, source, reading, size, corrupt, replaces=True):
    """Decodes and resizes the part of each image that a network reads."""
    window = decoding.central(reading)

    def prepare(example):
        return decoding.read_window(
            example["image"], window, size, source.photos
        )

    if source.image_shape == (*size, 3) and window is decoding.whole:
        return batches
    return decoding.prepared(batches, prepare, size, corrupt, replaces)


def _preparation(source, config, size, seed) -> Callable | None:
    """What to do with an example before it is part of a batch."""
    canvas = _canvas(config, size)
    inception = config.augmentation == "inception"
    if source.image_shape == (*canvas, 3) and not inception:
        return None

    def prepare(example):
        def window(shape):
            return augmentation.random_window(shape, seed, example["position"])

        return decoding.read_window(
            example["image"],
            window if inception else decoding.whole,
            canvas,
            source.photos,
        )

    return prepare


def _augmentation(source, config, size, preprocessing, seed):
    """What to do with a batch."""
    randomized = (
        rand_augment(config.rand_augment) if config.rand_augment else None
    )
    mixed = mix_up(config.mixup) if config.mixup else None
    classes = len(source.class_names)

    def change(batch, batch_size, count):
        images = tf.ensure_shape(
            batch["image"], (count, *_canvas(config, size), 3)
        )
        draws = augmentation.draw(seed, batch["position"][0], batch_size, count)
        if config.augmentation == "cifar":
            if not config.upsample:
                images = augmentation.pad(images, config.pad, source.pad_value)
            # While a value is a byte.
            images = augmentation.crop_and_flip(
                images, draws, size, config.flip
            )
        images = tf.cast(images, "float32")
        if config.augmentation == "inception":
            if config.flip:
                images = augmentation.flip(images, draws)
            if config.color:
                images = augmentation.distort_color(images, draws)
        if randomized:
            images = randomized(images, seed, batch["position"])
        images = preprocess_input(images, preprocessing=preprocessing)
        if config.augmentation == "cifar" and config.cutout:
            images = augmentation.cutout(images, draws, config.cutout)
        labels = tf.one_hot(batch["label"], classes)
        if mixed:
            images, labels = mixed(images, labels, seed, batch["position"][0])
        return images, labels

    return change


def _canvas(config, size):
    """The size that images have before they are cropped."""
    enlarged = config.augmentation == "cifar" and config.upsample
    margin = 2 * config.pad if enlarged else 0
    return tuple(side + margin for side in size)


def _filled(values, count):
    missing = count - tf.shape(values)[0]
    border = [[0, missing]] + [[0, 0]] * (values.shape.rank - 1)
    if values.dtype == tf.string:
        # tf.pad takes no text.
        return tf.concat([values, tf.fill([missing], "")], axis=0)
    return tf.ensure_shape(tf.pad(values, border), (count, *values.shape[1:]))


def _tuned(batches):
    # What stands at which position is no thread's to decide.
    options = tf.data.Options()
    options.deterministic = True
    return batches.with_options(options).prefetch(_PARALLEL)


def _pair(input_size):
    if isinstance(input_size, int):
        return input_size, input_size
    return tuple(input_size)


def _part(batch_size, replica_batch_size, shards, position):
    """The examples of a global batch that one worker takes."""
    part = batch_size // shards
    if batch_size % shards or part % replica_batch_size:
        raise InputError(
            f"batch_size: {batch_size} images cannot be split over {shards} "
            f"workers into batches of {replica_batch_size}; give a multiple "
            f"of {shards * replica_batch_size}"
        )
    if position % batch_size:
        raise InputError(
            f"position: {position} is not a multiple of the batch size "
            f"{batch_size}; give steps times batch size"
        )
    return part


def _check_examples(source):
    if not source.size:
        raise InputError(f"data: {source.name} has no images that can be read")
