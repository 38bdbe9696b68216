"""LiteRT files in the programs that people open them with.

Each has an environment of its own (`make readers`), for their pins are not
ours.
"""

import json
import pathlib
import subprocess

import keras
import numpy as np
import pytest
from PIL import Image

from export.job import export_model
from export.runtime.runners import open_runner
from export.sources.about import About
from export.sources.images import sample_photos
from nasnet_tf.zoo.applications import preprocess_input
from tests.conftest import tiny_network

HERE = pathlib.Path(__file__).parent
ENVIRONMENTS = HERE.parents[2] / ".venv-readers"
NAMES = ["cat", "wild dog", "Bär", "x <y>"]
KINDS = {
    "float32": {},
    "float16": {"quantize": "float16"},
    "dynamic": {"quantize": "dynamic"},
    "int8": {"quantize": "int8"},
    "uint8": {"input_type": "uint8"},
    "whitening": {"preprocessing": "whitening"},
    "whitening, uint8": {"preprocessing": "whitening", "input_type": "uint8"},
    "grey": {"channels": 1},
}
OPENED = [kind for kind in KINDS if kind not in ("whitening", "grey")]
# Of a score. Kernels of 8 bits differ by a step or two between versions.
CLOSE = {"int8": 0.02, "dynamic": 0.02}

pytestmark = pytest.mark.slow


def network(channels=3, preprocessing="scale"):
    keras.utils.set_random_seed(0)
    model = tiny_network(
        "NASNET_A",
        input_shape=(32, 32, channels),
        classes=len(NAMES),
        preprocessing=preprocessing,
        batch_norm_momentum=0.0,
    )
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (8, 32, 32, channels)).astype("float32")
    model(images, training=True)  # Batch norm as it is after training.
    model.class_names = NAMES
    return model


@pytest.fixture(scope="module")
def pixels():
    photo = np.random.default_rng(1).integers(0, 256, (4, 4, 3), "uint8")
    image = Image.fromarray(photo).resize((32, 32), Image.Resampling.BICUBIC)
    return np.array(image)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Where each kind is."""
    folder = tmp_path_factory.mktemp("kinds")
    photos = folder / "photos"
    photos.mkdir()
    for number, photo in enumerate(sample_photos((32, 32), 3, 100).pixels):
        Image.fromarray(photo).save(photos / f"{number}.png")
    found = {}
    for number, (kind, options) in enumerate(KINDS.items()):
        options = dict(options)
        model = network(
            options.pop("channels", 3), options.pop("preprocessing", "scale")
        )
        result = export_model(
            model,
            "litert",
            folder / str(number),
            calibration=photos,
            about=About("Ada", "Apache-2.0", "3"),
            quiet=True,
            **options,
        )
        found[kind] = result.model
    return found


def own_scores(path, pixels, preprocessing="scale"):
    runner = open_runner(path, 1)
    images = pixels[None]
    if runner.input_dtype.kind == "f":
        images = np.asarray(
            preprocess_input(images, preprocessing=preprocessing)
        )
    return runner.run(images)[0]


def read(library, image, files):
    """What a library's Python says of all files."""
    python = ENVIRONMENTS / library / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment with {library}; make readers installs it")
    done = subprocess.run(
        [python, HERE / f"read_{library}.py", image, *files.values()],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {kind: found[str(path)] for kind, path in files.items()}


@pytest.fixture(scope="module")
def mediapipe(files, pixels, tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "image.png"
    Image.fromarray(pixels).save(path)
    return read("mediapipe", path, files)


@pytest.mark.parametrize(
    "kind",
    ["float32", "float16", "dynamic", "int8", "uint8", "whitening, uint8"],
)
def test_mediapipe_answers_as_our_runner(kind, files, pixels, mediapipe):
    found = mediapipe[kind]
    assert "error" not in found
    assert found["names"] == NAMES
    expected = own_scores(files[kind], pixels)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(
        found["scores"], expected, atol=CLOSE.get(kind, 1e-5)
    )


def test_what_mediapipe_does_not_take(files, mediapipe):
    """The card says so."""
    for kind, reason in {
        "whitening": "NormalizationOptions",
        "grey": "Only RGB",
    }.items():
        assert reason in mediapipe[kind]["error"]
    for kind, path in files.items():
        card = (path.parent / "model_card.md").read_text()
        opens = "error" not in mediapipe[kind]
        assert ("MediaPipe's ImageClassifier opens it" in card) == opens


def test_metadata(mediapipe):
    found = mediapipe["float32"]
    assert found["files"] == {"labels.txt": "\n".join(NAMES) + "\n"}
    root = found["metadata"]
    assert (root["author"], root["license"], root["version"]) == (
        "Ada",
        "Apache-2.0",
        "3",
    )
    ((image,), (score,)) = (
        root["subgraphMetadata"][0][f"{way}TensorMetadata"]
        for way in ("input", "output")
    )
    (unit,) = image["processUnits"]
    assert unit["options"] == {"mean": [127.5], "std": [127.5]}
    assert image["stats"] == {"max": [1.0], "min": [-1.0]}
    assert image["content"]["contentProperties"]["colorSpace"] == 1
    assert score["associatedFiles"][0]["name"] == "labels.txt"
    (image,) = mediapipe["uint8"]["metadata"]["subgraphMetadata"][0][
        "inputTensorMetadata"
    ]
    assert not image["processUnits"]


def test_old_runtime_refuses_or_is_right(files, pixels, tmp_path):
    """It must not load what it cannot compute."""
    plain = {
        kind: path
        for kind, path in files.items()
        if kind in ("float32", "float16", "dynamic", "int8", "uint8")
    }
    np.save(tmp_path / "image.npy", pixels)
    found = read("tflite_runtime", tmp_path / "image.npy", plain)
    assert "version '12'" in found.pop("dynamic")["error"]
    for kind, answer in found.items():
        expected = own_scores(files[kind], pixels)
        np.testing.assert_allclose(
            answer["scores"], expected, atol=CLOSE.get(kind, 1e-5)
        )
