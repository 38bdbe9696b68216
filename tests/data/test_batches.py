"""The batches that training and evaluation take."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from nasnet_tf import InputError, data
from nasnet_tf.data import digits
from nasnet_tf.data.config import DataConfig
from nasnet_tf.images.image_reading import ImageReading
from tests.conftest import slow
from tests.data import image_sets
from tests.data.image_sets import evaluation, joined, same, training

AUGMENTATIONS = {
    "none": {},
    "cifar": {"augmentation": "cifar", "cutout": 8},
    "upsampled": {"augmentation": "cifar", "upsample": True, "pad": 2},
    "inception": {"augmentation": "inception"},
    "keras": {"rand_augment": 0.5, "mixup": 0.2},
}


@pytest.fixture(scope="module")
def source():
    return data.open_data(DataConfig()).train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return image_sets.write_folder(root, {"train": {"cat": 6, "dog": 7}})


@pytest.fixture(scope="module")
def photos(folder):
    config = image_sets.folder_config(folder, held_out=1)
    return data.open_data(config).train


# In memory, and as encoded files.
PATHS = [
    ("source", "none"),
    ("source", "cifar"),
    ("source", "upsampled"),
    ("source", "inception"),
    ("photos", "cifar"),
    ("photos", "inception"),
]


@pytest.mark.parametrize(("kind", "name"), [*PATHS, slow("source", "keras")])
def test_a_resumed_stream_goes_on_bit_for_bit(request, kind, name):
    """Also across the end of an epoch, and whatever else draws numbers."""
    examples = request.getfixturevalue(kind)
    config = DataConfig(**AUGMENTATIONS[name])
    # Step 179 takes 5 of the 1,437 digits and 3 of the next epoch.
    start = 178 if kind == "source" else 1
    keras.utils.set_random_seed(1)
    whole = training(examples, config, 3, start=start, seed=4)
    keras.utils.set_random_seed(2)
    same(training(examples, config, 2, start=start + 1, seed=4), whole[1:])
    other = training(examples, config, 1, start=start, seed=5)
    assert (other[0][0] != whole[0][0]).any()


@pytest.mark.parametrize(("kind", "name"), PATHS)
def test_replicas_and_workers_share_the_global_batch(request, kind, name):
    examples = request.getfixturevalue(kind)
    config = DataConfig(**AUGMENTATIONS[name])
    whole = training(examples, config, 2, start=1)
    replicas = training(examples, config, 2, start=1, replica=2)
    workers = [
        training(examples, config, 2, start=1, shards=2, shard=shard)
        for shard in (0, 1)
    ]
    for step in (0, 1):
        parts = replicas[4 * step : 4 * step + 4]
        same([joined(parts)], [whole[step]])
        parts = [batches[step] for batches in workers]
        same([joined(parts)], [whole[step]])


@pytest.mark.slow
def test_rand_augment_does_not_depend_on_the_split(source):
    config = DataConfig(rand_augment=0.5)
    whole = training(source, config, 1, batch_size=8)
    parts = [
        training(source, config, 1, shards=2, shard=shard)[0]
        for shard in (0, 1)
    ]
    same([joined(parts)], whole)


def test_augmentations_change_images(source):
    raw = training(source, DataConfig(), 1, batch_size=32)[0]
    for name, fields in AUGMENTATIONS.items():
        images, labels = training(source, DataConfig(**fields), 1, 32)[0]
        assert images.shape == (32, 32, 32, 3)
        assert images.dtype == labels.dtype == np.float32
        np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
        changed = (images != raw[0]).any(axis=(1, 2, 3)).mean()
        assert (changed == 0) if name == "none" else (changed > 0.8)
        assert np.abs(images).max() <= 1 + 1e-6


def test_an_epoch_has_every_example_once(source):
    images = np.concatenate(
        [batch[0] for batch in training(source, DataConfig(), 479, 3)]
    )
    assert len(images) == 1437
    expected = digits.load().train_images
    restored = np.rint((images + 1) * 127.5).astype("uint8")
    assert sorted(image.tobytes() for image in restored) == sorted(
        image.tobytes() for image in expected
    )


@pytest.mark.parametrize("preprocessing", ["scale", "whitening"])
def test_preprocessing_is_that_of_inference(preprocessing):
    config = DataConfig(augmentation="cifar", pad=0, flip=False)
    opened = data.open_data(config)
    batch = evaluation(opened.evaluation, config, 16, 32, preprocessing)[0]
    expected = nasnet_tf.preprocess_input(
        digits.load().held_out_images[:16], preprocessing=preprocessing
    )
    np.testing.assert_allclose(batch["images"], expected, atol=1e-5)
    if preprocessing == "whitening":
        standard = tf.image.per_image_standardization(
            digits.load().held_out_images[:16]
        )
        np.testing.assert_allclose(batch["images"], standard, atol=1e-5)
    # Nothing is left of the augmentation: training sees the same.
    trained, _ = training(
        opened.train, config, 1, 16, preprocessing=preprocessing
    )[0]
    raw, _ = training(opened.train, config, 1, 16)[0]
    np.testing.assert_allclose(
        trained,
        nasnet_tf.preprocess_input(
            np.rint((raw + 1) * 127.5), preprocessing=preprocessing
        ),
        atol=1e-5,
    )


def test_cutout_comes_after_whitening(source):
    fields = {"augmentation": "cifar", "pad": 0, "flip": False}
    whole, cut = (
        training(
            source,
            DataConfig(cutout=side, **fields),
            1,
            32,
            preprocessing="whitening",
        )[0][0]
        for side in (0, 16)
    )
    blank = (cut == 0).all(axis=3)
    # Between a quarter and all of 16x16 pixels.
    assert 64 <= blank.sum(axis=(1, 2)).min()
    assert blank.sum(axis=(1, 2)).max() == 256
    np.testing.assert_array_equal(cut[~blank], whole[~blank])


def test_double_precision_holds_the_same_images(source):
    config = DataConfig(augmentation="cifar")
    single = training(source, config, 1)[0]
    double = training(source, config, 1, float_dtype="float64")[0]
    assert double[0].dtype == double[1].dtype == np.float64
    same([double], [single])


@pytest.mark.parametrize("size", [(48, 40), 40])
def test_images_get_the_size_of_the_network(source, photos, size):
    height, width = (size, size) if isinstance(size, int) else size
    for examples in (source, photos):
        for name in ("none", "cifar", "upsampled", "inception"):
            fields = AUGMENTATIONS[name]
            batches = data.training_batches(
                examples, DataConfig(**fields), size, "scale", 4, 2
            )
            images, labels = batches.element_spec
            assert images.shape == (2, height, width, 3)
            assert labels.shape == (2, len(examples.class_names))
    batch = evaluation(source, DataConfig(), 100, size)[0]
    assert batch["images"].shape == (100, height, width, 3)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"batch_size": 9, "replica": 2}, "batch_size: 9 images cannot be"),
        ({"batch_size": 9, "shards": 2}, "batch_size: 9 images cannot be"),
        ({"batch_size": 8, "start": 0.5}, "position: 4.0 is not a multiple"),
    ],
)
def test_batches_that_do_not_divide_are_one_line(source, arguments, line):
    with pytest.raises(InputError) as error:
        training(source, DataConfig(), 1, **arguments)
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_statistics_are_measured_on_all_classes_as_evaluated(photos):
    """Of a folder in the order of its classes"""
    source = photos
    reading = ImageReading(0.5)

    def batches(seed=0, count=1000):
        found = data.statistics_batches(
            source, reading, 32, "scale", 4, count, seed
        )
        return [images.numpy() for images in found]

    first, again, other = batches(), batches(), batches(seed=1)
    assert len(first) == -(-source.size // 4)
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.subtract(first, other)).max() > 0.1
    with data.decoding_errors():
        expected = {
            image.tobytes()
            for batch in data.evaluation_batches(
                source, reading, 32, "scale", 4
            )
            for image in batch["images"].numpy()[batch["weights"] > 0]
        }
    assert {i.tobytes() for batch in first for i in batch} == expected
    assert len(batches(count=4)) == 1
    labels = [
        example["label"].numpy()
        for example in source.sample(6).evaluation_examples()
    ]
    assert len(labels) == 6 and len(set(labels)) > 1
