import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

from nasnet_tf.training.curves import curves_figure, write_curves
from nasnet_tf.training.sample_grid import GAP, sample_grid
from tests.training.logs import make_log


def test_sample_images_are_scaled_one_by_one():
    ramp = np.linspace(-1.7, 2.3, 16).reshape(4, 4, 1)
    images = np.stack([ramp, ramp * 100 + 3, np.full_like(ramp, 5.0)])
    pixels = np.asarray(sample_grid(images))
    side = 24 * 4
    assert pixels.shape == (2 * side + GAP, 2 * side + GAP, 3)
    expected = np.rint(np.linspace(0, 255, 16)).reshape(4, 4)
    for left in (0, side + GAP):
        shown = pixels[:side:24, left : left + side : 24]
        np.testing.assert_array_equal(shown, expected[..., None].repeat(3, -1))
    assert (pixels[side + GAP :, :side] == 0).all()
    assert (pixels[side + GAP :, side:] == 255).all()
    assert (pixels[side : side + GAP] == 255).all()


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((100, 32, 32, 3), (8 * 96 + 7 * GAP, 8 * 96 + 7 * GAP)),
        ((5, 224, 200, 3), (3 * 200 + 2 * GAP, 2 * 224 + GAP)),
        ((1, 48, 40, 1), (80, 96)),
        ((12, 96, 96, 4), (4 * 96 + 3 * GAP, 3 * 96 + 2 * GAP)),
    ],
)
def test_samples_png(tmp_path, shape, size):
    images = np.random.default_rng(0).normal(size=shape)
    with make_log(tmp_path, tensorboard=True, quiet=True) as log:
        log.images(7, tf.cast(images, "bfloat16"))
    with Image.open(tmp_path / "samples.png") as image:
        assert image.size == size and image.mode == "RGB"
        pixels = np.asarray(image)
    events = EventAccumulator(str(tmp_path / "tensorboard" / "training"))
    events.Reload()
    (event,) = events.Images("samples")
    assert (event.step, event.width, event.height) == (7, *size)
    decoded = tf.io.decode_png(event.encoded_image_string).numpy()
    np.testing.assert_array_equal(decoded, pixels)


def test_curves_show_the_history(tmp_path):
    with make_log(tmp_path, quiet=True) as log:
        for step in (100, 200):
            log.training(
                step,
                {
                    "loss": 3.0 - step / 100,
                    "cross_entropy": 2.0 - step / 100,
                    "accuracy": step / 400,
                    "learning_rate": 0.1,
                },
            )
        log.evaluation(200, {"loss": 0.75, "accuracy": 0.6})
        history = log.history()
    loss, accuracy, rate = curves_figure(history).axes
    assert [line.get_xydata().tolist() for line in loss.lines] == [
        [[100.0, 2.0], [200.0, 1.0]],
        [[100.0, 1.0], [200.0, 0.0]],
        [[200.0, 0.75]],
    ]
    assert [len(line.get_xdata()) for line in accuracy.lines] == [2, 1]
    assert rate.lines[0].get_ydata().tolist() == [0.1, 0.1]
    path = write_curves(tmp_path / "curves.png", history)
    with Image.open(path) as image:
        assert image.size == (840, 960)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_curves_of_nothing_are_empty_panels():
    figure = curves_figure({"training": {}, "evaluation": {}})
    panels = [axes.lines for axes in figure.axes]
    assert list(itertools.chain(*panels)) == [] and len(panels) == 3
