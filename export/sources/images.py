"""Real images to calibrate and to compare on."""

from __future__ import annotations

import dataclasses
import itertools
import operator
import pathlib

import keras
import numpy as np
from PIL import Image

from export.graph.preprocessing import preprocess
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, listed
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.data import (
    CorruptImages,
    decoding_errors,
    evaluation_batches,
    open_evaluation,
)
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.split import Split
from nasnet_tf.images.image_files import SUFFIXES, image_files
from nasnet_tf.images.image_reading import WHOLE, ImageReading
from nasnet_tf.images.photos import read_readable, verify
from nasnet_tf.images.skipped import Skipped

# Fewer do not tell the ranges of feature maps.
LEAST_CALIBRATION = 100
_BATCH = 32
# Of the smaller side of a photo, the sides of a crop.
_CROPS = (0.3, 1.0)


@dataclasses.dataclass(frozen=True)
class Images:
    """Images at a model's size.

    Args:
        name: for people, such as `"digits, split test: 360 images"`.
        pixels: `(n, height, width, channels)`, uint8.
        labels: `(n,)`, integers in the model's order of classes, or None.
        skipped: what could not be read, for people; "" for nothing.
    """

    name: str
    pixels: np.ndarray
    labels: np.ndarray | None = None
    skipped: str = ""


def inputs(images: Images, preprocessing: str) -> np.ndarray:
    """Images as a model takes them.

    Args:
        images: n of them.
        preprocessing: see `export.graph.preprocessing.preprocess`.

    Returns:
        `(n, height, width, channels)`, float32.
    """
    values = preprocess(images.pixels, preprocessing)
    return keras.ops.convert_to_numpy(values)


def photo_folder(path, argument: str = "folder") -> pathlib.Path:
    """The path of a folder that is there.

    Args:
        path: may begin with `~`.
        argument: what the user gave the path as.

    Raises:
        InputError: no such folder.
    """
    path = expanded_path(argument, path)
    if not path.is_dir():
        raise InputError(
            f"{argument}: {path} is not a folder; give one of photos"
        )
    return path


def folder_images(
    path,
    size: tuple[int, int],
    channels: int,
    count: int,
    seed: int = 0,
    skip: int = 0,
    reading: ImageReading = WHOLE,
    strict: bool = False,
) -> Images:
    """Photos below a folder, chosen at random.

    For one that cannot be read the next takes its place.

    Args:
        path: of the folder; photos may be in folders below it.
        size: `(height, width)` in pixels.
        channels: 3, or 1 for grey.
        count: how many; all, where there are fewer.
        seed: of the choice.
        skip: leave out what a choice of so many takes; where nothing else is
            left, that is taken, and the name says so.
        reading: which part of a photo to take.
        strict: one that cannot be read is an error.

    Raises:
        InputError: no such folder, no photos in it, none that can be read, or
            with `strict` some that were chosen and cannot.
    """
    _check_channels(channels)
    path = photo_folder(path)
    photos = image_files(path)
    if not photos:
        raise InputError(
            f"folder: {path} has no photos; it needs files that end in "
            f"{', '.join(SUFFIXES)}"
        )
    order = np.random.default_rng(seed).permutation(len(photos))
    ordered = [photos[number] for number in order]
    name = path.name or str(path)
    skipped = Skipped()

    def read(photo):
        return np.rint(reading.read(photo, size, channels)).astype("uint8")

    rest = iter(ordered)
    for _ in itertools.islice(read_readable(rest, verify, skipped), skip):
        pass
    found = list(itertools.islice(read_readable(rest, read, skipped), count))
    if skip and not found:
        name = f"{name}, those calibrated on"
        found = list(
            itertools.islice(read_readable(ordered, read, skipped), count)
        )
    if not found:
        raise InputError(
            f"folder: none of the {len(photos):,} files in {path} can be read "
            f"as images ({skipped}); replace them"
        )
    if strict and skipped.count:
        raise InputError(
            f"folder: files in {path} cannot be read as images ({skipped}); "
            "leave out or replace"
        )
    found.sort(key=operator.itemgetter(0))
    return _named(
        name, np.stack([pixels for _, pixels in found]), skipped=skipped
    )


