"""The card says what was measured, and breaks on no name."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import nasnet_tf
from export.comparison.parity import Parity
from export.formats import write_format
from export.graph import read_model
from export.graph.preprocessing import PREPROCESSINGS, preprocess
from export.job import export_model
from export.reporting.card import write_card
from export.reporting.result import ExportResult, path_size, size_text
from export.runtime.timing import Timing
from export.sources.original import read_original
from export.targets import TARGETS, get_target
from nasnet_tf.terminal.hardware import processor_name
from tests.conftest import randomize, slow, tiny_network
from tests.training.jobs import one_block

NAMES = ["a|b", "`c`", "two\nlines"]


@pytest.fixture(scope="module")
def original():
    return read_original(
        tiny_network(one_block().to_dict(), classes=3, class_names=NAMES)
    )


def make(folder, **changes):
    """A result with figures that no two fields share."""
    result = ExportResult(
        folder=folder,
        model=folder / "model.tflite",
        files={"model.tflite": 1_234_567, "labels.txt": 21},
        format="litert",
        quantize="int8",
        input_type="float32",
        parity=Parity(
            "digits, split test: 360 images",
            360,
            "int8",
            0.42,
            0.025,
            0.9944,
            0.3,
            True,
        ),
        accuracy=(0.9972, 0.9917),
        timing=Timing(
            (0.004, 0.002, 0.0031),
            (1, 32, 32, 3),
            "float32",
            3 * 2**20,
            {"operations": 99, "partitions": 1, "outside": {}},
        ),
        operations=(321, 123),
        rewrites=("fold_batch_norm", "drop_idle"),
        calibration="digits, split train: 200 images",
        seconds=12.3,
    )
    return dataclasses.replace(result, **changes)


def card_of(tmp_path, original, command=None, **changes):
    result = make(tmp_path, **changes)
    (tmp_path / result.model.name).write_bytes(b"x")
    write_card(tmp_path / "model_card.md", result, original, command)
    return (tmp_path / "model_card.md").read_text(encoding="utf-8")


def row_of(card, name):
    """The second cell of the row that begins with `name`."""
    (line,) = [n for n in card.splitlines() if n.startswith(f"| {name} |")]
    return line.split(" | ")[1].removesuffix(" |")


def test_every_figure_is_there(tmp_path, original):
    command = "python -m export.run --model='a b.keras' --format=litert"
    card = card_of(tmp_path, original, command)
    assert card.startswith("# one block (1 @ ")
    assert "as LiteRT" in card.splitlines()[0]
    assert row_of(card, "`model.tflite`") == "1.23 MB"
    assert row_of(card, "size") == "1.23 MB"
    assert row_of(card, "latency") == (
        "3.10 ms: the median of 3 runs on one image, one thread of "
        f"{processor_name()}"
    )
    assert row_of(card, "operations") == "321 in the Keras model, 123 exported"
    assert row_of(card, "memory").startswith("3.0 MiB")
    assert row_of(card, "XNNPACK") == "1 piece; outside: nothing"
    assert row_of(card, "top-1, Keras model") == (
        "99.72% of digits, split test: 360 images"
    )
    assert row_of(card, "top-1, exported") == "99.17%: -0.55 points"
    for row in (
        "4.2e-01 | -",
        "2.5e-02 | at most 0.35",
        "99.44% | at least 80%",
    ):
        assert f"| {row} |" in card
    assert f"```sh\n{command}\n```" in card
    assert "ranges of digits, split train: 200 images" in card
    assert "* Rewrites: `fold_batch_norm`, `drop_idle`." in card
    assert "says little" not in card
    assert "ai-edge-litert" in card and "Time: 12 s" in card


def test_input_and_output(tmp_path, original):
    card = card_of(tmp_path, original)
    assert row_of(card, "input") == (
        "float32 (1, 32, 32, 3), in RGB: pixels from 0 to 255 as "
        "pixel / 127.5 - 1"
    )
    assert row_of(card, "output") == "float32 (1, 3): probabilities"
    timing = dataclasses.replace(make(tmp_path).timing, input_dtype="uint8")
    parity = dataclasses.replace(make(tmp_path).parity, probabilities=False)
    card = card_of(
        tmp_path, original, input_type="uint8", timing=timing, parity=parity
    )
    assert row_of(card, "input") == (
        "uint8 (1, 32, 32, 3), in RGB: pixels from 0 to 255; the file scales "
        "them"
    )
    assert row_of(card, "output") == "float32 (1, 3): scores, no softmax"


def test_parity_that_says_little_says_so(tmp_path, original):
    parity = dataclasses.replace(make(tmp_path).parity, spread=1e-4)
    card = card_of(tmp_path, original, parity=parity)
    assert "to all of these images, so this says little." in card


def test_names_cannot_break_the_tables(tmp_path, original):
    card = card_of(tmp_path, original)
    (line,) = [n for n in card.splitlines() if n.startswith("| classes |")]
    assert line == r"| classes | 3: `a\|b`, `'c'`, `two lines` |"


def test_without_labels_calibration_and_command(tmp_path, original):
    card = card_of(
        tmp_path, original, accuracy=None, calibration=None, rewrites=()
    )
    assert "top-1" not in card and "ranges of" not in card
    assert "accuracy was not measured" in card
    assert "export.job.export_model" in card and "* Rewrites: none." in card


def run_code(folder, monkeypatch):
    """What the card's code answers to a photo, and its pixels."""
    monkeypatch.chdir(folder)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    Image.fromarray(pixels).save("photo.jpg")
    card = (folder / "model_card.md").read_text()
    found = {}
    exec(card.split("```python\n")[1].split("```")[0], found)
    photo = np.asarray(Image.open("photo.jpg"), "float32")[None]
    return np.asarray(found["answers"]), photo


