"""Detectors exported as SavedModel and LiteRT find what they did before."""

import json
import zipfile

import numpy as np
import pytest
import tensorflow as tf
import yaml
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

import detection.exporting.job
from detection.detectors import load_detector
from detection.detectors.detections import Detections
from detection.detectors.files import FILES
from detection.detectors.letterbox import letterbox
from detection.exporting import parity as parity_module
from detection.exporting.export import export_detector
from detection.exporting.parity import (
    BOUNDS,
    DetectorBound,
    compare,
    comparison_images,
)
from detection.modeling.anchors import anchor_generator
from detection.modeling.greedy_nms import detect_greedily, suppress
from nasnet_tf.checks.errors import InputError, JobError
from tests.conftest import line_of
from tests.detection.exported_jobs import CATEGORIES, make_job, photos
from tests.detection.models import FPN, PAPER, RETINANET


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number, pixels in enumerate(photos()):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_job(
        tmp_path_factory.mktemp("paper"), "fasterrcnn_nasnet_mobile_coco", PAPER
    )


@pytest.fixture(scope="module")
def exported(job, images, tmp_path_factory):
    """What was exported, by format."""
    out = tmp_path_factory.mktemp("exported")
    return {
        format: export_detector(
            job, out / format, format, images=images, quiet=True
        )
        for format in ("saved_model", "litert")
    }


@pytest.fixture(scope="module")
def detectors(job, exported):
    return [load_detector(job)] + [
        load_detector(result.folder) for result in exported.values()
    ]


def assert_same(found, expected):
    """Boxes within 1e-3 pixels, scores within 1e-5."""
    parity = compare(expected, found, "", BOUNDS["none"], 0.05, 100)
    assert parity.detections > 10
    assert parity.box <= 1e-3 and parity.score <= 1e-5 and parity.found == 1


def test_all_find_the_same(detectors):
    checkpoint, *others = detectors
    images = photos(seed=3) + photos(seed=4)
    expected = [checkpoint.detect(image) for image in images]
    for detector in others:
        found = [detector.detect(image) for image in images]
        assert_same(found, expected)


def test_what_they_say_of_themselves(detectors, exported):
    for detector, result in zip(detectors[1:], exported.values(), strict=True):
        assert detector.num_classes == 4
        assert detector.categories == {c["id"]: c["name"] for c in CATEGORIES}
        assert detector.name.endswith(str(result.folder / result.model))


def test_folders_and_cards(exported, job):
    for format, result in exported.items():
        assert {path.name for path in result.folder.iterdir()} == {
            "categories.json",
            "model_card.json",
            "model_card.md",
            "params.yaml",
            FILES[format],
        }
        card = json.loads((result.folder / "model_card.json").read_text())
        assert card["num_classes"] == 4 and card["image_size"] == [64, 64]
        assert card["parity"]["found"] == 1.0
        assert card["parity"]["detections"] == result.parity.detections > 9
        assert card["source"] == f"checkpoint ckpt-400 of {job}"
        text = (result.folder / "model_card.md").read_text()
        assert f"{result.parity.detections:,} detections on 3 images" in text
    assert exported["litert"].delegation["partitions"] > 0


def test_a_litert_file_holds_its_categories(exported):
    path = exported["litert"].folder / "model.tflite"
    with zipfile.ZipFile(path) as archive:
        labels = archive.read("labels.txt").decode().splitlines()
    assert labels == ["background", "thing 1", "thing 2", "thing 3"]
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    entries = {entry.name: entry.buffer for entry in model.metadata}
    metadata = bytes(model.buffers[entries[b"TFLITE_METADATA"]].data)
    # In the file's order, whatever it is.
    names = {
        output.tensorIndex: output.name.decode()
        for output in model.signatureDefs[0].outputs
    }
    described = {
        "detection_boxes": b"location",
        "detection_classes": b"category",
        "detection_scores": b"score",
        "num_detections": b"number of detections",
    }
    texts = [
        described[names[index]] + b"\0" for index in model.subgraphs[0].outputs
    ]
    # A flatbuffer is written from its end: the last of a vector comes first.
    places = [metadata.index(text) for text in texts]
    assert places == sorted(places, reverse=True)


def test_slow_detectors_are_timed_once(monkeypatch):
    runs = []

    class Slow:
        def detect(self, image):
            runs.append(image)

    monkeypatch.setattr(detection.exporting.job, "_SECONDS", 0)
    taken = detection.exporting.job._medians((Slow(), Slow()), 7)
    assert len(taken) == 2 and runs == [7] * 4


