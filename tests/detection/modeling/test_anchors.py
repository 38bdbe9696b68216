"""Anchors in numbers."""

import numpy as np
import pytest
from official.vision.ops import anchor

from detection.experiments import read_experiment
from detection.modeling.anchors import anchor_generator, grid_anchors
from tests.detection.models import PAPER


@pytest.fixture(scope="module")
def published():
    return read_experiment("fasterrcnn_nasnet_mobile_coco").task.model


def test_twelve_at_each_position_in_numbers(published):
    boxes = anchor_generator(published)((608, 608))["4"].numpy()
    assert boxes.shape == (38, 38, 48)
    boxes = boxes.reshape(38, 38, 12, 4)
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    # The middle of each stretch of 16 pixels.
    assert np.allclose(centres[0, 0], [8, 8])
    assert np.allclose(centres[3, 10], [56, 168])
    sides = boxes[..., 2:] - boxes[..., :2]
    heights, widths = sides[5, 7].T
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
    ours = grid_anchors((128, 96), 16, [64.0], [0.5, 1.0, 2.0])
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
