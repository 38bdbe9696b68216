"""What a child computes, instruction by instruction, from its plan.

The order, the names of weights and the sharing of first stages are those of
`nasnet_tf.networks.graph` and `nasnet_tf.layers.NASNetCell`.
"""

from __future__ import annotations

import dataclasses

from nasnet_tf.cells.operations import operation_form
from nasnet_tf.cells.plan import Plan, PlannedCell
from nasnet_tf.layers.cell import NORM_GROUPS
from nasnet_tf.search.children.traced.chains import chain_of, residuals
from nasnet_tf.search.children.traced.instruction_set import STEM
from nasnet_tf.search.children.traced.reductions import RESIDUALS

IMAGES, LOGITS, LOGITS_GRADIENT = range(3)
FIXED_REGISTERS = 3
_ALL = (-1, -1, -1)


@dataclasses.dataclass(frozen=True)
class RecordedState:
    """A hidden state: its register and its channels."""

    register: int
    channels: int


@dataclasses.dataclass
class Step:
    """An instruction of the forward phase.

    Args:
        kind: see `InstructionSet`.
        inputs: registers by field; those of states.
        output: register of the result `y`.
        kept: registers by field, of what the gradient needs.
        kernels: `(name, shape)` by field.
        scales: the same.
        statistics: the same.
        sizes: other numbers by field.
        channels: of the inputs of a concat, in order.
    """

    kind: object
    inputs: dict[str, int]
    output: int
    kept: dict[str, int] = dataclasses.field(default_factory=dict)
    kernels: dict[str, tuple] = dataclasses.field(default_factory=dict)
    scales: dict[str, tuple] = dataclasses.field(default_factory=dict)
    statistics: dict[str, tuple] = dataclasses.field(default_factory=dict)
    sizes: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    channels: tuple[int, ...] = ()


class Recording:
    """The steps of a network.

    Args:
        plan: of the network, with the CIFAR stem.
        bottleneck: of its genotype.
        channels: of the images.
        classes: of the classifier.
        widest_concat: see `InstructionSet`.
    """

    def __init__(
        self,
        plan: Plan,
        bottleneck: bool,
        channels: int,
        classes: int,
        widest_concat: int,
    ):
        self.steps: list[Step] = []
        self.registers = FIXED_REGISTERS
        self.bottleneck = bottleneck
        self.widest_concat = widest_concat
        self._activated: dict[int, int] = {}
        stem = self._step(STEM, {"x": IMAGES})
        self._links(stem, "", ["stem"], (channels, plan.stem_filters))
        self._states = {"stem": [RecordedState(stem.output, plan.stem_filters)]}
        for cell in plan.cells:
            self._states[cell.name] = self._cell(cell)
        last = self._states[plan.cells[-1].name]
        features = self.concat([self.activated(state) for state in last])
        head = self._step("head", {"x": features.register}, output=LOGITS)
        shape = (features.channels, classes)
        head.kernels["kernel"] = ("logits/kernel", shape)
        head.scales["bias"] = ("logits/bias", (classes,))

    def _register(self):
        self.registers += 1
        return self.registers - 1

    def _step(self, kind, inputs, output=None):
        output = self._register() if output is None else output
        self.steps.append(Step(kind, inputs, output))
        return self.steps[-1]

    def _cell(self, planned: PlannedCell) -> list[RecordedState]:
        inputs = []
        for number, source in enumerate(planned.inputs):
            state = self._states[source.layer][source.output]
            if planned.activated[number]:
                state = self.activated(state)
            name = f"{planned.name}/input_{number}"
            for count in range(planned.halvings[number]):
                if count:
                    state = self.activated(state)
                part = f"{name}_halving_{count}"
                state = self.reduction(state, part, planned.filters)
            if planned.projected[number]:
                state = self.chain(state, "conv_1x1", name, planned.filters)
            inputs.append(state)
        return _CellRecording(self, planned, inputs).outputs()

    def activated(self, state: RecordedState) -> RecordedState:
        """The ReLU of a state, made once."""
        if state.register not in self._activated:
            step = self._step("relu", {"x": state.register})
            self._activated[state.register] = step.output
        return RecordedState(self._activated[state.register], state.channels)

    def pooled(
        self, state: RecordedState, operation: str, strides: int
    ) -> RecordedState:
        """A pool of a state."""
        kind = ("pool", operation, strides)
        return RecordedState(
            self._step(kind, {"x": state.register}).output, state.channels
        )

    def add(self, left: RecordedState, right: RecordedState) -> RecordedState:
        """The sum of two states."""
        registers = {"left": left.register, "right": right.register}
        return RecordedState(self._step("add", registers).output, left.channels)

    def concat(self, states: list[RecordedState]) -> RecordedState:
        """States joined in depth."""
        if len(states) == 1:
            return states[0]
        places = 2 if len(states) == 2 else self.widest_concat
        channels = [state.channels for state in states]
        missing = places - len(states)
        registers = [state.register for state in states]
        # Any will do where no channel is taken.
        registers += registers[:1] * missing
        step = self._step(
            ("concat", places),
            {f"x{number}": r for number, r in enumerate(registers)},
        )
        for number, count in enumerate(channels + [0] * missing):
            step.sizes[f"size{number}"] = [*_ALL, count]
        step.channels = tuple(channels)
        return RecordedState(step.output, sum(channels))

    def norm(
        self, state: RecordedState, combiner: str, name: str
    ) -> RecordedState:
        """The norm of a combiner."""
        step = self._step(("norm", combiner), {"x": state.register})
        for weight in ("gamma", "beta"):
            step.scales[weight] = (f"{name}/{weight}", (state.channels,))
        return RecordedState(step.output, state.channels)

    def reduction(
        self, state: RecordedState, name: str, filters: int
    ) -> RecordedState:
        """A factorised reduction."""
        step = self._step("reduction", {"x": state.register})
        step.kept = {field: self._register() for field in RESIDUALS}
        half = filters // 2
        for path, width in (("path_1", half), ("path_2", filters - half)):
            shape = (1, 1, state.channels, width)
            step.kernels[path] = (f"{name}/{path}/kernel", shape)
        _norm_weights(step, "", f"{name}/norm", filters)
        return RecordedState(step.output, filters)

    def chain(
        self,
        state: RecordedState,
        operation: str,
        name: str,
        filters: int,
        strides=1,
    ) -> RecordedState:
        """What follows an operation's first stage; nothing, where it is all."""
        chain, layers, widths = chain_of(
            operation, state.channels, filters, strides, self.bottleneck
        )
        if chain is None:
            return state
        step = self._step(chain, {"x": state.register})
        self._links(step, f"{name}/", layers, widths)
        return RecordedState(step.output, filters)

    def _links(self, step, prefix, layers, widths):
        chain = step.kind
        step.kept = {field: self._register() for field in residuals(chain)}
        for number, (link, layer) in enumerate(
            zip(chain.links, layers, strict=True)
        ):
            channels, filters = widths[number : number + 2]
            for kernel, shape in zip(
                link.kernels, link.shapes(channels, filters), strict=True
            ):
                name = f"{prefix}{layer}/{kernel}"
                step.kernels[f"{kernel}{number}"] = (name, shape)
            norm = f"{prefix}norm_{number + 1}" if prefix else f"{layer}_norm"
            _norm_weights(step, number, norm, filters)


