"""A detector measured, or a file of its results, and the report written."""

import pathlib
import sys

from detection.evaluation.category_check import check_detector_categories
from detection.evaluation.detecting import detect_annotated
from detection.evaluation.drawing import MIN_SCORE, SHEET
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import annotated_images
from detection.evaluation.measures import Metrics, measure
from detection.evaluation.report_files import (
    check_report_files,
    format_metrics,
    write_report,
)
from detection.evaluation.results import (
    PREDICTIONS,
    check_results,
    read_results,
    write_rows,
)
from detection.evaluation.samples import write_samples
from nasnet_tf.checks.arguments import check_number, expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.skipped import Skipped


def evaluate_model(
    model,
    images,
    annotations,
    out,
    min_score: float = MIN_SCORE,
    checkpoint: str | None = None,
    allow_outside: bool = False,
    strict: bool = False,
    bfloat16: bool = False,
) -> Metrics:
    """Evaluates a detector on annotated images, and writes the report.

    Prints COCO's numbers. `out` gets `metrics.json`, `table.md` with all
    categories, `precision_recall.png`, the detections as `predictions.json`
    in the format of COCO's results, and some images with their annotations
    and detections: `drawn/` and `contact_sheet.jpg`.

    Args:
        model: path of a training job's folder, an exported SavedModel or a
            `.tflite` file, or what `detection.detectors.load_detector` made of
            one.
        images: the folder that the names in the annotations begin in.
        annotations: path of a JSON file in COCO's format.
        out: folder, which is made; files in it are overwritten.
        min_score: of the detections that are drawn; the numbers take all.
        checkpoint: of a job's path: its name, such as `"ckpt-400"`; None: the
            latest.
        allow_outside: read images whose names lead out of the folder.
        strict: refuse images that cannot be read; else they are left out with
            their annotations, named and counted, in the report too.
        bfloat16: of a path; see `detection.detectors.load_detector`.

    Raises:
        InputError: something cannot be read or written, an image is missing
            or of another size, or the detector's categories are not those of
            the annotations; one line.
    """
    check_number("min_score", min_score, "[0, 1]")
    out = expanded_path("out", out)
    truth = read_ground_truth(annotations)
    skipped = None if strict else Skipped()
    paths = annotated_images(images, truth, allow_outside, skipped)
    total, truth = len(truth.images), truth.only(paths)
    check_report_files(out, (PREDICTIONS, SHEET))
    # It brings TensorFlow and Model Garden.
    from detection.detectors import load_detector
    from detection.detectors.detector import Detector

    if isinstance(model, Detector):
        detector = model
    else:
        detector = load_detector(model, checkpoint, bfloat16)
    check_detector_categories(detector, truth)
    results = detect_annotated(detector, truth, paths)
    predictions = out / PREDICTIONS
    write_rows(results, predictions)
    facts = {"model": detector.name}
    if skipped and skipped.count:
        facts["skipped"] = skipped.line(total)
    metrics = _report(truth, results, out, detector.name, facts)
    written = write_samples(truth, results, paths, out, min_score)
    for path in (predictions, *written):
        print(f"  {path}")
    if "skipped" in facts:
        print(facts["skipped"], file=sys.stderr)
    return metrics


def evaluate_predictions(
    predictions,
    annotations,
    out=None,
    images=None,
    min_score: float = MIN_SCORE,
    allow_outside: bool = False,
) -> Metrics:
    """Evaluates a file of COCO's results, and writes the report, if wanted.

    Prints COCO's numbers, which are those of pycocotools to the last digit,
    and writes what `evaluate_model` does; the pictures only with `images`.

    Args:
        predictions: path of a JSON list of `image_id`, `category_id`, `bbox`
            as `[x, y, width, height]` and `score`.
        annotations: path of a JSON file in COCO's format.
        out: folder, which is made; files in it are overwritten. None: the
            numbers are printed, and nothing is written.
        images: the folder that the names in the annotations begin in, or
            None.
        min_score: of the detections that are drawn; the numbers take all.
        allow_outside: see `evaluate_model`.

    Raises:
        InputError: see `evaluate_model`; or a detection's category or image
            is not among those of the annotations, or there are images and no
            `out` for the pictures.
    """
    check_number("min_score", min_score, "[0, 1]")
    if images and out is None:
        raise InputError(
            f"images: {images} without out, the folder of the pictures; give "
            "it, or leave images out"
        )
    truth = read_ground_truth(annotations)
    results = read_results(predictions)
    check_results(results, truth)
    paths = None
    if images:
        paths = annotated_images(images, truth, allow_outside)
    if out is not None:
        out = expanded_path("out", out)
        check_report_files(out, (SHEET,) if images else ())
    facts = {"predictions": str(predictions)}
    name = pathlib.Path(predictions).name
    metrics = _report(truth, results, out, name, facts)
    if paths is not None and out is not None:
        for path in write_samples(truth, results, paths, out, min_score):
            print(f"  {path}")
    return metrics


def _report(truth, results, out, name, facts):
    metrics = measure(truth, results)
    title = f"{name} on {truth.path.name}"
    facts = {**facts, "annotations": str(truth.path)}
    print(title)
    print(format_metrics(metrics))
    if out is None:
        return metrics
    print("\nwrote")
    for path in write_report(metrics, out, title, facts):
        print(f"  {path}")
    return metrics
