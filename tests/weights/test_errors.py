import hashlib
import zipfile

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError, load_weights
from nasnet_tf.weights import imagenet
from tests.conftest import randomize, slow, tiny_network
from tests.weights.weight_files import (
    slim_tensors,
    weights_of,
    write_checkpoint,
    write_keras_2,
)


@pytest.fixture(scope="module")
def network():
    return randomize(tiny_network())


def refusal(model, weights, **arguments):
    """The one line of a refusal, which leaves the model as it was."""
    before = weights_of(model)
    with pytest.raises(InputError) as error:
        load_weights(model, weights, **arguments)
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value, before[name])
    line = str(error.value)
    assert "\n" not in line
    return line


def test_paths_that_lead_nowhere(network, tmp_path):
    line = refusal(network, tmp_path / "none.keras")
    assert "none.keras does not exist; give a .keras" in line
    assert "is not a path" in refusal(network, 3)
    assert "is not a path" in refusal(network, None)
    assert refusal(network, "") == (
        "weights: '' is empty; give 'imagenet' or a path"
    )
    line = refusal(network, "x.keras", slim_variables="averages")
    assert "'averages' is unknown; did you mean 'average'?" in line
    assert "is a directory; give" in refusal(network, tmp_path)
    write_checkpoint(tmp_path / "model.ckpt-7", slim_tensors(network))
    assert "did you mean" in refusal(network, tmp_path)
    assert "model.ckpt-7?" in refusal(network, tmp_path)


def test_files_that_are_something_else(network, tmp_path):
    text = tmp_path / "text.h5"
    text.write_text("weights")
    assert "text.h5 is of an unknown kind" in refusal(network, text)
    archive = tmp_path / "other.keras"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "a")
    assert "without model.weights.h5" in refusal(network, archive)
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.layers[0].name = "mlp"
    other.save(tmp_path / "mlp.keras")
    line = refusal(network, tmp_path / "mlp.keras")
    assert "holds no NASNet but mlp/kernel, mlp/bias; give" in line
    checkpoint = write_checkpoint(tmp_path / "a", {"fc/weights": np.ones(3)})
    assert "holds no NASNet but fc/weights" in refusal(network, checkpoint)


@pytest.mark.parametrize("kind", ["keras", "weights.h5", "checkpoint"])
def test_damaged_files(network, tmp_path, kind):
    path = damaged = tmp_path / f"a.{kind}"
    if kind == "keras":
        network.save(path)
    elif kind == "weights.h5":
        network.save_weights(path)
    else:
        write_checkpoint(path, slim_tensors(network))
        damaged = tmp_path / "a.checkpoint.data-00000-of-00001"
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    line = refusal(network, path)
    assert "may be damaged" in line or "unknown kind" in line


def test_what_does_not_fit_is_listed(network, tmp_path):
    tensors = slim_tensors(network)
    first, second, third = list(tensors)[1:4]
    del tensors[first]
    tensors[second] = np.zeros(5, "float32")
    tensors["cell_9/1x1/weights"] = np.zeros(5, "float32")
    line = refusal(network, write_checkpoint(tmp_path / "a", tensors))
    assert f"1 missing: {first};" in line
    assert "1 that the model lacks: cell_9/1x1/weights;" in line
    assert f"1 of another shape: {second} (5,) for (24,);" in line
    assert third not in line and "nothing was loaded" in line
    network.save_weights(tmp_path / "a.weights.h5")
    wider = tiny_network(penultimate_filters=384)
    line = refusal(wider, tmp_path / "a.weights.h5")
    # Depthwise kernels of the first group, and so on: but for the classes, all.
    assert f"{len(weights_of(wider)) - 1} of another shape: stem/kernel" in line
    assert line.count(" for (") == 10 and ", ...;" in line
    assert "build the network that the file was saved from" in line


