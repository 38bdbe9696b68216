"""Model Garden's parser of training examples, with anchors of one's own."""

import dataclasses

import tensorflow as tf
from official.modeling import hyperparams
from official.vision.configs import maskrcnn
from official.vision.dataloaders import maskrcnn_input
from official.vision.ops import anchor

from detection.modeling.stretching import image_info, stretched


@dataclasses.dataclass
class ParserConfig(maskrcnn.Parser):
    """Model Garden's, which may stretch images.

    Args:
        keep_aspect_ratio: else images are stretched to `input_size`, as the
            published detector's are.
        half_pixel_centers: how they are stretched; False: as TensorFlow 1 did.
    """

    keep_aspect_ratio: bool = True
    half_pixel_centers: bool = True

    def __post_init__(self, *args, **kwargs):
        # Past Model Garden's, which refuses to stretch.
        hyperparams.Config.__post_init__(self, *args, **kwargs)


@dataclasses.dataclass
class DataConfig(maskrcnn.DataConfig):
    """Model Garden's, with our parser."""

    parser: ParserConfig = dataclasses.field(default_factory=ParserConfig)


class Parser(maskrcnn_input.Parser):
    """Parses examples and labels the anchors of a generator.

    Args:
        anchors: of `detection.modeling.anchors.anchor_generator`.
        outside: a function of the image's size, as `outside_anchors`.
        box_coder_weights: what the anchors' box targets are multiplied by.
        keep_aspect_ratio: see `ParserConfig`.
        half_pixel_centers: see `ParserConfig`.
        **kwargs: of Model Garden's parser.
    """

    def __init__(
        self,
        anchors,
        outside,
        box_coder_weights,
        keep_aspect_ratio=True,
        half_pixel_centers=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._anchors = anchors
        self._outside = outside
        self._weights = box_coder_weights
        self._keep_aspect_ratio = keep_aspect_ratio
        self._half_pixel_centers = half_pixel_centers

    def _parse_train_data(self, data):
        shape = tf.shape(data["image"])[:2]
        image, labels = super()._parse_train_data(self._stretched(data))
        # What Model Garden labels by its own anchors is dropped; a graph does
        # not compute what nothing reads.
        size = tuple(image.shape[:2])
        anchors = self._anchors(size)
        real = labels["gt_classes"] >= 0  # the others are padding
        classes = tf.boolean_mask(labels["gt_classes"], real)
        labeler = LeavingOut(
            self._outside(size),
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
        return image, self._of_original(labels, shape) | {
            "anchor_boxes": anchors,
            "rpn_score_targets": scores,
            "rpn_box_targets": {
                level: self._weighted(targets)
                for level, targets in boxes.items()
            },
        }

    def _parse_eval_data(self, data):
        shape = tf.shape(data["image"])[:2]
        image, labels = super()._parse_eval_data(self._stretched(data))
        anchors = self._anchors(tuple(image.shape[:2]))
        labels = self._of_original(labels, shape)
        return image, labels | {"anchor_boxes": anchors}

    def _stretched(self, data):
        """The example of an image that Model Garden's has not to resize."""
        if self._keep_aspect_ratio:
            return data
        image = stretched(
            data["image"], self._output_size, self._half_pixel_centers
        )
        # Model Garden takes what is no integer to be in [0, 1].
        return data | {"image": image / 255}

    def _of_original(self, labels, shape):
        """Labels in the pixels of the image before it was stretched."""
        if self._keep_aspect_ratio:
            return labels
        labels = labels | {
            "image_info": image_info(shape, labels["image_info"])
        }
        if "groundtruths" in labels:
            truths = labels["groundtruths"]
            scale = tf.cast(shape, tf.float32) / tf.constant(
                self._output_size, tf.float32
            )
            boxes = truths["boxes"]
            real = boxes >= 0  # the others are padding
            boxes = tf.where(real, boxes * tf.tile(scale, [2]), boxes)
            labels["groundtruths"] = truths | {"boxes": boxes}
        return labels

    def _weighted(self, targets):
        weights = list(self._weights)
        if weights == [1.0] * 4:
            return targets
        return targets * tf.constant(weights * (targets.shape[-1] // 4))


class LeavingOut(anchor.RpnAnchorLabeler):
    """Model Garden's, which leaves some anchors out.

    Args:
        outside: those, by level; None: none.
        *args: of Model Garden's.
    """

    def __init__(self, outside, *args):
        super().__init__(*args)
        self._left_out = outside

    def label_anchors(self, anchor_boxes, gt_boxes, gt_labels):
        if self._left_out is not None:
            # Where no object is, so that none is an object's best.
            anchor_boxes = {
                level: tf.where(
                    tf.repeat(self._left_out[level], 4, axis=-1),
                    tf.constant(_NOWHERE * (boxes.shape[-1] // 4)),
                    boxes,
                )
                for level, boxes in anchor_boxes.items()
            }
        scores, boxes = super().label_anchors(anchor_boxes, gt_boxes, gt_labels)
        if self._left_out is not None:
            # An object that overlaps no anchor is given the first one.
            boxes = {
                level: tf.where(
                    tf.repeat(self._left_out[level], 4, axis=-1),
                    tf.zeros_like(targets),
                    targets,
                )
                for level, targets in boxes.items()
            }
        return scores, boxes

    def _get_rpn_samples(self, match_results):
        if self._left_out is not None:
            left_out = tf.concat(
                [tf.reshape(mask, [-1]) for mask in self._left_out.values()],
                axis=0,
            )
            ignored = tf.constant(-2, match_results.dtype)
            match_results = tf.where(left_out, ignored, match_results)
        return super()._get_rpn_samples(match_results)


_NOWHERE = [-9e5, -9e5, -9e5 + 16, -9e5 + 16]
