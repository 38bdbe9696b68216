import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError
from tests.conftest import close, images, randomize, slow, tiny_network
from tests.training.jobs import one_block

GENOTYPES = ["NASNET_A", "NASNET_B", "NASNET_C"]


def _every_operation():
    """A genotype of all operations and combiners, inputs that leave it."""
    operations = nasnet_tf.cells.operations.OPERATIONS
    combiners = nasnet_tf.cells.genotype.COMBINERS
    blocks = tuple(
        nasnet_tf.Block(
            (operations[n], n % 3),
            (operations[-1 - n], (n + 1) % 3),
            combiners[n % 4],
        )
        for n in range(7)
    )
    cell = nasnet_tf.Cell(blocks, ((0, 3, 4, 5), (1, 6, 7, 8, 9)), 3)
    return nasnet_tf.Genotype("everything", cell, cell)


def networks():
    following = dataclasses.replace(
        nasnet_tf.NASNET_B, wiring="following_cells"
    )
    return {
        **{name: name for name in GENOTYPES},
        "B following": following,
        "everything": _every_operation(),
        "plain": dataclasses.replace(_every_operation(), bottleneck=False),
    }


def slow_but(*names):
    """The networks; only those named are for the fast tests."""
    return [name if name in names else slow(name) for name in networks()]


def test_parameters_of_mobile_and_large(mobile):
    assert mobile.count_params() == 5_326_716
    no_top = nasnet_tf.NASNetMobile(weights=None, include_top=False)
    assert no_top.count_params() == 4_269_716


@pytest.mark.slow
def test_parameters_of_large_without_a_size():
    for include_top, count in ((True, 88_949_818), (False, 84_916_818)):
        model = nasnet_tf.NASNetLarge(
            weights=None, include_top=include_top, input_shape=(None, None, 3)
        )
        assert model.count_params() == count


@pytest.mark.parametrize("size", [33, *map(slow, (32, 64, 65, 96, 224, 225))])
def test_unknown_size_equals_fixed_size(mobile, size):
    unknown = mobile
    fixed = nasnet_tf.NASNetMobile(
        weights=None, classifier_activation=None, input_shape=(size, size, 3)
    )
    fixed.set_weights(unknown.get_weights())
    inputs = images(1, size, size, 3)
    expected = np.asarray(fixed(inputs))
    assert np.abs(expected).max() > 0.1
    close(unknown(inputs), expected, 1e-5)


def _mobile(shape, **arguments):
    """Mobile's cells and stem at a sixth of its filters."""
    return nasnet_tf.NASNet(
        num_cells=2,
        penultimate_filters=192,
        input_shape=shape,
        classes=10,
        classifier_activation=None,
        **arguments,
    )


@pytest.mark.parametrize("padding", ["same", "keras"])
@pytest.mark.parametrize("name", slow_but("everything"))
def test_unknown_odd_sizes_of_any_genotype(name, padding):
    genotype = networks()[name]
    arguments = {"classifier_activation": None, "padding": padding}
    unknown = randomize(
        tiny_network(genotype, input_shape=(None, None, 3), **arguments)
    )
    for shape in ((32, 32, 3), (33, 47, 3)):
        fixed = tiny_network(genotype, input_shape=shape, **arguments)
        fixed.set_weights(unknown.get_weights())
        inputs = images(2, *shape)
        close(unknown(inputs), fixed(inputs), 1e-5)


