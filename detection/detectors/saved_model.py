"""A detector in a SavedModel."""

import pathlib

import tensorflow as tf

from detection.data.categories import read_categories
from detection.detectors.detector import Detector
from detection.detectors.files import read_settings
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal.native_output import native_log_hidden

SIGNATURE = "serving_default"


class SavedModelDetector(Detector):
    """Runs `serving_default` of a SavedModel, Model Garden's or ours.

    Args:
        path: of the folder, with `params.yaml` in it or beside it.
    """

    def __init__(self, path: pathlib.Path):
        settings = read_settings(path)
        # What is loaded has the variables, where there are some.
        self._loaded = tf.saved_model.load(str(path))
        self._signature = self._loaded.signatures.get(SIGNATURE)
        needed = {"detection_boxes", "image_info"}
        if self._signature is None or not needed.issubset(
            self._signature.structured_outputs
        ):
            raise InputError(
                f"model: {path} has no {SIGNATURE} with "
                f"{' and '.join(sorted(needed))}; give a detector that "
                "detection.export wrote"
            )
        (self._input,) = self._signature.structured_input_signature[1]
        super().__init__(
            f"SavedModel {path}",
            read_categories(settings.folder),
            settings.num_classes,
            settings.image_size,
        )

        self._run_graph = quiet_at_first(self._signature)

    def _run(self, image):
        return served(
            self._run_graph(**{self._input: tf.constant(image)[None]})
        )


def quiet_at_first(function):
    """A function whose first call hides what TensorFlow's log says.

    TensorFlow optimises a graph then, and tells of an error where an attempt
    fails, as at sums of two convolutions with biases that are read twice. The
    graph runs without that attempt.
    """
    calls: list[int] = []

    def call(*args, **kwargs):
        if calls:
            return function(*args, **kwargs)
        calls.append(1)
        with native_log_hidden(3):
            return function(*args, **kwargs)

    return call


def served(outputs: dict[str, tf.Tensor]):
    """What Model Garden's `serve` returns as arrays, and the image's scale."""
    outputs = {name: value.numpy() for name, value in outputs.items()}
    return outputs, outputs["image_info"][0, 2]
