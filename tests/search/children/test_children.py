"""Children: their weights, data, results, and that both forms are equal."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.children import make_trainer
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.initial_weights import initial_weights
from nasnet_tf.search.children.traced.instruction_set import InstructionSet
from nasnet_tf.search.children.traced.program import compile_program
from nasnet_tf.search.children.traced.recording import Recording
from nasnet_tf.search.children.traced.sizes import child_plan, largest_sizes
from nasnet_tf.search.config import ChildConfig
from nasnet_tf.search.sizes import matched_child
from nasnet_tf.search.space.cell_space import make_cell_space
from tests.conftest import line_of
from tests.search.children.small_children import (
    both_forms,
    child_config,
    first_gradients,
    genotypes,
    losses,
    total_error,
)
from tests.search.equality import first_step, twenty_steps

OPERATIONS = ("identity", "max_pool_3x3", "separable_conv_3x3", "conv_1x1")


@pytest.fixture(scope="module")
def small_space():
    return make_cell_space(
        "C", OPERATIONS, num_blocks=2, combiners=("concat", "add_layer_norm")
    )


@pytest.fixture(scope="module")
def trainer(small_space):
    return make_trainer(child_config({"method": "traced"}), small_space)


def test_initial_weights_have_the_zoos_distributions():
    shapes = {
        "a/conv_1/kernel": (3, 3, 40, 50),
        "a/separable_conv_1/depthwise_kernel": (5, 5, 400, 1),
        "logits/kernel": (300, 100),
        "logits/bias": (100,),
        "a/norm_1/gamma": (50,),
        "a/norm_1/moving_variance": (50,),
    }
    weights = initial_weights(shapes, seed=3)
    conv = weights["a/conv_1/kernel"]
    assert conv.std() == pytest.approx((2 / 450) ** 0.5, rel=0.02)
    assert np.abs(conv).max() <= 2 * (2 / 450) ** 0.5 / 0.8796 + 1e-6
    depthwise = weights["a/separable_conv_1/depthwise_kernel"]
    assert depthwise.std() == pytest.approx((2 / 25) ** 0.5, rel=0.02)
    dense = weights["logits/kernel"]
    assert dense.std() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert np.abs(dense).max() <= (6 / 400) ** 0.5
    assert not weights["logits/bias"].any()
    assert (weights["a/norm_1/gamma"] == 1).all()
    assert (weights["a/norm_1/moving_variance"] == 1).all()
    again = initial_weights(dict(reversed(shapes.items())), seed=3)
    other = initial_weights(shapes, seed=4)
    assert all((weights[name] == again[name]).all() for name in shapes)
    assert (weights["logits/kernel"] != other["logits/kernel"]).all()


def test_a_childs_batches_are_a_function_of_its_seed():
    data = ChildData(child_config())

    def first(seed):
        batches = data.training_batches(seed)
        return [next(batches)[0].numpy() for _ in range(3)]

    one, two, again = first(1), first(2), first(1)
    np.testing.assert_array_equal(one, again)
    assert np.abs(np.subtract(one, two)).max() > 0.1
    weights = [batch[2].numpy() for batch in data.evaluation_batches()]
    assert np.sum(weights) == 40


def test_nothing_tunes_the_pipelines():
    # It sleeps for ever longer, and a child's end waits until it wakes up.
    data = ChildData(child_config())
    for dataset in (data.training_dataset, data.evaluation_dataset):
        assert dataset.options().autotune.enabled is False


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_programs_have_the_weights_of_the_network(name):
    space = make_cell_space(name)
    traced, built = both_forms(child_config(), space)
    (genotype,) = genotypes(space, 1)
    for form in (genotype, f"NASNET_{name}"):
        form = nasnet_tf.get_genotype(form)
        network = built.network(form)
        shapes = {
            key: tuple(variable.shape)
            for key, variable in nasnet_tf.networks.variables.named_variables(
                network
            ).items()
        }
        assert traced.program(form).shapes == shapes
    for genotype in genotypes(space, 50, seed=1):
        program = traced.program(genotype)
        for vector, size in traced.network.sizes.items():
            assert program.size(vector) <= size


@pytest.mark.parametrize("match", ["parameters", "mult_adds"])
def test_matched_children_fit_into_the_vectors(match):
    space = make_cell_space("A")
    child = ChildConfig(num_cells=1, filters=8, match=match)
    largest = largest_sizes(space, child, 10, 1)
    machine = InstructionSet(space)
    found = set()
    for genotype in genotypes(space, 8, seed=2):
        matched = matched_child(genotype, child, 10, 1)
        found.add(matched.filters)
        plan = child_plan(genotype, matched)
        recording = Recording(
            plan, genotype.bottleneck, 1, 10, machine.widest_concat
        )
        program = compile_program(recording, machine)
        for vector, size in largest.items():
            assert program.size(vector) <= size
    assert len(found) > 1
    # Vectors that are padded to what no child needs cost time.
    assert largest["kernels"] < 500_000


def judge(children, genotype, steps):
    """The held-out loss after some steps, and the training loss of the next."""
    batches = children.data.training_batches(1)
    step, evaluate = children.begin(genotype, 1)
    for _ in range(steps):
        step(*next(batches))
    return evaluate()["loss"], float(step(*next(batches))["loss"])


@pytest.mark.slow
def test_the_traced_child_equals_the_built_one(small_space):
    config = child_config(
        {
            "dtype": "float64",
            "recalibrate_batch_norm": "auto",
            "match": "parameters",
        },
        steps=5,
        class_weights="balanced",
    )
    traced, built = both_forms(config, small_space)
    (genotype,) = genotypes(small_space, 1, seed=5)
    loss, mine, built_loss, theirs = first_gradients(traced, built, genotype)
    assert loss == pytest.approx(built_loss, rel=1e-12)
    assert total_error(mine, theirs) < 1e-10
    traced_losses = losses(traced, genotype, 5)
    np.testing.assert_allclose(
        traced_losses, losses(built, genotype, 5), rtol=1e-9
    )
    # Judged with statistics that were measured, and then trained on.
    judged = [judge(children, genotype, 2) for children in (traced, built)]
    assert judged[0][0] == pytest.approx(judged[1][0], rel=1e-9)
    assert judged[0][1] == pytest.approx(judged[1][1], rel=1e-9)
    traced.data.statistics_dataset = None
    moving = judge(traced, genotype, 2)
    assert moving[1] == pytest.approx(judged[0][1], rel=1e-12)
    assert abs(moving[0] / judged[0][0] - 1) > 1e-3
    built.data.class_weights = None
    (even,) = losses(built, genotype, 1)
    assert 1e-4 < abs(traced_losses[0] / even - 1) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_traced_children_of_a_space_equal_the_built_ones(name):
    for loss, gradients in first_step(name, 2):
        assert loss < 1e-5 and gradients < 1e-5
    for difference in twenty_steps(name, 2):
        assert difference < 1e-8


def test_a_child_does_not_depend_on_those_before(trainer, small_space):
    first, second = genotypes(small_space, 2)
    one = trainer.train(first, seed=1)
    assert one.failure is None and 0 <= one.accuracy <= 1
    assert [entry["step"] for entry in one.curve] == [3]
    assert one.curve[0]["loss"] == one.loss
    other = trainer.train(second, seed=1)
    again = trainer.train(first, seed=1)
    reseeded = trainer.train(first, seed=2)
    assert dataclasses.replace(again, seconds=one.seconds) == one
    assert len({one.loss, other.loss, reseeded.loss}) == 3


def test_a_child_that_diverges_says_so(small_space):
    config = child_config({"method": "traced"}, learning_rate=1e30, steps=9)
    config.recipe.clip_norm = 0.0
    trainer = make_trainer(config, small_space)
    result = trainer.train(genotypes(small_space, 1)[0], seed=1)
    assert result.accuracy == 0 and result.loss is None
    assert result.failure.startswith("diverged: the loss is")
    assert not result.unexpected


def test_a_child_that_fails_says_why(trainer):
    result = trainer.train("no genotype", seed=1)
    assert result.accuracy == 0
    assert "AttributeError" in result.failure and result.unexpected


def test_an_image_that_cannot_be_read_is_not_the_childs_fault(
    trainer, small_space, monkeypatch
):
    def batches(seed):
        raise tf.errors.InvalidArgumentError(
            None, None, "{{function}} <<photos/3.jpg cannot be decoded>> more"
        )

    monkeypatch.setattr(trainer.data, "training_batches", batches)
    with pytest.raises(InputError, match=r"^photos/3.jpg cannot be decoded$"):
        trainer.train(genotypes(small_space, 1)[0], seed=1)


def test_warm_up_must_end_before_the_child_does():
    config = child_config(steps=3)
    config.recipe.warmup_epochs = 5.0
    with pytest.raises(InputError) as error:
        ChildData(config)
    assert "recipe.warmup_epochs: 5 are" in line_of(error)


def test_the_method_fits_the_budget(small_space):
    short, long = child_config(), child_config(steps=100_000)
    assert make_trainer(short, small_space).method == "traced"
    assert make_trainer(long, small_space).method == "built"
    dropped = child_config({"drop_path_keep_prob": 0.8})
    assert make_trainer(dropped, small_space).method == "built"
    dropped.child.method = "traced"
    with pytest.raises(InputError) as error:
        make_trainer(dropped, small_space)
    assert "child.method: 'traced' knows no drop path" in line_of(error)
    endless = child_config(steps=None)
    with pytest.raises(InputError) as error:
        make_trainer(endless, small_space)
    assert "recipe.epochs: neither" in line_of(error)
