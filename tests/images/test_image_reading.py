"""What training saw is what serving sees, whichever way a file is served."""

import io
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import nasnet_tf
from export.job import export_model
from nasnet_tf import data
from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.config import DataConfig
from nasnet_tf.evaluation import evaluation_reading
from nasnet_tf.images.image_reading import (
    PUBLISHED,
    WHOLE,
    ImageReading,
    image_reading,
)
from nasnet_tf.training.checkpoint import restore_network
from nasnet_tf.training.job import train
from nasnet_tf.zoo.classification import classify
from tests.conftest import line_of, randomize, slow
from tests.data.image_sets import folder_config, photo
from tests.training.jobs import one_block, small_job

pytestmark = pytest.mark.usefixtures("short_timing")
CLASSES = ["left", "right", "middle"]


def network(reading):
    """At 96 pixels, where networks that say nothing are cropped."""
    model = nasnet_tf.NASNet(
        one_block(),
        num_cells=1,
        penultimate_filters=32,
        input_shape=(96, 96, 3),
        classes=3,
        class_names=CLASSES,
        image_reading=reading,
    )
    return randomize(model)


@pytest.fixture
def files(tmp_path):
    """A phone's JPEG on its side, and a PNG with a palette."""
    exif = Image.Exif()
    exif[0x0112] = 6
    paths = [tmp_path / "photos" / "test" / n for n in ("left", "right")]
    for path in paths:
        path.mkdir(parents=True)
    phone, drawn = paths[0] / "phone.jpg", paths[1] / "drawn.png"
    photo(1, (120, 200)).save(phone, exif=exif, quality=95)
    photo(2, (150, 110)).quantize(40).save(drawn)
    return [phone, drawn]


@pytest.mark.parametrize("crop", [0.6, slow(1.0)])
def test_every_way_to_serve_sees_the_same(files, tmp_path, crop):
    model = network(ImageReading(crop))
    images = nasnet_tf.read_images(files, model)
    expected = np.asarray(model(images, training=False))
    other = nasnet_tf.read_images(files, network(ImageReading(0.8)))
    assert np.abs(images - other).max() > 0.1

    classified = classify(model, files, top=3)
    for result, row in zip(classified, expected, strict=True):
        found = dict(result.classes)
        np.testing.assert_allclose(
            [found[name] for name in CLASSES], row, atol=1e-5
        )

    config = folder_config(tmp_path / "photos", augmentation="inception")
    source = data.open_evaluation(config, class_names=CLASSES)
    with data.decoding_errors():
        (batch,) = data.evaluation_batches(
            source, evaluation_reading(model, config), (96, 96), "scale", 2
        )
    np.testing.assert_allclose(batch["images"], images, atol=1e-4)

    out = tmp_path / "exported"
    export_model(model, "saved_model", out, quiet=True)
    served = tf.saved_model.load(str(out / "saved_model")).signatures
    contents = tf.constant([path.read_bytes() for path in files])
    answers = served["encoded"](contents)["predictions"]
    np.testing.assert_allclose(answers, expected, atol=1e-4)

    card = (out / "model_card.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.S)
    code = code.replace('"saved_model"', repr(str(out / "saved_model")))
    for path, row in zip(files, expected, strict=True):
        names = {}
        exec(code.replace('"photo.jpg"', repr(str(path))), names)
        # Pillow rounds to 8 bits.
        np.testing.assert_allclose(names["answers"][0], row, atol=0.02)
    assert ImageReading(crop).describe((96, 96)) in card


def test_a_job_says_how_it_reads(tmp_path):
    """In its network and in all that is saved; older jobs by their data."""
    config = small_job(
        tmp_path, "recipe.steps=1,data.augmentation=inception,data.color=false"
    )
    train(config, tmp_path / "job", evaluate=False, quiet=True)
    saved = keras.saving.load_model(tmp_path / "job" / "model.keras")
    file = tmp_path / "job" / "network.json"
    kept = json.loads(file.read_text())
    assert kept.pop("image_reading") == PUBLISHED.to_dict()
    file.write_text(json.dumps(kept))
    restored, _ = restore_network(tmp_path / "job")
    for model in (saved, restored):
        assert model.image_reading == PUBLISHED
        assert evaluation_reading(model, DataConfig()) == PUBLISHED
    wanted = DataConfig(evaluation_crop=0.5)
    assert evaluation_reading(saved, wanted).crop == 0.5


def test_networks_of_before_are_read_as_such_networks_usually_are():
    cases = (("scale", 96, 0.875), ("scale", 95, 1.0), ("whitening", 96, 1.0))
    for preprocessing, side, crop in cases:
        model = network(None)
        model.preprocessing = preprocessing
        assert image_reading(model, (side, 200)).crop == crop
    assert image_reading(network(WHOLE), (224, 224), crop=0.5).crop == 0.5
    for preset in ("nasnet_a_mobile", "nasnet_a_cifar_6_768"):
        arguments = nasnet_tf.get_preset(preset).arguments
        is_cifar = arguments["stem"] == "cifar"
        assert arguments["image_reading"] == (WHOLE if is_cifar else PUBLISHED)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ("all", "image_reading: 'all' is not a dict of crop, resize, orient"),
        ({"crops": 1}, "image_reading: {'crops': 1} is not a dict of"),
        ({"crop": 0}, "image_reading.crop: 0 is not a number in (0, 1]"),
        ({"resize": "area"}, "image_reading.resize: 'area' is unknown"),
    ],
)
def test_bad_readings_are_one_line(reading, said):
    with pytest.raises(InputError) as error:
        network(reading)
    assert line_of(error).startswith(said)


def test_files_that_cannot_be_read_are_named(tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"bad\.jpg cannot be read"):
        nasnet_tf.read_images([bad], network(WHOLE))
    with pytest.raises(InputError, match="which reads"):
        nasnet_tf.read_images([bad], network(WHOLE), size=(64, 64))


def test_an_open_file_is_read_too():
    file = io.BytesIO()
    photo(3, (40, 60)).save(file, "PNG")
    whole = WHOLE.read(file, (40, 60))
    middle = ImageReading(0.5).read(file, (20, 30))
    np.testing.assert_array_equal(middle, whole[10:30, 15:45])
