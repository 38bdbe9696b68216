from nasnet_tf import NASNET_A, NASNET_B
from nasnet_tf.cells.plan import make_plan


def _reads(plan):
    return {
        cell.name: [state.layer for state in cell.inputs] for cell in plan.cells
    }


def test_mobile_reads_the_input_of_the_reduction_cell():
    plan = make_plan(NASNET_A, 4, 44)
    reads = _reads(plan)
    assert reads["cell_stem_0"] == ["conv0", "conv0"]
    assert reads["cell_stem_1"] == ["cell_stem_0", "conv0"]
    assert reads["cell_0"] == ["cell_stem_1", "cell_stem_0"]
    assert reads["reduction_cell_0"] == ["cell_3", "cell_2"]
    assert reads["cell_4"] == ["reduction_cell_0", "cell_3"]
    assert reads["cell_5"] == ["cell_4", "reduction_cell_0"]


def test_large_skips_the_input_of_the_reduction_cell():
    plan = make_plan(NASNET_A, 6, 168, skip_reduction_layer_input=True)
    reads = _reads(plan)
    assert reads["cell_6"] == ["reduction_cell_0", "cell_4"]
    assert reads["cell_7"] == ["cell_6", "reduction_cell_0"]
    assert reads["reduction_cell_1"] == ["cell_11", "cell_10"]
    assert reads["cell_12"] == ["reduction_cell_1", "cell_10"]


def test_filters_strides_and_depths():
    plan = make_plan(NASNET_A, 4, 44)
    filters = [cell.filters for cell in plan.cells]
    assert filters == [11, 22, *[44] * 4, *[88] * 5, *[176] * 5]
    assert [c.outputs[0].stride for c in plan.cells] == [
        *(4, 8),
        *[8] * 4,
        *[16] * 5,
        *[32] * 5,
    ]
    assert [c.depth for c in plan.cells] == [n / 16 for n in range(1, 17)]
    assert plan.auxiliary_cell == "cell_7"


def test_first_cell_of_cifar_leaves_a_missing_input_untouched():
    first, second, *_ = make_plan(NASNET_A, 2, 8, "cifar", 3).cells
    assert first.projected == (True, False)
    assert second.projected == (True, True)
    assert first.halvings == second.halvings == (0, 0)


def test_older_states_are_halved_after_a_reduction():
    cells = {c.name: c for c in make_plan(NASNET_A, 2, 8, "cifar", 3).cells}
    assert cells["cell_2"].halvings == (0, 1)
    assert cells["cell_3"].halvings == (0, 0)
    assert cells["cell_2"].activated == (True, True)


def test_b_in_both_wirings():
    import dataclasses

    reads = _reads(make_plan(NASNET_B, 2, 8, "cifar"))
    assert reads["cell_0"] == ["stem"] * 4
    assert reads["cell_1"] == ["cell_0"] * 4
    following = dataclasses.replace(NASNET_B, wiring="following_cells")
    plan = make_plan(following, 2, 8, "cifar")
    cells = {c.name: c for c in plan.cells}
    states = [(s.layer, s.output) for s in cells["reduction_cell_1"].inputs]
    assert states == [
        ("cell_3", 0),
        ("cell_2", 1),
        ("reduction_cell_0", 2),
        ("cell_1", 3),
    ]
    assert cells["reduction_cell_1"].halvings == (0, 0, 0, 1)
    assert cells["cell_4"].halvings == (0, 1, 1, 1)
