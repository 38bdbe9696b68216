"""Faster R-CNN of Model Garden with NASNet, with FPN and as in the paper."""

import dataclasses

import tensorflow as tf
from official.vision.configs import maskrcnn
from official.vision.modeling import factory, maskrcnn_model

from detection.modeling.anchors import Anchor, anchor_generator
from detection.modeling.backbone import (
    Backbone,
    build_proposal_backbone,
    inference_backbone,
)
from detection.modeling.box_coder import GROWTH, BoxCoder, are_real
from detection.modeling.box_head import CellsHead
from detection.modeling.checks import check_faster_rcnn
from detection.modeling.crop_and_resize import CropAndResize
from detection.modeling.final_boxes import DetectionGenerator
from detection.modeling.proposals import ROIGenerator
from detection.modeling.rpn_head import RPNHead

# A logit.
_NEVER = -1e4


@dataclasses.dataclass
class RPNHeadConfig(maskrcnn.RPNHead):
    """Model Garden's proposal head, or the Object Detection API's.

    Its activation is `norm_activation.activation`.

    Args:
        use_batch_norm: after the convolution; without, there is one.
        objectness: `"sigmoid"` of a logit, or `"softmax"` of two, the
            background's first; the latter without batch norm only.
        box_coder_weights: of y, x, height and width; see `BoxCoder`.
    """

    use_batch_norm: bool = True
    objectness: str = "sigmoid"
    box_coder_weights: list[float] = dataclasses.field(
        default_factory=lambda: [1.0, 1.0, 1.0, 1.0]
    )


@dataclasses.dataclass
class ROIGeneratorConfig(maskrcnn.ROIGenerator):
    """Model Garden's proposals; what is added: see `ROIGenerator`."""

    clip_after_nms: bool = False


@dataclasses.dataclass
class ROIAlignerConfig(maskrcnn.ROIAligner):
    """Model Garden's crops, or others.

    Args:
        method: `"align"`, Model Garden's, or `"crop_and_resize"`; see
            `CropAndResize`.
    """

    method: str = "align"


@dataclasses.dataclass
class DetectionGeneratorConfig(maskrcnn.DetectionGenerator):
    """Model Garden's final boxes; what is added: see `DetectionGenerator`."""

    clip_after_nms: bool = False


@dataclasses.dataclass
class FasterRCNN(maskrcnn.MaskRCNN):
    """Model Garden's Faster R-CNN with NASNet.

    Args:
        cells_head: the paper's form: proposals from the two cells before the
            second reduction, the cells that are left as box head.
        regions_at_once: how many regions the box head classifies at a time
            when it does not train; 0: all. It bounds memory.
        box_growth: how many times as high or wide as its anchor or region a
            box can be; 0: any, as in the Object Detection API.
    """

    include_mask: bool = False
    mask_head: maskrcnn.MaskHead | None = None
    mask_sampler: maskrcnn.MaskSampler | None = None
    mask_roi_aligner: maskrcnn.MaskROIAligner | None = None
    anchor: Anchor = dataclasses.field(default_factory=Anchor)
    backbone: Backbone = dataclasses.field(default_factory=Backbone)
    rpn_head: RPNHeadConfig = dataclasses.field(default_factory=RPNHeadConfig)
    roi_generator: ROIGeneratorConfig = dataclasses.field(
        default_factory=ROIGeneratorConfig
    )
    roi_aligner: ROIAlignerConfig = dataclasses.field(
        default_factory=ROIAlignerConfig
    )
    detection_generator: DetectionGeneratorConfig = dataclasses.field(
        default_factory=DetectionGeneratorConfig
    )
    cells_head: bool = False
    regions_at_once: int = 0
    box_growth: float = GROWTH


