"""The plan of a network: its cells, and what each of them reads.

Plain data from genotype, N and F. The builder, the parameter names and the
mult-add counts all follow the plan, so no decision ever depends on the static
size of a tensor.
"""

import dataclasses

from nasnet_tf.cells.genotype import Cell, Genotype
from nasnet_tf.checks.arguments import check_choice, check_integer, check_number
from nasnet_tf.checks.errors import InputError

STEMS = ("imagenet", "cifar")


@dataclasses.dataclass(frozen=True)
class State:
    """A hidden state between cells.

    Args:
        layer: name of the layer that makes it.
        output: which of that layer's outputs it is.
        channels: its channels.
        stride: pixels of the image per pixel of the state.
    """

    layer: str
    output: int
    channels: int
    stride: int


@dataclasses.dataclass(frozen=True)
class PlannedCell:
    """One cell of the network.

    Args:
        name: as slim has it: `cell_stem_0`, `cell_3`, `reduction_cell_1`.
        cell: its blocks.
        filters: F of this cell.
        stride: 1 or 2, of the operations on the cell's inputs.
        inputs: what it reads, `h_i` first.
        projected: for each input, whether a 1x1 convolution brings it to F.
        halvings: for each input, how many factorised reductions bring it to
            the resolution of the newest one.
        depth: (index of the cell + 1) / number of cells; the r of
            ScheduledDropPath.
    """

    name: str
    cell: Cell
    filters: int
    stride: int
    inputs: tuple[State, ...]
    projected: tuple[bool, ...]
    halvings: tuple[int, ...]
    depth: float

    @property
    def activated(self) -> tuple[bool, ...]:
        """For each input, whether the cell reads it after a ReLU only."""
        return tuple(
            projected or halvings > 0
            for projected, halvings in zip(
                self.projected, self.halvings, strict=True
            )
        )

    @property
    def outputs(self) -> tuple[State, ...]:
        """The states that leave the cell."""
        stride = self.inputs[0].stride * self.stride
        return tuple(
            State(self.name, number, width * self.filters, stride)
            for number, width in enumerate(self.cell.output_widths)
        )


@dataclasses.dataclass(frozen=True)
class Plan:
    """A whole network: the stem's convolution and all cells in order."""

    stem: str
    stem_filters: int
    cells: tuple[PlannedCell, ...]
    num_cells: int

    @property
    def stem_layer(self) -> str:
        """The layer whose output the first cell reads."""
        return "conv0" if self.stem == "imagenet" else "stem"

    @property
    def stem_output(self) -> str:
        """The layer whose output is the end point `stem`."""
        return "cell_stem_1" if self.stem == "imagenet" else "stem"

    @property
    def auxiliary_cell(self) -> str:
        """The last cell before the second reduction carries the aux head."""
        return f"cell_{2 * self.num_cells - 1}"


def make_plan(
    genotype: Genotype,
    num_cells: int,
    filters: int,
    stem: str = "imagenet",
    stem_multiplier: float = 1,
    skip_reduction_layer_input: bool = False,
) -> Plan:
    """Plans a network as slim's `_build_nasnet_base` stacks it.

    Args:
        genotype: the cells.
        num_cells: N, normal cells in each of the three groups.
        filters: F, the filters of the first group.
        stem: `"imagenet"`: a stride-2 convolution and two reduction cells with
            F/4 and F/2; `"cifar"`: a stride-1 convolution.
        stem_multiplier: the stem's convolution has 32 (imagenet) or F (cifar)
            times this many filters.
        skip_reduction_layer_input: the first normal cell after a reduction
            cell reads as `h_{i-1}` the state two before the reduction cell
            instead of the one just before it.
    """
    check_choice("stem", stem, STEMS)
    check_integer("num_cells", num_cells)
    check_number("stem_multiplier", stem_multiplier, "(0, 100]")
    if stem == "imagenet":
        stem_state = State("conv0", 0, int(32 * stem_multiplier), 2)
    else:
        stem_state = State("stem", 0, int(filters * stem_multiplier), 1)
    if stem_state.channels < 1:
        raise InputError(
            f"stem_multiplier: {stem_multiplier} leaves the stem no filter"
        )
    stacker = _Stacker(genotype, stem_state, skip_reduction_layer_input)
    if stem == "imagenet":
        stacker.add("cell_stem_0", "reduction", filters // 4)
        stacker.add("cell_stem_1", "reduction", filters // 2)
    for group in range(3):
        if group:
            name = f"reduction_cell_{group - 1}"
            stacker.add(name, "reduction", filters * 2**group)
        for number in range(num_cells):
            name = f"cell_{group * num_cells + number}"
            stacker.add(name, "normal", filters * 2**group)
    total = len(stacker.cells)
    cells = tuple(
        dataclasses.replace(cell, depth=(index + 1) / total)
        for index, cell in enumerate(stacker.cells)
    )
    return Plan(stem, stem_state.channels, cells, num_cells)


class _Stacker:
    """Adds cells one by one and works out what each one reads."""

    def __init__(self, genotype, stem_state, skip_reduction_layer_input):
        self.genotype = genotype
        self.skip = skip_reduction_layer_input
        self.cells = []
        # The outputs of everything so far; each entry is a tuple of states.
        self.history: list[tuple[State, ...]] = [(stem_state,)]
        self.after_reduction = False

    def add(self, name, kind, filters):
        inputs = self._inputs(kind)
        newest = inputs[0][0]
        halvings = tuple(
            (newest.stride // state.stride).bit_length() - 1
            for state, _ in inputs
        )
        projected = tuple(
            self.genotype.project_inputs
            and not (missing or halved)
            and (number == 0 or state.channels != filters)
            for number, ((state, missing), halved) in enumerate(
                zip(inputs, halvings, strict=True)
            )
        )
        planned = PlannedCell(
            name,
            getattr(self.genotype, kind),
            filters,
            2 if kind == "reduction" else 1,
            tuple(state for state, _ in inputs),
            projected,
            halvings,
            depth=0.0,
        )
        self.cells.append(planned)
        self.history.append(planned.outputs)
        self.after_reduction = name.startswith("reduction")

    def _inputs(self, kind):
        """Pairs of the state that the cell reads and whether it stands in."""
        latest = self.history[-1]
        older = self.history
        if self.skip and self.after_reduction and kind == "normal":
            # The state just before the reduction cell is skipped.
            older = self.history[:-1]
        inputs = []
        for k in range(self.genotype.num_inputs):
            if k == 0 or self.genotype.wiring == "next_cell":
                outputs, output = latest, k
            else:
                outputs = older[-1 - k] if k < len(older) else ()
                output = min(k, len(outputs) - 1)
            missing = not 0 <= output < len(outputs)
            inputs.append((latest[0] if missing else outputs[output], missing))
        return inputs