class _CellRecording:
    """The blocks of a cell."""

    def __init__(self, recording, planned, inputs):
        self.recording = recording
        self.planned = planned
        self.states = list(inputs)
        self.pools = {}
        for number, block in enumerate(planned.cell.blocks):
            self.states.append(self._block(number, block))

    def _block(self, number, block):
        recording = self.recording
        left, right = (
            self._branch(f"{self.planned.name}/block_{number}_{side}", *branch)
            for side, branch in zip(
                ("left", "right"), block.branches, strict=True
            )
        )
        if block.combiner == "concat":
            return recording.concat([left, right])
        state = recording.add(left, right)
        if block.combiner in NORM_GROUPS:
            name = f"{self.planned.name}/block_{number}_norm"
            state = recording.norm(state, block.combiner, name)
        return state

    def _branch(self, name, operation, number):
        recording, filters = self.recording, self.planned.filters
        state = self.states[number]
        is_input = number < self.planned.cell.num_inputs
        strides = self.planned.stride if is_input else 1
        form = operation_form(operation)
        if form.pool:
            key = (number, operation)
            if key not in self.pools:
                pool = recording.pooled(state, operation, strides)
                self.pools[key] = pool
            state = self.pools[key]
        # An identity of another stride or width is a convolution.
        elif form.convolutions or (strides, state.channels) != (1, filters):
            state = recording.activated(state)
        return recording.chain(state, operation, name, filters, strides)

    def outputs(self):
        """The states that leave the cell."""
        recording, planned = self.recording, self.planned
        states = list(self.states)
        leaving = {state for output in planned.cell.outputs for state in output}
        for number in sorted(leaving):
            if number >= planned.cell.num_inputs:
                continue
            name = f"{planned.name}/output_{number}"
            state, filters = states[number], planned.filters
            if planned.stride > 1:
                states[number] = recording.reduction(state, name, filters)
            elif state.channels != filters:
                states[number] = recording.chain(
                    state, "conv_1x1", name, filters
                )
        return [
            recording.concat([states[number] for number in output])
            for output in planned.cell.outputs
        ]


def _norm_weights(step, number, name, channels):
    for weight in ("gamma", "beta"):
        step.scales[f"{weight}{number}"] = (f"{name}/{weight}", (channels,))
    for weight in ("mean", "variance"):
        place = (f"{name}/moving_{weight}", (channels,))
        step.statistics[f"{weight}{number}"] = place
