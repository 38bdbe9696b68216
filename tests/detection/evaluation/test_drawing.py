"""Boxes on images, and images on a sheet."""

import numpy as np
import pytest
from PIL import Image

from detection.evaluation.drawing import (
    DrawnBox,
    category_color,
    coco_boxes,
    contact_sheet,
    draw_boxes,
    draw_large,
    draw_scaled,
    side_by_side,
    write_picture,
)
from nasnet_tf import InputError

GREY = (90, 90, 90)
COLOR = (250, 40, 10)


def _image(width=300, height=200):
    return Image.new("RGB", (width, height), GREY)


def _pixels(image):
    return np.asarray(image, int)


def _colored(image, color=COLOR):
    return (_pixels(image) == color).all(axis=-1)


def test_edges_are_where_the_box_is():
    box = DrawnBox((50, 80, 150, 220), "", COLOR)
    image = _image()
    drawn = _colored(draw_boxes(image, [box]))
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max()) == (50, 150)
    assert (columns.min(), columns.max()) == (80, 220)
    # Two pixels wide, and nothing inside.
    assert drawn[100].nonzero()[0].tolist() == [80, 81, 219, 220]
    assert not drawn[52:149, 82:219].any()
    # The image itself is as it was.
    assert (_pixels(image) == GREY).all()


def test_lines_and_letters_grow_with_the_image():
    widths, heights = [], []
    for factor in (1, 4):
        edges = tuple(factor * edge for edge in (50, 80, 150, 220))
        image = _image(300 * factor, 200 * factor)
        drawn = _colored(draw_boxes(image, [DrawnBox(edges, "", COLOR)]))
        widths.append(drawn[100 * factor].sum() / 2)
        drawn = _colored(draw_boxes(image, [DrawnBox(edges, "cat", COLOR)]))
        heights.append(edges[0] - drawn.nonzero()[0].min())
    assert widths == [2, 4]
    assert 10 <= heights[0] <= 18 and 1.5 < heights[1] / heights[0] < 4


def test_a_crowd_is_dashed():
    box = DrawnBox((50, 80, 150, 220), "", COLOR, dashed=True)
    line = _colored(draw_boxes(_image(), [box]))[50, 80:221]
    assert 0.4 < line.mean() < 0.7


@pytest.mark.parametrize(
    "edges",
    [
        (-40, -30, 500, 600),
        (0, 0, 0, 0),
        (10, 10, 5, 5),
        (199.9, 299.9, 200, 300),
    ],
)
def test_boxes_beyond_the_image_are_drawn_at_its_edge(edges):
    drawn = draw_boxes(_image(), [DrawnBox(edges, "umbrella 1.00", COLOR)])
    assert drawn.size == (300, 200)
    assert _colored(drawn).sum() > 100


def test_labels_do_not_cover_each_other():
    colors = [(250, 40, 10), (10, 200, 40), (20, 60, 250)]
    boxes = [
        DrawnBox((60, 80, 150, 220), "cat 0.90", color) for color in colors
    ]
    drawn = draw_boxes(_image(), boxes)
    areas = [_colored(drawn, color).sum() for color in colors]
    # The first box covers the others' lines, so these are labels alone.
    assert min(areas[1:]) > 300
    assert abs(areas[1] - areas[2]) < 0.2 * areas[1]


def test_labels_are_readable():
    for color, ink in (((250, 250, 90), (0, 0, 0)), ((60, 10, 90), (255,) * 3)):
        box = DrawnBox((100, 80, 150, 220), "cat", color)
        drawn = _pixels(draw_boxes(_image(), [box]))
        label = drawn[80:99, 80:110].reshape(-1, 3)
        assert (label == color).all(axis=-1).sum() > 50
        assert np.abs(label - ink).sum(axis=-1).min() < 30


def test_boxes_of_annotations_and_results():
    names = {3: "car"}
    rows = [
        {"category_id": 3, "bbox": [1, 2, 30, 40], "iscrowd": 0},
        {"category_id": 3, "bbox": [1, 2, 30, 40], "iscrowd": 1},
        {"category_id": 9, "bbox": [1, 2, 30, 40], "score": 0.876},
    ]
    boxes = coco_boxes(rows, names)
    assert [box.label for box in boxes] == [
        "car",
        "car (crowd)",
        "class 9 0.88",
    ]
    assert [box.dashed for box in boxes] == [False, True, False]
    assert boxes[0].edges == (2, 1, 42, 31)
    assert boxes[0].color == boxes[1].color != boxes[2].color


def test_colors_of_coco_differ():
    colors = np.array([category_color(number) for number in range(1, 91)])
    assert colors.min() >= 0 and colors.max() <= 255
    assert len(np.unique(colors, axis=0)) == 90
    neighbours = np.abs(np.diff(colors, axis=0)).sum(axis=1)
    assert neighbours.min() > 150


def test_scaled_and_large():
    box = DrawnBox((10, 20, 30, 60), "", COLOR)
    drawn = draw_scaled(_image(100, 50), [box], (250, 250))
    assert drawn.size == (200, 100)
    rows, columns = np.nonzero(_colored(drawn))
    assert (rows.min(), rows.max()) == (20, 60)
    assert (columns.min(), columns.max()) == (40, 120)
    assert draw_scaled(_image(1000, 800), [], (250, 100)).size == (125, 100)
    assert draw_large(_image(120, 90), []).size == (480, 360)
    assert draw_large(_image(300, 200), []).size == (300, 200)
    assert draw_large(_image(4000, 30), []).size == (4000, 30)


def test_side_by_side():
    titles = ["annotated", "detected" * 30]
    sheet = side_by_side(
        [_image(), Image.new("RGB", (300, 200), COLOR)], titles
    )
    assert sheet.width == 604 and 220 <= sheet.height <= 230
    pixels = _pixels(sheet)
    assert (pixels[-200:, :300] == GREY).all()
    assert (pixels[-200:, 304:] == COLOR).all()
    assert (pixels[:-200] > 150).all(axis=-1).any()


def test_contact_sheet():
    images = [_image(100, 80), _image(60, 90), _image(100, 90)]
    sheet = contact_sheet(images, ["a.jpg", "b" * 99, ""])
    assert sheet.size == (2 * 110 + 10, 2 * 122 + 10)
    pixels = _pixels(sheet)
    # Below its cell's top where lower, and in its middle.
    assert (pixels[20:100, 10:110] == GREY).all()
    assert (pixels[10:20, 10:110] == 255).all()
    assert (pixels[10:100, 140:200] == GREY).all()
    dark = [(pixels[101:122, x : x + 100] < 100).any() for x in (10, 120)]
    assert dark == [True, True]
    assert not (pixels[224:244, 10:110] < 200).any()
    assert contact_sheet(images, ["", "", ""], columns=1).size == (120, 376)
    assert contact_sheet(images, ["", "", ""], columns=9).size == (340, 132)


def test_pictures_are_written_whole(tmp_path):
    write_picture(_image(), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as picture:
        assert picture.format == "JPEG" and picture.size == (300, 200)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    with pytest.raises(InputError, match=r"none/a.jpg cannot be written"):
        write_picture(_image(), tmp_path / "none" / "a.jpg")
