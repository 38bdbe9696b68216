"""Genotypes: the description of NASNet cells as data (paper, section 2).

A cell is a list of blocks. Hidden states are numbered: first the inputs of
the cell (0 is the newest, `h_i`; 1 is `h_{i-1}`; and so on), then the blocks
in order. Everything that distinguishes NASNet-A, B, C or a searched network
is held here; `nasnet_tf.NASNet` builds any of it.
"""

import dataclasses
import json
import pathlib

from nasnet_tf.cells.operations import operation_names
from nasnet_tf.checks.arguments import check_choice, check_flag, check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import written_beside

# The first two are the paper's; B and C add the other two (App. A.2).
COMBINERS = ("add", "concat", "add_layer_norm", "add_instance_norm")
# How the outputs of a cell reach the cells after it (App. B and Fig. 7).
WIRINGS = ("following_cells", "next_cell")


def _check_index(what, value, limit, remedy):
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{what}: hidden state {value!r} is not an integer")
    if not 0 <= value < limit:
        raise InputError(f"{what}: hidden state {value} {remedy}")


@dataclasses.dataclass(frozen=True)
class Block:
    """Two operations on two hidden states, and how they are combined.

    Args:
        left: `(operation, hidden state)`, the operation one of
            `nasnet_tf.cells.operations`.
        right: the same.
        combiner: one of `COMBINERS`.
    """

    left: tuple[str, int]
    right: tuple[str, int]
    combiner: str = "add"

    def __post_init__(self):
        for side in ("left", "right"):
            value = getattr(self, side)
            if not isinstance(value, (tuple, list)) or len(value) != 2:
                raise InputError(
                    f"{side}: {value!r} is not a pair [operation, hidden state]"
                )
            object.__setattr__(self, side, tuple(value))

    @property
    def branches(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """The left and the right `(operation, hidden state)`."""
        return (self.left, self.right)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell: its blocks and which hidden states leave it.

    Args:
        blocks: the blocks, in order; a block reads inputs or earlier blocks.
        outputs: one tuple of hidden states for every output of the cell; the
            states of a tuple are concatenated in depth, in that order.
        num_inputs: how many hidden states the cell receives.
    """

    blocks: tuple[Block, ...]
    outputs: tuple[tuple[int, ...], ...]
    num_inputs: int = 2

    def __post_init__(self):
        for name in ("blocks", "outputs"):
            if not isinstance(getattr(self, name), (list, tuple)):
                raise InputError(
                    f"{name}: {getattr(self, name)!r} is not a list"
                )
        blocks = tuple(self.blocks)
        outputs = tuple(
            tuple(o) if isinstance(o, (list, tuple)) else o
            for o in self.outputs
        )
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "outputs", outputs)
        self._validate()

    def _validate(self):
        check_integer("num_inputs", self.num_inputs)
        if not self.blocks:
            raise InputError("blocks: a cell needs at least one block")
        for number, block in enumerate(self.blocks):
            if not isinstance(block, Block):
                raise InputError(f"block {number}: {block!r} is not a Block")
            limit = self.num_inputs + number
            for side, (operation, state) in zip(
                ("left", "right"), block.branches, strict=True
            ):
                where = f"block {number}, {side}"
                check_choice(
                    f"{where}, operation", operation, operation_names()
                )
                remedy = f"is not ready yet; the block can read 0..{limit - 1}"
                _check_index(where, state, limit, remedy)
            check_choice(f"block {number}, combiner", block.combiner, COMBINERS)
        if not self.outputs:
            raise InputError("outputs: a cell needs at least one output")
        limit = self.num_inputs + len(self.blocks)
        for number, output in enumerate(self.outputs):
            where = f"output {number}"
            if not isinstance(output, tuple) or not output:
                raise InputError(
                    f"{where}: {output!r} is not a list of hidden states"
                )
            for state in output:
                remedy = f"does not exist; the cell has 0..{limit - 1}"
                _check_index(where, state, limit, remedy)

    @classmethod
    def with_unused_concatenated(cls, blocks, num_inputs: int = 2) -> "Cell":
        """The paper's rule: concatenate the blocks that no block reads."""
        blocks = tuple(blocks)
        read = {state for block in blocks for _, state in block.branches}
        states = range(num_inputs, num_inputs + len(blocks))
        return cls(blocks, (tuple(set(states) - read),), num_inputs)

    def to_dict(self) -> dict:
        """Plain lists, strings and numbers."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, data: dict, where: str = "cell") -> "Cell":
        """The inverse of `to_dict`; errors begin with `where`."""
        data = _known_fields(cls, data, where)
        for key in ("blocks", "outputs"):
            if not isinstance(data[key], (list, tuple)):
                raise InputError(f"{where}: {key} is not a list")
        blocks = []
        for number, block in enumerate(data["blocks"]):
            place = f"{where}, block {number}"
            fields = _known_fields(Block, block, place)
            try:
                blocks.append(Block(**fields))
            except InputError as error:
                raise InputError(f"{place}, {error}") from None
        try:
            return cls(**{**data, "blocks": blocks})
        except InputError as error:
            raise InputError(f"{where}, {error}") from None

    def width(self, state: int) -> int:
        """Channels of a hidden state, in units of the cell's filters F."""
        if state < self.num_inputs:
            return 1
        combiner = self.blocks[state - self.num_inputs].combiner
        return 2 if combiner == "concat" else 1

    @property
    def output_widths(self) -> tuple[int, ...]:
        """Channels of every output, in units of the cell's filters F."""
        return tuple(sum(map(self.width, out)) for out in self.outputs)


@dataclasses.dataclass(frozen=True)
class Genotype:
    """A pair of cells and how they are stacked.

    Args:
        name: what the network is called.
        normal: the normal cell.
        reduction: the reduction cell; its operations on inputs have stride 2.
        filters_divisor: P / F, penultimate filters over those of the first
            group. By default what the normal cell's outputs have in the
            third group: 4 times their width.
        wiring: `"following_cells"`: input k of a cell is output
            `min(k, outputs - 1)` of the cell k + 1 places before it (A, C,
            and Fig. 7's caption for B); `"next_cell"`: output k of a cell is
            input k of the next (App. B).
        project_inputs: whether cell inputs get ReLU, 1x1 convolution and
            batch norm to F channels (App. A.4).
        bottleneck: whether factorised, dilated and 3x3 convolutions work
            between two 1x1 convolutions on fewer channels.
    """

    name: str
    normal: Cell
    reduction: Cell
    # An integer once it is made.
    filters_divisor: int = None  # type: ignore[assignment]
    wiring: str = "following_cells"
    project_inputs: bool = True
    bottleneck: bool = True

    def __post_init__(self):
        check_choice("wiring", self.wiring, WIRINGS)
        for kind in ("normal", "reduction"):
            if not isinstance(getattr(self, kind), Cell):
                raise InputError(
                    f"{kind}: {getattr(self, kind)!r} is not a Cell"
                )
        if self.filters_divisor is None:
            divisor = 4 * sum(self.normal.output_widths)
            object.__setattr__(self, "filters_divisor", divisor)
        check_integer("filters_divisor", self.filters_divisor)
        check_flag("project_inputs", self.project_inputs)
        check_flag("bottleneck", self.bottleneck)
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"name: {self.name!r} is not a text")
        normal, reduction = self.normal, self.reduction
        if normal.num_inputs != reduction.num_inputs:
            raise InputError(
                f"num_inputs: the normal cell has {normal.num_inputs}, the "
                f"reduction cell {reduction.num_inputs}; make them equal"
            )
        if len(normal.outputs) != len(reduction.outputs):
            raise InputError(
                f"outputs: the normal cell has {len(normal.outputs)}, the "
                f"reduction cell {len(reduction.outputs)}; make them equal"
            )
        if self.wiring == "next_cell" and (
            len(normal.outputs) != normal.num_inputs
        ):
            raise InputError(
                f"wiring 'next_cell': a cell has {len(normal.outputs)} "
                f"outputs for {normal.num_inputs} inputs; make them equal or "
                "use 'following_cells'"
            )

    @property
    def num_inputs(self) -> int:
        """How many hidden states a cell receives."""
        return self.normal.num_inputs

    def filters(self, penultimate_filters: int, multiple: int = 1) -> int:
        """F, the filters of the first group, from P of the notation N @ P.

        Args:
            penultimate_filters: P.
            multiple: what F has to be a multiple of (4 with the ImageNet
                stem).

        Raises:
            InputError: the genotype cannot divide P; says the nearest it can.
        """
        check_integer("penultimate_filters", penultimate_filters)
        unit = self.filters_divisor * multiple
        if penultimate_filters % unit:
            nearest = unit * max(1, round(penultimate_filters / unit))
            raise InputError(
                f"penultimate_filters: {penultimate_filters} is not a multiple "
                f"of {unit}, which {self.name} needs; the nearest is {nearest}"
            )
        return penultimate_filters // self.filters_divisor

    def to_dict(self) -> dict:
        """Plain lists, strings and numbers, as they stand in a JSON file."""
        # A round trip through JSON turns tuples into lists at every depth.
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, data: dict) -> "Genotype":
        """The inverse of `to_dict`.

        Raises:
            InputError: naming the cell, the block and the value at fault.
        """
        data = _known_fields(cls, data, "genotype")
        for kind in ("normal", "reduction"):
            data[kind] = Cell.from_dict(data[kind], f"{kind} cell")
        return cls(**data)

    def to_json(self) -> str:
        """The text of a genotype file, a block a line."""
        data = self.to_dict()
        blocks = {}
        for kind in ("normal", "reduction"):
            for number, block in enumerate(data[kind]["blocks"]):
                blocks[f"{kind}{number}"] = json.dumps(block)
                data[kind]["blocks"][number] = f"{kind}{number}"
            outputs = data[kind]["outputs"]
            blocks[f"{kind} outputs"] = json.dumps(outputs)
            data[kind]["outputs"] = f"{kind} outputs"
        text = json.dumps(data, indent=2)
        for key, value in blocks.items():
            text = text.replace(json.dumps(key), value)
        return text + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Genotype":
        """Reads what `to_json` writes."""
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"not JSON: {error}") from None
        return cls.from_dict(data)

    def save(self, path) -> None:
        """Writes the genotype file at `path`."""
        with written_beside(path, "genotype file") as beside:
            beside.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path) -> "Genotype":
        """Reads a genotype file.

        Raises:
            InputError: naming the file, the block and the value at fault.
        """
        try:
            text = pathlib.Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InputError(f"genotype file {path}: {reason}") from None
        try:
            return cls.from_json(text)
        except InputError as error:
            raise InputError(f"genotype file {path}: {error}") from None


def _known_fields(cls, data, where):
    if not isinstance(data, dict):
        raise InputError(f"{where}: {data!r} is not an object with fields")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in data:
        check_choice(f"{where}, field", key, tuple(fields))
    for name, field in fields.items():
        if name not in data and field.default is dataclasses.MISSING:
            raise InputError(f"{where}: the field {name!r} is missing")
    return dict(data)
