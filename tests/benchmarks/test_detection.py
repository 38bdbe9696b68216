"""benchmarks/detection.py: what it counts, measures and prints."""

import importlib.util
import json
import math
import os
import pathlib
import sys
import types
from typing import ClassVar

import pytest
import tensorflow as tf
from official.core import exp_factory

from detection.experiments import read_experiment
from export.runtime.child_process import ChildError
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.zoo.mult_adds import count_mult_adds
from tests.conftest import line_of, tiny_network
from tests.detection.models import FPN, PAPER, cells_of_one_block

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"
SMALL = {
    "small_fpn": (
        "fasterrcnn_nasnet_mobile_fpn_coco",
        FPN + ",task.model.num_classes=91",
    ),
    "small_paper": ("fasterrcnn_nasnet_mobile_coco", PAPER),
}
SIZE = 64


@pytest.fixture(scope="module", autouse=True)
def small_experiments(tmp_path_factory):
    """Two small detectors, of one block a cell, in Model Garden's registry."""
    cells = cells_of_one_block(tmp_path_factory.mktemp("cells"))
    for name, (experiment, overrides) in SMALL.items():
        exp_factory.register_config_factory(name)(
            lambda e=experiment, o=overrides: read_experiment(e, (), o + cells)
        )


@pytest.fixture
def script(monkeypatch):
    """The script; its children run in this process."""
    # The package `detection` is imported by now: else the script would be it.
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    spec = importlib.util.spec_from_file_location(
        "benchmark_detection", FOLDER / "detection.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ChildProcess", ChildHere)
    return module


@pytest.fixture
def child(script):
    """The script's part that runs in a process of its own."""
    return sys.modules["measured_detectors"]


class ChildHere:
    """Stands in for `ChildProcess`, and keeps the order of the questions."""

    asked: ClassVar = []

    def __init__(self, function, light, experiment, **arguments):
        assert not light
        self.experiment = experiment
        self.generator = function(experiment, **arguments)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.generator.close()

    def receive(self):
        return next(self.generator)

    def ask(self, question):
        self.asked.append((self.experiment, question))
        return self.generator.send(question)


def run(script, monkeypatch, **values):
    defaults = {
        "peers": ["a"],
        "experiments": ["b"],
        "image_size": SIZE,
        "batch": 1,
        "modes": ["inference", "training"],
        "seconds": 0.0,
        "large": False,
        "bfloat16": False,
        "out": None,
    }
    flags = types.SimpleNamespace(**(defaults | values))
    monkeypatch.setattr(script, "flags", types.SimpleNamespace(FLAGS=flags))
    script.main([])


def graph_of(function, *shapes):
    specs = [tf.TensorSpec(shape) for shape in shapes]
    traced = tf.function(function, autograph=False)
    return traced.get_concrete_function(*specs).graph


def test_mult_adds_of_a_classifier_are_those_of_the_paper(child):
    network = tiny_network(penultimate_filters=192)
    graph = graph_of(lambda x: network(x, training=False), (1, 32, 32, 3))
    assert child.mult_adds(graph) == count_mult_adds(network)


@pytest.mark.parametrize("transposed", [False, True])
def test_mult_adds_of_a_matrix_product(child, transposed):
    def product(a, b):
        return tf.matmul(a, b, transpose_b=transposed)

    graph = graph_of(product, (2, 3), (5, 3) if transposed else (3, 5))
    assert child.mult_adds(graph) == 2 * 3 * 5


@pytest.mark.slow
def test_the_box_head_counts_once_for_each_region(child):
    counted = next(child.counted("small_paper", SIZE))
    model = child.make_task("small_paper", SIZE).build_model()
    channels = model.backbone.output_specs["4"][-1]
    parts = (
        (1, model.backbone, (1, SIZE, SIZE, 3)),
        (1, lambda x: model.rpn_head({"4": x}), (1, 4, 4, channels)),
        (7, model.detection_head[0], (1, 1, 17, 17, channels)),
    )
    assert counted == {
        "parameters": sum(math.prod(v.shape) for v in model.trainable_weights),
        "mult_adds": sum(
            times * child.mult_adds(graph_of(part, shape))
            for times, part, shape in parts
        ),
        "proposals": 7,
    }
    graph = child.inference(model, SIZE, 1).get_concrete_function().graph
    with pytest.raises(JobError, match="hides multiply-adds"):
        child.mult_adds(graph)


@pytest.mark.slow
def test_measures_training_and_inference(script, child, monkeypatch, tmp_path):
    task = child.make_task("small_fpn", SIZE, 2, tmp_path)
    model = task.build_model()
    monkeypatch.setattr(child, "make_task", lambda *_: task)
    monkeypatch.setattr(task, "build_model", lambda: model)
    found = []
    prepare = child.inference_call

    def recorded(*arguments):
        call = prepare(*arguments)
        return lambda: found.append(call())

    monkeypatch.setattr(child, "inference_call", recorded)
    before = [v.numpy() for v in model.trainable_variables]
    memory = iter([100, 350, None, None])
    monkeypatch.setattr(child, "peak_memory", lambda: next(memory))
    for mode in ("training", "inference"):
        row = script.in_turn(["small_fpn"], mode, SIZE, 2, 0)["small_fpn"]
        assert len(row["calls"]) == 3
        assert row["seconds"] == sorted(row["calls"])[1] > 0
        assert row["first_call_seconds"] > 0 and row["build_seconds"] > 0
        is_training = mode == "training"
        assert row["memory"] == (250 if is_training else None)
        assert row["process_memory"] == (350 if is_training else None)
        if is_training:
            after = [v.numpy() for v in model.trainable_variables]
            for old, new in zip(before, after, strict=True):
                assert (old == new).all()
    assert [scores.shape for scores in found] == [(2, 100)] * 4
    assert not any(scores.any() for scores in found)