@pytest.mark.parametrize("format", TARGETS)
def test_code_of_the_card_runs_a_real_file(
    tmp_path, monkeypatch, original, format
):
    target = get_target(format)
    path = tmp_path / target.file
    write_format(original, read_model(original.model), path, format)
    files = {target.network_file: 1}
    result = make(tmp_path, format=format, model=path, files=files)
    write_card(tmp_path / "model_card.md", result, original)
    answers, photo = run_code(tmp_path, monkeypatch)
    expected = original.answers(
        nasnet_tf.preprocess_input(photo, preprocessing=original.preprocessing)
    )
    np.testing.assert_allclose(answers, expected, atol=1e-5)


@pytest.mark.parametrize("preprocessing", PREPROCESSINGS)
def test_the_code_scales_as_the_export_does(
    tmp_path, monkeypatch, original, preprocessing
):
    changed = dataclasses.replace(original, preprocessing=preprocessing)
    path = tmp_path / "model.tflite"
    write_format(changed, read_model(original.model), path, "litert")
    card = card_of(tmp_path, changed, model=path)
    assert "{" not in card
    assert ("123.675" in card) == (preprocessing == "torch")
    # `card_of` writes a file of its own.
    write_format(changed, read_model(original.model), path, "litert")
    answers, photo = run_code(tmp_path, monkeypatch)
    expected = original.answers(np.asarray(preprocess(photo, preprocessing)))
    np.testing.assert_allclose(answers, expected, atol=1e-5)


@pytest.mark.parametrize(
    "size, text", [(21, "21 bytes"), (1500, "1.5 kB"), (3_456_000, "3.46 MB")]
)
def test_sizes_for_people(size, text):
    assert size_text(size) == text


def test_size_of_a_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(30))
    (tmp_path / "c").write_bytes(bytes(12))
    assert path_size(tmp_path) == 42 and path_size(tmp_path / "c") == 12


@pytest.mark.usefixtures("short_timing")
@pytest.mark.parametrize(
    "preprocessing, input_type",
    [
        ("scale", "float32"),
        ("whitening", "uint8"),
        slow("scale", "uint8"),
        slow("whitening", "float32"),
    ],
)
def test_the_example_runs_as_it_stands(
    tmp_path, monkeypatch, preprocessing, input_type
):
    model = randomize(
        tiny_network(one_block().to_dict(), preprocessing=preprocessing)
    )
    export_model(
        model,
        "litert",
        tmp_path / "out",
        input_type=input_type,
        evaluation_images=4,
        quiet=True,
    )
    answers, photo = run_code(tmp_path / "out", monkeypatch)
    images = nasnet_tf.preprocess_input(photo, preprocessing=preprocessing)
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-4)
