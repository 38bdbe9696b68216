"""The 13 operations of the search space as one layer.

Each operation is a first stage without weights on a hidden state (a ReLU, a
pool, or nothing) and a chain of layers with weights. A cell computes a first
stage once, however many operations begin with it.
"""

import keras
from keras import ops

from nasnet_tf.layers.convolution import (
    batch_norm,
    conv,
    halved,
    mult_adds,
    separable_conv,
)

# Share of F between the two 1x1 convolutions of a bottleneck. Not published:
# taken from the same group's later networks.
BOTTLENECKS = {
    "conv_1x3_3x1": 3 / 8,
    "conv_1x7_7x1": 1 / 4,
    "conv_3x3": 1 / 4,
    "dilated_conv_3x3": 1 / 4,
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
        operation: a name of `nasnet_tf.genotype.OPERATIONS`.
        filters: channels of the output.
        strides: 1 or 2.
        bottleneck: see above.
        padding: `"same"`, or `"keras"`: pools of stride 2 see zeros past the
            border, as in `keras.applications`.
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
        batch_norm_options=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.operation = operation
        self.filters = filters
        self.strides = strides
        self.bottleneck = bottleneck
        self.padding = padding
        self.batch_norm_options = dict(batch_norm_options or {})
        self.chain = []

    @property
    def kernel_size(self):
        """The size in the operation's name; `(1, 7)` for `conv_1x7_7x1`."""
        height, width = self.operation.split("_")[-1].split("x")
        return (int(height), int(width))

    @property
    def is_pool(self):
        """Whether the operation is a pool."""
        return "_pool_" in self.operation

    def stage(self, channels):
        """What `first_stage` does to a state of so many channels, as a key."""
        if self.is_pool:
            return (self.operation, self.strides)
        if self.operation == "identity" and self._keeps_shape(channels):
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
        pool = ops.max_pool if "max" in stage else ops.average_pool
        padding = "same"
        if self.padding == "keras" and self.strides == 2:
            state, padding = _pad_zeros(state, self.kernel_size[0]), "valid"
        return pool(
            state,
            self.kernel_size,
            strides=self.strides,
            padding=padding,
            data_format="channels_last",
        )

    def first_stage_shape(self, shape):
        """The shape that `first_stage` returns for a state of `shape`."""
        return halved(shape) if self.is_pool and self.strides == 2 else shape

    def build(self, input_shape):
        self.chain = self._make_chain(input_shape[-1])
        for layer in self.chain:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
        self.built = True

    def _make_chain(self, channels):
        name, filters, strides = self.operation, self.filters, self.strides
        if self.is_pool:
            needed = channels != filters
            return self._normed([(conv, 1, filters)]) if needed else []
        if name == "identity":
            needed = not self._keeps_shape(channels)
            return self._normed([(conv, 1, filters, strides)]) if needed else []
        size = self.kernel_size
        if name.startswith("separable"):
            return self._normed(
                [
                    (separable_conv, size, filters, strides),
                    (separable_conv, size, filters),
                ]
            )
        if name == "conv_1x1":
            return self._normed([(conv, 1, filters, strides)])
        inner = filters
        if self.bottleneck:
            inner = max(1, int(filters * BOTTLENECKS[name]))
        if name in ("conv_1x3_3x1", "conv_1x7_7x1"):
            steps = [
                (conv, size, inner, (1, strides)),
                (conv, size[::-1], inner, (strides, 1)),
            ]
        else:
            dilation = 2 if name == "dilated_conv_3x3" else 1
            steps = [(conv, size, inner, strides, dilation)]
        if self.bottleneck:
            steps = [(conv, 1, inner), *steps, (conv, 1, filters)]
        return self._normed(steps)

    def _normed(self, steps):
        """Convolutions, each with its batch norm, ReLU between them."""
        chain = []
        for number, (make, *arguments) in enumerate(steps, start=1):
            size, filters, *strides_and_dilation = arguments
            strides, dilation = (*strides_and_dilation, 1, 1)[:2]
            policy = {"dtype": self.dtype_policy}
            if chain:
                chain.append(keras.layers.ReLU(name=f"relu_{number}", **policy))
            name = f"{make.__name__}_{number}"
            if dilation > 1:
                # Keras allows no stride beside a dilation: subsample after.
                chain.append(
                    make(
                        filters,
                        size,
                        dilation_rate=dilation,
                        name=name,
                        **policy,
                    )
                )
                if strides > 1:
                    chain.append(
                        Subsample(strides, name=f"subsample_{number}", **policy)
                    )
            else:
                chain.append(make(filters, size, strides, name=name, **policy))
            chain.append(
                batch_norm(
                    self.batch_norm_options, name=f"norm_{number}", **policy
                )
            )
        return chain

    def call(self, inputs, training=None):
        x = inputs
        for layer in self.chain:
            if isinstance(layer, keras.layers.BatchNormalization):
                x = layer(x, training=training)
            else:
                x = layer(x)
        return x

    def compute_output_shape(self, input_shape):
        """The shape after the chain, of an input as `first_stage` gives it."""
        if self.strides == 2 and not self.is_pool:
            input_shape = halved(input_shape)
        return (*input_shape[:-1], self.filters)

    def mult_adds(self, input_shape):
        """Multiply-adds of one image of `input_shape` (after first_stage)."""
        total = 0
        for layer in self.chain:
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
            "batch_norm_options": self.batch_norm_options,
        }


@keras.saving.register_keras_serializable("nasnet_tf")
class Subsample(keras.layers.Layer):
    """Keeps every n-th row and column, beginning with the first."""

    def __init__(self, strides, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides

    def call(self, inputs):
        return inputs[:, :: self.strides, :: self.strides]

    def compute_output_shape(self, input_shape):
        return halved(input_shape, self.strides)

    def get_config(self):
        return {**super().get_config(), "strides": self.strides}


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
