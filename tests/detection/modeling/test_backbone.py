"""A Keras 3 network as a backbone of Model Garden."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from official.vision.configs import common
from official.vision.modeling.backbones import factory

import nasnet_tf
from detection.modeling.backbone import (
    Backbone,
    NASNetBackbone,
    to_unit_range,
    whitened,
    wrapper_options,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.features import feature_extractor, feature_levels
from nasnet_tf.networks.variables import named_variables
from tests.conftest import line_of, randomize
from tests.detection.models import (
    arguments,
    backbone_config,
    image_spec,
    random_images,
)

NORM = common.NormActivation(norm_momentum=0.9, use_sync_bn=False)


def build(regularizer=None, **changes):
    """By the name that it is registered under."""
    config = Backbone(type="nasnet", nasnet=backbone_config(**changes))
    return factory.build_backbone(image_spec(), config, NORM, regularizer)


@pytest.fixture(scope="module")
def backbone():
    made = build(tf_keras.regularizers.l2(0.5))
    randomize(made.network)
    return made


def test_features_are_the_end_points_of_the_classifier(backbone):
    images = random_images()
    features = backbone(images)
    classifier = nasnet_tf.NASNet(**arguments() | {"include_top": True})
    for name, variable in named_variables(backbone.network).items():
        named_variables(classifier)[name].assign(variable)
    levels = feature_levels(classifier)
    end_points = keras.Model(
        classifier.input,
        {str(n): classifier.end_points[levels[n]] for n in (2, 3, 4, 5)},
    )(to_unit_range(images), training=False)
    assert features.keys() == end_points.keys() == {"2", "3", "4", "5"}
    for level, expected in end_points.items():
        assert np.array_equal(features[level], expected)
        shape = backbone.output_specs[level]
        assert shape.as_list() == [None, *expected.shape[1:]]


def test_images_come_as_nasnet_was_trained():
    """Model Garden's normalised image, and preprocess_input of the same."""
    from official.vision.ops import preprocess_ops

    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    normalized = preprocess_ops.normalize_image(tf.constant(image))
    expected = nasnet_tf.preprocess_input(image.astype("float32"))
    assert np.abs(to_unit_range(normalized) - expected).max() < 1e-6


def test_whitened_images_come_as_nasnet_was_trained():
    """As preprocess_input of the image alone; what pads it is 0."""
    from official.vision.ops import preprocess_ops

    image = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    normalized = preprocess_ops.normalize_image(tf.constant(image))
    padded = tf.image.pad_to_bounding_box(normalized, 0, 0, 10, 12)[None]
    expected = nasnet_tf.preprocess_input(image, preprocessing="whitening")
    seen = whitened(padded).numpy()[0]
    assert np.abs(seen[:6, :9] - expected).max() < 1e-5
    assert not seen[6:].any() and not seen[:, 9:].any()
    assert seen.std() < 1
    assert whitened(tf.cast(padded, tf.float16)).dtype == tf.float16


def test_tf_keras_knows_every_weight(backbone):
    inner = backbone.keras3_model
    assert [v.name for v in backbone.trainable_variables]
    for ours, theirs in (
        (backbone.trainable_variables, inner.trainable_variables),
        (backbone.non_trainable_variables, inner.non_trainable_variables),
    ):
        assert {id(v) for v in ours} == {id(v.value) for v in theirs}
        assert len(ours) == len(theirs)


def test_a_checkpoint_restores_by_the_names_of_the_zoo(backbone, tmp_path):
    path = tf.train.Checkpoint(backbone=backbone).write(str(tmp_path / "ckpt"))
    keys = [name for name, _ in tf.train.list_variables(path)]
    # TensorFlow writes / in a key as .S.
    assert any("cell_0.Sblock_0_left.Sseparable_conv_1" in key for key in keys)
    other = build()
    randomize(other.network, seed=1)
    status = tf.train.Checkpoint(backbone=other).read(path)
    status.assert_existing_objects_matched().assert_consumed()
    images = random_images()
    for level, expected in backbone(images).items():
        assert np.array_equal(other(images)[level], expected)


