"""Boxes drawn on images, and images side by side and on one sheet."""

import colorsys
import dataclasses
import math

import numpy as np
from PIL import Image, ImageDraw

from nasnet_tf.files.output_file import written_beside
from nasnet_tf.pictures.lettering import load_font, shortened

# In the folder of an evaluation or of predictions.
DRAWN, SHEET = "drawn", "contact_sheet.jpg"
# Of the detections that are drawn.
MIN_SCORE = 0.5
# Neighbouring ids get hues that are far apart.
_GOLDEN = 0.618034
_TONES = ((0.85, 1.0), (0.65, 0.95), (1.0, 0.8))
# Of a sheet of images, in pixels.
CELL = (320, 240)
GAP = 10
CAPTION = 22
CAPTION_SIZE = 13
# Of a picture of one image; smaller ones are enlarged towards it.
LEAST_SIDE = 480
QUALITY = 92
BAND = "#1f2937"


@dataclasses.dataclass(frozen=True)
class DrawnBox:
    """A box to draw.

    Args:
        edges: ymin, xmin, ymax, xmax in pixels of the image.
        label: short; "" for none.
        color: red, green and blue, 0 to 255.
        dashed: as crowds are.
    """

    edges: tuple[float, float, float, float]
    label: str
    color: tuple[int, int, int]
    dashed: bool = False

    def scaled(self, factor: float) -> "DrawnBox":
        """The box in an image that is larger by a factor."""
        top, left, bottom, right = (edge * factor for edge in self.edges)
        return dataclasses.replace(self, edges=(top, left, bottom, right))


def category_color(category: int) -> tuple[int, int, int]:
    """The colour of a category, the same in every picture."""
    saturation, value = _TONES[category % len(_TONES)]
    color = colorsys.hsv_to_rgb(category * _GOLDEN % 1, saturation, value)
    red, green, blue = (round(255 * part) for part in color)
    return red, green, blue


def coco_boxes(rows: list[dict], names: dict[int, str]) -> list[DrawnBox]:
    """Boxes of annotations or of results in COCO's format.

    The label is the name and, of a result, the score; a crowd's box is
    dashed.

    Args:
        rows: of one image, with `bbox` and `category_id`.
        names: by category id; where one is missing, the id is shown.
    """
    boxes = []
    for row in rows:
        left, top, width, height = row["bbox"]
        category, crowd = row["category_id"], bool(row.get("iscrowd"))
        label = names.get(category, f"class {category}")
        if "score" in row:
            label += f" {row['score']:.2f}"
        elif crowd:
            label += " (crowd)"
        edges = (top, left, top + height, left + width)
        boxes.append(
            DrawnBox(edges, label, category_color(category), dashed=crowd)
        )
    return boxes


def draw_boxes(image: Image.Image, boxes: list[DrawnBox]) -> Image.Image:
    """A copy of an image with boxes and their labels.

    Lines and letters grow with the image. A label is where it covers no other
    label if there is such a place: above its box, in it, or below it.

    Args:
        image: RGB.
        boxes: the most important first, which is drawn on top.
    """
    image = image.copy()
    draw = ImageDraw.Draw(image)
    side = math.sqrt(image.width * image.height)
    width = max(2, round(side / 250))
    # Many labels hide less of the image where they are smaller.
    crowding = max(1.0, len(boxes) / 10) ** 0.25
    font = load_font(max(10, round(side / 40 / crowding)))
    for box in reversed(boxes):
        _draw_edges(draw, box, width, image.size)
    taken: list[tuple[float, float, float, float]] = []
    labels = []
    for box in boxes:
        if box.label:
            place = _label_place(draw, box, font, image.size, taken)
            taken.append(place)
            labels.append((place, box))
    for place, box in reversed(labels):
        draw.rectangle(place, box.color)
        middle = ((place[0] + place[2]) / 2, (place[1] + place[3]) / 2)
        ink = "black" if _brightness(box.color) > 120 else "white"
        draw.text(middle, box.label, ink, font, anchor="mm")
    return image


def _draw_edges(draw, box, width, size):
    top, left, bottom, right = box.edges
    left, right = _between(left, right, size[0])
    top, bottom = _between(top, bottom, size[1])
    if not box.dashed:
        # The dark line around it keeps it visible on its own colour.
        dark = (left - 1, top - 1, right + 1, bottom + 1)
        draw.rectangle(dark, outline="black")
        edges = (left, top, right, bottom)
        draw.rectangle(edges, outline=box.color, width=width)
        return
    dash = 4 * width
    for x in range(left, right, 2 * dash):
        for y in (top, bottom):
            draw.line((x, y, min(x + dash, right), y), box.color, width)
    for y in range(top, bottom, 2 * dash):
        for x in (left, right):
            draw.line((x, y, x, min(y + dash, bottom)), box.color, width)


