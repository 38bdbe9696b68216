"""Faster R-CNN: the paper's form, anchors everywhere, portions of regions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from official.core import task_factory
from official.vision.modeling.layers import roi_aligner

import nasnet_tf
from detection.experiments import read_experiment
from detection.modeling.anchors import anchor_generator, outside_anchors
from detection.modeling.backbone import build_proposal_backbone, to_unit_range
from detection.modeling.box_coder import BoxCoder
from detection.modeling.crop_and_resize import CropAndResize
from detection.modeling.rpn_head import RPNHead
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.features import split_before_second_reduction
from nasnet_tf.networks.variables import is_weight, named_variables
from tests.conftest import close, line_of, randomize
from tests.detection.models import (
    arguments,
    decoded_example,
    example_batch,
    fpn,
    image_spec,
    paper,
    random_images,
)


@pytest.fixture(scope="module")
def detector():
    task, model = paper()
    randomize(model.backbone.network)
    # Else all offsets and scores are next to zero.
    for head in (model.detection_head[0].box_regressor, model.rpn_head):
        for variable in head.trainable_variables:
            variable.assign(tf.random.stateless_normal(variable.shape, [1, 2]))
    return task, model


def shapes(experiment, size):
    """Of the paper's network, by shape inference alone."""
    model = read_experiment(experiment).task.model
    backbone, head = build_proposal_backbone(
        image_spec(size), model.backbone, model.norm_activation
    )
    proposals = backbone.output_specs["4"].as_list()
    crop = keras.KerasTensor((1, 17, 17, proposals[-1]))
    last = head.keras3_model.compute_output_spec(crop)
    names = {name.split("/")[0] for name in head.variables_by_name}
    return proposals, last.shape, names


