"""Regions cropped from a feature map as the Object Detection API does it."""

import numpy as np
import tensorflow as tf
import tf_keras


class CropAndResize(tf_keras.layers.Layer):
    """`tf.image.crop_and_resize` in the place of Model Garden's aligner.

    The outermost of the points that are read lie on the region's edges. Model
    Garden's lie inside; with `sample_offset` 0 they begin at the upper left
    edge and end before the lower right.

    Args:
        crop_size: height and width of the crops.
        built_in: whether the operation of TensorFlow crops, or others that
            LiteRT has too, with the same values.

    Call: `(features, boxes)` with one map `{level: (batch, rows, columns,
    channels)}` and boxes `(batch, regions, 4)` in pixels. Output: `(batch,
    regions, crop_size, crop_size, channels)`.
    """

    def __init__(self, crop_size: int, built_in: bool = True):
        super().__init__()
        self._crop_size = crop_size
        self._built_in = built_in

    def get_config(self):
        return {"crop_size": self._crop_size, "built_in": self._built_in}

    def call(self, features, boxes, training=None):
        ((level, values),) = features.items()
        rows, columns = values.shape[1:3]
        # Of the image, which has whole positions.
        height, width = (float(side << int(level)) for side in (rows, columns))
        boxes = tf.cast(boxes, tf.float32)
        normalized = boxes / tf.constant([height, width, height, width])
        if not self._built_in:
            crops = _gathered(values[0], normalized[0], self._crop_size)
            return crops[None]
        shape = tf.shape(boxes)
        # It takes no bfloat16, and returns float32 whatever it is given.
        crops = tf.image.crop_and_resize(
            tf.cast(values, tf.float32),
            tf.reshape(normalized, [-1, 4]),
            tf.repeat(tf.range(shape[0]), shape[1]),
            [self._crop_size] * 2,
        )
        crops = tf.cast(crops, values.dtype)
        size, channels = self._crop_size, values.shape[-1]
        crops = tf.reshape(crops, [-1, shape[1], size, size, channels])
        return tf.ensure_shape(
            crops, [None, boxes.shape[1], size, size, channels]
        )


def _gathered(values, boxes, size):
    """Of one image: `(regions, size, size, channels)`."""
    first, second, shares = [], [], []
    for axis in (0, 1):
        last = values.shape[axis] - 1
        start, end = boxes[:, axis, None], boxes[:, axis + 2, None]
        step = (end - start) * (last / (size - 1))
        places = start * last + np.arange(size, dtype=np.float32) * step
        floors = tf.floor(places)
        # Beyond the map there is nothing, for the operation too.
        inside = tf.cast((places >= 0) & (places <= last), tf.float32)
        first.append(tf.cast(tf.clip_by_value(floors, 0, last), tf.int32))
        ceilings = tf.math.ceil(places)
        second.append(tf.cast(tf.clip_by_value(ceilings, 0, last), tf.int32))
        share = places - floors
        shares.append(((1 - share) * inside, share * inside))
    columns = values.shape[1]
    flat = tf.reshape(values, [-1, values.shape[2]])
    total = 0.0
    for rows, row_shares in zip((first[0], second[0]), shares[0], strict=True):
        for offsets, column_shares in zip(
            (first[1], second[1]), shares[1], strict=True
        ):
            places = rows[:, :, None] * columns + offsets[:, None]
            found = tf.gather(flat, places)
            share = row_shares[:, :, None] * column_shares[:, None]
            total += found * tf.cast(share, values.dtype)[..., None]
    return total
