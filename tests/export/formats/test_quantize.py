import flatbuffers
import keras
import numpy as np
import pytest

from export.formats.litert.packing import pack
from export.formats.litert.quantize import convert_relus, quantize_litert
from export.formats.litert.ranges import LitertModel
from export.formats.litert.writer import write_litert
from export.graph import Graph, Node, read_model
from export.graph.preprocessing import with_uint8_input
from export.rewrites import for_format, rewrite
from export.sources.images import inputs, sample_photos
from nasnet_tf.checks.errors import InputError
from tests.conftest import tiny_network
from tests.export.exported_graphs import delegated, run_litert

PHOTOS = sample_photos((32, 32), 3, 140)
IMAGES = inputs(PHOTOS, "scale")
CALIBRATION, TEST = IMAGES[:100], IMAGES[100:]
INT8, INT32, FLOAT32 = 9, 2, 0


def random_network(genotype="NASNET_A"):
    """A network's graph; its weights are random."""
    keras.utils.set_random_seed(0)
    model = tiny_network(
        genotype, classifier_activation=None, batch_norm_momentum=0.0
    )
    model(TEST, training=True)  # Batch norm as it is after training.
    return read_model(model)


@pytest.fixture(scope="module")
def network():
    return random_network()


@pytest.fixture(scope="module")
def written(network):
    return write_litert(rewrite(network, for_format("litert", "int8")))


@pytest.fixture(scope="module")
def int8(written):
    return quantize_litert(written, "int8", CALIBRATION)


def tensors(model, name, which="outputs"):
    """The tensors of all operations of a kind, one list for each."""
    return [
        [model.subgraph.tensors[index] for index in getattr(operation, which)]
        for found, operation in model.operations
        if found == name
    ]


def error(content, reference, images=TEST):
    """Root mean square error in parts of the answers' deviation."""
    outputs = run_litert(content, images)
    return (
        np.sqrt(np.mean((outputs - reference) ** 2))
        / np.std(reference, axis=0).mean()
    )


def graph(**nodes):
    """A graph of nodes in order; the last is its output."""
    return Graph(nodes, list(nodes)[-1], "small")


def image_input(size=4, channels=2):
    return Node("input", options={"shape": (size, size, channels)})


def test_int8_is_close_and_whole(written, int8):
    assert error(int8, run_litert(written, TEST)) < 0.15
    found = delegated(int8)
    assert (found["partitions"], found["outside"]) == (1, {})


def test_int8_computes_in_int8_only(int8):
    model = LitertModel(int8)
    for name, operation in model.operations:
        types = {
            model.subgraph.tensors[index].type for index in operation.outputs
        }
        assert types == {FLOAT32 if name == "DEQUANTIZE" else INT8}, name


def test_int8_weights_have_a_scale_for_each_filter(int8):
    model = LitertModel(int8)
    for name, axis in (("CONV_2D", 0), ("DEPTHWISE_CONV_2D", 3)):
        read = tensors(model, name, "inputs")
        assert len(read) > 40
        for _, kernel, bias in read:
            assert (kernel.type, bias.type) == (INT8, INT32)
            assert kernel.quantization.quantizedDimension == axis
            filters = kernel.shape[axis]
            assert len(kernel.quantization.scale) == filters
            assert not np.any(kernel.quantization.zeroPoint)


def test_int8_concats_have_one_scale(int8):
    model = LitertModel(int8)
    read = tensors(model, "CONCATENATION", "inputs")
    written = tensors(model, "CONCATENATION")
    assert len(read) == 10
    for parts, (whole,) in zip(read, written, strict=True):
        scales = {
            (*part.quantization.scale, *part.quantization.zeroPoint)
            for part in (*parts, whole)
        }
        assert len(scales) == 1


def test_int8_rectified_sums_use_all_steps(int8):
    model = LitertModel(int8)
    rectified = [
        model.subgraph.tensors[operation.outputs[0]]
        for name, operation in model.operations
        if name == "ADD" and operation.builtinOptions.fusedActivationFunction
    ]
    assert len(rectified) > 5
    for tensor in rectified:
        assert tensor.quantization.zeroPoint == [-128]


def test_dynamic_is_close_small_and_whole(network):
    content = write_litert(rewrite(network, for_format("litert", "dynamic")))
    quantized = quantize_litert(content, "dynamic")
    assert error(quantized, run_litert(content, TEST)) < 0.1
    found = delegated(quantized)
    assert (found["partitions"], found["outside"]) == (1, {})
    assert len(quantized) < 0.5 * len(content)
    model = LitertModel(quantized)
    for _, kernel, bias in tensors(model, "CONV_2D", "inputs"):
        assert (kernel.type, bias.type) == (INT8, FLOAT32)
    for _, kernel, _ in tensors(model, "DEPTHWISE_CONV_2D", "inputs"):
        assert kernel.type == FLOAT32
    for (kernel,) in tensors(model, "DEQUANTIZE", "inputs"):
        assert kernel.type == INT8


def test_relus_become_conversions(written, int8):
    before = [name for name, _ in LitertModel(written).operations]
    after = [name for name, _ in LitertModel(int8).operations]
    assert before.count("RELU") > 2
    assert after.count("RELU") == 0
    # One more takes the input, and none stands before a concat.
    assert after.count("QUANTIZE") == before.count("RELU") + 1
    assert after.count("DEQUANTIZE") == 1


