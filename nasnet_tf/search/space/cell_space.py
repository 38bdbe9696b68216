"""The search spaces of NASNet-A, B and C, and others like them."""

import dataclasses

import numpy as np

from nasnet_tf.cells.genotype import (
    COMBINERS,
    WIRINGS,
    Block,
    Cell,
    Genotype,
)
from nasnet_tf.cells.operations import OPERATIONS, operation_names
from nasnet_tf.checks.arguments import check_choice, check_flag, check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.space.decisions import DecisionSpace

CELLS = ("normal", "reduction")
# A block's decisions in the controller's order (section 2): two hidden
# states, an operation for each, how to combine them.
STEPS = (
    "left_input",
    "right_input",
    "left_operation",
    "right_operation",
    "combiner",
)
_KINDS = ("input", "input", "operation", "operation", "combiner")


@dataclasses.dataclass(frozen=True)
class CellSpace(DecisionSpace):
    """Two cells of so many blocks, five decisions a block, normal cell first.

    Hidden states are numbered as in a genotype: the inputs of the cell, then
    its blocks; a block can read what was there before it.

    Args:
        name: begins the names of its genotypes.
        operations: of `nasnet_tf.cells.operations`.
        combiners: of `COMBINERS`.
        num_blocks: B.
        num_inputs: hidden states that a cell receives.
        every_block_leaves: every block is an output of its own, as in B;
            else the blocks that no block reads are concatenated.
        wiring: of the genotypes, as the next two.
        project_inputs: see `Genotype`.
        bottleneck: see `Genotype`.

    Raises:
        InputError: there is no operation or combiner, one is unknown or
            named twice, or the numbers do not fit each other.
    """

    sizes: tuple[int, ...] = dataclasses.field(init=False, repr=False)
    names: tuple[str, ...] = dataclasses.field(init=False, repr=False)
    kinds: tuple[str, ...] = dataclasses.field(init=False, repr=False)
    options: tuple[tuple[str, ...], ...] = dataclasses.field(
        init=False, repr=False
    )
    name: str
    operations: tuple[str, ...] = OPERATIONS
    combiners: tuple[str, ...] = COMBINERS[:2]
    num_blocks: int = 5
    num_inputs: int = 2
    every_block_leaves: bool = False
    wiring: str = "following_cells"
    project_inputs: bool = True
    bottleneck: bool = True

    def __post_init__(self):
        self._take("operations", operation_names())
        self._take("combiners", COMBINERS)
        check_integer("num_blocks", self.num_blocks)
        check_integer("num_inputs", self.num_inputs)
        check_choice("wiring", self.wiring, WIRINGS)
        for flag in ("every_block_leaves", "project_inputs", "bottleneck"):
            check_flag(flag, getattr(self, flag))
        names, options = [], []
        for cell in CELLS:
            for block in range(self.num_blocks):
                names += [f"{cell}/block_{block}/{step}" for step in STEPS]
                states = self._states(block)
                options += [states, states]
                options += [self.operations, self.operations, self.combiners]
        kinds = _KINDS * (len(CELLS) * self.num_blocks)
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "options", tuple(options))
        object.__setattr__(self, "sizes", tuple(map(len, options)))
        object.__setattr__(self, "kinds", kinds)
        super().__post_init__()

    def _take(self, field, known):
        values = getattr(self, field)
        if not isinstance(values, (list, tuple)) or not values:
            raise InputError(
                f"{field}: {values!r} leaves nothing to search; name one or "
                f"more of {', '.join(known)}"
            )
        for value in values:
            check_choice(field, value, known)
        if len(set(values)) < len(values):
            raise InputError(f"{field}: {values!r} names one twice")
        object.__setattr__(self, field, tuple(values))

    def _states(self, block):
        inputs = [f"input_{number}" for number in range(self.num_inputs)]
        return (*inputs, *(f"block_{number}" for number in range(block)))

    def genotype(self, decisions, name: str | None = None) -> Genotype:
        """The genotype that decisions stand for.

        Args:
            decisions: `(10 * num_blocks,)`.
            name: of the genotype; by default that of the space and what the
                decisions are.

        Raises:
            InputError: they are no decisions of this space.
        """
        values = self.check(decisions).tolist()
        if len(values) != len(self):
            raise InputError("decisions: give those of one architecture")
        cells = {}
        half = len(self) // 2
        for number, cell in enumerate(CELLS):
            part = values[number * half : (number + 1) * half]
            blocks = [
                self._block(part[start : start + len(STEPS)])
                for start in range(0, half, len(STEPS))
            ]
            cells[cell] = self._cell(tuple(blocks))
        return Genotype(
            name or f"{self.name}-{'.'.join(map(str, values))}",
            wiring=self.wiring,
            project_inputs=self.project_inputs,
            bottleneck=self.bottleneck,
            **cells,
        )

    def _block(self, values):
        left, right, left_operation, right_operation, combiner = values
        return Block(
            (self.operations[left_operation], left),
            (self.operations[right_operation], right),
            self.combiners[combiner],
        )

    def _cell(self, blocks):
        if not self.every_block_leaves:
            return Cell.with_unused_concatenated(blocks, self.num_inputs)
        first = self.num_inputs
        outputs = tuple((first + number,) for number in range(len(blocks)))
        return Cell(blocks, outputs, self.num_inputs)

    def encode(self, decisions) -> np.ndarray:
        """What a model of cells reads: equal cells have equal features.

        A 1 for each decision's option in the cell's normal form, and for each
        operation how many branches apply it to each input of the cell or to
        another block, which no order of blocks changes.

        Args:
            decisions: `(n, decisions)`.

        Returns:
            float64 `(n, features)`.
        """
        decisions = np.asarray(decisions)
        normal = np.array(self.normal_forms(decisions))
        normal = normal.reshape(decisions.shape)
        # Cells, blocks, branches of each architecture.
        shape = len(decisions), len(CELLS), self.num_blocks, len(STEPS)
        blocks = normal.reshape(shape)
        sources = np.minimum(blocks[..., :2], self.num_inputs)
        kinds = sources * len(self.operations) + blocks[..., 2:4]
        kinds = kinds.reshape(len(decisions), len(CELLS), -1)
        count = (self.num_inputs + 1) * len(self.operations)
        counts = (kinds[..., None] == np.arange(count)).sum(2)
        return np.concatenate(
            (self.one_hot(normal), counts.reshape(len(decisions), -1)), axis=1
        )

    def normal_forms(self, decisions) -> list[tuple[int, ...]]:
        return [self.normal_form(row) for row in decisions]

    def normal_form(self, decisions) -> tuple[int, ...]:
        """The decisions that stand for all ways to write the same cells.

        The branches of a block are sorted, and of the blocks that may come
        next the one that sorts first does. Where every block leaves the cell
        as an output of its own their order says which, and stays.

        Args:
            decisions: `(decisions,)`.
        """
        values = np.asarray(decisions).reshape(len(CELLS), -1, len(STEPS))
        form: list[int] = []
        for blocks in values.tolist():
            form += self._normal_cell(blocks)
        return tuple(form)

    def _normal_cell(self, blocks):
        inputs = self.num_inputs
        numbers = {state: state for state in range(inputs)}
        waiting = dict(enumerate(blocks, inputs))
        form: list[int] = []
        while waiting:
            ready = {}
            for state, block in waiting.items():
                left, right, left_operation, right_operation, combiner = block
                if left in numbers and right in numbers:
                    first, second = sorted(
                        (
                            (numbers[left], left_operation),
                            (numbers[right], right_operation),
                        )
                    )
                    ready[state] = (
                        first[0],
                        second[0],
                        first[1],
                        second[1],
                        combiner,
                    )
            if self.every_block_leaves:
                chosen = min(ready)
            else:
                chosen = min(ready, key=lambda state: (ready[state], state))
            form += ready[chosen]
            numbers[chosen] = len(numbers)
            del waiting[chosen]
        return form

    def decisions(self, genotype: Genotype) -> tuple[int, ...]:
        """The inverse of `genotype`.

        Only inputs and blocks are compared. Which states leave a cell follows
        from the blocks here, while NASNET_A's published weights concatenate
        two states more; the same holds for P / F, wiring and projections.

        Raises:
            InputError: the blocks are not in this space; names the first.
        """
        values = []
        for name in CELLS:
            cell = getattr(genotype, name)
            for what in ("num_inputs", "num_blocks"):
                own = getattr(self, what)
                theirs = getattr(cell, what, len(cell.blocks))
                if own != theirs:
                    raise InputError(
                        f"genotype: the {name} cell of {genotype.name} has "
                        f"{what} {theirs}, space {self.name} has {own}"
                    )
            for number, block in enumerate(cell.blocks):
                where = f"{genotype.name}, {name} cell, block {number}"
                values += self._values(block, f"genotype {where}")
        return tuple(values)

    def _values(self, block, where):
        (left, left_state), (right, right_state) = block.branches
        for operation in (left, right):
            check_choice(where, operation, self.operations)
        check_choice(where, block.combiner, self.combiners)
        return (
            left_state,
            right_state,
            self.operations.index(left),
            self.operations.index(right),
            self.combiners.index(block.combiner),
        )


def make_cell_space(
    name: str = "A",
    operations=None,
    num_blocks: int | None = None,
    combiners=None,
) -> CellSpace:
    """The space that a published network was found in (App. A.2).

    Args:
        name: `"A"`: add or concat, two inputs, unused states concatenated, 5
            blocks; `"C"`: with the two normalised adds, 4 blocks; `"B"`: as C,
            but all four blocks leave the cell and are the four inputs of the
            next one, which are not projected.
        operations: None: the paper's 13.
        num_blocks: None: as above; in B also the number of inputs.
        combiners: None: as above.

    Raises:
        InputError: the space is unknown, or see `CellSpace`.
    """
    check_choice("space", name, ("A", "B", "C"))
    if num_blocks is None:
        num_blocks = 5 if name == "A" else 4
    if combiners is None:
        combiners = COMBINERS[:2] if name == "A" else COMBINERS
    space = CellSpace(
        name=name,
        operations=OPERATIONS if operations is None else operations,
        combiners=combiners,
        num_blocks=num_blocks,
    )
    if name != "B":
        return space
    return dataclasses.replace(
        space,
        num_inputs=num_blocks,
        every_block_leaves=True,
        wiring="next_cell",
        project_inputs=False,
    )
