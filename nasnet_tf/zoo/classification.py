"""Photos classified, by any network of the zoo or a saved one."""

import contextlib
import dataclasses
import itertools
import pathlib
import sys

import keras
import numpy as np

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.images.image_reading import image_reading
from nasnet_tf.images.photos import find_photos, read_readable
from nasnet_tf.images.skipped import Skipped
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.zoo.applications import decode_predictions, preprocess_input
from nasnet_tf.zoo.presets import from_preset, get_preset

DEFAULT_PRESET = "nasnet_a_mobile"
# What a training job leaves in its folder.
_OF_A_JOB = "model.keras"
DEFAULT_SIZE = 224
BATCH_SIZE = 32


@dataclasses.dataclass(frozen=True)
class Classification:
    """What a network sees in a photo.

    Args:
        path: the photo.
        classes: `(class name, probability)` of the best classes, best first.
    """

    path: pathlib.Path
    classes: tuple[tuple[str, float], ...]


def classify(
    model: NASNet,
    paths,
    top: int = 5,
    batch_size: int = BATCH_SIZE,
    crop: float | None = None,
    strict: bool = False,
) -> list[Classification]:
    """Classifies photos.

    Photos are read as the model's `image_reading` says, at its input size, or
    224x224 where it has none, and scaled by its `preprocessing`: what training
    evaluated on. Of a model that does not say see
    `nasnet_tf.images.image_reading.image_reading`.

    Classes are named by the model's `class_names`, or with 1000 classes as
    ImageNet's; where these names cannot be had, by number, and one line on
    stderr says why. Progress goes to stderr when there are several batches.

    A file of a folder that cannot be read is skipped, and one line on stderr
    counts and names these at the end. Of more than 33 million pixels a photo
    is read at a fraction of its size.

    Args:
        model: a `NASNet` with its classifier.
        paths: of photos and folders, or one path; see `find_photos`.
        top: how many classes; no more than the model has.
        batch_size: photos at a time.
        crop: share of height and of width to take, in place of the model's.
        strict: skip nothing: a file that cannot be read is an error before
            the first photo is classified.

    Returns:
        For each photo that was read its best classes.

    Raises:
        InputError: no photo that can be read, a file that is itself in
            `paths` and cannot, or a model that cannot classify them.
    """
    _check_model(model)
    for name, value in (("top", top), ("batch_size", batch_size)):
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{name}: {value!r} is not a positive integer")
    size = input_size(model)
    reading = image_reading(model, size, crop)
    photos = find_photos(paths, strict)
    channels = model.input_shape[-1]
    skipped = Skipped()
    readable = read_readable(
        photos, lambda photo: reading.read(photo, size, channels), skipped
    )
    results: list[Classification] = []
    names = None
    while batch := list(itertools.islice(readable, batch_size)):
        probabilities = _probabilities(model, np.stack([i for _, i in batch]))
        names = names or class_names(model, probabilities.shape[-1])
        for (photo, _), row in zip(batch, probabilities, strict=True):
            # Of equal ones the lower number first, as evaluation has it.
            best = np.argsort(-row, kind="stable")[:top]
            classes = tuple((names[n], float(row[n])) for n in best)
            results.append(Classification(photo, classes))
        if len(photos) > batch_size:
            done = len(results) + skipped.count
            progress = f"\r{done} of {len(photos)} photos"
            print(progress, end="", file=sys.stderr, flush=True)
    if len(photos) > batch_size:
        print(file=sys.stderr)
    if not results:
        raise InputError(
            f"photos: none of the {len(photos):,} files can be read as images "
            f"({skipped}); replace them"
        )
    if skipped.count:
        print(skipped.line(len(photos)), file=sys.stderr)
    return results


def input_size(model: NASNet) -> tuple[int, int]:
    """Height and width that photos are resized to, in pixels."""
    height, width = model.input_shape[1:3]
    return height or DEFAULT_SIZE, width or DEFAULT_SIZE


def _check_model(model):
    if not isinstance(model, NASNet):
        raise InputError(
            f"model: {type(model).__name__} is no nasnet_tf.NASNet; load its "
            "weights into one"
        )
    if not model.get_config()["include_top"]:
        raise InputError(
            f"model: {model.name} has no classifier; build it with "
            "include_top=True"
        )
    if model.input_shape[-1] not in (1, 3):
        raise InputError(
            f"model: {model.name} reads {model.input_shape[-1]} channels; "
            "photos have 3 or, in grey, 1"
        )


def _probabilities(model, images):
    images = preprocess_input(images, preprocessing=model.preprocessing)
    outputs = model(images, training=False)
    if isinstance(outputs, dict):
        outputs = outputs["predictions"]
    if model.get_config()["classifier_activation"] in (None, "linear"):
        outputs = keras.ops.softmax(outputs)
    return keras.ops.convert_to_numpy(outputs)


def class_names(model: NASNet, classes: int) -> list[str]:
    """Names of the classes: the model's, ImageNet's, or numbers."""
    if model.class_names:
        return list(model.class_names)
    names = imagenet_names() if classes == 1000 else None
    return names or [f"class {number}" for number in range(classes)]


def imagenet_names() -> list[str] | None:
    """ImageNet's 1000; where they cannot be had, a line on stderr and None."""
    # Falling probabilities list the classes in the order of their numbers.
    falling = np.linspace(1.0, 0.0, 1000)[np.newaxis]
    try:
        # Keras tells of a download on stdout, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            (rows,) = decode_predictions(falling, 1000)
    except InputError as error:
        print(f"class numbers only: {error}", file=sys.stderr)
        return None
    return [name for _, name, _ in rows]


def load_network(preset: str | None = None, weights="imagenet") -> NASNet:
    """The network that the command's flags name.

    Args:
        preset: a preset's name. None: NASNet-A mobile, but a `.keras` file is
            loaded whole, as the network that it was saved from.
        weights: `"imagenet"`, the folder of a training job, which holds
            `model.keras`, or a path; see `nasnet_tf.load_weights`.

    Raises:
        InputError: no such preset or file, or it is not a NASNet's.
    """
    path = pathlib.Path(weights)
    if (path / _OF_A_JOB).is_file():
        path = weights = path / _OF_A_JOB
    if preset is None and path.suffix == ".keras":
        return load_saved(path)
    preset = preset or DEFAULT_PRESET
    get_preset(preset)
    return from_preset(preset, weights=weights)


def load_saved(
    path,
    argument: str = "weights",
    remedy: str = "name its preset with --preset",
) -> NASNet:
    """The network of a `.keras` file, with its weights.

    Args:
        path: of the file.
        argument: what the user gave the path as.
        remedy: for a file of another model.

    Raises:
        InputError: no such file, or it is not a NASNet's.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(f"{argument}: {path} does not exist or is not a file")
    try:
        model = keras.saving.load_model(path, compile=False)
    # Keras raises what its layers raise.
    except Exception as error:
        raise InputError(
            f"{argument}: {path} cannot be loaded as a model "
            f"({first_line(error)})"
        ) from error
    for layer in getattr(model, "layers", ()):
        if isinstance(layer, NASNet) and not isinstance(model, NASNet):
            raise InputError(
                f"{argument}: {path} holds its NASNet nested in another model; "
                "load that as outer with keras.saving.load_model and save "
                f"outer.get_layer({layer.name!r}), which makes a file to give"
            )
    if not isinstance(model, NASNet):
        raise InputError(
            f"{argument}: {path} is a {type(model).__name__}, not a "
            f"nasnet_tf.NASNet; {remedy}"
        )
    return model
