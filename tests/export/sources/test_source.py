"""The model that is exported: what is taken, and what is refused."""

import keras
import numpy as np
import pytest

from export.sources import original
from export.sources.original import read_original
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.files import save_config
from nasnet_tf.training.checkpoint import JobCheckpoint, save_network_config
from nasnet_tf.training.network import build_network
from nasnet_tf.training.optimizer import make_optimizer
from nasnet_tf.zoo import classification
from tests.conftest import images, line_of, randomize, tiny_network
from tests.training.jobs import one_block, small_job

DIGITS = [str(n) for n in range(10)]


def tiny(**arguments):
    genotype = one_block().to_dict()
    return randomize(tiny_network(genotype, **arguments))


def plain(size=16, channels=3, units=4):
    """A classifier that is no NASNet."""
    return keras.Sequential(
        [
            keras.Input((size, size, channels)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(units),
        ],
        name="plain",
    )


def test_nasnet_in_a_file_knows_all_about_itself(tmp_path):
    model = tiny(class_names=DIGITS, preprocessing="whitening")
    model.save(tmp_path / "tiny.keras")
    original = read_original(tmp_path / "tiny.keras")
    assert original.size == (32, 32) and original.channels == 3
    assert original.preprocessing == "whitening"
    assert original.class_names == DIGITS and original.classes == 10
    assert original.config is None and not original.data_given
    x = images(5, 32, 32, 3)
    np.testing.assert_allclose(
        original.answers(x), np.asarray(model(x, training=False)), atol=1e-6
    )


def test_any_other_classifier_says_how_it_is_fed(tmp_path):
    path = tmp_path / "plain.keras"
    plain().save(path)
    with pytest.raises(InputError) as error:
        read_original(path)
    assert line_of(error).startswith("preprocessing: none given and plain ")
    original = read_original(path, preprocessing="scale")
    assert original.preprocessing == "scale" and original.classes == 4
    assert original.class_names is None
    with pytest.raises(InputError, match="preprocessing: 'raw' is unknown"):
        read_original(path, preprocessing="raw")


def test_integers_are_no_scaled_pixels():
    given = keras.Input((16, 16, 3), dtype="uint8")
    answer = keras.layers.GlobalAveragePooling2D()(
        keras.layers.Rescaling(1 / 255)(given)
    )
    model = keras.Model(given, answer, name="integers")
    assert read_original(model, preprocessing="pixels").size == (16, 16)
    with pytest.raises(InputError, match="reads uint8; give --prep") as error:
        read_original(model, preprocessing="unit")
    line_of(error)


def test_size_is_given_where_it_is_open():
    model = plain(size=None)
    with pytest.raises(InputError) as error:
        read_original(model, preprocessing="scale")
    assert line_of(error) == (
        "image_size: none given and plain reads images of any size; give one, "
        "such as --image_size=224"
    )
    for given, size in ((40, (40, 40)), ((40, 56), (40, 56))):
        original = read_original(model, given, preprocessing="scale")
        assert original.size == size
    for bad in (0, "40", (40,), 4.5):
        with pytest.raises(InputError, match=r"^image_size: "):
            read_original(model, bad, preprocessing="scale")


def test_what_the_model_knows_cannot_be_changed():
    model = tiny()
    assert read_original(model, 32, "scale").size == (32, 32)
    with pytest.raises(InputError, match="image_size: 64, but nasnet reads 32"):
        read_original(model, 64)
    with pytest.raises(InputError, match="was trained with 'scale'"):
        read_original(model, preprocessing="whitening")


def test_main_head_of_two_answers():
    model = tiny(auxiliary_head=True)
    original = read_original(model)
    x = images(2, 32, 32, 3)
    expected = model(x, training=False)["predictions"]
    np.testing.assert_allclose(original.answers(x), expected, atol=1e-6)
    assert original.classes == 10


def test_newest_checkpoint_of_a_job_with_its_data(tmp_path):
    config = small_job(tmp_path, "data.source=digits")
    network = randomize(build_network(config.model, DIGITS, 9))
    optimizer = make_optimizer(config.recipe, 0.1, "float32")
    optimizer.build(network.trainable_variables)
    job = tmp_path / "job"
    job.mkdir()
    save_config(config, job / "config.yaml")
    save_network_config(job, network)
    JobCheckpoint(job, network, optimizer).save(7)
    original = read_original(job)
    assert original.name == f"{job}, step 7"
    assert original.config.data.source == "digits" and not original.data_given
    x = images(3, 32, 32, 3)
    logits = np.asarray(network(x, training=False))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(original.answers(x), expected, atol=1e-5)
    moved = read_original(job, override="data.train_split=test")
    assert moved.config.data.train_split == "test" and moved.data_given


@pytest.mark.parametrize(
    "make, line",
    [
        (lambda: plain(channels=4), "reads 4 channels; export takes 3 or"),
        (lambda: plain(units=1), r"gives \(None, 1\); export takes a class"),
        (lambda: tiny(include_top=False), r"gives \(None, 8, 8, \d+\)"),
        (lambda: keras.Sequential(name="empty"), r"empty has the inputs \[\]"),
        (
            lambda: keras.Sequential(
                [keras.Input((8,)), keras.layers.Dense(2)], name="rows"
            ),
            r"rows has the inputs \[\(None, 8\)\]",
        ),
    ],
)
def test_models_that_classify_no_images(make, line):
    with pytest.raises(InputError, match=f"^model: .*{line}") as error:
        read_original(make(), preprocessing="scale")
    line_of(error)


def test_two_answers_without_names():
    given = keras.Input((16, 16, 3))
    answer = keras.layers.GlobalAveragePooling2D()(given)
    model = keras.Model(given, [answer, answer], name="twice")
    with pytest.raises(InputError, match=r"^model: twice gives "):
        read_original(model, preprocessing="scale")


@pytest.mark.parametrize(
    "name, line",
    [
        ("missing.keras", "does not exist or is not a file"),
        ("broken.keras", "cannot be loaded as a model"),
        ("weights.h5", "is neither a .keras file nor the model_dir"),
        (".", "holds no checkpoint of a training job"),
    ],
)
def test_paths_that_hold_no_model(tmp_path, name, line):
    (tmp_path / "broken.keras").write_bytes(b"PK nothing")
    (tmp_path / "weights.h5").write_bytes(b"nothing")
    with pytest.raises(InputError) as error:
        read_original(tmp_path / name)
    assert line_of(error).startswith("model: ") and line in line_of(error)


@pytest.mark.parametrize("bad", [None, "", 3])
def test_what_is_no_path(bad):
    with pytest.raises(InputError, match=r"^model: .* is no path; give"):
        read_original(bad)


@pytest.mark.parametrize("name", ["job", "tiny.keras"])
def test_home_of_a_user_who_is_not_known(name):
    with pytest.raises(InputError) as error:
        read_original(f"~no-such-user/{name}")
    assert line_of(error) == (
        f"model: ~no-such-user/{name} begins with a home folder that is not "
        "known here; give the path in full"
    )


def test_home_is_found(tmp_path, monkeypatch):
    plain().save(tmp_path / "plain.keras")
    monkeypatch.setenv("HOME", str(tmp_path))
    original = read_original("~/plain.keras", preprocessing="scale")
    assert original.name == str(tmp_path / "plain.keras")


def test_bad_configuration_is_found_before_the_model_is_loaded(tmp_path):
    with pytest.raises(InputError, match="did you mean 'data"):
        read_original(tmp_path / "no.keras", override="dta.source=digits")


@pytest.fixture
def presets(monkeypatch):
    """A double of `from_preset`: small networks, and what was asked of it."""
    asked = []

    def from_preset(preset, /, weights=None):
        asked.append((preset, str(weights)))
        return tiny(classes=1000)

    monkeypatch.setattr(classification, "from_preset", from_preset)
    return asked


@pytest.mark.parametrize(
    "preset, override, expected",
    [
        (None, None, "nasnet_a_mobile"),
        ("nasnet_a_large", None, "nasnet_a_large"),
        (None, "model.preset=nasnet_a_large", "nasnet_a_large"),
        ("nasnet_b_4_1536", "model.preset=nasnet_a_large", "nasnet_b_4_1536"),
    ],
)
def test_published_networks(presets, monkeypatch, preset, override, expected):
    monkeypatch.setattr(original, "imagenet_names", lambda: ["tench"] * 1000)
    found = read_original("imagenet", preset=preset, override=override)
    assert presets == [(expected, "imagenet")]
    assert found.name == f"{expected}, weights imagenet"
    assert found.class_names == ["tench"] * 1000
    assert found.preprocessing == "scale" and found.classes == 1000


def test_other_weights_of_a_preset(presets, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    found = read_original("~/model.ckpt", preset="nasnet_a_mobile")
    assert presets == [("nasnet_a_mobile", str(tmp_path / "model.ckpt"))]
    assert found.class_names is None


def test_a_job_called_imagenet_is_a_job(presets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / "config.yaml").write_text("data: {}\n")
    with pytest.raises(InputError, match=r"^model: imagenet holds no check"):
        read_original("imagenet")
    assert not presets


@pytest.mark.parametrize(
    "source, preset, line",
    [
        ("imagenet", "nasnet_a_mobil", r"^preset: 'nasnet_a_mobil' is unknown"),
        ("none.h5", "nasnet_c_cifar_4_640", r"^model: none.h5 does not exist"),
        ("nasnet_a_large", None, r"--model=imagenet --preset=nasnet_a_large$"),
    ],
)
def test_presets_that_are_not_there(source, preset, line):
    with pytest.raises(InputError, match=line) as error:
        read_original(source, preset=preset)
    line_of(error)
