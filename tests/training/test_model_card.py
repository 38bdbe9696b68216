import dataclasses
import re

import keras
import pytest
import yaml

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.config import DataConfig
from nasnet_tf.terminal import hardware
from nasnet_tf.training import recipe_text
from nasnet_tf.training.config import ExperimentConfig, RecipeConfig
from nasnet_tf.training.model_card import write_model_card
from nasnet_tf.zoo.configured_network import ModelConfig
from nasnet_tf.zoo.mult_adds import count_mult_adds, count_parameters
from tests.conftest import tiny_network
from tests.data.image_sets import photo

CONFIG = ExperimentConfig(
    model=ModelConfig(
        preset="nasnet_a_cifar_6_768",
        num_cells=1,
        auxiliary_head=True,
        drop_path_keep_prob=0.6,
    ),
    data=DataConfig(
        source="tfds",
        name="cifar10",
        held_out=5000,
        augmentation="cifar",
        cutout=16,
    ),
    recipe=RecipeConfig(
        epochs=30.0,
        batch_size=32,
        weight_decay=5e-4,
        clip_norm=5.0,
        ema_momentum=0.9994,
        warmup_epochs=1.0,
    ),
)
RESULTS = {
    "last": {
        "kind": "evaluation",
        "step": 9370,
        "loss": 0.81234,
        "accuracy": 0.7234,
        "top_5": 0.98,
        "balanced_accuracy": 0.7011,
    },
    "best": {"step": 8000, "loss": 0.8, "accuracy": 0.73},
}


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    names = ["a`b|c", "dog\nhouse", *(f"class {n}" for n in range(2, 25))]
    return tiny_network(
        classes=25, class_names=names, preprocessing="whitening"
    )


def card(folder, network, config=CONFIG, **arguments):
    path = folder / "model_card.md"
    defaults = {
        "training_size": 10_000,
        "evaluation_name": "cifar10, held out",
        "evaluation_size": 5000,
        "results": RESULTS,
        "seconds": 1560.0,
        "steps": 9370,
    }
    arguments = {**defaults, **arguments}
    assert write_model_card(path, config, network, **arguments) == path
    return path.read_text(encoding="utf-8")


def section(text, heading):
    (body,) = re.findall(
        rf"^## {heading}\n\n(.*?)(?=\n## |\Z)", text, re.M | re.S
    )
    return body.strip().splitlines()


def rows(lines):
    cells = [line.strip("|").split(" | ") for line in lines if " | " in line]
    return {key.strip(): [v.strip() for v in values] for key, *values in cells}


def test_the_network(tmp_path, network):
    text = card(tmp_path, network)
    assert text.startswith("# NASNet-A (1 @ 192) on cifar10\n\n## Network\n")
    found = rows(section(text, "Network"))
    parameters, mult_adds = count_parameters(network), count_mult_adds(network)
    assert 10_000 < parameters < mult_adds
    assert found["preset"] == ["`nasnet_a_cifar_6_768`"]
    assert found["cells"] == ["NASNet-A, N = 1 a group, P = 192"]
    assert found["stem"] == ["cifar, multiplier 3"]
    assert found["parameters"] == [f"{parameters:,}"]
    assert found["mult-adds"] == [f"{mult_adds:,}"]
    assert found["input"] == ["32x32, 3 channels, preprocessing `whitening`"]
    (classes,) = found["classes"]
    assert classes.startswith("25: `a'b\\|c`, `dog house`, `class 2`, ")
    assert classes.endswith("`class 19` and 5 more")
    assert "![The cells](cells.svg)" in text
    assert "NASNet-A" in (tmp_path / "cells.svg").read_text()


def test_data_and_training(tmp_path, network):
    text = card(tmp_path, network, corrupt_images=["a", "b", "c", "d"])
    assert section(text, "Data") == [
        "* Trained on 10,000 images of cifar10, split train, 5,000 of the "
        "split held out.",
        "* Augmentation: padded by 4 pixels and cropped at random, half of "
        "them mirrored, cutout of 16x16 pixels.",
        "* Evaluated on 5,000 images: cifar10, held out.",
        "* In the last run 4 images could not be decoded and were skipped "
        "(a, b, c, ...).",
    ]
    assert section(text, "Training") == [
        "* Began with random weights.",
        "* 9,370 steps of 32 images: 29.98 epochs.",
        "* SGD with momentum 0.9; learning rate 0.025 after a rise over 1 "
        "epoch, falling as one cosine to 0 at the last step.",
        "* L2 weight decay 0.0005 on kernels.",
        "* Auxiliary head, its loss weighted 0.4; the saved network is "
        "without it.",
        "* ScheduledDropPath down to a keep probability of 0.6.",
        "* Gradients clipped to a global norm of 5.",
    ]


def test_results_and_limits(tmp_path, network):
    (tmp_path / "curves.png").write_bytes(b"")
    text = card(tmp_path, network)
    results = section(text, "Results")
    assert results[0] == (
        "On 5,000 images: cifar10, held out; the moving average of the "
        "weights, of momentum 0.9994."
    )
    assert rows(results) == {
        "evaluation": [
            "step",
            "top-1",
            "top-5",
            "balanced accuracy",
            "cross-entropy",
        ],
        "---": ["---", "---", "---", "---", "---"],
        "last": ["9,370", "72.34 %", "98.00 %", "70.11 %", "0.8123"],
        "best": ["8,000", "73.00 %", "-", "-", "0.8000"],
    }
    assert results[-1] == "![Loss, accuracy and learning rate](curves.png)"
    assert "samples.png" not in text
    limits = section(text, "Limits")
    assert limits[0].startswith("* Measured only on 5,000 images: cifar10,")
    assert "`best.keras` is of step 8,000" in limits[-1]


