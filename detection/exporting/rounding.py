"""How far rounding alone moves what a checkpoint finds."""

import tensorflow as tf

from detection.detectors.checkpoint import CheckpointDetector
from detection.modeling.serving import DetectionModule

# Of a float32, as a part of it.
_LAST_BIT = 2.0**-23


class _RoundedInput(tf.Module):
    """A detector that sees pixels whose last bit differs."""

    def __init__(self, model):
        super().__init__()
        self._model = model

    def call(self, images, **inputs):
        signs = tf.random.stateless_uniform(
            tf.shape(images), (0, 0), 0, 2, tf.int32
        )
        signs = tf.cast(2 * signs - 1, images.dtype)
        return self._model.call(
            images=images * (1 + _LAST_BIT * signs), **inputs
        )

    __call__ = call


def rounded_otherwise(reference: CheckpointDetector) -> CheckpointDetector:
    """The checkpoint's detector with other rounding, its weights shared.

    It sees each pixel, as the network does, up or down by about its last bit.

    Args:
        reference: it stays as it is.
    """
    module = reference.module
    return CheckpointDetector(
        DetectionModule(
            module.params, batch_size=1, model=_RoundedInput(module.model)
        ),
        f"{reference.name}, rounded otherwise",
        reference.categories,
    )
