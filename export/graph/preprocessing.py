"""Preprocessing: what it is, of arrays, and as part of the network."""

import keras
import numpy as np

from export.graph import Graph, pixels, shapes
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.nasnet import PREPROCESSINGS as OF_NASNET
from nasnet_tf.zoo.applications import preprocess_input

# What is done to pixels of 0 to 255, for people; `torch` and `caffe` are the
# modes that `keras.applications` has these names for.
PREPROCESSINGS = {
    "scale": "to [-1, 1]",
    "whitening": "each image to mean 0 and variance 1",
    "pixels": "0 to 255 as they are, for a model that scales them itself",
    "unit": "to [0, 1]",
    "torch": "to [0, 1], less ImageNet's mean, over its deviation",
    "caffe": "in BGR, less ImageNet's mean",
}
# In pixels, of red, green and blue.
_TORCH_MEAN = 255 * np.array([0.485, 0.456, 0.406])
_TORCH_DEVIATION = 255 * np.array([0.229, 0.224, 0.225])
_NORMALIZATIONS = {
    "scale": (127.5, 127.5),
    "pixels": (0.0, 1.0),
    "unit": (0.0, 255.0),
    "torch": (_TORCH_MEAN, _TORCH_DEVIATION),
}
# Of blue, green and red.
CAFFE_MEAN = np.array([103.939, 116.779, 123.68], "float32")


def check_preprocessing(preprocessing: str, channels: int = 3) -> None:
    """Raises `InputError` for one that is unknown, or has other channels."""
    check_choice("preprocessing", preprocessing, PREPROCESSINGS)
    if preprocessing in ("torch", "caffe") and channels != 3:
        raise InputError(
            f"preprocessing: {preprocessing!r} has a mean for each of three "
            f"channels, and the model reads {channels}; take another"
        )


def normalization(
    preprocessing: str, channels: int = 3
) -> tuple[np.ndarray, np.ndarray] | None:
    """What is subtracted from the pixels, and what that is divided by.

    The one source of that for files that take pixels, for cards and for the
    metadata of LiteRT files.

    Args:
        preprocessing: a key of `PREPROCESSINGS`.
        channels: of the images.

    Returns:
        Mean and deviation of each channel, `(channels,)`, float64, in pixels
        of 0 to 255: a network reads `(pixel - mean) / deviation`. None for
        what is not of that form: `"whitening"` and `"caffe"`.

    Raises:
        InputError: the preprocessing is unknown, or has other channels.
    """
    check_preprocessing(preprocessing, channels)
    if preprocessing not in _NORMALIZATIONS:
        return None
    mean, deviation = (
        np.broadcast_to(np.asarray(value, "float64"), (channels,))
        for value in _NORMALIZATIONS[preprocessing]
    )
    return mean, deviation


def preprocess(images, preprocessing: str):
    """Scales images for a network, as `nasnet_tf.preprocess_input` does.

    Args:
        images: `(..., height, width, channels)` with values 0 to 255; an
            array or a tensor.
        preprocessing: a key of `PREPROCESSINGS`.

    Returns:
        A tensor of floats of the same shape.

    Raises:
        InputError: see `normalization`.
    """
    check_preprocessing(preprocessing, images.shape[-1])
    if preprocessing in OF_NASNET:
        return preprocess_input(images, preprocessing=preprocessing)
    images = keras.ops.cast(images, "float32")
    found = normalization(preprocessing, images.shape[-1])
    if found is None:
        return keras.ops.flip(images, -1) - keras.ops.array(CAFFE_MEAN)
    mean, deviation = (keras.ops.array(n.astype("float32")) for n in found)
    return (images - mean) / deviation


def with_uint8_input(graph: Graph, preprocessing: str) -> Graph:
    """A network that takes pixels from 0 to 255 and scales them itself.

    Args:
        graph: of a network that takes what `preprocess` returns.
        preprocessing: a key of `PREPROCESSINGS`.

    Raises:
        InputError: see `normalization`.
    """
    graph = graph.copy()
    ((name, node),) = graph.of("input")
    channels = shapes(graph)[name][-1]
    found = normalization(preprocessing, channels)
    graph[name] = node.replaced(options={"dtype": "uint8"})
    last = cast = graph.add("pixels", "cast", [name])
    if preprocessing == "whitening":
        last = graph.add("whitened", "standardize", [cast])
    elif found is None:
        last = pixels.reordered(graph, "bgr", cast, [2, 1, 0], channels)
        graph[last] = graph[last].replaced(weights={"bias": -CAFFE_MEAN})
    elif preprocessing != "pixels":
        mean, deviation = found
        weights = {"scale": 1 / deviation, "offset": -mean / deviation}
        weights = {k: v.astype("float32") for k, v in weights.items()}
        last = graph.add("scaled", "affine", [cast], weights=weights)
    graph.redirect(name, last, keep=[cast])
    return graph.sorted()
