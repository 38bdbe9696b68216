"""The Keras model that is exported, and what is known about it."""

from __future__ import annotations

import dataclasses
import os

import keras
import numpy as np

from export.graph.preprocessing import PREPROCESSINGS, check_preprocessing
from export.sources.about import About
from nasnet_tf import public  # noqa: F401  so that Keras knows its classes
from nasnet_tf.checks.arguments import (
    MIN_SIZE,
    check_image_size,
    check_number,
    expanded_path,
)
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.data.split import Split, read_split
from nasnet_tf.evaluation import evaluation_reading, job_classifier
from nasnet_tf.images.image_reading import ImageReading, usual_reading
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.training.checkpoint import CONFIG_FILE
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.config_files import read_config
from nasnet_tf.zoo.classification import (
    DEFAULT_PRESET,
    imagenet_names,
    load_network,
)
from nasnet_tf.zoo.presets import PRESETS

OUTPUT = "predictions"
IMAGENET = "imagenet"
# Images at a time, for the memory that their feature maps take.
BATCH_SIZE = 16


@dataclasses.dataclass(frozen=True)
class Original:
    """A Keras classifier of images, as it was given.

    Args:
        model: functional; one image in.
        name: where it comes from, for people.
        size: `(height, width)` that it is exported for, pixels.
        preprocessing: of its images; see
            `export.graph.preprocessing.preprocess`.
        reading: the part of an image that it reads.
        class_names: by number, as the data has them too, or None.
        config: whose `data` it was trained on, or None.
        data_given: whether the user named the data, who then wants them.
        kept: what the job that trained it holds out; None where not known.
        about: what people say of it, or None.
        given_labels: names that files are to have in place of `class_names`.
    """

    model: keras.Model
    name: str
    size: tuple[int, int]
    preprocessing: str
    reading: ImageReading
    class_names: list[str] | None = None
    config: ExperimentConfig | None = None
    data_given: bool = False
    kept: Split | None = None
    about: About | None = None
    given_labels: list[str] | None = None

    @property
    def labels(self) -> list[str] | None:
        """What files are to call the classes, by number, or None."""
        return self.given_labels or self.class_names

    @property
    def title(self) -> str:
        """What the network is, for people."""
        model = self.model
        if not isinstance(model, NASNet):
            return " ".join(model.name.split())
        settings = model.get_config()
        size = f"{settings['num_cells']} @ {settings['penultimate_filters']}"
        return f"{model.genotype.name} ({size})"

    @property
    def channels(self) -> int:
        return self.model.input_shape[-1]

    @property
    def classes(self) -> int:
        return _classifier_output(_outputs(self.model)).shape[-1]

    def answers(self, images: np.ndarray) -> np.ndarray:
        """What the model says of images.

        Args:
            images: `(n, height, width, channels)`, preprocessed.

        Returns:
            `(n, classes)`, float32: probabilities or logits.
        """
        rows = []
        for start in range(0, len(images), BATCH_SIZE):
            batch = images[start : start + BATCH_SIZE]
            # Another length would be traced anew; the model keeps the first.
            fill = [(0, BATCH_SIZE - len(batch)), (0, 0), (0, 0), (0, 0)]
            outputs = self.model.predict_on_batch(np.pad(batch, fill))
            rows.append(_classifier_output(outputs)[: len(batch)])
        return np.concatenate(rows).astype("float32")


def read_original(
    source,
    image_size=None,
    preprocessing: str | None = None,
    config_files=(),
    override: str | None = None,
    crop: float | None = None,
    preset: str | None = None,
) -> Original:
    """Loads the model that is to be exported.

    Args:
        source: a `.keras` file of a `NASNet` or of another functional
            classifier; the model_dir of a training job, whose newest
            checkpoint is taken, averaged where it keeps averages; a
            `keras.Model`; `"imagenet"`; or, with a preset, what
            `nasnet_tf.load_weights` reads.
        image_size: height and width in pixels, or `(height, width)`, of a
            model that leaves them open.
        preprocessing: of a model that does not know its own.
        config_files: name the data; see
            `nasnet_tf.training.config_files.read_config`. They go before a
            job's own.
        override: goes before these.
        crop: share of height and of width that it reads of an image, in place
            of what it says.
        preset: the network of `"imagenet"` or of other weights; None: that of
            the configuration, or NASNet-A mobile.

    Raises:
        InputError: it cannot be loaded, is no classifier of images, or its
            size or preprocessing is open and not given.
    """
    data_given = bool(config_files or override)
    model, name, config, kept = _load(source, config_files, override, preset)
    _check_classifier(model)
    size = _size(model, image_size)
    preprocessing = _preprocessing(model, preprocessing)
    return Original(
        model,
        name,
        size,
        preprocessing,
        _reading(model, size, preprocessing, config, crop),
        _class_names(model, source),
        config,
        data_given,
        kept,
    )


