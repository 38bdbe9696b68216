"""Each part of the recipe in numbers, against its formula."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.layers import Dropout, drop_path, drop_path_scope
from nasnet_tf.training import losses
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.optimizer import (
    averaged_weights,
    make_optimizer,
    moving_averages,
)
from nasnet_tf.training.schedules import learning_rate_schedule
from nasnet_tf.training.step import make_evaluation_step, make_train_step
from tests.conftest import tiny_network

RATE = 0.1


def recipe(**values):
    config = RecipeConfig(learning_rate=RATE)
    for name, value in values.items():
        setattr(config, name, value)
    return config


def linear_model():
    """A layer of 3 inputs and 2 classes whose gradient is easy by hand."""
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, name="logits")]
    )
    model.layers[0].set_weights(
        [np.array([[1, -1], [2, 0], [0, 1]], "float32"), np.zeros(2, "float32")]
    )
    return model


IMAGES = np.array([[1, 2, 3], [0, -1, 2]], "float32")
LABELS = np.array([[1, 0], [0, 1]], "float32")


def by_hand(kernel, bias, smoothing=0.0):
    """Mean cross-entropy and its gradient to kernel and bias."""
    labels = (1 - smoothing) * LABELS + smoothing / 2
    logits = IMAGES @ kernel + bias
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    loss = -(labels * np.log(probabilities)).sum(-1).mean()
    error = (probabilities - labels) / len(IMAGES)
    return loss, IMAGES.T @ error, error.sum(0)


def step_of(model, **values):
    config = recipe(**values)
    optimizer = make_optimizer(config, RATE)
    step = make_train_step(model, optimizer, config)
    strategy = tf.distribute.get_strategy()
    return optimizer, lambda x, y: strategy.run(step, args=(x, y))


def rates(steps, *, per_epoch=10, **values):
    schedule = learning_rate_schedule(recipe(**values), 100, per_epoch)
    return [float(schedule(step)) for step in steps]


def test_cosine_falls_to_zero_at_the_last_step():
    expected = [RATE * (1 + math.cos(math.pi * t / 100)) / 2 for t in (0, 25)]
    assert rates((0, 25)) == pytest.approx(expected, rel=1e-6)
    assert rates((50, 100)) == pytest.approx([RATE / 2, 0], abs=1e-8)


def test_cosine_after_a_warm_up():
    expected = [0, RATE / 4, RATE, RATE / 2, 0]
    actual = rates((0, 5, 20, 60, 100), warmup_epochs=2)
    assert actual == pytest.approx(expected, abs=1e-8)


def test_exponential_decay_in_steps():
    values = {"schedule": "exponential", "decay_rate": 0.97}
    # 2.4 epochs of 10 steps are 24.
    expected = [RATE, RATE, RATE * 0.97, RATE * 0.97**4]
    assert rates((0, 23, 24, 99), **values) == pytest.approx(expected, rel=1e-6)
    smooth = rates((12,), **values, staircase=False)
    assert smooth == pytest.approx([RATE * 0.97**0.5], rel=1e-6)


def test_warm_up_of_other_schedules():
    values = {"schedule": "constant", "warmup_epochs": 1}
    expected = [0, RATE / 2, RATE, RATE]
    assert rates((0, 5, 10, 99), **values) == pytest.approx(expected, rel=1e-6)


def test_label_smoothing():
    logits = tf.constant([[2.0, 1.0, -1.0]])
    labels = tf.constant([[0.0, 1.0, 0.0]])
    log = np.array([2.0, 1.0, -1.0]) - np.log(np.exp([2.0, 1.0, -1.0]).sum())
    expected = -(np.array([0.1 / 3, 0.9 + 0.1 / 3, 0.1 / 3]) * log).sum()
    actual = losses.cross_entropy(labels, logits, 0.1)
    assert float(actual[0]) == pytest.approx(expected, rel=1e-6)


def test_step_is_gradient_descent():
    model = linear_model()
    kernel, bias = model.get_weights()
    loss, by_kernel, by_bias = by_hand(kernel, bias, smoothing=0.2)
    _, step = step_of(model, momentum=0.0, label_smoothing=0.2)
    metrics = step(IMAGES, LABELS)
    assert float(metrics["loss"]) == pytest.approx(loss, rel=1e-6)
    norm = math.sqrt((by_kernel**2).sum() + (by_bias**2).sum())
    assert float(metrics["gradient_norm"]) == pytest.approx(norm, rel=1e-6)
    assert float(metrics["accuracy"]) == 1.0
    after = model.get_weights()
    np.testing.assert_allclose(after[0], kernel - RATE * by_kernel, atol=1e-7)
    np.testing.assert_allclose(after[1], bias - RATE * by_bias, atol=1e-7)


def test_clipping_by_the_global_norm():
    model = linear_model()
    kernel, bias = model.get_weights()
    _, by_kernel, by_bias = by_hand(kernel, bias)
    norm = math.sqrt((by_kernel**2).sum() + (by_bias**2).sum())
    clip = norm / 3
    _, step = step_of(model, momentum=0.0, clip_norm=clip)
    metrics = step(IMAGES, LABELS)
    assert float(metrics["gradient_norm"]) == pytest.approx(norm, rel=1e-6)
    after = model.get_weights()
    np.testing.assert_allclose(
        after[0], kernel - RATE * by_kernel / 3, atol=1e-7
    )
    np.testing.assert_allclose(after[1], bias - RATE * by_bias / 3, atol=1e-7)


def test_no_clipping_below_the_norm():
    free, clipped = linear_model(), linear_model()
    step_of(free, clip_norm=0.0)[1](IMAGES, LABELS)
    step_of(clipped, clip_norm=1e6)[1](IMAGES, LABELS)
    np.testing.assert_allclose(
        free.get_weights()[0], clipped.get_weights()[0], atol=1e-7
    )


def test_l2_is_on_kernels_alone():
    model = linear_model()
    model.layers[0].bias.assign([3.0, -3.0])
    kernel, bias = model.get_weights()
    loss, by_kernel, by_bias = by_hand(kernel, bias)
    _, step = step_of(model, momentum=0.0, weight_decay=0.01)
    metrics = step(IMAGES, LABELS)
    l2 = 0.01 * (kernel**2).sum() / 2
    assert float(metrics["l2_loss"]) == pytest.approx(l2, rel=1e-6)
    assert float(metrics["loss"]) == pytest.approx(loss + l2, rel=1e-5)
    after = model.get_weights()
    np.testing.assert_allclose(
        after[0], kernel - RATE * (by_kernel + 0.01 * kernel), atol=1e-6
    )
    np.testing.assert_allclose(after[1], bias - RATE * by_bias, atol=1e-6)


def test_kernels_of_a_network():
    network = tiny_network()
    names = {variable.name for variable in losses.kernels(network)}
    assert names == {"kernel", "depthwise_kernel", "pointwise_kernel"}
    trained = [v.name for v in network.trainable_variables]
    left = set(trained) - names
    assert left == {"gamma", "beta", "bias"}


def test_auxiliary_loss():
    labels = tf.constant([[1.0, 0.0]])
    outputs = {
        "predictions": tf.constant([[0.0, 0.0]]),
        "aux_predictions": tf.constant([[0.0, math.log(3)]]),
    }
    parts = losses.losses(None, outputs, labels, RecipeConfig(), [])
    assert float(parts["cross_entropy"]) == pytest.approx(math.log(2))
    assert float(parts["auxiliary_loss"]) == pytest.approx(math.log(4))
    expected = math.log(2) + 0.4 * math.log(4)
    assert float(parts["loss"]) == pytest.approx(expected, rel=1e-6)


def test_momentum_of_sgd():
    model = linear_model()
    kernel, bias = model.get_weights()
    _, first, by_bias = by_hand(kernel, bias)
    kernel_1, bias_1 = kernel - RATE * first, bias - RATE * by_bias
    _, second, _ = by_hand(kernel_1, bias_1)
    _, step = step_of(model, momentum=0.9)
    step(IMAGES, LABELS)
    step(IMAGES, LABELS)
    expected = kernel_1 - RATE * (0.9 * first + second)
    np.testing.assert_allclose(model.get_weights()[0], expected, atol=1e-6)


def test_rmsprop_of_the_paper():
    model = linear_model()
    kernel, bias = model.get_weights()
    _, by_kernel, _ = by_hand(kernel, bias)
    _, step = step_of(model, optimizer="rmsprop", rho=0.9, momentum=0.9)
    step(IMAGES, LABELS)
    # Epsilon 1.0 under the root, as TensorFlow's RMSProp has it.
    expected = kernel - RATE * by_kernel / np.sqrt(0.1 * by_kernel**2 + 1.0)
    np.testing.assert_allclose(model.get_weights()[0], expected, atol=1e-7)


def test_adamw_decays_kernels_alone():
    model = linear_model()
    model.layers[0].bias.assign([3.0, -3.0])
    optimizer = make_optimizer(
        recipe(optimizer="adamw", decoupled_weight_decay=0.5), RATE
    )
    optimizer.build(model.trainable_variables)
    kernel, bias = model.get_weights()
    zeros = [tf.zeros_like(v.value) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    np.testing.assert_allclose(
        model.get_weights()[0], kernel * (1 - RATE * 0.5), atol=1e-6
    )
    np.testing.assert_allclose(model.get_weights()[1], bias, atol=1e-6)


def test_moving_average_of_the_weights():
    model = linear_model()
    optimizer, step = step_of(model, ema_momentum=0.75)
    average = None
    for _ in range(3):
        step(IMAGES, LABELS)
        kernel = model.get_weights()[0]
        # It begins at the weights after the first step.
        average = kernel if average is None else 0.75 * average + 0.25 * kernel
    np.testing.assert_allclose(
        moving_averages(optimizer)[0].numpy(), average, atol=1e-6
    )
    raw = model.get_weights()
    with averaged_weights(model, optimizer):
        np.testing.assert_allclose(model.get_weights()[0], average, atol=1e-6)
    for before, after in zip(raw, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_weights_come_back_after_a_failed_evaluation():
    model = linear_model()
    optimizer, step = step_of(model, ema_momentum=0.75)
    step(IMAGES, LABELS)
    step(IMAGES, LABELS)
    raw = model.get_weights()[0]
    with (
        pytest.raises(KeyError),
        averaged_weights(model, optimizer),
    ):
        raise KeyError
    np.testing.assert_array_equal(model.get_weights()[0], raw)


def test_loss_scale_of_float16_changes_no_step():
    plain, scaled = linear_model(), linear_model()
    config = recipe(clip_norm=0.5)
    strategy = tf.distribute.get_strategy()
    norms = []
    for model, dtype in ((plain, "float32"), (scaled, "mixed_float16")):
        optimizer = make_optimizer(config, RATE, dtype)
        step = tf.function(make_train_step(model, optimizer, config))
        metrics = strategy.run(step, args=(IMAGES, LABELS))
        norms.append(float(metrics["gradient_norm"]))
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)
    np.testing.assert_allclose(
        plain.get_weights()[0], scaled.get_weights()[0], atol=1e-6
    )


def test_drop_path_follows_the_global_step(monkeypatch):
    seen = []

    class Recording(keras.Sequential):
        def call(self, *args, **kwargs):
            step, seed = drop_path.current_scope()
            seen.append((int(step), int(seed)))
            return super().call(*args, **kwargs)

    model = Recording([keras.Input((3,)), keras.layers.Dense(2)])
    config = recipe()
    optimizer = make_optimizer(config, RATE)
    step = make_train_step(model, optimizer, config, seed=5)
    for _ in range(3):
        tf.distribute.get_strategy().run(step, args=(IMAGES, LABELS))
    assert seen == [(0, 5), (1, 5), (2, 5)]


def test_drop_path_keeps_by_depth_and_step():
    network = tiny_network(drop_path_keep_prob=0.6, drop_path_total_steps=100)
    layer = network.get_layer("drop_path")
    cells = len(network.plan.cells)
    for step, progress in ((0, 0), (50, 0.5), (100, 1), (300, 1)):
        keep = keras.ops.convert_to_numpy(layer.keep_probabilities(step))
        # keep1 of the first and the last cell, then the step's share.
        first = 1 - progress * (1 - (1 - 1 / cells * 0.4))
        assert keep[0] == pytest.approx(first, rel=1e-6)
        assert keep[-1] == pytest.approx(1 - progress * 0.4, rel=1e-6)


def test_evaluation_step_leaves_padding_out():
    model = linear_model()
    step = make_evaluation_step(model)
    sums = step(IMAGES, tf.constant([0, 0]), tf.constant([1.0, 0.0]))
    logits = IMAGES @ model.get_weights()[0]
    expected = np.log(np.exp(logits[0]).sum()) - logits[0, 0]
    assert float(sums["loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(sums["accuracy"]) == 1.0
    assert float(sums["examples"]) == 1.0


def test_evaluation_step_by_class():
    model = linear_model()
    labels = tf.constant([0, 1, 1, 0, 0])
    weights = tf.constant([1.0, 1.0, 1.0, 1.0, 0.0])
    images = IMAGES[[0, 1, 0, 1, 0]]
    sums = make_evaluation_step(model, by_class=True)(images, labels, weights)
    # The first image is taken for class 0, the second for class 1.
    assert sums["class_hits"].numpy().tolist() == [1, 1]
    assert sums["class_examples"].numpy().tolist() == [2, 2]
    assert float(sums["accuracy"]) == 2
    assert float(sums["examples"]) == 4


def test_of_equal_logits_the_lower_class_goes_first():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(8)])
    model.layers[0].set_weights([np.zeros((1, 8)), np.zeros(8)])
    step = make_evaluation_step(model)
    labels = tf.constant([0, 1, 4, 5])
    sums = step(np.zeros((4, 1), "float32"), labels, tf.ones(4))
    assert float(sums["accuracy"]) == 1
    assert float(sums["top_5"]) == 3


def test_no_top_5_of_five_classes():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(5)])
    step = make_evaluation_step(model)
    sums = step(np.ones((2, 1), "float32"), tf.constant([0, 1]), tf.ones(2))
    assert set(sums) == {"loss", "accuracy", "examples"}


def test_dropout_is_a_function_of_step_and_seed():
    layer = Dropout(0.5, seed=0)
    ones = np.ones((4, 64), "float32")

    def drawn(step, seed):
        with drop_path_scope(step, seed):
            return layer(ones, training=True).numpy()

    np.testing.assert_array_equal(drawn(3, 1), drawn(3, 1))
    for step, seed in ((4, 1), (3, 2)):
        assert (drawn(3, 1) != drawn(step, seed)).mean() > 0.3
    assert set(np.unique(drawn(3, 1))) == {0.0, 2.0}
    assert drawn(3, 1).mean() == pytest.approx(1, abs=0.2)
    # Outside it is Keras's, whose state moves on.
    first, second = (layer(ones, training=True).numpy() for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(layer(ones, training=False), ones)
