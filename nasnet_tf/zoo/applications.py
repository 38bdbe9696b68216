"""NASNet as `keras.applications` spells it."""

import keras
import numpy as np

from nasnet_tf.checks.arguments import (
    MIN_SIZE,
    check_choice,
    check_image_size,
    check_integer,
)
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.images.image_reading import image_reading
from nasnet_tf.images.photos import read_all
from nasnet_tf.networks.nasnet import PREPROCESSINGS, NASNet
from nasnet_tf.zoo.presets import from_preset


def NASNetMobile(
    input_shape=None,
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="nasnet_mobile",
    **arguments,
) -> keras.Model:
    """NASNet-A (4 @ 1056), 224x224: the paper's mobile network (Table 3).

    The arguments of `keras.applications.NASNetMobile`.

    Args:
        input_shape: `(height, width, 3)`; 32 or more each, or None.
        include_top: whether the classifier is there.
        weights: `"imagenet"`, None, or a path; see `nasnet_tf.load_weights`.
        input_tensor: a Keras tensor to read instead of a new input. What is
            not a `keras.Input` gives a `keras.Model` that holds the network
            as a layer named `name`.
        pooling: without the top: None, `"avg"` or `"max"`.
        classes: classes of the classifier.
        classifier_activation: None for logits.
        name: of the model.
        **arguments: of `NASNet`, such as `padding="keras"`, which repeats the
            zero padding of `keras.applications`.

    Raises:
        InputError: an argument is bad; one line that says which.
    """
    return _application(
        "nasnet_a_mobile",
        input_shape,
        input_tensor,
        weights=weights,
        include_top=include_top,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        name=name,
        **arguments,
    )


def NASNetLarge(
    input_shape=None,
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="nasnet_large",
    **arguments,
) -> keras.Model:
    """NASNet-A (6 @ 4032), 331x331: the paper's largest network (Table 2).

    The arguments of `keras.applications.NASNetLarge`; see `NASNetMobile`.
    """
    return _application(
        "nasnet_a_large",
        input_shape,
        input_tensor,
        weights=weights,
        include_top=include_top,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        name=name,
        **arguments,
    )


def _application(preset, input_shape, input_tensor, **arguments):
    if input_tensor is None:
        if input_shape is not None:
            arguments["input_shape"] = input_shape
        return from_preset(preset, **arguments)
    if not keras.backend.is_keras_tensor(input_tensor):
        raise InputError(
            f"input_tensor: {type(input_tensor).__name__} is not a Keras "
            "tensor; give keras.Input(...) or what a Keras layer returns"
        )
    arguments["input_shape"] = tuple(input_tensor.shape[1:])
    operation = input_tensor._keras_history.operation
    if isinstance(operation, keras.layers.InputLayer):
        return from_preset(preset, input_tensor=input_tensor, **arguments)
    model = from_preset(preset, **arguments)
    sources = keras.utils.get_source_inputs(input_tensor)
    inputs = sources[0] if len(sources) == 1 else sources
    return keras.Model(inputs, model(input_tensor), name=arguments["name"])


def preprocess_input(images, data_format=None, preprocessing="scale"):
    """Scales images for a network.

    Args:
        images: `(..., height, width, 3)` with values 0 to 255; an array or a
            tensor.
        data_format: None or `"channels_last"`, the only one NASNet reads.
        preprocessing: a model's `preprocessing`: `"scale"` to [-1, 1]
            (ImageNet), or `"whitening"`, each image to mean 0 and variance 1
            (CIFAR, App. A.1).

    Returns:
        Float32 values of the same shape: an array of an array, else a tensor.
    """
    check_choice("data_format", data_format, (None, "channels_last"))
    check_choice("preprocessing", preprocessing, PREPROCESSINGS)
    scaled = _scaled(keras.ops.cast(images, "float32"), preprocessing)
    if isinstance(images, np.ndarray):
        return keras.ops.convert_to_numpy(scaled)
    return scaled


def _scaled(images, preprocessing):
    if preprocessing == "scale":
        return images / 127.5 - 1.0
    axes = (-3, -2, -1)
    mean = keras.ops.mean(images, axis=axes, keepdims=True)
    deviation = keras.ops.std(images, axis=axes, keepdims=True)
    size = keras.ops.prod(
        [keras.ops.cast(n, "float32") for n in keras.ops.shape(images)[-3:]]
    )
    # The floor keeps a uniform image finite, as tf.image does.
    floor = keras.ops.rsqrt(size)
    return (images - mean) / keras.ops.maximum(deviation, floor)


def read_images(paths, model: NASNet, size=None):
    """Reads image files as a model takes them.

    They are turned, cropped, resized and scaled as the network was trained to
    see them, by its `image_reading`, `input_shape` and `preprocessing`; what
    `nasnet_tf.classify` gives to it.

    Args:
        paths: of the files.
        model: that is to read them.
        size: `(height, width)` in pixels, of a model of any size.

    Returns:
        A float32 array `(files, height, width, channels)`.

    Raises:
        InputError: the size is open, or files cannot be read; names them.

    Example:
    >>> probabilities = model(nasnet_tf.read_images(["cat.jpg"], model))
    """
    own = tuple(model.input_shape[1:3])
    size = own if size is None else check_image_size(size, MIN_SIZE)
    fits = (a in (None, b) for a, b in zip(own, size, strict=True))
    if None in size or not all(fits):
        raise InputError(
            f"size: {size} does not fit {model.name}, which reads {own}; give "
            "(height, width)"
        )
    reading, channels = image_reading(model, size), model.input_shape[-1]
    images = read_all(paths, lambda path: reading.read(path, size, channels))
    return preprocess_input(np.stack(images), preprocessing=model.preprocessing)


def decode_predictions(predictions, top=5):
    """The best classes of each row of ImageNet predictions.

    The class names are Keras's `imagenet_class_index.json`; it is downloaded
    unless `~/.keras/models` holds it.

    Args:
        predictions: `(batch, 1000)` probabilities.
        top: how many classes.

    Returns:
        For each row a list of `(wordnet id, name, probability)`, best first.

    Raises:
        InputError: another number of classes, or no class names to be had.
    """
    check_integer("top", top)
    shape = tuple(keras.ops.shape(predictions))
    if len(shape) != 2 or shape[1] != 1000:
        raise InputError(
            f"predictions: shape {shape} is not (batch, 1000); only "
            "predictions of the 1000 ImageNet classes have these names"
        )
    try:
        return keras.applications.imagenet_utils.decode_predictions(
            keras.ops.convert_to_numpy(predictions), top=top
        )
    # Keras's download raises plain exceptions.
    except Exception as error:
        raise InputError(
            "class names: imagenet_class_index.json could not be downloaded "
            f"({first_line(error)}); put it into ~/.keras/models from a "
            "machine with a network"
        ) from error
