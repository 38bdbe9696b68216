"""Networks as folders, here and on the hub."""

import json
import sys
import types

import numpy as np
import pytest
import yaml

import nasnet_tf
from nasnet_tf import InputError
from nasnet_tf.networks.variables import named_variables
from tests.conftest import images, line_of, randomize, tiny_network
from tests.training.jobs import one_block


@pytest.fixture(scope="module")
def network():
    return randomize(
        tiny_network(
            one_block(),
            class_names=list("abcdefghij"),
            preprocessing="whitening",
        )
    )


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    return network.save_to_preset(tmp_path_factory.mktemp("saved") / "net")


def test_the_same_network_again(network, folder):
    loaded = nasnet_tf.from_preset(str(folder))
    assert loaded.get_config() == network.get_config()
    inputs = images(2, 32, 32, 3)
    np.testing.assert_array_equal(loaded(inputs), network(inputs))
    header = (folder / "README.md").read_text().split("---\n")[1]
    assert yaml.safe_load(header)["pipeline_tag"] == "image-classification"


def test_other_classes_leave_the_classifier_fresh(network, folder):
    loaded = nasnet_tf.from_preset(folder, classes=7)
    assert loaded.output_shape == (None, 7) and loaded.class_names is None
    own, count = named_variables(network), 0
    for name, variable in named_variables(loaded).items():
        if not name.startswith("logits/"):
            np.testing.assert_array_equal(variable, own[name])
            count += 1
    assert count == len(own) - 2 > 10


def test_without_the_top(network, folder):
    loaded = nasnet_tf.from_preset(folder, include_top=False, pooling="avg")
    inputs = images(2, 32, 32, 3)
    features = np.asarray(loaded(inputs))
    logits = network.get_layer("logits")(features)
    np.testing.assert_allclose(
        network.get_layer("predictions")(logits), network(inputs), atol=1e-6
    )


def test_nothing_of_another_s_is_replaced(network, folder, tmp_path):
    with pytest.raises(InputError, match="exists"):
        network.save_to_preset(folder)
    network.save_to_preset(folder, overwrite=True)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"mine\.txt"):
        network.save_to_preset(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_bad_folders_are_one_line(network, tmp_path):
    saved = network.save_to_preset(tmp_path / "net")
    weights, config = saved / "model.weights.h5", saved / "config.json"

    def refusal(preset=saved):
        with pytest.raises(InputError) as error:
            nasnet_tf.from_preset(preset)
        return line_of(error)

    weights.write_bytes(weights.read_bytes()[:5000])
    assert "may be damaged" in refusal()
    weights.unlink()
    assert "model.weights.h5 does not exist" in refusal()
    content = json.loads(config.read_text())
    config.write_text(json.dumps(content | {"format_version": 2}))
    assert "format_version 2, and this" in refusal()
    config.write_text('{"class_name": "Functional"}')
    assert "is not of a nasnet_tf network" in refusal()
    config.write_text("{")
    assert "config.json cannot be read and may be damaged" in refusal()
    config.unlink()
    assert "holds no config.json" in refusal()
    assert "is no folder" in refusal(tmp_path / "none")
    assert "is no folder" in refusal("./none")
    assert "did you mean 'nasnet_a_mobile'" in refusal("nasnet_a_mobil")


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
def test_a_quantised_network_is_refused(tmp_path):
    model = tiny_network(one_block())
    model.quantize("int8")
    with pytest.raises(InputError, match="is quantised"):
        model.save_to_preset(tmp_path / "net")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def hub(monkeypatch, folder):
    """A double of huggingface_hub that has one network."""
    asked = []

    def snapshot_download(repo_id, allow_patterns):
        asked.append((repo_id, sorted(allow_patterns)))
        if repo_id != "someone/net":
            raise RuntimeError("404 Client Error.\nmany lines")
        return str(folder)

    double = types.ModuleType("huggingface_hub")
    double.__spec__ = types.SimpleNamespace(name="huggingface_hub")
    double.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", double)
    return asked


def test_from_the_hub(network, hub):
    loaded = nasnet_tf.from_preset("hf://someone/net")
    files = ["README.md", "config.json", "model.weights.h5"]
    assert hub == [("someone/net", files)]
    inputs = images(1, 32, 32, 3)
    np.testing.assert_array_equal(loaded(inputs), network(inputs))
    with pytest.raises(InputError, match="cannot be fetched") as error:
        nasnet_tf.from_preset("hf://someone/other")
    assert "404" in line_of(error)
    with pytest.raises(InputError, match="form hf://user/name"):
        nasnet_tf.from_preset("hf://someone")


def test_without_huggingface_hub(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install 'nasnet_tf\[hub\]'"):
        nasnet_tf.from_preset("hf://someone/net")
