import types

import numpy as np
import pytest
from PIL import Image

from export.sources import images
from export.sources.image_choice import calibration_images
from nasnet_tf.checks.errors import InputError
from nasnet_tf.data import digits
from nasnet_tf.data.config import DataConfig
from nasnet_tf.images.image_reading import PUBLISHED
from nasnet_tf.training.config import ExperimentConfig
from tests.conftest import line_of
from tests.data.image_sets import folder_config, photo, write_folder

DIGITS = DataConfig(source="digits")


def lines(pixels):
    """Images as a set of bytes."""
    return {image.tobytes() for image in pixels}


def test_data_are_those_of_evaluation():
    found = images.data_images(DIGITS, None, (32, 32), 3, 1000)
    data = digits.load()
    assert found.name == "digits, split test: 360 images"
    assert found.pixels.dtype == np.uint8
    np.testing.assert_array_equal(found.pixels, data.held_out_images)
    np.testing.assert_array_equal(found.labels, data.held_out_labels)


def test_data_are_chosen_by_the_seed():
    first, again, other = (
        images.data_images(DIGITS, "train", (32, 32), 3, 40, seed)
        for seed in (0, 0, 1)
    )
    assert first.pixels.shape == (40, 32, 32, 3)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert len(lines(first.pixels) & lines(other.pixels)) < 20
    assert lines(first.pixels) < lines(digits.load().train_images)


def test_a_job_on_arrays_has_nothing_to_calibrate_on():
    config = ExperimentConfig(data=DataConfig(source="python"))
    original = types.SimpleNamespace(config=config)
    with pytest.raises(InputError) as error:
        calibration_images(original, None, 100)
    assert line_of(error).startswith("calibration: missing")


def test_calibration_sees_nothing_that_is_held_out():
    config = DIGITS.replace(held_out=1000)
    held_out = images.data_images(config, None, (32, 32), 3, 2000, seed=3)
    train = images.data_images(config, "train", (32, 32), 3, 2000, seed=3)
    assert (len(held_out.pixels), len(train.pixels)) == (1000, 437)
    assert not lines(held_out.pixels) & lines(train.pixels)


def test_labels_are_in_the_order_of_the_model():
    names = [str(digit) for digit in range(9, -1, -1)]
    arguments = (DIGITS, None, (32, 32), 3, 50, 0)
    as_data = images.data_images(*arguments)
    as_model = images.data_images(*arguments, names)
    np.testing.assert_array_equal(as_model.labels, 9 - as_data.labels)


def test_images_of_all_classes_are_resized(tmp_path):
    root = write_folder(
        tmp_path, {"train": {"a": 12, "b": 12}, "test": {"b": 3, "a": 2}}
    )
    config = folder_config(root)
    train = images.data_images(config, "train", (32, 40), 3, 12)
    assert train.pixels.shape == (12, 32, 40, 3)
    assert set(train.labels) == {0, 1}
    test = images.data_images(config, None, (32, 40), 3, 12, 0, ["b", "a"])
    assert test.labels.tolist() == [0, 0, 0, 1, 1] or (
        test.labels.tolist() == [1, 1, 0, 0, 0]
    )


def test_data_that_do_not_fit():
    with pytest.raises(InputError, match=r"the 2 classes cat, dog; give"):
        images.data_images(DIGITS, None, (32, 32), 3, 9, 0, ["cat", "dog"])
    with pytest.raises(InputError, match="have 3 channels, and the model re"):
        images.data_images(DIGITS, None, (32, 32), 1, 9)


def test_folder(tmp_path):
    for number in range(6):
        folder = tmp_path / "photos" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        photo(number, (60, 80)).save(folder / f"{number}.png")
    path = tmp_path / "photos"
    found = images.folder_images(path, (32, 48), 3, 4)
    assert found.name == "photos: 4 images"
    assert found.labels is None
    assert (found.pixels.shape, found.pixels.dtype) == ((4, 32, 48, 3), "uint8")
    again = images.folder_images(path, (32, 48), 3, 4)
    np.testing.assert_array_equal(found.pixels, again.pixels)
    assert len(images.folder_images(path, (32, 48), 3, 9).pixels) == 6
    grey = images.folder_images(path, (60, 80), 1, 6).pixels
    expected = [np.asarray(photo(n, (60, 80), "L")) for n in range(6)]
    assert lines(grey) == lines(np.stack(expected))