def test_a_relu_that_shares_a_wider_scale_stays():
    kernel = np.eye(2, dtype="float32")[None, None]
    point = {"strides": (1, 1), "padding": "valid"}
    content = write_litert(
        graph(
            image=image_input(),
            conv=Node("conv", ("image",), point, {"kernel": kernel}),
            relu=Node("relu", ("conv",)),
            concat=Node("concat", ("relu", "conv")),
        )
    )
    images = np.random.default_rng(0).normal(size=(120, 4, 4, 2))
    images = images.astype("float32")
    quantized = quantize_litert(content, "int8", images[:100])
    expected = run_litert(content, images).clip(-2, 2)
    outputs = run_litert(quantized, images).clip(-2, 2)
    assert np.abs(outputs - expected).max() < 0.06
    assert (outputs[..., :2] >= 0).all()
    model = LitertModel(quantized)
    before = [name for name, _ in model.operations]
    convert_relus(model)
    assert "RELU" in before
    assert [name for name, _ in LitertModel(pack(model.model)).operations] == (
        before
    )


@pytest.mark.parametrize("preprocessing", ["scale", "whitening"])
def test_preprocessing_stays_in_float32(network, written, preprocessing):
    chosen = rewrite(
        with_uint8_input(network, preprocessing), for_format("litert", "int8")
    )
    pixels = PHOTOS.pixels
    quantized = quantize_litert(write_litert(chosen), "int8", pixels[:100])
    images = inputs(PHOTOS, preprocessing)
    outside = quantize_litert(written, "int8", images[:100])
    expected = run_litert(outside, images[100:])
    assert error(quantized, expected, pixels[100:]) < 0.12
    model = LitertModel(quantized)
    first = [name for name, _ in model.operations].index("QUANTIZE")
    assert first >= 3
    for _, operation in model.operations[:first]:
        tensor = model.subgraph.tensors[operation.outputs[0]]
        assert tensor.type == FLOAT32


def test_layer_norm_stays_in_float32():
    network = random_network("NASNET_B")
    content = write_litert(rewrite(network, for_format("litert", "int8")))
    quantized = quantize_litert(content, "int8", CALIBRATION)
    assert error(quantized, run_litert(content, TEST)) < 0.2
    found = delegated(quantized)
    assert (found["partitions"], found["outside"]) == (1, {})
    model = LitertModel(quantized)
    for name in ("SUB", "RSQRT"):
        written = tensors(model, name)
        assert len(written) == 16
        assert {tensor.type for (tensor,) in written} == {FLOAT32}


def test_what_xnnpack_lacks_in_int8_stays_in_float32():
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(1, 1, 2, 8)).astype("float32")
    dense = generator.normal(size=(8, 3)).astype("float32")
    content = write_litert(
        graph(
            image=image_input(),
            conv=Node(
                "conv",
                ("image",),
                {"strides": (1, 1), "padding": "valid"},
                {"kernel": kernel},
            ),
            pool=Node(
                "average_pool",
                ("conv",),
                {"size": (3, 3), "strides": (1, 1), "padding": "same"},
            ),
            mean=Node("global_average_pool", ("pool",)),
            dense=Node("dense", ("mean",), {}, {"kernel": dense}),
            softmax=Node("activation", ("dense",), {"function": "softmax"}),
        )
    )
    images = generator.normal(size=(120, 4, 4, 2)).astype("float32")
    quantized = quantize_litert(content, "int8", images[:100])
    names = [name for name, _ in LitertModel(quantized).operations]
    assert names == [
        *("QUANTIZE", "CONV_2D"),
        *("DEQUANTIZE", "AVERAGE_POOL_2D", "QUANTIZE"),
        *("MEAN", "FULLY_CONNECTED", "DEQUANTIZE", "SOFTMAX"),
    ]
    found = delegated(quantized)
    assert (found["partitions"], found["outside"]) == (1, {})
    expected = run_litert(content, images)
    assert np.abs(run_litert(quantized, images) - expected).mean() < 0.01


def test_packing_writes_equal_vectors_once(int8):
    packed = pack(LitertModel(int8).model)
    assert abs(len(packed) - len(int8)) < 64
    builder = flatbuffers.Builder(1024)
    builder.Finish(LitertModel(int8).model.Pack(builder), b"TFL3")
    plain = bytes(builder.Output())
    assert len(packed) < 0.95 * len(plain)
    np.testing.assert_array_equal(
        run_litert(packed, TEST[:2]), run_litert(plain, TEST[:2])
    )


def test_bad_calibration(written, network):
    with pytest.raises(InputError, match=r"^method: 'int4' is unknown"):
        quantize_litert(written, "int4")
    with pytest.raises(InputError, match=r"^calibration: missing"):
        quantize_litert(written, "int8")
    with pytest.raises(InputError, match="99 images are too few; give 100"):
        quantize_litert(written, "int8", CALIBRATION[:99])
    with pytest.raises(InputError, match=r"\(32, 32, 3\) of uint8 for a model"):
        quantize_litert(written, "int8", PHOTOS.pixels)
    with pytest.raises(InputError, match=r"images \(16, 16, 3\) of float32"):
        quantize_litert(written, "int8", CALIBRATION[:, ::2, ::2])
    with pytest.raises(InputError, match="are not finite"):
        quantize_litert(written, "int8", CALIBRATION * np.float32("inf"))
