"""Search spaces: sizes, decisions to genotype and back, bad input."""

import numpy as np
import pytest

from nasnet_tf.cells.genotypes import NASNET_A, NASNET_B, NASNET_C
from nasnet_tf.cells.operations import OPERATIONS
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.space.cell_space import CellSpace, make_cell_space
from nasnet_tf.search.space.decisions import DecisionSpace


@pytest.mark.parametrize(
    ("name", "blocks", "inputs", "combiners"),
    [("A", 5, 2, 2), ("B", 4, 4, 4), ("C", 4, 2, 4)],
)
def test_space_has_the_paper_s_size(name, blocks, inputs, combiners):
    space = make_cell_space(name)
    assert len(space) == 10 * blocks
    states = np.arange(inputs, inputs + blocks)
    cell = 2 * np.log10(states).sum() + blocks * np.log10(13**2 * combiners)
    assert space.log10_size == pytest.approx(2 * cell)


def test_the_normal_cell_comes_first_with_five_decisions_a_block():
    space = make_cell_space("C")
    assert space.names[:6] == (
        "normal/block_0/left_input",
        "normal/block_0/right_input",
        "normal/block_0/left_operation",
        "normal/block_0/right_operation",
        "normal/block_0/combiner",
        "normal/block_1/left_input",
    )
    assert space.names[20] == "reduction/block_0/left_input"
    assert space.kinds[:5] == (
        ("input",) * 2 + ("operation",) * 2 + ("combiner",)
    )
    assert space.options[5] == ("input_0", "input_1", "block_0")
    assert space.options[2] == OPERATIONS


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_decisions_to_genotype_and_back(name):
    space = make_cell_space(name)
    for row in space.sample(np.random.default_rng(0), 20):
        genotype = space.genotype(row)
        assert space.decisions(genotype) == tuple(row)


def test_published_genotypes_are_in_their_spaces():
    for name, published in (("A", NASNET_A), ("B", NASNET_B), ("C", NASNET_C)):
        space = make_cell_space(name)
        found = space.genotype(space.decisions(published), "found")
        for cell in ("normal", "reduction"):
            mine, theirs = getattr(found, cell), getattr(published, cell)
            assert mine.blocks == theirs.blocks
            if name != "A":
                assert mine.outputs == theirs.outputs
        assert found.wiring == published.wiring
        assert found.project_inputs == published.project_inputs
        assert found.num_inputs == published.num_inputs


def test_hand_written_decisions():
    space = make_cell_space("A", num_blocks=2)
    block = [1, 0, 10, 0, 1]
    # The second block reads the first, so only the second leaves the cell.
    decisions = [*block, 2, 2, 4, 5, 0, *block, 0, 1, 4, 5, 0]
    genotype = space.genotype(decisions)
    first, second = genotype.normal.blocks
    assert first.left == ("separable_conv_3x3", 1)
    assert first.right == ("identity", 0)
    assert first.combiner == "concat"
    assert second.left == ("avg_pool_3x3", 2)
    assert genotype.normal.outputs == ((3,),)
    assert genotype.reduction.outputs == ((2, 3),)
    assert genotype.filters_divisor == 4


def test_b_of_other_blocks_has_as_many_inputs():
    space = make_cell_space("B", num_blocks=2)
    genotype = space.genotype([0] * len(space))
    assert genotype.num_inputs == 2
    assert genotype.normal.outputs == ((2,), (3,))


def test_one_combiner_is_a_decision_of_one_option():
    space = make_cell_space("A", combiners=["add"])
    assert space.sizes[4] == 1
    assert space.decisions(NASNET_A)[4] == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"name": "D"}, "space: 'D' is unknown"),
        ({"operations": []}, "operations: .* leaves nothing to search"),
        ({"combiners": ()}, "combiners: .* leaves nothing to search"),
        ({"operations": ["conv_2x2"]}, "operations: 'conv_2x2' is unknown"),
        ({"operations": ["identity"] * 2}, "operations: .* names one twice"),
        ({"num_blocks": 0}, "num_blocks: 0 is not a positive integer"),
    ],
)
def test_a_space_that_cannot_be(arguments, line):
    with pytest.raises(InputError, match=line) as caught:
        make_cell_space(**arguments)
    assert "\n" not in str(caught.value)


