"""The files in configs/: each is sound, and the published are as published."""

import pytest
import yaml

import nasnet_tf
from nasnet_tf.configuration.files import config_path, list_configs
from nasnet_tf.configuration.values import flatten
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.config_checks import check_config
from nasnet_tf.training.config_files import read_config
from tests.configuration.test_files import assert_types

FOLDER = config_path("digits").parent
# What the header of a file says to give.
GIVEN = {
    "folder_finetune": "data.data_dir=images,model.initial_weights=imagenet,"
    "model.preset=nasnet_a_mobile"
}


@pytest.mark.parametrize("name", list_configs())
def test_every_file(name):
    config = read_config([name], GIVEN.get(name))
    check_config(config)
    assert_types(config)
    if name in nasnet_tf.list_presets():
        assert config.model.preset == name
    if config.model.preset:
        arguments = nasnet_tf.get_preset(config.model.preset).arguments
        assert arguments["name"] == config.model.preset
    text = (FOLDER / f"{name}.yaml").read_text()
    header, _, body = text.partition("\n\n")
    assert all(line.startswith("#") for line in header.splitlines())
    assert f"python -m nasnet_tf.train --config_file={name} " in header
    assert f"--model_dir=runs/{name}" in header
    assert "\n# Cost: " in header
    assert "\n# Expect: " in header
    assert "#" not in body
    # Only what differs from the defaults, or is the point of the file.
    defaults = flatten(ExperimentConfig().as_dict())
    repeated = {"data.source", "recipe.batch_size", "recipe.learning_rate"}
    for key, value in flatten(yaml.safe_load(body)).items():
        assert value != defaults[key] or key in repeated, key
    assert f"| `{name}` |" in (FOLDER / "README.md").read_text()


def test_every_preset_has_a_file():
    assert set(nasnet_tf.list_presets()) < set(list_configs())


def test_headers_state_the_card():
    for name in nasnet_tf.list_presets():
        preset = nasnet_tf.get_preset(name)
        header = (FOLDER / f"{name}.yaml").read_text().partition("\n\n")[0]
        words = " ".join(header.replace("#", " ").split())
        expected = f"published {preset.published_accuracy}"
        assert expected in words
        assert preset.source in words
        assert preset.title in words


CIFAR = {
    "model.auxiliary_head": True,
    "model.drop_path_keep_prob": 0.6,
    "model.dropout_rate": 0.0,
    "data.source": "tfds",
    "data.name": "cifar10",
    "data.held_out": 5000,
    "data.augmentation": "cifar",
    "data.pad": 4,
    "data.flip": True,
    "data.cutout": 0,
    "recipe.batch_size": 32,
    "recipe.steps": 937_500,
    "recipe.epochs": None,
    "recipe.optimizer": "sgd",
    "recipe.momentum": 0.9,
    "recipe.learning_rate": 0.025,
    "recipe.schedule": "cosine",
    "recipe.warmup_epochs": 0.0,
    "recipe.label_smoothing": 0.0,
    "recipe.auxiliary_weight": 0.4,
    "recipe.weight_decay": 5e-4,
    "recipe.clip_norm": 5.0,
    "recipe.ema_momentum": 0.0,
}
MOBILE = {
    "model.auxiliary_head": True,
    "model.drop_path_keep_prob": 1.0,
    "model.dropout_rate": 0.5,
    "data.source": "tfds",
    "data.name": "imagenet2012",
    "data.evaluation_split": "validation",
    "data.held_out": 0,
    "data.augmentation": "inception",
    "data.color": True,
    "recipe.batch_size": 50 * 32,
    "recipe.steps": 250_000,
    "recipe.epochs": None,
    "recipe.optimizer": "rmsprop",
    "recipe.rho": 0.9,
    "recipe.momentum": 0.9,
    "recipe.epsilon": 1.0,
    "recipe.learning_rate": 0.04 * 50,
    "recipe.schedule": "exponential",
    "recipe.decay_rate": 0.97,
    "recipe.decay_epochs": 2.4,
    "recipe.staircase": True,
    "recipe.warmup_epochs": 0.0,
    "recipe.label_smoothing": 0.1,
    "recipe.auxiliary_weight": 0.4,
    "recipe.weight_decay": 4e-5,
    "recipe.clip_norm": 10.0,
    "recipe.ema_momentum": 0.9999,
}
LARGE = MOBILE | {
    "model.drop_path_keep_prob": 0.7,
    "recipe.learning_rate": 0.015 * 100,
    "recipe.weight_decay": 5e-5,
}


@pytest.mark.parametrize(
    ("recipe", "names", "batch_norm"),
    [
        (CIFAR, ["nasnet_a_cifar_6_768", "nasnet_a_cifar_7_2304",
                 "nasnet_b_cifar_4_1152", "nasnet_c_cifar_4_640"],
         (0.9, 1e-5, "whitening")),
        (MOBILE, ["nasnet_a_mobile", "nasnet_a_5_1536", "nasnet_b_4_1536",
                  "nasnet_c_3_960"], (0.9997, 1e-3, "scale")),
        (LARGE, ["nasnet_a_large", "nasnet_a_7_1920"],
         (0.9997, 1e-3, "scale")),
    ],
)  # fmt: skip
def test_published_recipes(recipe, names, batch_norm):
    for name in names:
        config = read_config([name])
        values = flatten(config.as_dict())
        assert {key: values[key] for key in recipe} == recipe
        # From the preset, which the file leaves as it is.
        for key in (
            "batch_norm_momentum", "batch_norm_epsilon", "preprocessing"
        ):  # fmt: skip
            assert getattr(config.model, key) is None
        arguments = nasnet_tf.get_preset(name).arguments
        assert batch_norm == (
            arguments["batch_norm_momentum"],
            arguments["batch_norm_epsilon"],
            arguments["preprocessing"],
        )