@pytest.mark.parametrize("name", networks())
def test_end_points_have_the_planned_shapes(name):
    model = tiny_network(networks()[name], include_top=False)
    for cell in model.plan.cells:
        outputs = model.end_points[cell.name]
        outputs = outputs if isinstance(outputs, list) else [outputs]
        shapes = [output.shape for output in outputs]
        assert shapes == [
            (None, 32 // s.stride, 32 // s.stride, s.channels)
            for s in cell.outputs
        ]


def test_names_of_end_points(mobile):
    assert list(mobile.end_points) == [
        *("conv0", "cell_stem_0", "cell_stem_1", "stem"),
        *(f"cell_{n}" for n in range(4)),
        "reduction_cell_0",
        *(f"cell_{n}" for n in range(4, 8)),
        "reduction_cell_1",
        *(f"cell_{n}" for n in range(8, 12)),
        *("global_pool", "logits", "predictions"),
    ]


def test_features_by_level(mobile):
    extractor = nasnet_tf.feature_extractor(mobile)
    maps = extractor(images(1, 75, 64, 3))
    assert {k: tuple(v.shape) for k, v in maps.items()} == {
        "2": (1, 19, 16, 44),
        "3": (1, 10, 8, 264),
        "4": (1, 5, 4, 528),
        "5": (1, 3, 2, 1056),
    }
    with pytest.raises(InputError, match="levels: 6 is not one of"):
        nasnet_tf.feature_extractor(mobile, levels=(6,))
    cifar = nasnet_tf.feature_extractor(tiny_network("NASNET_B"), (0, 1, 2))
    assert cifar.output["2"].shape == (None, 8, 8, 4 * 32)


def test_top_pooling_and_classes():
    inputs = images(2, 32, 32, 3)
    maps = tiny_network(include_top=False)
    average = tiny_network(include_top=False, pooling="avg")
    average.set_weights(maps.get_weights())
    close(average(inputs), np.mean(maps(inputs), axis=(1, 2)), 1e-5)
    largest = tiny_network(include_top=False, pooling="max")
    largest.set_weights(maps.get_weights())
    close(largest(inputs), np.max(maps(inputs), axis=(1, 2)), 1e-5)
    assert tiny_network(classes=7).output.shape == (None, 7)


def test_classifier_activation():
    logits = tiny_network(classifier_activation=None)
    softmax = tiny_network()
    softmax.set_weights(logits.get_weights())
    inputs = images(2, 32, 32, 3)
    close(softmax(inputs), keras.ops.softmax(logits(inputs)), 1e-6)


def test_input_tensor():
    plain = tiny_network()
    tensor = keras.Input((32, 32, 3))
    on_input = tiny_network(input_tensor=tensor)
    assert on_input.input is tensor
    image = keras.Input((64, 64, 1))
    tensor = keras.layers.Conv2D(3, 1)(image)
    model = nasnet_tf.NASNetMobile(
        weights=None, input_tensor=tensor, include_top=False, pooling="avg"
    )
    assert model.input is image
    assert model.output.shape == (None, 1056)
    assert plain.input_shape == (None, 32, 32, 3)


def test_auxiliary_head():
    model = tiny_network(auxiliary_head=True, input_shape=(32, 40, 3))
    outputs = model(images(2, 32, 40, 3))
    assert {k: tuple(v.shape) for k, v in outputs.items()} == {
        "predictions": (2, 10),
        "aux_predictions": (2, 10),
    }
    kernel = nasnet_tf.weights.named_variables(model)["aux_conv/kernel"]
    # 16 x 20 at cell 1, pooled 5x5 with stride 3.
    assert kernel.shape == (4, 6, 128, 768)
    with pytest.raises(InputError, match="needs a fixed input size"):
        tiny_network(auxiliary_head=True, input_shape=(None, None, 3))
    with pytest.raises(InputError, match="its map is 4 x 4 and its pool 5 x 5"):
        _mobile((64, 64, 3), auxiliary_head=True)


def test_dropout_is_before_the_classifier_only():
    model = randomize(tiny_network(dropout_rate=0.5, include_top=True))
    assert model.get_layer("logits").input is model.get_layer("dropout").output
    plain = tiny_network()
    plain.set_weights(
        [v.numpy() for v in model.variables if "seed" not in v.path]
    )
    inputs = images(2, 32, 32, 3)
    close(model(inputs), plain(inputs), 0)


RELOAD = """
import json, sys
import keras, numpy as np
import nasnet_tf
for name, (path, shape) in json.loads(sys.argv[1]).items():
    model = keras.saving.load_model(path)
    assert isinstance(model, nasnet_tf.NASNet)
    inputs = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    np.save(path + ".npy", model(inputs))
"""


def _reload_in_a_fresh_process(models, folder):
    """Saves models, reloads them elsewhere, and compares bit by bit."""
    arguments, expected = {}, {}
    for name, model in models:
        path = str(folder / f"{name}.keras")
        shape = (2, *model.input_shape[1:])
        model.save(path)
        arguments[name] = (path, shape)
        expected[name] = np.asarray(model(images(*shape)))
    subprocess.run(
        [sys.executable, "-c", RELOAD, json.dumps(arguments)], check=True
    )
    for name, (path, _) in arguments.items():
        np.testing.assert_array_equal(np.load(path + ".npy"), expected[name])


@pytest.mark.slow
def test_every_genotype_saved_and_reloaded(tmp_path):
    models = {
        name: randomize(tiny_network(genotype))
        for name, genotype in networks().items()
    }
    _reload_in_a_fresh_process(models.items(), tmp_path)


def test_saved_and_reloaded_in_a_fresh_process(tmp_path):
    model = randomize(
        tiny_network(
            one_block(),
            drop_path_keep_prob=0.7,
            drop_path_total_steps=100,
            dropout_rate=0.2,
            rematerialize=True,
            padding="keras",
            class_names=list("abcdefghij"),
            preprocessing="whitening",
        )
    )
    _reload_in_a_fresh_process([("options", model)], tmp_path)
    loaded = keras.saving.load_model(tmp_path / "options.keras")
    assert loaded.class_names == list("abcdefghij")
    assert loaded.get_config() == model.get_config()
    assert loaded.genotype == one_block()


@pytest.mark.slow
@pytest.mark.parametrize("preset", nasnet_tf.list_presets())
def test_every_preset_saved_and_reloaded(preset, tmp_path):
    cifar = "cifar" in preset
    shape = (32, 32, 3) if cifar else (64, 64, 3)
    # A cell of each kind: more of them only take longer to build.
    model = randomize(
        nasnet_tf.from_preset(preset, input_shape=shape, num_cells=1)
    )
    model.save(tmp_path / "preset.keras")
    loaded = keras.saving.load_model(tmp_path / "preset.keras")
    assert isinstance(loaded, nasnet_tf.NASNet)
    inputs = images(2, *shape)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize(
    "name, policy",
    [
        ("NASNET_A", "mixed_bfloat16"),
        ("NASNET_B", "mixed_float16"),
        slow("NASNET_A", "mixed_float16"),
        slow("NASNET_B", "mixed_bfloat16"),
        slow("NASNET_C", "mixed_float16"),
        slow("NASNET_C", "mixed_bfloat16"),
    ],
)
def test_mixed_precision(name, policy):
    model = randomize(tiny_network(name, dtype=policy))
    exact = tiny_network(name)
    exact.set_weights(model.get_weights())
    inputs = images(4, 32, 32, 3)
    outputs = model(inputs)
    half = policy.removeprefix("mixed_")
    cell = model.get_layer("cell_2")
    assert cell.compute_dtype == half
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    close(outputs, exact(inputs), 0.05)
    close(model(inputs, training=True), exact(inputs, training=True), 0.15)


@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
def test_quantized_saved_and_reloaded(mode, tmp_path):
    model = randomize(tiny_network(one_block(), auxiliary_head=True))
    inputs = images(2, 32, 32, 3)
    before = np.asarray(model(inputs)["predictions"])
    model.quantize(mode)
    expected = np.asarray(model(inputs)["predictions"])
    assert (expected != before).any()
    model.save(tmp_path / "quantized.keras")
    loaded = keras.saving.load_model(tmp_path / "quantized.keras")
    for name in ("logits", "aux_logits"):
        assert loaded.get_layer(name).quantization_mode == mode
    np.testing.assert_array_equal(loaded(inputs)["predictions"], expected)
    folded = nasnet_tf.fold_batch_norm(loaded)
    np.testing.assert_allclose(folded(inputs), expected, atol=1e-5)


def test_what_was_set_after_the_build_is_saved(tmp_path):
    model = tiny_network()
    for layer in model.layers:
        layer.trainable = layer.name == "logits"
    model.class_names = list("abcdefghij")
    model.save(tmp_path / "frozen.keras")
    loaded = keras.saving.load_model(tmp_path / "frozen.keras")
    assert len(loaded.trainable_variables) == 2
    assert loaded.class_names == list("abcdefghij")
    model.trainable = False
    outer = keras.Sequential([model, keras.layers.Dense(2)])
    outer.save(tmp_path / "outer.keras")
    loaded = keras.saving.load_model(tmp_path / "outer.keras")
    assert len(loaded.trainable_variables) == 2
    inputs = images(2, 32, 32, 3)
    close(loaded(inputs), outer(inputs), 0)


@pytest.mark.parametrize(
    "name, stem",
    [
        ("everything", "cifar"),
        ("NASNET_A", "imagenet"),
        slow("everything", "imagenet"),
        slow("NASNET_A", "cifar"),
        *(
            slow(name, stem)
            for name in ("NASNET_B", "NASNET_C", "B following", "plain")
            for stem in ("cifar", "imagenet")
        ),
    ],
)
def test_folded_batch_norm_is_the_same_function(name, stem, tmp_path):
    model = randomize(
        tiny_network(
            networks()[name],
            classifier_activation=None,
            stem=stem,
            input_shape=(33, 40, 3),
            dropout_rate=0.5,
            drop_path_keep_prob=0.5,
            drop_path_total_steps=10,
        )
    )
    folded = nasnet_tf.fold_batch_norm(model)
    variables = nasnet_tf.networks.variables.named_variables(folded)
    assert not any("moving" in variable for variable in variables)
    inputs = images(2, 33, 40, 3)
    close(folded(inputs), model(inputs), 1e-5)
    assert list(folded.end_points) == list(model.end_points)
    folded.save(tmp_path / "folded.keras")
    loaded = keras.saving.load_model(tmp_path / "folded.keras")
    close(loaded(inputs), folded(inputs), 0)
    with pytest.raises(InputError, match="no batch norm to fold"):
        nasnet_tf.fold_batch_norm(folded)


def test_config_copies_no_model():
    model = tiny_network(class_names=[str(n) for n in range(10)])
    again = nasnet_tf.NASNet.from_config(model.get_config())
    assert type(model.get_config()["class_names"]) is list
    assert type(again._config["class_names"]) is list
    assert type(again._config) is dict
