"""Checkpoints of the Object Detection API that are read, or refused."""

import numpy as np
import pytest
import tensorflow as tf

from detection.conversion import job as conversion
from detection.conversion.coco_names import coco_names
from detection.conversion.text_format import read_message
from detection.data.categories import read_categories
from nasnet_tf.checks.errors import InputError
from tests.commands import run_command
from tests.conftest import line_of
from tests.detection.conversion import published


@pytest.fixture(scope="module")
def values():
    return published.tensors(published.network())


@pytest.fixture
def download(tmp_path, values):
    """Writes a download, and converts it."""

    def convert(changes=(), pipeline=published.PIPELINE, **arguments):
        folder = tmp_path / "download"
        published.write(folder, values | dict(changes), pipeline)
        return conversion.convert(
            folder, tmp_path / "job", quiet=True, **arguments
        )

    return convert


def refused(tmp_path, match, convert, *args, **kwargs):
    with pytest.raises(InputError, match=match) as error:
        convert(*args, **kwargs)
    line_of(error)
    assert not (tmp_path / "job").exists()


def test_averages_slots_and_what_nothing_knows(download, values):
    name = "SecondStageBoxPredictor/ClassPredictor/biases"
    average = np.float32([1, 2, 3, 4])
    report = download(
        {
            f"{name}/ExponentialMovingAverage": average,
            f"{name}/Momentum": average,
            "global_step": np.int64(7),
            "Elsewhere/weights": average,
        },
        label_map=None,
    )
    assert report.averaged == 1
    assert report.unknown == ("Elsewhere/weights",)
    assert "1 unknown, left out: Elsewhere/weights" in str(report)
    assert "; 2 of an optimizer and steps left out;" in str(report)
    reader = tf.train.load_checkpoint(str(report.folder))
    stored = reader.get_tensor(
        "model/_config_dict/detection_head/classifier/bias"
        "/.ATTRIBUTES/VARIABLE_VALUE"
    )
    assert stored.tolist() == average.tolist()


def test_a_label_map_names_the_categories(download, tmp_path):
    path = tmp_path / "labels.pbtxt"
    path.write_text(
        'item { name: "/m/01" id: 1 display_name: "one" }\n'
        "item { id: 3 name: 'three' }\n"
    )
    report = download(label_map=path)
    categories = read_categories(report.folder)
    assert dict(categories) == {1: "one", 3: "three"}
    assert not categories.renumbered


def test_cocos_names():
    names = coco_names()
    assert len(names) == 80
    assert (names[1], names[90], names[84]) == ("person", "toothbrush", "book")
    assert {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}.isdisjoint(names)


def test_the_text_format(tmp_path):
    path = tmp_path / "text"
    path.write_text(
        "# a comment\na { b: 1 b: 2.5f c < d: 'x' > }\n"
        "a { e: [1, -2] f: true g: SOFTMAX }"
    )
    message = read_message(path, "text")
    first, second = message["a"]
    assert first == {"b": [1, 2.5], "c": [{"d": ["x"]}]}
    assert second == {"e": [1, -2], "f": [True], "g": ["SOFTMAX"]}
    assert message.get_path("a.g") == "SOFTMAX"
    assert message.get_path("a.nothing", 3) == 3
    for damaged in ("a {", "a: ", "a { b }", "\x00"):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"^text: .* is no text of the"):
            read_message(path, "text")