@pytest.mark.parametrize(
    ("experiment", "sizes", "channels", "cells"),
    [
        ("fasterrcnn_nasnet_mobile_coco", (608, 800), (1056, 1056), (8, 12)),
        pytest.param(
            "fasterrcnn_nasnet_large_coco",
            (800, 1200),
            (4032, 4032),
            (12, 18),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_papers_shapes(experiment, sizes, channels, cells):
    for size in sizes:
        proposals, last, names = shapes(experiment, size)
        # Two cells of 6F; 600 pixels are padded to 608 and give 38 too.
        assert proposals == [None, size // 16, size // 16, channels[0]]
        assert last == (1, 9, 9, channels[1])
        expected = {f"cell_{number}" for number in range(*cells)}
        assert names == expected | {"reduction_cell_1"}


@pytest.mark.parametrize(
    ("genotype", "skip"),
    [("NASNET_A", False), ("NASNET_A", True), ("NASNET_B", False)],
)
def test_the_last_cells_on_the_whole_map_are_the_classifiers(genotype, skip):
    divisor = nasnet_tf.get_genotype(genotype).filters_divisor
    network = randomize(
        nasnet_tf.NASNet(
            genotype,
            num_cells=1,
            penultimate_filters=8 * divisor,
            input_shape=(32, 32, 3),
            include_top=False,
            skip_reduction_layer_input=skip,
        )
    )
    proposals, last_cells = split_before_second_reduction(network)
    images = to_unit_range(random_images(size=32))
    expected = network(images, training=False)
    close(last_cells(proposals(images)), expected, 1e-6)
    variables = {
        id(v) for part in (proposals, last_cells) for v in part.variables
    }
    assert variables == {id(v) for v in network.variables}


@pytest.mark.slow
def test_box_head_on_a_crop_of_the_whole_image_at_272():
    """17x17 features; slim's crop, and Model Garden's with offset 0."""
    model = read_experiment("fasterrcnn_nasnet_mobile_coco").task.model
    backbone, head = build_proposal_backbone(
        image_spec(272), model.backbone, model.norm_activation
    )
    randomize(backbone.network)
    images = random_images(1, 272)
    features = backbone(images)
    assert features["4"].shape == (1, 17, 17, 1056)
    slim = tf.image.crop_and_resize(
        features["4"], [[0.0, 0.0, 1.0, 1.0]], [0], [17, 17]
    )
    aligner = roi_aligner.MultilevelROIAligner(17, 0.0)
    ours = aligner(features, tf.constant([[[0.0, 0.0, 272.0, 272.0]]]))[:, 0]
    classifier = nasnet_tf.NASNetMobile(
        weights=None, include_top=False, input_shape=(272, 272, 3)
    )
    for name, variable in named_variables(backbone.network).items():
        named_variables(classifier)[name].assign(variable)
    expected = classifier(to_unit_range(images), training=False)
    assert np.abs(expected).max() > 0.1
    for crop in (slim, ours):
        close(head(crop), expected, 1e-5)


def detect(model, images, **options):
    size = tf.constant([[64.0, 64.0]] * len(images))
    return model(images, image_shape=size, training=False, **options)


def test_regions_in_portions_are_as_all_at_once(detector):
    _, model = detector
    images = random_images()
    assert model._regions_at_once == 3
    in_portions = detect(model, images)
    model._regions_at_once = 0
    at_once = detect(model, images)
    model._regions_at_once = 3
    assert at_once["class_outputs"].shape == (2, 7, 4)
    for key in ("class_outputs", "box_outputs", "detection_boxes"):
        close(in_portions[key], at_once[key], 1e-4)


def test_anchors_are_the_same_in_data_model_and_inference(detector):
    task, model = detector
    config = task.task_config.model
    expected = anchor_generator(config)((64, 64))["4"]
    image = np.zeros((64, 64, 3), np.uint8)
    data = decoded_example(image, [[16, 16, 32, 48]])
    parser = task.build_parser(task.task_config.train_data)
    for training in (True, False):
        _, labels = parser.parse_fn(training)(data)
        assert np.array_equal(labels["anchor_boxes"]["4"], expected)
    images = random_images()
    given = {"4": tf.tile(expected[None], [2, 1, 1, 1])}
    with_anchors = detect(model, images, anchor_boxes=given)
    without = detect(model, images)
    close(without["detection_boxes"], with_anchors["detection_boxes"], 0)


def test_the_parser_labels_our_anchors(detector):
    """Nearly the third size's square, number 7, around (32, 32)."""
    task, _ = detector
    box = [18, 17, 50, 49]
    _, labels = example_batch(task, [box])
    scores = labels["rpn_score_targets"]["4"][0].numpy()
    boxes = labels["rpn_box_targets"]["4"][0].numpy()
    assert scores.shape == (4, 4, 12)
    assert boxes.shape == (4, 4, 48)
    assert np.argwhere(scores == 1).tolist() == [[2, 2, 7]]
    offsets = boxes.reshape(4, 4, 12, 4)[2, 2, 7]
    # Times ten, as the Object Detection API encodes them.
    assert np.allclose(offsets, [20 / 32, 10 / 32, 0, 0], atol=1e-5)
    # Anchors that leave the image are left out: no object, no background.
    outside = outside_anchors(task.task_config.model, (64, 64))["4"]
    assert (scores[outside] == -1).all()
    assert (scores[~outside] == 0).sum() > 10
    # An object whose best anchor is left out has the best of the others.
    _, labels = example_batch(task, [[0, 0, 30, 30]])
    scores = labels["rpn_score_targets"]["4"][0].numpy()
    assert np.argwhere(scores == 1).tolist() == [[1, 1, 7]]


@pytest.mark.parametrize("form", [paper, fpn])
def test_every_trained_weight_has_a_gradient(form):
    task, model = form()
    images, labels = example_batch(task)
    with tf.GradientTape() as tape:
        outputs = model(
            images,
            image_shape=labels["image_info"][:, 1],
            anchor_boxes=labels["anchor_boxes"],
            gt_boxes=labels["gt_boxes"],
            gt_classes=labels["gt_classes"],
            training=True,
        )
        total = task.build_losses(outputs, labels, model.losses)["total_loss"]
    gradients = tape.gradient(total, model.trainable_variables)
    assert np.isfinite(total)
    missing = [
        variable.name
        for variable, gradient in zip(
            model.trainable_variables, gradients, strict=True
        )
        if gradient is None
    ]
    assert missing == []
    assert outputs["class_targets"].shape[0] == 2


def test_more_samples_than_proposals_are_one_line():
    with pytest.raises(InputError) as error:
        paper(",task.model.roi_sampler.num_sampled_rois=64")
    assert line_of(error) == (
        "task.model.roi_sampler.num_sampled_rois: 64 is more than the 7 of "
        "task.model.roi_generator.num_proposals; lower it, or raise those"
    )


def test_sizes_that_parsers_pad():
    """As 600 is to 608 in the paper's form."""
    task, model = paper(",task.model.input_size=[72,72,3]")
    images, labels = example_batch(task)
    assert images.shape == (2, 80, 80, 3)
    features = model.backbone(images)["4"]
    assert features.shape[1:3] == labels["anchor_boxes"]["4"].shape[1:3]


def test_initial_weights_fill_backbone_and_box_head(detector, tmp_path, capsys):
    task, model = detector
    classifier = randomize(
        nasnet_tf.NASNet(**arguments() | {"include_top": True}), seed=3
    )
    classifier.save(tmp_path / "classifier.keras")
    task.task_config.initial_weights = str(tmp_path / "classifier.keras")
    task.initialize(model)
    count = sum(map(is_weight, named_variables(model.backbone.network)))
    told = capsys.readouterr().out
    assert told.startswith(f"initial weights: {count} tensors of ")
    assert "skipped the classifier" in told
    images = random_images()
    cells = model.detection_head[0].cells
    pooled = cells(model.backbone(images)["4"]).numpy().mean(axis=(1, 2))
    features = keras.Model(
        classifier.input, classifier.end_points["global_pool"]
    )
    close(pooled, features(to_unit_range(images), training=False), 1e-5)


def test_weights_of_another_network_are_one_line(detector, tmp_path):
    task, model = detector
    other = arguments(penultimate_filters=384) | {"include_top": True}
    nasnet_tf.NASNet(**other).save(tmp_path / "other.keras")
    task.task_config.initial_weights = str(tmp_path / "other.keras")
    before = model.backbone.variables_by_name["conv0/kernel"].numpy()
    with pytest.raises(InputError) as error:
        task.initialize(model)
    assert "of another shape" in line_of(error)
    after = model.backbone.variables_by_name["conv0/kernel"].numpy()
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("weights", "frozen"), [("null", False), ("imagenet", True)]
)
def test_batch_norm_is_frozen_where_there_are_initial_weights(weights, frozen):
    params = read_experiment(
        "fasterrcnn_nasnet_mobile_coco", (), f"task.initial_weights={weights}"
    )
    task = task_factory.get_task(params.task)
    assert task.task_config.model.backbone.nasnet.freeze_batch_norm is frozen
    assert params.task.model.backbone.nasnet.freeze_batch_norm is None


@pytest.mark.slow
@pytest.mark.parametrize("form", [paper, fpn])
def test_bfloat16_in_training_and_inference(form):
    """The network computes in bfloat16, boxes stay in float32."""
    tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        task, model = form()
        images, labels = example_batch(task)
        images = tf.cast(images, tf.bfloat16)
        found = detect(model, images)
        optimizer = tf_keras.optimizers.SGD(0.01)
        logs = task.train_step((images, labels), model, optimizer)
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    assert found["backbone_features"]["4"].dtype == tf.bfloat16
    assert found["detection_boxes"].dtype == tf.float32
    assert np.isfinite(logs["loss"])


@pytest.mark.parametrize("softmax", [False, True])
def test_the_proposal_head_of_the_object_detection_api(softmax):
    features = {"4": random_images(2, 5)[..., :2]}
    head = RPNHead(3, 8, "relu6", softmax)
    scores, boxes = head(features)
    for variable in head.variables:
        variable.assign(tf.random.stateless_normal(variable.shape, [1, 2]))
    scores, boxes = head(features)
    assert scores["4"].shape == (2, 5, 5, 3)
    assert boxes["4"].shape == (2, 5, 5, 12)
    hidden = tf.nn.relu6(
        tf.nn.conv2d(features["4"], head.conv.kernel, 1, "SAME")
        + head.conv.bias
    )
    raw = (hidden @ head.scores.kernel[0] + head.scores.bias)[..., None]
    logits = tf.reshape(raw, [2, 5, 5, 3, -1])
    if softmax:
        probability = tf.nn.softmax(logits)[..., 1]
        close(tf.sigmoid(scores["4"]), probability, 1e-5)
    else:
        close(scores["4"], logits[..., 0], 1e-5)
    # For inference one product, with the same weights.
    product = head.as_convolution()
    product._as_product = True
    for ours, theirs in zip(product(features), (scores, boxes), strict=True):
        close(ours["4"], theirs["4"], 1e-5)


def test_a_crop_without_tensorflows_operation():
    features = {"4": random_images(1, 6)}
    # At the border, within a position, and what pads the regions.
    boxes = [[0, 0, 96, 96], [10, 3, 40, 96], [50, 60, 52, 61], [0, 0, 0, 0]]
    boxes = tf.constant([boxes], tf.float32)
    expected = CropAndResize(7)(features, boxes)
    assert expected.shape == (1, 4, 7, 7, 3)
    close(CropAndResize(7, built_in=False)(features, boxes), expected, 1e-6)


def test_boxes_grow_as_far_as_they_may():
    anchors = tf.constant([[0.0, 0.0, 2.0, 4.0]])
    encoded = tf.constant([[5.0, -5.0, 50.0, 20.0]])
    box = BoxCoder((10.0, 10.0, 5.0, 5.0), 0).decode(encoded, anchors)
    half = np.exp([10, 4]) * [1, 2]
    expected = [2 - half[0], 0 - half[1], 2 + half[0], 0 + half[1]]
    assert np.allclose(box, [expected], rtol=1e-5)
    box = BoxCoder((10.0, 10.0, 5.0, 5.0), 8).decode(encoded, anchors)
    assert np.allclose(box, [[2 - 8, -16, 2 + 8, 16]], rtol=1e-5)


@pytest.mark.parametrize(
    ("override", "match"),
    [
        ("rpn_head.objectness=tanh", "choose one of sigmoid, softmax"),
        ("rpn_head.use_batch_norm=true", "'softmax' beside use_batch_norm"),
        ("rpn_head.box_coder_weights=[1.0]", "are not four above 0"),
        ("rpn_head.num_convs=2", "has one plain convolution"),
        ("roi_aligner.method=crop", "choose one of align, crop_and_resize"),
        ("roi_generator.use_batched_nms=false", "set that to true"),
        ("detection_generator.nms_version=v2", "set that to batched"),
        ("detection_generator.clip_after_nms=false", "box_growth: 0.0 needs"),
        (
            "detection_generator.use_sigmoid_probability=true",
            "which takes the softmax",
        ),
        ("box_growth=-1.0", "0 or more"),
    ],
)
def test_parts_that_do_not_fit(override, match):
    with pytest.raises(InputError, match=match):
        paper(f",task.model.{override}")
