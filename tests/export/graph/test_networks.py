"""What networks of others are made of: read, rewritten and written."""

import keras
import numpy as np
import pytest
from keras import applications, layers

import nasnet_tf
from export.formats.litert.quantize import quantize_litert
from export.formats.litert.writer import write_litert
from export.graph import read_model
from export.rewrites import for_format, rewrite
from nasnet_tf.checks.errors import InputError
from tests.conftest import images, randomize
from tests.export.exported_graphs import assert_computes, delegated, run_litert

SIZE = (16, 16, 3)
PIXELS = np.random.default_rng(0).uniform(0, 255, (3, *SIZE)).astype("f4")
NUMBERS = {"mean": [0.2, 0.5, -0.1], "variance": [0.5, 2.0, 3.0]}


def classifier(*inner, before=lambda given: given, end=None):
    """Layers between two convolutions and a dense layer, weights random."""
    given = keras.Input(SIZE)
    x = layers.Conv2D(6, 3, name="first")(before(given))
    for layer in inner:
        x = layer(x)
    if len(x.shape) == 4:
        x = layers.Conv2D(6, 3, name="last")(x)
        x = layers.Flatten()(x)
    x = layers.Dense(5, name="answers")(x)
    model = randomize(keras.Model(given, x if end is None else end(x)))
    first = model.get_layer("first")
    first.kernel.assign(4 * first.kernel)
    return model


def telling(model, photos):
    """Its answers, which differ between the photos."""
    answers = np.asarray(model(photos, training=False))
    assert answers.std(axis=0).max() > 1e-2 * np.abs(answers).max()
    return answers


def squeezed(act):
    """Squeeze and excite, as MobileNetV3 and EfficientNet have it."""

    def apply(x):
        y = layers.GlobalAveragePooling2D()(x)
        y = layers.Reshape((1, 1, 6))(y)
        y = layers.Conv2D(3, 1, activation="relu", name="squeeze")(y)
        y = layers.Conv2D(6, 1, name="excite")(y)
        return layers.Multiply()([x, act(y)])

    return apply


def kept(x):
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return layers.multiply([layers.Conv2D(6, 1, name="excite")(y), x])


def by_parts(x):
    """Hard sigmoid as Keras's MobileNetV3 spells it."""
    return layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)


INNER = {
    "ReLU6": layers.ReLU(6.0),
    **{
        name: layers.Activation(name)
        for name in (
            "relu6",
            "swish",
            "hard_swish",
            "hard_sigmoid",
            "sigmoid",
            "tanh",
        )
    },
    "operations": lambda x: keras.ops.relu6(x) * keras.ops.silu(x) / 2.0,
    "more": lambda x: 1.0 - keras.ops.hard_silu(x) * keras.ops.sigmoid(x),
    "squeezed": squeezed(layers.Activation("sigmoid")),
    "hard": squeezed(by_parts),
    "kept": kept,
    "mean": lambda x: x * keras.ops.mean(x, (1, 2), keepdims=True),
    "flat": layers.Flatten(),
    "reshaped": layers.Reshape((7, 28, 6)),
    "Normalization": layers.Normalization(mean=[1] * 6, variance=[4] * 6),
    "inverted": layers.Normalization(mean=1, variance=4, invert=True),
    "channels": layers.Rescaling([1, 2, 3, 4, 5, 6], 0.5),
}


@pytest.mark.parametrize("name", INNER)
def test_parts_of_networks(name):
    model = classifier(INNER[name])
    photos = images(3, *SIZE)
    graph = read_model(model)
    expected = telling(model, photos)
    assert_computes(graph, photos, expected)
    for quantize in ("none", "int8"):
        changed = rewrite(graph, for_format("litert", quantize))
        assert_computes(changed, photos, expected)


BEFORE = {
    "Rescaling": layers.Rescaling(1 / 127.5, -1.0),
    "twice": lambda x: layers.Normalization(**NUMBERS)(
        layers.Rescaling([1 / 255] * 3)(x)
    ),
    "scale": nasnet_tf.preprocess_input,
    "whitening": lambda x: nasnet_tf.preprocess_input(
        x, preprocessing="whitening"
    ),
    "tf": applications.mobilenet_v2.preprocess_input,
    "torch": applications.densenet.preprocess_input,
    "caffe": applications.vgg16.preprocess_input,
    "divided": lambda x: (x - np.float32([9, 8, 7])) / np.float32([5, 6, 7]),
}


