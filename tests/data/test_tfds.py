"""Sets of TensorFlow Datasets, in memory and as streams."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from nasnet_tf import InputError, data
from nasnet_tf.data.config import DataConfig
from tests.data.image_sets import evaluation, photo, same, training

TRAIN, TEST = 60, 7
IN_MEMORY = {"name": "tiny_squares"}
STREAM = {"name": "tiny_photos", "shuffle_buffer": 16}


class _Tiny:
    VERSION = tfds.core.Version("1.0.0")
    SHAPE = (None, None, 3)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=self.SHAPE, encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(names=["a", "b", "c"]),
                    "file_name": tfds.features.Text(),
                    "grade": tfds.features.Scalar(dtype=np.int64),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(TRAIN),
            "test": self._generate_examples(TEST, 99),
        }

    def _generate_examples(self, count, seed=0):
        for number in range(count):
            size = self.SHAPE[:2]
            if None in size:
                size = (33 + number % 4, 32 + number % 3)
            yield (
                number,
                {
                    "image": np.asarray(photo(seed + number, size)),
                    "label": -1 if seed and number == 5 else number % 3,
                    "file_name": f"photo {number}",
                    "grade": number,
                },
            )


class TinyPhotos(_Tiny, tfds.core.GeneratorBasedBuilder):
    """Photos of several sizes."""


class TinySquares(_Tiny, tfds.core.GeneratorBasedBuilder):
    """Photos of one size."""

    SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    for builder, files in ((TinyPhotos, 5), (TinySquares, 1)):
        builder(data_dir=root).download_and_prepare(
            download_config=tfds.download.DownloadConfig(num_shards=files)
        )
    return root


@pytest.fixture
def config(data_dir):
    def make(**fields):
        defaults = {
            "source": "tfds",
            "data_dir": str(data_dir),
            "evaluation_split": "test[:5]",
        }
        return DataConfig(**{**defaults, **fields})

    return make


def names(examples, count):
    return [
        example["name"].numpy().decode() for example in examples.take(count)
    ]


@pytest.mark.parametrize("fields", [IN_MEMORY, STREAM])
def test_every_example_comes_once_an_epoch(config, fields):
    opened = data.open_data(config(**fields))
    assert opened.class_names == ["a", "b", "c"]
    assert (opened.train.size, opened.evaluation.size) == (TRAIN, 5)
    assert opened.train.image_shape == (
        (32, 32, 3) if fields is IN_MEMORY else None
    )
    everything = names(opened.train.training_examples(0, 4), 2 * TRAIN)
    first, second = everything[:TRAIN], everything[TRAIN:]
    expected = sorted(f"photo {number}" for number in range(TRAIN))
    assert sorted(first) == sorted(second) == expected
    assert sum(a != b for a, b in zip(first, second, strict=True)) > TRAIN / 2
    batches = evaluation(opened.evaluation, config(**fields), 4)
    assert [batch["weights"].sum() for batch in batches] == [4, 1]
    numbers = np.concatenate([batch["numbers"] for batch in batches])[:5]
    assert numbers.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("fields", [IN_MEMORY, STREAM])
def test_a_resumed_set_goes_on_bit_for_bit(config, fields):
    settings = config(augmentation="inception", **fields)
    source = data.open_data(settings).train
    whole = training(source, settings, 17, seed=2)
    for start in (3, 7, 8, 15):
        resumed = training(source, settings, 17 - start, start=start, seed=2)
        same(resumed, whole[start:])


def test_the_order_of_a_stream_is_its_seed_s_alone(config):
    source = data.open_data(config(**STREAM)).train
    orders = []
    for other in (1, 2):
        tf.random.set_seed(other)
        orders.append(names(source.training_examples(0, 4, seed=3), TRAIN))
    assert orders[0] == orders[1]
    assert orders[0] != names(source.training_examples(0, 4, seed=4), TRAIN)


def test_streams_read_by_several_workers(config):
    source = data.open_data(config(**STREAM)).train
    # Five files: one each for five workers.
    epochs = [
        names(source.training_examples(0, 20, shard, 5), TRAIN // 5)
        for shard in range(5)
    ]
    assert len({name for epoch in epochs for name in epoch}) == TRAIN
    resumed = names(source.training_examples(40, 20, 2, 5), 4)
    assert resumed == epochs[2][8:12]
    # They are not even for two workers, who read all and take their parts.
    whole = names(source.training_examples(8, 8), 16)
    parts = [
        names(source.training_examples(8, 8, shard, 2), 8) for shard in (0, 1)
    ]
    assert parts[0][:4] + parts[1][:4] + parts[0][4:] + parts[1][4:] == whole


@pytest.mark.parametrize("fields", [IN_MEMORY, STREAM])
def test_held_out_examples_are_the_same_however_they_are_read(config, fields):
    settings = config(held_out=10, **fields)
    opened = data.open_data(settings, seed=3)
    assert (opened.train.size, opened.evaluation.size) == (50, 10)
    trained = names(opened.train.training_examples(0, 5), 50)
    held_out = names(opened.evaluation.evaluation_examples(), 11)
    assert len(held_out) == 10
    assert len(set(trained) | set(held_out)) == TRAIN
    chosen = np.flatnonzero(data.order.held_out(TRAIN, 10, 3))
    numbers = [
        int(example["number"])
        for example in opened.evaluation.evaluation_examples()
    ]
    assert numbers == chosen.tolist()


def test_a_set_that_is_too_large_is_not_kept_in_memory(config):
    source = data.open_data(config(cache_mib=0, **IN_MEMORY)).train
    assert source.image_shape is None
    stream = evaluation(source, config(), TRAIN)[0]
    memory = evaluation(
        data.open_data(config(**IN_MEMORY)).train, config(), TRAIN
    )[0]
    for key, values in memory.items():
        np.testing.assert_array_equal(stream[key], values)


def test_corrupt_examples_of_a_set_in_memory(config, monkeypatch):
    decode = data.tfds_source.decoding.decode

    def failing(encoded):
        half = tf.random.stateless_uniform(
            (), [tf.strings.to_hash_bucket_fast(encoded, 1000), 0]
        )
        with tf.control_dependencies([tf.debugging.Assert(half < 0.5, [half])]):
            return decode(encoded)

    monkeypatch.setattr(data.tfds_source.decoding, "decode", failing)
    with pytest.raises(InputError, match="cannot be decoded; replace"):
        data.open_data(config(**IN_MEMORY))
    opened = data.open_data(config(**IN_MEMORY), evaluate=False)
    source, bad = opened.train, set(opened.train.unreadable.values())
    assert source.size == TRAIN - len(bad) and 15 < len(bad) < 45
    corrupt = data.CorruptImages()
    seen = names(source.training_examples(0, 5), source.size)
    assert len(set(seen)) == source.size and not bad & set(seen)
    training(source, config(), 1, corrupt=corrupt)
    assert set(corrupt.names) == bad
    with pytest.raises(InputError, match="cannot be decoded; replace"):
        evaluation(source, config())


@pytest.mark.parametrize("fields", [IN_MEMORY, STREAM])
def test_counts_of_classes(config, fields):
    settings = config(train_split="train[:31]", held_out=10, **fields)
    source = data.open_data(settings, seed=3).train
    seen = names(source.evaluation_examples(), 31)
    labels = [int(name.removeprefix("photo ")) % 3 for name in seen]
    counts = source.class_counts()
    assert counts.tolist() == [labels.count(n) for n in range(3)]
    assert counts.sum() == 21


def test_a_stream_with_a_label_without_a_class_is_not_counted(config):
    settings = config(evaluation_split="test", **STREAM)
    source = data.open_data(settings).evaluation
    with pytest.raises(InputError, match="the label -1 of photo 5 is none"):
        source.class_counts()


@pytest.mark.parametrize("fields", [IN_MEMORY, STREAM])
def test_a_label_without_a_class_is_one_line(config, fields):
    settings = config(evaluation_split="test", **fields)
    with pytest.raises(InputError) as error:
        evaluation(data.open_data(settings).evaluation, settings)
    line = str(error.value)
    assert "\n" not in line
    assert "the label -1 of photo 5 is none of its 3 classes" in line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"name": "tiny_photo"}, "data.name: 'tiny_photo' is neither a set"),
        ({"name": "not a name"}, "data.name: 'not a name' in data.data_dir"),
        ({"train_split": "trian"}, "data.train_split: 'trian' is not in tin"),
        ({"train_split": "train[:0]"}, "data.train_split: 'train[:0]' of t"),
        ({"evaluation_split": "x"}, "data.evaluation_split: 'x' is not in"),
        ({"image_key": "picture"}, "data.image_key: 'picture' is not in ti"),
        ({"image_key": "label"}, "data.image_key: 'label' of tiny_photos is"),
        ({"label_key": "grade"}, "data.label_key: 'grade' of tiny_photos has"),
    ],
)
def test_bad_sets_are_one_line(config, fields, line):
    with pytest.raises(InputError) as error:
        data.open_data(config(**{**STREAM, **fields}))
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_a_missing_set_names_the_folder_and_the_remedy(config, tmp_path):
    with pytest.raises(InputError) as error:
        data.open_data(config(**{**STREAM, "data_dir": str(tmp_path)}))
    assert str(error.value) == (
        f"data.data_dir: {tmp_path} does not hold tiny_photos/1.0.0; give the "
        "folder that does, or get it by: tfds build tiny_photos "
        f"--data_dir={tmp_path}"
    )
    assert not list(tmp_path.iterdir())
