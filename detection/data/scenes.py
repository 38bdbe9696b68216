"""Scenes of handwritten digits, a small data set for detection.

The digits are real, those of `nasnet_tf.data.digits`; where they are, how
large, in which colours and on what they lie is drawn from a seed.
"""

import json
import pathlib

import numpy as np
from PIL import Image

from nasnet_tf.checks.arguments import check_choice, check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.data import digits
from nasnet_tf.files.output_file import (
    cannot_be_written,
    make_folder,
    written_beside,
)

SPLITS = ("train", "validation")
ANNOTATIONS = "annotations.json"
IMAGES = "images"
CATEGORIES = [
    {"id": digit + 1, "name": name}
    for digit, name in enumerate(digits.CLASS_NAMES)
]
# Of the image's side: 20 to 48 pixels of 128.
_SIZES = 20 / 128, 48 / 128
_LEAST_SIZE, _MOST_SIZE = 64, 1024
_MOST_DIGITS = 6
# Of the smaller of two boxes, how much the other may cover.
_OVERLAP = 0.1
_ATTEMPTS = 30
# Of full ink: fainter pixels are no part of a stroke.
_VISIBLE = 0.25
# Between ink and what is behind it, of 255.
_CONTRAST = 80
_QUALITY = 92


def write_scenes(
    folder,
    num_images: int,
    seed: int = 0,
    image_size: int = 128,
    split: str = "train",
) -> pathlib.Path:
    """Writes scenes and their annotations in COCO's format.

    `images/scene-00000.jpg` and so on, and `annotations.json`, which comes
    last: a folder without it is not finished. An earlier set is replaced. A
    scene depends on the seed, the split, the size and its number only.

    Categories 1 to 10 are named "0" to "9". A box is that of a digit's visible
    strokes; its area is the box's. Digits are 20 to 48 pixels large where an
    image has 128, in a square of which they fill most of the height.

    Args:
        folder: made where it is missing.
        num_images: how many.
        seed: of all that is random.
        image_size: pixels a side, 64 to 1024.
        split: `"train"` or `"validation"`, which share no digit.

    Returns:
        The path of `annotations.json`.

    Raises:
        InputError: a bad argument, or a folder that cannot be written.
    """
    check_integer("num_images", num_images)
    check_integer("seed", seed, least=0)
    check_integer("image_size", image_size, least=_LEAST_SIZE)
    if image_size > _MOST_SIZE:
        raise InputError(
            f"image_size: {image_size} is too large; {_MOST_SIZE} is the most"
        )
    check_choice("split", split, SPLITS)
    folder = make_folder(folder, "folder")
    make_folder(folder / IMAGES, "folder")
    annotations = folder / ANNOTATIONS
    try:
        annotations.unlink(missing_ok=True)
        for path in (folder / IMAGES).glob("scene-*.jpg"):
            path.unlink()
        images, boxes = _write_images(
            folder / IMAGES, num_images, seed, image_size, split
        )
    except OSError as error:
        raise cannot_be_written("folder", folder, error) from None
    content = {
        "info": {"description": f"scenes of digits, {split}, seed {seed}"},
        "images": images,
        "annotations": boxes,
        "categories": CATEGORIES,
    }
    with written_beside(annotations, "folder") as beside:
        beside.write_text(json.dumps(content))
    return annotations


