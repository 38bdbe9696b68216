"""Configurations whose values contradict each other: one line each."""

import pytest

from nasnet_tf.training.config_checks import check_config
from nasnet_tf.training.config_files import read_config
from tests.configuration.test_files import error_of


@pytest.mark.parametrize(
    ("base", "text", "message"),
    [
        ("digits", "recipe.steps=3",
         "recipe.epochs: 8.0 beside recipe.steps 3; set one of them to null"),
        ("digits", "recipe.epochs=null",
         "recipe.epochs: None, and so is recipe.steps; give one of them"),
        ("digits", "recipe.warmup_epochs=8",
         "recipe.warmup_epochs: 8.0 of recipe.epochs 8.0 leaves none"),
        ("digits", "model.genotype=null", "model.preset: null, and so is"),
        ("digits", "model.genotype=NASNET_D",
         "model.genotype: 'NASNET_D' is neither one of NASNET_A,"),
        ("digits", "model.genotype=none.json", "model.genotype file none.json"),
        ("digits", "model.preset=nasnet_a_mobil",
         "model.preset: 'nasnet_a_mobil' is unknown; did you mean "
         "'nasnet_a_mobile'?"),
        ("digits", "model.freeze=backbone",
         "model.freeze: 'backbone' without model.initial_weights"),
        ("digits", "data.source=tfds", "data.name: None with data.source"),
        ("digits", "data.source=folder",
         "data.data_dir: None with data.source 'folder'; give the folder"),
        ("digits", "data.name=cifar10",
         "data.name: 'cifar10' with data.source 'digits', which has none"),
        ("digits", "data.cutout=33", "data.cutout: 33 is more than the 32"),
        ("nasnet_a_mobile", "data.cutout=16",
         "data.cutout: 16 with data.augmentation 'inception', which has none; "
         "set data.augmentation=cifar, or data.cutout=0"),
        ("nasnet_a_mobile", "data.upsample=true",
         "data.upsample: True with data.augmentation 'inception', which has "
         "none; set data.augmentation=cifar, or data.upsample=False"),
    ],
)  # fmt: skip
def test_contradictions(base, text, message):
    config = read_config([base], text)
    assert error_of(check_config, config).startswith(message)


def test_values_set_in_python_are_checked_too():
    config = read_config(["digits"])
    check_config(config)
    config.recipe.batch_size = "many"
    assert error_of(check_config, config) == (
        "recipe.batch_size: 'many' is not a positive integer"
    )
