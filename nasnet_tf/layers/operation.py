"""The operations of blocks as one layer.

Each operation is a first stage without weights on a hidden state (a ReLU, a
pool, or nothing) and a chain of convolutions. A cell computes a first
stage once, however many operations begin with it.
"""

import keras
from keras import ops

from nasnet_tf.cells.operations import operation_form
from nasnet_tf.layers.convolution import (
    batch_norm,
    conv,
    dilated_conv,
    halved,
    mult_adds,
    separable_conv,
)

FORMAT = "channels_last"
_MAKE = {
    "conv": conv,
    "dilated_conv": dilated_conv,
    "separable_conv": separable_conv,
}


@keras.saving.register_keras_serializable("nasnet_tf")
class Operation(keras.layers.Layer):
    """One operation of a block (paper, section 2 and App. A.4).

    Every convolution is ReLU, convolution, batch norm. Separable convolutions
    are applied twice. A pool or an identity whose input has another stride or
    channel count than its output gets a 1x1 convolution and batch norm.

    The factorised, dilated and 3x3 convolutions are, with `bottleneck`, ReLU,
    1x1 to r, BN, ReLU, the convolution, BN, ReLU, 1x1 to F, BN with
    r = int(3F/8) for 1x3-3x1 and int(F/4) for the others; else the ReLU, the
    convolutions and their BN alone. The paper does not publish this form.

    Args:
        operation: a name in `nasnet_tf.cells.operations`.
        filters: channels of the output.
        strides: 1 or 2.
        bottleneck: see above.
        padding: `"same"`, or `"keras"`: pools of stride 2 see zeros past the
            border, as in `keras.applications`.
        folded: convolutions with biases and no batch norm; see
            `nasnet_tf.fold_batch_norm`.
        batch_norm_options: keyword arguments of the batch norms.

    Input: `(batch, height, width, channels)`, as `first_stage` returns it.
    """

    def __init__(
        self,
        operation,
        filters,
        strides=1,
        bottleneck=True,
        padding="same",
        folded=False,
        batch_norm_options=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.operation = operation
        self.form = operation_form(operation)
        self.filters = filters
        self.strides = strides
        self.bottleneck = bottleneck
        self.padding = padding
        self.folded = folded
        self.batch_norm_options = dict(batch_norm_options or {})
        self.convolutions = []
        self.norms = []

    @property
    def is_pool(self):
        """Whether the operation is a pool."""
        return self.form.pool is not None

    def stage(self, channels):
        """What `first_stage` does to a state of so many channels, as a key."""
        if self.is_pool:
            return (self.operation, self.strides)
        if not self.form.convolutions and self._keeps_shape(channels):
            return ("identity", 1)
        return ("relu", 1)

    def _keeps_shape(self, channels):
        return self.strides == 1 and channels == self.filters

    def first_stage(self, state):
        """The part without weights: ReLU, pool, or nothing."""
        stage, _ = self.stage(state.shape[-1])
        if stage == "relu":
            return ops.relu(state)
        if stage == "identity":
            return state
        pool = ops.max_pool if self.form.pool == "max" else average_pool
        side, padding = self.form.pool_size, "same"
        if self.padding == "keras" and self.strides == 2:
            state, padding = _pad_zeros(state, side), "valid"
        return pool(state, (side, side), self.strides, padding, FORMAT)

    def first_stage_shape(self, shape):
        """The shape that `first_stage` returns for a state of `shape`."""
        return halved(shape) if self.is_pool and self.strides == 2 else shape

    def build(self, input_shape):
        for number, step in enumerate(self.steps(input_shape[-1]), start=1):
            layer = self._convolution(number, *step)
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
            self.convolutions.append(layer)
            if not self.folded:
                norm = batch_norm(
                    self.batch_norm_options,
                    name=f"norm_{number}",
                    dtype=self.dtype_policy,
                )
                norm.build(input_shape)
                self.norms.append(norm)
        self.built = True

    def steps(self, channels):
        """The convolutions: what makes each, kernel size, filters, strides."""
        filters, strides = self.filters, self.strides
        if self.is_pool:
            return [] if channels == filters else [(conv, 1, filters, 1)]
        if not self.form.convolutions:
            keeps = self._keeps_shape(channels)
            return [] if keeps else [(conv, 1, filters, strides)]
        inner = filters
        if self._has_bottleneck:
            inner = max(1, int(filters * self.form.bottleneck))
        taken, left = self._strides()
        steps: list[tuple] = [
            (_MAKE[one.kind], one.size, inner, stride)
            for one, stride in zip(self.form.convolutions, taken, strict=True)
        ]
        if self._has_bottleneck:
            steps = [(conv, 1, inner, 1), *steps, (conv, 1, filters, left)]
        return steps

    @property
    def _has_bottleneck(self):
        return self.bottleneck and self.form.bottleneck is not None

    def _strides(self):
        """The strides of each convolution, and the one left at the end.

        The first convolution that can takes the stride in an axis. What none
        took subsamples the result: in the last convolution of a bottleneck, or
        else in a pool of 1.
        """
        taken, left = [], [self.strides, self.strides]
        for one in self.form.convolutions:
            strides = [1, 1]
            for axis in one.strided_axes:
                strides[axis], left[axis] = left[axis], 1
            taken.append(tuple(strides))
        return taken, left[0]  # a form halves both axes, or none

    def _convolution(self, number, make, size, filters, strides):
        return make(
            filters,
            size,
            strides,
            use_bias=self.folded,
            name=f"{make.__name__}_{number}",
            dtype=self.dtype_policy,
        )

    @property
    def subsamples(self):
        """Whether every second pixel of the chain's result is taken."""
        return (
            bool(self.form.convolutions)
            and not self._has_bottleneck
            and self._strides()[1] != 1
        )

    def call(self, inputs, training=None):
        x = inputs
        for number, layer in enumerate(self.convolutions):
            # The first has had its own in `first_stage`.
            x = layer(ops.relu(x) if number else x)
            if self.norms:
                x = self.norms[number](x, training=training)
        if self.subsamples:
            x = ops.max_pool(x, 1, self.strides, "valid", FORMAT)
        return x

    def compute_output_shape(self, input_shape):
        """The shape after the chain, of an input as `first_stage` gives it."""
        if self.strides == 2 and not self.is_pool:
            input_shape = halved(input_shape)
        return (*input_shape[:-1], self.filters)

    def mult_adds(self, input_shape):
        """Multiply-adds of one image of `input_shape` (after first_stage)."""
        total = 0
        for layer in self.convolutions:
            total += mult_adds(layer, input_shape)
            input_shape = layer.compute_output_shape(input_shape)
        return total

    def get_config(self):
        return {
            **super().get_config(),
            "operation": self.operation,
            "filters": self.filters,
            "strides": self.strides,
            "bottleneck": self.bottleneck,
            "padding": self.padding,
            "folded": self.folded,
            "batch_norm_options": self.batch_norm_options,
        }


def average_pool(x, size, strides, padding, data_format):
    """The mean over a window, without what lies past the border."""
    arguments = (size, strides, padding, data_format)
    # A symbolic tensor has a shape only, or is read as what is meant.
    exact = keras.backend.backend() != "torch"
    if (
        exact
        or keras.backend.is_keras_tensor(x)
        or arguments[1:3] != (2, "same")
    ):
        return ops.average_pool(x, *arguments)
    # On torch Keras repeats the border where SAME pads one side only. The
    # mean with zeros, over the same mean of ones, leaves the padding out.
    total, share = (
        ops.average_pool(
            _pad_zeros(y, size[0]), size, strides, "valid", data_format
        )
        for y in (x, ops.ones_like(x[:1, :, :, :1]))
    )
    return total / share


def _pad_zeros(x, size):
    """Zeros for a stride-2 VALID pool to cover what a SAME pool covers.

    SAME pads one row less before an even size than before an odd one. Padding
    both alike and dropping the first row of an even size does that also where
    the size is unknown when the model is built.
    """
    before = size // 2
    x = ops.pad(x, [[0, 0], [before, before], [before, before], [0, 0]])
    height, width = ops.shape(x)[1], ops.shape(x)[2]
    return x[:, 1 - height % 2 :, 1 - width % 2 :]