def _write_images(folder, num_images, seed, size, split):
    """COCO's entries of the images written and of the boxes in them."""
    scans, labels = _digits(split)
    images: list[dict] = []
    boxes: list[dict] = []
    for number in range(num_images):
        generator = np.random.default_rng(
            (seed, SPLITS.index(split), size, number)
        )
        pixels, found = compose(scans, labels, size, generator)
        name = f"scene-{number:05d}.jpg"
        Image.fromarray(pixels).save(
            folder / name, quality=_QUALITY, subsampling=0
        )
        images.append(
            {"id": number + 1, "file_name": name, "width": size, "height": size}
        )
        for label, box in found:
            boxes.append(
                {
                    "id": len(boxes) + 1,
                    "image_id": number + 1,
                    "category_id": label + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    return images, boxes


def compose(
    scans: np.ndarray,
    labels: np.ndarray,
    size: int,
    generator: np.random.Generator,
) -> tuple[np.ndarray, list[tuple[int, list[int]]]]:
    """One scene of 1 to 6 digits.

    Args:
        scans: `(n, s, s)`, ink from 0 to 1, to choose from.
        labels: `(n,)`.
        size: of the scene in pixels.
        generator: makes all choices.

    Returns:
        `(size, size, 3)`, uint8; and of each digit its label and its box: x,
        y, width and height in pixels.
    """
    image = _background(size, generator)
    boxes: list[tuple[int, list[int]]] = []
    for _ in range(generator.integers(1, _MOST_DIGITS, endpoint=True)):
        chosen = generator.integers(len(scans))
        ink = _resized(scans[chosen], size, generator)
        if box := _free_box(ink, size, boxes, generator):
            _draw(image, ink, box, generator)
            boxes.append((int(labels[chosen]), box))
    return np.rint(image).clip(0, 255).astype("uint8"), boxes


def _digits(split):
    loaded = digits.load()
    images, labels = (
        (loaded.train_images, loaded.train_labels)
        if split == "train"
        else (loaded.held_out_images, loaded.held_out_labels)
    )
    return 1 - images[..., 0] / np.float32(digits.PAPER), labels


def _resized(scan, size, generator):
    """Ink of 0 to 1, cut to the visible strokes."""
    low, high = (round(side * size) for side in _SIZES)
    side = generator.integers(low, high, endpoint=True)
    ink = np.asarray(
        Image.fromarray(scan).resize((side, side), Image.Resampling.BICUBIC)
    )
    # Bicubic interpolation overshoots.
    ink = np.clip(ink, 0, 1)
    rows, columns = (np.flatnonzero((ink > _VISIBLE).any(a)) for a in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free_box(ink, size, boxes, generator):
    """Where a digit covers no other; None where no such place was found."""
    height, width = ink.shape
    for _ in range(_ATTEMPTS):
        x = int(generator.integers(0, size - width, endpoint=True))
        y = int(generator.integers(0, size - height, endpoint=True))
        box = [x, y, width, height]
        if all(_covered(box, other) <= _OVERLAP for _, other in boxes):
            return box
    return None


def _covered(box, other):
    sides = [
        min(box[k] + box[k + 2], other[k] + other[k + 2])
        - max(box[k], other[k])
        for k in (0, 1)
    ]
    smaller = min(box[2] * box[3], other[2] * other[3])
    return max(sides[0], 0) * max(sides[1], 0) / smaller


def _draw(image, ink, box, generator):
    x, y, width, height = box
    region = image[y : y + height, x : x + width]
    behind = region.mean((0, 1))
    color = _color(generator)
    while abs(_grey(color) - _grey(behind)) < _CONTRAST:
        color = _color(generator)
    alpha = ink[..., np.newaxis]
    region *= 1 - alpha
    region += alpha * color


def _background(size, generator):
    """Two colours in a gradient, with stripes or not, and noise."""
    angle = generator.uniform(0, 2 * np.pi)
    steps = np.linspace(-1, 1, size, dtype="float32")
    across = np.cos(angle) * steps + np.sin(angle) * steps[:, np.newaxis]
    share = (across - across.min()) / np.ptp(across)
    ends = _color(generator, 50, 205), _color(generator, 50, 205)
    image = ends[0] + share[..., np.newaxis] * (ends[1] - ends[0])
    if generator.random() < 0.4:
        period = generator.uniform(0.1, 0.4)
        wave = np.sin(2 * np.pi * across / period)
        image += generator.uniform(5, 14) * wave[..., np.newaxis]
    for cells in (4, 12, 40):
        strength = generator.uniform(3, 14)
        image += strength * _noise(cells, size, generator)[..., np.newaxis]
    image += generator.normal(0, generator.uniform(1, 5), image.shape)
    return image


def _noise(cells, size, generator):
    """Smooth noise of a scale, standard deviation about 1."""
    grid = generator.normal(size=(cells, cells)).astype("float32")
    field = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(field)


def _color(generator, low=0, high=255):
    return generator.uniform(low, high, 3)


def _grey(color):
    return color @ np.array([0.299, 0.587, 0.114])
