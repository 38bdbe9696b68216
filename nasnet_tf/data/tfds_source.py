"""Image classification sets of TensorFlow Datasets, already on disk."""

import contextlib
import difflib
import math
import os

import numpy as np
import tensorflow as tf
from absl import logging

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.data import decoding
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.corrupt_images import decoding_errors, input_error
from nasnet_tf.data.record_stream import RecordFile, RecordStream
from nasnet_tf.data.source import InMemory, Source

_PACKAGES = {
    "tensorflow-datasets": "tensorflow_datasets",
    # tensorflow-datasets imports it and does not declare it.
    "importlib_resources": "importlib_resources",
}
# Features that say which image an example is, the best first.
_NAMES = ("file_name", "filename", "image/filename", "image_id", "id")
_CHUNK = 256


def open_tfds(
    config: DataConfig, split: str, argument: str = "split"
) -> Source:
    """Opens a split of a TFDS set; nothing is downloaded.

    It is read into memory, decoded, where its images have one size and take
    no more than `config.cache_mib`, else it is read as a stream.

    Args:
        config: name, data_dir, keys, cache_mib and shuffle_buffer.
        split: any expression of TFDS, such as `"train[:90%]"`.
        argument: what the split was given as.

    Raises:
        InputError: no such set, split or key, or the set is not on disk.
    """
    check_packages("data.source 'tfds'", _PACKAGES)
    builder = _builder(config)
    part = _split(builder, split, argument)
    features = builder.info.features
    image, label = _checked_features(features, config, builder.name)
    stream = RecordStream(
        _files(part),
        _reader(builder.info.file_format),
        _parser(features, config, f"{builder.name}, split {split}"),
        config.shuffle_buffer,
        name=f"{builder.name}, split {split}",
        class_names=list(label.names),
    )
    height, width, _ = image.shape
    if None in (height, width):
        return stream
    size = math.prod((stream.size, height, width, Source.channels))
    if size > config.cache_mib * 2**20:
        return stream
    with decoding_errors():
        return _in_memory(stream, (height, width))


@contextlib.contextmanager
def _quiet():
    """TFDS tells at INFO and WARNING what this module says in its own words."""
    usual = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(usual)


