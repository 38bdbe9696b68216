"""Model Garden's proposals, in float32, and the Object Detection API's."""

import tensorflow as tf
from official.vision.modeling.layers import roi_generator

from detection.modeling.box_coder import BoxCoder, inside_image
from detection.modeling.float32 import in_float32


class ROIGenerator(roi_generator.MultilevelROIGenerator):
    """Regions that the box head classifies.

    Args:
        coder: of the proposal head's boxes.
        clip_after_nms: suppress the boxes as they are, clip them to the image
            afterwards and take out those of which nothing is left, as the
            Object Detection API does; else clip first, as Model Garden.
        **kwargs: of Model Garden's generator.
    """

    def __init__(self, coder: BoxCoder, clip_after_nms: bool = False, **kwargs):
        # Else tf_keras casts what it is called with to the policy's type.
        super().__init__(dtype="float32", **kwargs)
        self.coder = coder
        self.clip_after_nms = clip_after_nms

    def get_config(self):
        added = {"coder": self.coder, "clip_after_nms": self.clip_after_nms}
        return super().get_config() | added

    def call(
        self, raw_boxes, raw_scores, anchor_boxes, image_shape, training=None
    ):
        raw_boxes, raw_scores, anchor_boxes, image_shape = in_float32(
            (raw_boxes, raw_scores, anchor_boxes, image_shape)
        )
        config = self._config_dict
        test = "" if training else "test_"
        names = (
            "pre_nms_top_k",
            "pre_nms_score_threshold",
            "pre_nms_min_size_threshold",
            "nms_iou_threshold",
            "num_proposals",
        )
        boxes, scores = roi_generator._multilevel_propose_rois(
            {
                level: self._decoded(boxes, anchor_boxes[level])
                for level, boxes in raw_boxes.items()
            },
            raw_scores,
            anchor_boxes,
            image_shape,
            **{name: config[test + name] for name in names},
            use_batched_nms=config["use_batched_nms"],
            decode_boxes=False,
            clip_boxes=not self.clip_after_nms,
        )
        if self.clip_after_nms:
            boxes, (scores,), _ = inside_image(
                boxes, (scores,), image_shape, boxes.shape[1]
            )
        return boxes, scores

    def _decoded(self, boxes, anchors):
        count = boxes.shape[1] * boxes.shape[2] * boxes.shape[3] // 4
        return self.coder.decode(
            tf.reshape(boxes, [-1, count, 4]),
            tf.reshape(anchors, [-1, count, 4]),
        )