def data_images(
    config: DataConfig,
    split: str | None,
    size: tuple[int, int],
    channels: int,
    count: int,
    seed: int = 0,
    class_names: list[str] | None = None,
    reading: ImageReading = WHOLE,
    kept: Split | None = None,
    strict: bool = False,
) -> Images:
    """Images of a data set, chosen at random.

    Where one cannot be decoded, all are chosen anew without it.

    Args:
        config: which set.
        split: of it; None: what training evaluates on. Of the train split
            what is held out for that is left out.
        size: `(height, width)` in pixels.
        channels: of the model; the images have 3.
        count: how many; all, where there are fewer.
        seed: that training had, for the held-out examples; also of the
            choice.
        class_names: of the model, which number the labels; None: as the data
            number them.
        reading: which part of an image to take.
        kept: what the job that trained the model holds out.
        strict: one that cannot be decoded is an error.

    Raises:
        InputError: the data are not there or cannot be read, or have other
            classes or channels than the model.
    """
    source = open_evaluation(config, seed, split, class_names, kept)
    if channels != source.channels:
        raise InputError(
            f"data: the images of {source.name} have {source.channels} "
            f"channels, and the model reads {channels}; give other data"
        )
    order = _class_order(source, class_names)
    corrupt = CorruptImages()
    while True:
        part = source.sample(count, seed)
        found, decoded = _decoded(
            part, reading, size, None if strict else corrupt
        )
        if decoded.all():
            break
        # The numbers of a sample are those that it has kept, in order.
        bad = np.zeros(len(source.kept), bool)
        bad[np.flatnonzero(part.kept)[~decoded]] = True
        source = source.part(~bad, source.name)
    pixels, labels = found
    return _named(source.name, pixels, order[labels], corrupt)


def _decoded(part, reading, size, corrupt):
    """Pixels and labels of a source, and whether each was decoded."""
    pixels, labels, decoded = [], [], []
    # Scaled and then back: pixels as evaluation reads them come so only.
    batches = evaluation_batches(
        part, reading, size, "scale", _BATCH, corrupt=corrupt
    )
    left = part.size
    with decoding_errors():
        # It ends a source that would be read on for more.
        for batch in batches.take(-(-part.size // _BATCH)):
            counted = batch["weights"].numpy() > 0
            decoded.append(counted[:left])
            left -= len(counted)
            scaled = batch["images"].numpy()[counted]
            pixels.append(np.rint((scaled + 1) * 127.5).astype("uint8"))
            labels.append(batch["labels"].numpy()[counted])
    return (
        (np.concatenate(pixels), np.concatenate(labels)),
        np.concatenate(decoded),
    )


def _class_order(source, class_names):
    """The number that the model gives to each class of the data."""
    names = list(source.class_names)
    if class_names is None or list(class_names) == names:
        return np.arange(len(names))
    if sorted(class_names) != sorted(names) or len({*names}) != len(names):
        raise InputError(
            f"data: {source.name} has the {len(names)} classes {listed(names)} "
            f"and the model the {len(class_names)} classes "
            f"{listed(class_names)}; give the data that it was trained for"
        )
    return np.array([list(class_names).index(name) for name in names])


def sample_photos(
    size: tuple[int, int], channels: int, count: int = 8, seed: int = 0
) -> Images:
    """Random crops of the two photographs that scikit-learn ships.

    Args:
        size: `(height, width)` in pixels.
        channels: 3, or 1 for grey.
        count: how many; the photographs take turns.
        seed: of the crops.

    Raises:
        InputError: scikit-learn is missing, or the model takes other images.
    """
    _check_channels(channels)
    check_packages("sample photos", {"scikit-learn": "sklearn"}, "export")
    # Of an extra, and only for these two photographs.
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(image) for image in load_sample_images().images]
    generator = np.random.default_rng(seed)
    pixels = []
    for number in range(count):
        photo = photos[number % len(photos)]
        side = min(photo.size) * generator.uniform(*_CROPS)
        left, top = generator.uniform(0, np.subtract(photo.size, side))
        crop = photo.convert("L" if channels == 1 else "RGB").resize(
            size[::-1],
            Image.Resampling.BILINEAR,
            (left, top, left + side, top + side),
        )
        pixels.append(np.asarray(crop).reshape(*size, channels))
    return _named("crops of scikit-learn's photographs", np.stack(pixels))


def random_images(
    size: tuple[int, int], channels: int, count: int, seed: int = 0
) -> Images:
    """Noise: every value of 0 to 255 is as likely everywhere."""
    pixels = np.random.default_rng(seed).integers(
        0, 256, (count, *size, channels), dtype=np.uint8
    )
    return _named("noise", pixels)


def _check_channels(channels):
    if channels not in (1, 3):
        raise InputError(
            f"channels: the model reads {channels}, and photos have 3 or, in "
            "grey, 1; give data of its own"
        )


def _named(name, pixels, labels=None, skipped=None):
    """Images; `skipped` is a `Skipped` or a `CorruptImages`."""
    name = f"{name}: {len(pixels):,} images"
    if skipped is None or not skipped.count:
        return Images(name, pixels, labels)
    return Images(
        f"{name}, {skipped.count:,} skipped", pixels, labels, str(skipped)
    )
