"""Images as a network gets them, as a picture."""

import math

import numpy as np
from PIL import Image

# Images in a row or column.
LARGEST_GRID = 8
GAP = 2
# Smaller images are enlarged by a whole factor to no more than this side.
SHOWN_SIDE = 96


def sample_grid(images) -> Image.Image:
    """The first 64 images or fewer in a grid, at most 8 in a row.

    Each is scaled so that its least value is black and its greatest white:
    whitened images have no range of their own. Small ones are enlarged.

    Args:
        images: floats `(n, height, width, channels)`, n at least 1; other
            than 3 channels are shown by the first, in grey.
    """
    images = np.asarray(images).astype("float32")[: LARGEST_GRID**2]
    images = images if images.shape[-1] == 3 else images[..., :1]
    least = images.min((1, 2, 3), keepdims=True)
    greatest = images.max((1, 2, 3), keepdims=True)
    # An image of one value is black.
    scale = 255 / np.maximum(greatest - least, 1e-12)
    shown = np.rint((images - least) * scale).astype("uint8")
    factor = max(1, SHOWN_SIDE // max(shown.shape[1:3]))
    shown = shown.repeat(factor, axis=1).repeat(factor, axis=2)
    return Image.fromarray(_tiled(shown))


def _tiled(images):
    columns = min(LARGEST_GRID, math.ceil(math.sqrt(len(images))))
    rows = math.ceil(len(images) / columns)
    _, height, width, _ = images.shape
    height, width = height + GAP, width + GAP
    grid = np.full(
        (rows * height - GAP, columns * width - GAP, 3), 255, "uint8"
    )
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = row * height, column * width
        grid[top : top + height - GAP, left : left + width - GAP] = image
    return grid
