import keras
import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from nasnet_tf import InputError


def _photos():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (2, 8, 9, 3)).astype("float32")


def test_scale_is_that_of_keras_applications():
    photos = _photos()
    expected = keras.applications.nasnet.preprocess_input(photos.copy())
    scaled = nasnet_tf.preprocess_input(photos)
    assert isinstance(scaled, np.ndarray) and scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, expected, atol=1e-6)
    assert scaled.min() >= -1 and scaled.max() <= 1


def test_whitening_is_that_of_tf_image():
    photos = _photos()
    photos[1] = 7  # a uniform image
    expected = tf.image.per_image_standardization(photos)
    whitened = nasnet_tf.preprocess_input(photos, preprocessing="whitening")
    np.testing.assert_allclose(whitened, expected, atol=1e-4)


def test_whitening_of_an_unknown_size():
    photos = _photos()
    expected = nasnet_tf.preprocess_input(photos, preprocessing="whitening")
    unknown = tf.TensorSpec((None, None, None, 3))
    whiten = tf.function(
        lambda x: nasnet_tf.preprocess_input(x, preprocessing="whitening"),
        input_signature=[unknown],
    )
    np.testing.assert_allclose(whiten(photos), expected, atol=1e-6)


def test_bad_preprocessing():
    with pytest.raises(InputError, match="preprocessing: 'torch' is unknown"):
        nasnet_tf.preprocess_input(_photos(), preprocessing="torch")
    with pytest.raises(InputError, match="data_format: 'channels_first'"):
        nasnet_tf.preprocess_input(_photos(), data_format="channels_first")


@pytest.fixture
def class_index(monkeypatch):
    from keras.src.applications import imagenet_utils

    index = {str(n): [f"n{n:08d}", f"thing_{n}"] for n in range(1000)}
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", index)


def test_decode_predictions(class_index):
    predictions = np.zeros((1, 1000))
    predictions[0, [3, 7]] = 0.25, 0.75
    assert nasnet_tf.decode_predictions(predictions, top=2) == [
        [("n00000007", "thing_7", 0.75), ("n00000003", "thing_3", 0.25)]
    ]
    with pytest.raises(InputError, match=r"shape \(1, 10\)"):
        nasnet_tf.decode_predictions(np.zeros((1, 10)))


def test_decode_predictions_without_a_network(monkeypatch, tmp_path):
    from keras.src.applications import imagenet_utils

    nowhere = (tmp_path / "none.json").as_uri()
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", None)
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX_PATH", nowhere)
    monkeypatch.setattr(
        imagenet_utils.file_utils.config, "keras_home", lambda: str(tmp_path)
    )
    with pytest.raises(InputError) as error:
        nasnet_tf.decode_predictions(np.zeros((1, 1000)))
    assert "imagenet_class_index.json could not be downloaded" in str(
        error.value
    )
    assert "\n" not in str(error.value)


def test_signature_is_that_of_keras_applications():
    import inspect

    for name in ("NASNetMobile", "NASNetLarge"):
        theirs = inspect.signature(getattr(keras.applications, name))
        ours = inspect.signature(getattr(nasnet_tf, name))
        for parameter in theirs.parameters.values():
            assert ours.parameters[parameter.name] == parameter


def test_ten_presets_with_their_cards():
    names = nasnet_tf.list_presets()
    assert len(names) == len(set(names)) == 10
    for name in names:
        card = nasnet_tf.get_preset(name)
        assert card.name == name
        assert card.license == "Apache-2.0"
        assert card.weights and card.source.startswith("Table")
        assert f"@ {card.penultimate_filters}" in card.title or card.note