def test_genotypes_that_are_not_in_the_space():
    with pytest.raises(InputError, match=r"B has num_inputs 4, .* has 2"):
        make_cell_space("C").decisions(NASNET_B)
    with pytest.raises(InputError, match=r"C has num_blocks 4, .* has 5"):
        make_cell_space("A").decisions(NASNET_C)
    space = make_cell_space("C", operations=["identity"])
    line = "NASNet-C, normal cell, block 0: 'separable_conv_3x3' is unknown"
    with pytest.raises(InputError, match=line):
        space.decisions(NASNET_C)


def test_decisions_that_are_not_in_the_space():
    space = make_cell_space("A", num_blocks=1)
    with pytest.raises(InputError, match="normal/block_0/right_input is 2"):
        space.check([0, 2, *[0] * 8])
    with pytest.raises(InputError, match=r"shape \(3,\) is neither \(10,\)"):
        space.check([0, 0, 0])
    with pytest.raises(InputError, match="float64 are not integers"):
        space.check([0.5] * 10)
    with pytest.raises(InputError, match="give those of one architecture"):
        space.genotype([[0] * 10])


def test_custom_spaces():
    space = DecisionSpace((2, 5), ("x", "y"), ("x", "y"), ("ab", "abcde"))
    assert space.log10_size == pytest.approx(1)
    drawn = space.sample(np.random.default_rng(0), 5000)
    assert np.bincount(drawn[:, 1]) == pytest.approx(np.full(5, 1000), abs=100)
    with pytest.raises(InputError, match="decision y has 4 options for a size"):
        DecisionSpace((2, 5), ("x", "y"), ("x", "y"), ("ab", "abcd"))
    with pytest.raises(InputError, match="names: 1 for 2 decisions"):
        DecisionSpace((2, 5), ("x",), ("x", "y"), ("ab", "abcde"))
    with pytest.raises(InputError, match="no space"):
        DecisionSpace((), (), (), ())
    three = CellSpace("three", num_blocks=1, num_inputs=3)
    assert three.genotype([2, 1, 0, 0, 0] * 2).num_inputs == 3


def test_equal_cells_have_equal_features():
    space = make_cell_space("A", num_blocks=3)
    #        left, right, their operations, combiner; input_0 and input_1 first
    first = [0, 1, 4, 2, 0, 1, 1, 3, 5, 1, 2, 3, 6, 7, 0]
    # Branches of block 0 swapped; blocks 0 and 1, which none of them reads,
    # too.
    second = [1, 1, 5, 3, 1, 1, 0, 2, 4, 0, 2, 3, 7, 6, 0]
    assert space.normal_form(first * 2) == space.normal_form(second * 2)
    other = [*first[:-2], 8, 0]
    forms = space.encode(np.array([first * 2, second * 2, first + other]))
    assert (forms[0] == forms[1]).all()
    assert (forms[0] != forms[2]).sum() >= 2
    # A normal form is one of the ways to write it.
    again = space.normal_form(first * 2)
    assert space.normal_form(again) == again


def test_normal_forms_are_the_same_network():
    """What is counted and what leaves the cell does not change."""
    space = make_cell_space("A")
    generator = np.random.default_rng(0)
    for row in space.sample(generator, 20):
        form = space.normal_form(row)
        cells = [space.genotype(values).normal for values in (row, form)]
        branches = [
            sorted(
                (operation, min(state, 2))
                for block in cell.blocks
                for operation, state in block.branches
            )
            for cell in cells
        ]
        assert branches[0] == branches[1]
        assert len(cells[0].outputs[0]) == len(cells[1].outputs[0])


def test_the_order_of_b_s_blocks_stays():
    space = make_cell_space("B")
    row = space.sample(np.random.default_rng(0), 1)[0]
    form = np.array(space.normal_form(row)).reshape(-1, 5)
    assert (form[:, 4] == row.reshape(-1, 5)[:, 4]).all()