@_quiet()
def _builder(config):
    # Of an extra, which `open_tfds` has checked for.
    import tensorflow_datasets as tfds

    # Not pathlib's, which would take gs://bucket apart.
    data_dir = config.data_dir and os.path.expanduser(config.data_dir)  # noqa: PTH111
    try:
        builder = tfds.builder(config.name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        near = difflib.get_close_matches(config.name, tfds.list_builders(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"data.name: {config.name!r} is neither a set of TensorFlow "
            f"Datasets nor a folder in data.data_dir {config.data_dir!r}; "
            f"{hint}Give the name of one"
        ) from None
    # Whatever the code of a set raises.
    except Exception as error:
        raise InputError(
            f"data.name: {config.name!r} in data.data_dir "
            f"{config.data_dir!r} cannot be opened ({first_line(error)}); "
            "give another name or version"
        ) from None
    if not builder.is_prepared():
        root = builder.data_dir_root
        raise InputError(
            f"data.data_dir: {root} does not hold {builder.info.full_name}; "
            "give the folder that does, or get it by: "
            f"tfds build {config.name} --data_dir={root}"
        )
    return builder


def _split(builder, split, argument):
    try:
        part = builder.info.splits[split]
        count = part.num_examples
    # What TFDS raises of an expression that it cannot read.
    except (ValueError, KeyError, AssertionError, IndexError):
        raise InputError(
            f"data.{argument}: {split!r} is not in {builder.name}; it has "
            f"{', '.join(builder.info.splits)}"
        ) from None
    if not count:
        raise InputError(
            f"data.{argument}: {split!r} of {builder.name} has no examples; "
            "give another"
        )
    return part


def _files(part):
    return [
        RecordFile(
            str(entry.filename),
            entry.skip,
            # -1 stands for the rest of the file.
            entry.take
            if entry.take >= 0
            else entry.examples_in_shard - entry.skip,
        )
        for entry in part.file_instructions
    ]


def _reader(file_format):
    # As in `_builder`, and so below.
    from tensorflow_datasets.core import file_adapters

    return file_adapters.ADAPTER_FOR_FORMAT[file_format].make_tf_data


def _checked_features(features, config, name):
    import tensorflow_datasets as tfds

    available = f"{name} has {', '.join(features)}"
    for argument in ("image_key", "label_key"):
        if (key := getattr(config, argument)) not in features:
            raise InputError(
                f"data.{argument}: {key!r} is not in {name}; {available}"
            )
    image, label = features[config.image_key], features[config.label_key]
    if not isinstance(image, tfds.features.Image) or image.np_dtype not in (
        np.uint8,
        np.uint16,
    ):
        raise InputError(
            f"data.image_key: {config.image_key!r} of {name} is not an image "
            f"of 8 or 16 bits a channel; {available}"
        )
    if not isinstance(label, tfds.features.ClassLabel) or not label.num_classes:
        raise InputError(
            f"data.label_key: {config.label_key!r} of {name} has an unknown "
            f"number of classes; give a ClassLabel; {available}"
        )
    return image, label


def _parser(features, config, source_name):
    """Turns a record into an encoded image, its label and its name."""
    import tensorflow_datasets as tfds

    named = [
        key
        for key in _NAMES
        if key in features and isinstance(features[key], tfds.features.Text)
    ][:1]
    wanted = tfds.features.FeaturesDict(
        {
            key: features[key]
            for key in (config.image_key, config.label_key, *named)
        }
    )
    decoders = {config.image_key: tfds.decode.SkipDecoding()}
    classes = features[config.label_key].num_classes

    def parse(record):
        example = wanted.deserialize_example(record, decoders=decoders)
        label = example[config.label_key]
        name = example[named[0]] if named else tf.constant("")
        with tf.control_dependencies([_check_label(label, classes, name)]):
            label = tf.identity(label)
        return {
            "image": example[config.image_key],
            "label": label,
            "name": name,
        }

    def _check_label(label, classes, name):
        return tf.cond(
            (label >= 0) & (label < classes),
            lambda: tf.no_op(),
            lambda: input_error(
                f"data.label_key: {source_name}: the label ",
                tf.strings.as_string(label),
                " of ",
                name,
                f" is none of its {classes} classes; take a split that has "
                "labels",
            ),
        )

    return parse


def _in_memory(stream, size):
    """Reads and decodes all of a stream."""
    parts: dict[str, list[np.ndarray]] = {
        "image": [],
        "label": [],
        "name": [],
    }
    examples = stream.evaluation_examples().batch(_CHUNK)
    for batch in examples.prefetch(tf.data.AUTOTUNE):
        for key, values in parts.items():
            values.append(batch[key].numpy())
    columns = {key: np.concatenate(values) for key, values in parts.items()}
    images, unreadable = _decoded(columns.pop("image"), size)
    return InMemory(
        images,
        columns["label"],
        columns["name"],
        name=stream.name,
        class_names=stream.class_names,
        unreadable={
            int(number): columns["name"][number].decode(errors="replace")
            for number in np.flatnonzero(unreadable)
        },
    )


def _decoded(encoded, size):
    """Images `(n, *size, 3)` and whether each could not be decoded."""

    def decode(number, encoded):
        return number, tf.ensure_shape(decoding.decode(encoded), (*size, 3))

    images = np.zeros((len(encoded), *size, 3), "uint8")
    unreadable = np.ones(len(encoded), bool)
    decoded = (
        tf.data.Dataset.from_tensor_slices(encoded)
        # Those that cannot be decoded drop out: numbers say where others go.
        .enumerate()
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .ignore_errors()
    )
    for numbers, batch in decoded.batch(_CHUNK).prefetch(tf.data.AUTOTUNE):
        images[numbers] = batch
        unreadable[numbers] = False
    return images, unreadable
