"""A converted detector computes what the published graph does."""

import numpy as np
import pytest
import tensorflow as tf
import yaml

from detection.conversion import job as conversion
from detection.detectors import load_detector
from nasnet_tf.networks.features import split_before_second_reduction
from tests.detection.conversion import published, reference

SIZE, PROPOSALS, MOST = (96, 64), 9, 20


@pytest.fixture(scope="module")
def values():
    return published.tensors(published.network())


@pytest.fixture(scope="module")
def converted(values, tmp_path_factory):
    folder = tmp_path_factory.mktemp("od")
    published.write(folder / "download", values)
    report = conversion.convert(folder / "download", folder / "job", quiet=True)
    return report


@pytest.fixture(scope="module")
def detector(converted):
    return load_detector(converted.folder)


@pytest.fixture(scope="module")
def image():
    noise = np.random.default_rng(3).integers(0, 256, (6, 5, 3))
    image = tf.image.resize(noise.astype("float32"), (70, 110), "bicubic")
    return np.clip(np.rint(image), 0, 255).astype("uint8")


@pytest.fixture(scope="module")
def graph(values, image):
    """What the reference makes of the image."""
    first, last_cells = split_before_second_reduction(published.network())
    pixels = reference.resized(image, *SIZE) * (2 / 255) - 1
    features = np.array(first(pixels[None].astype("float32"), training=False))
    boxes = reference.proposals(features[0], values, PROPOSALS)
    crops = reference.crops(features[0], boxes).astype("float32")
    cells = np.array(last_cells(crops, training=False))
    found = reference.detections(cells, boxes, values, *SIZE, MOST)
    return boxes, found


def test_what_it_read(converted, values):
    assert converted.tensors == len(values)
    assert (converted.classes, converted.averaged) == (3, 0)
    assert not converted.unknown
    card = (converted.folder / "model_card.md").read_text()
    assert "stretched to 96x64 pixels" in card
    assert "9 proposals" in card
    params = yaml.safe_load((converted.folder / "params.yaml").read_text())
    model = params["task"]["model"]
    assert model["input_size"] == [*SIZE, 3]
    assert model["backbone"]["nasnet"]["penultimate_filters"] == 96
    assert model["roi_generator"]["test_num_proposals"] == PROPOSALS


def test_the_same_proposals_in_the_same_order(detector, image, graph):
    expected, _ = graph
    model = detector.module.model
    pixels, anchors, _ = detector.module.preprocess(tf.constant(image)[None])
    scores, boxes = model.rpn_head(model.backbone(pixels, training=False))
    found, _ = model.roi_generator(
        boxes, scores, anchors, tf.constant([SIZE], tf.float32), training=False
    )
    assert len(expected) > 4
    assert np.allclose(found[0, : len(expected)], expected, atol=1e-3)
    assert not found[0, len(expected) :].numpy().any()


def test_the_same_detections(detector, image, graph):
    _, (boxes, scores, classes) = graph
    assert len(scores) == MOST
    found = detector.detect(image)
    # In pixels of the image, which was stretched.
    scale = np.tile(np.array(image.shape[:2]) / SIZE, 2)
    assert np.allclose(found.scores, scores, atol=1e-5)
    assert found.classes.tolist() == classes.tolist()
    assert np.allclose(found.boxes, boxes * scale, atol=2e-3)


def test_padding_is_not_classified(detector, image):
    """Portions in which there is no proposal are left out."""
    model = detector.module.model
    head, calls = model.detection_head[0], []
    pixels, *_ = detector.module.preprocess(tf.constant(image)[None])
    rois = np.zeros((1, PROPOSALS, 4), np.float32)
    rois[0, :4] = [8, 8, 40, 40]
    features = model.backbone(pixels, training=False)
    expected = head(model.roi_aligner(features, tf.constant(rois)))
    original = model.detection_head
    try:
        model.detection_head = [lambda crops: calls.append(1) or head(crops)]
        found = model._in_portions(features, tf.constant(rois), 2)
    finally:
        model.detection_head = original
    assert len(calls) == 2
    for ours, all_at_once in zip(found, expected, strict=True):
        assert np.allclose(ours[:, :4], all_at_once[:, :4], atol=1e-5)
    # The rest is background.
    assert not tf.nn.softmax(found[0])[:, 4:, 1:].numpy().any()
