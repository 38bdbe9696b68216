"""Ids of the file for users, labels 1 to N for the network."""

import json

import numpy as np
import pytest
import tensorflow as tf
from official.vision.evaluation.coco_evaluator import COCOEvaluator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detection.data.categories import (
    Categories,
    labelled,
    read_categories,
    write_categories,
)
from detection.data.conversion import convert_coco
from detection.data.tfds_decoder import CATEGORY_IDS
from detection.detectors.detections import Detections
from detection.detectors.detector import with_ids
from detection.evaluation.category_check import check_detector_categories
from detection.evaluation.measures import measure
from detection.evaluation.reports import evaluate_predictions
from detection.evaluation.results import to_results
from detection.experiments import read_experiment
from detection.training.annotation_file import label_annotations
from detection.training.job_checks import check_data
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.detection.coco_sets import coco_set, entry, read_set, write_set
from tests.detection.data.test_records import decoded
from tests.detection.results import truth_of

OLD = [{"id": 3, "name": "car"}, {"id": 90, "name": "toothbrush"}]


def wide_set():
    """Ids from 0 to a million, the first of a category without objects."""
    content = coco_set()
    content["categories"] = [
        {"id": 10**6, "name": "toothbrush"},
        {"id": 0, "name": "things"},
        {"id": 18, "name": "dog"},
    ]
    numbers = {3: 18, 90: 10**6}
    for row in content["annotations"]:
        row["category_id"] = numbers[row["category_id"]]
    return content


def wide_records(folder, **arguments):
    images, annotations = write_set(folder, wide_set())
    out = folder / "records"
    return out, *convert_coco(images, annotations, out, **arguments)


def test_labels_are_in_the_order_of_the_ids(tmp_path):
    out, data, written = wide_records(tmp_path)
    assert json.loads((out / "categories.json").read_text()) == [
        {"id": 0, "name": "things", "label": 1},
        {"id": 18, "name": "dog", "label": 2},
        {"id": 10**6, "name": "toothbrush", "label": 3},
    ]
    assert written.num_classes == 4
    examples = decoded(written.paths)
    assert examples[11]["groundtruth_classes"].tolist() == [2, 3]
    assert data.unused_categories == [0]


def test_cocos_80_categories_take_81_outputs_or_91():
    names = {number: str(number) for number in CATEGORY_IDS}
    assert labelled(names).num_classes == 81
    assert labelled(names).labels[90] == 80
    kept = labelled(names, keep_ids=True)
    assert kept.num_classes == 91
    assert not kept.renumbered


def test_ids_are_kept_where_that_is_asked_for(tmp_path):
    images, annotations = write_set(tmp_path)
    out = tmp_path / "out"
    _, written = convert_coco(images, annotations, out, keep_ids=True)
    assert written.num_classes == 91
    example = decoded(written.paths)[11]
    assert example["groundtruth_classes"].tolist() == [3, 90]
    with pytest.raises(InputError) as error:
        convert_coco(images, annotations, out, name="val")
    assert "other labels of the same categories" in line_of(error)
    with pytest.raises(InputError) as error:
        wide_records(tmp_path, keep_ids=True)
    assert line_of(error).startswith("keep_ids: category 0 ('things') cannot")


def test_a_file_without_labels_has_ids_for_labels(tmp_path):
    path = tmp_path / "categories.json"
    path.write_text(json.dumps(OLD))
    categories = read_categories(tmp_path)
    assert categories == {3: "car", 90: "toothbrush"}
    assert categories.labels == {3: 3, 90: 90}
    assert categories.num_classes == 91
    # A job copies it as it is.
    write_categories(path, categories)
    assert json.loads(path.read_text()) == OLD
    found = Detections(np.zeros((1, 4)), np.ones(1), np.int32([12]))
    assert with_ids(found, categories) is found


