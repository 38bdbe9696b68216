"""Preprocessing as part of the network."""

import numpy as np

from export.graph import Graph, shapes
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.networks.nasnet import PREPROCESSINGS

# `nasnet_tf.preprocess_input` with "scale": 0 to 255 becomes -1 to 1.
SCALE, OFFSET = 1 / 127.5, -1.0


def normalization(
    preprocessing: str,
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation that pixels from 0 to 255 are normalised with.

    Args:
        preprocessing: see `nasnet_tf.preprocess_input`.

    Returns:
        One of each for all channels, or one for each; None: those of each
        image itself.
    """
    if preprocessing == "whitening":
        return None
    return (127.5,), (127.5,)


def with_uint8_input(graph: Graph, preprocessing: str) -> Graph:
    """A network that takes pixels from 0 to 255 and scales them itself.

    Args:
        graph: of a network that takes what `nasnet_tf.preprocess_input`
            returns.
        preprocessing: `"scale"` or `"whitening"`; see there.

    Raises:
        InputError: the preprocessing is unknown.
    """
    check_choice("preprocessing", preprocessing, PREPROCESSINGS)
    graph = graph.copy()
    ((name, node),) = graph.of("input")
    channels = shapes(graph)[name][-1]
    graph[name] = node.replaced(options={"dtype": "uint8"})
    cast = graph.add("pixels", "cast", [name])
    if preprocessing == "whitening":
        last = graph.add("whitened", "standardize", [cast])
    else:
        weights = {
            "scale": np.full(channels, SCALE, "float32"),
            "offset": np.full(channels, OFFSET, "float32"),
        }
        last = graph.add("scaled", "affine", [cast], weights=weights)
    graph.redirect(name, last, keep=[cast])
    return graph.sorted()
