"""Non-maximum suppression of one image by an operation that LiteRT has.

The operation is greedy, as `tf.image.combined_non_max_suppression` is, so
that both keep the same boxes.
"""

import numpy as np
import tensorflow as tf
from official.vision.ops import box_ops

from detection.modeling.box_coder import inside_image
from detection.modeling.proposals import ROIGenerator


def suppress(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    most: int,
    iou_threshold: float,
    score_threshold: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Keeps the surest boxes of which no two overlap much.

    Args:
        boxes: `(n, 4)`, ymin, xmin, ymax, xmax.
        scores: `(n,)`.
        most: how many to keep.
        iou_threshold: of two boxes that overlap more the surer stays.
        score_threshold: what is not surer goes.

    Returns:
        Boxes `(most, 4)`, the surest first, and scores `(most,)`; where there
        are fewer, boxes 0 and scores 0.
    """
    kept, count = tf.raw_ops.NonMaxSuppressionV4(
        boxes=_empty_ones_apart(boxes),
        scores=scores,
        max_output_size=tf.constant(most),
        iou_threshold=tf.constant(iou_threshold, tf.float32),
        score_threshold=tf.constant(score_threshold, tf.float32),
        pad_to_max_output_size=True,
    )
    kept = tf.ensure_shape(kept, [most])
    real = tf.cast(tf.range(most) < count, boxes.dtype)
    return tf.gather(boxes, kept) * real[:, None], tf.gather(
        scores, kept
    ) * real


def _empty_ones_apart(boxes):
    """Boxes without area moved out of the image, each to a place of its own.

    Nothing overlaps them, in TensorFlow. LiteRT puts a box that it has kept
    back into its queue, and relies on the box overlapping itself to be rid of
    it: one without area would be kept again and again.
    """
    places = -2.0 * np.arange(1, boxes.shape[0] + 1, dtype=np.float32)
    apart = np.stack([places, places, places + 1, places + 1], axis=1)
    sides = boxes[:, 2:] - boxes[:, :2]
    empty = sides[:, :1] * sides[:, 1:] <= 0
    return tf.where(empty, apart, boxes)


def detect_greedily(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    score_threshold: float,
    iou_threshold: float,
    most: int,
    image_shape: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """The detections of one image, as Model Garden's generators return them.

    Args:
        boxes: `(n, classes, 4)`, or `(n, 1, 4)` where classes share a box.
        scores: `(n, classes)`, without the background.
        score_threshold: what is not surer is left out.
        iou_threshold: of two boxes of a class that overlap more the surer
            stays.
        most: detections of all classes together.
        image_shape: `(1, 2)`, where boxes are to be clipped to it afterwards,
            as `clip_after_nms` does.

    Returns:
        `detection_boxes` `(1, most, 4)`, `detection_scores` and
        `detection_classes` `(1, most)`, from 1, and `num_detections` `(1,)`.
    """
    shared = boxes.shape[1] == 1
    boxes_of = tf.unstack(tf.transpose(boxes, [1, 0, 2]))
    found = [
        suppress(
            boxes_of[0 if shared else number],
            scores_of,
            most,
            iou_threshold,
            score_threshold,
        )
        for number, scores_of in enumerate(tf.unstack(tf.transpose(scores)))
    ]
    all_boxes = tf.concat([boxes for boxes, _ in found], axis=0)
    all_scores = tf.concat([scores for _, scores in found], axis=0)
    # By classes, `most` of each; class 0 is the background.
    classes = np.repeat(np.arange(1, len(found) + 1, dtype=np.int32), most)
    considered = most if image_shape is None else len(classes)
    scores, order = tf.math.top_k(all_scores, considered)
    boxes, classes = tf.gather(all_boxes, order), tf.gather(classes, order)
    real = tf.cast(scores > 0, tf.int32)
    count = tf.reduce_sum(real)[None]
    boxes, scores, classes = boxes[None], scores[None], (classes * real)[None]
    if image_shape is not None:
        boxes, (scores, classes), count = inside_image(
            boxes, (scores, classes), image_shape, most
        )
    return {
        "detection_boxes": boxes,
        "detection_scores": scores,
        "detection_classes": classes,
        "num_detections": count,
    }


class GreedyROIGenerator(ROIGenerator):
    """Our generator of proposals, of one image and for inference.

    It proposes what that does with `use_batched_nms`.
    """

    def call(
        self, raw_boxes, raw_scores, anchor_boxes, image_shape, training=None
    ):
        if training:
            raise NotImplementedError("it is for inference")
        config = self._config_dict
        found = [
            self._propose(
                self._decoded(raw_boxes[level], anchor_boxes[level])[0],
                tf.sigmoid(tf.reshape(raw_scores[level], [-1])),
                image_shape,
            )
            for level in sorted(raw_scores)
        ]
        boxes = tf.concat([boxes for boxes, _ in found], axis=0)
        scores = tf.concat([scores for _, scores in found], axis=0)
        most = min(scores.shape[0], config["test_num_proposals"])
        scores, order = tf.math.top_k(scores, most)
        boxes, scores = tf.gather(boxes, order)[None], scores[None]
        if self.clip_after_nms:
            boxes, (scores,), _ = inside_image(
                boxes, (scores,), image_shape, most
            )
        return boxes, scores

    def _propose(self, boxes, scores, image_shape):
        config = self._config_dict
        if not self.clip_after_nms:
            boxes = box_ops.clip_boxes(boxes, image_shape)
        least = config["test_pre_nms_min_size_threshold"]
        if least > 0:
            boxes, scores = box_ops.filter_boxes(
                boxes, scores, image_shape, least
            )
        most = min(boxes.shape[0], config["test_num_proposals"])
        if config["test_nms_iou_threshold"] > 0:
            return suppress(
                boxes,
                scores,
                most,
                config["test_nms_iou_threshold"],
                config["test_pre_nms_score_threshold"],
            )
        scores, order = tf.math.top_k(scores, most)
        return tf.gather(boxes, order), scores
