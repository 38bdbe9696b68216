"""COCO's numbers, by pycocotools."""

import collections
import contextlib
import dataclasses
import io
import sys

import numpy as np

from detection.evaluation.ground_truth import GroundTruth
from detection.evaluation.results import check_results
from nasnet_tf.checks.packages import check_packages

# In the order of `COCOeval.stats`, with what a table says of each.
NUMBERS = {
    "AP": "AP, IoU 0.50 to 0.95",
    "AP50": "AP, IoU 0.50",
    "AP75": "AP, IoU 0.75",
    "AP_small": "AP, area below 32²",
    "AP_medium": "AP, area 32² to 96²",
    "AP_large": "AP, area above 96²",
    "AR1": "AR, 1 detection an image",
    "AR10": "AR, 10 detections",
    "AR100": "AR, 100 detections",
    "AR_small": "AR, area below 32²",
    "AR_medium": "AR, area 32² to 96²",
    "AR_large": "AR, area above 96²",
}
# The places of IoU 0.50 and 0.75 among COCO's ten thresholds.
IOU_50, IOU_75 = 0, 5
# COCO's thresholds of recall.
RECALLS = np.linspace(0, 1, 101)
# The places of all areas, and of 100 detections an image.
_ALL_AREAS, _MOST_DETECTIONS = 0, 2


@dataclasses.dataclass(frozen=True)
class ClassNumbers:
    """COCO's numbers for one category; -1 where it has no object.

    Args:
        id: of the category.
        name: of the category.
        ap: average precision, mean over IoU 0.50 to 0.95.
        ap50: at IoU 0.50.
        ar: average recall with 100 detections an image, mean over IoU 0.50
            to 0.95.
        objects: annotated, crowds excepted.
        crowds: annotated as crowds, which count neither way.
        detections: of the category.
    """

    id: int
    name: str
    ap: float
    ap50: float
    ar: float
    objects: int
    crowds: int
    detections: int


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What `COCOeval` says of detections.

    Args:
        numbers: COCO's 12, by their names in `NUMBERS`; -1 where there is no
            such object, as pycocotools has it.
        classes: of all categories, in the order of their ids.
        images: how many there are.
        precision: `(10, 101, classes)`: at COCO's thresholds of IoU and at
            `RECALLS`, for objects of any area and 100 detections an image;
            -1 where a class has no object.
    """

    numbers: dict[str, float]
    classes: list[ClassNumbers]
    images: int
    precision: np.ndarray

    def total(self, field: str) -> int:
        """The sum over classes of `"objects"`, `"crowds"` or `"detections"`."""
        return sum(getattr(row, field) for row in self.classes)

    def largest_classes(self, count: int) -> list[int]:
        """Places in `classes` of those with objects.

        They are in the order of their ids, or, where there are more than
        `count`, those with most objects, most first.
        """
        places = [n for n, row in enumerate(self.classes) if row.objects]
        if len(places) > count:
            places.sort(key=lambda place: -self.classes[place].objects)
        return places[:count]

    def to_dict(self) -> dict:
        """Plain values for JSON."""
        return {
            "images": self.images,
            "objects": self.total("objects"),
            "crowds": self.total("crowds"),
            "detections": self.total("detections"),
            **self.numbers,
            "per_class": [dataclasses.asdict(row) for row in self.classes],
        }


def measure(truth: GroundTruth, results: list[dict]) -> Metrics:
    """Compares detections with annotations, as COCO does for boxes.

    The numbers are those of `pycocotools.cocoeval.COCOeval`, unrounded. No
    detections at all give 0, and one line on stderr says so; pycocotools
    would not read them.

    Args:
        truth: of `read_ground_truth`.
        results: of `read_results` or `to_results`; not changed.

    Raises:
        InputError: a category or an image is not among those of the
            annotations, or pycocotools is missing.
    """
    check_packages("evaluation", {"pycocotools": "pycocotools"}, "detection")
    check_results(results, truth)
    if not results:
        print(
            "predictions: the list is empty, so nothing is found and every "
            "number is 0",
            file=sys.stderr,
        )
    evaluator = _run(truth, results)
    precision = evaluator.eval["precision"][..., _ALL_AREAS, _MOST_DETECTIONS]
    recall = evaluator.eval["recall"][..., _ALL_AREAS, _MOST_DETECTIONS]
    stats = map(float, evaluator.stats)
    return Metrics(
        dict(zip(NUMBERS, stats, strict=True)),
        _classes(truth, results, precision, recall),
        len(truth.images),
        precision,
    )


def _run(truth, results):
    # Of an extra, which `measure` has checked for.
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    # It tells of every step on stdout, which is for results.
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO()
        annotated.dataset = truth.dataset
        annotated.createIndex()
        found = COCO()
        if results:
            # It adds keys to what it is given.
            found = annotated.loadRes([dict(entry) for entry in results])
        evaluator = COCOeval(annotated, found, "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


def _classes(truth, results, precision, recall):
    annotations = truth.dataset["annotations"]
    crowds = collections.Counter(
        row["category_id"] for row in annotations if row["iscrowd"]
    )
    annotated = collections.Counter(row["category_id"] for row in annotations)
    found = collections.Counter(entry["category_id"] for entry in results)
    return [
        ClassNumbers(
            number,
            name,
            ap=_mean(precision[..., place]),
            ap50=_mean(precision[IOU_50, :, place]),
            ar=_mean(recall[:, place]),
            objects=annotated[number] - crowds[number],
            crowds=crowds[number],
            detections=found[number],
        )
        for place, (number, name) in enumerate(truth.categories.items())
    ]


def _mean(values):
    values = values[values > -1]
    return float(values.mean()) if values.size else -1.0
