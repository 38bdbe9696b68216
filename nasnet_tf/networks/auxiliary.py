"""The auxiliary classifier (slim's `_build_aux_head`)."""

import keras

from nasnet_tf.checks.errors import InputError
from nasnet_tf.layers.convolution import batch_norm, conv

# Slim's, as are the filters below.
POOL_SIZE, POOL_STRIDES = 5, 3


def auxiliary_head(features, classes, batch_norm_options, policy):
    """Logits from the last cell before the second reduction, after its ReLU.

    Average pool 5x5 of stride 3, 1x1 convolution to 128, BN, ReLU, a
    convolution over the whole map to 768, BN, ReLU, dense.

    Args:
        features: `(batch, height, width, channels)`, after its ReLU.
        classes: classes of the classifier.
        batch_norm_options: keyword arguments of the batch norms.
        policy: keyword arguments of every layer.

    Returns:
        The logits `(batch, classes)`.

    Raises:
        InputError: the map's size is unknown or too small for the pool.
    """
    _, height, width, _ = features.shape
    if height is None or width is None:
        raise InputError(
            "auxiliary_head: needs a fixed input size, because it convolves "
            f"over the whole map, here {height} x {width}; give input_shape"
        )
    if min(height, width) < POOL_SIZE:
        raise InputError(
            f"auxiliary_head: its map is {height} x {width} and its pool "
            f"{POOL_SIZE} x {POOL_SIZE}; give a larger input_shape or turn "
            "the head off"
        )
    x = keras.layers.AveragePooling2D(
        POOL_SIZE,
        POOL_STRIDES,
        data_format="channels_last",
        name="aux_pool",
        **policy,
    )(features)
    steps = {"aux_projection": (128, 1), "aux_conv": (768, None)}
    for name, (filters, side) in steps.items():
        size = side or tuple(x.shape[1:3])
        x = conv(filters, size, padding="valid", name=name, **policy)(x)
        x = batch_norm(batch_norm_options, name=f"{name}_norm", **policy)(x)
        x = keras.layers.ReLU(name=f"{name}_relu", **policy)(x)
    x = keras.layers.Flatten(name="aux_flatten", **policy)(x)
    return keras.layers.Dense(classes, name="aux_logits", **policy)(x)