@pytest.mark.parametrize("labels", [[1, 1], [0, 1], [1, "2"], [1, None]])
def test_damaged_labels_are_one_line(tmp_path, labels):
    listed = [
        row | {"label": label} for row, label in zip(OLD, labels, strict=True)
    ]
    (tmp_path / "categories.json").write_text(json.dumps(listed))
    with pytest.raises(InputError, match="each label once"):
        read_categories(tmp_path)


def test_a_detector_speaks_ids():
    categories = labelled({0: "things", 18: "dog", 10**6: "toothbrush"})
    boxes = np.arange(16, dtype="float32").reshape(4, 4)
    scores = np.float32([0.9, 0.8, 0.7, 0.6])
    found = with_ids(
        Detections(boxes, scores, np.int32([3, 1, 9, 2])), categories
    )
    assert found.classes.tolist() == [10**6, 0, 18]
    assert found.boxes.tolist() == boxes[[0, 1, 3]].tolist()
    ids = [row["category_id"] for row in to_results(5, found)]
    assert ids == [10**6, 0, 18]


def test_a_detectors_ids_may_be_larger_than_its_outputs(tmp_path):
    truth = truth_of(tmp_path, wide_set())
    detector = type("Detector", (), {"name": "one", "num_classes": 4})()
    detector.categories = labelled(truth.categories)
    check_detector_categories(detector, truth)
    detector.categories = labelled({0: "things", 18: "cat", 10**6: "x"})
    with pytest.raises(InputError, match="category 18 of one is 'cat'"):
        check_detector_categories(detector, truth)


@pytest.mark.parametrize(
    ("experiment", "classes", "words"),
    [
        ("fasterrcnn_nasnet_mobile_coco", 4, None),
        ("retinanet_nasnet_mobile_coco", 4, None),
        ("retinanet_nasnet_mobile_coco", 3, "3 is too few for the 3 cat"),
        ("fasterrcnn_nasnet_digits", 11, "11 is too many for the 3 cat"),
    ],
)
def test_outputs_that_do_not_fit_are_one_line(
    tmp_path, experiment, classes, words
):
    out, *_ = wide_records(tmp_path)
    params = read_experiment(
        experiment,
        (),
        f"task.model.num_classes={classes},task.train_data.input_path={out}/t*",
    )
    if words is None:
        check_data(params, trains=True, evaluates=False)
        return
    with pytest.raises(InputError) as error:
        check_data(params, trains=True, evaluates=False)
    line = line_of(error)
    assert line.startswith(f"task.model.num_classes: {words}")
    assert line.endswith("set it to 4, background included")


def test_records_of_other_tools_go_on_with_any_outputs(tmp_path):
    out, *_ = wide_records(tmp_path)
    params = read_experiment(
        "retinanet_nasnet_mobile_coco",
        (),
        f"task.train_data.input_path={out}/t*",
    )
    (out / "categories.json").write_text(json.dumps(OLD[:1]))
    check_data(params, trains=True, evaluates=False)
    (out / "categories.json").unlink()
    check_data(params, trains=True, evaluates=False)


def test_validation_may_lack_categories(tmp_path):
    out, *_ = wide_records(tmp_path)
    other = tmp_path / "other"
    content = wide_set()
    content["categories"] = content["categories"][1:]
    content["annotations"] = content["annotations"][:1]
    images, annotations = write_set(other, content)
    convert_coco(images, annotations, other / "records")
    params = read_experiment(
        "retinanet_nasnet_mobile_coco",
        (),
        f"task.model.num_classes=4,task.train_data.input_path={out}/t*,"
        f"task.validation_data.input_path={other}/records/t*",
    )
    check_data(params, trains=True, evaluates=True)


def test_training_and_validation_have_the_same_labels(tmp_path):
    ours, *_ = wide_records(tmp_path)
    other = tmp_path / "other"
    content = coco_set()
    images, annotations = write_set(other, content)
    convert_coco(images, annotations, other / "records")
    params = read_experiment(
        "retinanet_nasnet_mobile_coco",
        (),
        f"task.model.num_classes=4,task.train_data.input_path={ours}/t*,"
        f"task.validation_data.input_path={other}/records/t*",
    )
    listed = [{"id": n, "name": str(n), "label": n} for n in (1, 2, 3)]
    (other / "records" / "categories.json").write_text(json.dumps(listed))
    with pytest.raises(InputError) as error:
        check_data(params, trains=True, evaluates=True)
    assert "label 1 is category 1 there and 0 in task." in line_of(error)


