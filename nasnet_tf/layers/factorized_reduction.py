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
        folded: a bias in place of the batch norm; see
            `nasnet_tf.fold_batch_norm`.
        batch_norm_options: keyword arguments of the batch norm.

    Input: `(batch, height, width, channels)`. Output: `(batch,
    ceil(height / 2), ceil(width / 2), filters)`.
    """

    def __init__(
        self, filters, folded=False, batch_norm_options=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.folded = folded
        self.batch_norm_options = dict(batch_norm_options or {})
        half = filters // 2
        # A strided convolution subsamples far faster than a strided slice.
        options = {"strides": 2, "dtype": self.dtype_policy}
        self.path_1 = conv(half, 1, name="path_1", **options)
        self.path_2 = conv(filters - half, 1, name="path_2", **options)
        if not folded:
            self.norm = batch_norm(
                self.batch_norm_options, name="norm", dtype=self.dtype_policy
            )

    def build(self, input_shape):
        self.path_1.build(input_shape)
        self.path_2.build(input_shape)
        if self.folded:
            self.bias = self.add_weight(
                shape=(self.filters,), initializer="zeros", name="bias"
            )
        else:
            self.norm.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, inputs, training=None):
        first = self.path_1(inputs)
        second = self._beside(self.path_2(inputs[:, 1:, 1:]), inputs, first)
        outputs = ops.concatenate([first, second], axis=-1)
        if self.folded:
            return outputs + self.bias
        return self.norm(outputs, training=training)

    def _beside(self, second, inputs, first):
        """Adds the row and the column of an odd size that lie past the border.

        There the second path sees zeros, of which it makes zeros.
        """
        if all(size and size % 2 == 0 for size in inputs.shape[1:3]):
            return second
        second = ops.pad(second, [(0, 0), (0, 1), (0, 1), (0, 0)])
        height, width = ops.shape(first)[1:3]
        return second[:, :height, :width]

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
            "folded": self.folded,
            "batch_norm_options": self.batch_norm_options,
        }
