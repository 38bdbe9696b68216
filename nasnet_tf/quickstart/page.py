"""Reads a page of digits with the saved model."""

import numpy as np
from PIL import Image

from nasnet_tf.data.digits import CLASS_NAMES, PAPER
from nasnet_tf.pictures import figures
from nasnet_tf.zoo.applications import preprocess_input

TITLE = "A page of digits"
NEEDS = ("digits", "saving")

ROWS, COLUMNS = 6, 10
MARGIN = 4


def paste_page(images: np.ndarray, columns: int = COLUMNS) -> np.ndarray:
    """Puts images into the cells of a white page, row by row.

    Args:
        images: `(n, height, width, 3)`, uint8; n is a multiple of `columns`.
        columns: cells in a row.

    Returns:
        `(rows * (height + 8), columns * (width + 8), 3)`: each image has a
        margin of 4 pixels.
    """
    border = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    cells = np.pad(images, border, constant_values=PAPER)
    _, height, width, channels = cells.shape
    cells = cells.reshape(-1, columns, height, width, channels)
    return cells.swapaxes(1, 2).reshape(-1, columns * width, channels)


def cut_page(page: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The images in the cells of a page; the inverse of `paste_page`."""
    height, width = page.shape[0] // rows, page.shape[1] // columns
    cells = page.reshape(rows, height, columns, width, -1).swapaxes(1, 2)
    inside = cells[:, :, MARGIN : height - MARGIN, MARGIN : width - MARGIN]
    return inside.reshape(rows * columns, *inside.shape[2:])


def stage(context) -> np.ndarray:
    """Returns the probabilities `(60, 10)` of the digits on the page."""
    digits = context.results["digits"]
    rows = min(ROWS, len(digits.held_out_labels) // COLUMNS)
    chosen = np.random.default_rng(context.seed).choice(
        len(digits.held_out_labels), rows * COLUMNS, replace=False
    )
    with context.new_file("page.png", "a page of held-out digits") as path:
        page = paste_page(digits.held_out_images[chosen])
        Image.fromarray(page).save(path)
    with Image.open(context.out / "page.png") as image:
        cells = cut_page(np.asarray(image.convert("RGB")), rows, COLUMNS)
    model = context.results["saving"]
    probabilities = model.predict(preprocess_input(cells), verbose=0)
    predicted = probabilities.argmax(axis=-1)
    wrong = predicted != digits.held_out_labels[chosen]
    context.say(
        f"page.png was cut into {len(cells)} cells; the saved model read "
        f"{len(cells) - int(wrong.sum())} of them correctly."
    )
    captions = [
        f"{CLASS_NAMES[label]} \u00b7 {row.max():.0%}"
        for label, row in zip(predicted, probabilities, strict=True)
    ]
    figure = figures.image_grid(cells, captions, wrong, columns=COLUMNS)
    context.section.figure(
        figure,
        "The reading and its probability under each digit; mistakes are red",
        wide=True,
    )
    with context.new_file("predictions.png", "that page, as read") as path:
        figure.savefig(path, dpi=150, facecolor="white")
    context.metrics["page_correct"] = len(cells) - int(wrong.sum())
    return probabilities
