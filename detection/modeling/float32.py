"""Boxes in float32, whatever the network computes in.

In bfloat16 a coordinate near 600 is off by 4 pixels, and TensorFlow's
suppression of overlapping boxes takes float32 only.
"""

import tensorflow as tf


def in_float32(values):
    """Floating tensors of a nested structure as float32, others as they are."""
    return tf.nest.map_structure(_in_float32, values)


def _in_float32(value):
    if tf.is_tensor(value) and value.dtype.is_floating:
        return tf.cast(value, tf.float32)
    return value