def test_signatures_of_a_saved_model(exported, detectors):
    folder = exported["saved_model"].folder / "saved_model"
    signatures = tf.saved_model.load(str(folder)).signatures
    assert set(signatures) == {"serving_default", "encoded"}
    pixels = photos(seed=4)
    files = [tf.io.encode_png(image).numpy() for image in pixels]
    both = signatures["encoded"](inputs=tf.constant(files))
    for number, image in enumerate(pixels):
        one = signatures["serving_default"](inputs=tf.constant(image)[None])
        for name in ("detection_boxes", "detection_scores", "image_info"):
            np.testing.assert_allclose(
                both[name][number], one[name][0], atol=1e-3
            )
    batch = signatures["serving_default"](
        inputs=tf.zeros([5, 30, 40, 3], tf.uint8)
    )
    assert batch["detection_boxes"].shape == (5, 100, 4)
    # The scales of an image that is stretched to 64x64.
    np.testing.assert_allclose(batch["image_info"][0, 2], [64 / 30, 1.6])


def test_anchors_in_the_saved_model(exported, detectors):
    folder = exported["saved_model"].folder / "saved_model"
    loaded = tf.saved_model.load(str(folder))
    config = detectors[0].module.params.task.model
    expected = anchor_generator(config)((64, 64))["4"].numpy().ravel()
    graph = loaded.signatures["serving_default"].graph.as_graph_def()
    constants = [
        tf.make_ndarray(node.attr["value"].tensor).ravel()
        for function in graph.library.function
        for node in function.node_def
        if node.op == "Const"
    ]
    found = [c for c in constants if c.size == expected.size == 4 * 4 * 12 * 4]
    assert any(np.array_equal(c, expected) for c in found)


def test_a_litert_file_has_built_in_operations_and_names(exported):
    path = exported["litert"].folder / "model.tflite"
    interpreter = Interpreter(str(path))
    signature = interpreter.get_signature_list()["serving_default"]
    assert signature["inputs"] == ["images"]
    assert set(signature["outputs"]) == {
        "detection_boxes",
        "detection_scores",
        "detection_classes",
        "num_detections",
    }
    (given,) = interpreter.get_input_details()
    assert given["shape"].tolist() == [1, 64, 64, 3]
    names = {node["op_name"] for node in interpreter._get_ops_details()}
    assert "NON_MAX_SUPPRESSION_V4" in names
    assert not any(name.startswith(("Flex", "CUSTOM")) for name in names)
    pixels, _ = letterbox(photos()[1], (64, 64), (64, 64))
    interpreter.allocate_tensors()
    outputs = interpreter.get_signature_runner()(images=pixels)
    assert outputs["detection_boxes"].shape == (1, 100, 4)


def test_params_are_those_of_the_job(exported, job):
    folder = exported["litert"].folder
    for path in (job, folder):
        read = yaml.safe_load((path / "params.yaml").read_text())
        assert read["task"]["model"]["input_size"] == [64, 64, 3]
    with pytest.raises(InputError) as error:
        export_detector(folder, folder.parent / "again", quiet=True)
    assert "was exported; give the folder of a job" in line_of(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    "experiment, overrides",
    [
        ("fasterrcnn_nasnet_mobile_fpn_coco", FPN),
        ("retinanet_nasnet_mobile_coco", RETINANET),
    ],
)
@pytest.mark.parametrize("format", ["saved_model", "litert"])
def test_other_detectors(experiment, overrides, format, images, tmp_path):
    job = make_job(tmp_path / "job", experiment, overrides, "NASNET_A")
    result = export_detector(
        job, tmp_path / "out", format, images=images, quiet=True
    )
    assert result.parity.found == 1.0
    assert result.parity.detections > 0


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["float16", "dynamic"])
def test_quantized(job, exported, images, tmp_path, quantize):
    result = export_detector(
        job,
        tmp_path / "out",
        "litert",
        images=images,
        quantize=quantize,
        image_size=(64, 96),
        quiet=True,
    )
    assert result.padded_size == (64, 96)
    assert result.num_bytes < 0.8 * exported["litert"].num_bytes
    assert result.parity.found >= BOUNDS[quantize].found