def test_l2_is_that_of_all_kernels(backbone):
    kernels = [
        variable
        for name, variable in named_variables(backbone.keras3_model).items()
        if name.endswith("kernel")
    ]
    assert len(backbone.losses) == len(kernels) > 50
    expected = sum(0.5 * np.sum(np.square(kernel)) for kernel in kernels)
    assert float(sum(backbone.losses)) == pytest.approx(expected, rel=1e-5)


def test_l2_has_gradients(backbone):
    with tf.GradientTape() as tape:
        loss = tf.add_n(backbone.losses)
    kernel = backbone.variables_by_name["conv0/kernel"]
    gradient = tape.gradient(loss, kernel)
    assert np.allclose(gradient, kernel, rtol=1e-6)


class Parent(tf_keras.Model):
    """Calls its backbone as Model Garden's detectors do."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone

    def call(self, images, training=None):
        return self.backbone(images)["5"]


def moved(model, call):
    """Whether the call moves the batch norm's statistics."""
    name = "conv0_norm/moving_mean"
    before = model.variables_by_name[name].numpy()
    call()
    return not np.array_equal(before, model.variables_by_name[name].numpy())


def test_training_reaches_it_through_the_context_of_the_call():
    backbone = build()
    parent, images = Parent(backbone), random_images()
    assert moved(backbone, lambda: parent(images, training=True))
    assert not moved(backbone, lambda: parent(images, training=False))
    assert not moved(backbone, lambda: parent(images))


def test_frozen_by_a_parent_and_thawed():
    backbone = build()
    parent, images = Parent(backbone), random_images()
    names = len(backbone.trainable_variables)
    parent.trainable = False
    assert parent.trainable_variables == []
    assert not moved(backbone, lambda: parent(images, training=True))
    parent.trainable = True
    assert len(parent.trainable_variables) == names
    assert moved(backbone, lambda: parent(images, training=True))


def test_frozen_batch_norm_keeps_scales_and_statistics():
    backbone = build(freeze_batch_norm=True)
    parent, images = Parent(backbone), random_images()
    assert not moved(backbone, lambda: parent(images, training=True))
    trainable = {id(v) for v in parent.trainable_variables}
    by_name = backbone.variables_by_name
    for name, variable in by_name.items():
        assert (id(variable) in trainable) == name.endswith("kernel"), name
    held = parent.trainable_variables + parent.non_trainable_variables
    assert len(held) == len({id(v) for v in held}) == len(by_name)


def test_drop_path_draws_anew_at_each_step():
    options = {"drop_path_keep_prob": 0.3, "drop_path_total_steps": 1}
    backbone, images = build(**options), random_images()
    randomize(backbone.network)
    backbone(images, training=True)  # drop path sets in after it
    first, second = (backbone(images, training=True)["5"] for _ in range(2))
    assert np.abs(first - second).max() > 0.01
    assert int(backbone._calls) == 3
    same = build(**options)
    randomize(same.network)
    same._calls.assign(1)
    assert np.allclose(same(images, training=True)["5"], first, atol=1e-4)


def test_mixed_precision_reaches_keras_3():
    tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        backbone = build()
        images = tf.cast(random_images(), tf.bfloat16)
        assert backbone(images)["5"].dtype == tf.bfloat16
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    assert backbone.variables_by_name["conv0/kernel"].dtype == tf.float32


def test_a_genotype_file_makes_a_backbone(tmp_path):
    path = tmp_path / "cells.json"
    path.write_text(nasnet_tf.NASNET_C.to_json())
    backbone = build(genotype=str(path), penultimate_filters=160)
    assert backbone.network.genotype == nasnet_tf.NASNET_C


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"preset": "nasnet_a_mobil"}, "nasnet_a_mobile"),
        ({"genotype": None}, "preset: null"),
        ({"max_level": 7}, "max_level: 7 is not a level"),
        ({"genotype": "missing.json"}, "missing.json"),
    ],
)
def test_bad_values_are_one_line(changes, named):
    with pytest.raises(InputError) as error:
        build(**changes)
    assert named in line_of(error)


def test_it_wraps_any_extract():
    backbone = NASNetBackbone(
        arguments(),
        lambda network: feature_extractor(network, [5]),
        **wrapper_options(backbone_config(), None),
    )
    assert list(backbone(random_images())) == ["5"]
