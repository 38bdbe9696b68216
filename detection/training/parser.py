"""Model Garden's parser of training examples, with anchors of one's own."""

import tensorflow as tf
from official.vision.dataloaders import maskrcnn_input
from official.vision.ops import anchor


class Parser(maskrcnn_input.Parser):
    """Parses examples and labels the anchors of a generator.

    Args:
        anchors: of `detection.modeling.anchors.anchor_generator`.
        **kwargs: of Model Garden's parser.
    """

    def __init__(self, anchors, **kwargs):
        super().__init__(**kwargs)
        self._anchors = anchors

    def _parse_train_data(self, data):
        image, labels = super()._parse_train_data(data)
        # What Model Garden labels by its own anchors is dropped; a graph does
        # not compute what nothing reads.
        anchors = self._anchors(tuple(image.shape[:2]))
        real = labels["gt_classes"] >= 0  # the others are padding
        classes = tf.boolean_mask(labels["gt_classes"], real)
        labeler = anchor.RpnAnchorLabeler(
            self._rpn_match_threshold,
            self._rpn_unmatched_threshold,
            self._rpn_batch_size_per_im,
            self._rpn_fg_fraction,
        )
        scores, boxes = labeler.label_anchors(
            anchors,
            tf.boolean_mask(labels["gt_boxes"], real),
            tf.cast(classes[:, None], tf.float32),
        )
        return image, labels | {
            "anchor_boxes": anchors,
            "rpn_score_targets": scores,
            "rpn_box_targets": boxes,
        }

    def _parse_eval_data(self, data):
        image, labels = super()._parse_eval_data(data)
        anchors = self._anchors(tuple(image.shape[:2]))
        return image, labels | {"anchor_boxes": anchors}
