"""What `import nasnet_tf` gives."""

from nasnet_tf.cells.genotype import Block, Cell, Genotype
from nasnet_tf.cells.genotypes import NASNET_A, NASNET_B, NASNET_C, get_genotype
from nasnet_tf.cells.operations import (
    Convolution,
    OperationForm,
    register_operation,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.layers import drop_path_scope
from nasnet_tf.networks.batch_norm_statistics import (
    RecalibrateBatchNorm,
    recalibrate_batch_norm,
)
from nasnet_tf.networks.features import feature_extractor
from nasnet_tf.networks.folding import fold_batch_norm
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.weights import load_weights
from nasnet_tf.zoo.applications import (
    NASNetLarge,
    NASNetMobile,
    decode_predictions,
    preprocess_input,
    read_images,
)
from nasnet_tf.zoo.presets import from_preset, get_preset, list_presets