@pytest.mark.parametrize("name", BEFORE)
def test_preprocessing_in_the_model(name):
    model = classifier(layers.ReLU(), before=BEFORE[name])
    graph = read_model(model)
    expected = telling(model, PIXELS)
    assert_computes(graph, PIXELS, expected)
    assert_computes(rewrite(graph), PIXELS, expected)


@pytest.mark.parametrize(
    "before, line",
    [
        (lambda x: x - keras.ops.mean(x, (1, 2, 3), keepdims=True), "centred"),
        (lambda x: x / keras.ops.std(x, (1, 2, 3), keepdims=True), "divides"),
        (lambda x: x - keras.ops.mean(x, (1,), keepdims=True), "other axes"),
        (lambda x: 1.0 / (x + 300.0), "divides by a feature map"),
        (lambda x: keras.ops.maximum(x, 3.0), "takes a maximum"),
        (lambda x: x * np.ones((16, 1, 1), "f4"), r"shape \(16, 1, 1\)"),
        (lambda x: keras.ops.stack([x, x], -1)[..., 0], "stacks"),
        (lambda x: keras.ops.cast(x, "float16"), "converts to float16"),
        (lambda x: keras.ops.cos(x), r"operation cos\w* \(Cos\)"),
        (lambda x: layers.ReLU(3.0)(x), "neither the plain ReLU nor ReLU6"),
    ],
)
def test_pixels_that_are_made_otherwise_are_one_line(before, line):
    with pytest.raises(InputError, match=line) as error:
        read_model(classifier(before=before))
    assert "\n" not in str(error.value)


class Doubled(layers.Layer):
    """Made of operations that are known, and of one that is not."""

    def __init__(self, operation, **arguments):
        super().__init__(**arguments)
        self.operation = operation

    def call(self, inputs):
        return self.operation(inputs * 2.0)


def test_the_guilty_layer_is_named():
    given = keras.Input(SIZE)
    left = layers.Conv2D(4, 1, name="left")(given)
    right = Doubled(keras.ops.cos, name="guilty")(given)
    sound = Doubled(keras.ops.relu, name="sound")(left)
    # Layers whose own calls are followed before and after, and siblings.
    both = layers.Add(name="both")([right, layers.Conv2D(3, 1)(sound)])
    more = Doubled(keras.ops.tanh, name="later")(both)
    answer = layers.GlobalAveragePooling2D()(more)
    with pytest.raises(InputError) as error:
        read_model(keras.Model(given, answer, name="outer"))
    assert str(error.value).startswith(
        "model: outer has the layer guilty (Doubled, with cos"
    )


def test_an_operation_of_the_model_itself_is_named():
    given = keras.Input(SIZE)
    x = Doubled(keras.ops.relu, name="innocent")(given)
    x = Doubled(keras.ops.relu, name="after")(keras.ops.cos(x))
    answer = layers.GlobalAveragePooling2D()(x)
    with pytest.raises(InputError, match=r"outer has the operation cos\w* \("):
        read_model(keras.Model(given, answer, name="outer"))


@pytest.mark.parametrize(
    "name", ["swish", "hard_swish", "hard_sigmoid", "squeezed", "hard", "kept"]
)
def test_int8_is_one_piece(name):
    model = classifier(INNER[name])
    graph = rewrite(read_model(model), for_format("litert", "int8"))
    content = quantize_litert(
        write_litert(graph), "int8", images(100, *SIZE, seed=1)
    )
    found = delegated(content)
    assert (found["partitions"], found["outside"]) == (1, {})
    photos = images(40, *SIZE, seed=2)
    expected = np.asarray(model(photos, training=False))
    assert_quantised(content, photos, expected)


def assert_quantised(content, photos, expected):
    error = run_litert(content, photos) - expected
    spread = expected - expected.mean(axis=0)
    assert 0 < np.sqrt(np.mean(error**2)) < 0.15 * np.sqrt(np.mean(spread**2))


def test_the_sigmoid_of_the_answers_keeps_its_digits():
    model = classifier(end=layers.Activation("sigmoid"))
    graph = rewrite(read_model(model), for_format("litert", "int8"))
    content = quantize_litert(
        write_litert(graph), "int8", images(100, *SIZE, seed=1)
    )
    photos = images(40, *SIZE, seed=2)
    # Of int8 there would be 256 different ones.
    steps = np.unique(run_litert(content, photos) * 256 % 1)
    assert len(steps) > 20
