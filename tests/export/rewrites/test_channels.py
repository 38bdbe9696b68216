"""Channels that nothing reads: the same function, in whole blocks."""

import keras
import numpy as np
import onnxruntime
import pytest

from export.formats.onnx_model import write_onnx
from export.graph import Graph, Node, read_model, shapes, to_keras
from export.graph.building import BUILDERS
from export.rewrites import for_format, rewrite
from export.rewrites.channels import BLOCK, pad_channels
from export.targets import TARGETS
from tests.conftest import images, tiny_network
from tests.export.exported_graphs import relative

SHAPE = (9, 8, 3)
SLIDE = {"strides": (1, 1), "padding": "same"}


class Builder:
    """A graph of random weights, an operation after the other."""

    def __init__(self):
        nodes = {"images": Node("input", options={"shape": SHAPE})}
        self.graph = Graph(nodes, "images", "odd")
        self.random = np.random.default_rng(0)

    def weights(self, *shape):
        return self.random.normal(0.3, 0.5, shape).astype("float32")

    def width(self, name):
        return shapes(self.graph)[name][-1]

    def add(self, op, *inputs, options=None, **weights):
        """The name of a node; the graph returns the last."""
        name = self.graph.add(
            op, op, inputs, options=options or {}, weights=weights
        )
        self.graph.output = name
        return name

    def conv(self, read, filters, size=1):
        kernel = self.weights(size, size, self.width(read), filters)
        bias = self.weights(filters)
        return self.add("conv", read, options=SLIDE, kernel=kernel, bias=bias)

    def depthwise(self, read):
        kernel = self.weights(3, 3, self.width(read), 1)
        return self.add("depthwise_conv", read, options=SLIDE, kernel=kernel)

    def affine(self, read):
        scale, offset = self.weights(2, self.width(read))
        return self.add("affine", read, scale=scale, offset=offset)

    def group_norm(self, read, groups, epsilon=1e-3):
        gamma, beta = self.weights(2, self.width(read))
        options = {"groups": groups, "epsilon": epsilon}
        return self.add(
            "group_norm", read, options=options, gamma=gamma, beta=beta
        )

    def activation(self, read, function):
        return self.add("activation", read, options={"function": function})

    def classifier(self, read):
        pooled = self.add("global_average_pool", read)
        kernel, bias = self.weights(self.width(read), 4), self.weights(4)
        dense = self.add("dense", pooled, kernel=kernel, bias=bias)
        return self.activation(dense, "softmax")


def channelwise(make):
    """Every operation that takes channels one by one."""
    x = make.depthwise(make.conv("images", 5, 3))
    x = make.affine(make.add("relu", x))
    for op in ("max_pool", "average_pool"):
        x = make.add(op, x, options={**SLIDE, "size": (3, 3)})
    x = make.add("pad", x, options={"pads": ((1, 0), (0, 2))})
    x = make.add("slice", x, options={"begin": (1, 1), "size": SHAPE[:2]})
    x = make.add("scale_positions", x, factor=make.weights(*SHAPE[:2]))
    x = make.activation(make.group_norm(x, -1), "sigmoid")
    x = make.add("add", x, make.conv(make.depthwise(x), 5))
    pooled = make.add("global_max_pool", x)
    kernel = make.weights(5, 3)
    make.add("dense", pooled, kernel=kernel)


def all_channels(make):
    """A norm and a softmax over channels, between what is padded."""
    x = make.group_norm(make.conv("images", 5), 1)
    x = make.activation(make.conv(make.conv(x, 7), 9), "softmax")
    make.classifier(make.conv(make.conv(x, 3), 6))


def sums_of_concats(make):
    """As a factorised reduction: what is added to it lies as its halves."""
    halves = [make.conv("images", count) for count in (5, 6)]
    x = make.add("concat", *halves)
    x = make.add("add", make.conv("images", 11, 3), x)
    x = make.add("add", make.depthwise(x), make.conv(x, 11))
    make.classifier(make.add("concat", x, make.affine(halves[0])))


def sums_of_two_concats(make):
    """Halves of both lie alike, a node twice, and concats within concats."""
    a, b, c = (make.conv("images", 5) for _ in range(3))
    x = make.add(
        "add", make.add("concat", a, b), make.add("concat", b, make.affine(c))
    )
    first = make.add("concat", x, make.add("concat", a, a), c)
    second = make.add("concat", make.conv(x, 10), x, c)
    make.classifier(make.add("add", first, second))


def sums_of_unlike_concats(make):
    """3 + 4 and 4 + 3 channels stay where they are, and their readers read."""
    a, b = make.conv("images", 3), make.conv("images", 4)
    x = make.add("add", make.add("concat", a, b), make.add("concat", b, a))
    x = make.add("concat", x, make.conv(x, 5))
    make.classifier(make.conv(x, 6))


def images_within(make):
    """The images themselves among what is joined, and added to."""
    x = make.add("concat", "images", make.conv("images", 5))
    y = make.add("add", "images", make.conv(x, 3))
    make.classifier(make.conv(make.add("concat", y, x), 6))


def features(make):
    """A network that returns what it pooled."""
    x = make.conv(make.conv("images", 5), 6)
    x = make.add("concat", x, make.conv(x, 3))
    make.add("global_average_pool", x)


