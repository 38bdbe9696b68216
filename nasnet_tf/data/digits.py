"""Handwritten digits that scikit-learn ships, as images for the network."""

import dataclasses

import numpy as np
from PIL import Image

CLASS_NAMES = [str(digit) for digit in range(10)]
SIZE = 32
# A fifth of them.
HELD_OUT = 360
SPLIT_SEED = 0
PAPER = 255


@dataclasses.dataclass(frozen=True)
class Digits:
    """Images `(n, 32, 32, 3)`, uint8, dark ink on white; labels `(n,)`."""

    train_images: np.ndarray
    train_labels: np.ndarray
    held_out_images: np.ndarray
    held_out_labels: np.ndarray


def load() -> Digits:
    """The UCI handwritten digits in `sklearn.datasets.load_digits`.

    1,437 images for training and 360 held out, with the same share of each
    class. The split is always the same.
    """
    # Of an extra; who opens other images needs none.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = enlarge(digits.images)
    parts = train_test_split(
        images,
        digits.target,
        test_size=HELD_OUT,
        stratify=digits.target,
        random_state=SPLIT_SEED,
    )
    return Digits(parts[0], parts[2], parts[1], parts[3])


def enlarge(images: np.ndarray) -> np.ndarray:
    """Turns scans into images that the network reads.

    Args:
        images: `(n, 8, 8)`, ink from 0 to 16.

    Returns:
        `(n, 32, 32, 3)`, uint8, dark ink on white as in a photo of paper,
        resized with bicubic interpolation.
    """
    grey = np.rint(PAPER - images * (PAPER / 16)).astype("uint8")
    large = [
        Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        for image in grey
    ]
    return np.stack([np.asarray(image.convert("RGB")) for image in large])
