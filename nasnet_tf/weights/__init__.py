"""Weights from Keras and TF-slim files."""

from nasnet_tf.weights.loading import load_weights
from nasnet_tf.weights.names import named_variables

__all__ = ["load_weights", "named_variables"]
