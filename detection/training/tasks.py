"""Model Garden's detection tasks with NASNet: what they build and read."""

import copy
import dataclasses
import functools

import tensorflow as tf
import tf_keras
from official.common import dataset_fn as dataset_fns
from official.core import base_task, task_factory
from official.vision.configs import maskrcnn, retinanet
from official.vision.dataloaders import (
    input_reader,
    input_reader_factory,
    tf_example_decoder,
    tf_example_label_map_decoder,
    tfds_factory,
)
from official.vision.ops import preprocess_ops
from official.vision.tasks import maskrcnn as maskrcnn_tasks
from official.vision.tasks import retinanet as retinanet_tasks

import nasnet_tf
from detection.data import tfds_decoder
from detection.modeling.anchors import anchor_generator, outside_anchors
from detection.modeling.checks import check_initial_weights
from detection.modeling.detector import build_detector
from detection.modeling.faster_rcnn import FasterRCNN
from detection.modeling.retinanet import RetinaNet
from detection.training.annotation_file import label_annotations
from detection.training.initial_detector import start_from
from detection.training.parser import DataConfig, Parser
from nasnet_tf.data import decoding
from nasnet_tf.zoo.configured_network import saved_arguments
from nasnet_tf.zoo.presets import get_preset

# Of the parser's configuration; the others are only checked by it.
_PARSER_OPTIONS = (
    "rpn_match_threshold",
    "rpn_unmatched_threshold",
    "rpn_batch_size_per_im",
    "rpn_fg_fraction",
    "aug_rand_hflip",
    "aug_rand_vflip",
    "aug_scale_min",
    "aug_scale_max",
    "aug_type",
    "skip_crowd_during_training",
    "max_num_instances",
    "keep_aspect_ratio",
    "half_pixel_centers",
)

tfds_decoder.register()

_as_it_stands = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass
class FasterRCNNTask(maskrcnn.MaskRCNNTask):
    """Model Garden's task; what is added: see `RetinaNetTask`."""

    model: FasterRCNN = dataclasses.field(default_factory=FasterRCNN)
    train_data: DataConfig = dataclasses.field(
        default_factory=lambda: DataConfig(is_training=True)
    )
    validation_data: DataConfig = dataclasses.field(
        default_factory=lambda: DataConfig(drop_remainder=False)
    )
    initial_weights: str | None = None
    recalibrate_batch_norm: str = "auto"


@dataclasses.dataclass
class RetinaNetTask(retinanet.RetinaNetTask):
    """Model Garden's task.

    Args:
        initial_weights: `"imagenet"` or the path of a classifier's weights,
            see `nasnet_tf.load_weights`, which training starts from: a
            `.keras` file, a Keras `.h5` file or a TF-slim checkpoint.
        recalibrate_batch_norm: whether the statistics of batch norms that are
            trained are measured anew, over 256 training images, before each
            checkpoint and evaluation: `"auto"` does where the training is
            short for the momentum; else `"always"` or `"never"`. See
            `detection.training.recalibration`.
    """

    model: RetinaNet = dataclasses.field(default_factory=RetinaNet)
    initial_weights: str | None = None
    recalibrate_batch_norm: str = "auto"


def has_initial_weights(task_config) -> bool:
    """Whether training starts from weights, ours or Model Garden's."""
    return bool(task_config.initial_weights or task_config.init_checkpoint)


def preprocessing_of_weights(task_config) -> str:
    """How the images were scaled that the initial weights were trained on.

    A `.keras` file of a NASNet says it; else it is the preset's. Without
    weights it is `"scale"`.
    """
    weights = task_config.initial_weights
    if not weights:
        return "scale"
    saved = saved_arguments(weights)
    if saved:
        return saved["preprocessing"]
    preset = task_config.model.backbone.nasnet.preset
    arguments = get_preset(preset).arguments if preset else {}
    return arguments.get("preprocessing", "scale")


