"""Runs programs: one loop for all children, traced once."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.ops import cond_v2

from nasnet_tf.search.children.traced.registers import Frame


def run(instructions, rows, lists, weights) -> dict[str, tf.Tensor]:
    """Runs the instructions that rows name, one after the other.

    Args:
        instructions: by kind, in the order of their numbers.
        rows: `(n, width)`, int32: of a `Program`.
        lists: of tensors; `registers` and those that instructions add to.
        weights: the vectors `kernels`, `scales` and `statistics`.

    Returns:
        The lists afterwards.
    """
    names = list(lists)

    def body(number, *handles):
        row = rows[number]

        # A function that is called, not inlined: only so TensorFlow optimises
        # it as it does a whole graph, which makes oneDNN's kernels of its
        # own, more than twice as fast on a CPU.
        def branch(instruction):
            @tf.function(
                autograph=False, experimental_attributes={"_noinline": True}
            )
            def execute(row, weights, handles):
                frame = Frame(
                    dict(zip(names, handles, strict=True)),
                    weights,
                    row[1:],
                    instruction.fields,
                )
                instruction.run(frame)
                return [frame.lists[name] for name in names]

            return lambda: execute(row, weights, handles)

        # Not tf.switch_case, whose branches TensorFlow would put into the
        # loop's own graph: all of them are visited then, taken or not.
        handles = cond_v2.indexed_case(
            row[0],
            [branch(instruction) for instruction in instructions.values()],
            "instruction",
            lower_using_switch_merge=False,
        )
        return number + 1, *tf.nest.flatten(handles)

    count = tf.shape(rows)[0]
    _, *handles = tf.while_loop(
        lambda number, *handles: number < count,
        body,
        [tf.constant(0), *lists.values()],
        parallel_iterations=1,
    )
    return dict(zip(names, handles, strict=True))
