"""The page's folder: whole or not at all, and its settings the network's."""

import json

import numpy as np
import pytest

from export.formats import write_format
from export.graph import read_model
from export.job import export_model
from export.runtime.runners import model_format, open_runner
from export.sources.original import read_original
from nasnet_tf.browser.page import SITE
from nasnet_tf.checks.errors import InputError
from tests.browser.node_modules import node_modules
from tests.conftest import images, line_of, randomize, tiny_network
from tests.training.jobs import one_block

NAMES = ["<b>bold</b>", 'a "quoted" line', "Größe 猫"]

pytestmark = pytest.mark.usefixtures("short_timing")


@pytest.fixture(scope="module")
def model():
    return randomize(tiny_network(one_block(), classes=3, class_names=NAMES))


@pytest.fixture
def modules(tmp_path):
    return node_modules(tmp_path / "node_modules")


def settings_of(folder):
    return json.loads((folder / "settings.json").read_text(encoding="utf-8"))


def written(model, path, input_type="float32", **arguments):
    original = read_original(model, **arguments)
    graph = read_model(original.model, original.size)
    write_format(original, graph, path, "web", input_type=input_type)
    return settings_of(path)


def test_export(model, modules, tmp_path):
    result = export_model(
        model,
        "web",
        tmp_path / "out",
        litert_js=modules,
        evaluation_images=4,
        quiet=True,
    )
    folder = tmp_path / "out" / "web"
    assert result.model == folder and model_format(folder) == "web"
    for file in SITE.iterdir():
        kept = (folder / file.name).read_text()
        assert file.name == "index.html" or kept == file.read_text()
    assert "litert_js/@litertjs/core" in (folder / "index.html").read_text()
    # One line a class, whatever the names hold.
    assert (folder / "labels.txt").read_text(encoding="utf-8") == (
        '<b>bold</b>\na "quoted" line\nGröße 猫\n'
    )
    network = folder / "model.tflite"
    assert result.size == network.stat().st_size
    assert result.files["web"] > result.size
    inputs = images(2, 32, 32, 3)
    np.testing.assert_allclose(
        open_runner(folder).run(inputs), model(inputs), atol=1e-5
    )
    card = (tmp_path / "out" / "model_card.md").read_text()
    assert "python -m http.server --directory web" in card
    assert "| `web/model.tflite` |" in card


def test_settings(model, tmp_path):
    assert written(model, tmp_path / "a", crop=0.75) == {
        "title": "one block (1 @ 32)",
        "task": "classification",
        "model": "model.tflite",
        "labels": "labels.txt",
        "image": {
            "height": 32,
            "width": 32,
            "channels": 3,
            "crop": 0.75,
            "resize": "bilinear",
            "orientation": "exif",
        },
        "input": "float32",
        "preprocessing": {"mean": [127.5] * 3, "deviation": [127.5] * 3},
        "output": "probabilities",
    }


def test_settings_of_other_networks(model, tmp_path):
    settings = written(model, tmp_path / "a", input_type="uint8")
    assert settings["input"] == "uint8"
    assert settings["preprocessing"] is None
    other = tiny_network(
        one_block(),
        preprocessing="whitening",
        input_shape=(32, 48, 1),
        classifier_activation=None,
    )
    settings = written(other, tmp_path / "b")
    assert settings["preprocessing"] == "whitening"
    assert settings["output"] == "scores" and settings["labels"] is None
    image = settings["image"]
    assert [image[k] for k in ("height", "width", "channels")] == [32, 48, 1]
    assert not (tmp_path / "b" / "labels.txt").exists()


@pytest.mark.parametrize(
    "format, given, line",
    [
        ("web", None, "litert_js: missing; the page runs the network by Lite"),
        ("web", "none", "litert_js: none is not a folder; npm i @litertjs"),
        (
            "litert",
            "https://a.example",
            "litert_js: 'https://a.example' with format 'litert', which is no",
        ),
    ],
)
def test_litert_js_that_does_not_fit(model, tmp_path, format, given, line):
    with pytest.raises(InputError) as error:
        export_model(
            model, format, tmp_path / "out", litert_js=given, quiet=True
        )
    assert line_of(error).startswith(line)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_copied_leaves_nothing(model, modules, tmp_path):
    # Found, and gone when it is to be copied.
    wasm = modules / "@litertjs" / "core" / "wasm"
    (wasm / "litert.js").unlink()
    (wasm / "litert.js").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError) as error:
        export_model(
            model,
            "web",
            tmp_path / "out",
            litert_js=modules,
            evaluation_images=4,
            quiet=True,
        )
    assert line_of(error).startswith("out: ")
    assert [path.name for path in tmp_path.iterdir()] == ["node_modules"]
