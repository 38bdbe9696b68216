"""A NASNet cell as a layer, built from its description."""

import keras
from keras import ops

from nasnet_tf.cells.genotype import Cell
from nasnet_tf.layers.convolution import halved
from nasnet_tf.layers.factorized_reduction import FactorizedReduction
from nasnet_tf.layers.operation import Operation

# Not published for B and C: chosen as TF-slim's layers of the time do it, over
# all axes but the batch, with Keras's epsilon. One group is layer norm, a
# group for every channel (-1) instance norm.
NORM_GROUPS = {"add_layer_norm": 1, "add_instance_norm": -1}
NORM_EPSILON = 1e-3


@keras.saving.register_keras_serializable("nasnet_tf")
class NASNetCell(keras.layers.Layer):
    """One cell (paper, Figures 4, 7 and 8), any genotype's.

    Every ReLU and every pool of a hidden state is computed once, however many
    operations begin with it. The ReLU of an input that the cell projects or
    halves is left to the caller, because other cells read it too.

    Layer norm is over height, width and channels and instance norm over
    height and width, each with a scale and an offset for every channel; the
    paper publishes neither.

    Args:
        cell: a `Cell`, or its fields as a dict.
        filters: F of this cell.
        strides: of the operations on the inputs; 2 in a reduction cell.
        projected: for each input, whether a 1x1 convolution and batch norm
            bring it to F channels. Such an input is given after its ReLU.
        halvings: for each input, how many factorised reductions halve it
            first. Such an input is given after its ReLU.
        bottleneck: see `Operation`.
        padding: `"same"` or `"keras"`; see `Operation`.
        drop_path: whether the call takes a last input: the factors of this
            cell's paths, `(batch, paths)`, from `ScheduledDropPath`.
        rematerialize: recompute the cell in the backward pass of training
            instead of keeping its activations.
        folded: convolutions with biases and no batch norm; see
            `nasnet_tf.fold_batch_norm`.
        batch_norm_options: keyword arguments of the batch norms.

    Inputs: a list of hidden states `(batch, height, width, channels)`, the
    newest first, all of the newest one's resolution after their halvings.
    Output: the cell's output, or a list of them where it has several, each
    `(batch, ceil(height / strides), ceil(width / strides), width * F)`.
    """

    def __init__(
        self,
        cell,
        filters,
        strides=1,
        projected=None,
        halvings=None,
        bottleneck=True,
        padding="same",
        drop_path=False,
        rematerialize=False,
        folded=False,
        batch_norm_options=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.cell = cell if isinstance(cell, Cell) else Cell.from_dict(cell)
        count = self.cell.num_inputs
        self.filters = filters
        self.strides = strides
        self.projected = tuple(projected or (False,) * count)
        self.halvings = tuple(halvings or (0,) * count)
        self.bottleneck = bottleneck
        self.padding = padding
        self.drop_path = drop_path
        self.rematerialize = rematerialize
        self.folded = folded
        self.batch_norm_options = dict(batch_norm_options or {})
        self._make_layers()

    def _make_layers(self):
        self.adapters = [
            self._make_adapter(number) for number in range(self.cell.num_inputs)
        ]
        self.branches, self.norms = [], {}
        for number, block in enumerate(self.cell.blocks):
            for side, (operation, state) in zip(
                ("left", "right"), block.branches, strict=True
            ):
                is_input = state < self.cell.num_inputs
                layer = self._operation(
                    operation,
                    f"block_{number}_{side}",
                    strides=self.strides if is_input else 1,
                )
                self.branches.append(layer)
            if block.combiner in NORM_GROUPS:
                self.norms[str(number)] = keras.layers.GroupNormalization(
                    NORM_GROUPS[block.combiner],
                    epsilon=NORM_EPSILON,
                    name=f"block_{number}_norm",
                    dtype=self.dtype_policy,
                )
        # Made in build, which knows the channels.
        self.output_projections = {}

    def _make_adapter(self, number):
        """The layers that bring input `number` to the cell's F channels."""
        if self.halvings[number]:
            return [
                self._reduction(f"input_{number}_halving_{count}")
                for count in range(self.halvings[number])
            ]
        if self.projected[number]:
            return [self._operation("conv_1x1", f"input_{number}")]
        return []

    def _operation(self, operation, name, strides=1):
        return Operation(
            operation,
            self.filters,
            strides=strides,
            bottleneck=self.bottleneck,
            padding=self.padding,
            folded=self.folded,
            batch_norm_options=self.batch_norm_options,
            name=name,
            dtype=self.dtype_policy,
        )

    def _reduction(self, name):
        return FactorizedReduction(
            self.filters,
            folded=self.folded,
            batch_norm_options=self.batch_norm_options,
            name=name,
            dtype=self.dtype_policy,
        )

    @property
    def num_paths(self):
        """Paths that drop path can drop: operations but the identity."""
        return sum(branch.operation != "identity" for branch in self.branches)

    def build(self, input_shapes):
        for layer, shape in self.layers_and_shapes(input_shapes):
            layer.build(shape)
        self.built = True

    def layers_and_shapes(self, input_shapes):
        """Yields every layer with the shape of its input, in order.

        The layers need not be built.
        """
        shapes = []
        # With drop path there is one input more.
        for layers, shape in zip(self.adapters, input_shapes, strict=False):
            for layer in layers:
                yield layer, shape
                shape = layer.compute_output_shape(shape)
            shapes.append(tuple(shape))
        branches = iter(self.branches)
        for number, block in enumerate(self.cell.blocks):
            for _, state in block.branches:
                branch = next(branches)
                shape = branch.first_stage_shape(shapes[state])
                yield branch, shape
                shape = branch.compute_output_shape(shape)
            if block.combiner == "concat":
                shape = (*shape[:-1], 2 * self.filters)
            elif str(number) in self.norms:
                yield self.norms[str(number)], shape
            shapes.append(shape)
        self._make_output_projections(shapes)
        for state, layer in self.output_projections.items():
            yield layer, shapes[int(state)]

    def _make_output_projections(self, shapes):
        """For inputs that leave the cell with another width or stride."""
        leaving = {state for output in self.cell.outputs for state in output}
        for state in sorted(leaving):
            is_input = state < self.cell.num_inputs
            if self.built or not is_input:
                continue
            name = f"output_{state}"
            if self.strides > 1:
                self.output_projections[str(state)] = self._reduction(name)
            elif shapes[state][-1] != self.filters:
                layer = self._operation("conv_1x1", name)
                self.output_projections[str(state)] = layer

    def call(self, inputs, training=None):
        if self.rematerialize and training:
            return self._call_rematerialized(inputs)
        return self._call(inputs, training)

    def _call(self, inputs, training):
        states = list(inputs)
        factors = states.pop() if self.drop_path else None
        states = [
            self._adapt(layers, state, training)
            for layers, state in zip(self.adapters, states, strict=True)
        ]
        run = _Branches(self.branches, factors if training else None, training)
        for number, block in enumerate(self.cell.blocks):
            left, right = [run.next(states, s) for _, s in block.branches]
            if block.combiner == "concat":
                state = ops.concatenate([left, right], axis=-1)
            else:
                state = ops.add(left, right)
            if str(number) in self.norms:
                state = self.norms[str(number)](state)
            states.append(state)
        for state, layer in self.output_projections.items():
            states[int(state)] = layer(states[int(state)], training=training)
        outputs = [
            ops.concatenate([states[s] for s in output], axis=-1)
            if len(output) > 1
            else states[output[0]]
            for output in self.cell.outputs
        ]
        return outputs[0] if len(outputs) == 1 else outputs

    def _adapt(self, layers, state, training):
        for number, layer in enumerate(layers):
            state = ops.relu(state) if number else state
            state = layer(state, training=training)
        return state

    def _call_rematerialized(self, inputs):
        """Recomputes the cell for its gradient; updates statistics once.

        `keras.remat` of a plain call would also update them when it
        recomputes: so the cell runs on values, and the state is assigned here.
        """
        trainable = self.trainable_variables
        state = self.non_trainable_variables

        def run(trainable_values, state_values, *inputs):
            mapping = [
                *zip(trainable, trainable_values, strict=True),
                *zip(state, state_values, strict=True),
            ]
            with keras.StatelessScope(state_mapping=mapping) as scope:
                outputs = self._call(inputs, training=True)
            return outputs, [scope.get_current_value(v) for v in state]

        # Values, not variables: TensorFlow would count a variable's gradient
        # twice in eager mode, as an argument and as a variable that was read.
        outputs, updated = keras.remat(run)(
            [ops.cast(v, v.dtype) for v in trainable],
            [ops.cast(v, v.dtype) for v in state],
            *inputs,
        )
        for variable, value in zip(state, updated, strict=True):
            variable.assign(value)
        return outputs

    def compute_output_shape(self, input_shapes):
        shape = halved(input_shapes[0], self.strides)
        shapes = [
            (*shape[:-1], width * self.filters)
            for width in self.cell.output_widths
        ]
        return shapes[0] if len(shapes) == 1 else shapes

    def mult_adds(self, input_shapes):
        """Multiply-adds of one image; the shapes are `call`'s, batch first."""
        return sum(
            layer.mult_adds(shape)
            for layer, shape in self.layers_and_shapes(input_shapes)
            if hasattr(layer, "mult_adds")
        )

    def get_config(self):
        return {
            **super().get_config(),
            "cell": self.cell.to_dict(),
            "filters": self.filters,
            "strides": self.strides,
            "projected": self.projected,
            "halvings": self.halvings,
            "bottleneck": self.bottleneck,
            "padding": self.padding,
            "drop_path": self.drop_path,
            "rematerialize": self.rematerialize,
            "folded": self.folded,
            "batch_norm_options": self.batch_norm_options,
        }


class _Branches:
    """Runs a cell's operations in order, sharing their first stages."""

    def __init__(self, branches, factors, training):
        self.branches = iter(branches)
        self.factors = factors
        self.training = training
        self.stages = {}
        self.path = 0

    def next(self, states, number):
        """The next operation's result on hidden state `number`."""
        branch, state = next(self.branches), states[number]
        stage = (number, branch.stage(state.shape[-1]))
        if stage not in self.stages:
            self.stages[stage] = branch.first_stage(state)
        x = branch(self.stages[stage], training=self.training)
        if branch.operation == "identity":
            return x
        if self.factors is not None:
            x = x * self.factors[:, None, None, self.path : self.path + 1]
        self.path += 1
        return x
