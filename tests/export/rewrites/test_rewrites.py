"""Each rewrite computes what it rewrites, and does what it is for."""

import collections

import numpy as np
import pytest

import nasnet_tf
from export.graph import Graph, Node, read_model, shapes, to_keras
from export.rewrites import REWRITES, for_format, rewrite
from nasnet_tf.checks.errors import InputError
from tests.conftest import randomize, slow
from tests.export.exported_graphs import relative, run_graph

# As the mobile network, as keras.applications pads, and one of odd sizes with
# the norms of B.
NETWORKS = {
    "imagenet": {
        "genotype": "NASNET_A",
        "stem": "imagenet",
        "penultimate_filters": 96,
        "input_shape": (70, 64, 3),
    },
    "keras": {
        "genotype": "NASNET_A",
        "stem": "imagenet",
        "penultimate_filters": 96,
        "padding": "keras",
        "input_shape": (65, 64, 3),
    },
    "norms": {
        "genotype": "NASNET_B",
        "stem": "cifar",
        "penultimate_filters": 96,
        "input_shape": (37, 35, 3),
    },
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    model = nasnet_tf.NASNet(
        num_cells=1,
        classes=7,
        classifier_activation=None,
        **NETWORKS[request.param],
    )
    randomize(model)
    images = np.random.default_rng(1).normal(size=(2, *model.input_shape[1:]))
    images = images.astype("float32")
    expected = np.asarray(model(images, training=False))
    return read_model(model), images, expected


def counts(graph):
    return collections.Counter(node.op for node in graph.nodes.values())


def test_reading_keeps_the_function(network):
    graph, images, expected = network
    assert relative(run_graph(graph, images), expected) < 1e-5


@pytest.mark.parametrize(
    "network", [slow("imagenet"), "keras", "norms"], indirect=True
)
@pytest.mark.parametrize("name", REWRITES)
def test_each_rewrite_keeps_the_function(network, name):
    graph, images, expected = network
    before = dict(graph.nodes)
    changed = REWRITES[name](graph)
    assert graph.nodes == before, "the graph itself was changed"
    assert relative(run_graph(changed, images), expected) < 1e-5


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_all_rewrites_of_litert_keep_the_function(network, quantize):
    graph, images, expected = network
    changed = rewrite(graph, for_format("litert", quantize))
    assert relative(run_graph(changed, images), expected) < 1e-5


def test_the_keras_model_has_the_function(network):
    graph, images, expected = network
    model = to_keras(rewrite(graph))
    assert relative(np.asarray(model(images)), expected) < 1e-5
    kinds = {type(layer).__module__.split(".")[0] for layer in model.layers}
    assert kinds == {"keras"}


def test_unknown_rewrite_is_one_line(network):
    with pytest.raises(InputError, match="rewrites: 'fuse'"):
        rewrite(network[0], ["fuse"])


def test_no_batch_norm_and_no_large_kernel_is_left(network):
    graph = rewrite(network[0], for_format("litert", "int8"))
    left = counts(graph)
    assert not left["affine"], "batch norms after concats are folded too"
    assert not left["average_pool"]
    assert max(len(node.inputs) for node in graph.nodes.values()) <= 4
    taps = [
        np.prod(node.weights["kernel"].shape[:2])
        for _, node in graph.of("depthwise_conv")
    ]
    assert max(taps) <= 25


def test_relus_of_sums_are_part_of_the_sums(network):
    graph, *_ = network
    plain = rewrite(graph, for_format("litert"))
    unmoved = [n for n in for_format("litert") if "move_relus" not in n]
    sums = [n for _, n in plain.of("add") if n.options.get("activation")]
    if counts(graph)["group_norm"]:
        # The ReLU follows the norm, as in B.
        assert not sums
        return
    assert sums
    assert counts(plain)["relu"] < counts(rewrite(graph, unmoved))["relu"]


def chain(*nodes, shape=(9, 8, 3)):
    """A graph of nodes that each read the one before."""
    graph = Graph({"images": Node("input", options={"shape": shape})}, "", "c")
    last = "images"
    for op, options, weights in nodes:
        last = graph.add(op, op, [last], options=options, weights=weights)
    graph.output = last
    return graph


def photo(shape, seed=0):
    shape = (1, *shape)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(28, 27, 3), (9, 8, 3), (7, 7, 3)])
