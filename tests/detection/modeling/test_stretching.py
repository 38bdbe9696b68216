"""Images stretched to one size, as the published detector's are."""

import numpy as np
import pytest
import tensorflow as tf

from detection.detectors.letterbox import letterbox
from detection.experiments import read_experiment
from detection.modeling.stretching import stretched
from detection.training.job_checks import check_data
from detection.training.parser import LeavingOut, Parser
from nasnet_tf.checks.errors import InputError
from tests.detection.conversion import reference
from tests.detection.models import decoded_example


def random_image(height, width):
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (height, width, 3)).astype("uint8")


@pytest.mark.parametrize("size", [(64, 64), (37, 90), (3, 5)])
@pytest.mark.parametrize("half_pixel_centers", [False, True])
def test_letterbox_stretches_as_the_network_does(size, half_pixel_centers):
    image = random_image(*size)
    expected = stretched(image, (60, 62), half_pixel_centers)
    found, scale = letterbox(
        image, (60, 62), (64, 64), False, half_pixel_centers
    )
    assert np.allclose(found[0, :60, :62], expected, atol=1e-3)
    assert np.allclose(scale, (60 / size[0], 62 / size[1]))
    if not half_pixel_centers:
        by_hand = reference.resized(image, 60, 62)
        assert np.allclose(expected, by_hand, atol=1e-3)


def parser(**changes):
    options = {
        "output_size": [64, 64],
        "min_level": 4,
        "max_level": 4,
        "num_scales": 1,
        "aspect_ratios": [1.0],
        "anchor_size": 1.0,
    }
    anchors = {"4": tf.zeros([4, 4, 4])}
    return Parser(
        lambda size: anchors,
        lambda size: None,
        [1.0] * 4,
        keep_aspect_ratio=False,
        half_pixel_centers=False,
        **(options | changes),
    )


def test_boxes_follow_the_image():
    image = random_image(32, 128)
    data = decoded_example(image, [[8, 32, 16, 96]])
    pixels, labels = parser().parse_fn(True)(data)
    # In pixels of what the network sees.
    assert np.allclose(labels["gt_boxes"][0], [16, 16, 32, 48])
    mean, deviation = (
        np.array(values)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    expected = (reference.resized(image, 64, 64) / 255 - mean) / deviation
    assert np.allclose(pixels, expected, atol=1e-4)
    seen, labels = parser().parse_fn(False)(data)
    assert np.allclose(seen, pixels, atol=1e-6)
    # In pixels of the image, where it is measured.
    truths = labels["groundtruths"]
    assert np.allclose(truths["boxes"][0], [8, 32, 16, 96])
    assert np.allclose(truths["boxes"][1], -1)
    info = labels["image_info"]
    assert np.allclose(info, [[32, 128], [64, 64], [2, 0.5], [0, 0]])


def test_an_object_that_overlaps_no_anchor_is_trained_by_none():
    anchors = {"4": tf.constant([[[-8.0, -8, 8, 8]], [[40.0, 40, 56, 56]]])}
    left_out = {"4": np.array([[[True]], [[False]]])}
    labeler = LeavingOut(left_out, 0.7, 0.3, 256, 0.5)
    box, label = tf.constant([[0.0, 0, 3, 3]]), tf.constant([[1.0]])
    scores, boxes = labeler.label_anchors(anchors, box, label)
    assert np.ravel(scores["4"]).tolist() == [-1, 0]
    assert not boxes["4"].numpy().any()


@pytest.mark.parametrize(
    ("override", "match"),
    [
        ("validation_data.parser.keep_aspect_ratio=true", "set both"),
        ("validation_data.parser.half_pixel_centers=true", "set both"),
        (
            "train_data.parser.keep_aspect_ratio=true,"
            "task.validation_data.parser.keep_aspect_ratio=true",
            "half_pixel_centers: false is for",
        ),
        ("train_data.parser.aug_type.type=randaug", "'randaug' is for"),
    ],
)
def test_what_does_not_fit(override, match):
    params = read_experiment(
        "fasterrcnn_nasnet_mobile_coco", (), f"task.{override}"
    )
    with pytest.raises(InputError, match=match):
        check_data(params, trains=False, evaluates=False)
