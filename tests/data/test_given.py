"""What a program gives, checked."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.batches import evaluation_batches
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.corrupt_images import decoding_errors
from nasnet_tf.data.given import GivenData, given_source
from nasnet_tf.images.image_reading import WHOLE
from tests.conftest import line_of

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3), "uint8")
LABELS = np.array([0, 1, 2, 0, 1, 2])


def dataset(images=IMAGES, labels=LABELS):
    return tf.data.Dataset.from_tensor_slices((images, labels))


def read(source):
    batches = evaluation_batches(source, WHOLE, 40, "scale", 4)
    with decoding_errors():
        parts = [
            {k: v.numpy()[batch["weights"].numpy() > 0] for k, v in b.items()}
            for b in batches
            for batch in [b]
        ]
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


@pytest.mark.parametrize(
    "data",
    [
        (IMAGES, LABELS),
        (IMAGES.astype("float64"), LABELS[:, None]),
        (IMAGES.astype("int64"), np.eye(3)[LABELS]),
        (IMAGES.tolist(), LABELS.tolist()),
        dataset(),
        dataset(IMAGES.astype("float16"), np.eye(3)[LABELS]),
        dataset(IMAGES, LABELS[:, None]).batch(4),
        dataset().batch(3, drop_remainder=True),
    ],
)
def test_forms(data):
    source = given_source(data)
    assert (source.size, source.class_names) == (6, ["0", "1", "2"])
    assert source.image_shape == (40, 40, 3)
    np.testing.assert_array_equal(source.class_counts(), [2, 2, 2])
    found = read(source)
    np.testing.assert_array_equal(found["labels"], LABELS)
    np.testing.assert_array_equal(found["numbers"], range(6))
    np.testing.assert_allclose(
        found["images"], IMAGES / 127.5 - 1, atol=1e-6, rtol=0
    )
    assert source.sample(2).size == 2
    assert len(read(source.sample(2))["labels"]) == 2


def test_floats_are_not_rounded():
    images = np.full((2, 32, 32, 1), 100.25)
    source = given_source((images, [0, 1]))
    image = next(iter(source.evaluation_examples()))["image"].numpy()
    np.testing.assert_array_equal(image, np.full((32, 32, 3), 100.25, "f4"))


def test_digest():
    def digest(images=IMAGES, labels=LABELS, other=None, names=None):
        return GivenData.of((images, labels), other, names).digest

    changed = IMAGES.copy()
    changed[5, 39, 39, 2] ^= 1
    assert digest() == digest(IMAGES.copy(), np.eye(3)[LABELS])
    assert digest() == digest(np.asfortranarray(IMAGES))
    different = {
        digest(),
        digest(changed),
        digest(labels=LABELS[::-1]),
        digest(names=["a", "b", "c"]),
        digest(other=(IMAGES, LABELS)),
        digest(IMAGES.astype("float32")),
        digest(IMAGES.reshape(6, 20, 80, 3)),
    }
    assert len(different) == 7
    assert GivenData.of(dataset()).digest is None
    assert digest(other=dataset()) == digest()


NAN = np.where(np.arange(6)[:, None, None, None] == 4, np.nan, IMAGES)


@pytest.mark.parametrize(
    ("data", "names", "line"),
    [
        (IMAGES, None, "data: ndarray is neither (images, labels) nor a tf"),
        ((IMAGES,) * 3, None, "data: a tuple of 3 is neither"),
        ((IMAGES[..., 0], LABELS), None, "data: images of shape (6, 40, 40)"),
        ((IMAGES[..., :2], LABELS), None, "data: images of shape (6, 40, 40,"),
        ((IMAGES[:0], LABELS[:0]), None, "data: there are no images"),
        ((NAN, LABELS), None, "data: image 4 has values that are not finite"),
        ((IMAGES / 255, LABELS), None, "data: pixels from 0 to 1; give 0 to"),
        ((IMAGES - 128.0, LABELS), None, "data: pixels from -128 to 127"),
        ((IMAGES, LABELS[:5]), None, "data: 6 images and 5 labels"),
        ((IMAGES, LABELS - 1), None, "data: label -1 of image 0 is no class"),
        ((IMAGES, LABELS / 2), None, "data: labels of type float64"),
        ((IMAGES, LABELS + 10**6), None, "data: label 1000002 of image 2 is"),
        ((IMAGES, np.eye(3)[LABELS] / 2), None, "data: the label of image 0"),
        ((IMAGES, ["a"] * 6), None, "data, labels: values of type <U1 are no"),
        (([IMAGES[0], IMAGES[0, 1:]], [0, 1]), None, "data, images: no array"),
        ((IMAGES, LABELS), ["a", "b"], "data: label 2 of image 2 is none of"),
        ((IMAGES, np.eye(3)[LABELS]), ["a"], "class_names: 1 names for the 3"),
        ((IMAGES, LABELS), ["a", "b", "a"], "class_names: a is there twice"),
        ((IMAGES, LABELS), "abc", "class_names: 'abc' is no list of names"),
        (dataset().repeat(), None, "data: a Dataset without an end"),
        (dataset().take(0), None, "data: there are no images in it"),
        (dataset().map(lambda i, _: i), None, "data: its elements are Tensor"),
        (dataset(IMAGES[..., 0]), None, "data: images of shape (None, 40, 40)"),
        (dataset(IMAGES / 255), None, "data: pixels from 0 to 1"),
        (dataset(NAN[4:], LABELS[4:]), None, "data: image 0 has values that"),
        (dataset(IMAGES, LABELS / 2), None, "data: labels of type float64"),
        (dataset(labels=LABELS - 1), None, "data: label -1 is no class; mend"),
        (
            dataset(labels=np.eye(3)[LABELS] * 2),
            None,
            "data: a label is not one-hot",
        ),
        (
            dataset(labels=np.eye(3)[LABELS]),
            ["a"],
            "class_names: 1 names for the 3 classes",
        ),
    ],
)
def test_bad_data(data, names, line):
    with pytest.raises(InputError) as error:
        GivenData.of(data, None, names).open()
    assert line_of(error).startswith(line)


def test_labels_that_a_stream_brings_later():
    source = given_source(dataset(), ["a", "b"])
    with pytest.raises(InputError) as error:
        read(source)
    assert line_of(error) == "data from Python: label 2 is none of the classes"


def test_workers_of_a_stream_share_its_batches():
    source = given_source(dataset())

    def numbers(**arguments):
        examples = source.training_examples(4, 4, **arguments).take(4)
        return [int(example["number"]) for example in examples]

    # The epoch ends after the first two.
    assert numbers() == [4, 5, 0, 1]
    assert numbers(shard=0, shards=2) == [4, 5, 2, 3]
    assert numbers(shard=1, shards=2) == [0, 1, 4, 5]


def test_parts_that_do_not_fit():
    def line(config=None, **given):
        with pytest.raises(InputError) as error:
            given = GivenData.of(**given)
            given.configured(config or DataConfig())
            given.open()
        return line_of(error)

    arrays = (IMAGES, LABELS)
    more = (IMAGES, LABELS + 1)
    assert line(data=arrays, evaluation_data=more).startswith(
        "evaluation_data: label 3 of image 2 is none of the 3 classes"
    )
    assert line(data=dataset(), evaluation_data=more).startswith(
        "evaluation_data: label 3 of image 2"
    )
    assert line(data=None, class_names=["a"]).startswith(
        "class_names: given without data"
    )
    held_out = DataConfig(held_out=2)
    assert line(held_out, data=arrays, evaluation_data=arrays).startswith(
        "data.held_out: 2 beside evaluation_data"
    )
    assert line(held_out, data=dataset()).startswith(
        "data.held_out: 2 of a Dataset, of which none can be held out"
    )


@pytest.mark.parametrize(
    ("batch", "line"),
    [
        ((IMAGES, LABELS, np.ones(6)), "data: batch 0 is a tuple of 3"),
        ((IMAGES, LABELS[:4]), "data: a batch of 6 images and 4 labels"),
        ((IMAGES, LABELS / 2), "data: labels of type float64"),
    ],
)
def test_py_datasets_of_other_batches(batch, line):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, number):
            return batch

    with pytest.raises(InputError) as error:
        given_source(Batches())
    assert line_of(error).startswith(line)