def test_a_split_depthwise_convolution(stride, padding, shape):
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.normal(size=(7, 7, 3, 1)).astype("float32"),
        "bias": rng.normal(size=3).astype("float32"),
    }
    options = {
        "strides": (stride, stride),
        "padding": padding,
        "activation": "relu",
    }
    graph = chain(("depthwise_conv", options, weights), shape=shape)
    split = REWRITES["split_large_depthwise"](graph)
    assert shapes(split)[split.output] == shapes(graph)[graph.output]
    assert counts(split)["add"] == 2
    expected = np.asarray(to_keras(graph)(photo(shape)))
    assert relative(np.asarray(to_keras(split)(photo(shape))), expected) < 1e-5
    assert relative(run_graph(split, photo(shape)), expected) < 1e-5


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_an_average_pool_as_depthwise(size, stride, padding):
    options = {
        "size": (size, size),
        "strides": (stride, stride),
        "padding": padding,
    }
    graph = chain(("average_pool", options, {}))
    changed = REWRITES["average_pools_as_depthwise"](graph)
    assert not counts(changed)["average_pool"]
    expected = np.asarray(to_keras(graph)(photo((9, 8, 3))))
    outputs = np.asarray(to_keras(changed)(photo((9, 8, 3))))
    assert relative(outputs, expected) < 1e-6


def test_the_factorized_reduction_of_keras_applications():
    """Pad, crop, pool of one pixel, convolution: a slice and a stride."""
    pool = {"size": (1, 1), "strides": (2, 2), "padding": "valid"}
    conv = {"strides": (1, 1), "padding": "same"}
    kernel = np.random.default_rng(0).normal(size=(1, 1, 3, 4))
    for shape in ((8, 8, 3), (9, 7, 3)):
        graph = chain(
            ("pad", {"pads": ((0, 1), (0, 1))}, {}),
            ("slice", {"begin": (1, 1), "size": shape[:2]}, {}),
            ("average_pool", pool, {}),
            ("conv", conv, {"kernel": kernel.astype("float32")}),
            shape=shape,
        )
        changed = rewrite(graph)
        assert not counts(changed)["average_pool"]
        assert counts(changed)["pad"] == (shape == (9, 7, 3))
        expected = np.asarray(to_keras(graph)(photo(shape)))
        assert relative(run_graph(changed, photo(shape)), expected) < 1e-6


POINT = {"strides": (1, 1), "padding": "same"}
PADDED = {"pads": ((0, 1), (0, 1))}
LARGE = {"strides": (1, 1), "padding": "same", "dilation": (1, 1)}


def kernel(*shape):
    values = np.random.default_rng(0).normal(size=shape) / 4
    return {"kernel": values.astype("float32")}


def norm(channels):
    values = np.random.default_rng(2).uniform(0.5, 1.5, (2, channels))
    scale, offset = values.astype("float32")
    return ("affine", {}, {"scale": scale, "offset": offset})


