"""What cannot be evaluated: one line each."""

import math

import pytest
from PIL import Image

from detection.evaluation.category_check import check_detector_categories
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import (
    annotated_images,
)
from detection.evaluation.measures import measure
from detection.evaluation.results import (
    check_results,
    read_results,
)
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.detection.results import (
    SIZE,
    FakeDetector,
    coco_set,
    detections_of,
    truth_of,
    write_images,
    write_json,
)


def _annotation(dataset, **values):
    dataset["annotations"][4].update(values)


@pytest.mark.parametrize(
    "change, line",
    [
        (lambda d: d.pop("annotations"), "has no annotations; it needs a list"),
        (lambda d: d.update(annotations=[]), "has no annotations; it needs"),
        (lambda d: d.pop("categories"), "has no categories; it needs a list"),
        (lambda d: d.update(images={}), "has no images; it needs a list"),
        (
            lambda d: d["images"].append({"id": 12}),
            "has two images with the id 12; each needs",
        ),
        (
            lambda d: d["categories"].append({"id": "x"}),
            "entry 4 of the categories in",
        ),
        (lambda d: d["annotations"].append(7), "has the id None; each needs"),
        (
            lambda d: _annotation(d, category_id=99),
            "has category_id 99, which its categories lack; correct",
        ),
        (
            lambda d: _annotation(d, image_id=[1]),
            "has image_id [1], which its images lack; correct or remove it",
        ),
        (
            lambda d: _annotation(d, bbox=[1, 2, 3]),
            "annotation 104 of",
        ),
        (
            lambda d: _annotation(d, bbox=[1, 2, math.nan, 4]),
            "has bbox [1, 2, nan, 4], not four finite numbers",
        ),
        (
            lambda d: _annotation(d, bbox=[1, 2, 3, -4]),
            "has bbox [1, 2, 3, -4], not four finite numbers",
        ),
        (lambda d: _annotation(d, iscrowd="no"), "has iscrowd 'no', neither"),
        (lambda d: _annotation(d, area=None), "has area None, not a finite"),
    ],
)
def test_bad_annotations_are_one_line(tmp_path, change, line):
    dataset = coco_set()
    change(dataset)
    with pytest.raises(InputError) as error:
        truth_of(tmp_path, dataset)
    text = line_of(error)
    assert text.startswith("annotations: ") and line in text


def test_files_that_are_no_json_are_one_line(tmp_path):
    path = tmp_path / "x.json"
    for read, name in (
        (read_ground_truth, "annotations"),
        (read_results, "predictions"),
    ):
        with pytest.raises(InputError) as error:
            read(path)
        assert line_of(error) == (
            f"{name}: {path} cannot be read (No such file or directory); give "
            "a JSON file"
        )
        for content in (b"[{", b"\xff\xfe\x00\x01", b"[" * 100_000):
            path.write_bytes(content)
            with pytest.raises(InputError) as error:
                read(path)
            assert line_of(error).startswith(
                f"{name}: {path} cannot be read as JSON ("
            )
        path.write_text("3")
        with pytest.raises(InputError) as error:
            read(path)
        assert f"{path} holds a int, not a " in line_of(error)
        path.unlink()


@pytest.mark.parametrize(
    "entry, line",
    [
        (7, "is no dict"),
        ({"score": None}, "has score None, not a finite number"),
        ({"score": math.inf}, "has score inf, not a finite number"),
        ({"score": True}, "has score True, not a finite number"),
        ({"bbox": [1, 2, 3]}, "has bbox [1, 2, 3], not four finite numbers"),
        ({"bbox": [1, 2, 3, "4"]}, "has bbox [1, 2, 3, '4'], not four"),
        ({"bbox": [1, 2, -3, 4]}, "has bbox [1, 2, -3, 4], not four"),
        ({"image_id": "11"}, "has image_id '11', not a whole number"),
        ({"category_id": 1.5}, "has category_id 1.5, not a whole number"),
        ({"category_id": 10**400}, None),
    ],
)
def test_bad_results_are_one_line(tmp_path, entry, line):
    dataset = coco_set()
    results = detections_of(dataset)
    results[3] = {**results[3], **entry} if isinstance(entry, dict) else entry
    path = write_json(tmp_path / "results.json", results)
    if line is None:
        with pytest.raises(InputError, match=r"^predictions: 1 of .* lacks"):
            check_results(read_results(path), truth_of(tmp_path, dataset))
        return
    with pytest.raises(InputError) as error:
        read_results(path)
    assert line_of(error).startswith(f"predictions: entry 3 of {path} {line}")
    assert line_of(error).endswith("; correct or remove it")