def test_no_evaluation(tmp_path, network):
    text = card(tmp_path, network, results={"last": None, "best": None})
    assert section(text, "Results") == ["The network was not evaluated."]
    assert "Measured only" not in text


def test_where_the_best_is_the_last(tmp_path, network):
    results = {"last": RESULTS["last"], "best": RESULTS["last"]}
    text = card(tmp_path, network, results=results)
    assert len(section(text, "Limits")) == 2


def test_how_it_was_made_and_is_used(tmp_path, network):
    text = card(
        tmp_path,
        network,
        initial_weights="initial weights: 12 tensors of a.h5; new: logits",
    )
    assert section(text, "Training")[0] == (
        "* Began with weights: 12 tensors of a.h5; new: logits."
    )
    made = section(text, "Made with")
    assert made[0] == "* Time: 26 min of training and evaluation."
    assert made[1] == f"* Hardware: {hardware.hardware_text()}."
    assert f"Keras {keras.__version__}, TensorFlow " in made[2]
    assert "classify photo.jpg --model=model.keras" in text
    assert "Apache-2.0" in section(text, "License")[0]
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.S)
    assert yaml.safe_load(block) == CONFIG.as_dict()
    assert list(yaml.safe_load(block)) == ["model", "data", "recipe", "runtime"]


def test_the_lines_of_use_run(tmp_path, network):
    text = card(tmp_path, network)
    network.save(tmp_path / "model.keras")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    code = code.replace('"model.keras"', repr(str(tmp_path / "model.keras")))
    photo(0).save(tmp_path / "photo.jpg")
    code = code.replace('"photo.jpg"', repr(str(tmp_path / "photo.jpg")))
    names = {}
    exec(code, names)
    assert names["probabilities"].shape == (1, 25)
    sums = keras.ops.sum(names["probabilities"], axis=-1)
    assert abs(float(sums[0]) - 1) < 1e-5


def test_a_card_that_cannot_be_written_is_one_line(tmp_path, network):
    (tmp_path / "model_card.md").mkdir()
    with pytest.raises(InputError) as error:
        card(tmp_path, network)
    assert str(error.value).startswith(f"model_dir: {tmp_path}/model_card.md")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"optimizer": "rmsprop", "schedule": "exponential"},
            "RMSProp with decay 0.9, momentum 0.9, epsilon 1; learning rate "
            "0.025, times 0.97 every 2.4 epochs, at once.",
        ),
        (
            {"optimizer": "adamw", "schedule": "constant"},
            "AdamW with decoupled weight decay 0.004; learning rate 0.025, "
            "constant.",
        ),
        (
            {"optimizer": "adam", "warmup_epochs": 0.5},
            "Adam; learning rate 0.025 after a rise over 0.5 epochs, falling "
            "as one cosine to 0 at the last step.",
        ),
    ],
)
def test_optimizers_and_schedules(changes, sentence):
    config = ExperimentConfig(recipe=RecipeConfig(**changes))
    sentences = recipe_text.recipe_sentences(config, 313, 10_000)
    assert sentences == ["313 steps of 32 images: 1 epoch.", sentence]


def test_two_phases_early_stopping_and_measured_statistics():
    config = ExperimentConfig()
    config.model.initial_weights = "imagenet"
    config.recipe.override({"classifier_epochs": 2.0, "patience": 3})
    sentences = recipe_text.recipe_sentences(config, 313 + 625, 10_000, 0.99)
    assert sentences[0] == "313 steps of 32 images: 1 epoch."
    assert sentences[2:] == [
        "Before these 2 epochs of the classifier alone, at a rate of 0.003.",
        "To end early after 3 evaluations without a lower held-out loss.",
        "Batch-norm statistics measured over training images.",
    ]
    config.model.initial_weights = None
    sentences = recipe_text.recipe_sentences(config, 2000, 10_000, 0.99)
    assert len(sentences) == 3


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "none"),
        ({"cutout": 8}, "none"),
        (
            {"augmentation": "cifar", "upsample": True, "flip": False},
            "enlarged to 40x40 and cropped at random",
        ),
        (
            {"augmentation": "inception", "mixup": 0.2, "rand_augment": 0.5},
            "random crops of 8 to 100 % of the area, half of them mirrored, "
            "random brightness, saturation, hue and contrast, RandAugment of "
            "factor 0.5, MixUp of alpha 0.2",
        ),
    ],
)
def test_augmentations(changes, text):
    data = dataclasses.replace(DataConfig(), **changes)
    assert recipe_text.augmentation_text(data, 32) == text


def test_names_of_data(tmp_path):
    folder = DataConfig(source="folder", data_dir=str(tmp_path / "flowers"))
    assert recipe_text.data_name(folder) == "flowers"
    digits = recipe_text.data_name(DataConfig())
    assert digits == "scikit-learn's handwritten digits"


def test_the_processor_has_a_name():
    name = hardware.processor_name()
    assert name and "\n" not in name
    assert hardware.hardware_text()
