"""Boxes relative to an anchor or a region, and boxes at the image's border."""

import dataclasses
import math

import tensorflow as tf
from official.vision.ops import box_ops

# Model Garden's, as a factor.
GROWTH = 1000 / 16


@dataclasses.dataclass(frozen=True)
class BoxCoder:
    """Faster R-CNN's code of a box (Ren et al. 2015, section 3.1.2).

    Args:
        weights: of y, x, height and width: what encoded values were multiplied
            by. The Object Detection API has (10, 10, 5, 5) in both stages,
            Model Garden in the second.
        growth: how many times as high or wide as its anchor a box can be; 0:
            any.
    """

    weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    growth: float = GROWTH

    def decode(self, encoded: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
        """Boxes in pixels.

        Args:
            encoded: `(..., 4)`: y, x, height and width.
            anchors: `(..., 4)`: ymin, xmin, ymax, xmax in pixels.
        """
        if self.growth == GROWTH:
            return box_ops.decode_boxes(encoded, anchors, list(self.weights))
        encoded = tf.cast(encoded, anchors.dtype) / tf.constant(
            self.weights, anchors.dtype
        )
        if self.growth:
            limits = tf.constant([math.inf] * 2 + [math.log(self.growth)] * 2)
            encoded = tf.minimum(encoded, tf.cast(limits, anchors.dtype))
        sides = anchors[..., 2:] - anchors[..., :2]
        centres = encoded[..., :2] * sides + anchors[..., :2] + 0.5 * sides
        half = 0.5 * tf.exp(encoded[..., 2:]) * sides
        return tf.concat([centres - half, centres + half], axis=-1)


def inside_image(
    boxes: tf.Tensor, others: tuple, image_shape, most: int
) -> tuple[tf.Tensor, tuple, tf.Tensor]:
    """Boxes clipped to the image, those of which nothing is left taken out.

    Args:
        boxes: `(batch, n, 4)` in pixels, in the order that stays.
        others: tensors `(batch, n)` that belong to them, such as scores.
        image_shape: `(batch, 2)`, height and width.
        most: how many to keep.

    Returns:
        `(batch, most, 4)` and the others `(batch, most)`, 0 where there are
        fewer, and how many there are, `(batch,)` int32.
    """
    count = boxes.shape[1]
    clipped = box_ops.clip_boxes(boxes, tf.expand_dims(image_shape, 1))
    kept = are_real(clipped)
    # Places, those that go behind all others: without a tie, so that the order
    # is the same wherever this runs.
    places = tf.range(count, dtype=tf.float32)[None]
    places = places + tf.cast(count, tf.float32) * tf.cast(~kept, tf.float32)
    most = min(most, count)
    _, order = tf.math.top_k(-places, most)
    real = tf.gather(kept, order, batch_dims=1)
    boxes = tf.gather(clipped, order, batch_dims=1)
    boxes = tf.where(real[..., None], boxes, tf.zeros_like(boxes))
    others = tuple(
        tf.where(real, chosen, tf.zeros_like(chosen))
        for values in others
        for chosen in [tf.gather(values, order, batch_dims=1)]
    )
    return boxes, others, tf.reduce_sum(tf.cast(real, tf.int32), axis=1)


def are_real(boxes: tf.Tensor) -> tf.Tensor:
    """Which regions are no padding, `(batch, n)` of `(batch, n, 4)`."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return sides[..., 0] * sides[..., 1] > 0