def _between(low, high, size):
    """Pixels of an image's side, the second not before the first."""
    low, high = (round(min(max(edge, 0), size - 1)) for edge in (low, high))
    return low, max(low, high)


def _label_place(draw, box, font, size, taken):
    text_width = draw.textlength(box.label, font)
    pad = max(2, font.size // 5)
    label_width = text_width + 2 * pad
    height = font.size + 2 * pad - 2
    top, left, bottom, right = box.edges
    last_left, last_top = size[0] - label_width, size[1] - height
    above_or_in = (top - height, top, bottom - height, bottom)
    tops = [y for y in above_or_in if 0 <= y <= last_top]
    tops = tops or [max(0, min(top, last_top))]
    lefts = [max(0, min(x, last_left)) for x in (left, right - label_width)]
    places = [(x, y, x + label_width, y + height) for x in lefts for y in tops]
    free = (p for p in places if not any(_overlap(p, t) for t in taken))
    return next(free, places[0])


def _overlap(one, other):
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    )


def _brightness(color):
    return np.dot(color, (0.299, 0.587, 0.114))


def side_by_side(images: list[Image.Image], titles: list[str]) -> Image.Image:
    """Images of one size beside each other, each under its title.

    Args:
        images: one or more.
        titles: as many.
    """
    width, height = images[0].size
    letters = max(12, round(math.sqrt(width * height) / 34))
    font = load_font(letters)
    band = 2 * letters
    gap = max(4, width // 80)
    sheet = Image.new(
        "RGB", (len(images) * (width + gap) - gap, height + band), BAND
    )
    draw = ImageDraw.Draw(sheet)
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        left = number * (width + gap)
        sheet.paste(image, (left, band))
        title = shortened(title, font, width - letters)
        draw.text(
            (left + letters / 2, band / 2), title, "white", font, anchor="lm"
        )
    return sheet


def draw_scaled(
    image: Image.Image, boxes: list[DrawnBox], size: tuple[int, int]
) -> Image.Image:
    """An image with its boxes, scaled before these are drawn.

    Labels are thus as readable in a small picture as in a large one.

    Args:
        image: RGB.
        boxes: in pixels of the image.
        size: `(width, height)` that it is to fit into; it is enlarged by
            whole factors only.
    """
    factor = min(size[0] / image.width, size[1] / image.height)
    how = Image.Resampling.BOX
    if factor >= 1:
        factor, how = math.floor(factor), Image.Resampling.NEAREST
    shape = [max(1, round(side * factor)) for side in image.size]
    return draw_boxes(
        image.resize(shape, how), [box.scaled(factor) for box in boxes]
    )


def draw_large(image: Image.Image, boxes: list[DrawnBox]) -> Image.Image:
    """An image with its boxes at its own size, or enlarged where small."""
    size = max(image.width, LEAST_SIDE), max(image.height, LEAST_SIDE)
    return draw_scaled(image, boxes, size)


def contact_sheet(
    images: list[Image.Image], captions: list[str], columns: int | None = None
) -> Image.Image:
    """Images in a grid, each with its caption below it.

    Args:
        images: one or more, as large as the largest cell.
        captions: as many; one that is too long ends in dots.
        columns: of the grid; None: as many as make it about as high as wide.
    """
    cell = [max(sizes) for sizes in zip(*(i.size for i in images), strict=True)]
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    rows = math.ceil(len(images) / columns)
    pitch = (cell[0] + GAP, cell[1] + CAPTION + GAP)
    size = (columns * pitch[0] + GAP, rows * pitch[1] + GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = load_font(CAPTION_SIZE)
    for number, (image, caption) in enumerate(
        zip(images, captions, strict=True)
    ):
        row, column = divmod(number, columns)
        left, top = GAP + column * pitch[0], GAP + row * pitch[1]
        # At the bottom of its cell, so that the caption is beside it.
        space = ((cell[0] - image.width) // 2, cell[1] - image.height)
        sheet.paste(image, (left + space[0], top + space[1]))
        draw.text(
            (left + cell[0] / 2, top + cell[1] + CAPTION / 2 + 1),
            shortened(caption, font, cell[0]),
            "#111827",
            font,
            anchor="mm",
        )
    return sheet


def write_picture(image: Image.Image, path) -> None:
    """Writes a JPEG, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    with written_beside(path) as beside:
        # Subsampled colours would blur thin lines and letters.
        image.save(beside, format="jpeg", quality=QUALITY, subsampling=0)