POOL = ("average_pool", {**POINT, "size": (3, 3)}, {})
# Two in a row: the second finds what the first has changed.
CHAINS = {
    "fold_batch_norm": [
        ("conv", POINT, kernel(1, 1, 3, 4)),
        ("pad", PADDED, {}),
        ("conv", {**POINT, "strides": (2, 2)}, kernel(1, 1, 4, 4)),
        ("pad", PADDED, {}),
        norm(4),
    ],
    "merge_pads_and_slices": [
        ("pad", {"pads": ((2, 2), (2, 2))}, {}),
        ("slice", {"begin": (1, 1), "size": (11, 10)}, {}),
        ("slice", {"begin": (2, 2), "size": (8, 8)}, {}),
    ],
    "split_large_depthwise": [
        ("depthwise_conv", LARGE, kernel(7, 7, 3, 1)),
        ("depthwise_conv", LARGE, kernel(7, 7, 3, 1)),
    ],
    "average_pools_as_depthwise": [POOL, POOL],
    "subsample_in_convolutions": [
        ("max_pool", {**POINT, "size": (1, 1), "strides": (2, 2)}, {}),
        ("conv", POINT, kernel(1, 1, 3, 4)),
    ],
    "fuse_relus": [
        ("conv", POINT, kernel(1, 1, 3, 4)),
        ("relu", {}, {}),
        norm(4),
        ("activation", {"function": "relu6"}, {}),
    ],
    "split_hard_swish": [
        ("activation", {"function": "hard_silu"}, {}),
        ("activation", {"function": "hard_silu"}, {}),
    ],
    "drop_idle": [("relu", {}, {}), POOL, ("relu", {}, {})],
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_rewrite_of_two_in_a_row(name):
    graph = chain(*CHAINS[name])
    changed = REWRITES[name](graph)
    assert changed.nodes.keys() != graph.nodes.keys()
    if name == "fold_batch_norm":
        assert not counts(changed)["affine"]
    expected = run_graph(graph, photo((9, 8, 3)))
    assert shapes(changed)[changed.output] == shapes(graph)[graph.output]
    assert relative(run_graph(changed, photo((9, 8, 3))), expected) < 1e-5
    again = REWRITES[name](changed)
    assert counts(again) == counts(changed), "some were left"


def test_a_slice_of_zeros_alone_stays():
    graph = chain(
        ("pad", {"pads": ((3, 3), (0, 0))}, {}),
        ("slice", {"begin": (0, 0), "size": (2, 8)}, {}),
    )
    changed = REWRITES["merge_pads_and_slices"](graph)
    assert not run_graph(changed, photo((9, 8, 3))).any()


def test_relus_move_through_concats_of_concats():
    graph = chain(("conv", POINT, kernel(1, 1, 3, 4)))
    inner = graph.add("inner", "concat", ["conv", "images"])
    outer = graph.add("outer", "concat", [inner, "conv"])
    graph.output = graph.add("relu", "relu", [outer])
    changed = REWRITES["move_relus_through_concats"](graph)
    assert counts(changed)["relu"]
    for _, node in changed.of("relu"):
        assert changed[node.inputs[0]].op != "concat"
    expected = run_graph(graph, photo((9, 8, 3)))
    assert relative(run_graph(changed, photo((9, 8, 3))), expected) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("preset", nasnet_tf.list_presets())
def test_every_preset_keeps_its_logits(preset):
    size = 64 if nasnet_tf.get_preset(preset).stem == "imagenet" else 32
    # With two cells a group every cell has the neighbours that it can have.
    model = nasnet_tf.from_preset(
        preset,
        input_shape=(size, size, 3),
        classifier_activation=None,
        num_cells=2,
    )
    images = photo((size, size, 3))
    expected = np.asarray(randomize(model)(images, training=False))
    graph = read_model(model)
    for quantize in ("none", "int8"):
        changed = rewrite(graph, for_format("litert", quantize))
        assert relative(run_graph(changed, images), expected) < 1e-5
    changed = rewrite(graph)
    assert len(changed) < 0.8 * len(graph)
    assert relative(np.asarray(to_keras(changed)(images)), expected) < 1e-5


@pytest.mark.parametrize("function, highest", [("relu", 40), ("relu6", 6)])
@pytest.mark.parametrize("op", ["conv", "affine", "dense", "add"])
def test_only_the_activation_that_is_there_is_fused(op, function, highest):
    weights = {
        "conv": {"kernel": 40 * np.ones((1, 1, 3, 3), "f4")},
        "dense": {"kernel": 40 * np.ones((3, 3), "f4")},
        "affine": {"scale": np.full(3, 40, "f4"), "offset": np.zeros(3, "f4")},
        "add": {},
    }[op]
    options = {**POINT, "dilation": (1, 1)} if op == "conv" else {}
    shape = (3,) if op == "dense" else (4, 4, 3)
    graph = chain(shape=shape)
    inputs = ["images"] * (2 if op == "add" else 1)
    graph.add("made", op, inputs, options=options, weights=weights)
    kind, options = "relu", {}
    if function != "relu":
        kind, options = "activation", {"function": function}
    graph.output = graph.add("end", kind, ["made"], options=options)
    fused = REWRITES["fuse_relus"](graph)
    assert fused.output == "made" and len(fused) == 1
    images = np.linspace(-30, 30, 3 * np.prod(shape), dtype="float32")
    images = images.reshape(3, *shape)
    expected = run_graph(graph, images)
    assert expected.min() == 0 and expected.max() >= highest
    assert function != "relu6" or expected.max() == 6
    np.testing.assert_array_equal(run_graph(fused, images), expected)
    np.testing.assert_allclose(
        np.asarray(to_keras(fused)(images)), expected, rtol=1e-6
    )


def test_duplicates_are_computed_once():
    graph = chain(("relu", {}, {}))
    second = graph.add("again", "relu", ["images"])
    graph.output = graph.add("sum", "add", ["relu", second])
    shared = REWRITES["share_duplicates"](graph)
    assert counts(shared) == {"input": 1, "relu": 1, "add": 1}
    assert shared["sum"].inputs == ("relu", "relu")
