"""Networks as SavedModels."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from export.formats.frozen_network import frozen_network
from export.formats.labels import LABELS, write_labels
from export.formats.on_tensorflow import on_tensorflow
from export.graph import Graph, to_keras
from export.graph.preprocessing import check_preprocessing, preprocess
from export.sources.original import Original
from nasnet_tf.data import decoding
from nasnet_tf.data.orientation import exif_orientation, upright
from nasnet_tf.images.image_reading import WHOLE, ImageReading
from nasnet_tf.terminal.native_output import native_lines_hidden

OUTPUT = "predictions"


def write(
    original: Original,
    graph: Graph,
    path: pathlib.Path,
    quantize: str = "none",
    calibration: np.ndarray | None = None,
) -> None:
    """Writes a graph; see `export.targets.target.ExportTarget`."""
    del quantize, calibration
    on_tensorflow(
        write_graph,
        graph,
        path,
        original.preprocessing,
        original.labels,
        original.reading,
    )


def write_graph(
    graph: Graph,
    path,
    preprocessing: str,
    class_names: Sequence[str] | None,
    reading: ImageReading,
) -> None:
    """Writes a graph; Keras runs on TensorFlow. See `write_saved_model`."""
    model = to_keras(graph)
    write_saved_model(model, path, preprocessing, class_names, reading)


def write_saved_model(
    model: keras.Model,
    path,
    preprocessing: str,
    class_names: Sequence[str] | None = None,
    reading: ImageReading = WHOLE,
) -> None:
    """Writes a classifier as a SavedModel without variables.

    Its signatures take a batch of any length and return `predictions`,
    `(batch, classes)`, float32:

    * `serving_default`: `images`, float32 `(batch, height, width, channels)`
      of the model's size, preprocessed.
    * `pixels`: `pixels`, uint8 `(batch, any height, any width, channels)`.
    * `encoded`: `encoded`, strings `(batch,)`: JPEG or PNG files, also GIF,
      BMP without a palette and WebP without alpha, of any sizes, turned as
      their EXIF data says. Only for 1 or 3 channels.

    `pixels` and `encoded` take the part of an image that the network was
    trained to read, and resize and scale it.

    Args:
        model: functional, of one output and one input with a fixed height and
            width, as `export.graph.to_keras` returns it; it stays as it is.
        path: of the folder to write.
        preprocessing: see `export.graph.preprocessing.preprocess`.
        class_names: written to `assets/labels.txt`, one a line.
        reading: the part of an image that the network reads.

    Raises:
        InputError: the preprocessing is unknown, or the weights have 2 GiB or
            more.
    """
    given = model.inputs[0]
    check_preprocessing(preprocessing, given.shape[-1])
    module = tf.Module()
    with tempfile.TemporaryDirectory() as folder, native_lines_hidden():
        module.network = frozen_network(model)
        if class_names is not None:
            labels = pathlib.Path(folder) / LABELS
            write_labels(labels, class_names)
            module.labels = tf.saved_model.Asset(str(labels))
        tf.saved_model.save(
            module,
            str(path),
            signatures=_signatures(
                module.network,
                given.dtype,
                given.shape[1:],
                preprocessing,
                reading,
            ),
        )


def _signatures(network, dtype, shape, preprocessing, reading):
    *size, channels = shape

    def signature(spec, prepare):
        @tf.function(autograph=False, input_signature=[spec])
        def predict(given):
            predictions = network(tf.cast(prepare(given), dtype))
            return {OUTPUT: tf.cast(predictions, "float32")}

        return predict

    def of_pixels(pixels):
        return preprocess(_resized(pixels, size, reading), preprocessing)

    def of_files(files):
        # One by one, since each file has a size of its own.
        images = tf.map_fn(
            lambda file: _resized_file(file, shape, reading),
            files,
            fn_output_signature=tf.TensorSpec(shape, "float32"),
        )
        return preprocess(images, preprocessing)

    signatures = {
        "serving_default": signature(
            tf.TensorSpec((None, *shape), "float32", name="images"),
            lambda images: images,
        ),
        "pixels": signature(
            tf.TensorSpec((None, None, None, channels), "uint8", name="pixels"),
            of_pixels,
        ),
    }
    if channels in (1, 3):
        spec = tf.TensorSpec((None,), "string", name="encoded")
        signatures["encoded"] = signature(spec, of_files)
    return signatures


def _resized(pixels, size, reading):
    """The part of images `(batch, height, width, channels)` that is read."""
    top, left, height, width = decoding.central(reading)(tf.shape(pixels)[1:3])
    pixels = pixels[:, top : top + height, left : left + width]
    return tf.image.resize(pixels, size, antialias=True)


def _resized_file(file, shape, reading):
    *size, channels = shape
    window = decoding.central(reading)
    orientation = exif_orientation(file)
    # Of an upright JPEG only the window is decoded.
    image = tf.cond(
        tf.io.is_jpeg(file) & (orientation == 1),
        lambda: decoding.decode_jpeg(file, window),
        lambda: decoding.cut(
            upright(decoding.decode_without_python(file), orientation), window
        ),
    )
    image = decoding.resized(
        tf.ensure_shape(image, (None, None, 3)), tuple(size)
    )
    return image if channels == 3 else tf.image.rgb_to_grayscale(image)