def test_large_photos_are_cropped(tmp_path):
    photo(0, (128, 128)).save(tmp_path / "one.png")
    (found,) = images.folder_images(
        tmp_path, (112, 112), 3, 1, reading=PUBLISHED
    ).pixels
    middle = np.asarray(photo(0, (128, 128)))[8:-8, 8:-8]
    np.testing.assert_array_equal(found, middle)


def test_bad_folders(tmp_path):
    with pytest.raises(InputError, match="missing is not a folder"):
        images.folder_images(tmp_path / "missing", (32, 32), 3, 4)
    with pytest.raises(InputError, match="has no photos"):
        images.folder_images(tmp_path, (32, 32), 3, 4)
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"^folder: none of the 1 files"):
        images.folder_images(tmp_path, (32, 32), 3, 4)
    with pytest.raises(InputError, match=r"^channels: the model reads 4"):
        images.folder_images(tmp_path, (32, 32), 4, 4)


def test_sample_photos_are_crops_of_two():
    found = images.sample_photos((64, 48), 3, 6)
    assert found.pixels.shape == (6, 64, 48, 3)
    assert len(lines(found.pixels)) == 6
    # Neighbours in a photograph are alike, in noise they are not.
    flat = found.pixels.astype(float)
    across = np.abs(np.diff(flat, axis=2)).mean()
    assert 1 < across < 0.5 * flat.std()
    grey = images.sample_photos((64, 48), 1, 6).pixels
    assert grey.shape == (6, 64, 48, 1)
    luma = found.pixels @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey[..., 0] - luma).mean() < 2


def test_noise_is_even():
    found = images.random_images((32, 32), 3, 20, seed=1)
    assert found.pixels.shape == (20, 32, 32, 3)
    counts = np.bincount(found.pixels.ravel(), minlength=256)
    assert abs(counts / counts.mean() - 1).max() < 0.3


def test_inputs_are_preprocessed():
    found = images.random_images((32, 32), 3, 2)
    scaled = images.inputs(found, "scale")
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(
        scaled, found.pixels / 127.5 - 1, rtol=0, atol=1e-6
    )
    whitened = images.inputs(found, "whitening")
    np.testing.assert_allclose(whitened.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(whitened.std(axis=(1, 2, 3)), 1, atol=1e-5)


def test_photos_that_cannot_be_read_are_skipped(tmp_path):
    for number in range(12):
        pixels = np.full((40, 40, 3), 20 * number, "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")

    def values(count, **how):
        found = images.folder_images(tmp_path, (32, 32), 3, count, **how)
        return found, [int(p.max()) // 20 for p in found.pixels]

    _, first = values(8)
    bad = first[::3]
    for number in bad:
        (tmp_path / f"{number}.png").write_bytes(b"")
    found, now = values(8)
    assert len(now) == 8 and set(first) - set(now) == set(bad)
    assert found.name == f"{tmp_path.name}: 8 images, 3 skipped"
    assert found.skipped.startswith("empty: ")
    found, others = values(8, skip=8)
    assert len(others) == 1 and not set(others) & set(now)
    with pytest.raises(InputError, match=r"^folder: files in .* \(empty: "):
        values(8, strict=True)


def test_data_that_cannot_be_decoded_are_replaced(tmp_path):
    names = write_folder(tmp_path, {"test": {"a": 20, "b": 20}})
    config = DataConfig(source="folder", data_dir=str(tmp_path))

    def chosen(**how):
        return images.data_images(
            config, None, (32, 32), 3, 30, class_names=["a", "b"], **how
        )

    assert len(chosen().pixels) == 30
    for number in range(5):
        (names / "test" / "a" / f"{number}.jpg").write_bytes(b"")
    found = chosen()
    assert len(found.pixels) == 30 and found.labels.sum() >= 15
    assert ": 30 images, " in found.name and " skipped" in found.name
    with pytest.raises(InputError, match="cannot be decoded"):
        chosen(strict=True)


def test_photos_to_compare_on_are_others(tmp_path):
    for number in range(12):
        pixels = np.full((40, 40, 3), 20 * number, "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")

    def values(count, skip):
        found = images.folder_images(tmp_path, (32, 32), 3, count, skip=skip)
        return found.name, {int(p.max()) for p in found.pixels}

    _, first = values(8, 0)
    name, others = values(8, 8)
    assert len(first) == 8 and len(others) == 4
    assert not first & others and "calibrated" not in name
    name, same = values(8, 12)
    assert len(same) == 8 and "those calibrated on" in name
