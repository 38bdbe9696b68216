"""Detectors opened from what was saved, and their errors."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from official.vision.ops import preprocess_ops

from detection.detectors import load_detector
from detection.detectors.checkpoint import AVERAGES, find_checkpoint
from detection.detectors.detector import to_detections
from detection.detectors.letterbox import MEAN_PIXEL, letterbox
from detection.modeling.anchors import anchor_generator
from detection.training.job_folder import read_params
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.detection.exported_jobs import CATEGORIES, make_job, photos
from tests.detection.models import PAPER


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_job(
        tmp_path_factory.mktemp("paper"), "fasterrcnn_nasnet_mobile_coco", PAPER
    )


@pytest.fixture(scope="module")
def detector(job):
    return load_detector(job)


def test_what_it_says_of_itself(detector, job):
    assert detector.name == f"checkpoint ckpt-400 of {job}"
    assert detector.categories == {c["id"]: c["name"] for c in CATEGORIES}
    assert detector.num_classes == 4


def test_detections_are_those_of_the_model(detector):
    """Of an image that has the network's size nothing is resized."""
    (image, *_) = photos()
    pixels = preprocess_ops.normalize_image(
        tf.cast(image, tf.float32),
        offset=preprocess_ops.MEAN_RGB,
        scale=preprocess_ops.STDDEV_RGB,
    )
    outputs = detector.module.model(
        pixels[None], image_shape=tf.constant([[64.0, 64.0]]), training=False
    )
    expected = to_detections(
        {
            name: value.numpy()
            for name, value in outputs.items()
            if "det" in name
        },
        (1.0, 1.0),
        (64, 64),
    )
    found = detector.detect(image)
    assert len(found.scores) > 3
    np.testing.assert_array_equal(found.classes, expected.classes)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)


def test_boxes_lie_in_images_of_any_size(detector):
    for image in photos():
        found = detector.detect(image)
        height, width = image.shape[:2]
        assert found.boxes.dtype == found.scores.dtype == np.float32
        assert found.classes.dtype == np.int32
        assert len(found.boxes) == len(found.scores) == len(found.classes) > 0
        assert found.boxes.min() >= 0
        assert found.boxes[:, 2].max() <= height
        assert found.boxes[:, 3].max() <= width
        assert (np.diff(found.scores) <= 0).all()
        assert set(found.classes) <= {1, 2, 3}


@pytest.mark.parametrize(
    "size", [(1, 1), (10, 3000), (3000, 10), (1, 20000), (23, 3000)]
)
def test_thin_images_are_padded(detector, size):
    """Fitted into 64 pixels nothing would be left of most of them."""
    found = detector.detect(np.full((*size, 3), 90, "uint8"))
    assert np.isfinite(found.boxes).all()
    limits = np.tile(np.float32(size), 2)
    assert ((found.boxes >= 0) & (found.boxes <= limits)).all()


def test_an_image_of_which_a_pixel_is_left_is_not_padded(detector, monkeypatch):
    shapes = []

    def run(image):
        shapes.append(image.shape[:2])
        raise InputError("seen")

    monkeypatch.setattr(detector, "_run", run)
    for size in ((24, 3000), (23, 3000), (1, 1)):
        with pytest.raises(InputError, match="seen"):
            detector.detect(np.zeros((*size, 3), "uint8"))
    assert shapes == [(24, 3000), (47, 3000), (1, 1)]


def test_anchors_are_the_generators(detector):
    module = detector.module
    expected = anchor_generator(module.params.task.model)((64, 64))
    _, anchors, _ = module.preprocess(tf.zeros([1, 50, 30, 3], tf.uint8))
    assert list(anchors) == list(expected) == ["4"]
    assert anchors["4"].shape == (1, 4, 4, 12 * 4)
    np.testing.assert_array_equal(anchors["4"][0], expected["4"])


