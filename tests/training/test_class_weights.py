"""Class weights against scikit-learn and against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_class_weight

from nasnet_tf import data
from nasnet_tf.data import order
from nasnet_tf.data.config import DataConfig
from nasnet_tf.training import losses
from nasnet_tf.training.class_weights import balanced_weights, class_weights
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.job import train
from nasnet_tf.training.network import build_network
from tests.configuration.test_files import error_of
from tests.data.image_sets import folder_config, write_folder
from tests.training.jobs import small_job

COUNTS = {
    "train": {"cat": 5, "dog": 2, "owl": 1},
    "test": {"cat": 6, "dog": 1, "owl": 2},
}
WEIGHTS = 8 / 3 / np.array([5, 2, 1])
BALANCED = RecipeConfig(class_weights="balanced")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("pets"), COUNTS, ".png")


def cross_entropies(labels, logits):
    """Of each example, in NumPy."""
    logits = np.asarray(logits, "float64")
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -(labels * log).sum(-1)


# === Weights ===


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.random.default_rng(0).choice(4, 300, p=[0.5, 0.3, 0.15, 0.05])
    counts = np.bincount(labels)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(balanced_weights(counts), expected, rtol=1e-15)
    assert balanced_weights(counts)[labels].mean() == pytest.approx(1)


def test_a_class_without_images_has_weight_0():
    # scikit-learn's weights of the three classes that there are.
    expected = compute_class_weight(
        "balanced", classes=np.array([0, 2, 3]), y=[0, 0, 0, 2, 3, 3]
    )
    weights = balanced_weights([3, 0, 1, 2])
    np.testing.assert_allclose(weights, [expected[0], 0, *expected[1:]])


def test_weights_of_a_source(photos):
    source = data.open_data(folder_config(photos)).train
    assert class_weights(RecipeConfig(), source) is None
    np.testing.assert_allclose(class_weights(BALANCED, source), WEIGHTS)


def test_a_wrong_value_is_one_line():
    assert error_of(read_config, (), "recipe.class_weights=balance") == (
        "params_override: recipe.class_weights: 'balance' is unknown; did you "
        "mean 'balanced'? choose one of none, balanced"
    )


# === Counts ===


def test_counts_of_folders(photos):
    opened = data.open_data(folder_config(photos))
    assert opened.train.class_counts().tolist() == [5, 2, 1]
    assert opened.evaluation.class_counts().tolist() == [6, 1, 2]
    alone = data.open_evaluation(
        folder_config(photos), class_names=["ant", "cat", "dog", "owl", "yak"]
    )
    assert alone.class_counts().tolist() == [0, 6, 1, 2, 0]


def test_counts_leave_held_out_examples_out():
    whole = data.open_data(DataConfig()).train
    opened = data.open_data(DataConfig(held_out=300), seed=3)
    chosen = order.held_out(whole.size, 300, 3)
    expected = np.bincount(whole.labels()[~chosen])
    np.testing.assert_array_equal(opened.train.class_counts(), expected)
    held_out = opened.evaluation.class_counts()
    np.testing.assert_array_equal(whole.class_counts(), expected + held_out)


# === Loss ===


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_weighted_loss_of_soft_labels(smoothing):
    generator = np.random.default_rng(0)
    logits, auxiliary = generator.normal(size=(2, 4, 3))
    # Two as mixup makes them.
    labels = np.array([[1, 0, 0], [0, 0, 1], [0.7, 0.3, 0], [0, 0.1, 0.9]])
    smoothed = (1 - smoothing) * labels + smoothing / 3
    weights = labels @ WEIGHTS
    main, head = (
        (weights * cross_entropies(smoothed, values)).mean()
        for values in (logits, auxiliary)
    )
    parts = losses.losses(
        None,
        {
            "predictions": tf.constant(logits),
            "aux_predictions": tf.constant(auxiliary),
        },
        tf.constant(labels),
        RecipeConfig(label_smoothing=smoothing),
        [],
        WEIGHTS,
    )
    assert float(parts["cross_entropy"]) == pytest.approx(main, rel=1e-12)
    assert float(parts["auxiliary_loss"]) == pytest.approx(head, rel=1e-12)
    expected = main + 0.4 * head
    assert float(parts["loss"]) == pytest.approx(expected, rel=1e-12)


def test_weights_of_an_epoch_are_scikit_learns_sample_weights():
    labels = np.repeat([0, 1, 2], [5, 2, 1])
    logits = np.random.default_rng(1).normal(size=(8, 3))
    parts = losses.losses(
        None,
        tf.constant(logits),
        tf.one_hot(labels, 3, dtype="float64"),
        RecipeConfig(),
        [],
        balanced_weights(np.bincount(labels)),
    )
    each = cross_entropies(np.eye(3)[labels], logits)
    # Every class has the same share.
    expected = np.mean([each[labels == n].mean() for n in range(3)])
    assert float(parts["cross_entropy"]) == pytest.approx(expected, rel=1e-12)


# === Jobs ===


@pytest.fixture(scope="module")
def job(photos, tmp_path_factory):
    """One step on all images of an uneven folder, mixed."""
    folder = tmp_path_factory.mktemp("job")
    config = small_job(
        folder,
        f"data.source=folder,data.data_dir={photos},data.mixup=0.2",
        "recipe.class_weights=balanced,recipe.steps=1",
        "model.auxiliary_head=true",
    )
    return config, folder / "job", train(config, folder / "job", quiet=True)


def test_a_job_weights_its_mixed_labels(job):
    config, _, result = job
    source = data.open_data(config.data).train
    keras.utils.set_random_seed(config.runtime.seed)
    network = build_network(config.model, source.class_names, steps=1)
    batches = data.training_batches(
        source, config.data, 32, network.preprocessing, 8, 8
    )
    images, labels = next(iter(batches))
    labels = labels.numpy()
    assert ((labels > 0) & (labels < 1)).any()
    logits = network(images, training=True)
    history = result.history["training"]
    for output, metric in (
        ("predictions", "cross_entropy"),
        ("aux_predictions", "auxiliary_loss"),
    ):
        each = cross_entropies(labels, logits[output])
        weighted = (labels @ WEIGHTS * each).mean()
        assert history[metric][0] == pytest.approx(weighted, rel=1e-4)
        assert abs(each.mean() / weighted - 1) > 0.005


def test_a_job_measures_the_balanced_accuracy(job):
    config, model_dir, result = job
    evaluation = data.open_data(config.data).evaluation
    (batch,) = data.evaluation_batches(
        evaluation,
        result.model.image_reading,
        32,
        result.model.preprocessing,
        9,
    )
    predicted = np.argmax(result.model(batch["images"], training=False), -1)
    labels = batch["labels"].numpy()
    assert np.bincount(labels).tolist() == [6, 1, 2]
    expected = balanced_accuracy_score(labels, predicted)
    assert result.evaluation["balanced_accuracy"] == pytest.approx(expected)
    accuracy = np.mean(labels == predicted)
    assert result.evaluation["accuracy"] == pytest.approx(accuracy)
    assert abs(accuracy - expected) > 0.01
    card = (model_dir / "model_card.md").read_text()
    assert f"| {accuracy:.2%} | {expected:.2%} |".replace("%", " %") in card


def test_the_model_card_says_so(job):
    _, model_dir, _ = job
    assert (
        "* Class weights: the loss of an image counts in inverse proportion "
        "to the images of its class.\n"
    ) in (model_dir / "model_card.md").read_text()
