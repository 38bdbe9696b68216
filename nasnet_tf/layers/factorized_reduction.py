"""The factorised reduction that halves an older hidden state."""

import keras
from keras import ops

from nasnet_tf.layers.convolution import batch_norm, conv, halved


@keras.saving.register_keras_serializable("nasnet_tf")
class FactorizedReduction(keras.layers.Layer):
    """Halves a state's resolution without losing half of its pixels.

    Two 1x1 convolutions of half the filters read the state subsampled at
    (0, 0) and, shifted by one pixel right and down, at (1, 1), with zeros
    past the border; the results are concatenated and normalised (slim's
    `factorized_reduction`). No ReLU: the caller's input has had it.

    Args:
        filters: channels of the output; even.
        batch_norm_options: keyword arguments of the batch norm.

    Input: `(batch, height, width, channels)`. Output: `(batch,
    ceil(height / 2), ceil(width / 2), filters)`.
    """

    def __init__(self, filters, batch_norm_options=None, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.batch_norm_options = dict(batch_norm_options or {})
        half = filters // 2
        # A strided convolution subsamples far faster than a strided slice.
        options = {"strides": 2, "dtype": self.dtype_policy}
        self.path_1 = conv(half, 1, name="path_1", **options)
        self.path_2 = conv(filters - half, 1, name="path_2", **options)
        self.norm = batch_norm(
            self.batch_norm_options, name="norm", dtype=self.dtype_policy
        )

    def build(self, input_shape):
        self.path_1.build(input_shape)
        self.path_2.build(input_shape)
        self.norm.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, inputs, training=None):
        # The shift of the second path is in its kernel: the lower right tap
        # of four. No pixel is moved, and a SAME convolution sees zeros past
        # the border of odd sizes.
        kernel = ops.pad(self.path_2.kernel, [(1, 0), (1, 0), (0, 0), (0, 0)])
        paths = [
            self.path_1(inputs),
            ops.conv(
                inputs,
                kernel,
                strides=2,
                padding="same",
                data_format="channels_last",
            ),
        ]
        return self.norm(ops.concatenate(paths, axis=-1), training=training)

    def compute_output_shape(self, input_shape):
        return (*halved(input_shape)[:-1], self.filters)

    def mult_adds(self, input_shape):
        """Multiply-adds of one image of `input_shape`."""
        _, height, width, filters = self.compute_output_shape(input_shape)
        return height * width * input_shape[-1] * filters

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "batch_norm_options": self.batch_norm_options,
        }
