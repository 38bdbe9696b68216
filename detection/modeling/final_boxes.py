"""Model Garden's final boxes, in float32, and the Object Detection API's."""

import tensorflow as tf
from official.vision.modeling.layers import detection_generator

from detection.modeling.box_coder import BoxCoder, are_real, inside_image
from detection.modeling.float32 import in_float32


class DetectionGenerator(detection_generator.DetectionGenerator):
    """What is found, of all regions and classes.

    Args:
        clip_after_nms: suppress the boxes as they are, clip them to the image
            afterwards and take out those of which nothing is left, as the
            Object Detection API does; else clip first, as Model Garden.
            Suppression is then the `batched` one.
        growth: see `BoxCoder`.
        **kwargs: of Model Garden's generator.
    """

    def __init__(self, clip_after_nms: bool, growth: float, **kwargs):
        super().__init__(**kwargs)
        self.clip_after_nms = clip_after_nms
        self.growth = growth

    def get_config(self):
        added = {"clip_after_nms": self.clip_after_nms, "growth": self.growth}
        return super().get_config() | added

    def __call__(
        self,
        raw_boxes,
        raw_scores,
        anchor_boxes,
        image_shape,
        regression_weights=None,
        bbox_per_class=True,
    ):
        inputs = in_float32((raw_boxes, raw_scores, anchor_boxes, image_shape))
        if not self.clip_after_nms:
            return super().__call__(*inputs, regression_weights, bbox_per_class)
        raw_boxes, raw_scores, regions, image_shape = inputs
        config = self._config_dict
        scores = tf.nn.softmax(raw_scores)[..., 1:]
        count, classes = scores.shape[1:]
        boxes = tf.reshape(raw_boxes, [-1, count, raw_boxes.shape[-1] // 4, 4])
        if bbox_per_class:
            boxes = boxes[:, :, 1:]
        coder = BoxCoder(tuple(regression_weights), self.growth)
        # What pads the regions is none, whatever it is classified as.
        real = are_real(regions)[..., None]
        scores = tf.where(real, scores, tf.zeros_like(scores))
        boxes = coder.decode(boxes, regions[:, :, None])
        boxes = tf.where(real[..., None], boxes, tf.zeros_like(boxes))
        if not config["apply_nms"]:
            return {"decoded_boxes": boxes, "decoded_box_scores": scores}
        most = config["max_num_detections"]
        # All of all classes: some may lie outside the image.
        boxes, scores, labels, _ = tf.image.combined_non_max_suppression(
            boxes,
            scores,
            max_output_size_per_class=most,
            max_total_size=most * classes,
            iou_threshold=config["nms_iou_threshold"],
            score_threshold=config["pre_nms_score_threshold"],
            pad_per_class=False,
            clip_boxes=False,
        )
        boxes, (scores, labels), found = inside_image(
            boxes, (scores, labels + 1), image_shape, most
        )
        return {
            "num_detections": found,
            "detection_boxes": boxes,
            "detection_classes": labels,
            "detection_scores": scores,
        }
