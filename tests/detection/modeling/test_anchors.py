"""Anchors in numbers."""

import numpy as np
import pytest
from official.vision.ops import anchor

from detection.experiments import read_experiment
from detection.modeling.anchors import (
    anchor_generator,
    grid_anchors,
    outside_anchors,
)
from tests.detection.models import PAPER


@pytest.fixture
def published():
    return read_experiment("fasterrcnn_nasnet_mobile_coco").task.model


def test_twelve_at_each_position_in_numbers(published):
    boxes = anchor_generator(published)((608, 608))["4"].numpy()
    assert boxes.shape == (38, 38, 48)
    boxes = boxes.reshape(38, 38, 12, 4)
    outside = outside_anchors(published, (608, 608))["4"]
    assert outside[0, 0].all()
    # Those of 512 pixels that are longer than the image.
    assert outside[19, 19].sum() == 2
    # The square of 64 pixels at (32, 32) touches the border.
    assert outside[2, 2].tolist() == [True, False, *[True] * 10]
    assert boxes[2, 2, 1].tolist() == [0, 0, 64, 64]
    # Clipped, and about the upper left of each stretch of 16 pixels.
    assert boxes[0, 0, 1].tolist() == [0, 0, 32, 32]
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    assert np.allclose(centres[18, 19, :9], [288, 304])
    published.anchor.clip = False
    assert outside_anchors(published, (608, 608)) is None
    boxes = anchor_generator(published)((608, 608))["4"].numpy()
    boxes = boxes.reshape(38, 38, 12, 4)
    sides = boxes[..., 2:] - boxes[..., :2]
    heights, widths = sides[18, 20].T
    root = np.sqrt(2)
    # Ratios are width over height: 0.5, 1 and 2 of 64, 128, 256, 512 pixels.
    expected = [
        [size * factor for factor in (root, 1, 1 / root)]
        for size in (64, 128, 256, 512)
    ]
    assert np.allclose(heights, np.ravel(expected))
    assert np.allclose(widths, np.ravel(np.array(expected)[:, ::-1]))


def test_one_size_a_level_is_model_gardens(published):
    """Ours with its sizes gives the very boxes of Model Garden's generator."""
    theirs = anchor.build_anchor_generator(4, 4, 1, [0.5, 1.0, 2.0], 4.0)
    expected = theirs((128, 96))["4"].numpy()
    ours = grid_anchors((128, 96), 16, [64.0], [0.5, 1.0, 2.0], 0.5)
    assert np.allclose(ours, expected, atol=1e-4)


def test_without_sizes_it_is_model_gardens():
    model = read_experiment("fasterrcnn_nasnet_mobile_fpn_coco").task.model
    boxes = anchor_generator(model)((64, 64))
    assert list(boxes) == ["2", "3", "4", "5", "6"]
    assert boxes["2"].shape == (16, 16, 12)


def test_their_number_is_checked():
    from nasnet_tf.checks.errors import InputError

    overrides = PAPER + ",task.model.anchor.sizes=[64.0]"
    model = read_experiment(
        "fasterrcnn_nasnet_mobile_coco", (), overrides
    ).task.model
    with pytest.raises(InputError, match=r"num_scales: 4 beside 1 of sizes"):
        anchor_generator(model)
