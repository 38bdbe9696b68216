"""Networks that cannot be: one line each."""

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError
from tests.conftest import line_of, tiny_network

BAD_ARGUMENTS = {
    "small": ({"input_shape": (31, 32, 3)}, "must be 32 or more"),
    "channels first": ({"input_shape": (3, 64, 64)}, "channels_last"),
    "rank": ({"input_shape": (64, 64)}, "is not (height, width, channels)"),
    "no shape": ({"input_shape": 32}, "input_shape: 32 is not (height"),
    "not pixels": ({"input_shape": (32.5, 64, 3)}, "32.5 is not"),
    "channels": ({"input_shape": (64, 64, None)}, "number of channels"),
    "filters": (
        {"penultimate_filters": 100},
        "100 is not a multiple of 24, which NASNet-A needs; the nearest is 96",
    ),
    "text for filters": (
        {"penultimate_filters": "96"},
        "penultimate_filters: '96' is not a positive integer",
    ),
    "nan filters": ({"penultimate_filters": float("nan")}, "nan is not"),
    "stem": ({"stem": "imagnet"}, "did you mean 'imagenet'?"),
    "stem filters": ({"stem_multiplier": "1"}, "stem_multiplier: '1' is not"),
    "no stem": ({"stem_multiplier": 0.01}, "leaves the stem no filter"),
    "padding": ({"padding": "valid"}, "padding: 'valid' is unknown"),
    "pooling": ({"pooling": "mean"}, "pooling: 'mean' is unknown"),
    "genotype": ({"genotype": "NASNET_D"}, "neither one of NASNET_A"),
    "num_cells": ({"num_cells": 0}, "num_cells: 0 is not a positive"),
    "a flag for a number": ({"num_cells": True}, "num_cells: True is not"),
    "preprocessing": ({"preprocessing": "x"}, "preprocessing: 'x'"),
    "classes": ({"classes": 0}, "classes: 0 is not a positive integer"),
    "class names": (
        {"class_names": ["a", "b"]},
        "class_names: 2 names for 10 classes",
    ),
    "unknown": ({"dropout_rat": 0.5}, "did you mean 'dropout_rate'?"),
    "flag": ({"include_top": "no"}, "include_top: 'no' is neither True nor"),
    "dropout": ({"dropout_rate": 2}, "dropout_rate: 2 is not a number in [0"),
    "keep": (
        {"drop_path_keep_prob": 1.5},
        "drop_path_keep_prob: 1.5 is not a number in (0, 1]",
    ),
    "keep nothing": (
        {"drop_path_keep_prob": 0},
        "drop_path_keep_prob: 0 is not a number in (0, 1]",
    ),
    "keep nan": ({"drop_path_keep_prob": float("nan")}, "nan is not"),
    "steps": (
        {"drop_path_keep_prob": 0.5},
        "drop_path_total_steps: None with drop_path_keep_prob 0.5",
    ),
    "seed": ({"seed": None}, "seed: None is not an integer >= 0"),
    "auxiliary": (
        {"auxiliary_head": True, "include_top": False},
        "auxiliary_head: True with include_top=False",
    ),
    "activation": (
        {"classifier_activation": "sofmax"},
        "classifier_activation: 'sofmax' is unknown",
    ),
    "dtype": ({"dtype": "float8000"}, "dtype: 'float8000' is unknown"),
    "name": ({"name": "a/b"}, "name: 'a/b' is not a text without slashes"),
    "momentum": ({"batch_norm_momentum": 2}, "batch_norm_momentum: 2 is not"),
    "tensor": (
        {"input_tensor": np.zeros((1, 32, 32, 3))},
        "input_tensor: ndarray is not a keras.Input",
    ),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_argument_is_one_line(case):
    arguments, message = BAD_ARGUMENTS[case]
    with pytest.raises(InputError) as error:
        tiny_network(**{"genotype": "NASNET_A", **arguments})
    assert message in line_of(error)


def test_channels_first_setting():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(InputError, match="channels_last"):
            tiny_network()
    finally:
        keras.config.set_image_data_format("channels_last")


def test_models_that_are_no_nasnet():
    model = keras.Sequential([keras.Input((32, 32, 3))], name="other")
    for function in (nasnet_tf.feature_extractor, nasnet_tf.fold_batch_norm):
        with pytest.raises(InputError, match="'other' is no nasnet_tf"):
            function(model)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'nasnet_a_mobile'"):
        nasnet_tf.from_preset("nasnet_mobile")
    with pytest.raises(InputError, match="unknown; choose one of"):
        nasnet_tf.from_preset("resnet50")
