"""Networks as SavedModels."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Sequence

import keras

from export.formats.frozen_network import frozen_network
from export.runtime.native_output import native_lines_hidden
from nasnet_tf.applications import preprocess_input
from nasnet_tf.arguments import check_choice
from nasnet_tf.classify import SMALLEST_CROPPED
from nasnet_tf.errors import InputError
from nasnet_tf.nasnet import PREPROCESSINGS

OUTPUT = "predictions"
LABELS = "labels.txt"


def write_saved_model(
    model: keras.Model,
    path,
    preprocessing: str,
    class_names: Sequence[str] | None = None,
) -> None:
    """Writes a classifier as a SavedModel without variables.

    Its signatures take a batch of any length and return `predictions`,
    `(batch, classes)`, float32:

    * `serving_default`: `images`, float32 `(batch, height, width, channels)`
      of the model's size, as `nasnet_tf.preprocess_input` returns them.
    * `pixels`: `pixels`, uint8 `(batch, any height, any width, channels)`.
    * `encoded`: `encoded`, strings `(batch,)`: JPEG or PNG files, also BMP and
      GIF, of any sizes, turned as their EXIF data says. Only for 1 or 3
      channels.

    `pixels` and `encoded` take the part of an image that `nasnet_tf.classify`
    takes, the middle 87.5 % of height and width or, of a network that whitens
    or reads less than 96 pixels, the whole; and resize and scale it.

    Args:
        model: functional, of one input with a fixed height and width; with
            several outputs `predictions` is taken. It stays as it is.
        path: of the folder to write.
        preprocessing: `"scale"` or `"whitening"`; see
            `nasnet_tf.preprocess_input`.
        class_names: written to `assets/labels.txt`, one a line.

    Raises:
        InputError: the preprocessing is unknown, or the model's input or
            output is not of this kind.
    """
    import tensorflow as tf

    check_choice("preprocessing", preprocessing, PREPROCESSINGS)
    shape = _check_model(model)
    module = tf.Module()
    with tempfile.TemporaryDirectory() as folder, native_lines_hidden():
        module.network = frozen_network(model, _output(model))
        if class_names is not None:
            labels = pathlib.Path(folder) / LABELS
            labels.write_text("".join(f"{name}\n" for name in class_names))
            module.labels = tf.saved_model.Asset(str(labels))
        tf.saved_model.save(
            module,
            str(path),
            signatures=_signatures(
                module.network, model.inputs[0].dtype, shape, preprocessing
            ),
        )


def _check_model(model):
    """The shape of the model's images."""
    inputs = getattr(model, "inputs", None) or ()
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise InputError(
            f"model: {model.name} does not read one batch of images; give a "
            "functional model of (height, width, channels)"
        )
    shape = tuple(inputs[0].shape[1:])
    if None in shape:
        raise InputError(
            f"model: {model.name} reads images of {shape}, which leaves the "
            "size open; give one, such as --image_size=224"
        )
    return shape


def _output(model):
    """The key of the predictions, of a model with several outputs."""
    if len(model.outputs) == 1 and not isinstance(model.output, dict):
        return None
    if isinstance(model.output, dict) and OUTPUT in model.output:
        return OUTPUT
    raise InputError(
        f"model: {model.name} has {len(model.outputs)} outputs, none of them "
        f"named {OUTPUT!r}; give a classifier with one"
    )


def _signatures(network, dtype, shape, preprocessing):
    import tensorflow as tf

    *size, channels = shape
    crops = preprocessing == "scale" and min(size) >= SMALLEST_CROPPED

    def signature(spec, prepare):
        @tf.function(autograph=False, input_signature=[spec])
        def predict(given):
            predictions = network(tf.cast(prepare(given), dtype))
            return {OUTPUT: tf.cast(predictions, "float32")}

        return predict

    def of_pixels(pixels):
        return preprocess_input(
            _resized(pixels, size, crops), preprocessing=preprocessing
        )

    def of_files(files):
        images = tf.map_fn(
            lambda file: _resized_file(file, shape, crops),
            files,
            fn_output_signature=tf.TensorSpec(shape, "float32"),
        )
        return preprocess_input(images, preprocessing=preprocessing)

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


def _resized(pixels, size, crops):
    """The part of images `(batch, height, width, channels)` that is read."""
    import tensorflow as tf

    from nasnet_tf.data import decoding

    if crops:
        shape = tf.shape(pixels)[1:3]
        top, left, height, width = decoding.central(shape)
        pixels = pixels[:, top : top + height, left : left + width]
    return tf.image.resize(pixels, size, antialias=True)


def _resized_file(file, shape, crops):
    import tensorflow as tf

    from export.formats.orientation import exif_orientation, upright
    from nasnet_tf.data import decoding

    *size, channels = shape
    window = decoding.central if crops else decoding.whole
    orientation = exif_orientation(file)
    # Of an upright JPEG only the window is decoded.
    image = tf.cond(
        orientation == 1,
        lambda: decoding.read_window(file, window, tuple(size)),
        lambda: decoding.read_window(
            upright(decoding.decode(file), orientation), window, tuple(size)
        ),
    )
    return image if channels == 3 else tf.image.rgb_to_grayscale(image)
