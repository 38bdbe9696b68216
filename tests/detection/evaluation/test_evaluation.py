"""COCO's numbers, by hand and by pycocotools, and what shows them."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detection.detectors.detections import Detections
from detection.evaluation.detecting import detect_annotated
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import (
    annotated_images,
    find_images,
    open_stored,
)
from detection.evaluation.measures import NUMBERS, measure
from detection.evaluation.picture import precision_recall_figure
from detection.evaluation.report_files import (
    format_metrics,
    markdown,
    write_report,
)
from detection.evaluation.results import (
    read_results,
    to_results,
    write_rows,
)
from nasnet_tf import InputError
from tests.detection.results import (
    FakeDetector,
    coco_set,
    detections_of,
    truth_of,
    write_images,
    write_json,
)


def _own_numbers(truth_path, results_path):
    """What pycocotools says when it reads the files itself."""
    truth = COCO(truth_path)
    evaluator = COCOeval(truth, truth.loadRes(str(results_path)), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_those_of_pycocotools(tmp_path, seed, capsys):
    dataset = coco_set(seed=seed)
    assert sum(row["iscrowd"] for row in dataset["annotations"]) == 4
    truth_path = write_json(tmp_path / "truth.json", dataset)
    path = write_json(tmp_path / "results.json", detections_of(dataset, seed))
    metrics = measure(read_ground_truth(truth_path), read_results(path))
    assert capsys.readouterr() == ("", "")
    own = _own_numbers(truth_path, path)
    assert list(metrics.numbers) == list(NUMBERS)
    assert list(metrics.numbers.values()) == own.stats.tolist()
    assert 0.2 < metrics.numbers["AP50"] < 1
    assert metrics.numbers["AP_small"] >= 0
    precision = own.eval["precision"][..., 0, 2]
    np.testing.assert_array_equal(metrics.precision, precision)
    recall = own.eval["recall"][..., 0, 2]
    for place, row in enumerate(metrics.classes[:3]):
        assert row.ap == precision[..., place].mean()
        assert row.ap50 == precision[0, :, place].mean()
        assert row.ar == recall[:, place].mean()
    umbrella = metrics.classes[3]
    assert (umbrella.ap, umbrella.ap50, umbrella.ar) == (-1, -1, -1)
    assert umbrella.objects == 0 and umbrella.detections > 0
    assert metrics.total("objects") == 26 and metrics.total("crowds") == 4
    mean = np.mean([row.ap for row in metrics.classes[:3]])
    assert metrics.numbers["AP"] == pytest.approx(mean, abs=1e-12)


def _two_objects(tmp_path, *crowds):
    boxes = [[10, 10, 40, 40], [100, 10, 40, 40], *crowds]
    return truth_of(
        tmp_path,
        {
            "images": [{"id": 5, "file_name": "5.png"}],
            "categories": [{"id": 2, "name": "cat"}],
            "annotations": [
                {
                    "id": n,
                    "image_id": 5,
                    "category_id": 2,
                    "bbox": box,
                    **({"iscrowd": 1} if n >= 2 else {}),
                }
                for n, box in enumerate(boxes)
            ],
        },
    )


def _result(box, score):
    return {"image_id": 5, "category_id": 2, "bbox": box, "score": score}


def test_numbers_by_hand(tmp_path):
    # Areas and crowds are filled in, and ids from 0 are no misses.
    truth = _two_objects(tmp_path)
    found = [_result([10, 10, 40, 40], 0.9), _result([100, 100, 40, 40], 0.8)]
    numbers = measure(truth, found).numbers
    # Of 101 recalls those from 0 to 0.50 are reached, with no mistake before.
    assert numbers["AP"] == pytest.approx(51 / 101, abs=1e-9)
    assert numbers["AP_medium"] == pytest.approx(51 / 101, abs=1e-9)
    assert (numbers["AR1"], numbers["AR100"]) == (0.5, 0.5)
    assert numbers["AP_small"] == numbers["AR_large"] == -1
    found[1]["score"] = 0.95
    numbers = measure(truth, found).numbers
    assert numbers["AP"] == pytest.approx(51 / 101 / 2, abs=1e-9)
    assert (numbers["AR1"], numbers["AR100"]) == (0.0, 0.5)
    # In a crowd it is no mistake.
    truth = _two_objects(tmp_path, [80, 80, 100, 100])
    numbers = measure(truth, found).numbers
    assert numbers["AP"] == pytest.approx(51 / 101, abs=1e-9)
    # IoU 0.6 is enough for 0.50, 0.55 and 0.60 only.
    found = [_result([10, 10, 40, 24.0001], 0.9)]
    numbers = measure(truth, found).numbers
    assert numbers["AP"] == pytest.approx(0.3 * 51 / 101, abs=1e-9)
    assert (numbers["AP50"], numbers["AP75"]) == (pytest.approx(51 / 101), 0)


def test_no_detections_are_zero_with_a_line(tmp_path, capsys):
    metrics = measure(truth_of(tmp_path, coco_set()), [])
    assert set(metrics.numbers.values()) == {0.0}
    assert {row.ap for row in metrics.classes} == {0.0, -1.0}
    assert capsys.readouterr().err == (
        "predictions: the list is empty, so nothing is found and every number "
        "is 0\n"
    )


def test_results_are_not_changed(tmp_path):
    dataset = coco_set()
    results = detections_of(dataset)
    before = json.dumps(results)
    measure(truth_of(tmp_path, dataset), results)
    assert json.dumps(results) == before


def test_results_of_detections(tmp_path):
    detections = Detections(
        np.float32([[1.1, 2.2, 11.3, 32.4], [5, 6, 5, 5.5]]),
        np.float32([0.7, 1 / 3]),
        np.int32([3, 8]),
    )
    first, second = to_results(11, detections, file_name="a.png")
    assert first == {
        "image_id": 11,
        "category_id": 3,
        "bbox": [2.2, 1.1, 30.2, 10.2],
        "score": 0.7,
        "file_name": "a.png",
    }
    assert second["bbox"] == [6.0, 5.0, 0.0, 0.0]
    assert second["score"] == 0.33333334
    assert np.float32(second["score"]) == np.float32(1 / 3)
    empty = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, "int32"))
    assert to_results(11, empty) == []
    for rows in ([], [first, second]):
        write_rows(rows, tmp_path / "rows.json")
        text = (tmp_path / "rows.json").read_text()
        assert json.loads(text) == rows
        assert len(text.splitlines()) == (len(rows) + 2 if rows else 1)


def test_a_detector_on_all_images(tmp_path, capsys):
    dataset = coco_set()
    truth = truth_of(tmp_path, dataset)
    paths = annotated_images(write_images(tmp_path / "images", dataset), truth)
    assert list(paths) == [11, 12, 13, 14, 15, 16]
    detector = FakeDetector(dataset)
    results = detect_annotated(detector, truth, paths)
    assert detector.seen == list(paths) and len(results) == 30
    error = capsys.readouterr().err
    assert "6/6" in error and " images/s]" in error
    assert "left out" not in error
    # The gap between the ids is a class of the detector too.
    detector.dataset = json.loads(json.dumps(dataset))
    for row in detector.dataset["annotations"][:4]:
        row["category_id"] = 5
    assert len(detect_annotated(detector, truth, paths)) == 26
    assert capsys.readouterr().err.endswith(
        "left out 4 detections of the ids 5, which no category has\n"
    )
    detector.scores = np.float32([np.nan] * 5)
    with pytest.raises(InputError, match=r"^model: .*000011.png that are not"):
        detect_annotated(detector, truth, paths)


def test_images_are_found_and_not_turned(tmp_path):
    for name in ("b.png", "a/c.JPG", "a/.hidden.png", "drawn/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 4)).save(tmp_path / name)
    found = find_images(tmp_path, skip=[tmp_path / "drawn"])
    assert found == [tmp_path / "a/c.JPG", tmp_path / "b.png"]
    assert find_images(tmp_path / "b.png") == [tmp_path / "b.png"]
    with pytest.raises(InputError, match=r"x: no such file or folder"):
        find_images(tmp_path / "x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"^images: the folder .*empty has no"):
        find_images(tmp_path / "empty")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "turned.png", exif=exif)
    assert open_stored(tmp_path / "turned.png").size == (8, 4)


def test_report(tmp_path):
    dataset = coco_set()
    truth = truth_of(tmp_path, dataset)
    results = detections_of(dataset)
    wrong = sum(entry["category_id"] == 8 for entry in results)
    metrics = measure(truth, results)
    paths = write_report(metrics, tmp_path, "x|y on z", {"model": "x"})
    names = ["metrics.json", "table.md", "precision_recall.png"]
    assert [path.name for path in paths] == names
    values = json.loads(paths[0].read_text())
    assert list(values)[:5] == [
        "model",
        "images",
        "objects",
        "crowds",
        "detections",
    ]
    assert {name: values[name] for name in NUMBERS} == metrics.numbers
    assert [row["id"] for row in values["per_class"]] == [1, 3, 7, 8]
    assert values["per_class"][3]["ap"] == -1
    text = paths[1].read_text()
    assert text == markdown(metrics, "x|y on z")
    numbers = metrics.numbers
    assert f"| AP50 | AP, IoU 0.50 | {numbers['AP50']:.3f} |" in text
    car = metrics.classes[1]
    assert (
        f"| 3 | car | {car.objects} | {car.crowds} | {car.detections} | "
        f"{car.ap:.3f} | {car.ap50:.3f} | {car.ar:.3f} |"
    ) in text
    assert f"| 8 | umbrella | 0 | 0 | {wrong} | - | - | - |" in text
    with Image.open(paths[2]) as picture:
        assert picture.size == (1540, 572)


def test_terminal_table(tmp_path):
    dataset = coco_set()
    metrics = measure(truth_of(tmp_path, dataset), detections_of(dataset))
    lines = format_metrics(metrics).splitlines()
    count = metrics.total("detections")
    assert lines[0] == f"6 images, 26 objects and 4 crowds, {count} detections"
    values = [line.split()[-1] for line in lines[2:14]]
    expected = [f"{value:.3f}" for value in metrics.numbers.values()]
    assert values == [v.replace("-1.000", "-") for v in expected]
    assert [line.split("  ")[0] for line in lines[16:]] == [
        "person",
        "car",
        "tea pot",
    ]
    lines = format_metrics(metrics, shown=2).splitlines()
    assert lines[15].startswith("2 of 3 categories  objects")
    most = sorted((row.objects for row in metrics.classes), reverse=True)
    assert [int(line.split()[-4]) for line in lines[16:]] == most[:2]


def test_curves_of_few_and_of_many_categories(tmp_path):
    dataset = coco_set()
    metrics = measure(truth_of(tmp_path, dataset), detections_of(dataset))
    half, strict, bars = precision_recall_figure(metrics, "$").axes
    present = metrics.precision[..., :3]
    for axes, threshold in ((half, 0), (strict, 5)):
        *lines, mean = axes.lines
        for place, line in enumerate(lines):
            np.testing.assert_array_equal(
                line.get_ydata(), present[threshold, :, place]
            )
        np.testing.assert_allclose(
            mean.get_ydata(), present[threshold].mean(axis=1)
        )
        assert len({line.get_color() for line in lines}) == 3
    assert half.get_title().endswith(f"AP50 {metrics.numbers['AP50']:.3f}")
    assert [bar.get_width() for bar in bars.patches] == [
        row.ap for row in metrics.classes[:3]
    ]
    dataset["categories"] += [{"id": n, "name": str(n)} for n in range(10, 40)]
    for number, row in enumerate(dataset["annotations"]):
        row["category_id"] = 10 + number
        row["iscrowd"] = 0
    metrics = measure(truth_of(tmp_path, dataset), detections_of(coco_set()))
    half, _, bars = precision_recall_figure(metrics).axes
    assert len(half.lines) == 31 and len(bars.patches) == 24
    assert len({line.get_color() for line in half.lines[:-1]}) == 1
