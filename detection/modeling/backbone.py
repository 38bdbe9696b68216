"""NASNet as a backbone of Model Garden: `backbone.type: nasnet`."""

import dataclasses

import keras
import tensorflow as tf
import tf_keras
from official.modeling import hyperparams
from official.vision.configs import backbones
from official.vision.modeling.backbones import factory
from official.vision.ops import preprocess_ops

import nasnet_tf
from detection.modeling.keras3_model import Keras3Model
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.features import (
    feature_extractor,
    feature_levels,
    split_before_second_reduction,
)
from nasnet_tf.zoo.configured_network import configured_arguments

# No pixel is as near to ImageNet's mean in all channels: these lie a quarter
# and more from whole numbers, which is 0.005 here.
_PADDING = 1e-4


@dataclasses.dataclass
class NASNetConfig(hyperparams.Config):
    """The network: a preset or a genotype, and what differs from it.

    None stands for the preset's value, or for `nasnet_tf.NASNet`'s own
    without one.

    Args:
        preset: a name of `nasnet_tf.list_presets()`.
        genotype: `"NASNET_A"`, `"NASNET_B"`, `"NASNET_C"` or the path of a
            genotype `.json` file.
        num_cells: see `nasnet_tf.NASNet`, and so for all not listed here.
        min_level: of the feature maps; a map of level l has stride 2^l.
        max_level: the same; the decoder adds coarser ones.
        preprocessing: `"scale"`: to [-1, 1]; `"whitening"`: each image to mean
            0 and variance 1; None: what the initial weights were trained
            with, `"scale"` without any.
        drop_path_keep_prob: keep probability of ScheduledDropPath in the last
            cell.
        drop_path_total_steps: training steps over which it sets in.
        freeze_batch_norm: whether batch norm stays as the initial weights
            have it; None: where there are initial weights.
        seed: of drop path.
    """

    preset: str | None = "nasnet_a_mobile"
    genotype: str | None = None
    num_cells: int | None = None
    penultimate_filters: int | None = None
    stem: str | None = None
    stem_multiplier: float | None = None
    skip_reduction_layer_input: bool | None = None
    min_level: int = 2
    max_level: int = 5
    preprocessing: str | None = None
    drop_path_keep_prob: float = 1.0
    drop_path_total_steps: int | None = None
    freeze_batch_norm: bool | None = False
    seed: int = 0


@dataclasses.dataclass
class Backbone(backbones.Backbone):
    """Model Garden's backbones and NASNet."""

    type: str | None = "nasnet"
    nasnet: NASNetConfig = dataclasses.field(default_factory=NASNetConfig)


_FOLDED = {
    "folded": True,
    "drop_path_keep_prob": 1.0,
    "drop_path_total_steps": None,
}


class NASNetBackbone(Keras3Model):
    """Feature maps of a NASNet, by level.

    Args:
        network: the arguments of `nasnet_tf.NASNet`.
        extract: of the network makes the model that is wrapped, with a dict
            of feature maps by level (a text) as output.
        **options: of `Keras3Model`.

    Input: images `(batch, height, width, 3)` as Model Garden's parsers
    normalise them, by ImageNet's mean and deviation; they are brought into the
    range of the network's `preprocessing`. Output: `{"2": ...}`.
    """

    def __init__(self, network: dict, extract, **options):
        def build():
            made = nasnet_tf.NASNet(**network)
            # Past tf_keras, as in `Keras3Model`.
            object.__setattr__(self, "network", made)
            return extract(made)

        super().__init__(build, name="backbone", **options)

    # As in `Keras3Model`.
    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=None):
        whitens = self.network.preprocessing == "whitening"
        bring = whitened if whitens else to_unit_range
        return super().call(bring(inputs), training=training)


def to_unit_range(images):
    """Images as Model Garden normalises them, in [-1, 1]."""
    deviation = tf.constant(preprocess_ops.STDDEV_NORM, images.dtype)
    mean = tf.constant(preprocess_ops.MEAN_NORM, images.dtype)
    return images * (2 * deviation) + (2 * mean - 1)


def whitened(images):
    """Images as Model Garden normalises them, each of mean 0 and variance 1.

    As `nasnet_tf.preprocess_input` does it with images that nothing was added
    to: what pads them, Model Garden's zeros, does not count and becomes 0.
    """
    values = tf.cast(images, tf.float32)
    is_image = tf.reduce_any(tf.abs(values) > _PADDING, axis=-1, keepdims=True)
    is_image = tf.cast(is_image, tf.float32)
    count = tf.maximum(
        3 * tf.reduce_sum(is_image, axis=(1, 2, 3), keepdims=True), 1.0
    )
    values = to_unit_range(values) * 127.5 + 127.5

    def mean(values):
        total = tf.reduce_sum(values * is_image, axis=(1, 2, 3), keepdims=True)
        return total / count

    centred = values - mean(values)
    deviation = tf.sqrt(mean(tf.square(centred)))
    # The floor of `preprocess_input`.
    scaled = centred / tf.maximum(deviation, tf.math.rsqrt(count))
    return tf.cast(scaled * is_image, images.dtype)


