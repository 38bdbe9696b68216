"""The paper's box head: the cells that are left, on a crop of the features."""

import tensorflow as tf
import tf_keras

from detection.modeling.keras3_model import Keras3Model


class CellsHead(tf_keras.layers.Layer):
    """Classes and boxes of regions (section 3.3; slim's box classifier).

    Args:
        cells: the network's cells from the second reduction on.
        num_classes: the background included.
        class_agnostic: whether all classes share a box.
        kernel_regularizer: of the two dense layers.

    Input: crops `(batch, regions, height, width, channels)`. Output: class
    logits `(batch, regions, classes)` and boxes `(batch, regions, 4 *
    classes)`, encoded relative to the region.
    """

    def __init__(
        self,
        cells: Keras3Model,
        num_classes: int,
        class_agnostic: bool = False,
        kernel_regularizer=None,
    ):
        super().__init__(name="detection_head")
        self.cells = cells

        def dense(units, deviation, name):
            return tf_keras.layers.Dense(
                units,
                kernel_initializer=tf_keras.initializers.RandomNormal(
                    stddev=deviation
                ),
                kernel_regularizer=kernel_regularizer,
                name=name,
            )

        # Deviations of Model Garden's own head.
        self.classifier = dense(num_classes, 0.01, "class_logits")
        boxes = 1 if class_agnostic else num_classes
        self.box_regressor = dense(4 * boxes, 0.001, "box_offsets")

    def call(self, crops, training=None):
        shape = tf.shape(crops)
        # Static where they are known: the cells' kernels ask for it.
        crop_shape = crops.shape[2:]
        regions = tf.reshape(crops, [-1, *crop_shape])
        # `training` is that of the call around; see `Keras3Model`.
        features = self.cells(regions)
        pooled = tf.reduce_mean(features, axis=(1, 2))
        return tuple(
            tf.reshape(layer(pooled), [shape[0], shape[1], layer.units])
            for layer in (self.classifier, self.box_regressor)
        )
