"""Operations as data, and one of a user's own from end to end."""

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import Convolution, OperationForm, register_operation
from nasnet_tf.cells import operations
from nasnet_tf.checks.errors import InputError
from nasnet_tf.layers.operation import Operation
from nasnet_tf.pictures.cell_drawing import draw_genotype
from nasnet_tf.search.space.cell_space import make_cell_space
from tests.conftest import images, line_of, randomize, tiny_network
from tests.search.children.small_children import (
    both_forms,
    child_config,
    first_gradients,
    genotypes,
    total_error,
)
from tests.training.jobs import one_block

WIDE = OperationForm("sep 9x9", (Convolution("separable_conv", (9, 9)),) * 2)
# As after a dilated convolution alone, whose result is subsampled.
OWN = {
    "separable_conv_9x9": WIDE,
    "dilated_conv_5x5": OperationForm(
        "dilated 5x5", (Convolution("dilated_conv", (5, 5)),)
    ),
    "conv_1x5_5x1": OperationForm(
        "conv 1x5-5x1",
        (Convolution("conv", (1, 5)), Convolution("conv", (5, 1))),
        bottleneck=0.5,
    ),
    "max_pool_9x9": OperationForm("max 9x9", pool="max", pool_size=9),
}


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(operations, "_FORMS", dict(operations._FORMS))


@pytest.fixture
def own(registry):
    for name, form in OWN.items():
        register_operation(name, form)


# === What the paper's are made of ===


@pytest.mark.parametrize(
    ("name", "bottleneck", "steps"),
    [
        ("identity", True, [("conv", 1, 16, 2)]),
        ("max_pool_5x5", True, [("conv", 1, 16, 1)]),
        ("conv_1x1", True, [("conv", (1, 1), 16, (2, 2))]),
        (
            "separable_conv_5x5",
            True,
            [
                ("separable_conv", (5, 5), 16, (2, 2)),
                ("separable_conv", (5, 5), 16, (1, 1)),
            ],
        ),
        (
            "conv_1x3_3x1",
            True,
            [
                ("conv", 1, 6, 1),
                ("conv", (1, 3), 6, (1, 2)),
                ("conv", (3, 1), 6, (2, 1)),
                ("conv", 1, 16, 1),
            ],
        ),
        (
            "conv_1x7_7x1",
            False,
            [("conv", (1, 7), 16, (1, 2)), ("conv", (7, 1), 16, (2, 1))],
        ),
        (
            "dilated_conv_3x3",
            True,
            [
                ("conv", 1, 4, 1),
                ("dilated_conv", (3, 3), 4, (1, 1)),
                ("conv", 1, 16, 2),
            ],
        ),
        ("dilated_conv_3x3", False, [("dilated_conv", (3, 3), 16, (1, 1))]),
        ("conv_3x3", False, [("conv", (3, 3), 16, (2, 2))]),
    ],
)
def test_the_chain_of_a_reduction(name, bottleneck, steps):
    layer = Operation(name, 16, strides=2, bottleneck=bottleneck)
    found = [(make.__name__, *rest) for make, *rest in layer.steps(8)]
    assert found == steps
    assert layer.subsamples == (steps[0][0] == "dilated_conv")


# === One's own ===


def test_ones_own_is_built_saved_and_drawn(own, tmp_path):
    for name in OWN:
        model = randomize(tiny_network(one_block(name)))
        model.save(tmp_path / "own.keras")
        loaded = keras.saving.load_model(tmp_path / "own.keras")
        inputs = images(2, 32, 32, 3)
        np.testing.assert_array_equal(loaded(inputs), model(inputs))
        path = draw_genotype(model.genotype, tmp_path / f"{name}.svg")
        assert OWN[name].label in path.read_text()
    with pytest.raises(InputError, match="'max_pool_9x8' is unknown"):
        one_block("max_pool_9x8")


def test_ones_own_is_searched_as_it_is_built(own):
    space = make_cell_space("A", ["identity", *OWN], num_blocks=2)
    traced, built = both_forms(child_config(), space)
    (genotype,) = genotypes(space, 1, seed=3)
    loss, mine, other, theirs = first_gradients(traced, built, genotype)
    assert loss == pytest.approx(other, rel=1e-5)
    assert total_error(mine, theirs) < 1e-5


# === Errors ===


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Convolution("conv2d", (3, 3)), "kind: 'conv2d' is unknown"),
        (lambda: Convolution("conv", (3,)), "size: (3,) is not (height, width"),
        (
            lambda: OperationForm("x", (Convolution("conv", (1, 3)),)),
            "convolutions: only one direction is convolved",
        ),
        (
            lambda: OperationForm("x", WIDE.convolutions, "max", 3),
            "convolutions: a pool has none",
        ),
        (lambda: OperationForm("x", pool="min", pool_size=3), "pool: 'min'"),
        (
            lambda: OperationForm("x", pool_size=3),
            "pool_size: 3 without a pool",
        ),
        (lambda: OperationForm("x", bottleneck=2.0), "bottleneck: 2.0 is no"),
        (lambda: register_operation("Sep 9", WIDE), "name: 'Sep 9' is no name"),
        (lambda: register_operation("sep", "sep"), "form: 'sep' is not an"),
        (
            lambda: register_operation("conv_1x1", WIDE),
            "name: an operation 'conv_1x1' is there already",
        ),
    ],
)
def test_bad_forms_are_one_line(make, line):
    with pytest.raises(InputError) as error:
        make()
    assert line_of(error).startswith(line)


def test_the_same_twice_is_no_error(own):
    register_operation("separable_conv_9x9", WIDE)
    assert "separable_conv_9x9" in operations.operation_names()
    assert "separable_conv_9x9" not in operations.OPERATIONS
    assert nasnet_tf.register_operation is register_operation
