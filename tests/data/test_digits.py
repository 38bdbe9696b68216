"""The embedded digits, and what is held out of any set."""

import numpy as np
import pytest

from nasnet_tf import InputError, data
from nasnet_tf.data import digits
from nasnet_tf.data.config import DataConfig
from tests.data.image_sets import evaluation, training


def config(**fields):
    return DataConfig(source="digits", **fields)


def numbers(source):
    return [int(n["number"]) for n in source.evaluation_examples()]


def test_digits_are_split_by_class_and_never_overlap():
    loaded = digits.load()
    assert loaded.train_images.shape == (1437, 32, 32, 3)
    assert loaded.held_out_images.shape == (360, 32, 32, 3)
    assert loaded.train_images.dtype == np.uint8
    train = np.bincount(loaded.train_labels, minlength=10)
    held_out = np.bincount(loaded.held_out_labels, minlength=10)
    assert np.abs(held_out - (train + held_out) * 360 / 1797).max() < 1
    trained_on = {image.tobytes() for image in loaded.train_images}
    assert not any(
        image.tobytes() in trained_on for image in loaded.held_out_images
    )
    again = digits.load()
    np.testing.assert_array_equal(again.held_out_images, loaded.held_out_images)
    np.testing.assert_array_equal(again.held_out_labels, loaded.held_out_labels)


def test_enlarged_scans_are_dark_ink_on_white():
    scans = np.zeros((3, 8, 8))
    scans[1] = 16
    scans[2, :, 4:] = 16
    images = digits.enlarge(scans)
    assert images.shape == (3, 32, 32, 3)
    assert (images[0] == 255).all() and (images[1] == 0).all()
    assert (images[2, :, :12] >= 250).all() and (images[2, :, 20:] <= 5).all()
    # Smooth: the edge is neither black nor white.
    assert ((images[2, :, 14:18] > 20) & (images[2, :, 14:18] < 235)).all()


def test_the_digits_are_a_source():
    opened = data.open_data(config())
    assert opened.class_names == [str(digit) for digit in range(10)]
    assert (opened.train.size, opened.evaluation.size) == (1437, 360)
    assert opened.train.channels == 3
    assert opened.evaluation.name == "digits, split test"
    batches = evaluation(opened.evaluation, config(), batch_size=100)
    loaded = digits.load()
    images = np.concatenate([batch["images"] for batch in batches])
    assert images.shape == (400, 32, 32, 3)
    np.testing.assert_allclose(
        images[:360], loaded.held_out_images / 127.5 - 1.0, atol=1e-6
    )
    labels = np.concatenate([batch["labels"] for batch in batches])
    np.testing.assert_array_equal(labels[:360], loaded.held_out_labels)
    weights = np.concatenate([batch["weights"] for batch in batches])
    assert weights.tolist() == [1.0] * 360 + [0.0] * 40
    assert batches[-1]["names"][59] == b"test 359"
    assert batches[-1]["names"][60] == b""


def test_shifted_digits_are_padded_with_paper():
    """A border of zeros would be ink."""
    source = data.open_data(config()).train
    shifted = config(augmentation="cifar", pad=8, flip=False)
    images, _ = training(source, shifted, steps=1, batch_size=64)[0]
    raw, _ = training(source, config(), steps=1, batch_size=64)[0]
    assert (images != raw).any(axis=(1, 2, 3)).mean() > 0.9
    ink = (raw < 0).mean(), (images < 0).mean()
    assert ink[1] <= ink[0]


def test_held_out_examples_are_not_trained_on():
    settings = config(held_out=437)
    opened = data.open_data(settings, seed=5)
    train, held_out = numbers(opened.train), numbers(opened.evaluation)
    assert (len(train), len(held_out)) == (1000, 437)
    assert sorted(train + held_out) == list(range(1437))
    epoch = [
        int(example["number"])
        for example in opened.train.training_examples(0, 10).take(1000)
    ]
    assert sorted(epoch) == train
    alone = data.open_evaluation(settings, seed=5, split="held_out")
    assert numbers(alone) == held_out
    assert numbers(data.open_evaluation(settings, seed=5)) == held_out
    assert numbers(data.open_evaluation(settings, seed=6)) != held_out
    assert data.open_evaluation(settings, split="test").size == 360


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"train_split": "trian"}, "data.train_split: 'trian' is unknown; did"),
        ({"evaluation_split": "val"}, "data.evaluation_split: 'val' is unkno"),
        ({"held_out": 1437}, "data.held_out: 1437 leaves none of the 1437"),
    ],
)
def test_bad_splits_are_one_line(fields, line):
    with pytest.raises(InputError) as error:
        data.open_data(config(**fields))
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_held_out_examples_need_their_number():
    with pytest.raises(InputError, match=r"held_out.* with data\.held_out 0"):
        data.open_evaluation(config(), split="held_out")