def found_in(content):
    """Detections near the annotations, by ids of the file."""
    return [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"],
            "bbox": [value + 1.5 for value in row["bbox"]],
            "score": 0.9 - 0.1 * number,
        }
        for number, row in enumerate(content["annotations"])
    ]


def test_evaluation_in_training_is_that_of_the_ids(tmp_path):
    """The network's labels, held to a file of ids, give pycocotools' AP."""
    content = wide_set()
    content["annotations"].append(entry(4, 300, 0, [1, 1, 30, 30], area=900))
    for row in content["annotations"]:
        row.setdefault("iscrowd", 0)
        row.setdefault("area", row["bbox"][2] * row["bbox"][3])
    images, annotations = write_set(tmp_path, content)
    out = tmp_path / "records"
    convert_coco(images, annotations, out)
    results = found_in(content)
    expected = measure(truth_of(tmp_path, content), results).numbers["AP"]
    assert 0.3 < expected < 1
    metric = COCOEvaluator(
        annotation_file=str(annotations),
        include_mask=False,
        need_rescale_bboxes=False,
    )
    params = read_experiment(
        "retinanet_nasnet_mobile_coco",
        (),
        f"task.annotation_file={annotations},"
        f"task.validation_data.input_path={out}/t*",
    )
    label_annotations(metric, params.task)
    labels = read_categories(out).labels
    for row in results:
        left, top, width, height = row["bbox"]
        metric.update_state(
            {},
            {
                "source_id": tf.constant([row["image_id"]]),
                "num_detections": tf.constant([1]),
                "detection_classes": tf.constant(
                    [[labels[row["category_id"]]]]
                ),
                "detection_scores": tf.constant([[row["score"]]]),
                "detection_boxes": tf.constant(
                    [[[top, left, top + height, left + width]]]
                ),
            },
        )
    assert metric.result()["AP"] == pytest.approx(expected, abs=1e-6)


def test_a_results_file_has_the_ids_of_the_file(tmp_path):
    """From 0 to a million, and the numbers are pycocotools'."""
    content = wide_set()
    for row in content["annotations"]:
        row.setdefault("iscrowd", 0)
        row.setdefault("area", row["bbox"][2] * row["bbox"][3])
    write_set(tmp_path, content)
    results = found_in(content)
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps(results))
    annotations = tmp_path / "a.json"
    metrics = evaluate_predictions(predictions, annotations, tmp_path / "out")
    theirs = COCO(str(annotations))
    evaluator = COCOeval(theirs, theirs.loadRes(str(predictions)), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    assert list(metrics.numbers.values()) == evaluator.stats.tolist()
    assert metrics.numbers["AP"] > 0.3
    assert [row.id for row in metrics.classes] == [0, 18, 10**6]


def test_an_annotation_file_of_other_categories_is_one_line(tmp_path):
    images, annotations = write_set(tmp_path, wide_set())
    out = tmp_path / "records"
    convert_coco(images, annotations, out)
    (tmp_path / "b.json").write_text(json.dumps(coco_set()))
    metric = COCOEvaluator(
        annotation_file=str(tmp_path / "b.json"), include_mask=False
    )
    params = read_experiment(
        "retinanet_nasnet_mobile_coco",
        (),
        f"task.annotation_file={tmp_path / 'b.json'},"
        f"task.validation_data.input_path={out}/t*",
    )
    with pytest.raises(InputError) as error:
        label_annotations(metric, params.task)
    assert line_of(error).startswith(
        f"task.annotation_file: category 3 of {tmp_path / 'b.json'} is 'car'"
    )


def test_categories_of_no_records_are_empty(tmp_path):
    assert read_categories(tmp_path) == Categories()
    assert read_set(tmp_path).unused_categories == []