def standardized(make):
    x = make.add("standardize", make.add("cast", "images"))
    make.classifier(make.conv(make.conv(x, 5), 6))


def norms_without_epsilon(make):
    x = make.group_norm(make.conv("images", 5), -1, epsilon=0.0)
    make.classifier(make.conv(make.conv(x, 7), 3))


def squeezed(make):
    """Channels weighed by what is seen of them; another map, flattened."""
    x = make.conv("images", 5)
    y = make.add("global_average_pool", x, options={"keepdims": True})
    y = make.activation(make.conv(make.conv(y, 3), 5), "sigmoid")
    x = make.conv(make.add("multiply", x, y), 3)
    # Of one channel for all, which no layout fits.
    x = make.add("multiply", make.conv(x, 7), make.conv(x, 1))
    length = SHAPE[0] * SHAPE[1] * 7
    flat = make.add("reshape", x, options={"shape": (length,)})
    make.add("dense", flat, kernel=make.weights(length, 4) / 30)


# The widths of each network's convolutions once they are padded.
NETWORKS = {
    channelwise: [8, 8],
    all_channels: [5, 8, 9, 8, 8],
    sums_of_concats: [8, 8, 16, 16],
    sums_of_two_concats: [8, 8, 8, 16],
    sums_of_unlike_concats: [3, 4, 8, 8],
    images_within: [8, 3, 8],
    features: [8, 6, 3],
    standardized: [8, 8],
    norms_without_epsilon: [5, 8, 8],
    squeezed: [8, 8, 8, 8, 7, 1],
}


def built(network):
    make = Builder()
    network(make)
    return make.graph


def outputs(graph, given):
    return np.asarray(to_keras(graph)(given, training=False))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.__name__)
def test_an_odd_network_keeps_its_function(network):
    graph = built(network)
    before = dict(graph.nodes)
    padded = pad_channels(graph)
    assert graph.nodes == before, "the graph itself was changed"
    widths = [n.weights["kernel"].shape[-1] for _, n in padded.of("conv")]
    assert widths == NETWORKS[network]
    for name in ("images", graph.output):
        assert shapes(padded)[name] == shapes(graph)[name]
    given = images(2, *SHAPE)
    expected = outputs(graph, given)
    assert np.isfinite(expected).all()
    # Not all one value, which any kernel would give.
    assert np.ptp(expected) > 0.01
    assert relative(outputs(padded, given), expected) < 1e-6
    again = pad_channels(padded)
    assert shapes(again) == shapes(padded)


def test_the_odd_networks_have_every_operation():
    ops = {node.op for network in NETWORKS for _, node in nodes_of(network)}
    assert ops == {*BUILDERS, "input"}


def nodes_of(network):
    return built(network).nodes.items()


def test_what_it_does_not_know_stays_as_it_is(monkeypatch):
    """An operation of others, and a convolution in groups."""
    monkeypatch.setitem(
        shapes.__globals__["SHAPES"], "shuffle", lambda node, shape: shape
    )
    make = Builder()
    x = make.add("shuffle", make.conv("images", 6))
    kernel = make.weights(1, 1, 3, 10)
    grouped = make.add("conv", x, options=SLIDE, kernel=kernel)
    make.classifier(make.conv(grouped, 5))
    padded = pad_channels(make.graph)
    widths = [n.weights["kernel"].shape[2:] for _, n in padded.of("conv")]
    assert widths == [(3, 6), (3, 10), (10, 8)]


def test_onnxruntime_agrees(tmp_path):
    graph = built(sums_of_concats)
    path = tmp_path / "model.onnx"
    write_onnx(to_keras(pad_channels(graph)), path)
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    given = images(2, *SHAPE)
    (actual,) = session.run(None, {"images": given})
    assert relative(actual, outputs(graph, given)) < 1e-6


def test_every_convolution_of_a_nasnet_fills_its_blocks():
    """As NASNet mobile, with 3, 6 and 12 channels for its 11, 22 and 44."""
    model = tiny_network(
        stem="imagenet",
        penultimate_filters=24 * 12,
        padding="keras",
        input_shape=(64, 64, 3),
    )
    graph = rewrite(read_model(model))
    assert any(odd_channels(graph))
    assert not any(odd_channels(pad_channels(graph)))


def odd_channels(graph):
    """Channels that fill no blocks, but for those of the images."""
    read = [
        node.weights["kernel"].shape[2]
        for _, node in graph.of("conv", "depthwise_conv")
        if node.inputs[0] != "images"
    ]
    made = [node.weights["kernel"].shape[-1] for _, node in graph.of("conv")]
    return [count % BLOCK for count in read + made]


def test_it_is_made_for_onnx_alone():
    for name, target in TARGETS.items():
        quantizations = target.quantizations
        made = {"pad_channels" in for_format(name, q) for q in quantizations}
        assert made == {name == "onnx"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ResNet50", "Xception", "DenseNet121", "InceptionV3"]
)
def test_networks_of_keras_keep_their_logits(name):
    model = getattr(keras.applications, name)(
        weights=None,
        input_shape=(75, 75, 3),
        classifier_activation=None,
        classes=7,
    )
    graph = rewrite(read_model(model))
    padded = pad_channels(graph)
    given = images(2, 75, 75, 3)
    expected = outputs(graph, given)
    assert relative(outputs(padded, given), expected) < 1e-5
