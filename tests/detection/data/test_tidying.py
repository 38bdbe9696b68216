"""COCO files as tables, Roboflow and labelme write them."""

import json
import math

import numpy as np
import pytest
from pycocotools import mask

from detection.data import checks
from detection.data.annotations import read_annotations
from detection.data.outlines import outline_box
from detection.data.problems import DataError
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.measures import measure
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.detection.coco_sets import coco_set, read_set, write_set
from tests.detection.data.test_labels import found_in


def set_with_ids(form):
    """A set from 0 whose ids are written in another form."""
    content = coco_set()
    numbers = {3: 0, 90: 7}
    for row in content["images"] + content["annotations"]:
        row["id"] = form(row["id"])
    for row in content["annotations"]:
        row["image_id"] = form(row["image_id"])
        row["category_id"] = form(numbers[row["category_id"]])
    for row in content["categories"]:
        row["id"] = form(numbers[row["id"]])
    return content


@pytest.mark.parametrize("form", [int, float, str, "{:06}".format])
def test_ids_in_other_forms_are_read(tmp_path, form):
    data = read_set(tmp_path, set_with_ids(form))
    assert data.categories == {0: "car", 7: "toothbrush"}
    assert [image.id for image in data.images] == [11, 7, 300]
    found = [box.category_id for box in data.images[0].annotations]
    assert found == [0, 7]
    assert all(type(number) is int for number in found)
    # Numbers of an evaluation are by the same ids.
    truth = read_ground_truth(tmp_path / "a.json")
    assert truth.categories == data.categories
    metrics = measure(truth, found_in(set_with_ids(int)))
    assert metrics.numbers["AP"] > 0.3


@pytest.mark.parametrize("number", ["1e3", "-1", "", "²", 1.5, "9" * 5000])
def test_ids_that_are_no_whole_numbers_stay_bad(tmp_path, number):
    content = coco_set()
    content["annotations"][0]["category_id"] = number
    with pytest.raises(DataError) as error:
        read_set(tmp_path, content)
    assert error.value.problems.counts == {checks.CATEGORY_UNKNOWN: 1}


@pytest.mark.parametrize("missing", [{}, {"bbox": None}, {"bbox": []}])
def test_a_polygon_without_box_gets_the_one_around_it(tmp_path, missing):
    content = coco_set()
    row = content["annotations"][0]
    del row["bbox"]
    row |= missing | {
        "segmentation": [[4.5, 2, 24.5, 8, 9, 12.25], [5, 3, 6, 3, 6, 4]]
    }
    data = read_set(tmp_path, content)
    assert data.images[0].annotations[0].box == (2, 4.5, 12.25, 24.5)
    truth = read_ground_truth(tmp_path / "a.json")
    assert truth.annotations(11)[0]["bbox"] == [4.5, 2, 20, 10.25]


def a_mask():
    pixels = np.zeros((40, 48), np.uint8, order="F")
    pixels[5:20, 7:30] = 1
    return pixels


def counts_of(pixels):
    flat = pixels.reshape(-1, order="F").tolist()
    counts, now = [0], 0
    for value in flat:
        if value != now:
            counts.append(0)
            now = value
        counts[-1] += 1
    return counts


@pytest.mark.parametrize("compressed", [True, False])
def test_a_mask_without_box_gets_the_one_around_it(tmp_path, compressed):
    pixels = a_mask()
    counts = counts_of(pixels)
    if compressed:
        counts = mask.encode(pixels)["counts"].decode()
    content = coco_set()
    del content["annotations"][0]["bbox"]
    content["annotations"][0]["segmentation"] = {
        "size": [40, 48],
        "counts": counts,
    }
    data = read_set(tmp_path, content)
    assert data.images[0].annotations[0].box == (5, 7, 20, 30)


@pytest.mark.parametrize(
    "outline",
    [
        [],
        [[1, 2, 3]],
        [[1, 2, 3, 4, 5, "6"]],
        [[1, 2, 3, 4, 5, math.nan]],
        {"size": [40, 48], "counts": [1, 2]},
        {"size": [40], "counts": [40]},
        {"size": [40, 48], "counts": "o" * 9},
        {"size": [40, 48], "counts": "\0"},
        {"size": [40, 48], "counts": 5},
        {"size": [-40, -48], "counts": [1920]},
        {"counts": "11"},
        7,
    ],
)
def test_what_is_no_outline_has_no_box(tmp_path, outline):
    assert outline_box(outline) is None
    content = coco_set()
    del content["annotations"][0]["bbox"]
    content["annotations"][0]["segmentation"] = outline
    with pytest.raises(DataError) as error:
        read_set(tmp_path, content)
    assert error.value.problems.counts == {checks.NO_BOX: 1}


def test_a_missing_package_is_told(tmp_path, monkeypatch):
    content = coco_set()
    del content["annotations"][0]["bbox"]
    content["annotations"][0]["segmentation"] = {
        "size": [1, 1],
        "counts": [0, 1],
    }

    def missing(what, packages, extra):
        raise InputError(f"{what}: needs pycocotools")

    monkeypatch.setattr("detection.data.outlines.check_packages", missing)
    with pytest.raises(InputError) as error:
        read_set(tmp_path, content)
    assert line_of(error) == "segmentation: needs pycocotools"


@pytest.mark.parametrize("said", [{}, {"width": None}, {"width": 48}])
def test_sizes_that_are_not_said_are_the_files(tmp_path, said):
    content = coco_set()
    image = content["images"][0]
    content["images"][0] = {key: image[key] for key in ("id", "file_name")}
    content["images"][0] |= said
    data = read_set(tmp_path, content)
    assert (data.images[0].width, data.images[0].height) == (48, 40)
    # Boxes are held to it.
    content["annotations"][0]["bbox"] = [4, 2, 50, 10]
    with pytest.raises(DataError, match=r"in 48x40 \(a.jpg\)"):
        read_set(tmp_path, content)
    content["annotations"][0]["bbox"] = [4, 2, 5, 10]
    images, annotations = write_set(tmp_path, content)
    (images / "a.jpg").unlink()
    assert (
        json.loads(annotations.read_text())["images"][0].get("height") is None
    )
    left = read_annotations(annotations, images, skip_bad=True)
    assert [image.id for image in left.images] == [7, 300]
