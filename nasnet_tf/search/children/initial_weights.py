"""The weights that a child begins with."""

import numpy as np

# What a truncated normal distribution's deviation is divided by.
_TRUNCATION = 0.87962566103423978
_CONSTANTS = {
    "gamma": 1.0,
    "beta": 0.0,
    "bias": 0.0,
    "moving_mean": 0.0,
    "moving_variance": 1.0,
}


def initial_weights(
    shapes: dict[str, tuple[int, ...]], seed: int, dtype: str = "float32"
) -> dict[str, np.ndarray]:
    """Weights of the distributions that the zoo's initialisers have.

    Convolutions: variance 2 / fan-out, a normal distribution cut off at two
    deviations; the classifier: Glorot's uniform one. They are drawn in the
    order of the names, so that they do not depend on who asks.

    Args:
        shapes: by the names of `nasnet_tf.networks.variables.named_variables`.
        seed: of the child.
        dtype: of the arrays.
    """
    generator = np.random.default_rng(seed)
    names = sorted(shapes)
    kernels = [name for name in names if name.endswith("kernel")]
    sizes = [int(np.prod(shapes[name])) for name in kernels]
    draws = np.split(_truncated(generator, sum(sizes)), np.cumsum(sizes)[:-1])
    weights = {}
    for name, draw in zip(kernels, draws, strict=True):
        shape = shapes[name]
        if len(shape) == 2:
            limit = (6 / sum(shape)) ** 0.5
            weights[name] = generator.uniform(-limit, limit, shape)
        else:
            fan_out = np.prod(shape[:2]) * shape[-1]
            deviation = (2 / fan_out) ** 0.5 / _TRUNCATION
            weights[name] = deviation * draw.reshape(shape)
    for name in names:
        if name not in weights:
            kind = name.rpartition("/")[2]
            weights[name] = np.full(shapes[name], _CONSTANTS[kind])
    # Drawn in float64: children of either precision begin alike.
    return {name: weights[name].astype(dtype) for name in names}


def _truncated(generator, count):
    draws = generator.standard_normal(count)
    while (far := np.flatnonzero(np.abs(draws) > 2)).size:
        draws[far] = generator.standard_normal(far.size)
    return draws
