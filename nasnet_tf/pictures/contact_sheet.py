"""A contact sheet of classified photos."""

import math

from PIL import Image, ImageDraw

from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import check_output, written_beside
from nasnet_tf.images.photos import open_reduced
from nasnet_tf.pictures.lettering import load_font, shortened

THUMBNAIL = 180
MARGIN = 12
TEXT_SIZE = 13
LINE = 18
CELL_WIDTH = THUMBNAIL + MARGIN
CELL_HEIGHT = THUMBNAIL + 2 * LINE + MARGIN


def check_sheet(path) -> None:
    """Raises `InputError` unless a sheet can be written at `path`, or None."""
    if path is not None:
        check_output(path, (".png",))


def write_sheet(results, path) -> None:
    """Writes photos in a grid, each with its name and its best class.

    The grid is as wide as high or one row wider; a cell is 192 pixels wide
    and 228 high. Names that are too long end in dots.

    Args:
        results: a list of `nasnet_tf.zoo.classification.Classification`.
        path: a `.png` file; overwritten.

    Raises:
        InputError: nothing to show, or the file cannot be written.
    """
    check_sheet(path)
    if not results:
        raise InputError("results: none to show; classify a photo first")
    columns = math.ceil(math.sqrt(len(results)))
    rows = math.ceil(len(results) / columns)
    size = (columns * CELL_WIDTH + MARGIN, rows * CELL_HEIGHT + MARGIN)
    sheet = Image.new("RGB", size, "white")
    font = load_font(TEXT_SIZE)
    for number, result in enumerate(results):
        row, column = divmod(number, columns)
        left = MARGIN + column * CELL_WIDTH
        _draw_cell(sheet, font, result, left, MARGIN + row * CELL_HEIGHT)
    with written_beside(path) as beside:
        sheet.save(beside, format="png")


def _contained(image):
    """As large as fits; of a thin image a side is a pixel at least."""
    longest = max(image.size)
    size = [max(1, round(side / longest * THUMBNAIL)) for side in image.size]
    return image.resize(size)


def _draw_cell(sheet, font, result, left, top):
    image = open_reduced(result.path)
    image = _contained(image)
    space = [(THUMBNAIL - side) // 2 for side in image.size]
    sheet.paste(image, (left + space[0], top + space[1]))
    draw = ImageDraw.Draw(sheet)
    name, probability = result.classes[0]
    percent = f" {probability:.1%}"
    room = THUMBNAIL - font.getlength(percent)
    lines = (
        (shortened(result.path.name, font, THUMBNAIL), "#000000"),
        (shortened(name, font, room) + percent, "#1f4e9c"),
    )
    for number, (text, color) in enumerate(lines):
        place = (left, top + THUMBNAIL + 2 + number * LINE)
        draw.text(place, text, color, font)