def test_what_differs_is_not_kept(job, images, tmp_path, monkeypatch):
    def write(module, path, quantize, categories):
        del module, quantize, categories
        path.write_bytes(b"")

    class Changed:
        def __init__(self, *args):
            del args

        def detect(self, image):
            boxes = np.array([[0, 0, 5, 5]], np.float32)
            return Detections(boxes, np.float32([0.5]), np.int32([1]))

        def delegation(self):
            return None

    module = detection.exporting.job
    monkeypatch.setattr(module, "write_litert", write)
    monkeypatch.setattr(module, "open_exported", Changed)
    with pytest.raises(JobError) as error:
        export_detector(
            job, tmp_path / "out", "litert", images=images, quiet=True
        )
    line = line_of(error)
    assert line.startswith("parity: ") and "so nothing is kept" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_rounding_is_no_fault(job, images, tmp_path, monkeypatch):
    monkeypatch.setitem(BOUNDS, "none", DetectorBound(box=1e-9, score=1e-10))
    # Few detections: their largest differences vary more.
    monkeypatch.setattr(parity_module, "MARGIN", 20)
    result = export_detector(
        job, tmp_path / "out", "litert", images=images, quiet=True
    )
    parity = result.parity
    assert parity.detections > 9 and parity.found >= 0.99
    # One bit of a pixel is small.
    assert 0 < parity.own.box < 1e-3 and 0 < parity.own.score < 1e-5
    assert parity.box < 1e-3 and parity.score < 1e-5
    card = json.loads((result.folder / "model_card.json").read_text())
    assert card["parity"]["own"]["box"] == parity.own.box
    assert card["parity"]["bound"]["found"] == 0.99
    text = (result.folder / "model_card.md").read_text()
    assert "the last bit of its input alone moves" in text


def test_scenes_are_compared_on_by_default():
    name, images = comparison_images()
    assert name == "8 scenes of digits" and len(images) == 8
    shapes = [image.shape for image in images]
    assert shapes[0] == (96, 96, 3) and shapes[-1] == (295, 320, 3)


@pytest.mark.parametrize("classes", [1, 3])
def test_greedy_suppression_is_the_combined_one(classes):
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 60, (200, classes, 2))
    sides = generator.uniform(-5, 30, (200, classes, 2)).clip(0)
    boxes = np.concatenate([corners, corners + sides], -1).astype("float32")
    scores = generator.uniform(0, 1, (200, 3)).astype("float32")
    found = detect_greedily(boxes, scores, 0.4, 0.5, 20)
    combined = tf.image.combined_non_max_suppression(
        boxes[None], scores[None], 20, 20, 0.5, 0.4, clip_boxes=False
    )
    assert (sides == 0).any(axis=-1).sum() > 20  # boxes without area
    for key, value in zip(
        ("boxes", "scores", "classes"), combined[:3], strict=True
    ):
        expected = value.numpy() + (key == "classes")
        np.testing.assert_array_equal(found[f"detection_{key}"], expected)
    assert found["num_detections"].numpy().tolist() == [20]


def test_greedy_suppression_fills_up_with_nothing():
    boxes = tf.constant([[0.0, 0, 9, 9], [0, 0, 9, 8], [5, 5, 5, 7]])
    kept, scores = suppress(boxes, tf.constant([0.5, 0.9, 0.7]), 4, 0.5, 0.0)
    np.testing.assert_array_equal(
        kept, [[0, 0, 9, 8], [5, 5, 5, 7], [0] * 4, [0] * 4]
    )
    np.testing.assert_array_equal(scores, np.float32([0.9, 0.7, 0, 0]))


@pytest.mark.parametrize(
    "arguments, line",
    [
        ({"format": "onnx"}, "format: 'onnx' is unknown; choose one of"),
        ({"quantize": "int8"}, "quantize: 'int8' is unknown"),
        ({"quantize": "float16"}, "quantize: 'float16' with format"),
        ({"image_size": (64, 64, 3)}, "image_size: (64, 64, 3) is neither"),
        ({"image_size": 8}, "image_size: 8 is not an integer >= 32"),
        ({"checkpoint": "ckpt-7"}, "checkpoint: "),
        ({"images": "/nowhere"}, "images: /nowhere: no such file or folder"),
        ({"model": "/nowhere"}, "model: /nowhere does not exist; give"),
        ({"out": ""}, "out: missing; give a folder"),
    ],
)
def test_bad_arguments(job, images, tmp_path, arguments, line):
    given = {"model": job, "out": tmp_path / "out", "images": images}
    with pytest.raises(InputError) as error:
        export_detector(**{**given, **arguments}, quiet=True)
    assert line_of(error).startswith(line)
    assert list(tmp_path.iterdir()) == []
