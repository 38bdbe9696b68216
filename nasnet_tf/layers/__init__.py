"""The Keras 3 layers that NASNet is made of."""

from nasnet_tf.layers.batch_normalization import BatchNormalization
from nasnet_tf.layers.cell import NASNetCell
from nasnet_tf.layers.drop_path import ScheduledDropPath, drop_path_scope
from nasnet_tf.layers.dropout import Dropout
from nasnet_tf.layers.factorized_reduction import FactorizedReduction
from nasnet_tf.layers.operation import Operation

__all__ = [
    "BatchNormalization",
    "Dropout",
    "FactorizedReduction",
    "NASNetCell",
    "Operation",
    "ScheduledDropPath",
    "drop_path_scope",
]