class _NASNetTask(base_task.Task):
    """What both tasks have: their model and its initial weights.

    Steps are traced as they stand, and no function in them is rewritten by
    AutoGraph first: none has a condition or a loop over tensors in Python
    (TensorFlow would refuse it), and that took a quarter of the time of a job
    of four steps.
    """

    def __init__(self, params, *args, **kwargs):
        super().__init__(params, *args, **kwargs)
        check_initial_weights(params)
        if params.model.backbone.type != "nasnet":
            return
        self._task_config = copy.deepcopy(params)
        nasnet = self._task_config.model.backbone.nasnet
        if nasnet.freeze_batch_norm is None:
            nasnet.override({"freeze_batch_norm": has_initial_weights(params)})
        if nasnet.preprocessing is None:
            nasnet.override({"preprocessing": preprocessing_of_weights(params)})

    @_as_it_stands
    def build_model(self) -> tf_keras.Model:
        config = self.task_config
        # As parsers pad images: the coarsest level has whole pixels.
        size = preprocess_ops.compute_padded_size(
            config.model.input_size[:2], 2**config.model.max_level
        )
        return build_detector(
            config.model,
            size,
            l2_regularizer=_l2_regularizer(config.losses.l2_weight_decay),
            freeze_backbone=config.freeze_backbone,
        )

    @_as_it_stands
    def train_step(self, *args, **kwargs):
        return super().train_step(*args, **kwargs)

    @_as_it_stands
    def validation_step(self, *args, **kwargs):
        return super().validation_step(*args, **kwargs)

    def build_metrics(self, training: bool = True):
        metrics = super().build_metrics(training)
        if not training:
            label_annotations(
                getattr(self, "coco_metric", None), self.task_config
            )
        return metrics

    def initialize(self, model: tf_keras.Model):
        given = self.task_config.init_checkpoint
        if given and self.task_config.init_checkpoint_modules == "all":
            fresh = start_from(model, given)
            told = f"; fresh: {'; '.join(fresh)}" if fresh else ""
            print(f"started from {given}{told}", flush=True)
        else:
            super().initialize(model)
        if self.task_config.initial_weights:
            report = nasnet_tf.load_weights(
                model.backbone.network, self.task_config.initial_weights
            )
            print(f"initial weights: {report}", flush=True)


@task_factory.register_task_cls(FasterRCNNTask)
class NASNetFasterRCNNTask(_NASNetTask, maskrcnn_tasks.MaskRCNNTask):
    """Faster R-CNN: with FPN, or as in the paper."""

    def build_inputs(
        self, params, input_context=None, dataset_fn=None
    ) -> tf.data.Dataset:
        reader = input_reader_factory.input_reader_generator(
            params,
            dataset_fn=dataset_fn
            or dataset_fns.pick_dataset_fn(params.file_type),
            decoder_fn=_decoder(params).decode,
            combine_fn=input_reader.create_combine_fn(params),
            parser_fn=_as_it_stands(
                self.build_parser(params).parse_fn(params.is_training)
            ),
        )
        return reader.read(input_context=input_context)

    def build_parser(self, params) -> Parser:
        """The parser of examples of `train_data` or `validation_data`."""
        model = self.task_config.model
        return Parser(
            anchor_generator(model),
            functools.partial(outside_anchors, model),
            model.rpn_head.box_coder_weights,
            output_size=model.input_size[:2],
            min_level=model.min_level,
            max_level=model.max_level,
            num_scales=model.anchor.num_scales,
            aspect_ratios=model.anchor.aspect_ratios,
            anchor_size=model.anchor.anchor_size,
            dtype=params.dtype,
            **{key: getattr(params.parser, key) for key in _PARSER_OPTIONS},
        )


@task_factory.register_task_cls(RetinaNetTask)
class NASNetRetinaNetTask(_NASNetTask, retinanet_tasks.RetinaNetTask):
    """RetinaNet with FPN."""


def _l2_regularizer(weight_decay):
    # Half of it, as `tf.nn.l2_loss` has and Model Garden's tasks too.
    if not weight_decay:
        return None
    return tf_keras.regularizers.l2(weight_decay / 2)


def _decoder(params):
    if params.tfds_name:
        return tfds_factory.get_detection_decoder(params.tfds_name)
    config = params.decoder.get()
    options = {"regenerate_source_id": config.regenerate_source_id}
    if params.decoder.type == "label_map_decoder":
        return tf_example_label_map_decoder.TfExampleDecoderLabelMap(
            label_map=config.label_map, **options
        )
    return _ExampleDecoder(**options)


class _ExampleDecoder(tf_example_decoder.TfExampleDecoder):
    """Model Garden's, which decodes images as all of our commands do."""

    @_as_it_stands
    def decode(self, serialized_example):
        return super().decode(serialized_example)

    def _decode_image(self, parsed_tensors):
        return decoding.decode(parsed_tensors["image/encoded"])
