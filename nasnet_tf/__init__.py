"""NASNet in Keras 3: models, and what they grow from.

>>> import nasnet_tf
>>> model = nasnet_tf.NASNetMobile(weights="imagenet")
"""

from nasnet_tf import quiet_commands  # noqa: F401
from nasnet_tf.applications import (
    NASNetLarge,
    NASNetMobile,
    decode_predictions,
    preprocess_input,
    read_images,
)
from nasnet_tf.batch_norm_statistics import (
    RecalibrateBatchNorm,
    recalibrate_batch_norm,
)
from nasnet_tf.errors import InputError
from nasnet_tf.features import feature_extractor
from nasnet_tf.folding import fold_batch_norm
from nasnet_tf.genotype import Block, Cell, Genotype
from nasnet_tf.genotypes import NASNET_A, NASNET_B, NASNET_C, get_genotype
from nasnet_tf.layers import drop_path_scope
from nasnet_tf.nasnet import NASNet
from nasnet_tf.presets import from_preset, get_preset, list_presets
from nasnet_tf.version import __version__
from nasnet_tf.weights import load_weights

__all__ = [
    "NASNET_A",
    "NASNET_B",
    "NASNET_C",
    "Block",
    "Cell",
    "Genotype",
    "InputError",
    "NASNet",
    "NASNetLarge",
    "NASNetMobile",
    "RecalibrateBatchNorm",
    "__version__",
    "decode_predictions",
    "drop_path_scope",
    "feature_extractor",
    "fold_batch_norm",
    "from_preset",
    "get_genotype",
    "get_preset",
    "list_presets",
    "load_weights",
    "preprocess_input",
    "read_images",
    "recalibrate_batch_norm",
]
