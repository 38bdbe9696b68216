"""The proposal head without batch norm, as the Object Detection API has it."""

import tensorflow as tf
import tf_keras
from official.modeling import tf_utils


class RPNHead(tf_keras.layers.Layer):
    """Scores and boxes of the anchors of one map.

    Args:
        anchors: at each position.
        num_filters: of the 3x3 convolution before both.
        activation: after it.
        softmax: two logits for each anchor, the background's first, as the
            Object Detection API has them; else one, as Model Garden.
        kernel_regularizer: of all kernels.

    Input: `{level: (batch, rows, columns, channels)}`. Output: two such dicts:
    logits `(batch, rows, columns, anchors)`, of two the difference, whose
    sigmoid is their softmax; and encoded boxes `(batch, rows, columns, 4 *
    anchors)`.
    """

    def __init__(
        self,
        anchors: int,
        num_filters: int,
        activation: str = "relu",
        softmax: bool = False,
        kernel_regularizer=None,
    ):
        super().__init__(name="rpn_head")
        self._softmax = softmax
        self._activation = tf_utils.get_activation(activation)

        def convolution(filters, size, deviation, name):
            return tf_keras.layers.Conv2D(
                filters,
                size,
                padding="same",
                kernel_initializer=tf_keras.initializers.RandomNormal(
                    stddev=deviation
                ),
                kernel_regularizer=kernel_regularizer,
                name=name,
            )

        # The Object Detection API's deviation for all three.
        self.conv = convolution(num_filters, 3, 0.01, "rpn_conv")
        self.scores = convolution(
            anchors * (2 if softmax else 1), 1, 0.01, "rpn_scores"
        )
        self.boxes = convolution(4 * anchors, 1, 0.01, "rpn_boxes")

    def call(self, features, training=None):
        ((level, values),) = features.items()
        hidden = self._activation(self.conv(values))
        scores = self.scores(hidden)
        if self._softmax:
            shape = tf.shape(scores)
            anchors = scores.shape[-1] // 2
            pairs = tf.reshape(scores, [-1, shape[1], shape[2], anchors, 2])
            pairs = tf.ensure_shape(
                pairs, [None, *scores.shape[1:3], anchors, 2]
            )
            scores = pairs[..., 1] - pairs[..., 0]
        return {level: scores}, {level: self.boxes(hidden)}
