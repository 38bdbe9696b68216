"""Detections in the format of COCO's results."""

import json

import numpy as np

from detection.data.json_values import is_integer, is_number
from detection.data.problems import few
from detection.detectors.detections import Detections
from detection.evaluation.ground_truth import (
    GroundTruth,
    is_box,
    read_json,
)
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import written_beside

PREDICTIONS = "predictions.json"
_KEYS = ("image_id", "category_id", "bbox", "score")


def read_results(path) -> list[dict]:
    """Reads detections in the format of COCO's results.

    Args:
        path: of a JSON list of dicts of `image_id`, `category_id`, `bbox`,
            which is `[x, y, width, height]` in pixels, and `score`.

    Returns:
        The list; it may be empty.

    Raises:
        InputError: the file is none, or an entry lacks something; names the
            first.
    """
    path = expanded_path("predictions", path)
    results = read_json(path, "predictions")
    if not isinstance(results, list):
        raise InputError(
            f"predictions: {path} holds a {type(results).__name__}, not a "
            "list; give a file in the format of COCO's results"
        )
    for number, entry in enumerate(results):
        if problem := _problem(entry):
            raise InputError(
                f"predictions: entry {number} of {path} {problem}; correct or "
                "remove it"
            )
    return results


def _problem(entry):
    if not isinstance(entry, dict):
        return "is no dict"
    if missing := [key for key in _KEYS if key not in entry]:
        return f"lacks {few(missing)}"
    for key in ("image_id", "category_id"):
        if not is_integer(entry[key]):
            return f"has {key} {entry[key]!r}, not a whole number"
    if not is_box(entry["bbox"]):
        return (
            f"has bbox {entry['bbox']!r}, not four finite numbers "
            "[x, y, width, height]"
        )
    if not is_number(entry["score"]):
        return f"has score {entry['score']!r}, not a finite number"
    return None


def check_results(results: list[dict], truth: GroundTruth) -> None:
    """Tells whether detections belong to annotations.

    pycocotools itself leaves out categories that it does not know, so that a
    wrong mapping of classes shows as an average precision near 0.

    Args:
        results: of `read_results`.
        truth: of `read_ground_truth`.

    Raises:
        InputError: a category or an image is not among those of the
            annotations; names them.
    """
    categories, images = truth.categories, truth.images
    found = dict.fromkeys(entry["category_id"] for entry in results)
    if unknown := sorted(found.keys() - categories.keys()):
        count = sum(entry["category_id"] in unknown for entry in results)
        raise InputError(
            f"predictions: {count:,} of {len(results):,} have category_id "
            f"{few(unknown)}, which {truth.path} lacks (it has "
            f"{id_range(categories)}); map the classes to its ids"
        )
    found = dict.fromkeys(entry["image_id"] for entry in results)
    if unknown := [name for name in found if name not in images]:
        raise InputError(
            f"predictions: image_id {few(map(repr, unknown))}: not among the "
            f"{len(images):,} images of {truth.path}; give the annotations "
            "of the same images"
        )


def id_range(ids) -> str:
    """Such as `80 ids from 1 to 90`."""
    ids = sorted(ids)
    if len(ids) == 1:
        return f"the id {ids[0]} only"
    return f"{len(ids):,} ids from {ids[0]} to {ids[-1]}"


def to_results(image_id, detections: Detections, **more) -> list[dict]:
    """The detections of one image as COCO's results.

    Args:
        image_id: of the image.
        detections: n of them.
        **more: plain values that each entry gets too.

    Returns:
        n dicts of Python's own numbers, each the shortest that float32
        reads back unchanged.
    """
    boxes = np.asarray(detections.boxes, np.float32).reshape(-1, 4)
    # COCO has x before y.
    low, high = boxes[:, 1::-1], boxes[:, :1:-1]
    boxes = np.concatenate([low, np.maximum(high - low, 0)], axis=1)
    return [
        {
            "image_id": image_id,
            "category_id": int(category),
            "bbox": [_shortest(value) for value in box],
            "score": _shortest(score),
            **more,
        }
        for box, score, category in zip(
            boxes,
            np.asarray(detections.scores, np.float32),
            detections.classes,
            strict=True,
        )
    ]


def _shortest(value):
    # NumPy writes a float32 as shortly as it can be read back.
    return float(str(value))


def write_rows(rows: list[dict], path) -> None:
    """Writes a JSON list, a line for each entry, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    lines = (
        json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows
    )
    text = "[\n" + ",\n".join(lines) + "\n]\n" if rows else "[]\n"
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
