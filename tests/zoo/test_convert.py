import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError
from nasnet_tf.weights.source import KERAS, OURS, SLIM, WeightsSource
from nasnet_tf.zoo import presets
from nasnet_tf.zoo.conversion import convert, infer_preset
from tests.commands import run_command
from tests.conftest import randomize, tiny_network
from tests.weights.weight_files import (
    slim_tensors,
    weights_of,
    write_checkpoint,
)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A file of a network that no preset describes."""
    model = randomize(tiny_network(class_names=list("abcdefghij")))
    model.compile("adam", "mse")
    path = tmp_path_factory.mktemp("ours") / "a.keras"
    model.save(path)
    return path


def test_a_slim_checkpoint(tmp_path, monkeypatch):
    tiny = dataclasses.replace(
        nasnet_tf.get_preset("nasnet_a_cifar_6_768"),
        name="tiny",
        num_cells=1,
        penultimate_filters=192,
    )
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny)
    slim = randomize(tiny_network(classes=1001, auxiliary_head=True))
    path = write_checkpoint(tmp_path / "model.ckpt", slim_tensors(slim))
    report = convert(path, tmp_path / "a.keras")
    assert report.background_dropped and report.skipped == ("auxiliary head",)
    model = keras.saving.load_model(tmp_path / "a.keras")
    assert model.name == "tiny"
    assert model.output_shape == (None, 1000)
    stored = weights_of(slim)
    for name, value in weights_of(model).items():
        expected = stored[name]
        if name.startswith("logits"):
            expected = expected[..., 1:]
        np.testing.assert_array_equal(value, expected)
    assert {p.name for p in tmp_path.iterdir() if p.suffix == ".keras"} == {
        "a.keras"
    }


def test_a_keras_file_says_its_network(ours, tmp_path):
    target = tmp_path / "b.keras"
    convert(ours, target)
    model = keras.saving.load_model(target)
    assert model.class_names == list("abcdefghij")
    expected = weights_of(keras.saving.load_model(ours, compile=False))
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value, expected[name])
    for argument in ({"preset": "nasnet_a_mobile"}, {"classes": 3}):
        with pytest.raises(InputError, match="says what its network is"):
            convert(ours, tmp_path / "c.keras", **argument)


@pytest.mark.parametrize(
    ("preset", "naming"),
    [
        ("nasnet_a_mobile", KERAS),
        ("nasnet_a_large", KERAS),
        ("nasnet_a_5_1536", SLIM),
        ("nasnet_a_7_1920", OURS),
        ("nasnet_a_cifar_6_768", SLIM),
        ("nasnet_a_cifar_7_2304", OURS),
        ("nasnet_c_3_960", OURS),
    ],
)
def test_the_tensors_tell_the_preset(preset, naming):
    arguments = nasnet_tf.get_preset(preset).arguments
    num_cells = arguments["num_cells"]
    genotype = nasnet_tf.get_genotype(arguments["genotype"])
    filters = genotype.filters(arguments["penultimate_filters"])
    imagenet = arguments["stem"] == "imagenet"
    stem = (32 if imagenet else filters) * arguments["stem_multiplier"]
    stem_name, cell_name = {
        OURS: ("conv0/kernel" if imagenet else "stem/kernel",
               "cell_{}/input_0/conv_1/kernel"),
        KERAS: ("stem_conv1/kernel", "normal_conv_1_{}/kernel"),
        SLIM: ("conv0/weights" if imagenet else "l1_stem_3x3/weights",
               "cell_{}/1x1/weights"),
    }[naming]  # fmt: skip
    tensors = {stem_name: np.empty((3, 3, 3, stem))}
    for number in range(3 * num_cells):
        shape = (1, 1, 1, filters * 2 ** (number // num_cells))
        tensors[cell_name.format(number)] = np.empty(shape)
    assert infer_preset(WeightsSource("a", "b", naming, tensors)) == preset


def test_a_network_of_no_preset_is_asked_for(tmp_path):
    model = tiny_network()
    model.save_weights(tmp_path / "a.weights.h5")
    target = tmp_path / "b.keras"
    with pytest.raises(InputError, match=r"preset: None, and the tensors of"):
        convert(tmp_path / "a.weights.h5", target)
    with pytest.raises(InputError, match="does not fit nasnet_a_cifar_6_768"):
        convert(
            tmp_path / "a.weights.h5", target, preset="nasnet_a_cifar_6_768"
        )
    with pytest.raises(InputError, match="did you mean 'nasnet_a_mobile'"):
        convert(tmp_path / "a.weights.h5", target, preset="nasnet_mobile")
    bare = tiny_network(include_top=False)
    bare.save_weights(tmp_path / "bare.weights.h5")
    with pytest.raises(InputError, match=r"classes: 7, but .* no classifier"):
        convert(
            tmp_path / "bare.weights.h5",
            target,
            preset="nasnet_a_cifar_6_768",
            classes=7,
        )
    assert not target.exists()


def test_targets_that_cannot_be_written(ours, tmp_path):
    with pytest.raises(InputError, match=r"a.h5 does not end in .keras"):
        convert(ours, tmp_path / "a.h5")
    with pytest.raises(InputError, match=r"none is not a folder"):
        convert(ours, tmp_path / "none" / "a.keras")
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(InputError, match=r"^target: .*r.keras is a folder"):
        convert(ours, tmp_path / "folder.keras", overwrite=True)
    (tmp_path / "folder.keras").rmdir()
    with pytest.raises(InputError, match="preset: None with 'imagenet'"):
        convert("imagenet", tmp_path / "a.keras")
    target = tmp_path / "a.keras"
    target.write_text("kept")
    with pytest.raises(InputError, match="exists; give another name or --over"):
        convert(ours, target)
    assert target.read_text() == "kept"
    convert(ours, target, overwrite=True)
    assert keras.saving.load_model(target).output_shape == (None, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_the_command(ours, tmp_path):
    command = [sys.executable, "-m", "nasnet_tf.convert"]
    target = tmp_path / "b.keras"
    done = subprocess.run(
        [*command, ours, target], capture_output=True, text=True, check=True
    )
    assert f"{target}: " in done.stdout and "10 classes" in done.stdout
    failed = run_command("nasnet_tf.convert", ours, target)
    assert failed.returncode == 2 and "Traceback" not in failed.stderr
    assert failed.stderr.splitlines()[-1] == (
        f"error: target: {target} exists; give another name or --overwrite"
    )
