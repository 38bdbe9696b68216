"""SavedModels: what each signature sees, and what is in the graph."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.eager import context

import nasnet_tf
from export.formats.frozen_network import frozen_network, keep_fusion
from export.formats.saved_model import write_saved_model
from export.graph import read_model, to_keras
from export.graph.preprocessing import preprocess
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.image_reading import PUBLISHED, WHOLE
from tests.conftest import close, images, randomize, tiny_network

# One of 256 values, scaled: Pillow rounds to whole values, twice.
STEP = 1 / 127.5


def flat(size=(96, 128), channels=3):
    """A model that answers with the image that it is given."""
    given = keras.Input((*size, channels))
    return keras.Model(given, keras.layers.Flatten()(given), name="flat")


def picture(height, width, channels=3):
    """A smooth image without symmetry, which JPEG hardly changes."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    values = np.stack([200 * x, 220 * y, 40 + 150 * x * y], axis=-1)
    return values[..., :channels].round().astype("uint8")


def encoded(pixels, format="JPEG", orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A maker, whose entry comes first"
    file = io.BytesIO()
    options = {"quality": 98, "subsampling": 0} if format == "JPEG" else {}
    Image.fromarray(pixels).save(file, format, exif=exif, **options)
    return file.getvalue()


def as_classify_reads(content, size, channels=3, reading=PUBLISHED):
    photo = reading.read(io.BytesIO(content), size, channels)
    return nasnet_tf.preprocess_input(photo[None]).reshape(1, -1)


@pytest.fixture(scope="module")
def network():
    names = ["wild\ncat", "Bär", *(f"class {n}" for n in range(8))]
    return randomize(tiny_network(class_names=names))


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "saved"
    write_saved_model(network, path, "whitening", network.class_names)
    return path


@pytest.fixture(scope="module")
def signatures(folder):
    return tf.saved_model.load(str(folder)).signatures


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Signatures that answer with the image that the network sees."""
    path = tmp_path_factory.mktemp("flat") / "saved"
    write_saved_model(flat(), path, "scale", reading=PUBLISHED)
    return tf.saved_model.load(str(path)).signatures


def answer(signatures, name, **given):
    given = {key: tf.constant(value) for key, value in given.items()}
    ((key, predictions),) = signatures[name](**given).items()
    assert key == "predictions"
    return predictions.numpy()


@pytest.mark.parametrize("batch", [1, 3])
def test_float_images_give_the_model_s_predictions(network, signatures, batch):
    given = images(batch, 32, 32, 3)
    expected = network(given, training=False)
    close(answer(signatures, "serving_default", images=given), expected, 1e-5)


def test_pixels_of_another_size_are_resized_and_whitened(network, signatures):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), "uint8")
    resized = tf.image.resize(pixels, (32, 32), antialias=True)
    expected = network(
        nasnet_tf.preprocess_input(resized, preprocessing="whitening"),
        training=False,
    )
    close(answer(signatures, "pixels", pixels=pixels), expected, 1e-5)


@pytest.mark.parametrize("shape", [(300, 200), (101, 97), (96, 128)])
def test_pixels_are_cropped_as_classify_crops_them(seen, shape):
    pixels = picture(*shape)
    expected = as_classify_reads(encoded(pixels, "PNG"), (96, 128))
    actual = answer(seen, "pixels", pixels=pixels[None])
    assert np.abs(actual - expected).max() <= STEP / 100


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_files_are_turned_as_exif_says(seen, orientation, format):
    content = encoded(picture(150, 220), format, orientation)
    expected = as_classify_reads(content, (96, 128))
    actual = answer(seen, "encoded", encoded=[content])
    assert np.abs(actual - expected).max() <= STEP / 100


def test_files_of_several_sizes_and_kinds_are_one_batch(seen):
    contents = [
        encoded(picture(150, 220)),
        encoded(picture(400, 100), "PNG"),
        encoded(picture(60, 50), orientation=6),
        encoded(picture(90, 80, 1)[..., 0], "PNG"),
    ]
    actual = answer(seen, "encoded", encoded=contents)
    for row, content in zip(actual, contents, strict=True):
        expected = as_classify_reads(content, (96, 128))
        assert np.abs(row - expected).max() <= STEP / 100


def test_a_damaged_exif_is_no_orientation(seen):
    content = encoded(picture(150, 220), orientation=6)
    place = content.index(b"Exif\0\0") + len(b"Exif\0\0")
    # A directory far past the end.
    damaged = content[: place + 4] + b"\xff\xff\xff\x7f" + content[place + 8 :]
    expected = as_classify_reads(encoded(picture(150, 220)), (96, 128))
    actual = answer(seen, "encoded", encoded=[damaged])
    assert np.abs(actual - expected).max() <= STEP / 100


def test_a_small_network_sees_the_whole_of_a_grey_file(tmp_path):
    write_saved_model(flat((24, 20), 1), tmp_path / "saved", "scale")
    content = encoded(picture(48, 40), "PNG")
    expected = as_classify_reads(content, (24, 20), 1, WHOLE)
    loaded = tf.saved_model.load(str(tmp_path / "saved")).signatures
    actual = answer(loaded, "encoded", encoded=[content])
    # Pillow rounds the grey values too.
    assert np.abs(actual - expected).max() <= 1.5 * STEP


def test_other_channels_have_no_signature_for_files(tmp_path):
    model = flat((8, 8), 4)
    write_saved_model(model, tmp_path / "saved", "scale")
    loaded = tf.saved_model.load(str(tmp_path / "saved")).signatures
    assert set(loaded) == {"serving_default", "pixels"}
    pixels = np.full((1, 8, 8, 4), 255, "uint8")
    close(answer(loaded, "pixels", pixels=pixels), np.ones((1, 256)), 1e-6)


def test_the_weights_are_constants(folder, signatures):
    assert not signatures["serving_default"].variables
    saved = tf.train.list_variables(str(folder / "variables" / "variables"))
    assert [name for name, _ in saved] == ["_CHECKPOINTABLE_OBJECT_GRAPH"]


def test_class_names_are_an_asset(folder):
    text = (folder / "assets" / "labels.txt").read_text(encoding="utf-8")
    names = ["wild cat", "Bär", *(f"class {n}" for n in range(8))]
    assert text == "".join(f"{name}\n" for name in names)


def shared_sum():
    """A graph whose sum a ReLU and a pool read, the ReLU's result alone."""
    kernel = np.random.default_rng(0).normal(size=(2, 1, 1, 4, 4))

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec((None, 8, 8, 4), "float32")],
    )
    def function(x):
        left, right = (
            tf.nn.bias_add(tf.nn.conv2d(x, k, 1, "SAME"), np.ones(4, "float32"))
            for k in kernel.astype("float32")
        )
        total = left + right
        alone = tf.nn.relu(tf.nn.bias_add(left, np.ones(4, "float32")) + x)
        return tf.nn.relu(total) + tf.nn.avg_pool2d(total, 3, 1, "SAME") + alone

    return function.get_concrete_function()