@pytest.mark.parametrize(
    ("before", "after", "match"),
    [
        ("num_classes: 3", "num_classes: 5", "5 classes, and 3 in"),
        ("[0.25, 0.5, 1.0, 2.0]", "[0.5, 1.0]", "2 scales and 3 aspect_ratios"),
        ("faster_rcnn_nas'", "faster_rcnn_resnet101'", "faster_rcnn_resnet101"),
        ("faster_rcnn {", "ssd {", "is of ssd, not of faster_rcnn"),
        ("height: 96", "height: 100", "100x64 is no multiple of 16"),
        ("SOFTMAX", "SIGMOID", "score_converter is 'SIGMOID'"),
        ("max_proposals: 9", "max_proposals: many", "'many' in .* is no whole"),
        ("max_proposals: 9", "max_proposals: 0", "first_stage_max_proposals"),
        ("iou_threshold: 0.6", "iou_threshold: high", "is no number"),
        ("scales: [0.25,", "scales: [foo,", "'foo' in .* is no number"),
        ("ratios: [0.5,", "ratios: [0,", "aspect_ratios"),
        (
            "{ fixed_shape",
            "{ a: 5 } image_resizer: 5 x { b",
            "no image_resizer",
        ),
        ("score_converter:", "logit_scale: 2 score_converter:", "logit_scale"),
        (
            "score_threshold: 0.0\n        iou",
            "soft_nms_sigma: 0.5 iou",
            "soft_nms_sigma is 0.5",
        ),
        ("height_stride: 16", "height_stride: 8", "height_stride is 8"),
        ("fixed_shape_resizer", "keep_aspect_ratio_resizer", "fixed_shape"),
        ("per_class: 20", "per_class: 5", "max_detections_per_class is 5"),
        ("train_config: {", "train_config: { {", "is no text of the"),
    ],
)
def test_a_pipeline_that_does_not_fit(download, tmp_path, before, after, match):
    assert before in published.PIPELINE
    pipeline = published.PIPELINE.replace(before, after)
    refused(tmp_path, match, download, pipeline=pipeline)


def test_flags_that_do_not_fit(download, tmp_path):
    for arguments, match in (
        ({"num_proposals": 50}, "num_proposals: 50 beside the 9 of"),
        ({"image_size": 64}, r"image_size: \(64, 64\) beside the \(96, 64\)"),
        ({"pipeline_config": "nowhere"}, "nowhere does not exist"),
        ({"label_map": "nowhere"}, "label_map: nowhere"),
    ):
        refused(tmp_path, match, download, **arguments)
    labels = tmp_path / "labels.pbtxt"
    labels.write_text("item { id: 9 name: 'nine' }")
    match = "has the id 9, and the checkpoint 3 classes"
    refused(tmp_path, match, download, label_map=labels)
    for text in ("item { id: 9 }", "item: 9"):
        labels.write_text(text)
        refused(tmp_path, "has no item", download, label_map=labels)


def test_what_is_no_such_detector(tmp_path, values):
    def convert(held):
        published.write(tmp_path / "other", held, None)
        conversion.convert(tmp_path / "other", tmp_path / "job", quiet=True)

    ssd = {"FeatureExtractor/MobilenetV2/Conv/weights": np.zeros(3, "f4")}
    refused(tmp_path, "but FeatureExtractor; give one of", convert, ssd)
    resnet = {
        "FirstStageFeatureExtractor/resnet_v1_101/conv1/weights": np.zeros(3)
    }
    refused(tmp_path, "is no NASNet but resnet_v1_101", convert, resnet)
    names = list(values)
    cells = [n for n in names if not n.startswith("SecondStageFeature")]
    refused(tmp_path, "missing", convert, {n: values[n] for n in cells})
    heads = [n for n in names if not n.startswith("SecondStageBox")]
    match = "it lacks SecondStageBoxPredictor/ClassPredictor/weights"
    refused(tmp_path, match, convert, {n: values[n] for n in heads})
    (tmp_path / "empty").mkdir()
    for path, match in (
        (tmp_path / "empty", "holds no checkpoint"),
        (tmp_path / "nowhere", "does not exist"),
    ):
        refused(tmp_path, match, conversion.convert, path, tmp_path / "job")


def test_the_command(tmp_path, values):
    published.write(tmp_path / "download", values)
    out = tmp_path / "job"
    flags = (f"--checkpoint={tmp_path / 'download'}", f"--out={out}")
    done = run_command("detection.convert", *flags)
    assert done.returncode == 0, done.stderr
    assert "3 classes, 9 proposals, 96x64" in done.stdout
    assert str(out / "params.yaml") in done.stdout
    again = run_command("detection.convert", *flags)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    nothing = run_command("detection.convert", f"--out={out}")
    assert (nothing.returncode, "checkpoint: missing" in nothing.stderr) == (
        2,
        True,
    )