class FasterRCNNModel(maskrcnn_model.MaskRCNNModel):
    """Model Garden's model with our anchors, and regions in portions.

    Args:
        anchors: of `anchor_generator`.
        regions_at_once: see `FasterRCNN`.
        **kwargs: of Model Garden's model.
    """

    def __init__(self, anchors, regions_at_once=0, **kwargs):
        super().__init__(**kwargs)
        self._anchors = anchors
        self._regions_at_once = regions_at_once

    def call(
        self,
        images,
        image_shape,
        anchor_boxes=None,
        gt_boxes=None,
        gt_classes=None,
        gt_masks=None,
        gt_outer_boxes=None,
        training=None,
    ):
        if anchor_boxes is None:
            batch = tf.shape(images)[0]
            anchor_boxes = {
                level: tf.tile(boxes[None], [batch, 1, 1, 1])
                for level, boxes in self._anchors(images.shape[1:3]).items()
            }
        return super().call(
            images,
            image_shape,
            anchor_boxes,
            gt_boxes,
            gt_classes,
            gt_masks,
            gt_outer_boxes,
            training,
        )

    def _run_frcnn_head(self, features, rois, *args, training=None, **kwargs):
        portion = self._regions_at_once
        count = rois.shape[1]
        if training or not portion or count is None or count <= portion:
            return super()._run_frcnn_head(
                features, rois, *args, training=training, **kwargs
            )
        model_outputs = kwargs["model_outputs"]
        classes, boxes = self._in_portions(features, rois, portion)
        model_outputs.update(class_outputs=classes, box_outputs=boxes)
        return classes, boxes, model_outputs, None, None, None, rois

    def _in_portions(self, features, rois, portion):
        """The box head on some regions after others.

        Portions behind the last region are left out: what pads the regions is
        background.
        """
        count = rois.shape[1]
        portions = -(-count // portion)
        padded = tf.pad(rois, [[0, 0], [0, portions * portion - count], [0, 0]])
        batch = tf.shape(rois)[0]
        padded = tf.reshape(padded, [batch, portions, portion, 4])
        places = tf.where(are_real(rois), tf.range(1, count + 1), 0)
        needed = -(-tf.reduce_max(places) // portion)
        # A cascade, which has more of them, is refused with portions.
        head = self.detection_head[0]

        def classify(regions):
            classes, boxes = head(self.roi_aligner(features, regions))
            return tf.cast(classes, tf.float32), tf.cast(boxes, tf.float32)

        classes, boxes = tf.map_fn(
            classify,
            tf.transpose(padded, [1, 0, 2, 3])[:needed],
            fn_output_signature=(tf.float32, tf.float32),
            # One after the other, since it is for memory.
            parallel_iterations=1,
        )
        background = tf.one_hot([0], classes.shape[-1], 0.0, _NEVER)
        outputs = []
        for output, rest in ((classes, background), (boxes, 0.0)):
            left_out = [portions - needed, batch, portion, output.shape[-1]]
            output = tf.concat(
                [output, tf.broadcast_to(rest, left_out)], axis=0
            )
            output = tf.reshape(
                tf.transpose(output, [1, 0, 2, 3]),
                [batch, portions * portion, output.shape[-1]],
            )
            outputs.append(output[:, :count])
        return tuple(outputs)


def build_faster_rcnn(
    input_specs,
    model_config: FasterRCNN,
    l2_regularizer=None,
    for_inference: bool = False,
) -> FasterRCNNModel:
    """Builds the detector of a configuration.

    Args:
        input_specs: of images, `(batch, height, width, 3)`.
        model_config: `task.model` of an experiment.
        l2_regularizer: of tf_keras, or None.
        for_inference: see `detection.modeling.detector.build_detector`.

    Raises:
        InputError: a value is bad, or does not fit another.
    """
    check_faster_rcnn(model_config)
    last_cells = None
    if not model_config.cells_head:
        backbone = inference_backbone(input_specs, model_config, for_inference)
    else:
        backbone, last_cells = build_proposal_backbone(
            input_specs,
            model_config.backbone,
            model_config.norm_activation,
            l2_regularizer,
            model_config.min_level,
            for_inference,
        )
    built = factory.build_maskrcnn(
        input_specs, model_config, l2_regularizer, backbone=backbone
    )
    parts = dict(built.get_config())
    parts |= _boxes(model_config, built)
    if not model_config.rpn_head.use_batch_norm:
        anchor = model_config.anchor
        parts["rpn_head"] = RPNHead(
            anchor.num_scales * len(anchor.aspect_ratios),
            model_config.rpn_head.num_filters,
            model_config.norm_activation.activation,
            model_config.rpn_head.objectness == "softmax",
            l2_regularizer,
            as_product=for_inference,
        )
    if last_cells is not None:
        head = model_config.detection_head
        parts["detection_head"] = CellsHead(
            last_cells,
            model_config.num_classes,
            head.class_agnostic_bbox_pred,
            l2_regularizer,
        )
    return FasterRCNNModel(
        anchors=anchor_generator(model_config),
        regions_at_once=model_config.regions_at_once,
        **parts,
    )


def _boxes(config, built):
    """The parts without weights that make and choose boxes."""
    weights = tuple(config.rpn_head.box_coder_weights)
    aligner = built.roi_aligner
    if config.roi_aligner.method == "crop_and_resize":
        aligner = CropAndResize(config.roi_aligner.crop_size)
    return {
        "roi_generator": ROIGenerator(
            BoxCoder(weights, config.box_growth),
            config.roi_generator.clip_after_nms,
            **built.roi_generator.get_config(),
        ),
        "roi_aligner": aligner,
        "detection_generator": DetectionGenerator(
            config.detection_generator.clip_after_nms,
            config.box_growth,
            **built.detection_generator.get_config(),
        ),
    }
