"""Reading Keras models, and writing them as LiteRT."""

import keras
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from export.formats.litert.writer import write_litert
from export.graph import read_model, shapes
from export.rewrites import rewrite
from nasnet_tf.checks.errors import InputError
from tests.conftest import images, randomize, tiny_network
from tests.export.exported_graphs import (
    assert_computes,
    relative,
    run_litert,
)


def small_classifier(*inner):
    """A Keras model of others' making."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            *inner,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(5, activation="softmax"),
        ],
        name="small",
    )


class Subclass(layers.Conv2D):
    """Computes something else than its parent."""

    def call(self, inputs):
        return 2 * super().call(inputs)


class PadsWithOnes(layers.Layer):
    def call(self, inputs):
        pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
        return keras.ops.pad(inputs, pads, constant_values=1.0)


class DropsARow(layers.Layer):
    def call(self, inputs):
        return inputs[:, 1:]


def test_everything_of_training_is_left_behind():
    model = tiny_network(
        auxiliary_head=True,
        dropout_rate=0.5,
        drop_path_keep_prob=0.6,
        drop_path_total_steps=10,
        rematerialize=True,
    )
    randomize(model)
    graph = read_model(model)
    assert not any("aux" in name for name in graph.nodes)
    photos = images(2, 32, 32, 3)
    assert_computes(graph, photos, model(photos, training=False)["predictions"])


def test_names_say_which_cell():
    graph = read_model(tiny_network())
    name = "cell_0/block_0_left/separable_conv_1_depthwise"
    assert graph[name].op == "depthwise_conv"
    assert all(shape for shape in shapes(graph).values())


def test_other_networks_are_read():
    norm = layers.BatchNormalization(beta_initializer="random_normal")
    nested = keras.Sequential([layers.DepthwiseConv2D(3), norm, layers.ReLU()])
    model = small_classifier(
        layers.ZeroPadding2D(1),
        nested,
        layers.MaxPooling2D(),
        layers.Dropout(0.1),
    )
    photos = images(3, 16, 16, 3)
    graph = rewrite(read_model(model))
    assert_computes(graph, photos, model(photos, training=False))


def test_a_row_can_be_dropped():
    model = small_classifier(DropsARow())
    photos = images(2, 16, 16, 3)
    assert_computes(read_model(model), photos, model(photos, training=False))


def test_two_pools_side_by_side():
    pixels = keras.Input((16, 16, 3))
    maps = layers.Conv2D(4, 3, name="maps_a")(pixels)
    maps = layers.Conv2D(4, 3, name="maps_b")(maps)
    pooled = layers.Concatenate()(
        [
            layers.GlobalAveragePooling2D()(maps),
            layers.GlobalMaxPooling2D()(maps),
        ]
    )
    model = keras.Model(pixels, layers.Dense(5)(pooled))
    photos = images(2, 16, 16, 3)
    graph = rewrite(read_model(model))
    assert_computes(graph, photos, model(photos, training=False))


def test_an_open_size_needs_one():
    model = tiny_network(input_shape=(None, None, 3))
    with pytest.raises(InputError, match="--image_size=224"):
        read_model(model)
    graph = read_model(model, 40)
    assert shapes(graph)["images"] == (40, 40, 3)
    with pytest.raises(InputError, match="image_size: 33x33, but"):
        read_model(tiny_network(), 33)


@pytest.mark.parametrize(
    "layer, words",
    [
        (layers.Conv2D(4, 1, groups=2), "in groups"),
        (layers.ReLU(max_value=5), "neither the plain ReLU nor ReLU6"),
        (layers.Softmax(1), "other things than the last"),
        (layers.Conv2DTranspose(4, 2), "conv2d_transpose"),
        (layers.UpSampling2D(), "up_sampling2d"),
        (layers.GroupNormalization(2), "2 groups"),
        (layers.Dense(3), "1x1 convolution"),
        (layers.Activation(lambda x: x + 1), "of your own"),
        (layers.Conv2D(2, 1, activation=lambda x: 2 * x), "of your own"),
        (Subclass(4, 1), "subclass"),
        (PadsWithOnes(), "zeros"),
    ],
)
def test_what_cannot_be_read_is_one_line(layer, words):
    with pytest.raises(InputError, match=words) as error:
        read_model(small_classifier(layer))
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
def test_a_quantised_model_is_refused():
    model = small_classifier()
    model.quantize("int8")
    with pytest.raises(InputError, match=r"is quantised \(int8\)"):
        read_model(model)


def test_float16_halves_the_file():
    model = randomize(tiny_network())
    graph = rewrite(read_model(model))
    whole, half = write_litert(graph), write_litert(graph, float16=True)
    assert len(half) < 0.7 * len(whole)
    photos = images(2, 32, 32, 3)
    outputs = run_litert(half, photos)
    assert 0 < relative(outputs, run_litert(whole, photos)) < 0.02


def test_the_file_says_what_it_reads_and_writes():
    content = write_litert(read_model(tiny_network()))
    interpreter = Interpreter(model_content=content)
    signature = interpreter.get_signature_list()["serving_default"]
    assert signature == {"inputs": ["images"], "outputs": ["predictions"]}


def test_an_activation_that_litert_lacks():
    model = small_classifier(layers.Activation("gelu"))
    with pytest.raises(InputError, match="'gelu'"):
        write_litert(read_model(model))
