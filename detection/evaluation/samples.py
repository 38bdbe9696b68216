"""Pictures of annotations beside detections."""

import pathlib

import numpy as np

from detection.evaluation.drawing import (
    DRAWN,
    MIN_SCORE,
    SHEET,
    coco_boxes,
    contact_sheet,
    draw_large,
    draw_scaled,
    side_by_side,
    write_picture,
)
from detection.evaluation.ground_truth import GroundTruth
from detection.evaluation.images import open_stored
from nasnet_tf.files.output_file import make_folder

SAMPLES = 8
_CELL = (400, 300)


def write_samples(
    truth: GroundTruth,
    results: list[dict],
    paths: dict,
    out,
    min_score: float = MIN_SCORE,
    count: int = SAMPLES,
) -> list[pathlib.Path]:
    """Draws some images, evenly spread over those that have objects.

    Each is written into `drawn/`, with its annotations to the left and its
    detections to the right, and all of them small into `contact_sheet.jpg`.

    Args:
        truth: of `read_ground_truth`.
        results: COCO's results of its images.
        paths: of `annotated_images`.
        out: the folder, which exists.
        min_score: of the detections drawn.
        count: how many images.

    Returns:
        The path of the sheet and that of the folder.

    Raises:
        InputError: a picture cannot be written.
    """
    folder = make_folder(pathlib.Path(out) / DRAWN)
    names, cells = truth.categories, []
    chosen = _chosen(truth, count)
    for number in chosen:
        image = open_stored(paths[number], truth.images[number])
        annotated = truth.annotations(number)
        found = [
            entry
            for entry in results
            if entry["image_id"] == number and entry["score"] >= min_score
        ]
        found.sort(key=lambda entry: -entry["score"])
        sides = [coco_boxes(rows, names) for rows in (annotated, found)]
        titles = [
            _annotated_text(annotated),
            f"detected: {len(found)} with a score ≥ {min_score:g}",
        ]
        large = [draw_large(image, boxes) for boxes in sides]
        name = truth.images[number]["file_name"].replace("/", "_")
        path = (folder / name).with_suffix(".jpg")
        write_picture(side_by_side(large, titles), path)
        small = [draw_scaled(image, boxes, _CELL) for boxes in sides]
        cells.append(side_by_side(small, titles))
    captions = [paths[number].name for number in chosen]
    columns = 2 if len(cells) > 2 else 1
    sheet = folder.with_name(SHEET)
    write_picture(contact_sheet(cells, captions, columns), sheet)
    return [sheet, folder]


def _chosen(truth, count):
    annotated = {row["image_id"] for row in truth.dataset["annotations"]}
    numbers = [number for number in truth.images if number in annotated]
    count = min(count, len(numbers))
    places = np.linspace(0, len(numbers) - 1, count).round().astype(int)
    return [numbers[place] for place in places]


def _annotated_text(rows):
    crowds = sum(row["iscrowd"] for row in rows)
    text = f"annotated: {_counted(len(rows) - crowds, 'object')}"
    return f"{text}, {_counted(crowds, 'crowd')}" if crowds else text


def _counted(number, thing):
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