def run(graph, function, x):
    def imported(x):
        return tf.graph_util.import_graph_def(
            graph, {function.inputs[0].name: x}, [function.outputs[0].name]
        )

    spec = tf.TensorSpec((None, 8, 8, 4), "float32")
    return tf.compat.v1.wrap_function(imported, [spec])(x)[0].numpy()


def test_relus_of_sums_that_others_read_become_maxima():
    function = shared_sum()
    graph = function.graph.as_graph_def()
    kept = keep_fusion(graph)
    operations = [node.op for node in kept.node]
    assert operations.count("Maximum") == 1
    assert operations.count("Relu") == 1
    x = images(2, 8, 8, 4)
    expected = function(tf.constant(x)).numpy()
    close(run(kept, function, x), expected, 1e-6)


def test_tensorflow_fuses_what_is_kept():
    function = shared_sum()
    kept = keep_fusion(function.graph.as_graph_def())
    context.enable_graph_collection()
    run(kept, function, images(2, 8, 8, 4))
    graphs = context.export_run_metadata().function_graphs
    context.disable_graph_collection()
    operations = [
        node.op
        for graph in graphs
        for node in graph.post_optimization_graph.node
    ]
    assert operations.count("_FusedConv2D") == 2
    assert "Conv2D" not in operations


def test_a_reduction_cell_has_one_such_relu(network):
    # Block 0 is read by a convolution, through a ReLU, and by a pool.
    folded = nasnet_tf.fold_batch_norm(network)
    function = frozen_network(folded).get_concrete_function()
    maxima = [
        node.name.split("/")[1]
        for node in function.graph.as_graph_def().node
        if node.op == "Maximum"
    ]
    assert maxima == ["reduction_cell_0_1", "reduction_cell_1_1"]


@pytest.mark.parametrize("preprocessing", ["torch", "caffe"])
def test_signatures_preprocess_as_others_do(tmp_path, preprocessing):
    model = flat((8, 8))
    write_saved_model(model, tmp_path / "saved", preprocessing)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), "uint8")
    expected = np.asarray(model(preprocess(pixels, preprocessing)))
    actual = answer(loaded.signatures, "pixels", pixels=tf.constant(pixels))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "function", ["relu6", "swish", "hard_swish", "hard_sigmoid"]
)
def test_activations_of_others_are_saved(tmp_path, function):
    given = keras.Input((8, 8, 3))
    model = keras.Model(given, keras.layers.Activation(function)(given))
    graph = read_model(model)
    write_saved_model(to_keras(graph), tmp_path / "saved", "scale")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    photos = 8 * images(2, 8, 8, 3)
    actual = answer(loaded.signatures, "serving_default", images=photos)
    np.testing.assert_allclose(actual, np.asarray(model(photos)), atol=1e-5)


def test_an_unknown_preprocessing_is_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        write_saved_model(flat((8, 8)), tmp_path / "saved", "scaled")
    assert str(error.value).startswith("preprocessing: 'scaled' is unknown; ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "saved").exists()
