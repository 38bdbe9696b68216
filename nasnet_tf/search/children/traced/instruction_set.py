"""All instructions that the children of a space need, and their numbers."""

import functools

from nasnet_tf.cells.operations import operation_form
from nasnet_tf.layers.cell import NORM_GROUPS
from nasnet_tf.search.children.traced import instructions as plain
from nasnet_tf.search.children.traced import reductions
from nasnet_tf.search.children.traced.chains import (
    Chain,
    ChainBackward,
    ChainEvaluation,
    ChainForward,
    Link,
    chain_of,
)
from nasnet_tf.search.space.cell_space import CellSpace

STEM = Chain((Link("conv", (3, 3), (1, 1)),))
PHASES = ("forward", "backward", "evaluation")


class InstructionSet:
    """The instructions of a space.

    A kind of instruction is a key: `"relu"`, `"add"`, `"head"`,
    `"reduction"`, `"slice"`, `("pool", operation, strides)`, `("norm",
    combiner)`, `("concat", count)`, or a `Chain`. Each phase numbers its own.

    Args:
        space: of the genotypes.

    Attributes:
        phases: for each of `PHASES` a dict of instructions by kind.
        width: numbers in a row of a program.
    """

    def __init__(self, space: CellSpace):
        self.space = space
        self.phases: dict[str, dict] = {phase: {} for phase in PHASES}
        self._add_plain()
        for chain in self._chains():
            self._add(
                chain,
                ChainForward(chain),
                ChainBackward(chain),
                ChainEvaluation(chain),
            )
        self.width = 1 + max(
            sum(instruction.fields.values())
            for instructions in self.phases.values()
            for instruction in instructions.values()
        )

    @property
    def widest_concat(self) -> int:
        """The most states that one instruction joins."""
        return self.space.num_inputs + self.space.num_blocks

    def _add(self, kind, forward=None, backward=None, evaluation=None):
        made = (forward, backward, evaluation or forward)
        for phase, instruction in zip(PHASES, made, strict=True):
            if instruction is not None:
                self.phases[phase][kind] = instruction

    def _add_plain(self):
        self._add("relu", plain.Relu(), plain.ReluBackward())
        # The gradient of an add is that of its result; in the backward phase
        # it sums the gradients of a state that is read more than once.
        self._add("add", plain.Add(), plain.Add())
        self._add("head", plain.Head(), plain.HeadBackward())
        self._add("slice", backward=plain.Slice())
        # Each more would be traced; what is between leaves places empty.
        for count in {2, self.widest_concat}:
            self._add(("concat", count), plain.Concat(count))
        self._add(
            "reduction",
            reductions.Reduction(),
            reductions.ReductionBackward(),
            reductions.ReductionEvaluation(),
        )
        for combiner in self.space.combiners:
            if combiner in NORM_GROUPS:
                norm = plain.Norm(combiner), plain.NormBackward(combiner)
                self._add(("norm", combiner), *norm)
        for operation in self.space.operations:
            for strides in (1, 2) if operation_form(operation).pool else ():
                key = ("pool", operation, strides)
                pool = plain.Pool(*key[1:]), plain.PoolBackward(*key[1:])
                self._add(key, *pool)

    def _chains(self):
        """Those of the space's operations, of projections and the stem."""
        make = functools.partial(chain_of, bottleneck=self.space.bottleneck)
        chains = [STEM]
        for strides in (1, 2):
            for operation in ("conv_1x1", *self.space.operations):
                # As where the channels change: what has no chain there has
                # none at all.
                chain, *_ = make(operation, 8, 16, strides)
                if chain:
                    chains.append(chain)
        return dict.fromkeys(chains)
