"""Weights from files of Keras, TF-slim and timm."""

from nasnet_tf.networks.variables import named_variables
from nasnet_tf.weights.loading import WeightsReport, load_weights
from nasnet_tf.weights.names import keras_name, slim_name

__all__ = [
    "WeightsReport",
    "keras_name",
    "load_weights",
    "named_variables",
    "slim_name",
]
