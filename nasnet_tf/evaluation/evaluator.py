"""Evaluates a classifier on a source of labelled images."""

import dataclasses
import sys
from collections.abc import Sequence

import numpy as np

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.data import (
    CorruptImages,
    Source,
    decoding_errors,
    evaluation_batches,
)
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.given import given_source
from nasnet_tf.data.reading import configured_reading, with_crop
from nasnet_tf.evaluation.measures import PACKAGES, Report, measure
from nasnet_tf.evaluation.prediction import forward_function, predict
from nasnet_tf.evaluation.real_labels import RealLabels, check_classes
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.networks.nasnet import NASNet

BATCH_SIZE = 32


def evaluate(
    model: NASNet,
    source,
    config: DataConfig | None = None,
    batch_size: int = BATCH_SIZE,
    real_labels: RealLabels | None = None,
    match_class_names: bool = True,
    input_size: tuple[int, int] | None = None,
    class_names: Sequence[str] | None = None,
) -> Report:
    """Classifies all images of a source and compares with their labels.

    Images that cannot be decoded are left out, and the report names them.

    A model whose classes are those of the data in another order is measured
    in the order of the data; one line on stderr says so.

    Args:
        model: with its classifier; see `forward_function`.
        source: of `nasnet_tf.data.open_evaluation`; or arrays
            `(images, labels)`, a `tf.data.Dataset` or a Keras `PyDataset`, as
            `nasnet_tf.training.job.train` takes them.
        config: `evaluation_crop` goes before the part of an image that the
            model says it reads; of a model that does not say,
            `augmentation` tells it. None: the defaults.
        batch_size: images at a time.
        real_labels: of `read_real_labels`.
        match_class_names: hold the model's `class_names` to those of the
            data; else, and where the model has none, the classes are taken
            to be in the same order.
        input_size: `(height, width)` for a model that reads any.
        class_names: of arrays and datasets, by label; None: the model's.

    Raises:
        InputError: the model does not fit the data, no image can be decoded,
            or scikit-learn is missing.

    Example:
    >>> report = evaluate(result.model, (images, labels))
    >>> report.top1, report.confusion
    """
    check_integer("batch_size", batch_size)
    check_packages("evaluation", PACKAGES)
    forward = forward_function(model)
    config = DataConfig() if config is None else config
    source = _opened(source, model, class_names)
    order = _class_order(model, source, match_class_names)
    corrupt = CorruptImages()
    batches = evaluation_batches(
        source,
        evaluation_reading(model, config),
        _input_size(model, source, input_size),
        model.preprocessing,
        batch_size,
        corrupt=corrupt,
    )
    if real_labels is not None:
        check_classes(len(source.class_names))
        batches = _with_real_labels(batches, real_labels)
    with decoding_errors():
        predictions = predict(model, batches, source.size, forward)
    if order is not None:
        predictions = dataclasses.replace(
            predictions, probabilities=predictions.probabilities[:, order]
        )
    report = measure(predictions, source.class_names, real_labels)
    return dataclasses.replace(report, skipped=corrupt.names)


def _opened(source, model, class_names):
    if isinstance(source, Source):
        if class_names is not None:
            raise InputError(
                f"class_names: given with {source.name}, which has its own; "
                "leave them out"
            )
        return source
    if class_names is None:
        classes = model.get_config()["classes"]
        class_names = model.class_names or [str(n) for n in range(classes)]
    return given_source(source, class_names, "source")


def evaluation_reading(model, config: DataConfig) -> ImageReading:
    """Which part of the images of a data set a model is evaluated on.

    Args:
        model: whose `image_reading` says it.
        config: see `evaluate`.
    """
    reading = getattr(model, "image_reading", None)
    if reading is None:
        return configured_reading(config)
    return with_crop(reading, config)


def _with_real_labels(batches, real_labels):
    """Looks labels up at once, so that the first bad name ends it."""
    for batch in batches:
        counted = np.asarray(batch["weights"]) > 0
        for name in np.asarray(batch["names"])[counted]:
            real_labels[name.decode(errors="replace")]
        yield batch


def _class_order(model, source, match_class_names):
    """The model's classes in the order of the data; None: as they are."""
    names, wanted = model.class_names, list(source.class_names)
    classes = model.get_config()["classes"]
    if classes != len(wanted):
        raise InputError(
            f"model: {model.name} has {classes} classes and {source.name} "
            f"{len(wanted)}; give the data that it was trained for, or "
            "another model"
        )
    if not match_class_names or names is None or names == wanted:
        return None
    if sorted(names) == sorted(wanted) and len(set(names)) == len(names):
        print(
            f"the classes of {model.name} are in another order than those of "
            f"{source.name}; they are matched by name",
            file=sys.stderr,
        )
        return [names.index(name) for name in wanted]
    number = next(
        n
        for n, pair in enumerate(zip(names, wanted, strict=True))
        if pair[0] != pair[1]
    )
    raise InputError(
        f"model: class {number} of {model.name} is {names[number]!r} and that "
        f"of {source.name} {wanted[number]!r}; give the data that it was "
        "trained for, or --nomatch_class_names if only the names differ"
    )


def _input_size(model, source, input_size):
    *size, channels = model.input_shape[1:]
    if channels != source.channels:
        raise InputError(
            f"model: {model.name} reads {channels} channels and the images of "
            f"{source.name} have {source.channels}; give another model"
        )
    if None not in size:
        return tuple(size)
    if input_size is None:
        raise InputError(
            f"model.input_size: none given and {model.name} reads images of "
            "any size; give --params_override=model.input_size=PIXELS"
        )
    return input_size