def _load(source, config_files, override, preset):
    if isinstance(source, keras.Model):
        return source, source.name, _config(config_files, override), None
    path = expanded_path("model", _text(source))
    is_job = (path / CONFIG_FILE).is_file()
    if preset or (str(source) == IMAGENET and not is_job):
        return _of_preset(source, _config(config_files, override), preset)
    if path.is_dir():
        try:
            job = job_classifier(path, config_files, override)
        except InputError as error:
            # There the argument has another name.
            line = str(error)
            if line.startswith("model_dir: "):
                line = f"model: {line.removeprefix('model_dir: ')}"
            raise InputError(line) from None
        name = f"{path}, step {job.facts['step']:,}"
        return job.model, name, job.config, job.kept
    if path.suffix != ".keras" and not path.exists():
        remedy = "give another path"
        if str(source) in PRESETS:
            remedy = f"for the preset give --model=imagenet --preset={source}"
        raise InputError(f"model: {path} does not exist; {remedy}")
    if path.suffix != ".keras":
        raise InputError(
            f"model: {path} is neither a .keras file nor the model_dir of a "
            "training job; name the network of other weights, such as "
            "--preset=nasnet_a_mobile"
        )
    # The text first: it is quick to find wrong.
    config = _config(config_files, override)
    # A job's file lies beside what the job holds out.
    return _load_file(path), str(path), config, read_split(path.parent)


def _of_preset(weights, config, preset):
    """A published network, as `nasnet_tf.classify` and `evaluate` name it."""
    if preset is None and config is not None:
        preset = config.model.preset
    if weights != IMAGENET:
        weights = str(expanded_path("model", weights))
    try:
        model = load_network(preset, weights)
    except InputError as error:
        # There the argument has another name.
        line = str(error)
        if line.startswith("weights: "):
            line = f"model: {line.removeprefix('weights: ')}"
        raise InputError(line) from None
    return model, f"{preset or DEFAULT_PRESET}, weights {weights}", config, None


def _class_names(model, source):
    names = getattr(model, "class_names", None)
    if names is None and isinstance(source, str) and source == IMAGENET:
        return imagenet_names()
    return names


def _text(source):
    if not source or not isinstance(source, (str, os.PathLike)):
        raise InputError(
            f"model: {source!r} is no path; give a .keras file or the "
            "model_dir of a training job"
        )
    return source


def _load_file(path):
    if not path.is_file():
        raise InputError(f"model: {path} does not exist or is not a file")
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises what its layers raise.
        raise InputError(
            f"model: {path} cannot be loaded as a model "
            f"({first_line(error)}); save it again with model.save, without "
            "layers of your own"
        ) from error


def _config(files, override):
    if not files and not override:
        return None
    return read_config(files, override)


def _outputs(model):
    """Symbolic; a `Sequential` has them in a list only."""
    return model.outputs[0] if len(model.outputs) == 1 else model.output


def _classifier_output(outputs):
    """Of several outputs, such as with an auxiliary head, the main one."""
    if isinstance(outputs, dict):
        return outputs.get(OUTPUT)
    return outputs


def _check_classifier(model):
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise InputError(
            f"model: {model.name} has the inputs "
            f"{[tuple(i.shape) for i in inputs]}; export takes a functional "
            "model of one image (height, width, channels)"
        )
    if inputs[0].shape[-1] not in (1, 3):
        raise InputError(
            f"model: {model.name} reads {inputs[0].shape[-1]} channels; "
            "export takes 3 or, in grey, 1"
        )
    output = _classifier_output(_outputs(model))
    if len(getattr(output, "shape", ())) != 2 or output.shape[-1] < 2:
        shape = tuple(getattr(output, "shape", ()))
        raise InputError(
            f"model: {model.name} gives {shape}; export takes a classifier, "
            "which gives (batch, classes) for two classes or more"
        )


def _size(model, image_size):
    own = tuple(model.inputs[0].shape[1:3])
    if image_size is None:
        if None in own:
            raise InputError(
                f"image_size: none given and {model.name} reads images of any "
                "size; give one, such as --image_size=224"
            )
        return own
    # Smaller ones leave a NASNet's last cells a pixel.
    least = MIN_SIZE if isinstance(model, NASNet) else 1
    size = check_image_size(image_size, least, "a number of pixels")
    for given, fixed in zip(size, own, strict=True):
        if fixed not in (None, given):
            raise InputError(
                f"image_size: {image_size}, but {model.name} reads "
                f"{own[0]}x{own[1]} only; leave it out"
            )
    return size


def _reading(model, size, preprocessing, config, crop):
    """What the model says; else what its data, or else such models, have."""
    reading = getattr(model, "image_reading", None)
    if config is not None:
        reading = evaluation_reading(model, config.data)
    reading = reading or usual_reading(preprocessing, size)
    if crop is None:
        return reading
    check_number("crop", crop, "(0, 1]")
    return dataclasses.replace(reading, crop=crop)


def _preprocessing(model, given):
    own = getattr(model, "preprocessing", None)
    if given is None and own is None:
        known = ", ".join(f"{k} ({v})" for k, v in PREPROCESSINGS.items())
        raise InputError(
            f"preprocessing: none given and {model.name} does not say how its "
            f"images are scaled; give one of {known} as --preprocessing"
        )
    dtype = keras.backend.standardize_dtype(model.inputs[0].dtype)
    if "int" in dtype and given not in (None, "pixels"):
        raise InputError(
            f"preprocessing: {given!r}, but {model.name} reads {dtype}; give "
            "--preprocessing=pixels"
        )
    if given is not None:
        check_preprocessing(given, model.input_shape[-1])
        if own not in (None, given):
            raise InputError(
                f"preprocessing: {given!r}, but {model.name} was trained with "
                f"{own!r}; leave it out"
            )
    return given or own