def network_arguments(
    config: NASNetConfig,
    input_shape,
    norm_activation,
    name: str = "nasnet",
    folded: bool = False,
) -> dict:
    """The arguments of `nasnet_tf.NASNet` that a configuration stands for.

    Args:
        config: of the backbone.
        input_shape: height, width and channels of the images.
        norm_activation: Model Garden's; its momentum and `use_sync_bn` count,
            epsilon is the preset's, with which weights were trained.
        name: of the network.
        folded: without batch norm and drop path; see `build_nasnet`.

    Raises:
        InputError: a value is bad.
    """
    if not config.preset and config.genotype is None:
        raise InputError(
            "task.model.backbone.nasnet.preset: null, and so is genotype; "
            f"give one of {', '.join(nasnet_tf.list_presets())}, or a genotype"
        )
    policy = tf_keras.mixed_precision.global_policy().name
    arguments = configured_arguments(config) | {
        "input_shape": tuple(input_shape),
        "include_top": False,
        "preprocessing": config.preprocessing or "scale",
        "drop_path_keep_prob": config.drop_path_keep_prob,
        "drop_path_total_steps": config.drop_path_total_steps,
        "batch_norm_momentum": norm_activation.norm_momentum,
        "synchronized_batch_norm": norm_activation.use_sync_bn,
        "seed": config.seed,
        # tf_keras's policy does not reach Keras 3 by itself.
        "dtype": policy,
        "name": name,
    }
    return arguments | (_FOLDED if folded else {})


def wrapper_options(config: NASNetConfig, l2_regularizer) -> dict:
    """The options of `Keras3Model` that a configuration stands for."""
    return {
        "regularizer": l2_regularizer,
        "freeze_batch_norm": bool(config.freeze_batch_norm),
        "draws": config.drop_path_keep_prob < 1,
        "seed": config.seed,
    }


@factory.register_backbone_builder("nasnet")
def build_nasnet(
    input_specs: tf_keras.layers.InputSpec,
    backbone_config: hyperparams.Config,
    norm_activation_config: hyperparams.Config,
    l2_regularizer: tf_keras.regularizers.Regularizer = None,
    folded: bool = False,
) -> NASNetBackbone:
    """Builds the backbone that `backbone.type: nasnet` names.

    Args:
        input_specs: of images, `(batch, height, width, 3)`.
        backbone_config: `task.model.backbone`.
        norm_activation_config: `task.model.norm_activation`.
        l2_regularizer: of tf_keras, or None.
        folded: for inference: without batch norm, which its convolutions
            take; see `nasnet_tf.networks.folding`.

    Raises:
        InputError: a value is bad, or the network has no such levels.
    """
    config = backbone_config.get()
    arguments = network_arguments(
        config, input_specs.shape[1:], norm_activation_config, folded=folded
    )

    def extract(network):
        levels = range(config.min_level, config.max_level + 1)
        available = feature_levels(network)
        for key in ("min_level", "max_level"):
            if getattr(config, key) not in available:
                raise InputError(
                    f"task.model.backbone.nasnet.{key}: {getattr(config, key)} "
                    "is not a level of this network; choose one of "
                    f"{', '.join(map(str, available))}"
                )
        return feature_extractor(network, list(levels))

    return NASNetBackbone(
        arguments, extract, **wrapper_options(config, l2_regularizer)
    )


def inference_backbone(
    input_specs, model_config, for_inference: bool
) -> NASNetBackbone | None:
    """The backbone without batch norm, where it is one that can be folded.

    Args:
        input_specs: of images, `(batch, height, width, 3)`.
        model_config: `task.model` of an experiment.
        for_inference: whether it is asked for.

    Returns:
        None where Model Garden's factory is to build it.
    """
    is_ours = model_config.backbone.type == "nasnet"
    if not (for_inference and is_ours):
        return None
    return build_nasnet(
        input_specs,
        model_config.backbone,
        model_config.norm_activation,
        folded=True,
    )


def build_proposal_backbone(
    input_specs,
    backbone_config,
    norm_activation_config,
    l2_regularizer=None,
    min_level: int = 4,
    folded: bool = False,
) -> tuple[NASNetBackbone, Keras3Model]:
    """The two stages of the paper's detector (section 3.3).

    Args:
        input_specs: of images, `(batch, height, width, 3)`.
        backbone_config: `task.model.backbone`.
        norm_activation_config: `task.model.norm_activation`.
        l2_regularizer: of tf_keras, or None.
        min_level: that the rest of the detector takes the map for.
        folded: see `build_nasnet`.

    Returns:
        The backbone, with one map of two cells' outputs, and the cells that
        are left, to be called on crops of that map. They share one network,
        which is the backbone's `network`.
    """
    config = backbone_config.get()
    arguments = network_arguments(
        config, input_specs.shape[1:], norm_activation_config, folded=folded
    )
    options = wrapper_options(config, l2_regularizer)
    rest = []

    def extract(network):
        proposals, last_cells = split_before_second_reduction(network)
        rest.append(last_cells)
        stride = network.plan.cells[-1].outputs[0].stride // 2
        level = str(stride.bit_length() - 1)
        if level != str(min_level):
            raise InputError(
                f"task.model.min_level: {min_level} is not the level of the "
                f"cells before the second reduction, {level}; set it to that"
            )
        return keras.Model(proposals.input, {level: proposals.output})

    backbone = NASNetBackbone(arguments, extract, **options)
    head = Keras3Model(lambda: rest[0], name="last_cells", **options)
    return backbone, head