def test_missing_keys_are_named(tmp_path):
    results = [{"image_id": 1, "score": 0.5}]
    with pytest.raises(InputError, match=r"entry 0 .* lacks category_id, bb"):
        read_results(write_json(tmp_path / "results.json", results))


def test_unknown_ids_are_named(tmp_path):
    dataset = coco_set()
    truth = truth_of(tmp_path, dataset)
    results = detections_of(dataset)
    check_results(results, truth)
    for entry, category in zip(results, (90, 2, 90), strict=False):
        entry["category_id"] = category
    with pytest.raises(InputError) as error:
        measure(truth, results)
    assert line_of(error) == (
        f"predictions: 3 of {len(results)} have category_id 2, 90, which "
        f"{truth.path} lacks (it has 4 ids from 1 to 8); map the classes to "
        "its ids"
    )
    results = detections_of(dataset)
    for number, entry in enumerate(results[:7]):
        entry["image_id"] = 1000 + number
    with pytest.raises(InputError) as error:
        measure(truth, results)
    assert line_of(error) == (
        "predictions: image_id 1000, 1001, 1002, 1003, 1004 and 2 more: not "
        f"among the 6 images of {truth.path}; give the annotations of the "
        "same images"
    )


def test_categories_of_a_detector(tmp_path):
    dataset = coco_set()
    truth = truth_of(tmp_path, dataset)
    detector = FakeDetector(dataset)
    check_detector_categories(detector, truth)
    detector.categories = {}
    check_detector_categories(detector, truth)

    def line(categories, classes):
        detector.categories, detector.num_classes = categories, classes
        with pytest.raises(InputError) as error:
            check_detector_categories(detector, truth)
        text = line_of(error)
        assert text.startswith("model: ")
        return text

    name = "checkpoint ckpt-40 of runs/x"
    # The names in order, as if the ids had no gaps.
    assert f"{name} has the class ids 1 to 4, and {truth.path} has 4 ids " in (
        line({1: "person", 2: "car", 3: "tea pot", 4: "umbrella"}, 5)
    )
    known = truth.categories
    text = line({**known, 3: "lorry", 7: "cup"}, 9)
    assert (
        f"category 3 of {name} is 'lorry' and that of {truth.path} 'car'"
    ) in text
    less = {number: known[number] for number in (1, 3, 8)}
    assert f"category 7 (tea pot): {name} lacks it" in line(less, 9)
    text = line({**known, 9: "hat", 10: "bag"}, 11)
    assert f"category 9 (hat), 10 (bag): {truth.path} lacks it" in text
    text = line({}, 91)
    assert "1 to 90 without names, and the largest id of" in text


def test_images_that_do_not_fit_are_one_line(tmp_path):
    dataset = coco_set()
    folder = write_images(tmp_path / "images", dataset)
    truth = truth_of(tmp_path, dataset)

    def line():
        with pytest.raises(InputError) as error:
            annotated_images(folder, truth)
        return line_of(error)

    Image.new("RGB", SIZE[::-1]).save(folder / "000013.png")
    assert line() == (
        f"images: {folder / '000013.png'} is 160x200 pixels, and {truth.path} "
        "says 200x160; give the images that were annotated"
    )
    whole = (folder / "000012.png").read_bytes()
    (folder / "000012.png").write_bytes(whole[:5000])
    (folder / "000013.png").write_text("no image")
    assert line() == (
        f"images: {folder / '000012.png'}, {folder / '000013.png'} cannot be "
        "read as images; leave out or replace"
    )
    (folder / "000012.png").unlink()
    (folder / "000016.png").unlink()
    assert line() == (
        f"images: {folder} lacks 2 of the 6 images of {truth.path} "
        "(000012.png, 000016.png); give the folder of all of them"
    )
    with pytest.raises(InputError, match=r"^images: .*none is not a folder;"):
        annotated_images(tmp_path / "none", truth)
    del dataset["images"][2]["file_name"]
    with pytest.raises(InputError, match=r"image 13 of .* has no file_name;"):
        annotated_images(folder, truth_of(tmp_path, dataset))