def test_folded_and_plain_do_not_mix(network, tmp_path):
    folded = nasnet_tf.fold_batch_norm(network)
    folded.save(tmp_path / "folded.keras")
    folded.save_weights(tmp_path / "folded.weights.h5")
    network.save_weights(tmp_path / "plain.weights.h5")
    for name in ("folded.keras", "folded.weights.h5"):
        line = refusal(network, tmp_path / name)
        assert "is folded, without batch norm, and nasnet is not; load" in line
        assert "keras.saving.load_model" in line
    checkpoint = write_checkpoint(tmp_path / "a", slim_tensors(network))
    for path in (tmp_path / "plain.weights.h5", checkpoint):
        line = refusal(folded, path)
        assert "has batch norm and nasnet is folded; load it into" in line
        assert "call nasnet_tf.fold_batch_norm" in line


def test_a_nested_network_is_named(network, tmp_path):
    x = keras.Input((32, 32, 3))
    middle = keras.Model(x, network(x), name="middle")
    outer = keras.Model(x, keras.layers.Dense(3)(network(x)))
    outer.save(tmp_path / "a.keras")
    outer.save_weights(tmp_path / "a.weights.h5")
    for name in ("a.keras", "a.weights.h5"):
        line = refusal(network, tmp_path / name)
        assert "holds its NASNet nested in another model; load" in line
        assert "take outer.get_layer('nasnet'), whose" in line
    keras.Model(x, middle(x)).save(tmp_path / "deep.keras")
    line = refusal(network, tmp_path / "deep.keras")
    assert "outer.get_layer('middle').get_layer('nasnet')," in line
    # The remedy holds.
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    loaded.get_layer("nasnet").save(tmp_path / "inner.keras")
    tensors = len(weights_of(network))
    assert load_weights(network, tmp_path / "inner.keras").tensors == tensors


def test_only_nasnet_takes_weights(network):
    model = keras.Model(network.input, network.end_points["cell_0"])
    with pytest.raises(InputError, match="Functional is no nasnet_tf"):
        load_weights(model, "imagenet")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"penultimate_filters": 192}, "exist for NASNet-A mobile and large"),
        slow(
            {"skip_reduction_layer_input": True},
            "for NASNet-A mobile and large",
        ),
        ({"classes": 10}, "classes: 10 with weights 'imagenet'"),
        ({"input_shape": (64, 64, 1)}, "input_shape: 1 channels with weights"),
        (
            {"input_shape": (224, 224, 3), "auxiliary_head": True},
            "auxiliary_head: True with weights 'imagenet'",
        ),
    ],
)
def test_imagenet_files_that_do_not_exist(arguments, line):
    defaults = {"weights": None, "input_shape": (64, 64, 3)}
    model = nasnet_tf.NASNetMobile(**{**defaults, **arguments})
    assert line in refusal(model, "imagenet")


def test_the_official_file_comes_from_the_cache_or_the_network(
    tmp_path, monkeypatch, capsys
):
    model = randomize(nasnet_tf.NASNetMobile(weights=None, include_top=False))
    source = tmp_path / "served"
    source.mkdir()
    name, cached, _ = imagenet.FILES["mobile", False]
    write_keras_2(source / name, model)
    md5 = hashlib.md5((source / name).read_bytes()).hexdigest()
    monkeypatch.setitem(imagenet.FILES, ("mobile", False), (name, cached, md5))
    monkeypatch.setattr(imagenet, "URL", f"{source.as_uri()}/")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    cache = tmp_path / "home" / "models"
    cache.mkdir(parents=True)
    (cache / cached).write_bytes(b"half a file")

    expected = weights_of(model)
    other = nasnet_tf.NASNetMobile(weights=None, include_top=False)
    report = load_weights(other, "imagenet")
    assert report.path == str(cache / cached) and report.tensors == 1124
    printed = capsys.readouterr()
    assert printed.out == "" and "Downloading data from" in printed.err
    for weight, value in weights_of(other).items():
        np.testing.assert_array_equal(value, expected[weight])

    monkeypatch.setattr(imagenet, "URL", f"{tmp_path.as_uri()}/nowhere/")
    assert load_weights(other, "imagenet").tensors == 1124
    (cache / cached).write_bytes(b"half a file")
    line = refusal(other, "imagenet")
    assert f"needs {name}, which could not be fetched (URL fetch" in line
    assert f"put it here as {cache / cached} (md5 {md5})" in line