def test_empty_slots_and_boxes_outside_go():
    outputs = {
        "detection_boxes": np.array(
            [[[0, 0, 8, 8], [2, 2, 30, 12], [20, 0, 30, 9], [0, 0, 0, 0]]],
            np.float32,
        ),
        "detection_scores": np.array([[0.5, 0.9, 0.8, 0.7]], np.float32),
        "detection_classes": np.array([[3, 1, 2, 1]]),
        "num_detections": np.array([3]),
    }
    found = to_detections(outputs, (2.0, 1.0), (10, 10))
    np.testing.assert_array_equal(found.boxes, [[1, 2, 10, 10], [0, 0, 4, 8]])
    np.testing.assert_array_equal(found.scores, np.float32([0.9, 0.5]))
    np.testing.assert_array_equal(found.classes, [1, 3])


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("size", [(64, 64), (37, 90), (200, 51), (3, 5)])
def test_letterbox_is_model_gardens(size, keep):
    generator = np.random.default_rng(1)
    image = generator.integers(0, 256, (*size, 3)).astype("uint8")
    fitted, scale = letterbox(image, (60, 62), (64, 64), keep)
    mean, deviation = (
        np.array(values, np.float32)
        for values in (preprocess_ops.MEAN_RGB, preprocess_ops.STDDEV_RGB)
    )
    expected, info = preprocess_ops.resize_and_crop_image(
        (image - mean) / deviation, [60, 62], [64, 64], keep_aspect_ratio=keep
    )
    assert fitted.shape == (1, 64, 64, 3) and fitted.dtype == np.float32
    np.testing.assert_allclose(
        (fitted[0] - mean) / deviation, expected, atol=2e-6
    )
    np.testing.assert_array_equal(scale, info[2])
    np.testing.assert_allclose(MEAN_PIXEL, mean, atol=1e-5)


def test_a_checkpoint_by_name(job):
    params = read_params(job)
    for name in ("ckpt-400", str(job / "ckpt-400")):
        assert find_checkpoint(job, params, name).name == "ckpt-400"


def test_averages_are_taken_where_the_job_keeps_them(job, tmp_path):
    shutil.copytree(job, tmp_path, dirs_exist_ok=True)
    params = read_params(tmp_path)
    params.trainer.optimizer_config.override(
        {"ema": {"average_decay": 0.9}}, is_strict=False
    )
    with pytest.raises(InputError) as error:
        find_checkpoint(tmp_path, params)
    line = line_of(error)
    assert "none in ema_checkpoints yet" in line and "ckpt-400" in line
    shutil.copytree(job, tmp_path / AVERAGES)
    path = find_checkpoint(tmp_path, params)
    assert path == tmp_path / AVERAGES / "ckpt-400"
    assert find_checkpoint(tmp_path, params, "ckpt-400").parent == tmp_path


def error_of(path, checkpoint=None):
    with pytest.raises(InputError) as error:
        load_detector(path, checkpoint)
    return line_of(error)


def test_no_such_path(tmp_path):
    assert error_of(tmp_path / "x").startswith(
        f"model: {tmp_path / 'x'} does not exist; give a job's folder"
    )


def test_a_folder_of_something_else(tmp_path):
    assert "holds no params.yaml of a job" in error_of(tmp_path)


def test_a_file_of_something_else(tmp_path):
    (tmp_path / "a.keras").write_bytes(b"x")
    assert "a.keras is no .tflite file" in error_of(tmp_path / "a.keras")


def test_no_checkpoint_yet(job, tmp_path):
    shutil.copy(job / "params.yaml", tmp_path)
    for name in (None, "ckpt-3"):
        assert "has no checkpoint yet" in error_of(tmp_path, name)


def test_no_such_checkpoint(job):
    line = error_of(job, "ckpt-7")
    assert line.startswith("checkpoint: ")
    assert line.endswith("has no 'ckpt-7'; it has ckpt-400")


def test_damaged_params(tmp_path):
    (tmp_path / "params.yaml").write_text("task: {")
    assert "is not of a job of detection.train" in error_of(tmp_path)


def test_damaged_files_of_an_export(job, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"no model")
    assert "has no params.yaml beside it" in error_of(tmp_path)
    shutil.copy(job / "params.yaml", tmp_path)
    line = error_of(tmp_path)
    assert "model.tflite cannot be loaded (" in line and "again" in line
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "saved_model.pb").write_bytes(b"no model")
    assert "saved_model cannot be loaded (" in error_of(tmp_path)
    assert "leave it out" in error_of(tmp_path, "ckpt-400")


def test_a_damaged_checkpoint(job, detector, tmp_path):
    from detection.detectors.checkpoint import restore

    for path in job.glob("ckpt-400*"):
        shutil.copy(path, tmp_path)
    (data,) = tmp_path.glob("*.data-*")
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(InputError) as error:
        restore(detector.module.model, tmp_path / "ckpt-400")
    assert "ckpt-400 cannot be read (" in line_of(error)
    tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(tmp_path / "other"))
    with pytest.raises(InputError) as error:
        restore(detector.module.model, tmp_path / "other")
    assert "other lacks weights of the detector" in line_of(error)


@pytest.mark.parametrize(
    "image", [np.zeros((5, 5, 3), "float32"), np.zeros((5, 5), "uint8"), None]
)
def test_not_an_image(detector, image):
    with pytest.raises(InputError) as error:
        detector.detect(image)
    assert "give uint8 pixels (height, width, 3)" in line_of(error)