def test_a_peer_is_set_as_ours_are(child):
    config = child.make_task("maskrcnn_mobilenet_coco", SIZE, 3).task_config
    assert config.init_checkpoint is None
    assert config.model.input_size == [SIZE, SIZE, 3]
    assert not config.model.include_mask and config.model.mask_head is None
    assert config.model.roi_generator.use_batched_nms
    assert config.model.detection_generator.nms_version == "batched"
    assert not config.model.norm_activation.use_sync_bn
    assert config.train_data.global_batch_size == 3
    assert config.train_data.dtype == "float32"


def test_detectors_take_turns_and_are_compared(
    script, monkeypatch, capsys, tmp_path
):
    factors = {"a": 1, "b": 4}
    gib = 2**30

    def counted(experiment, image_size):
        factor = factors[experiment]
        yield {"parameters": 8e6 / factor, "mult_adds": 2e9 * factor}

    def measured(experiment, image_size, mode, batch, bfloat16):
        assert (image_size, batch, bfloat16) == (SIZE, 1, False)
        question = yield {"first_call_seconds": 9.0}
        seconds = [5.0, 1.0, 2.0]
        while question == "call":
            question = yield seconds.pop() * factors[experiment]
        yield {"memory": gib, "process_memory": None}

    monkeypatch.setattr(script, "counted", counted)
    monkeypatch.setattr(script, "measured", measured)
    monkeypatch.setattr(ChildHere, "asked", [])
    run(script, monkeypatch, out=tmp_path / "figures.json")
    turns = [("a", "call"), ("b", "call")] * 3 + [("a", "end"), ("b", "end")]
    assert ChildHere.asked == turns * 2
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    cells = [line[1:] for line in printed if line[:1] == ["b"]]
    assert cells == [
        ["2", "8", "8", "1024", "8", "1024"],
        ["4.00", "0.25", "0.25", "1.00", "0.25", "1.00"],
    ]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["image_size"], figures["batch"]) == (SIZE, 1)
    rows = figures["detectors"]
    assert rows["a"]["inference_calls"] == [2.0, 1.0, 5.0]
    assert rows["b"]["ratios"]["a"]["mult_adds"] == 0.25
    assert "inference_process_memory" not in rows["a"]


@pytest.mark.parametrize(
    ("gib", "proposals", "fits"),
    [
        (2.9, 300, True),
        (3.1, 300, False),
        (2.0, 1000, False),
        (math.nan, 300, False),
    ],
)
def test_the_large_one_is_judged(script, monkeypatch, gib, proposals, fits):
    row = {
        "proposals": proposals,
        "inference_seconds": 44.7,
        "inference_process_memory": gib * 2**30,
        "inference_convolution_rate": 2e11,
        "mult_adds": 3e12,
    }
    line = f"{proposals} proposals at 1200x1200 take {gib:.1f} GiB and 44.7 s"
    if fits:
        told = script.large_verdict(row)
        assert line in told
        assert "1.49 of 30.0 s: 6.00 TFLOP at the 200 GFLOP/s" in told
        return
    with pytest.raises(JobError, match=line):
        script.large_verdict(row)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"image_size": 0}, "image_size: 0 is not a positive integer"),
        ({"batch": 0}, "batch: 0 is not a positive integer"),
        ({"seconds": -1.0}, "seconds: -1.0 is not a number in [0, inf]"),
        ({"modes": ["train"]}, "modes: 'train' is unknown; did you mean"),
        ({"peers": [], "experiments": []}, "experiments: none given; give"),
        ({"out": "/none/a.json"}, "out: /none is not a folder; make it"),
        ({"peers": ["a"]}, "experiments: 'a' is unknown; give one of"),
        ({"peers": ["resnet_imagenet"]}, "experiments: resnet_imagenet is no"),
        (
            {"peers": ["fasterrcnn_resnetfpn_coco"], "image_size": 96},
            "image_size: 96 is not a multiple of 64, the stride of fasterrcnn_",
        ),
    ],
)
def test_bad_flags_are_one_line(script, monkeypatch, values, line):
    with pytest.raises(InputError) as error:
        run(script, monkeypatch, **values)
    assert line_of(error).startswith(line)


def test_a_crash_names_the_detector(script, monkeypatch):
    def counted(experiment, image_size):
        raise ChildError("its process ended with signal 9")
        yield

    monkeypatch.setattr(script, "counted", counted)
    with pytest.raises(JobError) as error:
        script.compare(["b"], SIZE)
    assert line_of(error).startswith("b cannot be measured: its process ended")


def test_reading_the_script_leaves_the_environment(monkeypatch, request):
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    request.getfixturevalue("script")
    assert "PYTHONSAFEPATH" not in os.environ
