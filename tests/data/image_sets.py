"""Small sets of images for the tests of `nasnet_tf.data`."""

import itertools

import numpy as np
from PIL import Image

from nasnet_tf import data
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.reading import configured_reading


def photo(seed, size=(40, 48), mode="RGB"):
    """A smooth picture, which JPEG keeps, and of which no two are alike."""
    generator = np.random.default_rng(seed)
    small = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize(size[::-1], Image.Resampling.BILINEAR)
    return image.convert(mode)


def write_folder(root, counts, suffix=".jpg"):
    """Writes `{split: {class: number of images}}`; returns the root."""
    seeds = itertools.count()
    for split, classes in counts.items():
        for name, count in classes.items():
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                seed = next(seeds)
                size = (36 + seed % 5, 40 + seed % 7)
                photo(seed, size).save(folder / f"{number}{suffix}")
    return root


def folder_config(root, **fields):
    return DataConfig(
        **{"source": "folder", "data_dir": str(root), "pad": 2, **fields}
    )


def training(
    source,
    config,
    steps,
    batch_size=8,
    start=0,
    replica=None,
    shards=1,
    preprocessing="scale",
    size=32,
    **arguments,
):
    """Images and labels of each replica's batch of some steps."""
    replica = replica or batch_size // shards
    batches = data.training_batches(
        source,
        config,
        size,
        preprocessing,
        batch_size,
        replica,
        start * batch_size,
        shards=shards,
        **arguments,
    )
    each = steps * (batch_size // shards // replica)
    return [
        (images.numpy(), labels.numpy())
        for images, labels in batches.take(each)
    ]


def evaluation(
    source,
    config,
    batch_size=8,
    size=32,
    preprocessing="scale",
    corrupt=None,
):
    """All evaluation batches, as dicts of arrays."""
    with data.decoding_errors():
        return [
            {key: values.numpy() for key, values in batch.items()}
            for batch in data.evaluation_batches(
                source,
                configured_reading(config),
                size,
                preprocessing,
                batch_size,
                corrupt=corrupt,
            )
        ]


def same(batches, others):
    """Asserts that two lists of batches are equal, bit for bit."""
    assert len(batches) == len(others) > 0
    for batch, other in zip(batches, others, strict=True):
        for values, expected in zip(batch, other, strict=True):
            np.testing.assert_array_equal(values, expected)


def joined(parts):
    """One batch from the batches of all replicas or workers."""
    return tuple(map(np.concatenate, zip(*parts, strict=True)))
