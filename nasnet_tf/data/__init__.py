"""Images to train and to evaluate on, through tf.data."""

from nasnet_tf.data.batches import (
    evaluation_batches,
    statistics_batches,
    training_batches,
)
from nasnet_tf.data.corrupt_images import CorruptImages, decoding_errors
from nasnet_tf.data.opening import Data, open_data, open_evaluation
from nasnet_tf.data.source import Source

__all__ = [
    "CorruptImages",
    "Data",
    "Source",
    "decoding_errors",
    "evaluation_batches",
    "open_data",
    "open_evaluation",
    "statistics_batches",
    "training_batches",
]
