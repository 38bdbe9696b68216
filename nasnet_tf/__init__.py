"""NASNet in Keras 3: models, and what they grow from.

>>> import nasnet_tf
>>> model = nasnet_tf.NASNetMobile(weights="imagenet")
"""

from nasnet_tf.terminal import quiet_commands
from nasnet_tf.version import __version__

__all__ = [
    "NASNET_A",
    "NASNET_B",
    "NASNET_C",
    "Block",
    "Cell",
    "Convolution",
    "Genotype",
    "InputError",
    "NASNet",
    "NASNetLarge",
    "NASNetMobile",
    "OperationForm",
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
    "register_operation",
]


def __getattr__(name):
    # A command says what its flags are before it needs Keras, which takes
    # seconds; what it then asks for comes from here.
    if name in __all__:
        from nasnet_tf import public

        return getattr(public, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# A program that imports this package gets all of it, so that Keras knows the
# layers of a file that is loaded.
if not quiet_commands.STARTING:
    from nasnet_tf.public import *
